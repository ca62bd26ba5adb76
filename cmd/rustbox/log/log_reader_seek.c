/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a place in the logs: forwards by the index, backwards by the bytes. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/rustbox/log/log_reader_parts.h"

enum { ENTRIES_AT_ONCE = 4096, PIECE_SIZE = 64 * 1024 };

/* ---- forwards ---- */

/* Entries from `at` on, as many as are whole and sound; -1 with err. */
static ssize_t read_entries(const struct log_reader *r, uint64_t at, struct log_entry *entries,
			    size_t most, struct error *err)
{
	ssize_t size = pread(r->index, entries, most * sizeof(*entries), (off_t)at), n = 0;

	if (size < 0)
		return error_set(err, errno, "read the log file %s", LOG_INDEX);
	while ((size_t)(n + 1) * sizeof(*entries) <= (size_t)size &&
	       entries[n].stream < LOG_STREAMS && entries[n].size > 0)
		n++;
	return n;
}

/*
 * On in the generation that is open, to the first entry that is not before the
 * time: 1; 0: behind the last one there is.
 */
static int skip_entries(struct log_reader *r, uint64_t time_ns, struct error *err)
{
	cleanup_free struct log_entry *entries = calloc(ENTRIES_AT_ONCE, sizeof(*entries));
	ssize_t n;

	if (!entries)
		return error_memory(err);
	while ((n = read_entries(r, r->at, entries, ENTRIES_AT_ONCE, err)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (entries[i].time_ns >= time_ns)
				return 1;
			r->offsets[entries[i].stream] += entries[i].size;
			r->at += sizeof(*entries);
		}
	}
	return (int)n;
}

/* No entry has it: see log_writer.c. */
#define TIME_NEVER UINT64_MAX

/* To the first entry that is not before the time, or behind the last one there is. */
static int seek_time(struct log_reader *r, uint64_t time_ns, struct error *err)
{
	uint32_t g = 0, newest;
	int found = 0;

	while (found == 0) {
		if (log_reader_find(r, g + 1, LOG_GENERATION_MAX, &g, &newest, err) < 0)
			return -1;
		if (!g)
			return 0;
		found = log_reader_open(r, g, err);
		if (found > 0)
			found = skip_entries(r, time_ns, err);
	}
	return found < 0 ? -1 : 0;
}

int log_reader_seek_end(struct log_reader *reader, struct error *err)
{
	uint32_t oldest, newest;
	int found;

	if (log_reader_find(reader, 1, LOG_GENERATION_MAX, &oldest, &newest, err) < 0)
		return -1;
	found = newest ? log_reader_open(reader, newest, err) : 0;
	/* Rotated away just now: then by the long way. */
	if (found == 0 && newest)
		return seek_time(reader, TIME_NEVER, err);
	return found > 0 ? skip_entries(reader, TIME_NEVER, err) : found;
}

int log_reader_seek_time(struct log_reader *reader, uint64_t time_ns, struct error *err)
{
	return seek_time(reader, time_ns, err);
}

static void go_to(struct log_reader *r, const struct log_place *place)
{
	r->at = place->at;
	memcpy(r->offsets, place->offsets, sizeof(r->offsets));
}

int log_reader_seek_place(struct log_reader *reader, const struct log_place *place,
			  struct error *err)
{
	int found = log_reader_open(reader, place->generation, err);

	if (found > 0)
		go_to(reader, place);
	return found < 0 ? -1 : 0;
}

/* ---- backwards ---- */

/*
 * What is counted from the end: gives, for a place, how many of its last bytes
 * belong to what is wanted, and sets `done` when that was enough.
 */
struct count {
	uint64_t left;
	char *piece; /* of PIECE_SIZE, for lines; NULL: bytes are counted */
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
static int count_lines(const struct log_reader *r, const struct log_entry *entry,
		       struct count *count, uint32_t *ret_wanted, struct error *err)
{
	uint64_t begin = r->offsets[entry->stream], end = begin + entry->size;
	struct stat st;

	if (fstat(r->streams[entry->stream], &st) < 0)
		return error_set(err, errno, "look at a log file");
	*ret_wanted = entry->size;
	if (end > (uint64_t)st.st_size)
		end = (uint64_t)st.st_size;
	while (end > begin) {
		uint64_t size = end - begin < PIECE_SIZE ? end - begin : PIECE_SIZE;
		ssize_t n =
			pread(r->streams[entry->stream], count->piece, size, (off_t)(end - size));
		if (n < 0)
			return error_set(err, errno, "read a log file");
		if (count_piece(count, count->piece, (size_t)n)) {
			uint64_t before = end - size + count->kept - begin;
			*ret_wanted = entry->size - (uint32_t)before;
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

/* The reader, which stands behind the entry, goes in front of it, or of its wanted bytes. */
static int step_back(struct log_reader *r, const struct log_entry *entry, struct count *count,
		     struct error *err)
{
	uint32_t wanted;

	r->at -= sizeof(*entry);
	r->offsets[entry->stream] -= entry->size;
	if (!count->piece)
		wanted = count_bytes(count, entry->size);
	else if (count_lines(r, entry, count, &wanted, err) < 0)
		return -1;
	if (!count->done || wanted == entry->size)
		return 0;
	r->offsets[entry->stream] += entry->size - wanted;
	if (wanted == 0) {
		r->at += sizeof(*entry);
		return 0;
	}
	r->entry = *entry;
	r->entry.size = wanted;
	r->is_begun = true;
	return 0;
}

/* Entries up to where the reader stands: they are behind its generation's head. */
static int read_entries_before(const struct log_reader *r, struct log_entry *entries, size_t n,
			       struct error *err)
{
	size_t size = n * sizeof(*entries);
	ssize_t got = pread(r->index, entries, size, (off_t)(r->at - size));

	if (got < 0)
		return error_set(err, errno, "read the log file %s", LOG_INDEX);
	return (size_t)got == size ? 0 : error_set(err, EIO, "the log file %s changes", LOG_INDEX);
}

/* What is before garbage is where nobody knows. */
static bool is_sound(const struct log_reader *r, const struct log_entry *entry)
{
	return entry->stream < LOG_STREAMS && entry->size > 0 &&
	       entry->size <= r->offsets[entry->stream];
}

/* From the end of the generation that is open until it is enough, or to its beginning. */
static int go_back(struct log_reader *r, struct count *count, struct error *err)
{
	cleanup_free struct log_entry *entries = calloc(ENTRIES_AT_ONCE, sizeof(*entries));

	if (!entries)
		return error_memory(err);
	while (!count->done && r->at > sizeof(struct log_head)) {
		size_t n = (r->at - sizeof(struct log_head)) / sizeof(*entries);
		if (n > ENTRIES_AT_ONCE)
			n = ENTRIES_AT_ONCE;
		if (read_entries_before(r, entries, n, err) < 0)
			return -1;
		while (!count->done && n-- > 0) {
			if (!is_sound(r, &entries[n]))
				count->done = true;
			else if (step_back(r, &entries[n], count, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* One to which nothing is added any more ends where its files do. */
static int go_to_size(struct log_reader *r, struct error *err)
{
	struct stat st;

	if (fstat(r->index, &st) < 0)
		return error_set(err, errno, "look at the log file %s", LOG_INDEX);
	if ((uint64_t)st.st_size > sizeof(struct log_head))
		r->at += ((uint64_t)st.st_size - sizeof(struct log_head)) /
			 sizeof(struct log_entry) * sizeof(struct log_entry);
	for (int i = 0; i < LOG_STREAMS; i++) {
		if (fstat(r->streams[i], &st) < 0)
			return error_set(err, errno, "look at a log file");
		r->offsets[i] = (uint64_t)st.st_size;
	}
	return 1;
}

/*
 * Opens the generation at its end, which its writer knows of the present one, and all
 * can see of those before: 1; 0: it is gone just now.
 */
static int open_end(struct log_reader *r, uint32_t generation, const struct log_place *end,
		    struct error *err)
{
	int found = log_reader_open(r, generation, err);

	if (found <= 0)
		return found;
	if (!end || generation > end->generation)
		return skip_entries(r, TIME_NEVER, err) < 0 ? -1 : 1;
	if (generation < end->generation)
		return go_to_size(r, err);
	go_to(r, end);
	return 1;
}

static int seek_back(struct log_reader *r, const struct log_place *end, struct count *count,
		     struct error *err)
{
	uint32_t oldest, g = LOG_GENERATION_MAX + 1;

	while (!count->done) {
		if (log_reader_find(r, 1, g - 1, &oldest, &g, err) < 0)
			return -1;
		int found = g ? open_end(r, g, end, err) : 0;
		if (found < 0 || (found > 0 && go_back(r, count, err) < 0))
			return -1;
		if (!g)
			break;
	}
	return 0;
}

int log_reader_seek_lines(struct log_reader *reader, uint64_t lines, struct error *err)
{
	cleanup_free char *piece = malloc(PIECE_SIZE);
	struct count count = { .left = lines, .is_first = true, .piece = piece };

	if (!piece)
		return error_memory(err);
	return lines ? seek_back(reader, NULL, &count, err) : log_reader_seek_end(reader, err);
}

int log_reader_seek_bytes(struct log_reader *reader, const struct log_place *end, uint64_t bytes,
			  struct error *err)
{
	struct count count = { .left = bytes };

	return bytes ? seek_back(reader, end, &count, err) : log_reader_seek_end(reader, err);
}
