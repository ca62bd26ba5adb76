/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/bundle_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"

/* After the time-out, again and again: the first one may come before flock(2) blocks. */
enum { AGAIN_US = 10000 };

int bundle_lock_open(const char *bundle, struct error *err)
{
	cleanup_fd int fd = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, errno, "open the bundle %s", bundle);
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return move_fd(&fd);
	if (errno != EWOULDBLOCK)
		return error_set(err, errno, "lock the bundle %s", bundle);
	return error_set(err, EBUSY, "lock the bundle %s, which is being deleted", bundle);
}

static volatile sig_atomic_t has_expired;

static void expire(int signal_number)
{
	has_expired = 1;
}

/* Interrupts what blocks, once the time is over. */
static void set_alarm(int timeout_ms)
{
	const struct itimerval timer = {
		.it_value = { timeout_ms / 1000, timeout_ms % 1000 * 1000 },
		.it_interval = { 0, timeout_ms ? AGAIN_US : 0 },
	};

	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

int bundle_lock_wait(int bundle, int timeout_ms, struct error *err)
{
	const struct sigaction interrupt = { .sa_handler = expire };
	struct sigaction before;
	int result, code;

	if (flock(bundle, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return error_set(err, errno, "lock the bundle");
	has_expired = timeout_ms <= 0;
	(void)sigaction(SIGALRM, &interrupt, &before);
	set_alarm(timeout_ms);
	do {
		result = has_expired ? -1 : flock(bundle, LOCK_EX);
		code = has_expired ? ETIMEDOUT : errno;
	} while (result < 0 && code == EINTR);
	set_alarm(0);
	(void)sigaction(SIGALRM, &before, NULL);
	if (result < 0)
		return error_set(err, code, "wait until nobody works on the bundle");
	return 0;
}
