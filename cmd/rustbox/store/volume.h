/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes, folders that outlive containers: volumes/<name>/data is what is
 * mounted, volumes/<name>/volume.json what is known of it. A volume is in use
 * when a container's record names it, whether that one runs or not.
 */
#pragma once

#include "base/mem.h"
#include "cmd/rustbox/store/record.h"
#include "cmd/rustbox/store/root.h"

struct volume {
	char *name, *created;
	char *container; /* id of the one that it was made for; NULL: made for itself */
	bool anonymous;	 /* nobody has named it: `volume prune` may take it */
	struct json_pair *labels;
	size_t n_labels;
	char *data; /* absolute path of what is mounted; not in volume.json */
};
extern const struct json_type volume_type;

/* Checks a name: as of a container, and 64 hex digits are one, too. */
int volume_check_name(const char *name, struct error *err);

/*
 * Makes a volume, complete or not at all. name NULL: an anonymous one, of 64 hex digits.
 * container: see struct volume; one that is made for a container is anonymous,
 * too. EEXIST where there is one of that name; volume_ensure() takes that one,
 * and says in *ret_is_new (may be NULL) whether it had to make it. The result
 * is in the arena.
 */
int volume_create(struct store *store, const char *name, const char *container,
		  const struct json_pair *labels, size_t n_labels, struct arena *arena,
		  struct volume **ret, struct error *err);
int volume_ensure(struct store *store, const char *name, struct arena *arena, struct volume **ret,
		  bool *ret_is_new, struct error *err);

/* By name. ENOENT: "no such volume: x". */
int volume_find(const struct store *store, const char *name, struct arena *arena,
		struct volume **ret, struct error *err);
/* All, by name. */
int volume_list(const struct store *store, struct arena *arena, struct volume ***ret, size_t *ret_n,
		struct error *err);

/* True when one of these records (of store_list()) mounts it; *ret_user (may be NULL): which. */
bool volume_is_used(const struct volume *volume, struct record *const *records, size_t n_records,
		    const struct record **ret_user);

/* EBUSY: a container mounts it. force: no error where there is none of that name. */
int volume_remove(struct store *store, const char *name, bool force, struct error *err);

/*
 * A mark in a bundle (an opened folder), for as long as the record cannot say
 * it: the anonymous volumes that were made for this container go with it. The
 * record of one that is being made, or removed, is not there yet, or any more;
 * that of a --rm container does not survive a reboot.
 */
int volume_mark_owner(int bundle, struct error *err);
void volume_unmark_owner(int bundle);
/* Where bundles/<id> has the mark: removes them, but for what somebody else mounts. */
void volume_remove_owned(struct store *store, const char *id);

/* Removes what killed makers and removers of volumes have left. */
void volume_sweep(struct store *store);

/* Bytes on disk of everything below a folder (du), hard links counted once, no other mounts. */
int volume_disk_usage(const struct store *store, const struct volume *volume, uint64_t *ret_bytes,
		      struct error *err);
