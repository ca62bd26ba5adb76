/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about images and files share. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/image/image.h"

/* A line on standard error that is written over; nothing where that is no terminal. */
struct progress_line {
	struct image_progress progress;
	int64_t shown_ms;
	bool is_shown;
};
/* quiet: nothing in any case. Returns what is to be passed on: may be NULL. */
const struct image_progress *progress_line_start(struct progress_line *line, bool quiet);
/* Wipes it. */
void progress_line_end(struct progress_line *line);
#define cleanup_progress_line __attribute__((cleanup(progress_line_end)))

/* Applies --change's instructions. */
int image_words_change(const struct option_strings *changes, struct image_settings *settings,
		       struct arena *arena, struct error *err);

/* --max-size: NULL gives the default limits. */
int image_words_limits(const char *max_size, struct tar_limits *ret, struct error *err);

/* Removes images without a name (all: without a container), says how many, adds to *bytes. */
int image_words_prune(const struct invocation *call, bool all, uint64_t *bytes, struct error *err);

/*
 * A file for an archive: NULL is standard output, which has to be none of a
 * terminal. An existing file is replaced when all is written: call _finish(), or
 * it stays as it was.
 */
struct archive_output {
	int fd;
	const char *path;
	char *temporary; /* NULL: written to in place */
};
int archive_output_open(struct archive_output *output, const char *path, struct error *err);
int archive_output_finish(struct archive_output *output, struct error *err);
void archive_output_drop(struct archive_output *output);
#define cleanup_archive_output __attribute__((cleanup(archive_output_drop)))
#define ARCHIVE_OUTPUT_NONE                                                                        \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* A file or folder to read an archive from; NULL or "-" is standard input, no terminal. */
int archive_input_open(const char *path, bool is_folder_fine, const char **ret_name,
		       struct error *err);
