/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
/* What crashes, reboots and time leave. */
#include "cmd/rustbox/store/store_test.h"

#include <signal.h>
#include <sys/file.h>

#include "base/log.h"
#include "cmd/rustbox/store/volume.h"

static int cleaned, cleaning_fails;
static char cleaned_id[STORE_ID_LENGTH + 1];

static int clean_up(struct store *store, const struct record *record, struct error *err)
{
	(void)store;
	cleaned++;
	(void)snprintf(cleaned_id, sizeof(cleaned_id), "%s", record->id);
	return cleaning_fails ? error_set(err, EBUSY, "unmount it") : 0;
}

static void reset(struct test_store *t)
{
	t->store.clean_up = clean_up;
	cleaned = cleaning_fails = 0;
}

static void hush(void *data, enum log_level level, const char *text)
{
	(void)data;
	(void)level;
	(void)text;
}

static void a_killed_supervisor_is_noticed(void **state)
{
	static const int live[] = { RECORD_RUNNING, RECORD_PAUSED, RECORD_RESTARTING };
	struct test_store *t = *state;
	struct record *found, **all;
	struct error err;
	size_t n;

	reset(t);
	for (size_t i = 0; i < 3; i++) {
		struct record *web = test_container(t, NULL, live[i]);
		assert_ok(store_find(&t->store, web->id, &t->arena, &found, &err));
		assert_int_equal(found->state->status, RECORD_EXITED);
		assert_int_equal(found->state->exit_code, 137);
		assert_int_equal(found->state->signal, SIGKILL);
		assert_int_equal(found->state->pid, 0);
		assert_string_equal(found->state->error, "its supervisor was killed");
		assert_non_null(found->state->finished);
		assert_string_equal(cleaned_id, web->id);
		assert_int_equal(cleaned, (int)i + 1);
		/* It was written down: nothing is done twice. */
		assert_ok(store_find(&t->store, web->id, &t->arena, &found, &err));
		assert_int_equal(cleaned, (int)i + 1);
	}
	test_container(t, NULL, RECORD_RUNNING);
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(n, 4);
	assert_int_equal(cleaned, 4);
	assert_int_equal(all[0]->state->status, RECORD_EXITED);
}

/* A rename that was killed after it had taken the new name, or before it dropped the old one. */
static void names_of_killed_renames_go(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_CREATED), *found, **all;
	struct error err;
	size_t n;

	reset(t);
	test_container(t, "db", RECORD_CREATED);
	assert_ok(store_take_name(&t->store, "web2", web->id, &err));
	/* Whoever has the lock may be about to use it. */
	cleanup_fd int lock = store_lock(&t->store, web->id, &err);
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	assert_true(test_exists(t, "names", "web2"));
	fd_close(&lock);
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(n, 2);
	assert_false(test_exists(t, "names", "web2"));
	assert_ok(store_find(&t->store, "web", &t->arena, &found, &err));
	assert_ok(store_find(&t->store, "db", &t->arena, &found, &err));
}

static void what_is_supervised_is_left_alone(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_RUNNING), *found;
	struct error err;
	cleanup_fd int lock = store_lock_supervisor(&t->store, web->id, &err);

	reset(t);
	assert_true(lock >= 0);
	assert_ok(store_find(&t->store, "web", &t->arena, &found, &err));
	assert_int_equal(found->state->status, RECORD_RUNNING);
	assert_int_equal(cleaned, 0);
}

static void a_reboot_is_noticed(void **state)
{
	static char other[] = "00000000-0000-0000-0000-000000000000";
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_RUNNING), *found;
	struct error err;

	reset(t);
	web->state->boot_id = other;
	assert_ok(store_save(&t->store, web, true, &err));
	assert_ok(tree_remove(t->store.run_fd, web->id, &err));
	assert_ok(store_find(&t->store, "web", &t->arena, &found, &err));
	assert_int_equal(found->state->status, RECORD_EXITED);
	assert_int_equal(found->state->exit_code, 255);
	assert_int_equal(found->state->signal, 0);
	assert_string_equal(found->state->error, "the machine was restarted");
	assert_int_equal(cleaned, 1);
}

static void one_to_be_removed_is_removed(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_CREATED), *found, **all;
	struct error err;
	size_t n;

	reset(t);
	assert_int_equal(unlinkat(t->store.root_fd,
				  arena_format(&t->arena, &err, "containers/%s.json", web->id), 0),
			 0);
	web->auto_remove = true;
	web->state->status = RECORD_RUNNING;
	assert_ok(store_save(&t->store, web, true, &err));
	assert_int_equal(store_find(&t->store, "web", &t->arena, &found, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "its supervisor was killed"));
	assert_int_equal(cleaned, 1);
	assert_false(test_exists(t, "bundles", web->id));
	assert_false(test_exists(t, "names", "web"));
	/* A reboot takes its record. */
	web = test_container(t, "web", RECORD_CREATED);
	assert_int_equal(unlinkat(t->store.root_fd,
				  arena_format(&t->arena, &err, "containers/%s.json", web->id), 0),
			 0);
	assert_ok(tree_remove(t->store.run_fd, web->id, &err));
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(n, 0);
	assert_false(test_exists(t, "bundles", web->id));
	assert_false(test_exists(t, "names", "web"));
}

static void half_made_ones_go_unless_locked(void **state)
{
	struct test_store *t = *state;
	struct store_claim claim = { .bundle = -1 };
	struct record **all;
	struct error err;
	char *name;
	size_t n;

	reset(t);
	assert_ok(store_claim(&t->store, "web", &t->arena, &claim, &name, &err));
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(n, 0);
	assert_true(test_exists(t, "bundles", claim.id));
	/* A volume that was made for it, one that it was to share, and another container's. */
	struct volume *own, *named, *others;
	assert_ok(volume_mark_owner(claim.bundle, &err));
	assert_ok(volume_create(&t->store, NULL, claim.id, NULL, 0, &t->arena, &own, &err));
	assert_ok(volume_create(&t->store, "named", NULL, NULL, 0, &t->arena, &named, &err));
	assert_ok(
		volume_create(&t->store, NULL, "0123456789ab", NULL, 0, &t->arena, &others, &err));
	/* A record that was not written to its end. */
	char *unfinished = arena_format(&t->arena, &err, ".%s.json.new", claim.id);
	char *path = arena_format(&t->arena, &err, "containers/%s", unfinished);
	cleanup_fd int fd = openat(t->store.root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	fd_close(&claim.bundle);
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(n, 0);
	static const char *const folders[] = { "bundles", "overlay", "logs", "run" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		assert_false(test_exists(t, folders[i], claim.id));
	assert_false(test_exists(t, "containers", unfinished));
	assert_false(test_exists(t, "volumes", own->name));
	assert_true(test_exists(t, "volumes", "named") && test_exists(t, "volumes", others->name));
	assert_false(test_exists(t, "names", "web"));
}

/* It has ended, and the next command tries again to clean up. */
static void a_clean_up_that_fails_is_repeated(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_RUNNING), *found;
	struct error err;

	reset(t);
	cleaning_fails = 1;
	log_redirect(hush, NULL);
	assert_ok(store_find(&t->store, "web", &t->arena, &found, &err));
	log_redirect(NULL, NULL);
	assert_int_equal(found->state->status, RECORD_EXITED);
	assert_non_null(strstr(found->state->error, "unmount it"));
	assert_ok(store_load(&t->store, web->id, &t->arena, &found, &err));
	assert_int_equal(found->state->status, RECORD_RUNNING);
	cleaning_fails = 0;
	assert_ok(store_find(&t->store, "web", &t->arena, &found, &err));
	assert_string_equal(found->state->error, "its supervisor was killed");
	assert_int_equal(cleaned, 2);
}

/* A list does not wait for who holds the lock, and shows nothing that is not so. */
static void a_list_waits_for_nobody(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_RUNNING), **all, *found;
	struct error err;
	size_t n;
	cleanup_fd int lock = store_lock(&t->store, web->id, &err);

	reset(t);
	assert_true(lock >= 0);
	assert_ok(store_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(all[0]->state->status, RECORD_EXITED);
	assert_int_equal(cleaned, 0);
	assert_ok(store_load(&t->store, web->id, &t->arena, &found, &err));
	assert_int_equal(found->state->status, RECORD_RUNNING);
}

static void a_stopped_one_expires(void **state)
{
	static char past[] = "2020-01-02T03:04:05.000000006Z";
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_STOPPED), *found;
	struct error err;

	reset(t);
	web->state->finished = clock_date_text(&t->arena, &err);
	web->policy->stopped_timeout = (struct json_uint){ true, 3600 };
	assert_ok(store_save(&t->store, web, true, &err));
	assert_ok(store_find(&t->store, "web", &t->arena, &found, &err));
	assert_int_equal(found->state->status, RECORD_STOPPED);
	web->state->finished = past;
	assert_ok(store_save(&t->store, web, true, &err));
	assert_ok(store_find(&t->store, "web", &t->arena, &found, &err));
	assert_int_equal(found->state->status, RECORD_EXITED);
	assert_true(found->state->lost);
	assert_int_equal(cleaned, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_killed_supervisor_is_noticed),
		store_test(names_of_killed_renames_go),
		store_test(what_is_supervised_is_left_alone),
		store_test(a_reboot_is_noticed),
		store_test(one_to_be_removed_is_removed),
		store_test(half_made_ones_go_unless_locked),
		store_test(a_clean_up_that_fails_is_repeated),
		store_test(a_list_waits_for_nobody),
		store_test(a_stopped_one_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
