/* SPDX-License-Identifier: Apache-2.0 */
/* A client at the container's own streams. It reads the log, at its own pace. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/rustbox/supervisor/client.h"
#include "cmd/rustbox/supervisor/replay.h"

enum { RECENT_BYTES = 16 * 1024, READS_MOST = 3 };

struct client_replay {
	uint64_t until_ns; /* what is from before that is repeated; the rest is new */
	struct replay filter;
	char bytes[STREAM_BYTES_MAX + REPLAY_HELD_MAX];
};

/* The writer knows where its run began and where it is: the index is long. */
static int seek(struct client *c, enum stream_from from, struct error *err)
{
	const struct log_writer *log = &c->s->output.log;
	struct log_place end;

	if (from == STREAM_FROM_START)
		return log_reader_seek_place(c->reader, &log->run_begin, err);
	if (!log_writer_place(log, &end))
		return log_reader_seek_end(c->reader, err);
	if (from == STREAM_FROM_RECENT && c->s->record->tty)
		return log_reader_seek_bytes(c->reader, &end, RECENT_BYTES, err);
	return log_reader_seek_place(c->reader, &end, err);
}

/* Without memory the questions in what is repeated stay. */
static void begin_replay(struct client *c)
{
	if (c->attach.from != STREAM_FROM_RECENT || !c->s->record->tty)
		return;
	c->replay = calloc(1, sizeof(*c->replay));
	if (c->replay)
		c->replay->until_ns = clock_date_ns();
}

/* What is held back from what is repeated is judged with what follows. */
static void filter_replay(struct client *c)
{
	struct client_replay *replay = c->replay;

	if (!replay)
		return;
	if (c->chunk.time_ns >= replay->until_ns && replay->filter.n_held == 0) {
		free(replay);
		c->replay = NULL;
		return;
	}
	c->chunk.size = replay_filter(&replay->filter, c->chunk.data, c->chunk.size, replay->bytes);
	c->chunk.data = replay->bytes;
}

/* Without it the client gets what is written while it looks, as on a full disk. */
static void open_reader(struct client *c, enum stream_from from)
{
	const struct log_writer *log = &c->s->output.log;
	struct error err;

	c->has_all = true;
	c->seen = from == STREAM_FROM_START ? log->run_begin.total : log_writer_total(log);
	for (int tries = 0; tries < READS_MOST; tries++) {
		c->reader = log_reader_new(c->s->output.directory, &err);
		if (c->reader && seek(c, from, &err) == 0)
			return;
		log_reader_free(c->reader);
		c->reader = NULL;
	}
	log_warning("a client does not get what was logged: %s", err.text);
}

void client_attach_begin(struct client *c, const char *payload)
{
	struct supervisor *s = c->s;

	memcpy(&c->attach, payload, sizeof(c->attach));
	c->is_attached = true;
	/* The process may write before we know that it runs. */
	c->told_run = s->output.log.run;
	if (s->life < LIFE_RUNNING)
		c->told_run--;
	if (c->attach.from == STREAM_FROM_RECENT && c->attach.wants_output)
		streams_show(&s->output.streams, c->attach.size);
	else
		streams_resize(&s->output.streams, c->attach.size);
	if (c->attach.wants_output) {
		begin_replay(c);
		open_reader(c, c->attach.from);
	}
	if (life_is_running(s)) {
		c->owes_started = true;
		c->pid = s->pid;
	}
	if (c->attach.wants_output || c->attach.wants_input)
		change_tell(s, "attach", NULL, NULL);
	client_pump(c);
}

/* It was for this client alone, who has not seen its end. */
static void end_with_client(struct supervisor *s)
{
	if (s->end.is_known || s->life >= LIFE_ENDING)
		return;
	if (!s->record->state->ended_by)
		s->record->state->ended_by = (char *)(uintptr_t) "client";
	log_info("is killed: the command that it was to end with has gone");
	stop_ask(s, STOP_FOR_GOOD, 0, SIGKILL);
}

/* The container's stdin does not stay open for nobody: its source is gone. */
void client_attach_leave(struct client *c)
{
	struct supervisor *s = c->s;

	if (!c->is_attached)
		return;
	if (c->attach.ends_input == STREAM_ALL_ENDS_WITH_CLIENT)
		end_with_client(s);
	input_forget(&s->output.streams.input, c);
	if (c->attach.wants_input && c->attach.ends_input == STREAM_INPUT_ENDS_WITH_CLIENT &&
	    !c->has_ended_input)
		input_end(&s->output.streams.input);
	log_reader_free(c->reader);
	c->reader = NULL;
	free(c->replay);
	c->replay = NULL;
	c->chunk.size = 0;
	if (life_is_running(s) && (c->attach.wants_output || c->attach.wants_input))
		change_tell(s, "detach", NULL, NULL);
}

/* Whatever was short for a moment may be there again: what is not sent now may be lost. */
static int read_next(struct client *c)
{
	struct error err;
	int found = -1;

	for (int tries = 0; found < 0 && tries < READS_MOST; tries++)
		found = log_reader_next(c->reader, STREAM_BYTES_MAX, &c->chunk, &err);
	if (found < 0)
		log_warning("a client misses output: %s", err.text);
	return found;
}

/* What was logged by now and cannot be read is told as missing; what comes later is read again. */
static void miss_logged(struct client *c)
{
	uint64_t end = log_writer_total(&c->s->output.log);
	uint64_t seen = c->reader ? log_reader_total(c->reader) : c->seen;

	if (end > seen)
		c->gap += end - seen;
	log_reader_free(c->reader);
	c->reader = NULL;
	open_reader(c, STREAM_FROM_NOW);
}

/* The next bytes, if there are any: kept until they are sent. */
static bool find_chunk(struct client *c)
{
	int found = 1;

	if (c->attach.wants_output && !c->reader && c->seen < log_writer_total(&c->s->output.log))
		miss_logged(c);
	if (!c->reader)
		return c->chunk.size > 0;
	while (c->chunk.size == 0 && found > 0) {
		found = read_next(c);
		if (found <= 0)
			c->chunk = (struct log_chunk){ 0 };
		if (found < 0)
			miss_logged(c);
		c->gap += c->chunk.gap;
		c->has_all = found <= 0;
		if (found > 0)
			filter_replay(c);
	}
	return c->chunk.size > 0;
}

/* Of a run whose STARTED comes first. */
static bool is_later(const struct client *c)
{
	return (int16_t)(uint16_t)(c->chunk.run - c->told_run) > 0;
}

enum client_output client_attach_send(struct client *c)
{
	enum stream_type type;
	bool has_more = !c->is_closed && find_chunk(c);

	if (c->is_closed || (has_more && is_later(c)))
		return CLIENT_OUTPUT_NONE;
	if (c->gap && !client_send(c, STREAM_GAP, &c->gap, sizeof(c->gap)))
		return CLIENT_OUTPUT_BLOCKED;
	c->gap = 0;
	if (!has_more)
		return CLIENT_OUTPUT_NONE;
	type = c->chunk.stream == LOG_STDERR ? STREAM_ERR : STREAM_OUT;
	if (!client_send(c, type, c->chunk.data, c->chunk.size))
		return CLIENT_OUTPUT_BLOCKED;
	c->chunk.size = 0;
	return CLIENT_OUTPUT_SENT;
}

bool client_attach_lacks_output(struct client *c)
{
	if (!c->is_attached || c->is_closed)
		return false;
	return find_chunk(c) ? !is_later(c) : c->gap > 0;
}

void client_attach_wake(struct client *c)
{
	if (c->is_attached && !c->is_blocked)
		client_pump(c);
}

/* One who is still behind in the log, or whose socket is full, misses it, and is told when it is
 * ready. */
static void send_unlogged(struct client *c, enum log_stream stream, const char *bytes, size_t size)
{
	if (!c->is_attached || !c->attach.wants_output)
		return;
	if (!c->is_blocked && c->has_all && !c->gap && c->told_run == c->s->output.log.run &&
	    client_send(c, stream == LOG_STDERR ? STREAM_ERR : STREAM_OUT, bytes, size))
		return;
	c->gap += size;
	c->is_blocked = true;
	client_watch(c);
}

void client_send_unlogged(struct supervisor *s, enum log_stream stream, const char *bytes,
			  size_t size)
{
	for (struct client *c = s->clients; c; c = c->next)
		send_unlogged(c, stream, bytes, size);
}
