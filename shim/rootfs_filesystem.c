/* SPDX-License-Identifier: Apache-2.0 */
/* New mounts of file systems, by fsopen(2) and its kin or by mount(2), and bind mounts. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "shim/rootfs_entry.h"

int rootfs_filesystem_idmap(int tree, int user_namespace, bool recursive, struct error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
				   .userns_fd = (__u64)user_namespace };

	if (mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
			  sizeof(attr)) == 0)
		return 0;
	error_set(err, errno, "apply uidmap= and gidmap= (mount_setattr)");
	if (errno == EINVAL)
		return error_hint(err, "the file system does not support idmapped mounts");
	return -1;
}

int rootfs_bind_open(const struct rootfs_entry *entry, struct error *err)
{
	const struct mount_options *options = &entry->options.mount;
	/*
	 * A bind mount has the flags of its source. Words such as rw, which callers
	 * give by habit, take none away: they may be locked, or somebody's decision.
	 */
	const struct mount_flags here = { options->here.set,
					  options->here.clear & MOUNT_ATTR__ATIME };
	cleanup_fd int tree = -1;

	if (!*entry->source)
		return error_set(err, EINVAL, "a bind mount needs a source");
	tree = mount_api_clone(AT_FDCWD, entry->source, options->recursive);
	if (tree < 0) {
		error_set(err, errno, "bind source %s", entry->source);
		return mount_api_explain_clone(err);
	}
	if (entry->user_namespace >= 0 &&
	    rootfs_filesystem_idmap(tree, entry->user_namespace, options->recursive, err) < 0)
		return -1;
	if (mount_api_set(tree, &here, false, err) < 0)
		return -1;
	return move_fd(&tree);
}

/* ---- By fsopen(2) ---- */

/* Appends what the kernel itself has to say ("e overlay: …"), which is more than an errno. */
static int add_kernel_messages(int context, struct error *err)
{
	char line[512];
	ssize_t n;

	while ((n = read(context, line, sizeof(line) - 1)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		line[n] = '\0';
		if (n > 2 && (line[0] == 'e' || line[0] == 'w'))
			error_hint(err, "%s", line + 2);
	}
	return -1;
}

static int set_parameter(int context, const char *key, const char *value, struct error *err)
{
	if (value && fsconfig(context, FSCONFIG_SET_STRING, key, value, 0) < 0)
		return error_set(err, errno, "option %s=%s", key, value);
	if (!value && fsconfig(context, FSCONFIG_SET_FLAG, key, NULL, 0) < 0)
		return error_set(err, errno, "option %s", key);
	return 0;
}

static int set_layers(int context, const char *lowerdir, struct error *err)
{
	char layer[ROOTFS_PARAMETER_MAX + 1];

	while (rootfs_overlay_next_layer(&lowerdir, layer, sizeof(layer)) > 0)
		if (set_parameter(context, "lowerdir+", layer, err) < 0)
			return -1;
	return 0;
}

static bool is_long(const char *text)
{
	return text && strnlen(text, ROOTFS_PARAMETER_MAX + 1) > ROOTFS_PARAMETER_MAX;
}

static bool is_layers(const struct rootfs_entry *entry, const struct mount_parameter *p)
{
	return is_long(p->value) && str_equal(entry->type, "overlay") &&
	       str_equal(p->key, "lowerdir");
}

static int set_parameters(int context, const struct rootfs_entry *entry, struct error *err)
{
	const struct mount_options *options = &entry->options.mount;

	if (*entry->source && set_parameter(context, "source", entry->source, err) < 0)
		return -1;
	for (size_t i = 0; i < options->n_parameters; i++) {
		const struct mount_parameter *p = &options->parameters[i];
		int result = is_layers(entry, p) ? set_layers(context, p->value, err)
						 : set_parameter(context, p->key, p->value, err);

		if (result < 0)
			return -1;
	}
	/* For the file system as well as for its mount, as mount(2) does it: a device may be so. */
	if (options->here.set & MOUNT_ATTR_RDONLY)
		return set_parameter(context, "ro", NULL, err);
	return 0;
}

static int make_mount(int context, const struct rootfs_entry *entry, struct error *err)
{
	int tree;

	if (set_parameters(context, entry, err) < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_set(err, errno, "make the file system of type %s", entry->type);
	tree = fsmount(context, FSMOUNT_CLOEXEC, (unsigned int)entry->options.mount.here.set);
	return tree < 0 ? error_set(err, errno, "fsmount") : tree;
}

static int explain_open(const struct rootfs_entry *entry, struct error *err)
{
	if (errno == ENODEV)
		return error_set(err, ENODEV, "the kernel knows no file system type \"%s\"",
				 entry->type);
	return error_set(err, errno, "fsopen");
}

int rootfs_filesystem_open(const struct rootfs_entry *entry, struct error *err)
{
	cleanup_fd int context = fsopen(entry->type, FSOPEN_CLOEXEC);
	cleanup_fd int tree = -1;

	if (context < 0)
		return explain_open(entry, err);
	tree = make_mount(context, entry, err);
	if (tree < 0)
		return add_kernel_messages(context, err);
	/* The layers of an overlay are idmapped, not the overlay. */
	if (entry->user_namespace >= 0 && !str_equal(entry->type, "overlay") &&
	    rootfs_filesystem_idmap(tree, entry->user_namespace, false, err) < 0)
		return -1;
	return move_fd(&tree);
}

bool rootfs_filesystem_needs_mount(const struct rootfs_entry *entry)
{
	const struct mount_options *options = &entry->options.mount;

	for (size_t i = 0; i < options->n_parameters; i++) {
		const struct mount_parameter *p = &options->parameters[i];

		if (is_long(p->value) &&
		    !(is_layers(entry, p) && rootfs_overlay_takes_layers(p->value)))
			return true;
	}
	return is_long(entry->source);
}
