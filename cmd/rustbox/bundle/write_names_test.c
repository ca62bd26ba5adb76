/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
#include "cmd/rustbox/bundle/bundle_test.h"

/* A container of that name that is on the network; its id. */
static const char *join(struct test_bundle *t, const char *name, const char *network,
			const char *ip, const char *alias)
{
	char text[256], mode[32];
	struct error err;
	const char *path;

	test_planned(t, "id");
	(void)snprintf(mode, sizeof(mode), "%s", network);
	t->record->network->mode = arena_strdup(&t->arena, mode, &err);
	t->record->network->aliases = arena_array(&t->arena, 1, sizeof(char *), &err);
	t->record->network->aliases[0] = arena_strdup(&t->arena, alias, &err);
	t->record->network->n_aliases = 1;
	test_written(t);
	t->record->name = arena_strdup(&t->arena, name, &err);
	assert_int_equal(store_save(&t->store, t->record, false, &err), 0);
	path = arena_format(&t->arena, &err, "%s/run/%s", t->folder, t->record->id);
	(void)snprintf(text, sizeof(text), "{\"ips\":[\"%s/24\"]}", ip);
	test_write(path, "network.json", text);
	assert_int_equal(bundle_write_names(&t->store, t->record, &err), 0);
	return t->record->id;
}

static void leave(struct test_bundle *t, const char *id)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/run/%s/network.json", t->folder, id);
	assert_int_equal(unlink(path), 0);
}

static char *hosts_of(struct test_bundle *t, const char *id)
{
	cleanup_free char *text = NULL;
	char path[256];
	struct error err;

	(void)snprintf(path, sizeof(path), "%s/bundles/%s/hosts", t->folder, id);
	assert_int_equal(fd_read_file(AT_FDCWD, path, 65536, &text, NULL, &err), 0);
	return arena_strdup(&t->arena, text, &err);
}

static void set_hosts(struct test_bundle *t, const char *id, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/bundles/%s", t->folder, id);
	test_write(path, "hosts", text);
}

static void test_all_know_all(void **state)
{
	struct test_bundle *t = *state;
	const char *web = join(t, "web", "mine", "10.63.0.2", "www");
	const char *db = join(t, "store", "mine", "10.63.0.3", "sql");
	const char *other = join(t, "other", "theirs", "10.63.1.2", "www");
	const char *ids[] = { web, db };
	struct error err;

	for (size_t i = 0; i < 2; i++) {
		const char *hosts = hosts_of(t, ids[i]);

		assert_non_null(strstr(hosts, "localhost"));
		assert_non_null(strstr(hosts, "10.63.0.2\tweb "));
		assert_non_null(strstr(hosts, " www\n"));
		assert_non_null(strstr(hosts, "10.63.0.3\tstore "));
		assert_null(strstr(hosts, "other"));
	}
	assert_null(strstr(hosts_of(t, other), "web"));
	leave(t, db);
	assert_int_equal(bundle_write_names(&t->store, t->record, &err), 0);
	assert_non_null(strstr(hosts_of(t, web), "store")); /* another network's turn */
	t->record->network->mode = (char[]){ "mine" };
	assert_int_equal(bundle_write_names(&t->store, t->record, &err), 0);
	assert_null(strstr(hosts_of(t, web), "store"));
	assert_non_null(strstr(hosts_of(t, web), "10.63.0.2\tweb "));
}

/* What a container has written around the lines stays, and the file stays the same one. */
static void test_keeps_what_is_not_ours(void **state)
{
	struct test_bundle *t = *state;
	const char *web = join(t, "web", "mine", "10.63.0.2", "www");
	cleanup_free char *text = NULL;
	char path[256];
	struct stat before, after;
	struct error err;
	const char *hosts;

	(void)snprintf(path, sizeof(path), "%s/bundles/%s/hosts", t->folder, web);
	assert_int_equal(stat(path, &before), 0);
	text = str_format(&err, "9.9.9.9 first\n%s8.8.8.8 last", hosts_of(t, web));
	set_hosts(t, web, text);
	(void)join(t, "store", "mine", "10.63.0.3", "sql");
	hosts = hosts_of(t, web);
	assert_true(str_starts_with(hosts, "9.9.9.9 first\n127."));
	assert_true(str_ends_with(hosts, "\n8.8.8.8 last"));
	assert_non_null(strstr(hosts, "10.63.0.3\tstore "));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void test_hostile_files(void **state)
{
	struct test_bundle *t = *state;
	const char *web = join(t, "web", "mine", "10.63.0.2", "www");
	char mark[128], path[256];
	struct error err;
	const char *hosts = strstr(hosts_of(t, web), "# Cont");

	/* A mark without its end, any number of times: the file does not grow. */
	(void)snprintf(mark, sizeof(mark), "%.*s\nx\n", (int)strcspn(hosts, "\n"), hosts);
	set_hosts(t, web, mark);
	for (int i = 0; i < 3; i++)
		assert_int_equal(bundle_write_names(&t->store, t->record, &err), 0);
	assert_int_equal(count(hosts_of(t, web), "10.63.0.2\tweb "), 1);
	assert_null(strstr(hosts_of(t, web), "x\n"));

	/* Emptied. */
	set_hosts(t, web, "");
	assert_int_equal(bundle_write_names(&t->store, t->record, &err), 0);
	assert_int_equal(count(hosts_of(t, web), "10.63.0.2\tweb "), 1);

	/* Too long: as it is; and the others are told. */
	(void)snprintf(path, sizeof(path), "%s/bundles/%s/hosts", t->folder, web);
	assert_int_equal(truncate(path, 2 * 1024 * 1024), 0);
	(void)join(t, "store", "mine", "10.63.0.3", "sql");
	assert_int_equal(count(hosts_of(t, t->record->id), "10.63.0.2\tweb "), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bundle_test(test_all_know_all),
		bundle_test(test_keeps_what_is_not_ours),
		bundle_test(test_hostile_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
