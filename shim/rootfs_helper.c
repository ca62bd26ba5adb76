/* SPDX-License-Identifier: Apache-2.0 */
/* File systems in user space: "fuse.x" and "fuse3.x" are mounted by mount.fuse and mount.fuse3. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "base/str.h"
#include "shim/rootfs_entry.h"

enum { HELPER_TIMEOUT_MS = 120 * 1000, HELPER_OUTPUT = 1024 };

static const struct {
	const char *prefix, *program;
} helpers[] = {
	{ "fuse.", "mount.fuse" },
	{ "fuse3.", "mount.fuse3" },
};
enum { N_HELPERS = sizeof(helpers) / sizeof(helpers[0]) };

static size_t find_helper(const char *type)
{
	size_t i = 0;

	while (i < N_HELPERS && !str_starts_with(type, helpers[i].prefix))
		i++;
	return i;
}

bool rootfs_helper_is_for(const char *type)
{
	return find_helper(type) < N_HELPERS;
}

/* Where a shell would find the program. Malloc'd, NULL with err. */
static char *find_program(const char *name, struct error *err)
{
	const char *path = getenv("PATH");

	if (!path || !*path)
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, ":");
		char *program = *p == '/' ? str_format(err, "%.*s/%s", (int)n, p, name) : NULL;

		if (program && access(program, X_OK) == 0)
			return program;
		free(program);
		p += n + (p[n] == ':');
	}
	error_set(err, ENOENT, "program %s", name);
	error_hint(err, "install it in a folder of the PATH that containerd runs with");
	return NULL;
}

/* Malloc'd, NULL with err. */
static char *join_words(const struct rootfs_options *options, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;

	for (size_t i = 0; i < options->n_words; i++) {
		str_add(&text, i ? "," : "");
		str_add(&text, options->words[i]);
	}
	return str_take(&text, err);
}

int rootfs_helper_mount(const struct rootfs_entry *entry, const char *path, struct error *err)
{
	const size_t helper = find_helper(entry->type);
	cleanup_free char *program = find_program(helpers[helper].program, err);
	cleanup_free char *options = join_words(&entry->options, err);
	char output[HELPER_OUTPUT] = "", dash_o[] = "-o", dash_t[] = "-t";
	int status;

	if (!program || !options)
		return -1;
	char *const args[] = {
		program,
		(char *)(uintptr_t)entry->source,
		(char *)(uintptr_t)path,
		dash_t,
		(char *)(uintptr_t)(entry->type + strlen(helpers[helper].prefix)),
		*options ? dash_o : NULL,
		options,
		NULL,
	};
	const struct process_run run = {
		.path = program,
		.args = args,
		.env = environ,
		.timeout_ms = HELPER_TIMEOUT_MS,
		.output = output,
		.output_size = sizeof(output),
	};
	if (process_run(&run, &status, err) < 0)
		return error_wrap(err, "run %s", program);
	if (status)
		return error_set(err, 0, "%s ended with %d: %s", program, process_exit_code(status),
				 *output ? output : "no message");
	return 0;
}
