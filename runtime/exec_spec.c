/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/exec_spec.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "oci/spec_check.h"
#include "runtime/capability.h"

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* A new vector: the first one's texts, then the second one's. */
static int join_lists(char **first, size_t n_first, char *const *second, struct arena *arena,
		      char ***ret, size_t *ret_n, struct error *err)
{
	size_t n_second = count(second);
	char **joined = arena_array(arena, n_first + n_second + 1, sizeof(*joined), err);

	if (!joined)
		return -1;
	for (size_t i = 0; i < n_first; i++)
		joined[i] = first[i];
	for (size_t i = 0; i < n_second; i++) {
		joined[n_first + i] = arena_strdup(arena, second[i], err);
		if (!joined[n_first + i])
			return -1;
	}
	*ret = joined;
	*ret_n = n_first + n_second;
	return 0;
}

static bool has_name(char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (capability_from_name(names[i]) == capability_from_name(name))
			return true;
	return false;
}

/*
 * Of the names, those that the configuration has among the inheritable ones
 * and that so can be ambient: without it a payload that is not root would not
 * have what was asked for.
 */
static int add_ambient(const struct spec_capabilities *old, char *const *names,
		       struct spec_capabilities *sets, struct arena *arena, struct error *err)
{
	size_t n = 0;
	char **inheritable = arena_array(arena, count(names) + 1, sizeof(*inheritable), err);

	if (!inheritable)
		return -1;
	for (; *names; names++)
		if (has_name(old->inheritable, old->n_inheritable, *names))
			inheritable[n++] = *names;
	inheritable[n] = NULL;
	return join_lists(old->ambient, old->n_ambient, inheritable, arena, &sets->ambient,
			  &sets->n_ambient, err);
}

static int add_capabilities(struct spec_process *process, char *const *names, struct arena *arena,
			    struct error *err)
{
	static const struct spec_capabilities none;
	const struct spec_capabilities *old = process->capabilities ? process->capabilities : &none;
	struct spec_capabilities *sets = arena_alloc(arena, sizeof(*sets), err);

	if (!sets)
		return -1;
	*sets = *old;
	process->capabilities = sets;
	/* Not the inheritable set: nothing asked for it (S12). */
	if (add_ambient(old, names, sets, arena, err) < 0 ||
	    join_lists(old->bounding, old->n_bounding, names, arena, &sets->bounding,
		       &sets->n_bounding, err) < 0 ||
	    join_lists(old->effective, old->n_effective, names, arena, &sets->effective,
		       &sets->n_effective, err) < 0)
		return -1;
	return join_lists(old->permitted, old->n_permitted, names, arena, &sets->permitted,
			  &sets->n_permitted, err);
}

static int set_user(struct spec_process *process, const struct container_exec_options *options,
		    struct arena *arena, struct error *err)
{
	struct spec_user *user = arena_alloc(arena, sizeof(*user), err);

	if (!user)
		return -1;
	if (process->user)
		*user = *process->user;
	if (options->user) { /* another user has none of the configured one's groups */
		user->additional_gids = NULL;
		user->n_additional_gids = 0;
	}
	if (options->n_additional_gids) {
		size_t old = user->n_additional_gids;
		uint32_t *gids =
			arena_array(arena, old + options->n_additional_gids, sizeof(*gids), err);
		if (!gids)
			return -1;
		if (old)
			memcpy(gids, user->additional_gids, old * sizeof(*gids));
		memcpy(gids + old, options->additional_gids,
		       options->n_additional_gids * sizeof(*gids));
		user->additional_gids = gids;
		user->n_additional_gids += options->n_additional_gids;
	}
	process->user = user;
	return 0;
}

/* The container's process, but for what was for its own start. */
static int begin_with_container(const struct spec *container,
				const struct container_exec_options *options, struct arena *arena,
				struct spec_process *process, struct error *err)
{
	if (!container->process)
		return error_set(err, EINVAL, "the container's configuration has no process");
	*process = *container->process;
	process->terminal = false;
	process->console_size = NULL;
	if (join_lists(NULL, 0, options->args, arena, &process->args, &process->n_args, err) < 0)
		return -1;
	return process->n_args ? 0 : error_set(err, EINVAL, "exec: no program was given");
}

static int begin_with_file(const char *path, struct arena *arena, struct spec_process *process,
			   struct error *err)
{
	cleanup_free char *text = NULL;
	size_t size;

	if (fd_read_file(AT_FDCWD, path, JSON_SIZE_MAX, &text, &size, err) < 0)
		return error_wrap(err, "--process");
	if (json_read(&spec_process_type, text, size, process, arena, err) < 0)
		return error_wrap(err, "%s", path);
	if (!process->n_args)
		return error_set(err, EINVAL, "%s: args: missing", path);
	return 0;
}

static int replace_text(char **text, const char *with, struct arena *arena, struct error *err)
{
	if (!with)
		return 0;
	*text = arena_strdup(arena, with, err);
	return *text ? 0 : -1;
}

/* What options say counts above the file, and above the container's process. */
static int change_by_options(const struct container_exec_options *options, struct arena *arena,
			     struct spec_process *process, struct error *err)
{
	process->terminal |= options->tty;
	process->no_new_privileges |= options->no_new_privileges;
	if (join_lists(process->env, process->n_env, options->env, arena, &process->env,
		       &process->n_env, err) < 0 ||
	    replace_text(&process->cwd, options->cwd, arena, err) < 0 ||
	    replace_text(&process->apparmor_profile, options->apparmor, arena, err) < 0 ||
	    replace_text(&process->selinux_label, options->process_label, arena, err) < 0)
		return -1;
	if (options->capabilities && options->capabilities[0] &&
	    add_capabilities(process, options->capabilities, arena, err) < 0)
		return -1;
	return set_user(process, options, arena, err);
}

int exec_spec_build(const struct spec *container, const struct container_exec_options *options,
		    struct arena *arena, struct spec_process **ret, struct error *err)
{
	struct spec_process *process = arena_alloc(arena, sizeof(*process), err);
	int rc;

	if (!process)
		return -1;
	rc = options->process_file ? begin_with_file(options->process_file, arena, process, err)
				   : begin_with_container(container, options, arena, process, err);
	if (rc < 0 || change_by_options(options, arena, process, err) < 0)
		return -1;
	if (spec_check_process(process, options->process_file ? options->process_file : "process",
			       err) < 0)
		return -1;
	*ret = process;
	return 0;
}

int exec_spec_place(const char *text, struct arena *arena, struct exec_cgroup *ret,
		    struct error *err)
{
	const char *colon;

	*ret = (struct exec_cgroup){ NULL, NULL };
	if (!text || !*text)
		return 0;
	colon = strchr(text, ':');
	ret->path = arena_strdup(arena, colon ? colon + 1 : text, err);
	if (!ret->path)
		return -1;
	if (colon && colon > text) {
		ret->controller = arena_strndup(arena, text, (size_t)(colon - text), err);
		if (!ret->controller)
			return -1;
	}
	return 0;
}
