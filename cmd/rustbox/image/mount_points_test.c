/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
#include "cmd/rustbox/image/image_test.h"

#include <sys/resource.h>

#include "cmd/rustbox/image/changes.h"
#include "cmd/rustbox/image/mount_points.h"

/* What was made to mount on is no change; what looks like it and is not stays one. */
static void mount_points_are_no_changes(void **state)
{
	struct test_store *t = *state;
	cleanup_str struct str list = STR_EMPTY;
	struct unpack how = { .is_layer = true };
	struct error err;
	cleanup_fd int low = test_make_folder(t, "low"), middle = test_make_folder(t, "middle");
	cleanup_fd int up = test_make_folder(t, "up");
	int lower[] = { middle, low };
	const struct mount_points points = { .upper = up, .lower = lower, .n_lower = 2 };

	how.folder = low;
	assert_ok(test_unpack(test_tar_of({ "etc", AE_IFDIR, .mode = 0750, .uid = 7 },
					  { "etc/hostname", .text = "" }, { "proc", .text = "" },
					  { "dev/x", .text = "" }),
			      &how, &err));
	how.folder = middle;
	assert_ok(test_unpack(
		test_tar_of({ ".wh.proc", .text = "" }, { "dev/.wh..wh..opq", .text = "" }), &how,
		&err));
	how.folder = up;
	assert_ok(test_unpack(
		test_tar_of({ "etc", AE_IFDIR, .mode = 0750, .uid = 7 },
			    { "etc/hosts", .text = "" }, { "etc/resolv.conf", .text = "" },
			    { "proc", AE_IFDIR, .mode = 0755 }, { "sys", AE_IFDIR, .mode = 0755 },
			    { "dev", AE_IFDIR, .mode = 0755 }),
		&how, &err));
	assert_ok(changes_list(&points, low, test_note_change, &list, &err));
	assert_null(list.text);
	assert_int_equal(mount_points_new(&points, "proc", &err), 1);
	assert_int_equal(mount_points_new(&points, "etc/hosts", &err), 1);
	assert_int_equal(mount_points_new(&points, "dev", &err), 0);
	assert_int_equal(mount_points_new(&points, "etc", &err), 0);
	/* A file of the container's, one that was emptied, one with content, other rights, more. */
	assert_ok(test_unpack(
		test_tar_of({ "etc/hostname", .text = "" }, { "etc/hosts", .text = "1" },
			    { "sys", AE_IFDIR, .mode = 0700 }, { "dev/zero", .text = "" }),
		&how, &err));
	assert_ok(changes_list(&points, low, test_note_change, &list, &err));
	assert_string_equal(list.text, "C dev\nA dev/zero\nC etc\nC etc/hostname\nA etc/hosts\n"
				       "A sys\n");
}

static void other_rights_of_a_folder_are_a_change(void **state)
{
	struct test_store *t = *state;
	struct unpack how = { .is_layer = true };
	struct error err;
	cleanup_fd int low = test_make_folder(t, "low"), up = test_make_folder(t, "up");
	struct mount_points points = { .upper = up, .lower = &low, .n_lower = 1 };
	const struct spec_id_mapping map = { .container_id = 0, .host_id = 5000, .size = 100 };

	how.folder = low;
	assert_ok(
		test_unpack(test_tar_of({ "etc", AE_IFDIR, .mode = 0755, .uid = 7 }), &how, &err));
	how.folder = up;
	assert_ok(test_unpack(test_tar_of({ "etc", AE_IFDIR, .mode = 0755, .uid = 5007 },
					  { "etc/hosts", .text = "" }),
			      &how, &err));
	assert_int_equal(mount_points_alone(&points, "etc", &err), 0);
	assert_int_equal(mount_points_alone(&points, "etc/hosts", &err), 1);
	points.owner.uids = points.owner.gids = &map;
	points.owner.n_uids = points.owner.n_gids = 1;
	assert_int_equal(mount_points_alone(&points, "etc", &err), 1);
	assert_int_equal(fchmodat(up, "etc", 0751, 0), 0);
	assert_int_equal(mount_points_alone(&points, "etc", &err), 0);
	assert_int_equal(fchmodat(up, "etc", 0755, 0), 0);
	assert_int_equal(mknodat(up, "etc/passwd", S_IFCHR, makedev(0, 0)), 0);
	assert_int_equal(mount_points_alone(&points, "etc", &err), 0);
}

/* A look that fails does not show what is not there. */
static void without_descriptors_nobody_knows(void **state)
{
	struct test_store *t = *state;
	struct unpack how = { .is_layer = true };
	struct error err;
	cleanup_fd int low = test_make_folder(t, "low"), up = test_make_folder(t, "up");
	const struct mount_points points = { .upper = up, .lower = &low, .n_lower = 1 };
	struct rlimit before, few;
	int failed = 0;

	how.folder = low;
	assert_ok(test_unpack(
		test_tar_of({ "etc/hostname", .text = "" }, { "proc", AE_IFDIR, .mode = 0755 }),
		&how, &err));
	how.folder = up;
	assert_ok(test_unpack(
		test_tar_of({ "etc/hostname", .text = "" }, { "etc/hosts", .text = "" },
			    { "proc", AE_IFDIR, .mode = 0755 }, { "dev/x", .text = "" }),
		&how, &err));
	const struct {
		const char *path;
		int alone, new;
	} looks[] = {
		{ "etc/hosts", 1, 1 }, { "etc/hostname", 0, 0 }, { "proc", 1, 0 }, { "dev", 0, 0 }
	};
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	for (rlim_t more = 0; more < 6; more++) {
		int next = dup(up);

		few.rlim_cur = (rlim_t)next + more;
		(void)close(next);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
			int alone = mount_points_alone(&points, looks[i].path, &err);
			int new = mount_points_new(&points, looks[i].path, &err);

			assert_true(alone < 0 || alone == looks[i].alone);
			assert_true(new < 0 || new == looks[i].new);
			failed += (alone < 0) + (new < 0);
			if (more == 0)
				assert_true(alone < 0 && new < 0 && err.code == EMFILE);
			if (more == 5)
				assert_true(alone >= 0 && new >= 0);
		}
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	}
	assert_true(failed > 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(mount_points_are_no_changes),
		store_test(other_rights_of_a_folder_are_a_change),
		store_test(without_descriptors_nobody_knows),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
