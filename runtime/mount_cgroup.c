/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of type cgroup and cgroup2 (cgroups(7), cgroup_namespaces(7)).
 *
 * With a cgroup namespace a new mount shows the container's own cgroup as its
 * root. Without one it would show the host's whole hierarchy, so the
 * container's own directory is bound instead (SECURITY.md S16). Init is in its
 * cgroups by now, and still sees the host's /sys/fs/cgroup and /proc.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/mount_entry.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define V1_UNIFIED  CGROUP_ROOT "/unified"

enum { PROC_FILE_MAX = 16 << 20, NAME_SIZE = 128 };

/* One line of /proc/self/cgroup. */
struct hierarchy {
	const char *controllers; /* "cpu,cpuacct", "name=systemd", "" for cgroup2 */
	const char *path;
};

struct cgroup_mount {
	uint64_t flags; /* MOUNT_ATTR_… */
	bool has_namespace;
	bool only_systemd; /* of v1's hierarchies name=systemd alone, wherever the host has it */
};

static struct cgroup_mount settings(const struct mount_plan *plan,
				    const struct mount_plan_entry *entry)
{
	const char *forced = plan->spec->extensions.systemd_cgroup_v1;
	struct cgroup_mount ret = {
		.flags = entry->options.here.set,
		.has_namespace = spec_find_namespace(plan->spec, NAMESPACE_CGROUP),
		.only_systemd = forced && str_equal(entry->mount->destination, forced),
	};

	/* Root of a user namespace may be host root's equal in a cgroup that it does not own. */
	if (!ret.has_namespace && mount_has_user_namespace(plan->spec))
		ret.flags |= MOUNT_ATTR_RDONLY;
	return ret;
}

/* "4:cpu,cpuacct:/path"; cuts the line up. */
static bool parse_hierarchy(char *line, struct hierarchy *ret)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return false;
	*path++ = '\0';
	*ret = (struct hierarchy){ .controllers = controllers + 1, .path = path };
	return *path == '/';
}

/*
 * A bind of our own directory. Where the hierarchy's mount on this machine
 * does not begin at its root (we are in a container ourselves), the mount
 * point itself may be the nearest thing.
 */
static int bind_own(const char *mount_point, const char *path, const struct cgroup_mount *cgroup,
		    struct error *err)
{
	const struct mount_flags flags = { .set = cgroup->flags };
	cleanup_free char *own = str_format(err, "%s%s", mount_point, path);
	cleanup_fd int tree = -1;

	if (!own)
		return -1;
	tree = mount_api_clone(AT_FDCWD, own, false);
	if (tree < 0)
		return error_set(err, errno, "bind the container's cgroup %s", own);
	if (mount_api_set_private(tree, &flags, err) < 0)
		return error_wrap(err, "%s", own);
	return move_fd(&tree);
}

static int open_v2(const struct cgroup_mount *cgroup, const char *mount_point, const char *path,
		   struct error *err)
{
	const struct mount_filesystem fs = { .type = "cgroup2",
					     .source = "cgroup",
					     .flags = cgroup->flags };

	return cgroup->has_namespace ? mount_filesystem_open(&fs, err)
				     : bind_own(mount_point, path, cgroup, err);
}

/* "cpu,cpuacct" is also reached by each of its names. */
static int make_links(const char *name, struct error *err)
{
	cleanup_free char *copy = strdup(name);
	char *rest = NULL;

	if (!copy)
		return error_memory(err);
	for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (!str_equal(word, name) && symlink(name, word) < 0 && errno != EEXIST)
			return error_set(err, errno, "link %s", word);
	}
	return 0;
}

/* The folder of a hierarchy is called as on the host: its controllers, or its name. */
static bool folder_name(const struct hierarchy *hierarchy, char name[NAME_SIZE])
{
	const char *controllers = hierarchy->controllers;

	if (str_starts_with(controllers, "name="))
		controllers += 5;
	if (!*controllers)
		controllers = "unified";
	if (strlen(controllers) >= NAME_SIZE || strchr(controllers, '/'))
		return false;
	memcpy(name, controllers, strlen(controllers) + 1);
	return true;
}

/* 1; 0 where this machine does not have the hierarchy mounted; -1: it cannot be known. */
static int is_mounted(const char *mount_point, long type, struct error *err)
{
	struct statfs fs;

	if (statfs(mount_point, &fs) == 0)
		return fs.f_type == type;
	return errno == ENOENT ? 0 : error_set(err, errno, "statfs %s", mount_point);
}

/*
 * Names are looked up in the current directory, which is of a file system that
 * is our own and new. mount(2) there is one system call where a descriptor of
 * the mount takes eight, for each of a dozen hierarchies.
 */
static int mount_here(const struct hierarchy *hierarchy, const char *name,
		      const struct cgroup_mount *cgroup, struct error *err)
{
	unsigned long flags = mount_api_old_flags(cgroup->flags, NULL);
	bool is_v2 = !*hierarchy->controllers,
	     is_named = str_starts_with(hierarchy->controllers, "name=");
	/* Controllers are options of the file system; "name=x" is a hierarchy without any. */
	cleanup_free char *data =
		str_format(err, "%s%s", is_named ? "none," : "", hierarchy->controllers);

	if (!data)
		return -1;
	if (mount("cgroup", name, is_v2 ? "cgroup2" : "cgroup", flags, data) < 0)
		return error_set(err, errno, "mount");
	return 0;
}

static int bind_here(const struct hierarchy *hierarchy, const char *name, const char *mount_point,
		     const struct cgroup_mount *cgroup, struct error *err)
{
	cleanup_fd int mount = bind_own(mount_point, hierarchy->path, cgroup, err);

	if (mount < 0)
		return -1;
	if (move_mount(mount, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "attach the mount to %s (move_mount)", name);
	return 0;
}

static int add_hierarchy(const struct hierarchy *hierarchy, const struct cgroup_mount *cgroup,
			 struct error *err)
{
	bool is_v2 = !*hierarchy->controllers;
	char name[NAME_SIZE], mount_point[NAME_SIZE + sizeof(CGROUP_ROOT) + 1];

	if (!folder_name(hierarchy, name))
		return 0;
	(void)snprintf(mount_point, sizeof(mount_point), CGROUP_ROOT "/%s", name);
	int mounted =
		is_mounted(mount_point, is_v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC, err);
	if (mounted < 0)
		return -1;
	if (!mounted && !cgroup->only_systemd) {
		log_debug("cgroup hierarchy \"%s\" is not at %s", hierarchy->controllers,
			  mount_point);
		return 0;
	}
	if (mkdir(name, 0755) < 0)
		return error_set(err, errno, "cgroup hierarchy %s: mkdir", name);
	if ((cgroup->has_namespace ? mount_here(hierarchy, name, cgroup, err)
				   : bind_here(hierarchy, name, mount_point, cgroup, err)) < 0 ||
	    make_links(name, err) < 0)
		return error_wrap(err, "cgroup hierarchy %s", name);
	return 0;
}

/* Of a tmpfs whose root is the current directory. */
static int add_hierarchies(const struct cgroup_mount *cgroup, struct error *err)
{
	cleanup_free char *text = NULL;
	char *rest = NULL;

	if (fd_read_file(AT_FDCWD, "/proc/self/cgroup", PROC_FILE_MAX, &text, NULL, err) < 0)
		return -1;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct hierarchy hierarchy;

		if (!parse_hierarchy(line, &hierarchy) ||
		    (cgroup->only_systemd && !str_equal(hierarchy.controllers, "name=systemd")))
			continue;
		if (add_hierarchy(&hierarchy, cgroup, err) < 0)
			return -1;
	}
	return 0;
}

/* v1 and hybrid: a tmpfs with a folder for each hierarchy. */
static int mount_v1(const struct mount_plan_entry *entry, const struct cgroup_mount *cgroup,
		    int target, struct error *err)
{
	static const struct mount_parameter mode = { .key = "mode", .value = "755" };
	const struct mount_flags read_only = { .set = cgroup->flags & MOUNT_ATTR_RDONLY };
	const struct mount_filesystem fs = {
		.type = "tmpfs",
		.source = "tmpfs",
		.parameters = &mode,
		.n_parameters = 1,
		.flags = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	};
	cleanup_fd int mount = mount_filesystem_open(&fs, err);
	/* The bundle, which may be closed to the ids of a user namespace: that is not gone back to.
	 */
	cleanup_fd int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (mount < 0 || mount_api_attach(mount, target, err) < 0)
		return -1;
	if (fchdir(mount) < 0)
		return error_set(err, errno, "change directory");
	int result = add_hierarchies(cgroup, err);
	if ((here < 0 || fchdir(here) < 0) && chdir("/") < 0)
		return error_set(err, errno, "change directory back");
	if (result < 0)
		return -1;
	if (mount_api_set(mount, &read_only, false, err) < 0)
		return -1;
	return mount_apply_options(&entry->options, mount, err);
}

/* Our own path in the cgroup2 hierarchy: the line "0::/path". */
static int read_v2_path(char **ret_path, struct error *err)
{
	cleanup_free char *text = NULL;
	char *rest = NULL;

	if (fd_read_file(AT_FDCWD, "/proc/self/cgroup", PROC_FILE_MAX, &text, NULL, err) < 0)
		return -1;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct hierarchy hierarchy;

		if (!parse_hierarchy(line, &hierarchy) || *hierarchy.controllers)
			continue;
		*ret_path = str_format(err, "%s", hierarchy.path);
		return *ret_path ? 0 : -1;
	}
	return error_set(err, ENOENT, "no cgroup2 line in /proc/self/cgroup");
}

static int mount_v2(const struct mount_plan_entry *entry, const struct cgroup_mount *cgroup,
		    const char *mount_point, int target, struct error *err)
{
	cleanup_free char *path = NULL;
	cleanup_fd int mount = -1;

	if (!cgroup->has_namespace && read_v2_path(&path, err) < 0)
		return -1;
	mount = open_v2(cgroup, mount_point, path, err);
	if (mount < 0 || mount_apply_options(&entry->options, mount, err) < 0)
		return -1;
	return mount_api_attach(mount, target, err);
}

int mount_cgroup(const struct mount_plan *plan, const struct mount_plan_entry *entry, int target,
		 struct error *err)
{
	const struct cgroup_mount cgroup = settings(plan, entry);
	int is_pure_v2 = is_mounted(CGROUP_ROOT, CGROUP2_SUPER_MAGIC, err);

	if (is_pure_v2 < 0)
		return -1;
	if (!cgroup.only_systemd && (is_pure_v2 || str_equal(entry->mount->type, "cgroup2")))
		return mount_v2(entry, &cgroup, is_pure_v2 ? CGROUP_ROOT : V1_UNIFIED, target, err);
	return mount_v1(entry, &cgroup, target, err);
}
