/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls. What a hostile or confused peer gets:
 *
 *	a frame of more than 4 MiB               RESOURCE_EXHAUSTED
 *	an even stream number, or one not rising INVALID_ARGUMENT
 *	a frame of a stream's data               INVALID_ARGUMENT
 *	too many calls without an answer         RESOURCE_EXHAUSTED
 *	an envelope that cannot be read          INVALID_ARGUMENT
 *	an unknown service or method             UNIMPLEMENTED
 *	a payload that cannot be read            INTERNAL
 *	any other type of frame                  nothing
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/ttrpc_connection.h"
#include "proto/unpack.h"

enum { NS_PER_MS = 1000000 };

/* ---- the life of a call ---- */

static void link_call(struct ttrpc_call *call, struct ttrpc_call **list)
{
	call->place = list;
	call->next = *list;
	if (call->next)
		call->next->place = &call->next;
	*list = call;
}

static void unlink_call(struct ttrpc_call *call)
{
	*call->place = call->next;
	if (call->next)
		call->next->place = call->place;
}

/* Off its list, whatever happens to it next. */
static struct ttrpc_call *take_first(struct ttrpc_call **list)
{
	struct ttrpc_call *call = *list;

	*list = call->next;
	if (call->next)
		call->next->place = list;
	call->next = NULL;
	call->place = &call->next;
	return call;
}

static void call_free(struct ttrpc_call *call)
{
	struct ttrpc_connection *c = call->connection;

	unlink_call(call);
	loop_cancel_timer(call->server->loop, &call->deadline);
	call->server->n_calls--;
	if (c) {
		c->n_calls--;
		c->calls_memory -= call->memory;
		ttrpc_connection_settle(c);
	}
	protobuf_c_message_free_unpacked(call->input, NULL);
	if (call->request)
		ttrpc__request__free_unpacked(call->request, NULL);
	free(call);
}

/* The answer is on its way, or dropped. */
static void call_finish(struct ttrpc_call *call)
{
	call->finished = true;
	if (!call->invoking)
		call_free(call);
}

static void call_cancel(struct ttrpc_call *call)
{
	call->finished = true;
	call->cancel(call->cancel_data);
	call_free(call);
}

static struct ttrpc_connection *answer_to(const struct ttrpc_call *call)
{
	return call->timed_out ? NULL : call->connection;
}

/* The closure of all handlers. */
static void call_answer(const ProtobufCMessage *response, void *closure_data)
{
	struct ttrpc_call *call = closure_data;
	struct ttrpc_connection *c = answer_to(call);

	if (call->finished)
		return;
	if (c && response)
		ttrpc_connection_answer(c, call->stream, response);
	else if (c) /* protobuf-c's way to say that there is none */
		ttrpc_connection_fail(c, call->stream, TTRPC_INTERNAL, "no answer");
	call_finish(call);
}

void ttrpc_fail(void *closure_data, enum ttrpc_code code, const char *format, ...)
{
	struct ttrpc_call *call = closure_data;
	struct ttrpc_connection *c = answer_to(call);
	cleanup_free char *text = NULL;
	va_list ap;

	if (call->finished)
		return;
	va_start(ap, format);
	if (c && vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (c)
		ttrpc_connection_fail(c, call->stream, code, text ? text : ttrpc_code_text(code));
	call_finish(call);
}

static void deadline_passed(struct loop_timer *timer)
{
	struct ttrpc_call *call = loop_owner(timer, struct ttrpc_call, deadline);
	struct ttrpc_connection *c = answer_to(call);

	if (c)
		ttrpc_connection_fail(c, call->stream, TTRPC_DEADLINE_EXCEEDED,
				      ttrpc_code_text(TTRPC_DEADLINE_EXCEEDED));
	call->timed_out = true;
	if (call->cancel)
		call_cancel(call);
}

void ttrpc_on_cancel(void *closure_data, void (*cancel)(void *data), void *data)
{
	struct ttrpc_call *call = closure_data;

	call->cancel = cancel;
	call->cancel_data = data;
	/* Too late for its own reason; the handler, which calls this, is not yet ready for it. */
	if (!call->finished && (!call->connection || call->timed_out))
		loop_set_timer(call->server->loop, &call->deadline, 0);
}

const char *ttrpc_metadata(const void *closure_data, const char *key)
{
	const struct ttrpc_call *call = closure_data;

	for (size_t i = 0; call->request && i < call->request->n_metadata; i++)
		if (strcmp(call->request->metadata[i]->key, key) == 0)
			return call->request->metadata[i]->value;
	return NULL;
}

void ttrpc_call_leave_all(struct ttrpc_connection *c)
{
	while (c->calls) {
		struct ttrpc_call *call = take_first(&c->calls);
		call->connection = NULL;
		loop_cancel_timer(call->server->loop, &call->deadline);
		if (call->cancel)
			call_cancel(call);
		else
			link_call(call, &call->server->orphans);
	}
}

void ttrpc_call_drop_orphans(struct ttrpc_server *server)
{
	while (server->orphans) {
		struct ttrpc_call *call = take_first(&server->orphans);
		if (call->cancel)
			call_cancel(call);
		else
			call_free(call);
	}
}

/* ---- from a frame to a handler ---- */

static void refuse(struct ttrpc_connection *c, enum ttrpc_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(struct ttrpc_connection *c, enum ttrpc_code code, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	ttrpc_connection_fail(c, c->reader.header.stream, code, text);
}

static ProtobufCService *find_service(const struct ttrpc_server *server, const char *name)
{
	for (ProtobufCService *const *s = server->services; *s; s++)
		if (strcmp((*s)->descriptor->name, name) == 0)
			return *s;
	return NULL;
}

static void invoke(struct ttrpc_call *call, ProtobufCService *service,
		   const ProtobufCMethodDescriptor *method, int64_t timeout_ns)
{
	call->invoking = true;
	service->invoke(service, (unsigned int)(method - service->descriptor->methods), call->input,
			call_answer, call);
	call->invoking = false;
	if (call->finished)
		call_free(call);
	else if (timeout_ns > 0) /* only now: most calls never need a timer */
		loop_set_timer(call->server->loop, &call->deadline,
			       (timeout_ns - 1) / NS_PER_MS + 1);
}

/* A call of the request, which it takes over as far as it is needed. NULL: out of memory. */
static struct ttrpc_call *call_new(struct ttrpc_connection *c, Ttrpc__Request **request,
				   ProtobufCMessage **input, size_t memory)
{
	struct ttrpc_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->server = c->server;
	call->connection = c;
	call->stream = c->reader.header.stream;
	call->memory = memory;
	call->deadline.fire = deadline_passed;
	call->input = move_ptr(input);
	if ((*request)->n_metadata) {
		call->request = move_ptr(request);
		free(call->request->payload.data);
		call->request->payload = (ProtobufCBinaryData){ 0 };
	}
	link_call(call, &c->calls);
	c->n_calls++;
	c->calls_memory += memory;
	c->server->n_calls++;
	return call;
}

static void request_cleanup(Ttrpc__Request **request)
{
	if (*request)
		ttrpc__request__free_unpacked(*request, NULL);
}

static void input_cleanup(ProtobufCMessage **input)
{
	if (*input)
		protobuf_c_message_free_unpacked(*input, NULL);
}

static void receive_request(struct ttrpc_connection *c, const uint8_t *data)
{
	__attribute__((cleanup(request_cleanup))) Ttrpc__Request *request = NULL;
	__attribute__((cleanup(input_cleanup))) ProtobufCMessage *input = NULL;
	size_t envelope_memory, input_memory;
	struct error err;

	request = (Ttrpc__Request *)unpack_message(
		&ttrpc__request__descriptor, c->reader.header.size, data, &envelope_memory, &err);
	if (!request) {
		refuse(c, TTRPC_INVALID_ARGUMENT, "%s", err.text);
		return;
	}
	ProtobufCService *service = find_service(c->server, request->service);
	if (!service) {
		refuse(c, TTRPC_UNIMPLEMENTED, "service %s", request->service);
		return;
	}
	const ProtobufCMethodDescriptor *method = protobuf_c_service_descriptor_get_method_by_name(
		service->descriptor, request->method);
	if (!method) {
		refuse(c, TTRPC_UNIMPLEMENTED, "method %s", request->method);
		return;
	}
	input = unpack_message(method->input, request->payload.len, request->payload.data,
			       &input_memory, &err);
	if (!input) {
		refuse(c, TTRPC_INTERNAL, "%s", err.text);
		return;
	}
	int64_t timeout_ns = request->timeout_nano;
	struct ttrpc_call *call = call_new(c, &request, &input, envelope_memory + input_memory);
	if (call)
		invoke(call, service, method, timeout_ns);
	else
		refuse(c, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
}

void ttrpc_call_receive(struct ttrpc_connection *c, enum ttrpc_read kind, const uint8_t *data)
{
	const struct ttrpc_header *h = &c->reader.header;

	if (h->type != TTRPC_REQUEST && h->type != TTRPC_STREAM_DATA)
		return; /* of a version to come, perhaps */
	if (kind == TTRPC_READ_TOO_LONG) {
		refuse(c, TTRPC_RESOURCE_EXHAUSTED, "a message of %u bytes is longer than %d",
		       h->size, TTRPC_DATA_MAX);
	} else if (h->stream % 2 == 0) {
		refuse(c, TTRPC_INVALID_ARGUMENT, "StreamID %u: those of clients are odd",
		       h->stream);
	} else if (h->type == TTRPC_STREAM_DATA) {
		refuse(c, TTRPC_INVALID_ARGUMENT, "StreamID is no longer active");
	} else if (h->stream <= c->last_stream) {
		refuse(c, TTRPC_INVALID_ARGUMENT, "StreamID %u: not above the last one, %u",
		       h->stream, c->last_stream);
	} else if (c->n_calls >= TTRPC_CALLS_MAX || c->calls_memory > TTRPC_CALLS_MEMORY_MAX) {
		c->last_stream = h->stream;
		refuse(c, TTRPC_RESOURCE_EXHAUSTED, "%zu calls of this connection wait already",
		       c->n_calls);
	} else {
		c->last_stream = h->stream;
		receive_request(c, data);
	}
}
