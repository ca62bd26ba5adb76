/* SPDX-License-Identifier: Apache-2.0 */
/* By containerd's program, which is a shell script here. */
#include "shim/publisher_test.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_program_gets_events_in_order),
		test(a_program_that_fails_is_run_again),
		test(a_program_that_hangs_is_killed),
		test(a_program_that_is_missing),
		test(a_running_program_ends_with_the_publisher),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
