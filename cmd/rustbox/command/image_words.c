/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/image_words.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/image/instruction.h"

/* ---- progress ---- */

enum { SHOW_EVERY_MS = 100, NAME_SHOWN = 40 };

static void step(void *data, const char *what, uint64_t done, uint64_t total)
{
	struct progress_line *line = data;
	cleanup_str struct str text = STR_EMPTY;
	int64_t now = clock_now_ms();
	char name[NAME_SHOWN + 1];

	if (now - line->shown_ms < SHOW_EVERY_MS)
		return;
	/* It may be an archive's word, and this is a terminal. */
	(void)snprintf(name, sizeof(name), "%s", what);
	for (char *p = name; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	line->shown_ms = now;
	line->is_shown = true;
	format_size(&text, done);
	if (total) {
		str_add(&text, " of ");
		format_size(&text, total);
	}
	if (text.text)
		(void)fprintf(stderr, "\r\033[K%s  %s", name, text.text);
}

const struct image_progress *progress_line_start(struct progress_line *line, bool quiet)
{
	*line = (struct progress_line){ .progress = { step, line }, .shown_ms = clock_now_ms() };
	return quiet || !isatty(STDERR_FILENO) ? NULL : &line->progress;
}

void progress_line_end(struct progress_line *line)
{
	if (line->is_shown)
		(void)fputs("\r\033[K", stderr);
	line->is_shown = false;
}

/* ---- options ---- */

int image_words_change(const struct option_strings *changes, struct image_settings *settings,
		       struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < changes->count; i++)
		if (instruction_apply(changes->items[i], settings, arena, err) < 0)
			return -1;
	return 0;
}

int image_words_limits(const char *max_size, struct tar_limits *ret, struct error *err)
{
	int64_t bytes;

	*ret = (struct tar_limits){ 0 };
	if (!max_size)
		return 0;
	if (format_read_size(max_size, false, &bytes, err) < 0)
		return error_wrap(err, "--max-size");
	if (bytes <= 0)
		return error_set(err, 0, "--max-size %s: not above 0", max_size);
	ret->bytes = (uint64_t)bytes;
	return 0;
}

/* ---- files ---- */

static int use_terminal(int fd, const char *what, struct error *err)
{
	if (!isatty(fd))
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return error_set(err, 0, "%s", what);
}

int archive_output_open(struct archive_output *output, const char *path, struct error *err)
{
	struct stat st;

	if (!path) {
		output->fd = use_terminal(STDOUT_FILENO,
					  "standard output is a terminal (redirect "
					  "it, or name a file by --output)",
					  err);
		return output->fd < 0 ? -1 : 0;
	}
	output->path = path;
	/* Devices and pipes are written to; files appear when they are complete. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		output->fd = open(path, O_WRONLY | O_CLOEXEC);
		return output->fd < 0 ? error_set(err, errno, "open %s", path) : 0;
	}
	output->temporary = str_format(err, "%s.XXXXXX", path);
	if (!output->temporary)
		return -1;
	output->fd = mkostemp(output->temporary, O_CLOEXEC);
	if (output->fd >= 0)
		return 0;
	free(move_ptr(&output->temporary));
	return error_set(err, errno, "make %s", path);
}

int archive_output_finish(struct archive_output *output, struct error *err)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	if (!output->temporary)
		return 0;
	if (fchmod(output->fd, 0666 & ~mask) < 0 || rename(output->temporary, output->path) < 0)
		return error_set(err, errno, "write %s", output->path);
	free(move_ptr(&output->temporary));
	return 0;
}

void archive_output_drop(struct archive_output *output)
{
	if (output->temporary)
		(void)unlink(output->temporary);
	free(move_ptr(&output->temporary));
	fd_close(&output->fd);
}

int archive_input_open(const char *path, bool is_folder_fine, const char **ret_name,
		       struct error *err)
{
	struct stat st;

	*ret_name = path;
	if (!path || str_equal(path, "-")) {
		*ret_name = "standard input";
		return use_terminal(STDIN_FILENO,
				    "standard input is a terminal (redirect it, or name a file)",
				    err);
	}
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, errno, "open %s", path);
	if (S_ISDIR(st.st_mode) && !is_folder_fine)
		return error_set(err, EISDIR, "%s", path);
	return move_fd(&fd);
}

int image_words_prune(const struct invocation *call, bool all, uint64_t *bytes, struct error *err)
{
	uint64_t freed = 0;
	size_t images = 0;

	if (image_prune(call->store, all, &freed, &images, err) < 0)
		return -1;
	if (images)
		printf("Deleted Images: %zu\n\n", images);
	*bytes += freed;
	return 0;
}
