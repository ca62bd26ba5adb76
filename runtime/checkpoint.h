/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What checkpoint and restore share: the folders of a checkpoint, and what the
 * runtime itself writes there beside CRIU's images.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "runtime/cgroup.h"
#include "runtime/criu.h"
#include "runtime/external_mount.h"

/* The keys of namespaces joined by path, in CRIU's images. */
#define CHECKPOINT_NETWORK_KEY "extRootNetNS"
#define CHECKPOINT_PID_KEY     "extRootPidNS"

struct checkpoint_folders {
	int images, work;
};
#define CHECKPOINT_FOLDERS_CLOSED                                                                  \
	{                                                                                          \
		-1, -1                                                                             \
	}
void checkpoint_folders_close(struct checkpoint_folders *folders);
#define cleanup_checkpoint_folders __attribute__((cleanup(checkpoint_folders_close)))

/* Opens them; with `make` a missing image folder is made (0700). A missing work folder always is.
 */
int checkpoint_folders_open(const struct criu_options *options, bool make,
			    struct checkpoint_folders *ret, struct error *err);

/*
 * Before a restore: removes what CRIU writes to in the work folder, which may be
 * that of the images. Whoever made the checkpoint may have put links there, which
 * CRIU follows, or FIFOs, at which it waits.
 */
#define CHECKPOINT_RESTORE_LOG "restore.log"
int checkpoint_folders_clear(const struct checkpoint_folders *folders, struct error *err);

/*
 * Processes of a user namespace read their images themselves, as its root,
 * which has to be allowed to search the folder: by its group. A checkpoint
 * makes it so (`make`), a restore says what is missing.
 */
int checkpoint_folders_admit(const struct checkpoint_folders *folders, const struct spec *spec,
			     bool make, struct error *err);

/*
 * The file whose options CRIU puts above ours: the annotation org.criu.config
 * ("": none at all), else the first there is of /etc/criu/rustbox.conf,
 * runc.conf and crun.conf; *ret is NULL for none. One that the annotation
 * names and that is not there is an error: CRIU would go on without it.
 */
int checkpoint_find_config_file(const struct spec *spec, const char **ret, struct error *err);

/*
 * What CRIU neither saves nor restores, and a container must not be without
 * where config.json says it, is ENOTSUP.
 */
int checkpoint_check_spec(const struct spec *spec, struct error *err);

/* Of "net" and the like for CRIU, from the configuration's types. */
const char *checkpoint_namespace_name(enum spec_namespace_type type);

/*
 * rustbox.json of the image folder. At a restore what it says of files and
 * mounts is only held against what is found: it names none by itself.
 */
struct checkpoint_record {
	struct external_mount *mounts; /* in the order of mountinfo */
	/*
	 * Of the first process's descriptors 0, 1, …: "pipe:[12]", "file[1f:2a]"
	 * or "tty[8800:19]" where it came from outside, else "".
	 */
	char **descriptors;
	size_t n_mounts, n_descriptors;
	/* Options of the checkpoint without which there is no restore: that has them, too. */
	bool tcp_established, file_locks, shell_job, ignore_cgroups;
	char *label; /* that the first process was under, if config.json asks for one; else NULL */
};

int checkpoint_record_write(int images, const struct checkpoint_record *record, struct error *err);
int checkpoint_record_read(int images, struct arena *arena, struct checkpoint_record *ret,
			   struct error *err);

/* Fills record->descriptors from /proc; record->mounts are those that the process sees. */
int checkpoint_record_descriptors(int procfs, pid_t pid, struct arena *arena,
				  struct checkpoint_record *record, struct error *err);
