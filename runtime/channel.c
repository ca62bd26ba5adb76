/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/channel.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

static const char *const names[] = {
	[CHANNEL_ERROR] = "ERROR",
	[CHANNEL_LOG] = "LOG",
	[CHANNEL_MAP_IDS] = "MAP_IDS",
	[CHANNEL_IDS_MAPPED] = "IDS_MAPPED",
	[CHANNEL_INIT_BORN] = "INIT_BORN",
	[CHANNEL_PROCEED] = "PROCEED",
	[CHANNEL_RUN_HOOKS] = "RUN_HOOKS",
	[CHANNEL_HOOKS_DONE] = "HOOKS_DONE",
	[CHANNEL_READY] = "READY",
	[CHANNEL_SAVED] = "SAVED",
	[CHANNEL_START] = "START",
	[CHANNEL_SECCOMP_LISTENER] = "SECCOMP_LISTENER",
	[CHANNEL_LISTENER_SENT] = "LISTENER_SENT",
};

enum { HEADER_SIZE = offsetof(struct channel_packet, text) };

static const char *name_of(uint32_t message)
{
	return message < sizeof(names) / sizeof(names[0]) ? names[message] : "an unknown message";
}

int channel_pair(int ends[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "socketpair");
	return 0;
}

/* Only as much of the text as there is goes over. */
static int send_packet(int channel, const struct channel_packet *packet, int pass_fd)
{
	size_t size = HEADER_SIZE + strlen(packet->text) + 1;

	return fd_send_packet(channel, packet, size, &pass_fd, pass_fd >= 0 ? 1 : 0);
}

int channel_send(int channel, enum channel_message message, int32_t value, int pass_fd,
		 struct error *err)
{
	struct channel_packet packet = { .message = message, .value = value };

	if (send_packet(channel, &packet, pass_fd) < 0)
		return error_set(err, errno, "send %s", name_of(message));
	return 0;
}

void channel_send_error(int channel, const struct error *error)
{
	struct channel_packet packet = { .message = CHANNEL_ERROR, .value = error->code };

	memcpy(packet.text, error->text, sizeof(packet.text));
	(void)send_packet(channel, &packet, -1);
}

void channel_log_sink(void *data, enum log_level level, const char *text)
{
	struct channel_packet packet = { .message = CHANNEL_LOG, .value = (int32_t)level };
	size_t n = strnlen(text, sizeof(packet.text) - 1);

	memcpy(packet.text, text, n);
	(void)send_packet(*(const int *)data, &packet, -1);
}

/*
 * The next packet that is no LOG. Returns 0 at end of file, 1 with a packet,
 * -1 with err. A peer killed while a packet of ours to it was unread gives
 * ECONNRESET, which means the same as end of file.
 */
static int receive(int channel, struct channel_packet *packet, int *ret_fd, struct error *err)
{
	for (;;) {
		size_t n_fds = ret_fd ? 1 : 0;
		ssize_t n = fd_receive_packet(channel, packet, sizeof(*packet), ret_fd, &n_fds);

		if (n == 0)
			return 0;
		if (n < 0)
			return error_set(err, errno, "receive from a process of the container");
		if (ret_fd && n_fds == 0)
			*ret_fd = -1;
		if ((size_t)n <= HEADER_SIZE)
			return error_set(err, EPROTO, "a packet of %zd bytes", n);
		((char *)packet)[n - 1] = '\0';
		if (packet->message != CHANNEL_LOG)
			return 1;
		if (ret_fd)
			fd_close(ret_fd);
		log_write((enum log_level)packet->value, "%s", packet->text);
	}
}

static int fail_with_peers_words(const struct channel_packet *packet, struct error *err)
{
	err->code = packet->value;
	memcpy(err->text, packet->text, sizeof(err->text));
	return -1;
}

int channel_expect(int channel, enum channel_message message, const char *who, int32_t *ret_value,
		   int *ret_fd, struct error *err)
{
	struct channel_packet packet;
	cleanup_fd int fd = -1;
	int got = receive(channel, &packet, ret_fd ? &fd : NULL, err);

	if (got == 0 || (got < 0 && err->code == ECONNRESET))
		return error_set(err, EPIPE, "%s ended while %s was awaited from it", who,
				 name_of(message));
	if (got < 0)
		return -1;
	if (packet.message == CHANNEL_ERROR)
		return fail_with_peers_words(&packet, err);
	if (packet.message != message)
		return error_set(err, EPROTO, "%s sent %s where %s was awaited", who,
				 name_of(packet.message), name_of(message));
	if (ret_value)
		*ret_value = packet.value;
	if (ret_fd)
		*ret_fd = move_fd(&fd);
	return 0;
}

int channel_expect_exec(int channel, const char *who, int32_t *ret_value, int *ret_fd,
			struct error *err)
{
	struct channel_packet packet;
	cleanup_fd int fd = -1;
	int got = receive(channel, &packet, &fd, err);

	/* Who executes the program has read all that we sent before. */
	if (got < 0 && err->code == ECONNRESET)
		return error_set(err, EPIPE, "%s ended before it executed the program", who);
	if (got <= 0)
		return got;
	if (packet.message == CHANNEL_ERROR)
		return fail_with_peers_words(&packet, err);
	if (packet.message != CHANNEL_SECCOMP_LISTENER)
		return error_set(err, EPROTO, "%s sent %s while starting the program", who,
				 name_of(packet.message));
	*ret_value = packet.value;
	*ret_fd = move_fd(&fd);
	return 1;
}

bool channel_must_attach_listener(void)
{
	return geteuid() != 0;
}

int channel_hand_over_listener(void *data, int fd)
{
	const struct channel_listener_peer *peer = data;
	struct {
		uint32_t message;
		int32_t value;
		char text[1];
	} packet = { .message = CHANNEL_SECCOMP_LISTENER, .value = fd };
	const ssize_t size = HEADER_SIZE + 1;

	if (peer->attach ? fd_send_packet(peer->channel, &packet, (size_t)size, &fd, 1) < 0
			 : write(peer->channel, &packet, (size_t)size) != size)
		return -1;
	if (read(peer->channel, &packet, (size_t)size) != size)
		return -1;
	return packet.message == CHANNEL_LISTENER_SENT ? 0 : -1;
}
