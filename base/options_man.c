/* SPDX-License-Identifier: Apache-2.0 */
/* A man page from the tables, in the language of man(7). */
#include <ctype.h>
#include <string.h>

#include "base/options_names.h"

/* Text as troff takes it: hyphens that can be copied, backslashes, no control lines. */
static void add_escaped(struct str *s, const char *text, size_t length)
{
	bool line_start = true;

	for (const char *p = text; p < text + length; p++) {
		if (line_start && (*p == '.' || *p == '\''))
			str_add(s, "\\&");
		line_start = *p == '\n';
		switch (*p) {
		case '-':
			str_add(s, "\\-");
			break;
		case '\\':
			str_add(s, "\\e");
			break;
		default:
			str_add_bytes(s, p, 1);
		}
	}
}

static void add_text(struct str *s, const char *text)
{
	add_escaped(s, text, strlen(text));
}

static void add_capital(struct str *s, char letter)
{
	char capital = (char)toupper((unsigned char)letter);

	add_escaped(s, &capital, 1);
}

static void add_paragraphs(struct str *s, const char *text)
{
	while (text && *text) {
		const char *end = strstr(text, "\n\n");
		size_t length = end ? (size_t)(end - text) : strlen(text);
		size_t indent = strspn(text, " ");

		str_add(s, indent ? ".PP\n.RS 4\n.nf\n" : ".PP\n");
		if (indent < length)
			add_escaped(s, text + indent, length - indent);
		str_add(s, indent ? "\n.fi\n.RE\n" : "\n");
		text += length + strspn(text + length, "\n");
	}
}

static void add_option(struct str *s, const struct option_row *row)
{
	str_add(s, ".TP\n");
	if (row->letter)
		str_add_format(s, "\\fB\\-%c\\fR, ", row->letter);
	str_add(s, "\\fB\\-\\-");
	add_text(s, row->name);
	str_add(s, "\\fR");
	if (row->argument)
		str_add_format(s, " \\fI%s\\fR", row->argument);
	str_add(s, "\n");
	add_text(s, row->help);
	for (int i = 0; row->choices && row->choices[i]; i++)
		str_add_format(s, "%s\\fB%s\\fR", i ? ", " : ": ", row->choices[i]);
	if (row->fallback)
		str_add_format(s, " (default: \\fB%s\\fR)", row->fallback);
	str_add(s, ".\n");
}

static void add_options(struct str *s, const struct option_row *rows)
{
	for (const struct option_row *row = rows; row && row->name; row++)
		if (!row->hidden)
			add_option(s, row);
}

static void add_command(struct str *s, const struct options_program *program, size_t index)
{
	const struct options_command *command = program->command(index);
	const char *const *aliases = options_aliases(program, index);

	str_add(s, ".SS ");
	add_text(s, command->name);
	str_add(s, "\n\\fB");
	add_text(s, program->name);
	str_add_format(s, " %s\\fR [\\fIoptions\\fR]", command->name);
	if (*command->arguments) {
		str_add(s, " \\fI");
		add_text(s, command->arguments);
		str_add(s, "\\fR");
	}
	str_add(s, "\n.PP\n");
	add_capital(s, command->summary[0]);
	add_text(s, command->summary + 1);
	str_add(s, ".\n");
	for (const char *const *alias = aliases; alias && *alias; alias++) {
		str_add(s, alias == aliases ? "Also called " : ", ");
		add_text(s, *alias);
		str_add(s, alias[1] ? "" : ".\n");
	}
	add_paragraphs(s, command->description);
	add_options(s, command->rows);
}

static void add_notes(struct str *s, const struct options_note *note)
{
	const char *section = "";

	for (; note && note->section; note++) {
		if (strcmp(note->section, section) != 0)
			str_add_format(s, ".SH %s\n", note->section);
		section = note->section;
		if (!note->term) {
			add_paragraphs(s, note->text);
			continue;
		}
		str_add(s, ".TP\n\\fB");
		add_text(s, note->term);
		str_add(s, "\\fR\n");
		add_text(s, note->text);
		str_add(s, "\n");
	}
}

void options_add_man(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	str_add(s, ".TH ");
	for (const char *p = program->name; *p; p++)
		add_capital(s, *p);
	str_add_format(s, " 8 \"\" \"%s %s\" \"System administration\"\n.SH NAME\n", program->name,
		       program->version);
	add_text(s, program->name);
	str_add(s, " \\- ");
	add_text(s, program->summary);
	str_add(s, "\n.SH SYNOPSIS\n\\fB");
	add_text(s, program->name);
	str_add(s, "\\fR [\\fIglobal options\\fR] \\fICOMMAND\\fR [\\fIoptions\\fR] "
		   "[\\fIarguments\\fR]\n.SH DESCRIPTION\n");
	add_paragraphs(s, program->description);
	str_add(s, ".SH GLOBAL OPTIONS\n");
	add_options(s, program->rows);
	str_add(s, ".SH COMMANDS\n");
	for (size_t i = 0; (command = program->command(i)); i++)
		if (!command->hidden)
			add_command(s, program, i);
	add_notes(s, program->notes);
}
