/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/user_mapping.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"

void user_mapping_format(const struct spec_id_mapping *mappings, size_t count, struct str *text)
{
	for (size_t i = 0; i < count; i++)
		str_add_format(text, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
			       mappings[i].container_id, mappings[i].host_id, mappings[i].size);
}

static int write_map(int procfs, pid_t pid, const char *file,
		     const struct spec_id_mapping *mappings, size_t count, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;
	char path[64];

	user_mapping_format(mappings, count, &text);
	if (text.failed)
		return error_memory(err);
	(void)snprintf(path, sizeof(path), "%d/%s", pid, file);
	if (path_write_procfs(procfs, path, text.text ? text.text : "", err) == 0)
		return 0;
	if (err->code == EPERM)
		return error_hint(err, "the caller may not map these ids");
	return -1;
}

/* newuidmap PID container host size … */
static int run_helper(const char *helper, pid_t pid, const struct spec_id_mapping *mappings,
		      size_t count, struct error *err)
{
	struct arena cleanup_arena arena = ARENA_EMPTY;
	char output[512];
	int status;
	char **args = arena_array(&arena, 3 + 3 * count, sizeof(*args), err);

	if (!args || !(args[0] = arena_strdup(&arena, helper, err)) ||
	    !(args[1] = arena_format(&arena, err, "%d", pid)))
		return -1;
	for (size_t i = 0; i < count; i++) {
		const uint32_t numbers[] = { mappings[i].container_id, mappings[i].host_id,
					     mappings[i].size };
		for (size_t k = 0; k < 3; k++) {
			args[2 + 3 * i + k] = arena_format(&arena, err, "%" PRIu32, numbers[k]);
			if (!args[2 + 3 * i + k])
				return -1;
		}
	}
	struct process_run run = { .path = helper,
				   .args = args,
				   .timeout_ms = 10000,
				   .output = output,
				   .output_size = sizeof(output) };
	if (process_run(&run, &status, err) < 0)
		return error_hint(err, "it is in the package uidmap; or map only your own id");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	error_set(err, EPERM, "%s: %s", helper, output);
	return error_hint(err, "the ids have to be the user's, as /etc/subuid and /etc/subgid say; "
			       "or map only your own id");
}

static bool maps_only(const struct spec_id_mapping *mappings, size_t count, uint32_t id)
{
	return count == 1 && mappings[0].size == 1 && mappings[0].host_id == id;
}

int user_mapping_write(int procfs, pid_t pid, const struct spec *spec, struct error *err)
{
	const struct spec_linux *l = spec->linux;
	bool root = geteuid() == 0;
	char path[64];

	if (!root && !maps_only(l->gid_mappings, l->n_gid_mappings, getegid())) {
		if (run_helper("/usr/bin/newgidmap", pid, l->gid_mappings, l->n_gid_mappings, err) <
		    0)
			return -1;
	} else {
		if (!root) { /* the kernel's condition for a map by an ordinary user */
			(void)snprintf(path, sizeof(path), "%d/setgroups", pid);
			if (path_write_procfs(procfs, path, "deny", err) < 0)
				return -1;
		}
		if (write_map(procfs, pid, "gid_map", l->gid_mappings, l->n_gid_mappings, err) < 0)
			return -1;
	}
	if (!root && !maps_only(l->uid_mappings, l->n_uid_mappings, geteuid()))
		return run_helper("/usr/bin/newuidmap", pid, l->uid_mappings, l->n_uid_mappings,
				  err);
	return write_map(procfs, pid, "uid_map", l->uid_mappings, l->n_uid_mappings, err);
}

int user_mapping_write_time_offsets(int procfs, pid_t pid, const struct spec *spec,
				    struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;
	char path[64];

	for (size_t i = 0; i < spec->linux->n_time_offsets; i++) {
		const struct spec_time_offset *offset = &spec->linux->time_offsets[i];

		str_add_format(&text, "%s %" PRId64 " %" PRIu32 "\n", offset->clock, offset->secs,
			       offset->nanosecs);
	}
	if (text.failed)
		return error_memory(err);
	(void)snprintf(path, sizeof(path), "%d/timens_offsets", pid);
	return path_write_procfs(procfs, path, text.text, err);
}
