/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/task_bundle.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "oci/json.h"
#include "shim/bundle_lock.h"

/* The few members of config.json that a supervisor needs. */
struct config_namespace {
	char *type, *path;
};
struct config_linux {
	struct config_namespace *namespaces;
	size_t n_namespaces;
	char *cgroups_path;
};
struct config {
	struct config_linux *linux_part;
};

static const struct json_field namespace_fields[] = {
	FIELD(config_namespace, type, "type"),
	FIELD(config_namespace, path, "path"),
	{ NULL },
};
static const struct json_type namespace_type = { sizeof(struct config_namespace), namespace_fields,
						 NULL };
static const struct json_field linux_fields[] = {
	ARRAY(config_linux, namespaces, "namespaces", &namespace_type),
	FIELD(config_linux, cgroups_path, "cgroupsPath"),
	{ NULL },
};
static const struct json_type linux_type = { sizeof(struct config_linux), linux_fields, NULL };
static const struct json_field config_fields[] = {
	OBJECT(config, linux_part, "linux", &linux_type),
	{ NULL },
};
static const struct json_type config_type = { sizeof(struct config), config_fields, NULL };

static bool has_own_pids(const struct config_linux *config)
{
	for (size_t i = 0; config && i < config->n_namespaces; i++)
		if (str_equal(config->namespaces[i].type, "pid"))
			return !config->namespaces[i].path;
	return false;
}

/* "slice:prefix:name", which clients write for a systemd manager without saying so. */
static bool is_systemd_path(const char *path)
{
	size_t colons = 0;

	if (!path)
		return false;
	for (const char *p = path; *p; p++) {
		if (*p == '/')
			return false;
		colons += *p == ':';
	}
	return colons == 2;
}

/* Only a file: reading a FIFO would keep all containers waiting. */
static int read_text(int directory, const char *name, char **ret_text, size_t *ret_size,
		     struct error *err)
{
	cleanup_fd int fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, errno, "open");
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "not a regular file");
	return fd_read_all(fd, name, JSON_SIZE_MAX, ret_text, ret_size, err);
}

static int read_config(struct task *task, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_free char *text = NULL;
	struct config config = { NULL };
	size_t size;

	if (read_text(task->directory, "config.json", &text, &size, err) < 0)
		return error_wrap(err, "read %s/config.json", task->bundle);
	if (json_read(&config_type, text, size, &config, &arena, err) < 0) {
		err->code = EINVAL;
		return error_wrap(err, "%s/config.json", task->bundle);
	}
	task->rest = has_own_pids(config.linux_part) ? REST_NONE : REST_LIVES;
	if (config.linux_part && is_systemd_path(config.linux_part->cgroups_path))
		task->options.systemd_cgroup = true;
	return 0;
}

static int open_unlocked(const char *bundle, struct error *err)
{
	int fd = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_set(err, errno, "open the bundle %s", bundle) : fd;
}

static int open_directory(struct task *task, struct error *err)
{
	const struct task_service *service = task->service;

	task->directory = service->lock ? open_unlocked(task->bundle, err)
					: bundle_lock_open(task->bundle, err);
	task->files = service->files ? *service->files : task->directory;
	return task->directory < 0 ? -1 : 0;
}

int task_open_bundle(struct task *task, const Google__Protobuf__Any *options, struct error *err)
{
	if (open_directory(task, err) < 0)
		return -1;
	if (runtime_options_read(options, &task->arena, &task->options, err) < 0) {
		err->code = EINVAL;
		return error_wrap(err, "the runtime options");
	}
	if (read_config(task, err) < 0)
		return -1;
	/* For the action `delete`, when we have been killed; whoever has his own lock has his own.
	 */
	return task->service->lock ? 0 : runtime_options_save(task->directory, &task->options, err);
}
