/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/fd.h"
#include "cmd/rustbox/bundle/layers.h"
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/container_files.h"
#include "cmd/rustbox/image/changes.h"

static int print(void *data, char kind, const char *path, struct error *err)
{
	/* A name with a newline in it would look like two. */
	printf("%c /", kind);
	for (const char *p = path; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			printf("\\%03o", (unsigned int)(unsigned char)*p);
		else
			(void)putchar(*p);
	}
	(void)putchar('\n');
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct mount_points points cleanup_mount_points = MOUNT_POINTS_NONE;
	struct ownership owner;
	struct record *record;

	if (store_find(call->store, call->args[0], call->arena, &record, err) < 0)
		return -1;
	if (record->state->lost)
		return error_set(err, 0, "the files of container %s were dropped", record->name);
	if (container_files_owner(call->store, record, call->arena, &owner, err) < 0 ||
	    mount_points_open(call->store, record, &owner, call->arena, &points, err) < 0)
		return -1;
	cleanup_fd int lower = layers_open(record->lower, record->n_lower, err);
	if (lower < 0)
		return -1;
	return changes_list(&points, lower, print, NULL, err);
}

const struct command command_diff = {
	.about = {
		.name = "diff",
		.summary = "show what has changed in the file system of a container",
		.arguments = "CONTAINER",
		.description = "A: added, C: changed, D: deleted, each with a path, in the order "
			       "of their names. Volumes are not looked at, nor what every container has: "
			       "/proc, /etc/hosts and their like.",
		.takes_container = true,
	},
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
