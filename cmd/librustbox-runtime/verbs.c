/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cmd/librustbox-runtime/call.h"

static const struct rustbox_runtime_streams none = { -1, -1, -1 };

static void add_create(struct call *call, const struct rustbox_runtime_create *create)
{
	call_add_option(call, "--bundle", create->bundle);
	call_add_option(call, "--console-socket", create->console_socket);
	call_add_option(call, "--pid-file", create->pid_file);
}

int rustbox_runtime_create(const struct rustbox_runtime *runtime,
			   const struct rustbox_runtime_create *create,
			   struct rustbox_runtime_error *err)
{
	struct call call = { { "create" }, 1 };

	add_create(&call, create);
	call_add(&call, create->id);
	return call_run(runtime, &call, &create->streams, NULL, err);
}

int rustbox_runtime_run(const struct rustbox_runtime *runtime,
			const struct rustbox_runtime_create *create, int *ret_exit_code,
			struct rustbox_runtime_error *err)
{
	struct call call = { { "run" }, 1 };

	add_create(&call, create);
	if (!ret_exit_code)
		call_add(&call, "--detach");
	call_add(&call, create->id);
	return call_run(runtime, &call, &create->streams, ret_exit_code, err);
}

int rustbox_runtime_exec(const struct rustbox_runtime *runtime,
			 const struct rustbox_runtime_exec *exec, int *ret_exit_code,
			 struct rustbox_runtime_error *err)
{
	struct call call = { { "exec" }, 1 };

	call_add_option(&call, "--process", exec->process_file);
	call_add_option(&call, "--console-socket", exec->console_socket);
	if (exec->console_socket && !exec->process_file)
		call_add(&call, "--tty");
	call_add_option(&call, "--pid-file", exec->pid_file);
	if (!ret_exit_code)
		call_add(&call, "--detach");
	call_add(&call, exec->id);
	for (const char *const *arg = exec->args; arg && *arg; arg++)
		call_add(&call, *arg);
	return call_run(runtime, &call, &exec->streams, ret_exit_code, err);
}

static int run_on(const struct rustbox_runtime *runtime, const char *verb, const char *id,
		  struct rustbox_runtime_error *err)
{
	return call_run(runtime, &(struct call){ { verb, id }, 2 }, &none, NULL, err);
}

int rustbox_runtime_start(const struct rustbox_runtime *runtime, const char *id,
			  struct rustbox_runtime_error *err)
{
	return run_on(runtime, "start", id, err);
}

int rustbox_runtime_pause(const struct rustbox_runtime *runtime, const char *id,
			  struct rustbox_runtime_error *err)
{
	return run_on(runtime, "pause", id, err);
}

int rustbox_runtime_resume(const struct rustbox_runtime *runtime, const char *id,
			   struct rustbox_runtime_error *err)
{
	return run_on(runtime, "resume", id, err);
}

int rustbox_runtime_kill(const struct rustbox_runtime *runtime, const char *id, int signal,
			 bool all, struct rustbox_runtime_error *err)
{
	struct call call = { { "kill" }, 1 };
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", signal);
	if (all)
		call_add(&call, "--all");
	call_add(&call, id);
	call_add(&call, number);
	return call_run(runtime, &call, &none, NULL, err);
}

int rustbox_runtime_delete(const struct rustbox_runtime *runtime, const char *id, bool force,
			   struct rustbox_runtime_error *err)
{
	struct call call = { { "delete" }, 1 };

	if (force)
		call_add(&call, "--force");
	call_add(&call, id);
	return call_run(runtime, &call, &none, NULL, err);
}

int rustbox_runtime_state(const struct rustbox_runtime *runtime, const char *id, char **ret_json,
			  struct rustbox_runtime_error *err)
{
	return rustbox_runtime_call(runtime, (const char *const[]){ "state", id, NULL }, NULL, 0,
				    ret_json, err);
}

/* ---- any command -------------------------------------------------------------------------- */

static int tell(const struct error *error, struct rustbox_runtime_error *err)
{
	*err = (struct rustbox_runtime_error){ .exit_code = 0 };
	memcpy(err->text, error->text, sizeof(err->text));
	return -1;
}

/* Files in memory: nobody has to read while somebody writes. */
static int open_streams(const void *input, size_t size, int *ret_in, int *ret_out,
			struct error *err)
{
	cleanup_fd int in = memfd_create("input", MFD_CLOEXEC);
	cleanup_fd int out = memfd_create("output", MFD_CLOEXEC);

	if (in < 0 || out < 0)
		return error_set(err, errno, "memfd_create");
	if (fd_write_all(in, "the input", input, size, err) < 0)
		return -1;
	if (lseek(in, 0, SEEK_SET) < 0)
		return error_set(err, errno, "lseek");
	*ret_in = move_fd(&in);
	*ret_out = move_fd(&out);
	return 0;
}

int rustbox_runtime_call(const struct rustbox_runtime *runtime, const char *const *args,
			 const void *input, size_t size, char **ret_output,
			 struct rustbox_runtime_error *err)
{
	enum { OUTPUT_LIMIT = 64 << 20 };
	struct call call = { .n = 0 };
	struct error error;
	cleanup_fd int in = -1, out = -1;

	if (open_streams(input ? input : "", input ? size : 0, &in, &out, &error) < 0)
		return tell(&error, err);
	for (; *args; args++)
		call_add(&call, *args);
	if (call_run(runtime, &call, &(struct rustbox_runtime_streams){ in, out, -1 }, NULL, err) <
	    0)
		return -1;
	if (!ret_output)
		return 0;
	if (lseek(out, 0, SEEK_SET) < 0)
		(void)error_set(&error, errno, "lseek");
	else if (fd_read_all(out, "the output", OUTPUT_LIMIT, ret_output, NULL, &error) == 0)
		return 0;
	return tell(&error, err);
}
