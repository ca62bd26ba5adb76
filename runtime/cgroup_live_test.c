/* SPDX-License-Identifier: Apache-2.0 */
/* The life of real cgroups on this machine, whatever kind it is. Skips where none can be made. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "runtime/cgroup_devices.h"
#include "runtime/cgroup_fake_test.h"
#include "runtime/cgroup_stats.h"

static int setup(void **state)
{
	struct fake *fake = fake_new();
	char id[64];
	static unsigned int number;

	*state = fake;
	(void)snprintf(id, sizeof(id), "rustbox-test-%d-%u", (int)getpid(), number++);
	if (cgroup_locate(&cgroup_machine_default, CGROUP_MANAGER_CGROUPFS, NULL, id, false,
			  &fake->arena, &fake->cgroup, &fake->err) < 0 ||
	    cgroup_create(&cgroup_machine_default, &fake->cgroup, &fake->err) < 0)
		fake->cgroup.n_directories = 0;
	return 0;
}

static int teardown(void **state)
{
	struct fake *fake = *state;
	struct error err;
	int r = cgroup_signal_all(&fake->cgroup, SIGKILL, &err);

	while (waitpid(-1, NULL, 0) > 0)
		;
	if (r < 0 || cgroup_destroy(&fake->cgroup, &err) < 0)
		print_message("%s\n", err.text);
	for (size_t i = 0; i < fake->cgroup.n_directories; i++)
		if (access(fake->cgroup.directories[i].path, F_OK) == 0)
			r = -1;
	fake_free(fake);
	return r;
}

static struct fake *live(void **state)
{
	struct fake *fake = *state;

	if (fake->cgroup.n_directories == 0) {
		print_message("skipped: %s\n", fake->err.text);
		skip();
	}
	return fake;
}

/* A child in the cgroups that does what it is told; returns when it has joined. */
static pid_t spawn(struct fake *fake, void (*work)(void))
{
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct error err;
		if (cgroup_join_self(&fake->cgroup, false, NULL, NULL, &err) < 0) {
			(void)fprintf(stderr, "%s\n", err.text);
			_exit(99);
		}
		(void)close(ready[0]);
		(void)close(ready[1]);
		work();
		_exit(0);
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	(void)close(ready[0]);
	return pid;
}

static void wait_for_signals(void)
{
	for (;;)
		(void)pause();
}

static void spin(void)
{
	for (volatile unsigned long i = 0;; i++)
		;
}

static void fork_on(void)
{
	for (int i = 0; i < 5; i++)
		if (fork() == 0)
			wait_for_signals();
	wait_for_signals();
}

static void a_process_joins_and_is_killed(void **state)
{
	struct fake *fake = live(state);
	cleanup_free pid_t *pids = NULL;
	size_t count;
	int status;

	pid_t pid = spawn(fake, fork_on);
	do {
		free(pids);
		assert_ok(cgroup_processes(&fake->cgroup, &pids, &count, &fake->err));
	} while (count < 6);
	assert_int_equal(count, 6);
	assert_error(cgroup_create(&cgroup_machine_default, &fake->cgroup, &fake->err),
		     "container's cgroup is not empty");
	assert_ok(cgroup_signal_all(&fake->cgroup, SIGKILL, &fake->err));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void what_is_gone_is_no_error(void **state)
{
	struct fake *fake = live(state);

	assert_ok(cgroup_destroy(&fake->cgroup, &fake->err));
	assert_ok(cgroup_destroy(&fake->cgroup, &fake->err));
	assert_ok(cgroup_signal_all(&fake->cgroup, SIGKILL, &fake->err));
	assert_int_equal(cgroup_is_frozen(&fake->cgroup, &fake->err), 0);
}

static void other_signals_reach_everybody(void **state)
{
	struct fake *fake = live(state);
	pid_t first = spawn(fake, wait_for_signals), second = spawn(fake, wait_for_signals);
	int status;

	assert_ok(cgroup_signal_all(&fake->cgroup, SIGTERM, &fake->err));
	assert_int_equal(waitpid(first, &status, 0), first);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(waitpid(second, &status, 0), second);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void another_process_is_moved(void **state)
{
	struct fake *fake = live(state);
	cleanup_free pid_t *pids = NULL;
	size_t count;
	pid_t member = spawn(fake, wait_for_signals), pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		wait_for_signals();
	assert_ok(cgroup_join(&fake->cgroup, pid, false, NULL, NULL, &fake->err));
	assert_ok(cgroup_join_like(&fake->cgroup, pid, member, &fake->err));
	assert_ok(cgroup_processes(&fake->cgroup, &pids, &count, &fake->err));
	assert_int_equal(count, 2);
}

static void freezing_stops_and_killing_still_works(void **state)
{
	struct fake *fake = live(state);
	pid_t pid = spawn(fake, spin);
	int status;

	assert_int_equal(cgroup_is_frozen(&fake->cgroup, &fake->err), 0);
	assert_ok(cgroup_freeze(&fake->cgroup, true, &fake->err));
	assert_int_equal(cgroup_is_frozen(&fake->cgroup, &fake->err), 1);
	assert_ok(cgroup_freeze(&fake->cgroup, false, &fake->err));
	assert_int_equal(cgroup_is_frozen(&fake->cgroup, &fake->err), 0);
	assert_ok(cgroup_freeze(&fake->cgroup, true, &fake->err));
	assert_ok(cgroup_signal_all(&fake->cgroup, SIGKILL, &fake->err));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void frozen_on_v1_is_killed_too(void **state)
{
	struct fake *fake = live(state);
	const struct cgroup_directory *freezer = cgroup_find_v1(&fake->cgroup, "freezer");
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;
	int status;

	if (!freezer) {
		print_message("skipped: no v1 freezer\n");
		skip();
	}
	pid_t pid = spawn(fake, spin);
	assert_int_equal(cgroup_dir_open(freezer, &dir), 0);
	assert_ok(cgroup_v1_freeze(&dir, true, clock_now_ms() + 5000, &fake->err));
	assert_int_equal(cgroup_is_frozen(&fake->cgroup, &fake->err), 1);
	assert_ok(cgroup_signal_all(&fake->cgroup, SIGKILL, &fake->err));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void what_the_container_made_is_removed(void **state)
{
	struct fake *fake = live(state);

	for (size_t i = 0; i < fake->cgroup.n_directories; i++) {
		char path[4200];
		(void)snprintf(path, sizeof(path), "%s/in", fake->cgroup.directories[i].path);
		assert_int_equal(mkdir(path, 0755), 0);
		(void)snprintf(path, sizeof(path), "%s/in/deep", fake->cgroup.directories[i].path);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	assert_ok(cgroup_destroy(&fake->cgroup, &fake->err));
	for (size_t i = 0; i < fake->cgroup.n_directories; i++)
		assert_int_equal(access(fake->cgroup.directories[i].path, F_OK), -1);
}

static void a_living_process_keeps_its_cgroup(void **state)
{
	struct fake *fake = live(state);
	pid_t pid = spawn(fake, wait_for_signals);
	char words[32];

	(void)snprintf(words, sizeof(words), "still in it: %d", (int)pid);
	assert_error(cgroup_destroy(&fake->cgroup, &fake->err), words);
	assert_int_equal(kill(pid, 0), 0);
}

static int open_result(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	int code = fd < 0 ? errno : 0;

	if (fd >= 0)
		(void)close(fd);
	return code;
}

static void use_devices(void)
{
	/* /dev/null is a default; the rules let /dev/kmsg be read, but not written. */
	_exit((open_result("/dev/null", O_RDWR) ? 1 : 0) |
	      (open_result("/dev/kmsg", O_RDONLY) ? 2 : 0) |
	      (open_result("/dev/kmsg", O_RDWR) == EPERM ? 0 : 4) |
	      (open_result("/dev/loop-control", O_RDWR) == 0 ? 8 : 0));
}

static void device_rules_are_obeyed(void **state)
{
	struct fake *fake = live(state);
	char c[] = "c", r[] = "r";
	struct spec_device_rule rules[] = {
		{ .allow = false },
		{ .allow = true,
		  .type = c,
		  .major = { true, 1 },
		  .minor = { true, 11 },
		  .access = r },
	};
	struct spec_resources resources = { .devices = rules, .n_devices = 2 };
	int status;

	if (open_result("/dev/kmsg", O_RDWR) != 0) {
		print_message("skipped: /dev/kmsg is not for us\n");
		skip();
	}
	if (cgroup_set_limits(&fake->cgroup, &resources, false, &fake->err) < 0 &&
	    (fake->err.code == EPERM || fake->err.code == ENOSYS)) {
		print_message("skipped: %s\n", fake->err.text);
		skip();
	}
	for (int round = 0; round < 3; round++) {
		assert_ok(cgroup_set_limits(&fake->cgroup, &resources, true, &fake->err));
		pid_t pid = spawn(fake, use_devices);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

/* More than the 64 that may be attached to one cgroup. */
static void s21_a_hundred_device_programs_replace_each_other(void **state)
{
	struct fake *fake = live(state);
	const struct cgroup_directory *v2 = cgroup_find_v2(&fake->cgroup);
	const struct bpf_insn program[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
					    { .code = BPF_JMP | BPF_EXIT } };
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;

	if (!v2 || cgroup_dir_open(v2, &dir) < 0) {
		print_message("skipped: no cgroup of version 2\n");
		skip();
	}
	for (int i = 0; i < 100; i++) {
		int r = cgroup_device_attach(&dir, program, 2, &fake->err);
		if (i == 0 && r < 0 && (fake->err.code == EPERM || fake->err.code == ENOSYS)) {
			print_message("skipped: %s\n", fake->err.text);
			skip();
		}
		assert_ok(r);
	}
}

static void eat_memory(void)
{
	enum { SIZE = 256 << 20 };
	volatile char *memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < SIZE; i += 4096)
		memory[i] = 1;
}

static void running_out_of_memory_is_told(void **state)
{
	struct fake *fake = live(state);
	struct spec_memory memory = { .limit = { true, 32 << 20 }, .swap = { true, 32 << 20 } };
	struct spec_resources resources = { .memory = &memory };
	int status;

	if (cgroup_set_limits(&fake->cgroup, &resources, true, &fake->err) < 0) {
		print_message("skipped: %s\n", fake->err.text);
		skip();
	}
	assert_int_equal(cgroup_oom_kills(&fake->cgroup, &fake->err), 0);
	cleanup_fd int watch = cgroup_watch_oom(&fake->cgroup, &fake->err);
	assert_true(watch >= 0);
	struct pollfd poll_fd = { .fd = watch, .events = POLLIN };
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	pid_t pid = spawn(fake, eat_memory);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(poll(&poll_fd, 1, 60000), 1);
	assert_int_equal(cgroup_oom_kills(&fake->cgroup, &fake->err), 1);

	struct cgroup_stats stats;
	assert_ok(cgroup_read_stats(&fake->cgroup, &fake->arena, &stats, &fake->err));
	assert_int_equal(stats.oom_kills, 1);
	assert_int_equal(stats.memory.limit, 32 << 20);
	assert_true(stats.n_memory_raw > 10);
	assert_true(stats.cpu_total_ns > 0);
}

static void limits_move_together(void **state)
{
	struct fake *fake = live(state);
	static const struct {
		int64_t limit, swap;
	} steps[] = { { 30, 50 }, { 60, 80 }, { 20, 25 }, { 70, 70 }, { -1, 0 }, { 40, -1 } };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct spec_memory memory = {
			.limit = { true, steps[i].limit < 0 ? -1 : steps[i].limit << 20 },
			.swap = { true, steps[i].swap < 0 ? -1 : steps[i].swap << 20 },
		};
		struct spec_resources resources = { .memory = &memory };
		if (i == 0 && cgroup_set_limits(&fake->cgroup, &resources, true, &fake->err) < 0) {
			print_message("skipped: %s\n", fake->err.text);
			skip();
		}
		assert_ok(cgroup_set_limits(&fake->cgroup, &resources, true, &fake->err));
	}
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_process_joins_and_is_killed),
		test(what_is_gone_is_no_error),
		test(other_signals_reach_everybody),
		test(another_process_is_moved),
		test(freezing_stops_and_killing_still_works),
		test(frozen_on_v1_is_killed_too),
		test(what_the_container_made_is_removed),
		test(a_living_process_keeps_its_cgroup),
		test(device_rules_are_obeyed),
		test(s21_a_hundred_device_programs_replace_each_other),
		test(running_out_of_memory_is_told),
		test(limits_move_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
