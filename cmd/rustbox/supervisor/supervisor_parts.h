/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of supervisor.h: its state, and what its files share.
 *
 *	supervisor.c   the process: sockets, signals, the task service's events
 *	life.c         from create to the end, restarts
 *	run_calls.c    calls of the task service in this process
 *	aside.c        what may block, in a child
 *	output.c       the container's output to its log, and on to clients
 *	client.c       connections: what they ask for, what they are owed
 *	replay.c       recent output without its questions
 *	client_exec.c  a connection with a process of its own (exec.c)
 *	stop.c         stop, kill, restart
 *	change.c       the record while we live: we alone write it
 *	health.c       health checks
 *	limits.c       time, CPU time, the report
 *	checkpoint.c   a checkpoint, until it is complete
 *	publish.c      other published ports, until they are reachable
 */
#pragma once

#include "cmd/rustbox/log/log_writer.h"
#include "cmd/rustbox/network/network_ports.h"
#include "cmd/rustbox/store/store.h"
#include "cmd/rustbox/store/tree.h"
#include "cmd/rustbox/stream/stream.h"
#include "cmd/rustbox/supervisor/health.h"
#include "cmd/rustbox/supervisor/limits.h"
#include "cmd/rustbox/supervisor/oom_victim.h"
#include "cmd/rustbox/supervisor/streams.h"
#include "proto/ttrpc_server.h"
#include "shim/task.h"

/* Of the task API: a folder below the runtime's root. */
#define SUPERVISOR_NAMESPACE "rustbox"

enum { EXIT_ENGINE = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

enum life {
	LIFE_NEW,	/* who has launched us speaks first */
	LIFE_PREPARING, /* its network */
	LIFE_CREATING,
	LIFE_STARTING,
	LIFE_RUNNING,
	LIFE_DELETING, /* its process has ended, or was never started */
	LIFE_WAITING,  /* for its restart */
	LIFE_ENDING,   /* cleaning up for good */
	LIFE_OVER,     /* all is done but telling the clients */
};

/* How the present run has ended, or why there was none. */
struct run_end {
	bool is_known;
	int exit_code, signal;
	char failure[ERROR_TEXT_SIZE]; /* "": it was started */
};

enum stop_purpose {
	STOP_NOT,
	STOP_TO_RESTART,
	STOP_BY_SIGNAL, /* sent to us: as at the machine's end. The restart policy stays in force */
	STOP_BY_KILL,	/* it ends by what was sent to it; no restart */
	STOP_FOR_GOOD,
};

struct stop {
	enum stop_purpose purpose;
	int timeout_ms, signal;
	struct loop_timer patience;
	int sent; /* the last signal, which is tried again when that fails */
	bool sent_to_all;
	unsigned int tries;
};

/* CHECKPOINT of a client. */
struct checkpoint_work {
	bool is_under_way, leaves_running, tcp_established, file_locks;
	char part[4096], path[4096];
};

/* CHANGE of the published ports: until the plugins are done with it. */
struct publish_work {
	bool is_under_way;
	struct arena arena; /* of the new ones; when they are published, record_parts.network */
	struct record_network *network;
	struct network_ports ports;
	struct client *client;
};

/* What of the record was replaced while it runs lives here, the rest in the supervisor's arena. */
struct record_parts {
	struct arena settings, network;
};

/* Texts of the record that change while it runs. */
struct record_texts {
	char started[40], finished[40];
	char oom_task[sizeof(((struct oom_victim *)NULL)->task)];
	char error[ERROR_TEXT_SIZE], health_output[HEALTH_OUTPUT_MAX + 1];
	char *name;
};

struct output {
	struct streams streams;
	struct log_writer log;
	int directory;
	bool is_open, has_failed; /* the log */
	uint64_t total;		  /* bytes of this run */
};

struct client;
struct exec;

struct supervisor {
	struct store *store;
	const char *id;
	int lock; /* the supervisor lock, until everything is as it stays */
	struct arena arena;
	struct record *record; /* not const: see change.c */
	struct record_texts texts;
	struct record_parts parts;

	struct loop loop;
	struct loop_watch signals, listener;
	struct task_service tasks;
	struct ttrpc_server *ttrpc;
	char runtime_root[4096]; /* the run folder of this container */
	int folder;		 /* the same, opened */

	enum life life;
	int status_before; /* enum record_status */
	struct run_end end;
	struct loop_timer step; /* after an event, when nobody is in the middle of something */
	struct loop_timer again;
	struct loop_timer save_again; /* the record, which could not be written */
	unsigned int delay_ms, n_starts;
	int64_t started_ms; /* of the monotonic clock */
	pid_t pid;
	bool network_is_up, is_draining;
	struct network_ports ports; /* as long as the network is up */
	bool was_cleaned_up;	    /* this run: once is enough */

	struct stop stop;
	struct checkpoint_work checkpoint;
	struct publish_work publish;
	const char *restore_from; /* what the first run is restored from, or NULL */
	struct output output;
	struct client *clients, *launcher, *closed_clients;
	struct loop_timer sweep; /* frees those */
	struct loop_timer accept_again;
	struct exec *execs;
	unsigned int n_execs;
	struct tree_rest rest; /* of the container's folders, given back when all are told */
	struct health health;
	struct limits limits;
};

/* ---- life.c ---- */

void life_begin(struct supervisor *s);
/* The process has ended: from within the task service's event. */
void life_note_exit(struct supervisor *s, int exit_code, int signal);
/* Goes on without waiting for the next restart. */
void life_end_waiting(struct supervisor *s);
/* A client has taken something, or has gone: at the end that may have been the last. */
void life_check_over(struct supervisor *s);
/* True while there is a process (or a paused one). */
bool life_is_running(const struct supervisor *s);
void life_init(struct supervisor *s);

/* ---- run_calls.c ---- */

/* Calls the task API of this process; see ttrpc_call_local(). */
int run_call(struct supervisor *s, const char *method, const ProtobufCMessage *request,
	     ttrpc_local_done *done, void *data, struct error *err);
/* checkpoint: what it is restored from, when it is started; or NULL. */
int run_call_create(struct supervisor *s, const char *checkpoint, ttrpc_local_done *done,
		    struct error *err);
/* exec_id "" for the container's own process. */
int run_call_start(struct supervisor *s, const char *exec_id, ttrpc_local_done *done, void *data,
		   struct error *err);
int run_call_delete(struct supervisor *s, const char *exec_id, ttrpc_local_done *done, void *data,
		    struct error *err);
int run_call_kill(struct supervisor *s, const char *exec_id, int signal, bool all,
		  ttrpc_local_done *done, void *data, struct error *err);
/* Of the task service's failure: 127, 126 where the command could not be executed, else 125. */
int run_exit_code(const char *failure);
/* *ret: the failure and that the disk is full, where that is its cause; else empty. */
void run_explain_failure(const struct supervisor *s, const char *failure, struct str *ret);

/* ---- aside.c ---- */

enum aside_work { ASIDE_NETWORK_UP, ASIDE_NETWORK_DOWN, ASIDE_PUBLISH, ASIDE_CLEAN_UP };
/* `done` is called from the loop; failure is NULL or the error's text. */
int aside_run(struct supervisor *s, enum aside_work work,
	      void (*done)(void *data, const char *failure), struct error *err);
/* True where a run has left state of the runtime, or mounts. */
bool aside_has_remains(const struct supervisor *s);

/* ---- output.c ---- */

int output_init(struct supervisor *s, struct error *err);
/* A run begins: the first one before any client comes. */
void output_begin(struct supervisor *s);
void output_end_run(struct supervisor *s);
void output_done(struct supervisor *s);

/* ---- client.c ---- */

void client_init(struct supervisor *s);
/* take_fd: a connected socket. */
struct client *client_new(struct supervisor *s, int take_fd, struct error *err);
void client_accept_all(struct supervisor *s);
/* Closes the listener. */
void client_stop_accepting(struct supervisor *s);
/* There is output for all, or for one that waits for room. */
void client_pump_all(struct supervisor *s);
/* Bytes that are in no log, for those that have all that is. */
void client_send_unlogged(struct supervisor *s, enum log_stream stream, const char *bytes,
			  size_t size);
/* Its peer has closed the connection, whether all of what it sent was received or not. */
bool client_has_gone(const struct client *c);
void client_tell_started(struct supervisor *s);
void client_tell_will_restart(struct supervisor *s);
/* Those who have asked for a restart: it is done. */
void client_tell_restarted(struct supervisor *s);
/* Those who have asked for a check: how it was; s->health.output. */
void client_tell_health(struct supervisor *s, bool is_healthy);
/* All is over: everybody gets the last answer. */
void client_tell_over(struct supervisor *s);
/* True when no attached client lacks any output. */
bool client_all_have_output(const struct supervisor *s);
void client_free_all(struct supervisor *s);

/* ---- publish.c ---- */

/* The ports of the change in place of those that there are; the arena, where it lives, is taken
 * over. True in *ret_later as above. */
int publish_begin(struct client *c, const struct stream_change *change, struct arena *take_arena,
		  bool *ret_later, struct error *err);

/* ---- stop.c ---- */

void stop_init(struct supervisor *s);
void stop_ask(struct supervisor *s, enum stop_purpose purpose, int timeout_ms, int signal);
/* It runs: what was asked for before is done now. */
void stop_catch_up(struct supervisor *s);
void stop_run_ended(struct supervisor *s);
/* A checkpoint has ended it: for good. */
void stop_note_checkpoint(struct supervisor *s);
/* Kills all of it because of a limit. */
void stop_at_limit(struct supervisor *s, const char *ended_by);
/* True for signals after which there is no restart. */
bool stop_is_final(const struct supervisor *s, int signal);

/* ---- change.c ---- */

void change_save(struct supervisor *s, bool durable);
void change_set_now(char text[40]);
void change_set_error(struct supervisor *s, const char *text);
/* True in *ret_later: the client is answered when that is done. */
int change_apply(struct client *c, const char *json, size_t size, bool *ret_later,
		 struct error *err);
void change_done(struct supervisor *s);
/* --pidfile. Failing is logged. */
void change_write_pid(const struct supervisor *s);
/* A user's file, at an absolute path: at once or not at all. */
int change_replace_file(const char *path, const char *text, size_t size, struct error *err);
/* Tells `events`, with our record. key may be NULL. */
void change_tell(struct supervisor *s, const char *action, const char *key, const char *value);
