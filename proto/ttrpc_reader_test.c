/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "proto/ttrpc_reader.h"

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Three frames: five bytes of data, none, three. */
static const uint8_t stream[] = { 0,   0,   0, 5, 0, 0, 0, 1, 1, 0,   'a', 'b', 'c',
				  'd', 'e', 0, 0, 0, 0, 0, 0, 0, 3,   1,   0,	0,
				  0,   0,   3, 0, 0, 0, 5, 2, 4, 'x', 'y', 'z' };

/* Feeds them in pieces of that many bytes; what comes out is always the same. */
static void feed_pieces(size_t piece)
{
	static const char *const texts[] = { "abcde", "", "xyz" };
	struct ttrpc_reader r = { 0 };
	size_t frames = 0;
	struct error err;

	for (size_t at = 0; at < sizeof(stream); at += piece) {
		const uint8_t *bytes = stream + at, *data = NULL;
		size_t n = least(piece, sizeof(stream) - at);
		for (int kind;
		     (kind = ttrpc_reader_feed(&r, &bytes, &n, &data, &err)) != TTRPC_READ_MORE;
		     frames++) {
			const char *text = frames < 3 ? texts[frames] : "no such frame";
			assert_int_equal(kind, TTRPC_READ_FRAME);
			assert_int_equal(r.header.stream, 2 * frames + 1);
			assert_int_equal(r.header.size, strlen(text));
			assert_memory_equal(data, text, r.header.size);
		}
		assert_int_equal(n, 0);
	}
	assert_int_equal(frames, 3);
	assert_null(r.data); /* nothing is held between frames */
	ttrpc_reader_done(&r);
}

static void pieces_of_any_size_give_the_frames(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= sizeof(stream); piece++)
		feed_pieces(piece);
}

static void what_it_wants_is_never_too_much(void **state)
{
	struct ttrpc_reader r = { 0 };
	const uint8_t *bytes = stream, *data = NULL;
	size_t frames = 0;
	struct error err;

	(void)state;
	while (bytes < stream + sizeof(stream)) {
		size_t n = ttrpc_reader_wants(&r);
		assert_in_range(n, 1, 10);
		int kind = ttrpc_reader_feed(&r, &bytes, &n, &data, &err);
		assert_int_equal(n, 0);
		frames += kind == TTRPC_READ_FRAME;
	}
	assert_int_equal(frames, 3);
	ttrpc_reader_done(&r);
}

static void too_long_frames_are_skipped(void **state)
{
	uint8_t header[TTRPC_HEADER_SIZE], zeros[1000] = { 0 };
	struct ttrpc_reader r = { 0 };
	const uint8_t *bytes = header, *data = NULL;
	size_t n = sizeof(header), left = TTRPC_DATA_MAX + 1;
	struct error err;

	(void)state;
	ttrpc_header_pack(&(struct ttrpc_header){ TTRPC_DATA_MAX + 1, 7, TTRPC_REQUEST, 0 },
			  header);
	assert_int_equal(ttrpc_reader_feed(&r, &bytes, &n, &data, &err), TTRPC_READ_MORE);
	while (left > sizeof(zeros)) {
		bytes = zeros;
		n = sizeof(zeros);
		left -= n;
		assert_int_equal(ttrpc_reader_feed(&r, &bytes, &n, &data, &err), TTRPC_READ_MORE);
		assert_null(r.data);
	}
	bytes = zeros;
	n = left;
	assert_int_equal(ttrpc_reader_feed(&r, &bytes, &n, &data, &err), TTRPC_READ_TOO_LONG);
	assert_int_equal(r.header.stream, 7);
	feed_pieces(3);
	bytes = stream;
	n = sizeof(stream);
	assert_int_equal(ttrpc_reader_feed(&r, &bytes, &n, &data, &err), TTRPC_READ_FRAME);
	ttrpc_reader_done(&r);
}

static void promises_take_no_memory(void **state)
{
	uint8_t header[TTRPC_HEADER_SIZE];
	struct ttrpc_reader r = { 0 };
	const uint8_t *bytes = header, *data = NULL;
	size_t n = sizeof(header);
	struct error err;

	(void)state;
	ttrpc_header_pack(&(struct ttrpc_header){ TTRPC_DATA_MAX, 1, TTRPC_REQUEST, 0 }, header);
	assert_int_equal(ttrpc_reader_feed(&r, &bytes, &n, &data, &err), TTRPC_READ_MORE);
	assert_in_range(r.capacity, 0, 4096);
	ttrpc_reader_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_any_size_give_the_frames),
		cmocka_unit_test(what_it_wants_is_never_too_much),
		cmocka_unit_test(too_long_frames_are_skipped),
		cmocka_unit_test(promises_take_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
