/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's shim: finds what is to be done, and reports the one error. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/fd.h"
#include "shim/bootstrap.h"
#include "shim/flags.h"
#include "shim/server.h"

static const char usage[] =
	"containerd-shim-rustbox-v1 - runs the containers of containerd's runtime rustbox\n"
	"\n"
	"Usage: containerd-shim-rustbox-v1 [FLAGS] [start|delete]\n"
	"\n"
	"containerd calls this program; it is not meant for hands. Name the runtime there:\n"
	"\n"
	"  ctr run --runtime " SHIM_RUNTIME_NAME " IMAGE ID\n"
	"\n"
	"Actions:\n"
	"  start   find or start the server of the container's group, print its address\n"
	"  delete  clean up after a server that is gone\n"
	"  (none)  serve the task API on descriptor 3\n"
	"\n"
	"Flags:\n"
	"  -namespace NAME       containerd's namespace\n"
	"  -id ID                the container\n"
	"  -bundle DIR           the container's bundle (delete)\n"
	"  -address PATH         containerd's socket\n"
	"  -publish-binary FILE  containerd's program, for events when there is no TTRPC_ADDRESS\n"
	"  -debug                log more\n"
	"  -info                 print what the runtime can do, as containerd reads it\n"
	"  -v, -version          print the version\n"
	"  -h, -help             print this text\n";

static int serve(const struct shim_flags *flags, struct error *err)
{
	/* It was executed as /proc/self/exe, and would show as "exe". */
	(void)prctl(PR_SET_NAME, "containerd-shim");
	return shim_flags_check(flags, err) < 0 ? -1 : server_run(flags, err);
}

static int info(const struct shim_flags *flags, struct error *err)
{
	return bootstrap_info(err);
}

static int version(const struct shim_flags *flags, struct error *err)
{
	bootstrap_version();
	return 0;
}

static int help(const struct shim_flags *flags, struct error *err)
{
	(void)fputs(usage, stdout);
	return 0;
}

static int (*const actions[])(const struct shim_flags *flags, struct error *err) = {
	[SHIM_SERVE] = serve, [SHIM_START] = bootstrap_start, [SHIM_DELETE] = bootstrap_delete,
	[SHIM_INFO] = info,   [SHIM_VERSION] = version,	      [SHIM_HELP] = help,
};

static void report(const struct error *err)
{
	(void)fputs("containerd-shim-rustbox-v1: ", stderr);
	for (const char *p = err->text; *p; p++)
		(void)fputc((unsigned char)*p < ' ' ? ' ' : *p, stderr);
	(void)fputc('\n', stderr);
}

int main(int argc, char **argv)
{
	struct shim_flags flags;
	struct error err;

	(void)signal(SIGPIPE, SIG_IGN);
	if (fd_open_standard_streams(&err) == 0 && shim_flags_read(argv, &flags, &err) == 0 &&
	    actions[flags.action](&flags, &err) == 0 &&
	    (fflush(stdout) == 0 || error_set(&err, errno, "write to standard output") == 0))
		return EXIT_SUCCESS;
	report(&err);
	return EXIT_FAILURE;
}
