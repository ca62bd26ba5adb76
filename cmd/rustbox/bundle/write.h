/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of bundle_write(). */
#pragma once

#include "cmd/rustbox/bundle/bundle.h"

struct writing {
	struct store *store;
	struct record *record;
	struct spec *spec;
	int bundle; /* bundles/<id>, locked */
	struct arena *arena;
};

/* overlay/<id>/{lowerdir,upperdir,workdir,merged} and bundles/<id>/rootfs. */
int write_overlay(const struct writing *w, struct error *err);

/* Before each start: an overlay that is not mounted for the first time can be, too. */
int write_overlay_again(const struct store *store, const struct record *record, struct error *err);

/*
 * Namespaces of other containers: config.json gets paths at which nothing is
 * until, before each start, links are made there, so that nothing starts
 * without them. Cheap where none is shared.
 */
int write_shares(const struct writing *w, struct error *err);
int write_shares_again(struct store *store, const struct record *record, struct arena *arena,
		       struct error *err);

/*
 * The bundle's own copy of rustbox-init: whoever may mount in a container could
 * make the mount of it writable, and must not reach what others run.
 */
int write_init(const struct writing *w, struct error *err);

/* hosts, hostname, resolv.conf, and their mounts. */
int write_network_mounts(const struct writing *w, struct error *err);

/* Folders of binds that are missing; volumes, with the image's content in new ones. */
int write_volumes(const struct writing *w, struct error *err);
/* The same for volumes of a name alone; mostly they are all there. */
int write_volumes_again(const struct writing *w, struct error *err);

/*
 * Copies what is in a folder of the lower folders' tree to an empty folder,
 * owners, modes, times and attributes included, and those of the folder itself.
 * Nothing there: nothing to do. `root`: layers_open().
 */
int volume_copy_up(int root, const char *path, int folder, struct error *err);

/* The host's id of an id of the container; what is not mapped stays. */
uint32_t write_host_id(const struct spec_id_mapping *maps, size_t n, uint32_t id);
