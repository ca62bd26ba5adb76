/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/api/frame.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"

/* Until the first byte of a frame; 0 when we are to end. */
static int wait_for_frame(const struct frame_peer *peer, struct error *err)
{
	struct pollfd watched[] = {
		{ .fd = peer->stop, .events = POLLIN },
		{ .fd = peer->fd, .events = POLLIN },
	};

	while (poll(watched, 2, -1) < 0)
		if (errno != EINTR)
			return error_set(err, errno, "poll");
	return watched[0].revents ? 0 : 1;
}

/* Within a frame nothing stops us but its time. */
static int wait_for_more(int fd, int64_t deadline, struct error *err)
{
	struct pollfd watched = { .fd = fd, .events = POLLIN };
	int left = clock_left_ms(deadline);

	if (left == 0)
		return error_plain(err, ETIMEDOUT,
				   "a frame that has not come to its end after %d s",
				   FRAME_TIMEOUT_MS / 1000);
	if (poll(&watched, 1, left) < 0 && errno != EINTR)
		return error_set(err, errno, "poll");
	return 1;
}

/*
 * 1, or 0 when nothing came before the end (or the stop). *deadline, -1 at
 * first, is set by the first byte.
 */
static int read_all(const struct frame_peer *peer, void *data, size_t size, int64_t *deadline,
		    struct error *err)
{
	char *p = data;

	while (size > 0) {
		int ready = *deadline < 0 ? wait_for_frame(peer, err)
					  : wait_for_more(peer->fd, *deadline, err);
		if (ready <= 0)
			return ready;
		ssize_t n = recv(peer->fd, p, size, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return error_set(err, errno, "read a frame");
		if (n == 0 && *deadline < 0)
			return 0;
		if (n == 0)
			return error_set(err, ECONNRESET, "the connection ended within a frame");
		if (*deadline < 0)
			*deadline = clock_now_ms() + FRAME_TIMEOUT_MS;
		p += n;
		size -= (size_t)n;
	}
	return 1;
}

static int read_frame(const struct frame_peer *peer, char **ret_text, size_t *ret_size,
		      struct error *err)
{
	cleanup_free char *text = NULL;
	int64_t deadline = -1;
	uint32_t length;
	int result = read_all(peer, &length, sizeof(length), &deadline, err);

	if (result <= 0)
		return result;
	length = ntohl(length);
	if (length > FRAME_SIZE_MAX)
		return error_plain(err, EMSGSIZE, "a frame of %u bytes (at most %d)", length,
				   FRAME_SIZE_MAX);
	/* The kernel gives pages as bytes come, whatever the length says. */
	text = malloc((size_t)length + 1);
	if (!text)
		return error_memory(err);
	if (length > 0 && read_all(peer, text, length, &deadline, err) < 0)
		return -1;
	text[length] = 0;
	*ret_size = length;
	*ret_text = move_ptr(&text);
	return 1;
}

int frame_read(struct frame_peer *peer, char **ret_text, size_t *ret_size, struct error *err)
{
	int result = read_frame(peer, ret_text, ret_size, err);

	if (result <= 0)
		peer->cannot_read = true;
	return result;
}

static int write_all(int fd, const void *data, size_t size, struct error *err)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "write a frame");
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int frame_write(struct frame_peer *peer, const char *text, size_t size, struct error *err)
{
	uint32_t length = htonl((uint32_t)size);

	if (size > UINT32_MAX)
		return error_set(err, EMSGSIZE, "an answer of %zu bytes", size);
	if (write_all(peer->fd, &length, sizeof(length), err) == 0 &&
	    write_all(peer->fd, text, size, err) == 0)
		return 0;
	peer->cannot_write = true;
	return -1;
}

bool frame_is_closed(const struct frame_peer *peer)
{
	struct pollfd watched = { .fd = peer->fd };

	return poll(&watched, 1, 0) > 0;
}
