/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/prune_words.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/store/tree.h"

int prune_words_ask(bool force, const char *what, struct error *err)
{
	char answer[8] = "";

	if (force || !isatty(STDIN_FILENO))
		return 0;
	printf("This removes %s.\nGo on? [y/N] ", what);
	(void)fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y'))
		return 0;
	return error_set(err, 0, "nothing was removed");
}

int prune_words_total(uint64_t bytes)
{
	cleanup_str struct str size = STR_EMPTY;

	format_size(&size, bytes);
	printf("Total reclaimed space: %s\n", size.text ? size.text : "");
	return 0;
}

/* ---- containers ---- */

static bool has_label(const void *thing, const char *value)
{
	const struct record *record = thing;

	return filter_label(record->labels, record->n_labels, value);
}

static int read_until(const char *value, uint64_t *ret_ns, struct error *err)
{
	return format_read_time(value, (uint64_t)time(NULL) * 1000000000, ret_ns, err);
}

static int check_until(const char *value, struct error *err)
{
	uint64_t ns;

	return read_until(value, &ns, err);
}

/* Created before that. */
static bool is_until(const void *thing, const char *value)
{
	const struct record *record = thing;
	struct error ignored;
	uint64_t ns;

	return read_until(value, &ns, &ignored) == 0 &&
	       (uint64_t)record_seconds(record->created) < ns / 1000000000;
}

static const struct filter_key keys[] = {
	{ "label", has_label, .all = true },
	{ "until", is_until, .all = true, .check = check_until },
	{ NULL },
};

int prune_words_check(const struct option_strings *filters, struct error *err)
{
	return filter_check(keys, filters, err);
}

static int usage(const struct invocation *call, const char *id, uint64_t *ret_bytes,
		 struct error *err)
{
	static const char *const folders[] = { "overlay", "logs" };

	*ret_bytes = 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const char *path = arena_format(call->arena, err, "%s/%s", folders[i], id);
		uint64_t bytes;

		if (!path || tree_disk_usage(call->store->root_fd, path, &bytes, err) < 0)
			return -1;
		*ret_bytes += bytes;
	}
	return 0;
}

/* Under the operation lock. 1: done; 0: it runs again, or has gone; -1 with err. */
static int empty_one(const struct invocation *call, const char *id, struct error *err)
{
	cleanup_fd int lock = store_lock(call->store, id, err);
	struct record *record;

	if (lock < 0 || store_load(call->store, id, call->arena, &record, err) < 0)
		return err->code == ENOENT ? 0 : -1;
	if (record->state->status != RECORD_STOPPED || store_is_supervised(call->store, id))
		return 0;
	return store_drop_files(call->store, record, err) < 0 ? -1 : 1;
}

/* The same for one that is removed; volumes are pruned for themselves. */
static int remove_one(const struct invocation *call, const char *id, struct error *err)
{
	struct error ignored;
	struct record *record;

	if (containers_remove(call->store, id, false, false, err) == 0)
		return 1;
	if (err->code == ENOENT ||
	    (store_find(call->store, id, call->arena, &record, &ignored) == 0 &&
	     record_is_live(record)))
		return 0;
	return -1;
}

static int prune_one(const struct invocation *call, const char *id, bool empties,
		     uint64_t *ret_bytes, struct error *err)
{
	if (usage(call, id, ret_bytes, err) < 0)
		return -1;
	return empties ? empty_one(call, id, err) : remove_one(call, id, err);
}

struct pruning {
	const struct invocation *call;
	const struct option_strings *filters;
	struct record **records;
	size_t n;
	bool all;
	uint64_t bytes;
};

static bool is_chosen(const struct pruning *p, const struct record *record, bool empties)
{
	bool emptied = record->state->status == RECORD_STOPPED && !p->all;

	return !record_is_live(record) && emptied == empties &&
	       filter_matches(keys, p->filters, record);
}

static void prune_all(struct pruning *p, bool empties, const char *heading)
{
	bool is_first = true;

	for (size_t i = 0; i < p->n; i++) {
		struct error problem;
		uint64_t bytes = 0;
		int done;

		if (!is_chosen(p, p->records[i], empties))
			continue;
		done = prune_one(p->call, p->records[i]->id, empties, &bytes, &problem);
		if (done < 0)
			log_warning("%s", problem.text);
		if (done <= 0)
			continue;
		printf("%s%s\n", is_first ? heading : "", p->records[i]->id);
		is_first = false;
		p->bytes += bytes;
	}
	if (!is_first)
		printf("\n");
}

int prune_words_containers(const struct invocation *call, bool all,
			   const struct option_strings *filters, uint64_t *ret_bytes,
			   struct error *err)
{
	struct pruning p = { .call = call, .filters = filters, .all = all };

	if (store_list(call->store, call->arena, &p.records, &p.n, err) < 0)
		return -1;
	prune_all(&p, false, "Deleted Containers:\n");
	prune_all(&p, true, "Emptied Containers:\n");
	*ret_bytes += p.bytes;
	return 0;
}
