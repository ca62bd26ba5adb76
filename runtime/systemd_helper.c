/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/systemd_helper.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "base/str.h"
#include "runtime/helper.h"

#define HELPER "rustbox-systemd"

enum { GRACE_MS = 5000, OUTPUT_SIZE = 1024 };

/* ---- finding it --------------------------------------------------------------------------- */

static char *find_helper(struct error *err)
{
	char *path = helper_find(HELPER, "speaks to systemd", err);

	if (!path && err->code == ENOENT)
		error_hint(err, "install it there, or use --cgroup-manager cgroupfs");
	return path;
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
	return status == 0 ? 0 : helper_failed(HELPER, output, status, err);
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
