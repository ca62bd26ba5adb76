/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/supervisor/input.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

struct input_piece {
	struct input_piece *next;
	void (*taken)(void *data);
	void *taken_data;
	size_t size, done;
	char bytes[];
};

static void on_ready(struct loop_watch *watch, uint32_t events);

void input_init(struct input *input, struct loop *loop)
{
	*input = (struct input){ .loop = loop,
				 .watch = { .fd = -1, .events = EPOLLOUT, .ready = on_ready } };
	input->last = &input->first;
}

static void drop_first(struct input *input)
{
	struct input_piece *piece = input->first;

	input->first = piece->next;
	if (!input->first)
		input->last = &input->first;
	if (piece->taken)
		piece->taken(piece->taken_data);
	free(piece);
}

static void drop_all(struct input *input)
{
	while (input->first)
		drop_first(input);
}

static void close_end(struct input *input)
{
	loop_remove(input->loop, &input->watch);
	fd_close(&input->watch.fd);
}

static void set_broken(struct input *input)
{
	close_end(input);
	input->is_broken = true;
	drop_all(input);
}

/* How many bytes were written; -1: none will be, ever. */
static ssize_t write_some(const struct input *input, const void *data, size_t size)
{
	ssize_t n = write(input->watch.fd, data, size);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static void wait_for_room(struct input *input)
{
	struct error err;

	if (input->watch.watched || loop_add(input->loop, &input->watch, &err) == 0)
		return;
	log_warning("standard input is lost: %s", err.text);
	set_broken(input);
}

static void write_pieces(struct input *input)
{
	while (input->first) {
		struct input_piece *piece = input->first;
		ssize_t n =
			write_some(input, piece->bytes + piece->done, piece->size - piece->done);
		if (n < 0) {
			set_broken(input);
			return;
		}
		piece->done += (size_t)n;
		if (piece->done < piece->size) {
			wait_for_room(input);
			return;
		}
		drop_first(input);
	}
	loop_remove(input->loop, &input->watch);
	if (input->ends && !input->is_terminal)
		close_end(input);
}

static void on_ready(struct loop_watch *watch, uint32_t events)
{
	struct input *input = loop_owner(watch, struct input, watch);

	/* A full pipe that nobody reads any more. */
	if (events & EPOLLERR)
		set_broken(input);
	else
		write_pieces(input);
}

void input_open(struct input *input, int take_fd, bool is_terminal)
{
	input->is_terminal = is_terminal;
	input->watch.fd = take_fd;
	if (take_fd < 0)
		set_broken(input);
	else
		write_pieces(input);
}

static int keep(struct input *input, const char *data, size_t size, void (*taken)(void *data),
		void *taken_data, struct error *err)
{
	struct input_piece *piece = malloc(sizeof(*piece) + size);

	if (!piece)
		return error_memory(err);
	*piece = (struct input_piece){ .taken = taken, .taken_data = taken_data, .size = size };
	memcpy(piece->bytes, data, size);
	*input->last = piece;
	input->last = &piece->next;
	return 0;
}

int input_add(struct input *input, const void *data, size_t size, void (*taken)(void *data),
	      void *taken_data, struct error *err)
{
	size_t done = input->is_broken || (input->watch.fd < 0 && input->ends) ? size : 0;

	if (input->watch.fd >= 0 && !input->first) {
		ssize_t n = write_some(input, data, size);
		if (n < 0)
			set_broken(input);
		done = n < 0 ? size : (size_t)n;
	}
	if (done == size) {
		if (taken)
			taken(taken_data);
		return 0;
	}
	if (keep(input, (const char *)data + done, size - done, taken, taken_data, err) < 0)
		return -1;
	if (input->watch.fd >= 0)
		wait_for_room(input);
	return 0;
}

void input_forget(struct input *input, const void *taken_data)
{
	for (struct input_piece *piece = input->first; piece; piece = piece->next)
		if (piece->taken_data == taken_data)
			piece->taken = NULL;
}

void input_end(struct input *input)
{
	input->ends = true;
	if (input->watch.fd >= 0 && !input->first && !input->is_terminal)
		close_end(input);
}

void input_close(struct input *input)
{
	close_end(input);
	input->is_broken = false;
	drop_all(input);
}
