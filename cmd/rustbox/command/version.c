/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/utsname.h>

#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/format/format.h"

struct version_options {
	const char *format;
};

static const struct option_row rows[] = {
	{ "format", 'f', "FORM", "json, or a template ({{.Version}})",
	  OPTION_AT(version_options, format) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct version_options *options = call->options;
	struct fields f = { .arena = call->arena, .err = err };
	cleanup_str struct str out = STR_EMPTY;
	const struct value *value;
	struct utsname name;

	if (uname(&name) < 0)
		return error_set(err, errno, "uname");
	if (!options->format) {
		program_print_version();
		printf("OS/Arch: linux/%s\nkernel: %s\n", name.machine, name.release);
		return 0;
	}
	fields_text(&f, "Version", RUSTBOX_VERSION);
	fields_text(&f, "GitCommit", RUSTBOX_COMMIT);
	fields_text(&f, "Os", "linux");
	fields_text(&f, "Arch", name.machine);
	fields_text(&f, "KernelVersion", name.release);
	value = fields_end(&f);
	if (!value || format_documents(options->format, &value, 1, &out, err) < 0)
		return -1;
	return fields_print(&out);
}

const struct command command_version = {
	.about = {
		.name = "version",
		.summary = "print versions of the program and the kernel",
		.arguments = "",
		.rows = rows,
	},
	.options_size = sizeof(struct version_options),
	.needs_no_store = true,
	.run = run,
};
