/* SPDX-License-Identifier: Apache-2.0 */
/* A log folder of their own for the tests of this folder, its writer and a reader. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/log/log_reader.h"
#include "cmd/rustbox/log/log_writer.h"

struct fixture {
	char path[64];
	int directory;
	struct log_writer writer;
	struct log_reader *reader;
};

static inline int setup(void **state)
{
	static const struct fixture fresh = { .path = "/tmp/log_test.XXXXXX" };
	struct fixture *f = malloc(sizeof(*f));

	*f = fresh;
	if (!mkdtemp(f->path))
		return -1;
	f->directory = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->writer = (struct log_writer){ .directory = -1, .streams = { -1, -1 }, .index = -1 };
	*state = f;
	return f->directory < 0 ? -1 : 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;
	DIR *directory;
	const struct dirent *entry;
	int status;

	log_writer_close(&f->writer);
	log_reader_free(f->reader);
	directory = fdopendir(f->directory);
	rewinddir(directory);
	while ((entry = readdir(directory)))
		(void)unlinkat(dirfd(directory), entry->d_name, 0);
	(void)closedir(directory);
	status = rmdir(f->path);
	free(f);
	return status;
}

static inline void begin(struct fixture *f, uint64_t max_size, uint64_t max_files)
{
	/* As the supervisor has it. */
	cleanup_fd int folder = openat(f->directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err;

	log_writer_close(&f->writer);
	if (log_writer_open(&f->writer, folder, max_size, max_files, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void add(struct fixture *f, enum log_stream stream, const char *text)
{
	struct error err;

	if (log_writer_append(&f->writer, stream, text, strlen(text), &err) < 0)
		fail_msg("%s", err.text);
}

static inline struct log_reader *reader(struct fixture *f)
{
	struct error err;

	log_reader_free(f->reader);
	f->reader = log_reader_new(f->directory, &err);
	assert_non_null(f->reader);
	return f->reader;
}

/* All that is left, as "1:text|2:text|": the streams are told apart, gaps shown. */
static inline void expect_rest(struct fixture *f, const char *expected)
{
	cleanup_str struct str all = STR_EMPTY;
	struct log_chunk chunk;
	struct error err;
	int found;

	while ((found = log_reader_next(f->reader, 1000, &chunk, &err)) > 0) {
		if (chunk.gap)
			str_add_format(&all, "gap of %llu|", (unsigned long long)chunk.gap);
		str_add_format(&all, "%d:%.*s|", (int)chunk.stream + 1, (int)chunk.size,
			       chunk.data);
	}
	if (found < 0)
		fail_msg("%s", err.text);
	assert_string_equal(all.text ? all.text : "", expected);
}
