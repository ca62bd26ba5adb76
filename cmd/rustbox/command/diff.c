/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "cmd/rustbox/bundle/layers.h"
#include "cmd/rustbox/command/command.h"
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
	cleanup_free char *path = NULL;
	struct record *record;

	if (store_find(call->store, call->args[0], call->arena, &record, err) < 0)
		return -1;
	if (record->state->lost)
		return error_set(err, 0, "the files of container %s were dropped", record->name);
	path = store_path(call->store, "overlay", record->id, "upperdir", err);
	if (!path)
		return -1;
	cleanup_fd int upper = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0)
		return error_set(err, errno, "open %s", path);
	cleanup_fd int lower = layers_open(record->lower, record->n_lower, err);
	if (lower < 0)
		return -1;
	return changes_list(upper, lower, print, NULL, err);
}

const struct command command_diff = {
	.about = {
		.name = "diff",
		.summary = "show what has changed in the file system of a container",
		.arguments = "CONTAINER",
		.description = "A: added, C: changed, D: deleted, each with a path, in the order "
			       "of their names. Volumes are not looked at.",
		.takes_container = true,
	},
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
