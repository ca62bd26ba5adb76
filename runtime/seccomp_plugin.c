/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp_plugin.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/helper.h"

#define HELPER "rustbox-seccomp"

enum { START_MS = 30000, OUTPUT_SIZE = 1024 };

/* Literals for members that are not const; nobody writes to them. */
static char *text(const char *literal)
{
	return (char *)(uintptr_t)literal;
}

static char *find_helper(struct error *err)
{
	char *path = helper_find(HELPER, "loads plugins of seccomp", err);

	if (!path && err->code == ENOENT)
		error_hint(err, "install it there, or remove the annotation");
	return path;
}

static int check(const char *plugins, struct error *err)
{
	char output[OUTPUT_SIZE];
	char *args[] = { text(HELPER), text(RUSTBOX_VERSION), text("check"), text(plugins), NULL };
	cleanup_free char *path = find_helper(err);
	const struct process_run helper = {
		.path = path,
		.args = args,
		.timeout_ms = START_MS,
		.output = output,
		.output_size = sizeof(output),
	};
	int status;

	if (!path || process_run(&helper, &status, err) < 0)
		return -1;
	return status == 0 ? 0 : helper_failed(HELPER, output, status, err);
}

int seccomp_plugin_check(const char *plugins, struct error *err)
{
	return check(plugins, err) < 0 ? error_wrap(err, "run.oci.seccomp.plugins") : 0;
}

/* One packet: "ready" when it answers from now on, or why it does not. */
static int wait_until_ready(int socket, struct error *err)
{
	const int64_t deadline = clock_now_ms() + START_MS;
	struct pollfd poller = { .fd = socket, .events = POLLIN };
	char output[OUTPUT_SIZE] = "";
	int ready;

	do
		ready = poll(&poller, 1, clock_left_ms(deadline));
	while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return error_set(err, ready < 0 ? errno : ETIMEDOUT, "wait for " HELPER);
	ssize_t n = fd_receive_packet(socket, output, sizeof(output) - 1, NULL, NULL);
	if (n < 0)
		return error_set(err, errno, "receive from " HELPER);
	if (n == 0)
		return error_set(err, 0, HELPER " has ended without a word");
	return str_equal(output, "ready") ? 0 : helper_failed(HELPER, output, 0, err);
}

static int serve(const char *plugins, const char *root, const struct state *state, int listener,
		 struct error *err)
{
	cleanup_free char *path = find_helper(err), *folder = NULL, *config = NULL;
	cleanup_fd int ours = -1, theirs = -1;
	char *no_environment[] = { NULL };
	int pair[2];

	if (!path || !(folder = str_format(err, "%s/%s", root, state->id)) ||
	    !(config = str_format(err, "%s/config.json", folder)))
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, errno, "make a socket pair");
	ours = pair[0];
	theirs = pair[1];
	char *args[] = { text(HELPER), text(RUSTBOX_VERSION), text("serve"), text(plugins), folder,
			 state->id,    state->bundle,	      config,	     NULL };
	const int fds[] = { -1, -1, -1, listener, theirs };
	const struct process_spawn helper = {
		.path = path,
		.args = args,
		.env = no_environment,
		.fds = fds,
		.n_fds = sizeof(fds) / sizeof(*fds),
	};
	pid_t pid = process_spawn(&helper, err);
	if (pid < 0)
		return -1;
	fd_close(&theirs);
	if (wait_until_ready(ours, err) == 0)
		return 0;
	process_kill_and_reap(pid);
	return -1;
}

int seccomp_plugin_serve(const char *plugins, const char *root, const struct state *state,
			 int listener, struct error *err)
{
	return serve(plugins, root, state, listener, err) < 0
		       ? error_wrap(err, "run.oci.seccomp.plugins")
		       : 0;
}
