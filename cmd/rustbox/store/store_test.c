/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
/* Claiming, naming, finding, listing, removing. */
#include "cmd/rustbox/store/store_test.h"

#include <dirent.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "base/log.h"
#include "cmd/rustbox/store/name.h"

static void a_claim_makes_its_folders(void **state)
{
	struct test_store *t = *state;
	struct store_claim claim;
	struct error err;
	struct stat st;
	char *name;

	assert_ok(store_claim(&t->store, "web", &t->arena, &claim, &name, &err));
	assert_true(store_is_id(claim.id));
	assert_string_equal(name, "web");
	assert_true(test_exists(t, "bundles", claim.id) && test_exists(t, "overlay", claim.id) &&
		    test_exists(t, "logs", claim.id) && test_exists(t, "run", claim.id));
	assert_int_equal(fstat(claim.bundle, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fstatat(t->store.root_fd, "overlay", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	cleanup_fd int again = openat(claim.bundle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(again, LOCK_EX | LOCK_NB), -1);
	fd_close(&claim.bundle);
}

static void a_new_tree_is_spread_over_the_disk(void **state)
{
	struct test_store *t = *state;
	struct store fresh;
	struct error err;
	struct statfs fs;
	char path[80];
	int flags = 0;

	if (fstatfs(t->store.root_fd, &fs) < 0 || fs.f_type != EXT4_SUPER_MAGIC)
		skip();
	(void)snprintf(path, sizeof(path), "%s/fresh", t->folder);
	assert_ok(store_open(path, &fresh, &err));
	assert_int_equal(ioctl(fresh.root_fd, FS_IOC_GETFLAGS, &flags), 0);
	assert_int_not_equal(flags & FS_TOPDIR_FL, 0);
	store_close(&fresh);
}

static void names_are_checked(void **state)
{
	static const char *const good[] = { "a",	   "A-b_c.d",	    "0",
					    "0123456789a", "0123456789abc", "0123456789aB" };
	static const char *const bad[] = { "",	   ".",	  "..",	     "a/b",
					   "../a", "-",	  "_a",	     "0123456789ab",
					   "a b",  "a\n", "\xc3\xa4" };
	char longest[NAME_MAX_BYTES + 2];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_ok(store_check_name(good[i], &err));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(store_check_name(bad[i], &err), -1);
		assert_int_equal(err.code, EINVAL);
	}
	memset(longest, 'a', sizeof(longest));
	longest[NAME_MAX_BYTES + 1] = '\0';
	assert_int_equal(store_check_name(longest, &err), -1);
	longest[NAME_MAX_BYTES] = '\0';
	assert_ok(store_check_name(longest, &err));
}

static void a_name_is_taken_once(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_CREATED);
	struct store_claim claim = { .bundle = -1 };
	struct record **all;
	struct error err;
	char *name;
	size_t n;

	assert_int_equal(store_claim(&t->store, "web", &t->arena, &claim, &name, &err), -1);
	assert_int_equal(err.code, EEXIST);
	assert_non_null(strstr(err.text, web->id));
	assert_non_null(strstr(err.text, "choose another name"));
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(n, 1);
	for (int i = 0; i < 50; i++) {
		struct record *made_up = test_container(t, NULL, RECORD_CREATED);
		assert_ok(store_check_name(made_up->name, &err));
	}
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(n, 51);
}

/* A crash between a rename's steps, or within a claim, does not keep a name for ever. */
static void a_stale_name_is_free(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_CREATED);
	struct store_claim claim = { .bundle = -1 };
	struct error err;
	char *name;

	assert_ok(store_take_name(&t->store, "half", web->id, &err));
	assert_int_equal(symlinkat("aaaaaaaaaaaa", t->store.root_fd, "names/gone"), 0);
	assert_ok(store_claim(&t->store, "dead", &t->arena, &claim, &name, &err));
	struct record *found;
	assert_int_equal(store_find(&t->store, "half", &t->arena, &found, &err), -1);
	assert_int_equal(err.code, ENOENT);
	test_container(t, "half", RECORD_CREATED);
	test_container(t, "gone", RECORD_CREATED);
	/* Whoever claims lives, as long as it holds the lock. */
	struct store_claim second = { .bundle = -1 };
	assert_int_equal(store_claim(&t->store, "dead", &t->arena, &second, &name, &err), -1);
	assert_int_equal(err.code, EEXIST);
	fd_close(&claim.bundle);
	test_container(t, "dead", RECORD_CREATED);
	assert_false(test_exists(t, "bundles", claim.id));
}

static void found_by_id_prefix_and_name(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_EXITED), *found;
	struct error err;
	char prefix[STORE_ID_LENGTH + 1];

	for (size_t size = 1; size <= STORE_ID_LENGTH; size++) {
		(void)snprintf(prefix, sizeof(prefix), "%.*s", (int)size, web->id);
		assert_ok(store_find(&t->store, prefix, &t->arena, &found, &err));
		assert_string_equal(found->name, "web");
	}
	assert_ok(store_find(&t->store, "web", &t->arena, &found, &err));
	assert_string_equal(found->id, web->id);
	static const char *const none[] = { "", "we", "webb", "../web", "x", "0123456789abc" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(store_find(&t->store, none[i], &t->arena, &found, &err), -1);
		assert_int_equal(err.code, ENOENT);
		assert_non_null(strstr(err.text, "no such container: "));
		assert_non_null(strstr(err.text, "list --all"));
	}
	/* A name that could be the beginning of an id wins. */
	(void)snprintf(prefix, sizeof(prefix), "%.4s", web->id);
	struct record *other = test_container(t, prefix, RECORD_EXITED);
	assert_ok(store_find(&t->store, prefix, &t->arena, &found, &err));
	assert_string_equal(found->id, other->id);
}

static void an_ambiguous_prefix_names_the_candidates(void **state)
{
	struct test_store *t = *state;
	struct record *found, *first = NULL, *second = NULL;
	struct error err;
	char seen[256] = { 0 };
	struct record *of[256];
	char prefix[2] = "";

	while (!second) {
		struct record *r = test_container(t, NULL, RECORD_EXITED);
		unsigned char c = (unsigned char)r->id[0];
		if (seen[c]) {
			first = of[c];
			second = r;
		}
		seen[c] = 1;
		of[c] = r;
	}
	prefix[0] = second->id[0];
	assert_int_equal(store_find(&t->store, prefix, &t->arena, &found, &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_non_null(strstr(err.text, first->id));
	assert_non_null(strstr(err.text, second->id));
}

static void a_thousand_are_listed_newest_first(void **state)
{
	struct test_store *t = *state;
	struct record **all;
	struct error err;
	size_t n;

	struct record *r = test_container(t, "web", RECORD_EXITED);
	assert_ok(store_remove(&t->store, r, &err));
	for (unsigned int i = 0; i < 1000; i++) {
		r->id = arena_format(&t->arena, &err, "%012x", i * 7919 % 1000);
		r->created = clock_date_text(&t->arena, &err);
		r->auto_remove = i % 10 == 0;
		if (r->auto_remove)
			assert_int_equal(mkdirat(t->store.run_fd, r->id, 0700), 0);
		assert_ok(store_save(&t->store, r, false, &err));
	}
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(n, 1000);
	for (size_t i = 1; i < n; i++)
		assert_true(strcmp(all[i - 1]->created, all[i]->created) >= 0);
}

static char logged[4096];
static void keep_log(void *data, enum log_level level, const char *text)
{
	size_t used = strlen(logged);

	(void)data;
	(void)level;
	(void)snprintf(logged + used, sizeof(logged) - used, "%s\n", text);
}

static void garbage_is_told_of_and_kept(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_EXITED), *found, **all;
	struct error err;
	size_t n;
	const char *file = arena_format(&t->arena, &err, "%s.json", web->id);
	cleanup_fd int folder =
		openat(t->store.root_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	test_container(t, "good", RECORD_EXITED);
	assert_ok(fd_replace_file(folder, file, "{\"id\":", 6, 0600, &err));
	*logged = '\0';
	log_redirect(keep_log, NULL);
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	log_redirect(NULL, NULL);
	assert_int_equal(n, 1);
	assert_string_equal(all[0]->name, "good");
	assert_non_null(strstr(logged, web->id));
	assert_non_null(strstr(logged, "damaged"));
	assert_true(test_exists(t, "containers", file));
	assert_true(test_exists(t, "bundles", web->id));
	assert_int_equal(store_find(&t->store, "web", &t->arena, &found, &err), -1);
	assert_int_equal(err.code, EBADMSG);
	assert_int_equal(store_find(&t->store, web->id, &t->arena, &found, &err), -1);
	assert_int_equal(err.code, EBADMSG);
	/* Another container's record is none of this one's. */
	cleanup_free char *text = record_write(all[0], &err);
	assert_ok(fd_replace_file(folder, file, text, strlen(text), 0600, &err));
	assert_int_equal(store_find(&t->store, web->id, &t->arena, &found, &err), -1);
	assert_int_equal(err.code, EBADMSG);
}

static void a_removal_leaves_nothing_and_may_be_repeated(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_EXITED), *found;
	struct error err;
	cleanup_fd int lock = store_lock(&t->store, web->id, &err);

	assert_true(lock >= 0);
	assert_ok(store_remove(&t->store, web, &err));
	assert_ok(store_remove(&t->store, web, &err));
	static const char *const folders[] = { "bundles", "overlay", "logs", "run" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		assert_false(test_exists(t, folders[i], web->id));
	assert_false(test_exists(t, "names", "web"));
	assert_int_equal(store_find(&t->store, "web", &t->arena, &found, &err), -1);
	assert_int_equal(store_lock(&t->store, web->id, &err), -1);
	assert_int_equal(err.code, ENOENT);
	test_container(t, "web", RECORD_CREATED);
}

static void a_rename_moves_the_name(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_EXITED), *found;
	struct error err;

	test_container(t, "other", RECORD_EXITED);
	assert_int_equal(store_rename(&t->store, web, "other", &err), -1);
	assert_int_equal(err.code, EEXIST);
	assert_int_equal(store_rename(&t->store, web, "web", &err), -1);
	assert_int_equal(store_rename(&t->store, web, "no/name", &err), -1);
	assert_string_equal(web->name, "web");
	assert_ok(store_rename(&t->store, web, "site", &err));
	assert_ok(store_find(&t->store, "site", &t->arena, &found, &err));
	assert_string_equal(found->id, web->id);
	assert_string_equal(found->name, "site");
	assert_int_equal(store_find(&t->store, "web", &t->arena, &found, &err), -1);
	assert_false(test_exists(t, "names", "web"));
}

static void dropped_files_leave_record_and_bundle(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_STOPPED), *found;
	struct error err;
	const char *upper = arena_format(&t->arena, &err, "overlay/%s/upperdir", web->id);
	const char *file = arena_format(&t->arena, &err, "%s/file", upper);
	const char *log = arena_format(&t->arena, &err, "logs/%s/stdout.log", web->id);

	assert_int_equal(mkdirat(t->store.root_fd, upper, 0755), 0);
	fd_close(&(int){ openat(t->store.root_fd, file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) });
	fd_close(&(int){ openat(t->store.root_fd, log, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) });
	assert_ok(store_drop_files(&t->store, web, &err));
	assert_true(test_exists(t, upper, "."));
	assert_false(test_exists(t, file, ""));
	assert_false(test_exists(t, log, ""));
	assert_true(test_exists(t, "bundles", web->id));
	assert_ok(store_find(&t->store, "web", &t->arena, &found, &err));
	assert_int_equal(found->state->status, RECORD_EXITED);
	assert_true(found->state->lost);
}

/* The record that was there stays whole. */
static void a_full_disk_damages_nothing(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_CREATED), *found;
	struct rlimit before, little = { 64, RLIM_INFINITY };
	struct error err;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	little.rlim_max = before.rlim_max;
	(void)signal(SIGXFSZ, SIG_IGN);
	for (int durable = 0; durable < 2; durable++) {
		web->state->status = RECORD_RUNNING;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
		assert_int_equal(store_save(&t->store, web, durable, &err), -1);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_int_equal(err.code, EFBIG);
		assert_non_null(strstr(err.text, web->id));
		assert_ok(store_load(&t->store, web->id, &t->arena, &found, &err));
		assert_int_equal(found->state->status, RECORD_CREATED);
	}
	(void)signal(SIGXFSZ, SIG_DFL);
	assert_false(test_exists(t, "containers",
				 arena_format(&t->arena, &err, ".%s.json.new", web->id)));
}

static int count_entries(int take_fd)
{
	DIR *stream = fdopendir(take_fd);
	int count = -2; /* the folder and its parent */

	assert_non_null(stream);
	while (readdir(stream))
		count++;
	(void)closedir(stream);
	return count;
}

static void a_claim_without_room_leaves_nothing(void **state)
{
	struct test_store *t = *state;
	struct store_claim claim;
	struct store small = { .root_fd = -1, .run_fd = -1 };
	struct error err;
	char *name;
	const char *path = arena_format(&t->arena, &err, "%s/small", t->folder);
	int claimed = 0;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mount("none", path, "tmpfs", 0, "nr_inodes=30,mode=711"), 0);
	assert_ok(store_open(path, &small, &err));
	while (store_claim(&small, NULL, &t->arena, &claim, &name, &err) == 0) {
		fd_close(&claim.bundle);
		claimed++;
	}
	assert_int_equal(err.code, ENOSPC);
	assert_true(claimed > 0);
	/* What has failed has given its inodes back: all folders are there, or none. */
	static const char *const folders[] = { "bundles", "overlay", "logs", "names" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int fd = openat(small.root_fd, folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_int_equal(count_entries(fd), claimed);
	}
	store_close(&small);
	assert_int_equal(umount2(path, 0), 0);
}

static void a_read_only_tree_can_be_read(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_EXITED), *found, **all;
	struct store again = { .root_fd = -1, .run_fd = -1 };
	struct store_claim claim;
	struct error err;
	char *name;
	size_t n;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mount(t->folder, t->folder, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount("none", t->folder, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	assert_ok(store_open(t->folder, &again, &err));
	assert_ok(store_list(&again, &t->arena, &all, &n, &err));
	assert_int_equal(n, 1);
	assert_ok(store_find(&again, "web", &t->arena, &found, &err));
	assert_int_equal(store_claim(&again, NULL, &t->arena, &claim, &name, &err), -1);
	assert_int_equal(err.code, EROFS);
	assert_int_equal(store_save(&again, web, true, &err), -1);
	assert_int_equal(err.code, EROFS);
	store_close(&again);
	/* One that is not there cannot be made: it is empty. */
	const char *missing = arena_format(&t->arena, &err, "%s/missing", t->folder);
	assert_ok(store_open(missing, &again, &err));
	assert_ok(store_list(&again, &t->arena, &all, &n, &err));
	assert_int_equal(n, 0);
	assert_int_equal(store_find(&again, "web", &t->arena, &found, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(store_claim(&again, NULL, &t->arena, &claim, &name, &err), -1);
	assert_non_null(strstr(err.text, "--root"));
	store_close(&again);
	assert_int_equal(umount2(t->folder, 0), 0);
}

static void paths_are_clean_and_absolute(void **state)
{
	struct test_store *t = *state;
	struct store store = { .root_fd = -1, .run_fd = -1 };
	struct error err;
	const char *crooked = arena_format(&t->arena, &err, "%s//./x/../y/", t->folder);

	assert_ok(store_open(crooked, &store, &err));
	cleanup_free char *path = store_path(&store, "bundles", "id", "config.json", &err);
	cleanup_free char *run = store_run_path(&store, "id", "stream.sock", &err);
	assert_string_equal(
		path, arena_format(&t->arena, &err, "%s/y/bundles/id/config.json", t->folder));
	assert_string_equal(run,
			    arena_format(&t->arena, &err, "%s/y/run/id/stream.sock", t->folder));
	store_close(&store);
	assert_int_equal(store_open("/", &store, &err), -1);
	assert_int_equal(setenv("RUSTBOX_ROOT", crooked, 1), 0);
	assert_ok(store_open(NULL, &store, &err));
	assert_true(str_ends_with(store.root, "/y"));
	store_close(&store);
	assert_int_equal(unsetenv("RUSTBOX_ROOT"), 0);
}

/* S23: who may write there could put anything in place of a container. */
static void a_root_of_strangers_is_refused(void **state)
{
	struct test_store *t = *state;
	struct store store;
	struct error err;

	assert_int_equal(chmod(t->folder, 0777), 0);
	assert_int_equal(store_open(t->folder, &store, &err), -1);
	assert_int_equal(err.code, EPERM);
	assert_int_equal(chmod(t->folder, 0711), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(t->folder, 1234, 0), 0);
		assert_int_equal(store_open(t->folder, &store, &err), -1);
		assert_non_null(strstr(err.text, "user 1234"));
		assert_int_equal(chown(t->folder, 0, 0), 0);
	}
	assert_ok(store_open(t->folder, &store, &err));
	store_close(&store);
}

/* Nobody could read it, and so nobody remove it. */
static void a_record_that_is_too_large_is_not_written(void **state)
{
	struct test_store *t = *state;
	struct record *record = test_container(t, "box", RECORD_CREATED);
	cleanup_free char *value = malloc(JSON_SIZE_MAX + 1);
	char key[] = "big";
	struct json_pair label = { key, value };
	struct error err;

	assert_non_null(value);
	memset(value, 'x', JSON_SIZE_MAX);
	value[JSON_SIZE_MAX] = '\0';
	record->labels = &label;
	record->n_labels = 1;
	assert_int_equal(store_save(&t->store, record, true, &err), -1);
	assert_int_equal(err.code, EFBIG);
	value[5 << 20] = '\0';
	assert_ok(store_save(&t->store, record, true, &err));
	assert_ok(store_find(&t->store, "box", &t->arena, &record, &err));
	assert_int_equal(record->n_labels, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_claim_makes_its_folders),
		store_test(a_new_tree_is_spread_over_the_disk),
		store_test(names_are_checked),
		store_test(a_name_is_taken_once),
		store_test(a_stale_name_is_free),
		store_test(found_by_id_prefix_and_name),
		store_test(an_ambiguous_prefix_names_the_candidates),
		store_test(a_thousand_are_listed_newest_first),
		store_test(garbage_is_told_of_and_kept),
		store_test(a_removal_leaves_nothing_and_may_be_repeated),
		store_test(a_rename_moves_the_name),
		store_test(dropped_files_leave_record_and_bundle),
		store_test(a_full_disk_damages_nothing),
		store_test(a_claim_without_room_leaves_nothing),
		store_test(a_read_only_tree_can_be_read),
		store_test(paths_are_clean_and_absolute),
		store_test(a_root_of_strangers_is_refused),
		store_test(a_record_that_is_too_large_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
