/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rustbox-seccomp VERSION check PLUGINS
 * rustbox-seccomp VERSION serve PLUGINS STATE-FOLDER ID BUNDLE CONFIG
 *
 * Loads plugins of seccomp for rustbox-runtime, which is static and should not
 * have other people's code in it. `check` says on standard error why they cannot
 * be loaded. `serve` answers for the listener, descriptor 3, and sends "ready" or
 * the reason why not to descriptor 4, a socket; later reasons go to syslog.
 */
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/rustbox-seccomp/plugin.h"

enum { LISTENER = 3, REPORT = 4 };

/* ---- rights ------------------------------------------------------------------------------- */

/*
 * What is about the machine, not about a container: no answer to a container
 * needs it. The rest a plugin may need to do what the container may not.
 */
static const unsigned char dropped[] = {
	CAP_LINUX_IMMUTABLE, CAP_SYS_MODULE, CAP_SYS_RAWIO,	 CAP_SYS_PACCT,
	CAP_SYS_BOOT,	     CAP_SYS_TIME,   CAP_SYS_TTY_CONFIG, CAP_AUDIT_WRITE,
	CAP_AUDIT_CONTROL,   CAP_AUDIT_READ, CAP_MAC_OVERRIDE,	 CAP_MAC_ADMIN,
	CAP_SYSLOG,	     CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND,
};

static int drop_capabilities(struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return error_set(err, errno, "capget");
	for (size_t i = 0; i < sizeof(dropped); i++) {
		data[dropped[i] / 32].permitted &= ~(1U << dropped[i] % 32);
		data[dropped[i] / 32].effective &= ~(1U << dropped[i] % 32);
	}
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].inheritable = 0;
	if (syscall(SYS_capset, &header, data) < 0)
		return error_set(err, errno, "capset");
	return 0;
}

static int limit_rights(struct error *err)
{
	/* Nothing that it executes gets more: not by root's id, nor by a file's. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "prctl(PR_SET_NO_NEW_PRIVS)");
	if (drop_capabilities(err) < 0)
		return -1;
	/* A terminal's signals are for the container, and no folder is kept busy. */
	(void)setsid();
	if (chdir("/") < 0)
		return error_set(err, errno, "change to /");
	return 0;
}

/* ---- verbs -------------------------------------------------------------------------------- */

static int check(char *const *args, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct plugin_list list;

	return plugin_list_load(args[0], &arena, &list, err);
}

static int load_and_start(char *const *args, struct arena *arena, struct plugin_list *ret,
			  struct error *err)
{
	/* It may keep this. */
	static struct plugin_container container;

	container = (struct plugin_container){
		.state_folder = args[1], .id = args[2], .bundle = args[3], .config = args[4]
	};
	if (fd_set_cloexec(LISTENER, 1, err) < 0 || fd_set_cloexec(REPORT, 1, err) < 0 ||
	    plugin_list_load(args[0], arena, ret, err) < 0)
		return -1;
	return plugin_list_start(ret, &container, err);
}

static int serve(char *const *args, struct error *err)
{
	static const struct log_options log = { .path = "syslog:rustbox-seccomp" };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int report = REPORT;
	struct plugin_list list;
	struct error ignored;

	int rc = load_and_start(args, &arena, &list, err);
	const char *word = rc == 0 ? "ready" : err->text;
	if (fd_send_packet(report, word, strlen(word), NULL, 0) < 0 || rc < 0)
		return -1;
	fd_close(&report);
	rc = plugin_list_serve(&list, LISTENER, err);
	if (rc < 0 && log_open(&log, &ignored) == 0)
		log_error("container \"%s\": %s", args[2], err->text);
	plugin_list_stop(&list);
	return rc;
}

static const struct verb {
	const char *name;
	int n_args;
	int (*run)(char *const *args, struct error *err);
} verbs[] = {
	{ "check", 1, check },
	{ "serve", 5, serve },
};

int main(int argc, char **argv)
{
	const struct verb *verb = verbs, *end = verbs + sizeof(verbs) / sizeof(verbs[0]);
	struct error err;

	while (verb < end && !(argc == 3 + verb->n_args && str_equal(verb->name, argv[2])))
		verb++;
	if (verb == end) {
		(void)fputs("usage: rustbox-seccomp VERSION check|serve PLUGINS ...\n"
			    "It is run by rustbox-runtime, for run.oci.seccomp.plugins.\n",
			    stderr);
		return 2;
	}
	if (!str_equal(argv[1], RUSTBOX_VERSION)) {
		(void)fprintf(stderr,
			      "rustbox-seccomp is of version " RUSTBOX_VERSION
			      ", the runtime of %s: install both of the same version\n",
			      argv[1]);
		return EXIT_FAILURE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (limit_rights(&err) == 0 && verb->run(argv + 3, &err) == 0)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "%s\n", err.text);
	return EXIT_FAILURE;
}
