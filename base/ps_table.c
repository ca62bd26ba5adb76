/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ps_table.h"

#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"

/* Of a machine with very many processes; pages that are not written cost nothing. */
enum { OUTPUT_SIZE = 64 * 1024 * 1024 };

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

/* The first ps of $PATH, in the arena. */
static const char *find_ps(struct arena *arena, struct error *err)
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/usr/bin:/bin"; *path; path += *path == ':') {
		size_t length = strcspn(path, ":");
		char *file = arena_format(arena, err, "%.*s/ps", (int)length, path);

		if (!file)
			return NULL;
		if (*file == '/' && length > 0 && access(file, X_OK) == 0)
			return file;
		path += length;
	}
	(void)error_set(err, ENOENT, "find ps in $PATH");
	return NULL;
}

/* What ps prints, in the caller's buffer. */
static int run_ps(char *const *options, char *output, struct error *err)
{
	static char all[] = "-ef";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	size_t count = 0;
	int status;

	while (options[count])
		count++;
	char **args = arena_array(&arena, count + 3, sizeof(*args), err);
	const char *path = args ? find_ps(&arena, err) : NULL;
	if (!path)
		return -1;
	args[0] = arena_strdup(&arena, path, err);
	if (!args[0])
		return -1;
	memcpy(args + 1, options, count * sizeof(*args));
	if (count == 0)
		args[1] = all;

	const struct process_run ps = { .path = path,
					.args = args,
					.env = environ,
					.timeout_ms = -1,
					.output = output,
					.output_size = OUTPUT_SIZE };
	if (process_run(&ps, &status, err) < 0)
		return -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, 0, "%s: exit code %d: %.500s", path,
				 process_exit_code(status), output);
	return 0;
}

int ps_table_run(struct str *s, char *const *options, const pid_t *pids, size_t n_pids,
		 struct error *err)
{
	cleanup_free char *output = malloc(OUTPUT_SIZE);

	if (!output)
		return error_memory(err);
	output[0] = '\0';
	if (run_ps(options, output, err) < 0)
		return -1;
	return ps_table_add(s, output, pids, n_pids, err);
}
