/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/librustbox-runtime/call.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"

#define PROGRAM	 "rustbox-runtime"
#define LOG_FILE "/proc/self/fd/3"
enum { LOG_LIMIT = 1 << 20 };

static int tell(struct rustbox_runtime_error *err, int exit_code, const char *text)
{
	*err = (struct rustbox_runtime_error){ .exit_code = exit_code };
	(void)snprintf(err->text, sizeof(err->text), "%s", text);
	return -1;
}

void call_add(struct call *call, const char *word)
{
	if (call->n < CALL_WORDS)
		call->words[call->n] = word;
	call->n++;
}

void call_add_option(struct call *call, const char *name, const char *value)
{
	if (!value)
		return;
	call_add(call, name);
	call_add(call, value);
}

/* ---- the program -------------------------------------------------------------------------- */

static int find_program(char **ret, struct error *err)
{
	const char *path = getenv("PATH");

	for (const char *p = path ? path : "/usr/local/bin:/usr/bin:/bin"; *p;) {
		size_t n = strcspn(p, ":");
		cleanup_free char *name = str_format(err, "%.*s/%s", (int)n, p, PROGRAM);
		if (!name)
			return -1;
		if (*name == '/' && access(name, X_OK) == 0) {
			*ret = move_ptr(&name);
			return 0;
		}
		p += n;
		p += *p == ':';
	}
	return error_set(err, 0, "find %s: no folder of PATH has it (install it, or name it)",
			 PROGRAM);
}

static pid_t start(const struct rustbox_runtime *runtime, const struct call *call,
		   const struct rustbox_runtime_streams *streams, int log, struct error *err)
{
	const char *args[CALL_WORDS + 16] = { PROGRAM, "--log", LOG_FILE, "--log-format", "text" };
	struct call all = { .n = 0 };
	cleanup_free char *found = NULL;

	call_add_option(&all, "--root", runtime->root);
	call_add_option(&all, "--cgroup-manager", runtime->cgroup_manager);
	memcpy(&args[5], all.words, all.n * sizeof(*args));
	if (call->n > CALL_WORDS)
		return error_set(err, E2BIG, "call %s", PROGRAM);
	memcpy(&args[5 + all.n], call->words, call->n * sizeof(*args));
	if (!runtime->program && find_program(&found, err) < 0)
		return -1;
	return process_spawn(
		&(struct process_spawn){
			.path = runtime->program ? runtime->program : found,
			.args = (char *const *)(const void *)args,
			.fds = (const int[]){ streams->in, streams->out, streams->err, log },
			.n_fds = 4,
		},
		err);
}

/* ---- its log ------------------------------------------------------------------------------ */

/* The text behind a quote up to the next, undone: \" \\ \n and other controls as spaces. */
static void unquote(const char *from, char *to, size_t size)
{
	size_t n = 0;

	for (; *from && *from != '"' && n + 1 < size; from++) {
		if (*from == '\\' && from[1])
			to[n++] = *++from == '"' || *from == '\\' ? *from : ' ';
		else
			to[n++] = *from;
	}
	to[n] = '\0';
}

/* The last error of the log; "" without one. */
static void find_error(const char *log, char *text, size_t size)
{
	static const char mark[] = " level=error msg=\"";
	const char *last = NULL;

	for (const char *p = log; (p = strstr(p, mark)); p += sizeof(mark) - 1)
		last = p + sizeof(mark) - 1;
	unquote(last ? last : "", text, size);
}

static int read_log(int log, char *text, size_t size, struct error *err)
{
	cleanup_free char *lines = NULL;

	if (lseek(log, 0, SEEK_SET) < 0)
		return error_set(err, errno, "read the log of %s", PROGRAM);
	if (fd_read_all(log, "the log of " PROGRAM, LOG_LIMIT, &lines, NULL, err) < 0)
		return -1;
	find_error(lines, text, size);
	return 0;
}

/* ---- its end ------------------------------------------------------------------------------ */

static int run_to_end(const struct rustbox_runtime *runtime, const struct call *call,
		      const struct rustbox_runtime_streams *streams, int *ret_status, char *text,
		      size_t size, struct error *err)
{
	cleanup_fd int log = memfd_create("log", MFD_CLOEXEC);

	if (log < 0)
		return error_set(err, errno, "memfd_create");
	pid_t pid = start(runtime, call, streams, log, err);
	if (pid < 0)
		return -1;
	if (process_wait(pid, ret_status) < 0)
		return error_set(err, errno, "wait for %s", PROGRAM);
	return read_log(log, text, size, err);
}

int call_run(const struct rustbox_runtime *runtime, const struct call *call,
	     const struct rustbox_runtime_streams *streams, int *ret_exit_code,
	     struct rustbox_runtime_error *err)
{
	struct error error;
	char text[RUSTBOX_RUNTIME_TEXT];
	int status;

	if (run_to_end(runtime, call, streams, &status, text, sizeof(text), &error) < 0)
		return tell(err, 0, error.text);
	if (!WIFEXITED(status)) {
		(void)snprintf(text, sizeof(text), "%s was ended by signal %d", PROGRAM,
			       WTERMSIG(status));
		return tell(err, 0, text);
	}
	int code = WEXITSTATUS(status);
	if (code != 0 && (*text || !ret_exit_code)) {
		if (!*text)
			(void)snprintf(text, sizeof(text), "%s ended with %d", PROGRAM, code);
		return tell(err, code, text);
	}
	if (ret_exit_code)
		*ret_exit_code = code;
	return 0;
}
