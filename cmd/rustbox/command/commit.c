/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/command/image_words.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/container_files.h"
#include "cmd/rustbox/container/containers.h"

struct commit_options {
	struct option_strings change;
	const char *author, *message;
	bool pause, quiet;
};

static const struct option_row rows[] = {
	{ "author", 'a', "TEXT", "who has made it", OPTION_AT(commit_options, author) },
	{ "change", 'c', "INSTRUCTION", "a setting, as in a Dockerfile: CMD [\"sh\"]",
	  OPTION_AT(commit_options, change) },
	{ "message", 'm', "TEXT", "comment in the image's history",
	  OPTION_AT(commit_options, message) },
	{ "pause", 'p', NULL, "pause it meanwhile; --pause=false takes its files as they are",
	  OPTION_AT(commit_options, pause), .fallback = "true" },
	{ "quiet", 'q', NULL, "show no progress", OPTION_AT(commit_options, quiet) },
	{ NULL },
};

/* It is to go on whatever became of the image. */
static int commit_paused(const struct invocation *call, const struct record *record,
			 const struct image_commit *commit, char **ret_id, struct error *err)
{
	struct error problem;
	int rc;

	if (containers_pause(call->store, record->id, err) < 0)
		return error_hint(err, "--pause=false takes its files as they are");
	rc = image_commit(call->store, record, commit, call->arena, ret_id, err);
	if (containers_unpause(call->store, record->id, &problem) == 0)
		return rc;
	if (rc < 0)
		log_warning("%s", problem.text);
	else
		*err = problem;
	return -1;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct commit_options *options = call->options;
	struct progress_line line cleanup_progress_line;
	struct image_commit commit = { .name = call->n_args > 1 ? call->args[1] : NULL,
				       .author = options->author,
				       .message = options->message,
				       .progress = progress_line_start(&line, options->quiet) };
	struct image_settings settings;
	cleanup_fd int lock = -1;
	struct record *record;
	char *id;
	int rc;

	if (container_hold(call->store, call->args[0], call->arena, &record, &lock, err) < 0 ||
	    container_files_owner(call->store, record, call->arena, &commit.owner, err) < 0)
		return -1;
	settings = *record->settings;
	if (image_words_change(&options->change, &settings, call->arena, err) < 0)
		return -1;
	commit.settings = &settings;
	if (options->pause && record->state->status == RECORD_RUNNING)
		rc = commit_paused(call, record, &commit, &id, err);
	else
		rc = image_commit(call->store, record, &commit, call->arena, &id, err);
	progress_line_end(&line);
	if (rc == 0)
		printf("%s\n", id);
	return rc;
}

const struct command command_commit = {
	.about = {
		.name = "commit",
		.summary = "make an image of the changes of a container",
		.arguments = "CONTAINER [IMAGE]",
		.description = "The image has the container's image below, or all of the folder "
			       "that it was run on, and the container's command, environment and "
			       "other settings. Volumes are not part of it. Prints the image's id.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct commit_options),
	.args_least = 1,
	.args_most = 2,
	.run = run,
};
