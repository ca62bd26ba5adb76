/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/lsm.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

static const char unconfined[] = "unconfined";

bool lsm_apparmor_enabled(void)
{
	char text[4];
	ssize_t n = fd_read_short(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", text,
				  sizeof(text));

	/* Only root may read it: if it is there, the write will tell. */
	return n > 0 ? *text == 'Y' : n < 0 && errno == EACCES;
}

bool lsm_selinux_enabled(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 && fs.f_type == SELINUX_MAGIC;
}

/* "unconfined" is what everything is where there is no AppArmor. */
static const char *profile_of(const struct spec_process *process)
{
	const char *profile = process->apparmor_profile;

	if (!profile || !*profile || (str_equal(profile, unconfined) && !lsm_apparmor_enabled()))
		return NULL;
	return profile;
}

static const char *label_of(const struct spec_process *process)
{
	return process->selinux_label && *process->selinux_label ? process->selinux_label : NULL;
}

static int check(const char *key, const char *value, bool enabled, const char *system,
		 struct error *err)
{
	if (!value)
		return 0;
	if (strpbrk(value, "\n\r"))
		return error_set(err, 0, "%s has a line break", key);
	if (!enabled)
		return error_set(err, 0, "%s is \"%s\", but %s is not enabled on this machine", key,
				 value, system);
	return 0;
}

int lsm_check(const struct spec_process *process, struct error *err)
{
	const char *profile = profile_of(process), *label = label_of(process);

	if (check("process.apparmorProfile", profile, !profile || lsm_apparmor_enabled(),
		  "AppArmor", err) < 0)
		return -1;
	return check("process.selinuxLabel", label, !label || lsm_selinux_enabled(), "SELinux",
		     err);
}

static int apply_profile(const char *profile, int procfs, pid_t pid, struct error *err)
{
	char path[64], text[4096];
	int n = snprintf(text, sizeof(text), "exec %s", profile);

	if (n < 0 || (size_t)n >= sizeof(text))
		return error_set(err, ENAMETOOLONG, "AppArmor profile");
	/* The file of its own is what to use where several modules share attr/exec (Linux 5.8). */
	(void)snprintf(path, sizeof(path), "%d/attr/apparmor/exec", (int)pid);
	if (path_write_procfs(procfs, path, text, err) == 0)
		return 0;
	if (err->code == ENOENT && faccessat(procfs, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		(void)snprintf(path, sizeof(path), "%d/attr/exec", (int)pid);
		if (path_write_procfs(procfs, path, text, err) == 0)
			return 0;
	}
	error_wrap(err, "apply AppArmor profile \"%s\"", profile);
	if (err->code == ENOENT)
		error_hint(err, "is the profile loaded? aa-status lists them");
	return -1;
}

static int apply_label(const char *label, int procfs, pid_t pid, struct error *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/attr/exec", (int)pid);
	if (path_write_procfs(procfs, path, label, err) < 0)
		return error_wrap(err, "apply SELinux label \"%s\"", label);
	return 0;
}

int lsm_apply(const struct spec_process *process, int procfs, pid_t host_pid, struct error *err)
{
	const char *profile = profile_of(process), *label = label_of(process);

	if (profile && apply_profile(profile, procfs, host_pid, err) < 0)
		return -1;
	if (label && apply_label(label, procfs, host_pid, err) < 0)
		return -1;
	return 0;
}

static int read_label(const char *path, int procfs, char *ret, size_t size, struct error *err)
{
	cleanup_fd int file = path_open_in_procfs(procfs, path, O_RDONLY, err);

	if (file < 0)
		return -1;
	ssize_t n = read(file, ret, size - 1);
	if (n < 0)
		return error_set(err, errno, "read /proc/%s", path);
	ret[n] = '\0';
	/* "profile (enforce)\n"; SELinux's ends with a NUL. */
	ret[strcspn(ret, " \n")] = '\0';
	return 0;
}

int lsm_read(const struct spec_process *process, int procfs, pid_t pid, struct arena *arena,
	     char **ret, struct error *err)
{
	char path[64], text[4096];

	*ret = NULL;
	if (!process || (!profile_of(process) && !label_of(process)))
		return 0;
	(void)snprintf(path, sizeof(path), "%d/attr/apparmor/current", (int)pid);
	if (label_of(process) || faccessat(procfs, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		(void)snprintf(path, sizeof(path), "%d/attr/current", (int)pid);
	if (read_label(path, procfs, text, sizeof(text), err) < 0)
		return -1;
	*ret = arena_strdup(arena, text, err);
	return *ret ? 0 : -1;
}
