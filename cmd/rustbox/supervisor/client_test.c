/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it knows no openat2
/* Connections of a supervisor that has no process: the test is the container, and the peer. */
#include "cmd/rustbox/store/store_test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cmd/rustbox/log/log_reader_parts.h"
#include "cmd/rustbox/supervisor/client.h"

struct fixture {
	struct supervisor s;
	int peer;
	char out[65536]; /* what was told: bytes of output, and other packets as "<word>" */
};

static void on_knock(struct loop_watch *watch, uint32_t events)
{
	client_accept_all(loop_owner(watch, struct supervisor, listener));
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct test_store *t;
	struct error err;

	if (!f || test_store_make(state) < 0)
		return -1;
	t = *state;
	f->s.store = &t->store;
	f->s.record = test_container(t, "box", RECORD_RUNNING);
	f->s.id = f->s.record->id;
	f->s.life = LIFE_RUNNING;
	f->s.pid = 77;
	f->s.listener.fd = -1;
	f->s.output.directory = -1;
	f->peer = -1;
	*state = f;
	life_init(&f->s);
	client_init(&f->s);
	if (loop_init(&f->s.loop, &err) < 0 || output_init(&f->s, &err) < 0)
		return -1;
	output_begin(&f->s);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct test_store *t = (struct test_store *)(void *)((char *)f->s.store -
							     offsetof(struct test_store, store));

	client_free_all(&f->s);
	output_done(&f->s);
	loop_done(&f->s.loop);
	fd_close(&f->peer);
	free(f);
	*state = t;
	return test_store_drop(state);
}

/* ---- the peer ---- */

static void turn(struct fixture *f)
{
	struct error err;

	for (int i = 0; i < 100; i++)
		assert_ok(loop_run_once(&f->s.loop, 0, &err));
}

static void say(const struct fixture *f, enum stream_type type, const void *payload, size_t size)
{
	assert_int_equal(stream_send(f->peer, type, payload, size), 0);
}

/* limit: of descriptors, from when it attaches on; or NULL. */
static void attach_as(struct fixture *f, enum stream_input_end end, const struct rlimit *limit)
{
	const struct stream_attach attach = { .from = STREAM_FROM_START,
					      .wants_output = 1,
					      .ends_input = (uint8_t)end };
	struct error err;
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	f->peer = ends[0];
	if (limit)
		assert_int_equal(setrlimit(RLIMIT_NOFILE, limit), 0);
	assert_non_null(client_new(&f->s, ends[1], &err));
	say(f, STREAM_ATTACH, &attach, sizeof(attach));
	turn(f);
}

static void attach(struct fixture *f)
{
	attach_as(f, STREAM_INPUT_STAYS, NULL);
}

static void note(struct fixture *f, const char *text)
{
	size_t used = strlen(f->out);

	(void)snprintf(f->out + used, sizeof(f->out) - used, "%s", text);
}

/* "x" for a whole packet of them, which fills the socket. */
static void note_packet(struct fixture *f, int type, const char *packet, size_t size)
{
	struct stream_exited exited;
	char text[40];
	uint64_t gap;

	switch (type) {
	case 0:
		note(f, "<end>");
		break;
	case STREAM_STARTED:
		note(f, "<started>");
		break;
	case STREAM_EXITED:
		memcpy(&exited, packet, sizeof(exited));
		note(f, exited.will_restart ? "<exited, will restart>" : "<exited>");
		break;
	case STREAM_FAILED:
		note(f, "<failed: ");
		note(f, packet + sizeof(struct stream_failed));
		note(f, ">");
		break;
	case STREAM_GAP:
		memcpy(&gap, packet, sizeof(gap));
		(void)snprintf(text, sizeof(text), "<gap of %llu>", (unsigned long long)gap);
		note(f, text);
		break;
	case STREAM_OUT:
		note(f, size == STREAM_BYTES_MAX ? "x" : packet);
		break;
	default:
		fail_msg("packet of type %d", type);
	}
}

/* Everything there is to take. */
static void take(struct fixture *f)
{
	static char packet[STREAM_PACKET_MAX];
	size_t size;
	int type;

	do {
		turn(f);
		type = stream_receive(f->peer, packet, &size);
		if (type >= 0)
			note_packet(f, type, packet, size);
	} while (type > 0);
}

static void knock(struct fixture *f, const struct sockaddr_un *address)
{
	f->peer = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(f->peer >= 0);
	assert_int_equal(connect(f->peer, (const struct sockaddr *)address, sizeof(*address)), 0);
}

/* ---- the container ---- */

static void write_output(struct fixture *f, const char *text)
{
	f->s.output.streams.got(&f->s, LOG_STDOUT, text, strlen(text));
}

/* More than the socket takes: its peer stands still. */
static int fill(struct fixture *f)
{
	static char many[STREAM_BYTES_MAX + 1];
	const int packets = 32;

	memset(many, 'x', STREAM_BYTES_MAX);
	for (int i = 0; i < packets; i++)
		write_output(f, many);
	return packets;
}

static void restart(struct fixture *f)
{
	client_tell_will_restart(&f->s);
	output_begin(&f->s);
	client_tell_started(&f->s);
}

static void expect(const struct fixture *f, int n, const char *begin, const char *end)
{
	char text[256];
	size_t used = strlen(begin);

	memcpy(text, begin, used);
	memset(text + used, 'x', (size_t)n);
	(void)snprintf(text + used + n, sizeof(text) - used - (size_t)n, "%s", end);
	assert_string_equal(f->out, text);
}

static void test_runs_follow_one_another(void **state)
{
	struct fixture *f = *state;

	attach(f);
	write_output(f, "one ");
	take(f);
	restart(f);
	write_output(f, "two ");
	take(f);
	f->s.life = LIFE_OVER;
	client_tell_over(&f->s);
	take(f);
	assert_string_equal(f->out,
			    "<started>one <exited, will restart><started>two <exited><end>");
}

/* What one owes to a client that stands still meanwhile comes in the same order. */
static void test_a_slow_client_is_told_of_a_restart(void **state)
{
	struct fixture *f = *state;
	int n;

	attach(f);
	n = fill(f);
	restart(f);
	write_output(f, "two ");
	take(f);
	expect(f, n, "<started>", "<exited, will restart><started>two ");
}

static void test_a_slow_client_gets_the_output_of_the_last_run(void **state)
{
	struct fixture *f = *state;
	int n;

	attach(f);
	n = fill(f);
	restart(f);
	write_output(f, "two ");
	f->s.life = LIFE_OVER;
	client_tell_over(&f->s);
	take(f);
	expect(f, n, "<started>", "two <exited><end>");
}

static void test_a_slow_client_gets_all_output_before_a_failed_restart(void **state)
{
	struct fixture *f = *state;
	int n;

	attach(f);
	n = fill(f);
	client_tell_will_restart(&f->s);
	output_begin(&f->s);
	f->s.end.exit_code = EXIT_ENGINE;
	(void)snprintf(f->s.end.failure, sizeof(f->s.end.failure), "no cgroup");
	f->s.life = LIFE_OVER;
	client_tell_over(&f->s);
	take(f);
	expect(f, n, "<started>", "<failed: no cgroup><end>");
}

/* A disk that does not give back what it has taken. */
static void test_what_cannot_be_read_is_told(void **state)
{
	struct fixture *f = *state;
	struct log_reader *reader;

	attach(f);
	write_output(f, "one ");
	take(f);
	reader = f->s.clients->reader;
	assert_int_equal(dup3(f->peer, reader->streams[LOG_STDOUT], O_CLOEXEC),
			 reader->streams[LOG_STDOUT]);
	write_output(f, "two ");
	take(f);
	write_output(f, "three ");
	f->s.life = LIFE_OVER;
	client_tell_over(&f->s);
	take(f);
	assert_string_equal(f->out, "<started>one <gap of 4>three <exited><end>");
}

static void test_what_cannot_be_opened_is_told(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit, few;

	write_output(f, "one ");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = (rlim_t)dup(0);
	(void)close((int)few.rlim_cur);
	few.rlim_cur += 2;
	attach_as(f, STREAM_INPUT_STAYS, &few);
	write_output(f, "two ");
	take(f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	write_output(f, "three ");
	write_output(f, "four ");
	f->s.life = LIFE_OVER;
	client_tell_over(&f->s);
	take(f);
	assert_string_equal(f->out, "<started><gap of 4><gap of 4><gap of 6>four <exited><end>");
}

/* While it is made: it is killed as soon as there is something to kill. */
static void test_a_container_may_end_with_its_client(void **state)
{
	struct fixture *f = *state;

	f->s.life = LIFE_CREATING;
	attach_as(f, STREAM_INPUT_ENDS_WITH_CLIENT, NULL);
	fd_close(&f->peer);
	turn(f);
	assert_int_equal(f->s.stop.purpose, STOP_NOT);
	attach_as(f, STREAM_ALL_ENDS_WITH_CLIENT, NULL);
	fd_close(&f->peer);
	turn(f);
	assert_int_equal(f->s.stop.purpose, STOP_FOR_GOOD);
	assert_int_equal(f->s.stop.signal, SIGKILL);
	assert_string_equal(f->s.record->state->ended_by, "client");
}

/* It neither keeps the loop busy meanwhile, nor is the client forgotten. */
static void test_want_of_descriptors(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct fixture *f = *state;
	struct rlimit limit, none;
	struct error err;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/stream.sock",
		       f->s.store->root);
	f->s.listener =
		(struct loop_watch){ .fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0),
				     .events = EPOLLIN,
				     .ready = on_knock };
	assert_int_equal(bind(f->s.listener.fd, (const struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(listen(f->s.listener.fd, 1), 0);
	assert_ok(loop_add(&f->s.loop, &f->s.listener, &err));
	knock(f, &address);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ 0, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	turn(f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_null(f->s.clients);
	assert_false(f->s.listener.watched);
	while (!f->s.clients)
		assert_ok(loop_run_once(&f->s.loop, -1, &err));
	client_stop_accepting(&f->s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_runs_follow_one_another),
		TEST(test_a_slow_client_is_told_of_a_restart),
		TEST(test_a_slow_client_gets_the_output_of_the_last_run),
		TEST(test_a_slow_client_gets_all_output_before_a_failed_restart),
		TEST(test_what_cannot_be_read_is_told),
		TEST(test_what_cannot_be_opened_is_told),
		TEST(test_a_container_may_end_with_its_client),
		TEST(test_want_of_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
