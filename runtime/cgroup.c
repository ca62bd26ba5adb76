/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"

/* ---- state.json --------------------------------------------------------------------------- */

/* How the flags of a cgroup are kept as the state's manager. */
static const struct manager_name {
	const char *name;
	bool disabled, tolerant, systemd, user;
} manager_names[] = {
	{ "cgroupfs", .tolerant = false },
	{ "cgroupfs-rootless", .tolerant = true },
	{ "disabled", .disabled = true },
	{ "systemd", .systemd = true },
	{ "systemd-rootless", .systemd = true, .tolerant = true },
	{ "systemd-user", .systemd = true, .user = true },
	{ "systemd-user-rootless", .systemd = true, .user = true, .tolerant = true },
};

static const char *manager_name(const struct cgroup *cgroup)
{
	const struct manager_name *name = manager_names;

	while (name->disabled != cgroup->disabled ||
	       (!cgroup->disabled &&
		(name->tolerant != cgroup->tolerant || name->systemd != (cgroup->scope != NULL) ||
		 name->user != (cgroup->scope && cgroup->scope->user))))
		name++;
	return name->name;
}

int cgroup_to_state(const struct cgroup *cgroup, struct arena *arena, struct state *state,
		    struct error *err)
{
	state->cgroup_manager = arena_strdup(arena, manager_name(cgroup), err);
	state->systemd_unit = cgroup->scope ? cgroup->scope->unit : NULL;
	state->cgroup_paths =
		arena_array(arena, cgroup->n_directories, sizeof(*state->cgroup_paths), err);
	if (!state->cgroup_manager || !state->cgroup_paths)
		return -1;
	state->n_cgroup_paths = cgroup->n_directories;
	for (size_t i = 0; i < cgroup->n_directories; i++) {
		struct state_cgroup_path *row = &state->cgroup_paths[i];
		row->controllers = arena_strdup(arena, cgroup->directories[i].controllers, err);
		row->path = arena_strdup(arena, cgroup->directories[i].path, err);
		if (!row->controllers || !row->path)
			return -1;
	}
	return 0;
}

/* The file is ours, but a directory is going to be removed by what it says. */
static bool is_plausible_path(const char *path)
{
	return path && path[0] == '/' && path[1] != '\0' && !strstr(path, "/../") &&
	       !str_ends_with(path, "/..") && !str_ends_with(path, "/");
}

static int read_manager(const struct state *state, struct arena *arena, struct cgroup *cgroup,
			struct error *err)
{
	const struct manager_name *name = manager_names,
				  *end = name + sizeof(manager_names) / sizeof(manager_names[0]);
	struct cgroup_scope *scope;

	while (state->cgroup_manager && name < end && !str_equal(name->name, state->cgroup_manager))
		name++;
	if (name == end)
		return error_set(err, EINVAL, "state: unknown cgroup manager \"%s\"",
				 state->cgroup_manager);
	cgroup->disabled = name->disabled;
	cgroup->tolerant = name->tolerant;
	if (!name->systemd)
		return 0;
	if (!state->systemd_unit || !str_ends_with(state->systemd_unit, ".scope"))
		return error_set(err, EINVAL, "state: \"%s\" is not a scope",
				 state->systemd_unit ? state->systemd_unit : "");
	scope = arena_alloc(arena, sizeof(*scope), err);
	if (!scope)
		return -1;
	*scope = (struct cgroup_scope){ .unit = arena_strdup(arena, state->systemd_unit, err),
					.user = name->user };
	cgroup->scope = scope;
	return scope->unit ? 0 : -1;
}

int cgroup_from_state(const struct state *state, struct arena *arena, struct cgroup *ret,
		      struct error *err)
{
	struct cgroup cgroup = { 0 };

	if (read_manager(state, arena, &cgroup, err) < 0)
		return -1;
	cgroup.directories =
		arena_array(arena, state->n_cgroup_paths, sizeof(*cgroup.directories), err);
	if (!cgroup.directories)
		return -1;
	for (size_t i = 0; i < state->n_cgroup_paths; i++) {
		const struct state_cgroup_path *row = &state->cgroup_paths[i];
		if (!row->controllers || !is_plausible_path(row->path))
			return error_set(err, EINVAL, "state: \"%s\" is not a cgroup",
					 row->path ? row->path : "");
		cgroup.directories[i].controllers = arena_strdup(arena, row->controllers, err);
		cgroup.directories[i].path = arena_strdup(arena, row->path, err);
		if (!cgroup.directories[i].controllers || !cgroup.directories[i].path)
			return -1;
	}
	cgroup.n_directories = state->n_cgroup_paths;
	*ret = cgroup;
	return 0;
}

/* ---- making ------------------------------------------------------------------------------- */

static bool is_permission(int code)
{
	return code == EACCES || code == EPERM || code == EROFS;
}

/* A directory that was there before us must be fit for a new container. */
static int check_existing(const struct cgroup *cgroup, const struct cgroup_directory *directory,
			  struct error *err)
{
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;
	cleanup_cgroup_pids struct cgroup_pids pids = CGROUP_PIDS_EMPTY;

	if (cgroup->exclusive)
		return error_set(err, EEXIST, "make %s", directory->path);
	if (cgroup_dir_open(directory, &dir) < 0)
		return error_set(err, errno, "open %s", directory->path);
	if (faccessat(dir.fd, "cgroup.procs", W_OK, AT_EACCESS) < 0 && is_permission(errno))
		return error_set(err, errno, "write to %s", directory->path);
	if (cgroup_pids_read(&dir, &pids, err) < 0)
		return -1;
	if (pids.count > 0) {
		error_set(err, 0, "the container's cgroup is not empty: %s", directory->path);
		return cgroup_hint_pids(&dir, err);
	}
	int frozen = cgroup_directory_is_v2(directory) ? cgroup_v2_frozen(&dir, err)
						       : cgroup_v1_frozen(&dir, err);
	if (frozen > 0) {
		error_set(err, 0, "the container's cgroup unexpectedly frozen: %s",
			  directory->path);
		return error_hint(err, "a container would hang in it: thaw or remove it");
	}
	return frozen;
}

void cgroup_unmake(char *path, size_t made)
{
	for (; made > 0; made--) {
		char *slash = strrchr(path, '/');
		if (cgroup_remove(path) < 0 || !slash)
			return;
		*slash = '\0';
	}
}

static int make_one(const char *path, size_t *made)
{
	if (cgroup_make(path) == 0)
		(*made)++;
	else if (errno == EEXIST)
		*made = 0;
	else
		return -1;
	return 0;
}

/*
 * The usual case is that only the last one is missing: so from there up, then
 * down again. A failure leaves path cut to the last one that was made.
 */
static int make_missing(char *path, size_t *made)
{
	char *slash = strrchr(path, '/');

	if (make_one(path, made) == 0)
		return 0;
	if (errno != ENOENT || !slash || slash == path)
		return -1;
	*slash = '\0';
	if (make_missing(path, made) < 0)
		return -1;
	*slash = '/';
	if (make_one(path, made) == 0)
		return 0;
	*slash = '\0';
	return -1;
}

int cgroup_make_path(const char *path, size_t *ret_made, struct error *err)
{
	cleanup_free char *copy = strdup(path);

	*ret_made = 0;
	if (!copy)
		return error_memory(err);
	if (make_missing(copy, ret_made) == 0)
		return 0;
	(void)error_set(err, errno, "make the cgroup %s", path);
	cgroup_unmake(copy, *ret_made);
	*ret_made = 0;
	if (is_permission(err->code))
		(void)error_hint(err, "cgroups cannot be made there by us: delegate it, or use "
				      "another cgroupsPath");
	return -1;
}

static int make_directory(const struct cgroup_machine *machine, const struct cgroup *cgroup,
			  const struct cgroup_directory *directory, size_t *ret_made,
			  struct error *err)
{
	int r = cgroup_directory_is_v2(directory)
			? cgroup_v2_make(machine, directory, ret_made, err)
			: cgroup_v1_make(machine, directory, ret_made, err);

	return r == 0 && *ret_made == 0 ? check_existing(cgroup, directory, err) : r;
}

static void unmake_all(const struct cgroup_directory *directories, const size_t *made, size_t count)
{
	while (count-- > 0) {
		cleanup_free char *path = strdup(directories[count].path);
		if (path)
			cgroup_unmake(path, made[count]);
	}
}

int cgroup_create(const struct cgroup_machine *machine, struct cgroup *cgroup, struct error *err)
{
	struct cgroup_directory *directories = cgroup->directories;
	cleanup_free size_t *made = calloc(cgroup->n_directories + 1, sizeof(*made));
	cleanup_cgroup_root bool is_held = cgroup_root_hold();
	size_t kept = 0;

	if (!made)
		return error_memory(err);
	for (size_t i = 0; i < cgroup->n_directories; i++) {
		directories[kept] = directories[i];
		if (make_directory(machine, cgroup, &directories[kept], &made[kept], err) == 0) {
			kept++;
			continue;
		}
		unmake_all(&directories[kept], &made[kept], 1);
		if (cgroup->tolerant && is_permission(err->code)) {
			log_debug("left out: %s", err->text);
			continue;
		}
		unmake_all(directories, made, kept);
		return error_wrap(err, "create the container's cgroup");
	}
	cgroup->n_directories = kept;
	return 0;
}
