/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/device.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/mount_api.h"
#include "runtime/mount_options.h"

const struct device_default device_defaults[] = {
	{ "/dev/null", 1, 3, 0666 },   { "/dev/zero", 1, 5, 0666 },    { "/dev/full", 1, 7, 0666 },
	{ "/dev/random", 1, 8, 0666 }, { "/dev/urandom", 1, 9, 0666 }, { "/dev/tty", 5, 0, 0666 },
};
const size_t device_defaults_count = sizeof(device_defaults) / sizeof(device_defaults[0]);

/* A default or configured device, with what mknod wants. */
struct node {
	const char *path;
	mode_t mode; /* kind and permissions */
	dev_t number;
	uid_t uid;
	gid_t gid;
};

static const struct {
	const char *type;
	mode_t kind;
} kinds[] = {
	{ "c", S_IFCHR },
	{ "u", S_IFCHR },
	{ "b", S_IFBLK },
	{ "p", S_IFIFO },
};

static struct node default_node(size_t i)
{
	const struct device_default *d = &device_defaults[i];

	return (struct node){
		.path = d->path,
		.mode = S_IFCHR | d->mode,
		.number = makedev((unsigned int)d->major, (unsigned int)d->minor),
	};
}

static struct node configured_node(const struct spec_device *device)
{
	struct node node = {
		.path = device->path,
		.mode = device->file_mode.set ? (mode_t)device->file_mode.value & 07777 : 0666,
		.uid = device->uid.set ? (uid_t)device->uid.value : 0,
		.gid = device->gid.set ? (gid_t)device->gid.value : 0,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (str_equal(kinds[i].type, device->type))
			node.mode |= kinds[i].kind;
	}
	if (!S_ISFIFO(node.mode))
		node.number = makedev((unsigned int)device->major, (unsigned int)device->minor);
	return node;
}

/* A configured device takes the place of the default one of that path. */
static bool is_configured(const struct spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->linux->n_devices; i++) {
		if (str_equal(spec->linux->devices[i].path, path))
			return true;
	}
	return false;
}

/* The nth of device_defaults then linux.devices; false where there is nothing to make. */
static bool nth_node(const struct spec *spec, size_t n, struct node *ret)
{
	if (n >= device_defaults_count) {
		*ret = configured_node(&spec->linux->devices[n - device_defaults_count]);
		return true;
	}
	*ret = default_node(n);
	return !is_configured(spec, ret->path);
}

static bool is_node(const struct stat *st, const struct node *node)
{
	return (st->st_mode & S_IFMT) == (node->mode & S_IFMT) &&
	       (S_ISFIFO(node->mode) || st->st_rdev == node->number);
}

/* With the host's own /dev bound to /dev its devices are there, and not ours to change. */
static bool has_host_dev(const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct error ignored;
		cleanup_free char *path = path_clean(spec->mounts[i].destination, &ignored);

		if (str_equal(path, "/dev") && mount_options_is_bind(&spec->mounts[i]))
			return true;
	}
	return false;
}

/* A clone of the host's node of that path, if it is the device that is wanted; else -1. */
static int open_host_node(const struct node *node)
{
	cleanup_fd int fd = mount_api_clone(AT_FDCWD, node->path, false);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !is_node(&st, node))
		return -1;
	return move_fd(&fd);
}

/* What is missing on the host, or may not be cloned, comes up when the node is to be made. */
int device_open_host_nodes(const struct spec *spec, int *fds, struct error *err)
{
	bool needed = spec_find_namespace(spec, NAMESPACE_USER) && !has_host_dev(spec);

	for (size_t i = 0; i < device_defaults_count + spec->linux->n_devices; i++) {
		struct node node;

		fds[i] = -1;
		if (needed && nth_node(spec, i, &node) && !S_ISFIFO(node.mode))
			fds[i] = open_host_node(&node);
	}
	return 0;
}

/* The name of a node right in /dev, which is opened once (S11); NULL of one that is elsewhere. */
static const char *name_in_dev(const char *path)
{
	const char *below = str_starts_with(path, "/dev/") ? path + strlen("/dev/") : NULL;

	return below && *below && !strchr(below, '/') && !str_equal(below, ".") &&
			       !str_equal(below, "..")
		       ? below
		       : NULL;
}

/* An empty file, and the host's node on it. */
static int bind_node(int dir, const char *name, int host_node, const struct node *node,
		     struct error *err)
{
	cleanup_fd int late = host_node < 0 ? open_host_node(node) : -1;
	cleanup_fd int file = -1;

	if (host_node < 0 && late < 0)
		return error_set(err, EPERM, "mknod, and the host has no such device there");
	file = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (file < 0)
		return error_set(err, errno, "make a file to bind the host's device to");
	return mount_api_attach(late >= 0 ? late : host_node, file, err);
}

/* The umask is 0 here: the mode is right from the beginning, without a chmod by name. */
static int make_new(int dir, const char *name, const struct node *node, int host_node,
		    struct error *err)
{
	struct stat st;

	if (host_node >= 0)
		return bind_node(dir, name, host_node, node, err);
	if (mknodat(dir, name, node->mode, node->number) < 0) {
		if (errno == EPERM)
			return bind_node(dir, name, -1, node, err);
		return error_set(err, errno, "mknod");
	}
	if (!node->uid && !node->gid)
		return 0;
	/* What is given away must be what was made, whoever else can write to that folder. */
	cleanup_fd int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, errno, "open the new node");
	if (!is_node(&st, node))
		return error_set(err, ESTALE, "the new node was replaced");
	if (fchownat(fd, "", node->uid, node->gid, AT_EMPTY_PATH) < 0)
		return error_set(err, errno, "chown");
	return 0;
}

static int make_node_in(int dir, const char *name, const struct node *node, int host_node,
			struct error *err)
{
	struct stat st;

	/* Nearly always there is nothing yet, so that is tried before it is looked at. */
	if (make_new(dir, name, node, host_node, err) == 0)
		return 0;
	if (err->code != EEXIST || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (is_node(&st, node))
		return 0;
	return error_set(err, EEXIST, "something else is there already");
}

static int make_node(int root, int dev, const struct node *node, int host_node, struct error *err)
{
	const char *name = name_in_dev(node->path);

	if (name)
		return make_node_in(dev, name, node, host_node, err);
	cleanup_fd int dir = path_open_parent_in_root(root, node->path, &name, err);
	return dir < 0 ? -1 : make_node_in(dir, name, node, host_node, err);
}

static int make_nodes(int root, int dev, const struct spec *spec, const int *host_nodes,
		      struct error *err)
{
	for (size_t i = 0; i < device_defaults_count + spec->linux->n_devices; i++) {
		struct node node;

		if (!nth_node(spec, i, &node))
			continue;
		if (make_node(root, dev, &node, host_nodes ? host_nodes[i] : -1, err) < 0)
			return error_wrap(err, "device %s", node.path);
	}
	return 0;
}

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "core", "/proc/kcore" },	 { "ptmx", "pts/ptmx" },
};

/* A link that is there already, whatever it says, is the image's business; ptmx is not. */
static int make_link(int root, int dev, const char *name, const char *target, struct error *err)
{
	bool is_ptmx = str_equal(name, "ptmx");

	if (str_equal(name, "core")) {
		cleanup_fd int kcore = path_open_in_root(root, target, O_PATH, err);

		if (kcore < 0)
			return 0;
	}
	if (symlinkat(target, dev, name) == 0 || (errno == EEXIST && !is_ptmx))
		return 0;
	if (errno == EEXIST && unlinkat(dev, name, 0) == 0 && symlinkat(target, dev, name) == 0)
		return 0;
	return error_set(err, errno, "link /dev/%s", name);
}

/*
 * /dev is the directory of that name, made if missing; the image may have put
 * a link there, which would lead everything below to another place.
 */
static int open_dev(int root, struct error *err)
{
	int fd;

	if (mkdirat(root, "dev", 0755) < 0 && errno != EEXIST)
		return error_set(err, errno, "mkdir /dev in the container's root");
	fd = openat(root, "dev", O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		error_set(err, errno, "open /dev in the container's root");
		return error_hint(err, "the image must have a directory there, not a link");
	}
	return fd;
}

int device_setup(int root, const struct spec *spec, const int *host_nodes, struct error *err)
{
	mode_t old_umask;
	int result;

	if (has_host_dev(spec))
		return 0;
	old_umask = umask(0);
	cleanup_fd int dev = open_dev(root, err);
	result = dev < 0 ? -1 : make_nodes(root, dev, spec, host_nodes, err);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && result == 0; i++)
		result = make_link(root, dev, links[i].name, links[i].target, err);
	umask(old_umask);
	return result;
}
