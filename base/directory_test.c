/* SPDX-License-Identifier: Apache-2.0 */
#include "base/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[32];

static int set_up(void **state)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/directory_test.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	return rmdir(folder);
}

static void all_names_come_and_then_none(void **state)
{
	DIR *stream = opendir(folder);
	const struct dirent *entry;
	struct error err;

	assert_non_null(stream);
	assert_int_equal(directory_next(stream, folder, &entry, &err), 0);
	int fd = openat(dirfd(stream), ".file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	rewinddir(stream);
	errno = EIO; /* of somebody else */
	assert_int_equal(directory_next(stream, folder, &entry, &err), 1);
	assert_string_equal(entry->d_name, ".file");
	assert_int_equal(unlinkat(dirfd(stream), ".file", 0), 0);
	assert_int_equal(directory_next(stream, folder, &entry, &err), 0);
	assert_int_equal(closedir(stream), 0);
}

static void what_cannot_be_read_is_an_error(void **state)
{
	DIR *stream = opendir(folder);
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const struct dirent *entry;
	struct error err;

	assert_non_null(stream);
	assert_int_equal(dup3(other, dirfd(stream), O_CLOEXEC), dirfd(stream));
	assert_int_equal(directory_next(stream, folder, &entry, &err), -1);
	assert_int_equal(err.code, ENOTDIR);
	assert_non_null(strstr(err.text, folder));
	assert_int_equal(closedir(stream), 0);
	assert_int_equal(close(other), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_names_come_and_then_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_an_error, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
