/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections: accepting, reading, writing. What is in the frames is the
 * business of ttrpc_call.c.
 *
 * A connection is freed by its own event only, so that no handler loses one
 * under its feet: who wants to end it shuts the socket down, and the loop tells
 * of the hang-up.
 */
#include "proto/ttrpc_server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "proto/ttrpc_connection.h"

enum {
	CHUNK_SIZE = 4096,
	CHUNKS_A_TURN = 16, /* then the others have theirs */
	ACCEPTS_A_TURN = 16,
	RETRY_MS = 100,
};

/* ---- writing ---- */

static size_t backlog(const struct ttrpc_connection *c)
{
	return c->broken ? 0 : c->out.size - c->sent;
}

static bool wants_input(const struct ttrpc_connection *c)
{
	return !c->ended && !c->broken && backlog(c) <= TTRPC_BACKLOG_PAUSE;
}

/* Nothing more will come of it, in either direction. */
static bool is_over(const struct ttrpc_connection *c)
{
	return c->broken || (c->ended && !c->calls && !backlog(c));
}

/* Makes the loop tell of a hang-up. What the socket has taken, the peer can still read. */
static void break_off(struct ttrpc_connection *c)
{
	c->broken = true;
	str_done(&c->out);
	c->sent = 0;
	(void)shutdown(c->watch.fd, SHUT_RDWR);
}

void ttrpc_connection_settle(struct ttrpc_connection *c)
{
	if (is_over(c) && !c->broken)
		break_off(c);
	loop_change(c->server->loop, &c->watch,
		    (wants_input(c) ? (uint32_t)EPOLLIN : 0) |
			    (backlog(c) ? (uint32_t)EPOLLOUT : 0));
}

/* Forgets what is sent, at once or by halves: a peer that is always a little behind costs nothing.
 */
static void drop_sent(struct ttrpc_connection *c)
{
	if (c->sent == c->out.size) {
		str_done(&c->out);
		c->sent = 0;
	} else if (c->sent >= c->out.size / 2) {
		memmove(c->out.text, c->out.text + c->sent, c->out.size - c->sent);
		c->out.size -= c->sent;
		c->sent = 0;
	}
}

static void send_backlog(struct ttrpc_connection *c)
{
	while (backlog(c)) {
		ssize_t n = send(c->watch.fd, c->out.text + c->sent, backlog(c),
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			break_off(c);
			return;
		}
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	drop_sent(c);
}

static void queued(struct ttrpc_connection *c)
{
	if (c->out.failed || backlog(c) > TTRPC_BACKLOG_MAX) {
		log_warning("ttrpc: a client that does not read its answers is cut off");
		break_off(c);
	}
	send_backlog(c);
	ttrpc_connection_settle(c);
}

void ttrpc_connection_fail(struct ttrpc_connection *c, uint32_t stream, enum ttrpc_code code,
			   const char *text)
{
	struct error err;

	if (c->broken)
		return;
	if (ttrpc_add_failure(&c->out, stream, code, text, &err) < 0)
		c->out.failed = true; /* a caller without an answer would wait for ever */
	queued(c);
}

void ttrpc_connection_answer(struct ttrpc_connection *c, uint32_t stream,
			     const ProtobufCMessage *response)
{
	struct error err;

	if (c->broken)
		return;
	if (ttrpc_add_response(&c->out, stream, response, &err) < 0)
		ttrpc_connection_fail(c, stream, TTRPC_RESOURCE_EXHAUSTED, err.text);
	else
		queued(c);
}

/* ---- reading ---- */

static void feed(struct ttrpc_connection *c, const uint8_t *bytes, size_t n)
{
	while (wants_input(c)) {
		const uint8_t *data = NULL;
		struct error err;
		int kind = ttrpc_reader_feed(&c->reader, &bytes, &n, &data, &err);
		if (kind == TTRPC_READ_MORE)
			return;
		if (kind < 0)
			break_off(c);
		else
			ttrpc_call_receive(c, (enum ttrpc_read)kind, data);
	}
	if (n && !c->broken)
		str_add_bytes(&c->rest, bytes, n);
	if (c->rest.failed)
		break_off(c);
}

static void feed_rest(struct ttrpc_connection *c)
{
	cleanup_str struct str rest = c->rest;

	c->rest = (struct str)STR_EMPTY;
	if (rest.size)
		feed(c, (const uint8_t *)rest.text, rest.size);
}

static void read_frames(struct ttrpc_connection *c)
{
	uint8_t chunk[CHUNK_SIZE];
	ssize_t n = CHUNK_SIZE;

	feed_rest(c);
	/* A short read has emptied the socket, most likely: the loop knows. */
	for (int i = 0; i < CHUNKS_A_TURN && n == CHUNK_SIZE && wants_input(c); i++) {
		do
			n = recv(c->watch.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		while (n < 0 && errno == EINTR);
		if (n > 0)
			feed(c, chunk, (size_t)n);
		else if (n == 0)
			c->ended = true;
		else if (errno != EAGAIN)
			c->broken = true;
	}
}

/* ---- connections ---- */

static void listen_again(struct ttrpc_server *server);

static void connection_free(struct ttrpc_connection *c)
{
	struct ttrpc_server *server = c->server;

	c->broken = true;
	loop_remove(server->loop, &c->watch);
	ttrpc_call_leave_all(c);
	fd_close(&c->watch.fd);
	*c->place = c->next;
	if (c->next)
		c->next->place = c->place;
	server->n_connections--;
	server->n_silent += c->last_stream == 0;
	ttrpc_reader_done(&c->reader);
	str_done(&c->rest);
	str_done(&c->out);
	free(c);
	listen_again(server);
}

static void connection_ready(struct loop_watch *watch, uint32_t events)
{
	struct ttrpc_connection *c = loop_owner(watch, struct ttrpc_connection, watch);

	if (events & EPOLLOUT)
		send_backlog(c);
	if (wants_input(c))
		read_frames(c);
	/* After a hang-up there may be requests to read, but nobody is there to answer. */
	if (is_over(c) || (events & (EPOLLHUP | EPOLLERR) && !wants_input(c)))
		connection_free(c);
	else
		ttrpc_connection_settle(c);
}

int ttrpc_connection_new(struct ttrpc_server *server, int take_fd, struct error *err)
{
	cleanup_fd int fd = take_fd;
	cleanup_free struct ttrpc_connection *c = calloc(1, sizeof(*c));

	if (!c)
		return error_memory(err);
	c->server = server;
	c->watch = (struct loop_watch){ .fd = fd, .events = EPOLLIN, .ready = connection_ready };
	if (loop_add(server->loop, &c->watch, err) < 0)
		return -1;
	c->place = &server->connections;
	c->next = server->connections;
	if (c->next)
		c->next->place = &c->next;
	server->connections = move_ptr(&c);
	server->n_connections++;
	(void)move_fd(&fd);
	return 0;
}

/* ---- the listening socket ---- */

/* Waits for connections, or for room for them, whichever can be. */
static void listen_again(struct ttrpc_server *server)
{
	struct error err;

	if (server->listener.fd < 0 || server->listener.watched || server->retry.set ||
	    server->n_connections >= TTRPC_CONNECTIONS_MAX)
		return;
	if (loop_add(server->loop, &server->listener, &err) < 0)
		loop_set_timer(server->loop, &server->retry, RETRY_MS);
}

static void retry_listening(struct loop_timer *timer)
{
	listen_again(loop_owner(timer, struct ttrpc_server, retry));
}

/* Out of descriptors or memory: the socket stays readable, and would keep the loop busy. */
static void pause_listening(struct ttrpc_server *server, int code)
{
	if (!server->failing)
		log_warning("ttrpc: accept: %s; trying again", strerror(code));
	server->failing = true;
	loop_remove(server->loop, &server->listener);
	loop_set_timer(server->loop, &server->retry, RETRY_MS);
}

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	if (peer.uid == geteuid() && peer.gid == getegid())
		return true;
	log_warning("ttrpc: refused a client of user %u, group %u", peer.uid, peer.gid);
	return false;
}

static void listener_ready(struct loop_watch *watch, uint32_t events)
{
	struct ttrpc_server *server = loop_owner(watch, struct ttrpc_server, listener);
	struct error err;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN && server->n_connections < TTRPC_CONNECTIONS_MAX; i++) {
		cleanup_fd int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			pause_listening(server, errno);
			return;
		}
		server->failing = false;
		if (is_ours(fd) && ttrpc_connection_new(server, move_fd(&fd), &err) < 0)
			log_warning("ttrpc: a connection is lost: %s", err.text);
	}
	if (server->n_connections >= TTRPC_CONNECTIONS_MAX)
		loop_remove(server->loop, &server->listener);
}

struct ttrpc_server *ttrpc_server_new(struct loop *loop, int take_listener,
				      ProtobufCService *const *services, struct error *err)
{
	cleanup_fd int fd = take_listener;
	cleanup_free struct ttrpc_server *server = calloc(1, sizeof(*server));
	int flags = fcntl(fd, F_GETFL);

	if (!server) {
		(void)error_memory(err);
		return NULL;
	}
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		(void)error_set(err, errno, "make the listening socket non-blocking");
		return NULL;
	}
	server->loop = loop;
	server->services = services;
	server->retry.fire = retry_listening;
	server->listener =
		(struct loop_watch){ .fd = fd, .events = EPOLLIN, .ready = listener_ready };
	if (loop_add(loop, &server->listener, err) < 0) {
		(void)error_wrap(err, "serve ttrpc");
		return NULL;
	}
	(void)move_fd(&fd);
	return move_ptr(&server);
}

void ttrpc_server_stop_listening(struct ttrpc_server *server)
{
	loop_cancel_timer(server->loop, &server->retry);
	loop_remove(server->loop, &server->listener);
	fd_close(&server->listener.fd);
}

bool ttrpc_server_is_flushed(const struct ttrpc_server *server)
{
	for (const struct ttrpc_connection *c = server->connections; c; c = c->next)
		if (backlog(c))
			return false;
	return true;
}

size_t ttrpc_server_connections(const struct ttrpc_server *server)
{
	return server->n_connections;
}

size_t ttrpc_server_silent(const struct ttrpc_server *server)
{
	return server->n_silent;
}

size_t ttrpc_server_calls(const struct ttrpc_server *server)
{
	return server->n_calls;
}

void ttrpc_server_free(struct ttrpc_server *server)
{
	if (!server)
		return;
	ttrpc_server_stop_listening(server);
	for (struct ttrpc_connection *c = server->connections, *next; c; c = next) {
		next = c->next;
		connection_free(c);
	}
	ttrpc_call_drop_orphans(server);
	free(server);
}
