/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its execve gives other errors than the kernel
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/executable.h"

/* A temporary folder, entered. */
struct fixture {
	char path[64];
	struct arena arena;
	struct error err;
};

static void put(const char *name, const void *data, size_t size, mode_t mode)
{
	struct error err;
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, name, data, size, &err), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	fd_close(&fd);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text), 0755);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)snprintf(f->path, sizeof(f->path), "/tmp/executable_test.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	assert_int_equal(chdir(f->path), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "file", "file2", "dir/tool", "dir2/tool" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		(void)unlink(names[i]);
	(void)rmdir("dir");
	(void)rmdir("dir2");
	assert_int_equal(chdir("/"), 0);
	(void)rmdir(f->path);
	arena_free(&f->arena);
	free(f);
	return 0;
}

/* A program that would be loaded by `loader`; not one that runs. */
struct elf_file {
	Elf64_Ehdr header;
	Elf64_Phdr interp;
	char loader[64];
};

static struct elf_file elf(uint16_t machine, const char *loader)
{
	struct elf_file file = {
		.header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					 __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? ELFDATA2MSB
										: ELFDATA2LSB,
					 EV_CURRENT },
			    .e_type = ET_DYN,
			    .e_machine = machine,
			    .e_phoff = offsetof(struct elf_file, interp),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = loader ? 1 : 0 },
		.interp = { .p_type = PT_INTERP, .p_offset = offsetof(struct elf_file, loader) },
	};

	if (loader) {
		(void)snprintf(file.loader, sizeof(file.loader), "%s", loader);
		file.interp.p_filesz = strlen(loader) + 1;
	}
	return file;
}

#ifdef __x86_64__
enum { NATIVE = EM_X86_64, FOREIGN = EM_AARCH64 };
#else
enum { NATIVE = EM_AARCH64, FOREIGN = EM_X86_64 };
#endif

static int find(struct fixture *f, const char *name, const char *path, char **ret)
{
	char *env[] = { (char *)(uintptr_t) "A=b", (char *)(uintptr_t)path, NULL };

	return executable_find(name, env, &f->arena, ret, &f->err);
}

static void assert_says(const struct fixture *f, int code, const char *words)
{
	assert_int_equal(f->err.code, code);
	if (!strstr(f->err.text, words))
		fail_msg("\"%s\" is not in: %s", words, f->err.text);
}

static void test_search_in_path(void **state)
{
	struct fixture *f = *state;
	char *found;

	assert_int_equal(mkdir("dir", 0755), 0);
	assert_int_equal(mkdir("dir2", 0755), 0);
	put_text("dir2/tool", "#!/bin/sh\n");
	assert_int_equal(find(f, "tool", "PATH=/nowhere:dir:dir2", &found), 0);
	assert_string_equal(found, "dir2/tool");
	put("dir/tool", "", 0, 0644); /* one that may not be executed is passed over */
	assert_int_equal(find(f, "tool", "PATH=dir:dir2", &found), 0);
	assert_string_equal(found, "dir2/tool");
	assert_int_equal(find(f, "tool", "PATH=dir", &found), -1);
	assert_says(f, EACCES, "exec: \"tool\": executable file not found in $PATH");
	assert_says(f, EACCES, "dir/tool is there");
	assert_int_equal(find(f, "foo", "PATH=/bin", &found), -1);
	assert_says(f, ENOENT, "exec: \"foo\": executable file not found in $PATH");
	assert_int_equal(find(f, "sh", "NOPATH=", &found), 0);
	assert_string_equal(found, "/bin/sh");
	put_text("file", "#!/bin/sh\n");
	assert_int_equal(find(f, "file", "PATH=/nowhere:", &found), 0); /* as execvp(3) */
	assert_string_equal(found, "./file");
	assert_int_equal(find(f, "sh", "PATH=", &found), -1);
}

static void test_path_with_a_slash(void **state)
{
	struct fixture *f = *state;
	char *found;

	assert_int_equal(find(f, "/foo", "PATH=/bin", &found), -1);
	assert_says(f, ENOENT, "exec: \"/foo\": no such file or directory");
	assert_int_equal(find(f, "/etc", "PATH=/bin", &found), -1);
	assert_says(f, EACCES, "exec: \"/etc\": permission denied (it is a directory)");
	assert_int_equal(find(f, "/etc/passwd", "PATH=/bin", &found), -1);
	assert_says(f, EACCES,
		    "exec: \"/etc/passwd\": permission denied (the file has no exec bit");
	assert_int_equal(find(f, "/etc/passwd/x", "PATH=/bin", &found), -1);
	assert_says(f, ENOTDIR, "not a directory");
	assert_int_equal(find(f, "/dev/null", "PATH=/bin", &found), -1);
	assert_says(f, EACCES, "not a regular file");
	assert_int_equal(find(f, "", "PATH=/bin", &found), -1);
	put_text("file", "#!/bin/sh\n");
	assert_int_equal(find(f, "./file", "PATH=/bin", &found), 0);
	assert_string_equal(found, "./file");
}

/* Executes it in earnest; what our explanation of the failure says. */
static void assert_explained(struct fixture *f, int code, const char *words)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execl("./file", "./file", NULL);
		_exit(errno);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), code);
	assert_int_equal(executable_explain("./file", code, NULL, &f->err), -1);
	assert_says(f, code, words);
}

static int check(struct fixture *f)
{
	struct executable_facts facts;

	executable_examine("./file", &facts);
	return executable_check("./file", &facts, &f->err);
}

static void test_scripts(void **state)
{
	struct fixture *f = *state;

	put_text("file", "#! /no/such/sh -e\necho\n");
	assert_explained(f, ENOENT,
			 "exec ./file: no such file or directory (the file is there, but its "
			 "interpreter /no/such/sh is missing in the root filesystem)");
	assert_int_equal(check(f), -1);
	put_text("file", "#!/bin/sh\r\necho\r\n");
	assert_explained(f, ENOENT, "its line #!/bin/sh ends in CR LF");
	assert_int_equal(check(f), -1);
	assert_says(f, ENOENT, "CR LF");
	put_text("file", "#!/usr/bin/env sh\r\n"); /* env's problem, not execve's */
	assert_int_equal(check(f), 0);
	put_text("file", "#!/etc/passwd\n");
	assert_explained(f, EACCES,
			 "its interpreter /etc/passwd cannot be executed: permission denied");
	assert_int_equal(check(f), -1);
	put_text("file", "#!\n");
	assert_explained(f, ENOEXEC, "names no interpreter");
	assert_int_equal(check(f), -1);
	put_text("file", "#!/bin/sh");
	assert_int_equal(check(f), 0);
}

static void test_formats(void **state)
{
	struct fixture *f = *state;

	put_text("file", "");
	assert_explained(f, ENOEXEC, "the file is empty");
	assert_int_equal(check(f), -1);
	put_text("file", "echo hello\n");
	assert_explained(f, ENOEXEC,
			 "exec ./file: exec format error (not an ELF file and has no #! line)");
	assert_int_equal(check(f), 0); /* binfmt_misc may know it */
	put("file", "", 0, 0644);
	assert_explained(f, EACCES, "no exec bit");
}

static void test_elf(void **state)
{
	struct fixture *f = *state;
	struct elf_file file = elf(FOREIGN, "/lib/no-such-loader");

	put("file", &file, sizeof(file), 0755);
	assert_explained(f, ENOEXEC, "the file is built for ");
	assert_says(f, ENOEXEC, ", this machine is ");
	assert_int_equal(check(f), 0); /* an emulator may be there */
	file = elf(NATIVE, "/lib/no-such-loader.so.2");
	put("file", &file, sizeof(file), 0755);
	assert_int_equal(check(f), -1);
	assert_says(f, ENOENT,
		    "its loader /lib/no-such-loader.so.2 is missing in the root filesystem");
	assert_explained(f, ENOENT, "its loader /lib/no-such-loader.so.2 is missing");
	file.header.e_type = ET_REL;
	put("file", &file, sizeof(file), 0755);
	assert_explained(f, ENOEXEC, "not a program");
	put("file", &file, 20, 0755); /* cut in the header */
	assert_explained(f, ENOEXEC, "not an ELF file");
	assert_int_equal(executable_explain("/bin/sh", E2BIG, NULL, &f->err), -1);
	assert_says(f, E2BIG, "too long");
}

static void test_script_whose_interpreter_lacks_its_loader(void **state)
{
	struct fixture *f = *state;
	struct elf_file file = elf(NATIVE, "/lib/no-such-loader.so.2");
	char script[128];

	put("file2", &file, sizeof(file), 0755);
	(void)snprintf(script, sizeof(script), "#!%s/file2\n", f->path);
	put_text("file", script);
	assert_int_equal(check(f), -1);
	assert_says(f, ENOENT, "that one's loader /lib/no-such-loader.so.2");
	assert_explained(f, ENOENT, "that one's loader");
}

static void test_fifo_does_not_block(void **state)
{
	struct fixture *f = *state;
	struct executable_facts facts;

	assert_int_equal(mkfifo("file", 0755), 0);
	executable_examine("./file", &facts);
	assert_int_equal(facts.format.kind, EXECUTABLE_UNREADABLE);
	assert_int_equal(executable_explain("./file", EACCES, &facts, &f->err), -1);
}

static void test_noexec_mount(void **state)
{
	struct fixture *f = *state;
	char *found;

	if (mkdir("dir", 0755) < 0 || mount("none", "dir", "tmpfs", MS_NOEXEC, NULL) < 0) {
		print_message("may not mount here\n");
		skip();
	}
	put_text("dir/tool", "#!/bin/sh\n");
	int result = find(f, "dir/tool", "PATH=/bin", &found);
	int explained = executable_explain("dir/tool", EACCES, NULL, &f->err);
	assert_int_equal(umount("dir"), 0);
	assert_int_equal(result, -1);
	assert_int_equal(explained, -1);
	assert_says(f, EACCES,
		    "exec dir/tool: permission denied (the file system is mounted noexec)");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_search_in_path),
		TEST(test_path_with_a_slash),
		TEST(test_scripts),
		TEST(test_formats),
		TEST(test_elf),
		TEST(test_script_whose_interpreter_lacks_its_loader),
		TEST(test_fifo_does_not_block),
		TEST(test_noexec_mount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
