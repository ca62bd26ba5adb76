/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/engine_local.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/lifecycle.h"

static int start(const struct container_engine *engine, const char *const *args, struct error *err)
{
	return lifecycle_start_created(engine, args[1], err);
}

static int delete_by_force(const struct container_engine *engine, const char *const *args,
			   struct error *err)
{
	return lifecycle_delete_by_force(engine, args[2], err);
}

/* The words before the container's id, which is the last one. */
static const struct local_verb {
	const char *words[2];
	int (*run)(const struct container_engine *engine, const char *const *args,
		   struct error *err);
} verbs[] = {
	{ { "start" }, start },
	{ { "delete", "--force" }, delete_by_force },
};

static bool is_verb(const struct local_verb *verb, const char *const *args)
{
	size_t n = 0;

	for (; n < sizeof(verb->words) / sizeof(verb->words[0]) && verb->words[n]; n++)
		if (!args[n] || !str_equal(args[n], verb->words[n]))
			return false;
	return args[n] && !args[n + 1];
}

static const struct local_verb *find(const struct engine_verb *verb)
{
	const struct runtime_options *options = verb->options;

	if (verb->stdio || verb->input || verb->wants_output || verb->makes_process ||
	    (options && options->systemd_cgroup))
		return NULL;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (is_verb(&verbs[i], verb->args))
			return &verbs[i];
	return NULL;
}

bool engine_local_knows(const struct engine_verb *verb)
{
	return find(verb) != NULL;
}

/* The folder is kept for its lock: it tells that we are not done. */
static int settle(const struct engine_verb *verb, int log, pid_t parent, struct error *err)
{
	const int keep[] = { log, verb->directory };
	char path[32];
	const struct log_options options = { .path = path, .json = true, .level = LOG_WARNING };
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
	sigset_t none;

	/* Handlers have gone with the clone; hooks have all signals reset by who runs them. */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_set(err, errno, "settle");
	if (getppid() != parent) /* it was too late for the signal */
		_exit(EXIT_FAILURE);
	if (null < 0)
		return error_set(err, errno, "open /dev/null");
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return error_set(err, errno, "dup2");
	if (fd_close_others(STDERR_FILENO + 1, keep, sizeof(keep) / sizeof(keep[0]), err) < 0)
		return -1;
	(void)move_fd(&null);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", log);
	return log_open(&options, err);
}

static _Noreturn void run_child(const struct local_verb *local, const struct engine_verb *verb,
				const char *root, int log, pid_t parent)
{
	const struct container_engine engine = { .root = root, .root_is_given = true };
	struct error err;

	(void)prctl(PR_SET_NAME, "rustbox-runtime");
	if (settle(verb, log, parent, &err) == 0 && local->run(&engine, verb->args, &err) == 0)
		_exit(EXIT_SUCCESS);
	if (str_starts_with(err.text, local->words[0]))
		log_error("%s", err.text);
	else
		log_error("%s: %s", local->words[0], err.text);
	_exit(EXIT_FAILURE);
}

pid_t engine_local_start(const struct engine_verb *verb, const char *root, int log,
			 struct error *err)
{
	const struct local_verb *local = find(verb);
	pid_t parent = getpid(), pid = process_clone(CLONE_CLEAR_SIGHAND, -1, NULL);

	if (pid < 0)
		return error_set(err, errno, "clone a child for %s", verb->args[0]);
	if (pid == 0)
		run_child(local, verb, root, log, parent);
	/* Whoever comes first: from now on the group can be killed. */
	(void)setpgid(pid, pid);
	return pid;
}
