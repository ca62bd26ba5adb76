/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_stats_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* ---- words and numbers -------------------------------------------------------------------- */

/* The next piece up to one of the separators, not empty; *at moves behind it. */
static bool next_piece(const char **at, const char *end, const char *separators, char *out,
		       size_t size)
{
	while (*at < end && strchr(separators, **at))
		(*at)++;
	const char *start = *at;
	while (*at < end && !strchr(separators, **at))
		(*at)++;
	size_t n = (size_t)(*at - start);
	if (n == 0 || n >= size)
		return false;
	memcpy(out, start, n);
	out[n] = '\0';
	return true;
}

static bool next_number(const char **at, const char *end, const char *separators, uint64_t *ret)
{
	char text[24];

	return next_piece(at, end, separators, text, sizeof(text)) &&
	       str_to_uint(text, 10, UINT64_MAX, ret);
}

/* Lines: [*line, *end), then *line moves on. */
static bool next_line(const char **text, const char **ret_line, const char **ret_end)
{
	if (!**text)
		return false;
	*ret_line = *text;
	*ret_end = strchrnul(*text, '\n');
	*text = **ret_end ? *ret_end + 1 : *ret_end;
	return true;
}

size_t cgroup_parse_numbers(const char *text, struct cgroup_number *out, size_t most)
{
	const char *line, *end;
	size_t n = 0;

	while (n < most && next_line(&text, &line, &end))
		if (next_piece(&line, end, " ", out[n].name, sizeof(out[n].name)) &&
		    next_number(&line, end, " ", &out[n].value))
			n++;
	return n;
}

size_t cgroup_parse_row(const char *text, uint64_t *out, size_t most)
{
	const char *end = text + strlen(text);
	size_t n = 0;

	while (n < most && next_number(&text, end, " \n", &out[n]))
		n++;
	return n;
}

/* ---- pressure ----------------------------------------------------------------------------- */

/* "12.34": the kernel gives two digits. */
static bool parse_decimal(const char *text, double *ret)
{
	char whole[16];
	const char *point = strchr(text, '.');
	size_t n = point ? (size_t)(point - text) : strlen(text);
	uint64_t number, fraction = 0;
	double scale = 1;

	if (n >= sizeof(whole))
		return false;
	memcpy(whole, text, n);
	whole[n] = '\0';
	if (!str_to_uint(whole, 10, 1000000, &number) ||
	    (point &&
	     (strlen(point + 1) > 9 || !str_to_uint(point + 1, 10, 1000000000, &fraction))))
		return false;
	for (const char *digit = point ? point + 1 : ""; *digit; digit++)
		scale *= 10;
	*ret = (double)number + (double)fraction / scale;
	return true;
}

static bool parse_pressure_line(const char *line, const char *end, struct cgroup_pressure_line *ret)
{
	struct {
		const char *key;
		double *value;
	} averages[] = { { "avg10", &ret->avg10 },
			 { "avg60", &ret->avg60 },
			 { "avg300", &ret->avg300 } };
	char key[16], value[24];
	bool any = false;

	while (next_piece(&line, end, " =", key, sizeof(key)) &&
	       next_piece(&line, end, " =", value, sizeof(value))) {
		for (size_t i = 0; i < sizeof(averages) / sizeof(averages[0]); i++)
			if (str_equal(key, averages[i].key))
				any = parse_decimal(value, averages[i].value) || any;
		if (str_equal(key, "total"))
			any = str_to_uint(value, 10, UINT64_MAX, &ret->total) || any;
	}
	return any;
}

bool cgroup_parse_pressure(const char *text, struct cgroup_pressure *ret)
{
	struct cgroup_pressure made = { 0 };
	const char *line, *end;
	char which[8];

	while (next_line(&text, &line, &end)) {
		if (!next_piece(&line, end, " ", which, sizeof(which)))
			continue;
		if (str_equal(which, "some"))
			made.has = parse_pressure_line(line, end, &made.some) || made.has;
		else if (str_equal(which, "full"))
			made.has = parse_pressure_line(line, end, &made.full) || made.has;
	}
	if (made.has)
		*ret = made;
	return made.has;
}

/* ---- block devices ------------------------------------------------------------------------ */

void cgroup_block_list_done(struct cgroup_block_list *list)
{
	free(list->entries);
	*list = (struct cgroup_block_list)CGROUP_BLOCK_LIST_EMPTY;
}

static int add_entry(struct cgroup_block_list *list, const struct cgroup_block_entry *entry,
		     struct error *err)
{
	if (mem_grow((void **)&list->entries, list->count, &list->capacity, sizeof(*entry), err) <
	    0)
		return -1;
	list->entries[list->count++] = *entry;
	return 0;
}

/* "Read 4096", or "4096" alone. */
static bool next_operation(const char *at, const char *end, struct cgroup_block_entry *ret)
{
	const char *first = at;

	if (!next_piece(&at, end, " ", ret->op, sizeof(ret->op)))
		return false;
	if (next_number(&at, end, " ", &ret->value))
		return true;
	ret->op[0] = '\0';
	return next_number(&first, end, " ", &ret->value);
}

int cgroup_parse_block_v1(const char *text, struct cgroup_block_list *list, struct error *err)
{
	const char *line, *end;

	while (next_line(&text, &line, &end)) {
		struct cgroup_block_entry entry = { 0 };

		if (!next_number(&line, end, " :", &entry.major) ||
		    !next_number(&line, end, " :", &entry.minor) ||
		    !next_operation(line, end, &entry))
			continue;
		if (add_entry(list, &entry, err) < 0)
			return -1;
	}
	return 0;
}

/* io.stat's keys as the names that v1 has for them. */
static const struct io_key {
	const char *key, *op;
	bool is_bytes;
} io_keys[] = {
	{ "rbytes", "Read", true }, { "wbytes", "Write", true }, { "dbytes", "Discard", true },
	{ "rios", "Read", false },  { "wios", "Write", false },	 { "dios", "Discard", false },
};

int cgroup_parse_block_v2(const char *text, struct cgroup_block_list *bytes,
			  struct cgroup_block_list *operations, struct error *err)
{
	const char *line, *end;

	while (next_line(&text, &line, &end)) {
		struct cgroup_block_entry entry = { 0 };
		char key[32];

		if (!next_number(&line, end, " :", &entry.major) ||
		    !next_number(&line, end, " :", &entry.minor))
			continue;
		while (next_piece(&line, end, " =", key, sizeof(key)) &&
		       next_number(&line, end, " =", &entry.value))
			for (size_t i = 0; i < sizeof(io_keys) / sizeof(io_keys[0]); i++) {
				if (!str_equal(key, io_keys[i].key))
					continue;
				(void)snprintf(entry.op, sizeof(entry.op), "%s", io_keys[i].op);
				if (add_entry(io_keys[i].is_bytes ? bytes : operations, &entry,
					      err) < 0)
					return -1;
			}
	}
	return 0;
}

/* ---- remote memory access ------------------------------------------------------------------ */

size_t cgroup_parse_rdma(const char *text, struct cgroup_rdma_entry *out, size_t most)
{
	const char *line, *end;
	char key[16], value[16];
	uint64_t number;
	size_t n = 0;

	while (n < most && next_line(&text, &line, &end)) {
		struct cgroup_rdma_entry *entry = &out[n];

		entry->handles = entry->objects = 0;
		if (!next_piece(&line, end, " ", entry->device, sizeof(entry->device)))
			continue;
		while (next_piece(&line, end, " =", key, sizeof(key)) &&
		       next_piece(&line, end, " =", value, sizeof(value))) {
			if (str_equal(value, "max"))
				number = UINT32_MAX;
			else if (!str_to_uint(value, 10, UINT32_MAX, &number))
				break;
			if (str_equal(key, "hca_handle"))
				entry->handles = (uint32_t)number;
			else if (str_equal(key, "hca_object"))
				entry->objects = (uint32_t)number;
		}
		n++;
	}
	return n;
}
