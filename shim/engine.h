/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI runtime as a child, one verb each: rustbox-runtime, or another one
 * with runc's command line. Nothing here waits; a verb's end comes from the
 * reaper.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "shim/reaper.h"
#include "shim/runtime_options.h"

struct engine;

/*
 * Finds our own runtime, once: rustbox-runtime beside this program's file, or
 * else on PATH. A missing one is an error of the verb that wants it, which
 * names where it was looked for. NULL with err when out of memory.
 */
struct engine *engine_new(struct reaper *reaper, struct error *err);
void engine_free(struct engine *engine);

/*
 * Does beforehand what the next verb that makes a process begins with: for who
 * has time now, and not then.
 */
void engine_prepare(struct engine *engine);

/* What a verb finds at these descriptors; name them in `args` by ENGINE_PATH_…. */
enum { ENGINE_FD_LOG = 3, ENGINE_FD_INPUT = 4, ENGINE_FD_DIRECTORY = 5 };
#define ENGINE_PATH_LOG	      "/proc/self/fd/3"
#define ENGINE_PATH_INPUT     "/proc/self/fd/4"
#define ENGINE_PATH_DIRECTORY "/proc/self/fd/5"

struct engine_verb {
	const struct runtime_options *options; /* binary_name, root, systemd_cgroup */
	const char *const *args;	       /* "create", "--bundle", …; ends with NULL */
	const int *stdio;  /* three, -1: /dev/null; NULL: all /dev/null. Borrowed during the call */
	const char *input; /* a file with this text as ENGINE_PATH_INPUT; NULL: none */
	size_t input_size;
	int directory; /* opened folder as ENGINE_PATH_DIRECTORY; -1: none. Borrowed during the call
			*/
	bool wants_output;  /* standard output is collected (stdio is NULL then) */
	bool makes_process; /* ends of unknown processes are kept until `done` has returned */
	/*
	 * Called once, from the loop. failure: NULL for success, else the
	 * runtime's own message (the last error in its log, or what it printed
	 * on standard error, or how it ended). output: NUL-terminated, at most
	 * 16 MiB, NULL when not wanted. Both are gone after the call.
	 */
	void (*done)(void *data, const char *failure, const char *output);
	void *data;
};

/*
 * Starts `RUNTIME --root ROOT/NAMESPACE --log … --log-format json
 * [--systemd-cgroup] ARGS`. Everything is copied or used during the call. -1
 * with err when it could not be started (then `done` is not called).
 * namespace: NULL for a verb that needs no state (features).
 */
int engine_run(struct engine *engine, const char *namespace, const struct engine_verb *verb,
	       struct error *err);

/*
 * `delete --force ID` of our own runtime, done by this process before it returns,
 * where nothing has to be waited for (lifecycle_delete_at_once()). False where
 * that is not so, or the options name another runtime: then it is a verb's work.
 */
bool engine_delete_at_once(const struct runtime_options *options, const char *namespace,
			   const char *id);

/*
 * The same as engine_run(), waiting for the end (`done` and makes_process are not used); for
 * the `delete` and -info actions, which have no loop. Output is malloc'd, may
 * be NULL. timeout_ms: -1 for none; then the verb is killed.
 */
int engine_run_and_wait(const char *namespace, const struct engine_verb *verb, int timeout_ms,
			char **ret_output, struct error *err);

/* Reads the decimal pid that a verb wrote to its --pid-file. */
int engine_read_pid(int directory, const char *name, pid_t *ret_pid, struct error *err);
