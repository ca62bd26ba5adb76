/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/loop.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "shim/loop_device.h"

static char file[] = "/tmp/loop_device_test.XXXXXX";
static struct error err;

static int make_file(void **state)
{
	memcpy(strrchr(file, '.') + 1, "XXXXXX", 6);
	cleanup_fd int fd = mkostemp(file, O_CLOEXEC);

	return fd < 0 ? -1 : ftruncate(fd, 1 << 20);
}

static int remove_file(void **state)
{
	return unlink(file);
}

static void skip_without_devices(void)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0) {
		print_message("no loop devices\n");
		skip();
	}
	close(control);
}

/* Is this still the file of that device? */
static bool is_attached(const char *path)
{
	struct loop_info64 info = { 0 };
	struct stat st;
	cleanup_fd int device = open(path, O_RDONLY | O_CLOEXEC);

	return device >= 0 && stat(file, &st) == 0 &&
	       ioctl(device, LOOP_GET_STATUS64, &info) == 0 && info.lo_inode == st.st_ino &&
	       info.lo_device == st.st_dev;
}

/* Something else, such as udev, may still look at it. */
static bool is_given_up(const char *path)
{
	for (int i = 0; i < 1000; i++) {
		if (!is_attached(path))
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

static void a_device_goes_with_its_last_descriptor(void **state)
{
	char path[LOOP_DEVICE_PATH_SIZE];
	struct loop_info64 info = { 0 };

	skip_without_devices();
	int device = loop_device_attach(file, &(struct loop_device_use){ 0 }, path, &err);
	assert_true(device >= 0);
	assert_true(str_starts_with(path, "/dev/loop") && is_attached(path));
	assert_true(fcntl(device, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(ioctl(device, LOOP_GET_STATUS64, &info), 0);
	assert_true(info.lo_flags & LO_FLAGS_AUTOCLEAR);
	assert_false(info.lo_flags & LO_FLAGS_READ_ONLY);
	assert_int_equal(pwrite(device, "x", 1, 0), 1);
	close(device);
	assert_true(is_given_up(path));
}

static void read_only_and_direct(void **state)
{
	const struct loop_device_use use = { .read_only = true, .direct_io = true };
	char path[LOOP_DEVICE_PATH_SIZE];
	struct loop_info64 info = { 0 };

	skip_without_devices();
	assert_int_equal(chmod(file, 0400), 0);
	int device = loop_device_attach(file, &use, path, &err);
	assert_true(device >= 0);
	assert_int_equal(ioctl(device, LOOP_GET_STATUS64, &info), 0);
	assert_true(info.lo_flags & LO_FLAGS_READ_ONLY);
	close(device);
}

static void two_at_once(void **state)
{
	char a[LOOP_DEVICE_PATH_SIZE], b[LOOP_DEVICE_PATH_SIZE];
	const struct loop_device_use use = { .read_only = true };

	skip_without_devices();
	int first = loop_device_attach(file, &use, a, &err);
	int second = loop_device_attach(file, &use, b, &err);
	bool both = first >= 0 && second >= 0;
	close(first);
	close(second);
	assert_true(both);
	assert_string_not_equal(a, b);
}

static void bad_files(void **state)
{
	char path[LOOP_DEVICE_PATH_SIZE];

	skip_without_devices();
	assert_int_equal(loop_device_attach("/missing", &(struct loop_device_use){ 0 }, path, &err),
			 -1);
	assert_string_equal(err.text, "open /missing for a loop device: No such file or directory");
	assert_int_equal(loop_device_attach("/tmp", &(struct loop_device_use){ .read_only = true },
					    path, &err),
			 -1);
	assert_true(str_starts_with(err.text, "attach /tmp: set up /dev/loop"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_device_goes_with_its_last_descriptor, make_file,
						remove_file),
		cmocka_unit_test_setup_teardown(read_only_and_direct, make_file, remove_file),
		cmocka_unit_test_setup_teardown(two_at_once, make_file, remove_file),
		cmocka_unit_test_setup_teardown(bad_files, make_file, remove_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
