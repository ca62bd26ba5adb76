/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rustbox-systemd start|set|stop|attach: one request to systemd, for
 * rustbox-runtime, which is static and so has no sd-bus(3). The request is on
 * standard input (runtime/systemd_request.h). Nothing is said on success; the
 * reason for a failure goes to standard error.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/rustbox-systemd/manager.h"

static const struct verb {
	const char *name;
	int (*run)(struct manager *manager, const struct systemd_request *request,
		   struct error *err);
} verbs[] = {
	{ "start", manager_start },
	{ "set", manager_set },
	{ "stop", manager_stop },
	{ "attach", manager_attach },
};

static int read_request(struct arena *arena, struct systemd_request *ret, struct error *err)
{
	static const char name[] = "the request on standard input";
	cleanup_free char *text = NULL;
	size_t size;

	if (fd_read_all(STDIN_FILENO, name, JSON_SIZE_MAX, &text, &size, err) < 0 ||
	    json_read(&systemd_request_type, text, size, ret, arena, err) < 0)
		return error_wrap(err, "%s", name);
	if (str_equal(ret->version, RUSTBOX_VERSION))
		return 0;
	error_set(err, 0, "rustbox-systemd is of version " RUSTBOX_VERSION ", the runtime of %s",
		  ret->version);
	return error_hint(err, "install both of the same version");
}

static volatile sig_atomic_t is_orphan;

static void note_orphan(int signal)
{
	is_orphan = 1;
}

static int serve(const struct verb *verb, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_manager struct manager manager = MANAGER_CLOSED;
	struct systemd_request request = { 0 };

	if (read_request(&arena, &request, err) < 0 ||
	    manager_open(&manager, request.user, err) < 0)
		return -1;
	int result = verb->run(&manager, &request, err);
	/*
	 * The scope may have been made for a process that was dying by then: systemd waits
	 * for ever for a cgroup to become empty that nobody has ever been in.
	 */
	struct error ignored;
	if (is_orphan && verb->run == manager_start)
		(void)manager_stop(&manager, &request, &ignored);
	return result;
}

int main(int argc, char **argv)
{
	const struct verb *verb = verbs, *end = verbs + sizeof(verbs) / sizeof(verbs[0]);
	struct error err;

	(void)signal(SIGPIPE, SIG_IGN);
	/* What a runtime that was killed had asked for nobody wants any more. */
	const struct sigaction orphaned = { .sa_handler = note_orphan };
	(void)sigaction(SIGTERM, &orphaned, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	while (verb < end && !(argc == 2 && str_equal(verb->name, argv[1])))
		verb++;
	if (verb == end) {
		(void)fputs("usage: rustbox-systemd start|set|stop|attach <REQUEST\n"
			    "It is run by rustbox-runtime, with --systemd-cgroup.\n",
			    stderr);
		return 2;
	}
	if (serve(verb, &err) == 0)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "%s\n", err.text);
	return EXIT_FAILURE;
}
