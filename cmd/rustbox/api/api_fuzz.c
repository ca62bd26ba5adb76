/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of any bytes, with operations that do nothing: frames, JSON,
 * members, the options of containers, and attachments that end by what is sent.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox/api/api_parts.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/stream/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- in the place of container/ and of the store's search ---- */

static struct record_state state = { .status = RECORD_RUNNING, .pid = 7 };
static struct record web = {
	.id = (char *)(uintptr_t) "0123456789ab",
	.name = (char *)(uintptr_t) "web\xff",
	.state = &state,
};

int store_find(struct store *store, const char *name, struct arena *arena, struct record **ret,
	       struct error *err)
{
	if (!*name)
		return error_set(err, ENOENT, "no such container: %s", name);
	*ret = &web;
	return 0;
}

int store_list(struct store *store, struct arena *arena, struct record ***ret, size_t *ret_n,
	       struct error *err)
{
	*ret = arena_array(arena, 1, sizeof(**ret), err);
	if (!*ret)
		return -1;
	**ret = &web;
	*ret_n = 1;
	return 0;
}

int containers_create(struct store *store, const struct create_options *options, char **args,
		      struct arena *arena, struct record **ret, struct container_start *ret_start,
		      struct error *err)
{
	size_t length = 0;

	for (char **arg = args; *arg; arg++)
		length += strlen(*arg);
	for (char **env = options->env.items; env && *env; env++)
		length += strlen(*env);
	*ret = &web;
	if (ret_start)
		*ret_start = (struct container_start)CONTAINER_START_NONE;
	return length % 2 ? error_set(err, 0, "%s", args[0] ? args[0] : "") : 0;
}

/* A supervisor that says all it can, and then nothing more. */
static int answer(int *ret_socket, struct error *err)
{
	const struct stream_exited again = { .exit_code = 3, .will_restart = true };
	const uint64_t gap = 5;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "socketpair");
	cleanup_fd int theirs = ends[1];
	(void)stream_send(theirs, STREAM_OUT, "out", 3);
	(void)stream_send(theirs, STREAM_ERR, "\xff", 1);
	(void)stream_send(theirs, STREAM_GAP, &gap, sizeof(gap));
	(void)stream_send(theirs, STREAM_EXITED, &again, sizeof(again));
	for (int i = 0; i < 8; i++)
		(void)stream_send(theirs, STREAM_INPUT_TAKEN, NULL, 0);
	*ret_socket = ends[0];
	return 0;
}

int containers_start(struct store *store, const char *id, bool again,
		     const struct stream_attach *attach, int *ret_socket, struct error *err)
{
	return answer(ret_socket, err);
}

int containers_start_held(struct store *store, struct record *record, const char *checkpoint,
			  const struct stream_attach *attach, int *ret_socket, struct error *err)
{
	return answer(ret_socket, err);
}

int containers_start_made(struct store *store, const struct record *record,
			  struct container_start *start, const struct stream_attach *attach,
			  int *ret_socket, struct error *err)
{
	return answer(ret_socket, err);
}

void container_start_done(struct container_start *start)
{
}

int containers_check_running(const struct record *record, struct error *err)
{
	return 0;
}

int containers_attach(const struct store *store, const struct record *record,
		      const struct stream_attach *attach, int *ret_socket, struct error *err)
{
	return answer(ret_socket, err);
}

int containers_exec(struct store *store, const char *id, const struct stream_exec *exec,
		    int *ret_socket, struct error *err)
{
	if (exec->args[exec->n_args] || (exec->env && exec->env[exec->n_env]))
		abort();
	return answer(ret_socket, err);
}

int container_read_failure(const char *payload, struct error *err)
{
	return error_set(err, 0, "failed");
}

int containers_stop(struct store *store, const char *id, int timeout_ms, int signal,
		    struct error *err)
{
	if (timeout_ms < STREAM_TIMEOUT_OF_RECORD || signal < 0 || signal > SIGRTMAX)
		abort();
	return 0;
}

int containers_restart(struct store *store, const char *id, int timeout_ms, int signal,
		       struct error *err)
{
	return containers_stop(store, id, timeout_ms, signal, err);
}

int containers_kill(struct store *store, const char *id, int signal, bool all, struct error *err)
{
	if (signal <= 0 || signal > SIGRTMAX)
		abort();
	return 0;
}

int containers_remove(struct store *store, const char *id, bool force, bool volumes,
		      struct error *err)
{
	return error_set(err, EBUSY, "%s", id);
}

int containers_wait(struct store *store, const char *id, const struct pollfd *others,
		    size_t n_others, int *ret_exit_code, struct error *err)
{
	*ret_exit_code = 0;
	return 0;
}

int containers_pause(struct store *store, const char *id, struct error *err)
{
	return 0;
}

int containers_unpause(struct store *store, const char *id, struct error *err)
{
	return 0;
}

char *containers_inspect(struct store *store, const struct record *record, bool with_size,
			 struct error *err)
{
	return strdup("{\"Id\":\"0123456789ab\"}");
}

/* ---- the client ---- */

/* As much as fits; the rest is a connection that was cut. */
static void send_all(int fd, const uint8_t *data, size_t size)
{
	const int room = 1 << 20;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	(void)send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
}

/* Every answer is a frame of JSON that the strict reader takes. */
static void check_answers(int fd)
{
	struct frame_peer peer = { .fd = fd, .stop = -1 };

	for (;;) {
		cleanup_arena struct arena arena = ARENA_EMPTY;
		cleanup_free char *text = NULL;
		struct error err;
		size_t size;

		/* Cut, if there was more than fits. */
		if (frame_read(&peer, &text, &size, &err) <= 0)
			return;
		const struct value *value = value_read_strict(text, size, &arena, &err);
		if (!value || !value_get(value, "type"))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store store = { .root_fd = -1,
			       .run_fd = -1,
			       .root = (char *)(uintptr_t) "/nowhere" };
	const int room = 1 << 20;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	cleanup_fd int client = ends[0];
	send_all(client, data, size);
	(void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	/* Nobody reads meanwhile: a write that does not fit fails. */
	(void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
	api_connection_run(&store, ends[1], -1);
	fd_close(&ends[1]);
	check_answers(client);
	return 0;
}
