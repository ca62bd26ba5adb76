/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/image_words.h"

struct save_options {
	const char *output;
	bool quiet;
};

static const struct option_row rows[] = {
	{ "output", 'o', "FILE", "write there instead of to standard output",
	  OPTION_AT(save_options, output), .path = OPTION_FILE },
	{ "quiet", 'q', NULL, "show no progress", OPTION_AT(save_options, quiet) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct save_options *options = call->options;
	struct archive_output output cleanup_archive_output = ARCHIVE_OUTPUT_NONE;
	struct progress_line line cleanup_progress_line;
	const struct image_progress *progress = progress_line_start(&line, options->quiet);

	if (archive_output_open(&output, options->output, err) < 0 ||
	    image_save(call->store, call->args, call->n_args, output.fd, progress, err) < 0)
		return -1;
	return archive_output_finish(&output, err);
}

static const char *const aliases[] = { "image save", NULL };

const struct command command_save = {
	.about = {
		.name = "save",
		.summary = "write images to an archive",
		.arguments = "IMAGE...",
		.description = "The archive is an OCI layout and has Docker's manifest.json as "
			       "well: rustbox load, docker load, podman load and skopeo take it. "
			       "An image that is named by its id is saved without a name.",
		.rows = rows,
	},
	.options_size = sizeof(struct save_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.aliases = aliases,
	.run = run,
};
