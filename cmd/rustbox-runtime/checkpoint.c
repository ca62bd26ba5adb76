/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "cmd/rustbox-runtime/criu_choices.h"

struct checkpoint_options {
	struct criu_choices criu;
	const char *parent_path, *page_server;
	struct option_uint status_fd;
	bool leave_running, pre_dump, tcp_skip_in_flight;
};

static const struct option_row rows[] = {
	CRIU_ROWS(checkpoint_options),
	{ "leave-running", 0, NULL, "let the container run on",
	  OPTION_AT(checkpoint_options, leave_running) },
	{ "pre-dump", 0, NULL,
	  "save memory only, so that a later checkpoint with --parent-path is quick",
	  OPTION_AT(checkpoint_options, pre_dump) },
	{ "parent-path", 0, "DIR",
	  "an earlier pre-dump, as a path from the image path: its pages are not saved again",
	  OPTION_AT(checkpoint_options, parent_path) },
	{ "tcp-skip-in-flight", 0, NULL, "leave out connections that are only being made",
	  OPTION_AT(checkpoint_options, tcp_skip_in_flight) },
	{ "page-server", 0, "ADDRESS:PORT",
	  "send memory to the `criu page-server` there; with --lazy-pages: serve it at that port",
	  OPTION_AT(checkpoint_options, page_server) },
	{ "status-fd", 0, "FD",
	  "write a zero byte to this descriptor when --lazy-pages can be asked for",
	  OPTION_AT(checkpoint_options, status_fd), .max = INT32_MAX },
	{ NULL },
};

/* "ADDRESS:PORT", "[ADDRESS]:PORT" */
static int read_page_server(const char *text, struct arena *arena, struct criu_options *criu,
			    struct error *err)
{
	const char *colon = text ? strrchr(text, ':') : NULL;
	uint64_t port;

	if (!text)
		return 0;
	if (!colon || colon == text || !str_to_uint(colon + 1, 10, UINT16_MAX, &port) || !port)
		return error_set(err, 0, "--page-server %s: ADDRESS:PORT is wanted", text);
	bool bracketed = text[0] == '[' && colon[-1] == ']';
	criu->page_server_address = arena_strndup(
		arena, text + bracketed, (size_t)(colon - text) - 2 * (size_t)bracketed, err);
	criu->page_server_port = (int)port;
	return criu->page_server_address ? 0 : -1;
}

static int check(const struct checkpoint_options *options, struct error *err)
{
	if (options->pre_dump && options->criu.lazy_pages)
		return error_set(err, 0, "--pre-dump and --lazy-pages exclude each other");
	if (options->parent_path && options->parent_path[0] == '/')
		return error_set(err, 0, "--parent-path %s: a path from the image path is wanted",
				 options->parent_path);
	if (options->status_fd.set && !options->criu.lazy_pages)
		return error_set(err, 0, "--status-fd tells of --lazy-pages only");
	if (options->status_fd.set && fcntl((int)options->status_fd.value, F_GETFD) < 0)
		return error_set(err, errno, "--status-fd %d", (int)options->status_fd.value);
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct checkpoint_options *options = call->options;
	struct criu_options criu;

	if (check(options, err) < 0 ||
	    criu_choices_read(&options->criu, call->arena, &criu, err) < 0 ||
	    read_page_server(options->page_server, call->arena, &criu, err) < 0)
		return -1;
	criu.leave_running = options->leave_running;
	criu.tcp_skip_in_flight = options->tcp_skip_in_flight;
	criu.parent_path = options->parent_path;
	if (options->status_fd.set)
		criu.status_fd = (int)options->status_fd.value;
	return container_checkpoint(call->engine, call->args[0], &criu, options->pre_dump, err);
}

const struct command command_checkpoint = {
	.about = {
		.name = "checkpoint",
		.summary = "save a running container's processes to files",
		.arguments = "ID",
		.description =
			"CRIU writes all of the processes' state into the image path: memory, "
			"open files, sockets, terminals, the content of file systems in memory. "
			"The container is deleted then, unless it shall run on. Its root file "
			"system and the host's files that are bound into it are not saved: "
			"restore expects them as they were.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct checkpoint_options),
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
