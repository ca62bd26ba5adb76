/* SPDX-License-Identifier: Apache-2.0 */
/* The server itself is in bootstrap_start_test.c. */
#include "shim/launch.h"

#include "shim/bootstrap_test.h"

static struct stage stage;

static int set_up(void **state)
{
	return stage_begin(&stage);
}

static int tear_down(void **state)
{
	static const char *const names[] = { "a/pod/x/cgroup.procs",
					     "a/pod/x",
					     "a/pod",
					     "a",
					     "b/pod/x/cgroup.procs",
					     "b/pod/x",
					     "b/pod",
					     "b",
					     NULL };

	return stage_end(&stage, names);
}

/* Two hierarchies, and a file system that is none. */
static int join(const char *cgroup, struct error *err)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "30 1 0:30 / %s/a rw - cgroup cgroup rw,memory\n"
		       "31 1 0:31 / %s/b rw - cgroup2 cgroup2 rw\n"
		       "32 1 0:32 / %s rw - tmpfs tmpfs rw\n",
		       stage.top, stage.top, stage.top);
	return launch_join_cgroup(text, cgroup, 4711, err);
}

static void make_cgroup(const char *hierarchy)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s/pod", hierarchy);
	assert_int_equal(mkdir(stage_path(&stage, hierarchy), 0700), 0);
	assert_int_equal(mkdir(stage_path(&stage, name), 0700), 0);
	(void)snprintf(name, sizeof(name), "%s/pod/x", hierarchy);
	assert_int_equal(mkdir(stage_path(&stage, name), 0700), 0);
	(void)snprintf(name, sizeof(name), "%s/pod/x/cgroup.procs", hierarchy);
	stage_write(&stage, name, "", 0600);
}

static void assert_procs(const char *name, const char *expected)
{
	char text[32] = "";

	(void)fd_read_short(AT_FDCWD, stage_path(&stage, name), text, sizeof(text));
	assert_string_equal(text, expected);
}

static void every_hierarchy_with_the_cgroup_is_joined(void **state)
{
	struct error err;

	make_cgroup("a");
	make_cgroup("b");
	assert_int_equal(join("/pod/x", &err), 0);
	assert_procs("a/pod/x/cgroup.procs", "4711");
	assert_procs("b/pod/x/cgroup.procs", "4711");
}

static void one_hierarchy_is_enough(void **state)
{
	struct error err;

	make_cgroup("b");
	assert_int_equal(join("../pod/y/../x/", &err), 0);
	assert_procs("b/pod/x/cgroup.procs", "4711");
}

static void a_cgroup_that_is_nowhere_is_an_error(void **state)
{
	struct error err;

	assert_int_equal(join("/pod/x", &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "/pod/x"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_hierarchy_with_the_cgroup_is_joined),
		TEST(one_hierarchy_is_enough),
		TEST(a_cgroup_that_is_nowhere_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
