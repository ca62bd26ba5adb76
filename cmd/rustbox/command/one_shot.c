/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `rustbox --base-dir DIR …` without a command word: a shell in a fresh
 * sandbox, in the foreground, which leaves nothing behind.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "cmd/rustbox/command/as_run.h"
#include "cmd/rustbox/container/session.h"

/* /bin/bash where the root file system has it. */
static const char *find_shell(const char *base_dir)
{
	cleanup_fd int root = open(base_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int bash = -1;
	struct error ignored;

	if (root >= 0)
		bash = path_open_in_root(root, "/bin/bash", O_PATH, &ignored);
	return bash >= 0 ? "/bin/bash" : "/bin/sh";
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct global_options *global = call->global;
	cleanup_free char *base_dir =
		path_absolute(global->base_dir ? global->base_dir : "rootfs", err);
	struct as_run words = { 0 };

	if (!base_dir)
		return -1;
	as_run_add(&words, call, "run", err);
	as_run_add(&words, call, "--rm", err);
	as_run_add(&words, call, "--interactive", err);
	if (session_has_terminal())
		as_run_add(&words, call, "--tty", err);
	if (!call->store->is_rootless) /* who is in one already */
		as_run_add(&words, call, "--isolate-user", err);
	as_run_add(&words, call, "--isolate-network", err);
	as_run_add_option(&words, call, "rootfs", base_dir, err);
	as_run_add_option(&words, call, "memory", global->memory, err);
	as_run_add_option(&words, call, "cpus", global->cpu_limit, err);
	as_run_add_option(&words, call, "workdir", global->workdir, err);
	as_run_add(&words, call, "--", err);
	as_run_add(&words, call, global->shell ? global->shell : find_shell(base_dir), err);
	return as_run_finish(&words, call, ret_exit_code, err);
}

const struct command command_one_shot = {
	.about = {
		.name = "one-shot",
		.summary = "run a shell in a fresh sandbox",
		.arguments = "",
		.hidden = true,
	},
	.failure_code = EXIT_ENGINE,
	.run = run,
};
