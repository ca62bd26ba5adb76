/* SPDX-License-Identifier: Apache-2.0 */
/* The container's half of mount.h: attaches mounts below the container's root. */
#include "runtime/mount.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/mount_entry.h"
#include "runtime/tmpcopyup.h"

/* Files of /proc that may be replaced one by one, as lxcfs and the like do. */
static const char *const proc_files[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/loadavg",
	"/proc/meminfo",
	"/proc/slabinfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/sys/crypto/fips_enabled",
	"/proc/sys/kernel/ns_last_pid",
};

/*
 * What the runtime writes to /proc, and the masks on it, must not be led
 * elsewhere by a mount inside of it (SECURITY.md S5).
 */
static int check_below_procfs(const struct mount_plan *plan, const char *destination, int target,
			      const struct mount_place *place, struct error *err)
{
	/* What is on the root's own mount is on no other. */
	if (place->is_root || (place->id == plan->root_id && !plan->root_is_procfs))
		return 0;
	long type = path_filesystem_type(target, err);
	if (type < 0)
		return -1;
	if (type != PROC_SUPER_MAGIC)
		return 0;
	for (size_t i = 0; i < sizeof(proc_files) / sizeof(proc_files[0]); i++) {
		if (str_equal(destination, proc_files[i]))
			return 0;
	}
	return error_set(err, EPERM, "%s is inside a proc file system", destination);
}

/* A target that is missing: a file where a file is to be bound to it, else a directory. */
static int make_target(const struct mount_plan *plan, const struct mount_plan_entry *entry,
		       struct error *err)
{
	struct stat st = { .st_mode = S_IFDIR };

	if (entry->options.bind && fstat(entry->tree, &st) < 0)
		return error_set(err, errno, "bind source %s", entry->mount->source);
	return path_make_missing_in_root(plan->root_tree, entry->destination,
					 S_ISDIR(st.st_mode) ? PATH_DIRECTORY : PATH_FILE, err);
}

/* *ret_mode is that of what was there before; 0 where nothing was. */
static int open_target(const struct mount_plan *plan, const struct mount_plan_entry *entry,
		       mode_t *ret_mode, struct error *err)
{
	int flags = O_PATH | (entry->options.destination_nofollow ? O_NOFOLLOW : 0);
	cleanup_fd int fd = path_open_in_root(plan->root_tree, entry->destination, flags, err);
	bool is_new = fd < 0;
	struct mount_place place;

	if (is_new) {
		if (err->code != ENOENT)
			return -1;
		fd = make_target(plan, entry, err);
	}
	if (fd < 0 || mount_api_look(fd, &place, err) < 0 ||
	    check_below_procfs(plan, entry->destination, fd, &place, err) < 0)
		return -1;
	/* A link may lead a destination to the root, which must not be covered. */
	if (place.is_root && place.id == plan->root_id)
		return error_set(err, EINVAL, "destination %s leads to the root itself",
				 entry->destination);
	*ret_mode = is_new ? 0 : place.mode;
	return move_fd(&fd);
}

/*
 * For proc and sysfs: the directory of just this name, not what a link of the
 * image says instead (CVE-2019-19921, CVE-2023-27561).
 */
static int open_ordinary_directory(const struct mount_plan *plan, const char *destination,
				   struct error *err)
{
	const char *name = NULL;
	cleanup_fd int parent = path_open_parent_in_root(plan->root_tree, destination, &name, err);
	struct stat st;

	if (parent < 0)
		return -1;
	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return error_set(err, errno, "mkdir %s in the container's root", destination);
	cleanup_fd int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, errno, "open %s in the container's root", destination);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR,
				 "%s must be mounted on ordinary directory", destination);
	return move_fd(&fd);
}

/* For these "ro" can only mean this mount, or is not said to the superblock too. */
static const char *const plain_types[] = { "proc",   "sysfs",	"mqueue", "devpts",
					   "cgroup", "cgroup2", "tmpfs",  "devtmpfs" };

/* These take no context= (linux.mountLabel). */
static const char *const unlabelled_types[] = { "proc", "sysfs", "mqueue", "cgroup", "cgroup2" };

static bool is_among(const char *type, const char *const *types, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equal(types[i], type))
			return true;
	}
	return false;
}
#define IS_AMONG(type, types) is_among(type, types, sizeof(types) / sizeof((types)[0]))

static struct mount_filesystem filesystem_of(const struct mount_plan *plan,
					     const struct mount_plan_entry *entry)
{
	const struct mount_options *options = &entry->options;
	const char *type = entry->mount->type;
	const char *context = plan->spec->extensions.mount_context_type;
	struct mount_filesystem fs = {
		.type = type,
		.source = entry->mount->source,
		.parameters = options->parameters,
		.n_parameters = options->n_parameters,
		.flags = options->here.set,
		.read_only_superblock =
			(options->here.set & MOUNT_ATTR_RDONLY) && !IS_AMONG(type, plain_types),
	};

	if (plan->label && !IS_AMONG(type, unlabelled_types))
		fs.extra[0] = (struct mount_parameter){ .key = context ? context : "context",
							.value = plan->label };
	return fs;
}

/* Mounts and devices are made below these before they become read-only. */
static bool delay_read_only(const struct mount_plan_entry *entry, struct mount_filesystem *fs)
{
	if (!(fs->flags & MOUNT_ATTR_RDONLY) ||
	    (!str_equal(fs->type, "tmpfs") && !str_equal(entry->destination, "/dev")))
		return false;
	fs->flags &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	fs->read_only_superblock = false;
	return true;
}

static int attach(const struct mount_options *options, int mount, int target, struct error *err)
{
	if (mount_apply_options(options, mount, err) < 0)
		return -1;
	return mount_api_attach(mount, target, err);
}

/* In init: the source is opened where an earlier mount may have changed it, or for the first time.
 */
static int open_late_source(const struct mount_plan *plan, struct mount_plan_entry *entry,
			    struct error *err)
{
	cleanup_fd int source =
		path_open_in_root(plan->root_tree, entry->source_in_root,
				  O_PATH | (entry->options.source_nofollow ? O_NOFOLLOW : 0), err);

	if (source < 0)
		return error_wrap(err, "bind source %s", entry->mount->source);
	cleanup_fd int tree = mount_api_clone(source, "", entry->options.recursive);
	if (tree < 0) {
		error_set(err, errno, "bind source %s", entry->mount->source);
		return mount_api_explain_clone(err);
	}
	if (mount_finish_tree(plan, entry, tree, false, err) < 0)
		return error_wrap(err, "bind source %s", entry->mount->source);
	entry->tree = move_fd(&tree);
	return 0;
}

/* copy-symlink: one that says the same is fine, anything else is in the way. */
static int apply_link(const struct mount_plan *plan, const struct mount_plan_entry *entry,
		      struct error *err)
{
	const char *name = NULL;
	cleanup_fd int parent =
		path_open_parent_in_root(plan->root_tree, entry->destination, &name, err);
	char there[PATH_MAX] = "";

	if (parent < 0)
		return -1;
	if (symlinkat(entry->link, parent, name) == 0)
		return 0;
	if (errno != EEXIST)
		return error_set(err, errno, "make the link %s", entry->destination);
	if (readlinkat(parent, name, there, sizeof(there) - 1) >= 0 &&
	    str_equal(there, entry->link))
		return 0;
	return error_set(err, EEXIST, "copy-symlink: %s is no link to %s", entry->destination,
			 entry->link);
}

/*
 * The kernel attaches no tree in which a mount namespace is kept (snapd keeps
 * some below /run). In the copy of the host's mounts that we are in there is
 * none, so the tree is taken from there: by its name, but it has to be the file
 * that was opened when there were no namespaces.
 */
static int reopen_source(const struct mount_plan *plan, struct mount_plan_entry *entry,
			 struct error *err)
{
	cleanup_fd int tree = move_fd(&entry->tree);
	struct stat then, now;

	if (mount_open_source(plan, entry, err) < 0)
		return -1;
	if (fstat(tree, &then) < 0 || fstat(entry->tree, &now) < 0)
		return error_set(err, errno, "bind source %s", entry->mount->source);
	if (then.st_dev == now.st_dev && then.st_ino == now.st_ino)
		return 0;
	return error_set(err, ESTALE, "bind source %s is another file now", entry->mount->source);
}

static int attach_source(const struct mount_plan *plan, struct mount_plan_entry *entry, int target,
			 struct error *err)
{
	if (mount_api_attach(entry->tree, target, err) == 0)
		return 0;
	if (err->code != ELOOP || entry->source_in_root || reopen_source(plan, entry, err) < 0)
		return -1;
	return mount_api_attach(entry->tree, target, err);
}

static int apply_bind(const struct mount_plan *plan, struct mount_plan_entry *entry,
		      struct error *err)
{
	mode_t old;

	if (entry->link)
		return apply_link(plan, entry, err);
	if (entry->source_in_root && open_late_source(plan, entry, err) < 0)
		return -1;
	cleanup_fd int target = open_target(plan, entry, &old, err);
	if (target < 0 || attach_source(plan, entry, target, err) < 0)
		return -1;
	fd_close(&entry->tree);
	return 0;
}

static int apply_remount(const struct mount_plan *plan, struct mount_plan_entry *entry,
			 struct error *err)
{
	const struct mount_options *options = &entry->options;
	struct mount_filesystem fs = filesystem_of(plan, entry);
	cleanup_fd int target = path_open_in_root(plan->root_tree, entry->destination, O_PATH, err);
	bool is_root = false;

	if (target < 0 || mount_api_is_root(target, &is_root, NULL, err) < 0)
		return -1;
	if (!is_root)
		return error_set(err, EINVAL, "%s is no mount to be remounted", entry->destination);
	if (!options->bind && fs.n_parameters && mount_filesystem_reconfigure(&fs, target, err) < 0)
		return -1;
	if (mount_api_set(target, &options->here, false, err) < 0)
		return -1;
	return mount_apply_options(options, target, err);
}

/* proc and sysfs. */
static int apply_kernel_view(const struct mount_plan *plan, struct mount_plan_entry *entry,
			     struct error *err)
{
	const struct mount_filesystem fs = filesystem_of(plan, entry);
	cleanup_fd int target = open_ordinary_directory(plan, entry->destination, err);
	cleanup_fd int mount = -1;

	if (target < 0)
		return -1;
	mount = mount_filesystem_open(&fs, err);
	if (mount < 0 && err->code == EPERM && entry->tree >= 0) {
		log_debug("no sysfs of one's own here: the host's is shown, read-only");
		mount = move_fd(&entry->tree);
	} else if (mount < 0 && err->code == EPERM && mount_has_user_namespace(plan->spec)) {
		error_hint(err,
			   "in a user namespace it needs a %s namespace made with it, and "
			   "nothing mounted over parts of the host's; or bind that",
			   str_equal(fs.type, "proc") ? "pid" : "network");
	}
	fd_close(&entry->tree);
	if (mount < 0 || attach(&entry->options, mount, target, err) < 0)
		return -1;
	return mount_api_verify(mount, plan->root_tree, entry->destination, err);
}

/*
 * The root of the tmpfs has the mode of the directory that it covers, unless
 * the options say otherwise.
 */
static int apply_tmpfs(const struct mount_plan *plan, struct mount_plan_entry *entry,
		       struct error *err)
{
	const struct mount_options *options = &entry->options;
	struct mount_filesystem fs = filesystem_of(plan, entry);
	char mode[16];
	mode_t old;
	cleanup_fd int target = open_target(plan, entry, &old, err);
	bool becomes_read_only = delay_read_only(entry, &fs);
	cleanup_fd int mount = -1;

	if (target < 0)
		return -1;
	if (old && !mount_options_find(options, "mode")) {
		(void)snprintf(mode, sizeof(mode), "%o", old & 07777);
		fs.extra[1] = (struct mount_parameter){ .key = "mode", .value = mode };
	}
	mount = mount_filesystem_open(&fs, err);
	if (mount < 0)
		return -1;
	if (options->copy_up && old && tmpcopyup_copy(target, mount, err) < 0)
		return error_wrap(err, "tmpcopyup of %s", entry->destination);
	if (attach(options, mount, target, err) < 0)
		return -1;
	if (becomes_read_only)
		entry->read_only = move_fd(&mount);
	return 0;
}

static int apply_filesystem(const struct mount_plan *plan, struct mount_plan_entry *entry,
			    struct error *err)
{
	struct mount_filesystem fs = filesystem_of(plan, entry);
	mode_t old;
	cleanup_fd int target = open_target(plan, entry, &old, err);
	bool becomes_read_only = delay_read_only(entry, &fs);
	cleanup_fd int mount = -1;

	if (target < 0)
		return -1;
	if (mount_filesystem_needs_mount(&fs)) {
		if (mount_filesystem_mount(&fs, target, err) < 0)
			return -1;
		mount = path_open_in_root(plan->root_tree, entry->destination, O_PATH, err);
		return mount < 0 ? -1 : mount_apply_options(&entry->options, mount, err);
	}
	mount = mount_filesystem_open(&fs, err);
	if (mount < 0 || attach(&entry->options, mount, target, err) < 0)
		return -1;
	if (becomes_read_only)
		entry->read_only = move_fd(&mount);
	return 0;
}

static int apply_cgroup(const struct mount_plan *plan, struct mount_plan_entry *entry,
			struct error *err)
{
	mode_t old;
	cleanup_fd int target = open_target(plan, entry, &old, err);

	return target < 0 ? -1 : mount_cgroup(plan, entry, target, err);
}

typedef int apply_function(const struct mount_plan *, struct mount_plan_entry *, struct error *);

static const struct {
	const char *type;
	apply_function *apply;
} types[] = {
	{ "cgroup", apply_cgroup }, { "cgroup2", apply_cgroup },    { "proc", apply_kernel_view },
	{ "tmpfs", apply_tmpfs },   { "sysfs", apply_kernel_view },
};

static int apply_entry(const struct mount_plan *plan, struct mount_plan_entry *entry,
		       struct error *err)
{
	if (entry->options.remount)
		return apply_remount(plan, entry, err);
	if (entry->options.bind)
		return apply_bind(plan, entry, err);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (str_equal(types[i].type, entry->mount->type))
			return types[i].apply(plan, entry, err);
	}
	return apply_filesystem(plan, entry, err);
}

int mount_plan_apply(struct mount_plan *plan, struct error *err)
{
	/* Folders that are made must be passable for the payload's user, too. */
	mode_t old_umask = umask(022);
	long type = path_filesystem_type(plan->root_tree, err);
	int result = type < 0 ? -1 : mount_api_id(plan->root_tree, &plan->root_id, err);

	plan->root_is_procfs = type == PROC_SUPER_MAGIC;

	for (size_t i = 0; i < plan->n_entries && result == 0; i++) {
		result = apply_entry(plan, &plan->entries[i], err);
		if (result < 0)
			error_wrap(err, "mounts[%zu] (%s)", i, plan->entries[i].destination);
	}
	umask(old_umask);
	return result;
}
