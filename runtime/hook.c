/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/hook.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"

enum { OUTPUT_SIZE = 1024 };

static char *state_text(const struct state *state, const char *status, pid_t pid, struct error *err)
{
	struct state_public public = {
		.oci_version = state->oci_version,
		.id = state->id,
		.pid = pid,
		.status = (char *)(uintptr_t)status,
		.bundle = state->bundle,
		.annotations = state->annotations,
		.n_annotations = state->n_annotations,
	};

	return json_write(&state_hook_type, &public, false, err);
}

/* What the hook wrote, as the end of a message, without its last newline. */
static void add_output(struct error *err, char *output)
{
	size_t n = strlen(output), used = strlen(err->text);

	while (n && (output[n - 1] == '\n' || output[n - 1] == ' '))
		output[--n] = '\0';
	if (n)
		(void)snprintf(err->text + used, sizeof(err->text) - used, "; it wrote: %s",
			       output);
}

static int timeout_ms(const struct spec_hook *hook)
{
	if (!hook->timeout.set)
		return -1;
	return hook->timeout.value < INT_MAX / 1000 ? (int)hook->timeout.value * 1000 : INT_MAX;
}

static int run_one(const struct spec_hook *hook, const struct hook_output *files, const char *state,
		   struct error *err)
{
	char output[OUTPUT_SIZE];
	char *path_only[] = { hook->path, NULL };
	int64_t begin = clock_now_ms();
	int status = 0;
	struct process_run run = {
		.path = hook->path,
		.args = hook->n_args ? hook->args : path_only,
		.env = hook->env,
		.input = state,
		.input_size = strlen(state),
		.timeout_ms = timeout_ms(hook),
		.output = output,
		.output_size = sizeof(output),
		.to_stdout = files->out < 0 ? NULL : &files->out,
		.to_stderr = files->err < 0 ? NULL : &files->err,
	};

	if (process_run(&run, &status, err) < 0) {
		if (err->code == ETIMEDOUT) {
			(void)error_plain(err, ETIMEDOUT,
					  "%s: still running after its timeout of %lld s",
					  hook->path, (long long)hook->timeout.value);
			add_output(err, output);
		}
		return -1;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	intmax_t took = clock_now_ms() - begin;
	if (WIFSIGNALED(status))
		error_set(err, 0, "%s: killed by signal %d (%s) after %jd ms", hook->path,
			  WTERMSIG(status), sigdescr_np(WTERMSIG(status)), took);
	else
		error_set(err, 0, "%s: exit status %d after %jd ms", hook->path,
			  WEXITSTATUS(status), took);
	add_output(err, output);
	return -1;
}

static int open_file(const char *path, const char *annotation, int *ret, struct error *err)
{
	*ret = -1;
	if (!path)
		return 0;
	*ret = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0600);
	if (*ret < 0)
		return error_set(err, errno, "annotation %s: open %s", annotation, path);
	return 0;
}

int hook_output_open(const struct spec *spec, struct hook_output *ret, struct error *err)
{
	struct hook_output cleanup_hook_output output = HOOK_OUTPUT_NONE;

	if (open_file(spec->extensions.hooks_stdout, "run.oci.hooks.stdout", &output.out, err) <
		    0 ||
	    open_file(spec->extensions.hooks_stderr, "run.oci.hooks.stderr", &output.err, err) < 0)
		return -1;
	*ret = (struct hook_output){ move_fd(&output.out), move_fd(&output.err) };
	return 0;
}

void hook_output_done(struct hook_output *output)
{
	fd_close(&output->out);
	fd_close(&output->err);
}

int hook_run(const char *kind, const struct spec_hook *hooks, size_t count,
	     const struct hook_output *output, const struct state *state, const char *status,
	     pid_t pid, struct error *err)
{
	cleanup_free char *text = NULL;

	if (!count)
		return 0;
	text = state_text(state, status, pid, err);
	if (!text)
		return -1;
	for (size_t i = 0; i < count; i++) {
		log_debug("%s hook #%zu: %s", kind, i, hooks[i].path);
		if (run_one(&hooks[i], output, text, err) < 0)
			return error_wrap(err, "error running %s hook #%zu", kind, i);
	}
	return 0;
}

void hook_run_all(const char *kind, const struct spec_hook *hooks, size_t count,
		  const struct hook_output *output, const struct state *state, const char *status)
{
	cleanup_free char *text = NULL;
	struct error err;

	if (!count)
		return;
	text = state_text(state, status, 0, &err);
	for (size_t i = 0; i < count; i++)
		if (!text || run_one(&hooks[i], output, text, &err) < 0)
			log_warning("error running %s hook #%zu: %s", kind, i, err.text);
}
