/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-seccomp/plugin.h"

#include <dlfcn.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PREFIX "run_oci_seccomp_notify_"

enum { VERSION = 1 };

typedef int version_function(void);
typedef int start_function(void **opaque, struct plugin_container *container, size_t size);
typedef int handle_function(void *opaque, struct seccomp_notif_sizes *sizes,
			    struct seccomp_notif *request, struct seccomp_notif_resp *response,
			    int listener, int *handled);
typedef int stop_function(void *opaque);

struct plugin {
	const char *path;
	void *opaque;
	start_function *start; /* NULL: none; nor stop */
	handle_function *handle;
	stop_function *stop;
};

/* ---- loading ------------------------------------------------------------------------------ */

/* Could somebody else put another file there, or other content into it? */
static int check_writers(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_set(err, errno, "%s", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return error_set(err, EPERM, "%s is neither root's nor ours", path);
	/* In a sticky folder only the owner of a file may replace it. */
	if (st.st_mode & (S_IWGRP | S_IWOTH) && !(S_ISDIR(st.st_mode) && st.st_mode & S_ISVTX))
		return error_set(err, EPERM, "%s may be written by others", path);
	return 0;
}

/* The real path of a file that is to be trusted, with all folders above it; NULL with err. */
static char *find_file(const char *path, struct error *err)
{
	cleanup_free char *real = realpath(path, NULL), *above = NULL;

	if (!real) {
		error_set(err, errno, "%s", path);
		return NULL;
	}
	above = strdup(real);
	if (!above) {
		error_memory(err);
		return NULL;
	}
	for (char *slash; *above; *slash = '\0') {
		if (check_writers(above, err) < 0)
			return NULL;
		slash = strrchr(above, '/');
	}
	return check_writers("/", err) < 0 ? NULL : move_ptr(&real);
}

static int load(const char *path, struct plugin *ret, struct error *err)
{
	cleanup_free char *file = *path == '/' ? find_file(path, err) : strdup(path);

	if (!file)
		return *path == '/' ? -1 : error_memory(err);
	/* Never unloaded: it may have threads. */
	void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return error_set(err, 0, "%s", dlerror());
	version_function *version = (version_function *)dlsym(object, PREFIX "version");
	int number = version ? version() : VERSION;
	if (number != VERSION)
		return error_set(err, 0, "%s is made for version %d of the interface, not %d", path,
				 number, VERSION);
	*ret = (struct plugin){
		.path = path,
		.start = (start_function *)dlsym(object, PREFIX "start"),
		.handle = (handle_function *)dlsym(object, PREFIX "handle_request"),
		.stop = (stop_function *)dlsym(object, PREFIX "stop"),
	};
	return ret->handle ? 0
			   : error_set(err, 0, "%s has no function " PREFIX "handle_request", path);
}

int plugin_list_load(const char *paths, struct arena *arena, struct plugin_list *ret,
		     struct error *err)
{
	struct plugin_list list = { .plugins = arena_array(arena, strlen(paths) + 1,
							   sizeof(*list.plugins), err) };

	if (!list.plugins)
		return -1;
	for (const char *end; *paths; paths = end + (*end == ':')) {
		end = strchrnul(paths, ':');
		const char *path = arena_strndup(arena, paths, (size_t)(end - paths), err);
		if (!path || load(path, &list.plugins[list.n++], err) < 0)
			return -1;
	}
	*ret = list;
	return 0;
}

int plugin_list_start(struct plugin_list *list, struct plugin_container *container,
		      struct error *err)
{
	for (size_t i = 0; i < list->n; i++) {
		struct plugin *plugin = &list->plugins[i];
		int rc = plugin->start
				 ? plugin->start(&plugin->opaque, container, sizeof(*container))
				 : 0;
		if (rc != 0)
			return error_set(err, 0, "%s did not start: %d", plugin->path, rc);
	}
	return 0;
}

void plugin_list_stop(const struct plugin_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->plugins[i].stop)
			(void)list->plugins[i].stop(list->plugins[i].opaque);
}

/* ---- answering ---------------------------------------------------------------------------- */

/* The kernel's structs may be longer than those that we know. */
struct exchange {
	struct seccomp_notif_sizes sizes;
	struct seccomp_notif *request;
	struct seccomp_notif_resp *response;
};

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static int prepare(struct exchange *ret, struct arena *arena, struct error *err)
{
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &ret->sizes) < 0)
		return error_set(err, errno, "seccomp(SECCOMP_GET_NOTIF_SIZES)");
	ret->sizes.seccomp_notif =
		(uint16_t)larger(ret->sizes.seccomp_notif, sizeof(*ret->request));
	ret->sizes.seccomp_notif_resp =
		(uint16_t)larger(ret->sizes.seccomp_notif_resp, sizeof(*ret->response));
	ret->request = arena_alloc(arena, ret->sizes.seccomp_notif, err);
	ret->response = arena_alloc(arena, ret->sizes.seccomp_notif_resp, err);
	return ret->request && ret->response ? 0 : -1;
}

/* The plugins in turn; *ret is what has become of it. */
static int ask(const struct plugin_list *list, struct exchange *exchange, int listener, int *ret,
	       struct error *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct plugin *plugin = &list->plugins[i];
		int handled = PLUGIN_NOT_HANDLED;
		int rc = plugin->handle(plugin->opaque, &exchange->sizes, exchange->request,
					exchange->response, listener, &handled);

		if (rc != 0)
			return error_set(err, 0, "%s failed: %d", plugin->path, rc);
		if (handled < PLUGIN_NOT_HANDLED || handled > PLUGIN_CONTINUE)
			return error_set(err, 0, "%s: an answer of an unknown kind: %d",
					 plugin->path, handled);
		if (handled != PLUGIN_NOT_HANDLED) {
			*ret = handled;
			return 0;
		}
	}
	*ret = PLUGIN_NOT_HANDLED;
	return 0;
}

/* One question, if there still is one: who asked may have been killed at any moment (ENOENT). */
static int answer(const struct plugin_list *list, struct exchange *exchange, int listener,
		  struct error *err)
{
	int kind;

	memset(exchange->request, 0, exchange->sizes.seccomp_notif);
	memset(exchange->response, 0, exchange->sizes.seccomp_notif_resp);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, exchange->request) < 0)
		return errno == ENOENT || errno == EINTR
			       ? 0
			       : error_set(err, errno, "receive what the filter asks");
	if (ask(list, exchange, listener, &kind, err) < 0)
		return -1;
	if (kind == PLUGIN_DELAYED)
		return 0;
	if (kind == PLUGIN_CONTINUE)
		exchange->response->flags |= SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (kind == PLUGIN_NOT_HANDLED)
		*exchange->response = (struct seccomp_notif_resp){ .error = -ENOTSUP };
	exchange->response->id = exchange->request->id;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, exchange->response) < 0 && errno != ENOENT)
		return error_set(err, errno, "answer system call %d", exchange->request->data.nr);
	return 0;
}

int plugin_list_serve(const struct plugin_list *list, int listener, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct exchange exchange = { 0 };

	if (prepare(&exchange, &arena, err) < 0)
		return -1;
	for (;;) {
		struct pollfd poller = { .fd = listener, .events = POLLIN };

		if (poll(&poller, 1, -1) < 0) {
			if (errno == EINTR)
				continue;
			return error_set(err, errno, "wait for what the filter asks");
		}
		if (!(poller.revents & POLLIN))
			return 0;
		if (answer(list, &exchange, listener, err) < 0)
			return -1;
	}
}
