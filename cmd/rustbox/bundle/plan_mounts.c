/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is mounted in a container, in the order in which it is mounted. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/vector.h"

enum { SHM_SIZE = 64 * 1024 * 1024 };

static int split_options(struct spec_mount *mount, const char *words, struct arena *arena,
			 struct error *err)
{
	while (*words) {
		size_t n = strcspn(words, ",");

		if (vector_take_text(&mount->options, &mount->n_options,
				     arena_strndup(arena, words, n, err), arena, err) < 0)
			return -1;
		words += n + (words[n] == ',');
	}
	return 0;
}

static struct spec_mount *add_mount(struct plan *plan, const char *destination, const char *type,
				    const char *source, const char *options, struct error *err)
{
	struct spec_mount *mount =
		VECTOR_ADD(plan->spec->mounts, plan->spec->n_mounts, plan->arena, err);

	if (!mount || !(mount->destination = arena_strdup(plan->arena, destination, err)) ||
	    !(mount->type = arena_strdup(plan->arena, type, err)) ||
	    !(mount->source = arena_strdup(plan->arena, source, err)) ||
	    split_options(mount, options, plan->arena, err) < 0)
		return NULL;
	return mount;
}

/* ---- what every container has ---- */

static bool is_at_or_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (!path[n] || path[n] == '/');
}

/* A user who mounts something there, or at what is above it, means it. */
static bool is_replaced(const struct plan *plan, const char *destination)
{
	for (size_t i = 0; i < plan->n_mounts; i++)
		if (is_at_or_below(destination, plan->mounts[i].destination))
			return true;
	return false;
}

static int add_default(struct plan *plan, const char *destination, const char *type,
		       const char *source, const char *options, struct error *err)
{
	if (is_replaced(plan, destination))
		return 0;
	return add_mount(plan, destination, type, source, options, err) ? 0 : -1;
}

/* Group 5 is tty; it is not there where an ordinary user has but one id. */
static int add_pts(struct plan *plan, struct error *err)
{
	bool has_tty = !plan->store->is_rootless || process_user_ids() > 1;

	return add_default(plan, "/dev/pts", "devpts", "devpts",
			   has_tty ? "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"
				   : "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620",
			   err);
}

/* A new sysfs is for who owns the network namespace: in a user namespace, not the host's. */
static int add_sys(struct plan *plan, struct error *err)
{
	bool writable = plan->options->privileged;
	bool owns_network = strcmp(plan->record->network->mode, "none") == 0;

	if ((plan->record->isolate_user || plan->store->is_rootless) && !owns_network)
		return add_default(plan, "/sys", "bind", "/sys",
				   "rbind,rprivate,nosuid,noexec,nodev,rro", err);
	return add_default(plan, "/sys", "sysfs", "sysfs",
			   writable ? "nosuid,noexec,nodev" : "nosuid,noexec,nodev,ro", err);
}

static int add_ipc(struct plan *plan, struct error *err)
{
	int64_t size = SHM_SIZE;
	char *options;

	if ((plan->host_ipc || plan->shares_ipc) && plan->options->shm_size)
		return error_set(err, 0, "--shm-size does not go with --ipc %s",
				 plan->options->ipc);
	/* The kernel makes one mqueue for each namespace, so that a new mount shows the host's,
	 * too. */
	if (add_default(plan, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev", err) < 0)
		return -1;
	/* The host's, or, as write_shares() will say, the other container's. */
	if (plan->host_ipc || plan->shares_ipc)
		return add_default(plan, "/dev/shm", "bind", "/dev/shm", "bind,rprivate", err);
	if (plan_read_size("shm-size", plan->options->shm_size, false, &size, err) < 0)
		return -1;
	if (size == 0)
		size = SHM_SIZE;
	options = arena_format(plan->arena, err, "nosuid,noexec,nodev,mode=1777,size=%lld",
			       (long long)size);
	return options ? add_default(plan, "/dev/shm", "tmpfs", "shm", options, err) : -1;
}

static int add_defaults(struct plan *plan, struct error *err)
{
	bool privileged = plan->options->privileged;

	if (add_default(plan, "/proc", "proc", "proc", "nosuid,noexec,nodev", err) < 0 ||
	    add_default(plan, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k",
			err) < 0 ||
	    add_pts(plan, err) < 0 || add_sys(plan, err) < 0 || add_ipc(plan, err) < 0)
		return -1;
	return add_default(plan, "/sys/fs/cgroup", "cgroup", "cgroup",
			   privileged ? "nosuid,noexec,nodev,relatime"
				      : "nosuid,noexec,nodev,relatime,ro",
			   err);
}

/* ---- what users want ---- */

static int add_bind(struct plan *plan, const struct mount_request *request,
		    const struct record_mount *told, struct error *err)
{
	struct spec_mount *mount = add_mount(plan, request->destination, "bind", told->source,
					     request->not_recursive ? "bind" : "rbind", err);
	const char *propagation = request->propagation ? request->propagation : "rprivate";

	if (!mount || split_options(mount, propagation, plan->arena, err) < 0)
		return -1;
	/* Read-only is meant for all of it, also for what is mounted below. */
	if (request->read_only &&
	    split_options(mount,
			  request->writable_below || request->not_recursive ? "ro" : "ro,rro",
			  plan->arena, err) < 0)
		return -1;
	for (size_t i = 0; i < request->n_options; i++)
		if (vector_add_text(&mount->options, &mount->n_options, request->options[i],
				    plan->arena, err) < 0)
			return -1;
	/* Root of the container is then who root is in the folder. */
	if (plan->record->isolate_user && split_options(mount, "idmap", plan->arena, err) < 0)
		return -1;
	if (!str_ends_with(propagation, "shared"))
		return 0;
	plan->spec->linux->rootfs_propagation = arena_strdup(plan->arena, "shared", err);
	return plan->spec->linux->rootfs_propagation ? 0 : -1;
}

static int add_tmpfs(struct plan *plan, const struct mount_request *request, struct error *err)
{
	struct spec_mount *mount = add_mount(plan, request->destination, "tmpfs", "tmpfs",
					     request->read_only ? "ro" : "", err);

	if (!mount)
		return -1;
	for (size_t i = 0; i < request->n_options; i++)
		if (vector_add_text(&mount->options, &mount->n_options, request->options[i],
				    plan->arena, err) < 0)
			return -1;
	return 0;
}

static int add_requested(struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_mounts; i++) {
		const struct mount_request *request = &plan->mounts[i];

		if ((request->kind == MOUNT_TMPFS
			     ? add_tmpfs(plan, request, err)
			     : add_bind(plan, request, &plan->record->mounts[i], err)) < 0)
			return -1;
	}
	return 0;
}

/* rustbox-init lies beside rustbox. */
static int add_init(struct plan *plan, struct error *err)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash, *source;

	if (!plan->record->init)
		return 0;
	if (n < 0)
		return error_set(err, errno, "readlink /proc/self/exe");
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return error_set(err, 0, "--init: /proc/self/exe is %s", path);
	*slash = '\0';
	source = arena_format(plan->arena, err, "%s/rustbox-init", path);
	if (!source)
		return -1;
	if (access(source, X_OK) < 0)
		return error_set(err, errno, "--init: %s, which is installed with rustbox", source);
	return add_mount(plan, BUNDLE_INIT_PATH, "bind", source, "bind,rprivate,ro,nosuid,nodev",
			 err)
		       ? 0
		       : -1;
}

/* ---- the order ---- */

static size_t depth(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* What lies deeper comes later; else the order stays. Insertion: the lists are short. */
static void sort(struct spec_mount *mounts, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct spec_mount moved = mounts[i];
		size_t j = i;

		for (; j > 0 && depth(mounts[j - 1].destination) > depth(moved.destination); j--)
			mounts[j] = mounts[j - 1];
		mounts[j] = moved;
	}
}

/* ---- what of the kernel's is hidden ---- */

static const char *const masked[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
};
static const char *const read_only[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static int add_masks(struct plan *plan, struct error *err)
{
	struct spec_linux *linux = plan->spec->linux;

	if (plan->no_masks)
		return 0;
	for (size_t i = 0; i < sizeof(masked) / sizeof(*masked); i++)
		if (vector_add_text(&linux->masked_paths, &linux->n_masked_paths, masked[i],
				    plan->arena, err) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(read_only) / sizeof(*read_only); i++)
		if (vector_add_text(&linux->readonly_paths, &linux->n_readonly_paths, read_only[i],
				    plan->arena, err) < 0)
			return -1;
	return 0;
}

int plan_mounts(struct plan *plan, struct error *err)
{
	if (add_defaults(plan, err) < 0 || add_requested(plan, err) < 0 || add_init(plan, err) < 0)
		return -1;
	sort(plan->spec->mounts, plan->spec->n_mounts);
	return add_masks(plan, err);
}
