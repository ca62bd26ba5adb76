/* SPDX-License-Identifier: Apache-2.0 */
/* The options that checkpoint and restore have in common: what CRIU is asked for. */
#pragma once

#include "cmd/rustbox-runtime/command.h"
#include "runtime/criu.h"

/* Embedded in the commands' structs as `criu`. */
struct criu_choices {
	const char *program, *image_path, *work_path;
	struct option_strings empty_namespaces;
	int cgroup_mode, network_lock; /* enum criu_cgroup_mode, criu_network_lock */
	bool tcp_established, tcp_close, ext_unix_sk, shell_job, file_locks, link_remap, lazy_pages,
		auto_dedup;
};
extern const char *const criu_cgroup_modes[], *const criu_network_locks[];

#define CRIU_ROWS(s)                                                                               \
	{ "image-path",                                                                            \
	  0,                                                                                       \
	  "DIR",                                                                                   \
	  "the folder of the checkpoint; the default is checkpoint in the current folder",         \
	  OPTION_AT(s, criu.image_path),                                                           \
	  .path = OPTION_DIRECTORY },                                                              \
		{ "work-path",                                                                     \
		  0,                                                                               \
		  "DIR",                                                                           \
		  "where CRIU writes its log and sockets; the default is the image path",          \
		  OPTION_AT(s, criu.work_path),                                                    \
		  .path = OPTION_DIRECTORY },                                                      \
		{ "criu",                                                                          \
		  0,                                                                               \
		  "PROGRAM",                                                                       \
		  "the criu to use, instead of the first in /usr/local/sbin, /usr/local/bin, "     \
		  "/usr/sbin, /usr/bin",                                                           \
		  OPTION_AT(s, criu.program),                                                      \
		  .path = OPTION_FILE },                                                           \
		{ "tcp-established", 0, NULL, "save or restore connections that are open",         \
		  OPTION_AT(s, criu.tcp_established) },                                            \
		{ "tcp-close", 0, NULL, "let connections be closed ones after the restore",        \
		  OPTION_AT(s, criu.tcp_close) },                                                  \
		{ "ext-unix-sk", 0, NULL, "allow unix sockets that lead out of the container",     \
		  OPTION_AT(s, criu.ext_unix_sk) },                                                \
		{ "shell-job", 0, NULL, "allow a session or terminal from outside the container",  \
		  OPTION_AT(s, criu.shell_job) },                                                  \
		{ "file-locks", 0, NULL, "save or restore file locks",                             \
		  OPTION_AT(s, criu.file_locks) },                                                 \
		{ "link-remap", 0, NULL, "allow files that were removed while they are open",      \
		  OPTION_AT(s, criu.link_remap) },                                                 \
		{ "lazy-pages", 0, NULL, "memory comes later, page by page (userfaultfd)",         \
		  OPTION_AT(s, criu.lazy_pages) },                                                 \
		{ "auto-dedup", 0, NULL, "drop pages of earlier images that later ones replace",   \
		  OPTION_AT(s, criu.auto_dedup) },                                                 \
		{ "manage-cgroups-mode",                                                           \
		  0,                                                                               \
		  "MODE",                                                                          \
		  "which cgroups of the checkpoint CRIU restores",                                 \
		  OPTION_AT(s, criu.cgroup_mode),                                                  \
		  .choices = criu_cgroup_modes,                                                    \
		  .fallback = "soft" },                                                            \
		{ "empty-ns", 0, "NAMESPACE",                                                      \
		  "do not save or restore what is in this namespace: network",                     \
		  OPTION_AT(s, criu.empty_namespaces) },                                           \
	{                                                                                          \
		"network-lock", 0, "METHOD", "how packets are held back meanwhile",                \
			OPTION_AT(s, criu.network_lock), .choices = criu_network_locks,            \
							 .fallback = "default"                     \
	}

int criu_choices_read(const struct criu_choices *choices, struct arena *arena,
		      struct criu_options *ret, struct error *err);
