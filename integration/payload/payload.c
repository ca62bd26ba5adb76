/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The integration tests' payload: a static program that looks at a container
 * from inside, or does something in it, and prints what it sees, a line a fact.
 *
 *   payload COMMAND [ARGUMENT...] [+ COMMAND [ARGUMENT...]]...
 *
 * Commands are run in turn, in one process. A failed system call prints the
 * errno's name ("EPERM") and goes on; only `exit` and signals end it early.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/payload/payload.h"

long number(const char *text)
{
	char *end = NULL;
	errno = 0;
	long value = strtol(text, &end, 0);
	if (errno || end == text || *end) {
		fprintf(stderr, "payload: '%s' is not a number\n", text);
		exit(125);
	}
	return value;
}

static const struct command *find_command(const char *name)
{
	static const struct command *const tables[] = { attack_commands, file_commands,
							identity_commands, process_commands,
							terminal_commands };
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct command *c = tables[i]; c->name; c++)
			if (!strcmp(name, c->name))
				return c;
	return NULL;
}

static void run_command(int argc, char **argv)
{
	const struct command *command = argc ? find_command(argv[0]) : NULL;
	if (!command) {
		fprintf(stderr, "payload: no command '%s'\n", argc ? argv[0] : "");
		exit(125);
	}
	command->run(argc, argv);
}

int main(int argc, char **argv)
{
	for (int first = 1, i = 1; i <= argc; i++)
		if (i == argc || !strcmp(argv[i], "+")) {
			argv[i] = NULL;
			run_command(i - first, argv + first);
			first = i + 1;
		}
	return 0;
}
