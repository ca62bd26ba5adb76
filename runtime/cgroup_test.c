/* SPDX-License-Identifier: Apache-2.0 */
/* Making, joining, listing, removing on a fake machine; cgroup_live_test.c has the real one. */
#include <signal.h>

#include "runtime/cgroup_fake_test.h"

static int setup(void **state)
{
	*state = fake_new();
	return 0;
}

static int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static bool there(const struct fake *fake, const char *path)
{
	char full[512];

	(void)snprintf(full, sizeof(full), "%s/%s", fake->folder, path);
	return access(full, F_OK) == 0;
}

static int create(struct fake *fake)
{
	return cgroup_create(&fake->machine, &fake->cgroup, &fake->err);
}

static void parents_are_made_and_kept(void **state)
{
	struct fake *fake = *state;

	fake_file(fake, "cgroup/pids/cgroup.procs", "");
	fake_directory(fake, "pids", "cgroup/pids/a/b/box");
	assert_ok(create(fake));
	assert_true(there(fake, "cgroup/pids/a/b/box"));
	assert_ok(cgroup_destroy(&fake->cgroup, &fake->err));
	assert_false(there(fake, "cgroup/pids/a/b/box"));
	assert_true(there(fake, "cgroup/pids/a/b"));
	assert_ok(cgroup_destroy(&fake->cgroup, &fake->err));
}

static void a_failed_create_leaves_nothing(void **state)
{
	struct fake *fake = *state;

	fake_file(fake, "cgroup/pids/cgroup.procs", "");
	fake_file(fake, "cgroup/memory/old/cgroup.procs", "12\n13\n");
	fake_directory(fake, "pids", "cgroup/pids/old/box");
	fake_directory(fake, "memory", "cgroup/memory/old");
	assert_error(create(fake), "container's cgroup is not empty");
	assert_non_null(strstr(fake->err.text, "12, 13"));
	assert_false(there(fake, "cgroup/pids/old"));
}

static void an_exclusive_one_takes_none_that_exists(void **state)
{
	struct fake *fake = *state;

	fake_file(fake, "cgroup/pids/cgroup.procs", "");
	fake_file(fake, "cgroup/memory/box/cgroup.procs", "");
	fake_directory(fake, "pids", "cgroup/pids/box");
	fake_directory(fake, "memory", "cgroup/memory/box");
	fake->cgroup.exclusive = true;
	assert_error(create(fake), "memory/box");
	assert_int_equal(fake->err.code, EEXIST);
	assert_false(there(fake, "cgroup/pids/box"));
	fake->cgroup.exclusive = false;
	assert_ok(create(fake));
}

static void a_cpuset_takes_over_what_is_above(void **state)
{
	struct fake *fake = *state;

	/* The files of the new directories are the kernel's to make: here they exist, empty. */
	fake_file(fake, "cgroup/cpuset/cpuset.cpus", "0-3\n");
	fake_file(fake, "cgroup/cpuset/cpuset.mems", "0\n");
	fake_file(fake, "cgroup/cpuset/a/cpuset.cpus", "\n");
	fake_file(fake, "cgroup/cpuset/a/cpuset.mems", "\n");
	fake_file(fake, "cgroup/cpuset/a/box/cpuset.cpus", "\n");
	fake_file(fake, "cgroup/cpuset/a/box/cpuset.mems", "0\n");
	fake_file(fake, "cgroup/cpuset/a/box/cgroup.procs", "");
	fake_directory(fake, "cpuset", "cgroup/cpuset/a/box");
	assert_ok(create(fake));
	assert_string_equal(fake_text(fake, "cgroup/cpuset/a/cpuset.cpus"), "0-3");
	assert_string_equal(fake_text(fake, "cgroup/cpuset/a/box/cpuset.cpus"), "0-3");
}

static void v2_enables_what_is_missing(void **state)
{
	struct fake *fake = *state;

	fake_file(fake, "cgroup/cgroup.controllers", "cpu memory pids\n");
	fake_file(fake, "cgroup/cgroup.subtree_control", "memory\n");
	fake_directory(fake, "", "cgroup/box");
	assert_ok(create(fake));
	assert_string_equal(fake_text(fake, "cgroup/cgroup.subtree_control"), "+cpu +pids");
	assert_true(there(fake, "cgroup/box"));
	/* Nothing is written where nothing is missing. */
	fake_file(fake, "cgroup/cgroup.subtree_control", "cpu pids memory\n");
	fake_file(fake, "cgroup/box/cgroup.procs", "");
	assert_ok(create(fake));
	assert_string_equal(fake_text(fake, "cgroup/cgroup.subtree_control"), "cpu pids memory");
}

static void a_frozen_directory_is_refused(void **state)
{
	struct fake *fake = *state;

	fake_file(fake, "cgroup/box/cgroup.procs", "");
	fake_file(fake, "cgroup/box/cgroup.freeze", "1\n");
	fake_directory(fake, "", "cgroup/box");
	assert_error(create(fake), "container's cgroup unexpectedly frozen");
	assert_int_equal(cgroup_is_frozen(&fake->cgroup, &fake->err), 1);
}

static void sub_paths_stay_below(void **state)
{
	struct fake *fake = *state;
	static const char *const bad[] = { "..", "a/../..", "link", "a/..", "missing" };
	char full[512];

	fake_file(fake, "cgroup/box/a/cgroup.procs", "x");
	fake_file(fake, "cgroup/boxes/cgroup.procs", "x");
	(void)snprintf(full, sizeof(full), "%s/cgroup/box/link", fake->folder);
	assert_int_equal(symlink("../boxes", full), 0);
	fake_directory(fake, "pids", "cgroup/box");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cgroup_join(&fake->cgroup, 5, false, NULL, bad[i], &fake->err),
				 -1);
	if (fake->err.code == ENOSYS) {
		print_message("skipped: no openat2 here\n");
		skip();
	}
	assert_ok(cgroup_join(&fake->cgroup, 5, false, NULL, "/a", &fake->err));
	assert_string_equal(fake_text(fake, "cgroup/box/a/cgroup.procs"), "5");
	assert_string_equal(fake_text(fake, "cgroup/boxes/cgroup.procs"), "x");
	assert_error(cgroup_join(&fake->cgroup, 5, false, "memory", "a", &fake->err), "memory");
	assert_error(cgroup_join(&fake->cgroup, 0, false, NULL, NULL, &fake->err), "process 0");
}

static void pids_are_listed_once(void **state)
{
	struct fake *fake = *state;
	cleanup_free pid_t *pids = NULL;
	size_t count;

	fake_file(fake, "a/cgroup.procs", "30\n7\n0\nx\n99999999999\n");
	fake_file(fake, "a/below/cgroup.procs", "8\n");
	fake_file(fake, "b/cgroup.procs", "7\n30\n");
	fake_directory(fake, "pids", "a");
	fake_directory(fake, "cpu", "b");
	fake_directory(fake, "memory", "gone");
	assert_ok(cgroup_processes(&fake->cgroup, &pids, &count, &fake->err));
	assert_int_equal(count, 3);
	assert_int_equal(pids[0], 7);
	assert_int_equal(pids[1], 8);
	assert_int_equal(pids[2], 30);
}

static void without_permission_the_tolerant_goes_on(void **state)
{
	struct fake *fake = *state;

	/* A file in the way is an error for everybody. */
	fake_file(fake, "cgroup/pids", "");
	fake_directory(fake, "pids", "cgroup/pids/box");
	fake->cgroup.tolerant = true;
	assert_error(create(fake), "Not a directory");
	fake->cgroup.n_directories = 0;
	/* Where even root may not make anything. */
	fake_directory(fake, "pids", "../../sys/kernel/box");
	fake_directory(fake, "memory", "cgroup/memory/box");
	assert_ok(create(fake));
	assert_int_equal(fake->cgroup.n_directories, 1);
	assert_string_equal(fake->cgroup.directories[0].controllers, "memory");
	fake->cgroup.n_directories = 0;
	fake_directory(fake, "pids", "../../sys/kernel/box");
	fake->cgroup.tolerant = false;
	assert_error(create(fake), "cannot be made there");
}

/* What was left out cannot be limited, and what is in the list must be joined. */
static void without_permission_limits_are_refused(void **state)
{
	struct fake *fake = *state;
	struct spec_pids pids = { 5 };
	struct spec_resources resources = { .pids = &pids };

	fake->cgroup.tolerant = true;
	fake_directory(fake, "pids", "../../sys/kernel/box");
	assert_ok(create(fake));
	assert_int_equal(fake->cgroup.n_directories, 0);
	assert_ok(cgroup_set_limits(&fake->cgroup, NULL, false, &fake->err));
	assert_error(cgroup_set_limits(&fake->cgroup, &resources, false, &fake->err),
		     "may make no pids cgroup");
	assert_error(cgroup_set_limits(&fake->cgroup, &resources, false, &fake->err), "Delegate");
	fake_directory(fake, "pids", "gone");
	assert_error(cgroup_join(&fake->cgroup, getpid(), false, NULL, NULL, &fake->err),
		     "No such file");
}

static void disabled_does_nothing(void **state)
{
	struct fake *fake = *state;
	struct spec_pids pids = { 1 };
	struct spec_resources resources = { .pids = &pids };
	const struct cgroup *cgroup = &fake->cgroup;
	struct error *err = &fake->err;

	fake->cgroup.disabled = true;
	assert_int_equal(create(fake), 0);
	assert_int_equal(cgroup_set_limits(cgroup, &resources, false, err), 0);
	assert_int_equal(cgroup_join(cgroup, 1, false, NULL, NULL, err), 0);
	assert_int_equal(cgroup_freeze(cgroup, true, err), 0);
	assert_int_equal(cgroup_signal_all(cgroup, SIGKILL, err), 0);
	assert_int_equal(cgroup_open_unified(cgroup, err), -1);
	assert_int_equal(err->code, ENOENT);
	assert_int_equal(cgroup_destroy(cgroup, err), 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(parents_are_made_and_kept),
		test(a_failed_create_leaves_nothing),
		test(an_exclusive_one_takes_none_that_exists),
		test(a_cpuset_takes_over_what_is_above),
		test(v2_enables_what_is_missing),
		test(a_frozen_directory_is_refused),
		test(sub_paths_stay_below),
		test(pids_are_listed_once),
		test(without_permission_the_tolerant_goes_on),
		test(without_permission_limits_are_refused),
		test(disabled_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
