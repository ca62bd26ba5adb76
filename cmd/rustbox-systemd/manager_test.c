/* SPDX-License-Identifier: Apache-2.0 */
/* Against a manager of our own at the other end of a socket, which plays a part each time. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "cmd/rustbox-systemd/manager.h"

/* ---- the other end ------------------------------------------------------------------------ */

/* What it was asked, a word each; shared with the test. */
static char *asked;
enum { ASKED_SIZE = 4096 };

static void end_job(sd_bus *bus, const char *job, const char *result)
{
	(void)sd_bus_emit_signal(bus, "/org/freedesktop/systemd1",
				 "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", 1, job,
				 "box.scope", result);
}

/* The signal may come before the answer that names the job, and others' come, too. */
static void answer_job(sd_bus *bus, sd_bus_message *m, const char *result)
{
	end_job(bus, "/job/7", "failed");
	(void)sd_bus_reply_method_return(m, "o", "/job/1");
	end_job(bus, "/job/1", result);
}

static void play(sd_bus *bus, sd_bus_message *m, const char *part)
{
	const char *member = sd_bus_message_get_member(m);
	bool first = !strstr(asked, member);
	size_t n = strlen(asked);

	(void)snprintf(asked + n, ASKED_SIZE - n, "%s ", member);
	if (str_equal(part, "hang up"))
		_exit(0);
	if (str_equal(member, "StartTransientUnit") &&
	    (str_equal(part, "exists") || (str_equal(part, "failed before") && first)))
		(void)sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.UnitExists",
						 "Unit box.scope already exists.");
	else if (str_equal(member, "ResetFailedUnit") && str_equal(part, "exists"))
		(void)sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.NoSuchUnit", "No.");
	else if (str_equal(member, "StopUnit") && str_equal(part, "gone"))
		(void)sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.NoSuchUnit",
						 "Unit box.scope not loaded.");
	else if (str_equal(part, "refuse"))
		(void)sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.AccessDenied",
						 "Not for you.");
	else if (str_equal(member, "StartTransientUnit") || str_equal(member, "StopUnit"))
		answer_job(bus, m, str_equal(part, "job fails") ? "timeout" : "done");
	else
		(void)sd_bus_reply_method_return(m, "");
}

static _Noreturn void serve(int fd, const char *part)
{
	const sd_id128_t id = { .bytes = { 1 } };
	sd_bus *bus = NULL;
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
	    sd_bus_set_server(bus, 1, id) < 0 || sd_bus_start(bus) < 0)
		_exit(1);
	do {
		sd_bus_message *m = NULL;

		r = sd_bus_process(bus, &m);
		if (m && sd_bus_message_is_method_call(m, NULL, NULL))
			play(bus, m, part);
		(void)sd_bus_message_unref(m);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	} while (r >= 0);
	_exit(0);
}

/* ---- ours --------------------------------------------------------------------------------- */

struct fixture {
	struct manager manager;
	pid_t server;
};

static void begin(struct fixture *f, const char *part)
{
	struct timespec now;
	int ends[2];

	*f = (struct fixture){ .manager = MANAGER_CLOSED };
	*asked = '\0';
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
			 0);
	f->server = fork();
	assert_true(f->server >= 0);
	if (f->server == 0) {
		(void)close(ends[0]);
		serve(ends[1], part);
	}
	(void)close(ends[1]);
	assert_true(sd_bus_new(&f->manager.bus) >= 0);
	assert_true(sd_bus_set_fd(f->manager.bus, ends[0], ends[0]) >= 0);
	assert_true(sd_bus_start(f->manager.bus) >= 0);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	f->manager.deadline_us = (now.tv_sec + 60) * INT64_C(1000000);
}

static void end(struct fixture *f)
{
	manager_close(&f->manager);
	assert_int_equal(waitpid(f->server, NULL, 0), f->server);
}

static char number[] = "17", pids[] = "PIDs", pids_type[] = "au", unit[] = "box.scope";
static char *values[] = { number };
static struct systemd_property properties[] = {
	{ .name = pids, .type = pids_type, .values = values, .n_values = 1 },
};
static const struct systemd_request request = { .unit = unit,
						.properties = properties,
						.n_properties = 1 };

static void a_unit_is_there_when_its_job_is_done(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, "well");
	assert_int_equal(manager_start(&f.manager, &request, &err), 0);
	assert_string_equal(asked, "StartTransientUnit ");
	assert_int_equal(manager_set(&f.manager, &request, &err), 0);
	assert_int_equal(manager_attach(&f.manager, &request, &err), 0);
	assert_int_equal(manager_stop(&f.manager, &request, &err), 0);
	assert_string_equal(asked, "StartTransientUnit SetUnitProperties AttachProcessesToUnit "
				   "StopUnit ResetFailedUnit ");
	end(&f);
}

static void a_job_that_fails_is_an_error(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, "job fails");
	assert_int_equal(manager_start(&f.manager, &request, &err), -1);
	assert_non_null(strstr(err.text, "box.scope"));
	assert_non_null(strstr(err.text, "timeout"));
	end(&f);
}

static void one_that_has_failed_before_makes_room(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, "failed before");
	assert_int_equal(manager_start(&f.manager, &request, &err), 0);
	assert_string_equal(asked, "StartTransientUnit ResetFailedUnit StartTransientUnit ");
	end(&f);
}

static void one_that_runs_does_not(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, "exists");
	assert_int_not_equal(manager_start(&f.manager, &request, &err), 0);
	assert_non_null(strstr(err.text, "already exists"));
	assert_non_null(strstr(err.text, "deleted first"));
	assert_string_equal(asked, "StartTransientUnit ResetFailedUnit ");
	end(&f);
}

static void stopping_what_is_gone_is_no_error(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, "gone");
	assert_int_equal(manager_stop(&f.manager, &request, &err), 0);
	end(&f);
}

static void what_systemd_says_is_the_error(void **state)
{
	static int (*const verbs[])(struct manager *, const struct systemd_request *,
				    struct error *) = { manager_start, manager_set, manager_stop,
							manager_attach };
	struct fixture f;
	struct error err;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		begin(&f, "refuse");
		assert_int_equal(verbs[i](&f.manager, &request, &err), -1);
		assert_non_null(strstr(err.text, "Not for you."));
		end(&f);
		begin(&f, "hang up");
		assert_int_equal(verbs[i](&f.manager, &request, &err), -1);
		end(&f);
	}
}

static void attach_wants_one_process(void **state)
{
	static char word[] = "x";
	static char *wrong[] = { word };
	struct systemd_property property = {
		.name = pids, .type = pids_type, .values = wrong, .n_values = 1
	};
	struct systemd_request other = request;
	struct fixture f;
	struct error err;

	begin(&f, "well");
	other.properties = &property;
	assert_int_equal(manager_attach(&f.manager, &other, &err), -1);
	other.n_properties = 0;
	assert_int_equal(manager_attach(&f.manager, &other, &err), -1);
	assert_string_equal(asked, "");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_is_there_when_its_job_is_done),
		cmocka_unit_test(a_job_that_fails_is_an_error),
		cmocka_unit_test(one_that_has_failed_before_makes_room),
		cmocka_unit_test(one_that_runs_does_not),
		cmocka_unit_test(stopping_what_is_gone_is_no_error),
		cmocka_unit_test(what_systemd_says_is_the_error),
		cmocka_unit_test(attach_wants_one_process),
	};

	asked = mmap(NULL, ASKED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (asked == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
