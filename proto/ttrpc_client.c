/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ttrpc_client.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "proto/ttrpc_reader.h"
#include "proto/unpack.h"

enum { CHUNK_SIZE = 4096, CONNECT_SECONDS = 10 };

/* ---- connecting ---- */

/*
 * Fills in the address. A path that is too long for it is named through an
 * open descriptor of its folder, which must stay open until the connect.
 */
static int fill_address(const char *path, struct sockaddr_un *address, int *ret_folder,
			struct error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *folder = NULL;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, strlen(path) + 1);
		return 0;
	}
	folder = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
	if (!folder)
		return error_set(err, ENAMETOOLONG, "connect to %s", path);
	*ret_folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_folder < 0)
		return error_set(err, errno, "open %s", folder);
	int n = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%s",
			 *ret_folder, slash);
	if (n >= (int)sizeof(address->sun_path))
		return error_set(err, ENAMETOOLONG, "connect to %s", path);
	return 0;
}

int ttrpc_connect(const char *address, bool nonblocking, struct error *err)
{
	static const char scheme[] = "unix://";
	const char *path = str_starts_with(address, scheme) ? address + strlen(scheme) : address;
	/* A server that does not accept any more must not stop its clients for ever. */
	struct timeval longest = { .tv_sec = CONNECT_SECONDS }, none = { 0 };
	cleanup_fd int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
	cleanup_fd int folder = -1;
	struct sockaddr_un to;

	if (fd < 0)
		return error_set(err, errno, "make a socket");
	if (fill_address(path, &to, &folder, err) < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof(longest));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return error_set(err, errno, "connect to %s", path);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
	return move_fd(&fd);
}

/* ---- one call ---- */

/* Waits for one of the events until the deadline (-1: for ever). */
static int wait_ready(int fd, short events, int64_t deadline, struct error *err)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int n = poll(&p, 1, deadline < 0 ? -1 : clock_left_ms(deadline));
		if (n > 0)
			return 0;
		if (n == 0)
			return error_set(err, ETIMEDOUT, "wait for the server");
		if (errno != EINTR)
			return error_set(err, errno, "wait for the server");
	}
}

static bool is_not_ready(int code)
{
	return code == EAGAIN || code == EINTR;
}

static int send_all(int fd, const char *data, size_t size, int64_t deadline, struct error *err)
{
	while (size) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && !is_not_ready(errno))
			return error_set(err, errno == EPIPE ? ECONNRESET : errno,
					 "send to the server");
		if (n < 0 && wait_ready(fd, POLLOUT, deadline, err) < 0)
			return -1;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/* One frame, of which `data` lives as long as the chunk and the reader. */
static int receive_frame(int fd, struct ttrpc_reader *reader, uint8_t chunk[CHUNK_SIZE],
			 const uint8_t **ret_data, int64_t deadline, struct error *err)
{
	int kind = TTRPC_READ_MORE;

	while (kind == TTRPC_READ_MORE) {
		size_t wanted = ttrpc_reader_wants(reader);
		ssize_t n =
			recv(fd, chunk, wanted < CHUNK_SIZE ? wanted : CHUNK_SIZE, MSG_DONTWAIT);
		if (n == 0)
			return error_set(err, ECONNRESET, "the server closed the connection");
		if (n < 0 && !is_not_ready(errno))
			return error_set(err, errno, "receive from the server");
		if (n < 0) {
			if (wait_ready(fd, POLLIN, deadline, err) < 0)
				return -1;
			continue;
		}
		const uint8_t *bytes = chunk;
		size_t left = (size_t)n;
		kind = ttrpc_reader_feed(reader, &bytes, &left, ret_data, err);
	}
	if (kind == TTRPC_READ_TOO_LONG)
		return error_set(err, EMSGSIZE, "the server's answer has %u bytes",
				 reader->header.size);
	return kind < 0 ? -1 : 0;
}

static ProtobufCMessage *open_envelope(const uint8_t *data, size_t size,
				       const ProtobufCMessageDescriptor *descriptor,
				       enum ttrpc_code *ret_status, struct error *err)
{
	ProtobufCMessage *message = NULL;
	Ttrpc__Response *response = (Ttrpc__Response *)unpack_message(&ttrpc__response__descriptor,
								      size, data, NULL, err);

	if (response && response->status && response->status->code != TTRPC_OK) {
		*ret_status = (enum ttrpc_code)response->status->code;
		(void)error_set(err, 0, "%s", response->status->message);
	} else if (response) {
		message = unpack_message(descriptor, response->payload.len, response->payload.data,
					 NULL, err);
	}
	if (!message && err->code == 0 && *ret_status == TTRPC_OK)
		err->code = EBADMSG;
	if (response)
		ttrpc__response__free_unpacked(response, NULL);
	return message;
}

/* Waits for the answer; of calls that were given up before, answers may come, too. */
static ProtobufCMessage *receive_answer(int fd, uint32_t stream,
					const ProtobufCMessageDescriptor *descriptor,
					int64_t deadline, enum ttrpc_code *ret_status,
					struct error *err)
{
	__attribute__((cleanup(ttrpc_reader_done))) struct ttrpc_reader reader = { 0 };
	uint8_t chunk[CHUNK_SIZE];
	const uint8_t *data = NULL;

	do {
		if (receive_frame(fd, &reader, chunk, &data, deadline, err) < 0)
			return NULL;
	} while (reader.header.stream != stream || reader.header.type != TTRPC_RESPONSE);
	return open_envelope(data, reader.header.size, descriptor, ret_status, err);
}

ProtobufCMessage *ttrpc_client_call(struct ttrpc_client *client, const char *service,
				    const char *method, const ProtobufCMessage *request,
				    const ProtobufCMessageDescriptor *response, int timeout_ms,
				    enum ttrpc_code *ret_status, struct error *err)
{
	int64_t deadline = timeout_ms < 0 ? -1 : clock_now_ms() + timeout_ms;
	int64_t timeout_ns = timeout_ms < 0 ? 0 : timeout_ms * INT64_C(1000000);
	enum ttrpc_code status = TTRPC_OK;
	cleanup_str struct str frame = STR_EMPTY;
	ProtobufCMessage *answer = NULL;
	uint32_t stream = client->next_stream;

	if (client->fd < 0) {
		(void)error_set(err, ENOTCONN, "call %s", method);
		return NULL;
	}
	if (ttrpc_add_request(&frame, stream, service, method, request, timeout_ns, NULL, NULL,
			      err) < 0)
		return NULL;
	client->next_stream += 2;
	if (send_all(client->fd, frame.text, frame.size, deadline, err) == 0)
		answer = receive_answer(client->fd, stream, response, deadline, &status, err);
	if (!answer && status == TTRPC_OK) {
		/* Nobody knows at which byte of a frame the connection is now. */
		ttrpc_client_close(client);
		(void)error_wrap(err, "call %s", method);
	}
	*ret_status = status;
	return answer;
}

void ttrpc_client_close(struct ttrpc_client *client)
{
	fd_close(&client->fd);
}
