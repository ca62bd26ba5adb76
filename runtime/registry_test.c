/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/container.h"
#include "runtime/registry.h"

static char top[] = "/tmp/registry_test.XXXXXX";
static char root[64];

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return -1;
	(void)snprintf(root, sizeof(root), "%s/deep/root", top);
	return 0;
}

static int tear_down(void **state)
{
	char command[80];

	(void)state;
	(void)snprintf(command, sizeof(command), "%s/deep/root", top);
	(void)rmdir(command);
	(void)snprintf(command, sizeof(command), "%s/deep", top);
	(void)rmdir(command);
	return rmdir(top); /* fails when a test has left something */
}

static void ids_are_names(void **state)
{
	static const char *const good[] = { "a", "A-b_c.d+e", "0", "..a", "a..", "-" };
	static const char *const bad[] = { "",	".",   "..",  "a/b",	 "../a",
					   "/", "a b", "a\n", "\xc3\xa4" };
	char longest[257];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(container_id_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(container_id_is_valid(bad[i]));
	memset(longest, 'a', 256);
	longest[256] = '\0';
	assert_false(container_id_is_valid(longest));
	longest[255] = '\0';
	assert_true(container_id_is_valid(longest));
}

static void an_id_is_claimed_once(void **state)
{
	struct error err;
	struct stat st;
	cleanup_fd int folder = registry_claim(root, "one", &err);

	(void)state;
	assert_true(folder >= 0);
	assert_int_equal(fstat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(registry_claim(root, "one", &err), -1);
	assert_int_equal(err.code, EEXIST);
	assert_non_null(strstr(err.text, "one"));
	assert_int_equal(registry_claim(root, "../two", &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_int_equal(registry_remove(root, "one", folder, &err), 0);
	assert_int_equal(registry_open(root, "one", &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static void the_lock_is_exclusive_and_knows_the_dead(void **state)
{
	struct error err;
	cleanup_fd int folder = registry_claim(root, "lock", &err);
	cleanup_fd int other = registry_open(root, "lock", &err);

	(void)state;
	assert_true(folder >= 0 && other >= 0);
	assert_true(registry_is_locked(other));
	assert_int_equal(registry_lock(other, "lock", false, &err), -1);
	assert_int_equal(err.code, EWOULDBLOCK);
	assert_int_equal(registry_remove(root, "lock", folder, &err), 0);
	fd_close(&folder);
	assert_int_equal(registry_lock(other, "lock", false, &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static void state_comes_back(void **state)
{
	static char version[] = "1.3.0", id[] = "s", bundle[] = "/b", phase[] = "created",
		    controllers[] = "cpu,cpuacct", path[] = "/sys/fs/cgroup/cpu/s", key[] = "k",
		    value[] = "v \"quoted\"";
	struct arena cleanup_arena arena = ARENA_EMPTY;
	struct state_cgroup_path paths[] = { { controllers, path } };
	struct json_pair annotations[] = { { key, value } };
	struct state out = { .oci_version = version,
			     .id = id,
			     .bundle = bundle,
			     .phase = phase,
			     .pid = 42,
			     .start_time = UINT64_MAX,
			     .pidfd_inode = 7,
			     .cgroup_paths = paths,
			     .n_cgroup_paths = 1,
			     .annotations = annotations,
			     .n_annotations = 1,
			     .no_pivot = true };
	struct state in;
	struct error err;
	cleanup_fd int folder = registry_claim(root, "s", &err);

	(void)state;
	assert_int_equal(registry_load(folder, &arena, &in, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(registry_save(folder, &out, &err), 0);
	assert_int_equal(registry_load(folder, &arena, &in, &err), 0);
	assert_int_equal(in.pid, 42);
	assert_true(in.start_time == UINT64_MAX);
	assert_string_equal(in.cgroup_paths[0].controllers, controllers);
	assert_string_equal(in.cgroup_paths[0].path, path);
	assert_string_equal(in.annotations[0].value, value);
	assert_true(in.no_pivot);
	assert_int_equal(fd_replace_file(folder, "state.json", "{\"id\":", 6, 0600, &err), 0);
	assert_int_equal(registry_load(folder, &arena, &in, &err), -1);
	assert_int_equal(registry_remove(root, "s", folder, &err), 0);
}

static void the_start_socket_tells(void **state)
{
	struct error err;
	cleanup_fd int folder = registry_claim(root, "sock", &err);

	(void)state;
	assert_false(registry_has_start_socket(folder));
	cleanup_fd int listener = registry_listen(folder, &err);
	assert_true(listener >= 0);
	assert_true(registry_has_start_socket(folder));
	cleanup_fd int connection = registry_connect(folder, &err);
	assert_true(connection >= 0);
	fd_close(&listener);
	assert_int_equal(registry_connect(folder, &err), -1);
	assert_int_equal(err.code, ECONNREFUSED);
	assert_int_equal(mkdirat(folder, "notify", 0755), 0);
	assert_int_equal(fd_replace_file(folder, "notify/x", "", 0, 0600, &err), -1);
	assert_int_equal(registry_remove(root, "sock", folder, &err), 0);
}

static void lists_are_sorted_and_hold_only_ids(void **state)
{
	struct arena cleanup_arena arena = ARENA_EMPTY;
	struct error err;
	size_t count;
	char **ids, path[128];
	cleanup_fd int b = registry_claim(root, "b", &err);
	cleanup_fd int a = registry_claim(root, "a", &err);

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/not an id", root);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(registry_list(root, &arena, &ids, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(ids[0], "a");
	assert_string_equal(ids[1], "b");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(registry_remove(root, "a", a, &err), 0);
	assert_int_equal(registry_remove(root, "b", b, &err), 0);
	assert_int_equal(registry_list("/no/such/root", &arena, &ids, &count, &err), 0);
	assert_int_equal(count, 0);
}

static void a_claim_that_fails_leaves_no_folder(void **state)
{
	struct rlimit usual, one_more;
	struct error err;
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	/* Makes the root, too; what that was opened as is free again, and no other is. */
	cleanup_fd int folder = registry_claim(root, "makes-the-root", &err);
	assert_true(folder >= 0);
	one_more = (struct rlimit){ (rlim_t)folder + 1, usual.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &one_more), 0);
	int none = registry_claim(root, "none", &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_int_equal(none, -1);
	assert_int_equal(err.code, EMFILE);
	(void)snprintf(path, sizeof(path), "%s/none", root);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(registry_remove(root, "makes-the-root", folder, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_names),
		cmocka_unit_test(an_id_is_claimed_once),
		cmocka_unit_test(a_claim_that_fails_leaves_no_folder),
		cmocka_unit_test(the_lock_is_exclusive_and_knows_the_dead),
		cmocka_unit_test(state_comes_back),
		cmocka_unit_test(the_start_socket_tells),
		cmocka_unit_test(lists_are_sorted_and_hold_only_ids),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
