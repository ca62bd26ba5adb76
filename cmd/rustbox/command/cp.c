/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child reads the source and writes a tar, we read that and write the
 * files: the same code that takes archives from strangers, whichever side is
 * the container's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "cmd/rustbox/command/cp_place.h"
#include "cmd/rustbox/command/image_words.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/image/pack.h"
#include "cmd/rustbox/image/unpack.h"

struct cp_options {
	bool archive, follow_link, quiet;
};

static const struct option_row rows[] = {
	{ "archive", 'a', NULL, "keep owners (and, on the host, set-user-ID bits)",
	  OPTION_AT(cp_options, archive) },
	{ "follow-link", 'L', NULL, "copy what a symbolic link SOURCE leads to",
	  OPTION_AT(cp_options, follow_link) },
	{ "quiet", 'q', NULL, "say nothing of how much was copied", OPTION_AT(cp_options, quiet) },
	{ NULL },
};

struct copying {
	const struct invocation *call;
	const struct cp_options *options;
	struct cp_place from, to;
	uint64_t bytes;
};

/* ---- reading ---- */

static int pack_source(const struct copying *c, const struct cp_source *source, const char *prefix,
		       int fd, struct error *err)
{
	struct pack_output output cleanup_pack = { NULL };
	struct pack how = { .owner = c->from.files.owner, .source = source->name };

	if (pack_open(&output, fd, err) < 0 ||
	    pack_tree(&output, source->file, prefix, &how, err) < 0)
		return -1;
	return pack_close(&output, err);
}

/* ---- writing ---- */

/* Who the files are to belong to. */
static int set_owner(const struct copying *c, struct unpack *how, struct error *err)
{
	int64_t uid = 0, gid = 0;

	how->owner = c->to.files.owner;
	if (c->options->archive || cp_place_is_stream(&c->from))
		return 0;
	if (!c->to.container) {
		uid = geteuid();
		gid = getegid();
	} else if (ownership_to_disk(&how->owner, &uid, &gid, err) < 0) {
		return -1;
	}
	how->owner.is_fixed = true;
	how->owner.uid = (uint32_t)uid;
	how->owner.gid = (uint32_t)gid;
	return 0;
}

/*
 * In a container all names are taken from its root, as a process in there
 * would; on the host nothing outside the folder is reached.
 */
static int unpack_target(struct copying *c, const struct cp_target *target, int fd,
			 struct error *err)
{
	struct tar_stream stream cleanup_tar_stream = { .limits = { UINT64_MAX } };
	struct unpack how = { .to_host = !c->to.container,
			      .keeps_special_bits = c->options->archive };
	struct digest ignored;
	cleanup_fd int folder = -1;

	if (set_owner(c, &how, err) < 0)
		return -1;
	how.folder = c->to.files.root;
	how.below = target->folder;
	if (how.to_host) {
		folder = path_open_in_root(c->to.files.root, target->folder, O_PATH | O_DIRECTORY,
					   err);
		if (folder < 0)
			return -1;
		how.folder = folder;
		how.below = NULL;
	}
	if (tar_stream_open(&stream, fd, "the stream", TAR_ANY, -1, err) < 0 ||
	    unpack(&stream, &how, err) < 0 ||
	    tar_stream_finish(&stream, &ignored, &c->bytes, err) < 0)
		return -1;
	return 0;
}

/* ---- both ---- */

static _Noreturn void run_child(const struct copying *c, const struct cp_source *source,
				const char *prefix, int data, int report)
{
	struct error err;

	if (pack_source(c, source, prefix, data, &err) == 0)
		_exit(EXIT_SUCCESS);
	(void)!write(report, err.text, strlen(err.text));
	_exit(EXIT_FAILURE);
}

/* The child's failure counts more than ours, of which it is the cause, unless we were the cause. */
static int join_child(pid_t pid, int report, int rc, struct error *err)
{
	char text[ERROR_TEXT_SIZE];
	ssize_t n = read(report, text, sizeof(text) - 1);
	int status;

	if (process_wait(pid, &status) < 0)
		return error_set(err, errno, "wait for a child");
	if (process_exit_code(status) == EXIT_SUCCESS)
		return rc;
	text[n > 0 ? n : 0] = '\0';
	if (rc < 0 && strstr(text, strerror(EPIPE)))
		return rc;
	return error_set(err, 0, "%s", n > 0 ? text : "the child that reads the files died");
}

static int copy_files(struct copying *c, const struct cp_source *source,
		      const struct cp_target *target, struct error *err)
{
	const char *prefix = target->name ? target->name : "";
	int data[2], report[2], rc;
	pid_t pid;

	if (pipe2(data, O_CLOEXEC) < 0)
		return error_set(err, errno, "pipe");
	cleanup_fd int data_in = data[0], data_out = data[1];
	if (pipe2(report, O_CLOEXEC) < 0)
		return error_set(err, errno, "pipe");
	cleanup_fd int report_in = report[0], report_out = report[1];
	pid = process_clone(0, -1, NULL);
	if (pid < 0)
		return error_set(err, errno, "clone");
	if (pid == 0) {
		fd_close(&data_in);
		run_child(c, source, prefix, data_out, report_out);
	}
	fd_close(&data_out);
	fd_close(&report_out);
	rc = unpack_target(c, target, data_in, err);
	fd_close(&data_in);
	return join_child(pid, report_in, rc, err);
}

static int copy_from_stream(struct copying *c, struct error *err)
{
	struct cp_target target;
	const char *name;
	cleanup_fd int fd = archive_input_open(NULL, false, &name, err);

	if (fd < 0 || cp_target_folder(&c->to, c->call->arena, &target, err) < 0)
		return -1;
	return unpack_target(c, &target, fd, err);
}

static int copy_to_stream(struct copying *c, const struct cp_source *source, struct error *err)
{
	struct archive_output output cleanup_archive_output = ARCHIVE_OUTPUT_NONE;

	if (archive_output_open(&output, NULL, err) < 0)
		return -1;
	return pack_source(c, source, source->content_only ? "" : source->name, output.fd, err);
}

static int copy(struct copying *c, struct error *err)
{
	struct cp_source source = { .file = -1 };
	struct cp_target target;
	int rc;

	if (cp_place_open(&c->from, c->call->store, c->call->arena, err) < 0 ||
	    cp_place_open(&c->to, c->call->store, c->call->arena, err) < 0)
		return -1;
	if (cp_place_is_stream(&c->from))
		return copy_from_stream(c, err);
	rc = cp_source_open(&c->from, c->options->follow_link, c->call->arena, &source, err);
	if (rc == 0 && cp_place_is_stream(&c->to))
		rc = copy_to_stream(c, &source, err);
	else if (rc == 0 &&
		 (rc = cp_target_find(&c->to, &source, c->call->arena, &target, err)) == 0)
		rc = copy_files(c, &source, &target, err);
	fd_close(&source.file);
	return rc;
}

static int check(const struct copying *c, struct error *err)
{
	if (!c->from.container && !c->to.container) {
		(void)error_set(err, 0, "neither of the two is in a container");
		return error_hint(err,
				  "CONTAINER:PATH is; a host path with a colon in it begins with "
				  "/ or ./");
	}
	if (c->from.container && c->to.container) {
		(void)error_set(err, 0, "one of the two has to be on the host (or -)");
		/* One would wait for the other's lock, and that one for its bytes. */
		if (str_equal(c->from.container, c->to.container))
			return error_hint(err, "rustbox exec %s cp copies within one",
					  c->from.container);
		return error_hint(err, "rustbox cp %s:%s - | rustbox cp - %s:%s copies between two",
				  c->from.container, c->from.path, c->to.container, c->to.path);
	}
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct cp_options *options = call->options;
	struct copying c = { call, options, CP_PLACE_NONE, CP_PLACE_NONE, 0 };
	cleanup_str struct str size = STR_EMPTY;
	int rc = -1;

	if (cp_place_read(call->args[0], &c.from, call->arena, err) == 0 &&
	    cp_place_read(call->args[1], &c.to, call->arena, err) == 0 && check(&c, err) == 0)
		rc = copy(&c, err);
	cp_place_close(&c.from);
	cp_place_close(&c.to);
	if (rc < 0 || options->quiet || cp_place_is_stream(&c.to) || !isatty(STDERR_FILENO))
		return rc;
	format_size(&size, c.bytes);
	(void)fprintf(stderr, "Copied %s to %s\n", size.text ? size.text : "", call->args[1]);
	return 0;
}

const struct command command_cp = {
	.about = {
		.name = "cp",
		.summary = "copy files between a container and the host",
		.arguments = "CONTAINER:PATH|PATH|- CONTAINER:PATH|PATH|-",
		.description = "Of a container that runs or does not. - is a tar stream. A folder "
			       "is copied into one that exists, or becomes the one that does not; "
			       "of FOLDER/. the content is copied. Files belong to root in the "
			       "container, and to the caller on the host, unless --archive. On the "
			       "host no device nodes are made.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct cp_options),
	.args_least = 2,
	.args_most = 2,
	.run = run,
};
