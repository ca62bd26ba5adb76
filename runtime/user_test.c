/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it knows no openat2
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/environment.h"
#include "runtime/user.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "# comment\n"
			     "\n"
			     "broken\n"
			     "huge:x:4294967295:0::/:\n"
			     "wraps:x:4294967296:0::/:\n"
			     "minus:x:-1:0::/:\n"
			     "1000:x:0:0:a name of digits:/root:/bin/sh\n"
			     "bin:x:1:7::/bin\n"
			     "bin:x:99:99::/never:/second\n"
			     "short:x:5:6\n"
			     "app:x:2000:2001:App:/home/app:/bin/sh";
static const char group[] = "root:x:0:\n"
			    "wheel:x:10:root,app\n"
			    "bad:x:ten:app\n"
			    "audio:x:29:apple,xapp\n"
			    "video:x:44:app\n"
			    "none:x:4294967295:app\n"
			    "20:x:3333:\n";

/* A container's root in a temporary folder. */
struct fixture {
	char path[64];
	int root;
	struct arena arena;
	struct error err;
};

static void put(const struct fixture *f, const char *name, const char *text)
{
	struct error err;
	int fd = openat(f->root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, name, text, strlen(text), &err), 0);
	fd_close(&fd);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)snprintf(f->path, sizeof(f->path), "/tmp/user_test.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->root = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(f->root, "etc", 0755), 0);
	put(f, "etc/passwd", passwd);
	put(f, "etc/group", group);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)unlinkat(f->root, "etc/passwd", 0);
	(void)unlinkat(f->root, "etc/group", 0);
	(void)unlinkat(f->root, "etc", AT_REMOVEDIR);
	(void)rmdir(f->path);
	fd_close(&f->root);
	arena_free(&f->arena);
	free(f);
	return 0;
}

static void test_s13_texts_that_mean_a_user(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text;
		uint32_t uid, gid;
		bool has_gid;
		size_t n_gids;
	} cases[] = {
		{ "0", 0, 0, true, 1 },
		{ "1", 1, 7, true, 0 }, /* never 0 */
		{ "01", 1, 7, true, 0 },
		{ "1000", 1000, 0, false, 0 }, /* not the user who is called so */
		{ "4294967294", 4294967294, 0, false, 0 },
		{ "app", 2000, 2001, true, 2 },
		{ "2000", 2000, 2001, true, 2 },
		{ "bin", 1, 7, true, 0 }, /* the first of two */
		{ "short", 5, 6, true, 0 },
		{ "app:0", 2000, 0, true, 0 },
		{ "app:video", 2000, 44, true, 0 },
		{ "app:20", 2000, 20, true, 0 },
		{ "77:88", 77, 88, true, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct user_identity got;
		if (user_resolve(f->root, cases[i].text, &f->arena, &got, &f->err) < 0)
			fail_msg("%s: %s", cases[i].text, f->err.text);
		assert_int_equal(got.uid, cases[i].uid);
		assert_int_equal(got.gid, cases[i].gid);
		assert_int_equal(got.has_gid, cases[i].has_gid);
		assert_int_equal(got.n_gids, cases[i].n_gids);
	}
}

static void test_s13_texts_that_mean_nobody(void **state)
{
	struct fixture *f = *state;
	static const char *const texts[] = { "",
					     ":",
					     ":0",
					     "0:",
					     "4294967295",
					     "4294967296",
					     "18446744073709551616",
					     "-1",
					     "+1",
					     " 1",
					     "1 ",
					     "0x0",
					     "1a",
					     "nobody",
					     "broken",
					     "huge",
					     "app:nobody",
					     "app:-1",
					     "app:4294967295",
					     "1:1:1",
					     "root:none",
					     "wraps",
					     "minus" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct user_identity got;
		if (user_resolve(f->root, texts[i], &f->arena, &got, &f->err) == 0)
			fail_msg("\"%s\" was taken for %u:%u", texts[i], got.uid, got.gid);
	}
}

static void test_without_the_files(void **state)
{
	struct fixture *f = *state;
	struct user_identity got;

	assert_int_equal(unlinkat(f->root, "etc/group", 0), 0);
	assert_int_equal(user_resolve(f->root, "app", &f->arena, &got, &f->err), 0);
	assert_int_equal(got.n_gids, 0);
	assert_int_equal(user_resolve(f->root, "app:video", &f->arena, &got, &f->err), -1);
	assert_int_equal(unlinkat(f->root, "etc/passwd", 0), 0);
	assert_int_equal(user_resolve(f->root, "12:13", &f->arena, &got, &f->err), 0);
	assert_int_equal(user_resolve(f->root, "app", &f->arena, &got, &f->err), -1);
	assert_non_null(strstr(f->err.text, "/etc/passwd"));
	assert_string_equal(user_home(f->root, 0, &f->arena, &f->err), "/");
}

static void test_s24_files_that_are_a_trap(void **state)
{
	struct fixture *f = *state;
	struct user_identity got;

	int fd = openat(f->root, "etc/passwd", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, USER_FILE_LIMIT + 1), 0);
	fd_close(&fd);
	assert_int_equal(user_resolve(f->root, "app", &f->arena, &got, &f->err), -1);
	assert_int_equal(f->err.code, EFBIG);
	assert_string_equal(user_home(f->root, 0, &f->arena, &f->err), "/");
	assert_int_equal(unlinkat(f->root, "etc/passwd", 0), 0);
	assert_int_equal(mkfifoat(f->root, "etc/passwd", 0644), 0); /* must not block */
	assert_int_equal(user_resolve(f->root, "app", &f->arena, &got, &f->err), -1);
	assert_int_equal(unlinkat(f->root, "etc/passwd", 0), 0);
	assert_int_equal(symlinkat("/../../../../etc/passwd", f->root, "etc/passwd"), 0);
	assert_int_equal(user_resolve(f->root, "root", &f->arena, &got, &f->err), -1);
}

static void without_a_descriptor_nothing_is_guessed(void **state)
{
	struct fixture *f = *state;
	struct user_identity identity;
	struct rlimit usual, none = { 0 };

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	none.rlim_max = usual.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	const char *home = user_home(f->root, 2000, &f->arena, &f->err);
	int number = user_resolve(f->root, "2000", &f->arena, &identity, &f->err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_null(home);
	assert_int_equal(number, -1);
	assert_int_equal(f->err.code, EMFILE);
}

static void test_home(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(user_home(f->root, 0, &f->arena, &f->err), "/root");
	assert_string_equal(user_home(f->root, 2000, &f->arena, &f->err), "/home/app");
	assert_string_equal(user_home(f->root, 5, &f->arena, &f->err), "/");
	assert_string_equal(user_home(f->root, 4242, &f->arena, &f->err), "/");
}

/* The environment as one text, entries separated by "|". */
static const char *environment(struct fixture *f, const char *const *entries, uint32_t uid)
{
	static char text[512];
	size_t n = 0;

	while (entries[n])
		n++;
	*text = '\0';
	char **env =
		environment_make((char **)(uintptr_t)entries, n, f->root, uid, &f->arena, &f->err);
	for (size_t i = 0; env && env[i]; i++) {
		size_t used = strlen(text);
		(void)snprintf(text + used, sizeof(text) - used, "%s%s", used ? "|" : "", env[i]);
	}
	return env ? text : NULL;
}
#define ENVIRONMENT(uid, ...) environment(f, (const char *const[]){ __VA_ARGS__ }, uid)

static void test_environment(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(ENVIRONMENT(0, NULL), "HOME=/root");
	assert_string_equal(ENVIRONMENT(0, "A=1", "B=2", "A=3", "AB=4", NULL),
			    "B=2|A=3|AB=4|HOME=/root");
	assert_string_equal(ENVIRONMENT(0, "HOME=/x", "A=", NULL), "HOME=/x|A=");
	assert_string_equal(ENVIRONMENT(2000, "HOME=", "A=1", NULL), "A=1|HOME=/home/app");
	assert_string_equal(ENVIRONMENT(2000, "HOME=/x", "HOME=", NULL), "HOME=/home/app");
	assert_string_equal(ENVIRONMENT(0, "HOME=", "HOME=/x", NULL), "HOME=/x");
	assert_string_equal(ENVIRONMENT(0, "N=\n", NULL), "N=\n|HOME=/root");
	assert_null(ENVIRONMENT(0, "A", NULL));
	assert_null(ENVIRONMENT(0, "=x", NULL));
	assert_non_null(strstr(f->err.text, "process.env[0]"));
}

static void test_environment_of_thousands(void **state)
{
	struct fixture *f = *state;
	enum { MANY = 20000 };
	static char texts[MANY][24];
	static char *entries[MANY];

	for (int i = 0; i < MANY; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "NAME_%d=%d", i % (MANY / 2), i);
		entries[i] = texts[i];
	}
	char **env = environment_make(entries, MANY, f->root, 0, &f->arena, &f->err);
	assert_non_null(env);
	assert_string_equal(env[0], "NAME_0=10000");
	assert_string_equal(env[MANY / 2], "HOME=/root");
	assert_null(env[MANY / 2 + 1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_s13_texts_that_mean_a_user),
		TEST(test_s13_texts_that_mean_nobody),
		TEST(test_without_the_files),
		TEST(test_s24_files_that_are_a_trap),
		TEST(test_home),
		TEST(without_a_descriptor_nothing_is_guessed),
		TEST(test_environment),
		TEST(test_environment_of_thousands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
