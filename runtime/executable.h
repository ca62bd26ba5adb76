/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's executable: found as execvp(3) would, and where it cannot be
 * executed, why: execve(2) answers "no such file" for a missing interpreter as
 * for a missing file. All paths are as the caller sees them, inside the
 * container. The files are foreign bytes: reads are bounded, nothing blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * Finds args[0]: as it is when it has a slash, otherwise in the PATH of `env`
 * (without one: /bin:/usr/bin). It must be a regular file that the caller's
 * effective ids and capabilities may execute. *ret_path from the arena.
 */
int executable_find(const char *name, char *const *env, struct arena *arena, char **ret_path,
		    struct error *err);

enum executable_kind {
	EXECUTABLE_UNREADABLE, /* nothing is known: missing, or not readable for us */
	EXECUTABLE_EMPTY,
	EXECUTABLE_SCRIPT,
	EXECUTABLE_ELF,
	EXECUTABLE_OTHER,
};

enum { EXECUTABLE_INTERPRETER_MAX = 512 };

/* What a file's own bytes say. */
struct executable_format {
	enum executable_kind kind;
	char interpreter[EXECUTABLE_INTERPRETER_MAX]; /* of "#!" or PT_INTERP; "" for none */
	bool crlf;	  /* the interpreter's name ends in the CR of a CR LF line */
	bool cut;	  /* the "#!" line or the loader's path is longer than can be */
	uint16_t machine; /* ELF: e_machine */
	uint16_t type;	  /* ELF: e_type */
	bool is_64;
};

/* Reads `size` bytes at the offset; the number read, 0 at the end, -1 on failure. */
struct executable_source {
	ssize_t (*read)(const struct executable_source *source, void *buffer, size_t size,
			uint64_t offset);
	int fd;		  /* for a file */
	const void *data; /* for memory */
	size_t size;
};
void executable_parse(const struct executable_source *source, struct executable_format *ret);

/* What can be seen of a path without executing it. */
struct executable_facts {
	mode_t mode; /* 0: it is not there */
	bool noexec; /* on a mount with that option */
	struct executable_format format;
	/* The interpreter, if there is one; only one level is looked at. */
	int interpreter_error; /* errno of finding it executable, 0: it is */
	struct executable_format interpreter_format;
	int loader_error; /* of a script's interpreter's own loader */
};
void executable_examine(const char *path, struct executable_facts *ret);

/*
 * At create: fails when the interpreter or loader cannot be executed, or the
 * file is empty. Another architecture or an unknown format is let through,
 * since binfmt_misc may know them, which cannot be seen from inside.
 */
int executable_check(const char *path, const struct executable_facts *facts, struct error *err);

/*
 * The error for an execve(2) that failed with `code`: "exec PATH: no such file
 * or directory (the file is there, but …)". facts: NULL to look now. Returns -1.
 */
int executable_explain(const char *path, int code, const struct executable_facts *facts,
		       struct error *err);
