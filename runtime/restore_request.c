/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore asks of CRIU. */
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "runtime/restore.h"

/* The checkpoint's names for what it has from outside, and where that is now. */
static int name_mounts(struct restore *restore, struct error *err)
{
	const struct checkpoint_record *record = &restore->record;
	struct criu_request *request = &restore->request;
	struct arena *arena = &restore->container->arena;
	char path[EXTERNAL_MOUNTS_PATH_SIZE];

	request->external = arena_array(arena, record->n_mounts, sizeof(*request->external), err);
	if (!request->external)
		return -1;
	for (size_t i = 0; i < record->n_mounts; i++) {
		if (!external_mounts_is_first(record->mounts, i))
			continue;
		external_mounts_path(i, path);
		request->external[request->n_external] =
			arena_format(arena, err, "mnt[%s]:%s", record->mounts[i].name, path);
		if (!request->external[request->n_external++])
			return -1;
	}
	return 0;
}

static int add_fd(struct restore *restore, const char *key, int fd, struct error *err)
{
	struct criu_request *request = &restore->request;

	if (restore->n_fds == CRIU_FDS)
		return error_set(err, EMFILE, "criu gets too many descriptors");
	request->inherited[request->n_inherited++] =
		(struct criu_inherited){ .key = key, .fd = (int)restore->n_fds };
	restore->fds[restore->n_fds++] = fd;
	return 0;
}

static bool is_inherited(const struct criu_request *request, const char *key)
{
	for (size_t i = 0; i < request->n_inherited; i++)
		if (str_equal(request->inherited[i].key, key))
			return true;
	return false;
}

/*
 * For CRIU the name of a file is a path from "/", which it cuts off. By what is
 * left it takes our descriptor as it is; by the whole it would insist on a file
 * of the size that the other one had.
 */
static const char *inherited_key(const char *saved)
{
	return str_starts_with(saved, "file[") ? saved + 1 : saved;
}

/* Our own 0, 1, 2 and --preserve-fds in the place of those that it had. */
static int add_streams(struct restore *restore, struct error *err)
{
	const struct checkpoint_record *record = &restore->record;
	size_t n = STDERR_FILENO + 1 + restore->options->io.preserve_fds;

	if (n > record->n_descriptors && restore->options->io.preserve_fds)
		return error_set(err, EINVAL,
				 "--preserve-fds: the container had no descriptor %zu when it was "
				 "saved",
				 record->n_descriptors);
	for (size_t i = 0; i < n && i < record->n_descriptors; i++) {
		const char *key = inherited_key(record->descriptors[i]);

		if (*key && !is_inherited(&restore->request, key) &&
		    add_fd(restore, key, (int)i, err) < 0)
			return -1;
	}
	return 0;
}

/* CRIU takes two kinds by a key of the images; others it joins by path. */
static int add_namespace(struct restore *restore, const struct namespace_join *join,
			 enum spec_namespace_type type, struct error *err)
{
	struct criu_request *request = &restore->request;

	if (type == NAMESPACE_NETWORK)
		return add_fd(restore, CHECKPOINT_NETWORK_KEY, join->fd, err);
	if (type == NAMESPACE_PID)
		return add_fd(restore, CHECKPOINT_PID_KEY, join->fd, err);
	if (type != NAMESPACE_IPC && type != NAMESPACE_UTS && type != NAMESPACE_TIME)
		return error_set(err, ENOTSUP, "CRIU cannot restore into the %s namespace %s",
				 spec_namespace_name(type), join->path);
	/* The path of the descriptor that has been checked already. */
	char *path =
		arena_format(&restore->container->arena, err, "/proc/%d/fd/%d", getpid(), join->fd);
	if (!path)
		return -1;
	request->joined[request->n_joined++] =
		(struct criu_pair){ .key = checkpoint_namespace_name(type), .value = path };
	return 0;
}

static int add_namespaces(struct restore *restore, struct error *err)
{
	for (int i = 0; i < restore->namespaces.n_joins; i++)
		for (int type = 0; type < NAMESPACE_TYPES; type++)
			if (restore->namespaces.joins[i].flag ==
				    namespace_flag((enum spec_namespace_type)type) &&
			    add_namespace(restore, &restore->namespaces.joins[i],
					  (enum spec_namespace_type)type, err) < 0)
				return -1;
	return 0;
}

/* Each controller by itself, as CRIU has them. */
static int add_cgroup_roots(struct restore *restore, struct error *err)
{
	const struct cgroup *cgroup = &restore->container->cgroup;
	struct criu_request *request = &restore->request;
	struct arena *arena = &restore->container->arena;
	size_t n = 0;

	for (size_t i = 0; i < cgroup->n_directories; i++)
		n += 1 + strlen(cgroup->directories[i].controllers);
	request->cgroup_roots = arena_array(arena, n, sizeof(*request->cgroup_roots), err);
	if (!request->cgroup_roots)
		return -1;
	for (size_t i = 0; i < cgroup->n_directories; i++) {
		const struct cgroup_directory *directory = &cgroup->directories[i];
		char *path =
			cgroup_path_in_hierarchy(&cgroup_machine_default, directory, arena, err);
		char *list = path ? arena_strdup(arena, directory->controllers, err) : NULL;

		if (!list)
			return -1;
		for (char *name; (name = strsep(&list, ","));)
			request->cgroup_roots[request->n_cgroup_roots++] =
				(struct criu_pair){ .key = name, .value = path };
	}
	return 0;
}

int restore_make_request(struct restore *restore, struct error *err)
{
	struct arena *arena = &restore->container->arena;
	struct criu_request *request = &restore->request;

	request->root = EXTERNAL_MOUNTS_ROOT;
	request->ignore_cgroups =
		restore->container->cgroup.disabled || restore->record.ignore_cgroups;
	if (restore->config_file)
		request->config_file = RESTORE_CONFIG_FILE;
	request->inherited = arena_array(arena, CRIU_FDS, sizeof(*request->inherited), err);
	request->joined = arena_array(arena, NAMESPACE_TYPES, sizeof(*request->joined), err);
	if (!request->inherited || !request->joined)
		return -1;
	/* CRIU itself has no use for the standard streams, but for a terminal to hand on. */
	for (int i = 0; i <= STDERR_FILENO; i++)
		restore->fds[i] = -1;
	request->has_terminal = restore->criu.shell_job && restore->console < 0;
	if (request->has_terminal)
		restore->fds[STDIN_FILENO] = STDIN_FILENO;
	restore->fds[CRIU_FD_IMAGES] = restore->folders.images;
	restore->fds[CRIU_FD_WORK] = restore->folders.work;
	restore->n_fds = CRIU_FD_FIRST;
	if (name_mounts(restore, err) < 0 || add_streams(restore, err) < 0 ||
	    add_namespaces(restore, err) < 0)
		return -1;
	return add_cgroup_roots(restore, err);
}
