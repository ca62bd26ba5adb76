/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/engine_log.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "oci/json.h"
#include "oci/json_text.h"

enum { END_SIZE = 64 * 1024 };

struct log_line {
	char *level, *message;
};

static const struct json_field line_fields[] = {
	FIELD(log_line, level, "level"),
	FIELD(log_line, message, "msg"),
	{ NULL },
};
static const struct json_type line_type = { sizeof(struct log_line), line_fields, NULL };

/*
 * Names of files may be any bytes, and texts may have been cut within a
 * character; our answers must be UTF-8, and whole texts in C.
 */
static void make_text(char *text, size_t size)
{
	for (char *nul = text; (nul = memchr(nul, '\0', size - (size_t)(nul - text)));)
		*nul = '?';
	for (size_t at = 0; (at += json_text_utf8(text + at, size - at)) < size; at++)
		text[at] = '?';
}

/* The message without blanks at its end, as an error. False when nothing is left. */
static bool set_message(struct error *err, const char *text, size_t size)
{
	while (size && (unsigned char)text[size - 1] <= ' ')
		size--;
	if (!size)
		return false;
	error_set(err, 0, "%.*s", size < ERROR_TEXT_SIZE ? (int)size : ERROR_TEXT_SIZE, text);
	make_text(err->text, strlen(err->text)); /* it may have been cut */
	return true;
}

/* One line. True when it was an error. */
static bool read_line(char *text, size_t size, const char *source, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct log_line line = { NULL, NULL };
	enum log_level level;
	struct error ignored;

	make_text(text, size);
	if (json_read(&line_type, text, size, &line, &arena, &ignored) < 0 || !line.level ||
	    !line.message || !log_level_from_name(line.level, &level))
		return false;
	if (level == LOG_WARNING)
		log_warning("%s: %s", source, line.message);
	return level == LOG_ERROR && set_message(err, line.message, strlen(line.message));
}

bool engine_log_find_error(char *text, size_t size, const char *source, struct error *err)
{
	char *end = text + size;
	bool found = false;

	while (text < end) {
		char *newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			newline = end;
		if (newline > text && *text == '{')
			found |= read_line(text, (size_t)(newline - text), source, err);
		text = newline + 1;
	}
	return found;
}

bool engine_log_find_last_line(char *text, size_t size, struct error *err)
{
	make_text(text, size);
	while (size) {
		const char *newline = memrchr(text, '\n', size);
		size_t start = newline ? (size_t)(newline - text) + 1 : 0;
		if (set_message(err, text + start, size - start))
			return true;
		size = newline ? start - 1 : 0;
	}
	return false;
}

char *engine_log_read_end(int fd, size_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return NULL;
	size_t size = st.st_size < END_SIZE ? (size_t)st.st_size : END_SIZE;
	cleanup_free char *text = malloc(size);
	ssize_t n = text ? pread(fd, text, size, st.st_size - (off_t)size) : -1;
	if (n <= 0)
		return NULL;
	*ret_size = (size_t)n;
	return move_ptr(&text);
}
