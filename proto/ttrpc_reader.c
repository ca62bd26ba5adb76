/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ttrpc_reader.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 4096 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A header only promises data: room is made as the data comes. */
static int make_room(struct ttrpc_reader *r, size_t n, struct error *err)
{
	size_t wanted = r->capacity ? r->capacity : FIRST_ROOM;

	if (r->capacity - r->n_data >= n)
		return 0;
	while (wanted - r->n_data < n)
		wanted *= 2;
	wanted = least(wanted, r->header.size);
	uint8_t *grown = realloc(r->data, wanted);
	if (!grown)
		return error_memory(err);
	r->data = grown;
	r->capacity = wanted;
	return 0;
}

static bool take_header(struct ttrpc_reader *r, const uint8_t **bytes, size_t *n)
{
	size_t taken = least(*n, TTRPC_HEADER_SIZE - r->n_header);

	if (taken)
		memcpy(r->header_bytes + r->n_header, *bytes, taken);
	r->n_header += taken;
	*bytes += taken;
	*n -= taken;
	if (r->n_header < TTRPC_HEADER_SIZE)
		return false;
	ttrpc_header_unpack(r->header_bytes, &r->header);
	return true;
}

size_t ttrpc_reader_wants(const struct ttrpc_reader *r)
{
	if (r->n_header < TTRPC_HEADER_SIZE)
		return TTRPC_HEADER_SIZE - r->n_header;
	if (r->n_data == r->header.size) /* the frame was given out */
		return TTRPC_HEADER_SIZE;
	return r->header.size - r->n_data;
}

int ttrpc_reader_feed(struct ttrpc_reader *r, const uint8_t **bytes, size_t *n,
		      const uint8_t **ret_data, struct error *err)
{
	if (r->n_header == TTRPC_HEADER_SIZE && r->n_data == r->header.size)
		ttrpc_reader_done(r);
	if (r->n_header < TTRPC_HEADER_SIZE && !take_header(r, bytes, n))
		return TTRPC_READ_MORE;
	bool too_long = r->header.size > TTRPC_DATA_MAX;
	size_t taken = least(*n, r->header.size - r->n_data);
	/* Data that is there as a whole is not copied, data of no use is not kept. */
	bool kept = !too_long && taken < r->header.size;
	if (kept && make_room(r, taken, err) < 0)
		return -1;
	if (kept && taken)
		memcpy(r->data + r->n_data, *bytes, taken);
	*ret_data = kept ? r->data : *bytes;
	r->n_data += taken;
	*bytes += taken;
	*n -= taken;
	if (r->n_data < r->header.size)
		return TTRPC_READ_MORE;
	return too_long ? TTRPC_READ_TOO_LONG : TTRPC_READ_FRAME;
}

void ttrpc_reader_done(struct ttrpc_reader *r)
{
	free(r->data);
	*r = (struct ttrpc_reader){ 0 };
}
