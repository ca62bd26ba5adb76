/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's output: to its log, from where each client reads it at its
 * own pace, so that none holds up another, or the container.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/supervisor/supervisor_parts.h"

/* A full disk is told once, not with each line. */
static void note_failure(struct output *output, const struct error *err)
{
	if (!output->has_failed)
		log_warning("output cannot be logged, and goes to attached clients alone: %s",
			    err->text);
	output->has_failed = true;
}

static void on_output(void *data, enum log_stream stream, const char *bytes, size_t size)
{
	struct supervisor *s = data;
	struct output *output = &s->output;
	struct error err;

	output->total += size;
	size = limits_take_output(s, size);
	if (size == 0)
		return;
	if (output->is_open && log_writer_append(&output->log, stream, bytes, size, &err) == 0) {
		output->has_failed = false;
		client_pump_all(s);
		return;
	}
	if (output->is_open)
		note_failure(output, &err);
	client_send_unlogged(s, stream, bytes, size);
}

/* The task service learns it from the streams. */
static void on_end(void *data)
{
}

int output_init(struct supervisor *s, struct error *err)
{
	const struct record *record = s->record;
	struct output *output = &s->output;
	cleanup_free char *path = store_path(s->store, "logs", s->id, NULL, err);

	streams_init(&output->streams, &s->loop, record->tty, record->tty || record->interactive,
		     true);
	output->streams.got = on_output;
	output->streams.ended = on_end;
	output->streams.data = s;
	if (!path)
		return -1;
	output->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (output->directory < 0)
		return error_set(err, errno, "open %s", path);
	return 0;
}

void output_begin(struct supervisor *s)
{
	const struct record_policy *policy = s->record->policy;
	struct output *output = &s->output;
	struct error err;

	output_end_run(s);
	output->total = 0;
	/* Not a reason to let nothing run, as on a full disk. */
	if (log_writer_open(&output->log, output->directory, policy->log_max_size,
			    policy->log_max_file ? policy->log_max_file : 1, &err) < 0)
		note_failure(output, &err);
	else
		output->is_open = true;
}

void output_end_run(struct supervisor *s)
{
	struct output *output = &s->output;

	streams_close(&output->streams);
	if (output->is_open)
		log_writer_close(&output->log);
	output->is_open = false;
}

void output_done(struct supervisor *s)
{
	output_end_run(s);
	fd_close(&s->output.directory);
}
