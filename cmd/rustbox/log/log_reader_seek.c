/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a place in the logs: forwards by the index, backwards by the bytes. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/rustbox/log/log_reader_parts.h"

/* ---- forwards ---- */

static void skip_entry(struct log_reader *r, const struct log_entry *entry)
{
	r->offsets[entry->stream] += entry->size;
	r->at += sizeof(*entry);
}

/* To the first entry for which is_it() is true, or behind the last one there is. */
static int seek_entry(struct log_reader *r, bool (*is_it)(const struct log_entry *entry, uint64_t),
		      uint64_t value, struct error *err)
{
	uint32_t g = 0, newest;

	for (;;) {
		struct log_entry entry;
		int found;
		if (log_reader_find(r, g + 1, LOG_GENERATION_MAX, &g, &newest, err) < 0)
			return -1;
		if (!g)
			return 0;
		found = log_reader_open(r, g, err);
		while (found > 0 && (found = log_reader_entry(r, &entry, err)) > 0) {
			if (is_it(&entry, value))
				return 0;
			skip_entry(r, &entry);
		}
		if (found < 0)
			return -1;
	}
}

static bool is_never(const struct log_entry *entry, uint64_t value)
{
	return false;
}

static bool is_not_before(const struct log_entry *entry, uint64_t time_ns)
{
	return entry->time_ns >= time_ns;
}

static bool is_of_run(const struct log_entry *entry, uint64_t run)
{
	return (int16_t)(entry->run - (uint16_t)run) >= 0;
}

int log_reader_seek_end(struct log_reader *reader, struct error *err)
{
	uint32_t oldest, newest;
	struct log_entry entry;
	int found;

	if (log_reader_find(reader, 1, LOG_GENERATION_MAX, &oldest, &newest, err) < 0)
		return -1;
	found = newest ? log_reader_open(reader, newest, err) : 0;
	/* Rotated away just now: then by the long way. */
	if (found == 0 && newest)
		return seek_entry(reader, is_never, 0, err);
	while (found > 0 && (found = log_reader_entry(reader, &entry, err)) > 0)
		skip_entry(reader, &entry);
	return found;
}

int log_reader_seek_time(struct log_reader *reader, uint64_t time_ns, struct error *err)
{
	return seek_entry(reader, is_not_before, time_ns, err);
}

int log_reader_seek_run(struct log_reader *reader, uint16_t run, struct error *err)
{
	return seek_entry(reader, is_of_run, run, err);
}

/* ---- backwards ---- */

enum { PIECE_SIZE = 64 * 1024 };

/* A generation's entries, with the offset of each one's bytes. */
struct places {
	struct place {
		struct log_entry entry;
		uint64_t offset;
	} * items;
	size_t n, capacity;
};

static int list_places(struct log_reader *r, struct places *places, struct error *err)
{
	struct log_entry entry;
	int found;

	places->n = 0;
	while ((found = log_reader_entry(r, &entry, err)) > 0) {
		if (mem_grow((void **)&places->items, places->n, &places->capacity,
			     sizeof(*places->items), err) < 0)
			return -1;
		places->items[places->n++] = (struct place){
			.entry = entry,
			.offset = r->offsets[entry.stream],
		};
		skip_entry(r, &entry);
	}
	return found;
}

/* Puts the reader (which stands behind the last place) back to `skip` bytes into place i. */
static void go_back_to(struct log_reader *r, const struct places *places, size_t i, uint32_t skip)
{
	for (size_t k = places->n; k > i; k--) {
		const struct place *place = &places->items[k - 1];
		r->offsets[place->entry.stream] -= place->entry.size;
		r->at -= sizeof(place->entry);
	}
	if (skip == 0 || i == places->n)
		return;
	r->entry = places->items[i].entry;
	r->entry.size -= skip;
	r->is_begun = true;
	r->offsets[r->entry.stream] += skip;
}

/*
 * What is counted from the end: gives, for a place, how many of its last bytes
 * belong to what is wanted, and sets `done` when that was enough.
 */
struct count {
	uint64_t left;
	size_t kept; /* bytes of the last piece that are not wanted */
	bool is_first, done;
};

/* Counts in a piece of an entry that ends at `size` of it; true when that was enough. */
static bool count_piece(struct count *count, const char *data, size_t n)
{
	for (; n > 0; n--) {
		/* The newline that ends the last line begins no other one. */
		if (data[n - 1] == '\n' && !count->is_first && --count->left == 0) {
			count->done = true;
			count->kept = n;
			return true;
		}
		count->is_first = false;
	}
	return false;
}

/* Piece by piece from behind. Bytes that are not there have no lines. */
static int count_lines(const struct log_reader *r, const struct place *place, struct count *count,
		       uint32_t *ret_wanted, struct error *err)
{
	cleanup_free char *data = malloc(PIECE_SIZE);
	uint64_t end = place->offset + place->entry.size;
	struct stat st;

	if (!data)
		return error_memory(err);
	if (fstat(r->streams[place->entry.stream], &st) < 0)
		return error_set(err, errno, "look at a log file");
	*ret_wanted = place->entry.size;
	if (end > (uint64_t)st.st_size)
		end = (uint64_t)st.st_size;
	while (end > place->offset) {
		uint64_t size = end - place->offset;
		if (size > PIECE_SIZE)
			size = PIECE_SIZE;
		ssize_t n = pread(r->streams[place->entry.stream], data, size, (off_t)(end - size));
		if (n < 0)
			return error_set(err, errno, "read a log file");
		if (count_piece(count, data, (size_t)n)) {
			uint64_t before = end - size + count->kept - place->offset;
			*ret_wanted = place->entry.size - (uint32_t)before;
			return 0;
		}
		end -= size;
	}
	return 0;
}

static uint32_t count_bytes(struct count *count, uint32_t size)
{
	if (count->left > size) {
		count->left -= size;
		return size;
	}
	size = (uint32_t)count->left;
	count->done = true;
	return size;
}

static int go_back(struct log_reader *r, const struct places *places, struct count *count,
		   bool lines, struct error *err)
{
	for (size_t i = places->n; i > 0; i--) {
		const struct place *place = &places->items[i - 1];
		uint32_t size = place->entry.size, wanted;
		if (lines) {
			if (count_lines(r, place, count, &wanted, err) < 0)
				return -1;
		} else {
			wanted = count_bytes(count, size);
		}
		if (count->done) {
			if (wanted == 0)
				go_back_to(r, places, i, 0);
			else
				go_back_to(r, places, i - 1, size - wanted);
			return 0;
		}
	}
	go_back_to(r, places, 0, 0);
	return 0;
}

static int seek_back(struct log_reader *r, uint64_t wanted, bool lines, struct error *err)
{
	struct count count = { .left = wanted, .is_first = true };
	uint32_t oldest, g = LOG_GENERATION_MAX + 1;
	struct places places = { 0 };
	int result = 0;

	if (wanted == 0)
		return log_reader_seek_end(r, err);
	while (result >= 0 && !count.done) {
		if (log_reader_find(r, 1, g - 1, &oldest, &g, err) < 0)
			result = -1;
		if (result < 0 || !g)
			break;
		result = log_reader_open(r, g, err);
		if (result == 0)
			continue; /* gone just now */
		if (result > 0)
			result = list_places(r, &places, err);
		if (result == 0)
			result = go_back(r, &places, &count, lines, err);
	}
	free(places.items);
	return result;
}

int log_reader_seek_lines(struct log_reader *reader, uint64_t lines, struct error *err)
{
	return seek_back(reader, lines, true, err);
}

int log_reader_seek_bytes(struct log_reader *reader, uint64_t bytes, struct error *err)
{
	return seek_back(reader, bytes, false, err);
}
