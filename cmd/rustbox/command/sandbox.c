/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of the host, run with nothing of the host but its programs, which
 * it can only read. No image is needed: the root is an empty folder, over
 * which the host's folders are mounted.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "cmd/rustbox/bundle/host_user.h"
#include "cmd/rustbox/command/as_run.h"

struct sandbox_options {
	struct option_strings ro_bind, bind, tmpfs, env, ulimit;
	const char *memory, *cpus, *network, *workdir, *user, *hostname, *timeout, *cpu_time,
		*output_limit, *report, *name;
	struct option_int pids_limit;
	bool tty, interactive, isolate_user, no_host;
};

static const struct option_row rows[] = {
	{ "bind", 0, "PATH[:PATH]", "a file or folder of the host that it may change",
	  OPTION_AT(sandbox_options, bind) },
	{ "cpu-time", 0, "TIME", "end it after so much CPU time",
	  OPTION_AT(sandbox_options, cpu_time) },
	{ "cpus", 0, "N", "number of CPUs it may use, such as 0.5",
	  OPTION_AT(sandbox_options, cpus) },
	{ "env", 'e', "NAME[=VALUE]", "environment variable; without a value: as it is here",
	  OPTION_AT(sandbox_options, env) },
	{ "hostname", 0, "NAME", "host name", OPTION_AT(sandbox_options, hostname) },
	{ "interactive", 'i', NULL, "give it our standard input",
	  OPTION_AT(sandbox_options, interactive) },
	{ "isolate-user", 0, NULL, "user namespace: its root is nobody outside",
	  OPTION_AT(sandbox_options, isolate_user) },
	{ "memory", 'm', "SIZE", "memory limit", OPTION_AT(sandbox_options, memory) },
	{ "name", 0, "NAME", "name of the container", OPTION_AT(sandbox_options, name) },
	{ "network", 0, "NETWORK", "none by default: loopback only",
	  OPTION_AT(sandbox_options, network), .fallback = "none" },
	{ "no-host", 0, NULL,
	  "do not mount the host's programs: only what --ro-bind and --bind name",
	  OPTION_AT(sandbox_options, no_host) },
	{ "output-limit", 0, "SIZE", "end it when it has written more",
	  OPTION_AT(sandbox_options, output_limit) },
	{ "pids-limit", 0, "N", "greatest number of processes",
	  OPTION_AT(sandbox_options, pids_limit) },
	{ "report", 0, "FILE", "write how it ended and what it used, as JSON",
	  OPTION_AT(sandbox_options, report), .path = OPTION_FILE },
	{ "ro-bind", 0, "PATH[:PATH]", "a file or folder of the host that it may read",
	  OPTION_AT(sandbox_options, ro_bind) },
	{ "timeout", 0, "TIME", "end it after so much time", OPTION_AT(sandbox_options, timeout) },
	{ "tmpfs", 0, "PATH[:OPTIONS]", "an empty folder in memory",
	  OPTION_AT(sandbox_options, tmpfs) },
	{ "tty", 't', NULL, "give it a terminal", OPTION_AT(sandbox_options, tty) },
	{ "ulimit", 0, "NAME=SOFT[:HARD]", "limit of each process",
	  OPTION_AT(sandbox_options, ulimit) },
	{ "user", 'u', "USER[:GROUP]", "run as this user", OPTION_AT(sandbox_options, user) },
	{ "workdir", 'w', "DIR", "working directory, / by default",
	  OPTION_AT(sandbox_options, workdir) },
	{ NULL },
};

/* Programs and what they need: no keys, no passwords' hashes, no homes. */
static const char *const host_folders[] = {
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt",
};
static const char *const host_files[] = {
	"/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf",  "/etc/ld.so.conf.d",
	"/etc/localtime",    "/etc/passwd",	 "/etc/group",	     "/etc/nsswitch.conf",
	"/etc/ssl/certs",    "/etc/profile",	 "/etc/bash.bashrc",
};

/* ---- the empty root ---- */

/* /bin is often a link to usr/bin: then it is one in the sandbox, too. */
static int copy_link(int root, const char *path, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return 0;
	target[n] = 0;
	if (symlinkat(target, root, path + 1) < 0 && errno != EEXIST)
		return error_set(err, errno, "make the link %s of the sandbox", path);
	return 0;
}

/* Shared by all sandboxes, and never changed by one: it is the lower folder of their overlays. */
static char *make_root(const struct invocation *call, bool has_host, struct error *err)
{
	char *path = arena_format(call->arena, err, "%s/sandbox%s", call->store->root,
				  has_host ? "" : "-bare");
	cleanup_fd int root = -1;

	if (!path || path_make_directories(path, 0755, err) < 0)
		return NULL;
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		(void)error_set(err, errno, "open %s", path);
		return NULL;
	}
	for (size_t i = 0; has_host && i < sizeof(host_folders) / sizeof(*host_folders); i++)
		if (copy_link(root, host_folders[i], err) < 0)
			return NULL;
	return path;
}

/* ---- the command line of run ---- */

static bool is_no_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && !S_ISLNK(st.st_mode);
}

/* A field of --mount, in quotation marks, where a comma means nothing. */
static void add_field(struct str *out, const char *key, const char *path)
{
	str_add_format(out, ",\"%s=", key);
	for (; *path; path++)
		str_add_bytes(out, *path == '"' ? "\"\"" : path, *path == '"' ? 2 : 1);
	str_add(out, "\"");
}

/* "PATH" or "PATH:PATH"; the first one is made absolute. */
static void add_bind(struct as_run *run, const struct invocation *call, const char *text,
		     bool read_only, struct error *err)
{
	size_t size = strcspn(text, ":");
	char *source = arena_strndup(call->arena, text, size, err);
	cleanup_free char *absolute = source ? path_absolute(source, err) : NULL;
	cleanup_free char *clean = absolute ? path_clean(absolute, err) : NULL;
	cleanup_free char *value = NULL;
	struct str mount = STR_EMPTY;

	/* A variable that was empty would give it our own folder. */
	if (!size) {
		(void)error_set(err, 0, "--%s \"%s\": the path of the host is missing",
				read_only ? "ro-bind" : "bind", text);
		run->failed = true;
		return;
	}
	if (clean) {
		str_add(&mount, read_only ? "type=bind,readonly" : "type=bind");
		add_field(&mount, "source", clean);
		add_field(&mount, "target", text[size] ? text + size + 1 : clean);
		value = str_take(&mount, err);
	}
	if (!value)
		run->failed = true;
	else
		as_run_add_option(run, call, "mount", value, err);
}

static void add_each(struct as_run *run, const struct invocation *call, const char *name,
		     const struct option_strings *values, struct error *err)
{
	for (size_t i = 0; i < values->count; i++)
		as_run_add_option(run, call, name, values->items[i], err);
}

static void add_mounts(struct as_run *run, const struct invocation *call,
		       const struct sandbox_options *options, struct error *err)
{
	for (size_t i = 0; !options->no_host && i < sizeof(host_folders) / sizeof(*host_folders);
	     i++)
		if (is_no_link(host_folders[i]))
			add_bind(run, call, host_folders[i], true, err);
	for (size_t i = 0; !options->no_host && i < sizeof(host_files) / sizeof(*host_files); i++)
		if (access(host_files[i], F_OK) == 0)
			add_bind(run, call, host_files[i], true, err);
	as_run_add_option(run, call, "tmpfs", "/tmp:mode=1777", err);
	for (size_t i = 0; i < options->ro_bind.count; i++)
		add_bind(run, call, options->ro_bind.items[i], true, err);
	for (size_t i = 0; i < options->bind.count; i++)
		add_bind(run, call, options->bind.items[i], false, err);
	add_each(run, call, "tmpfs", &options->tmpfs, err);
}

static void add_options(struct as_run *run, const struct invocation *call,
			const struct sandbox_options *options, struct error *err)
{
	const struct {
		const char *name, *value;
	} texts[] = {
		{ "memory", options->memory },
		{ "cpus", options->cpus },
		{ "network", options->network },
		{ "workdir", options->workdir },
		{ "hostname", options->hostname },
		{ "timeout", options->timeout },
		{ "cpu-time", options->cpu_time },
		{ "report", options->report },
		{ "output-limit", options->output_limit },
		{ "name", options->name },
		{ "tty", options->tty ? "true" : NULL },
		{ "rm", "true" },
		{ "end-with-client", "true" },
		{ "read-only", "true" },
		{ "cap-drop", "ALL" },
		{ "security-opt", "no-new-privileges" },
		{ "interactive", options->interactive ? "true" : NULL },
		{ "isolate-user", options->isolate_user ? "true" : NULL },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		as_run_add_option(run, call, texts[i].name, texts[i].value, err);
	/* The one of passwd is not there; and the root can only be read. */
	as_run_add_option(run, call, "env", "HOME=/tmp", err);
	if (options->pids_limit.set)
		as_run_add_option(run, call, "pids-limit",
				  arena_format(call->arena, err, "%lld",
					       (long long)options->pids_limit.value),
				  err);
	add_each(run, call, "env", &options->env, err);
	add_each(run, call, "ulimit", &options->ulimit, err);
}

/*
 * The sandbox has the host's users, by /etc/passwd and /etc/group, which are mounted over
 * the empty root that run looks into.
 */
static void add_user(struct as_run *run, const struct invocation *call,
		     const struct sandbox_options *options, struct error *err)
{
	struct host_user user;

	if (!options->user || options->no_host) {
		as_run_add_option(run, call, "user", options->user, err);
		return;
	}
	if (host_user_find(options->user, call->arena, &user, err) < 0) {
		run->failed = true;
		(void)error_wrap(err, "--user %s", options->user);
		return;
	}
	as_run_add_option(run, call, "user",
			  arena_format(call->arena, err, "%u:%u", user.uid, user.gid), err);
	for (size_t i = 0; i < user.n_gids; i++)
		as_run_add_option(run, call, "group-add",
				  arena_format(call->arena, err, "%u", user.gids[i]), err);
}

/* Of ./program, which is there outside. */
static int hint_bind(const struct invocation *call, struct error *err)
{
	if (err->code == EXIT_NOT_FOUND && strchr(call->args[0], '/'))
		(void)error_hint(err, "only the host's programs and libraries are in a sandbox; "
				      "--ro-bind PATH[:PATH] shows it more");
	return -1;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct sandbox_options *options = call->options;
	struct as_run words = { 0 };
	char *root = make_root(call, !options->no_host, err);

	if (!root)
		return -1;
	as_run_add(&words, call, "run", err);
	as_run_add_option(&words, call, "rootfs", root, err);
	add_options(&words, call, options, err);
	if (!words.failed)
		add_user(&words, call, options, err);
	add_mounts(&words, call, options, err);
	as_run_add(&words, call, "--", err);
	for (size_t i = 0; i < call->n_args; i++)
		as_run_add(&words, call, call->args[i], err);
	return as_run_finish(&words, call, ret_exit_code, err) < 0 ? hint_bind(call, err) : 0;
}

const struct command command_sandbox = {
	.about = {
		.name = "sandbox",
		.summary = "run a command of the host in a sandbox, without an image",
		.arguments = "[--] COMMAND [ARG...]",
		.description =
			"The command sees the host's programs and libraries, read-only, an empty "
			"/tmp of its own, which is its HOME, and nothing else: no homes, no "
			"network, no capabilities. Nothing of it is left. It is killed when "
			"rustbox is.\n\n"
			"   rustbox sandbox --timeout 10 --memory 256M --ro-bind ./job:/job "
			"-- python3 /job/main.py",
		.rows = rows,
		.order = OPTIONS_FIRST,
	},
	.options_size = sizeof(struct sandbox_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.failure_code = EXIT_ENGINE,
	.run = run,
};
