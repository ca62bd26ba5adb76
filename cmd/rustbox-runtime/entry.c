/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the kernel begins to execute us, before the C library: what
 * self_exec_seal() does, executing ourselves from a read-only clone of our
 * folder, is done here when the command needs it, because what comes before
 * main (relocations; questions to the processor, each of which a virtual
 * machine's host answers) takes longer than that, and is done again by the
 * second life. main is the judge: it looks at what we run from. Whatever fails
 * here is left to it, which has other ways and says why.
 *
 * Nothing may be used that has not been set up: neither functions of the C
 * library, nor pointers in initialised data, nor thread-local storage.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "base/protected_program.h"

#if defined(__x86_64__)

enum { TEXT_MAX = 4096, VARIABLES_MAX = 4096, KERNEL_RDONLY = 1 };

/* On the stack at the program's entry: argc, argv, NULL, the environment, NULL. */
__asm__(".text\n"
	".globl rustbox_runtime_entry\n"
	".type rustbox_runtime_entry, @function\n"
	"rustbox_runtime_entry:\n"
	"	mov %rsp, %rdi\n"
	"	mov %rdx, %rbx\n"
	"	call rustbox_runtime_first_life\n"
	"	mov %rbx, %rdx\n"
	"	jmp _start\n"
	".size rustbox_runtime_entry, . - rustbox_runtime_entry\n");

void rustbox_runtime_first_life(char **stack);

/* Of all functions here: the protector's secret is in thread-local storage. */
#define BARE __attribute__((no_stack_protector))

/* In loops that the compiler would make a call of memcpy(3) of. */
#define NO_CALL() __asm__ volatile("" ::: "memory")

BARE static long call(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

BARE static long of(const void *pointer)
{
	return (long)(uintptr_t)pointer;
}

BARE static int open_at(int dir, const char *path, int flags)
{
	return (int)call(SYS_openat, dir, of(path), flags | O_CLOEXEC, 0, 0);
}

BARE static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0)
			(void)call(SYS_close, fds[i], 0, 0, 0, 0);
}

/* How much of the text equals the beginning of the other, which is all of that one. */
BARE static size_t length_of_match(const char *text, const char *beginning)
{
	size_t i = 0;

	while (beginning[i] && text[i] == beginning[i])
		i++;
	return beginning[i] ? 0 : i;
}

/* One that only looks like a command (a value of an option) costs an execution, no more. */
BARE static bool needs_sealing(char **argv, char **environ)
{
	static const char commands[][8] = { "create", "run", "exec", "restore" };
	static const char mark[] = PROTECTED_PROGRAM_FOLDER "=";

	for (; *environ; environ++)
		if (length_of_match(*environ, mark))
			return false;
	for (; *argv; argv++)
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
			size_t n = length_of_match(*argv, commands[i]);
			if (n && !(*argv)[n])
				return true;
		}
	return false;
}

/* What follows the mark in ret is our path, and ends at its last slash, whose place is returned. */
BARE static size_t read_path(char *ret, size_t at)
{
	int procfs = open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW);
	struct statfs fs;
	long n = -1;

	fs.f_type = 0;
	if (procfs >= 0 && call(SYS_fstatfs, procfs, of(&fs), 0, 0, 0) == 0 &&
	    fs.f_type == PROC_SUPER_MAGIC)
		n = call(SYS_readlinkat, procfs, of("self/exe"), of(ret + at),
			 (long)(TEXT_MAX - at - 1), 0);
	close_all(&procfs, 1);
	if (n <= 0 || ret[at] != '/')
		return 0;
	size_t slash = at + (size_t)n;
	ret[slash] = '\0';
	while (ret[slash] != '/')
		slash--;
	return slash > at ? slash : 0;
}

BARE static bool is_read_only(int fd)
{
	struct statfs fs;

	fs.f_flags = 0;
	return call(SYS_fstatfs, fd, of(&fs), 0, 0, 0) == 0 && (fs.f_flags & KERNEL_RDONLY);
}

BARE static bool is_protected(int fd, int exe)
{
	struct stat a, b;

	return is_read_only(fd) && call(SYS_fstat, fd, of(&a), 0, 0, 0) == 0 &&
	       call(SYS_fstat, exe, of(&b), 0, 0, 0) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* As protected_program_open(), whose order is argued there: the tree is closed first. */
BARE static int open_in_clone(char *folder, size_t slash, const char *start, int exe)
{
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	int fd = -1;

	folder[slash] = '\0';
	int tree = (int)call(SYS_open_tree, AT_FDCWD, of(start),
			     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);
	if (tree >= 0 && call(SYS_mount_setattr, tree, of(""), AT_EMPTY_PATH, of(&read_only),
			      sizeof(read_only)) == 0)
		fd = open_at(tree, folder + slash + 1, O_RDONLY | O_NOFOLLOW | O_NOCTTY);
	close_all(&tree, 1);
	if (fd >= 0 && !is_protected(fd, exe)) {
		close_all(&fd, 1);
		fd = -1;
	}
	return fd;
}

/* The environment with our variable before it; false where it is too long. */
BARE static bool add_variable(char **ret, char *variable, char **environ)
{
	size_t i = 0;

	for (ret[0] = variable; environ[i]; i++) {
		if (i + 2 == VARIABLES_MAX)
			return false;
		ret[i + 1] = environ[i];
		NO_CALL();
	}
	ret[i + 1] = NULL;
	return true;
}

__attribute__((used)) BARE void rustbox_runtime_first_life(char **stack)
{
	char **argv = stack + 1, **environ = argv + (uintptr_t)stack[0] + 1;
	char variable[TEXT_MAX], *new_environ[VARIABLES_MAX];
	size_t start = 0, slash;

	if (!needs_sealing(argv, environ))
		return;
	for (const char *mark = PROTECTED_PROGRAM_FOLDER "="; *mark; mark++) {
		variable[start++] = *mark;
		NO_CALL();
	}
	int exe = open_at(AT_FDCWD, "/proc/self/exe", O_RDONLY), fd = -1;
	if (exe >= 0 && !is_read_only(exe) && (slash = read_path(variable, start)) > 0 &&
	    add_variable(new_environ, variable, environ))
		fd = open_in_clone(variable, slash, variable + start, exe);
	if (fd >= 0)
		(void)call(SYS_execveat, fd, of(""), of(argv), of(new_environ), AT_EMPTY_PATH);
	close_all((const int[]){ exe, fd }, 2);
}

#endif
