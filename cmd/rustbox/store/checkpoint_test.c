/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
#include "cmd/rustbox/store/store_test.h"

#include "cmd/rustbox/store/checkpoint.h"

static const char id[] = "0123456789ab";

static void write_file(const char *folder, const char *name)
{
	cleanup_fd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int file = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(file >= 0);
}

static char *begin(struct test_store *t, const char *path)
{
	struct error err;
	char *part = NULL;

	assert_ok(checkpoint_begin(&t->store, id, path, &t->arena, &part, &err));
	return part;
}

static void one_is_there_when_it_is_complete(void **state)
{
	struct test_store *t = *state;
	struct checkpoint *list;
	struct error err;
	size_t n;
	char *path = checkpoint_path(&t->store, id, NULL, "b", &t->arena, &err);

	assert_ok(checkpoint_list(&t->store, id, NULL, &t->arena, &list, &n, &err));
	assert_int_equal(n, 0);
	assert_int_equal(checkpoint_check(&t->store, id, NULL, path, &err), -1);
	assert_int_equal(err.code, ENOENT);
	/* Two that were killed in the middle. */
	write_file(begin(t, path), "old");
	char *part = begin(t, path);
	assert_int_equal(access(part, F_OK), 0);
	write_file(part, "inventory.img");
	assert_ok(checkpoint_list(&t->store, id, NULL, &t->arena, &list, &n, &err));
	assert_int_equal(n, 0);
	assert_ok(checkpoint_complete(part, path, &err));
	cleanup_free char *old = str_format(&err, "%s/old", path);
	assert_int_equal(access(old, F_OK), -1);
	assert_ok(checkpoint_check(&t->store, id, NULL, path, &err));
	assert_int_equal(checkpoint_begin(&t->store, id, path, &t->arena, &part, &err), -1);
	assert_int_equal(err.code, EEXIST);
	char *other = checkpoint_path(&t->store, id, NULL, "a", &t->arena, &err);
	part = begin(t, other);
	write_file(part, "inventory.img");
	/* Whoever was faster keeps it. */
	assert_int_equal(checkpoint_complete(part, path, &err), -1);
	assert_ok(checkpoint_complete(part, other, &err));
	assert_ok(checkpoint_list(&t->store, id, NULL, &t->arena, &list, &n, &err));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].name, "a");
	assert_string_equal(list[1].name, "b");
	assert_ok(checkpoint_remove(path, &err));
	assert_int_equal(checkpoint_check(&t->store, id, NULL, path, &err), -1);
	assert_non_null(strstr(err.text, "there are: a"));
	assert_ok(checkpoint_remove(path, &err));
}

static void a_folder_of_the_users(void **state)
{
	struct test_store *t = *state;
	struct checkpoint *list;
	struct error err;
	size_t n;
	cleanup_free char *dir = str_format(&err, "%s/mine", t->store.root);
	char *path = checkpoint_path(&t->store, id, dir, "x", &t->arena, &err), *part;

	assert_int_equal(checkpoint_list(&t->store, id, dir, &t->arena, &list, &n, &err), -1);
	assert_int_equal(checkpoint_begin(&t->store, id, path, &t->arena, &part, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(mkdir(dir, 0700), 0);
	write_file(dir, "file");
	part = begin(t, path);
	assert_int_equal(rmdir(part), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	/* A folder, but of something else. */
	assert_int_equal(checkpoint_check(&t->store, id, dir, path, &err), -1);
	assert_ok(checkpoint_list(&t->store, id, dir, &t->arena, &list, &n, &err));
	assert_int_equal(n, 0);
}

static void names(void **state)
{
	static const char *const bad[] = { "", ".", "..", ".x", "a/b", "../a", "-x", "a b" };
	struct test_store *t = *state;
	struct error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_null(checkpoint_path(&t->store, id, NULL, bad[i], &t->arena, &err));
		assert_int_equal(err.code, EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(one_is_there_when_it_is_complete),
		store_test(a_folder_of_the_users),
		store_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
