/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/fd.h"
#include "cmd/rustbox/command/image_words.h"

struct import_options {
	struct option_strings change;
	const char *message, *max_size;
	bool quiet;
};

static const struct option_row rows[] = {
	{ "change", 'c', "INSTRUCTION", "a setting, as in a Dockerfile: CMD [\"sh\"]",
	  OPTION_AT(import_options, change) },
	{ "max-size", 0, "SIZE", "most that the tarball may unpack to",
	  OPTION_AT(import_options, max_size) },
	{ "message", 'm', "TEXT", "comment in the image's history",
	  OPTION_AT(import_options, message) },
	{ "quiet", 'q', NULL, "show no progress", OPTION_AT(import_options, quiet) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct import_options *options = call->options;
	struct progress_line line cleanup_progress_line;
	struct image_load load = { .progress = progress_line_start(&line, options->quiet) };
	struct image_settings settings = { 0 };
	char *id;

	if (image_words_change(&options->change, &settings, call->arena, err) < 0 ||
	    image_words_limits(options->max_size, &load.limits, err) < 0)
		return -1;
	cleanup_fd int fd = archive_input_open(call->args[0], false, &load.source, err);
	if (fd < 0)
		return -1;
	load.fd = fd;
	if (image_import(call->store, &load, call->n_args > 1 ? call->args[1] : NULL, &settings,
			 options->message, call->arena, &id, err) < 0)
		return -1;
	progress_line_end(&line);
	printf("%s\n", id);
	return 0;
}

static const char *const aliases[] = { "image import", NULL };

const struct command command_import = {
	.about = {
		.name = "import",
		.summary = "make an image of a tarball of a root file system",
		.arguments = "FILE|- [IMAGE]",
		.description = "The tarball may be compressed by gzip or zstd. Prints the image's "
			       "id. Instructions of --change: CMD, ENTRYPOINT, ENV, EXPOSE, "
			       "HEALTHCHECK, LABEL, SHELL, STOPSIGNAL, USER, VOLUME, WORKDIR.",
		.rows = rows,
	},
	.options_size = sizeof(struct import_options),
	.args_least = 1,
	.args_most = 2,
	.aliases = aliases,
	.run = run,
};
