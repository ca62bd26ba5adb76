/* SPDX-License-Identifier: Apache-2.0 */
/* The host's half of mount.h: everything that is opened by a name of the host. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/idmap.h"
#include "runtime/lsm.h"
#include "runtime/mount_entry.h"
#include "runtime/mount_idmap.h"

bool mount_has_user_namespace(const struct spec *spec)
{
	return spec_find_namespace(spec, NAMESPACE_USER);
}

/* EPERM is no failure where init can try again, as root of the container's user namespace. */
static bool left_to_init(const struct spec *spec, int code)
{
	return code == EPERM && mount_has_user_namespace(spec);
}

static bool is_shared(const char *propagation)
{
	return str_equal(propagation, "shared") || str_equal(propagation, "rshared");
}

/*
 * The tree is a slave of the host's mounts, so that nothing goes back, unless
 * the root itself is asked for otherwise. "shared" means a new peer group, for
 * which the mount has to be private first.
 */
int mount_open_root(struct mount_plan *plan, struct error *err)
{
	const char *path = plan->spec->root->path;
	const char *propagation = plan->spec->linux->rootfs_propagation;
	cleanup_fd int tree = mount_api_clone(AT_FDCWD, path, true);
	struct stat st;

	if (tree < 0) {
		error_set(err, errno, "root.path %s", path);
		return mount_api_explain_clone(err);
	}
	if (fstat(tree, &st) < 0)
		return error_set(err, errno, "root.path %s", path);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "root.path %s", path);
	if (mount_api_propagate(tree, MS_SLAVE, true, err) < 0)
		return error_wrap(err, "root.path %s", path);
	if (propagation && !str_ends_with(propagation, "slave") &&
	    mount_api_propagate(tree, MS_PRIVATE, false, err) < 0)
		return error_wrap(err, "root.path %s", path);
	plan->root_tree = move_fd(&tree);
	return 0;
}

int mount_open_null(struct mount_plan *plan, struct error *err)
{
	plan->null = mount_api_clone(AT_FDCWD, "/dev/null", false);
	return plan->null < 0 ? error_set(err, errno, "/dev/null of the host") : 0;
}

/*
 * A tree stays a peer of the host's mounts only if the configuration asks for
 * it twice, by its own option and by linux.rootfsPropagation, and never in a
 * user namespace, whose root could then mount things on the host.
 */
static bool stays_peer(const struct mount_plan *plan, const struct mount_options *options)
{
	if (!is_shared(plan->spec->linux->rootfs_propagation) ||
	    mount_has_user_namespace(plan->spec))
		return false;
	return options->n_propagations && options->propagations[0].type == MS_SHARED;
}

/* The options begin with what ends being a peer for all mounts of the tree. */
static bool parts_by_option(const struct mount_options *options)
{
	const struct mount_propagation *first = options->propagations;

	return options->n_propagations && first->type != MS_SHARED &&
	       (first->recursive || !options->recursive);
}

int mount_apply_options(const struct mount_options *options, int mount, struct error *err)
{
	for (size_t i = 0; i < options->n_propagations; i++) {
		const struct mount_propagation *p = &options->propagations[i];

		if (mount_api_propagate(mount, p->type, p->recursive, err) < 0)
			return -1;
	}
	return mount_api_set(mount, &options->below, true, err);
}

static int apply_idmap(const struct mount_plan *plan, const struct mount_plan_entry *entry,
		       int tree, struct error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	unsigned int flags = AT_EMPTY_PATH;
	cleanup_fd int made = -1;

	if (entry->user_namespace < 0) {
		made = idmap_open_for_mount(plan->spec, entry->mount, err);
		if (made < 0)
			return -1;
	}
	attr.userns_fd = (__u64)(made < 0 ? entry->user_namespace : made);
	if (entry->options.idmap_recursive)
		flags |= AT_RECURSIVE;
	if (mount_setattr(tree, "", flags, &attr, sizeof(attr)) == 0)
		return 0;
	error_set(err, errno, "map the ids of the mount (mount_setattr)");
	if (errno == EINVAL)
		return error_hint(err, "the file system does not support idmapped mounts");
	if (errno == EPERM)
		return error_hint(err, "this needs CAP_SYS_ADMIN over the file system, and a mount "
				       "that is not idmapped already");
	return -1;
}

static bool is_idmapped(const struct mount_plan_entry *entry)
{
	return entry->options.idmap || entry->mount->n_uid_mappings || entry->mount->n_gid_mappings;
}

/*
 * As mount(2) does it, and so other runtimes: options that name any flag name
 * all of them, and what is not named is off, whatever the host's mount has.
 * Without any the host's flags stay. In a user namespace they stay too, but for
 * the one that the kernel would let its root take off; and where this process
 * may not take them off (it is in one itself).
 */
static int set_flags(const struct mount_plan *plan, const struct mount_options *options, int tree,
		     struct error *err)
{
	const uint64_t in_user_namespace = MOUNT_ATTR_NOSYMFOLLOW;
	const uint64_t all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			     MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;
	struct mount_flags flags = options->here;

	if (!flags.set && !flags.clear)
		return 0;
	flags.clear |=
		(mount_has_user_namespace(plan->spec) ? in_user_namespace : all) & ~flags.set;
	if (mount_api_set(tree, &flags, false, err) == 0)
		return 0;
	return err->code == EPERM ? mount_api_set(tree, &options->here, false, err) : -1;
}

int mount_finish_tree(const struct mount_plan *plan, const struct mount_plan_entry *entry, int tree,
		      bool is_from_host, struct error *err)
{
	const struct mount_options *options = &entry->options;

	if (is_from_host && !stays_peer(plan, options) && !parts_by_option(options) &&
	    mount_api_propagate(tree, MS_SLAVE, true, err) < 0)
		return -1;
	if (set_flags(plan, options, tree, err) < 0 || mount_apply_options(options, tree, err) < 0)
		return -1;
	return is_idmapped(entry) ? apply_idmap(plan, entry, tree, err) : 0;
}

static int clone_source(const struct mount_plan_entry *entry, struct error *err)
{
	const struct mount_options *options = &entry->options;
	const char *source = entry->mount->source;
	cleanup_fd int link = -1, tree = -1;

	if (options->source_namespace) {
		tree = mount_open_foreign(options->source_namespace, source, options->recursive,
					  err);
		return tree < 0 ? error_wrap(err, "bind source %s", source) : move_fd(&tree);
	}
	if (options->source_nofollow)
		link = open(source, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (link >= 0 || !options->source_nofollow)
		tree = mount_api_clone(link >= 0 ? link : AT_FDCWD, link >= 0 ? "" : source,
				       options->recursive);
	if (tree < 0) {
		error_set(err, errno, "bind source %s", source);
		return mount_api_explain_clone(err);
	}
	return move_fd(&tree);
}

int mount_open_source(const struct mount_plan *plan, struct mount_plan_entry *entry,
		      struct error *err)
{
	cleanup_fd int tree = clone_source(entry, err);

	if (tree < 0)
		return -1;
	if (mount_finish_tree(plan, entry, tree, true, err) < 0)
		return error_wrap(err, "bind source %s", entry->mount->source);
	entry->tree = move_fd(&tree);
	return 0;
}

/* What is behind `prefix` in an absolute path below it ("/…" or ""), or NULL. */
static const char *path_below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	if (n == 1) /* "/" */
		n = 0;
	if (strncmp(path, prefix, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path + n;
}

/* The same for a path of the host and the container's root; NULL if that is the host's own. */
static const char *path_below_root(const struct mount_plan *plan, const char *path)
{
	const char *below = NULL;

	if (plan->root_path && !str_equal(plan->root_path, "/"))
		below = path_below(path, plan->root_path);
	return below && !*below ? "/" : below;
}

/*
 * Relative destinations count from "/". Some callers put the root's own path
 * in front, which is taken off.
 */
static int set_destination(const struct mount_plan *plan, struct mount_plan_entry *entry,
			   struct arena *arena, struct error *err)
{
	const char *given = entry->mount->destination;

	if (*given != '/')
		log_debug("mount destination \"%s\" is relative, taken from \"/\"", given);
	cleanup_free char *absolute = str_format(err, "/%s", given);
	cleanup_free char *clean = absolute ? path_clean(absolute, err) : NULL;
	const char *below;

	if (!clean)
		return -1;
	below = path_below_root(plan, clean);
	entry->destination = arena_strdup(arena, below ? below : clean, err);
	if (!entry->destination)
		return -1;
	if (str_equal(entry->destination, "/"))
		return error_set(err, EINVAL, "destination \"%s\" is the root itself", given);
	return 0;
}

/* True when the earlier mount is at, above or (seen by a recursive bind) below the path. */
static bool mount_changes(const struct mount_plan_entry *earlier, const char *path, bool recursive)
{
	return path_below(path, earlier->destination) ||
	       (recursive && path_below(earlier->destination, path));
}

static int find_source_in_root(const struct mount_plan *plan, struct mount_plan_entry *entry,
			       struct arena *arena, struct error *err)
{
	cleanup_free char *absolute = path_absolute(entry->mount->source, err);
	cleanup_free char *clean = absolute ? path_clean(absolute, err) : NULL;
	const char *below;

	if (!clean)
		return -1;
	below = path_below_root(plan, clean);
	if (!below)
		return 0;
	for (const struct mount_plan_entry *e = plan->entries; e < entry; e++) {
		if (!mount_changes(e, below, entry->options.recursive))
			continue;
		entry->source_in_root = arena_strdup(arena, below, err);
		return entry->source_in_root ? 0 : -1;
	}
	return 0;
}

/*
 * A word that nobody knows may be a mistyped "noexec". A key with a value is
 * an option of some file system, which mount(2) ignores for bind mounts.
 */
static int check_bind(const struct mount_plan_entry *entry, struct error *err)
{
	const struct mount_options *options = &entry->options;

	if (!entry->mount->source || !*entry->mount->source)
		return error_set(err, EINVAL, "a bind mount needs a source");
	for (size_t i = 0; i < options->n_parameters; i++) {
		const struct mount_parameter *p = &options->parameters[i];

		if (p->is_generic)
			continue;
		if (!p->value)
			return error_set(err, EINVAL,
					 "option \"%s\" is unknown, and a bind mount has no "
					 "options of a file system",
					 p->key);
		log_warning("mount %s: option \"%s\" is ignored: a bind mount has no options of "
			    "a file system",
			    entry->mount->destination, p->key);
	}
	if (options->source_namespace && (options->copy_symlink || options->source_nofollow))
		return error_set(err, EINVAL,
				 "source-namespace does not go with copy-symlink or src-nofollow");
	return 0;
}

/* The source as it is on the host; one that an earlier mount hides is not meant. */
static int read_link(struct mount_plan_entry *entry, struct arena *arena, struct error *err)
{
	char text[PATH_MAX];
	ssize_t n = readlink(entry->mount->source, text, sizeof(text));

	if (n < 0 && errno == EINVAL)
		return 0;
	if (n < 0 || (size_t)n == sizeof(text))
		return error_set(err, n < 0 ? errno : ENAMETOOLONG, "bind source %s",
				 entry->mount->source);
	entry->link = arena_strndup(arena, text, (size_t)n, err);
	return entry->link ? 0 : -1;
}

/* The mappings of an option, in a mount of our own. */
static int take_mappings(const struct mount_plan *plan, struct mount_plan_entry *entry,
			 struct arena *arena, struct error *err)
{
	struct spec_mount *mount = arena_alloc(arena, sizeof(*mount), err);

	if (!mount)
		return -1;
	*mount = *entry->mount;
	entry->mount = mount;
	return mount_idmap_parse(entry->options.mappings, plan->spec->linux, arena, mount, err);
}

static int prepare_bind(const struct mount_plan *plan, struct mount_plan_entry *entry,
			struct arena *arena, struct error *err)
{
	if (check_bind(entry, err) < 0)
		return -1;
	if (!entry->options.source_namespace && find_source_in_root(plan, entry, arena, err) < 0)
		return -1;
	if (entry->options.copy_symlink && read_link(entry, arena, err) < 0)
		return -1;
	if (entry->link)
		return 0;
	if (entry->source_in_root && is_idmapped(entry)) {
		entry->user_namespace = idmap_open_for_mount(plan->spec, entry->mount, err);
		return entry->user_namespace < 0 ? -1 : 0;
	}
	if (entry->source_in_root)
		return 0;
	if (mount_open_source(plan, entry, err) == 0)
		return 0;
	if (!left_to_init(plan->spec, err->code))
		return -1;
	/*
	 * Ids are mapped here or not at all: in the container's pid namespace the child that
	 * carries the mappings would have another number than in our procfs.
	 */
	if (is_idmapped(entry) && geteuid() == 0)
		return -1;
	if (is_idmapped(entry))
		return error_hint(err, "idmapped mounts need CAP_SYS_ADMIN over the file system");
	return 0;
}

bool mount_may_need_host_sysfs(const struct mount_plan *plan, const struct mount_plan_entry *entry)
{
	const struct spec_namespace *network = spec_find_namespace(plan->spec, NAMESPACE_NETWORK);

	return !entry->options.remount && !entry->options.bind &&
	       str_equal(entry->mount->type, "sysfs") && mount_has_user_namespace(plan->spec) &&
	       (!network || network->path);
}

int mount_open_host_sysfs(struct mount_plan_entry *entry, struct error *err)
{
	const struct mount_flags read_only = { .set = MOUNT_ATTR_RDONLY };
	cleanup_fd int tree = mount_api_clone(AT_FDCWD, "/sys", true);

	if (tree < 0)
		return error_set(err, errno, "/sys of the host, in place of a sysfs");
	if (mount_api_propagate(tree, MS_SLAVE, true, err) < 0 ||
	    mount_api_set(tree, &read_only, true, err) < 0)
		return error_wrap(err, "/sys of the host, in place of a sysfs");
	entry->tree = move_fd(&tree);
	return 0;
}

static int prepare_entry(const struct mount_plan *plan, struct mount_plan_entry *entry,
			 struct arena *arena, struct error *err)
{
	const struct spec_mount *mount = entry->mount;
	struct mount_options *options = &entry->options;

	if (set_destination(plan, entry, arena, err) < 0 ||
	    mount_options_parse(mount->options, mount->n_options, arena, options, err) < 0)
		return -1;
	if (!options->bind && mount_options_is_bind(mount)) {
		options->bind = true;
		options->recursive = str_equal(mount->type, "rbind");
	}
	if (options->remount)
		return 0;
	if (options->mappings && take_mappings(plan, entry, arena, err) < 0)
		return -1;
	if (options->bind)
		return prepare_bind(plan, entry, arena, err);
	if (options->copy_symlink || options->source_nofollow || options->destination_nofollow ||
	    options->source_namespace)
		return error_set(err, EINVAL, "option %s is for bind mounts only",
				 options->copy_symlink		 ? "copy-symlink"
				 : options->source_nofollow	 ? "src-nofollow"
				 : options->destination_nofollow ? "dest-nofollow"
								 : "source-namespace");
	if (is_idmapped(entry))
		return error_set(err, EINVAL, "only a bind mount can be idmapped");
	if (!mount->type || !*mount->type)
		return error_set(err, EINVAL, "has no type, and neither bind nor rbind as option");
	if (mount_may_need_host_sysfs(plan, entry) && mount_open_host_sysfs(entry, err) < 0 &&
	    !left_to_init(plan->spec, err->code))
		return -1;
	return 0;
}

static int prepare_root(struct mount_plan *plan, struct arena *arena, struct error *err)
{
	cleanup_free char *absolute = path_absolute(plan->spec->root->path, err);
	cleanup_free char *clean = absolute ? path_clean(absolute, err) : NULL;

	if (!clean)
		return -1;
	plan->root_path = arena_strdup(arena, clean, err);
	if (!plan->root_path)
		return -1;
	if (mount_open_root(plan, err) < 0 && !left_to_init(plan->spec, err->code))
		return -1;
	if (plan->spec->linux->n_masked_paths && mount_open_null(plan, err) < 0 &&
	    !left_to_init(plan->spec, err->code))
		return -1;
	return 0;
}

static int prepare_entries(struct mount_plan *plan, struct arena *arena, struct error *err)
{
	const struct spec *spec = plan->spec;

	plan->entries = arena_array(arena, spec->n_mounts, sizeof(*plan->entries), err);
	if (!plan->entries)
		return -1;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct mount_plan_entry *entry = &plan->entries[i];

		*entry = (struct mount_plan_entry){
			.mount = &spec->mounts[i], .tree = -1, .read_only = -1, .user_namespace = -1
		};
		plan->n_entries = i + 1;
		if (prepare_entry(plan, entry, arena, err) < 0)
			return error_wrap(err, "mounts[%zu]", i);
	}
	return 0;
}

/* Without SELinux files bear no labels, and nothing is less protected for it. */
static const char *label_for_mounts(const struct spec_linux *lx)
{
	if (!lx->mount_label || !*lx->mount_label)
		return NULL;
	if (lsm_selinux_enabled())
		return lx->mount_label;
	log_warning("linux.mountLabel is ignored: SELinux is not enabled on this machine");
	return NULL;
}

int mount_plan_prepare(const struct spec *spec, struct mount_plan *plan, struct arena *arena,
		       struct error *err)
{
	*plan = (struct mount_plan){
		.spec = spec, .root_tree = -1, .null = -1, .label = label_for_mounts(spec->linux)
	};
	if (prepare_root(plan, arena, err) == 0 && prepare_entries(plan, arena, err) == 0)
		return 0;
	mount_plan_done(plan);
	return -1;
}

int mount_plan_prepare_mounts(const struct spec *spec, struct mount_plan *plan, struct arena *arena,
			      struct error *err)
{
	*plan = (struct mount_plan){
		.spec = spec, .root_tree = -1, .null = -1, .label = label_for_mounts(spec->linux)
	};
	if (prepare_entries(plan, arena, err) == 0)
		return 0;
	mount_plan_done(plan);
	return -1;
}

void mount_plan_done(struct mount_plan *plan)
{
	fd_close(&plan->root_tree);
	fd_close(&plan->null);
	for (size_t i = 0; i < plan->n_entries; i++) {
		fd_close(&plan->entries[i].tree);
		fd_close(&plan->entries[i].read_only);
		fd_close(&plan->entries[i].user_namespace);
	}
	plan->n_entries = 0;
}
