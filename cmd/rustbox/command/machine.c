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
#include "runtime/cgroup.h"
#include "shim/engine_command.h"

enum { CONTROLLERS_MAX = 64, OUTPUT_SIZE = 4096, VERSION_MS = 10000 };

/* ---- cgroups ---- */

/* Words of a text, each once, at the end of the list. */
static int add_controllers(struct machine_cgroups *ret, const char *text, const char *separators,
			   struct arena *arena, struct error *err)
{
	while (*(text += strspn(text, separators))) {
		size_t size = strcspn(text, separators);
		const char *word = arena_strndup(arena, text, size, err);
		if (!word)
			return -1;
		if (!str_starts_with(word, "name=") && ret->n < CONTROLLERS_MAX &&
		    !machine_has_controller(ret, word))
			ret->controllers[ret->n++] = word;
		text += size;
	}
	return 0;
}

/* "/sys/fs/cgroup/…/probe": what its parent can give to it. */
static int add_unified(struct machine_cgroups *ret, const char *path, struct arena *arena,
		       struct error *err)
{
	const char *file = arena_format(arena, err, "%.*s/cgroup.controllers",
					(int)(strrchr(path, '/') - path), path);
	char text[1024];

	if (!file)
		return -1;
	if (fd_read_short(AT_FDCWD, file, text, sizeof(text)) < 0)
		return error_set(err, errno, "read %s", file);
	return add_controllers(ret, text, " \n", arena, err);
}

int machine_find_cgroups(struct arena *arena, struct machine_cgroups *ret, struct error *err)
{
	struct machine_cgroups found = { .version = "none" };
	bool unified = false, old = false;
	struct cgroup cgroup;

	found.controllers = arena_array(arena, CONTROLLERS_MAX, sizeof(*found.controllers), err);
	if (!found.controllers || cgroup_locate(&cgroup_machine_default, CGROUP_MANAGER_CGROUPFS,
						"/probe", "probe", false, arena, &cgroup, err) < 0)
		return -1;
	for (size_t i = 0; i < cgroup.n_directories; i++) {
		const struct cgroup_directory *directory = &cgroup.directories[i];
		bool is_unified = !*directory->controllers;
		int added = is_unified ? add_unified(&found, directory->path, arena, err)
				       : add_controllers(&found, directory->controllers, ",", arena,
							 err);
		if (added < 0)
			return -1;
		unified |= is_unified;
		old |= !is_unified;
	}
	found.version = unified && old ? "hybrid" : unified ? "2" : "1";
	*ret = found;
	return 0;
}

bool machine_has_controller(const struct machine_cgroups *cgroups, const char *name)
{
	for (size_t i = 0; i < cgroups->n; i++)
		if (strcmp(cgroups->controllers[i], name) == 0)
			return true;
	return str_equal(cgroups->version, "2") &&
	       (strcmp(name, "freezer") == 0 || strcmp(name, "devices") == 0);
}

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
