/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"

/* Somebody else may take a device between our finding it and our taking it. */
enum { TRIES = 64 };

static int open_control(struct error *err)
{
	int fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	error_set(err, errno, "open /dev/loop-control");
	return error_hint(err, "the kernel's loop devices are needed: modprobe loop");
}

/* 0: taken by another. */
static int try_attach(int control, const struct loop_config *config, int mode, char *path,
		      int *ret_device, struct error *err)
{
	int number = ioctl(control, LOOP_CTL_GET_FREE);
	cleanup_fd int device = -1;

	if (number < 0)
		return error_set(err, errno, "find a free loop device");
	(void)snprintf(path, LOOP_DEVICE_PATH_SIZE, "/dev/loop%d", number);
	device = open(path, mode | O_CLOEXEC);
	if (device < 0)
		return error_set(err, errno, "open %s", path);
	if (ioctl(device, LOOP_CONFIGURE, config) < 0)
		return errno == EBUSY ? 0 : error_set(err, errno, "set up %s", path);
	*ret_device = move_fd(&device);
	return 1;
}

int loop_device_attach(const char *file, const struct loop_device_use *use,
		       char ret_path[LOOP_DEVICE_PATH_SIZE], struct error *err)
{
	const int mode = use->read_only ? O_RDONLY : O_RDWR;
	cleanup_fd int backing = open(file, mode | O_CLOEXEC);
	cleanup_fd int control = -1;
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int device, done = 0;

	if (backing < 0)
		return error_set(err, errno, "open %s for a loop device", file);
	control = open_control(err);
	if (control < 0)
		return -1;
	config.fd = (unsigned int)backing;
	config.info.lo_flags |= use->read_only ? LO_FLAGS_READ_ONLY : 0;
	config.info.lo_flags |= use->direct_io ? LO_FLAGS_DIRECT_IO : 0;
	/* For losetup -l; the kernel cuts it itself. */
	(void)snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%s",
		       file);
	for (int i = 0; i < TRIES && !done; i++)
		done = try_attach(control, &config, mode, ret_path, &device, err);
	if (!done)
		return error_set(err, EBUSY, "find a free loop device for %s", file);
	return done < 0 ? error_wrap(err, "attach %s", file) : device;
}
