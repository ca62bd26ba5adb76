/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the store share. */
#pragma once

#include "cmd/rustbox/store/name.h"
#include "cmd/rustbox/store/store.h"

/* A path below the store's root or run folder. */
struct store_file {
	char path[NAME_MAX_BYTES + 32];
};
/* folder/name + suffix; the name is one that was checked. */
struct store_file store_file(const char *folder, const char *name, const char *suffix);

/* 0, or -1 with err where the trees could be neither found nor made: for writers. */
int store_check_writable(const struct store *store, struct error *err);

/* The operation lock, not waiting: EBUSY, ENOENT. A descriptor. */
int store_try_lock(const struct store *store, const char *id, struct error *err);

/* Who has the name. False when nobody has. */
bool store_read_name(const struct store *store, const char *name, char ret_id[STORE_ID_LENGTH + 1]);

/* Drops the names that killed renames have left. n_containers: how many records there are. */
void store_sweep_names(struct store *store, size_t n_containers);

/*
 * Puts right what the record has wrong (store.h), under the operation lock;
 * does not wait for that unless told to. *record may be replaced. What cannot
 * be cleaned up is logged, and shown as ended all the same. ENOENT: the
 * container has gone, or went now (--rm).
 */
int store_settle(struct store *store, bool waits, struct arena *arena, struct record **record,
		 struct error *err);

/* store_list() that leaves half-made containers alone: for who is in the middle of removing one. */
int store_list_records(struct store *store, struct arena *arena, struct record ***ret,
		       size_t *ret_n, struct error *err);

/* Removes a bundle without a record, and all that goes with it, unless it is locked. */
void store_remove_half_made(struct store *store, const char *id);

/* All that is found by the id alone, the bundle last. */
int store_remove_files(struct store *store, const char *id, struct error *err);
