/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a client, which connects. The first one says in what pieces the
 * others come, whether the client then stays to read, and whether the server ends
 * before it; calls are answered at once, later, after the connection's end, or
 * cancelled. One more comes from within.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/task.pb-c.h"
#include "proto/ttrpc_connection.h"
#include "proto/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARKED_MAX = 64, STAYS = 0x80, SERVER_ENDS = 0x40, PIECES = 0x3f };

static struct loop loop;
static struct ttrpc_server *server;
static struct parked {
	ProtobufCClosure closure;
	void *call;
	const ProtobufCMessageDescriptor *output;
} parked[PARKED_MAX];
static size_t n_parked, n_waiting, n_local;
static struct sockaddr_un address;
static socklen_t address_size;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void answer(const struct parked *p)
{
	ProtobufCMessage *message = calloc(1, p->output->sizeof_message);

	must(message);
	protobuf_c_message_init(p->output, message);
	p->closure(message, p->call);
	free(message);
}

static void cancelled(void *data)
{
	(void)data;
	must(n_waiting-- > 0);
}

static void invoke(ProtobufCService *service, unsigned int method, const ProtobufCMessage *input,
		   ProtobufCClosure closure, void *call)
{
	struct parked p = { closure, call, service->descriptor->methods[method].output };

	must(protobuf_c_message_check(input));
	if (method % 4 == 0)
		answer(&p);
	else if (method % 4 == 1 || (method % 4 == 2 && n_parked == PARKED_MAX))
		ttrpc_fail(call, TTRPC_NOT_FOUND, "%s", ttrpc_metadata(call, "k"));
	else if (method % 4 == 2)
		parked[n_parked++] = p;
	else {
		n_waiting++;
		ttrpc_on_cancel(call, cancelled, NULL);
	}
}

static ProtobufCService service = { &containerd__task__v2__task__descriptor, invoke, NULL };

/* At an address that the kernel chooses. */
static void start(void)
{
	static ProtobufCService *const services[] = { &service, NULL };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct error err;

	address.sun_family = AF_UNIX;
	address_size = sizeof(sa_family_t);
	must(bind(listener, (const struct sockaddr *)&address, address_size) == 0);
	address_size = sizeof(address);
	must(getsockname(listener, (struct sockaddr *)&address, &address_size) == 0);
	must(listen(listener, 1) == 0);
	must(loop_init(&loop, &err) == 0);
	server = ttrpc_server_new(&loop, listener, services, &err);
	must(server);
}

static void local_done(void *data, enum ttrpc_code code, const char *text,
		       const ProtobufCMessage *response)
{
	must(code == TTRPC_OK ? response != NULL : *text);
	n_local--;
}

/* Of those that are answered. */
static void call_local(uint8_t number)
{
	const ProtobufCServiceDescriptor *methods = service.descriptor;
	unsigned int i = number % methods->n_methods / 4 * 4 + number % 3;
	struct error err;

	if (i >= methods->n_methods)
		return;
	ProtobufCMessage *input = calloc(1, methods->methods[i].input->sizeof_message);
	must(input);
	protobuf_c_message_init(methods->methods[i].input, input);
	n_local++;
	must(ttrpc_call_local(server, &service, methods->methods[i].name, input, local_done, NULL,
			      &err) == 0);
	free(input);
}

static void run(void)
{
	struct error err;

	must(loop_run_once(&loop, 0, &err) == 0);
}

/* What the server says must be frames of responses, whole ones. */
static void read_answers(int client, struct ttrpc_reader *reader)
{
	uint8_t chunk[4096];
	ssize_t n;
	struct error err;

	while ((n = recv(client, chunk, sizeof(chunk), MSG_DONTWAIT)) > 0) {
		const uint8_t *bytes = chunk, *data = NULL;
		size_t left = (size_t)n;
		while (ttrpc_reader_feed(reader, &bytes, &left, &data, &err) == TTRPC_READ_FRAME) {
			must(reader->header.type == TTRPC_RESPONSE);
			ProtobufCMessage *m = unpack_message(&ttrpc__response__descriptor,
							     reader->header.size, data, NULL, &err);
			must(m);
			protobuf_c_message_free_unpacked(m, NULL);
		}
	}
}

static void converse(int client, uint8_t manner, const uint8_t *data, size_t size)
{
	struct ttrpc_reader reader = { 0 };
	size_t piece = manner & PIECES ? (size_t)(manner & PIECES) * 16 : size;

	for (size_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		if (send(client, data + at, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		run();
		if (manner & STAYS)
			read_answers(client, &reader);
	}
	if (manner & STAYS) {
		(void)shutdown(client, SHUT_WR);
		run();
		while (n_parked)
			answer(&parked[--n_parked]);
		run();
		read_answers(client, &reader);
		must(reader.n_data == reader.header.size);
	}
	ttrpc_reader_done(&reader);
}

/* Calls that were not answered have gone with it. */
static void end_server(void)
{
	ttrpc_server_free(server);
	server = NULL;
	must(!n_waiting && !loop.timers);
	n_parked = n_local = 0;
	loop_done(&loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int client;

	if (!server)
		start();
	if (!size)
		return 0;
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(connect(client, (const struct sockaddr *)&address, address_size) == 0);
	run();
	must(ttrpc_server_connections(server) == 1);
	call_local(data[size - 1]);
	uint8_t how = data[0];
	if (how & SERVER_ENDS)
		how = (uint8_t)(how & ~STAYS);
	converse(client, how, data + 1, size - 1);
	if (data[0] & SERVER_ENDS)
		end_server();
	(void)close(client);
	if (!server)
		return 0;
	for (int i = 0; ttrpc_server_connections(server); i++) {
		must(i < 1000);
		run();
	}
	while (n_parked)
		answer(&parked[--n_parked]);
	while (n_local)
		run();
	must(ttrpc_server_is_flushed(server));
	must(!n_waiting && !ttrpc_server_calls(server) && !loop.timers);
	return 0;
}
