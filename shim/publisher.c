/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/publisher.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proto/forward.pb-c.h"
#include "shim/publisher_program.h"
#include "shim/timestamp.h"

#define EVENTS_SERVICE "containerd.services.events.ttrpc.v1.Events"
#define NAMESPACE_KEY  "containerd-namespace-ttrpc"

enum { TIMEOUT_MS = 5000, RETRY_MS = 1000, KEEP_MS = 60000 };

struct event {
	struct event *next;
	const char *type; /* the message's, which is static */
	struct timespec when;
	int64_t since_ms;
	size_t size; /* of the packed message; the topic's text follows it */
	uint8_t bytes[];
};

struct publisher {
	struct loop *loop;
	void (*sink)(void *data, const char *topic, const ProtobufCMessage *event);
	void *sink_data;
	struct ttrpc_sender *sender; /* without sink: either this, or program, or neither */
	struct publisher_program *program;
	char *namespace, *path, *address;
	int timeout_ms, retry_ms, keep_ms;
	struct event *head, **tail;
	bool under_way;	       /* the head */
	unsigned int failures; /* since the last answer */
	/*
	 * When the head is to be sent (again). A sender's callback only sets it,
	 * so that nothing is ever sent, or freed, from within the sender.
	 */
	struct loop_timer next;
	struct loop_timer patience;
	void (*empty)(void *data);
	void *empty_data;
};

/* ---- the queue ------------------------------------------------------------------------------ */

static char *topic_of(struct event *event)
{
	return (char *)event->bytes + event->size;
}

static struct event *make_event(const char *topic, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message), n = strlen(topic) + 1;
	struct event *event = malloc(sizeof(*event) + size + n);

	if (!event)
		return NULL;
	*event = (struct event){ .type = message->descriptor->name,
				 .since_ms = clock_now_ms(),
				 .size = size };
	(void)clock_gettime(CLOCK_REALTIME, &event->when);
	(void)protobuf_c_message_pack(message, event->bytes);
	memcpy(topic_of(event), topic, n);
	return event;
}

static void drop_head(struct publisher *p)
{
	struct event *event = p->head;

	p->head = event->next;
	if (!p->head)
		p->tail = &p->head;
	free(event);
}

/* They go out in order, so that those behind a head that cannot be sent cannot be, either. */
static void drop_old(struct publisher *p, const char *why)
{
	int64_t oldest = clock_now_ms() - p->keep_ms;

	while (p->head && p->head->since_ms <= oldest) {
		log_warning("event %s is lost, containerd has not taken it for %d s: %s",
			    topic_of(p->head), p->keep_ms / 1000, why);
		drop_head(p);
	}
}

/* ---- sending -------------------------------------------------------------------------------- */

static void on_done(void *data, enum ttrpc_sent result, const char *text);

static void send_head(struct publisher *p)
{
	struct event *event = p->head;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	Google__Protobuf__Timestamp when = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Containerd__Services__Events__Ttrpc__V1__Envelope envelope =
		CONTAINERD__SERVICES__EVENTS__TTRPC__V1__ENVELOPE__INIT;
	Containerd__Services__Events__Ttrpc__V1__ForwardRequest request =
		CONTAINERD__SERVICES__EVENTS__TTRPC__V1__FORWARD_REQUEST__INIT;

	any.type_url = (char *)(uintptr_t)event->type; /* only read */
	any.value = (ProtobufCBinaryData){ event->size, event->bytes };
	p->under_way = true;
	if (p->program) {
		publisher_program_run(p->program, topic_of(event), &any, p->timeout_ms, on_done, p);
		return;
	}
	timestamp_fill(&when, &event->when);
	envelope.timestamp = &when;
	envelope.namespace_ = p->namespace;
	envelope.topic = topic_of(event);
	envelope.event = &any;
	request.envelope = &envelope;
	ttrpc_sender_send(p->sender, EVENTS_SERVICE, "Forward", &request.base, NAMESPACE_KEY,
			  p->namespace, p->timeout_ms, on_done, p);
}

/* How long to wait before the head is tried again. */
static int keep_head(struct publisher *p, const char *why)
{
	const char *topic = topic_of(p->head);

	if (p->failures < UINT32_MAX)
		p->failures++;
	if (p->failures == 1)
		log_debug("event %s was not sent, and is sent again: %s", topic, why);
	if (p->failures == 2)
		log_warning("containerd takes no events, they are kept for %d s: %s",
			    p->keep_ms / 1000, why);
	drop_old(p, why);
	return p->failures == 1 ? 0 : p->retry_ms;
}

static void on_done(void *data, enum ttrpc_sent result, const char *text)
{
	struct publisher *p = data;
	int wait_ms = 0;

	p->under_way = false;
	if (result == TTRPC_LOST) {
		wait_ms = keep_head(p, text ? text : "unknown reason");
	} else {
		if (result == TTRPC_REFUSED)
			log_warning("event %s is lost, containerd refuses it: %s",
				    topic_of(p->head), text ? text : "unknown reason");
		drop_head(p);
		p->failures = 0;
	}
	if (p->head || p->empty)
		loop_set_timer(p->loop, &p->next, p->head ? wait_ms : 0);
}

/* The callback may free the publisher. */
static void call_empty(struct publisher *p)
{
	void (*empty)(void *) = move_ptr(&p->empty);

	loop_cancel_timer(p->loop, &p->patience);
	if (empty)
		empty(p->empty_data);
}

static void on_next(struct loop_timer *timer)
{
	struct publisher *p = loop_owner(timer, struct publisher, next);

	if (p->head)
		send_head(p);
	else
		call_empty(p);
}

static void on_patience_over(struct loop_timer *timer)
{
	call_empty(loop_owner(timer, struct publisher, patience));
}

/* ---- for others ----------------------------------------------------------------------------- */

static bool is_given(const char *text)
{
	return text && *text;
}

static char *copy(const char *text)
{
	return strdup(text ? text : "");
}

/* What events go by; nothing, where neither is given. */
static int open_way(struct publisher *p, struct reaper *reaper,
		    const struct publisher_config *config, struct error *err)
{
	p->sink = config->sink;
	p->sink_data = config->sink_data;
	if (p->sink)
		return 0;
	if (is_given(config->ttrpc_address)) {
		p->sender = ttrpc_sender_new(p->loop, config->ttrpc_address, err);
		return p->sender ? 0 : -1;
	}
	if (!is_given(config->publish_binary))
		return 0;
	p->path = copy(config->publish_binary);
	p->address = copy(config->grpc_address);
	if (!p->path || !p->address)
		return error_memory(err);
	p->program = publisher_program_new(p->loop, reaper, p->path, p->address, p->namespace, err);
	return p->program ? 0 : -1;
}

struct publisher *publisher_new(struct loop *loop, struct reaper *reaper,
				const struct publisher_config *config, struct error *err)
{
	struct publisher *p = calloc(1, sizeof(*p));

	if (!p) {
		error_memory(err);
		return NULL;
	}
	*p = (struct publisher){
		.loop = loop,
		.namespace = copy(config->namespace),
		.timeout_ms = config->timeout_ms ? config->timeout_ms : TIMEOUT_MS,
		.retry_ms = config->retry_ms ? config->retry_ms : RETRY_MS,
		.keep_ms = config->keep_ms ? config->keep_ms : KEEP_MS,
		.tail = &p->head,
		.next.fire = on_next,
		.patience.fire = on_patience_over,
	};
	if (!p->namespace)
		error_memory(err);
	if (!p->namespace || open_way(p, reaper, config, err) < 0) {
		publisher_free(p);
		return NULL;
	}
	return p;
}

void publisher_send(struct publisher *p, const char *topic, const ProtobufCMessage *event)
{
	if (p->sink)
		p->sink(p->sink_data, topic, event);
	if (!p->sender && !p->program)
		return;
	struct event *queued = make_event(topic, event);
	if (!queued) {
		log_error("event %s is lost: out of memory", topic);
		return;
	}
	*p->tail = queued;
	p->tail = &queued->next;
	if (!p->under_way && !p->next.set)
		send_head(p);
}

void publisher_when_empty(struct publisher *p, int timeout_ms, void (*empty)(void *data),
			  void *data)
{
	if (!p->head) {
		empty(data);
		return;
	}
	p->empty = empty;
	p->empty_data = data;
	loop_set_timer(p->loop, &p->patience, timeout_ms);
}

void publisher_free(struct publisher *p)
{
	if (!p)
		return;
	ttrpc_sender_free(p->sender);
	publisher_program_free(p->program);
	loop_cancel_timer(p->loop, &p->next);
	loop_cancel_timer(p->loop, &p->patience);
	while (p->head)
		drop_head(p);
	free(p->namespace);
	free(p->path);
	free(p->address);
	free(p);
}
