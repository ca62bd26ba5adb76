/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands and the API do with containers. Each function takes the
 * operation lock where it changes something, finds out the truth (store.h), and
 * asks the supervisor where there is one.
 */
#pragma once

#include "cmd/rustbox/bundle/create_options.h"
#include "cmd/rustbox/store/store.h"
#include "cmd/rustbox/supervisor/supervisor.h"

struct stream_attach;

/* One that was made to be started: the operation lock, and a supervisor that gets ready. */
struct container_start {
	int lock;
	struct supervisor_start supervisor;
};
#define CONTAINER_START_NONE                                                                       \
	{                                                                                          \
		.lock = -1, .supervisor = SUPERVISOR_START_NONE                                    \
	}
void container_start_done(struct container_start *start);
#define cleanup_container_start __attribute__((cleanup(container_start_done)))

/*
 * Makes it: state Created. The record is in the arena. *ret_start: for
 * containers_start_made(); NULL: it is not to be started now. err->code: 125,
 * 126, 127 to exit with.
 */
int containers_create(struct store *store, const struct create_options *options, char **args,
		      struct arena *arena, struct record **ret, struct container_start *ret_start,
		      struct error *err);
/* Starts it, as containers_start(). The lock stays the caller's. */
int containers_start_made(struct store *store, const struct record *record,
			  struct container_start *start, const struct stream_attach *attach,
			  int *ret_socket, struct error *err);

/*
 * Starts it (Created and Stopped; with `again`: any state but a live one, as
 * `restart` does). *ret_socket: the connection to its supervisor, STREAM_ATTACH
 * was sent with what `attach` says and STARTED has come. err->code 125, 126 or
 * 127: what to exit with; the record says why, too. An Exited one: the message
 * names `restart`.
 */
int containers_start(struct store *store, const char *id, bool again,
		     const struct stream_attach *attach, int *ret_socket, struct error *err);

/*
 * The same for who holds the operation lock already, of a record that is not
 * live: nobody has come between, and it need not be looked for. checkpoint: a
 * path, or NULL.
 */
int containers_start_held(struct store *store, struct record *record, const char *checkpoint,
			  const struct stream_attach *attach, int *ret_socket, struct error *err);

/* -1 with EBUSY unless it is Running: err says what to do. */
int containers_check_running(const struct record *record, struct error *err);

/*
 * Attaches to a live one (of store_find()). *ret_socket as of containers_start():
 * STARTED has come.
 */
int containers_attach(const struct store *store, const struct record *record,
		      const struct stream_attach *attach, int *ret_socket, struct error *err);

/* One more process of a Running one. *ret_socket: STARTED has come. err->code 126, 127: why not. */
struct stream_exec;
int containers_exec(struct store *store, const char *id, const struct stream_exec *exec,
		    int *ret_socket, struct error *err);

/* Stops, unless it is not live (no error). timeout and signal as in struct stream_stop. */
int containers_stop(struct store *store, const char *id, int timeout_ms, int signal,
		    struct error *err);
/* From every state; keeps the file system. */
int containers_restart(struct store *store, const char *id, int timeout_ms, int signal,
		       struct error *err);
int containers_kill(struct store *store, const char *id, int signal, bool all, struct error *err);
/* force: a live one is killed first. volumes: anonymous volumes go, too. */
int containers_remove(struct store *store, const char *id, bool force, bool volumes,
		      struct error *err);
int containers_rename(struct store *store, const char *id, const char *name, struct error *err);
/*
 * Changes limits, restart policy, environment, ports and mounts, for the present
 * run and the coming ones: of the options, those that bundle_plan_update() and
 * bundle_change_*() know, and volumes; what is not given stays.
 */
int containers_update(struct store *store, const char *id, const struct update_options *options,
		      struct error *err);
/*
 * Waits for the end; a container that is not live has ended already. ECANCELED:
 * one of `others` (with n_others 0: none) had an event first.
 */
struct pollfd;
int containers_wait(struct store *store, const char *id, const struct pollfd *others,
		    size_t n_others, int *ret_exit_code, struct error *err);

/* ---- checkpoints (store/checkpoint.h; dir NULL: the store's folder) ---- */

struct checkpoint_wishes {
	bool leave_running;
	bool tcp_established, file_locks; /* saved; else a container that has such is refused */
};
/* Writes a Running or Paused one to disk; it is Stopped then, unless it is left running. */
int containers_checkpoint(struct store *store, const char *id, const char *dir, const char *name,
			  const struct checkpoint_wishes *wishes, struct error *err);
/*
 * Runs it again from there: one that is not live, from every other state. As
 * containers_start() besides.
 */
int containers_restore(struct store *store, const char *id, const char *dir, const char *name,
		       const struct stream_attach *attach, int *ret_socket, struct error *err);

/* ---- the task API of its supervisor ---- */

struct ttrpc_client;
/* Connects; for containers that are not live: an error that says so and what to do. */
int containers_connect(const struct store *store, const struct record *record,
		       struct ttrpc_client *ret, struct error *err);
int containers_pause(struct store *store, const char *id, struct error *err);
int containers_unpause(struct store *store, const char *id, struct error *err);

/* The Docker-like document of `inspect`: malloc'd JSON text. */
char *containers_inspect(struct store *store, const struct record *record, bool with_size,
			 struct error *err);

/* ---- mounts and devices, of the present run and the coming ones (bundle/live.h) ---- */

int containers_add_mount_live(struct store *store, const char *id, const char *text,
			      struct error *err);
int containers_remove_mount_live(struct store *store, const char *id, const char *target,
				 struct error *err);
int containers_add_device_live(struct store *store, const char *id, const char *text,
			       struct error *err);
int containers_remove_device_live(struct store *store, const char *id, const char *path,
				  struct error *err);

/* For struct store: see root.h. */
int containers_clean_up(struct store *store, const struct record *record, struct error *err);
