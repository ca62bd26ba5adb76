/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state folders: one directory a container, named by its id, below the
 * engine's root. It holds
 *
 *	state.json   what create has found and made (oci/state.h), replaced at once
 *	config.json  the configuration as it was at create
 *	start.sock   init listens here until it has executed the payload
 *	notify/      the sd_notify proxy, where it is wanted
 *
 * The lock is flock(2) on the directory itself, so it goes with its holder.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "oci/state.h"

/*
 * Makes the folder of a new id, locked; the root is made (0700) where missing.
 * Returns its descriptor. EEXIST when the id is in use, EINVAL when it is no
 * legal name.
 */
int registry_claim(const char *root, const char *id, struct error *err);

/* Opens the folder of an existing id. err->code is ENOENT when there is none. */
int registry_open(const char *root, const char *id, struct error *err);

/*
 * Takes the lock, waiting for whoever holds it; the folder may be gone by
 * then, which is ENOENT. With `wait` false: EWOULDBLOCK when it is held.
 */
int registry_lock(int folder, const char *id, bool wait, struct error *err);

/* True while some process holds the lock. */
bool registry_is_locked(int folder);

int registry_save(int folder, const struct state *state, struct error *err);

/*
 * err->code is ENOENT when a killed create left no state.json, ENODATA when
 * there is something else in it.
 */
int registry_load(int folder, struct arena *arena, struct state *ret, struct error *err);

int registry_save_config(int folder, const char *text, size_t size, struct error *err);
int registry_load_config(int folder, struct arena *arena, struct spec *ret, struct error *err);

/* Binds start.sock and listens on it. Returns the socket. */
int registry_listen(int folder, struct error *err);

/* True from registry_listen() on, for as long as the folder is there. */
bool registry_has_start_socket(int folder);

/* Connects to start.sock: ECONNREFUSED (err->code) once the payload has been executed. */
int registry_connect(int folder, struct error *err);

/* Removes the folder and all in it; one that is gone already is no error. */
int registry_remove(const char *root, const char *id, int folder, struct error *err);

/* The ids of all folders, sorted, in the arena. A missing root is an empty list. */
int registry_list(const char *root, struct arena *arena, char ***ret_ids, size_t *ret_count,
		  struct error *err);
