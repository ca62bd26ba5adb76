/* SPDX-License-Identifier: Apache-2.0 */
/* Events for the program itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proto/events.pb-c.h"
#include "shim/publisher.h"

static int heard, emptied;

static void on_event(void *data, const char *topic, const ProtobufCMessage *event)
{
	assert_ptr_equal(data, &heard);
	assert_string_equal(topic, "/tasks/oom");
	assert_ptr_equal(event->descriptor, &containerd__events__task_oom__descriptor);
	heard++;
}

static void on_empty(void *data)
{
	assert_ptr_equal(data, &emptied);
	emptied++;
}

static void events_go_to_the_sink_and_nowhere_else(void **state)
{
	Containerd__Events__TaskOOM event = CONTAINERD__EVENTS__TASK_OOM__INIT;
	const struct publisher_config config = {
		.namespace = "n",
		.ttrpc_address = "/there/is/none",
		.sink = on_event,
		.sink_data = &heard,
	};
	struct loop loop;
	struct error err;

	assert_int_equal(loop_init(&loop, &err), 0);
	struct publisher *publisher = publisher_new(&loop, NULL, &config, &err);
	assert_non_null(publisher);
	publisher_send(publisher, "/tasks/oom", &event.base);
	assert_int_equal(heard, 1); /* at once */
	publisher_when_empty(publisher, 1000, on_empty, &emptied);
	assert_int_equal(emptied, 1);
	publisher_free(publisher);
	assert_null(loop.timers);
	loop_done(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
		events_go_to_the_sink_and_nowhere_else) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
