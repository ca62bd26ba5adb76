/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/checkpoint.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "oci/json.h"

enum { RECORD_MAX = 4 * 1024 * 1024, DESCRIPTORS_MAX = CRIU_FDS - 8 };

static const char record_name[] = "rustbox.json";

/* ---- folders ------------------------------------------------------------------------------ */

void checkpoint_folders_close(struct checkpoint_folders *folders)
{
	fd_close(&folders->images);
	fd_close(&folders->work);
}

static int open_folder(const char *option, const char *path, bool make, struct error *err)
{
	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "%s: mkdir %s", option, path);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "%s: open %s", option, path) : fd;
}

int checkpoint_folders_open(const struct criu_options *options, bool make,
			    struct checkpoint_folders *ret, struct error *err)
{
	ret->images = open_folder("--image-path", options->image_path, make, err);
	if (ret->images < 0)
		return -1;
	ret->work = options->work_path ? open_folder("--work-path", options->work_path, true, err)
				       : fd_dup_above(ret->images, STDERR_FILENO + 1, err);
	return ret->work < 0 ? -1 : 0;
}

int checkpoint_folders_clear(const struct checkpoint_folders *folders, struct error *err)
{
	static const char *const names[] = { CHECKPOINT_RESTORE_LOG, "stats-restore" };
	struct stat st;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (unlinkat(folders->work, names[i], 0) == 0 || errno == ENOENT)
			continue;
		/* Then CRIU cannot write to a file of that folder, but through a link. */
		if (errno == EROFS &&
		    (fstatat(folders->work, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		     S_ISREG(st.st_mode)))
			continue;
		return error_set(err, errno, "remove the %s of an earlier restore", names[i]);
	}
	return 0;
}

/* The group of the container's root on the host; false when it has no other than the host's. */
static bool find_root_group(const struct spec *spec, gid_t *ret)
{
	const struct spec_linux *lx = spec->linux;

	if (!spec_find_namespace(spec, NAMESPACE_USER))
		return false;
	for (size_t i = 0; i < lx->n_gid_mappings; i++)
		if (lx->gid_mappings[i].container_id == 0) {
			*ret = lx->gid_mappings[i].host_id;
			return true;
		}
	return false;
}

int checkpoint_folders_admit(const struct checkpoint_folders *folders, const struct spec *spec,
			     bool make, struct error *err)
{
	struct stat st;
	gid_t group;

	if (!find_root_group(spec, &group))
		return 0;
	if (fstat(folders->images, &st) < 0)
		return error_set(err, errno, "stat --image-path");
	if ((st.st_mode & S_IXOTH) || (st.st_gid == group && (st.st_mode & S_IXGRP)))
		return 0;
	if (!make) {
		error_set(err, EACCES,
			  "--image-path: the root of the container's user namespace "
			  "cannot search it");
		return error_hint(err, "chgrp %u and chmod g+x the folder", group);
	}
	if (fchown(folders->images, (uid_t)-1, group) < 0 ||
	    fchmod(folders->images, (st.st_mode & 07777) | S_IXGRP) < 0)
		return error_set(err, errno, "let group %u search --image-path", group);
	return 0;
}

int checkpoint_find_config_file(const struct spec *spec, const char **ret, struct error *err)
{
	static const char *const files[] = { "/etc/criu/rustbox.conf", "/etc/criu/runc.conf",
					     "/etc/criu/crun.conf" };
	const char *given = spec->extensions.criu_config;

	*ret = NULL;
	if (given) {
		if (*given && access(given, R_OK) < 0)
			return error_set(err, errno, "the annotation org.criu.config: %s", given);
		*ret = *given ? given : NULL;
		return 0;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !*ret; i++)
		if (access(files[i], F_OK) == 0)
			*ret = files[i];
	return 0;
}

int checkpoint_check_spec(const struct spec *spec, struct error *err)
{
	const struct {
		bool given;
		const char *name;
	} rows[] = {
		{ spec->extensions.landlock, "the annotation org.rustbox.landlock" },
		{ spec->extensions.core_scheduling, "the annotation org.rustbox.core-scheduling" },
		{ spec->extensions.delegate_cgroup, "the annotation run.oci.delegate-cgroup" },
		{ spec->extensions.systemd_cgroup_v1,
		  "the annotation run.oci.systemd.force_cgroup_v1" },
		{ spec->linux->seccomp && spec->linux->seccomp->listener_path,
		  "linux.seccomp.listenerPath" },
		{ spec->extensions.seccomp_plugins, "the annotation run.oci.seccomp.plugins" },
		{ spec->linux->intel_rdt, "linux.intelRdt" },
		{ spec->linux->memory_policy, "linux.memoryPolicy" },
		{ spec->linux->n_net_devices, "linux.netDevices" },
		{ spec->process && spec->process->io_priority, "process.ioPriority" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].given)
			return error_set(err, ENOTSUP, "CRIU does not restore what %s is about",
					 rows[i].name);
	return 0;
}

const char *checkpoint_namespace_name(enum spec_namespace_type type)
{
	static const char *const names[NAMESPACE_TYPES] = {
		[NAMESPACE_PID] = "pid",       [NAMESPACE_NETWORK] = "net",
		[NAMESPACE_MOUNT] = "mnt",     [NAMESPACE_IPC] = "ipc",
		[NAMESPACE_UTS] = "uts",       [NAMESPACE_USER] = "user",
		[NAMESPACE_CGROUP] = "cgroup", [NAMESPACE_TIME] = "time",
	};

	return names[type];
}

/* ---- rustbox.json ------------------------------------------------------------------------- */

static const struct json_field mount_fields[] = {
	REQUIRED(external_mount, point, "point"),
	FIELD(external_mount, name, "name"),
	{ NULL },
};
static const struct json_type mount_type = { sizeof(struct external_mount), mount_fields, NULL };

static const struct json_field record_fields[] = {
	ARRAY(checkpoint_record, mounts, "mounts", &mount_type),
	LIST(checkpoint_record, descriptors, "descriptors"),
	FIELD(checkpoint_record, tcp_established, "tcpEstablished"),
	FIELD(checkpoint_record, file_locks, "fileLocks"),
	FIELD(checkpoint_record, shell_job, "shellJob"),
	FIELD(checkpoint_record, ignore_cgroups, "ignoreCgroups"),
	FIELD(checkpoint_record, label, "label"),
	{ NULL },
};
static const struct json_type record_type = { sizeof(struct checkpoint_record), record_fields,
					      NULL };

int checkpoint_record_write(int images, const struct checkpoint_record *record, struct error *err)
{
	cleanup_free char *text = json_write(&record_type, record, true, err);

	if (!text)
		return -1;
	return fd_replace_file(images, record_name, text, strlen(text), 0600, err);
}

int checkpoint_record_read(int images, struct arena *arena, struct checkpoint_record *ret,
			   struct error *err)
{
	/* A FIFO would have us wait, a link read another file. */
	cleanup_fd int fd =
		openat(images, record_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_free char *text = NULL;
	struct stat st;
	size_t size;

	*ret = (struct checkpoint_record){ 0 };
	if (fd < 0 || fstat(fd, &st) < 0) {
		error_set(err, errno, "open %s", record_name);
		return err->code == ENOENT
			       ? error_hint(err, "this is no checkpoint that rustbox-runtime made")
			       : -1;
	}
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "%s is no regular file", record_name);
	if (fd_read_all(fd, record_name, RECORD_MAX, &text, &size, err) < 0)
		return -1;
	if (json_read(&record_type, text, size, ret, arena, err) < 0)
		return error_wrap(err, "%s", record_name);
	if (ret->n_descriptors > DESCRIPTORS_MAX)
		return error_set(err, E2BIG, "%s: %zu descriptors", record_name,
				 ret->n_descriptors);
	return 0;
}

/* ---- descriptors -------------------------------------------------------------------------- */

static bool is_terminal(dev_t device)
{
	unsigned int n = major(device);

	return (n >= 136 && n <= 143) || n == 4 || n == 5;
}

/* The mount of an open file, as /proc/PID/fdinfo/N tells it. */
static bool mount_of(int procfs, pid_t pid, size_t n, uint64_t *ret)
{
	static const char key[] = "mnt_id:\t";
	char path[64], text[512];

	(void)snprintf(path, sizeof(path), "%d/fdinfo/%zu", pid, n);
	if (fd_read_short(procfs, path, text, sizeof(text)) <= 0)
		return false;
	char *found = strstr(text, key);
	if (!found)
		return false;
	found += strlen(key);
	found[strcspn(found, "\n")] = '\0';
	return str_to_uint(found, 10, UINT64_MAX, ret);
}

static bool is_seen(const struct checkpoint_record *record, uint64_t mount)
{
	for (size_t i = 0; i < record->n_mounts; i++)
		if (record->mounts[i].id == mount)
			return true;
	return false;
}

/* CRIU's own form of each; "" for what is the container's own, or of another kind. */
static char *describe(const struct checkpoint_record *record, const char *link,
		      const struct stat *st, uint64_t mount, struct arena *arena, struct error *err)
{
	if (str_starts_with(link, "pipe:["))
		return arena_strdup(arena, link, err);
	if (is_seen(record, mount))
		return arena_strdup(arena, "", err);
	if (S_ISCHR(st->st_mode) && is_terminal(st->st_rdev))
		return arena_format(arena, err, "tty[%lx:%lx]", st->st_rdev, st->st_dev);
	if (S_ISREG(st->st_mode) || S_ISCHR(st->st_mode) || S_ISFIFO(st->st_mode))
		return arena_format(arena, err, "file[%lx:%lx]", mount, st->st_ino);
	return arena_strdup(arena, "", err);
}

static char *describe_nth(const struct checkpoint_record *record, int procfs, pid_t pid, size_t n,
			  struct arena *arena, struct error *err)
{
	char path[64], link[PATH_MAX];
	struct stat st;
	uint64_t mount;
	ssize_t size;

	(void)snprintf(path, sizeof(path), "%d/fd/%zu", pid, n);
	size = readlinkat(procfs, path, link, sizeof(link) - 1);
	if (size < 0 || fstatat(procfs, path, &st, 0) < 0 || !mount_of(procfs, pid, n, &mount)) {
		error_set(err, errno, "/proc/%s", path);
		return NULL;
	}
	link[size] = '\0';
	return describe(record, link, &st, mount, arena, err);
}

int checkpoint_record_descriptors(int procfs, pid_t pid, struct arena *arena,
				  struct checkpoint_record *record, struct error *err)
{
	char *descriptor;

	record->descriptors = arena_array(arena, DESCRIPTORS_MAX + 1, sizeof(char *), err);
	if (!record->descriptors)
		return -1;
	/* Behind the standard streams, which may be closed, up to the first gap. */
	for (size_t n = 0; n < DESCRIPTORS_MAX; n++) {
		descriptor = describe_nth(record, procfs, pid, n, arena, err);
		if (!descriptor && err->code != ENOENT)
			return -1;
		if (!descriptor && n > STDERR_FILENO)
			break;
		if (!descriptor && !(descriptor = arena_strdup(arena, "", err)))
			return -1;
		record->descriptors[n] = descriptor;
		record->n_descriptors = n + 1;
	}
	return 0;
}
