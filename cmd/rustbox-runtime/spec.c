/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox-runtime/command.h"
#include "oci/spec_default.h"

struct spec_options {
	const char *bundle, *file;
	bool rootless;
};

static const struct option_row rows[] = {
	{ "bundle", 'b', "DIR", "where to write it; the default is the current folder",
	  OPTION_AT(spec_options, bundle), .path = OPTION_DIRECTORY },
	{ "file", 'f', "FILE", "its name there; the default is config.json",
	  OPTION_AT(spec_options, file), .path = OPTION_FILE_OR_WORD },
	{ "rootless", 0, NULL, "for a container that a user without privileges runs",
	  OPTION_AT(spec_options, rootless) },
	{ NULL },
};

/* A name with a slash in front is one of its own. */
static int open_new(const char *folder, const char *name, struct error *err)
{
	cleanup_fd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (dir < 0)
		return error_set(err, errno, "open %s", folder);
	/* Whoever may read it: as the umask says. */
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, 0, "%s in %s exists already; remove it first", name, folder);
	if (fd < 0)
		return error_set(err, errno, "create %s in %s", name, folder);
	return fd;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct spec_options *options = call->options;
	const char *name = options->file ? options->file : "config.json";
	cleanup_free char *text = spec_default_json(options->rootless, err);

	if (!text)
		return -1;
	cleanup_fd int fd = open_new(options->bundle ? options->bundle : ".", name, err);
	if (fd < 0)
		return -1;
	return fd_write_all(fd, name, text, strlen(text), err);
}

const struct command command_spec = {
	.about = {
		.name = "spec",
		.summary = "write a config.json to start from",
		.arguments = "",
		.description =
			"The container that it describes runs sh in a root filesystem called "
			"rootfs. An existing file is not overwritten.",
		.rows = rows,
	},
	.options_size = sizeof(struct spec_options),
	.is_stateless = true,
	.run = run,
};
