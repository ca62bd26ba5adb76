/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/ps_table.h"
#include "cmd/rustbox-runtime/command.h"

enum { FORMAT_TABLE, FORMAT_JSON };
static const char *const format_names[] = { "table", "json", NULL };

struct ps_options {
	int format;
};

static const struct option_row rows[] = {
	{ "format", 'f', "FORMAT", "how to print them; json is an array of process ids",
	  OPTION_AT(ps_options, format), .choices = format_names, .fallback = "table" },
	{ NULL },
};

static int add_table(struct str *s, const struct invocation *call, const pid_t *pids, size_t n_pids,
		     struct error *err)
{
	if (ps_table_run(s, call->args + 1, pids, n_pids, err) == 0)
		return 0;
	return err->code == ENOENT ? error_hint(err, "--format json needs none") : -1;
}

static void add_json(struct str *s, const pid_t *pids, size_t n_pids)
{
	str_add(s, "[");
	for (size_t i = 0; i < n_pids; i++)
		str_add_format(s, "%s%d", i ? "," : "", (int)pids[i]);
	str_add(s, "]\n");
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct ps_options *options = call->options;
	cleanup_str struct str s = STR_EMPTY;
	cleanup_free pid_t *pids = NULL;
	struct container_view view;
	size_t n_pids = 0;

	if (container_look(call->engine, call->args[0], call->arena, &view, err) < 0 ||
	    container_processes(&view, &pids, &n_pids, err) < 0)
		return -1;
	if (options->format == FORMAT_JSON)
		add_json(&s, pids, n_pids);
	else if (add_table(&s, call, pids, n_pids, err) < 0)
		return -1;
	cleanup_free char *text = str_take(&s, err);
	if (!text)
		return -1;
	(void)fputs(text, stdout);
	return 0;
}

const struct command command_ps = {
	.about = {
		.name = "ps",
		.summary = "list the processes of a container",
		.arguments = "ID [PS-OPTION...]",
		.description =
			"Runs ps(1) with the options given behind the id (without any: -ef), and "
			"prints those of its lines that are the container's.\n\n"
			"   rustbox-runtime ps my-container -eo pid,stat,args",
		.rows = rows,
		.order = OPTIONS_FIRST,
		.takes_container = true,
	},
	.options_size = sizeof(struct ps_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
