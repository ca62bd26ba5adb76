/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
#include "cmd/rustbox/store/store_test.h"

#include <sys/mount.h>
#include <sys/resource.h>

#include "base/process.h"

static char folder[] = "/tmp/tree_test.XXXXXX";
static int top = -1;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	fd_close(&top);
	return rmdir(folder); /* fails when a test has left something */
}

static void make_file(int dirfd, const char *name, size_t size)
{
	cleanup_fd int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	cleanup_free char *data = calloc(1, size + 1);
	struct error err;

	assert_true(fd >= 0);
	memset(data, 'x', size);
	assert_ok(fd_write_all(fd, name, data, size, &err));
}

/* The folders of a tree, three levels deep. */
static void make_folders(size_t n)
{
	char path[64];

	assert_int_equal(mkdirat(top, "t", 0700), 0);
	for (size_t i = 1; i < n; i++) {
		(void)snprintf(path, sizeof(path), i % 2 ? "t/%zu" : "t/%zu/below",
			       i - (i + 1) % 2);
		assert_int_equal(mkdirat(top, path, 0700), 0);
	}
	make_file(top, "t/file", 10);
}

static void folders_that_were_removed_can_be_given_back_later(void **state)
{
	static const size_t sizes[] = { 1, 2, 9, TREE_REST_MOST, TREE_REST_MOST + 11 };
	struct tree_rest rest = { .n = 0 };
	struct error err;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		make_folders(sizes[i]);
		assert_ok(tree_remove_late(top, "t", &rest, &err));
		assert_int_equal(faccessat(top, "t", F_OK, 0), -1);
		assert_int_equal(rest.n, sizes[i] < TREE_REST_MOST ? sizes[i] : TREE_REST_MOST);
		for (size_t k = 0; k < rest.n; k++) {
			assert_int_equal(fstat(rest.fds[k], &st), 0);
			assert_true(S_ISDIR(st.st_mode));
		}
		tree_rest_release(&rest);
		assert_int_equal(rest.n, 0);
	}
}

static void what_is_to_be_given_back_leaves_descriptors(void **state)
{
	struct tree_rest rest = { .n = 0 };
	struct rlimit before, few;
	struct error err;
	int rc;

	(void)state;
	make_folders(TREE_REST_MOST);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)top + 8;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rc = tree_remove_late(top, "t", &rest, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	if (rc < 0)
		fail_msg("%s", err.text);
	assert_true(rest.n < TREE_REST_MOST); /* it was in want of some */
	tree_rest_release(&rest);
}

static void everything_goes_and_nothing_is_followed(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(mkdirat(top, "keep", 0700), 0);
	make_file(top, "keep/me", 1);
	assert_int_equal(mkdirat(top, "t", 0700), 0);
	assert_int_equal(mkdirat(top, "t/a", 0), 0);
	assert_int_equal(mkdirat(top, "t/a/lifted.0", 0700), 0);
	assert_int_equal(mkdirat(top, "t/lifted.0", 0700), 0);
	assert_int_equal(mkdirat(top, "t/a/lifted.0/b", 0700), 0);
	make_file(top, "t/a/lifted.0/b/\xff\n", 3);
	make_file(top, "t/lifted.0/x", 3);
	assert_int_equal(symlinkat("../keep", top, "t/link"), 0);
	assert_int_equal(symlinkat("/", top, "t/a/lifted.0/root"), 0);
	assert_int_equal(mkfifoat(top, "t/a/fifo", 0600), 0);
	assert_ok(tree_remove(top, "t", &err));
	assert_int_equal(faccessat(top, "t", F_OK, 0), -1);
	assert_int_equal(faccessat(top, "keep/me", F_OK, 0), 0);
	assert_ok(tree_remove(top, "t", &err));
	assert_ok(tree_empty(top, "t", &err));
	assert_ok(tree_empty(top, "keep", &err));
	assert_ok(tree_remove(top, "keep", &err));
	make_file(top, "file", 1);
	assert_ok(tree_remove(top, "file", &err));
	assert_int_equal(symlinkat("/tmp", top, "link"), 0);
	assert_int_equal(tree_empty(top, "link", &err), -1);
	assert_ok(tree_remove(top, "link", &err));
}

/* With room for a few descriptors, and paths far beyond PATH_MAX. */
static void depth_costs_nothing(void **state)
{
	struct rlimit before, few = { 32, 32 };
	uint64_t bytes = 0;
	struct error err;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(mkdirat(top, "deep", 0700), 0);
	int at = openat(top, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(mkdirat(at, "down", 0700), 0);
		make_file(at, "file", i == 2999 ? 100000 : 0);
		int next = openat(at, "down", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		fd_close(&at);
		at = next;
	}
	fd_close(&at);
	assert_ok(tree_disk_usage(top, "deep", &bytes, &err));
	assert_true(bytes >= 100000);
	assert_ok(tree_remove(top, "deep", &err));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* A supervisor and a list may find the same remains. */
static void several_may_remove_it_at_once(void **state)
{
	pid_t children[4];
	struct error err;
	char path[64];
	int status;

	(void)state;
	for (int round = 0; round < 20; round++) {
		assert_int_equal(mkdirat(top, "t", 0700), 0);
		for (int i = 0; i < 200; i++) {
			(void)snprintf(path, sizeof(path), "t/%d", i % 20);
			(void)mkdirat(top, path, 0700);
			(void)snprintf(path, sizeof(path), "t/%d/%d", i % 20, i);
			assert_int_equal(mkdirat(top, path, 0700), 0);
			(void)snprintf(path, sizeof(path), "t/%d/%d/f", i % 20, i);
			make_file(top, path, 1);
		}
		for (size_t i = 0; i < 4; i++) {
			children[i] = fork();
			if (children[i] == 0)
				_exit(tree_remove(top, "t", &err) < 0);
		}
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(process_wait(children[i], &status), 0);
			assert_int_equal(status, 0);
		}
		assert_int_equal(faccessat(top, "t", F_OK, 0), -1);
	}
}

static void usage_counts_a_file_once(void **state)
{
	uint64_t one = 0, linked = 0, none = 1;
	struct error err;

	(void)state;
	assert_int_equal(mkdirat(top, "t", 0700), 0);
	assert_int_equal(mkdirat(top, "t/a", 0700), 0);
	make_file(top, "t/a/f", 1 << 20);
	assert_ok(tree_disk_usage(top, "t", &one, &err));
	assert_true(one >= 1 << 20 && one < 2 << 20);
	assert_int_equal(linkat(top, "t/a/f", top, "t/g", 0), 0);
	assert_int_equal(symlinkat("/", top, "t/root"), 0);
	assert_ok(tree_disk_usage(top, "t", &linked, &err));
	assert_true(linked >= one && linked < one + 65536);
	assert_ok(tree_disk_usage(top, "none", &none, &err));
	assert_int_equal(none, 0);
	assert_ok(tree_remove(top, "t", &err));
}

static void mounts_are_not_entered(void **state)
{
	char path[64];
	struct error err;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdirat(top, "t", 0700), 0);
	assert_int_equal(mkdirat(top, "t/a", 0700), 0);
	assert_int_equal(mkdirat(top, "t/a/m", 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/t/a/m", folder);
	assert_int_equal(mount("none", path, "tmpfs", 0, NULL), 0);
	make_file(top, "t/a/m/precious", 1);
	make_file(top, "t/a/f", 1);
	assert_int_equal(tree_remove(top, "t", &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_non_null(strstr(err.text, "unmount it first"));
	assert_int_equal(faccessat(top, "t/a/f", F_OK, 0), -1);
	assert_int_equal(faccessat(top, "t/a/m/precious", F_OK, 0), 0);
	assert_int_equal(umount2(path, 0), 0);
	assert_ok(tree_remove(top, "t", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_goes_and_nothing_is_followed),
		cmocka_unit_test(folders_that_were_removed_can_be_given_back_later),
		cmocka_unit_test(what_is_to_be_given_back_leaves_descriptors),
		cmocka_unit_test(depth_costs_nothing),
		cmocka_unit_test(several_may_remove_it_at_once),
		cmocka_unit_test(usage_counts_a_file_once),
		cmocka_unit_test(mounts_are_not_entered),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
