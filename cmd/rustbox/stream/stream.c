/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/stream/stream.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* ---- JSON ---- */

static const struct json_field exec_fields[] = {
	LIST(stream_exec, args, "args"),
	LIST(stream_exec, env, "env"),
	FIELD(stream_exec, user, "user"),
	FIELD(stream_exec, workdir, "workdir"),
	FIELD(stream_exec, tty, "tty"),
	FIELD(stream_exec, interactive, "interactive"),
	FIELD(stream_exec, detach, "detach"),
	FIELD(stream_exec, privileged, "privileged"),
	FIELD(stream_exec, kill_on_detach, "killOnDetach"),
	FIELD(stream_exec, columns, "columns"),
	FIELD(stream_exec, rows, "rows"),
	{ NULL },
};
const struct json_type stream_exec_type = { sizeof(struct stream_exec), exec_fields, NULL };

static const struct json_field change_fields[] = {
	FIELD(stream_change, name, "name"),
	FIELD(stream_change, restart, "restart"),
	FIELD(stream_change, sets_env, "setsEnv"),
	FIELD(stream_change, sets_ports, "setsPorts"),
	LIST(stream_change, env, "env"),
	LIST(stream_change, ports, "ports"),
	{ NULL },
};
const struct json_type stream_change_type = { sizeof(struct stream_change), change_fields, NULL };

static const struct json_field checkpoint_fields[] = {
	REQUIRED(stream_checkpoint, part, "part"),
	REQUIRED(stream_checkpoint, path, "path"),
	FIELD(stream_checkpoint, leave_running, "leaveRunning"),
	FIELD(stream_checkpoint, tcp_established, "tcpEstablished"),
	FIELD(stream_checkpoint, file_locks, "fileLocks"),
	{ NULL },
};
const struct json_type stream_checkpoint_type = { sizeof(struct stream_checkpoint),
						  checkpoint_fields, NULL };

/* ---- packets ---- */

/* How many bytes of payload a type has. */
static const struct payload {
	bool is_known;
	size_t least, most;
} payloads[UINT8_MAX + 1] = {
#define OF(type)                                                                                   \
	{                                                                                          \
		true, sizeof(type), sizeof(type)                                                   \
	}
#define NOTHING                                                                                    \
	{                                                                                          \
		true, 0, 0                                                                         \
	}
#define TEXT                                                                                       \
	{                                                                                          \
		true, 0, STREAM_PACKET_MAX                                                         \
	}
#define BYTES                                                                                      \
	{                                                                                          \
		true, 1, STREAM_BYTES_MAX                                                          \
	}
	[STREAM_ATTACH] = OF(struct stream_attach),
	[STREAM_EXEC] = TEXT,
	[STREAM_STOP] = OF(struct stream_stop),
	[STREAM_KILL] = OF(struct stream_kill),
	[STREAM_CHANGE] = TEXT,
	[STREAM_WAIT] = NOTHING,
	[STREAM_RESTART] = OF(struct stream_stop),
	[STREAM_HEALTH] = NOTHING,
	[STREAM_CHECKPOINT] = TEXT,
	[STREAM_INPUT] = BYTES,
	[STREAM_INPUT_END] = NOTHING,
	[STREAM_RESIZE] = OF(struct stream_size),
	[STREAM_SIGNAL] = OF(struct stream_kill),
	[STREAM_STARTED] = OF(uint32_t),
	[STREAM_FAILED] = { true, sizeof(struct stream_failed), STREAM_PACKET_MAX },
	[STREAM_DONE] = NOTHING,
	[STREAM_OUT] = BYTES,
	[STREAM_ERR] = BYTES,
	[STREAM_GAP] = OF(uint64_t),
	[STREAM_INPUT_TAKEN] = NOTHING,
	[STREAM_EXITED] = OF(struct stream_exited),
};

static int send_parts(int socket, struct iovec *parts, size_t n)
{
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = n };
	ssize_t sent;

	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

int stream_send(int socket, enum stream_type type, const void *payload, size_t size)
{
	uint8_t byte = (uint8_t)type;
	struct iovec parts[] = { { &byte, 1 }, { (void *)(uintptr_t)payload, size } };

	return send_parts(socket, parts, 2);
}

int stream_send_failed(int socket, uint32_t exit_code, const char *text)
{
	uint8_t byte = STREAM_FAILED;
	struct stream_failed failed = { exit_code };
	struct iovec parts[] = {
		{ &byte, 1 },
		{ &failed, sizeof(failed) },
		{ (void *)(uintptr_t)text, strnlen(text, STREAM_PACKET_MAX / 2) },
	};

	return send_parts(socket, parts, 3);
}

int stream_receive(int socket, char *buffer, size_t *ret_size)
{
	uint8_t type;
	struct iovec parts[] = { { &type, 1 }, { buffer, STREAM_PACKET_MAX - 1 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	/* Without room for control messages the kernel drops what comes along. */
	ssize_t n = fd_receive_message(socket, &message);
	size_t size;

	if (n <= 0)
		return (int)n;
	size = (size_t)n - 1;
	if (message.msg_flags & MSG_TRUNC || !payloads[type].is_known ||
	    size < payloads[type].least || size > payloads[type].most) {
		errno = EBADMSG;
		return -1;
	}
	buffer[size] = '\0';
	*ret_size = size;
	return type;
}

/* ---- connecting ---- */

/* A path too long for an address goes through a descriptor of its folder. */
static int fill_address(const char *path, struct sockaddr_un *ret, int *ret_folder,
			struct error *err)
{
	const char *slash = strrchr(path, '/');

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(ret->sun_path)) {
		memcpy(ret->sun_path, path, strlen(path) + 1);
		return 0;
	}
	cleanup_free char *folder = slash ? strndup(path, (size_t)(slash - path)) : NULL;
	if (!folder)
		return error_set(err, ENAMETOOLONG, "connect to %s", path);
	*ret_folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_folder < 0)
		return error_set(err, errno, "open %s", folder);
	int n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", *ret_folder,
			 slash + 1);
	if ((size_t)n >= sizeof(ret->sun_path))
		return error_set(err, ENAMETOOLONG, "connect to %s", path);
	return 0;
}

int stream_connect(const char *path, struct error *err)
{
	cleanup_fd int folder = -1;
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;

	if (fd < 0)
		return error_set(err, errno, "make a socket");
	if (fill_address(path, &address, &folder, err) < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, errno, "connect to the supervisor at %s", path);
	return move_fd(&fd);
}
