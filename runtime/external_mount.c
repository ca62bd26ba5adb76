/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/external_mount.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mountinfo.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/device.h"
#include "runtime/mount_entry.h"

enum { MOUNTINFO_MAX = 16 * 1024 * 1024 };

/* The flags of a mount that protect what is mounted, or from it. */
static const unsigned long guarding_flags = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;

/* ---- the sources ------------------------------------------------------------------------- */

void external_mounts_done(struct external_mounts *mounts)
{
	for (size_t i = 0; i < mounts->n_opened; i++)
		fd_close(&mounts->opened[i]);
	mount_plan_done(&mounts->plan);
}

static int add_source(struct external_mounts *mounts, struct external_source source,
		      struct error *err)
{
	struct statvfs fs;
	struct stat st;

	if (!source.name)
		return -1;
	if (fstat(source.fd, &st) < 0 || fstatvfs(source.fd, &fs) < 0)
		return error_set(err, errno, "stat the source of %s", source.name);
	source.device = st.st_dev;
	source.inode = st.st_ino;
	source.is_directory = S_ISDIR(st.st_mode);
	if (!source.has_own_flags)
		source.flags = fs.f_flag & guarding_flags;
	mounts->sources[mounts->n_sources++] = source;
	return 0;
}

/* True when some mount of cgroups is to be read-only: then all are held to that. */
static bool cgroups_are_read_only(const struct mount_plan *plan)
{
	for (size_t i = 0; i < plan->n_entries; i++) {
		const char *type = plan->entries[i].mount->type;

		if ((str_equal(type, "cgroup") || str_equal(type, "cgroup2")) &&
		    (plan->entries[i].options.here.set & MOUNT_ATTR_RDONLY))
			return true;
	}
	return false;
}

/*
 * By its place, not by its number: engines write the mounts of a configuration
 * in any order. No slash, after which comes what lies below, and no brackets,
 * which are CRIU's.
 */
static const char *name_of_mount(const struct mount_plan *plan, size_t i, struct arena *arena,
				 struct error *err)
{
	const char *destination = plan->entries[i].destination;
	cleanup_str struct str escaped = STR_EMPTY;
	size_t n_under = 0;

	for (size_t j = 0; j < i; j++)
		n_under += str_equal(plan->entries[j].destination, destination);
	for (const char *c = destination; *c; c++)
		str_add_format(&escaped, strchr("%/[]", *c) ? "%%%02X" : "%c", *c);
	cleanup_free char *text = str_take(&escaped, err);
	return text ? arena_format(arena, err, "rustbox-mount-%zu-%s", n_under, text) : NULL;
}

static int add_mounts(struct external_mounts *mounts, struct arena *arena, struct error *err)
{
	const struct mount_plan *plan = &mounts->plan;

	for (size_t i = 0; i < plan->n_entries; i++) {
		const struct mount_plan_entry *entry = &plan->entries[i];
		struct external_source source = {
			.name = name_of_mount(plan, i, arena, err),
			.destination = entry->destination,
			.fd = entry->tree,
			.recursive = entry->options.recursive || !entry->options.bind,
		};

		if (entry->tree >= 0 && add_source(mounts, source, err) < 0)
			return error_wrap(err, "mounts[%zu]", i);
	}
	if (plan->null < 0)
		return 0;
	return add_source(
		mounts, (struct external_source){ .name = "rustbox-null", .fd = plan->null }, err);
}

static int add_devices(struct external_mounts *mounts, size_t count, struct arena *arena,
		       struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct external_source source = {
			.name = arena_format(arena, err, "rustbox-device-%zu", i),
			.fd = mounts->opened[i],
		};

		if (source.fd >= 0 && add_source(mounts, source, err) < 0)
			return -1;
	}
	return 0;
}

static int add_cgroups(struct external_mounts *mounts, const struct cgroup *cgroup,
		       struct arena *arena, struct error *err)
{
	unsigned long flags = cgroups_are_read_only(&mounts->plan) ? ST_RDONLY : 0;

	for (size_t i = 0; i < cgroup->n_directories; i++) {
		const struct cgroup_directory *directory = &cgroup->directories[i];
		struct external_source source = {
			.name = arena_format(arena, err, "rustbox-cgroup-%s",
					     directory->controllers),
			.flags = flags,
			.has_own_flags = true,
			.fd = mount_api_clone(AT_FDCWD, directory->path, false),
		};

		if (source.fd < 0)
			return error_set(err, errno, "clone the cgroup %s", directory->path);
		mounts->opened[mounts->n_opened++] = source.fd;
		if (add_source(mounts, source, err) < 0)
			return -1;
	}
	return 0;
}

int external_mounts_prepare(const struct spec *spec, const struct cgroup *cgroup,
			    struct arena *arena, struct external_mounts *mounts, struct error *err)
{
	size_t n_devices = device_defaults_count + spec->linux->n_devices;
	size_t n_cgroups = cgroup->n_directories;

	mounts->sources = arena_array(arena, spec->n_mounts + 1 + n_devices + n_cgroups,
				      sizeof(*mounts->sources), err);
	mounts->opened = arena_array(arena, n_devices + n_cgroups, sizeof(*mounts->opened), err);
	if (!mounts->sources || !mounts->opened ||
	    mount_plan_prepare(spec, &mounts->plan, arena, err) < 0 ||
	    device_open_host_nodes(spec, mounts->opened, err) < 0)
		return -1;
	mounts->n_opened = n_devices;
	if (add_mounts(mounts, arena, err) < 0 || add_devices(mounts, n_devices, arena, err) < 0)
		return -1;
	return add_cgroups(mounts, cgroup, arena, err);
}

/* ---- what a process has mounted ----------------------------------------------------------- */

const char *external_mounts_below(const char *point, const char *folder)
{
	size_t n = strlen(folder);

	if (str_equal(folder, "/"))
		return point + 1;
	if (strncmp(point, folder, n) != 0 || (point[n] && point[n] != '/'))
		return NULL;
	return point + n + (point[n] == '/');
}

static bool is_same_file(const struct external_source *source, const struct stat *st)
{
	return source->device == st->st_dev && source->inode == st->st_ino;
}

/* The source whose files these are: the one for this place if there are several. */
static const struct external_source *find_by_files(const struct external_mounts *mounts,
						   const char *point, const struct stat *st)
{
	const struct external_source *found = NULL;

	for (size_t i = 0; i < mounts->n_sources; i++) {
		const struct external_source *source = &mounts->sources[i];

		if (!is_same_file(source, st))
			continue;
		if (str_equal(source->destination, point))
			return source;
		if (!found)
			found = source;
	}
	return found;
}

/*
 * A file that was replaced on the host (by rename) since it was mounted: only
 * the place tells. The last one counts, as it does for who looks there.
 */
static const struct external_source *find_by_place(const struct external_mounts *mounts,
						   const char *point, const struct stat *st)
{
	for (size_t i = mounts->n_sources; i > 0; i--) {
		const struct external_source *source = &mounts->sources[i - 1];

		if (str_equal(source->destination, point) &&
		    source->is_directory == S_ISDIR(st->st_mode))
			return source;
	}
	return NULL;
}

/* A mount that a recursive bind has brought along: the file of that path in the source. */
static const struct external_source *find_below(const struct external_mounts *mounts,
						const char *point, const struct stat *st,
						unsigned long *ret_flags, const char **ret_rest)
{
	struct error ignored;
	struct statvfs fs;
	struct stat own;

	for (size_t i = mounts->n_sources; i > 0; i--) {
		const struct external_source *source = &mounts->sources[i - 1];
		const char *rest = source->recursive
					   ? external_mounts_below(point, source->destination)
					   : NULL;

		if (!rest || !*rest)
			continue;
		cleanup_fd int fd = path_open_in_root(source->fd, rest, O_PATH, &ignored);
		if (fd < 0 || fstat(fd, &own) < 0 || own.st_dev != st->st_dev ||
		    own.st_ino != st->st_ino || fstatvfs(fd, &fs) < 0)
			continue;
		*ret_flags = fs.f_flag & guarding_flags;
		*ret_rest = rest;
		return source;
	}
	return NULL;
}

static const char *flag_names(unsigned long flags)
{
	return flags & ST_RDONLY   ? "ro"
	       : flags & ST_NOSUID ? "nosuid"
	       : flags & ST_NODEV  ? "nodev"
				   : "noexec";
}

/* CRIU's own syntax is not to be hidden in a path. */
static int check_point(const char *point, struct error *err)
{
	if (!strpbrk(point, "[]"))
		return 0;
	return error_set(err, ENOTSUP, "mount %s: a path with brackets cannot be named to criu",
			 point);
}

static int identify(const struct external_mounts *mounts, int fd, struct external_mount *mount,
		    struct arena *arena, struct error *err)
{
	const struct external_source *source;
	unsigned long wanted;
	const char *rest = "";
	struct statvfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0 || fstatvfs(fd, &fs) < 0)
		return error_set(err, errno, "stat the mount %s", mount->point);
	source = find_by_files(mounts, mount->point, &st);
	wanted = source ? source->flags : 0;
	if (!source)
		source = find_below(mounts, mount->point, &st, &wanted, &rest);
	if (!source && (source = find_by_place(mounts, mount->point, &st)))
		wanted = source->flags;
	if (!source)
		return 0;
	if (wanted & ~fs.f_flag)
		return error_set(err, EPERM, "mount %s is without %s, which config.json says",
				 mount->point, flag_names(wanted & ~fs.f_flag));
	mount->name = arena_format(arena, err, "%s%s%s", source->name, *rest ? "/" : "", rest);
	return mount->name ? check_point(mount->point, err) : -1;
}

/*
 * Under its path there may be another mount by now, over this one. Then it is
 * CRIU's to say what it makes of it.
 */
static int look_at(const struct external_mounts *mounts, int root, const struct mountinfo *line,
		   struct external_mount *mount, struct arena *arena, struct error *err)
{
	struct mount_place place;
	struct error ignored;

	mount->point = arena_strdup(arena, line->point, err);
	if (!mount->point)
		return -1;
	mount->id = line->id;
	if (str_equal(line->point, "/"))
		return 0;
	cleanup_fd int fd = path_open_in_root(root, line->point, O_PATH, &ignored);
	if (fd < 0)
		return 0;
	if (mount_api_look(fd, &place, err) < 0)
		return -1;
	if (place.id != line->id || !place.is_root)
		return 0;
	return identify(mounts, fd, mount, arena, err);
}

int external_mounts_look(const struct external_mounts *mounts, int procfs, pid_t pid,
			 struct arena *arena, struct external_mount **ret, size_t *ret_count,
			 struct error *err)
{
	cleanup_free char *text = NULL;
	struct mountinfo line;
	char path[64], *cursor;
	size_t count = 0, room = 1;

	(void)snprintf(path, sizeof(path), "%d/root", pid);
	cleanup_fd int root = openat(procfs, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_set(err, errno, "open /proc/%s", path);
	(void)snprintf(path, sizeof(path), "%d/mountinfo", pid);
	if (fd_read_file(procfs, path, MOUNTINFO_MAX, &text, NULL, err) < 0)
		return -1;
	for (cursor = text; (cursor = strchr(cursor, '\n')); cursor++)
		room++;
	struct external_mount *found = arena_array(arena, room, sizeof(*found), err);
	if (!found)
		return -1;
	for (cursor = text; mountinfo_next(&cursor, &line); count++)
		if (look_at(mounts, root, &line, &found[count], arena, err) < 0)
			return -1;
	*ret = found;
	*ret_count = count;
	return 0;
}
