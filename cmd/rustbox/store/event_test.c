/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
#include "cmd/rustbox/store/store_test.h"

#include <poll.h>
#include <sys/wait.h>

#include "base/process.h"
#include "cmd/rustbox/store/event.h"

static char type[] = "container", action[] = "start", key[] = "exitCode", value[] = "3";

static void write_one(struct test_store *t, const char *id)
{
	struct error err;

	event_write(&t->store, &(struct event){ .type = type,
						.action = action,
						.id = arena_strdup(&t->arena, id, &err) });
}

static void what_is_written_is_read(void **state)
{
	static char label[] = "tier", back[] = "back";
	struct test_store *t = *state;
	struct record *web = test_container(t, "web", RECORD_CREATED);
	struct json_pair labels[] = { { label, back } };
	struct event_reader reader;
	struct event event;
	struct error err;

	assert_ok(event_reader_open(&t->store, &reader, &err));
	assert_int_equal(event_reader_next(&reader, &t->arena, &event, &err), 0);
	web->labels = labels;
	web->n_labels = 1;
	event_of_container(&t->store, web, "die", key, value);
	assert_int_equal(event_reader_next(&reader, &t->arena, &event, &err), 1);
	assert_string_equal(event.type, "container");
	assert_string_equal(event.action, "die");
	assert_string_equal(event.id, web->id);
	assert_string_equal(event.name, "web");
	assert_int_equal(event.n_attributes, 2);
	assert_string_equal(event.attributes[0].value, "3");
	assert_string_equal(event.attributes[1].key, "tier");
	assert_int_equal(event_reader_next(&reader, &t->arena, &event, &err), 0);
	/* Half a line: more of it may come. What is no event is passed over. */
	cleanup_fd int fd = openat(t->store.run_fd, EVENT_FILE, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_ok(fd_write_all(fd, "events", "{\"time\":\"t\",", 12, &err));
	assert_int_equal(event_reader_next(&reader, &t->arena, &event, &err), 0);
	assert_ok(fd_write_all(fd, "events", "\"type\":\"x\",\"action\":\"y\"}\nrubbish\n\n", 34,
			       &err));
	assert_int_equal(event_reader_next(&reader, &t->arena, &event, &err), 1);
	assert_string_equal(event.action, "y");
	assert_int_equal(event_reader_next(&reader, &t->arena, &event, &err), 0);
	event_reader_close(&reader);
}

/* Makes the file so long that the next event is its last. */
static void fill_file(struct test_store *t)
{
	cleanup_fd int fd =
		openat(t->store.run_fd, EVENT_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	/* One long line of NUL bytes, longer than any event may be. */
	assert_int_equal(ftruncate(fd, EVENT_FILE_SIZE - 1), 0);
	assert_int_equal(pwrite(fd, "\n", 1, EVENT_FILE_SIZE - 2), 1);
}

static void reading_goes_on_across_files(void **state)
{
	struct test_store *t = *state;
	struct event_reader early, late;
	struct event event;
	struct error err;

	assert_ok(event_reader_open(&t->store, &early, &err));
	write_one(t, "a");
	assert_int_equal(event_reader_next(&early, &t->arena, &event, &err), 1);
	assert_string_equal(event.id, "a");
	fill_file(t);
	write_one(t, "b");
	assert_true(test_exists(t, "run", EVENT_FILE_OLD));
	assert_false(test_exists(t, "run", EVENT_FILE));
	write_one(t, "c");
	assert_int_equal(event_reader_next(&early, &t->arena, &event, &err), 1);
	assert_string_equal(event.id, "b");
	assert_int_equal(event_reader_next(&early, &t->arena, &event, &err), 1);
	assert_string_equal(event.id, "c");
	assert_int_equal(event_reader_next(&early, &t->arena, &event, &err), 0);
	/* Who comes later begins with the older file. */
	assert_ok(event_reader_open(&t->store, &late, &err));
	assert_int_equal(event_reader_next(&late, &t->arena, &event, &err), 1);
	assert_string_equal(event.id, "a");
	assert_int_equal(event_reader_next(&late, &t->arena, &event, &err), 1);
	assert_string_equal(event.id, "b");
	/* Twice more, while nobody reads: what is in the two files is not missed. */
	fill_file(t);
	write_one(t, "d");
	fill_file(t);
	write_one(t, "e");
	write_one(t, "f");
	assert_int_equal(event_reader_next(&early, &t->arena, &event, &err), 1);
	assert_string_equal(event.id, "d");
	assert_int_equal(event_reader_next(&early, &t->arena, &event, &err), 1);
	assert_string_equal(event.id, "e");
	assert_int_equal(event_reader_next(&early, &t->arena, &event, &err), 1);
	assert_string_equal(event.id, "f");
	assert_int_equal(event_reader_next(&early, &t->arena, &event, &err), 0);
	event_reader_close(&early);
	event_reader_close(&late);
}

static void a_reader_is_woken(void **state)
{
	struct test_store *t = *state;
	struct event_reader reader;
	struct event event;
	struct error err;

	assert_ok(event_reader_open(&t->store, &reader, &err));
	struct pollfd p = { .fd = event_reader_watch(&reader, &err), .events = POLLIN };
	assert_true(p.fd >= 0);
	assert_int_equal(event_reader_next(&reader, &t->arena, &event, &err), 0);
	for (int i = 0; i < 3; i++) {
		write_one(t, "x");
		assert_int_equal(poll(&p, 1, 30000), 1);
		event_reader_acknowledge(&reader);
		assert_int_equal(event_reader_next(&reader, &t->arena, &event, &err), 1);
	}
	event_reader_close(&reader);
}

enum { WRITERS = 8, EACH = 400 };

/* Lines are whole, and none is lost when files change under the writers. */
static void many_write_at_once(void **state)
{
	struct test_store *t = *state;
	struct event_reader reader;
	struct event event;
	struct error err;
	pid_t children[WRITERS];
	int seen = 0, rotated = 0, status, rc;
	char id[16];

	assert_ok(event_reader_open(&t->store, &reader, &err));
	for (int i = 0; i < WRITERS; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		(void)snprintf(id, sizeof(id), "w%d", i);
		for (int n = 0; n < EACH; n++)
			write_one(t, id);
		_exit(0);
	}
	while (seen < WRITERS * EACH) {
		rc = event_reader_next(&reader, &t->arena, &event, &err);
		assert_true(rc >= 0);
		seen += rc;
		if (rotated == 0 && seen > WRITERS * EACH / 2) {
			fill_file(t);
			rotated = 1;
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(process_wait(children[i], &status), 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(event_reader_next(&reader, &t->arena, &event, &err), 0);
	event_reader_close(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(what_is_written_is_read),
		store_test(reading_goes_on_across_files),
		store_test(a_reader_is_woken),
		store_test(many_write_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
