/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/executable.h"

#include <ctype.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static const char default_path[] = "/bin:/usr/bin";

/* The system's words for an errno, as Docker and Podman look for them in our message: lower case.
 */
static void describe(int code, char *text, size_t size)
{
	const char *words = strerrordesc_np(code);

	(void)snprintf(text, size, "%s", words ? words : "unknown error");
	if (isupper((unsigned char)text[0]) && !isupper((unsigned char)text[1]))
		text[0] = (char)tolower((unsigned char)text[0]);
}

/* 0 when the caller may execute the path, otherwise the errno of why not. */
static int executable_errno(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	/* Effective ids and capabilities count, as they will in execve. */
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

static const char *refusal_reason(const char *path)
{
	struct stat st;
	struct statvfs fs;

	if (stat(path, &st) < 0)
		return "";
	if (S_ISDIR(st.st_mode))
		return " (it is a directory)";
	if (!S_ISREG(st.st_mode))
		return " (not a regular file)";
	if (!(st.st_mode & 0111))
		return " (the file has no exec bit: chmod +x it in the image)";
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
		return " (the file system is mounted noexec)";
	return " (the mode of the file, or of a folder above it, does not let this user execute "
	       "it)";
}

static int cannot_execute(const char *name, const char *path, int code, struct error *err)
{
	char words[128];

	/* execve(2) says so of a directory, too, and clients look for these words. */
	if (code == EISDIR)
		code = EACCES;
	describe(code, words, sizeof(words));
	return error_plain(err, code, "exec: \"%s\": %s%s", name, words,
			   code == EACCES ? refusal_reason(path) : "");
}

static const char *variable(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

/* The next folder of a PATH, joined with the name; an empty one is the current folder. */
static int join(const char *folder, size_t size, const char *name, char *buffer, size_t capacity)
{
	int n = snprintf(buffer, capacity, "%.*s/%s", size ? (int)size : 1, size ? folder : ".",
			 name);

	return n >= 0 && (size_t)n < capacity ? 0 : -1;
}

static int search(const char *name, const char *path, struct arena *arena, char **ret_path,
		  struct error *err)
{
	char candidate[PATH_MAX], refused[PATH_MAX] = "";

	for (const char *p = path, *end; p; p = *end ? end + 1 : NULL) {
		end = strchrnul(p, ':');
		if (join(p, (size_t)(end - p), name, candidate, sizeof(candidate)) < 0)
			continue;
		int code = executable_errno(candidate);
		if (code == 0) {
			*ret_path = arena_strdup(arena, candidate, err);
			return *ret_path ? 0 : -1;
		}
		if (code == EACCES && !*refused)
			memcpy(refused, candidate, sizeof(refused));
	}
	error_set(err, 0, "exec: \"%s\": executable file not found in $PATH", name);
	if (*refused)
		error_hint(err, "%s is there, but this user may not execute it", refused);
	else
		error_hint(err, "PATH is %s", path);
	err->code = *refused ? EACCES : ENOENT;
	return -1;
}

int executable_find(const char *name, char *const *env, struct arena *arena, char **ret_path,
		    struct error *err)
{
	const char *path = variable(env, "PATH");

	if (!*name)
		return cannot_execute(name, name, ENOENT, err);
	if (!strchr(name, '/'))
		return search(name, path ? path : default_path, arena, ret_path, err);
	int code = executable_errno(name);
	if (code)
		return cannot_execute(name, name, code, err);
	*ret_path = arena_strdup(arena, name, err);
	return *ret_path ? 0 : -1;
}

static ssize_t read_file(const struct executable_source *source, void *buffer, size_t size,
			 uint64_t offset)
{
	return pread(source->fd, buffer, size, (off_t)offset);
}

/* Opens the path if it is a regular file; not blocking, should it change under us. */
static int open_regular(const char *path, struct stat *ret)
{
	cleanup_fd int fd = -1;

	if (stat(path, ret) < 0) {
		ret->st_mode = 0;
		return -1;
	}
	if (!S_ISREG(ret->st_mode))
		return -1;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return move_fd(&fd);
}

/* Parses the file; its mode, 0 when it is not there. */
static mode_t look(const char *path, struct executable_format *ret)
{
	struct stat st;
	cleanup_fd int fd = open_regular(path, &st);
	const struct executable_source source = { .read = read_file, .fd = fd };

	*ret = (struct executable_format){ .kind = EXECUTABLE_UNREADABLE };
	if (fd >= 0)
		executable_parse(&source, ret);
	return st.st_mode;
}

void executable_examine(const char *path, struct executable_facts *ret)
{
	struct executable_facts facts = { 0 };
	struct statvfs fs;

	facts.mode = look(path, &facts.format);
	facts.noexec = statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOEXEC);
	if (*facts.format.interpreter) {
		facts.interpreter_error = executable_errno(facts.format.interpreter);
		(void)look(facts.format.interpreter, &facts.interpreter_format);
		if (*facts.interpreter_format.interpreter)
			facts.loader_error = executable_errno(facts.interpreter_format.interpreter);
	}
	*ret = facts;
}

static const struct {
	uint16_t number;
	const char *name;
} machines[] = {
	{ EM_386, "i386" },	   { EM_X86_64, "x86_64" },   { EM_ARM, "arm" },
	{ EM_AARCH64, "aarch64" }, { EM_RISCV, "riscv" },     { EM_PPC, "powerpc" },
	{ EM_PPC64, "powerpc64" }, { EM_S390, "s390x" },      { EM_MIPS, "mips" },
	{ EM_SPARC, "sparc" },	   { EM_SPARCV9, "sparc64" }, { EM_PARISC, "parisc" },
	{ EM_68K, "m68k" },	   { EM_SH, "sh" },	      { EM_LOONGARCH, "loongarch" },
};

/* What this machine runs by itself, the native one first. */
static const uint16_t own_machines[] = {
#if defined(__x86_64__)
	EM_X86_64,
	EM_386,
#elif defined(__aarch64__)
	EM_AARCH64,
	EM_ARM,
#elif defined(__riscv)
	EM_RISCV,
#elif defined(__powerpc64__)
	EM_PPC64,
	EM_PPC,
#elif defined(__s390x__)
	EM_S390,
#elif defined(__arm__)
	EM_ARM,
#elif defined(__i386__)
	EM_386,
#elif defined(__loongarch__)
	EM_LOONGARCH,
#else
	EM_NONE,
#endif
};

static const char *machine_name(uint16_t number)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++)
		if (machines[i].number == number)
			return machines[i].name;
	return "another machine";
}

static bool is_own_machine(uint16_t number)
{
	for (size_t i = 0; i < sizeof(own_machines) / sizeof(*own_machines); i++)
		if (own_machines[i] == number)
			return true;
	return own_machines[0] == EM_NONE;
}

/* A program or library that the file names, and that execve could not have. */
static int missing(const char *what, const char *path, int code, struct error *err)
{
	char words[128];

	if (code == ENOENT)
		return error_hint(
			err, "the file is there, but its %s %s is missing in the root filesystem",
			what, path);
	describe(code, words, sizeof(words));
	return error_hint(err, "the file is there, but its %s %s cannot be executed: %s", what,
			  path, words);
}

/* Appends the reason when it lies in an interpreter. True if it does. */
static bool explain_interpreter(const struct executable_facts *facts, struct error *err)
{
	bool script = facts->format.kind == EXECUTABLE_SCRIPT;

	if (script && facts->format.crlf && facts->interpreter_error) {
		error_hint(err,
			   "the file is there, but its line #!%.*s ends in CR LF, as on Windows: "
			   "the carriage return counts as part of the interpreter's name",
			   (int)strlen(facts->format.interpreter) - 1, facts->format.interpreter);
		return true;
	}
	if (facts->interpreter_error) {
		missing(script ? "interpreter" : "loader", facts->format.interpreter,
			facts->interpreter_error, err);
		return true;
	}
	if (facts->loader_error) {
		error_hint(err,
			   "the file and its interpreter %s are there, but that one's loader %s "
			   "is missing in the root filesystem",
			   facts->format.interpreter, facts->interpreter_format.interpreter);
		return true;
	}
	return false;
}

static void explain_format(const struct executable_facts *facts, struct error *err)
{
	const struct executable_format *format = &facts->format;
	bool script = format->kind == EXECUTABLE_SCRIPT;
	/* A script fails for its interpreter's sake. */
	const struct executable_format *elf = script ? &facts->interpreter_format : format;

	if (format->kind == EXECUTABLE_EMPTY)
		error_hint(err, "the file is empty");
	else if (format->kind == EXECUTABLE_OTHER)
		error_hint(err, "not an ELF file and has no #! line");
	else if (script && !*format->interpreter)
		error_hint(err, "the #! line names no interpreter");
	else if (script && format->cut)
		error_hint(err, "the #! line is longer than the 255 bytes that the kernel reads");
	else if (elf->kind == EXECUTABLE_ELF && !is_own_machine(elf->machine))
		error_hint(err, "%s%s is built for %s, this machine is %s",
			   script ? "its interpreter " : "the file",
			   script ? format->interpreter : "", machine_name(elf->machine),
			   machine_name(own_machines[0]));
	else if (elf->kind == EXECUTABLE_ELF && elf->type != ET_EXEC && elf->type != ET_DYN)
		error_hint(err, "an ELF file, but not a program");
	else if (elf->kind == EXECUTABLE_ELF)
		error_hint(err,
			   "the ELF file is damaged, or this kernel does not run %d-bit programs",
			   elf->is_64 ? 64 : 32);
}

static void explain_access(const struct executable_facts *facts, struct error *err)
{
	if (S_ISDIR(facts->mode))
		error_hint(err, "it is a directory");
	else if (facts->noexec)
		error_hint(err, "the file system is mounted noexec");
	else if (facts->mode && !(facts->mode & 0111))
		error_hint(err, "the file has no exec bit: chmod +x it in the image");
	else
		(void)explain_interpreter(facts, err);
}

int executable_explain(const char *path, int code, const struct executable_facts *facts,
		       struct error *err)
{
	struct executable_facts now;
	char words[128];

	if (!facts) {
		executable_examine(path, &now);
		facts = &now;
	}
	describe(code, words, sizeof(words));
	(void)error_plain(err, code, "exec %s: %s", path, words);
	if ((code == ENOENT || code == ENOTDIR || code == EISDIR) && facts->mode)
		(void)explain_interpreter(facts, err);
	else if (code == ENOEXEC || code == ELIBBAD)
		explain_format(facts, err);
	else if (code == EACCES || code == EPERM)
		explain_access(facts, err);
	else if (code == E2BIG)
		error_hint(err, "arguments and environment together, or one of them, are too long");
	return -1;
}

int executable_check(const char *path, const struct executable_facts *facts, struct error *err)
{
	const struct executable_format *format = &facts->format;

	if (format->kind == EXECUTABLE_EMPTY ||
	    (format->kind == EXECUTABLE_SCRIPT && !*format->interpreter))
		return executable_explain(path, ENOEXEC, facts, err);
	/* An emulator may have the loader of another machine elsewhere. */
	if (format->kind == EXECUTABLE_ELF && !is_own_machine(format->machine))
		return 0;
	if (facts->interpreter_error)
		return executable_explain(path, facts->interpreter_error, facts, err);
	if (facts->loader_error && is_own_machine(facts->interpreter_format.machine))
		return executable_explain(path, facts->loader_error, facts, err);
	return 0;
}
