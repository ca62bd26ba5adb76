/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints of a container, each a folder of CRIU's images:
 * checkpoints/<id>/<name>, which goes with the container, or DIR/<name> in a
 * folder of the user's. There is a whole one or none: it is written beside its
 * place, as .<name>.part, and renamed.
 */
#pragma once

#include <stdint.h>

#include "cmd/rustbox/store/store.h"

struct checkpoint {
	char *name;
	int64_t seconds; /* since 1970: when it was complete */
	uint64_t size;	 /* bytes on disk */
};

/*
 * Where one of that name is, or would be: absolute, in the arena. dir: the
 * user's folder; NULL: the store's. NULL with err for a name that is none.
 */
char *checkpoint_path(const struct store *store, const char *id, const char *dir, const char *name,
		      struct arena *arena, struct error *err);

/*
 * Makes the folder that is to be written, *ret_part (in the arena); what a
 * killed one has left there is removed. EEXIST: there is a checkpoint of that name.
 */
int checkpoint_begin(const struct store *store, const char *id, const char *path,
		     struct arena *arena, char **ret_part, struct error *err);
/* It is written: syncs nothing of it but its name. */
int checkpoint_complete(const char *part, const char *path, struct error *err);

/* ENOENT when there is none of that name: the message says which there are. */
int checkpoint_check(const struct store *store, const char *id, const char *dir, const char *path,
		     struct error *err);
/* In the order of their names, in the arena. */
int checkpoint_list(const struct store *store, const char *id, const char *dir, struct arena *arena,
		    struct checkpoint **ret, size_t *ret_n, struct error *err);
/* Of the folder at that path, complete or in part. A missing one is fine. */
int checkpoint_remove(const char *path, struct error *err);
