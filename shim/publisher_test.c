/* SPDX-License-Identifier: Apache-2.0 */
/* To containerd's socket. */
#include "shim/publisher_test.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
