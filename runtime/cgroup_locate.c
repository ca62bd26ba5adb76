/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a container's directories will be. The start of every container passes
 * here, so the usual machine costs one look for the kind, one read of
 * /proc/self/cgroup and one look for each hierarchy; mountinfo is read only
 * where something is not in its usual place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mountinfo.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"

const struct cgroup_machine cgroup_machine_default = { "/sys/fs/cgroup", "/proc" };

/* ---- texts of the kernel ------------------------------------------------------------------ */

bool cgroup_membership_next(char **cursor, char **ret_controllers, char **ret_path)
{
	while (**cursor) {
		char *line = *cursor, *end = strchrnul(line, '\n');

		*cursor = *end ? end + 1 : end;
		*end = '\0';
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path || path[1] != '/')
			continue;
		*path = '\0';
		*ret_controllers = controllers + 1;
		*ret_path = path + 1;
		return true;
	}
	return false;
}

void cgroup_mount_done(struct cgroup_mount *mount)
{
	free(mount->root);
	free(mount->point);
	*mount = (struct cgroup_mount){ NULL, NULL };
}

int cgroup_mount_find(const char *mountinfo, const char *controllers, struct cgroup_mount *ret,
		      struct error *err)
{
	const char *type = controllers[0] ? "cgroup" : "cgroup2";
	cleanup_free char *text = strdup(mountinfo);
	char *cursor = text;
	struct mountinfo mount;

	if (!text)
		return error_memory(err);
	while (mountinfo_next(&cursor, &mount)) {
		if (!str_equal(mount.type, type) || !mountinfo_has_options(&mount, controllers))
			continue;
		ret->root = strdup(mount.root);
		ret->point = strdup(mount.point);
		if (ret->root && ret->point)
			return 1;
		cgroup_mount_done(ret);
		return error_memory(err);
	}
	return 0;
}

const char *cgroup_path_below(const char *directory, const char *membership)
{
	size_t n = strlen(directory), m = strlen(membership);

	/* Ours is mount point + path: the longest beginning of theirs that ours ends in. */
	for (size_t i = m; membership[0] == '/' && i > 1; i--) {
		if (membership[i] != '/' && membership[i] != '\0')
			continue;
		if (i <= n && memcmp(directory + n - i, membership, i) == 0)
			return membership + i + (membership[i] == '/');
	}
	return NULL;
}

/* ---- the path of the configuration -------------------------------------------------------- */

static bool has_dotdot(const char *path)
{
	size_t n;

	for (const char *at = path; *at; at += n + (at[n] == '/')) {
		n = strcspn(at, "/");
		if (n == 2 && at[0] == '.' && at[1] == '.')
			return true;
	}
	return false;
}

static bool is_systemd_form(const char *path)
{
	const char *first = strchr(path, ':'), *second = first ? strchr(first + 1, ':') : NULL;

	return path[0] != '/' && second && !strchr(second + 1, ':');
}

/* Checks it and makes it clean: "/a/b" or "a/b"; malloc'd, NULL with err. */
static char *check_path(const char *cgroups_path, const char *id, struct error *err)
{
	const char *path = cgroups_path && *cgroups_path ? cgroups_path : id;

	if (is_systemd_form(path)) {
		error_set(err, EINVAL, "cgroupsPath \"%s\" has systemd's form slice:prefix:name",
			  path);
		error_hint(err, "it needs --systemd-cgroup; for cgroupfs give a path");
		return NULL;
	}
	if (has_dotdot(path)) {
		error_set(err, EINVAL, "cgroupsPath \"%s\": \"..\" is not allowed", path);
		return NULL;
	}
	cleanup_free char *clean = path_clean(path, err);
	if (!clean)
		return NULL;
	if (str_equal(clean, "/") || str_equal(clean, ".") || str_equal(clean, "")) {
		error_set(err, EINVAL, "cgroupsPath \"%s\" names no directory of its own", path);
		return NULL;
	}
	return move_ptr(&clean);
}

/* ---- finding ------------------------------------------------------------------------------ */

struct locating {
	const struct cgroup_machine *machine;
	const char *inner; /* clean; absolute or relative; NULL: a process's own directories */
	char *mountinfo;   /* read when first needed */
	struct arena *arena;
	struct cgroup *cgroup;
	char process[16]; /* whose: "self", or a pid */
};

static bool exists(const char *folder, const char *name)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s", folder, name);

	return n > 0 && (size_t)n < sizeof(path) && cgroup_exists(path);
}

static int find_mount(struct locating *at, const char *controllers, struct cgroup_mount *ret,
		      struct error *err)
{
	if (!at->mountinfo) {
		cleanup_free char *path = str_format(err, "%s/self/mountinfo", at->machine->proc);
		if (!path ||
		    fd_read_file(AT_FDCWD, path, CGROUP_FILE_MAX, &at->mountinfo, NULL, err) < 0)
			return -1;
	}
	return cgroup_mount_find(at->mountinfo, controllers, ret, err);
}

/* Where a hierarchy is usually mounted: by its whole list, or by one of it. In the arena. */
static int usual_point(struct locating *at, const char *controllers, char **ret, struct error *err)
{
	const char *name = str_starts_with(controllers, "name=") ? controllers + 5 : controllers;

	if (!*name)
		name = "unified";
	*ret = arena_format(at->arena, err, "%s/%s", at->machine->root, name);
	if (!*ret)
		return -1;
	if (exists(*ret, "cgroup.procs"))
		return 1;
	if (!strchr(name, ','))
		return 0;
	*ret = arena_format(at->arena, err, "%s/%.*s", at->machine->root, (int)strcspn(name, ","),
			    name);
	return !*ret ? -1 : exists(*ret, "cgroup.procs");
}

/* The part of a path within a hierarchy that lies below what is mounted of it; NULL: elsewhere. */
static const char *below_mount(const char *own, const char *mount_root)
{
	size_t n = strlen(mount_root);

	if (str_equal(mount_root, "/"))
		return own;
	if (strncmp(own, mount_root, n) == 0 && (own[n] == '/' || own[n] == '\0'))
		return own + n;
	return NULL;
}

/* Cuts the last component: "/a/b" to "/a", "/a" to "". */
static void cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/*
 * The folder of a path of /proc. Where we see only a part of the hierarchy (a
 * container without a cgroup namespace), /proc shows the whole path: then the
 * mount's root says what to leave away. 1, 0 when it is not in what is
 * mounted (then *ret is the mount point), -1 with err.
 */
static int own_folder(struct locating *at, const char *controllers, const char *point,
		      const char *own, char **ret, struct error *err)
{
	struct cgroup_mount mount __attribute__((cleanup(cgroup_mount_done))) = { 0 };

	*ret = arena_format(at->arena, err, "%s%s", point, str_equal(own, "/") ? "" : own);
	if (!*ret)
		return -1;
	/* That the mount point is one has been seen already. */
	if (str_equal(own, "/") || exists(*ret, "cgroup.procs"))
		return 1;
	if (find_mount(at, controllers, &mount, err) < 0)
		return -1;
	const char *below = mount.root ? below_mount(own, mount.root) : NULL;
	*ret = arena_format(at->arena, err, "%s%s", point, below ? below : "");
	return *ret ? below != NULL : -1;
}

/* The folder that a relative path counts from. */
static char *relative_base(struct locating *at, const char *controllers, const char *point,
			   const char *own, struct error *err)
{
	char *base;

	if (own_folder(at, controllers, point, own, &base, err) < 0)
		return NULL;
	/* A cgroup with processes cannot have limited children on v2: beside it, not below. */
	if (!*controllers && !str_equal(base, point))
		cut_last(base);
	return base;
}

/* The folder of the new container in the arena, or of the process; NULL in *ret: none. */
static int choose_folder(struct locating *at, const char *controllers, const char *point,
			 const char *own, char **ret, struct error *err)
{
	const char *base = point;

	if (!at->inner) {
		/* What lies outside of our cgroup namespace has a path with "..". */
		int r = has_dotdot(own) ? 0 : own_folder(at, controllers, point, own, ret, err);
		if (r == 0)
			*ret = NULL;
		return r < 0 ? -1 : 0;
	}
	if (at->inner[0] != '/' && !(base = relative_base(at, controllers, point, own, err)))
		return -1;
	*ret = arena_format(at->arena, err, "%s%s%s", base, at->inner[0] == '/' ? "" : "/",
			    at->inner);
	return *ret ? 0 : -1;
}

static int add_directory(struct locating *at, const char *controllers, const char *point,
			 const char *own, struct error *err)
{
	struct cgroup_directory *row = &at->cgroup->directories[at->cgroup->n_directories];
	char *folder;

	if (choose_folder(at, controllers, point, own, &folder, err) < 0)
		return -1;
	if (!folder)
		return 0;
	row->controllers = arena_strdup(at->arena, controllers, err);
	row->path = folder;
	if (!row->controllers)
		return -1;
	at->cgroup->n_directories++;
	return 0;
}

/* One line of /proc/self/cgroup on a machine with v1 hierarchies. */
static int locate_hierarchy(struct locating *at, const char *controllers, const char *own,
			    struct error *err)
{
	struct cgroup_mount mount __attribute__((cleanup(cgroup_mount_done))) = { 0 };
	char *point;

	/* Other named hierarchies belong to whoever made them. */
	if (str_starts_with(controllers, "name=") && !str_equal(controllers, "name=systemd"))
		return 0;
	int r = usual_point(at, controllers, &point, err);
	if (r > 0)
		return add_directory(at, controllers, point, own, err);
	if (r == 0)
		r = find_mount(at, controllers, &mount, err);
	return r <= 0 ? r : add_directory(at, controllers, mount.point, own, err);
}

static char *read_membership(const struct locating *at, struct error *err)
{
	cleanup_free char *path = str_format(err, "%s/%s/cgroup", at->machine->proc, at->process);
	char *text = NULL;

	if (path)
		(void)fd_read_file(AT_FDCWD, path, CGROUP_FILE_MAX, &text, NULL, err);
	return text;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static int locate_v1(struct locating *at, struct error *err)
{
	cleanup_free char *text = read_membership(at, err);
	char *cursor = text, *controllers, *own;

	if (!text)
		return -1;
	at->cgroup->directories =
		arena_array(at->arena, count_lines(text), sizeof(*at->cgroup->directories), err);
	if (!at->cgroup->directories)
		return -1;
	while (cgroup_membership_next(&cursor, &controllers, &own))
		if (locate_hierarchy(at, controllers, own, err) < 0)
			return -1;
	return 0;
}

static int locate_v2(struct locating *at, struct error *err)
{
	cleanup_free char *text = NULL;
	char *cursor, *controllers, *own = NULL;
	bool found = at->inner && at->inner[0] == '/';

	at->cgroup->directories = arena_array(at->arena, 1, sizeof(*at->cgroup->directories), err);
	if (!at->cgroup->directories)
		return -1;
	if (!found) {
		cursor = text = read_membership(at, err);
		if (!text)
			return -1;
		while (!found && cgroup_membership_next(&cursor, &controllers, &own))
			found = !*controllers;
	}
	if (!found)
		return error_set(err, 0, "%s/%s/cgroup names no cgroup of version 2",
				 at->machine->proc, at->process);
	return add_directory(at, "", at->machine->root, own, err);
}

static int locate(struct locating *at, struct error *err)
{
	/* Only the root of cgroup2 has this file there; v1 machines have a tmpfs. */
	int r = exists(at->machine->root, "cgroup.controllers") ? locate_v2(at, err)
								: locate_v1(at, err);

	free(at->mountinfo);
	return r;
}

int cgroup_locate(const struct cgroup_machine *machine, enum cgroup_manager manager,
		  const char *cgroups_path, const char *id, bool tolerant, struct arena *arena,
		  struct cgroup *ret, struct error *err)
{
	struct cgroup located = { .tolerant = tolerant };
	struct locating at = {
		.machine = machine, .arena = arena, .cgroup = &located, .process = "self"
	};

	if (manager == CGROUP_MANAGER_DISABLED) {
		*ret = (struct cgroup){ .disabled = true };
		return 0;
	}
	if (manager == CGROUP_MANAGER_SYSTEMD || manager == CGROUP_MANAGER_SYSTEMD_USER) {
		if (cgroup_systemd_locate(cgroups_path, id, manager == CGROUP_MANAGER_SYSTEMD_USER,
					  arena, &located, err) < 0)
			return -1;
		*ret = located;
		return 0;
	}
	cleanup_free char *inner = check_path(cgroups_path, id, err);
	if (!inner)
		return -1;
	at.inner = inner;
	cleanup_cgroup_root bool is_held = cgroup_root_hold();
	if (locate(&at, err) < 0)
		return error_wrap(err, "find the container's cgroup");
	if (located.n_directories == 0 && !tolerant) {
		error_set(err, 0,
			  "find the container's cgroup: no cgroup hierarchy is mounted "
			  "below %s",
			  machine->root);
		return error_hint(err, "mount one, or use --cgroup-manager disabled");
	}
	*ret = located;
	return 0;
}

/*
 * v1 shows an ended process in the root of each hierarchy, which is nobody's
 * cgroup. 1, 0, -1 with err where it cannot be told.
 */
static int has_ended(const struct cgroup_machine *machine, pid_t pid, struct error *err)
{
	cleanup_fd int procfs = open(machine->proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	uint64_t ticks;
	char state;

	if (procfs < 0)
		return error_set(err, errno, "open %s", machine->proc);
	if (process_start_time(procfs, pid, &ticks, &state))
		return state == 'Z' || state == 'X';
	return errno == ESRCH ? 1
			      : error_set(err, errno, "read %s/%d/stat", machine->proc, (int)pid);
}

int cgroup_of_process(const struct cgroup_machine *machine, pid_t pid, struct arena *arena,
		      struct cgroup *ret, struct error *err)
{
	struct cgroup located = { 0 };
	struct locating at = { .machine = machine, .arena = arena, .cgroup = &located };

	(void)snprintf(at.process, sizeof(at.process), "%d", (int)pid);
	if (locate(&at, err) < 0) {
		if (err->code == ESRCH)
			err->code = ENOENT;
		return error_wrap(err, "find the cgroup of process %d", (int)pid);
	}
	/* Afterwards, so that it was alive when its cgroups were read. */
	int ended = has_ended(machine, pid, err);
	if (ended < 0)
		return error_wrap(err, "find the cgroup of process %d", (int)pid);
	if (ended)
		return error_set(err, ENOENT, "find the cgroup of process %d, which has ended",
				 (int)pid);
	*ret = located;
	return 0;
}

char *cgroup_path_in_hierarchy(const struct cgroup_machine *machine,
			       const struct cgroup_directory *directory, struct arena *arena,
			       struct error *err)
{
	struct cgroup_mount mount __attribute__((cleanup(cgroup_mount_done))) = { 0 };
	struct locating at = { .machine = machine };
	int r = find_mount(&at, directory->controllers, &mount, err);

	free(at.mountinfo);
	if (r < 0)
		return NULL;
	const char *below = r ? below_mount(directory->path, mount.point) : NULL;
	if (below)
		return arena_format(arena, err, "%s%s",
				    str_equal(mount.root, "/") ? "" : mount.root,
				    *below ? below : "/");
	(void)error_set(err, ENOENT, "the hierarchy of the cgroup %s is not mounted there",
			directory->path);
	return NULL;
}
