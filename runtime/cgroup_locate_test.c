/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/resource.h>

#include "base/str.h"
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

static void make_hybrid(struct fake *fake)
{
	fake_file(fake, "proc/self/cgroup",
		  "9:name=systemd:/\n8:name=elogind:/1\n5:net_cls:/\n4:memory:/job/7\n"
		  "3:cpu,cpuacct:/\n0::/job/7\n");
	fake_file(fake, "proc/self/mountinfo", "");
	fake_file(fake, "cgroup/systemd/cgroup.procs", "");
	fake_file(fake, "cgroup/memory/cgroup.procs", "");
	fake_file(fake, "cgroup/memory/job/7/cgroup.procs", "");
	fake_file(fake, "cgroup/cpu,cpuacct/cgroup.procs", "");
	fake_file(fake, "cgroup/unified/cgroup.procs", "");
	fake_file(fake, "cgroup/unified/job/7/cgroup.procs", "");
}

static void make_v2(struct fake *fake, const char *own)
{
	char line[256];

	(void)snprintf(line, sizeof(line), "0::%s\n", own);
	fake_file(fake, "proc/self/cgroup", line);
	fake_file(fake, "proc/self/mountinfo", "");
	fake_file(fake, "cgroup/cgroup.controllers", "memory pids\n");
	fake_file(fake, "cgroup/cgroup.procs", "");
}

static int locate(struct fake *fake, const char *path)
{
	return cgroup_locate(&fake->machine, CGROUP_MANAGER_CGROUPFS, path, "box", false,
			     &fake->arena, &fake->cgroup, &fake->err);
}

static void expect(const struct fake *fake, size_t i, const char *controllers, const char *path)
{
	char full[512];

	assert_true(i < fake->cgroup.n_directories);
	(void)snprintf(full, sizeof(full), "%s%s", fake->root, path);
	assert_string_equal(fake->cgroup.directories[i].controllers, controllers);
	assert_string_equal(fake->cgroup.directories[i].path, full);
}

static void absolute_paths_count_from_the_root(void **state)
{
	struct fake *fake = *state;

	make_hybrid(fake);
	assert_ok(locate(fake, "//pods/./a/"));
	/* net_cls is not mounted, and other named hierarchies are not ours. */
	assert_int_equal(fake->cgroup.n_directories, 4);
	expect(fake, 0, "name=systemd", "/systemd/pods/a");
	expect(fake, 1, "memory", "/memory/pods/a");
	expect(fake, 2, "cpu,cpuacct", "/cpu,cpuacct/pods/a");
	expect(fake, 3, "", "/unified/pods/a");
}

static void relative_paths_count_from_the_caller(void **state)
{
	struct fake *fake = *state;

	make_hybrid(fake);
	assert_ok(locate(fake, NULL));
	expect(fake, 0, "name=systemd", "/systemd/box");
	expect(fake, 1, "memory", "/memory/job/7/box");
	/* Beside the caller's, because that has processes. */
	expect(fake, 3, "", "/unified/job/box");
}

static void v2_has_one_directory(void **state)
{
	struct fake *fake = *state;

	make_v2(fake, "/user/session");
	fake_file(fake, "cgroup/user/session/cgroup.procs", "");
	assert_ok(locate(fake, "/a"));
	assert_int_equal(fake->cgroup.n_directories, 1);
	expect(fake, 0, "", "/a");
	assert_ok(locate(fake, "a/b"));
	expect(fake, 0, "", "/user/a/b");
}

static void v2_root_is_its_own_parent(void **state)
{
	struct fake *fake = *state;

	make_v2(fake, "/");
	assert_ok(locate(fake, NULL));
	expect(fake, 0, "", "/box");
}

static void a_mounted_part_of_the_hierarchy_is_understood(void **state)
{
	struct fake *fake = *state;
	char mountinfo[512];

	make_v2(fake, "/docker/1234/inner");
	(void)snprintf(mountinfo, sizeof(mountinfo),
		       "30 29 0:26 /docker/1234 %s rw - cgroup2 cgroup rw\n", fake->root);
	fake_file(fake, "proc/self/mountinfo", mountinfo);
	assert_ok(locate(fake, NULL));
	expect(fake, 0, "", "/box");
}

static void unusual_mount_points_are_found(void **state)
{
	struct fake *fake = *state;
	char mountinfo[512];

	fake_file(fake, "proc/self/cgroup", "2:memory:/\n1:cpuacct,cpu:/\n");
	(void)snprintf(mountinfo, sizeof(mountinfo),
		       "30 29 0:26 / %s/odd\\040place rw shared:1 - cgroup cgroup rw,memory\n"
		       "31 29 0:27 / %s/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
		       fake->folder, fake->folder);
	fake_file(fake, "proc/self/mountinfo", mountinfo);
	assert_ok(locate(fake, "/a"));
	assert_int_equal(fake->cgroup.n_directories, 2);
	assert_true(strstr(fake->cgroup.directories[0].path, "/odd place/a") != NULL);
	assert_true(strstr(fake->cgroup.directories[1].path, "/cpu/a") != NULL);
}

static void bad_paths_are_refused(void **state)
{
	struct fake *fake = *state;

	make_v2(fake, "/");
	assert_error(locate(fake, "/a/../../b"), "\"..\" is not allowed");
	assert_error(locate(fake, "system.slice:docker:1234"), "slice:prefix:name");
	assert_error(locate(fake, "/"), "no directory of its own");
	assert_error(locate(fake, "."), "no directory of its own");
	assert_ok(locate(fake, "/a..b/..c"));
}

static void other_managers(void **state)
{
	struct fake *fake = *state;

	assert_error(cgroup_locate(&fake->machine, CGROUP_MANAGER_SYSTEMD, "/a", "box", false,
				   &fake->arena, &fake->cgroup, &fake->err),
		     "SLICE:PREFIX:NAME");
	if (access("/run/systemd/system", F_OK) < 0)
		assert_error(cgroup_locate(&fake->machine, CGROUP_MANAGER_SYSTEMD, NULL, "box",
					   false, &fake->arena, &fake->cgroup, &fake->err),
			     "systemd does not run");
	assert_ok(cgroup_locate(&fake->machine, CGROUP_MANAGER_DISABLED, NULL, "box", false,
				&fake->arena, &fake->cgroup, &fake->err));
	assert_true(fake->cgroup.disabled);
	assert_int_equal(fake->cgroup.n_directories, 0);
}

static void a_machine_without_cgroups(void **state)
{
	struct fake *fake = *state;

	fake_file(fake, "proc/self/cgroup", "0::/\n");
	fake_file(fake, "proc/self/mountinfo", "");
	assert_error(locate(fake, NULL), "no cgroup hierarchy is mounted");
	assert_ok(cgroup_locate(&fake->machine, CGROUP_MANAGER_CGROUPFS, NULL, "box", true,
				&fake->arena, &fake->cgroup, &fake->err));
	assert_int_equal(fake->cgroup.n_directories, 0);
}

static void membership_lines(void **state)
{
	char text[] = "12:a,b:/x:y\nnonsense\n3:bad\n:\n0::/\n7:c:relative\n", *cursor = text;
	char *controllers, *path;

	(void)state;
	assert_true(cgroup_membership_next(&cursor, &controllers, &path));
	assert_string_equal(controllers, "a,b");
	assert_string_equal(path, "/x:y");
	assert_true(cgroup_membership_next(&cursor, &controllers, &path));
	assert_string_equal(controllers, "");
	assert_string_equal(path, "/");
	assert_false(cgroup_membership_next(&cursor, &controllers, &path));
}

static void mountinfo_lines(void **state)
{
	static const char text[] =
		"1 2 0:3 / /proc rw - proc proc rw\n"
		"broken line - cgroup\n"
		"4 2 0:5 /x /sys/fs/cgroup/cpuset rw,nosuid shared:9 master:1 - cgroup cg "
		"rw,cpuset\n"
		"6 2 0:7 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate";
	struct cgroup_mount mount = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(cgroup_mount_find(text, "cpuset", &mount, &err), 1);
	assert_string_equal(mount.root, "/x");
	assert_string_equal(mount.point, "/sys/fs/cgroup/cpuset");
	cgroup_mount_done(&mount);
	assert_int_equal(cgroup_mount_find(text, "", &mount, &err), 1);
	assert_string_equal(mount.point, "/sys/fs/cgroup/unified");
	cgroup_mount_done(&mount);
	assert_int_equal(cgroup_mount_find(text, "cpu", &mount, &err), 0);
	assert_int_equal(cgroup_mount_find(text, "cpuset,cpu", &mount, &err), 0);
}

static void paths_below_the_container(void **state)
{
	(void)state;
	assert_string_equal(cgroup_path_below("/sys/fs/cgroup/a/box", "/a/box/in/it"), "in/it");
	assert_string_equal(cgroup_path_below("/sys/fs/cgroup/a/box", "/a/box"), "");
	assert_string_equal(cgroup_path_below("/sys/fs/cgroup/a/box", "/box/x"), "x");
	assert_null(cgroup_path_below("/sys/fs/cgroup/a/box", "/a/boxes"));
	assert_null(cgroup_path_below("/sys/fs/cgroup/a/box", "/a"));
	assert_null(cgroup_path_below("/sys/fs/cgroup/a/box", "/"));
	assert_null(cgroup_path_below("/sys/fs/cgroup/a/box", "ox"));
}

/* A process of the fake machine: its cgroups, and a line of `stat` with its state. */
static void make_process(struct fake *fake, const char *cgroups, char status)
{
	char line[128];

	(void)snprintf(line, sizeof(line),
		       "7 (a) b) %c 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 1\n", status);
	fake_file(fake, "proc/7/cgroup", cgroups);
	fake_file(fake, "proc/7/stat", line);
}

static int of_process(struct fake *fake)
{
	return cgroup_of_process(&fake->machine, 7, &fake->arena, &fake->cgroup, &fake->err);
}

static void a_process_tells_its_directories(void **state)
{
	struct fake *fake = *state;

	make_hybrid(fake);
	make_process(fake,
		     "9:name=systemd:/a b\n8:name=elogind:/1\n5:net_cls:/\n4:memory:/pods/x:y\n"
		     "3:cpu,cpuacct:/\n0::/pods/z\n",
		     'S');
	fake_file(fake, "cgroup/memory/pods/x:y/cgroup.procs", "");
	fake_file(fake, "cgroup/unified/pods/z/cgroup.procs", "");
	fake_file(fake, "cgroup/systemd/a b/cgroup.procs", "");
	assert_ok(of_process(fake));
	assert_int_equal(fake->cgroup.n_directories, 4);
	expect(fake, 0, "name=systemd", "/systemd/a b");
	expect(fake, 1, "memory", "/memory/pods/x:y");
	expect(fake, 2, "cpu,cpuacct", "/cpu,cpuacct");
	expect(fake, 3, "", "/unified/pods/z");
	assert_false(fake->cgroup.disabled || fake->cgroup.tolerant);
}

static void a_process_on_v1_alone_and_at_unusual_places(void **state)
{
	struct fake *fake = *state;
	char mountinfo[512];

	(void)snprintf(mountinfo, sizeof(mountinfo),
		       "30 29 0:26 /part %s/odd rw - cgroup cgroup rw,memory\n", fake->folder);
	fake_file(fake, "proc/self/mountinfo", mountinfo);
	fake_file(fake, "odd/in/cgroup.procs", "");
	make_process(fake, "2:memory:/part/in\n1:pids:/x\n", 'R');
	assert_ok(of_process(fake));
	assert_int_equal(fake->cgroup.n_directories, 1);
	assert_true(str_ends_with(fake->cgroup.directories[0].path, "/odd/in"));
	/* Mounted, but the process is in another part. */
	make_process(fake, "2:memory:/partly/in\n", 'R');
	assert_ok(of_process(fake));
	assert_int_equal(fake->cgroup.n_directories, 0);
}

static void a_process_on_v2(void **state)
{
	struct fake *fake = *state;

	make_v2(fake, "/user/session");
	make_process(fake, "0::/pods/z\n", 'S');
	fake_file(fake, "cgroup/pods/z/cgroup.procs", "");
	assert_ok(of_process(fake));
	assert_int_equal(fake->cgroup.n_directories, 1);
	expect(fake, 0, "", "/pods/z");
	make_process(fake, "0::/\n", 'S');
	assert_ok(of_process(fake));
	expect(fake, 0, "", "");
	/* Outside of our cgroup namespace: not to be reached. */
	make_process(fake, "0::/../other\n", 'S');
	assert_ok(of_process(fake));
	assert_int_equal(fake->cgroup.n_directories, 0);
	make_process(fake, "1:memory:/a\nnonsense", 'S');
	assert_error(of_process(fake), "names no cgroup of version 2");
}

static void a_process_that_has_ended(void **state)
{
	struct fake *fake = *state;

	make_hybrid(fake);
	assert_error(of_process(fake), "cgroup of process 7");
	assert_int_equal(fake->err.code, ENOENT);
	/* A zombie seems to be in the root of v1's hierarchies. */
	make_process(fake, "4:memory:/\n0::/job/7\n", 'Z');
	assert_error(of_process(fake), "has ended");
	assert_int_equal(fake->err.code, ENOENT);
}

static void a_process_that_cannot_be_looked_at_has_not_ended(void **state)
{
	struct fake *fake = *state;
	struct rlimit usual, one_more;

	make_hybrid(fake);
	make_process(fake, "4:memory:/\n", 'S');
	/* Enough for one file at a time; the last look needs a folder, too. */
	int next = open("/", O_PATH | O_CLOEXEC);
	assert_true(next >= 0 && close(next) == 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	one_more = (struct rlimit){ (rlim_t)next + 1, usual.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &one_more), 0);
	int r = of_process(fake);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_error(r, "7/stat");
	assert_int_equal(fake->err.code, EMFILE);
	assert_ok(of_process(fake));
}

static void our_own_process(void **state)
{
	struct fake *fake = *state;

	assert_ok(cgroup_of_process(&cgroup_machine_default, getpid(), &fake->arena, &fake->cgroup,
				    &fake->err));
	for (size_t i = 0; i < fake->cgroup.n_directories; i++)
		assert_int_equal(access(fake->cgroup.directories[i].path, F_OK), 0);
}

static void state_keeps_everything(void **state)
{
	struct fake *fake = *state;
	struct state saved = { 0 };
	struct cgroup back;

	make_hybrid(fake);
	assert_ok(locate(fake, "/a"));
	fake->cgroup.tolerant = true;
	assert_ok(cgroup_to_state(&fake->cgroup, &fake->arena, &saved, &fake->err));
	assert_int_equal(saved.n_cgroup_paths, 4);
	assert_ok(cgroup_from_state(&saved, &fake->arena, &back, &fake->err));
	assert_int_equal(back.n_directories, 4);
	assert_true(back.tolerant && !back.disabled);
	assert_string_equal(back.directories[2].controllers, "cpu,cpuacct");
	assert_string_equal(back.directories[2].path, fake->cgroup.directories[2].path);
}

static void state_keeps_that_there_is_none(void **state)
{
	struct fake *fake = *state;
	struct state saved = { 0 };
	struct cgroup back;

	fake->cgroup = (struct cgroup){ .disabled = true };
	assert_ok(cgroup_to_state(&fake->cgroup, &fake->arena, &saved, &fake->err));
	assert_string_equal(saved.cgroup_manager, "disabled");
	assert_ok(cgroup_from_state(&saved, &fake->arena, &back, &fake->err));
	assert_true(back.disabled);
}

static void a_state_with_odd_paths_is_refused(void **state)
{
	struct fake *fake = *state;
	static char memory[] = "memory", odd[][24] = { "relative", "/", "/a/../b", "/a/.." };
	struct state_cgroup_path row = { memory, NULL };
	struct state saved = { .cgroup_paths = &row, .n_cgroup_paths = 1 };
	struct cgroup back;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		row.path = odd[i];
		assert_error(cgroup_from_state(&saved, &fake->arena, &back, &fake->err),
			     "is not a cgroup");
	}
}

static void scopes_survive_the_state(void **state)
{
	static const char *const names[] = { "systemd", "systemd-rootless", "systemd-user",
					     "systemd-user-rootless" };
	static char unit[] = "box-a.scope", slice[] = "a.slice", other[] = "a.service";
	struct fake *fake = *state;

	for (unsigned int i = 0; i < 4; i++) {
		const struct cgroup_scope scope = { unit, slice, i >= 2 };
		const struct cgroup cgroup = { .scope = &scope, .tolerant = i % 2 };
		struct state saved = { 0 };
		struct cgroup back;

		assert_ok(cgroup_to_state(&cgroup, &fake->arena, &saved, &fake->err));
		assert_string_equal(saved.cgroup_manager, names[i]);
		assert_ok(cgroup_from_state(&saved, &fake->arena, &back, &fake->err));
		assert_string_equal(back.scope->unit, unit);
		assert_int_equal(back.scope->user, scope.user);
		assert_int_equal(back.tolerant, cgroup.tolerant);
		assert_int_equal(back.n_directories, 0);
		/* What is stopped by this name must be a scope. */
		saved.systemd_unit = other;
		assert_error(cgroup_from_state(&saved, &fake->arena, &back, &fake->err),
			     "is not a scope");
		saved.systemd_unit = NULL;
		assert_error(cgroup_from_state(&saved, &fake->arena, &back, &fake->err),
			     "is not a scope");
	}
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(absolute_paths_count_from_the_root),
		test(relative_paths_count_from_the_caller),
		test(v2_has_one_directory),
		test(v2_root_is_its_own_parent),
		test(a_mounted_part_of_the_hierarchy_is_understood),
		test(unusual_mount_points_are_found),
		test(bad_paths_are_refused),
		test(other_managers),
		test(a_machine_without_cgroups),
		cmocka_unit_test(membership_lines),
		cmocka_unit_test(mountinfo_lines),
		cmocka_unit_test(paths_below_the_container),
		test(a_process_tells_its_directories),
		test(a_process_on_v1_alone_and_at_unusual_places),
		test(a_process_on_v2),
		test(a_process_that_has_ended),
		test(a_process_that_cannot_be_looked_at_has_not_ended),
		test(our_own_process),
		test(state_keeps_everything),
		test(state_keeps_that_there_is_none),
		test(a_state_with_odd_paths_is_refused),
		test(scopes_survive_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
