/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of standard streams: a temporary folder, a loop with a reaper,
 * descriptors that are closed after the test, and the check that neither
 * descriptors nor children are left.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "shim/logger.h"
#include "shim/reaper.h"
#include "shim/stdio.h"

enum { SAFETY_NET_MS = 30000, TEST_FDS = 16, ROUNDS = 100000 };

static struct {
	struct loop loop;
	struct reaper *reaper;
	struct stdio *stdio;
	struct logger *logger;
	char folder[64];
	int fds[TEST_FDS]; /* the test's own */
	size_t n_fds;
	int fds_before;
	int ready, ended, drained; /* how often they were called */
	char failure[256];	   /* what `ready` was given */
} test;

static inline void ignore_log(void *data, enum log_level level, const char *text)
{
	(void)data;
	(void)level;
	(void)text;
}

static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* Closes it after the test, unless the test does. */
static inline int *own_fd(int fd)
{
	assert_true(fd >= 0 && test.n_fds < TEST_FDS);
	test.fds[test.n_fds] = fd;
	return &test.fds[test.n_fds++];
}

static inline void test_round(int timeout_ms)
{
	struct error err;

	if (loop_run_once(&test.loop, timeout_ms, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void run_until(const int *flag)
{
	for (int i = 0; !*flag && i < ROUNDS; i++)
		test_round(SAFETY_NET_MS);
	assert_true(*flag);
}

/* Nothing happens any more, but for timers. */
static inline void run_until_idle(void)
{
	struct pollfd p = { .fd = test.loop.epoll, .events = POLLIN };
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	int64_t now = t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
	for (int i = 0; i < ROUNDS; i++) {
		/* A timer that is due in the next second is one for the next round. */
		if (poll(&p, 1, 0) == 0 &&
		    (!test.loop.timers || test.loop.timers->due_ns > now + 1000000000))
			return;
		test_round(0);
	}
	fail_msg("the loop does not come to rest");
}

/* Instead of waiting for the timer that is due next. */
static inline void make_timer_due(void)
{
	assert_non_null(test.loop.timers);
	test.loop.timers->due_ns = 0;
	test_round(0);
}

static inline bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* What the first child to end was killed by; 0: it was not. Leaves it to the reaper. */
static inline int wait_for_signal(void)
{
	siginfo_t info;

	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	return info.si_code == CLD_KILLED ? info.si_status : 0;
}

static inline int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int set_up(void **state)
{
	struct error err;

	(void)state;
	test.fds_before = count_fds();
	memset(&test.ready, 0, sizeof(test) - offsetof(__typeof__(test), ready));
	log_redirect(ignore_log, NULL);
	(void)snprintf(test.folder, sizeof(test.folder), "/tmp/rustbox-stdio-XXXXXX");
	assert_non_null(mkdtemp(test.folder));
	assert_int_equal(loop_init(&test.loop, &err), 0);
	test.reaper = reaper_new(&test.loop, &err);
	assert_non_null(test.reaper);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	stdio_free(test.stdio);
	logger_free(test.logger);
	test.stdio = NULL;
	test.logger = NULL;
	while (test.n_fds)
		fd_close(&test.fds[--test.n_fds]);
	/* First of all everything goes away, then it counts whether it did so by itself. */
	for (int i = 0; has_children() && i < ROUNDS; i++)
		test_round(SAFETY_NET_MS);
	bool timers_are_left = test.loop.timers != NULL;
	reaper_free(test.reaper);
	loop_done(&test.loop);
	log_redirect(NULL, NULL);
	assert_int_equal(nftw(test.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
	assert_false(has_children());
	assert_false(timers_are_left);
	assert_int_equal(count_fds(), test.fds_before);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* Of a file in the test's folder; good for the next eight calls. */
static inline const char *path_of(const char *name)
{
	static char paths[8][128];
	static unsigned int next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", test.folder, name);
	return path;
}

/* As a client does: makes a FIFO, and opens its side. */
static inline const char *make_fifo(const char *name)
{
	const char *path = path_of(name);

	assert_int_equal(mkfifo(path, 0700), 0);
	return path;
}

static inline int *open_fifo(const char *path, int flags)
{
	return own_fd(open(path, flags | O_NONBLOCK | O_CLOEXEC));
}

static inline void write_text(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Reads from a non-blocking descriptor until it has the text, and the loop goes on. */
static inline void expect(int fd, const char *text)
{
	char buffer[512];
	size_t used = 0, size = strlen(text);

	assert_true(size < sizeof(buffer));
	for (int i = 0; used < size && i < ROUNDS; i++) {
		ssize_t n = read(fd, buffer + used, size - used);
		if (n > 0)
			used += (size_t)n;
		else
			test_round(10);
	}
	buffer[used] = '\0';
	assert_string_equal(buffer, text);
}

static inline void expect_end(int fd)
{
	ssize_t n = -1;
	char c;

	for (int i = 0; i < ROUNDS && (n = read(fd, &c, 1)) < 0 && errno == EAGAIN; i++)
		test_round(10);
	assert_int_equal(n, 0);
}

static inline void expect_nothing(int fd)
{
	char c;

	run_until_idle();
	assert_int_equal(read(fd, &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static inline void expect_file(const char *name, const char *text)
{
	char buffer[4096];
	int *fd = own_fd(open(path_of(name), O_RDONLY | O_CLOEXEC));
	ssize_t n = read(*fd, buffer, sizeof(buffer) - 1);

	assert_true(n >= 0);
	buffer[n] = '\0';
	assert_string_equal(buffer, text);
	fd_close(fd);
	test.n_fds--;
}

/* binary:///bin/sh with the script, which finds its descriptors 3 to 5, and $D as the folder. */
static inline const char *script_uri(const char *scheme, const char *script)
{
	static char uri[4096];
	char text[1024];
	size_t n;

	(void)snprintf(text, sizeof(text), "D=%s; %s", test.folder, script);
	n = (size_t)snprintf(uri, sizeof(uri), "%s:///bin/sh?-c=", scheme);
	for (const char *p = text; *p; p++)
		n += (size_t)snprintf(uri + n, sizeof(uri) - n, "%%%02x", (unsigned char)*p);
	assert_true(n < sizeof(uri));
	return uri;
}

static inline void on_ready(void *data, const char *failure)
{
	assert_ptr_equal(data, &test);
	test.ready++;
	(void)snprintf(test.failure, sizeof(test.failure), "%s", failure ? failure : "");
}

static inline void on_ended(void *data)
{
	assert_ptr_equal(data, &test);
	test.ended++;
}

static inline void on_drained(void *data)
{
	assert_ptr_equal(data, &test);
	test.drained++;
	stdio_free(test.stdio); /* as its owner does */
	test.stdio = NULL;
}

/* The process's descriptors, which it has got by fork: ours, -1 for /dev/null. */
static int *process[] = { NULL, NULL, NULL };

static inline void make_stdio(const struct stdio_config *config)
{
	struct error err = { 0 };

	test.stdio = stdio_new(&test.loop, test.reaper, config, on_ready, &test, &err);
	if (!test.stdio)
		fail_msg("%s", err.text);
	for (int i = 0; i < 3; i++) {
		int fd = stdio_child_fds(test.stdio)[i];
		process[i] = fd < 0 ? NULL : own_fd(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	}
}

static inline void attach(void)
{
	struct error err;

	if (stdio_attach(test.stdio, &err) < 0)
		fail_msg("%s", err.text);
	for (int i = 0; i < 3; i++)
		assert_int_equal(stdio_child_fds(test.stdio)[i], -1);
}

static inline void assert_attach_fails(const char *reason)
{
	struct error err = { 0 };

	assert_int_equal(stdio_attach(test.stdio, &err), -1);
	if (!strstr(err.text, reason))
		fail_msg("%s", err.text);
}

static inline void assert_config_is_refused(const struct stdio_config *config, const char *reason)
{
	struct error err = { 0 };

	assert_null(stdio_new(&test.loop, test.reaper, config, on_ready, &test, &err));
	assert_int_equal(err.code, EINVAL);
	if (!strstr(err.text, reason))
		fail_msg("%s", err.text);
	assert_int_equal(test.ready, 0);
}

/* The process ends: it closes what it has. */
static inline void end_process(void)
{
	for (int i = 0; i < 3; i++)
		if (process[i])
			fd_close(process[i]);
	stdio_process_ended(test.stdio);
}

static inline void drain(int timeout_ms)
{
	stdio_when_drained(test.stdio, timeout_ms, on_drained, &test);
}

/* All three by FIFOs, as most clients have them; the client's ends. */
static int *client_in, *client_out, *client_err;

static inline void make_fifos(struct stdio_config *config)
{
	config->in = make_fifo("in");
	config->out = make_fifo("out");
	config->err = make_fifo("err");
	client_out = open_fifo(config->out, O_RDONLY);
	client_err = open_fifo(config->err, O_RDONLY);
}

static inline void start_with_fifos(void)
{
	struct stdio_config config = { .id = "c1", .namespace = "default", .directory = -1 };

	make_fifos(&config);
	make_stdio(&config);
	assert_int_equal(test.ready, 1);
	attach();
	client_in = open_fifo(config.in, O_WRONLY);
}
