/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "oci/json.h"
#include "shim/bootstrap.h"
#include "shim/bootstrap_input.h"
#include "shim/launch.h"
#include "shim/socket_address.h"

#define ADDRESS_FILE	 "address" /* older containerds read it after a restart */
#define SOCKET_DIRECTORY "s"

/* As much of config.json as is wanted here. */
struct annotated {
	struct json_pair *annotations;
	size_t n_annotations;
};
static const struct json_field annotated_fields[] = {
	PAIRS(annotated, annotations, "annotations"),
	{ NULL },
};
static const struct json_type annotated_type = { sizeof(struct annotated), annotated_fields, NULL };

/* The annotations that name a group, in the order in which they count. */
static const char *const group_keys[] = { "io.containerd.rustbox.v1.group",
					  "io.containerd.runc.v2.group",
					  "io.kubernetes.cri.sandbox-id", NULL };

static const char *find_annotation(const struct annotated *config, const char *key)
{
	for (size_t i = 0; i < config->n_annotations; i++)
		if (str_equal(config->annotations[i].key, key) && *config->annotations[i].value)
			return config->annotations[i].value;
	return NULL;
}

/* NULL with err. A bundle without a configuration (not ours to judge) is a group of its own. */
static const char *read_group(const char *id, struct arena *arena, struct error *err)
{
	struct annotated config = { 0 };
	cleanup_free char *text = NULL;
	const char *group = NULL;
	size_t size;

	if (fd_read_file(AT_FDCWD, "config.json", JSON_SIZE_MAX, &text, &size, err) < 0)
		return err->code == ENOENT ? id : NULL;
	if (json_read(&annotated_type, text, size, &config, arena, err) < 0)
		return error_wrap(err, "config.json"), NULL;
	for (size_t i = 0; group_keys[i] && !group; i++)
		group = find_annotation(&config, group_keys[i]);
	return group ? group : id;
}

/* In the bundle: the address, and where sockets are when that is not the usual folder. */
static int remember(const struct bootstrap_input *input, const char *address, struct error *err)
{
	if (fd_replace_file(AT_FDCWD, ADDRESS_FILE, address, strlen(address), 0644, err) < 0)
		return -1;
	if (str_equal(input->socket_directory, SOCKET_ADDRESS_DIRECTORY))
		return 0;
	if (symlink(input->socket_directory, SOCKET_DIRECTORY) < 0 && errno != EEXIST)
		return error_set(err, errno, "symlink " SOCKET_DIRECTORY " to %s",
				 input->socket_directory);
	return 0;
}

static int print(const char *address, struct error *err)
{
	return fd_write_all(STDOUT_FILENO, "standard output", address, strlen(address), err);
}

/* Behind the socket, which is bound: on failure the caller undoes that. */
static int serve(const struct bootstrap_input *input, const char *address, int listener,
		 struct error *err)
{
	pid_t pid;

	if (remember(input, address, err) < 0)
		return -1;
	if (input->ttrpc_address && setenv("TTRPC_ADDRESS", input->ttrpc_address, 1) < 0)
		return error_memory(err);
	if (launch_server(&input->flags, listener, input->options.shim_cgroup, &pid, err) < 0)
		return -1;
	if (print(address, err) < 0) {
		process_kill_and_reap(pid);
		return -1;
	}
	return 0;
}

static int start(const struct bootstrap_input *input, struct arena *arena, struct error *err)
{
	const char *containerd = input->flags.address ? input->flags.address : "";
	const char *group = read_group(input->flags.id, arena, err);
	cleanup_free char *path = NULL, *address = NULL;
	cleanup_fd int listener = -1;
	struct error ignored;
	int taken;

	if (!group)
		return -1;
	path = socket_address_path(input->socket_directory, containerd, input->flags.namespace,
				   group, err);
	address = path ? str_format(err, SOCKET_ADDRESS_SCHEME "%s", path) : NULL;
	if (!address)
		return -1;
	taken = socket_address_listen(path, &listener, err);
	if (taken < 0)
		return -1;
	if (taken)
		return remember(input, address, err) < 0 ? -1 : print(address, err);
	if (serve(input, address, listener, err) == 0)
		return 0;
	(void)unlink(ADDRESS_FILE);
	(void)unlink(SOCKET_DIRECTORY);
	fd_close(&listener);
	(void)socket_address_remove_stale(path, &ignored);
	return -1;
}

/* containerd reads standard error as a part of the address. The server will say it again. */
static void drop_log(void *data, enum log_level level, const char *text)
{
}

int bootstrap_start(const struct shim_flags *flags, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_free char *data = NULL;
	struct bootstrap_input input;
	size_t size = 0;
	int result = -1;

	log_redirect(drop_log, NULL);
	if (bootstrap_input_receive(&data, &size, err) == 0 &&
	    bootstrap_input_read(flags, data, size, &arena, &input, err) == 0)
		result = start(&input, &arena, err);
	log_redirect(NULL, NULL);
	return result;
}
