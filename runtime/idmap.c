/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/idmap.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/user_mapping.h"

/* Lives as long as its parent needs the namespace, and never longer than the parent. */
static _Noreturn void hold_namespace(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static int write_map(int procfs, pid_t pid, const char *file, const struct spec_id_mapping *map,
		     size_t count, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;
	char path[64];

	user_mapping_format(map, count, &text);
	cleanup_free char *lines = str_take(&text, err);
	if (!lines)
		return -1;
	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, file);
	if (path_write_procfs(procfs, path, lines, err) == 0)
		return 0;
	if (err->code == EPERM || err->code == EACCES)
		error_hint(err, "idmapped mounts need CAP_SYS_ADMIN over the file system, which an "
				"ordinary user has over none of the host's");
	return -1;
}

/* The child is ours and not reaped yet: its number means nobody else. */
static int open_namespace(int procfs, pid_t pid, struct error *err)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%d/ns/user", (int)pid);
	fd = openat(procfs, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open /proc/%s", path) : fd;
}

int idmap_open(const struct spec_id_mapping *uids, size_t n_uids,
	       const struct spec_id_mapping *gids, size_t n_gids, struct error *err)
{
	cleanup_fd int procfs = path_open_procfs(err);
	cleanup_fd int user_namespace = -1;
	pid_t pid;

	if (procfs < 0)
		return -1;
	pid = process_clone(CLONE_NEWUSER, -1, NULL);
	if (pid == 0)
		hold_namespace();
	if (pid < 0)
		return error_set(err, errno, "make a user namespace for an idmapped mount");
	if (write_map(procfs, pid, "uid_map", uids, n_uids, err) == 0 &&
	    write_map(procfs, pid, "gid_map", gids, n_gids, err) == 0)
		user_namespace = open_namespace(procfs, pid, err);
	process_kill_and_reap(pid);
	return move_fd(&user_namespace);
}

int idmap_open_for_mount(const struct spec *spec, const struct spec_mount *mount, struct error *err)
{
	const struct spec_namespace *user = spec_find_namespace(spec, NAMESPACE_USER);
	const struct spec_linux *lx = spec->linux;

	if (!mount->n_uid_mappings != !mount->n_gid_mappings)
		return error_set(err, EINVAL, "uidMappings and gidMappings need each other");
	if (mount->n_uid_mappings)
		return idmap_open(mount->uid_mappings, mount->n_uid_mappings, mount->gid_mappings,
				  mount->n_gid_mappings, err);
	if (user && user->path) {
		int fd = open(user->path, O_RDONLY | O_CLOEXEC);

		return fd < 0 ? error_set(err, errno, "user namespace %s", user->path) : fd;
	}
	if (!user || !lx->n_uid_mappings || !lx->n_gid_mappings)
		return error_set(err, EINVAL,
				 "idmap without mappings: neither the mount nor the container has "
				 "uidMappings and gidMappings");
	return idmap_open(lx->uid_mappings, lx->n_uid_mappings, lx->gid_mappings,
			  lx->n_gid_mappings, err);
}
