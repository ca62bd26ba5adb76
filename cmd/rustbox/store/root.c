/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/store/root.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"

/* Whoever is mapped into a container has to get through to its root, and no further. */
enum { MODE_THROUGH = 0711, MODE_PRIVATE = 0700 };

static const struct folder {
	const char *name;
	mode_t mode;
} folders[] = {
	{ "containers", MODE_PRIVATE },	 { "names", MODE_PRIVATE },
	{ "logs", MODE_PRIVATE },	 { "overlay", MODE_THROUGH },
	{ "bundles", MODE_PRIVATE },	 { "images", MODE_PRIVATE },
	{ "volumes", MODE_PRIVATE },	 { "networks", MODE_PRIVATE },
	{ "checkpoints", MODE_PRIVATE },
};

/* The umask is for what users make, not for this. Failing is not the end: see store_open(). */
static void make_folder(int dirfd, const char *name, mode_t mode)
{
	if (mkdirat(dirfd, name, mode) == 0 && fchmodat(dirfd, name, mode, 0) < 0)
		log_warning("chmod %s: %s", name, strerror(errno));
}

/*
 * Who may write to the folder decides what is mounted and runs (SECURITY.md S23):
 * not a stranger who has made it first.
 */
static int check_owner(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "fstat %s", path);
	if ((st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & S_IWOTH))
		return 0;
	(void)error_set(err, EPERM, "%s belongs to user %u and has mode %o", path, st.st_uid,
			st.st_mode & 07777);
	return error_hint(err, "it has to be root's, and not for others to write to");
}

/*
 * The folders in this one have nothing to do with each other, nor with what lies
 * beside it: ext4 is told so (chattr(1), T), and gives each a place of its own.
 * Else it looks for every new file's inode among all those that were given back
 * near by in the last minutes, which it leaves alone: most of the time of a short
 * run. Other file systems refuse the flag, and do not need it.
 */
static void spread(int folder)
{
	int flags = 0;

	if (ioctl(folder, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags |= FS_TOPDIR_FL;
	(void)ioctl(folder, FS_IOC_SETFLAGS, &flags);
}

/* Opens the folder, making it if need be. -1 with err only where it is there and closed to us. */
static int open_tree(const char *path, mode_t mode, int *ret_fd, struct error *err)
{
	struct error ignored;

	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0 && errno == ENOENT) {
		if (path_make_directories(path, mode, &ignored) == 0)
			(void)chmod(path, mode);
		*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*ret_fd >= 0)
			spread(*ret_fd);
	}
	if (*ret_fd >= 0)
		return check_owner(*ret_fd, path, err);
	if (errno == ENOENT)
		return 0;
	(void)error_set(err, errno, "open %s", path);
	/* In a user's namespace the user is root, and yet not the one who may. */
	if (errno == EACCES && (geteuid() != 0 || process_in_user_namespace()))
		return error_hint(err, "only root may; try sudo");
	return -1;
}

static int set_paths(const char *root, struct store *store, struct error *err)
{
	cleanup_free char *absolute = NULL;

	const char *of_environment = getenv(STORE_ENV_ROOT), *run = getenv(STORE_ENV_RUN);

	if (!root)
		root = of_environment;
	absolute = path_absolute(root && *root ? root : STORE_ROOT, err);
	if (!absolute)
		return -1;
	store->root = path_clean(absolute, err);
	if (!store->root)
		return -1;
	if (str_equal(store->root, "/"))
		return error_set(err, EINVAL, "the root of the file system cannot be the store's");
	if (run && *run == '/' && str_equal(store->root, of_environment))
		store->run = str_format(err, "%s", run);
	else if (str_equal(store->root, STORE_ROOT))
		store->run = str_format(err, "%s", STORE_RUN);
	else
		store->run = str_format(err, "%s/run", store->root);
	return store->run ? 0 : -1;
}

static int open_all(struct store *store, struct error *err)
{
	ssize_t n = fd_read_short(AT_FDCWD, "/proc/sys/kernel/random/boot_id", store->boot_id,
				  sizeof(store->boot_id));

	if (n < 0)
		return error_set(err, errno, "read /proc/sys/kernel/random/boot_id");
	if (open_tree(store->root, MODE_THROUGH, &store->root_fd, err) < 0)
		return -1;
	for (size_t i = 0; store->root_fd >= 0 && i < sizeof(folders) / sizeof(folders[0]); i++)
		make_folder(store->root_fd, folders[i].name, folders[i].mode);
	return open_tree(store->run, MODE_PRIVATE, &store->run_fd, err);
}

int store_open(const char *root, struct store *ret, struct error *err)
{
	struct store store = { .root_fd = -1,
			       .run_fd = -1,
			       .is_rootless =
				       getenv(STORE_ENV_INSIDE) && process_in_user_namespace(),
			       .clean_up = NULL };

	if (set_paths(root, &store, err) < 0 || open_all(&store, err) < 0) {
		store_close(&store);
		return -1;
	}
	*ret = store;
	return 0;
}

void store_close(struct store *store)
{
	fd_close(&store->root_fd);
	fd_close(&store->run_fd);
	free(move_ptr(&store->root));
	free(move_ptr(&store->run));
}

char *store_path(const struct store *store, const char *folder, const char *id, const char *name,
		 struct error *err)
{
	return str_format(err, "%s/%s%s%s%s%s", store->root, folder, id ? "/" : "", id ? id : "",
			  name ? "/" : "", name ? name : "");
}

char *store_run_path(const struct store *store, const char *id, const char *name, struct error *err)
{
	return str_format(err, "%s/%s%s%s", store->run, id, name ? "/" : "", name ? name : "");
}
