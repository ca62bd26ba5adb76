/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "cmd/rustbox/command/image_words.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/container_files.h"
#include "cmd/rustbox/image/pack.h"

struct export_options {
	const char *output;
	bool quiet;
};

static const struct option_row rows[] = {
	{ "output", 'o', "FILE", "write there instead of to standard output",
	  OPTION_AT(export_options, output), .path = OPTION_FILE },
	{ "quiet", 'q', NULL, "show no progress", OPTION_AT(export_options, quiet) },
	{ NULL },
};

static int pack_root(const struct container_files *files, const struct pack *how, int fd,
		     struct error *err)
{
	struct pack_output output cleanup_pack = { NULL };

	if (pack_open(&output, fd, err) < 0 || pack_tree(&output, files->root, "", how, err) < 0)
		return -1;
	return pack_close(&output, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct export_options *options = call->options;
	struct container_files files cleanup_container_files = CONTAINER_FILES_NONE;
	struct archive_output output cleanup_archive_output = ARCHIVE_OUTPUT_NONE;
	struct progress_line line cleanup_progress_line;
	struct mount_points points cleanup_mount_points = MOUNT_POINTS_NONE;
	struct pack how = { .stays = true,
			    .omits = mount_points_new,
			    .progress = progress_line_start(&line, options->quiet) };
	cleanup_fd int lock = -1;
	struct record *record;

	if (container_hold(call->store, call->args[0], call->arena, &record, &lock, err) < 0 ||
	    archive_output_open(&output, options->output, err) < 0 ||
	    container_files_open(call->store, record, CONTAINER_FILES_ROOT, call->arena, &files,
				 err) < 0)
		return -1;
	if (mount_points_open(call->store, record, &files.owner, call->arena, &points, err) < 0)
		return -1;
	how.owner = files.owner;
	how.mount_points = &points;
	how.source = record->name;
	if (pack_root(&files, &how, output.fd, err) < 0)
		return -1;
	return archive_output_finish(&output, err);
}

const struct command command_export = {
	.about = {
		.name = "export",
		.summary = "write the file system of a container as a tarball",
		.arguments = "CONTAINER",
		.description = "Without what is mounted in it, such as volumes. rustbox import "
			       "makes an image of it.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct export_options),
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
