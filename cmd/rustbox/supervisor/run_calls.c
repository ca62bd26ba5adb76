/* SPDX-License-Identifier: Apache-2.0 */
/* The task API, called in this process. */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/supervisor/supervisor_parts.h"
#include "proto/options.pb-c.h"
#include "shim/task_service.h"

int run_call(struct supervisor *s, const char *method, const ProtobufCMessage *request,
	     ttrpc_local_done *done, void *data, struct error *err)
{
	return ttrpc_call_local(s->ttrpc, task_service_list(&s->tasks)[0], method, request, done,
				data, err);
}

/* Messages have texts that are not const; they are only read. */
static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* <run>/<id>: the runtime's state is below it, and goes with it. */
static int fill_options(const struct supervisor *s, struct str *packed)
{
	Containerd__Runc__V1__Options options = CONTAINERD__RUNC__V1__OPTIONS__INIT;
	uint8_t bytes[sizeof(s->runtime_root) + 64];

	options.root = text(s->runtime_root);
	str_add_bytes(packed, bytes, containerd__runc__v1__options__pack(&options, bytes));
	return packed->failed ? -1 : 0;
}

int run_call_create(struct supervisor *s, const char *checkpoint, ttrpc_local_done *done,
		    struct error *err)
{
	Containerd__Task__V2__CreateTaskRequest request =
		CONTAINERD__TASK__V2__CREATE_TASK_REQUEST__INIT;
	Containerd__Types__Mount mount = CONTAINERD__TYPES__MOUNT__INIT, *mounts[] = { &mount };
	Google__Protobuf__Any options = GOOGLE__PROTOBUF__ANY__INIT;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str packed = STR_EMPTY;
	struct bundle_rootfs rootfs = { 0 };
	cleanup_free char *bundle = store_path(s->store, "bundles", s->id, NULL, err);

	if (!bundle || bundle_rootfs_mount(s->store, s->record, &arena, &rootfs, err) < 0)
		return -1;
	if (fill_options(s, &packed) < 0)
		return error_memory(err);
	options.type_url = text(containerd__runc__v1__options__descriptor.name);
	options.value = (ProtobufCBinaryData){ packed.size, (uint8_t *)packed.text };
	request.id = text(s->id);
	request.bundle = bundle;
	request.terminal = s->record->tty;
	request.options = &options;
	request.checkpoint = text(checkpoint ? checkpoint : "");
	if (rootfs.type) {
		mount.type = rootfs.type;
		mount.source = rootfs.source ? rootfs.source : text("");
		mount.target = rootfs.target ? rootfs.target : text("");
		mount.options = rootfs.options;
		mount.n_options = rootfs.n_options;
		request.rootfs = mounts;
		request.n_rootfs = 1;
	}
	return run_call(s, "Create", &request.base, done, s, err);
}

int run_call_start(struct supervisor *s, const char *exec_id, ttrpc_local_done *done, void *data,
		   struct error *err)
{
	Containerd__Task__V2__StartRequest request = CONTAINERD__TASK__V2__START_REQUEST__INIT;

	request.id = text(s->id);
	request.exec_id = text(exec_id);
	return run_call(s, "Start", &request.base, done, data, err);
}

int run_call_delete(struct supervisor *s, const char *exec_id, ttrpc_local_done *done, void *data,
		    struct error *err)
{
	Containerd__Task__V2__DeleteRequest request = CONTAINERD__TASK__V2__DELETE_REQUEST__INIT;

	request.id = text(s->id);
	request.exec_id = text(exec_id);
	return run_call(s, "Delete", &request.base, done, data, err);
}

int run_call_kill(struct supervisor *s, const char *exec_id, int signal, bool all,
		  ttrpc_local_done *done, void *data, struct error *err)
{
	Containerd__Task__V2__KillRequest request = CONTAINERD__TASK__V2__KILL_REQUEST__INIT;

	request.id = text(s->id);
	request.exec_id = text(exec_id);
	request.signal = (uint32_t)signal;
	request.all = all;
	return run_call(s, "Kill", &request.base, done, data, err);
}

/* A root that got no room for its work folder is mounted read-only, whatever was asked for. */
static bool is_want_of_room(const struct supervisor *s, const char *failure)
{
	enum { LEAST_BLOCKS = 16 };
	struct statvfs disk;

	return (strstr(failure, strerror(EROFS)) || strstr(failure, strerror(ENOSPC))) &&
	       fstatvfs(s->store->root_fd, &disk) == 0 && disk.f_bavail < LEAST_BLOCKS;
}

void run_explain_failure(const struct supervisor *s, const char *failure, struct str *ret)
{
	if (is_want_of_room(s, failure))
		str_add_format(ret, "%s: %s: no space left on this disk (make room there)", failure,
			       s->store->root);
}

/* The runtime's messages about what it was to execute begin with "exec". */
int run_exit_code(const char *failure)
{
	const char *exec = strstr(failure, "exec: \"");

	if (!exec)
		exec = strstr(failure, "exec /");
	if (!exec)
		return EXIT_ENGINE;
	return strstr(exec, "not found") || strstr(exec, "o such file") ? EXIT_NOT_FOUND
									: EXIT_NOT_EXECUTABLE;
}
