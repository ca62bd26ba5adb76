/* SPDX-License-Identifier: Apache-2.0 */
/* The process that exec asks for: the container's own, changed. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/supervisor/exec.h"
#include "cmd/rustbox/supervisor/supervisor_parts.h"
#include "runtime/capability.h"
#include "runtime/user.h"

struct plan {
	const struct supervisor *s;
	const struct stream_exec *options;
	struct spec_process *process;
	struct arena *arena;
};

/* ---- environment ---- */

static size_t name_size(const char *pair)
{
	return strcspn(pair, "=");
}

static bool has_name(const char *pair, const char *other)
{
	size_t size = name_size(pair);

	return size == name_size(other) && strncmp(pair, other, size) == 0;
}

static void set_variable(char **env, size_t *n, char *pair)
{
	for (size_t i = 0; i < *n; i++)
		if (has_name(env[i], pair)) {
			env[i] = pair;
			return;
		}
	env[(*n)++] = pair;
}

static int set_env(const struct plan *plan, struct error *err)
{
	const struct stream_exec *options = plan->options;
	struct spec_process *process = plan->process;
	char **env =
		arena_array(plan->arena, process->n_env + options->n_env + 2, sizeof(*env), err);
	char *terminal = arena_strdup(plan->arena, "TERM=xterm", err);
	size_t n = 0;

	if (!env || !terminal)
		return -1;
	if (options->tty)
		set_variable(env, &n, terminal);
	for (size_t i = 0; i < process->n_env; i++)
		set_variable(env, &n, process->env[i]);
	for (size_t i = 0; i < options->n_env; i++) {
		if (name_size(options->env[i]) == 0 || !strchr(options->env[i], '='))
			return error_set(err, 0, "environment \"%s\": not NAME=VALUE",
					 options->env[i]);
		set_variable(env, &n, options->env[i]);
	}
	process->env = env;
	process->n_env = n;
	return 0;
}

/* ---- who ---- */

/* As the container sees it; what is mounted on it inside is not there. */
static int open_root(const struct plan *plan, struct error *err)
{
	const struct supervisor *s = plan->s;
	cleanup_free char *path = store_path(s->store, "bundles", s->id, "rootfs", err);
	int fd = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd < 0 && path ? error_set(err, errno, "open %s", path) : fd;
}

/* With its group, as for the container's own process. */
static int set_groups(const struct plan *plan, const struct user_identity *identity,
		      struct error *err)
{
	struct spec_user *user = plan->process->user;
	uint32_t *gids = arena_array(plan->arena, identity->n_gids + 1, sizeof(*gids), err);
	size_t n = 0;

	if (!gids)
		return -1;
	user->additional_gids = gids;
	user->n_additional_gids = 0;
	if (plan->s->store->is_rootless && process_user_ids() == 1)
		return 0;
	gids[n++] = identity->gid;
	for (size_t i = 0; i < identity->n_gids; i++)
		if (identity->gids[i] != identity->gid)
			gids[n++] = identity->gids[i];
	user->n_additional_gids = n;
	return 0;
}

static int set_user(const struct plan *plan, struct error *err)
{
	const char *text = plan->options->user;
	struct user_identity identity;

	if (!text || !*text)
		return 0;
	cleanup_fd int root = open_root(plan, err);
	if (root < 0 || user_resolve(root, text, plan->arena, &identity, err) < 0)
		return error_wrap(err, "user %s", text);
	plan->process->user->uid = identity.uid;
	plan->process->user->gid = identity.gid;
	return set_groups(plan, &identity, err);
}

static int set_all_capabilities(const struct plan *plan, struct error *err)
{
	struct spec_capabilities *sets = arena_alloc(plan->arena, sizeof(*sets), err);
	int count = capability_count();
	char **names = arena_array(plan->arena, (size_t)count + 1, sizeof(*names), err);
	size_t n = 0;

	if (!sets || !names)
		return -1;
	for (int i = 0; i < count; i++)
		if (capability_permitted() & (UINT64_C(1) << i))
			names[n++] = (char *)(uintptr_t)capability_name(i);
	sets->bounding = names;
	sets->n_bounding = n;
	plan->process->capabilities = sets;
	return 0;
}

/* Root has all that the container may have at most; others have nothing to begin with. */
static int set_capabilities(const struct plan *plan, struct error *err)
{
	struct spec_process *process = plan->process;
	struct spec_capabilities *sets;

	if (plan->options->privileged && set_all_capabilities(plan, err) < 0)
		return -1;
	sets = process->capabilities;
	if (!sets || (!plan->options->user && !plan->options->privileged))
		return 0;
	bool is_root = process->user->uid == 0;
	sets->effective = sets->permitted = is_root ? sets->bounding : NULL;
	sets->n_effective = sets->n_permitted = is_root ? sets->n_bounding : 0;
	sets->inheritable = sets->ambient = NULL;
	sets->n_inheritable = sets->n_ambient = 0;
	return 0;
}

/* ---- all of it ---- */

static int set_terminal(const struct plan *plan, struct error *err)
{
	const struct stream_exec *options = plan->options;
	struct spec_process *process = plan->process;

	process->terminal = options->tty;
	process->console_size = NULL;
	if (!options->tty || (!options->columns && !options->rows))
		return 0;
	process->console_size = arena_alloc(plan->arena, sizeof(*process->console_size), err);
	if (!process->console_size)
		return -1;
	process->console_size->width = options->columns;
	process->console_size->height = options->rows;
	return 0;
}

static int fill(const struct plan *plan, struct error *err)
{
	const struct stream_exec *options = plan->options;
	struct spec_process *process = plan->process;

	if (options->n_args == 0)
		return error_set(err, 0, "there is no command to execute");
	if (options->workdir && *options->workdir != '/')
		return error_set(err, 0, "working directory \"%s\" is not an absolute path",
				 options->workdir);
	process->args = options->args;
	process->n_args = options->n_args;
	if (options->workdir)
		process->cwd = options->workdir;
	if (set_env(plan, err) < 0 || set_user(plan, err) < 0 || set_capabilities(plan, err) < 0)
		return -1;
	return set_terminal(plan, err);
}

char *exec_process_json(struct supervisor *s, const struct stream_exec *options, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct spec *spec;

	if (bundle_load_spec(s->store, s->id, &arena, &spec, err) < 0)
		return NULL;
	const struct plan plan = {
		.s = s, .options = options, .process = spec->process, .arena = &arena
	};
	if (fill(&plan, err) < 0)
		return NULL;
	return json_write(&spec_process_type, plan.process, false, err);
}
