/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "cmd/rustbox-runtime/command.h"
#include "cmd/rustbox-runtime/ps_table.h"

/* Of a machine with very many processes; pages that are not written cost nothing. */
enum { OUTPUT_SIZE = 64 * 1024 * 1024 };

enum { FORMAT_TABLE, FORMAT_JSON };
static const char *const format_names[] = { "table", "json", NULL };

struct ps_options {
	int format;
};

static const struct option_row rows[] = {
	{ "format", 'f', "FORMAT", "how to print them; json is an array of process ids",
	  OPTION_AT(ps_options, format), .choices = format_names, .fallback = "table" },
	{ NULL },
};

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
	(void)error_set(err, 0, "no ps in $PATH");
	(void)error_hint(err, "--format json needs none");
	return NULL;
}

/* What ps prints, in the caller's buffer. */
static int run_ps(char **arguments, char *output, struct arena *arena, struct error *err)
{
	static char all[] = "-ef";
	size_t count = 0;
	int status;

	while (arguments[count])
		count++;
	char **args = arena_array(arena, count + 3, sizeof(*args), err);
	const char *path = args ? find_ps(arena, err) : NULL;
	if (!path)
		return -1;
	args[0] = arena_strdup(arena, path, err);
	if (!args[0])
		return -1;
	memcpy(args + 1, arguments, count * sizeof(*args));
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

static int add_table(struct str *s, const struct invocation *call, const pid_t *pids, size_t n_pids,
		     struct error *err)
{
	cleanup_free char *output = malloc(OUTPUT_SIZE);

	if (!output)
		return error_memory(err);
	output[0] = '\0';
	if (run_ps(call->args + 1, output, call->arena, err) < 0)
		return -1;
	return ps_table_add(s, output, pids, n_pids, err);
}

static void add_json(struct str *s, const pid_t *pids, size_t n_pids)
{
	str_add(s, "[");
	for (size_t i = 0; i < n_pids; i++)
		str_add_format(s, "%s%d", i ? "," : "", (int)pids[i]);
	str_add(s, "]\n");
}

/* Without cgroups only the first process is known. */
static int find_pids(const struct container_view *view, pid_t **ret_pids, size_t *ret_count,
		     struct error *err)
{
	if (!view->cgroup.disabled)
		return cgroup_processes(&view->cgroup, ret_pids, ret_count, err);
	if (view->status == CONTAINER_STOPPED || view->state.pid <= 0)
		return 0;
	*ret_pids = malloc(sizeof(**ret_pids));
	if (!*ret_pids)
		return error_memory(err);
	**ret_pids = view->state.pid;
	*ret_count = 1;
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct ps_options *options = call->options;
	cleanup_str struct str s = STR_EMPTY;
	cleanup_free pid_t *pids = NULL;
	struct container_view view;
	size_t n_pids = 0;

	if (container_look(call->engine, call->args[0], call->arena, &view, err) < 0 ||
	    find_pids(&view, &pids, &n_pids, err) < 0)
		return -1;
	if (options->format == FORMAT_JSON)
		add_json(&s, pids, n_pids);
	else if (add_table(&s, call, pids, n_pids, err) < 0)
		return -1;
	cleanup_free char *text = str_take(&s, err);
	if (!text)
		return -1;
	(void)fputs(text, stdout);
	return 0;
}

const struct command command_ps = {
	.about = {
		.name = "ps",
		.summary = "list the processes of a container",
		.arguments = "ID [PS-OPTION...]",
		.description =
			"Runs ps(1) with the options given behind the id (without any: -ef), and "
			"prints those of its lines that are the container's.\n\n"
			"   rustbox-runtime ps my-container -eo pid,stat,args",
		.rows = rows,
		.order = OPTIONS_FIRST,
		.takes_container = true,
	},
	.options_size = sizeof(struct ps_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
