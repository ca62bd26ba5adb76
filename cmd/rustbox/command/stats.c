/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/stats_sample.h"
#include "cmd/rustbox/format/format.h"

struct stats_options {
	bool all, no_stream, no_trunc;
	const char *format;
};

static const struct option_row rows[] = {
	{ "all", 'a', NULL, "those that do not run as well", OPTION_AT(stats_options, all) },
	{ "no-stream", 0, NULL, "show it once", OPTION_AT(stats_options, no_stream) },
	{ "no-trunc", 0, NULL, "cut nothing, which is always so here",
	  OPTION_AT(stats_options, no_trunc) },
	{ "format", 0, "FORM", "table, json, columns (Name,CPUPerc) or a template ({{.Name}})",
	  OPTION_AT(stats_options, format) },
	{ NULL },
};

static const struct format_column columns[] = {
	{ "CONTAINER ID", "ID" },
	{ "NAME", "Name" },
	{ "CPU %", "CPUPerc" },
	{ "MEM USAGE / LIMIT", "MemUsage" },
	{ "MEM %", "MemPerc" },
	{ "NET I/O", "NetIO" },
	{ "BLOCK I/O", "BlockIO" },
	{ "PIDS", "PIDs" },
	{ NULL, NULL },
};

/* The first pair of samples is as far apart as makes a fair mean of the CPU's use. */
enum { FIRST_MS = 500, NEXT_MS = 1000 };

struct sampled {
	char id[STORE_ID_LENGTH + 1];
	struct stats_sample sample;
};

struct watch {
	const struct invocation *call; /* its arena is of this round alone */
	struct sampled *before;	       /* of the last round; malloc'd */
	size_t n_before;
	bool is_first;
};

/* ---- what is shown ---- */

/* Those named; one that was removed meanwhile is left out. */
static int find_named(const struct watch *w, struct record **records, size_t *ret_n,
		      struct error *err)
{
	*ret_n = 0;
	for (size_t i = 0; i < w->call->n_args; i++) {
		struct record *record;
		if (store_find(w->call->store, w->call->args[i], w->call->arena, &record, err) == 0)
			records[(*ret_n)++] = record;
		else if (w->is_first || err->code != ENOENT)
			return -1;
	}
	return 0;
}

static int find_records(const struct watch *w, struct record ***ret, size_t *ret_n,
			struct error *err)
{
	const struct stats_options *options = w->call->options;
	struct record **records;
	size_t n, kept = 0;

	if (w->call->n_args) {
		*ret = arena_array(w->call->arena, w->call->n_args, sizeof(**ret), err);
		return *ret ? find_named(w, *ret, ret_n, err) : -1;
	}
	if (store_list(w->call->store, w->call->arena, &records, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (options->all || record_is_live(records[i]))
			records[kept++] = records[i];
	*ret = records;
	*ret_n = kept;
	return 0;
}

static const struct stats_sample *sample_before(const struct watch *w, const char *id)
{
	static const struct stats_sample none;

	for (size_t i = 0; i < w->n_before; i++)
		if (strcmp(w->before[i].id, id) == 0)
			return &w->before[i].sample;
	return &none;
}

/* ---- a round ---- */

/* On a terminal each table takes the place of the one before it. */
static void print(const char *text, bool redraws)
{
	if (!redraws) {
		(void)fputs(text, stdout);
		return;
	}
	(void)fputs("\033[H", stdout);
	for (; *text; text++) {
		if (*text == '\n')
			(void)fputs("\033[K", stdout);
		(void)fputc(*text, stdout);
	}
	(void)fputs("\033[J", stdout);
}

static int show(const struct watch *w, const struct value *const *values, size_t n,
		struct error *err)
{
	const struct stats_options *options = w->call->options;
	cleanup_str struct str out = STR_EMPTY;

	if (format_rows(options->format, columns, values, n, false, &out, err) < 0)
		return -1;
	cleanup_free char *text = str_take(&out, err);
	if (!text)
		return -1;
	print(text, !options->no_stream && isatty(STDOUT_FILENO));
	if (fflush(stdout) != 0)
		return error_set(err, errno, "write to standard output");
	return 0;
}

/* *ret_n: how many there are. */
static int take_round(struct watch *w, size_t *ret_n, struct error *err)
{
	cleanup_free struct sampled *now = NULL;
	const struct value **values;
	struct record **records;
	size_t n;

	if (find_records(w, &records, &n, err) < 0)
		return -1;
	values = arena_array(w->call->arena, n + 1, sizeof(*values), err);
	now = calloc(n + 1, sizeof(*now));
	if (!values)
		return -1;
	if (!now)
		return error_memory(err);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(now[i].id, sizeof(now[i].id), "%s", records[i]->id);
		if (stats_sample_take(w->call, records[i], &now[i].sample, err) < 0)
			return -1;
		values[i] = stats_sample_row(w->call, records[i], sample_before(w, records[i]->id),
					     &now[i].sample, err);
		if (!values[i])
			return -1;
	}
	free(w->before);
	w->before = move_ptr(&now);
	w->n_before = *ret_n = n;
	return w->is_first ? 0 : show(w, values, n, err);
}

static int next_round(struct watch *w, const struct invocation *call, size_t *ret_n,
		      struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct invocation own = *call;
	int result;

	own.arena = &arena;
	w->call = &own;
	result = take_round(w, ret_n, err);
	w->is_first = false;
	w->call = NULL;
	return result;
}

/* False when nobody reads our output any more. */
static bool wait_a_moment(int ms)
{
	struct pollfd output = { .fd = STDOUT_FILENO, .events = 0 };

	return poll(&output, 1, ms) <= 0;
}

static int watch(struct watch *w, const struct invocation *call, struct error *err)
{
	const struct stats_options *options = call->options;
	size_t n;

	if (next_round(w, call, &n, err) < 0)
		return -1;
	if (!options->no_stream && isatty(STDOUT_FILENO))
		(void)fputs("\033[2J", stdout);
	if (n && !wait_a_moment(FIRST_MS))
		return 0;
	for (;;) {
		if (next_round(w, call, &n, err) < 0)
			return -1;
		if (options->no_stream || (call->n_args && !n) || !wait_a_moment(NEXT_MS))
			return 0;
	}
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct watch w = { .is_first = true };
	int result = watch(&w, call, err);

	free(w.before);
	return result;
}

const struct command command_stats = {
	.about = {
		.name = "stats",
		.summary = "show what containers use of CPU, memory, network and disk",
		.arguments = "[CONTAINER...]",
		.description = "Again each second, until interrupted. The CPU's share is of one "
			       "CPU; memory is without page cache that can be dropped; network "
			       "counts where a container has one of its own.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct stats_options),
	.args_most = ARGS_ANY,
	.run = run,
};
