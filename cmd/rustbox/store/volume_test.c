/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
#include "cmd/rustbox/store/store_test.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/process.h"
#include "cmd/rustbox/store/volume.h"

static char label[] = "tier", back[] = "back", volume_word[] = "volume", there[] = "/there";

static void a_volume_is_made_once_and_found(void **state)
{
	struct test_store *t = *state;
	struct json_pair labels[] = { { label, back } };
	struct volume *made, *found;
	struct error err;
	struct stat st;
	bool is_new = true;

	assert_ok(volume_create(&t->store, "data", NULL, labels, 1, &t->arena, &made, &err));
	assert_int_equal(stat(made->data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_ok(volume_find(&t->store, "data", &t->arena, &found, &err));
	assert_string_equal(found->data, made->data);
	assert_string_equal(found->created, made->created);
	assert_string_equal(found->labels[0].value, "back");
	assert_null(found->container);
	assert_false(found->anonymous);
	assert_int_equal(volume_create(&t->store, "data", NULL, NULL, 0, &t->arena, &made, &err),
			 -1);
	assert_int_equal(err.code, EEXIST);
	assert_ok(volume_ensure(&t->store, "data", &t->arena, &found, &is_new, &err));
	assert_false(is_new);
	assert_ok(volume_ensure(&t->store, "more", &t->arena, &found, &is_new, &err));
	assert_true(is_new);
	assert_int_equal(volume_find(&t->store, "none", &t->arena, &found, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(volume_find(&t->store, "../volumes/data", &t->arena, &found, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(volume_create(&t->store, "../x", NULL, NULL, 0, &t->arena, &found, &err),
			 -1);
	assert_int_equal(err.code, EINVAL);
}

static void an_anonymous_one_knows_its_container(void **state)
{
	struct test_store *t = *state;
	struct volume *made, **all;
	struct error err;
	size_t n;

	assert_ok(volume_create(&t->store, NULL, "0123456789ab", NULL, 0, &t->arena, &made, &err));
	assert_int_equal(strlen(made->name), 64);
	assert_ok(volume_create(&t->store, "zeta", NULL, NULL, 0, &t->arena, &made, &err));
	assert_ok(volume_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(n, 2);
	assert_string_equal(all[0]->container, "0123456789ab");
	assert_true(all[0]->anonymous && !all[1]->anonymous);
	assert_string_equal(all[1]->name, "zeta");
}

static struct record *mounting(struct test_store *t, const char *name, const char *volume,
			       bool anonymous)
{
	struct record *record = test_container(t, name, RECORD_EXITED);
	struct error err;

	record->mounts = arena_array(&t->arena, 1, sizeof(*record->mounts), &err);
	record->mounts[0].type = volume_word;
	record->mounts[0].name = arena_strdup(&t->arena, volume, &err);
	record->mounts[0].destination = there;
	record->mounts[0].anonymous = anonymous;
	record->n_mounts = 1;
	assert_ok(store_save(&t->store, record, false, &err));
	return record;
}

static void one_in_use_stays(void **state)
{
	struct test_store *t = *state;
	struct volume *made;
	struct error err;
	struct record *user;

	assert_ok(volume_create(&t->store, "data", NULL, NULL, 0, &t->arena, &made, &err));
	user = mounting(t, "web", "data", false);
	for (int force = 0; force < 2; force++) {
		assert_int_equal(volume_remove(&t->store, "data", force, &err), -1);
		assert_int_equal(err.code, EBUSY);
		assert_non_null(strstr(err.text, user->id));
	}
	assert_ok(store_remove(&t->store, user, &err));
	assert_true(test_exists(t, "volumes", "data"));
	assert_ok(volume_remove(&t->store, "data", false, &err));
	assert_false(test_exists(t, "volumes", "data"));
	assert_int_equal(volume_remove(&t->store, "data", false, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_ok(volume_remove(&t->store, "data", true, &err));
}

/* Unless another one mounts it by --volumes-from, or the caller wants to keep it. */
static void an_anonymous_one_goes_with_its_container(void **state)
{
	struct test_store *t = *state;
	struct volume *made;
	struct record *first, *second, *third;
	struct error err;

	assert_ok(volume_create(&t->store, NULL, "0123456789ab", NULL, 0, &t->arena, &made, &err));
	first = mounting(t, "first", made->name, true);
	second = mounting(t, "second", made->name, true);
	third = mounting(t, "third", made->name, true);
	third->n_mounts = 0;
	assert_ok(store_remove(&t->store, first, &err));
	assert_true(test_exists(t, "volumes", made->name));
	assert_ok(store_remove(&t->store, third, &err));
	assert_true(test_exists(t, "volumes", made->name));
	assert_ok(store_remove(&t->store, second, &err));
	assert_false(test_exists(t, "volumes", made->name));
}

static _Noreturn void remove_for_ever(struct test_store *t)
{
	struct error err;

	for (;;)
		(void)volume_remove(&t->store, "data", false, &err);
}

/* Whoever makes sure of it again once his record is there has it: see bundle_keep_volumes(). */
static void one_that_is_used_stays(void **state)
{
	struct test_store *t = *state;
	struct volume *volume;
	struct error err;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		remove_for_ever(t);
	for (int i = 0; i < 100; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "box%d", i);
		assert_ok(volume_ensure(&t->store, "data", &t->arena, &volume, NULL, &err));
		struct record *record = mounting(t, name, "data", false);
		assert_ok(volume_ensure(&t->store, "data", &t->arena, &volume, NULL, &err));
		for (int k = 0; k < 20; k++)
			assert_ok(volume_find(&t->store, "data", &t->arena, &volume, &err));
		assert_ok(store_remove(&t->store, record, &err));
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void what_crashes_leave_is_swept(void **state)
{
	struct test_store *t = *state;
	struct volume *made, **all;
	struct error err;
	size_t n;

	assert_ok(volume_create(&t->store, "data", NULL, NULL, 0, &t->arena, &made, &err));
	assert_int_equal(mkdirat(t->store.root_fd, "volumes/.new.1", 0700), 0);
	assert_int_equal(mkdirat(t->store.root_fd, "volumes/.old.x", 0700), 0);
	assert_int_equal(mkdirat(t->store.root_fd, "volumes/.old.x/data", 0700), 0);
	assert_ok(volume_list(&t->store, &t->arena, &all, &n, &err));
	assert_int_equal(n, 1);
	volume_sweep(&t->store);
	assert_false(test_exists(t, "volumes", ".new.1"));
	assert_false(test_exists(t, "volumes", ".old.x"));
	assert_true(test_exists(t, "volumes", "data"));
}

static void one_of_many_makers_wins(void **state)
{
	struct test_store *t = *state;
	pid_t children[8];
	struct volume *made;
	struct error err;
	int status, makers = 0;
	bool is_new;

	for (int i = 0; i < 8; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		if (volume_ensure(&t->store, "data", &t->arena, &made, &is_new, &err) < 0)
			_exit(2);
		_exit(is_new);
	}
	for (int i = 0; i < 8; i++) {
		assert_int_equal(process_wait(children[i], &status), 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		makers += WEXITSTATUS(status);
	}
	assert_int_equal(makers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_volume_is_made_once_and_found),
		store_test(an_anonymous_one_knows_its_container),
		store_test(one_in_use_stays),
		store_test(an_anonymous_one_goes_with_its_container),
		store_test(one_that_is_used_stays),
		store_test(what_crashes_leave_is_swept),
		store_test(one_of_many_makers_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
