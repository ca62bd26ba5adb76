/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody has cleaned up after. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/mountinfo.h"
#include "cmd/rustbox/command/doctor.h"
#include "runtime/cgroup.h"

enum { MOUNTINFO_SIZE = 64 * 1024 * 1024, SHOWN_MAX = 5, AGE_LEAST = 60 };

/* Listing them puts lost ones right: after that they are what they are said to be. */
bool doctor_containers(const struct invocation *call, struct finding *finding)
{
	struct record **records;
	size_t n, live = 0;
	struct error err;

	if (store_list(call->store, call->arena, &records, &n, &err) < 0) {
		str_add(&finding->detail, err.text);
		str_add(&finding->remedy, "rustbox list --all has to work");
		return false;
	}
	for (size_t i = 0; i < n; i++)
		live += record_is_live(records[i]);
	str_add_format(&finding->detail, "%zu, %zu of them live", n, live);
	return true;
}

/* ---- what is left ---- */

struct leftovers {
	const struct invocation *call;
	struct finding *finding;
	size_t n;
};

static void note(struct leftovers *left, const char *path, const char *remover)
{
	if (++left->n > SHOWN_MAX)
		return;
	str_add_format(&left->finding->detail, "%s%s", left->n > 1 ? ", " : "", path);
	str_add_format(&left->finding->remedy, "%s%s %s", left->n > 1 ? "; " : "", remover, path);
}

/* The id that is the next part of the path; false for one whose container lives. */
static bool is_stale(const struct leftovers *left, const char *path)
{
	char id[STORE_ID_LENGTH + 1] = "";

	strncat(id, path, STORE_ID_LENGTH);
	return store_is_id(id) && (!path[STORE_ID_LENGTH] || path[STORE_ID_LENGTH] == '/') &&
	       !store_is_supervised(left->call->store, id);
}

static const char *below(const char *path, const char *folder)
{
	size_t size = strlen(folder);

	return str_starts_with(path, folder) && path[size] == '/' ? path + size + 1 : NULL;
}

static void find_mounts(struct leftovers *left, const char *folder)
{
	cleanup_free char *text = NULL, *real = realpath(folder, NULL);
	struct mountinfo mount;
	struct error ignored;
	char *cursor;

	if (!real || fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_SIZE, &text, NULL,
				  &ignored) < 0)
		return;
	cursor = text;
	while (mountinfo_next(&cursor, &mount)) {
		const char *rest = below(mount.point, real);
		if (rest && is_stale(left, rest))
			note(left, mount.point, "umount");
	}
}

/* Containers of another root folder that begin or end just now have empty ones, too. */
static bool is_old(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && time(NULL) - st.st_mtime >= AGE_LEAST;
}

/* One with processes in it may belong to a container of another root folder. */
static bool is_empty(const char *path)
{
	char name[] = "";
	struct cgroup_directory directory = { .controllers = name };
	struct cgroup cgroup = { .directories = &directory, .n_directories = 1 };
	cleanup_free pid_t *pids = NULL;
	cleanup_free char *copy = strdup(path);
	struct error ignored;
	size_t n = 0;

	directory.path = copy;
	return copy && cgroup_processes(&cgroup, &pids, &n, &ignored) == 0 && n == 0;
}

static void find_cgroups(struct leftovers *left, const char *folder)
{
	DIR *directory = opendir(folder);
	const struct dirent *entry;
	struct error ignored;

	while (directory && (entry = readdir(directory))) {
		const char *path =
			arena_format(left->call->arena, &ignored, "%s/%s", folder, entry->d_name);
		if (path && is_stale(left, entry->d_name) && is_old(path) && is_empty(path))
			note(left, path, "rmdir");
	}
	if (directory)
		(void)closedir(directory);
}

bool doctor_leftovers(const struct invocation *call, struct finding *finding)
{
	struct leftovers left = { .call = call, .finding = finding };
	struct cgroup cgroup;
	struct error ignored;
	const char *bundles = arena_format(call->arena, &ignored, "%s/bundles", call->store->root);

	if (bundles)
		find_mounts(&left, bundles);
	find_mounts(&left, call->store->run);
	if (cgroup_locate(&cgroup_machine_default, CGROUP_MANAGER_CGROUPFS, "/rustbox", "rustbox",
			  false, call->arena, &cgroup, &ignored) == 0)
		for (size_t i = 0; i < cgroup.n_directories; i++)
			find_cgroups(&left, cgroup.directories[i].path);
	if (left.n > SHOWN_MAX)
		str_add_format(&finding->detail, " and %zu more", left.n - SHOWN_MAX);
	if (!left.n)
		str_add(&finding->detail, "none");
	return left.n == 0;
}
