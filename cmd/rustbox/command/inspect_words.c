/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/inspect_words.h"

#include <stdio.h>
#include <string.h>

#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/network_words.h"
#include "cmd/rustbox/command/volume_words.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/image/image.h"

const struct option_row inspect_words_rows[] = {
	{ "format", 'f', "FORM", "json, or a template ({{.Name}})",
	  OPTION_AT(inspect_words_options, format) },
	{ NULL },
};

static struct value *of_container(const struct invocation *call, const char *name,
				  struct error *err)
{
	const struct inspect_words_options *options = call->options;
	cleanup_free char *text = NULL;
	struct record *record;

	if (store_find(call->store, name, call->arena, &record, err) < 0)
		return NULL;
	text = containers_inspect(call->store, record, options->size, err);
	return text ? value_read(text, strlen(text), call->arena, err) : NULL;
}

static struct value *of_image(const struct invocation *call, const char *name, struct error *err)
{
	struct image *image;

	return image_find(call->store, name, call->arena, &image, err) < 0
		       ? NULL
		       : inspect_image(call, image, err);
}

static struct value *of_network(const struct invocation *call, const char *name, struct error *err)
{
	const struct network_info *info = network_words_find(call, name, err);

	return info ? network_words_value(call, info, err) : NULL;
}

static struct value *of_volume(const struct invocation *call, const char *name, struct error *err)
{
	struct volume *volume;

	return volume_find(call->store, name, call->arena, &volume, err) < 0
		       ? NULL
		       : volume_words_value(call, volume, false, err);
}

static struct value *(*const makers[])(const struct invocation *call, const char *name,
				       struct error *err) = { of_container, of_image, of_network,
							      of_volume };
const char *const inspect_words_kinds[] = { "container", "image", "network", "volume", NULL };

/* What is not there as one thing may be there as another; everything else ends the search. */
static struct value *find(const struct invocation *call, const char *const *kinds, const char *name,
			  struct error *err)
{
	for (size_t i = 0; kinds[i]; i++) {
		for (size_t kind = 0; inspect_words_kinds[kind]; kind++) {
			struct value *value;
			if (strcmp(inspect_words_kinds[kind], kinds[i]) != 0)
				continue;
			value = makers[kind](call, name, err);
			if (value || err->code != ENOENT)
				return value;
		}
	}
	if (kinds[1]) {
		(void)error_plain(err, ENOENT, "no such container, image, network or volume: %s",
				  name);
	}
	return NULL;
}

int inspect_words_run(const struct invocation *call, const char *const *kinds, int *ret_exit_code,
		      struct error *err)
{
	const struct inspect_words_options *options = call->options;
	const struct value **values = arena_array(call->arena, call->n_args, sizeof(*values), err);
	cleanup_str struct str out = STR_EMPTY, problems = STR_EMPTY;
	struct error problem = { 0 };
	size_t n = 0;

	if (!values || (options->format && strcmp(options->format, "json") != 0 &&
			format_template(options->format, NULL, 0, &out, err) < 0))
		return -1;
	for (size_t i = 0; i < call->n_args; i++) {
		values[n] = find(call, kinds, call->args[i], &problem);
		if (values[n])
			n++;
		else
			str_add_format(&problems, "rustbox: inspect: %s\n", problem.text);
	}
	if ((n || !options->format) &&
	    (format_documents(options->format, values, n, &out, err) < 0 || fields_print(&out) < 0))
		return -1;
	if (n == call->n_args)
		return 0;
	(void)fflush(stdout);
	(void)fputs(problems.text ? problems.text : "", stderr);
	*ret_exit_code = 1;
	return 0;
}
