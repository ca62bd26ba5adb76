/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: a client says what it wants, and gets it, or closes. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/supervisor/client.h"

enum {
	CLIENTS_MAX = 1024,
	ACCEPTS_A_TURN = 64,
	PACKETS_A_TURN = 16, /* then the others have theirs */
	ACCEPT_AGAIN_MS = 100,
};

/* ---- the end of a connection ---- */

/*
 * Freed by the loop, so that nobody loses a client under his feet, and not as
 * long as a call knows it, whose answer goes nowhere then.
 */
static void on_sweep(struct loop_timer *timer)
{
	struct supervisor *s = loop_owner(timer, struct supervisor, sweep);

	for (struct client **at = &s->closed_clients; *at;) {
		struct client *c = *at;
		if (c->calls) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		free(c->held);
		free(c);
	}
}

void client_close(struct client *c)
{
	struct supervisor *s = c->s;

	if (c->is_closed)
		return;
	c->is_closed = true;
	loop_remove(&s->loop, &c->watch);
	fd_close(&c->watch.fd);
	*c->place = c->next;
	if (c->next)
		c->next->place = c->place;
	c->next = s->closed_clients;
	s->closed_clients = c;
	client_attach_leave(c);
	client_exec_leave(c);
	if (c == s->launcher)
		s->launcher = NULL;
	loop_set_timer(&s->loop, &s->sweep, 0);
	life_check_over(s);
}

bool client_has_gone(const struct client *c)
{
	struct pollfd p = { .fd = c->watch.fd };

	return c->is_closed || (poll(&p, 1, 0) > 0 && p.revents & POLLHUP);
}

void client_release(struct client *c)
{
	c->calls--;
	if (c->is_closed)
		loop_set_timer(&c->s->loop, &c->s->sweep, 0);
}

/* ---- answers ---- */

void client_answer(struct client *c, const char *failure)
{
	if (c->is_closed)
		return;
	/* The socket of one who only waits is empty: it takes an answer, or its peer has gone. */
	if (failure)
		(void)stream_send_failed(c->watch.fd, EXIT_ENGINE, failure);
	else
		(void)stream_send(c->watch.fd, STREAM_DONE, NULL, 0);
	client_close(c);
}

void client_fail(struct client *c, int exit_code, const char *text)
{
	if (c->is_closed)
		return;
	(void)stream_send_failed(c->watch.fd, (uint32_t)exit_code, text);
	client_close(c);
}

bool client_send(struct client *c, enum stream_type type, const void *payload, size_t size)
{
	if (stream_send(c->watch.fd, type, payload, size) == 0)
		return true;
	c->is_blocked = true;
	/* What else may be wrong with the socket, the loop tells. */
	return false;
}

void client_watch(struct client *c)
{
	loop_change(&c->s->loop, &c->watch,
		    (uint32_t)EPOLLIN | (c->is_blocked ? (uint32_t)EPOLLOUT : 0));
}

static bool send_owed(struct client *c)
{
	if (c->owes_started && !c->owes_exited) {
		uint32_t pid = (uint32_t)c->pid;
		if (!client_send(c, STREAM_STARTED, &pid, sizeof(pid)))
			return false;
		c->owes_started = false;
		c->told_run = c->s->output.log.run;
	}
	if (c->owes_taken) {
		if (!client_send(c, STREAM_INPUT_TAKEN, NULL, 0))
			return false;
		c->owes_taken = false;
	}
	return true;
}

/* How the container has ended; or, as the last word, why it could not be started (again). */
static bool send_end(struct client *c)
{
	const struct run_end *end = &c->s->end;

	if (c->exited.will_restart || !*end->failure)
		return client_send(c, STREAM_EXITED, &c->exited, sizeof(c->exited));
	c->is_blocked = stream_send_failed(c->watch.fd, (uint32_t)end->exit_code, end->failure) < 0;
	return !c->is_blocked;
}

/* True when it has been told, and it was not the last word. */
static bool send_exited(struct client *c)
{
	if (!c->owes_exited || !send_end(c))
		return false;
	c->owes_exited = false;
	c->is_done = !c->exited.will_restart;
	return true;
}

void client_pump(struct client *c)
{
	if (c->is_closed)
		return;
	c->is_blocked = false;
	for (int i = 0; i < PACKETS_A_TURN && !c->is_done; i++) {
		enum client_output more;
		if (!send_owed(c))
			break;
		more = c->is_attached ? client_attach_send(c) : client_exec_send(c);
		if (more == CLIENT_OUTPUT_SENT)
			continue;
		if (more == CLIENT_OUTPUT_BLOCKED || !send_exited(c))
			break;
	}
	/* More may be there, if only that it has ended: the socket is ready, and says so. */
	if (!c->is_done && (c->owes_exited || client_attach_lacks_output(c)))
		c->is_blocked = true;
	client_watch(c);
	if (c->is_done)
		client_close(c);
	else
		life_check_over(c->s);
}

/* ---- connections ---- */

static void on_ready(struct loop_watch *watch, uint32_t events)
{
	struct client *c = loop_owner(watch, struct client, watch);

	if (events & EPOLLOUT)
		client_pump(c);
	if (!c->is_closed && events & ~(uint32_t)EPOLLOUT)
		client_receive(c);
}

struct client *client_new(struct supervisor *s, int take_fd, struct error *err)
{
	cleanup_fd int fd = take_fd;
	cleanup_free struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		(void)error_memory(err);
		return NULL;
	}
	*c = (struct client){
		.s = s,
		.watch = { .fd = fd, .events = EPOLLIN, .ready = on_ready },
	};
	if (loop_add(&s->loop, &c->watch, err) < 0)
		return NULL;
	(void)move_fd(&fd);
	c->place = &s->clients;
	c->next = s->clients;
	if (c->next)
		c->next->place = &c->next;
	s->clients = c;
	return move_ptr(&c);
}

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	if (peer.uid == geteuid())
		return true;
	log_warning("refused a client of user %u", peer.uid);
	return false;
}

static size_t count_clients(const struct supervisor *s)
{
	size_t n = 0;

	for (const struct client *c = s->clients; c; c = c->next)
		n++;
	return n;
}

/* Out of descriptors or memory: the socket stays readable, and would keep the loop busy. */
static void pause_accepting(struct supervisor *s, int code)
{
	log_warning("accept a client: %s; trying again", strerror(code));
	loop_remove(&s->loop, &s->listener);
	loop_set_timer(&s->loop, &s->accept_again, ACCEPT_AGAIN_MS);
}

static void on_accept_again(struct loop_timer *timer)
{
	struct supervisor *s = loop_owner(timer, struct supervisor, accept_again);
	struct error err;

	if (loop_add(&s->loop, &s->listener, &err) < 0)
		loop_set_timer(&s->loop, &s->accept_again, ACCEPT_AGAIN_MS);
}

void client_stop_accepting(struct supervisor *s)
{
	loop_cancel_timer(&s->loop, &s->accept_again);
	loop_remove(&s->loop, &s->listener);
	fd_close(&s->listener.fd);
}

void client_accept_all(struct supervisor *s)
{
	size_t room = CLIENTS_MAX - count_clients(s);

	for (size_t i = 0; i < ACCEPTS_A_TURN; i++) {
		struct error err;
		cleanup_fd int fd =
			accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			pause_accepting(s, errno);
			return;
		}
		/* One too many is closed: it may come again. */
		if (room == 0 || !is_ours(fd))
			continue;
		room--;
		if (!client_new(s, move_fd(&fd), &err))
			log_warning("a client is lost: %s", err.text);
	}
}

bool client_all_have_output(const struct supervisor *s)
{
	for (struct client *c = s->clients; c; c = c->next)
		if (client_attach_lacks_output(c))
			return false;
	return true;
}

void client_free_all(struct supervisor *s)
{
	while (s->clients)
		client_close(s->clients);
	for (struct client *c = s->closed_clients; c; c = c->next)
		c->calls = 0; /* the task service is about to go */
	loop_cancel_timer(&s->loop, &s->sweep);
	on_sweep(&s->sweep);
}

void client_init(struct supervisor *s)
{
	s->sweep.fire = on_sweep;
	s->accept_again.fire = on_accept_again;
}
