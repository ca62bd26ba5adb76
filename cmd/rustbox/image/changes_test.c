/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
#include "cmd/rustbox/image/image_test.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(changes_of_a_layer),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
