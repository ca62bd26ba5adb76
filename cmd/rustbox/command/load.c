/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/command/image_words.h"

struct load_options {
	const char *input, *max_size;
	bool quiet;
};

static const struct option_row rows[] = {
	{ "input", 'i', "FILE", "archive or folder, instead of standard input",
	  OPTION_AT(load_options, input), .path = OPTION_FILE },
	{ "max-size", 0, "SIZE", "most that archive and layers may unpack to",
	  OPTION_AT(load_options, max_size) },
	{ "quiet", 'q', NULL, "show no progress, and only the names",
	  OPTION_AT(load_options, quiet) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct load_options *options = call->options;
	struct progress_line line cleanup_progress_line;
	struct image_load load = { .progress = progress_line_start(&line, options->quiet) };
	char **names;
	size_t n;

	if (image_words_limits(options->max_size, &load.limits, err) < 0)
		return -1;
	cleanup_fd int fd = archive_input_open(options->input, true, &load.source, err);
	if (fd < 0)
		return -1;
	load.fd = fd;
	if (image_load(call->store, &load, call->arena, &names, &n, err) < 0)
		return -1;
	progress_line_end(&line);
	for (size_t i = 0; i < n; i++) {
		const char *what = str_starts_with(names[i], "sha256:") ? "Loaded image ID: "
									: "Loaded image: ";
		printf("%s%s\n", options->quiet ? "" : what, names[i]);
	}
	return 0;
}

static const char *const aliases[] = { "image load", NULL };

const struct command command_load = {
	.about = {
		.name = "load",
		.summary = "load images from an archive",
		.arguments = "",
		.description = "Takes what docker save, podman save, skopeo and rustbox save "
			       "write, and OCI layouts, as archives (tar, also compressed by gzip "
			       "or zstd) or folders. Digests are checked; of an image for several "
			       "platforms, this machine's is taken.",
		.rows = rows,
	},
	.options_size = sizeof(struct load_options),
	.aliases = aliases,
	.run = run,
};
