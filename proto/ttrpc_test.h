/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: a ttrpc server with a few handlers on a loop, and clients that
 * send it bytes. Everything runs in one thread: who waits for an answer runs
 * the loop meanwhile. The socket has no file.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "proto/empty.pb-c.h"
#include "proto/task.pb-c.h"
#include "proto/ttrpc_client.h"
#include "proto/ttrpc_connection.h"
#include "proto/unpack.h"

enum { TEST_CLIENTS = 1200, TEST_PARKED = 5000, TEST_ROUND_MS = 5000 };
#define TEST_SERVICE "containerd.task.v2.Task"

static struct {
	struct loop loop;
	struct ttrpc_server *server;
	struct sockaddr_un address;
	socklen_t address_size;
	ProtobufCService *services[2];
	struct {
		Containerd__Task__V2__StateResponse_Closure closure;
		void *data;
	} parked[TEST_PARKED];	    /* calls of State: the test answers them */
	void *waiting[TEST_PARKED]; /* calls of Wait: they only wait */
	size_t n_parked, n_waiting, n_cancelled, n_pauses;
	int clients[TEST_CLIENTS]; /* closed at the end */
	size_t n_clients;
	pid_t child; /* a test's own: killed at the end */
	int first_free_fd;
} test;

/* ---- handlers ---- */

static void test_on_connect(Containerd__Task__V2__Task_Service *service,
			    const Containerd__Task__V2__ConnectRequest *input,
			    Containerd__Task__V2__ConnectResponse_Closure closure, void *data)
{
	Containerd__Task__V2__ConnectResponse response;

	(void)service;
	(void)input;
	containerd__task__v2__connect_response__init(&response);
	response.shim_pid = 18951;
	response.task_pid = 19018;
	closure(&response, data);
}

static void test_on_state(Containerd__Task__V2__Task_Service *service,
			  const Containerd__Task__V2__StateRequest *input,
			  Containerd__Task__V2__StateResponse_Closure closure, void *data)
{
	(void)service;
	(void)input;
	test.parked[test.n_parked].closure = closure;
	test.parked[test.n_parked++].data = data;
}

static inline void test_answer_parked(size_t i)
{
	Containerd__Task__V2__StateResponse response;

	containerd__task__v2__state_response__init(&response);
	response.pid = (uint32_t)i + 1;
	test.parked[i].closure(&response, test.parked[i].data);
	test.parked[i].data = NULL;
}

static void test_cancelled(void *data)
{
	*(void **)data = NULL;
	test.n_cancelled++;
}

static void test_on_wait(Containerd__Task__V2__Task_Service *service,
			 const Containerd__Task__V2__WaitRequest *input,
			 Containerd__Task__V2__WaitResponse_Closure closure, void *data)
{
	(void)service;
	(void)input;
	(void)closure;
	test.waiting[test.n_waiting] = data;
	ttrpc_on_cancel(data, test_cancelled, &test.waiting[test.n_waiting++]);
}

static void test_on_kill(Containerd__Task__V2__Task_Service *service,
			 const Containerd__Task__V2__KillRequest *input,
			 Google__Protobuf__Empty_Closure closure, void *data)
{
	(void)service;
	(void)closure;
	ttrpc_fail(data, TTRPC_NOT_FOUND, "%s: not found",
		   input->signal ? "process already finished" : input->id);
}

static void test_on_pause(Containerd__Task__V2__Task_Service *service,
			  const Containerd__Task__V2__PauseRequest *input,
			  Google__Protobuf__Empty_Closure closure, void *data)
{
	Google__Protobuf__Empty response;

	(void)service;
	(void)input;
	google__protobuf__empty__init(&response);
	test.n_pauses++;
	closure(&response, data);
}

/* An answer as long as its request's id says. */
static void test_on_stats(Containerd__Task__V2__Task_Service *service,
			  const Containerd__Task__V2__StatsRequest *input,
			  Containerd__Task__V2__StatsResponse_Closure closure, void *data)
{
	Containerd__Task__V2__StatsResponse response;
	Google__Protobuf__Any any;
	uint64_t size = 0;

	(void)service;
	(void)str_to_uint(input->id, 10, 64 << 20, &size);
	cleanup_free uint8_t *bytes = calloc(1, size + 1);
	assert_non_null(bytes);
	containerd__task__v2__stats_response__init(&response);
	google__protobuf__any__init(&any);
	any.value = (ProtobufCBinaryData){ size, bytes };
	response.stats = &any;
	closure(&response, data);
}

/* What no client gets: an answer of no kind, then two answers. */
static void test_on_resume(Containerd__Task__V2__Task_Service *service,
			   const Containerd__Task__V2__ResumeRequest *input,
			   Google__Protobuf__Empty_Closure closure, void *data)
{
	(void)service;
	(void)input;
	closure(NULL, data);
	closure(NULL, data);
	ttrpc_fail(data, TTRPC_UNKNOWN, "once more");
}

static void test_on_shutdown(Containerd__Task__V2__Task_Service *service,
			     const Containerd__Task__V2__ShutdownRequest *input,
			     Google__Protobuf__Empty_Closure closure, void *data)
{
	const char *value = ttrpc_metadata(data, "containerd-namespace-ttrpc");

	(void)service;
	(void)input;
	(void)closure;
	assert_null(ttrpc_metadata(data, "other"));
	ttrpc_fail(data, TTRPC_UNKNOWN, "namespace %s", value ? value : "absent");
}

/* ---- the server, and its end ---- */

static void test_serve(void)
{
	static Containerd__Task__V2__Task_Service task;
	struct error err;

	task = (Containerd__Task__V2__Task_Service){
		.base = CONTAINERD__TASK__V2__TASK__BASE_INIT,
		.connect = test_on_connect,
		.state = test_on_state,
		.wait = test_on_wait,
		.kill = test_on_kill,
		.pause = test_on_pause,
		.resume = test_on_resume,
		.stats = test_on_stats,
		.shutdown = test_on_shutdown,
	};
	test.services[0] = &task.base;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	test.address.sun_family = AF_UNIX;
	test.address_size = sizeof(sa_family_t); /* the kernel finds a name */
	assert_int_equal(bind(fd, (struct sockaddr *)&test.address, test.address_size), 0);
	test.address_size = sizeof(test.address);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&test.address, &test.address_size), 0);
	assert_int_equal(listen(fd, 4096), 0);
	test.server = ttrpc_server_new(&test.loop, fd, test.services, &err);
	assert_non_null(test.server);
}

static int test_setup(void **state)
{
	struct error err;
	cleanup_fd int probe = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	memset(&test, 0, sizeof(test));
	test.first_free_fd = probe;
	fd_close(&probe);
	assert_int_equal(loop_init(&test.loop, &err), 0);
	test_serve();
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	process_kill_and_reap(test.child);
	ttrpc_server_free(test.server);
	loop_done(&test.loop);
	for (size_t i = 0; i < test.n_clients; i++)
		fd_close(&test.clients[i]);
	for (size_t i = 0; i < test.n_waiting; i++)
		assert_null(test.waiting[i]); /* each was answered or cancelled */
	int probe = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(probe, test.first_free_fd); /* nothing was left open */
	(void)close(probe);
	return 0;
}

static inline void test_run(void)
{
	struct error err;

	assert_int_equal(loop_run_once(&test.loop, 0, &err), 0);
}

/* Waits for something to happen; that it takes so long is a failure. */
static inline void test_wait(void)
{
	struct error err;

	assert_int_equal(loop_run_once(&test.loop, TEST_ROUND_MS, &err), 0);
}

/* ---- clients ---- */

/* The descriptor's place: who closes it early, by fd_close(), makes it -1 there. */
static inline int *test_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(test.n_clients < TEST_CLIENTS);
	test.clients[test.n_clients] = fd;
	assert_int_equal(connect(fd, (struct sockaddr *)&test.address, test.address_size), 0);
	return &test.clients[test.n_clients++];
}

static inline void test_send(int client, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t sent = send(client, p, n, MSG_NOSIGNAL);
		assert_true(sent > 0 || errno == EAGAIN);
		p += sent > 0 ? sent : 0;
		n -= sent > 0 ? (size_t)sent : 0;
		if (n)
			test_run();
	}
}

static inline void test_frame(int client, uint32_t stream, uint8_t type, const void *data,
			      size_t size)
{
	uint8_t header[TTRPC_HEADER_SIZE];

	ttrpc_header_pack(&(struct ttrpc_header){ (uint32_t)size, stream, type, 0 }, header);
	test_send(client, header, sizeof(header));
	test_send(client, data, size);
}

static inline void test_request(int client, uint32_t stream, const char *service,
				const char *method, const ProtobufCMessage *request,
				int64_t timeout_ns)
{
	cleanup_str struct str frame = STR_EMPTY;
	struct error err;

	assert_int_equal(ttrpc_add_request(&frame, stream, service, method, request, timeout_ns,
					   "containerd-namespace-ttrpc", "k8s.io", &err),
			 0);
	test_send(client, frame.text, frame.size);
}

/* All requests have their id at the same place. */
static inline void test_call(int client, uint32_t stream, const char *method, const char *id)
{
	Containerd__Task__V2__StateRequest request;

	containerd__task__v2__state_request__init(&request);
	request.id = (char *)(uintptr_t)id;
	test_request(client, stream, TEST_SERVICE, method, &request.base, 0);
}

/* Reads that many bytes, and no more. False at the end of the connection. */
static inline bool test_read(int client, void *bytes, size_t n)
{
	char *p = bytes;

	while (n) {
		ssize_t got = recv(client, p, n, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			return false;
		if (got < 0)
			test_wait();
		p += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
	return true;
}

/* The next frame's data, the caller's to free, or NULL at the end of the connection. */
static inline uint8_t *test_receive(int client, struct ttrpc_header *ret)
{
	uint8_t header[TTRPC_HEADER_SIZE];

	if (!test_read(client, header, sizeof(header)))
		return NULL;
	ttrpc_header_unpack(header, ret);
	assert_int_equal(ret->type, TTRPC_RESPONSE);
	assert_int_equal(ret->flags, 0);
	assert_in_range(ret->size, 0, TTRPC_DATA_MAX);
	uint8_t *data = malloc(ret->size + 1);
	assert_non_null(data);
	assert_true(test_read(client, data, ret->size));
	return data;
}

static inline void test_expect_end(int client)
{
	struct ttrpc_header header = { 0 };
	cleanup_free uint8_t *data = test_receive(client, &header);

	assert_null(data);
}

static inline void test_expect_success(int client, uint32_t stream, size_t size)
{
	struct ttrpc_header header = { 0 };
	cleanup_free uint8_t *data = test_receive(client, &header);

	assert_non_null(data);
	assert_int_equal(header.stream, stream);
	assert_int_equal(header.size, size);
}

static inline void test_expect_failure(int client, uint32_t stream, enum ttrpc_code code,
				       const char *text)
{
	struct ttrpc_header header = { 0 };
	cleanup_free uint8_t *data = test_receive(client, &header);
	struct error err;

	assert_non_null(data);
	assert_int_equal(header.stream, stream);
	Ttrpc__Response *response = (Ttrpc__Response *)unpack_message(
		&ttrpc__response__descriptor, header.size, data, NULL, &err);
	assert_non_null(response);
	assert_non_null(response->status);
	assert_int_equal(response->status->code, code);
	if (!strstr(response->status->message, text))
		assert_string_equal(response->status->message, text);
	ttrpc__response__free_unpacked(response, NULL);
}
