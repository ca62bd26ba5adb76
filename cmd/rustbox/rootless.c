/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/rootless.h"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/id_map.h"
#include "cmd/rustbox/store/root.h"
#include "runtime/channel.h"
#include "runtime/user_mapping.h"

static const char holder_name[] = "the holder of the namespaces";

/* ---- the user's folders ---- */

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool is_private(int folder)
{
	struct stat st;

	return fstat(folder, &st) == 0 && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IRWXG | S_IRWXO));
}

static char *data_folder(struct error *err)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (data && *data == '/')
		return str_format(err, "%s/rustbox", data);
	if (home && *home == '/')
		return str_format(err, "%s/.local/share/rustbox", home);
	(void)error_set(err, 0, "user %u has no folder for containers: HOME is not set", geteuid());
	(void)error_hint(err, "set it, or RUSTBOX_ROOT");
	return NULL;
}

/* Of the session; without one, in the data folder: what is in it is known by the boot. */
static char *run_folder(const char *root, struct error *err)
{
	const char *session = getenv("XDG_RUNTIME_DIR");
	cleanup_free char *usual = NULL;

	if (session && *session == '/')
		return str_format(err, "%s/rustbox", session);
	usual = str_format(err, "/run/user/%u", geteuid());
	if (!usual)
		return NULL;
	cleanup_fd int folder = open_folder(usual);
	return is_private(folder) ? str_format(err, "%s/rustbox", usual)
				  : str_format(err, "%s/run", root);
}

static int set_default(const char *name, const char *value, struct error *err)
{
	return setenv(name, value, 0) < 0 ? error_memory(err) : 0;
}

/* Opens the run folder, which must be the user's alone. */
static int open_folders(struct error *err)
{
	const char *given = getenv(STORE_ENV_ROOT), *path;
	cleanup_free char *root = given && *given == '/' ? strdup(given) : data_folder(err);
	cleanup_free char *run = NULL;

	if (!root)
		return -1;
	if (!getenv(STORE_ENV_RUN)) {
		run = run_folder(root, err);
		if (!run || set_default(STORE_ENV_RUN, run, err) < 0)
			return -1;
	}
	if (set_default(STORE_ENV_ROOT, root, err) < 0)
		return -1;
	path = getenv(STORE_ENV_RUN);
	if (!path)
		return error_memory(err);
	if (path_make_directories(path, 0700, err) < 0)
		return error_hint(err, "is XDG_RUNTIME_DIR this user's?");
	cleanup_fd int folder = open_folder(path);
	if (folder < 0)
		return error_set(err, errno, "open %s", path);
	if (!is_private(folder)) {
		(void)error_set(err, EPERM, "%s is not this user's alone", path);
		return error_hint(err, "it has to belong to user %u and have mode 0700", geteuid());
	}
	return move_fd(&folder);
}

/* ---- ids ---- */

/* By /etc/passwd, or as the session calls the user (who may be a directory server's): malloc'd. */
static char *user_name(void)
{
	FILE *file = fopen("/etc/passwd", "re");
	const char *name = getenv("USER");
	const struct passwd *user;
	char *copy;

	while (file && (user = fgetpwent(file)))
		if (user->pw_uid == getuid()) {
			name = user->pw_name;
			break;
		}
	copy = strdup(name ? name : "");
	if (file)
		(void)fclose(file);
	return copy;
}

/* One range of /etc/subuid or /etc/subgid behind the user's own id. */
static size_t add_range(const char *path, const char *name, struct spec_id_mapping maps[2])
{
	struct error ignored;

	if (!id_map_of_user(path, name, getuid(), &maps[1], &ignored))
		return 1;
	maps[1].container_id = 1;
	return 2;
}

static int write_maps(pid_t holder, struct error *err)
{
	struct spec_id_mapping uids[2] = { { 0, geteuid(), 1 } }, gids[2] = { { 0, getegid(), 1 } };
	struct spec_linux linux = { .uid_mappings = uids, .gid_mappings = gids };
	const struct spec spec = { .linux = &linux };
	cleanup_fd int procfs = path_open_procfs(err);
	cleanup_free char *name = user_name();

	if (procfs < 0)
		return -1;
	if (!name)
		return error_memory(err);
	linux.n_uid_mappings = add_range("/etc/subuid", name, uids);
	linux.n_gid_mappings = add_range("/etc/subgid", name, gids);
	if (linux.n_uid_mappings != linux.n_gid_mappings || access("/usr/bin/newuidmap", X_OK) < 0)
		linux.n_uid_mappings = linux.n_gid_mappings = 1;
	return user_mapping_write(procfs, holder, &spec, err);
}

/* ---- the holder ---- */

/* Forked twice: it is nobody's child, so that no command has one that it does not know of. */
static int start_holder(int folder, struct error *err)
{
	int ends[2], status;
	int32_t holder;

	if (channel_pair(ends, err) < 0)
		return -1;
	cleanup_fd int ours = ends[0], theirs = ends[1];
	pid_t pid = process_clone(0, -1, NULL);
	if (pid < 0)
		return error_set(err, errno, "fork");
	if (pid == 0) {
		(void)setsid();
		pid = process_clone(0, -1, NULL);
		if (pid == 0)
			rootless_holder_main(folder, theirs);
		_exit(pid < 0);
	}
	fd_close(&theirs);
	(void)process_wait(pid, &status);
	if (channel_expect(ours, CHANNEL_MAP_IDS, holder_name, &holder, NULL, err) < 0 ||
	    write_maps(holder, err) < 0 || channel_send(ours, CHANNEL_IDS_MAPPED, 0, -1, err) < 0 ||
	    channel_expect(ours, CHANNEL_READY, holder_name, NULL, NULL, err) < 0)
		return error_wrap(err, "make the user's namespaces");
	return 0;
}

/* A descriptor keeps the address short, however long the folder's path is. */
static int connect_to_holder(int folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder,
		       ROOTLESS_SOCKET);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return move_fd(&fd);
}

/* Under the lock, so that two commands do not start two, and none connects to one that ends. */
static int find_holder(int folder, struct error *err)
{
	cleanup_fd int lock =
		openat(folder, ROOTLESS_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int connection;

	if (lock < 0)
		return error_set(err, errno, "open %s", ROOTLESS_LOCK);
	while (flock(lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_set(err, errno, "lock %s", ROOTLESS_LOCK);
	connection = connect_to_holder(folder);
	if (connection >= 0)
		return connection;
	if (start_holder(folder, err) < 0)
		return -1;
	connection = connect_to_holder(folder);
	return connection < 0 ? error_set(err, errno, "connect to %s", holder_name) : connection;
}

/* Never closed: the holder stays as long as we do. Our children do not have it. */
static void keep(int *connection)
{
	(void)move_fd(connection);
}

/* Of a process that was started from within: without it the namespaces stay as long as others do.
 */
static void connect_again(const char *run)
{
	cleanup_fd int folder = open_folder(run);
	cleanup_fd int connection = folder < 0 ? -1 : connect_to_holder(folder);
	char byte = 0;

	/* We are there already. But the kernel bounds how many descriptors wait to be received. */
	if (connection >= 0)
		(void)fd_receive_packet(connection, &byte, sizeof(byte), NULL, NULL);
	keep(&connection);
}

static int join(int connection, struct error *err)
{
	int fds[2] = { -1, -1 };
	size_t n = 2;
	char byte = 0;
	cleanup_free char *here = getcwd(NULL, 0);
	ssize_t got = fd_receive_packet(connection, &byte, sizeof(byte), fds, &n);
	cleanup_fd int user = fds[0], mounts = fds[1];

	if (got != 1 || n != 2)
		return error_set(err, got < 0 ? errno : EPROTO, "receive the user's namespaces");
	if (setns(user, CLONE_NEWUSER) < 0 || setns(mounts, CLONE_NEWNS) < 0)
		return error_set(err, errno, "enter the user's namespaces");
	if (here && chdir(here) < 0)
		return error_set(err, errno, "go back to %s", here);
	return 0;
}

int rootless_enter(struct error *err)
{
	const char *inside = getenv(STORE_ENV_INSIDE), *run;
	cleanup_fd int folder = -1, connection = -1;

	if (geteuid() == 0) {
		if (inside && process_in_user_namespace())
			connect_again(inside);
		return 0;
	}
	folder = open_folders(err);
	connection = folder < 0 ? -1 : find_holder(folder, err);
	if (connection < 0 || join(connection, err) < 0)
		return -1;
	run = getenv(STORE_ENV_RUN);
	if (!run || setenv(STORE_ENV_INSIDE, run, 1) < 0)
		return error_memory(err);
	keep(&connection);
	return 0;
}
