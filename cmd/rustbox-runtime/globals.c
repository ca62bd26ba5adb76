/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/globals.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"

enum { ROOTLESS_AUTO, ROOTLESS_TRUE };
static const char *const rootless_names[] = { "auto", "true", "false", NULL };

enum { LOG_TEXT, LOG_JSON };
static const char *const log_format_names[] = { "text", "json", NULL };

/* In the order of enum cgroup_manager. */
static const char *const manager_names[] = { "cgroupfs", "systemd", "disabled", NULL };

const struct option_row global_rows[] = {
	{ "root", 0, "DIR",
	  "state folder of the containers, best on a tmpfs; the default is /run/rustbox-runtime, "
	  "and for users other than root $XDG_RUNTIME_DIR/rustbox-runtime, or "
	  "/run/user/UID/rustbox-runtime without that variable",
	  OPTION_AT(global_options, root), .path = OPTION_DIRECTORY },
	{ "log", 0, "FILE",
	  "append the log to this file, instead of writing to standard error; journald:NAME and "
	  "syslog:NAME send it there, under that name",
	  OPTION_AT(global_options, log), .path = OPTION_FILE_OR_WORD },
	{ "log-format", 0, "FORMAT", "how log lines look", OPTION_AT(global_options, log_format),
	  .choices = log_format_names, .fallback = "text" },
	{ "log-level", 0, "LEVEL", "the least important to log: error, warning, info or debug",
	  OPTION_AT(global_options, log_level), .fallback = "warning" },
	{ "debug", 0, NULL, "the same as --log-level debug", OPTION_AT(global_options, debug) },
	{ "cgroup-manager", 0, "MANAGER", "who makes cgroups",
	  OPTION_AT(global_options, cgroup_manager), .choices = manager_names,
	  .fallback = "cgroupfs" },
	{ "systemd-cgroup", 's', NULL, "the same as --cgroup-manager systemd",
	  OPTION_AT(global_options, systemd_cgroup) },
	{ "rootless", 0, "WHEN",
	  "go on without the cgroups that may not be made, as long as no limit needs them; auto: "
	  "when not root, or root of a user namespace only",
	  OPTION_AT(global_options, rootless), .choices = rootless_names, .fallback = "auto" },
	{ "version", 'v', NULL, "print the version", OPTION_AT(global_options, version) },
	{ NULL },
};

int globals_open_log(const struct global_options *options, struct error *err)
{
	struct log_options log = {
		.path = options->log,
		.json = options->log_format == LOG_JSON,
	};

	if (!log_level_from_name(options->log_level, &log.level))
		return error_set(err, 0,
				 "--log-level: \"%s\" is not one of error, warning, info, debug",
				 options->log_level);
	if (options->debug)
		log.level = LOG_DEBUG;
	return log_open(&log, err);
}

/* Not root, or root of a user namespace only, who cannot write to the host's /run. */
static bool is_rootless(void)
{
	return geteuid() != 0 || process_in_user_namespace();
}

/* Root of a user namespace that belongs to a session of another user's has that one's folder. */
static bool has_folder_of_its_own(void)
{
	const char *user = getenv("USER");

	return geteuid() != 0 ||
	       (process_in_user_namespace() && !(user && strcmp(user, "root") == 0));
}

/* /run/user/UID, as systemd-logind makes it, for callers that have lost the variable. */
static const char *session_folder(struct arena *arena, struct error *err)
{
	const char *path = arena_format(arena, err, "/run/user/%u", geteuid());
	struct stat st;

	if (!path)
		return NULL;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	    !(st.st_mode & (S_IRWXG | S_IRWXO)))
		return path;
	error_set(err, 0,
		  "user %u has no folder for the state of containers: XDG_RUNTIME_DIR is "
		  "not set, and %s is not there or not this user's alone",
		  geteuid(), path);
	(void)error_hint(err, "set it, or give --root");
	return NULL;
}

static const char *default_root(struct arena *arena, struct error *err)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");
	const char *root;

	if (!has_folder_of_its_own())
		return "/run/rustbox-runtime";
	if (!folder || *folder != '/') {
		if (geteuid() == 0)
			return "/run/rustbox-runtime";
		folder = session_folder(arena, err);
	}
	root = folder ? arena_format(arena, err, "%s/rustbox-runtime", folder) : NULL;
	/*
	 * The sticky bit keeps it from being tidied away (XDG Base Directory
	 * Specification). What is wrong with the folder shows when it is used.
	 */
	if (root)
		(void)mkdir(root, S_IRWXU | S_ISVTX);
	return root;
}

/*
 * For those who make containers; the other commands go by what a container's
 * state says. A user's containers are made by the manager of the user, and so
 * are those of an engine that is root in a user namespace of its own.
 */
static enum cgroup_manager choose_manager(const struct global_options *options)
{
	if (!options->systemd_cgroup && options->cgroup_manager != CGROUP_MANAGER_SYSTEMD)
		return (enum cgroup_manager)options->cgroup_manager;
	return geteuid() != 0 || (has_folder_of_its_own() && getenv("XDG_RUNTIME_DIR"))
		       ? CGROUP_MANAGER_SYSTEMD_USER
		       : CGROUP_MANAGER_SYSTEMD;
}

int globals_engine(const struct global_options *options, const struct command *command,
		   struct container_engine *ret, struct arena *arena, struct error *err)
{
	struct container_engine engine = { .root = options->root,
					   .root_is_given = options->root != NULL };

	engine.cgroup_manager = choose_manager(options);
	engine.rootless = options->rootless == ROOTLESS_TRUE ||
			  (options->rootless == ROOTLESS_AUTO && is_rootless());
	if (!engine.root && !command->is_stateless && !(engine.root = default_root(arena, err)))
		return -1;
	if (engine.root && strcmp(engine.root, "/") == 0)
		return error_set(err, 0, "--root: the root of the filesystem is no state folder");
	*ret = engine;
	return 0;
}
