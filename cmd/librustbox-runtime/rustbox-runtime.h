/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librustbox-runtime: containers from C programs.
 *
 * Each function is one call of the program rustbox-runtime, as a process of its
 * own: nothing of the caller changes (working folder, signals, umask,
 * descriptors, memory), several threads may call at the same time, and what
 * runs in a container never sees the caller's program. What the calls do is
 * said in rustbox-runtime(8); bundles and states are those of the OCI runtime
 * specification.
 *
 * All return 0, or -1 with *err set. They block until the runtime has ended,
 * which for create, start and delete includes the configuration's hooks, and
 * for run and exec, unless detached, the process. The caller must neither
 * ignore SIGCHLD nor wait for children that are not its own (waitpid(-1)).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { RUSTBOX_RUNTIME_TEXT = 2048 };

struct rustbox_runtime_error {
	int exit_code; /* of the runtime; 0 when it was not even started, or was killed */
	char text[RUSTBOX_RUNTIME_TEXT];
};

/* Whom the calls are for. All members may be NULL. */
struct rustbox_runtime {
	const char *program;	    /* absolute; NULL: rustbox-runtime, as PATH finds it */
	const char *root;	    /* --root: where the containers' states are */
	const char *cgroup_manager; /* --cgroup-manager: "cgroupfs", "systemd", "disabled" */
};

/* Descriptors for the container's standard streams, borrowed; -1 is /dev/null. */
struct rustbox_runtime_streams {
	int in, out, err;
};

struct rustbox_runtime_create {
	const char *id;
	const char *bundle;	    /* the folder with config.json */
	const char *console_socket; /* gets the terminal's master; NULL: none */
	const char *pid_file;	    /* gets the pid of the container's init; NULL: none */
	struct rustbox_runtime_streams streams;
};

/* create: the container is made, its process waits for start. */
int rustbox_runtime_create(const struct rustbox_runtime *runtime,
			   const struct rustbox_runtime_create *create,
			   struct rustbox_runtime_error *err);
int rustbox_runtime_start(const struct rustbox_runtime *runtime, const char *id,
			  struct rustbox_runtime_error *err);

/*
 * run: create and start; then waits for the end and deletes. *ret_exit_code:
 * that of the process, or 128 and its signal's number. With NULL it is
 * detached: the container runs, and is the caller's to delete.
 */
int rustbox_runtime_run(const struct rustbox_runtime *runtime,
			const struct rustbox_runtime_create *create, int *ret_exit_code,
			struct rustbox_runtime_error *err);

/* signal: a number of signal(7). all: every process, not only the first. */
int rustbox_runtime_kill(const struct rustbox_runtime *runtime, const char *id, int signal,
			 bool all, struct rustbox_runtime_error *err);

/* force: also one that runs, and no error if there is none. */
int rustbox_runtime_delete(const struct rustbox_runtime *runtime, const char *id, bool force,
			   struct rustbox_runtime_error *err);

int rustbox_runtime_pause(const struct rustbox_runtime *runtime, const char *id,
			  struct rustbox_runtime_error *err);
int rustbox_runtime_resume(const struct rustbox_runtime *runtime, const char *id,
			   struct rustbox_runtime_error *err);

/* *ret_json: the state, a JSON object of the OCI runtime specification; free(3) it. */
int rustbox_runtime_state(const struct rustbox_runtime *runtime, const char *id, char **ret_json,
			  struct rustbox_runtime_error *err);

struct rustbox_runtime_exec {
	const char *id;
	const char *const *args;    /* the command, NULL-terminated; NULL with process_file */
	const char *process_file;   /* the process as JSON, as in config.json; NULL with args */
	const char *console_socket; /* NULL: no terminal */
	const char *pid_file;	    /* NULL: none */
	struct rustbox_runtime_streams streams;
};

/* exec: one more process in the container. *ret_exit_code and NULL: as of run. */
int rustbox_runtime_exec(const struct rustbox_runtime *runtime,
			 const struct rustbox_runtime_exec *exec, int *ret_exit_code,
			 struct rustbox_runtime_error *err);

/*
 * Any other command: args as on the command line, NULL-terminated, without the
 * global options. input (size bytes, NULL: none) is its standard input, and
 * *ret_output what it prints, NUL-terminated; free(3) it. ret_output may be NULL.
 */
int rustbox_runtime_call(const struct rustbox_runtime *runtime, const char *const *args,
			 const void *input, size_t size, char **ret_output,
			 struct rustbox_runtime_error *err);

#ifdef __cplusplus
}
#endif
