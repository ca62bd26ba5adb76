/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ttrpc_test.h"

#include <stdio.h>
#include <sys/stat.h>

static char folder[32], address[64];
static struct ttrpc_sender *sender;
static Containerd__Task__V2__StateRequest request;
static int listener = -1, peer = -1; /* where the test is the server */

static struct {
	int calls;
	enum ttrpc_sent result;
	char text[256];
	bool again, frees;
} outcome;

static void send_one(const char *method, int timeout_ms);

static void done(void *data, enum ttrpc_sent result, const char *text)
{
	assert_ptr_equal(data, &outcome);
	outcome.calls++;
	outcome.result = result;
	(void)snprintf(outcome.text, sizeof(outcome.text), "%s", text);
	if (outcome.frees) {
		ttrpc_sender_free(sender);
		sender = NULL;
	} else if (outcome.again) {
		outcome.again = false;
		send_one("Shutdown", 5000);
	}
}

static void send_one(const char *method, int timeout_ms)
{
	ttrpc_sender_send(sender, TEST_SERVICE, method, &request.base, "containerd-namespace-ttrpc",
			  "default", timeout_ms, done, &outcome);
}

/* Until `done` has been called so often. */
static void wait_calls(int calls)
{
	while (outcome.calls < calls)
		test_wait();
	assert_int_equal(outcome.calls, calls);
}

/* The server of the fixture gets a socket with a file, for an address to have. */
static int bind_file(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s/s", folder);
	(void)unlink(name.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 10), 0);
	return fd;
}

static void serve_file(void)
{
	struct error err;

	ttrpc_server_free(test.server);
	test.server = ttrpc_server_new(&test.loop, bind_file(), test.services, &err);
	assert_non_null(test.server);
}

static void accept_peer(void)
{
	fd_close(&peer);
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(peer >= 0);
}

static int setup(void **state)
{
	struct error err;

	assert_int_equal(test_setup(state), 0);
	(void)snprintf(folder, sizeof(folder), "/tmp/ttrpc-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(address, sizeof(address), "unix://%s/s", folder);
	memset(&outcome, 0, sizeof(outcome));
	containerd__task__v2__state_request__init(&request);
	sender = ttrpc_sender_new(&test.loop, address, &err);
	assert_non_null(sender);
	return 0;
}

static int teardown(void **state)
{
	ttrpc_sender_free(sender);
	fd_close(&listener);
	fd_close(&peer);
	(void)unlink(address + strlen("unix://"));
	(void)rmdir(folder);
	return test_teardown(state);
}

static void requests_are_sent_one_by_one(void **state)
{
	(void)state;
	serve_file();
	for (int i = 1; i <= 3; i++) {
		send_one("Pause", 5000);
		wait_calls(i);
		assert_int_equal(outcome.result, TTRPC_SENT);
	}
	assert_int_equal(test.n_pauses, 3);
	assert_int_equal(ttrpc_server_connections(test.server), 1);
	assert_null(test.loop.timers);
}

static void done_may_send_the_next(void **state)
{
	(void)state;
	serve_file();
	outcome.again = true;
	send_one("Pause", -1);
	wait_calls(2);
	assert_int_equal(outcome.result, TTRPC_REFUSED);
	assert_string_equal(outcome.text, "namespace default");
	assert_int_equal(ttrpc_server_connections(test.server), 1);
}

static void done_may_free_the_sender(void **state)
{
	(void)state;
	serve_file();
	outcome.frees = true;
	send_one("Pause", 5000);
	wait_calls(1);
	assert_int_equal(outcome.result, TTRPC_SENT);
	while (ttrpc_server_connections(test.server))
		test_wait();
}

static void without_a_server_it_is_lost_at_once(void **state)
{
	(void)state;
	send_one("Pause", 5000);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.result, TTRPC_LOST);
	assert_non_null(strstr(outcome.text, "connect to "));
	serve_file(); /* which has come now */
	send_one("Pause", 5000);
	wait_calls(2);
	assert_int_equal(outcome.result, TTRPC_SENT);
}

static void a_new_server_is_found(void **state)
{
	(void)state;
	serve_file();
	send_one("Pause", 5000);
	wait_calls(1);
	serve_file();
	test_wait(); /* the end of the first connection is told, and concerns nobody */
	assert_int_equal(outcome.calls, 1);
	send_one("Pause", 5000);
	wait_calls(2);
	assert_int_equal(outcome.result, TTRPC_SENT);
}

static void the_end_before_the_answer_is_a_loss(void **state)
{
	(void)state;
	listener = bind_file();
	send_one("Pause", 5000);
	accept_peer();
	fd_close(&peer);
	wait_calls(1);
	assert_int_equal(outcome.result, TTRPC_LOST);
	send_one("Pause", 5000);
	accept_peer();
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	wait_calls(2);
	assert_int_equal(outcome.result, TTRPC_LOST);
	assert_null(test.loop.timers);
}

static void silence_is_a_loss(void **state)
{
	(void)state;
	listener = bind_file();
	send_one("Pause", 1);
	wait_calls(1);
	assert_int_equal(outcome.result, TTRPC_LOST);
	accept_peer();
	struct ttrpc_header header;
	uint8_t bytes[1000];
	assert_true(recv(peer, bytes, sizeof(bytes), 0) > TTRPC_HEADER_SIZE);
	ttrpc_header_unpack(bytes, &header);
	assert_int_equal(header.stream, 1);
	assert_int_equal(recv(peer, bytes, sizeof(bytes), 0), 0);
}

static void strange_answers_are_survived(void **state)
{
	(void)state;
	listener = bind_file();
	send_one("Pause", 5000);
	accept_peer();
	test_frame(peer, 9, TTRPC_RESPONSE, "garbage", 7);
	test_frame(peer, 1, TTRPC_REQUEST, NULL, 0);
	test_frame(peer, 1, 77, "12345678901234567890", 20);
	test_run();
	assert_int_equal(outcome.calls, 0);
	test_frame(peer, 1, TTRPC_RESPONSE, "garbage", 7);
	wait_calls(1);
	assert_int_equal(outcome.result, TTRPC_REFUSED);
	test_frame(peer, 3, TTRPC_RESPONSE, NULL, 0); /* before it was asked */
	test_run();
	send_one("Pause", 5000);
	test_frame(peer, 3, TTRPC_RESPONSE, NULL, 0);
	wait_calls(2);
	assert_int_equal(outcome.result, TTRPC_SENT);
}

static void a_server_that_takes_its_time_gets_all(void **state)
{
	size_t size = 3000000, n = 0;
	char *id = calloc(1, size + 1), *bytes = malloc(size);

	(void)state;
	assert_non_null(id);
	assert_non_null(bytes);
	memset(id, 'x', size);
	listener = bind_file();
	request.id = id;
	send_one("Pause", 5000);
	accept_peer();
	while (n < size) {
		ssize_t got = recv(peer, bytes, size, 0);
		if (got <= 0)
			test_wait();
		n += got > 0 ? (size_t)got : 0;
	}
	test_frame(peer, 1, TTRPC_RESPONSE, NULL, 0);
	wait_calls(1);
	free(id);
	free(bytes);
	assert_int_equal(outcome.result, TTRPC_SENT);
}

static void what_does_not_fit_is_refused(void **state)
{
	char *id = calloc(1, TTRPC_DATA_MAX + 1);

	(void)state;
	assert_non_null(id);
	memset(id, 'x', TTRPC_DATA_MAX);
	request.id = id;
	serve_file();
	send_one("Pause", 5000);
	free(id);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.result, TTRPC_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(requests_are_sent_one_by_one),
		TEST(done_may_send_the_next),
		TEST(done_may_free_the_sender),
		TEST(without_a_server_it_is_lost_at_once),
		TEST(a_new_server_is_found),
		TEST(the_end_before_the_answer_is_a_loss),
		TEST(silence_is_a_loss),
		TEST(strange_answers_are_survived),
		TEST(a_server_that_takes_its_time_gets_all),
		TEST(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
