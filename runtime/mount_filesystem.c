/* SPDX-License-Identifier: Apache-2.0 */
/* New mounts of a file system, by fsopen(2) and its kin. */
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/mount_entry.h"

enum { FSCONFIG_TEXT_MAX = 255 };

/* Appends what the kernel itself has to say ("e overlay: …"), which is more than an errno. */
static int add_kernel_messages(int context, struct error *err)
{
	char line[512];
	ssize_t n;

	while ((n = read(context, line, sizeof(line) - 1)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		line[n] = '\0';
		if (line[0] == 'e' || line[0] == 'w')
			error_hint(err, "%s", line + (n > 2 ? 2 : 0));
	}
	return -1;
}

/* The commonest reason that the kernel keeps to itself, here or when it makes the file system. */
static void explain_ids(const struct mount_parameter *parameters, size_t count, struct error *err)
{
	bool has_ids = false;

	for (size_t i = 0; i < count; i++)
		has_ids |=
			str_equal(parameters[i].key, "gid") || str_equal(parameters[i].key, "uid");
	if (has_ids && err->code == EINVAL)
		error_hint(err, "an id that is not mapped in the container's user namespace?");
}

static int set_parameter(int context, const char *type, const struct mount_parameter *parameter,
			 struct error *err)
{
	const char *key = parameter->key, *value = parameter->value;

	if (value && fsconfig(context, FSCONFIG_SET_STRING, key, value, 0) < 0)
		error_set(err, errno, "%s: option %s=%s", type, key, value);
	else if (!value && fsconfig(context, FSCONFIG_SET_FLAG, key, NULL, 0) < 0)
		error_set(err, errno, "%s: option %s", type, key);
	else
		return 0;
	explain_ids(parameter, 1, err);
	return add_kernel_messages(context, err);
}

static int set_parameters(int context, const struct mount_filesystem *fs, struct error *err)
{
	const struct mount_parameter read_only = { .key = "ro" };

	for (size_t i = 0; i < fs->n_parameters; i++) {
		if (set_parameter(context, fs->type, &fs->parameters[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < sizeof(fs->extra) / sizeof(fs->extra[0]); i++) {
		if (fs->extra[i].key && set_parameter(context, fs->type, &fs->extra[i], err) < 0)
			return -1;
	}
	return fs->read_only_superblock ? set_parameter(context, fs->type, &read_only, err) : 0;
}

int mount_filesystem_open(const struct mount_filesystem *fs, struct error *err)
{
	const struct mount_parameter source = { .key = "source", .value = fs->source };
	cleanup_fd int context = fsopen(fs->type, FSOPEN_CLOEXEC);
	int mount;

	if (context < 0 && errno == ENODEV)
		return error_set(err, ENODEV, "the kernel knows no file system type \"%s\"",
				 fs->type);
	if (context < 0)
		return error_set(err, errno, "%s: fsopen", fs->type);
	if (fs->source && *fs->source && set_parameter(context, fs->type, &source, err) < 0)
		return -1;
	if (set_parameters(context, fs, err) < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		error_set(err, errno, "%s: create the file system", fs->type);
		explain_ids(fs->parameters, fs->n_parameters, err);
		return add_kernel_messages(context, err);
	}
	mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned int)fs->flags);
	if (mount < 0) {
		error_set(err, errno, "%s: fsmount", fs->type);
		return add_kernel_messages(context, err);
	}
	return mount;
}

int mount_filesystem_reconfigure(const struct mount_filesystem *fs, int target, struct error *err)
{
	cleanup_fd int context =
		fspick(target, "", FSPICK_CLOEXEC | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH);

	if (context < 0)
		return error_set(err, errno, "remount: fspick");
	if (set_parameters(context, fs, err) < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0) {
		error_set(err, errno, "remount: reconfigure the file system");
		return add_kernel_messages(context, err);
	}
	return 0;
}

bool mount_filesystem_needs_mount(const struct mount_filesystem *fs)
{
	for (size_t i = 0; i < fs->n_parameters; i++) {
		const char *value = fs->parameters[i].value;

		if (value && strlen(value) > FSCONFIG_TEXT_MAX)
			return true;
	}
	return fs->source && strlen(fs->source) > FSCONFIG_TEXT_MAX;
}

static char *data_for_mount(const struct mount_filesystem *fs, unsigned long *flags,
			    struct error *err)
{
	cleanup_str struct str data = STR_EMPTY;

	for (size_t i = 0; i < fs->n_parameters; i++) {
		const struct mount_parameter *p = &fs->parameters[i];

		if (p->is_generic) {
			*flags |= mount_api_old_flags(0, p->key);
			continue;
		}
		str_add(&data, data.size ? "," : "");
		str_add(&data, p->key);
		if (p->value)
			str_add_format(&data, "=%s", p->value);
	}
	return str_take(&data, err);
}

/*
 * A descriptor is made the current directory for a moment, so that mount(2)
 * gets its target by "." and no name is looked up again.
 */
int mount_filesystem_mount(const struct mount_filesystem *fs, int target, struct error *err)
{
	unsigned long flags = mount_api_old_flags(fs->flags, NULL);
	cleanup_free char *data = data_for_mount(fs, &flags, err);
	/* The bundle, which may be closed to the ids of a user namespace: that is not gone back to.
	 */
	cleanup_fd int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (!data)
		return -1;
	if (fchdir(target) < 0)
		return error_set(err, errno, "change directory");
	result = mount(fs->source ? fs->source : "none", ".", fs->type, flags, data);
	if (result < 0)
		error_set(err, errno, "mount %s", fs->type);
	if ((here < 0 || fchdir(here) < 0) && chdir("/") < 0)
		return error_set(err, errno, "change directory back");
	return result;
}
