/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "runtime/cgroup_fake_test.h"

#include "base/str.h"
#include "shim/oom.h"

enum { LONG_MS = 10000 };

struct scene {
	struct fake *fake;
	struct loop loop;
	struct oom_watch *watch;
	struct error err;
	int told;
	bool frees;
};

static void on_killed(void *data)
{
	struct scene *scene = data;

	scene->told++;
	if (scene->frees) {
		oom_watch_free(scene->watch);
		scene->watch = NULL;
	}
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->fake = fake_new();
	assert_int_equal(loop_init(&scene->loop, &scene->err), 0);
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	oom_watch_free(scene->watch);
	loop_done(&scene->loop);
	fake_free(scene->fake);
	free(scene);
	return 0;
}

static void watch(struct scene *scene)
{
	scene->watch =
		oom_watch_new(&scene->loop, &scene->fake->cgroup, on_killed, scene, &scene->err);
	if (!scene->watch)
		fail_msg("%s", scene->err.text);
}

static void set_kills(const struct scene *scene, unsigned int kills)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "low 0\noom %u\noom_kill %u\n", kills + 1, kills);
	fake_file(scene->fake, "m/memory.events", text);
	fake_file(scene->fake, "m/memory.oom_control", text);
}

static void make_v2(struct scene *scene)
{
	fake_directory(scene->fake, "", "m");
	set_kills(scene, 0);
}

static void make_v1(struct scene *scene)
{
	fake_directory(scene->fake, "cpu", "c");
	fake_directory(scene->fake, "memory", "m");
	fake_file(scene->fake, "m/cgroup.event_control", "");
	set_kills(scene, 0);
}

/* What the kernel does at each OOM: the eventfd's number is in the file that we wrote. */
static void notify_v1(const struct scene *scene, uint64_t times)
{
	char text[16];
	uint64_t fd;

	const char *control = fake_text(scene->fake, "m/cgroup.event_control");
	(void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(control, " "), control);
	assert_true(str_to_uint(text, 10, 1000, &fd));
	assert_int_equal(write((int)fd, &times, sizeof(times)), sizeof(times));
}

static void run_round(struct scene *scene, int timeout_ms)
{
	if (loop_run_once(&scene->loop, timeout_ms, &scene->err) < 0)
		fail_msg("%s", scene->err.text);
}

static void run_until_told(struct scene *scene, int wanted)
{
	for (int round = 0; round < 1000 && scene->told < wanted; round++)
		run_round(scene, LONG_MS);
	assert_int_equal(scene->told, wanted);
}

/* Nothing is ready, no timer is set: the loop would sleep for ever. */
static void assert_idle(struct scene *scene)
{
	int told = scene->told;

	run_round(scene, 0);
	run_round(scene, 0);
	assert_int_equal(scene->told, told);
	assert_null(scene->loop.timers);
	struct epoll_event event;
	assert_int_equal(epoll_wait(scene->loop.epoll, &event, 1, 0), 0);
}

static void each_growth_is_told_on_v2(void **state)
{
	struct scene *scene = *state;

	make_v2(scene);
	set_kills(scene, 3);
	watch(scene);
	assert_idle(scene); /* those before us do not count */
	set_kills(scene, 4);
	run_until_told(scene, 1);
	assert_idle(scene);
	set_kills(scene, 4); /* for another reason */
	run_round(scene, LONG_MS);
	assert_idle(scene);
	set_kills(scene, 5);
	set_kills(scene, 7);
	run_until_told(scene, 2);
	assert_idle(scene);
}

static void a_kill_that_v1_counts_late_is_told(void **state)
{
	struct scene *scene = *state;

	make_v1(scene);
	watch(scene);
	assert_idle(scene);
	notify_v1(scene, 1);
	run_round(scene, LONG_MS);
	assert_int_equal(scene->told, 0);
	assert_non_null(scene->loop.timers);
	set_kills(scene, 1);
	run_until_told(scene, 1);
	assert_idle(scene);
	/* Two at once, of which one is not counted yet. */
	notify_v1(scene, 2);
	set_kills(scene, 2);
	run_until_told(scene, 2);
	assert_non_null(scene->loop.timers);
	set_kills(scene, 3);
	run_until_told(scene, 3);
	assert_idle(scene);
}

static void looking_ends_when_v1_kills_nobody(void **state)
{
	struct scene *scene = *state;

	make_v1(scene);
	watch(scene);
	notify_v1(scene, 1);
	run_round(scene, LONG_MS);
	for (int round = 0; round < 20 && scene->loop.timers; round++)
		run_round(scene, LONG_MS);
	assert_int_equal(scene->told, 0);
	assert_idle(scene);
	notify_v1(scene, 1);
	set_kills(scene, 1);
	run_until_told(scene, 1);
	assert_idle(scene);
}

static void a_check_tells_what_no_event_has_told(void **state)
{
	struct scene *scene = *state;

	make_v1(scene);
	watch(scene);
	oom_watch_check(scene->watch);
	assert_int_equal(scene->told, 0);
	set_kills(scene, 2);
	oom_watch_check(scene->watch);
	assert_int_equal(scene->told, 1);
	oom_watch_check(scene->watch);
	assert_int_equal(scene->told, 1);
	assert_idle(scene);
}

static void remove_memory(const struct scene *scene)
{
	static const char *const files[] = { "memory.events", "memory.oom_control",
					     "cgroup.event_control", "" };
	char path[512];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/m/%s", scene->fake->folder, files[i]);
		(void)remove(path);
	}
	assert_int_equal(access(path, F_OK), -1);
}

static void a_removed_cgroup_is_watched_no_more(void **state)
{
	struct scene *scene = *state;

	make_v1(scene);
	watch(scene);
	notify_v1(scene, 1);
	remove_memory(scene);
	run_round(scene, LONG_MS);
	assert_idle(scene);
	oom_watch_check(scene->watch);
	assert_int_equal(scene->told, 0);
}

static void a_removed_cgroup_on_v2(void **state)
{
	struct scene *scene = *state;

	make_v2(scene);
	watch(scene);
	set_kills(scene, 1);
	remove_memory(scene);
	run_round(scene, LONG_MS);
	assert_idle(scene);
	oom_watch_check(scene->watch);
	assert_int_equal(scene->told, 0);
}

static void the_callback_may_free_the_watch(void **state)
{
	struct scene *scene = *state;

	scene->frees = true;
	make_v1(scene);
	watch(scene);
	set_kills(scene, 1);
	notify_v1(scene, 5);
	run_until_told(scene, 1);
	assert_idle(scene);
	watch(scene);
	set_kills(scene, 2);
	oom_watch_check(scene->watch);
	assert_int_equal(scene->told, 2);
	assert_null(scene->watch);
}

static void no_memory_cgroup_is_an_error(void **state)
{
	struct scene *scene = *state;

	fake_directory(scene->fake, "cpu", "c");
	assert_null(
		oom_watch_new(&scene->loop, &scene->fake->cgroup, on_killed, scene, &scene->err));
	assert_int_equal(scene->err.code, ENOENT);
	fake_directory(scene->fake, "memory", "m"); /* is not there */
	assert_null(
		oom_watch_new(&scene->loop, &scene->fake->cgroup, on_killed, scene, &scene->err));
	assert_int_equal(scene->err.code, ENOENT);
}

/* ---- the kernel's own ----------------------------------------------------------------------- */

static void eat_memory(void)
{
	enum { SIZE = 256 << 20 };
	volatile char *memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < SIZE; i += 4096)
		memory[i] = 1;
}

static bool make_live_cgroup(struct fake *fake)
{
	struct spec_memory memory = { .limit = { true, 24 << 20 }, .swap = { true, 24 << 20 } };
	struct spec_resources resources = { .memory = &memory };
	char id[64];

	(void)snprintf(id, sizeof(id), "rustbox-oom-test-%d", (int)getpid());
	if (cgroup_locate(&cgroup_machine_default, CGROUP_MANAGER_CGROUPFS, NULL, id, false,
			  &fake->arena, &fake->cgroup, &fake->err) < 0 ||
	    cgroup_create(&cgroup_machine_default, &fake->cgroup, &fake->err) < 0)
		return false;
	if (cgroup_set_limits(&fake->cgroup, &resources, true, &fake->err) == 0)
		return true;
	struct error ignored;
	(void)cgroup_destroy(&fake->cgroup, &ignored);
	return false;
}

/* A process in the cgroup is killed for its hunger; the status is that of its parent's wait. */
static int starve(struct fake *fake)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct error err;
		if (cgroup_join_self(&fake->cgroup, false, NULL, NULL, &err) == 0)
			eat_memory();
		_exit(99);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

static void the_kernels_kills_are_told(void **state)
{
	struct scene *scene = *state;
	struct fake *fake = scene->fake;

	if (!make_live_cgroup(fake)) {
		print_message("skipped: %s\n", fake->err.text);
		skip();
	}
	int status = 0;
	scene->watch = oom_watch_new(&scene->loop, &fake->cgroup, on_killed, scene, &scene->err);
	for (int round = 0; scene->watch && round < 3; round++) {
		status = starve(fake);
		for (int i = 0; i < 100 && scene->told <= round; i++)
			(void)loop_run_once(&scene->loop, LONG_MS, &scene->err);
	}
	/* First everything away, whatever has come out. */
	int removed = cgroup_destroy(&fake->cgroup, &fake->err);
	if (!scene->watch)
		fail_msg("%s", scene->err.text);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(scene->told, 3);
	assert_int_equal(removed, 0);
	/* v1 tells of the removal; cgroup2 does not have to. */
	oom_watch_check(scene->watch);
	assert_idle(scene);
	assert_int_equal(scene->told, 3);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(each_growth_is_told_on_v2),
		test(a_kill_that_v1_counts_late_is_told),
		test(looking_ends_when_v1_kills_nobody),
		test(a_check_tells_what_no_event_has_told),
		test(a_removed_cgroup_is_watched_no_more),
		test(a_removed_cgroup_on_v2),
		test(the_callback_may_free_the_watch),
		test(no_memory_cgroup_is_an_error),
		test(the_kernels_kills_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
