/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ps_table.h"
#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/live_cgroup.h"

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	cleanup_str struct str out = STR_EMPTY;
	cleanup_free pid_t *pids = NULL;
	struct record *record;
	size_t n = 0;

	if (store_find(call->store, call->args[0], call->arena, &record, err) < 0 ||
	    live_cgroup_processes(call, record, &pids, &n, err) < 0)
		return -1;
	if (ps_table_run(&out, call->args + 1, pids, n, err) < 0)
		return err->code == ENOENT ? error_hint(err, "install the package procps") : -1;
	return fields_print(&out);
}

const struct command command_top = {
	.about = {
		.name = "top",
		.summary = "list the processes of a container",
		.arguments = "CONTAINER [PS-OPTION...]",
		.description =
			"Runs the machine's ps(1) with the options given behind the container "
			"(without any: -ef), and prints those of its lines that are the "
			"container's.\n\n"
			"   rustbox top web -eo pid,stat,args",
		.order = OPTIONS_FIRST,
		.takes_container = true,
	},
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
