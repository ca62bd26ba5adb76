/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proto/ttrpc_client.h"
#include "proto/ttrpc_reader.h"
#include "proto/unpack.h"

enum { CHUNK_SIZE = 1024 };

struct ttrpc_sender {
	struct loop *loop;
	char *address;
	struct loop_watch watch; /* its descriptor is -1 while there is no connection */
	struct loop_timer timeout;
	struct ttrpc_reader reader;
	uint32_t next_stream, stream; /* stream: of the request under way */
	struct str out;
	size_t sent;
	void (*done)(void *data, enum ttrpc_sent result, const char *text); /* NULL: idle */
	void *data;
};

static void disconnect(struct ttrpc_sender *s)
{
	loop_remove(s->loop, &s->watch);
	fd_close(&s->watch.fd);
	ttrpc_reader_done(&s->reader);
	str_done(&s->out);
	s->sent = 0;
	s->next_stream = 1;
}

/* The last thing that a callback does: `done` may send again, or free the sender. */
static void finish(struct ttrpc_sender *s, enum ttrpc_sent result, const char *text)
{
	void (*done)(void *, enum ttrpc_sent, const char *) = move_ptr(&s->done);

	loop_cancel_timer(s->loop, &s->timeout);
	if (done)
		done(s->data, result, text);
}

static void lose(struct ttrpc_sender *s, const char *text)
{
	disconnect(s);
	finish(s, TTRPC_LOST, text);
}

static void timed_out(struct loop_timer *timer)
{
	lose(loop_owner(timer, struct ttrpc_sender, timeout), "no answer in time");
}

/* 0, or -1 with errno. What does not fit now is sent when the loop says so. */
static int send_rest(struct ttrpc_sender *s)
{
	while (s->sent < s->out.size) {
		ssize_t n = send(s->watch.fd, s->out.text + s->sent, s->out.size - s->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -1;
		if (n < 0)
			break;
		s->sent += (size_t)n;
	}
	if (s->sent == s->out.size) {
		str_done(&s->out);
		s->sent = 0;
	}
	loop_change(s->loop, &s->watch, (uint32_t)EPOLLIN | (s->out.size ? (uint32_t)EPOLLOUT : 0));
	return 0;
}

static void take_answer(struct ttrpc_sender *s, const uint8_t *data)
{
	struct error err = { 0 };
	Ttrpc__Response *response = (Ttrpc__Response *)unpack_message(
		&ttrpc__response__descriptor, s->reader.header.size, data, NULL, &err);
	enum ttrpc_sent result = TTRPC_SENT;

	if (!response)
		result = TTRPC_REFUSED; /* it has arrived, whatever they say of it */
	else if (response->status && response->status->code != TTRPC_OK) {
		result = TTRPC_REFUSED;
		(void)error_set(&err, 0, "%s", response->status->message);
	}
	if (response)
		ttrpc__response__free_unpacked(response, NULL);
	finish(s, result, err.text);
}

/*
 * Reads no more than one frame. True when the callback is over: the sender may
 * have been freed.
 */
static bool read_answer(struct ttrpc_sender *s)
{
	uint8_t chunk[CHUNK_SIZE];
	size_t wanted = ttrpc_reader_wants(&s->reader);
	ssize_t n =
		recv(s->watch.fd, chunk, wanted < CHUNK_SIZE ? wanted : CHUNK_SIZE, MSG_DONTWAIT);
	struct error err;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		lose(s, n < 0 ? strerror(errno) : "the connection was closed");
		return true;
	}
	const uint8_t *bytes = chunk, *data = NULL;
	size_t left = (size_t)n;
	int kind = ttrpc_reader_feed(&s->reader, &bytes, &left, &data, &err);
	if (kind == TTRPC_READ_MORE)
		return false;
	if (kind < 0) {
		lose(s, err.text);
		return true;
	}
	if (!s->done || s->reader.header.type != TTRPC_RESPONSE ||
	    s->reader.header.stream != s->stream)
		return false;
	if (kind == TTRPC_READ_TOO_LONG)
		lose(s, "the answer is too long");
	else
		take_answer(s, data);
	return true;
}

static void ready(struct loop_watch *watch, uint32_t events)
{
	struct ttrpc_sender *s = loop_owner(watch, struct ttrpc_sender, watch);

	if (events & EPOLLOUT && send_rest(s) < 0) {
		lose(s, strerror(errno));
		return;
	}
	if (!(events & ~(uint32_t)EPOLLOUT))
		return;
	for (int i = 0; i < 16; i++) /* a peer that talks without end has to let others in */
		if (read_answer(s))
			return;
}

static int connect_sender(struct ttrpc_sender *s, struct error *err)
{
	if (s->watch.fd >= 0)
		return 0;
	s->watch.fd = ttrpc_connect(s->address, true, err);
	if (s->watch.fd < 0)
		return -1;
	s->watch.events = EPOLLIN;
	if (loop_add(s->loop, &s->watch, err) < 0) {
		disconnect(s);
		return -1;
	}
	return 0;
}

struct ttrpc_sender *ttrpc_sender_new(struct loop *loop, const char *address, struct error *err)
{
	cleanup_free struct ttrpc_sender *s = calloc(1, sizeof(*s));

	if (!s || !(s->address = strdup(address))) {
		(void)error_memory(err);
		return NULL;
	}
	s->loop = loop;
	s->watch = (struct loop_watch){ .fd = -1, .ready = ready };
	s->timeout.fire = timed_out;
	s->next_stream = 1;
	return move_ptr(&s);
}

void ttrpc_sender_send(struct ttrpc_sender *s, const char *service, const char *method,
		       const ProtobufCMessage *request, const char *metadata_key,
		       const char *metadata_value, int timeout_ms,
		       void (*done)(void *data, enum ttrpc_sent result, const char *text),
		       void *data)
{
	struct error err;

	s->done = done;
	s->data = data;
	if (connect_sender(s, &err) < 0) {
		finish(s, TTRPC_LOST, err.text);
		return;
	}
	s->stream = s->next_stream;
	s->next_stream += 2;
	if (ttrpc_add_request(&s->out, s->stream, service, method, request,
			      timeout_ms > 0 ? timeout_ms * INT64_C(1000000) : 0, metadata_key,
			      metadata_value, &err) < 0) {
		/* One that is too long stays too long; memory may come back. */
		enum ttrpc_sent result = err.code == EMSGSIZE ? TTRPC_REFUSED : TTRPC_LOST;
		disconnect(s);
		finish(s, result, err.text);
		return;
	}
	if (timeout_ms >= 0)
		loop_set_timer(s->loop, &s->timeout, timeout_ms);
	if (send_rest(s) < 0)
		lose(s, strerror(errno));
}

void ttrpc_sender_free(struct ttrpc_sender *s)
{
	if (!s)
		return;
	loop_cancel_timer(s->loop, &s->timeout);
	disconnect(s);
	free(s->address);
	free(s);
}
