/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/ps_table.h"

#include <stdint.h>
#include <string.h>

static const char blanks[] = " \t";

/* The word number `column` of a line of this length; NULL when there are fewer. */
static const char *find_word(const char *line, size_t length, size_t column, size_t *ret_length)
{
	const char *p = line, *end = line + length;

	for (;;) {
		p += strspn(p, blanks);
		if (p >= end)
			return NULL;
		*ret_length = strcspn(p, " \t\n");
		if (column-- == 0)
			return p;
		p += *ret_length;
	}
}

static int find_pid_column(const char *title, size_t length, size_t *ret, struct error *err)
{
	size_t word_length;
	const char *word;

	for (size_t column = 0; (word = find_word(title, length, column, &word_length)); column++) {
		if (word_length == 3 && memcmp(word, "PID", 3) == 0) {
			*ret = column;
			return 0;
		}
	}
	(void)error_set(err, 0, "the output of ps has no column PID");
	return error_hint(err, "with ps options of your own, ask for it");
}

static int read_pid(const char *line, size_t length, size_t column, pid_t *ret, struct error *err)
{
	char text[24];
	size_t word_length;
	const char *word = find_word(line, length, column, &word_length);
	uint64_t pid;

	if (word && word_length < sizeof(text)) {
		memcpy(text, word, word_length);
		text[word_length] = '\0';
		if (str_to_uint(text, 10, INT32_MAX, &pid)) {
			*ret = (pid_t)pid;
			return 0;
		}
	}
	return error_set(err, 0, "no process id in a line of ps: %.*s", (int)length, line);
}

static bool contains(const pid_t *pids, size_t n_pids, pid_t pid)
{
	for (size_t i = 0; i < n_pids; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

int ps_table_add(struct str *s, const char *output, const pid_t *pids, size_t n_pids,
		 struct error *err)
{
	size_t length = strcspn(output, "\n"), column = 0;
	pid_t pid = 0;

	if (find_pid_column(output, length, &column, err) < 0)
		return -1;
	str_add_bytes(s, output, length);
	str_add(s, "\n");
	for (output += length; *output; output += length) {
		output++; /* the newline */
		length = strcspn(output, "\n");
		if (length == 0)
			continue;
		if (read_pid(output, length, column, &pid, err) < 0)
			return -1;
		if (!contains(pids, n_pids, pid))
			continue;
		str_add_bytes(s, output, length);
		str_add(s, "\n");
	}
	return 0;
}
