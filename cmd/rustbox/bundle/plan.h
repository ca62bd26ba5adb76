/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of bundle_plan(): one function a subject, each of which reads the
 * options and fills its part of the record and of the OCI configuration.
 * Nothing on disk is changed.
 */
#pragma once

#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/bundle/mount_request.h"

/*
 * Configuration members that are completed by bundle_write() and before each
 * start are noted as annotations, whose names users cannot give.
 */
#define BUNDLE_ANNOTATIONS		"org.rustbox."
#define BUNDLE_ANNOTATION_JOIN		BUNDLE_ANNOTATIONS "join." /* + namespace: id of its container */
#define BUNDLE_ANNOTATION_NO_COPY	BUNDLE_ANNOTATIONS "no-copy." /* + destination of a volume */
#define BUNDLE_ANNOTATION_CGROUP_PARENT BUNDLE_ANNOTATIONS "cgroup-parent"
#define BUNDLE_ANNOTATION_SYSTEMD	BUNDLE_ANNOTATIONS "systemd" /* "": it makes the cgroup */
#define BUNDLE_ANNOTATION_SIGNALS	BUNDLE_ANNOTATIONS "signals" /* "blocked": runtime/init.h */

/* Where rustbox-init is seen in a container: /dev is a tmpfs, so no image gets a file from it. */
#define BUNDLE_INIT_PATH "/dev/init"

struct plan {
	struct store *store;
	const struct create_options *options;
	char **args;
	const struct image *image;	       /* NULL: a rootfs */
	const struct image_settings *defaults; /* the image's, or empty ones; never NULL */
	struct arena *arena;
	struct record *record;
	struct spec *spec; /* process, root and linux are never NULL */
	int root;	   /* the root file system without the container's own layer, read-only */
	struct mount_request *mounts; /* of options and image */
	size_t n_mounts;
	bool host_pid, host_ipc, shares_ipc, host_uts, private_network, no_masks;
};

/* In this order: later ones need what earlier ones have found out. */
int plan_root(struct plan *plan, struct error *err);	 /* rootfs or image, layers */
int plan_settings(struct plan *plan, struct error *err); /* the image's with the options' */
int plan_network(struct plan *plan, struct error *err);
int plan_isolation(struct plan *plan, struct error *err); /* namespaces, id maps */
int plan_process(struct plan *plan, struct error *err);
int plan_security(struct plan *plan, struct error *err); /* capabilities, seccomp, labels */
int plan_volumes(struct plan *plan, struct error *err);	 /* requests of mounts */
int plan_mounts(struct plan *plan, struct error *err);	 /* all of them */
int plan_devices(struct plan *plan, struct error *err);
int plan_resources(struct plan *plan, struct error *err);
int plan_block_io(struct plan *plan, struct error *err); /* of plan_resources() */
int plan_policy(struct plan *plan, struct error *err);	 /* restart, logs, limits, health */

/* ---- what several of them need ---- */

/* Free ports of the host for those that name none; one that is given twice is an error. */
int plan_host_ports(struct record_network *network, struct error *err);

/* "KEY=VALUE" at the end of a list of pairs; a key that is there gets the new value. */
int plan_set_pair(struct json_pair **pairs, size_t *n, const char *key, const char *value,
		  struct arena *arena, struct error *err);
/* A key of our own in the configuration's annotations. */
int plan_annotate(struct plan *plan, const char *key, const char *value, struct error *err);

/* Sizes and times with the option's name in front of errors; NULL texts leave *ret alone. */
int plan_read_size(const char *option, const char *text, bool allows_negative, int64_t *ret,
		   struct error *err);
int plan_read_duration(const char *option, const char *text, uint64_t *ret_ms, struct error *err);

/* Lines of an env or label file: trimmed, no comments. */
int plan_read_lines(const char *option, const char *path, struct arena *arena, char ***ret,
		    size_t *ret_n, struct error *err);
