/* SPDX-License-Identifier: Apache-2.0 */
/* Files, and what is mounted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "integration/payload/payload.h"

static void do_cat(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!copy_out(argv[i]))
			say_errno();
}

static void write_text(const char *path, int flags, const char *text)
{
	int fd = open(path, flags | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0) {
		say_errno();
		return;
	}
	say_result(write(fd, text, strlen(text)));
	close(fd);
}

/* write FILE TEXT: into a file that exists. */
static void do_write(int argc, char **argv)
{
	if (argc > 2)
		write_text(argv[1], 0, argv[2]);
}

/* create FILE [TEXT] */
static void do_create(int argc, char **argv)
{
	if (argc > 1)
		write_text(argv[1], O_CREAT | O_TRUNC, argc > 2 ? argv[2] : "");
}

/* open r|w|rw FILE... */
static void do_open(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		int flags = O_RDONLY;
		if (!strcmp(argv[1], "w"))
			flags = O_WRONLY;
		else if (!strcmp(argv[1], "rw"))
			flags = O_RDWR;
		int fd = open(argv[i], flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		say_result(fd);
		if (fd >= 0)
			close(fd);
	}
}

/* read-fd FD: what is in it. */
static void do_read_fd(int argc, char **argv)
{
	char text[4096];
	ssize_t n = argc > 1 ? read((int)number(argv[1]), text, sizeof(text) - 1) : 0;
	if (n < 0) {
		say_errno();
		return;
	}
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	say("%s", text);
}

/* lock FILE: by flock(2), at once or not at all, until the process ends. */
static void do_lock(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;

	say_result(fd < 0 ? fd : flock(fd, LOCK_EX | LOCK_NB));
}

static void do_mkdir(int argc, char **argv)
{
	if (argc > 1)
		say_result(mkdir(argv[1], 0777));
}

static void do_rm(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		say_result(remove(argv[i]));
}

static void do_ls(int argc, char **argv)
{
	DIR *dir = opendir(argc > 1 ? argv[1] : ".");
	if (!dir) {
		say_errno();
		return;
	}
	struct dirent *entry;
	errno = 0;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			say("%s", entry->d_name);
	if (errno)
		say_errno();
	closedir(dir);
}

static void do_readlink(int argc, char **argv)
{
	char target[4096];
	ssize_t n = argc > 1 ? readlink(argv[1], target, sizeof(target) - 1) : -1;
	if (n < 0) {
		say_errno();
		return;
	}
	target[n] = '\0';
	say("%s", target);
}

static char type_letter(mode_t mode)
{
	static const struct {
		mode_t type;
		char letter;
	} types[] = {
		{ S_IFREG, 'f' }, { S_IFDIR, 'd' }, { S_IFLNK, 'l' },  { S_IFCHR, 'c' },
		{ S_IFBLK, 'b' }, { S_IFIFO, 'p' }, { S_IFSOCK, 's' },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if ((mode & S_IFMT) == types[i].type)
			return types[i].letter;
	return '?';
}

/* stat FILE...: type, octal mode, uid, gid, size, device number. Links are not followed. */
static void do_stat(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;
		if (lstat(argv[i], &st) < 0)
			say_errno();
		else
			say("%c %04o %u %u %lld %u:%u", type_letter(st.st_mode), st.st_mode & 07777,
			    st.st_uid, st.st_gid, (long long)st.st_size, major(st.st_rdev),
			    minor(st.st_rdev));
	}
}

/* mknod FILE c|b|p MAJOR MINOR */
static void do_mknod(int argc, char **argv)
{
	if (argc < 5)
		return;
	mode_t type = *argv[2] == 'c' ? S_IFCHR : *argv[2] == 'b' ? S_IFBLK : S_IFIFO;
	dev_t device = makedev((unsigned int)number(argv[3]), (unsigned int)number(argv[4]));
	say_result(mknod(argv[1], type | 0600, device));
}

/* exec-file FILE: can it be executed? */
static void do_exec_file(int argc, char **argv)
{
	if (argc < 2)
		return;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		execl(argv[1], argv[1], "print", "executed", (char *)NULL);
		say_errno();
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void do_mounts(int argc, char **argv)
{
	copy_out("/proc/self/mountinfo");
}

/* mount PATH...: the topmost mount there: type, its options, propagation, superblock's options. */
static void do_mount(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen("/proc/self/mountinfo", "re");
		if (!file) {
			say_errno();
			return;
		}
		char line[8192], found[8192] = "no mount";
		while (fgets(line, sizeof(line), file)) {
			char target[4096], options[1024], rest[4096];
			if (sscanf(line, "%*d %*d %*s %*s %4095s %1023s %4095[^\n]", target,
				   options, rest) != 3 ||
			    strcmp(target, argv[i]) != 0)
				continue;
			char *dash = strstr(rest, "- ");
			char type[64] = "", super[2048] = "";
			if (!dash || sscanf(dash, "- %63s %*s %2047s", type, super) < 1)
				continue;
			*dash = '\0';
			snprintf(found, sizeof(found), "%s %s %s- %s", type, options, rest, super);
		}
		fclose(file);
		say("%s", found);
	}
}

static void do_statfs(int argc, char **argv)
{
	struct statfs fs;
	if (argc > 1 && statfs(argv[1], &fs) == 0)
		say("magic %#lx size %llu", (unsigned long)fs.f_type,
		    (unsigned long long)fs.f_blocks * (unsigned long long)fs.f_bsize);
	else
		say_errno();
}

static void do_chroot_mount(int argc, char **argv)
{
	if (argc > 2)
		say_result(mount(argv[1], argv[2], argc > 3 ? argv[3] : NULL,
				 argc > 3 ? 0 : MS_BIND, NULL));
}

const struct command file_commands[] = {
	{ "cat", do_cat },	     { "create", do_create }, { "exec-file", do_exec_file },
	{ "lock", do_lock },	     { "ls", do_ls },	      { "mkdir", do_mkdir },
	{ "mknod", do_mknod },	     { "mount", do_mount },   { "mount-there", do_chroot_mount },
	{ "mounts", do_mounts },     { "open", do_open },     { "read-fd", do_read_fd },
	{ "readlink", do_readlink }, { "rm", do_rm },	      { "stat", do_stat },
	{ "statfs", do_statfs },     { "write", do_write },   { 0 },
};
