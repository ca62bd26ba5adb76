/* SPDX-License-Identifier: Apache-2.0 */
/* The command info: for a report of what has gone wrong, or to see why something cannot be had. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox-runtime/command.h"
#include "runtime/cgroup_survey.h"
#include "runtime/checkpoint.h"
#include "runtime/criu.h"

static void print_row(const char *name, const char *value)
{
	printf("%-12s %s\n", name, value);
}

/* The first line of a file of the kernel's, with spaces for commas; "none" when it is not there. */
static void print_list(const char *name, const char *path)
{
	char text[1024];

	if (fd_read_short(AT_FDCWD, path, text, sizeof(text)) <= 0) {
		print_row(name, "none");
		return;
	}
	for (char *c = text; *c; c++)
		if (*c == ',')
			*c = ' ';
	print_row(name, *text ? text : "none");
}

static int print_cgroups(struct arena *arena, struct error *err)
{
	cleanup_str struct str list = STR_EMPTY;
	struct cgroup_survey cgroups;
	struct error none;

	if (cgroup_survey_take(arena, &cgroups, &none) < 0) {
		print_row("cgroups", "none");
		return 0;
	}
	for (size_t i = 0; i < cgroups.n; i++)
		str_add_format(&list, "%s%s", i ? " " : "", cgroups.controllers[i]);
	if (list.failed)
		return error_memory(err);
	printf("%-12s %s%s\n", "cgroups", str_equal(cgroups.version, "hybrid") ? "" : "v",
	       cgroups.version);
	print_row("controllers", cgroups.n ? list.text : "none");
	return 0;
}

static int print_namespaces(struct arena *arena, struct error *err)
{
	char *list = arena_strdup(arena, "", err);

	for (int type = 0; list && type < NAMESPACE_TYPES; type++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s",
			       checkpoint_namespace_name((enum spec_namespace_type)type));
		if (access(path, F_OK) == 0)
			list = arena_format(arena, err, "%s%s%s", list, *list ? " " : "",
					    spec_namespace_name((enum spec_namespace_type)type));
	}
	if (!list)
		return -1;
	print_row("namespaces", list);
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const char *criu;
	struct error missing;
	struct utsname kernel;

	if (uname(&kernel) < 0)
		return error_set(err, errno, "uname");
	print_row("version", RUSTBOX_VERSION);
	printf("%-12s %s %s %s\n", "kernel", kernel.sysname, kernel.release, kernel.machine);
	if (print_cgroups(call->arena, err) < 0 || print_namespaces(call->arena, err) < 0)
		return -1;
	print_list("seccomp", "/proc/sys/kernel/seccomp/actions_avail");
	print_list("lsm", "/sys/kernel/security/lsm");
	print_row("systemd", access("/run/systemd/system/", F_OK) == 0 ? "yes" : "no");
	print_row("criu", criu_find(NULL, &criu, &missing) == 0 ? criu : "none");
	return 0;
}

const struct command command_info = {
	.about = {
		.name = "info",
		.summary = "print what this machine has for containers",
		.arguments = "",
	},
	.is_stateless = true,
	.run = run,
};
