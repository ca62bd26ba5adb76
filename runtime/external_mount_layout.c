/* SPDX-License-Identifier: Apache-2.0 */
/* The half of external_mount.h that a restore needs: where CRIU finds the mounts. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/external_mount.h"
#include "runtime/mount_entry.h"

void external_mounts_path(size_t i, char path[EXTERNAL_MOUNTS_PATH_SIZE])
{
	(void)snprintf(path, EXTERNAL_MOUNTS_PATH_SIZE, "/tmp/%zu", i);
}

/*
 * The tree in which a target has to be: of the mount that it lies below, -1 when
 * CRIU restores what is in there itself, else the root.
 */
static int tree_of_target(const struct mount_plan *plan, size_t i, const char **ret_rest)
{
	const char *destination = plan->entries[i].destination;

	for (size_t j = i; j > 0; j--) {
		const struct mount_plan_entry *earlier = &plan->entries[j - 1];
		const char *rest = external_mounts_below(destination, earlier->destination);

		if (!rest)
			continue;
		*ret_rest = rest;
		return *rest ? earlier->tree : -1;
	}
	*ret_rest = destination;
	return plan->root_tree;
}

int external_mounts_make_targets(const struct external_mounts *mounts, struct error *err)
{
	const struct mount_plan *plan = &mounts->plan;

	for (size_t i = 0; i < plan->n_entries; i++) {
		const struct mount_plan_entry *entry = &plan->entries[i];
		enum path_kind kind = PATH_DIRECTORY;
		const char *rest;
		struct stat st;
		int tree = tree_of_target(plan, i, &rest);

		if (tree < 0 || str_equal(rest, "/"))
			continue;
		if (entry->tree >= 0 && fstat(entry->tree, &st) == 0 && !S_ISDIR(st.st_mode))
			kind = PATH_FILE;
		cleanup_fd int made = path_make_in_root(tree, rest, kind, err);
		if (made < 0)
			return error_wrap(err, "mounts[%zu]: make the target %s", i,
					  entry->destination);
	}
	return 0;
}

static int make_place(const char *path, bool is_directory, struct error *err)
{
	cleanup_fd int made = -1;

	if (is_directory) {
		if (mkdir(path, 0700) < 0)
			return error_set(err, errno, "mkdir %s", path);
	} else {
		made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (made < 0)
			return error_set(err, errno, "make %s", path);
	}
	int target = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return target < 0 ? error_set(err, errno, "open %s", path) : target;
}

static int lay_at(int tree, const char *path, bool is_directory, struct error *err)
{
	cleanup_fd int target = make_place(path, is_directory, err);

	return target < 0 ? -1 : mount_api_attach(tree, target, err);
}

/* A mount that came along with a recursive bind, from that one's place. */
static int lay_below(const struct external_source *source, const char *rest, const char *path,
		     struct error *err)
{
	struct mount_place place;
	cleanup_fd int fd = path_open_in_root(source->fd, rest, O_PATH | O_NOFOLLOW, err);

	if (fd < 0 || mount_api_look(fd, &place, err) < 0)
		return -1;
	if (!place.is_root)
		return error_set(err, ENOENT, "nothing is mounted at %s of the source", rest);
	cleanup_fd int tree = mount_api_clone(fd, "", false);
	if (tree < 0)
		return error_set(err, errno, "clone the mount at %s of the source", rest);
	return lay_at(tree, path, S_ISDIR(place.mode), err);
}

static bool is_named(const struct external_source *source, const char *name, const char **ret_rest)
{
	size_t n = strlen(source->name);

	if (!name || strncmp(name, source->name, n) != 0 ||
	    (name[n] && (name[n] != '/' || !source->recursive)))
		return false;
	*ret_rest = name + n + (name[n] == '/');
	return true;
}

static const struct external_source *find_by_name(const struct external_mounts *mounts,
						  const char *name, const char **ret_rest)
{
	for (size_t i = 0; i < mounts->n_sources; i++)
		if (is_named(&mounts->sources[i], name, ret_rest))
			return &mounts->sources[i];
	return NULL;
}

bool external_mounts_is_first(const struct external_mount *mounts, size_t i)
{
	for (size_t j = 0; mounts[i].name && j < i; j++)
		if (str_equal(mounts[j].name, mounts[i].name))
			return false;
	return mounts[i].name != NULL;
}

static int tell_unknown(const struct external_mount *mount, struct error *err)
{
	static const char prefix[] = "rustbox-mount-";
	const char *name = mount->name;
	bool is_numbered = str_starts_with(name, prefix) && !strchr(name + strlen(prefix), '-');

	error_set(err, ENOENT, "the checkpoint has a mount %s (%s) that config.json does not have",
		  mount->point, name);
	return is_numbered ? error_hint(err, "an earlier version, which named mounts by their "
					     "numbers, has made it: restore it with that one")
			   : -1;
}

/* Whole sources first: what lies below one is taken from where it has been laid. */
static int lay_all(const struct external_mounts *mounts, const struct external_mount *wanted,
		   size_t count, bool from_below, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *rest = "";
		const struct external_source *source = find_by_name(mounts, wanted[i].name, &rest);
		char path[EXTERNAL_MOUNTS_PATH_SIZE];
		int rc;

		if (!external_mounts_is_first(wanted, i))
			continue;
		if (!source)
			return tell_unknown(&wanted[i], err);
		if (from_below != (*rest != '\0'))
			continue;
		external_mounts_path(i, path);
		rc = *rest ? lay_below(source, rest, path, err)
			   : lay_at(source->fd, path, source->is_directory, err);
		if (rc < 0)
			return error_wrap(err, "mount %s", wanted[i].point);
	}
	return 0;
}

int external_mounts_unshare(struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(err, errno, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return error_set(err, errno, "keep mounts from the host");
	return 0;
}

static void close_trees(int (*trees)[EXTERNAL_FILES])
{
	for (size_t i = 0; i < EXTERNAL_FILES; i++)
		fd_close(&(*trees)[i]);
}

/* They may lie below /tmp themselves: first all are cloned. */
static int clone_files(const struct external_file *files, int *trees, struct error *err)
{
	for (size_t i = 0; i < EXTERNAL_FILES; i++) {
		if (!files[i].path)
			continue;
		trees[i] = mount_api_clone(AT_FDCWD, files[i].path, false);
		if (trees[i] < 0)
			return error_set(err, errno, "open %s for criu", files[i].path);
	}
	return 0;
}

static int lay_files(const struct external_file *files, const int *trees, struct error *err)
{
	for (size_t i = 0; i < EXTERNAL_FILES; i++)
		if (trees[i] >= 0 && lay_at(trees[i], files[i].place, false, err) < 0)
			return error_wrap(err, "show criu %s", files[i].path);
	return 0;
}

int external_mounts_lay_out(struct external_mounts *mounts, const struct external_mount *wanted,
			    size_t count, const struct external_file *files, struct error *err)
{
	__attribute__((cleanup(close_trees))) int trees[EXTERNAL_FILES] = { -1, -1 };

	if (clone_files(files, trees, err) < 0)
		return -1;
	if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
		return error_set(err, errno, "mount a tmpfs on /tmp");
	if (lay_files(files, trees, err) < 0)
		return -1;
	if (lay_at(mounts->plan.root_tree, EXTERNAL_MOUNTS_ROOT, true, err) < 0)
		return error_wrap(err, "root.path");
	if (lay_all(mounts, wanted, count, false, err) < 0)
		return -1;
	return lay_all(mounts, wanted, count, true, err);
}
