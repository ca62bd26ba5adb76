/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/doctor.h"

#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/format/format.h"

struct doctor_options {
	const char *format;
};

static const struct option_row rows[] = {
	{ "format", 'f', "FORM", "table, json, columns (Status,Name) or a template ({{.Name}})",
	  OPTION_AT(doctor_options, format) },
	{ NULL },
};

static const struct format_column columns[] = {
	{ "STATUS", "Status" }, { "CHECK", "Name" }, { "FOUND", "Detail" },
	{ "REMEDY", "Remedy" }, { NULL, NULL },
};

static const struct {
	const char *name;
	bool is_needed; /* no container runs without it */
	doctor_check *check;
	bool is_for_root; /* of what an ordinary user's containers cannot have */
} checks[] = {
	{ "root", true, doctor_root },
	{ "kernel", true, doctor_calls },
	{ "cgroups", true, doctor_controllers },
	{ "limits", false, doctor_limits },
	{ "overlay", true, doctor_overlay },
	{ "seccomp", true, doctor_seccomp },
	{ "runtime", true, doctor_runtime },
	{ "space", true, doctor_space },
	{ "containers", true, doctor_containers },
	{ "leftovers", false, doctor_leftovers },
	{ "user namespaces", false, doctor_user_namespaces, true },
	{ "idmapped mounts", false, doctor_idmap, true },
	{ "subordinate ids", false, doctor_subuid, true },
	{ "networks", false, doctor_network, true },
	{ "criu", false, doctor_criu },
	{ "ps", false, doctor_ps },
};
enum { CHECKS = sizeof(checks) / sizeof(*checks) };

static const struct value *look(const struct invocation *call, size_t i, int *ret_exit_code,
				struct error *err)
{
	cleanup_str struct str detail = STR_EMPTY, remedy = STR_EMPTY;
	struct finding finding = { STR_EMPTY, STR_EMPTY };
	struct fields f = { .arena = call->arena, .err = err };
	bool left_out = checks[i].is_for_root && call->store->is_rootless;
	bool good = left_out || checks[i].check(call, &finding);

	if (left_out)
		str_add(&finding.detail, "for root only");

	detail = finding.detail;
	remedy = finding.remedy;
	if (!good && checks[i].is_needed)
		*ret_exit_code = EXIT_FAILURE;
	fields_text(&f, "Status", good ? "ok" : checks[i].is_needed ? "missing" : "warning");
	fields_text(&f, "Name", checks[i].name);
	fields_text(&f, "Detail", detail.text);
	fields_text(&f, "Remedy", good ? "" : remedy.text);
	return fields_end(&f);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct doctor_options *options = call->options;
	cleanup_str struct str out = STR_EMPTY;
	const struct value *values[CHECKS];

	for (size_t i = 0; i < CHECKS; i++) {
		values[i] = look(call, i, ret_exit_code, err);
		if (!values[i])
			return -1;
	}
	if (format_rows(options->format, columns, values, CHECKS, false, &out, err) < 0)
		return -1;
	return fields_print(&out);
}

const struct command command_doctor = {
	.about = {
		.name = "doctor",
		.summary = "look for what this machine lacks",
		.arguments = "",
		.description = "\"missing\" is what no container runs without, and makes the exit "
			       "code 1; a \"warning\" is about what some options need.",
		.rows = rows,
	},
	.options_size = sizeof(struct doctor_options),
	.run = run,
};
