/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where everything lies (RUSTBOX_ROOT, --root). The tree that survives a
 * reboot, /var/lib/rustbox by default:
 *
 *	containers/<id>.json            the record (record.h)
 *	names/<name>                    symbolic link whose text is the id
 *	logs/<id>/                      log/log_format.h
 *	overlay/<id>/{lowerdir,upperdir,workdir,merged}
 *	bundles/<id>/config.json        the OCI bundle; the folder carries the operation lock
 *	checkpoints/<id>/<name>/        checkpoint.h
 *	images/  volumes/  networks/
 *
 * and the one that does not, /run/rustbox by default, <root>/run with another root:
 *
 *	<id>/supervisor                 locked by the container's supervisor as long as it lives
 *	<id>/stream.sock, task.sock     of the supervisor
 *	<id>/container.json             the record of a --rm container
 *	<id>/runtime/                   state of rustbox-runtime
 *	events                          event.h
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

#define STORE_ROOT "/var/lib/rustbox"
#define STORE_RUN  "/run/rustbox"

/*
 * Where the tree is, and, for the tree that this names, where the other one is.
 * The third is set in the namespaces of an ordinary user's rustbox.
 */
#define STORE_ENV_ROOT	 "RUSTBOX_ROOT"
#define STORE_ENV_RUN	 "RUSTBOX_RUN"
#define STORE_ENV_INSIDE "RUSTBOX_NAMESPACE"

enum { STORE_ID_LENGTH = 12 };

struct record;
struct tree_rest;
struct store {
	char *root, *run; /* absolute, clean */
	int root_fd, run_fd;
	bool is_rootless; /* of an ordinary user, who is root of a user namespace */
	char boot_id[40];
	/*
	 * Kills what is left of a container without a supervisor, deletes the
	 * runtime's state, unmounts its root, takes its network down; any number of
	 * times. Set by the program; NULL (tests): there is nothing to clean up.
	 */
	int (*clean_up)(struct store *store, const struct record *record, struct error *err);
	/* Of the folders that are removed with a container (tree.h); may be NULL. */
	struct tree_rest *rest;
};

/*
 * Opens the tree, making what is missing (0711 for root and overlay, 0700 for
 * the others). One of another user's, or that others may write to, is an error
 * (EPERM). root: NULL for RUSTBOX_ROOT or the default. A read-only /var is
 * no error here: writers will say so.
 */
int store_open(const char *root, struct store *ret, struct error *err);
void store_close(struct store *store);

/*
 * Paths, malloc'd: "bundles", id, NULL gives /var/lib/rustbox/bundles/<id>;
 * a third part is added when it is given.
 */
char *store_path(const struct store *store, const char *folder, const char *id, const char *name,
		 struct error *err);
/* /run/rustbox/<id>[/name] */
char *store_run_path(const struct store *store, const char *id, const char *name,
		     struct error *err);
