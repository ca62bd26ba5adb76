/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/log/log_test.h"

static void test_order(void **state)
{
	struct fixture *f = *state;

	begin(f, 0, 1);
	add(f, LOG_STDOUT, "a\n");
	add(f, LOG_STDERR, "b\n");
	add(f, LOG_STDOUT, "c");
	reader(f);
	expect_rest(f, "1:a\n|2:b\n|1:c|");
	add(f, LOG_STDOUT, "d");
	expect_rest(f, "1:d|");
	expect_rest(f, "");
}

static void test_small_pieces(void **state)
{
	struct fixture *f = *state;
	struct log_chunk chunk;
	struct error err;

	begin(f, 0, 1);
	add(f, LOG_STDOUT, "abcdefg");
	add(f, LOG_STDERR, "xy");
	reader(f);
	assert_int_equal(log_reader_next(f->reader, 5, &chunk, &err), 1);
	assert_memory_equal(chunk.data, "abcde", 5);
	assert_int_equal(chunk.size, 5);
	expect_rest(f, "1:fg|2:xy|");
}

static void test_empty_folder(void **state)
{
	struct fixture *f = *state;

	reader(f);
	expect_rest(f, "");
	begin(f, 0, 1);
	expect_rest(f, "");
	add(f, LOG_STDOUT, "first");
	expect_rest(f, "1:first|");
}

static void test_rotation(void **state)
{
	struct fixture *f = *state;

	begin(f, 8, 3);
	reader(f);
	add(f, LOG_STDOUT, "11111");
	expect_rest(f, "1:11111|");
	add(f, LOG_STDOUT, "22222");
	add(f, LOG_STDERR, "e2");
	add(f, LOG_STDOUT, "33333");
	expect_rest(f, "1:22222|2:e2|1:33333|");
	assert_int_equal(faccessat(f->directory, "stdout.log.1", F_OK, 0), 0);
	assert_int_equal(faccessat(f->directory, "stderr.log.2", F_OK, 0), 0);
	add(f, LOG_STDOUT, "44444");
	assert_int_equal(faccessat(f->directory, "stdout.log.1", F_OK, 0), -1);
	assert_int_equal(faccessat(f->directory, "index.1", F_OK, 0), -1);
	expect_rest(f, "1:44444|");
	reader(f);
	expect_rest(f, "1:22222|2:e2|1:33333|1:44444|");
}

/* S24: an index of many small entries is rotated away as well. */
static void test_rotation_by_index(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	begin(f, 32 * 1024, 2);
	for (int i = 0; i < 10000; i++)
		add(f, LOG_STDOUT, "x");
	assert_int_equal(fstatat(f->directory, "index.2", &st, 0), 0);
	assert_in_range(st.st_size, 64 * 1024, 65 * 1024);
	assert_int_equal(fstatat(f->directory, "stdout.log", &st, 0), 0);
	assert_in_range(st.st_size, 1, 32 * 1024);
}

static void test_gap(void **state)
{
	struct fixture *f = *state;

	begin(f, 4, 2);
	reader(f);
	add(f, LOG_STDOUT, "1111");
	expect_rest(f, "1:1111|");
	for (int i = 2; i <= 6; i++)
		add(f, LOG_STDOUT, "xxxx");
	expect_rest(f, "gap of 12|1:xxxx|1:xxxx|");
	add(f, LOG_STDOUT, "7777");
	expect_rest(f, "1:7777|");
}

static void test_one_file(void **state)
{
	struct fixture *f = *state;

	begin(f, 4, 1);
	add(f, LOG_STDOUT, "1111");
	add(f, LOG_STDOUT, "2222");
	assert_int_equal(faccessat(f->directory, "stdout.log.1", F_OK, 0), -1);
	reader(f);
	expect_rest(f, "1:2222|");
}

/* What the writer's run has written. */
static void expect_run(struct fixture *f, const char *expected)
{
	struct error err;

	reader(f);
	assert_int_equal(log_reader_seek_place(f->reader, &f->writer.run_begin, &err), 0);
	expect_rest(f, expected);
}

static void test_runs(void **state)
{
	struct fixture *f = *state;

	begin(f, 0, 1);
	add(f, LOG_STDOUT, "one");
	assert_int_equal(f->writer.run, 1);
	begin(f, 0, 1);
	assert_int_equal(f->writer.run, 2);
	add(f, LOG_STDOUT, "two");
	expect_run(f, "1:two|");
	reader(f);
	expect_rest(f, "1:one|1:two|");
}

static void write_file(const struct fixture *f, const char *name, const void *data, size_t size)
{
	int fd = openat(f->directory, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	fd_close(&fd);
}

/* The writer died between an entry and its bytes; or within an entry. */
static void test_half_written(void **state)
{
	struct fixture *f = *state;
	const struct log_entry entry = { .time_ns = 1, .size = 5, .stream = LOG_STDOUT, .run = 1 };

	begin(f, 0, 1);
	add(f, LOG_STDOUT, "whole");
	log_writer_close(&f->writer);
	write_file(f, "index", &entry, sizeof(entry));
	write_file(f, "stdout.log", "ha", 2);
	write_file(f, "index", "xyz", 3);
	reader(f);
	expect_rest(f, "1:whole|1:ha|");
	begin(f, 0, 1);
	add(f, LOG_STDOUT, "next");
	reader(f);
	expect_rest(f, "1:whole|1:next|");
	begin(f, 0, 1);
	assert_int_equal(f->writer.run, 3);
}

/* The writer died in a rotation. */
static void test_half_rotated(void **state)
{
	struct fixture *f = *state;

	begin(f, 6, 3);
	add(f, LOG_STDOUT, "first");
	add(f, LOG_STDERR, "err");
	log_writer_close(&f->writer);
	assert_int_equal(renameat(f->directory, "stdout.log", f->directory, "stdout.log.1"), 0);
	reader(f);
	expect_rest(f, "1:first|2:err|");
	begin(f, 6, 3);
	add(f, LOG_STDOUT, "second");
	expect_rest(f, "1:second|");
	reader(f);
	expect_rest(f, "1:first|2:err|1:second|");
	log_writer_close(&f->writer);
	assert_int_equal(renameat(f->directory, "stdout.log", f->directory, "stdout.log.2"), 0);
	assert_int_equal(renameat(f->directory, "stderr.log", f->directory, "stderr.log.2"), 0);
	assert_int_equal(renameat(f->directory, "index", f->directory, "index.2"), 0);
	begin(f, 6, 3);
	add(f, LOG_STDOUT, "third");
	reader(f);
	expect_rest(f, "1:first|2:err|1:second|1:third|");
}

/* A run's number is never used again, though it has written nothing since the rotation. */
static void test_run_after_rotation(void **state)
{
	struct fixture *f = *state;

	begin(f, 0, 3);
	add(f, LOG_STDOUT, "first");
	begin(f, 0, 3);
	add(f, LOG_STDOUT, "second");
	log_writer_close(&f->writer);
	assert_int_equal(renameat(f->directory, "stdout.log", f->directory, "stdout.log.1"), 0);
	begin(f, 0, 3);
	assert_int_equal(f->writer.run, 3);
	begin(f, 0, 3);
	assert_int_equal(f->writer.run, 3);
}

/* Somebody has removed files; and a name that nobody comes to is none. */
static void test_missing_generations(void **state)
{
	struct fixture *f = *state;
	struct error err;

	begin(f, 5, 9);
	reader(f);
	add(f, LOG_STDOUT, "1111\n");
	expect_rest(f, "1:1111\n|");
	add(f, LOG_STDOUT, "2222\n");
	add(f, LOG_STDOUT, "3333\n");
	add(f, LOG_STDOUT, "4444\n");
	assert_int_equal(unlinkat(f->directory, "index.2", 0), 0);
	write_file(f, "index.4294967295", "x", 1);
	expect_rest(f, "gap of 5|1:3333\n|1:4444\n|");
	reader(f);
	assert_int_equal(log_reader_seek_lines(f->reader, 3, &err), 0);
	expect_rest(f, "1:1111\n|gap of 5|1:3333\n|1:4444\n|");
	expect_run(f, "1:1111\n|gap of 5|1:3333\n|1:4444\n|");
}

/* The number of a run goes round in a circle. */
static void test_many_runs(void **state)
{
	struct fixture *f = *state;

	begin(f, 0, 1);
	f->writer.run = UINT16_MAX;
	add(f, LOG_STDOUT, "before");
	begin(f, 0, 1);
	assert_int_equal(f->writer.run, 0);
	add(f, LOG_STDOUT, "after");
	expect_run(f, "1:after|");
}

/* An index that claims more than there is costs nothing but what is there. */
static void test_claimed_size(void **state)
{
	struct fixture *f = *state;
	const struct log_entry entry = {
		.time_ns = 1, .size = UINT32_MAX, .stream = LOG_STDOUT, .run = 1
	};
	struct error err;

	begin(f, 0, 1);
	add(f, LOG_STDOUT, "a\nb\n");
	log_writer_close(&f->writer);
	write_file(f, "index", &entry, sizeof(entry));
	write_file(f, "stdout.log", "c\nd\n", 4);
	reader(f);
	assert_int_equal(log_reader_seek_lines(f->reader, 3, &err), 0);
	expect_rest(f, "1:b\n|1:c\nd\n|");
}

static void expect_tail(struct fixture *f, uint64_t lines, const char *expected)
{
	struct error err;

	reader(f);
	if (log_reader_seek_lines(f->reader, lines, &err) < 0)
		fail_msg("%s", err.text);
	expect_rest(f, expected);
}

static void test_tail(void **state)
{
	struct fixture *f = *state;

	expect_tail(f, 5, "");
	begin(f, 12, 9);
	add(f, LOG_STDOUT, "1\n2\n3\n");
	add(f, LOG_STDERR, "4\n");
	add(f, LOG_STDOUT, "5\n6\n7");
	expect_tail(f, 0, "");
	expect_tail(f, 1, "1:7|");
	expect_tail(f, 2, "1:6\n7|");
	expect_tail(f, 3, "1:5\n6\n7|");
	expect_tail(f, 4, "2:4\n|1:5\n6\n7|");
	expect_tail(f, 5, "1:3\n|2:4\n|1:5\n6\n7|");
	expect_tail(f, 7, "1:1\n2\n3\n|2:4\n|1:5\n6\n7|");
	expect_tail(f, 70, "1:1\n2\n3\n|2:4\n|1:5\n6\n7|");
	add(f, LOG_STDOUT, "!\n");
	expect_tail(f, 1, "1:7|1:!\n|");
	expect_tail(f, 2, "1:6\n7|1:!\n|");
	add(f, LOG_STDOUT, "next file\n");
	expect_tail(f, 1, "1:next file\n|");
	expect_tail(f, 2, "1:7|1:!\n|1:next file\n|");
}

static void test_seek(void **state)
{
	struct fixture *f = *state;
	struct log_chunk chunk;
	struct error err;

	begin(f, 6, 9);
	add(f, LOG_STDOUT, "old");
	usleep(2000);
	add(f, LOG_STDERR, "new");
	reader(f);
	assert_int_equal(log_reader_seek_end(f->reader, &err), 0);
	expect_rest(f, "");
	add(f, LOG_STDOUT, "newest");
	expect_rest(f, "1:newest|");
	reader(f);
	assert_int_equal(log_reader_next(f->reader, 10, &chunk, &err), 1);
	assert_int_equal(log_reader_next(f->reader, 10, &chunk, &err), 1);
	uint64_t time_ns = chunk.time_ns;
	reader(f);
	assert_int_equal(log_reader_seek_time(f->reader, time_ns, &err), 0);
	expect_rest(f, "2:new|1:newest|");
	reader(f);
	assert_int_equal(log_reader_seek_time(f->reader, time_ns + (1ull << 40), &err), 0);
	expect_rest(f, "");
	reader(f);
	assert_int_equal(log_reader_seek_bytes(f->reader, NULL, 8, &err), 0);
	expect_rest(f, "2:ew|1:newest|");
}

static void expect_recent_to_end(struct fixture *f, uint64_t bytes, const char *expected)
{
	struct log_place end;
	struct error err;

	assert_true(log_writer_place(&f->writer, &end));
	reader(f);
	assert_int_equal(log_reader_seek_bytes(f->reader, &end, bytes, &err), 0);
	expect_rest(f, expected);
}

static void expect_recent(struct fixture *f, uint64_t bytes, const char *expected)
{
	struct error err;

	expect_recent_to_end(f, bytes, expected);
	reader(f);
	assert_int_equal(log_reader_seek_bytes(f->reader, NULL, bytes, &err), 0);
	expect_rest(f, expected);
}

/* Places of the writer are the same that reading finds, before and after rotations. */
static void test_places(void **state)
{
	struct fixture *f = *state;
	struct log_place end;
	struct error err;

	begin(f, 6, 3);
	expect_run(f, "");
	expect_recent(f, 5, "");
	add(f, LOG_STDOUT, "abc");
	add(f, LOG_STDERR, "def");
	expect_recent(f, 0, "");
	expect_recent(f, 3, "2:def|");
	expect_recent(f, 4, "1:c|2:def|");
	expect_recent(f, 7, "1:abc|2:def|");
	begin(f, 6, 3);
	expect_run(f, "");
	assert_true(log_writer_place(&f->writer, &end));
	reader(f);
	assert_int_equal(log_reader_seek_place(f->reader, &end, &err), 0);
	add(f, LOG_STDOUT, "ghi");
	add(f, LOG_STDOUT, "jkl");
	expect_rest(f, "1:ghi|1:jkl|");
	expect_recent(f, 2, "1:kl|");
	expect_recent(f, 7, "2:f|1:ghi|1:jkl|");
	expect_run(f, "1:ghi|1:jkl|");
	add(f, LOG_STDOUT, "mnopqr");
	expect_run(f, "1:ghi|1:jkl|1:mnopqr|");
	/* The place where it began is gone. */
	add(f, LOG_STDOUT, "stuvwx");
	expect_run(f, "1:jkl|1:mnopqr|1:stuvwx|");
	reader(f);
	assert_int_equal(log_reader_seek_place(f->reader, &end, &err), 0);
	expect_rest(f, "1:jkl|1:mnopqr|1:stuvwx|");
	log_writer_close(&f->writer);
	assert_false(log_writer_place(&f->writer, &end));
}

/* More entries than are read at once; every hundredth ends a line. */
static void test_long_index(void **state)
{
	enum { ENTRIES = 10000 };
	struct fixture *f = *state;
	struct log_place end, found;
	struct error err;

	begin(f, 0, 1);
	for (int i = 0; i < ENTRIES; i++)
		add(f, i % 3 ? LOG_STDOUT : LOG_STDERR, i % 100 ? "xx" : "x\n");
	reader(f);
	assert_int_equal(log_reader_seek_end(f->reader, &err), 0);
	add(f, LOG_STDOUT, "end");
	expect_rest(f, "1:end|");
	assert_true(log_writer_place(&f->writer, &end));
	for (int i = 0; i < 2; i++) {
		struct log_chunk chunk;
		uint64_t bytes = 0;

		reader(f);
		assert_int_equal(log_reader_seek_bytes(f->reader, i ? &end : NULL, 17001, &err), 0);
		while (log_reader_next(f->reader, 1000, &chunk, &err) > 0)
			bytes += chunk.size;
		assert_int_equal(bytes, 17001);
		reader(f);
		assert_int_equal(log_reader_seek_lines(f->reader, 91, &err), 0);
		for (bytes = 0; log_reader_next(f->reader, 1000, &chunk, &err) > 0;)
			bytes += chunk.size;
		assert_int_equal(bytes, 2 * (ENTRIES - 901) + 3);
	}
	assert_true(log_writer_place(&f->writer, &found));
	assert_memory_equal(&end, &found, sizeof(end));
}

static void overwrite(const struct fixture *f, const char *name, const void *data, size_t size,
		      size_t at)
{
	cleanup_fd int fd = openat(f->directory, name, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, size, (off_t)at), size);
}

/* Just after a rotation, too, one goes back from the end: an index may be long. */
static void test_recent_of_rotated(void **state)
{
	const struct log_entry garbage = { .stream = LOG_STREAMS },
			       endless = { .size = UINT32_MAX };
	struct fixture *f = *state;

	begin(f, 8, 3);
	add(f, LOG_STDOUT, "abc");
	add(f, LOG_STDERR, "12345");
	add(f, LOG_STDOUT, "defgh");
	add(f, LOG_STDOUT, "new");
	overwrite(f, "index.1", &garbage, sizeof(garbage), sizeof(struct log_head));
	expect_recent_to_end(f, 10, "2:45|1:defgh|1:new|");
	/* Not into what is no entry, nor into bytes that are not there. */
	expect_recent_to_end(f, 100, "2:12345|1:defgh|1:new|");
	overwrite(f, "index.1", &endless, sizeof(endless), sizeof(struct log_head));
	expect_recent_to_end(f, 100, "2:12345|1:defgh|1:new|");
}

static void test_watch(void **state)
{
	struct fixture *f = *state;
	struct error err;
	char byte[1];

	begin(f, 0, 1);
	reader(f);
	int fd = log_reader_watch(f->reader, &err);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, byte, sizeof(byte)), -1);
	add(f, LOG_STDOUT, "x");
	assert_int_equal(read(fd, byte, 0), -1); /* EINVAL: there is something that does not fit */
	log_reader_acknowledge(f->reader);
	expect_rest(f, "1:x|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation_by_index, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_rotated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run_after_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_generations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_claimed_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seek, setup, teardown),
		cmocka_unit_test_setup_teardown(test_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_index, setup, teardown),
		cmocka_unit_test_setup_teardown(test_recent_of_rotated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
