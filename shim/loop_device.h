/* SPDX-License-Identifier: Apache-2.0 */
/* Files as block devices (loop(4)). */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum { LOOP_DEVICE_PATH_SIZE = 24 };

struct loop_device_use {
	bool read_only;
	bool direct_io; /* past the page cache of the file's own file system */
};

/*
 * Attaches the file to a free loop device. Returns the device's descriptor;
 * its path goes to ret_path. The device is given up by the kernel when its
 * last user, a descriptor or a mount, is gone.
 */
int loop_device_attach(const char *file, const struct loop_device_use *use,
		       char ret_path[LOOP_DEVICE_PATH_SIZE], struct error *err);
