/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static char folder[64], cache[96];
static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/rustbox-seccomp-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(cache, sizeof(cache), "%s/cache", folder);
	return 0;
}

/* The path of the cache's entry number n, counted from 0 in no order. */
static bool entry(size_t n, char *ret, size_t size)
{
	DIR *dir = opendir(cache);
	bool found = false;

	for (struct dirent *e; dir && !found && (e = readdir(dir));) {
		if (e->d_name[0] == '.' || n--)
			continue;
		(void)snprintf(ret, size, "%s/%s", cache, e->d_name);
		found = true;
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

static int tear_down(void **state)
{
	char path[512];

	(void)state;
	arena_free(&arena);
	while (entry(0, path, sizeof(path)))
		assert_int_equal(unlink(path), 0);
	(void)rmdir(cache);
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static struct seccomp_filter compile(const char *json)
{
	struct spec_seccomp config = { 0 };
	struct seccomp_filter filter = { 0 };
	struct error err;

	if (json_read(&spec_seccomp_type, json, strlen(json), &config, &arena, &err) < 0 ||
	    seccomp_cache_compile(cache, &config, &arena, &filter, &err) < 0)
		fail_msg("%s", err.text);
	return filter;
}

static size_t count(void)
{
	char path[512];
	size_t n = 0;

	while (entry(n, path, sizeof(path)))
		n++;
	return n;
}

static void assert_same(const struct seccomp_filter *a, const struct seccomp_filter *b)
{
	assert_int_equal(a->length, b->length);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->notifies, b->notifies);
	assert_memory_equal(a->program, b->program, a->length * sizeof(*a->program));
}

static const char allow[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
			    "[\"getpid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":7}]}";
static const char other[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
			    "[\"getpid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":8}]}";
static const char notify[] =
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
	"\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}";

static bool is_kept(void)
{
	if (geteuid() == 0 && !strstr(RUSTBOX_COMMIT, "dirty"))
		return true;
	print_message("only root, and a build of a commit, has a cache\n");
	return false;
}

static void the_second_time_gives_the_same(void **state)
{
	struct seccomp_filter first = compile(allow), second = compile(allow);

	(void)state;
	assert_same(&first, &second);
	first = compile(notify);
	second = compile(notify);
	assert_true(second.notifies);
	assert_same(&first, &second);
	/* One, when both happen to have the same name. */
	assert_in_range(count(), is_kept() ? 1 : 0, is_kept() ? 2 : 0);
}

static void another_configuration_is_another_entry(void **state)
{
	struct seccomp_filter first = compile(allow), second = compile(other);

	(void)state;
	assert_int_equal(first.length, second.length);
	assert_memory_not_equal(first.program, second.program,
				first.length * sizeof(*first.program));
}

/* A changed byte in the program shows that it was read. */
static void assert_is_kept(const char *json)
{
	struct seccomp_filter good = compile(json), changed;
	char path[512];
	struct stat st;

	for (size_t i = 0; entry(i, path, sizeof(path)); i++) {
		cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(pwrite(fd, "x", 1, st.st_size - 1), 1);
	}
	changed = compile(json);
	assert_int_equal(good.length, changed.length);
	assert_memory_not_equal(good.program, changed.program, good.length * sizeof(*good.program));
}

static void entries_are_used(void **state)
{
	(void)state;
	if (!is_kept())
		skip();
	assert_is_kept(allow);
}

static void damaged_entries_are_not(void **state)
{
	static const struct {
		off_t size;
		mode_t mode;
	} damages[] = { { 0, 0600 },  { 11, 0600 },  { 13, 0600 }, { 20, 0600 },
			{ 76, 0600 }, { 100, 0600 }, { -1, 0640 }, { -1, 0602 } };
	char path[512];
	struct seccomp_filter good = compile(allow), again;

	(void)state;
	if (!is_kept())
		skip();
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		assert_true(entry(0, path, sizeof(path)));
		if (damages[i].size >= 0)
			assert_int_equal(truncate(path, damages[i].size), 0);
		assert_int_equal(chmod(path, damages[i].mode), 0);
		again = compile(allow);
		assert_same(&good, &again);
	}
}

/* Whatever was there before makes place: a cache that is full would be none. */
static void entries_of_old_configurations_give_way(void **state)
{
	char json[256];

	(void)state;
	if (!is_kept())
		skip();
	for (unsigned int i = 0; i < 600; i++) {
		(void)snprintf(json, sizeof(json),
			       "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
			       "[\"getpid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":%u}]}",
			       100 + i);
		(void)compile(json);
	}
	assert_true(count() > 128);
	assert_true(count() <= 256);
	assert_is_kept(allow);
	assert_is_kept(notify);
}

static void a_folder_of_others_is_no_cache(void **state)
{
	struct seccomp_filter first, second;

	(void)state;
	assert_int_equal(mkdir(cache, 0700), 0);
	assert_int_equal(chmod(cache, 0755), 0);
	first = compile(allow);
	second = compile(allow);
	assert_same(&first, &second);
	assert_int_equal(count(), 0);
}

static void errors_are_the_compilers(void **state)
{
	struct spec_seccomp config = { .default_action = (char *)(uintptr_t) "SCMP_ACT_NONE" };
	struct seccomp_filter filter;
	struct error err;

	(void)state;
	assert_int_equal(seccomp_cache_compile(cache, &config, &arena, &filter, &err), -1);
	assert_non_null(strstr(err.text, "defaultAction"));
	assert_int_equal(count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(the_second_time_gives_the_same),
		TEST(another_configuration_is_another_entry),
		TEST(entries_are_used),
		TEST(damaged_entries_are_not),
		TEST(entries_of_old_configurations_give_way),
		TEST(a_folder_of_others_is_no_cache),
		TEST(errors_are_the_compilers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
