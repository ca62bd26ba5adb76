/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callers who execute us from a clone already (protected_program.h) save the
 * second execution. The copy in memory costs its size a process; it is for
 * callers who may not make a clone.
 */
#include "runtime/self_exec.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/protected_program.h"

#ifndef MFD_EXEC /* Linux 6.3 */
#define MFD_EXEC 0x0010U
#endif

/* In the environment of the second life, against going round for ever: the program's folder. */
static const char marker[] = PROTECTED_PROGRAM_FOLDER;
static const char *told_folder;
static char own_folder[PATH_MAX];
static const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

static bool is_on_readonly_mount(int fd)
{
	struct statvfs fs;

	return fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

static bool is_sealed(int exe)
{
	int present;

	if (is_on_readonly_mount(exe))
		return true;
	present = fcntl(exe, F_GET_SEALS);
	return present >= 0 && (present & seals) == seals;
}

static bool is_same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Our executable, opened in a read-only clone of its folder. */
static int open_in_clone(int exe, struct error *err)
{
	char path[PATH_MAX];
	cleanup_fd int procfs = path_open_procfs(err);

	if (procfs < 0)
		return -1;
	/* The text may be stale (a deleted file); is_same_file() below finds that out. */
	ssize_t n = readlinkat(procfs, "self/exe", path, sizeof(path) - 1);
	if (n < 0)
		return error_set(err, errno, "readlink /proc/self/exe");
	path[n] = '\0';
	cleanup_fd int fd = protected_program_open(path, err);
	if (fd < 0)
		return -1;
	if (!is_same_file(fd, exe))
		return error_set(err, ESTALE, "%s is not what is running", path);
	return move_fd(&fd);
}

static int make_memfd(struct error *err)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("rustbox-runtime", flags | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("rustbox-runtime", flags);
	if (fd < 0)
		return error_set(err, errno, "memfd_create");
	return fd;
}

/* Our executable, copied to sealed memory. */
static int copy_to_memory(int exe, struct error *err)
{
	struct stat st;
	off_t offset = 0;
	cleanup_fd int fd = make_memfd(err);

	if (fd < 0)
		return -1;
	if (fstat(exe, &st) < 0)
		return error_set(err, errno, "fstat /proc/self/exe");
	while (offset < st.st_size) {
		ssize_t n = sendfile(fd, exe, &offset, (size_t)(st.st_size - offset));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, n < 0 ? errno : EIO, "copy /proc/self/exe");
	}
	if (fchmod(fd, 0500) < 0)
		return error_set(err, errno, "fchmod the copy of /proc/self/exe");
	if (fcntl(fd, F_ADD_SEALS, seals) < 0 || !is_sealed(fd))
		return error_set(err, errno, "seal the copy of /proc/self/exe");
	return move_fd(&fd);
}

static int open_protected(int exe, struct error *err)
{
	struct error reason;
	int fd = open_in_clone(exe, &reason);

	if (fd >= 0)
		return fd;
	log_debug("running from a copy in memory: %s", reason.text);
	return copy_to_memory(exe, err);
}

/* The path of our executable, as far as /proc knows it. */
static ssize_t read_own_path(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	path[n > 0 ? n : 0] = '\0';
	return n;
}

/*
 * The folder that the first life has left for us. Where we run from a
 * read-only mount anybody could have set the variable: it counts only if what
 * we are is there. A sealed copy in memory nobody but the first life has made.
 */
static bool is_own_folder(const char *folder)
{
	char path[PATH_MAX], file[2 * PATH_MAX];
	cleanup_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	cleanup_fd int there = -1;

	if (exe < 0 || folder[0] != '/' || strlen(folder) >= sizeof(own_folder))
		return false;
	if (!is_on_readonly_mount(exe))
		return true;
	const char *slash = read_own_path(path) > 0 ? strrchr(path, '/') : NULL;
	if (!slash)
		return false;
	(void)snprintf(file, sizeof(file), "%s%s", folder, slash);
	there = open(file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return there >= 0 && is_same_file(there, exe);
}

const char *self_exec_folder(void)
{
	char *slash = NULL;

	if (!*own_folder && told_folder && is_own_folder(told_folder))
		memcpy(own_folder, told_folder, strlen(told_folder) + 1);
	/* Of a file that was replaced the name is stale, but not that of its folder. */
	else if (!*own_folder && read_own_path(own_folder) > 0)
		slash = strrchr(own_folder, '/');
	if (slash)
		*slash = '\0';
	return *own_folder ? own_folder : NULL;
}

/* The second life. Executed by descriptor, it is called by its number in ps. */
static int settle(char **argv)
{
	const char *slash = argv[0] ? strrchr(argv[0], '/') : NULL;

	told_folder = getenv(marker);
	if (!told_folder)
		return 0;
	(void)unsetenv(marker); /* the text itself stays */
	if (argv[0])
		(void)prctl(PR_SET_NAME, slash ? slash + 1 : argv[0]);
	return 0;
}

int self_exec_seal(char **argv, struct error *err)
{
	/* Readable, because the seals of a memfd do not show through O_PATH. */
	cleanup_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (exe < 0)
		return error_set(err, errno, "open /proc/self/exe");
	if (is_sealed(exe))
		return settle(argv);
	if (getenv(marker))
		return error_set(err, 0,
				 "protect our executable: it is writable again after it was "
				 "executed read-only (or %s is set by hand)",
				 marker);
	cleanup_fd int fd = open_protected(exe, err);
	if (fd < 0)
		return error_wrap(err, "protect our executable from containers");
	const char *folder = self_exec_folder();
	if (setenv(marker, folder ? folder : "", 1) < 0)
		return error_memory(err);
	(void)syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	error_set(err, errno, "execute ourselves from a protected copy");
	(void)unsetenv(marker);
	return -1;
}
