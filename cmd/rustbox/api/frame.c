/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/api/frame.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/mem.h"

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* deadline: -1 for none. 1; 0 when stopped by a signal; -1 with err. */
static int wait_for(int fd, short events, int64_t deadline, const volatile bool *stop,
		    struct error *err)
{
	for (;;) {
		struct pollfd watched = { .fd = fd, .events = events };
		int64_t left = deadline < 0 ? -1 : deadline - now_ms();
		int n;

		if (stop && *stop)
			return 0;
		if (deadline >= 0 && left <= 0)
			return error_set(err, ETIMEDOUT, "a frame that does not come to its end");
		n = poll(&watched, 1, (int)left);
		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return error_set(err, errno, "poll");
	}
}

/*
 * 1, or 0 when nothing came before the end (or the stop). *deadline is set by
 * the first byte.
 */
static int read_all(int fd, void *data, size_t size, int64_t *deadline, const volatile bool *stop,
		    struct error *err)
{
	char *p = data;

	while (size > 0) {
		/* Within a frame nothing stops us but its time. */
		int ready = wait_for(fd, POLLIN, *deadline, *deadline < 0 ? stop : NULL, err);
		if (ready <= 0)
			return ready;
		ssize_t n = recv(fd, p, size, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return error_set(err, errno, "read a frame");
		if (n == 0 && *deadline < 0)
			return 0;
		if (n == 0)
			return error_set(err, ECONNRESET, "the connection ended within a frame");
		if (*deadline < 0)
			*deadline = now_ms() + FRAME_TIMEOUT_MS;
		p += n;
		size -= (size_t)n;
	}
	return 1;
}

int frame_read(int fd, const volatile bool *stop, char **ret_text, size_t *ret_size,
	       struct error *err)
{
	cleanup_free char *text = NULL;
	int64_t deadline = -1;
	uint32_t length;
	int result = read_all(fd, &length, sizeof(length), &deadline, stop, err);

	if (result <= 0)
		return result;
	length = ntohl(length);
	if (length > FRAME_SIZE_MAX)
		return error_set(err, EMSGSIZE, "a frame of %u bytes (at most %d)", length,
				 FRAME_SIZE_MAX);
	/* A length is believed as far as bytes come. */
	text = malloc((size_t)length + 1);
	if (!text)
		return error_memory(err);
	if (length > 0 && read_all(fd, text, length, &deadline, NULL, err) < 0)
		return -1;
	text[length] = 0;
	*ret_size = length;
	*ret_text = move_ptr(&text);
	return 1;
}

static int write_all(int fd, const void *data, size_t size, int64_t deadline, struct error *err)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = send(fd, p, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			if (wait_for(fd, POLLOUT, deadline, NULL, err) < 0)
				return -1;
			continue;
		}
		if (n < 0 && errno != EINTR)
			return error_set(err, errno, "write a frame");
		if (n > 0) {
			p += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

int frame_write(int fd, const char *text, size_t size, struct error *err)
{
	int64_t deadline = now_ms() + FRAME_TIMEOUT_MS;
	uint32_t length = htonl((uint32_t)size);

	if (size > UINT32_MAX)
		return error_set(err, EMSGSIZE, "an answer of %zu bytes", size);
	if (write_all(fd, &length, sizeof(length), deadline, err) < 0)
		return -1;
	return write_all(fd, text, size, deadline, err);
}
