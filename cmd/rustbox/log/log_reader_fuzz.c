/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of logs of any content: reading ends, gives no byte that is not in
 * a file, and a writer that goes on there is read.
 *
 * The input is a row of pieces: one byte for the file's name, one for how many
 * bytes of it follow.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/fd.h"
#include "cmd/rustbox/log/log_reader.h"
#include "cmd/rustbox/log/log_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAMES = 17 };
static const char *const names[NAMES] = {
	"index",
	"stdout.log",
	"stderr.log",
	"index.1",
	"stdout.log.1",
	"stderr.log.1",
	"index.2",
	"stdout.log.2",
	"stderr.log.2",
	"index.3",
	"stdout.log.3",
	"index.1000000000",
	"stdout.log.1000000000",
	"stderr.log.1000000000",
	"index.4294967295",
	"index.0",
	"index.x",
};

static void expect(bool truth)
{
	if (!truth)
		abort();
}

static char path[] = "/dev/shm/log_reader_fuzz.XXXXXX";
static int folder = -1;

/* What a writer has made in it, too. */
static void empty_folder(void)
{
	DIR *list = opendir(path);
	const struct dirent *entry;

	expect(list);
	while ((entry = readdir(list)))
		(void)unlinkat(folder, entry->d_name, 0);
	(void)closedir(list);
}

static void remove_folder(void)
{
	empty_folder();
	(void)rmdir(path);
}

static void open_folder(void)
{
	expect(mkdtemp(path) && atexit(remove_folder) == 0);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect(folder >= 0);
}

static uint64_t fill_folder(const uint8_t *data, size_t size)
{
	uint64_t total = 0;

	while (size >= 2) {
		const char *name = names[data[0] % NAMES];
		size_t n = data[1] < size - 2 ? data[1] : size - 2;
		cleanup_fd int fd =
			openat(folder, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		expect(fd >= 0 && write(fd, data + 2, n) == (ssize_t)n);
		data += 2 + n;
		size -= 2 + n;
		total += n;
	}
	return total;
}

/* To the end; the last byte that was read, -1: none. */
static int read_all(struct log_reader *reader, uint64_t total)
{
	struct log_chunk chunk;
	uint64_t got = 0;
	struct error err;
	int last = -1;

	while (log_reader_next(reader, 7, &chunk, &err) > 0) {
		expect(chunk.size > 0 && chunk.size <= 7 && chunk.stream < LOG_STREAMS);
		last = (unsigned char)chunk.data[chunk.size - 1];
		got += chunk.size;
		/* The present generation's files may be those of a rotated one, too. */
		expect(got <= 2 * total);
	}
	return last;
}

enum seek { SEEK_NOT, SEEK_TO_END, SEEK_TIME, SEEK_LINES, SEEK_BYTES, SEEKS };

static int seek(struct log_reader *reader, enum seek how, uint64_t value)
{
	struct error err;

	switch (how) {
	case SEEK_TO_END:
		return log_reader_seek_end(reader, &err);
	case SEEK_TIME:
		return log_reader_seek_time(reader, value, &err);
	case SEEK_LINES:
		return log_reader_seek_lines(reader, value, &err);
	case SEEK_BYTES:
		return log_reader_seek_bytes(reader, NULL, value, &err);
	default:
		return 0;
	}
}

static int read_folder(enum seek how, uint64_t value, uint64_t total)
{
	struct error err;
	struct log_reader *reader = log_reader_new(folder, &err);
	int last;

	expect(reader);
	(void)seek(reader, how, value);
	last = read_all(reader, total);
	log_reader_free(reader);
	return last;
}

static int read_from(const struct log_writer *writer, const struct log_place *place, uint64_t total)
{
	struct error err;
	struct log_reader *reader = log_reader_new(folder, &err);
	struct log_place end;
	int last;

	expect(reader && log_writer_place(writer, &end));
	(void)log_reader_seek_bytes(reader, &end, 3, &err);
	(void)read_all(reader, total);
	expect(log_reader_seek_place(reader, place, &err) == 0);
	last = read_all(reader, total);
	log_reader_free(reader);
	return last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log_writer writer;
	struct error err;
	uint64_t total;

	if (folder < 0)
		open_folder();
	if (size < 2)
		return 0;
	empty_folder();
	total = fill_folder(data + 2, size - 2);
	for (enum seek how = SEEK_NOT; how < SEEKS; how++)
		(void)read_folder(how, data[0], total);
	if (log_writer_open(&writer, folder, data[1], 3, &err) == 0) {
		expect(log_writer_append(&writer, LOG_STDOUT, "!", 1, &err) == 0);
		expect(read_folder(SEEK_NOT, 0, total + 1) == '!');
		expect(read_folder(SEEK_LINES, 1, total + 1) == '!');
		expect(read_from(&writer, &writer.run_begin, total + 1) == '!');
		log_writer_close(&writer);
	}
	return 0;
}
