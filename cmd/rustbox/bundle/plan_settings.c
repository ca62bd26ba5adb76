/* SPDX-License-Identifier: Apache-2.0 */
/* The image's settings with those of the options on top: what Docker calls a container's Config. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/port_spec.h"
#include "cmd/rustbox/bundle/vector.h"
#include "cmd/rustbox/format/format.h"

/* Each is a folder of the host. */
enum { IMAGE_VOLUMES_MAX = 1000 };

static int copy_texts(char ***to, size_t *n_to, char *const *from, size_t n, struct arena *arena,
		      struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (vector_add_text(to, n_to, from[i], arena, err) < 0)
			return -1;
	return 0;
}

/* ---- what runs ---- */

static int set_command(struct plan *plan, struct error *err)
{
	struct image_settings *settings = plan->record->settings;
	const struct image_settings *image = plan->defaults;
	const char *entrypoint = plan->options->entrypoint;
	struct arena *arena = plan->arena;
	size_t n_args = 0;

	while (plan->args && plan->args[n_args])
		n_args++;
	if (copy_texts(&settings->cmd, &settings->n_cmd, plan->args, n_args, arena, err) < 0)
		return -1;
	/* Another entry point would not know what to do with the image's arguments. */
	if (entrypoint)
		return *entrypoint ? vector_add_text(&settings->entrypoint, &settings->n_entrypoint,
						     entrypoint, arena, err)
				   : 0;
	if (!n_args &&
	    copy_texts(&settings->cmd, &settings->n_cmd, image->cmd, image->n_cmd, arena, err) < 0)
		return -1;
	return copy_texts(&settings->entrypoint, &settings->n_entrypoint, image->entrypoint,
			  image->n_entrypoint, arena, err);
}

static int check_command(const struct plan *plan, struct error *err)
{
	const struct image_settings *settings = plan->record->settings;
	const char *first = settings->n_entrypoint ? settings->entrypoint[0]
			    : settings->n_cmd	   ? settings->cmd[0]
						   : NULL;

	if (!first)
		return error_set(err, 0, "no command: write it behind the options%s",
				 plan->image ? " (the image names none)" : "");
	if (*first)
		return 0;
	return error_plain(err, 127, "the command is an empty text");
}

/* ---- environment ---- */

static size_t name_length(const char *entry)
{
	return strcspn(entry, "=");
}

/* In their order, and by their names: a file of them may have tens of thousands. */
struct variable {
	char *text; /* NAME=VALUE; NULL: it goes */
};
struct environment {
	struct variable **items;
	size_t n;
	void *by_name; /* of tsearch(3) */
};

static void leave(void *node)
{
}

static void environment_done(struct environment *env)
{
	tdestroy(env->by_name, leave);
}
#define cleanup_environment __attribute__((cleanup(environment_done)))

static int letter(const char *p)
{
	return *p == '=' ? 0 : (unsigned char)*p;
}

static int compare_names(const void *a, const void *b)
{
	const char *x = ((const struct variable *)a)->text, *y = ((const struct variable *)b)->text;

	while (letter(x) && letter(x) == letter(y)) {
		x++;
		y++;
	}
	return letter(x) - letter(y);
}

static void remove_variable(struct environment *env, char *name)
{
	const struct variable key = { name };
	struct variable **found = tfind(&key, &env->by_name, compare_names), *variable;

	if (!found)
		return;
	variable = *found;
	(void)tdelete(variable, &env->by_name, compare_names);
	variable->text = NULL;
}

/* The later one counts, at the place of the earlier one. */
static int put_variable(struct environment *env, char *text, struct arena *arena, struct error *err)
{
	struct variable *variable = text ? arena_alloc(arena, sizeof(*variable), err) : NULL;
	struct variable **found, **item;

	if (!variable)
		return -1;
	variable->text = text;
	found = tsearch(variable, &env->by_name, compare_names);
	if (!found)
		return error_memory(err);
	if (*found != variable) {
		(*found)->text = text;
		return 0;
	}
	item = VECTOR_ADD(env->items, env->n, arena, err);
	if (!item)
		return -1;
	*item = variable;
	return 0;
}

/* NAME=VALUE, or NAME for the caller's own value: without one the variable goes. */
static int set_variable(struct environment *env, const char *option, char *entry,
			struct arena *arena, struct error *err)
{
	const char *own = strchr(entry, '=') ? NULL : getenv(entry);

	if (!name_length(entry))
		return error_set(err, 0, "--%s \"%s\": write NAME=VALUE", option, entry);
	if (!strchr(entry, '=') && !own) {
		remove_variable(env, entry);
		return 0;
	}
	return put_variable(env,
			    own ? arena_format(arena, err, "%s=%s", entry, own)
				: arena_strdup(arena, entry, err),
			    arena, err);
}

static int add_env_file(struct plan *plan, struct environment *env, const char *path,
			struct error *err)
{
	char **lines = NULL;
	size_t n = 0;

	if (plan_read_lines("env-file", path, plan->arena, &lines, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t length = name_length(lines[i]);

		if (strcspn(lines[i], " \t") < length)
			return error_set(err, 0,
					 "--env-file %s: \"%.*s\": a name cannot contain spaces",
					 path, (int)length, lines[i]);
		if (set_variable(env, "env-file", lines[i], plan->arena, err) < 0)
			return error_wrap(err, "%s", path);
	}
	return 0;
}

static int set_environment(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct image_settings *settings = plan->record->settings;
	struct environment cleanup_environment env = { 0 };

	for (size_t i = 0; i < plan->defaults->n_env; i++)
		if (put_variable(&env, arena_strdup(plan->arena, plan->defaults->env[i], err),
				 plan->arena, err) < 0)
			return -1;
	for (size_t i = 0; i < options->env_file.count; i++)
		if (add_env_file(plan, &env, options->env_file.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < options->env.count; i++)
		if (set_variable(&env, "env", options->env.items[i], plan->arena, err) < 0)
			return -1;
	for (size_t i = 0; i < env.n; i++)
		if (env.items[i]->text &&
		    vector_take_text(&settings->env, &settings->n_env, env.items[i]->text,
				     plan->arena, err) < 0)
			return -1;
	return 0;
}

/* ---- labels ---- */

static int set_label(struct plan *plan, const char *option, const char *text, struct error *err)
{
	struct record *record = plan->record;
	const char *equals = strchrnul(text, '=');
	char *key = arena_strndup(plan->arena, text, (size_t)(equals - text), err);

	if (key && !*key)
		return error_set(err, 0, "--%s \"%s\": write KEY or KEY=VALUE", option, text);
	return key ? plan_set_pair(&record->labels, &record->n_labels, key,
				   *equals ? equals + 1 : "", plan->arena, err)
		   : -1;
}

static int set_labels(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct record *record = plan->record;
	char **lines = NULL;
	size_t n = 0;

	for (size_t i = 0; i < plan->defaults->n_labels; i++)
		if (plan_set_pair(&record->labels, &record->n_labels, plan->defaults->labels[i].key,
				  plan->defaults->labels[i].value, plan->arena, err) < 0)
			return -1;
	for (size_t i = 0; i < options->label_file.count; i++)
		if (plan_read_lines("label-file", options->label_file.items[i], plan->arena, &lines,
				    &n, err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (set_label(plan, "label-file", lines[i], err) < 0)
			return -1;
	for (size_t i = 0; i < options->label.count; i++)
		if (set_label(plan, "label", options->label.items[i], err) < 0)
			return -1;
	/* What `commit` gives the image, and `inspect` shows. */
	record->settings->labels = record->labels;
	record->settings->n_labels = record->n_labels;
	return 0;
}

/* ---- ports and volumes that the image names, and --expose ---- */

static int add_key(struct image_empty **list, size_t *n, const char *key, struct arena *arena,
		   struct error *err)
{
	struct image_empty *entry;

	for (size_t i = 0; i < *n; i++)
		if (strcmp((*list)[i].key, key) == 0)
			return 0;
	entry = VECTOR_ADD(*list, *n, arena, err);
	if (!entry)
		return -1;
	entry->key = arena_strdup(arena, key, err);
	return entry->key ? 0 : -1;
}

/* An image may name all ports there are, any number of times: each one counts once. */
struct exposed {
	bool is_there[3][UINT16_MAX + 1];
};

static bool *place_of(struct exposed *exposed, const char *protocol, uint32_t port)
{
	size_t i = *protocol == 't' ? 0 : *protocol == 'u' ? 1 : 2;

	return &exposed->is_there[i][port];
}

static int expose(struct plan *plan, const char *text, struct exposed *exposed, struct error *err)
{
	struct image_settings *settings = plan->record->settings;
	struct port_range range;

	if (port_spec_parse_exposed(text, &range, err) < 0)
		return -1;
	for (uint32_t port = range.first; port <= range.last; port++) {
		bool *is_there = place_of(exposed, range.protocol, port);
		struct image_empty *entry;

		if (*is_there)
			continue;
		*is_there = true;
		entry = VECTOR_ADD(settings->exposed_ports, settings->n_exposed_ports, plan->arena,
				   err);
		if (!entry)
			return -1;
		entry->key = arena_format(plan->arena, err, "%u/%s", port, range.protocol);
		if (!entry->key)
			return -1;
	}
	return 0;
}

static int set_exposed_ports(struct plan *plan, struct error *err)
{
	const struct image_settings *image = plan->defaults;
	const struct option_strings *given = &plan->options->expose;
	struct exposed *exposed;

	if (!image->n_exposed_ports && !given->count)
		return 0;
	exposed = arena_alloc(plan->arena, sizeof(*exposed), err);
	if (!exposed)
		return -1;
	for (size_t i = 0; i < image->n_exposed_ports; i++)
		if (expose(plan, image->exposed_ports[i].key, exposed, err) < 0)
			return error_wrap(err, "the image's ExposedPorts");
	for (size_t i = 0; i < given->count; i++)
		if (expose(plan, given->items[i], exposed, err) < 0)
			return error_wrap(err, "--expose");
	return 0;
}

static int set_volumes(struct plan *plan, struct error *err)
{
	const struct image_settings *image = plan->defaults;
	struct image_settings *settings = plan->record->settings;

	if (image->n_volumes > IMAGE_VOLUMES_MAX)
		return error_set(err, E2BIG, "the image has %zu volumes (at most %d)",
				 image->n_volumes, IMAGE_VOLUMES_MAX);
	for (size_t i = 0; i < image->n_volumes; i++)
		if (add_key(&settings->volumes, &settings->n_volumes, image->volumes[i].key,
			    plan->arena, err) < 0)
			return -1;
	return 0;
}

/* The option's text, else the image's; NULL and "" are none. */
static int choose(struct plan *plan, const char *option, const char *image, char **ret,
		  struct error *err)
{
	const char *text = option ? option : image;

	if (!text || !*text)
		return 0;
	*ret = arena_strdup(plan->arena, text, err);
	return *ret ? 0 : -1;
}

static int set_stop_signal(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct image_settings *settings = plan->record->settings;
	int number;

	if (choose(plan, options->stop_signal, plan->defaults->stop_signal, &settings->stop_signal,
		   err) < 0)
		return -1;
	if (settings->stop_signal && format_read_signal(settings->stop_signal, &number, err) < 0)
		return error_wrap(err, "%s",
				  options->stop_signal ? "--stop-signal"
						       : "the image's StopSignal");
	plan->record->policy->stop_signal = settings->stop_signal;
	return 0;
}

int plan_settings(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct image_settings *settings = plan->record->settings;

	if (choose(plan, options->user, plan->defaults->user, &settings->user, err) < 0 ||
	    choose(plan, options->workdir, plan->defaults->working_dir, &settings->working_dir,
		   err) < 0)
		return -1;
	if (copy_texts(&settings->shell, &settings->n_shell, plan->defaults->shell,
		       plan->defaults->n_shell, plan->arena, err) < 0)
		return -1;
	if (set_command(plan, err) < 0 || check_command(plan, err) < 0 ||
	    set_environment(plan, err) < 0 || set_labels(plan, err) < 0 ||
	    set_exposed_ports(plan, err) < 0 || set_volumes(plan, err) < 0)
		return -1;
	return set_stop_signal(plan, err);
}
