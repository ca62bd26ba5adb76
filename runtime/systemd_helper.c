/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/systemd_helper.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "base/str.h"
#include "runtime/self_exec.h"

#define HELPER "rustbox-systemd"

enum { GRACE_MS = 5000, OUTPUT_SIZE = 1024 };

/* ---- finding it --------------------------------------------------------------------------- */

/* Where it is, malloc'd; NULL with err. A build's own lies beside the program. */
static char *find_helper(struct error *err)
{
	static const char *const beside[] = { "", "/../libexec/rustbox" };
	const char *folder = self_exec_folder();

	for (size_t i = 0; folder && i < sizeof(beside) / sizeof(beside[0]); i++) {
		cleanup_free char *path = str_format(err, "%s%s/" HELPER, folder, beside[i]);
		if (!path)
			return NULL;
		if (access(path, X_OK) == 0)
			return move_ptr(&path);
	}
	error_set(err, ENOENT,
		  "find " HELPER ", which speaks to systemd, in %s or ../libexec/rustbox beside it",
		  folder ? folder : "the program's folder");
	error_hint(err, "install it there, or use --cgroup-manager cgroupfs");
	return NULL;
}

int systemd_helper_check(bool user, struct error *err)
{
	/* sd_booted(3) */
	if (access("/run/systemd/system/", F_OK) < 0) {
		error_set(err, 0, "systemd does not run on this machine (no /run/systemd/system)");
		return error_hint(err, "use --cgroup-manager cgroupfs, and no --systemd-cgroup");
	}
	if (user && !getenv("XDG_RUNTIME_DIR") && !getenv("DBUS_SESSION_BUS_ADDRESS")) {
		error_set(err, ENOENT,
			  "systemd of user %u: neither XDG_RUNTIME_DIR nor "
			  "DBUS_SESSION_BUS_ADDRESS is set",
			  getuid());
		return error_hint(err, "log in, or use --cgroup-manager cgroupfs");
	}
	cleanup_free char *path = find_helper(err);
	return path ? 0 : -1;
}

/* ---- asking ------------------------------------------------------------------------------- */

/* What it needs of our environment to find the user's bus. Ends with NULL; from the arena. */
static char **make_environment(bool user, struct arena *arena, struct error *err)
{
	static const char *const names[] = { "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS" };
	char **env = arena_array(arena, sizeof(names) / sizeof(names[0]) + 1, sizeof(*env), err);
	size_t n = 0;

	for (size_t i = 0; env && user && i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		if (value && !(env[n++] = arena_format(arena, err, "%s=%s", names[i], value)))
			return NULL;
	}
	return env;
}

/* The helper's last words, or how it ended. Always -1. */
static int report(char *output, int status, struct error *err)
{
	size_t n = strlen(output);

	while (n > 0 && (output[n - 1] == '\n' || output[n - 1] == ' '))
		output[--n] = '\0';
	for (char *c = output; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	if (*output)
		return error_set(err, 0, "%s", output);
	return error_set(err, 0, HELPER " ended with status %d and no word",
			 process_exit_code(status));
}

static int run(const char *path, const char *verb, const char *input, char *const *env,
	       struct error *err)
{
	char name[] = HELPER, output[OUTPUT_SIZE];
	cleanup_free char *argument = strdup(verb);
	char *args[] = { name, argument, NULL };
	const struct process_run helper = {
		.path = path,
		.args = args,
		.env = env,
		.input = input,
		.input_size = strlen(input),
		.timeout_ms = SYSTEMD_TIMEOUT_MS + GRACE_MS,
		.output = output,
		.output_size = sizeof(output),
	};
	int status;

	if (!argument)
		return error_memory(err);
	if (process_run(&helper, &status, err) < 0)
		return -1;
	return status == 0 ? 0 : report(output, status, err);
}

int systemd_helper_call(const char *verb, const struct systemd_request *request, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct systemd_request versioned = *request;

	versioned.version = arena_strdup(&arena, RUSTBOX_VERSION, err);
	if (!versioned.version)
		return -1;
	cleanup_free char *path = find_helper(err);
	cleanup_free char *input =
		path ? json_write(&systemd_request_type, &versioned, false, err) : NULL;
	char **env = input ? make_environment(request->user, &arena, err) : NULL;
	if (!env || run(path, verb, input, env, err) < 0)
		return error_wrap(err, "%s %s by systemd", verb, request->unit);
	return 0;
}
