/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cmd/rustbox/command/volume_words.h"
#include "cmd/rustbox/store/event.h"

struct create_options {
	struct option_strings label;
};

static const struct option_row rows[] = {
	{ "label", 0, "KEY=VALUE", "a label", OPTION_AT(create_options, label) },
	{ NULL },
};

static struct json_pair *read_labels(const struct invocation *call, struct error *err)
{
	const struct create_options *options = call->options;
	struct json_pair *labels =
		arena_array(call->arena, options->label.count + 1, sizeof(*labels), err);

	for (size_t i = 0; labels && i < options->label.count; i++) {
		const char *text = options->label.items[i];
		size_t size = strcspn(text, "=");

		if (size == 0) {
			(void)error_set(err, 0, "--label %s: a label has a name", text);
			return NULL;
		}
		labels[i].key = arena_strndup(call->arena, text, size, err);
		labels[i].value = arena_strdup(call->arena, text[size] ? text + size + 1 : "", err);
		if (!labels[i].key || !labels[i].value)
			return NULL;
	}
	return labels;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct create_options *options = call->options;
	struct json_pair *labels = read_labels(call, err);
	struct volume *volume;

	if (!labels)
		return -1;
	if (volume_create(call->store, call->args[0], NULL, labels, options->label.count,
			  call->arena, &volume, err) < 0) {
		if (err->code != EEXIST || options->label.count ||
		    volume_find(call->store, call->args[0], call->arena, &volume, err) < 0)
			return -1;
	} else {
		event_write(call->store, &(struct event){ .type = (char[]){ "volume" },
							  .action = (char[]){ "create" },
							  .id = volume->name });
	}
	printf("%s\n", volume->name);
	return 0;
}

const struct command command_volume_create = {
	.about = {
		.name = "volume create",
		.summary = "make a volume",
		.arguments = "[NAME]",
		.description = "Without a name it gets one of 64 hex digits, and `volume prune` "
			       "takes it for one that nobody misses. A volume of that name that "
			       "is there already is fine, unless labels are given.",
		.rows = rows,
	},
	.options_size = sizeof(struct create_options),
	.args_most = 1,
	.run = run,
};
