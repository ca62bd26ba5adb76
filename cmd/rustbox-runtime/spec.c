/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox-runtime/command.h"
#include "oci/spec_default.h"

struct spec_options {
	const char *bundle;
	bool rootless;
};

static const struct option_row rows[] = {
	{ "bundle", 'b', "DIR", "where to write it; the default is the current folder",
	  OPTION_AT(spec_options, bundle), .path = OPTION_DIRECTORY },
	{ "rootless", 0, NULL, "for a container that a user without privileges runs",
	  OPTION_AT(spec_options, rootless) },
	{ NULL },
};

static int open_new(const char *folder, struct error *err)
{
	cleanup_fd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (dir < 0)
		return error_set(err, errno, "open %s", folder);
	/* Whoever may read it: as the umask says. */
	fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, 0, "%s/config.json exists already; remove it first", folder);
	if (fd < 0)
		return error_set(err, errno, "create %s/config.json", folder);
	return fd;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct spec_options *options = call->options;
	cleanup_free char *text = spec_default_json(options->rootless, err);

	if (!text)
		return -1;
	cleanup_fd int fd = open_new(options->bundle ? options->bundle : ".", err);
	if (fd < 0)
		return -1;
	return fd_write_all(fd, "config.json", text, strlen(text), err);
}

const struct command command_spec = {
	.about = {
		.name = "spec",
		.summary = "write a config.json to start from",
		.arguments = "",
		.description =
			"The container that it describes runs sh in a root filesystem called "
			"rootfs. An existing config.json is not overwritten.",
		.rows = rows,
	},
	.options_size = sizeof(struct spec_options),
	.is_stateless = true,
	.run = run,
};
