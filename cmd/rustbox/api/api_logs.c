/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "cmd/rustbox/api/api_parts.h"
#include "cmd/rustbox/api/base64.h"
#include "cmd/rustbox/log/log_reader.h"

/* What fits into one answer; the last bytes count. */
enum { LOGS_SIZE_MAX = 8 * 1024 * 1024, CHUNK_SIZE = 32 * 1024 };

/* 1: there is more, of a log that grows as fast as we read or that is longer. */
static int read_all(struct log_reader *reader, struct str streams[LOG_STREAMS], struct error *err)
{
	struct log_chunk chunk;
	size_t size = 0;
	int found;

	while ((found = log_reader_next(reader, CHUNK_SIZE, &chunk, err)) > 0) {
		if (size + chunk.size > LOGS_SIZE_MAX)
			return 1;
		str_add_bytes(&streams[chunk.stream], chunk.data, chunk.size);
		size += chunk.size;
	}
	return found;
}

static int add_bytes(const struct api_call *call, const char *key, const struct str *bytes,
		     struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;

	base64_add(&text, bytes->text, bytes->size);
	if (bytes->failed || text.failed)
		return error_memory(err);
	return api_add_text(call, key, text.text ? text.text : "", err);
}

/* The last so many bytes, if the lines are more than that. */
static int read_end(struct log_reader *reader, int64_t tail, struct str streams[LOG_STREAMS],
		    struct error *err)
{
	if (tail >= 0) {
		if (log_reader_seek_lines(reader, (uint64_t)tail, err) < 0)
			return -1;
		int result = read_all(reader, streams, err);
		if (result <= 0)
			return result;
		for (int i = 0; i < LOG_STREAMS; i++)
			str_done(&streams[i]);
	}
	if (log_reader_seek_bytes(reader, NULL, LOGS_SIZE_MAX, err) < 0)
		return -1;
	return read_all(reader, streams, err) < 0 ? -1 : 0;
}

static int answer(const struct api_call *call, struct log_reader *reader, int64_t tail,
		  struct error *err)
{
	struct str streams[LOG_STREAMS] = { STR_EMPTY, STR_EMPTY };
	int result;

	result = read_end(reader, tail, streams, err);
	if (result == 0)
		result = add_bytes(call, "stdout", &streams[LOG_STDOUT], err);
	if (result == 0)
		result = add_bytes(call, "stderr", &streams[LOG_STDERR], err);
	for (int i = 0; i < LOG_STREAMS; i++)
		str_done(&streams[i]);
	return result;
}

static int check_tail(int64_t tail, struct error *err)
{
	return tail < -1 ? api_refuse(err, "%lld lines", (long long)tail) : 0;
}

int api_logs(const struct api_call *call, struct error *err)
{
	static const char *const known[] = { "id", "tail", NULL };
	cleanup_fd int directory = -1;
	struct log_reader *reader;
	struct record *record;
	const char *id;
	int64_t tail;
	int result;

	if (api_check_members(call, known, err) < 0 || api_text(call, "id", true, &id, err) < 0 ||
	    api_number(call, "tail", -1, &tail, err) < 0 || check_tail(tail, err) < 0 ||
	    store_find(call->store, id, call->arena, &record, err) < 0)
		return -1;
	cleanup_free char *path = store_path(call->store, "logs", record->id, NULL, err);
	if (!path)
		return -1;
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return error_set(err, errno, "open %s", path);
	reader = log_reader_new(directory, err);
	result = reader ? answer(call, reader, tail, err) : -1;
	log_reader_free(reader);
	return result;
}
