/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/container/session_signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/rustbox/container/session.h"

/*
 * SIGTTIN and SIGTTOU are between our shell and us, SIGCHLD and SIGPIPE between
 * our descriptors and children and us; SIGURG means nothing to us.
 */
static bool is_never_taken(int signal)
{
	static const int never[] = { SIGKILL, SIGSTOP, SIGTTIN, SIGTTOU, SIGCHLD, SIGPIPE, SIGURG };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (never[i] == signal)
			return true;
	return false;
}

/* Those that were ignored when we began: asked once, for all of them are many. */
static const sigset_t *ignored_signals(void)
{
	static sigset_t ignored;
	static bool is_known;
	struct sigaction action;

	if (is_known)
		return &ignored;
	(void)sigemptyset(&ignored);
	for (int i = 1; i <= SIGRTMAX; i++)
		if (!is_never_taken(i) &&
		    (sigaction(i, NULL, &action) < 0 || action.sa_handler == SIG_IGN))
			(void)sigaddset(&ignored, i);
	is_known = true;
	return &ignored;
}

static bool is_taken(int signal, bool tty, bool proxies)
{
	if (is_never_taken(signal) || sigismember(ignored_signals(), signal) != 0)
		return false;
	/*
	 * A window that changes its size is none of the container's business when it
	 * has no terminal: there are servers that SIGWINCH stops.
	 */
	if (signal == SIGWINCH || signal == SIGCONT)
		return tty;
	return proxies || signal != SIGTSTP;
}

static void fill(sigset_t *ret, bool tty, bool proxies)
{
	(void)sigemptyset(ret);
	for (int i = 1; i <= SIGRTMAX; i++)
		if (is_taken(i, tty, proxies))
			(void)sigaddset(ret, i);
}

int session_signals_open(bool tty, bool proxies, struct error *err)
{
	sigset_t taken;

	fill(&taken, tty, proxies);
	(void)sigprocmask(SIG_BLOCK, &taken, NULL);
	int fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? error_set(err, errno, "make a signalfd") : fd;
}

void session_hold_signals(void)
{
	sigset_t held;

	fill(&held, false, true);
	(void)sigprocmask(SIG_BLOCK, &held, NULL);
}

int session_signals_take(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

enum session_signal session_signals_judge(int signal, bool tty, bool proxies)
{
	if (signal == SIGWINCH)
		return SESSION_SIGNAL_RESIZE;
	if (signal == SIGCONT && tty)
		return SESSION_SIGNAL_RESUME;
	return proxies ? SESSION_SIGNAL_FORWARD : SESSION_SIGNAL_DIE;
}

void session_signals_die(int signal)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t one;

	(void)sigaction(signal, &usual, NULL);
	(void)sigemptyset(&one);
	(void)sigaddset(&one, signal);
	(void)sigprocmask(SIG_UNBLOCK, &one, NULL);
	(void)raise(signal);
}
