/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ttrpc_test.h"

static void a_request_is_answered_byte_for_byte(void **state)
{
	static const uint8_t request[] = {
		0,   0,	  0,   0x28, 0,	  0,	0,    3,    1,	  0,	0x0a, 0x17, 'c',
		'o', 'n', 't', 'a',  'i', 'n',	'e',  'r',  'd',  '.',	't',  'a',  's',
		'k', '.', 'v', '2',  '.', 'T',	'a',  's',  'k',  0x12, 0x07, 'C',  'o',
		'n', 'n', 'e', 'c',  't', 0x1a, 0x04, 0x0a, 0x02, 'w',	'1',
	};
	static const uint8_t response[] = { 0,	  0,	0,    0x0a, 0,	  0,	0,
					    3,	  2,	0,    0x12, 0x08, 0x08, 0x87,
					    0x94, 0x01, 0x10, 0xca, 0x94, 0x01 };
	int client = *test_connect();
	uint8_t got[sizeof(response)];

	(void)state;
	for (size_t i = 0; i < sizeof(request); i++) { /* in the smallest of pieces */
		test_send(client, request + i, 1);
		test_run();
	}
	assert_true(test_read(client, got, sizeof(got)));
	assert_memory_equal(got, response, sizeof(got));
	assert_null(test.server->connections->reader.data);
	assert_null(test.server->connections->out.text);
	assert_int_equal(ttrpc_server_calls(test.server), 0);
}

static void an_empty_answer_has_no_data(void **state)
{
	int client = *test_connect();

	(void)state;
	test_call(client, 17, "Pause", "w1");
	test_expect_success(client, 17, 0);
}

static void handlers_fail_with_code_and_text(void **state)
{
	Containerd__Task__V2__KillRequest request;
	int client = *test_connect();

	(void)state;
	containerd__task__v2__kill_request__init(&request);
	request.signal = 9;
	test_request(client, 191, TEST_SERVICE, "Kill", &request.base, 0);
	test_expect_failure(client, 191, TTRPC_NOT_FOUND, "process already finished: not found");
	test_call(client, 193, "Resume", "w1");
	test_expect_failure(client, 193, TTRPC_INTERNAL, "no answer");
	test_call(client, 195, "Shutdown", "w1");
	test_expect_failure(client, 195, TTRPC_UNKNOWN, "namespace k8s.io");
	test_call(client, 197, "Pause", "w1"); /* and nothing was answered twice */
	test_expect_success(client, 197, 0);
}

static void answers_come_in_any_order(void **state)
{
	int client = *test_connect();

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		test_call(client, 2 * i + 1, "State", "w1");
	test_call(client, 9, "Pause", "w1");
	test_expect_success(client, 9, 0);
	assert_int_equal(test.n_parked, 3);
	assert_int_equal(ttrpc_server_calls(test.server), 3);
	test_answer_parked(2);
	test_answer_parked(0);
	test_answer_parked(1);
	test_expect_success(client, 5, 4);
	test_expect_success(client, 1, 4);
	test_expect_success(client, 3, 4);
	assert_int_equal(ttrpc_server_calls(test.server), 0);
}

static void what_is_unknown_is_unimplemented(void **state)
{
	Google__Protobuf__Empty empty;
	int client = *test_connect();

	(void)state;
	google__protobuf__empty__init(&empty);
	test_request(client, 1, "containerd.task.v9.Task", "Wait", &empty.base, 0);
	test_expect_failure(client, 1, TTRPC_UNIMPLEMENTED, "service containerd.task.v9.Task");
	test_request(client, 3, TEST_SERVICE, "Waits", &empty.base, 0);
	test_expect_failure(client, 3, TTRPC_UNIMPLEMENTED, "method Waits");
	test_request(client, 5, "", "", &empty.base, 0);
	test_expect_failure(client, 5, TTRPC_UNIMPLEMENTED, "service ");
	test_request(client, 7, TEST_SERVICE, "wait", &empty.base, 0);
	test_expect_failure(client, 7, TTRPC_UNIMPLEMENTED, "method wait");
}

static void stream_numbers_are_odd_and_rise(void **state)
{
	int client = *test_connect();

	(void)state;
	test_call(client, 2, "Pause", "");
	test_expect_failure(client, 2, TTRPC_INVALID_ARGUMENT, "StreamID 2");
	test_call(client, 0, "Pause", "");
	test_expect_failure(client, 0, TTRPC_INVALID_ARGUMENT, "StreamID 0");
	test_call(client, 5, "Pause", "");
	test_expect_success(client, 5, 0);
	test_call(client, 5, "Pause", "");
	test_expect_failure(client, 5, TTRPC_INVALID_ARGUMENT, "not above the last one, 5");
	test_call(client, 3, "Pause", "");
	test_expect_failure(client, 3, TTRPC_INVALID_ARGUMENT, "not above the last one, 5");
	test_call(client, UINT32_MAX, "Pause", "");
	test_expect_success(client, UINT32_MAX, 0);
	assert_int_equal(test.n_pauses, 2);
	test_call(*test_connect(), 1, "Pause", ""); /* each connection has its own */
	test_expect_success(test.clients[1], 1, 0);
}

static void other_frames_do_no_harm(void **state)
{
	int client = *test_connect();

	(void)state;
	test_frame(client, 1, TTRPC_STREAM_DATA, "data", 4);
	test_expect_failure(client, 1, TTRPC_INVALID_ARGUMENT, "StreamID is no longer active");
	test_frame(client, 1, TTRPC_RESPONSE, "data", 4);
	test_frame(client, 1, 0, NULL, 0);
	test_frame(client, 1, 255, "data", 4);
	test_frame(client, 1, TTRPC_REQUEST, "garbage", 7);
	test_expect_failure(client, 1, TTRPC_INVALID_ARGUMENT, "unpack ttrpc.Request");
	test_frame(client, 3, TTRPC_REQUEST, NULL, 0);
	test_expect_failure(client, 3, TTRPC_UNIMPLEMENTED, "service ");
	test_call(client, 5, "Pause", "");
	test_expect_success(client, 5, 0);
}

static void payloads_of_garbage_are_told(void **state)
{
	Ttrpc__Request request;
	uint8_t data[128];
	int client = *test_connect();

	(void)state;
	ttrpc__request__init(&request);
	request.service = (char *)(uintptr_t)TEST_SERVICE;
	request.method = (char *)(uintptr_t) "Pause";
	request.payload = (ProtobufCBinaryData){ 4, (uint8_t *)(uintptr_t) "\x0a\x02w\xff" };
	test_frame(client, 1, TTRPC_REQUEST, data, ttrpc__request__pack(&request, data));
	test_expect_failure(client, 1, TTRPC_INTERNAL, "not UTF-8");
	request.payload = (ProtobufCBinaryData){ 3, (uint8_t *)(uintptr_t) "\x0a\x09w" };
	test_frame(client, 3, TTRPC_REQUEST, data, ttrpc__request__pack(&request, data));
	test_expect_failure(client, 3, TTRPC_INTERNAL, "containerd.task.v2.PauseRequest");
	assert_int_equal(test.n_pauses, 0);
}

static void too_long_frames_are_refused(void **state)
{
	size_t size = TTRPC_DATA_MAX + 1;
	int client = *test_connect();
	uint8_t *bytes = calloc(1, size);

	(void)state;
	assert_non_null(bytes);
	test_frame(client, 1, TTRPC_REQUEST, bytes, size);
	free(bytes);
	test_expect_failure(client, 1, TTRPC_RESOURCE_EXHAUSTED, "4194305 bytes");
	test_call(client, 3, "Pause", "");
	test_expect_success(client, 3, 0);
}

static void too_long_answers_are_told(void **state)
{
	int client = *test_connect();

	(void)state;
	test_call(client, 1, "Stats", "4194304");
	test_expect_failure(client, 1, TTRPC_RESOURCE_EXHAUSTED, "does not fit");
	test_call(client, 3, "Stats", "4194000");
	test_expect_success(client, 3, 4194000 + 3 * 5);
}

static void hostile_names_are_cut_and_cleaned(void **state)
{
	Google__Protobuf__Empty empty;
	int client = *test_connect();
	char name[3000] = { 0 };

	(void)state;
	google__protobuf__empty__init(&empty);
	for (size_t i = 0; i + 3 < sizeof(name); i += 3)
		memcpy(name + i, "\xe2\x82\xac", 3);
	test_request(client, 1, name, "x", &empty.base, 0);
	test_expect_failure(client, 1, TTRPC_UNIMPLEMENTED, "service \xe2\x82\xac");
}

static void the_end_of_a_connection_cancels_who_waits(void **state)
{
	int *client = test_connect();

	(void)state;
	test_call(*client, 1, "Wait", "w1");
	test_call(*client, 3, "State", "w1");
	test_call(*client, 5, "Wait", "w1");
	while (test.n_waiting < 2)
		test_wait();
	fd_close(client);
	while (ttrpc_server_connections(test.server))
		test_wait();
	assert_int_equal(test.n_cancelled, 2);
	assert_int_equal(ttrpc_server_calls(test.server), 1);
	test_answer_parked(0); /* to nobody */
	assert_int_equal(ttrpc_server_calls(test.server), 0);
}

static void who_decides_late_to_wait_is_cancelled_too(void **state)
{
	static void *waiting = &waiting;
	int *client = test_connect();

	(void)state;
	test_call(*client, 1, "State", "w1");
	while (!test.n_parked)
		test_wait();
	fd_close(client);
	while (ttrpc_server_connections(test.server))
		test_wait();
	ttrpc_on_cancel(test.parked[0].data, test_cancelled, &waiting);
	assert_int_equal(test.n_cancelled, 0); /* not from within */
	while (ttrpc_server_calls(test.server))
		test_wait();
	assert_int_equal(test.n_cancelled, 1);
}

static void time_is_limited(void **state)
{
	Containerd__Task__V2__StateRequest request;
	int client = *test_connect();

	(void)state;
	containerd__task__v2__state_request__init(&request);
	test_request(client, 1, TEST_SERVICE, "Wait", &request.base, 1);
	test_expect_failure(client, 1, TTRPC_DEADLINE_EXCEEDED, "deadline exceeded");
	assert_int_equal(test.n_cancelled, 1);
	assert_int_equal(ttrpc_server_calls(test.server), 0);
	test_request(client, 3, TEST_SERVICE, "State", &request.base, 1000000);
	test_expect_failure(client, 3, TTRPC_DEADLINE_EXCEEDED, "deadline exceeded");
	assert_int_equal(ttrpc_server_calls(test.server), 1); /* goes on */
	test_answer_parked(0);
	assert_int_equal(ttrpc_server_calls(test.server), 0);
	test_call(client, 5, "Pause", ""); /* and its answer is not sent */
	test_expect_success(client, 5, 0);
}

static void extreme_time_limits_are_none(void **state)
{
	static const int64_t limits[] = { INT64_MAX, INT64_MIN, -1, INT64_MAX / 2 };
	Containerd__Task__V2__StateRequest request;
	int client = *test_connect();

	(void)state;
	containerd__task__v2__state_request__init(&request);
	for (uint32_t i = 0; i < 4; i++)
		test_request(client, 2 * i + 1, TEST_SERVICE, "State", &request.base, limits[i]);
	while (test.n_parked < 4)
		test_wait();
	test_run();
	for (uint32_t i = 0; i < 4; i++) {
		test_answer_parked(i);
		test_expect_success(client, 2 * i + 1, 4);
	}
	assert_null(test.loop.timers);
}

static void calls_in_flight_are_bounded(void **state)
{
	int client = *test_connect();

	(void)state;
	for (uint32_t i = 0; i <= TTRPC_CALLS_MAX; i++)
		test_call(client, 2 * i + 1, "State", "");
	test_expect_failure(client, 2 * TTRPC_CALLS_MAX + 1, TTRPC_RESOURCE_EXHAUSTED,
			    "4096 calls");
	test_answer_parked(7);
	test_expect_success(client, 15, 4);
	test_call(client, 2 * TTRPC_CALLS_MAX + 3, "Pause", "");
	test_expect_success(client, 2 * TTRPC_CALLS_MAX + 3, 0);
}

static void memory_of_calls_is_bounded(void **state)
{
	size_t size = 4000000, n = 0;
	int client = *test_connect();
	char *id = malloc(size + 1);
	struct ttrpc_header header = { 0 };

	(void)state;
	assert_non_null(id);
	memset(id, 'x', size);
	id[size] = '\0';
	for (uint32_t i = 0; i < 20; i++)
		test_call(client, 2 * i + 1, "State", id);
	free(id);
	test_call(client, 99, "State", "");
	for (; header.stream != 99; n++) {
		cleanup_free uint8_t *data = test_receive(client, &header);
		assert_non_null(data);
	}
	assert_in_range(n, 10, 19);
	assert_in_range(test.server->connections->calls_memory, 0, 2 * TTRPC_CALLS_MEMORY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
		TEST(a_request_is_answered_byte_for_byte),
		TEST(an_empty_answer_has_no_data),
		TEST(handlers_fail_with_code_and_text),
		TEST(answers_come_in_any_order),
		TEST(what_is_unknown_is_unimplemented),
		TEST(stream_numbers_are_odd_and_rise),
		TEST(other_frames_do_no_harm),
		TEST(payloads_of_garbage_are_told),
		TEST(too_long_frames_are_refused),
		TEST(too_long_answers_are_told),
		TEST(hostile_names_are_cut_and_cleaned),
		TEST(the_end_of_a_connection_cancels_who_waits),
		TEST(who_decides_late_to_wait_is_cancelled_too),
		TEST(time_is_limited),
		TEST(extreme_time_limits_are_none),
		TEST(calls_in_flight_are_bounded),
		TEST(memory_of_calls_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
