/* SPDX-License-Identifier: Apache-2.0 */
/* The process: arguments, environment, who it is, where, within which limits. */
#include <ctype.h>
#include <string.h>
#include <sys/resource.h>

#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/vector.h"
#include "runtime/user.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { DEFAULT_UMASK = 022 };

static int set_args(struct plan *plan, struct error *err)
{
	const struct image_settings *settings = plan->record->settings;
	struct spec_process *process = plan->spec->process;
	struct arena *arena = plan->arena;

	if (plan->record->init &&
	    (vector_add_text(&process->args, &process->n_args, BUNDLE_INIT_PATH, arena, err) < 0 ||
	     vector_add_text(&process->args, &process->n_args, "--", arena, err) < 0 ||
	     plan_annotate(plan, BUNDLE_ANNOTATION_SIGNALS, "blocked", err) < 0))
		return -1;
	for (size_t i = 0; i < settings->n_entrypoint; i++)
		if (vector_add_text(&process->args, &process->n_args, settings->entrypoint[i],
				    arena, err) < 0)
			return -1;
	for (size_t i = 0; i < settings->n_cmd; i++)
		if (vector_add_text(&process->args, &process->n_args, settings->cmd[i], arena,
				    err) < 0)
			return -1;
	return 0;
}

/* Later ones win (HOSTNAME comes when it is known); the runtime adds HOME from passwd. */
static int set_env(struct plan *plan, struct error *err)
{
	const struct image_settings *settings = plan->record->settings;
	struct spec_process *process = plan->spec->process;
	struct arena *arena = plan->arena;

	if (vector_add_text(&process->env, &process->n_env, DEFAULT_PATH, arena, err) < 0)
		return -1;
	if (plan->record->tty &&
	    vector_add_text(&process->env, &process->n_env, "TERM=xterm", arena, err) < 0)
		return -1;
	for (size_t i = 0; i < settings->n_env; i++)
		if (vector_add_text(&process->env, &process->n_env, settings->env[i], arena, err) <
		    0)
			return -1;
	return 0;
}

/* ---- who ---- */

static int add_group(struct plan *plan, uint32_t gid, struct error *err)
{
	struct spec_user *user = plan->spec->process->user;
	uint32_t *element;

	for (size_t i = 0; i < user->n_additional_gids; i++)
		if (user->additional_gids[i] == gid)
			return 0;
	element = VECTOR_ADD(user->additional_gids, user->n_additional_gids, plan->arena, err);
	if (!element)
		return -1;
	*element = gid;
	return 0;
}

static int add_named_group(struct plan *plan, const char *name, struct error *err)
{
	struct user_identity identity;
	char *text = arena_format(plan->arena, err, "0:%s", name);

	if (!text)
		return -1;
	if (!*name || strchr(name, ':'))
		return error_set(err, 0, "--group-add \"%s\": neither a name nor a number", name);
	if (user_resolve(plan->root, text, plan->arena, &identity, err) < 0)
		return error_wrap(err, "--group-add %s", name);
	return add_group(plan, identity.gid, err);
}

/*
 * Access lists that deny a group something must count: the first one is a
 * supplementary one, too. An ordinary user with a single id can set none.
 */
static int add_own_groups(struct plan *plan, const struct user_identity *identity,
			  struct error *err)
{
	if (plan->store->is_rootless && process_user_ids() == 1)
		return 0;
	if (add_group(plan, identity->gid, err) < 0)
		return -1;
	for (size_t i = 0; i < identity->n_gids; i++)
		if (add_group(plan, identity->gids[i], err) < 0)
			return -1;
	return 0;
}

static int set_user(struct plan *plan, struct error *err)
{
	const char *text = plan->record->settings->user;
	const struct option_strings *groups = &plan->options->group_add;
	struct spec_user *user = plan->spec->process->user;
	struct user_identity identity;

	if (user_resolve(plan->root, text ? text : "0", plan->arena, &identity, err) < 0)
		return text ? error_wrap(err, "user %s", text) : -1;
	user->uid = identity.uid;
	user->gid = identity.gid;
	if (add_own_groups(plan, &identity, err) < 0)
		return -1;
	for (size_t i = 0; i < groups->count; i++)
		if (add_named_group(plan, groups->items[i], err) < 0)
			return -1;
	return 0;
}

static int set_umask(struct plan *plan, struct error *err)
{
	const char *text = plan->options->umask;
	uint64_t value = DEFAULT_UMASK; /* the caller's is his own affair */

	if (text && !str_to_uint(text, 8, 0777, &value))
		return error_set(err, 0, "--umask %s: not an octal mask up to 777", text);
	plan->spec->process->user->umask = (struct json_uint){ true, value };
	return 0;
}

/* ---- where ---- */

static int set_cwd(struct plan *plan, struct error *err)
{
	const char *text = plan->record->settings->working_dir;
	cleanup_free char *clean = NULL;

	if (!text)
		text = "/";
	if (*text != '/')
		return error_set(err, 0, "working directory \"%s\" is not an absolute path", text);
	clean = path_clean(text, err);
	plan->spec->process->cwd = clean ? arena_strdup(plan->arena, clean, err) : NULL;
	return plan->spec->process->cwd ? 0 : -1;
}

/* ---- limits ---- */

static const char *const limit_names[] = {
	"as",	"core",	  "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
	"nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",
};

static char *limit_type(const char *name, size_t size, struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < sizeof(limit_names) / sizeof(*limit_names); i++) {
		if (strlen(limit_names[i]) != size || memcmp(limit_names[i], name, size) != 0)
			continue;
		char *type = arena_format(arena, err, "RLIMIT_%s", limit_names[i]);
		for (char *p = type; p && *p; p++)
			*p = (char)toupper((unsigned char)*p);
		return type;
	}
	error_set(err, 0, "no limit is called \"%.*s\"", (int)size, name);
	return NULL;
}

static bool read_limit(const char *text, uint64_t *ret)
{
	if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
		*ret = RLIM_INFINITY;
		return true;
	}
	return str_to_uint(text, 10, UINT64_MAX, ret);
}

static int add_ulimit(struct plan *plan, const char *text, struct error *err)
{
	struct spec_process *process = plan->spec->process;
	const char *equals = strchr(text, '=');
	char *soft = equals ? arena_strdup(plan->arena, equals + 1, err) : NULL;
	char *hard = soft ? strchr(soft, ':') : NULL;
	struct spec_rlimit limit = { 0 };

	if (!equals)
		return error_set(err, 0, "write NAME=SOFT[:HARD]");
	if (!soft)
		return -1;
	if (hard)
		*hard++ = '\0';
	limit.type = limit_type(text, (size_t)(equals - text), plan->arena, err);
	if (!limit.type)
		return -1;
	if (!read_limit(soft, &limit.soft) || !read_limit(hard ? hard : soft, &limit.hard))
		return error_set(err, 0, "\"%s\" is not SOFT[:HARD], numbers or -1", equals + 1);
	if (limit.soft > limit.hard)
		return error_set(err, 0, "the soft limit is above the hard one");
	for (size_t i = 0; i < process->n_rlimits; i++) {
		if (strcmp(process->rlimits[i].type, limit.type) == 0) {
			process->rlimits[i] = limit;
			return 0;
		}
	}
	struct spec_rlimit *element =
		VECTOR_ADD(process->rlimits, process->n_rlimits, plan->arena, err);
	if (!element)
		return -1;
	*element = limit;
	return 0;
}

static int set_limits(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;

	for (size_t i = 0; i < options->ulimit.count; i++)
		if (add_ulimit(plan, options->ulimit.items[i], err) < 0)
			return error_wrap(err, "--ulimit %s", options->ulimit.items[i]);
	if (options->oom_score_adj.set)
		plan->spec->process->oom_score_adj =
			(struct json_int){ true, options->oom_score_adj.value };
	return 0;
}

int plan_process(struct plan *plan, struct error *err)
{
	plan->spec->process->user =
		arena_alloc(plan->arena, sizeof(*plan->spec->process->user), err);
	if (!plan->spec->process->user)
		return -1;
	plan->spec->process->terminal = plan->record->tty;
	if (set_args(plan, err) < 0 || set_env(plan, err) < 0 || set_user(plan, err) < 0 ||
	    set_umask(plan, err) < 0 || set_cwd(plan, err) < 0)
		return -1;
	return set_limits(plan, err);
}
