/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

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

static void answer(Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	Google__Protobuf__Empty nothing = GOOGLE__PROTOBUF__EMPTY__INIT;

	closure(&nothing, closure_data);
}

static void forward(events_service *service, const forward_request *input,
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

static void release(struct daemon *daemon)
{
	assert_non_null(daemon->held);
	answer(daemon->held_closure, move_ptr(&daemon->held));
}

static void start_daemon(struct scene *scene)
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

static void stop_daemon(struct scene *scene)
{
	ttrpc_server_free(scene->daemon.server);
	scene->daemon.server = NULL;
	scene->daemon.held = NULL;
	(void)unlink(scene->socket);
}

static void on_log(void *data, enum log_level level, const char *text)
{
	struct scene *scene = data;

	if (level <= LOG_WARNING)
		str_add_format(&scene->logged, "%s\n", text);
}

static int setup(void **state)
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

static int teardown(void **state)
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

static void make_publisher(struct scene *scene, struct publisher_config config)
{
	config.namespace = "testing";
	scene->publisher = publisher_new(&scene->loop, scene->reaper, &config, &scene->err);
	if (!scene->publisher)
		fail_msg("%s", scene->err.text);
}

static void send_event(const struct scene *scene, const char *topic, uint32_t pid)
{
	Containerd__Events__TaskStart event = CONTAINERD__EVENTS__TASK_START__INIT;
	char id[] = "box";

	event.container_id = id;
	event.pid = pid;
	publisher_send(scene->publisher, topic, &event.base);
}

static void run_round(struct scene *scene, int timeout_ms)
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

static void on_empty(void *data)
{
	struct scene *scene = data;

	scene->empty++;
	if (scene->frees) {
		publisher_free(scene->publisher);
		scene->publisher = NULL;
	}
}

static void run_until_empty(struct scene *scene)
{
	int before = scene->empty;

	publisher_when_empty(scene->publisher, LONG_MS, on_empty, scene);
	run_until(scene, scene->empty > before);
	assert_int_equal(scene->empty, before + 1);
	assert_null(scene->loop.timers); /* nothing wakes us up while there is nothing to send */
}

static void assert_heard(const struct scene *scene, const char *text)
{
	assert_string_equal(scene->heard.text ? scene->heard.text : "", text);
}

static void assert_logged(const struct scene *scene, const char *words)
{
	if (!words ? scene->logged.size > 0
		   : !scene->logged.text || !strstr(scene->logged.text, words))
		fail_msg("\"%s\" in \"%s\"", words ? words : "", scene->logged.text);
}

/* ---- to a socket ---------------------------------------------------------------------------- */

static void events_arrive_in_order(void **state)
{
	struct scene *scene = *state;

	start_daemon(scene);
	make_publisher(scene, (struct publisher_config){ .ttrpc_address = scene->socket });
	send_event(scene, "/tasks/a", 1);
	send_event(scene, "/tasks/b", 2);
	send_event(scene, "/tasks/c", 3);
	run_until_empty(scene);
	assert_heard(scene, "/tasks/a 1\n/tasks/b 2\n/tasks/c 3\n");
	send_event(scene, "/tasks/d", 4);
	run_until_empty(scene);
	assert_heard(scene, "/tasks/a 1\n/tasks/b 2\n/tasks/c 3\n/tasks/d 4\n");
	assert_int_equal(ttrpc_server_connections(scene->daemon.server), 1);
	assert_logged(scene, NULL);
}

static void one_is_under_way_at_a_time(void **state)
{
	struct scene *scene = *state;

	start_daemon(scene);
	scene->daemon.holds = true;
	make_publisher(scene, (struct publisher_config){ .ttrpc_address = scene->socket });
	send_event(scene, "/a", 1);
	send_event(scene, "/b", 2);
	run_until(scene, scene->daemon.held);
	for (int i = 0; i < 5; i++)
		run_round(scene, 0);
	assert_heard(scene, "/a 1\n");
	scene->daemon.holds = false;
	release(&scene->daemon);
	run_until_empty(scene);
	assert_heard(scene, "/a 1\n/b 2\n");
}

static void what_is_refused_is_dropped(void **state)
{
	struct scene *scene = *state;

	start_daemon(scene);
	scene->daemon.refuses = "/bad";
	make_publisher(scene, (struct publisher_config){ .ttrpc_address = scene->socket });
	send_event(scene, "/bad", 1);
	send_event(scene, "/good", 2);
	run_until_empty(scene);
	assert_heard(scene, "/bad 1\n/good 2\n");
	assert_logged(scene, "event /bad is lost");
	assert_logged(scene, "no such topic");
}

static void events_wait_for_containerd(void **state)
{
	struct scene *scene = *state;

	make_publisher(scene,
		       (struct publisher_config){ .ttrpc_address = scene->socket, .retry_ms = 1 });
	send_event(scene, "/a", 1);
	send_event(scene, "/b", 2);
	run_until(scene, scene->logged.size > 0);
	assert_logged(scene, "takes no events");
	start_daemon(scene);
	send_event(scene, "/c", 3);
	run_until_empty(scene);
	assert_heard(scene, "/a 1\n/b 2\n/c 3\n");
}

static void a_restarted_containerd_gets_the_event_again(void **state)
{
	struct scene *scene = *state;

	start_daemon(scene);
	/* The second try is at once: this test would never end otherwise. */
	make_publisher(scene, (struct publisher_config){ .ttrpc_address = scene->socket,
							 .retry_ms = 10000000 });
	send_event(scene, "/a", 1);
	run_until_empty(scene);
	stop_daemon(scene);
	start_daemon(scene);
	send_event(scene, "/b", 2);
	run_until_empty(scene);
	scene->daemon.holds = true;
	send_event(scene, "/c", 3);
	send_event(scene, "/d", 4);
	run_until(scene, scene->daemon.held);
	stop_daemon(scene);
	scene->daemon.holds = false;
	start_daemon(scene);
	run_until_empty(scene);
	assert_heard(scene, "/a 1\n/b 2\n/c 3\n/c 3\n/d 4\n");
	assert_logged(scene, NULL);
}

static void old_events_are_dropped(void **state)
{
	struct scene *scene = *state;

	make_publisher(scene, (struct publisher_config){ .ttrpc_address = scene->socket,
							 .retry_ms = 1,
							 .keep_ms = 20 });
	send_event(scene, "/a", 1);
	send_event(scene, "/b", 2);
	run_until_empty(scene);
	assert_logged(scene, "event /a is lost");
	assert_logged(scene, "event /b is lost");
	start_daemon(scene);
	send_event(scene, "/c", 3);
	run_until_empty(scene);
	assert_heard(scene, "/c 3\n");
}

static void an_answer_that_does_not_come_is_a_loss(void **state)
{
	struct scene *scene = *state;

	start_daemon(scene);
	scene->daemon.holds = true;
	make_publisher(scene, (struct publisher_config){ .ttrpc_address = scene->socket,
							 .timeout_ms = 20 });
	send_event(scene, "/a", 1);
	run_until(scene, scene->daemon.held);
	scene->daemon.holds = false;
	run_until(scene, scene->n_heard >= 2);
	release(&scene->daemon); /* nobody hears it any more */
	run_until_empty(scene);
	assert_true(str_starts_with(scene->heard.text, "/a 1\n/a 1\n"));
}

static void waiting_for_empty_has_an_end(void **state)
{
	struct scene *scene = *state;

	make_publisher(scene, (struct publisher_config){ .ttrpc_address = scene->socket });
	publisher_when_empty(scene->publisher, LONG_MS, on_empty, scene);
	assert_int_equal(scene->empty, 1);
	send_event(scene, "/a", 1);
	publisher_when_empty(scene->publisher, 10, on_empty, scene);
	assert_int_equal(scene->empty, 1);
	run_until(scene, scene->empty == 2);
	scene->frees = true;
	publisher_when_empty(scene->publisher, 10, on_empty, scene);
	run_until(scene, scene->empty == 3);
	assert_null(scene->loop.timers);
}

static void the_callback_may_free_the_publisher(void **state)
{
	struct scene *scene = *state;

	start_daemon(scene);
	scene->frees = true;
	make_publisher(scene, (struct publisher_config){ .ttrpc_address = scene->socket });
	send_event(scene, "/a", 1);
	publisher_when_empty(scene->publisher, LONG_MS, on_empty, scene);
	run_until(scene, scene->empty == 1);
	assert_null(scene->publisher);
	assert_null(scene->loop.timers);
	assert_heard(scene, "/a 1\n");
}

static void events_may_go_nowhere(void **state)
{
	struct scene *scene = *state;

	make_publisher(scene, (struct publisher_config){ .ttrpc_address = "" });
	send_event(scene, "/a", 1);
	publisher_when_empty(scene->publisher, LONG_MS, on_empty, scene);
	assert_int_equal(scene->empty, 1);
	assert_null(scene->loop.timers);
}

/* ---- by the program ------------------------------------------------------------------------- */

static void make_program(const struct scene *scene, const char *text)
{
	FILE *file = fopen(scene->program, "we");

	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\ncd %s\n%s", scene->folder, text) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(scene->program, 0755), 0);
}

static const char *record(const struct scene *scene)
{
	static char text[1024];

	return fd_read_short(AT_FDCWD, scene->record, text, sizeof(text)) < 0 ? "-" : text;
}

static void the_program_gets_events_in_order(void **state)
{
	struct scene *scene = *state;

	/* An Any of a TaskStart with a pid of one byte, which is its last. */
	make_program(scene, "echo \"$*\" >>record\ntail -c 1 >>record\n");
	make_publisher(scene, (struct publisher_config){ .publish_binary = scene->program,
							 .grpc_address = "/x/c.sock" });
	send_event(scene, "/a", 'A');
	send_event(scene, "/b", 'B');
	run_until_empty(scene);
	assert_string_equal(record(scene),
			    "--address /x/c.sock publish --topic /a --namespace testing\n"
			    "A--address /x/c.sock publish --topic /b --namespace testing\nB");
	assert_logged(scene, NULL);
}

static void a_program_that_fails_is_run_again(void **state)
{
	struct scene *scene = *state;

	make_program(scene, "echo \"$3\" >>record\n[ $(wc -l <record) -ge 4 ]\n");
	make_publisher(scene, (struct publisher_config){ .publish_binary = scene->program,
							 .retry_ms = 1 });
	send_event(scene, "/a", 1);
	send_event(scene, "/b", 2);
	run_until_empty(scene);
	assert_string_equal(record(scene), "/a\n/a\n/a\n/a\n/b");
	assert_logged(scene, "ended with exit code 1");
}

static void a_program_that_hangs_is_killed(void **state)
{
	struct scene *scene = *state;

	make_program(scene, "[ -e record ] && exit 0\n: >record\nexec sleep 1000\n");
	make_publisher(scene, (struct publisher_config){ .publish_binary = scene->program,
							 .timeout_ms = 300,
							 .retry_ms = 1 });
	send_event(scene, "/a", 1);
	run_until_empty(scene);
}

static void a_program_that_is_missing(void **state)
{
	struct scene *scene = *state;

	make_publisher(scene, (struct publisher_config){ .publish_binary = scene->program,
							 .retry_ms = 1,
							 .keep_ms = 20 });
	send_event(scene, "/a", 1);
	run_until_empty(scene);
	assert_logged(scene, "event /a is lost");
	assert_logged(scene, scene->program);
}

static void a_running_program_ends_with_the_publisher(void **state)
{
	struct scene *scene = *state;

	make_program(scene, "exec sleep 1000\n");
	make_publisher(scene, (struct publisher_config){ .publish_binary = scene->program });
	send_event(scene, "/a", 1);
	publisher_free(scene->publisher);
	scene->publisher = NULL;
	assert_null(scene->loop.timers);
	run_round(scene, LONG_MS); /* the reaper takes its end */
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(events_arrive_in_order),
		test(one_is_under_way_at_a_time),
		test(what_is_refused_is_dropped),
		test(events_wait_for_containerd),
		test(a_restarted_containerd_gets_the_event_again),
		test(old_events_are_dropped),
		test(an_answer_that_does_not_come_is_a_loss),
		test(waiting_for_empty_has_an_end),
		test(the_callback_may_free_the_publisher),
		test(events_may_go_nowhere),
		test(the_program_gets_events_in_order),
		test(a_program_that_fails_is_run_again),
		test(a_program_that_hangs_is_killed),
		test(a_program_that_is_missing),
		test(a_running_program_ends_with_the_publisher),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
