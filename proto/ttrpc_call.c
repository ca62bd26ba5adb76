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
#include "base/str.h"
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

static void local_free(struct ttrpc_local *local)
{
	if (!local)
		return;
	str_done(&local->text);
	str_done(&local->response);
	free(local);
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
	local_free(call->local);
	free(call);
}

/* The answer is on its way, or dropped. */
static void call_finish(struct ttrpc_call *call)
{
	call->finished = true;
	if (call->local) /* its timer hands the answer over */
		loop_set_timer(call->server->loop, &call->deadline, 0);
	else if (!call->invoking)
		call_free(call);
}

static void call_cancel(struct ttrpc_call *call)
{
	call->finished = true;
	call->cancel(call->cancel_data);
	call_free(call);
}

/* ---- answers ---- */

static void local_answer(struct ttrpc_local *local, const ProtobufCMessage *response)
{
	size_t size = response ? protobuf_c_message_get_packed_size(response) : 0;
	cleanup_free uint8_t *bytes = malloc(size + 1);

	local->code = response && bytes ? TTRPC_OK : TTRPC_INTERNAL;
	if (local->code == TTRPC_OK)
		str_add_bytes(&local->response, bytes, protobuf_c_message_pack(response, bytes));
	else
		str_add(&local->text, response ? "out of memory" : "no answer");
}

static void local_fail(struct ttrpc_local *local, enum ttrpc_code code, const char *text)
{
	local->code = code;
	str_add(&local->text, text);
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
	else if (call->local)
		local_answer(call->local, response);
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
	if ((c || call->local) && vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (c)
		ttrpc_connection_fail(c, call->stream, code, text ? text : ttrpc_code_text(code));
	else if (call->local)
		local_fail(call->local, code, text ? text : ttrpc_code_text(code));
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
	if (!call->finished && !call->local && (!call->connection || call->timed_out))
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
		if (call->cancel && !call->finished)
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
	if (call->local)
		return;
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

/* ---- from within ---- */

static void hand_over(struct loop_timer *timer)
{
	struct ttrpc_call *call = loop_owner(timer, struct ttrpc_call, deadline);
	struct ttrpc_local *local = move_ptr(&call->local);
	ProtobufCMessage *response = NULL;
	const char *text = NULL;

	call_free(call);
	if (local->code == TTRPC_OK) {
		response = protobuf_c_message_unpack(local->output, NULL, local->response.size,
						     (const uint8_t *)local->response.text);
		if (!response)
			local_fail(local, TTRPC_INTERNAL, "out of memory");
	}
	if (!response && !local->text.text)
		text = ttrpc_code_text(local->code);
	else if (!response)
		text = local->text.text;
	local->done(local->data, local->code, text, response);
	input_cleanup(&response);
	local_free(local);
}

static ProtobufCMessage *copy_message(const ProtobufCMessage *message, struct error *err)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	cleanup_free uint8_t *bytes = malloc(size + 1);
	ProtobufCMessage *copy = NULL;

	if (bytes)
		copy = protobuf_c_message_unpack(message->descriptor, NULL,
						 protobuf_c_message_pack(message, bytes), bytes);
	if (!copy)
		(void)error_memory(err);
	return copy;
}

int ttrpc_call_local(struct ttrpc_server *server, ProtobufCService *service, const char *method,
		     const ProtobufCMessage *input, ttrpc_local_done *done, void *data,
		     struct error *err)
{
	const ProtobufCMethodDescriptor *descriptor =
		protobuf_c_service_descriptor_get_method_by_name(service->descriptor, method);
	struct ttrpc_call *call;

	if (!descriptor || descriptor->input != input->descriptor)
		return error_set(err, 0, "%s has no method %s for a %s", service->descriptor->name,
				 method, input->descriptor->name);
	__attribute__((cleanup(input_cleanup))) ProtobufCMessage *copy = copy_message(input, err);
	cleanup_free struct ttrpc_local *local = malloc(sizeof(*local));
	call = copy && local ? calloc(1, sizeof(*call)) : NULL;
	if (!call)
		return error_memory(err);
	*local = (struct ttrpc_local){ .done = done, .data = data, .output = descriptor->output };
	call->server = server;
	call->local = move_ptr(&local);
	call->input = move_ptr(&copy);
	call->deadline.fire = hand_over;
	link_call(call, &server->orphans);
	server->n_calls++;
	invoke(call, service, descriptor, 0);
	return 0;
}
