/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/container/session.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/rustbox/container/session_keys.h"
#include "cmd/rustbox/container/session_signals.h"
#include "cmd/rustbox/container/session_terminal.h"
#include "cmd/rustbox/stream/stream.h"

enum { EXIT_LOST = 125 };

/* How the conversation goes on. */
enum step { STEP_ON, STEP_EXITED, STEP_DETACHED, STEP_DIED };

struct conversation {
	const struct session *session;
	struct session_terminal terminal;
	struct session_keys keys;
	int signals;
	bool proxies, is_started;
	int exit_code, died_of;
	struct stream_exited exited;
	/* what was typed and not sent; one packet is on its way until INPUT_TAKEN */
	bool reads_input, awaits_taken, end_is_due;
	size_t n_input;
	/* what came and was not yet written: nothing more is received meanwhile */
	const struct session_stream *sink;
	const char *output;
	size_t n_output;
	char input[STREAM_BYTES_MAX];
	char packet[STREAM_PACKET_MAX];
};

/* A connection that ends is found when its last packets have been received. */
static void send_packet(struct conversation *c, enum stream_type type, const void *data,
			size_t size)
{
	(void)stream_send(c->session->socket, type, data, size);
}

static void send_size(struct conversation *c)
{
	struct stream_size size;

	session_terminal_size(&size);
	if (size.columns || size.rows)
		send_packet(c, STREAM_RESIZE, &size, sizeof(size));
}

/* ---- input ---- */

static void send_input(struct conversation *c)
{
	if (c->awaits_taken || !c->is_started)
		return;
	if (c->n_input > 0) {
		send_packet(c, STREAM_INPUT, c->input, c->n_input);
		c->awaits_taken = true;
		c->n_input = 0;
	} else if (c->end_is_due) {
		send_packet(c, STREAM_INPUT_END, NULL, 0);
		c->end_is_due = false;
	}
}

static size_t input_room(const struct conversation *c)
{
	size_t room = sizeof(c->input) - c->n_input;

	/* Keys kept back may be given out with the next byte. */
	return room > SESSION_KEYS_MAX ? room - SESSION_KEYS_MAX : 0;
}

static enum step read_input(struct conversation *c)
{
	char typed[STREAM_BYTES_MAX];
	ssize_t n = session_stream_read(&c->terminal.in, typed, input_room(c));
	bool detached = false;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return STEP_ON;
	if (n <= 0) {
		/* A terminal that was hung up, or belongs to others now, is at its end, too. */
		c->reads_input = false;
		c->end_is_due = true;
	} else {
		c->n_input += session_keys_filter(&c->keys, typed, (size_t)n, c->input + c->n_input,
						  &detached);
	}
	send_input(c);
	return detached ? STEP_DETACHED : STEP_ON;
}

/* ---- output ---- */

static int write_output(struct conversation *c, enum step *ret_step, struct error *err)
{
	ssize_t n = session_stream_write(c->sink, c->output, c->n_output);

	if (n >= 0) {
		c->output += n;
		c->n_output -= (size_t)n;
		return 0;
	}
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno == EPIPE) {
		c->died_of = SIGPIPE;
		*ret_step = STEP_DIED;
		return 0;
	}
	return error_set(err, errno, "write to standard %s",
			 c->sink == &c->terminal.out ? "output" : "error");
}

static int take_output(struct conversation *c, const struct session_stream *sink, size_t size,
		       enum step *ret_step, struct error *err)
{
	c->sink = sink;
	c->output = c->packet;
	c->n_output = size;
	return size ? write_output(c, ret_step, err) : 0;
}

static void tell_gap(const struct conversation *c)
{
	uint64_t lost;

	memcpy(&lost, c->packet, sizeof(lost));
	log_warning("%llu bytes of output were rotated away before they could be shown, or "
		    "cannot be read",
		    (unsigned long long)lost);
	/* A raw terminal goes down a line, and not to its beginning. */
	if (c->terminal.raw && isatty(STDERR_FILENO))
		(void)session_stream_write(&c->terminal.err, "\r", 1);
}

/* ---- what the supervisor says ---- */

static int take_failure(struct conversation *c, struct error *err)
{
	struct stream_failed failed;

	memcpy(&failed, c->packet, sizeof(failed));
	c->exit_code = (int)failed.exit_code;
	return error_set(err, (int)failed.exit_code, "%s", c->packet + sizeof(failed));
}

static void take_start(struct conversation *c)
{
	c->is_started = true;
	/* It may have changed since it was told. */
	if (c->terminal.raw)
		send_size(c);
	send_input(c);
}

static enum step take_exit(struct conversation *c)
{
	memcpy(&c->exited, c->packet, sizeof(c->exited));
	c->exited.ended_by[sizeof(c->exited.ended_by) - 1] = '\0';
	c->exit_code = c->exited.exit_code;
	return c->exited.will_restart ? STEP_ON : STEP_EXITED;
}

/* What the exit code alone, 128 and a signal, does not tell. */
static void tell_why(const struct stream_exited *exited)
{
	static const struct {
		const char *ended_by, *text;
	} reasons[] = {
		{ "timeout", "it has run as long as --timeout allows" },
		{ "cpu-time", "it has used the CPU time that --cpu-time allows" },
		{ "output-limit", "it has written as much as --output-limit allows" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (str_equal(exited->ended_by, reasons[i].ended_by))
			log_warning("ended: %s", reasons[i].text);
	if (exited->oom_killed && exited->signal == SIGKILL)
		log_warning("killed: it has used more memory than it may (--memory)");
}

static int take_packet(struct conversation *c, int type, size_t size, enum step *ret_step,
		       struct error *err)
{
	switch (type) {
	case STREAM_STARTED:
		take_start(c);
		return 0;
	case STREAM_OUT:
		return take_output(c, &c->terminal.out, size, ret_step, err);
	case STREAM_ERR:
		return take_output(c, &c->terminal.err, size, ret_step, err);
	case STREAM_INPUT_TAKEN:
		c->awaits_taken = false;
		send_input(c);
		return 0;
	case STREAM_GAP:
		tell_gap(c);
		return 0;
	case STREAM_EXITED:
		*ret_step = take_exit(c);
		return 0;
	case STREAM_FAILED:
		return take_failure(c, err);
	default: /* of a newer supervisor */
		return 0;
	}
}

static int receive(struct conversation *c, enum step *ret_step, struct error *err)
{
	size_t size;
	int type = stream_receive(c->session->socket, c->packet, &size);

	if (type > 0)
		return take_packet(c, type, size, ret_step, err);
	if (type < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	c->exit_code = EXIT_LOST;
	(void)error_set(err, type < 0 && errno != ECONNRESET ? errno : 0,
			"the container's supervisor has ended without a word");
	err->code = EXIT_LOST;
	return error_hint(err, "rustbox inspect shows what became of the container, rustbox "
			       "restart starts it again");
}

/* ---- signals ---- */

static enum step take_signal(struct conversation *c)
{
	int signal = session_signals_take(c->signals);
	const struct stream_kill kill = { .signal = signal };
	struct error err;

	if (signal == 0)
		return STEP_ON;
	switch (session_signals_judge(signal, c->session->tty, c->proxies && c->is_started)) {
	case SESSION_SIGNAL_RESIZE:
		send_size(c);
		return STEP_ON;
	case SESSION_SIGNAL_RESUME:
		if (c->terminal.raw && session_terminal_set_raw(&c->terminal, &err) < 0)
			log_warning("%s", err.text);
		send_size(c);
		return STEP_ON;
	case SESSION_SIGNAL_FORWARD:
		send_packet(c, STREAM_SIGNAL, &kill, sizeof(kill));
		return STEP_ON;
	default:
		c->died_of = signal;
		return STEP_DIED;
	}
}

/* ---- the loop ---- */

static int take_ready(struct conversation *c, const struct pollfd *ready, enum step *ret_step,
		      struct error *err)
{
	if (ready[0].revents)
		*ret_step = take_signal(c);
	if (*ret_step == STEP_ON && ready[1].revents)
		*ret_step = read_input(c);
	if (*ret_step != STEP_ON || !ready[2].revents)
		return 0;
	return c->n_output ? write_output(c, ret_step, err) : receive(c, ret_step, err);
}

static int converse(struct conversation *c, enum step *ret_step, struct error *err)
{
	enum step step = STEP_ON;

	while (step == STEP_ON) {
		struct pollfd ready[] = {
			{ .fd = c->signals, .events = POLLIN },
			{ .fd = c->reads_input && input_room(c) ? c->terminal.in.fd : -1,
			  .events = POLLIN },
			{ .fd = c->n_output ? c->sink->fd : c->session->socket,
			  .events = c->n_output ? POLLOUT : POLLIN },
		};
		if (poll(ready, sizeof(ready) / sizeof(ready[0]), -1) < 0 && errno != EINTR)
			return error_set(err, errno, "wait for the container");
		if (take_ready(c, ready, &step, err) < 0)
			return -1;
	}
	*ret_step = step;
	return 0;
}

static int prepare(struct conversation *c, struct error *err)
{
	const struct session *session = c->session;
	const char *keys = session->detach_keys ? session->detach_keys : SESSION_DETACH_KEYS;
	bool raw = session->tty && session->wants_input && session_has_terminal();
	int n_keys = session_read_detach_keys(keys, c->keys.keys, err);

	if (n_keys < 0)
		return -1;
	c->proxies = session->sig_proxy && !session->tty;
	c->signals = session_signals_open(session->tty, c->proxies, err);
	if (c->signals < 0)
		return -1;
	c->is_started = session->is_started;
	c->reads_input = session->wants_input;
	if (!raw)
		return 0;
	/* Only what is typed can detach: data may contain anything. */
	c->keys.n = (size_t)n_keys;
	return session_terminal_set_raw(&c->terminal, err);
}

int session_run(const struct session *session, enum session_end *ret_end, int *ret_exit_code,
		struct error *err)
{
	cleanup_free struct conversation *c = calloc(1, sizeof(*c));
	enum step step = STEP_ON;
	sigset_t before;

	if (!c)
		return error_memory(err);
	(void)sigprocmask(SIG_SETMASK, NULL, &before);
	c->session = session;
	c->signals = -1;
	session_terminal_open(&c->terminal);
	int result = prepare(c, err);
	if (result == 0)
		result = converse(c, &step, err);
	session_terminal_close(&c->terminal);
	fd_close(&c->signals);
	if (step == STEP_DIED) {
		session_signals_die(c->died_of);
		result = error_set(err, 0, "ended by signal %d", c->died_of);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (result == 0 && step == STEP_EXITED)
		tell_why(&c->exited);
	if (result == 0)
		*ret_end = step == STEP_DETACHED ? SESSION_DETACHED : SESSION_EXITED;
	*ret_exit_code = c->exit_code;
	return result;
}
