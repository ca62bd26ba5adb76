/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the publisher: a containerd that keeps what it has heard. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "proto/events.pb-c.h"
#include "proto/forward.pb-c.h"
#include "proto/ttrpc_server.h"
#include "shim/publisher.h"

/* A safety net: no test waits that long. */
enum { LONG_MS = 20000 };

typedef Containerd__Services__Events__Ttrpc__V1__Events_Service events_service;
typedef Containerd__Services__Events__Ttrpc__V1__ForwardRequest forward_request;

/* containerd, with what it has heard: "TOPIC PID\n" for each event. */
struct daemon {
	events_service service;
	struct scene *scene;
	ProtobufCService *services[2];
	struct ttrpc_server *server;
	bool holds; /* does not answer, but keeps the call */
	void *held;
	Google__Protobuf__Empty_Closure held_closure;
	const char *refuses; /* a topic */
};

struct scene {
	char folder[64], socket[96], program[96], record[96];
	struct loop loop;
	struct reaper *reaper;
	struct daemon daemon;
	struct publisher *publisher;
	struct str heard, logged;
	size_t n_heard;
	int empty;
	bool frees;
	struct error err;
};

static inline void answer(Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	Google__Protobuf__Empty nothing = GOOGLE__PROTOBUF__EMPTY__INIT;

	closure(&nothing, closure_data);
}

static inline void forward(events_service *service, const forward_request *input,
			   Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	struct daemon *daemon = (struct daemon *)(void *)service;
	const Containerd__Services__Events__Ttrpc__V1__Envelope *envelope = input->envelope;

	assert_non_null(envelope);
	assert_string_equal(envelope->namespace_, "testing");
	assert_string_equal(ttrpc_metadata(closure_data, "containerd-namespace-ttrpc"), "testing");
	assert_non_null(envelope->timestamp);
	assert_true(envelope->timestamp->seconds > time(NULL) - 1000);
	assert_string_equal(envelope->event->type_url, "containerd.events.TaskStart");
	Containerd__Events__TaskStart *event = containerd__events__task_start__unpack(
		NULL, envelope->event->value.len, envelope->event->value.data);
	assert_non_null(event);
	str_add_format(&daemon->scene->heard, "%s %u\n", envelope->topic, event->pid);
	daemon->scene->n_heard++;
	containerd__events__task_start__free_unpacked(event, NULL);
	if (daemon->refuses && str_equal(envelope->topic, daemon->refuses)) {
		ttrpc_fail(closure_data, TTRPC_INVALID_ARGUMENT, "no such topic");
	} else if (daemon->holds) {
		assert_null(daemon->held);
		daemon->held = closure_data;
		daemon->held_closure = closure;
	} else {
		answer(closure, closure_data);
	}
}

static inline void release(struct daemon *daemon)
{
	assert_non_null(daemon->held);
	answer(daemon->held_closure, move_ptr(&daemon->held));
}

static inline void start_daemon(struct scene *scene)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", scene->socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	scene->daemon.services[0] = &scene->daemon.service.base;
	scene->daemon.server =
		ttrpc_server_new(&scene->loop, fd, scene->daemon.services, &scene->err);
	if (!scene->daemon.server)
		fail_msg("%s", scene->err.text);
}

static inline void stop_daemon(struct scene *scene)
{
	ttrpc_server_free(scene->daemon.server);
	scene->daemon.server = NULL;
	scene->daemon.held = NULL;
	(void)unlink(scene->socket);
}

static inline void on_log(void *data, enum log_level level, const char *text)
{
	struct scene *scene = data;

	if (level <= LOG_WARNING)
		str_add_format(&scene->logged, "%s\n", text);
}

static inline int setup(void **state)
{
	static const events_service service = {
		CONTAINERD__SERVICES__EVENTS__TTRPC__V1__EVENTS__BASE_INIT, forward
	};
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	(void)snprintf(scene->folder, sizeof(scene->folder), "/tmp/rustbox-publisher-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	(void)snprintf(scene->socket, sizeof(scene->socket), "%s/s", scene->folder);
	(void)snprintf(scene->program, sizeof(scene->program), "%s/program", scene->folder);
	(void)snprintf(scene->record, sizeof(scene->record), "%s/record", scene->folder);
	assert_int_equal(loop_init(&scene->loop, &scene->err), 0);
	scene->reaper = reaper_new(&scene->loop, &scene->err);
	assert_non_null(scene->reaper);
	scene->daemon.service = service;
	scene->daemon.scene = scene;
	log_redirect(on_log, scene);
	*state = scene;
	return 0;
}

static inline int teardown(void **state)
{
	struct scene *scene = *state;

	log_redirect(NULL, NULL);
	publisher_free(scene->publisher);
	ttrpc_server_free(scene->daemon.server);
	reaper_free(scene->reaper);
	loop_done(&scene->loop);
	str_done(&scene->heard);
	str_done(&scene->logged);
	(void)unlink(scene->socket);
	(void)unlink(scene->program);
	(void)unlink(scene->record);
	int r = rmdir(scene->folder);
	free(scene);
	return r;
}

static inline void make_publisher(struct scene *scene, struct publisher_config config)
{
	config.namespace = "testing";
	scene->publisher = publisher_new(&scene->loop, scene->reaper, &config, &scene->err);
	if (!scene->publisher)
		fail_msg("%s", scene->err.text);
}

static inline void send_event(const struct scene *scene, const char *topic, uint32_t pid)
{
	Containerd__Events__TaskStart event = CONTAINERD__EVENTS__TASK_START__INIT;
	char id[] = "box";

	event.container_id = id;
	event.pid = pid;
	publisher_send(scene->publisher, topic, &event.base);
}

static inline void run_round(struct scene *scene, int timeout_ms)
{
	if (loop_run_once(&scene->loop, timeout_ms, &scene->err) < 0)
		fail_msg("%s", scene->err.text);
}

#define run_until(scene, condition)                                                                \
	do {                                                                                       \
		for (int round_ = 0; round_ < 10000 && !(condition); round_++)                     \
			run_round(scene, LONG_MS);                                                 \
		assert_true(condition);                                                            \
	} while (0)

static inline void on_empty(void *data)
{
	struct scene *scene = data;

	scene->empty++;
	if (scene->frees) {
		publisher_free(scene->publisher);
		scene->publisher = NULL;
	}
}

static inline void run_until_empty(struct scene *scene)
{
	int before = scene->empty;

	publisher_when_empty(scene->publisher, LONG_MS, on_empty, scene);
	run_until(scene, scene->empty > before);
	assert_int_equal(scene->empty, before + 1);
	assert_null(scene->loop.timers); /* nothing wakes us up while there is nothing to send */
}

static inline void assert_heard(const struct scene *scene, const char *text)
{
	assert_string_equal(scene->heard.text ? scene->heard.text : "", text);
}

static inline void assert_logged(const struct scene *scene, const char *words)
{
	if (!words ? scene->logged.size > 0
		   : !scene->logged.text || !strstr(scene->logged.text, words))
		fail_msg("\"%s\" in \"%s\"", words ? words : "", scene->logged.text);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
