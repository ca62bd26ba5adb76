/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the cgroup modules share among themselves; callers use cgroup.h.
 *
 * A directory of the container is one of two kinds. cgroup2's has the empty
 * list of controllers; everything else is a v1 hierarchy. A machine may have
 * both, so that the kind is a property of a directory, not of the machine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "runtime/cgroup.h"

/* How long a kernel may take before we say what is wrong. */
enum {
	CGROUP_REMOVE_TIMEOUT_MS = 2000,
	CGROUP_FREEZE_TIMEOUT_MS = 10000,
	CGROUP_FILE_MAX = 4 * 1024 * 1024, /* bytes we are willing to read of a cgroup file */
	CGROUP_DEPTH_MAX = 200		   /* of what a container may have nested below itself */
};

/* ---- cgroup_file.c: directories and their files ------------------------------------------ */

/*
 * For work on many directories: until the end of the scope what lies below
 * /sys/fs/cgroup is found from there. A path from "/" goes through sysfs, whose
 * one lock each network namespace takes for all its files when it comes or goes:
 * of fifty containers that start at once many wait for it.
 * Nobody may be forked meanwhile, who would have the descriptor, too.
 */
bool cgroup_root_hold(void);
void cgroup_root_release(const bool *is_held);
#define cleanup_cgroup_root __attribute__((cleanup(cgroup_root_release), unused))

/* open(2), mkdir(2), rmdir(2) and access(2) of an absolute path, which see to that. */
int cgroup_open(const char *path, int flags);
int cgroup_make(const char *path);
int cgroup_remove(const char *path);
bool cgroup_exists(const char *path);

/* An opened directory; `path` and `controllers` are borrowed, for messages. */
struct cgroup_dir {
	int fd;
	const char *path, *controllers;
};
#define CGROUP_DIR_CLOSED                                                                          \
	{                                                                                          \
		-1, NULL, NULL                                                                     \
	}
void cgroup_dir_close(struct cgroup_dir *dir);
#define cleanup_cgroup_dir __attribute__((cleanup(cgroup_dir_close)))

static inline bool cgroup_directory_is_v2(const struct cgroup_directory *directory)
{
	return directory->controllers[0] == '\0';
}

/* True when the comma-separated list has the controller. */
bool cgroup_controllers_have(const char *list, const char *controller);

/* The directory of a v1 controller; of cgroup2; NULL when there is none. */
const struct cgroup_directory *cgroup_find_v1(const struct cgroup *cgroup, const char *controller);
const struct cgroup_directory *cgroup_find_v2(const struct cgroup *cgroup);

/* 0, or -1 with errno and no message: a directory may well be gone. */
int cgroup_dir_open(const struct cgroup_directory *directory, struct cgroup_dir *ret);

/* The same below an opened one: a relative path that stays below (S16). -1 with err. */
int cgroup_dir_open_below(const struct cgroup_dir *dir, const char *sub_path, int flags,
			  struct error *err);

/*
 * Writes the text by one write(2). The message has text, path, reason and what
 * the reason usually means; err->code is the errno.
 */
int cgroup_write(const struct cgroup_dir *dir, const char *file, const char *text,
		 struct error *err);
int cgroup_write_format(const struct cgroup_dir *dir, const char *file, struct error *err,
			const char *format, ...) __attribute__((format(printf, 4, 5)));

/* One number; "max" is UINT64_MAX. 0, or -1 with errno (EBADMSG: not a number) and no message. */
int cgroup_read_uint(const struct cgroup_dir *dir, const char *file, uint64_t *ret);

/* The whole file, malloc'd; NULL with errno and no message. */
char *cgroup_read_text(const struct cgroup_dir *dir, const char *file);

/* The value of a line "key value" in a file's text. */
bool cgroup_text_find(const char *text, const char *key, uint64_t *ret);

/*
 * Calls visit for the directory and every one below it, parents first (or
 * last, with `children_first`). A directory that vanishes meanwhile is left
 * out. Stops at the first that is not 0 and returns that.
 */
typedef int cgroup_visit(int fd, const char *path, void *data, struct error *err);
int cgroup_walk(int fd, const char *path, bool children_first, cgroup_visit *visit, void *data,
		struct error *err);

/*
 * Waits until the line "key wanted" is in cgroup.events of an opened cgroup2
 * directory. 1 when so (or the directory is gone), 0 on time-out, -1 with err.
 */
int cgroup_wait_event(const struct cgroup_dir *dir, const char *key, uint64_t wanted,
		      int64_t deadline_ms, struct error *err);

/* ---- cgroup_locate.c: texts of the kernel ------------------------------------------------ */

/*
 * One line of /proc/PID/cgroup ("4:memory:/a/b") cut out of *cursor, which is
 * changed. False at the end; lines of another shape are left out.
 */
bool cgroup_membership_next(char **cursor, char **ret_controllers, char **ret_path);

struct cgroup_mount {
	char *root, *point; /* malloc'd: path within the hierarchy, and on this machine */
};
void cgroup_mount_done(struct cgroup_mount *mount);

/*
 * Looks in the text of mountinfo for the hierarchy of the controllers ("" for
 * cgroup2). 1 found, 0 not there, -1 with err.
 */
int cgroup_mount_find(const char *mountinfo, const char *controllers, struct cgroup_mount *ret,
		      struct error *err);

/*
 * A process's path in cgroup2 ("/a/ID/x", of /proc/PID/cgroup) as a path below
 * the container's directory ("x", "" for the directory itself), NULL when it is
 * not there. Points into `membership`.
 */
const char *cgroup_path_below(const char *directory, const char *membership);

/* ---- back ends --------------------------------------------------------------------------- */

/*
 * Makes the directory and what is missing above it. *ret_made: how many
 * directories, counted from the last, did not exist before (and are there now,
 * also on failure).
 */
int cgroup_v1_make(const struct cgroup_machine *machine, const struct cgroup_directory *directory,
		   size_t *ret_made, struct error *err);
int cgroup_v2_make(const struct cgroup_machine *machine, const struct cgroup_directory *directory,
		   size_t *ret_made, struct error *err);

/*
 * Lets the children of a directory have all controllers that it has itself, as
 * far as that is possible now.
 */
int cgroup_v2_enable(const char *path, struct error *err);

/* Makes path with its missing parents, or nothing; for both of them. */
int cgroup_make_path(const char *path, size_t *ret_made, struct error *err);

/* Removes the last `made` directories of the path again, which is changed. */
void cgroup_unmake(char *path, size_t made);

/* The freezer: sets it and waits for the kernel; ETIMEDOUT after the deadline. */
int cgroup_v1_freeze(const struct cgroup_dir *dir, bool frozen, int64_t deadline_ms,
		     struct error *err);
int cgroup_v2_freeze(const struct cgroup_dir *dir, bool frozen, int64_t deadline_ms,
		     struct error *err);
/* 1 frozen (or on the way), 0 not, or there is none; -1 err. */
int cgroup_v1_frozen(const struct cgroup_dir *dir, struct error *err);
int cgroup_v2_frozen(const struct cgroup_dir *dir, struct error *err);

/* ---- cgroup_systemd.c --------------------------------------------------------------------- */

/* cgroup_locate() of systemd's managers: fills in the scope. */
int cgroup_systemd_locate(const char *cgroups_path, const char *id, bool user, struct arena *arena,
			  struct cgroup *ret, struct error *err);

/* The part of an update that systemd has to know. */
int cgroup_systemd_set_limits(const struct cgroup *cgroup, const struct spec_resources *resources,
			      struct error *err);

/* Stops the scope, and waits for that. Failure is logged. */
void cgroup_systemd_stop(const struct cgroup *cgroup);

/* ---- cgroup_process.c -------------------------------------------------------------------- */

struct cgroup_pids {
	pid_t *pids;
	size_t count, capacity;
};
#define CGROUP_PIDS_EMPTY                                                                          \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}
void cgroup_pids_done(struct cgroup_pids *pids);
#define cleanup_cgroup_pids __attribute__((cleanup(cgroup_pids_done)))

/* Adds the pids in and below an opened directory; cgroup_pids_sort() drops doubles. */
int cgroup_pids_read(const struct cgroup_dir *dir, struct cgroup_pids *pids, struct error *err);
void cgroup_pids_sort(struct cgroup_pids *pids);

/* Parses the text of a cgroup.procs. Lines that are no pid (0: not in our namespace) are left out.
 */
int cgroup_pids_parse(const char *text, struct cgroup_pids *pids, struct error *err);

/* Appends " (still in it: 12, 13, …)" to err when there are any. Always -1. */
int cgroup_hint_pids(const struct cgroup_dir *dir, struct error *err);

/* ---- cgroup_values.c: conversions, pure ---------------------------------------------------- */

/* cpu.shares (2 to 262144, 1024 is usual) to cpu.weight (1 to 10000, 100 is usual). */
uint64_t cgroup_weight_of_shares(uint64_t shares);

/* blkio.weight (10 to 1000) to io.weight (1 to 10000). */
uint64_t cgroup_io_weight_of_blkio(uint64_t weight);

/*
 * The specification's swap is memory and swap together, cgroup2's is swap
 * alone. ret: bytes, -1 unlimited; *ret_set false where there is nothing to
 * write. limit and swap as in the configuration, 0 for absent.
 */
int cgroup_swap_of_total(int64_t swap, int64_t limit, bool *ret_set, int64_t *ret,
			 struct error *err);

/* ---- cgroup_limit_*.c: limits that are more than one number in one file -------------------- */

struct cgroup_limit {
	const struct cgroup_dir *dir;
	const struct spec_resources *resources;
	bool is_update;
};
typedef int cgroup_limit_write(const struct cgroup_limit *limit, struct error *err);

cgroup_limit_write cgroup_limit_memory_v1, cgroup_limit_memory_v2;
cgroup_limit_write cgroup_limit_weight_v1, cgroup_limit_weight_v2; /* cpu.shares, cpu.idle */
cgroup_limit_write cgroup_limit_quota_v1, cgroup_limit_quota_v2;   /* quota, period, burst */
cgroup_limit_write cgroup_limit_realtime_v1;
cgroup_limit_write cgroup_limit_block_v1, cgroup_limit_block_v2;
cgroup_limit_write cgroup_limit_hugetlb_v1, cgroup_limit_hugetlb_v2;
cgroup_limit_write cgroup_limit_rdma;
cgroup_limit_write cgroup_limit_priorities_v1;
cgroup_limit_write cgroup_limit_unified;

/* ---- devices: cgroup_devices.c (rules), cgroup_device_program.c (v2) ----------------------- */

/* Puts the rules and the defaults behind them into force. */
int cgroup_set_devices(const struct cgroup *cgroup, const struct spec_device_rule *rules,
		       size_t n_rules, struct error *err);
