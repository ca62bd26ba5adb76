/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation with CRIU, whose part this program itself plays: started as
 * `criu_test swrk FD`, it does what the request's root names.
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "proto/criu.pb-c.h"
#include "runtime/criu.h"

static char program[PATH_MAX];

/* ---- the part of CRIU ------------------------------------------------------------------------ */

static void answer(int socket, const Criu__Response *response, const int *fd)
{
	uint8_t packet[1024];
	size_t n = criu__response__pack(response, packet);

	if (fd_send_packet(socket, packet, n, fd, fd ? 1 : 0) < 0)
		_exit(9);
}

static void answer_result(int socket, Criu__Action action, bool success)
{
	Criu__Response response = CRIU__RESPONSE__INIT;
	Criu__Restored restored = CRIU__RESTORED__INIT;

	response.action = action;
	response.success = success;
	restored.pid = 77;
	if (action == CRIU__ACTION__RESTORE && success)
		response.restored = &restored;
	answer(socket, &response, NULL);
}

static bool notify(int socket, const char *script, int pid, const int *fd)
{
	Criu__Response response = CRIU__RESPONSE__INIT;
	Criu__Notification notification = CRIU__NOTIFICATION__INIT;
	uint8_t packet[1024];

	response.action = CRIU__ACTION__NOTIFY;
	response.success = true;
	response.notification = &notification;
	notification.script = (char *)(uintptr_t)script;
	notification.has_pid = pid != 0;
	notification.pid = pid;
	answer(socket, &response, fd);
	ssize_t n = fd_receive_packet(socket, packet, sizeof(packet), NULL, NULL);
	Criu__Request *reply = n > 0 ? criu__request__unpack(NULL, (size_t)n, packet) : NULL;
	if (!reply || reply->action != CRIU__ACTION__NOTIFY)
		_exit(8);
	bool success = reply->notify_success;
	criu__request__free_unpacked(reply, NULL);
	return success;
}

static void write_log(const Criu__Options *options, const char *text)
{
	int fd = openat(options->work_dir_fd, options->log_file, O_WRONLY | O_CREAT | O_CLOEXEC,
			0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(7);
	(void)close(fd);
}

/* What of the user's choices is not as CRIU would have it by itself, in one line. */
static void write_choices(const Criu__Options *o, FILE *out)
{
	const struct {
		bool given;
		const char *name;
	} rows[] = {
		{ o->tcp_established, "tcp-established" },
		{ o->tcp_skip_in_flight, "tcp-skip-in-flight" },
		{ o->tcp_close, "tcp-close" },
		{ o->ext_unix_sk, "ext-unix-sk" },
		{ o->shell_job, "shell-job" },
		{ o->file_locks, "file-locks" },
		{ o->link_remap, "link-remap" },
		{ o->lazy_pages, "lazy-pages" },
		{ o->auto_dedup, "auto-dedup" },
		{ o->has_empty_namespaces, "empty-ns" },
		{ o->has_network_lock && o->network_lock == CRIU__NETWORK_LOCK__NFTABLES,
		  "nftables" },
		{ o->lsm_profile != NULL, o->lsm_profile },
		{ o->lsm_mount_context != NULL, o->lsm_mount_context },
		{ o->page_server != NULL, o->page_server ? o->page_server->address : NULL },
	};

	fputs("chosen", out);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].given)
			fprintf(out, " %s", rows[i].name);
	fputc('\n', out);
}

/* What the request holds, a word each, into the image folder. */
static void write_request(const Criu__Request *request)
{
	const Criu__Options *o = request->options;
	FILE *out = fdopen(openat(o->images_dir_fd, "request", O_WRONLY | O_CREAT, 0600), "w");

	if (!out)
		_exit(6);
	fprintf(out, "action=%d pid=%d leave=%d track=%d parent=%s freeze=%s mode=%d\n",
		request->action, o->pid, o->leave_running, o->track_memory,
		o->parent_images ? o->parent_images : "-",
		o->freeze_cgroup ? o->freeze_cgroup : "-", o->cgroup_mode);
	write_choices(o, out);
	for (size_t i = 0; i < o->n_external; i++)
		fprintf(out, "external %s\n", o->external[i]);
	for (size_t i = 0; i < o->n_inherited; i++)
		fprintf(out, "inherited %s %d\n", o->inherited[i]->key, o->inherited[i]->fd);
	for (size_t i = 0; i < o->n_cgroup_roots; i++)
		fprintf(out, "cgroup %s %s\n", o->cgroup_roots[i]->controller,
			o->cgroup_roots[i]->path);
	for (size_t i = 0; i < o->n_joined; i++)
		fprintf(out, "joined %s %s\n", o->joined[i]->type, o->joined[i]->path);
	(void)fclose(out);
}

static void play(int socket, const Criu__Request *request)
{
	const char *part = request->options ? request->options->root : "features";
	Criu__Action action = request->action;
	Criu__Response response = CRIU__RESPONSE__INIT;
	Criu__Features features = CRIU__FEATURES__INIT;
	bool success = true;
	char byte = 0;
	int null;

	if (str_equal(part, "write"))
		write_request(request);
	if (str_equal(part, "end"))
		_exit(0);
	if (str_equal(part, "signal"))
		(void)raise(SIGKILL);
	if (str_equal(part, "garbage") || str_equal(part, "garbage, then silence"))
		(void)fd_send_packet(socket, "\xff\xff\xff", 3, NULL, 0);
	if (str_equal(part, "garbage, then silence") &&
	    fd_receive_packet(socket, &byte, sizeof(byte), NULL, NULL) <= 0)
		_exit(0);
	if (str_equal(part, "end with 255"))
		_exit(255);
	if (str_equal(part, "fail with a pipe")) {
		(void)mkfifoat(request->options->work_dir_fd, request->options->log_file, 0600);
		success = false;
	}
	if (str_equal(part, "fail")) {
		write_log(request->options,
			  "Warn (a.c:1): no\n(00.1) 1: Error (b.c:2): the \x1b reason\n"
			  "(00.2) Error (c.c:3): Dumping FAILED.\n");
		success = false;
	}
	if (str_equal(part, "notify"))
		success = notify(socket, "setup-namespaces", 77, NULL) &&
			  notify(socket, "post-restore", 77, NULL);
	if (str_equal(part, "terminal")) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		success = notify(socket, "orphan-pts-master", 0, &null);
	}
	if (action != CRIU__ACTION__FEATURE_CHECK) {
		answer_result(socket, action, success);
		return;
	}
	response.action = action;
	response.success = true;
	response.features = &features;
	features.has_mem_track = features.mem_track = true;
	features.has_lazy_pages = true;
	answer(socket, &response, NULL);
}

static int fake_criu(const char *number)
{
	uint8_t packet[65536];
	uint64_t socket;
	ssize_t n;

	if (!str_to_uint(number, 10, INT_MAX, &socket))
		return 5;
	n = fd_receive_packet((int)socket, packet, sizeof(packet), NULL, NULL);
	Criu__Request *request = n > 0 ? criu__request__unpack(NULL, (size_t)n, packet) : NULL;
	if (!request)
		return 4;
	play((int)socket, request);
	criu__request__free_unpacked(request, NULL);
	return 0;
}

/* ---- ours --------------------------------------------------------------------------------------
 */

struct fixture {
	char folder[64];
	int fds[CRIU_FD_FIRST];
	struct criu_options options;
	struct criu_request request;
	struct criu_call call;
	char told[256]; /* the scripts that we heard of */
	const char *refused;
	bool got_fd;
};

static int hear(void *data, const struct criu_notification *n, struct error *err)
{
	struct fixture *f = data;
	struct stat st;
	size_t used = strlen(f->told);

	(void)snprintf(f->told + used, sizeof(f->told) - used, "%s:%d ", n->script, n->pid);
	f->got_fd = n->fd >= 0 && fstat(n->fd, &st) == 0 && S_ISCHR(st.st_mode);
	return str_equal(f->refused, n->script) ? error_set(err, 0, "ours says no") : 0;
}

static void begin(struct fixture *f, enum criu_action action, const char *part)
{
	*f = (struct fixture){ .folder = "/tmp/criu_test.XXXXXX" };
	assert_non_null(mkdtemp(f->folder));
	int folder = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	for (int i = 0; i < CRIU_FD_FIRST; i++)
		f->fds[i] = i > STDERR_FILENO ? folder : -1;
	f->options.status_fd = -1;
	f->request = (struct criu_request){
		.action = action, .options = &f->options, .log_file = "log", .root = part
	};
	f->call = (struct criu_call){ .request = &f->request,
				      .program = program,
				      .fds = f->fds,
				      .n_fds = CRIU_FD_FIRST,
				      .notify = hear,
				      .data = f };
}

static void end(struct fixture *f)
{
	int folder = f->fds[CRIU_FD_IMAGES];

	(void)unlinkat(folder, "log", 0);
	(void)unlinkat(folder, "request", 0);
	assert_int_equal(rmdir(f->folder), 0);
	fd_close(&folder);
}

static void a_request_comes_whole(void **state)
{
	const char *external[] = { "mnt[/a]:rustbox-mount-0", "net[12]:extRootNetNS" };
	struct criu_pair joined[] = { { "ipc", "/proc/1/fd/5" } };
	struct criu_pair roots[] = { { "cpu", "/a/b" }, { "", "/a/b" } };
	struct criu_inherited inherited[] = { { "pipe:[12]", 5 } };
	cleanup_free char *text = NULL;
	struct fixture f;
	struct error err;

	begin(&f, CRIU_DUMP, "write");
	f.options.parent_path = "../first";
	f.options.leave_running = true;
	f.options.cgroup_mode = CRIU_CGROUPS_STRICT;
	f.request.pid = 12;
	f.request.freeze_cgroup = "/sys/fs/cgroup/x";
	f.request.external = external;
	f.request.n_external = 2;
	f.request.joined = joined;
	f.request.n_joined = 1;
	f.request.cgroup_roots = roots;
	f.request.n_cgroup_roots = 2;
	f.request.inherited = inherited;
	f.request.n_inherited = 1;
	assert_int_equal(criu_run(&f.call, &err), 0);
	assert_int_equal(fd_read_file(f.fds[CRIU_FD_IMAGES], "request", 4096, &text, NULL, &err),
			 0);
	assert_string_equal(text, "action=1 pid=12 leave=1 track=1 parent=../first "
				  "freeze=/sys/fs/cgroup/x mode=5\nchosen\n"
				  "external mnt[/a]:rustbox-mount-0\n"
				  "external net[12]:extRootNetNS\n"
				  "inherited pipe:[12] 5\n"
				  "cgroup cpu /a/b\ncgroup  /a/b\n"
				  "joined ipc /proc/1/fd/5\n");
	end(&f);
}

/* Each by itself: one that went to another's place would be seen. */
static void each_choice_is_the_one_that_criu_gets(void **state)
{
	static const struct {
		const char *chosen;
		struct criu_options options;
	} rows[] = {
		{ "tcp-established", { .tcp_established = true } },
		{ "tcp-skip-in-flight", { .tcp_skip_in_flight = true } },
		{ "tcp-close", { .tcp_close = true } },
		{ "ext-unix-sk", { .ext_unix_sk = true } },
		{ "shell-job", { .shell_job = true } },
		{ "file-locks", { .file_locks = true } },
		{ "link-remap", { .link_remap = true } },
		{ "lazy-pages", { .lazy_pages = true } },
		{ "auto-dedup", { .auto_dedup = true } },
		{ "empty-ns", { .empty_network = true } },
		{ "nftables", { .network_lock = CRIU_LOCK_NFTABLES } },
		{ "apparmor:other", { .lsm_profile = "apparmor:other" } },
		{ "user_u:role:type", { .lsm_mount_context = "user_u:role:type" } },
		{ "192.0.2.1", { .page_server_address = "192.0.2.1", .page_server_port = 7 } },
	};
	char expected[256];
	struct fixture f;
	struct error err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_free char *text = NULL;

		begin(&f, CRIU_RESTORE, "write");
		f.options = rows[i].options;
		f.options.status_fd = -1;
		assert_int_equal(criu_run(&f.call, &err), 0);
		assert_int_equal(
			fd_read_file(f.fds[CRIU_FD_IMAGES], "request", 4096, &text, NULL, &err), 0);
		(void)snprintf(expected, sizeof(expected), "chosen %s\n", rows[i].chosen);
		assert_string_equal(strchr(text, '\n') + 1, expected);
		end(&f);
	}
}

static void notifications_are_heard_in_order(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, CRIU_RESTORE, "notify");
	assert_int_equal(criu_run(&f.call, &err), 0);
	assert_string_equal(f.told, "setup-namespaces:77 post-restore:77 ");
	assert_int_equal(f.call.restored, 77);
	end(&f);
}

static void what_we_refuse_is_the_error(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, CRIU_RESTORE, "notify");
	f.refused = "setup-namespaces";
	assert_int_equal(criu_run(&f.call, &err), -1);
	assert_string_equal(err.text, "criu restore: ours says no");
	assert_string_equal(f.told, "setup-namespaces:77 ");
	end(&f);
}

static void a_terminal_comes_as_a_descriptor(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, CRIU_RESTORE, "terminal");
	assert_int_equal(criu_run(&f.call, &err), 0);
	assert_true(f.got_fd);
	end(&f);
}

static void a_failure_has_the_reason_of_the_log(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, CRIU_DUMP, "fail");
	assert_int_equal(criu_run(&f.call, &err), -1);
	assert_string_equal(err.text, "criu checkpoint: criu could not do it (log of criu says: "
				      "Error (b.c:2): the   reason)");
	end(&f);
}

static void a_log_that_is_no_file_says_nothing(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, CRIU_DUMP, "fail with a pipe");
	assert_int_equal(criu_run(&f.call, &err), -1);
	assert_string_equal(err.text, "criu checkpoint: criu could not do it");
	end(&f);
}

static void an_end_without_an_answer_is_a_failure(void **state)
{
	static const char *const parts[] = { "end", "signal", "garbage", "garbage, then silence" };
	struct fixture f;
	struct error err;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		begin(&f, CRIU_DUMP, parts[i]);
		assert_int_equal(criu_run(&f.call, &err), -1);
		assert_true(str_starts_with(err.text, "criu checkpoint: "));
		end(&f);
	}
	begin(&f, CRIU_DUMP, "signal");
	assert_int_equal(criu_run(&f.call, &err), -1);
	assert_non_null(strstr(err.text, "without an answer"));
	assert_non_null(strstr(err.text, "signal 9"));
	f.request.root = "end with 255";
	assert_int_equal(criu_run(&f.call, &err), -1);
	assert_string_equal(err.text, "criu checkpoint: criu ended without an answer");
	f.call.program = "/nonexistent/criu";
	assert_int_equal(criu_run(&f.call, &err), -1);
	assert_string_equal(err.text, "criu checkpoint: execute /nonexistent/criu: No such file or "
				      "directory");
	end(&f);
}

static int refuse(void *data, struct error *err)
{
	return error_set(err, 0, "not prepared");
}

static void what_fails_in_the_child_is_told(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, CRIU_RESTORE, "notify");
	f.call.prepare = refuse;
	assert_int_equal(criu_run(&f.call, &err), -1);
	assert_string_equal(err.text, "criu restore: not prepared");
	end(&f);
}

static void features_are_asked_for(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, CRIU_FEATURES, NULL);
	f.request.log_file = NULL;
	assert_int_equal(criu_run(&f.call, &err), 0);
	assert_true(f.call.has_mem_track);
	assert_false(f.call.has_lazy_pages);
	end(&f);
}

static void a_log_is_excerpted(void **state)
{
	char text[64];

	criu_log_excerpt("", text, sizeof(text));
	assert_string_equal(text, "");
	criu_log_excerpt("no Error here\nError (a.c:1): one\n", text, sizeof(text));
	assert_string_equal(text, "Error (a.c:1): one");
	criu_log_excerpt("Error (a.c:1): one\nError (a.c:2): two\nError (a.c:2): two\n"
			 "(1) Error (x): exited, status=1\n2: Error (a.c:3): 3\nError (4)",
			 text, sizeof(text));
	assert_string_equal(text, "Error (a.c:2): two; Error (a.c:3): 3; Error (4)");
	criu_log_excerpt("Error (a.c:1): a text that does not fit into so small a buffer at all\n",
			 text, sizeof(text));
	assert_int_equal(strlen(text), sizeof(text) - 1);
	criu_log_excerpt("Error (\t\x1b[31m)\n", text, sizeof(text));
	assert_string_equal(text, "Error (  [31m)");
}

static void a_program_is_found_or_missed_by_name(void **state)
{
	const char *found = NULL;
	struct error err;

	assert_int_equal(criu_find(program, &found, &err), 0);
	assert_string_equal(found, program);
	assert_int_equal(criu_find("/nonexistent/criu", &found, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/criu"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_comes_whole),
		cmocka_unit_test(each_choice_is_the_one_that_criu_gets),
		cmocka_unit_test(notifications_are_heard_in_order),
		cmocka_unit_test(what_we_refuse_is_the_error),
		cmocka_unit_test(a_terminal_comes_as_a_descriptor),
		cmocka_unit_test(a_failure_has_the_reason_of_the_log),
		cmocka_unit_test(a_log_that_is_no_file_says_nothing),
		cmocka_unit_test(an_end_without_an_answer_is_a_failure),
		cmocka_unit_test(what_fails_in_the_child_is_told),
		cmocka_unit_test(features_are_asked_for),
		cmocka_unit_test(a_log_is_excerpted),
		cmocka_unit_test(a_program_is_found_or_missed_by_name),
	};

	if (argc == 3 && strcmp(argv[1], "swrk") == 0)
		return fake_criu(argv[2]);
	if (!realpath("/proc/self/exe", program))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
