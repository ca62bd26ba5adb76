/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/layers.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/str.h"

/* fsconfig(2) takes texts of up to 255 bytes. */
enum { FSCONFIG_TEXT_MAX = 255, LAYERS_MAX = 500 };

static int open_folder(const char *path, struct error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_set(err, errno, "open %s", path) : fd;
}

/* Linux 6.8 takes them one by one. */
static bool add_each(int context, char *const *layers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", layers[i], 0) < 0)
			return false;
	return true;
}

/* Older ones take one text, in which descriptors are the shortest names. */
static int add_together(int context, char *const *layers, size_t n, int *fds, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;

	for (size_t i = 0; i < n; i++) {
		fds[i] = open_folder(layers[i], err);
		if (fds[i] < 0)
			return -1;
		str_add_format(&text, "%s/proc/self/fd/%d", i ? ":" : "", fds[i]);
	}
	if (text.failed)
		return error_memory(err);
	if (text.size > FSCONFIG_TEXT_MAX)
		return error_set(err, E2BIG, "look into an image of %zu layers (Linux 6.8 can)", n);
	if (fsconfig(context, FSCONFIG_SET_STRING, "lowerdir", text.text, 0) < 0)
		return error_set(err, errno, "name %zu layers to overlayfs", n);
	return 0;
}

static int open_context(struct error *err)
{
	int context = fsopen("overlay", FSOPEN_CLOEXEC);

	if (context >= 0)
		return context;
	error_set(err, errno, "overlayfs");
	return errno == ENODEV ? error_hint(err, "the kernel does not have it: modprobe overlay")
			       : -1;
}

static int open_overlay(char *const *layers, size_t n, int *fds, struct error *err)
{
	cleanup_fd int context = open_context(err);
	int tree;

	if (context < 0)
		return -1;
	if (!add_each(context, layers, n)) {
		/* What it took before it refused would count. */
		fd_close(&context);
		context = open_context(err);
		if (context < 0 || add_together(context, layers, n, fds, err) < 0)
			return -1;
	}
	if (fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_set(err, errno, "make an overlay of %zu layers from %s on", n,
				 layers[0]);
	tree = fsmount(context, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			       MOUNT_ATTR_NOEXEC);
	return tree < 0 ? error_set(err, errno, "mount an overlay of %zu layers", n) : tree;
}

int layers_open(char *const *layers, size_t n, struct error *err)
{
	int fds[LAYERS_MAX], tree;

	if (n == 1)
		return open_folder(layers[0], err);
	if (n > LAYERS_MAX)
		return error_set(err, E2BIG, "more than %d layers", LAYERS_MAX);
	for (size_t i = 0; i < n; i++)
		fds[i] = -1;
	tree = open_overlay(layers, n, fds, err);
	for (size_t i = 0; i < n; i++)
		fd_close(&fds[i]);
	return tree;
}
