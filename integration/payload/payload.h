/* SPDX-License-Identifier: Apache-2.0 */
/* What the payload's commands share: a table of rows for each subject, and how they speak. */
#pragma once

#include <stdbool.h>

struct command {
	const char *name;
	void (*run)(int argc, char **argv); /* argv[0] is the name */
};

/* Each ends with an empty row. */
extern const struct command attack_commands[], file_commands[], identity_commands[],
	process_commands[], terminal_commands[];

/* A number of the command line; one that is none ends the program. */
long number(const char *text);

/* A line. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

void say_errno(void);

/* Says "ok" or the errno. */
void say_result(long result);

/* Copies a file to stdout; false with errno when it cannot be opened or read. */
bool copy_out(const char *path);
