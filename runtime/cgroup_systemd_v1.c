/* SPDX-License-Identifier: Apache-2.0 */
/* The hierarchy of a systemd that knows only cgroup v1, for containers on v2. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"

#define SYSTEMD_V1 "name=systemd"

bool cgroup_has_systemd_v1(const struct cgroup *cgroup)
{
	return cgroup_find_v1(cgroup, SYSTEMD_V1) != NULL;
}

/* Where it is mounted, in the arena. */
static char *find_point(const struct cgroup_machine *machine, struct arena *arena,
			struct error *err)
{
	struct cgroup_mount mount __attribute__((cleanup(cgroup_mount_done))) = { 0 };
	cleanup_free char *path = str_format(err, "%s/self/mountinfo", machine->proc), *text = NULL;

	if (!path || fd_read_file(AT_FDCWD, path, CGROUP_FILE_MAX, &text, NULL, err) < 0)
		return NULL;
	int found = cgroup_mount_find(text, SYSTEMD_V1, &mount, err);
	if (found > 0)
		return arena_strdup(arena, mount.point, err);
	if (found == 0) {
		error_set(err, ENOENT, "cgroup v1's hierarchy " SYSTEMD_V1 " is not mounted");
		error_hint(err, "mkdir /sys/fs/cgroup/systemd; mount -t cgroup -o none," SYSTEMD_V1
				" cgroup /sys/fs/cgroup/systemd");
	}
	return NULL;
}

int cgroup_add_systemd_v1(const struct cgroup_machine *machine, struct cgroup *cgroup,
			  struct arena *arena, struct error *err)
{
	size_t n = cgroup->n_directories;
	char *point, *path;

	if (cgroup_has_systemd_v1(cgroup) || (cgroup->scope && n == 0))
		return 0;
	if (n == 0)
		return error_set(err, 0, "the container has no cgroup");
	struct cgroup_directory *rows = arena_array(arena, n + 1, sizeof(*rows), err);
	/* Of a scope only the last part is of our making, and would be removed. */
	path = cgroup->scope ? arena_format(arena, err, "/%s", cgroup->scope->unit)
			     : cgroup_path_in_hierarchy(machine, cgroup->directories, arena, err);
	if (!rows || !path || !(point = find_point(machine, arena, err)))
		return -1;
	memcpy(rows, cgroup->directories, n * sizeof(*rows));
	rows[n].controllers = arena_strdup(arena, SYSTEMD_V1, err);
	rows[n].path = arena_format(arena, err, "%s%s", point, path);
	if (!rows[n].controllers || !rows[n].path)
		return -1;
	cgroup->directories = rows;
	cgroup->n_directories = n + 1;
	return 0;
}
