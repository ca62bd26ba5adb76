/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/plan.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/vector.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/network/network.h"
#include "oci/spec_check.h"

enum { LINES_LIMIT = 1024 * 1024 };

/* ---- what several subjects need ---- */

int plan_set_pair(struct json_pair **pairs, size_t *n, const char *key, const char *value,
		  struct arena *arena, struct error *err)
{
	struct json_pair *pair = NULL;

	for (size_t i = 0; i < *n && !pair; i++)
		if (strcmp((*pairs)[i].key, key) == 0)
			pair = &(*pairs)[i];
	if (!pair) {
		pair = VECTOR_ADD(*pairs, *n, arena, err);
		if (!pair || !(pair->key = arena_strdup(arena, key, err)))
			return -1;
	}
	pair->value = arena_strdup(arena, value, err);
	return pair->value ? 0 : -1;
}

int plan_annotate(struct plan *plan, const char *key, const char *value, struct error *err)
{
	return plan_set_pair(&plan->spec->annotations, &plan->spec->n_annotations, key, value,
			     plan->arena, err);
}

int plan_read_size(const char *option, const char *text, bool allows_negative, int64_t *ret,
		   struct error *err)
{
	if (text && format_read_size(text, allows_negative, ret, err) < 0)
		return error_wrap(err, "--%s", option);
	return 0;
}

int plan_read_duration(const char *option, const char *text, uint64_t *ret_ms, struct error *err)
{
	if (text && format_read_duration(text, ret_ms, err) < 0)
		return error_wrap(err, "--%s", option);
	return 0;
}

int plan_read_lines(const char *option, const char *path, struct arena *arena, char ***ret,
		    size_t *ret_n, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t size;

	if (fd_read_file(AT_FDCWD, path, LINES_LIMIT, &text, &size, err) < 0)
		return error_wrap(err, "--%s", option);
	if (strlen(text) != size)
		return error_set(err, 0, "--%s %s: has a NUL character", option, path);
	char *cursor = text;
	for (char *line = strsep(&cursor, "\n"); line; line = strsep(&cursor, "\n")) {
		size_t n = strlen(line);

		if (n && line[n - 1] == '\r')
			line[n - 1] = '\0';
		while (isspace((unsigned char)*line))
			line++;
		if (*line && *line != '#' && vector_add_text(ret, ret_n, line, arena, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the plan ---- */

static int make_empty(struct plan *plan, struct error *err)
{
	struct arena *arena = plan->arena;
	struct record *record = arena_alloc(arena, sizeof(*record), err);
	struct spec *spec = arena_alloc(arena, sizeof(*spec), err);
	struct image_settings *defaults = arena_alloc(arena, sizeof(*defaults), err);

	if (!record || !spec || !defaults)
		return -1;
	record->settings = arena_alloc(arena, sizeof(*record->settings), err);
	record->policy = arena_alloc(arena, sizeof(*record->policy), err);
	record->network = arena_alloc(arena, sizeof(*record->network), err);
	record->state = arena_alloc(arena, sizeof(*record->state), err);
	spec->process = arena_alloc(arena, sizeof(*spec->process), err);
	spec->root = arena_alloc(arena, sizeof(*spec->root), err);
	spec->linux = arena_alloc(arena, sizeof(*spec->linux), err);
	spec->oci_version = arena_strdup(arena, OCI_VERSION, err);
	if (!record->settings || !record->policy || !record->network || !record->state ||
	    !spec->process || !spec->root || !spec->linux || !spec->oci_version)
		return -1;
	plan->record = record;
	plan->spec = spec;
	plan->defaults = plan->image && plan->image->config && plan->image->config->config
				 ? plan->image->config->config
				 : defaults;
	return 0;
}

static int copy_annotations(struct plan *plan, struct error *err)
{
	const struct option_strings *given = &plan->options->annotation;

	for (size_t i = 0; i < given->count; i++) {
		const char *text = given->items[i], *equals = strchr(text, '=');
		char *key = equals ? arena_strndup(plan->arena, text, (size_t)(equals - text), err)
				   : NULL;

		if (!equals || equals == text)
			return error_set(err, 0, "--annotation %s: write KEY=VALUE", text);
		if (key && str_starts_with(key, BUNDLE_ANNOTATIONS))
			return error_set(err, 0,
					 "--annotation %s: names that begin with %s are "
					 "for rustbox itself",
					 text, BUNDLE_ANNOTATIONS);
		if (!key || plan_annotate(plan, key, equals + 1, err) < 0 ||
		    plan_set_pair(&plan->record->annotations, &plan->record->n_annotations, key,
				  equals + 1, plan->arena, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_flags(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct record *record = plan->record;

	/* A terminal that nobody can type at was never meant. */
	record->tty = options->tty;
	record->interactive = options->interactive || options->tty;
	record->auto_remove = options->auto_remove;
	record->init = options->init;
	record->privileged = options->privileged;
	record->read_only = options->read_only;
	plan->spec->root->readonly = options->read_only;
	plan->spec->root->path = arena_strdup(plan->arena, "rootfs", err);
	return plan->spec->root->path ? copy_annotations(plan, err) : -1;
}

static int run_steps(struct plan *plan, struct error *err)
{
	static int (*const steps[])(struct plan *, struct error *) = {
		copy_flags,	plan_root,    plan_settings,  plan_network,
		plan_isolation, plan_process, plan_security,  plan_volumes,
		plan_mounts,	plan_devices, plan_resources, plan_policy,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (steps[i](plan, err) < 0)
			return -1;
	return 0;
}

/* The runtime would say it too, but only when all is made. */
static int check(struct plan *plan, struct error *err)
{
	if (spec_read_extensions(plan->spec, plan->arena, err) < 0 ||
	    spec_check(plan->spec, err) < 0 || spec_check_create(plan->spec, err) < 0)
		return error_wrap(err, "the configuration that these options give");
	return network_is_needed(plan->record) ? network_check(plan->store, plan->record, err) : 0;
}

int bundle_plan(struct store *store, const struct create_options *options, char **args,
		const struct image *image, struct arena *arena, struct record **ret,
		struct spec **ret_spec, struct error *err)
{
	struct plan plan = {
		.store = store,
		.options = options,
		.args = args,
		.image = image,
		.arena = arena,
		.root = -1,
	};
	int result = make_empty(&plan, err);

	if (result == 0)
		result = run_steps(&plan, err);
	if (result == 0)
		result = check(&plan, err);
	fd_close(&plan.root);
	if (result < 0)
		return -1;
	*ret = plan.record;
	*ret_spec = plan.spec;
	return 0;
}
