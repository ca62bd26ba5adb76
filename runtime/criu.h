/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One conversation with CRIU, the program that saves and restores processes:
 * `criu swrk FD`, whose requests and answers are protobuf messages, a packet
 * each, on the socket FD (https://criu.org/RPC).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"

/* What the user may choose, of checkpoint and of restore; the words are those of criu(8). */
enum criu_cgroup_mode {
	CRIU_CGROUPS_SOFT,
	CRIU_CGROUPS_FULL,
	CRIU_CGROUPS_STRICT,
	CRIU_CGROUPS_IGNORE
};
enum criu_network_lock {
	CRIU_LOCK_DEFAULT, /* CRIU's own choice */
	CRIU_LOCK_IPTABLES,
	CRIU_LOCK_NFTABLES,
	CRIU_LOCK_SKIP
};
struct criu_options {
	const char *program;			     /* absolute path, or NULL: see criu_find() */
	const char *image_path, *work_path;	     /* absolute; work_path NULL: the same */
	const char *parent_path;		     /* relative to image_path, or NULL */
	const char *page_server_address;	     /* NULL: none */
	const char *lsm_profile, *lsm_mount_context; /* or NULL */
	int page_server_port;
	int status_fd; /* -1: none */
	enum criu_cgroup_mode cgroup_mode;
	enum criu_network_lock network_lock;
	bool leave_running, tcp_established, tcp_skip_in_flight, tcp_close, ext_unix_sk, shell_job,
		file_locks, link_remap, lazy_pages, auto_dedup, empty_network;
};

enum criu_action { CRIU_DUMP, CRIU_PRE_DUMP, CRIU_RESTORE, CRIU_FEATURES };

struct criu_pair {
	const char *key, *value;
};
struct criu_inherited {
	const char *key; /* "pipe:[12]", "file[1f:2a]", a name given at the dump */
	int fd;		 /* among the call's descriptors: an index of `fds` */
};

struct criu_request {
	enum criu_action action;
	const struct criu_options *options;
	const char *log_file;	 /* its name in the work folder */
	const char *config_file; /* or NULL */
	pid_t pid;		 /* dump: the root of the tree */
	const char *root;	 /* the container's root file system, on the host */
	const char *freeze_cgroup;
	bool ignore_cgroups; /* whatever the options say: there are none of its own */
	bool has_terminal;   /* restore: its terminal is descriptor 0; else a new one is told of */
	const char **external;
	struct criu_pair *joined, *cgroup_roots; /* type and path; controller and path */
	struct criu_inherited *inherited;
	size_t n_external, n_joined, n_cgroup_roots, n_inherited;
};

/* What CRIU tells of its progress; it waits for the end of the call-back. */
struct criu_notification {
	const char *script; /* "setup-namespaces", "post-restore", … */
	pid_t pid;	    /* of the root of the tree, 0: not known */
	int fd;		    /* with "orphan-pts-master", else -1; borrowed */
};

struct criu_call {
	const struct criu_request *request;
	const char *program;
	const int *fds; /* CRIU's descriptors 0, 1, 2, …; borrowed, -1 is /dev/null */
	size_t n_fds;	/* at least CRIU_FD_FIRST, at most CRIU_FDS */
	/* In the child, before the descriptors are put in their places; or NULL. */
	int (*prepare)(void *data, struct error *err);
	/* -1 with err: CRIU undoes what it has done. Or NULL. */
	int (*notify)(void *data, const struct criu_notification *notification, struct error *err);
	void *data;

	/* Results. */
	pid_t restored;			    /* our own child */
	bool has_mem_track, has_lazy_pages; /* CRIU_FEATURES */
};
/* Behind the standard streams: two folders, in CRIU's mount namespace; then what is inherited. */
enum { CRIU_FD_IMAGES = 3, CRIU_FD_WORK, CRIU_FD_FIRST, CRIU_FDS = 64 };

/*
 * The program: `given`, or the first criu of a list of folders that does not
 * depend on the environment.
 */
int criu_find(const char *given, const char **ret, struct error *err);

/*
 * Blocks until CRIU has done what was asked, or has ended. The message of a
 * failure has the last errors of its log. The options' status_fd is closed as
 * soon as CRIU has opened it for itself.
 */
int criu_run(struct criu_call *call, struct error *err);

/*
 * The last errors that a log of CRIU's has ("Error (file.c:1): what"), without
 * times and control characters, in one line. "" when there are none.
 */
void criu_log_excerpt(const char *log, char *buffer, size_t size);
