/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of an overlay: long lists of them, and idmapped ones. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "shim/rootfs_entry.h"

int rootfs_overlay_next_layer(const char **cursor, char *buffer, size_t size)
{
	const char *p = *cursor;
	size_t n = 0;

	if (!*p)
		return 0;
	for (; *p && *p != ':'; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (n + 1 >= size)
			return -1;
		buffer[n++] = *p;
	}
	buffer[n] = '\0';
	/* A colon at the end, or two, would make an empty one. */
	if (!n || (*p && !p[1]))
		return -1;
	*cursor = p + (*p == ':');
	return 1;
}

/* Linux 6.8 has "lowerdir+". Older ones take any word, and complain at the end without a reason. */
static bool kernel_takes_layers(void)
{
	struct utsname kernel;
	char *end;

	if (uname(&kernel) < 0)
		return false;
	long major = strtol(kernel.release, &end, 10);
	long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
	return major > 6 || (major == 6 && minor >= 8);
}

bool rootfs_overlay_takes_layers(const char *lowerdir)
{
	char layer[ROOTFS_PARAMETER_MAX + 1];
	int more;

	do
		more = rootfs_overlay_next_layer(&lowerdir, layer, sizeof(layer));
	while (more > 0);
	return more == 0 && kernel_takes_layers();
}

/* ---- Seen from the folder that they share ---- */

/* To the colon behind the layer, or to the end. */
static size_t layer_length(const char *text)
{
	size_t n = 0;

	for (; text[n] && text[n] != ':'; n++)
		n += text[n] == '\\' && text[n + 1];
	return n;
}

/* How much of the first layer all begin with: ends in "/", 0 for nothing. */
static size_t shared_length(const char *lowerdir)
{
	size_t shared = layer_length(lowerdir);

	for (const char *p = lowerdir; *p;) {
		size_t n = layer_length(p), same = 0;

		while (same < n && same < shared && p[same] == lowerdir[same])
			same++;
		shared = same;
		p += n + (p[n] == ':');
	}
	while (shared && lowerdir[shared - 1] != '/')
		shared--;
	return lowerdir[0] == '/' ? shared : 0;
}

static char *copy_plain(const char *text, size_t size, struct arena *arena, struct error *err)
{
	char *copy = arena_strndup(arena, text, size, err), *out = copy;

	for (const char *p = copy; p && *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		*out++ = *p;
	}
	if (out)
		*out = '\0';
	return copy;
}

int rootfs_overlay_shorten(const char *lowerdir, struct arena *arena, char **ret_folder,
			   char **ret_lowerdir, struct error *err)
{
	size_t shared = shared_length(lowerdir);
	char *folder, *out = arena_alloc(arena, strlen(lowerdir) + 2, err), *end = out;

	*ret_folder = NULL;
	if (!out)
		return -1;
	if (!shared)
		return 0;
	for (const char *p = lowerdir; *p;) {
		size_t n = layer_length(p), skip = shared + strspn(p + shared, "/");

		if (skip >= n) /* the folder itself, which cannot be named by nothing */
			return 0;
		memcpy(end, p + skip, n - skip);
		end += n - skip;
		p += n;
		if (*p)
			*end++ = *p++;
	}
	*end = '\0';
	folder = copy_plain(lowerdir, shared, arena, err);
	if (!folder)
		return -1;
	*ret_folder = folder;
	*ret_lowerdir = out;
	return 0;
}

/* ---- What went wrong ---- */

static bool hint_missing(const char *path, struct error *err)
{
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return false;
	error_hint(err, "%.255s is not there", path);
	return true;
}

int rootfs_overlay_explain_missing(const struct rootfs_entry *entry, struct error *err)
{
	static const char *const folders[] = { "upperdir", "workdir" };
	const struct mount_options *options = &entry->options.mount;
	const struct mount_parameter *p = mount_options_find(options, "lowerdir");
	const char *cursor = p && p->value ? p->value : "";
	struct error ignored;
	char layer[PATH_MAX];

	while (rootfs_overlay_next_layer(&cursor, layer, sizeof(layer)) > 0)
		if (hint_missing(layer, err))
			return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		p = mount_options_find(options, folders[i]);
		const char *path = p && p->value ? copy_plain(p->value, strlen(p->value),
							      entry->arena, &ignored)
						 : NULL;
		if (path && hint_missing(path, err))
			return -1;
	}
	return -1;
}

/* ---- Idmapped ---- */

/*
 * An overlay's layers are named by paths, so their idmapped clones have to be
 * mounted somewhere: here in a mount namespace of our own, which nobody sees
 * and which goes away with all that is in it, whatever happens to us. They lie
 * in a tmpfs as "0", "1", and so on, seen from the current directory. The
 * overlay keeps them alive.
 */
static int open_folder_of_clones(struct error *err)
{
	cleanup_fd int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	cleanup_fd int folder = -1;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ||
	    (folder = fsmount(context, FSMOUNT_CLOEXEC, 0)) < 0 ||
	    move_mount(folder, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(folder) < 0)
		return error_set(err, errno, "make a folder for idmapped layers");
	return 0;
}

static int add_clone(const struct rootfs_entry *entry, const char *layer, size_t number,
		     struct error *err)
{
	const struct mount_flags flags = { .set = MOUNT_ATTR_RDONLY };
	cleanup_fd int tree = mount_api_clone(AT_FDCWD, layer, false);
	char name[24];

	if (tree < 0)
		return error_set(err, errno, "layer %s", layer);
	if (mount_api_set(tree, &flags, false, err) < 0 ||
	    rootfs_filesystem_idmap(tree, entry->user_namespace, false, err) < 0)
		return error_wrap(err, "layer %s", layer);
	(void)snprintf(name, sizeof(name), "%zu", number);
	if (mkdir(name, 0700) < 0 ||
	    move_mount(tree, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "attach the idmapped layer %s", layer);
	return 0;
}

/* "0:1:2" for lowerdir. Malloc'd, NULL with err. */
static char *add_clones(const struct rootfs_entry *entry, const char *lowerdir, struct error *err)
{
	cleanup_str struct str names = STR_EMPTY;
	char layer[PATH_MAX];
	size_t number = 0;
	int more;

	while ((more = rootfs_overlay_next_layer(&lowerdir, layer, sizeof(layer))) > 0) {
		if (*layer != '/') {
			error_set(err, EINVAL, "layer %s: not an absolute path", layer);
			return NULL;
		}
		if (add_clone(entry, layer, number, err) < 0)
			return NULL;
		str_add_format(&names, number ? ":%zu" : "%zu", number);
		number++;
	}
	if (more < 0) {
		error_set(err, EINVAL, "lowerdir= has an empty or too long path");
		return NULL;
	}
	return str_take(&names, err);
}

/* Names of many layers are too long for an older kernel's fsconfig(2), but never for mount(2). */
static int open_by_mount(const struct rootfs_entry *mapped, struct error *err)
{
	cleanup_fd int target = -1;
	int tree;

	if (mkdir("overlay", 0700) < 0 ||
	    (target = open("overlay", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return error_set(err, errno, "make a folder for the overlay");
	if (rootfs_filesystem_mount(mapped, target, err) < 0)
		return -1;
	tree = mount_api_clone(AT_FDCWD, "overlay", false);
	return tree < 0 ? error_set(err, errno, "clone the overlay") : tree;
}

static int open_in_own_namespace(const struct rootfs_entry *entry, struct error *err)
{
	const struct mount_options *options = &entry->options.mount;
	const struct mount_parameter *layers = mount_options_find(options, "lowerdir");
	struct rootfs_entry mapped = *entry;
	cleanup_free char *names = NULL;

	if (!layers || !layers->value)
		return error_set(err, EINVAL, "option lowerdir= is missing");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(err, errno, "make the mounts of a new namespace private");
	if (open_folder_of_clones(err) < 0)
		return -1;
	names = add_clones(entry, layers->value, err);
	if (!names)
		return -1;
	mapped.options.mount.parameters =
		arena_array(entry->arena, options->n_parameters, sizeof(*options->parameters), err);
	if (!mapped.options.mount.parameters)
		return -1;
	memcpy(mapped.options.mount.parameters, options->parameters,
	       options->n_parameters * sizeof(*options->parameters));
	mapped.options.mount.parameters[layers - options->parameters].value = names;
	return rootfs_filesystem_needs_mount(&mapped) ? open_by_mount(&mapped, err)
						      : rootfs_filesystem_open(&mapped, err);
}

int rootfs_overlay_open_idmapped(const struct rootfs_entry *entry, struct error *err)
{
	cleanup_fd int home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	cleanup_fd int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int tree = -1;

	if (home < 0 || here < 0)
		return error_set(err, errno, "open /proc/self/ns/mnt and the current directory");
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(err, errno, "unshare the mount namespace");
	tree = open_in_own_namespace(entry, err);
	if (setns(home, CLONE_NEWNS) < 0 || fchdir(here) < 0)
		return error_set(err, errno, "go back to the mount namespace");
	return move_fd(&tree);
}
