/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ttrpc_test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static Containerd__Task__V2__StateRequest request;
static struct ttrpc_client client;
static int peer = -1; /* the server's side, where the test is the server */

static int setup(void **state)
{
	int ends[2];

	containerd__task__v2__state_request__init(&request);
	assert_int_equal(test_setup(state), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	client = (struct ttrpc_client){ .fd = ends[0], .next_stream = 1 };
	peer = ends[1];
	return 0;
}

static int teardown(void **state)
{
	ttrpc_client_close(&client);
	fd_close(&peer);
	return test_teardown(state);
}

static void *call(const char *method, const ProtobufCMessageDescriptor *response, int timeout_ms,
		  enum ttrpc_code *status, struct error *err)
{
	return ttrpc_client_call(&client, TEST_SERVICE, method, &request.base, response, timeout_ms,
				 status, err);
}

static void *call_connect(enum ttrpc_code *status, struct error *err)
{
	return call("Connect", &containerd__task__v2__connect_response__descriptor, 5000, status,
		    err);
}

/* Makes the server run in a process of its own, so that a client may block. */
static void serve_in_a_child(void)
{
	struct error err;

	test.child = fork();
	assert_true(test.child >= 0);
	if (test.child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)loop_run(&test.loop, &err);
		_exit(0);
	}
}

static void calls_are_answered(void **state)
{
	enum ttrpc_code status = TTRPC_UNKNOWN;
	struct error err;

	(void)state;
	serve_in_a_child();
	ttrpc_client_close(&client);
	client.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client.fd, (struct sockaddr *)&test.address, test.address_size),
			 0);
	for (int i = 0; i < 3; i++) {
		Containerd__Task__V2__ConnectResponse *answer = call_connect(&status, &err);
		assert_non_null(answer);
		assert_int_equal(answer->shim_pid, 18951);
		assert_int_equal(status, TTRPC_OK);
		protobuf_c_message_free_unpacked(&answer->base, NULL);
	}
	request.id = (char *)(uintptr_t) "w1";
	assert_null(call("Kill", &google__protobuf__empty__descriptor, -1, &status, &err));
	assert_int_equal(status, TTRPC_NOT_FOUND);
	assert_int_equal(err.code, 0);
	assert_string_equal(err.text, "w1: not found");
	request.id = (char *)(uintptr_t) "3000000"; /* more than a socket holds */
	Containerd__Task__V2__StatsResponse *stats =
		call("Stats", &containerd__task__v2__stats_response__descriptor, -1, &status, &err);
	assert_non_null(stats);
	assert_int_equal(stats->stats->value.len, 3000000);
	protobuf_c_message_free_unpacked(&stats->base, NULL);
	assert_null(call("State", &containerd__task__v2__state_response__descriptor, 20, &status,
			 &err));
	if (status == TTRPC_OK) { /* else the server was the first to say so */
		assert_int_equal(err.code, ETIMEDOUT);
		assert_int_equal(client.fd, -1);
	} else {
		assert_int_equal(status, TTRPC_DEADLINE_EXCEEDED);
	}
}

static void long_requests_are_sent_whole(void **state)
{
	enum ttrpc_code status = TTRPC_UNKNOWN;
	char *id = calloc(1, 3000001);
	struct error err;

	(void)state;
	assert_non_null(id);
	memset(id, 'x', 3000000);
	request.id = id;
	serve_in_a_child();
	ttrpc_client_close(&client);
	client.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client.fd, (struct sockaddr *)&test.address, test.address_size),
			 0);
	Google__Protobuf__Empty *answer =
		call("Pause", &google__protobuf__empty__descriptor, -1, &status, &err);
	free(id);
	assert_non_null(answer);
	protobuf_c_message_free_unpacked(&answer->base, NULL);
}

static void expect_loss(int code)
{
	enum ttrpc_code status = TTRPC_UNKNOWN;
	struct error err = { 0 };

	assert_null(call_connect(&status, &err));
	assert_int_equal(err.code, code);
	assert_int_equal(status, TTRPC_OK);
	assert_int_equal(client.fd, -1);
	assert_null(call_connect(&status, &err));
	assert_int_equal(err.code, ENOTCONN);
}

static void the_end_of_the_server_is_told(void **state)
{
	(void)state;
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	expect_loss(ECONNRESET);
}

static void a_closed_server_is_told(void **state)
{
	(void)state;
	fd_close(&peer);
	expect_loss(ECONNRESET);
}

static void silence_is_told(void **state)
{
	enum ttrpc_code status = TTRPC_UNKNOWN;
	struct error err = { 0 };

	(void)state;
	assert_null(call("Connect", &containerd__task__v2__connect_response__descriptor, 10,
			 &status, &err));
	assert_int_equal(err.code, ETIMEDOUT);
	assert_int_equal(client.fd, -1);
}

static void answer(uint32_t stream, uint8_t type, const void *data, size_t size)
{
	test_frame(peer, stream, type, data, size);
}

static void other_frames_are_passed_over(void **state)
{
	enum ttrpc_code status = TTRPC_UNKNOWN;
	struct error err;

	(void)state;
	answer(7, TTRPC_RESPONSE, "\xff", 1);
	answer(1, TTRPC_STREAM_DATA, "\xff", 1);
	answer(1, TTRPC_RESPONSE, "\x12\x04\x08\x87\x94\x01", 6);
	Containerd__Task__V2__ConnectResponse *message = call_connect(&status, &err);
	assert_non_null(message);
	assert_int_equal(message->shim_pid, 18951);
	protobuf_c_message_free_unpacked(&message->base, NULL);
}

static void garbage_is_told(void **state)
{
	(void)state;
	answer(1, TTRPC_RESPONSE, "garbage", 7);
	expect_loss(EBADMSG);
}

static void payloads_of_garbage_are_told(void **state)
{
	(void)state;
	answer(1, TTRPC_RESPONSE, "\x12\x02\x08\xff", 4);
	expect_loss(EBADMSG);
}

static void status_ok_is_success(void **state)
{
	enum ttrpc_code status = TTRPC_UNKNOWN;
	struct error err;

	(void)state;
	answer(1, TTRPC_RESPONSE, "\x0a\x00\x12\x02\x08\x07", 6);
	Containerd__Task__V2__ConnectResponse *message = call_connect(&status, &err);
	assert_non_null(message);
	assert_int_equal(message->shim_pid, 7);
	assert_int_equal(status, TTRPC_OK);
	protobuf_c_message_free_unpacked(&message->base, NULL);
}

/* A listening socket in a folder of its own, with a path of that length or more. */
static void connect_to_path(size_t length, const char *prefix)
{
	char folder[] = "/tmp/ttrpc-XXXXXX", path[300], address[320];
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "s" };
	struct error err = { 0 };

	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/%0*d", folder, (int)length, 0);
	(void)snprintf(address, sizeof(address), "%s%s/s", prefix, path);
	cleanup_fd int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cleanup_fd int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int bound = mkdir(path, 0700) == 0 && chdir(path) == 0
			    ? bind(listener, (struct sockaddr *)&name, sizeof(name))
			    : -1;
	if (bound == 0)
		bound = listen(listener, 1);
	cleanup_fd int one = ttrpc_connect(address, false, &err);
	cleanup_fd int two = ttrpc_connect(address, true, &err);
	cleanup_fd int three = ttrpc_connect(address, true, &err); /* the queue is full */
	int code = err.code;
	bool blocks = one >= 0 && !(fcntl(one, F_GETFL) & O_NONBLOCK);
	bool closes = two >= 0 && fcntl(two, F_GETFD) == FD_CLOEXEC;
	(void)unlink("s");
	assert_int_equal(fchdir(before), 0);
	(void)rmdir(path);
	(void)rmdir(folder);
	assert_int_equal(bound, 0);
	assert_true(blocks);
	assert_true(closes);
	assert_int_equal(three, -1);
	assert_int_equal(code, EAGAIN);
}

static void paths_of_any_length_connect(void **state)
{
	(void)state;
	connect_to_path(1, "");
	connect_to_path(1, "unix://");
	connect_to_path(200, "unix://");
}

static void what_cannot_be_connected_is_told(void **state)
{
	char path[400] = "/tmp/";
	struct error err;

	(void)state;
	assert_int_equal(ttrpc_connect("unix:///no/such/socket", false, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "connect to /no/such/socket"));
	memset(path + 5, 'x', 300);
	assert_int_equal(ttrpc_connect(path, false, &err), -1);
	assert_int_equal(err.code, ENAMETOOLONG);
	path[150] = '/';
	assert_int_equal(ttrpc_connect(path, false, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(ttrpc_connect("", false, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(calls_are_answered),
		TEST(long_requests_are_sent_whole),
		TEST(the_end_of_the_server_is_told),
		TEST(a_closed_server_is_told),
		TEST(silence_is_told),
		TEST(other_frames_are_passed_over),
		TEST(garbage_is_told),
		TEST(payloads_of_garbage_are_told),
		TEST(status_ok_is_success),
		TEST(paths_of_any_length_connect),
		TEST(what_cannot_be_connected_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
