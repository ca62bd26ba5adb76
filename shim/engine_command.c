/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtimes are found once, by path. A descriptor that stays open would outlive
 * an upgrade of the file, and would have a shim that runs for months work with
 * the runtime of its first day.
 */
#include "shim/engine_command.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/protected_program.h"
#include "base/str.h"

#define OWN_RUNTIME  "rustbox-runtime"
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* 0711: other users' processes may pass, as they must on the way to a rootfs. */
enum { MODE_PARENTS = 0711, MODE_STATE = 0700 };

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Relative folders of PATH are passed over: ours is the bundle's folder, at best. */
static char *find_on_path(const char *name, struct error *err)
{
	const char *folders = getenv("PATH");

	if (!folders || !*folders)
		folders = DEFAULT_PATH;
	for (const char *at = folders; *at;) {
		size_t n = strcspn(at, ":");
		if (*at == '/') {
			cleanup_free char *path = str_format(err, "%.*s/%s", (int)n, at, name);
			if (!path)
				return NULL;
			if (is_program(path))
				return move_ptr(&path);
		}
		at += n + (at[n] == ':');
	}
	error_set(err, ENOENT, "find the runtime %s on PATH (%s)", name, folders);
	return NULL;
}

char *engine_command_find_own(struct error *err)
{
	char self[PATH_MAX];
	/* Of a file that was replaced the name is stale, but not that of its folder. */
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;

	if (slash) {
		*slash = '\0';
		cleanup_free char *beside = str_format(err, "%s/" OWN_RUNTIME, self);
		if (!beside)
			return NULL;
		if (is_program(beside))
			return move_ptr(&beside);
	}
	char *found = find_on_path(OWN_RUNTIME, err);
	if (!found && err->code == ENOENT)
		error_hint(err, "it is not in %s either, beside the shim: install it there",
			   slash ? self : "the shim's folder");
	return found;
}

static const char *find_runtime(const char *own, const struct runtime_options *options,
				struct arena *arena, struct error *err)
{
	const char *wanted = options ? options->binary_name : NULL;

	if (!wanted || !*wanted)
		return own;
	if (strchr(wanted, '/'))
		return arena_strdup(arena, wanted, err);
	cleanup_free char *found = find_on_path(wanted, err);
	return found ? arena_strdup(arena, found, err) : NULL;
}

static bool is_name(const char *namespace)
{
	return *namespace && !strchr(namespace, '/') && !str_equal(namespace, ".") &&
	       !str_equal(namespace, "..");
}

const char *engine_command_root(const struct runtime_options *options, const char *namespace,
				struct arena *arena, struct error *err)
{
	const char *root = options && options->root ? options->root : RUNTIME_OPTIONS_ROOT;

	if (!namespace)
		return root;
	if (!is_name(namespace)) {
		error_set(err, EINVAL, "namespace \"%s\": not a name of a folder", namespace);
		return NULL;
	}
	char *path = arena_format(arena, err, "%s/%s", root, namespace);
	if (!path)
		return NULL;
	if (mkdir(path, MODE_STATE) == 0 || errno == EEXIST)
		return path;
	if (path_make_directories(root, MODE_PARENTS, err) == 0) {
		if (mkdir(path, MODE_STATE) == 0 || errno == EEXIST)
			return path;
		error_set(err, errno, "mkdir %s", path);
	}
	error_wrap(err, "make the folder for the runtime's state");
	return NULL;
}

static char **make_args(const char *path, const char *root, const struct engine_verb *verb,
			struct arena *arena, struct error *err)
{
	bool systemd = verb->options && verb->options->systemd_cgroup;
	const char *head[] = { path,	"--root",	   root,
			       "--log", ENGINE_PATH_LOG,   "--log-format",
			       "json",	"--systemd-cgroup" };
	size_t n_head = sizeof(head) / sizeof(head[0]) - !systemd, n = 0;

	while (verb->args[n])
		n++;
	const char **args = arena_array(arena, n_head + n + 1, sizeof(*args), err);
	if (!args)
		return NULL;
	memcpy(args, head, n_head * sizeof(*args));
	memcpy(args + n_head, verb->args, n * sizeof(*args));
	return (char **)(uintptr_t)args;
}

/*
 * Ours without what is meant for us alone: systemd's notification socket, and
 * its listening descriptors, which a runtime would hand to the container by
 * their numbers: those of the log, the input and the folder. protected_path: NULL
 * where it is executed by its path.
 */
static char **make_env(const char *protected_path, struct arena *arena, struct error *err)
{
	static const char *const without[] = { "NOTIFY_SOCKET=",
					       "LISTEN_PID=",
					       "LISTEN_FDS=",
					       "LISTEN_FDNAMES=",
					       (PROTECTED_PROGRAM_FOLDER "="),
					       NULL };
	size_t n = 0;

	while (environ[n])
		n++;
	char **env = arena_array(arena, n + 2, sizeof(*env), err), **next = env;
	for (size_t i = 0; env && i < n; i++) {
		size_t k = 0;
		while (without[k] && !str_starts_with(environ[i], without[k]))
			k++;
		if (!without[k])
			*next++ = environ[i];
	}
	if (!env || !protected_path)
		return env;
	int folder = (int)(strrchr(protected_path, '/') - protected_path);
	*next = arena_format(arena, err, PROTECTED_PROGRAM_FOLDER "=%.*s", folder, protected_path);
	return *next ? env : NULL;
}

int engine_command_open(const char *own_runtime)
{
	struct error ignored;

	return protected_program_open(own_runtime, &ignored);
}

static int take_program(const char *own_runtime, int *opened)
{
	return opened && *opened >= 0 ? move_fd(opened) : engine_command_open(own_runtime);
}

int engine_command_make(const char *own_runtime, int *opened, const char *namespace,
			const struct engine_verb *verb, struct arena *arena,
			struct engine_command *ret, struct error *err)
{
	const char *path = find_runtime(own_runtime, verb->options, arena, err);

	if (!path)
		return -1;
	const char *root = engine_command_root(verb->options, namespace, arena, err);
	if (!root)
		return -1;
	bool is_own = path == own_runtime;
	cleanup_fd int program = is_own && verb->makes_process ? take_program(path, opened) : -1;
	char **args = make_args(path, root, verb, arena, err);
	char **env = args ? make_env(program < 0 ? NULL : path, arena, err) : NULL;
	if (!env)
		return -1;
	*ret = (struct engine_command){ path, root, args, env, is_own, move_fd(&program) };
	return 0;
}
