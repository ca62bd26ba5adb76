/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
#include "cmd/rustbox/image/image_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/rustbox/image/changes.h"

static void changes_of_a_layer(void **state)
{
	struct test_store *t = *state;
	cleanup_str struct str list = STR_EMPTY;
	struct unpack how = { .is_layer = true };
	struct error err;

	cleanup_fd int low = test_make_folder(t, "low"), up = test_make_folder(t, "up");

	how.folder = low;
	assert_ok(test_unpack(test_tar_of({ "a", .text = "1" }, { "d/x", .text = "1" },
					  { "o/gone", .text = "1" }, { "o/kept", .text = "1" },
					  { "usr/lib/f", .text = "1" },
					  { "lib", AE_IFLNK, "usr/lib" }),
			      &how, &err));
	how.folder = up;
	assert_ok(test_unpack(test_tar_of({ "d/new", .text = "2" }, { "d/x", .text = "2" },
					  { ".wh.a", .text = "" }, { ".wh.never", .text = "" },
					  { "o/.wh..wh..opq", .text = "" },
					  { "o/kept", .text = "2" }, { "lib/f", .text = "2" }),
			      &how, &err));
	const struct mount_points points = { .upper = up, .lower = &low, .n_lower = 1 };
	assert_ok(changes_list(&points, low, test_note_change, &list, &err));
	assert_string_equal(list.text, "D a\nC d\nA d/new\nC d/x\nC lib\nA lib/f\nC o\nD o/gone\n"
				       "C o/kept\n");
}

/* Of what cannot be looked at nobody can say that it was not changed. */
static void a_failure_is_no_change(void **state)
{
	struct test_store *t = *state;
	cleanup_str struct str list = STR_EMPTY;
	struct unpack how = { .is_layer = true };
	struct rlimit before, limit;
	struct error err;

	cleanup_fd int low = test_make_folder(t, "low"), up = test_make_folder(t, "up");

	how.folder = low;
	assert_ok(test_unpack(test_tar_of({ "o/kept", .text = "1" }), &how, &err));
	how.folder = up;
	assert_ok(test_unpack(
		test_tar_of({ "o/.wh..wh..opq", .text = "" }, { "o/kept", .text = "2" }), &how,
		&err));
	const struct mount_points points = { .upper = up, .lower = &low, .n_lower = 1 };
	int lowest = fcntl(0, F_DUPFD_CLOEXEC, 0);
	assert_return_code(lowest, errno);
	assert_int_equal(close(lowest), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	/* The folder and its counterpart below, and no file in them. */
	limit.rlim_cur = (rlim_t)lowest + 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	int result = changes_list(&points, low, test_note_change, &list, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(result, -1);
	assert_int_equal(err.code, EMFILE);
	assert_string_equal(list.text, "C o\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(changes_of_a_layer),
		store_test(a_failure_is_no_change),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
