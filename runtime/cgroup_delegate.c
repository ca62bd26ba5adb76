/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_delegate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"

/* cgroups(7): the files that a delegate may have, one a line. */
static const char delegate_list[] = "/sys/kernel/cgroup/delegate";

static bool is_v2_alone(const struct cgroup *cgroup)
{
	return !cgroup->disabled && cgroup->n_directories == 1 && cgroup_find_v2(cgroup);
}

int cgroup_delegate_check(const struct spec *spec, const struct cgroup *cgroup, struct error *err)
{
	/* Where a scope will be is known when it has been made. */
	if (!spec->extensions.delegate_cgroup || is_v2_alone(cgroup) ||
	    (cgroup->scope && cgroup->n_directories == 0))
		return 0;
	return error_set(err, ENOTSUP,
			 "annotation run.oci.delegate-cgroup: needs a machine with cgroup v2 only");
}

/* config-linux.md: a new cgroup namespace, and the mount of it writable. */
static bool is_given_away(const struct spec *spec)
{
	const struct spec_namespace *ns = spec_find_namespace(spec, NAMESPACE_CGROUP);

	if (!ns || ns->path || !spec->process)
		return false;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *mount = &spec->mounts[i];
		bool read_only = false;

		if (!str_equal(mount->source, "cgroup") ||
		    !str_equal(mount->destination, "/sys/fs/cgroup"))
			continue;
		for (size_t j = 0; j < mount->n_options; j++)
			read_only |= str_equal(mount->options[j], "ro");
		return !read_only;
	}
	return false;
}

/* What the container's uid is here: by the map of init, which may have joined its namespace. */
static int find_owner(int procfs, pid_t pid, uint32_t inside, uid_t *ret, struct error *err)
{
	char path[32];
	cleanup_free char *map = NULL;

	(void)snprintf(path, sizeof(path), "%d/uid_map", (int)pid);
	if (fd_read_file(procfs, path, 1 << 16, &map, NULL, err) < 0)
		return -1;
	for (char *rest = map, *line; (line = strsep(&rest, "\n"));) {
		unsigned int first, outside, count;
		/* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
		if (sscanf(line, "%u %u %u", &first, &outside, &count) == 3 && inside >= first &&
		    inside - first < count) {
			*ret = outside + (inside - first);
			return 0;
		}
	}
	return error_set(err, 0, "process.user.uid %u is not in linux.uidMappings", inside);
}

static int give_file(int dir, const char *path, const char *file, uid_t owner, struct error *err)
{
	/* Controllers that are not enabled have no files. */
	if (fchownat(dir, file, owner, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		return error_set(err, errno, "give %s/%s to user %u", path, file, owner);
	return 0;
}

static int give(int dir, const char *path, uid_t owner, struct error *err)
{
	cleanup_free char *list = NULL;

	if (fd_read_file(AT_FDCWD, delegate_list, 1 << 16, &list, NULL, err) < 0)
		return -1;
	if (fchown(dir, owner, (gid_t)-1) < 0)
		return error_set(err, errno, "give %s to user %u", path, owner);
	for (char *rest = list, *file; (file = strsep(&rest, "\n"));)
		if (*file && !strchr(file, '/') && give_file(dir, path, file, owner, err) < 0)
			return -1;
	return 0;
}

/* A directory below, whose owner is that of the one above. */
static int move_below(const struct cgroup_dir *dir, const char *name, pid_t pid, uid_t owner,
		      bool owned, struct error *err)
{
	if (mkdirat(dir->fd, name, 0755) < 0)
		return error_set(err, errno, "make %s/%s", dir->path, name);
	cleanup_free char *path = str_format(err, "%s/%s", dir->path, name);
	if (!path)
		return -1;
	cleanup_cgroup_dir struct cgroup_dir below = {
		openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), path, ""
	};
	if (below.fd < 0)
		return error_set(err, errno, "open %s", path);
	if (owned && give(below.fd, path, owner, err) < 0)
		return -1;
	return cgroup_write_format(&below, "cgroup.procs", err, "%d", (int)pid);
}

static int delegate(const struct spec *spec, const struct cgroup *cgroup, int procfs, pid_t pid,
		    struct error *err)
{
	const char *name = spec->extensions.delegate_cgroup;
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;
	bool owned = is_given_away(spec);
	uid_t owner = 0;

	if (owned && find_owner(procfs, pid, spec->process->user->uid, &owner, err) < 0)
		return -1;
	owned = owned && owner != geteuid();
	if (!owned && !name)
		return 0;
	if (cgroup_dir_open(cgroup_find_v2(cgroup), &dir) < 0)
		return error_set(err, errno, "open %s", cgroup_find_v2(cgroup)->path);
	if (owned && give(dir.fd, dir.path, owner, err) < 0)
		return -1;
	return name ? move_below(&dir, name, pid, owner, owned, err) : 0;
}

int cgroup_delegate(const struct spec *spec, const struct cgroup *cgroup, int procfs, pid_t pid,
		    struct error *err)
{
	if (!is_v2_alone(cgroup))
		return 0;
	if (delegate(spec, cgroup, procfs, pid, err) < 0)
		return error_wrap(err, "delegate the container's cgroup");
	return 0;
}
