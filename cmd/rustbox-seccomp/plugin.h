/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins that answer what seccomp filters ask (seccomp_unotify(2)): shared
 * objects with the functions that crun(1) looks for in those of
 * run.oci.seccomp.plugins. Version 1 of that interface:
 *
 *	int run_oci_seccomp_notify_version(void)			maybe; 1
 *	int run_oci_seccomp_notify_start(void **opaque,		maybe
 *		struct plugin_container *container, size_t size)
 *	int run_oci_seccomp_notify_handle_request(void *opaque,
 *		struct seccomp_notif_sizes *sizes, struct seccomp_notif *request,
 *		struct seccomp_notif_resp *response, int listener, int *handled)
 *	int run_oci_seccomp_notify_stop(void *opaque)			maybe
 *
 * Each returns 0, or fails.
 */
#pragma once

#include <linux/seccomp.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

/* What a plugin is told of its container: the interface's second argument of start. */
struct plugin_container {
	const char *state_folder, *id, *bundle, *config; /* config: the path of config.json */
};

/* *handled of handle_request. */
enum plugin_answer {
	PLUGIN_NOT_HANDLED, /* the next one is asked; after the last it is ENOTSUP */
	PLUGIN_SEND,	    /* the response is filled in */
	PLUGIN_DELAYED,	    /* the plugin will write it to the listener itself */
	PLUGIN_CONTINUE,    /* the system call goes on */
};

struct plugin;
struct plugin_list {
	struct plugin *plugins; /* in the arena */
	size_t n;
};

/*
 * Loads each of "/path/a.so:b.so". A path must lead only through folders, and
 * to a file, that nobody may write but root and ourselves; a name without a
 * slash is looked up in the system's folders of libraries.
 */
int plugin_list_load(const char *paths, struct arena *arena, struct plugin_list *ret,
		     struct error *err);

/* Calls each one's start, with `container`. */
int plugin_list_start(struct plugin_list *list, struct plugin_container *container,
		      struct error *err);

/*
 * Answers until no process is left that the filter holds for: then 0. -1 when a
 * plugin fails; with the listener closed, what was asked is ENOSYS. Blocks.
 */
int plugin_list_serve(const struct plugin_list *list, int listener, struct error *err);

/* Calls each one's stop. */
void plugin_list_stop(const struct plugin_list *list);
