/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/volume_words.h"

#include <stdio.h>

#include "base/log.h"
#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/store/event.h"

struct value *volume_words_value(const struct invocation *call, const struct volume *volume,
				 bool for_list, struct error *err)
{
	struct fields f = { .arena = call->arena, .err = err };

	fields_text(&f, "CreatedAt", volume->created);
	fields_text(&f, "Driver", "local");
	if (for_list)
		fields_joined(&f, "Labels", volume->labels, volume->n_labels);
	else
		fields_pairs(&f, "Labels", volume->labels, volume->n_labels);
	fields_text(&f, "Mountpoint", volume->data);
	fields_text(&f, "Name", volume->name);
	fields_text(&f, "Scope", "local");
	fields_bool(&f, "Anonymous", volume->anonymous);
	return fields_end(&f);
}

static const struct volume_words_filter *of(const void *thing)
{
	return thing;
}

static bool has_name(const void *thing, const char *value)
{
	return filter_text(of(thing)->volume->name, value);
}

static bool has_label(const void *thing, const char *value)
{
	return filter_label(of(thing)->volume->labels, of(thing)->volume->n_labels, value);
}

static bool is_true(const char *value)
{
	return str_equal(value, "true") || str_equal(value, "1");
}

static int check_truth(const char *value, struct error *err)
{
	if (is_true(value) || str_equal(value, "false") || str_equal(value, "0"))
		return 0;
	return error_set(err, 0, "not true or false");
}

static bool is_dangling(const void *thing, const char *value)
{
	const struct volume_words_filter *filter = of(thing);

	return is_true(value) !=
	       volume_is_used(filter->volume, filter->records, filter->n_records, NULL);
}

const struct filter_key volume_words_keys[] = {
	{ "name", has_name },
	{ "label", has_label, .all = true },
	{ "dangling", is_dangling, .check = check_truth },
	{ NULL },
};

/* Somebody may take it at the same time: that is no failure. */
static void remove_one(const struct invocation *call, const struct volume *volume, bool *is_first,
		       uint64_t *bytes)
{
	uint64_t size = 0;
	struct error err;

	(void)volume_disk_usage(call->store, volume, &size, &err);
	if (volume_remove(call->store, volume->name, true, &err) < 0) {
		if (err.code != EBUSY)
			log_warning("%s", err.text);
		return;
	}
	event_write(call->store, &(struct event){ .type = (char[]){ "volume" },
						  .action = (char[]){ "destroy" },
						  .id = volume->name });
	printf("%s%s\n", *is_first ? "Deleted Volumes:\n" : "", volume->name);
	*is_first = false;
	*bytes += size;
}

int volume_words_prune(const struct invocation *call, bool all,
		       const struct option_strings *filters, uint64_t *ret_bytes, struct error *err)
{
	static const struct option_strings none;
	struct volume_words_filter filter = { 0 };
	struct volume **volumes;
	struct record **records;
	bool is_first = true;
	size_t n;

	volume_sweep(call->store);
	if (volume_list(call->store, call->arena, &volumes, &n, err) < 0 ||
	    store_list(call->store, call->arena, &records, &filter.n_records, err) < 0)
		return -1;
	filter.records = records;
	for (size_t i = 0; i < n; i++) {
		filter.volume = volumes[i];
		if ((!all && !volumes[i]->anonymous) ||
		    volume_is_used(volumes[i], records, filter.n_records, NULL) ||
		    !filter_matches(volume_words_keys, filters ? filters : &none, &filter))
			continue;
		remove_one(call, volumes[i], &is_first, ret_bytes);
	}
	if (!is_first)
		printf("\n");
	return 0;
}
