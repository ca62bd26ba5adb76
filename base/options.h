/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options by table: one row an option. From the same table come
 * the filled struct, --help, the man page and the shells' completions.
 *
 *	static const struct option_row rows[] = {
 *		{ "bundle", 'b', "DIR", "where config.json is",
 *		  OPTION_AT(create_options, bundle), .path = OPTION_DIRECTORY },
 *		{ "detach", 'd', NULL, "do not wait", OPTION_AT(create_options, detach) },
 *		{ NULL },
 *	};
 *
 * The C type of the member decides how the argument is read, so a row cannot
 * disagree with its struct.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct option_int {
	bool set;
	int64_t value;
};
struct option_uint {
	bool set;
	uint64_t value;
};
struct option_strings {
	char **items; /* ends with NULL; NULL when there are none */
	size_t count;
};
struct option_numbers {
	uint32_t *items;
	size_t count;
};

enum option_kind {
	OPTION_FLAG,	/* bool: given or not; "--x=false" takes it back */
	OPTION_STRING,	/* const char *: NULL when not given; the last one counts */
	OPTION_STRINGS, /* struct option_strings: repeatable */
	OPTION_INT,	/* struct option_int */
	OPTION_UINT,	/* struct option_uint */
	OPTION_NUMBERS, /* struct option_numbers: repeatable */
	OPTION_CHOICE,	/* int: index into `choices` */
};

/*
 * A text that is a path is made absolute against the current directory, by
 * text alone. An empty path counts as not given. OPTION_FILE_OR_WORD is completed
 * like a file, and stays as it was given.
 */
enum option_path { OPTION_NO_PATH, OPTION_FILE, OPTION_DIRECTORY, OPTION_FILE_OR_WORD };

struct option_row {
	const char *name;     /* without dashes */
	char letter;	      /* 0: none; 'h' is --help's */
	const char *argument; /* what help texts call it; NULL for flags */
	const char *help;     /* begins with a small letter, no full stop */

	size_t offset;
	enum option_kind kind;
	enum option_path path;
	int64_t min; /* OPTION_INT; with max 0 as well: no bounds */
	int64_t max; /* OPTION_INT, OPTION_UINT, OPTION_NUMBERS; 0: what the type holds */
	const char *const *choices; /* ends with NULL */
	const char *fallback;	    /* text or choice that counts when none is given */
	bool hidden;		    /* understood, and left out of every text */
	const char *instead;	    /* of an option that is refused by name: what to use */
};

#define OPTION_KIND_OF(m)                                                                          \
	_Generic((m),                                                                              \
		bool: OPTION_FLAG,                                                                 \
		const char *: OPTION_STRING,                                                       \
		struct option_strings: OPTION_STRINGS,                                             \
		struct option_int: OPTION_INT,                                                     \
		struct option_uint: OPTION_UINT,                                                   \
		struct option_numbers: OPTION_NUMBERS,                                             \
		int: OPTION_CHOICE)

#define OPTION_AT(s, m) .offset = offsetof(struct s, m), .kind = OPTION_KIND_OF(((struct s *)0)->m)

enum options_order {
	OPTIONS_ANYWHERE, /* before, between and behind the arguments, up to "--" */
	OPTIONS_FIRST,	  /* the first argument ends the options */
};

/*
 * Reads argv[1] and on (argv ends with NULL) into *out, which the caller has
 * zeroed. Long options may have one dash or two, short ones may be joined; a
 * value may follow "=" or be the next argument. Names count only in full.
 * What is no option goes to *ret_rest (ends with NULL, in the arena).
 *
 * Returns 0; 1 when --help or -h was met (then *out and *ret_rest are not to
 * be used); -1 with err. Uses getopt(3), which keeps its state in globals:
 * one call at a time.
 */
int options_parse(const struct option_row *rows, enum options_order order, char **argv, void *out,
		  struct arena *arena, char ***ret_rest, struct error *err);

/*
 * The name that was probably meant. Set `word`, offer what there is, then
 * `name` is the nearest of them, NULL when none is near.
 */
struct options_nearest {
	const char *word, *name;
	size_t distance;
};
void options_offer(struct options_nearest *nearest, const char *name);

/* What texts need to know of a command, and of a program. */
struct options_command {
	const char *name;	       /* of one word, or two: "network list" */
	const char *summary;	       /* one line, begins with a small letter */
	const char *arguments;	       /* "ID [SIGNAL]", "" */
	const char *description;       /* paragraphs, with a blank line between; NULL: none */
	const struct option_row *rows; /* NULL: none */
	enum options_order order;
	bool takes_container; /* the first argument is the id of one */
	bool hidden;
};
/* An entry behind the commands of a man page: EXIT STATUS, FILES and their like. */
struct options_note {
	const char *section; /* equal ones follow each other */
	const char *term;    /* "RUSTBOX_ROOT"; NULL: `text` is paragraphs */
	const char *text;
};
struct options_program {
	const char *name;
	const char *summary, *description;
	const char *version;
	const struct option_row *rows;
	const struct options_command *(*command)(size_t index); /* NULL behind the last one */
	/* Other names of command(index), ending with NULL; NULL: none. May be NULL. */
	const char *const *(*aliases)(size_t index);
	const char *list_ids; /* the arguments that make the program print the ids, for shells */
	const struct options_note *notes; /* ends with a section NULL; NULL: none */
};

/* --help. */
void options_add_help(struct str *s, const struct options_program *program);
void options_add_command_help(struct str *s, const struct options_program *program,
			      const struct options_command *command);
/* A page of section 8, in man(7)'s language. */
void options_add_man(struct str *s, const struct options_program *program);
/* What the shells read. */
void options_add_bash(struct str *s, const struct options_program *program);
void options_add_zsh(struct str *s, const struct options_program *program);
void options_add_fish(struct str *s, const struct options_program *program);

/* The same on standard output: help of a command, or of the program (NULL). */
int options_print_help(const struct options_program *program, const struct options_command *command,
		       struct error *err);
/* form: "bash", "zsh", "fish" or "man"; another is an error. */
int options_print_text(const struct options_program *program, const char *form, struct error *err);
