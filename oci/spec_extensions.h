/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What annotations ask of this runtime. Those that begin with run.oci. are
 * crun's (crun(1), "Extensions to OCI"), for callers that give them; the ones
 * of org.rustbox. are ours.
 *
 * All are read with the configuration, so that what is misspelt, or known and
 * not built, is an error that names the annotation, never silence. A switch is
 * "1" or "true", "0" or "false".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

struct spec;

/* landlock(7): what the folders and files, and those below them, may be used for. */
struct spec_landlock_paths {
	char **allowed_access, **paths; /* absolute in the container */
	size_t n_allowed_access, n_paths;
};

struct spec_landlock_ports {
	char **allowed_access;
	uint32_t *ports;
	size_t n_allowed_access, n_ports;
};

struct spec_landlock_ruleset {
	char **handled_access_fs, **handled_access_net, **scoped;
	size_t n_handled_access_fs, n_handled_access_net, n_scoped;
};

struct spec_landlock_rules {
	struct spec_landlock_paths *path_beneath;
	struct spec_landlock_ports *net_port;
	size_t n_path_beneath, n_net_port;
};

/* The form that was proposed for process.landlock of the specification. */
struct spec_landlock {
	struct spec_landlock_ruleset *ruleset;
	struct spec_landlock_rules *rules; /* NULL: none */
	bool disable_best_effort;	   /* what this kernel does not know is an error */
};

struct spec_extensions {
	char *hooks_stdout, *hooks_stderr; /* absolute paths */
	char *criu_config; /* of checkpoint and restore: the same, or "" for none; NULL: the usual
			    */
	char *pidfd_receiver;	/* absolute path of a socket */
	char *seccomp_receiver; /* likewise; spec_load() makes it seccomp's listenerPath */
	char *seccomp_plugins;	/* "/a.so:/b.so"; spec_load() hands it to seccomp */
	bool seccomp_fail_unknown_syscall;
	unsigned char *seccomp_program; /* BPF instructions, instead of linux.seccomp */
	size_t seccomp_program_size;	/* bytes */
	bool keep_original_groups;
	char *mount_context_type; /* "context", "fscontext", … */
	char *delegate_cgroup;	  /* a name below the container's cgroup */
	char *systemd_cgroup_v1;  /* a mount's destination, for v1's hierarchy of systemd */
	char *systemd_subgroup;	  /* a name below systemd's scope; "": none; NULL: the default */
	bool core_scheduling;
	struct spec_landlock *landlock;
};

/* Fills spec->extensions from spec->annotations. */
int spec_read_extensions(struct spec *spec, struct arena *arena, struct error *err);

/* The annotations that it reads, for `features`; ends with NULL. */
const char *const *spec_extension_names(void);
