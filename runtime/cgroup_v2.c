/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of the cgroup2 hierarchy (cgroup-v2.rst). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"

/* ---- making ------------------------------------------------------------------------------- */

/* True when the word is in a list separated by spaces. */
static bool has_word(const char *list, const char *word, size_t n)
{
	for (const char *at = list; *at;) {
		size_t m = strcspn(at, " ");
		if (m == n && memcmp(at, word, n) == 0)
			return true;
		at += m + (at[m] == ' ');
	}
	return false;
}

/* "+a +b" of what is available but not enabled. */
static char *missing_controllers(const char *available, const char *enabled, struct error *err)
{
	cleanup_str struct str wanted = STR_EMPTY;

	for (const char *at = available; *at;) {
		size_t n = strcspn(at, " ");
		if (n > 0 && !has_word(enabled, at, n))
			str_add_format(&wanted, "%s+%.*s", wanted.size ? " " : "", (int)n, at);
		at += n + (at[n] == ' ');
	}
	return str_take(&wanted, err);
}

static void enable_one_by_one(const struct cgroup_dir *dir, char *wanted)
{
	struct error ignored;

	for (char *at = wanted; *at;) {
		size_t n = strcspn(at, " ");
		char *next = at + n + (at[n] == ' ');
		at[n] = '\0';
		if (cgroup_write(dir, "cgroup.subtree_control", at, &ignored) < 0)
			log_debug("%s", ignored.text);
		at = next;
	}
}

/*
 * Lets the children of a directory have all controllers that it has itself.
 * What cannot be enabled (processes in the directory, not delegated, real-time
 * tasks) is no error: the limit that needs it will say so. Reads first, because
 * the write takes the kernel's big lock even when it changes nothing.
 */
int cgroup_v2_enable(const char *path, struct error *err)
{
	cleanup_cgroup_dir struct cgroup_dir dir = { -1, path, "" };
	char available[512], enabled[512];
	struct error ignored;

	dir.fd = cgroup_open(path, O_RDONLY | O_DIRECTORY);
	if (dir.fd < 0)
		return error_set(err, errno, "open %s", path);
	if (fd_read_short(dir.fd, "cgroup.controllers", available, sizeof(available)) < 0 ||
	    fd_read_short(dir.fd, "cgroup.subtree_control", enabled, sizeof(enabled)) < 0)
		return errno == ENOENT ? 0
				       : error_set(err, errno, "read the controllers of %s", path);
	cleanup_free char *wanted = missing_controllers(available, enabled, err);
	if (!wanted)
		return -1;
	if (*wanted && cgroup_write(&dir, "cgroup.subtree_control", wanted, &ignored) < 0)
		enable_one_by_one(&dir, wanted);
	return 0;
}

/* How much of the path is the mount: up to the first directory that is a cgroup2. */
static size_t mount_length(const struct cgroup_machine *machine, const char *path)
{
	size_t n = strlen(machine->root);

	if (strncmp(path, machine->root, n) != 0 || path[n] != '/')
		n = 0;
	for (;;) {
		cleanup_free char *file = str_format(&(struct error){ 0 },
						     "%.*s/cgroup.subtree_control", (int)n, path);
		if (file && cgroup_exists(file))
			return n;
		if (path[n] == '\0')
			return n;
		n += 1 + strcspn(path + n + 1, "/");
	}
}

/* The kernel made it unusable because an ancestor has processes and controllers of its own. */
static int check_type(const struct cgroup_directory *directory, struct error *err)
{
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;
	char type[32];

	if (cgroup_dir_open(directory, &dir) < 0)
		return error_set(err, errno, "open %s", directory->path);
	if (fd_read_short(dir.fd, "cgroup.type", type, sizeof(type)) < 0)
		return 0;
	if (!str_equal(type, "domain invalid"))
		return 0;
	/* Threaded it can at least hold processes; limits of the domain kind will be refused. */
	if (cgroup_write(&dir, "cgroup.type", "threaded", err) < 0) {
		error_wrap(err, "the cgroup is in the state \"domain invalid\"");
		return error_hint(err, "a cgroup above it is threaded");
	}
	return 0;
}

/* Makes what is below the first `end` bytes of the path, which is changed meanwhile. */
static int make_below(char *path, size_t end, size_t *ret_made, struct error *err)
{
	while (path[end]) {
		size_t made = 0, next = end + 1 + strcspn(path + end + 1, "/");
		char after = path[next];

		path[end] = '\0';
		if (cgroup_v2_enable(path, err) < 0)
			goto failed;
		path[end] = '/';
		path[next] = '\0';
		if (cgroup_make_path(path, &made, err) < 0) {
			path[end] = '\0';
			goto failed;
		}
		path[next] = after;
		*ret_made = made ? *ret_made + made : 0;
		end = next;
	}
	return 0;

failed: /* the path ends now in what was made last */
	cgroup_unmake(path, *ret_made);
	*ret_made = 0;
	return -1;
}

int cgroup_v2_make(const struct cgroup_machine *machine, const struct cgroup_directory *directory,
		   size_t *ret_made, struct error *err)
{
	cleanup_free char *path = strdup(directory->path);

	*ret_made = 0;
	if (!path)
		return error_memory(err);
	if (make_below(path, mount_length(machine, path), ret_made, err) < 0)
		return -1;
	return check_type(directory, err);
}

/* ---- the freezer -------------------------------------------------------------------------- */

int cgroup_v2_frozen(const struct cgroup_dir *dir, struct error *err)
{
	char text[8];

	if (fd_read_short(dir->fd, "cgroup.freeze", text, sizeof(text)) < 0)
		return errno == ENOENT || errno == ENODEV
			       ? 0
			       : error_set(err, errno, "read %s/cgroup.freeze", dir->path);
	return str_equal(text, "1");
}

int cgroup_v2_freeze(const struct cgroup_dir *dir, bool frozen, int64_t deadline_ms,
		     struct error *err)
{
	if (cgroup_write(dir, "cgroup.freeze", frozen ? "1" : "0", err) < 0)
		return -1;
	/* Thawing is done when it was written, unless an ancestor is frozen, too. */
	if (!frozen)
		return 0;
	int r = cgroup_wait_event(dir, "frozen", 1, deadline_ms, err);
	return r != 0 ? (r > 0 ? 0 : -1) : error_set(err, ETIMEDOUT, "freeze %s", dir->path);
}
