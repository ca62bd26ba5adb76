/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "runtime/registry.h"
#include "runtime/status.h"

struct fixture {
	char folder_path[32];
	int folder, procfs;
	pid_t child;
	struct state state;
};

/* A container whose init waits. */
static int set_up(void **state)
{
	static char created[] = "created";
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err;

	if (!f)
		return -1;
	*state = f;
	memcpy(f->folder_path, "/tmp/status_test.XXXXXX", 24);
	if (!mkdtemp(f->folder_path))
		return -1;
	f->folder = open(f->folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->procfs = path_open_procfs(&err);
	f->child = fork();
	if (f->child == 0)
		for (;;)
			(void)pause();
	f->state.pid = f->child;
	f->state.phase = created;
	return process_start_time(f->procfs, f->child, &f->state.start_time, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int rc;

	process_kill_and_reap(f->child);
	(void)unlinkat(f->folder, "start.sock", 0);
	fd_close(&f->folder);
	fd_close(&f->procfs);
	rc = rmdir(f->folder_path);
	free(f);
	return rc;
}

static int derive(const struct fixture *f, enum container_status *ret, struct error *err)
{
	return status_derive(f->folder, &f->state, NULL, f->procfs, ret, NULL, err);
}

static void the_start_socket_and_the_process_tell(void **state)
{
	struct fixture *f = *state;
	enum container_status status;
	struct error err;
	int listener = registry_listen(f->folder, &err);

	assert_true(listener >= 0);
	assert_int_equal(derive(f, &status, &err), 0);
	assert_int_equal(status, CONTAINER_CREATED);
	fd_close(&listener);
	assert_int_equal(derive(f, &status, &err), 0);
	assert_int_equal(status, CONTAINER_RUNNING);
	assert_int_equal(kill(f->child, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)f->child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	assert_int_equal(derive(f, &status, &err), 0); /* a zombie */
	assert_int_equal(status, CONTAINER_STOPPED);
	process_kill_and_reap(f->child);
	f->child = 0;
	assert_int_equal(derive(f, &status, &err), 0);
	assert_int_equal(status, CONTAINER_STOPPED);
}

static void test_s26_another_process_with_the_pid_is_not_init(void **state)
{
	struct fixture *f = *state;
	enum container_status status;
	struct error err;

	f->state.start_time++;
	assert_int_equal(derive(f, &status, &err), 0);
	assert_int_equal(status, CONTAINER_STOPPED);
}

/* Who is out of descriptors must not take what runs for ended, and remove its state. */
static void what_cannot_be_known_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct rlimit usual, low;
	enum container_status status;
	struct error err;
	int listener = registry_listen(f->folder, &err);

	assert_true(listener >= 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	/* None for the pidfd; then none for /proc/PID/stat or the connection. */
	for (rlim_t spare = 0; spare < 2; spare++) {
		low = (struct rlimit){ (rlim_t)listener + 1 + spare, usual.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		int rc = derive(f, &status, &err);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
		assert_int_equal(rc, -1);
		assert_int_equal(err.code, EMFILE);
	}
	fd_close(&listener);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_start_socket_and_the_process_tell),
		TEST(test_s26_another_process_with_the_pid_is_not_init),
		TEST(what_cannot_be_known_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
