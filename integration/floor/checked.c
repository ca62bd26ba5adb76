/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of init: what the floor does by name, done by descriptor and looked at. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "integration/floor/floor.h"
#include "integration/floor/steps.h"

static int open_below(const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static void examine(int fd)
{
	struct statx st;

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MODE | STATX_MNT_ID, &st) <
	    0)
		fail("statx");
}

/* Puts the tree there, and sees that it is there. */
static void place(int tree, int target, const char *path)
{
	if (syscall(SYS_move_mount, tree, "", target, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		fail(path);
	int there = open_below(path);
	examine(tree);
	examine(there);
	(void)close(there);
	(void)close(tree);
}

static void configure(int fs, const char *source, char *data)
{
	(void)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", source, 0);
	for (char *option; data && (option = strsep(&data, ","));) {
		char *value = strchr(option, '=');

		if (value)
			*value++ = '\0';
		if (syscall(SYS_fsconfig, fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
			    option, value, 0) < 0)
			fail(option);
	}
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		fail(source);
}

/* These have the same values in both. */
static unsigned int attributes_of(unsigned long flags)
{
	return (unsigned int)(flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC));
}

static int make_filesystem(const char *source, const char *type, unsigned long flags,
			   const char *data)
{
	char options[128];
	int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);

	(void)snprintf(options, sizeof(options), "%s", data ? data : "");
	configure(fs, source, data ? options : NULL);
	int tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes_of(flags));
	if (tree < 0)
		fail(type);
	(void)close(fs);
	return tree;
}

/* A target that is missing is made in its folder. */
static int open_target(const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[128];
	struct stat st;
	struct statfs fs;
	int target = open_below(path);

	if (target < 0) {
		(void)snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 1,
			       slash ? path : ".");
		int dir = open_below(parent);
		if (mkdirat(dir, slash ? slash + 1 : path, 0755) < 0 && errno != EEXIST)
			fail(path);
		target = openat(dir, slash ? slash + 1 : path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		(void)close(dir);
	}
	if (target < 0 || fstat(target, &st) < 0 || fstatfs(target, &fs) < 0)
		fail(path);
	examine(target);
	return target;
}

void attach_checked(const char *source, const char *target, const char *type, unsigned long flags,
		    const char *data)
{
	int at = open_target(target);

	place(make_filesystem(source, type, flags, data), at, target);
	(void)close(at);
}

static int clone_tree(int dir, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dir, path,
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | flags);
}

static void make_read_only(int tree, unsigned long flags)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | attributes_of(flags) };

	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) <
	    0)
		fail("mount_setattr");
}

void bind_checked(const char *source, const char *target, unsigned long flags)
{
	struct statfs fs;
	int tree = clone_tree(AT_FDCWD, source, 0);

	if (tree < 0 || fstatfs(tree, &fs) < 0)
		fail(source);
	make_read_only(tree, flags);
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		fail(target);
	(void)close(tree);
}

static void cover(const char *path, int tree)
{
	struct stat st;
	int at = open_below(path);

	if (at < 0)
		return;
	(void)fstat(at, &st);
	place(clone_tree(tree, "", 0), at, path);
	(void)close(at);
}

void mask_checked(const char *const *files, size_t n_files, const char *const *folders,
		  size_t n_folders)
{
	int null = open("/dev/null", O_PATH | O_CLOEXEC);
	int empty = make_filesystem("tmpfs", "tmpfs", MS_RDONLY, "nr_inodes=2,size=4k");

	for (size_t i = 0; i < n_files; i++)
		cover(files[i], null);
	for (size_t i = 0; i < n_folders; i++)
		cover(folders[i], empty);
	(void)close(empty);
	(void)close(null);
}

void read_only_checked(const char *path)
{
	int at = open_below(path);

	if (at < 0)
		return;
	int tree = clone_tree(at, "", AT_RECURSIVE);
	make_read_only(tree, 0);
	place(tree, at, path);
	(void)close(at);
}

static void look_at_privileges(void)
{
	static const int kept[] = { CAP_KILL, CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		(void)prctl(PR_CAPBSET_READ, kept[i]);
	(void)syscall(SYS_capget, &header, data);
	(void)prctl(PR_SET_KEEPCAPS, 1);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	(void)prctl(PR_SET_KEEPCAPS, 0);
}

static void look_at_program(void)
{
	char folder[512], header[576];
	struct stat st;
	struct statfs fs;
	int fd = open(job.command[0], O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (!getcwd(folder, sizeof(folder)) || stat(job.command[0], &st) < 0 ||
	    faccessat(AT_FDCWD, job.command[0], X_OK, AT_EACCESS) < 0 ||
	    pread(fd, header, 256, 0) < 0 || pread(fd, header, sizeof(header), 64) < 0 ||
	    statfs(job.command[0], &fs) < 0)
		fail(job.command[0]);
	(void)close(fd);
}

static void reset_signals(void)
{
	static const int changed[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };
	sigset_t none;

	(void)sigemptyset(&none);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
			(void)signal(changed[i], SIG_DFL);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
	}
}

void look_before_exec(void)
{
	struct rlimit limit;
	struct stat st;
	long ring;

	if (!(job.with & WITH_PRIVILEGES))
		return;
	(void)prctl(PR_SET_NAME, "floor:init");
	ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, job.id);
	(void)syscall(SYS_keyctl, KEYCTL_SETPERM, ring, 0x3f1b0000);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		(void)fstat(fd, &st);
	look(AT_FDCWD, "/proc/self/status");
	look(AT_FDCWD, "/etc/passwd");
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	look_at_privileges();
	look_at_program();
	reset_signals();
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}
