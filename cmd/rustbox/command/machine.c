/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/machine.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "shim/engine_command.h"

enum { OUTPUT_SIZE = 4096, VERSION_MS = 10000 };

/* ---- the kernel ---- */

bool machine_has_seccomp(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static void wait_for_death(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		(void)pause();
}

static int map_ids(pid_t child, struct error *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
	if (fd_write_file(AT_FDCWD, path, "0 100000 65536\n", err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	return fd_write_file(AT_FDCWD, path, "0 100000 65536\n", err);
}

int machine_make_user_namespace(struct error *err)
{
	char path[64];
	int fd = -1;
	pid_t child = process_clone(CLONE_NEWUSER, -1, NULL);

	if (child < 0)
		return error_set(err, errno, "make a user namespace");
	if (child == 0)
		wait_for_death();
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", child);
	if (map_ids(child, err) == 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			error_set(err, errno, "open %s", path);
	}
	process_kill_and_reap(child);
	return fd;
}

/* ---- programs ---- */

const char *machine_find_program(const char *name, struct arena *arena)
{
	static const char others[] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";
	const char *folders[] = { getenv("PATH"), others };
	struct error ignored;

	for (size_t i = 0; i < 2; i++)
		for (const char *at = folders[i] ? folders[i] : ""; *at;) {
			size_t n = strcspn(at, ":");
			const char *path =
				arena_format(arena, &ignored, "%.*s/%s", (int)n, at, name);
			if (path && *path == '/' && access(path, X_OK) == 0)
				return path;
			at += n + (at[n] == ':');
		}
	return NULL;
}

int machine_find_runtime(struct arena *arena, const char **ret_path, const char **ret_version,
			 struct error *err)
{
	cleanup_free char *path = engine_command_find_own(err);
	char option[] = "--version", output[OUTPUT_SIZE] = "";
	int status;

	if (!path)
		return -1;
	char *const args[] = { path, option, NULL };
	const struct process_run run = { .path = path,
					 .args = args,
					 .timeout_ms = VERSION_MS,
					 .output = output,
					 .output_size = sizeof(output) };
	if (process_run(&run, &status, err) < 0)
		return -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, 0, "%s --version: exit code %d", path,
				 process_exit_code(status));
	*ret_path = arena_strdup(arena, path, err);
	*ret_version = arena_strndup(arena, output, strcspn(output, "\n"), err);
	return *ret_path && *ret_version ? 0 : -1;
}
