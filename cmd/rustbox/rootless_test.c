/* SPDX-License-Identifier: Apache-2.0 */
/* The holder of an ordinary user's namespaces; the test is the commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "cmd/rustbox/rootless.h"
#include "runtime/channel.h"
#include "runtime/user_mapping.h"

enum { DESCRIPTORS = 24, COMMANDS = 40, PATIENCE_MS = 20000 };

struct fixture {
	char path[64];
	int folder, channel, commands[COMMANDS];
	pid_t holder;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "/tmp/rootless_test.XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->channel = -1;
	for (int i = 0; i < COMMANDS; i++)
		f->commands[i] = -1;
	f->folder = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return f->folder < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int status = 0;

	fd_close(&f->channel);
	for (int i = 0; i < COMMANDS; i++)
		fd_close(&f->commands[i]);
	if (f->holder)
		(void)process_wait(f->holder, &status);
	(void)unlinkat(f->folder, ROOTLESS_LOCK, 0);
	fd_close(&f->folder);
	if (rmdir(f->path) < 0) /* the socket goes with the holder */
		status = -1;
	free(f);
	return status;
}

static int map_ids(pid_t pid, struct error *err)
{
	struct spec_id_mapping uid = { 0, geteuid(), 1 }, gid = { 0, getegid(), 1 };
	struct spec_linux linux = {
		.uid_mappings = &uid, .gid_mappings = &gid, .n_uid_mappings = 1, .n_gid_mappings = 1
	};
	const struct spec spec = { .linux = &linux };
	cleanup_fd int procfs = path_open_procfs(err);

	return procfs < 0 ? -1 : user_mapping_write(procfs, pid, &spec, err);
}

/* With so few descriptors. */
static void start(struct fixture *f)
{
	const struct rlimit few = { DESCRIPTORS / 2, DESCRIPTORS };
	cleanup_fd int lock = openat(f->folder, ROOTLESS_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct error err;
	int32_t pid;
	int ends[2];

	assert_true(lock >= 0);
	assert_int_equal(channel_pair(ends, &err), 0);
	f->channel = ends[0];
	f->holder = process_clone(0, -1, NULL);
	if (f->holder == 0) {
		(void)setrlimit(RLIMIT_NOFILE, &few);
		rootless_holder_main(f->folder, ends[1]);
	}
	assert_true(f->holder > 0);
	(void)close(ends[1]);
	if (channel_expect(f->channel, CHANNEL_MAP_IDS, "the holder", &pid, NULL, &err) < 0) {
		print_message("no user namespaces here: %s\n", err.text);
		skip();
	}
	assert_int_equal(map_ids(pid, &err), 0);
	assert_int_equal(channel_send(f->channel, CHANNEL_IDS_MAPPED, 0, -1, &err), 0);
	assert_int_equal(channel_expect(f->channel, CHANNEL_READY, "the holder", NULL, NULL, &err),
			 0);
}

static int knock(const struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" ROOTLESS_SOCKET, f->path);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static bool comes_in(int connection, int patience_ms)
{
	struct pollfd p = { .fd = connection, .events = POLLIN };
	size_t n_fds = 2;
	int fds[2];
	char byte = 0;

	if (poll(&p, 1, patience_ms) <= 0)
		return false;
	assert_int_equal(fd_receive_packet(connection, &byte, sizeof(byte), fds, &n_fds), 1);
	assert_int_equal(n_fds, 2);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return true;
}

static int count_descriptors(pid_t pid)
{
	char path[64];
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *folder = opendir(path);
	assert_non_null(folder);
	for (const struct dirent *entry; (entry = readdir(folder));)
		n += *entry->d_name != '.';
	(void)closedir(folder);
	return n;
}

/* Nanoseconds of CPU time. */
static uint64_t time_used(pid_t pid)
{
	char path[64], text[128];
	uint64_t used;

	(void)snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	assert_true(fd_read_short(AT_FDCWD, path, text, sizeof(text)) > 0);
	text[strcspn(text, " ")] = '\0';
	assert_true(str_to_uint(text, 10, UINT64_MAX, &used));
	return used;
}

static void test_everybody_comes_in_in_the_end(void **state)
{
	const uint64_t little_ns = 20000000;
	struct fixture *f = *state;
	int n;
	uint64_t used;

	start(f);
	n = DESCRIPTORS - count_descriptors(f->holder);
	/* More than by the limit that it had at first. */
	assert_in_range(n, DESCRIPTORS / 2, COMMANDS / 2);
	for (int i = 0; i < COMMANDS; i++) {
		f->commands[i] = knock(f);
		assert_true(i >= n || comes_in(f->commands[i], PATIENCE_MS));
	}
	/* Who has to wait does not keep it busy. */
	used = time_used(f->holder);
	assert_false(comes_in(f->commands[n], 300));
	assert_true(time_used(f->holder) - used < little_ns);
	for (int i = 0; i < COMMANDS; i++) {
		fd_close(&f->commands[i]);
		if (i + n < COMMANDS)
			assert_true(comes_in(f->commands[i + n], PATIENCE_MS));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_everybody_comes_in_in_the_end, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
