/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ttrpc_test.h"

#include <sys/resource.h>

static void clients_are_served_side_by_side(void **state)
{
	enum { MANY = 1000 };
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	struct rlimit raised = { limit.rlim_max, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &raised), 0);
	if (raised.rlim_cur < 2 * MANY + 50)
		skip();
	for (size_t i = 0; i < MANY; i++)
		test_call(*test_connect(), 1, "State", "w1");
	while (test.n_parked < MANY)
		test_wait();
	assert_int_equal(ttrpc_server_connections(test.server), MANY);
	assert_int_equal(ttrpc_server_calls(test.server), MANY);
	for (size_t i = 0; i < MANY; i++)
		test_answer_parked(i);
	for (size_t i = 0; i < MANY; i++) {
		struct ttrpc_header header;
		cleanup_free uint8_t *data = test_receive(test.clients[i], &header);
		assert_non_null(data);
		fd_close(&test.clients[i]);
	}
	while (ttrpc_server_connections(test.server))
		test_wait();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Without a descriptor for the next one the loop does not spin, and goes on when there is. */
static void a_lack_of_descriptors_passes(void **state)
{
	struct rlimit limit, none;

	(void)state;
	int *first = test_connect(), *second = test_connect();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ (rlim_t)*second + 2, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	test_run();
	bool waits = test.server->retry.set && !test.server->listener.watched;
	size_t n = ttrpc_server_connections(test.server);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(waits);
	assert_int_equal(n, 1);
	test_call(*first, 1, "Pause", "");
	test_expect_success(*first, 1, 0);
	int third = *test_connect(); /* valgrind's accept loses the second */
	test_call(third, 1, "Pause", "");
	test_expect_success(third, 1, 0);
	assert_false(test.server->retry.set);
	assert_true(test.server->listener.watched);
}

static void others_users_are_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(seteuid(65534), 0);
	int other_user = *test_connect();
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(65534), 0);
	int other_group = *test_connect();
	assert_int_equal(setegid(0), 0);
	test_expect_end(other_user);
	test_expect_end(other_group);
	test_call(*test_connect(), 1, "Pause", "");
	test_expect_success(test.clients[2], 1, 0);
}

static void who_has_said_all_still_gets_the_answers(void **state)
{
	int client = *test_connect();

	(void)state;
	test_call(client, 1, "State", "w1");
	test_call(client, 3, "State", "w1");
	test_call(client, 5, "Pause", "w1");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	test_expect_success(client, 5, 0);
	test_run();
	assert_int_equal(ttrpc_server_connections(test.server), 1);
	test_answer_parked(1);
	test_run();
	test_answer_parked(0);
	test_expect_success(client, 3, 4);
	test_expect_success(client, 1, 4);
	test_expect_end(client);
	while (ttrpc_server_connections(test.server))
		test_wait();
}

static void a_half_closed_connection_may_close_fully(void **state)
{
	int *client = test_connect();

	(void)state;
	test_call(*client, 1, "Wait", "w1");
	assert_int_equal(shutdown(*client, SHUT_WR), 0);
	while (!test.n_waiting)
		test_wait();
	test_run();
	assert_int_equal(test.n_cancelled, 0);
	fd_close(client);
	while (ttrpc_server_connections(test.server))
		test_wait();
	assert_int_equal(test.n_cancelled, 1);
}

static void requests_before_the_end_are_carried_out(void **state)
{
	int *client = test_connect();

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		test_call(*client, 2 * i + 1, "Pause", "w1");
	fd_close(client);
	do
		test_wait();
	while (ttrpc_server_connections(test.server));
	assert_int_not_equal(test.n_pauses, 0);
}

static void a_cut_frame_ends_quietly(void **state)
{
	static const uint8_t cut[] = { 0, 0, 0, 50, 0, 0, 0, 1, 1, 0, 0x0a };

	(void)state;
	for (size_t n = 1; n <= sizeof(cut); n++) {
		int *client = test_connect();
		test_send(*client, cut, n);
		assert_int_equal(shutdown(*client, SHUT_WR), 0);
		test_expect_end(*client);
		fd_close(client);
	}
	while (ttrpc_server_connections(test.server))
		test_wait();
}

/* Sends until the server reads no more; true when it has stopped. */
static bool flood(int client, uint32_t *stream, const char *id)
{
	cleanup_str struct str frame = STR_EMPTY;
	Containerd__Task__V2__StatsRequest request;
	struct error err;

	containerd__task__v2__stats_request__init(&request);
	request.id = (char *)(uintptr_t)id;
	for (int i = 0; i < 100000; i++) {
		frame.size = 0;
		assert_int_equal(ttrpc_add_request(&frame, *stream, TEST_SERVICE, "Stats",
						   &request.base, 0, NULL, NULL, &err),
				 0);
		ssize_t n = send(client, frame.text, frame.size, MSG_NOSIGNAL);
		if (n < 0)
			return true;
		assert_int_equal(n, frame.size); /* small enough for one part of the socket */
		*stream += 2;
		test_run();
	}
	return false;
}

static void who_does_not_read_is_not_read(void **state)
{
	int client = *test_connect();
	uint32_t stream = 1, answers = 0;

	(void)state;
	assert_true(flood(client, &stream, "10000"));
	struct ttrpc_connection *c = test.server->connections;
	assert_in_range(c->out.size - c->sent, TTRPC_BACKLOG_PAUSE, 2 * TTRPC_BACKLOG_PAUSE);
	assert_in_range(c->out.capacity, 0, 4 * TTRPC_BACKLOG_PAUSE);
	assert_false(ttrpc_server_is_flushed(test.server));
	test_call(*test_connect(), 1, "Pause", ""); /* the others do not notice */
	test_expect_success(test.clients[1], 1, 0);
	for (; 2 * answers + 1 < stream; answers++) /* and nothing is lost */
		test_expect_success(client, 2 * answers + 1, 10000 + 3 * 3);
	assert_true(ttrpc_server_is_flushed(test.server));
	assert_null(c->out.text);
	assert_null(c->rest.text);
}

static void a_flood_in_one_piece_waits_too(void **state)
{
	cleanup_str struct str frames = STR_EMPTY;
	Containerd__Task__V2__StatsRequest request;
	int client = *test_connect();
	struct error err;

	(void)state;
	containerd__task__v2__stats_request__init(&request);
	request.id = (char *)(uintptr_t) "1000000";
	for (uint32_t i = 0; i < 40; i++)
		assert_int_equal(ttrpc_add_request(&frames, 2 * i + 1, TEST_SERVICE, "Stats",
						   &request.base, 0, NULL, NULL, &err),
				 0);
	test_send(client, frames.text, frames.size);
	while (ttrpc_server_is_flushed(test.server))
		test_wait();
	assert_in_range(test.server->connections->out.size, 0, 4 * TTRPC_BACKLOG_PAUSE);
	assert_non_null(test.server->connections->rest.text);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	for (uint32_t i = 0; i < 40; i++)
		test_expect_success(client, 2 * i + 1, 1000000 + 3 * 4);
	test_expect_end(client);
}

static void who_reads_nothing_at_all_is_cut_off(void **state)
{
	int client = *test_connect();
	char text[60000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (uint32_t i = 0; i < 400; i++)
		test_call(client, 2 * i + 1, "State", "");
	while (test.n_parked < 400)
		test_wait();
	for (size_t i = 0; i < 400; i++)
		ttrpc_fail(test.parked[i].data, TTRPC_UNKNOWN, "%s", text);
	assert_true(ttrpc_server_is_flushed(test.server));
	while (ttrpc_server_connections(test.server))
		test_wait();
	assert_int_equal(ttrpc_server_calls(test.server), 0);
}

static void a_closed_reader_hurts_nobody(void **state)
{
	int *client = test_connect();
	uint32_t stream = 1;

	(void)state;
	assert_true(flood(*client, &stream, "10000"));
	fd_close(client);
	while (ttrpc_server_connections(test.server))
		test_wait();
	assert_true(ttrpc_server_is_flushed(test.server));
}

static void listening_can_stop(void **state)
{
	int client = *test_connect();

	(void)state;
	test_call(client, 1, "Pause", "");
	test_expect_success(client, 1, 0);
	ttrpc_server_stop_listening(test.server);
	ttrpc_server_stop_listening(test.server);
	int late = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = connect(late, (struct sockaddr *)&test.address, test.address_size);
	(void)close(late);
	assert_int_equal(result, -1);
	test_call(client, 3, "Pause", "");
	test_expect_success(client, 3, 0);
}

static void what_is_no_socket_is_told(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_null(ttrpc_server_new(&test.loop, -1, test.services, &err));
	assert_int_equal(err.code, EBADF);
	ttrpc_server_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
		TEST(clients_are_served_side_by_side),
		TEST(a_lack_of_descriptors_passes),
		TEST(others_users_are_refused),
		TEST(who_has_said_all_still_gets_the_answers),
		TEST(a_half_closed_connection_may_close_fully),
		TEST(requests_before_the_end_are_carried_out),
		TEST(a_cut_frame_ends_quietly),
		TEST(who_does_not_read_is_not_read),
		TEST(a_flood_in_one_piece_waits_too),
		TEST(who_reads_nothing_at_all_is_cut_off),
		TEST(a_closed_reader_hurts_nobody),
		TEST(listening_can_stop),
		TEST(what_is_no_socket_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
