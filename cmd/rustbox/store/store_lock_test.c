/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
#include "cmd/rustbox/store/store_test.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/process.h"
#include "cmd/rustbox/store/store_parts.h"

/* A child that holds a supervisor's lock until its end of the socket is closed, or it is killed. */
struct supervisor {
	pid_t pid;
	int socket;
};

static struct supervisor start_supervisor(struct test_store *t, const char *id)
{
	struct supervisor s = { 0 };
	struct error err;
	int pair[2];
	char byte = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	s.pid = fork();
	assert_true(s.pid >= 0);
	if (s.pid == 0) {
		(void)close(pair[0]);
		int lock = store_lock_supervisor(&t->store, id, &err);
		(void)!write(pair[1], &byte, 1);
		(void)!read(pair[1], &byte, 1);
		_exit(lock < 0);
	}
	fd_close(&pair[1]);
	assert_int_equal(read(pair[0], &byte, 1), 1);
	s.socket = pair[0];
	return s;
}

static void end_supervisor(struct supervisor *s)
{
	int status;

	fd_close(&s->socket);
	assert_int_equal(process_wait(s->pid, &status), 0);
}

static void the_operation_lock_is_exclusive(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_EXITED);
	struct error err;
	cleanup_fd int lock = store_lock(&t->store, web->id, &err);

	assert_true(lock >= 0);
	assert_int_equal(store_try_lock(&t->store, web->id, &err), -1);
	assert_int_equal(err.code, EBUSY);
	fd_close(&lock);
	lock = store_try_lock(&t->store, web->id, &err);
	assert_true(lock >= 0);
}

/* Who has waited for a lock learns that the container has gone, or is another one. */
static void a_lock_of_what_is_gone_is_none(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_EXITED);
	struct store_file bundle = store_file("bundles", web->id, "");
	struct error err;

	for (int again = 0; again < 2; again++) {
		cleanup_fd int lock = store_lock(&t->store, web->id, &err);
		int status;
		assert_true(lock >= 0);
		pid_t waiter = fork();
		if (waiter == 0) {
			fd_close(&lock);
			lock = store_lock(&t->store, web->id, &err);
			_exit(lock < 0 && err.code == ENOENT ? 0 : 1);
		}
		/* It may not wait yet; then it finds no folder, or the new one, which is locked. */
		if (!again)
			assert_ok(store_remove(&t->store, web, &err));
		else
			assert_int_equal(unlinkat(t->store.root_fd, bundle.path, AT_REMOVEDIR), 0);
		fd_close(&lock);
		assert_int_equal(process_wait(waiter, &status), 0);
		assert_int_equal(status, 0);
		assert_int_equal(mkdirat(t->store.root_fd, bundle.path, 0700), 0);
	}
}

static void one_supervisor_at_a_time(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_EXITED);
	struct error err;

	assert_false(store_is_supervised(&t->store, web->id));
	assert_ok(store_wait_unsupervised(&t->store, web->id, -1, &err));
	struct supervisor s = start_supervisor(t, web->id);
	assert_true(store_is_supervised(&t->store, web->id));
	assert_int_equal(store_lock_supervisor(&t->store, web->id, &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_int_equal(store_wait_unsupervised(&t->store, web->id, 20, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_int_equal(kill(s.pid, SIGKILL), 0);
	assert_ok(store_wait_unsupervised(&t->store, web->id, -1, &err));
	assert_false(store_is_supervised(&t->store, web->id));
	end_supervisor(&s);
	cleanup_fd int lock = store_lock_supervisor(&t->store, web->id, &err);
	assert_true(lock >= 0);
	/* After a reboot its folder has gone. */
	fd_close(&lock);
	assert_ok(tree_remove(t->store.run_fd, web->id, &err));
	assert_false(store_is_supervised(&t->store, web->id));
	lock = store_lock_supervisor(&t->store, web->id, &err);
	assert_true(lock >= 0);
}

/* Those who ask and those who wait never make a supervisor fail. */
static void asking_does_not_disturb(void **state)
{
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_EXITED);
	struct error err;
	int status;
	pid_t children[4];

	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		for (int n = 0; n < 2000; n++) {
			(void)store_is_supervised(&t->store, web->id);
			if (i == 3 && store_wait_unsupervised(&t->store, web->id, -1, &err) < 0)
				_exit(1);
		}
		_exit(0);
	}
	for (int n = 0; n < 2000; n++) {
		int lock = store_lock_supervisor(&t->store, web->id, &err);
		if (lock < 0)
			fail_msg("%s", err.text);
		fd_close(&lock);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(process_wait(children[i], &status), 0);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(the_operation_lock_is_exclusive),
		store_test(a_lock_of_what_is_gone_is_none),
		store_test(one_supervisor_at_a_time),
		store_test(asking_does_not_disturb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
