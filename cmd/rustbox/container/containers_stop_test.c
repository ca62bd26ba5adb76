/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
/* Operations on containers, with a child of the test in the place of a supervisor. */
#include "cmd/rustbox/store/store_test.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/process.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"

struct bench {
	struct test_store *test;
	struct store *store;
	struct record *record;
	pid_t supervisor;
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	void *test = NULL;

	assert_non_null(b);
	assert_int_equal(test_store_make(&test), 0);
	b->test = test;
	b->store = &b->test->store;
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	void *test = b->test;

	process_kill_and_reap(b->supervisor);
	free(b);
	return test_store_drop(&test);
}

static void make_container(struct bench *b, enum record_status status)
{
	b->record = test_container(b->test, "web", (int)status);
}

static void save_as(struct bench *b, enum record_status status)
{
	struct error err;

	b->record->state->status = (int)status;
	b->record->state->exit_code = 9;
	if (store_save(b->store, b->record, false, &err) < 0)
		_exit(2);
}

/* ---- the supervisor ---- */

static int listen_for_clients(const struct bench *b)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s/stream.sock",
		       b->store->run, b->record->id);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 8) < 0)
		_exit(3);
	return fd;
}

/* Answers the first packet of each connection by `serve`, until that says false. */
static _Noreturn void
run_supervisor(struct bench *b,
	       bool (*serve)(struct bench *b, int client, int type, const char *payload), int ready)
{
	char packet[STREAM_PACKET_MAX];
	struct error err;
	bool goes_on = true;
	size_t size;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (store_lock_supervisor(b->store, b->record->id, &err) < 0)
		_exit(4);
	int listener = listen_for_clients(b);
	(void)close(ready);
	while (goes_on) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		int type = stream_receive(client, packet, &size);
		goes_on = type <= 0 || serve(b, client, type, packet);
		(void)close(client);
	}
	_exit(0);
}

static void begin_supervisor(struct bench *b, bool (*serve)(struct bench *b, int client, int type,
							    const char *payload))
{
	int ready[2];
	char end;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	b->supervisor = fork();
	if (b->supervisor == 0) {
		(void)close(ready[0]);
		run_supervisor(b, serve, ready[1]);
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &end, 1), 0);
	(void)close(ready[0]);
}

static enum record_status status_of(struct bench *b)
{
	struct record *record;
	struct error err;

	assert_int_equal(store_load(b->store, b->record->id, &b->test->arena, &record, &err), 0);
	return (enum record_status)record->state->status;
}

/* ---- stop, kill, wait ---- */

static bool stops(struct bench *b, int client, int type, const char *payload)
{
	struct stream_stop stop;

	memcpy(&stop, payload, sizeof(stop));
	if (type != STREAM_STOP || stop.timeout_ms != 5000 || stop.signal != SIGUSR1)
		_exit(5);
	save_as(b, RECORD_STOPPED);
	(void)stream_send(client, STREAM_DONE, NULL, 0);
	return false;
}

static void stop_asks_the_supervisor(void **state)
{
	struct bench *b = *state;
	struct error err;

	make_container(b, RECORD_RUNNING);
	begin_supervisor(b, stops);
	assert_int_equal(containers_stop(b->store, "web", 5000, SIGUSR1, &err), 0);
	assert_int_equal(status_of(b), RECORD_STOPPED);
	/* What does not run is left as it is. */
	assert_int_equal(containers_stop(b->store, "web", 5000, SIGUSR1, &err), 0);
}

static bool dies(struct bench *b, int client, int type, const char *payload)
{
	return false;
}

static void a_supervisor_that_dies_when_asked_has_stopped_it(void **state)
{
	struct bench *b = *state;
	struct error err;

	make_container(b, RECORD_RUNNING);
	begin_supervisor(b, dies);
	assert_int_equal(containers_stop(b->store, "web", 0, 0, &err), 0);
	assert_int_equal(status_of(b), RECORD_EXITED);
}

static bool refuses(struct bench *b, int client, int type, const char *payload)
{
	(void)stream_send_failed(client, 125, "I would rather not");
	return true;
}

static void a_refusal_is_told(void **state)
{
	struct bench *b = *state;
	struct error err;

	make_container(b, RECORD_RUNNING);
	begin_supervisor(b, refuses);
	assert_int_equal(containers_stop(b->store, "web", 0, 0, &err), -1);
	assert_string_equal(err.text, "stop container web: I would rather not");
	assert_int_equal(err.code, 0);
	assert_int_equal(containers_kill(b->store, "web", SIGKILL, false, &err), -1);
	assert_string_equal(err.text, "kill container web: I would rather not");
	assert_int_equal(containers_rename(b->store, "web", "db", &err), -1);
	assert_string_equal(err.text, "rename container web: I would rather not");
}

static void what_does_not_run_cannot_be_killed(void **state)
{
	static const enum record_status ended[] = { RECORD_CREATED, RECORD_STOPPED, RECORD_EXITED };
	struct bench *b = *state;
	struct error err;

	make_container(b, RECORD_CREATED);
	for (size_t i = 0; i < sizeof(ended) / sizeof(ended[0]); i++) {
		save_as(b, ended[i]);
		assert_int_equal(containers_kill(b->store, "web", SIGKILL, false, &err), -1);
		assert_non_null(strstr(err.text, record_status_names[ended[i]]));
	}
}

static bool exits(struct bench *b, int client, int type, const char *payload)
{
	const struct stream_exited exited = { .exit_code = 42 };

	if (type != STREAM_WAIT)
		_exit(6);
	(void)stream_send(client, STREAM_EXITED, &exited, sizeof(exited));
	return true;
}

static void wait_gives_the_exit_code(void **state)
{
	struct bench *b = *state;
	struct error err;
	int code = -1;

	make_container(b, RECORD_RUNNING);
	begin_supervisor(b, exits);
	assert_int_equal(containers_wait(b->store, "web", NULL, 0, &code, &err), 0);
	assert_int_equal(code, 42);
}

static bool says_nothing(struct bench *b, int client, int type, const char *payload)
{
	char packet[STREAM_PACKET_MAX];
	size_t size;

	/* Until it goes. */
	(void)stream_receive(client, packet, &size);
	return true;
}

static void wait_ends_when_somebody_is_gone(void **state)
{
	struct bench *b = *state;
	int ends[2], code = -1;
	struct error err;

	make_container(b, RECORD_RUNNING);
	begin_supervisor(b, says_nothing);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	cleanup_fd int ours = ends[0];
	const struct pollfd gone = { .fd = ours };
	fd_close(&ends[1]);
	assert_int_equal(containers_wait(b->store, "web", &gone, 1, &code, &err), -1);
	assert_int_equal(err.code, ECANCELED);
	assert_int_equal(code, -1);
}

static void wait_for_one_that_is_lost_gives_137(void **state)
{
	struct bench *b = *state;
	struct error err;
	int code = -1;

	make_container(b, RECORD_RUNNING);
	begin_supervisor(b, dies);
	assert_int_equal(containers_wait(b->store, "web", NULL, 0, &code, &err), 0);
	assert_int_equal(code, 137);
	save_as(b, RECORD_EXITED);
	assert_int_equal(containers_wait(b->store, "web", NULL, 0, &code, &err), 0);
	assert_int_equal(code, 9);
}

/* ---- start ---- */

/* As when its starter was killed. */
static bool does_not_begin(struct bench *b, int client, int type, const char *payload)
{
	if (type != STREAM_ATTACH)
		_exit(10);
	save_as(b, RECORD_EXITED);
	(void)stream_send_failed(client, 125, "nobody is there to start it");
	return false;
}

static void start_looks_again_at_one_whose_supervisor_ends(void **state)
{
	const struct stream_attach nothing = { .from = STREAM_FROM_NOW };
	struct bench *b = *state;
	struct error err;
	int socket;

	make_container(b, RECORD_RESTARTING);
	begin_supervisor(b, does_not_begin);
	assert_int_equal(containers_start(b->store, "web", false, &nothing, &socket, &err), -1);
	assert_non_null(strstr(err.text, "is Exited"));
}

static void start_does_not_ask_twice_who_refuses(void **state)
{
	const struct stream_attach nothing = { .from = STREAM_FROM_NOW };
	struct bench *b = *state;
	struct error err;
	int socket;

	make_container(b, RECORD_RUNNING);
	begin_supervisor(b, refuses);
	assert_int_equal(containers_start(b->store, "web", false, &nothing, &socket, &err), -1);
	assert_string_equal(err.text, "attach to container web: I would rather not");
}

/* ---- remove, rename ---- */

static bool is_killed(struct bench *b, int client, int type, const char *payload)
{
	struct stream_stop stop;

	memcpy(&stop, payload, sizeof(stop));
	if (type != STREAM_STOP || stop.timeout_ms != 0)
		_exit(7);
	save_as(b, RECORD_STOPPED);
	(void)stream_send(client, STREAM_DONE, NULL, 0);
	return false;
}

static void remove_needs_force_for_a_live_one(void **state)
{
	struct bench *b = *state;
	struct record *record;
	struct error err;

	make_container(b, RECORD_RUNNING);
	begin_supervisor(b, is_killed);
	assert_int_equal(containers_remove(b->store, "web", false, false, &err), -1);
	assert_non_null(strstr(err.text, "rustbox stop web"));
	assert_int_equal(containers_remove(b->store, "web", true, false, &err), 0);
	assert_int_equal(store_find(b->store, "web", &b->test->arena, &record, &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static bool removes_itself(struct bench *b, int client, int type, const char *payload)
{
	struct error err;

	if (store_remove(b->store, b->record, &err) < 0)
		_exit(8);
	(void)stream_send(client, STREAM_DONE, NULL, 0);
	return false;
}

static void one_that_removes_itself_is_removed(void **state)
{
	struct bench *b = *state;
	struct error err;

	make_container(b, RECORD_RUNNING);
	begin_supervisor(b, removes_itself);
	assert_int_equal(containers_remove(b->store, "web", true, false, &err), 0);
}

static bool renames(struct bench *b, int client, int type, const char *payload)
{
	struct stream_change change = { 0 };
	struct arena arena = ARENA_EMPTY;
	struct error err;

	if (type != STREAM_CHANGE ||
	    json_read(&stream_change_type, payload, strlen(payload), &change, &arena, &err) < 0 ||
	    strcmp(change.name, "db") != 0 || change.restart)
		_exit(9);
	arena_free(&arena);
	(void)stream_send(client, STREAM_DONE, NULL, 0);
	return true;
}

static void rename_asks_the_supervisor_of_a_live_one(void **state)
{
	struct bench *b = *state;
	struct error err;

	make_container(b, RECORD_RUNNING);
	begin_supervisor(b, renames);
	assert_int_equal(containers_rename(b->store, "web", "db", &err), 0);
}

static void rename_moves_the_name_of_another_one(void **state)
{
	struct bench *b = *state;
	struct record *record;
	struct error err;

	make_container(b, RECORD_STOPPED);
	assert_int_equal(containers_rename(b->store, "web", "a b", &err), -1);
	assert_int_equal(containers_rename(b->store, "web", "web", &err), -1);
	assert_int_equal(containers_rename(b->store, "web", "db", &err), 0);
	assert_int_equal(store_find(b->store, "db", &b->test->arena, &record, &err), 0);
	assert_string_equal(record->id, b->record->id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stop_asks_the_supervisor),
		TEST(a_supervisor_that_dies_when_asked_has_stopped_it),
		TEST(a_refusal_is_told),
		TEST(what_does_not_run_cannot_be_killed),
		TEST(wait_gives_the_exit_code),
		TEST(wait_ends_when_somebody_is_gone),
		TEST(wait_for_one_that_is_lost_gives_137),
		TEST(start_looks_again_at_one_whose_supervisor_ends),
		TEST(start_does_not_ask_twice_who_refuses),
		TEST(remove_needs_force_for_a_live_one),
		TEST(one_that_removes_itself_is_removed),
		TEST(rename_asks_the_supervisor_of_a_live_one),
		TEST(rename_moves_the_name_of_another_one),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
