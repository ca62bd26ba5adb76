/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From options (and the image) to a record and an OCI bundle: everything is
 * checked here, before anything is made; nothing that is accepted is ignored.
 */
#pragma once

#include "cmd/rustbox/bundle/create_options.h"
#include "cmd/rustbox/image/image.h"
#include "cmd/rustbox/store/store.h"
#include "oci/spec.h"

/*
 * Fills a record (but for id, name, created, state) from the options and the
 * command line behind them. The image was found by the caller (NULL: a rootfs).
 * Changes nothing on disk. err->code 127 or 126 is for the exit code; 0 and
 * others: 125.
 */
int bundle_plan(struct store *store, const struct create_options *options, char **args,
		const struct image *image, struct arena *arena, struct record **ret,
		struct spec **ret_spec, struct error *err);

/*
 * Completes record (hostname) and spec with what needs the id (hostname, cgroup
 * path, files of /etc, network namespace's path) and writes bundles/<id>/:
 * config.json, hosts, hostname, resolv.conf;
 * overlay/<id>/{lowerdir,upperdir,workdir,merged}; volumes that are new, with
 * the image's content; folders that --volume names and that are missing. The
 * caller has claimed the id and removes everything on failure.
 */
int bundle_write(struct store *store, struct record *record, struct spec *spec, int bundle,
		 struct arena *arena, struct error *err);

/*
 * When the record is saved, so that everybody sees which volumes it uses: those
 * of a name that were removed meanwhile are made again.
 */
int bundle_keep_volumes(struct store *store, struct record *record, struct spec *spec,
			struct arena *arena, struct error *err);

/*
 * Before each start, with nothing written to the bundle's disk, which may be
 * full: links in the run folder to other containers' namespaces that it shares
 * (--pid container:ID and its like). Not of a running one: an error that says
 * so. Cheap where it shares none.
 */
int bundle_prepare_start(struct store *store, const struct record *record, struct arena *arena,
			 struct error *err);

/* The id of the container whose namespace of that kind it shares; NULL: it does not. */
const char *bundle_shared_with(const struct spec *spec, const struct spec_namespace *namespace);

/* The mounts that Create's request gets for the container's root: one overlay, or nothing. */
struct bundle_rootfs {
	char *type, *source, *target;
	char **options;
	size_t n_options;
};
int bundle_rootfs_mount(const struct store *store, const struct record *record, struct arena *arena,
			struct bundle_rootfs *ret, struct error *err);

/* Reads bundles/<id>/config.json; writes it again (update). */
int bundle_load_spec(const struct store *store, const char *id, struct arena *arena,
		     struct spec **ret, struct error *err);
int bundle_save_spec(const struct store *store, const char *id, const struct spec *spec,
		     struct error *err);

/*
 * What options change of a container's limits: `old` is changed, and *ret_changes
 * has only what is new, as the runtime's `update` wants it. Known are memory*,
 * cpus, cpu_*, cpuset_*, pids_limit and blkio_weight.
 */
int bundle_plan_update(const struct create_options *options, struct spec_resources *old,
		       struct arena *arena, struct spec_resources *ret_changes, struct error *err);

/*
 * What --env and --env-rm change of the process's environment, for what is
 * executed from now on; what --publish and --publish-rm change of the ports. A
 * port that names none of the host gets a free one. Everything new lives in the
 * arena.
 */
int bundle_change_env(const struct update_options *options, struct image_settings *settings,
		      struct spec_process *process, struct arena *arena, struct error *err);
int bundle_change_ports(const struct update_options *options, struct record_network *network,
			struct arena *arena, struct error *err);

/* /etc/hosts, /etc/resolv.conf of the container, written anew when its network is up. */
int bundle_write_network_files(const struct store *store, const struct record *record,
			       struct error *err);
/*
 * Names and addresses of all who are on the container's network, into the
 * /etc/hosts of each: after it has come, has got another name, or has gone. For
 * other networks than those of network_up() there is nothing to do.
 */
int bundle_write_names(const struct store *store, const struct record *record, struct error *err);
