/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/criu.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "proto/criu.pb-c.h"
#include "proto/unpack.h"

static const char no_answer[] = "criu ended without an answer";

/* With a CRIU that lives. */
struct talk {
	int socket, pidfd;
	bool failed; /* on our side */
};

enum {
	PACKET_MAX = 64 * 1024, /* of what CRIU answers: a few short texts */
	LOG_LEVEL = 4,		/* debug: a log that can be read when something has failed */
};

/* ---- the program ------------------------------------------------------------------------- */

int criu_find(const char *given, const char **ret, struct error *err)
{
	static const char *const programs[] = { "/usr/local/sbin/criu", "/usr/local/bin/criu",
						"/usr/sbin/criu", "/usr/bin/criu" };

	if (given) {
		if (access(given, X_OK) < 0)
			return error_set(err, errno, "--criu %s", given);
		*ret = given;
		return 0;
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (access(programs[i], X_OK) == 0) {
			*ret = programs[i];
			return 0;
		}
	error_set(err, ENOENT,
		  "criu is in none of /usr/local/sbin, /usr/local/bin, /usr/sbin and /usr/bin");
	return error_hint(err, "install the package criu, or give --criu PATH; `criu check` tells "
			       "whether the kernel has what it needs");
}

/* In the child: descriptors 0, 1, … and the socket behind them; all others end with execve. */
static int arrange(const struct criu_call *call, int socket, int *report, struct error *err)
{
	int least = (int)call->n_fds + 1, moved[CRIU_FDS + 1];

	for (size_t i = 0; i <= call->n_fds; i++) {
		int fd = i < call->n_fds ? call->fds[i] : socket;
		cleanup_fd int null = fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

		moved[i] = fd_dup_above(fd < 0 ? null : fd, least, err);
		if (moved[i] < 0)
			return -1;
	}
	*report = fd_dup_above(*report, least, err);
	if (*report < 0)
		return -1;
	for (size_t i = 0; i <= call->n_fds; i++)
		if (dup2(moved[i], (int)i) < 0)
			return error_set(err, errno, "make descriptor %zu of criu", i);
	if (syscall(SYS_close_range, (unsigned int)least, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return error_set(err, errno, "close_range");
	return 0;
}

/*
 * The child makes the socket, so that it is the peer whose descriptors CRIU
 * takes the request's numbers for, and sends the other end.
 */
static int open_socket(int report, struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "make a socket pair");
	cleanup_fd int ours = ends[0], theirs = ends[1];
	if (fd_send_packet(report, "", 1, &theirs, 1) < 0)
		return error_set(err, errno, "send a socket");
	return move_fd(&ours);
}

static _Noreturn void run_child(const struct criu_call *call, int report)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char name[] = "criu", mode[] = "swrk";
	char number[16];
	char *args[] = { name, mode, number, NULL }, *env[] = { path, NULL };
	struct error err;
	int socket = -1;

	process_reset_signals(UINT64_MAX, false);
	(void)snprintf(number, sizeof(number), "%zu", call->n_fds);
	if ((!call->prepare || call->prepare(call->data, &err) == 0) &&
	    (socket = open_socket(report, &err)) >= 0 &&
	    arrange(call, socket, &report, &err) == 0) {
		(void)execve(call->program, args, env);
		(void)error_set(&err, errno, "execute %s", call->program);
	}
	(void)fd_send_packet(report, err.text, strlen(err.text), NULL, 0);
	_exit(127);
}

/* The socket, then the end of file that execve brings; or what has failed instead. */
static int receive_socket(int report, struct error *err)
{
	cleanup_fd int socket = -1;
	char text[ERROR_TEXT_SIZE];
	size_t n_fds = 1;
	ssize_t n = fd_receive_packet(report, text, sizeof(text) - 1, &socket, &n_fds);

	if (n > 0 && socket >= 0)
		n = fd_receive_packet(report, text, sizeof(text) - 1, NULL, NULL);
	if (n > 0)
		return error_set(err, 0, "%.*s", (int)n, text);
	if (n < 0 || socket < 0)
		return error_set(err, n < 0 ? errno : EPIPE, "start criu");
	return move_fd(&socket);
}

static pid_t start(const struct criu_call *call, struct talk *ret, struct error *err)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "make a socket pair");
	cleanup_fd int told = ends[0], report = ends[1], pidfd = -1;
	pid = process_clone(0, -1, &pidfd);
	if (pid < 0)
		return error_set(err, errno, "clone3");
	if (pid == 0) {
		(void)close(told);
		run_child(call, report);
	}
	fd_close(&report);
	ret->socket = receive_socket(told, err);
	if (ret->socket < 0) {
		process_kill_and_reap(pid);
		return -1;
	}
	ret->pidfd = move_fd(&pidfd);
	return pid;
}

/* ---- requests ---------------------------------------------------------------------------- */

static const Criu__CgroupMode cgroup_modes[] = {
	[CRIU_CGROUPS_SOFT] = CRIU__CGROUP_MODE__SOFT,
	[CRIU_CGROUPS_FULL] = CRIU__CGROUP_MODE__FULL,
	[CRIU_CGROUPS_STRICT] = CRIU__CGROUP_MODE__STRICT,
	[CRIU_CGROUPS_IGNORE] = CRIU__CGROUP_MODE__IGNORE,
};
static const Criu__NetworkLock network_locks[] = {
	[CRIU_LOCK_DEFAULT] = CRIU__NETWORK_LOCK__IPTABLES,
	[CRIU_LOCK_IPTABLES] = CRIU__NETWORK_LOCK__IPTABLES,
	[CRIU_LOCK_NFTABLES] = CRIU__NETWORK_LOCK__NFTABLES,
	[CRIU_LOCK_SKIP] = CRIU__NETWORK_LOCK__SKIP,
};
static const Criu__Action actions[] = {
	[CRIU_DUMP] = CRIU__ACTION__DUMP,
	[CRIU_PRE_DUMP] = CRIU__ACTION__SINGLE_PRE_DUMP,
	[CRIU_RESTORE] = CRIU__ACTION__RESTORE,
	[CRIU_FEATURES] = CRIU__ACTION__FEATURE_CHECK,
};
/* For messages. */
static const char *const action_names[] = {
	[CRIU_DUMP] = "checkpoint",
	[CRIU_PRE_DUMP] = "pre-dump",
	[CRIU_RESTORE] = "restore",
	[CRIU_FEATURES] = "feature check",
};

/* The texts are only read. */
static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

#define SET(o, member, given)                                                                      \
	do {                                                                                       \
		(o)->has_##member = true;                                                          \
		(o)->member = (given);                                                             \
	} while (0)

static void set_user_options(Criu__Options *o, const struct criu_request *request)
{
	const struct criu_options *given = request->options;

	SET(o, ext_unix_sk, given->ext_unix_sk);
	SET(o, tcp_established, given->tcp_established);
	SET(o, tcp_skip_in_flight, given->tcp_skip_in_flight);
	SET(o, tcp_close, given->tcp_close);
	SET(o, shell_job, given->shell_job);
	SET(o, file_locks, given->file_locks);
	SET(o, link_remap, given->link_remap);
	SET(o, auto_dedup, given->auto_dedup);
	SET(o, lazy_pages, given->lazy_pages);
	SET(o, cgroup_mode, cgroup_modes[given->cgroup_mode]);
	if (given->network_lock != CRIU_LOCK_DEFAULT)
		SET(o, network_lock, network_locks[given->network_lock]);
	if (given->empty_network)
		SET(o, empty_namespaces, CLONE_NEWNET);
	o->lsm_profile = text(given->lsm_profile);
	o->lsm_mount_context = text(given->lsm_mount_context);
	o->parent_images = text(given->parent_path);
}

static void set_options(Criu__Options *o, const struct criu_request *request)
{
	bool restores = request->action == CRIU_RESTORE;

	o->images_dir_fd = CRIU_FD_IMAGES;
	SET(o, work_dir_fd, CRIU_FD_WORK);
	SET(o, log_level, LOG_LEVEL);
	SET(o, notify_scripts, true);
	SET(o, orphan_pts_master, true);
	set_user_options(o, request);
	if (restores)
		SET(o, restore_as_sibling, true);
	else
		SET(o, pid, request->pid);
	if (!restores)
		SET(o, leave_running, request->options->leave_running);
	/* Pages that a later one may refer to, or that are in an earlier one. */
	if (request->action == CRIU_PRE_DUMP || request->options->parent_path)
		SET(o, track_memory, true);
	o->log_file = text(request->log_file);
	o->root = text(request->root);
	o->freeze_cgroup = text(request->freeze_cgroup);
	o->config_file = text(request->config_file);
	o->n_external = request->n_external;
	o->external = (char **)(uintptr_t)request->external;
}

/* One message more for a list of pointers to such. */
#define ADD(list, count, type, init)                                                               \
	({                                                                                         \
		type *added_ = arena_alloc(arena, sizeof(*added_), err);                           \
		if (added_) {                                                                      \
			*added_ = (type)init;                                                      \
			(list)[(count)++] = added_;                                                \
		}                                                                                  \
		added_;                                                                            \
	})

static int set_lists(Criu__Options *o, const struct criu_request *request, struct arena *arena,
		     struct error *err)
{
	o->inherited = arena_array(arena, request->n_inherited, sizeof(*o->inherited), err);
	o->joined = arena_array(arena, request->n_joined, sizeof(*o->joined), err);
	o->cgroup_roots =
		arena_array(arena, request->n_cgroup_roots, sizeof(*o->cgroup_roots), err);
	if (!o->inherited || !o->joined || !o->cgroup_roots)
		return -1;
	for (size_t i = 0; i < request->n_inherited; i++) {
		Criu__InheritedDescriptor *m =
			ADD(o->inherited, o->n_inherited, Criu__InheritedDescriptor,
			    CRIU__INHERITED_DESCRIPTOR__INIT);
		if (!m)
			return -1;
		m->key = text(request->inherited[i].key);
		m->fd = request->inherited[i].fd;
	}
	for (size_t i = 0; i < request->n_joined; i++) {
		Criu__JoinedNamespace *m = ADD(o->joined, o->n_joined, Criu__JoinedNamespace,
					       CRIU__JOINED_NAMESPACE__INIT);
		if (!m)
			return -1;
		m->type = text(request->joined[i].key);
		m->path = text(request->joined[i].value);
	}
	for (size_t i = 0; i < request->n_cgroup_roots; i++) {
		Criu__CgroupRoot *m = ADD(o->cgroup_roots, o->n_cgroup_roots, Criu__CgroupRoot,
					  CRIU__CGROUP_ROOT__INIT);
		if (!m)
			return -1;
		m->controller = text(request->cgroup_roots[i].key);
		m->path = text(request->cgroup_roots[i].value);
	}
	return 0;
}

static int send_message(int socket, const Criu__Request *message, struct error *err)
{
	size_t size = criu__request__get_packed_size(message);
	cleanup_free uint8_t *packet = malloc(size ? size : 1);

	if (!packet)
		return error_memory(err);
	(void)criu__request__pack(message, packet);
	if (fd_send_packet(socket, packet, size, NULL, 0) == 0)
		return 0;
	return errno == EPIPE ? error_set(err, 0, no_answer)
			      : error_set(err, errno, "send criu a request");
}

static int send_request(int socket, const struct criu_request *request, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	Criu__Request message = CRIU__REQUEST__INIT;
	Criu__Options options = CRIU__OPTIONS__INIT;
	Criu__PageServer server = CRIU__PAGE_SERVER__INIT;
	Criu__Features features = CRIU__FEATURES__INIT;

	message.action = actions[request->action];
	if (request->action == CRIU_FEATURES) {
		SET(&features, mem_track, true);
		SET(&features, lazy_pages, true);
		message.features = &features;
		return send_message(socket, &message, err);
	}
	set_options(&options, request);
	if (set_lists(&options, request, &arena, err) < 0)
		return -1;
	if (request->options->page_server_address) {
		server.address = text(request->options->page_server_address);
		SET(&server, port, request->options->page_server_port);
		options.page_server = &server;
	}
	message.options = &options;
	return send_message(socket, &message, err);
}

/* ---- answers ----------------------------------------------------------------------------- */

/* The pages are served from now on: whoever waits for that is told, once. */
static int tell_status(const struct criu_options *options, struct error *err)
{
	int fd = options->status_fd;

	if (fd < 0)
		return 0;
	if (write(fd, "", 1) != 1)
		return error_set(err, errno, "write to --status-fd %d", fd);
	(void)close(fd);
	return 0;
}

static int serve(const struct criu_call *call, const Criu__Response *response, int fd,
		 struct error *err)
{
	const Criu__Notification *given = response->notification;
	struct criu_notification notification = { .script = "", .fd = fd };

	if (given && given->script)
		notification.script = given->script;
	if (given && given->has_pid)
		notification.pid = given->pid;
	log_debug("criu: %s", notification.script);
	if (str_equal(notification.script, "status-ready") &&
	    tell_status(call->request->options, err) < 0)
		return -1;
	return call->notify ? call->notify(call->data, &notification, err) : 0;
}

static int take_results(struct criu_call *call, const Criu__Response *response, struct error *err)
{
	if (!response->success) {
		(void)error_set(err, response->has_code ? response->code : 0,
				"criu could not do it");
		return -1;
	}
	if (response->features) {
		call->has_mem_track = response->features->mem_track;
		call->has_lazy_pages = response->features->lazy_pages;
	}
	if (call->request->action != CRIU_RESTORE)
		return 0;
	if (!response->restored || response->restored->pid <= 0)
		return error_set(err, EPROTO, "criu tells no process");
	call->restored = response->restored->pid;
	return 0;
}

/* A killed CRIU leaves processes half made that have the socket, too: no end of file comes. */
static int await_packet(const struct talk *talk, struct error *err)
{
	struct pollfd p[] = { { .fd = talk->socket, .events = POLLIN },
			      { .fd = talk->pidfd, .events = POLLIN } };

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return error_set(err, errno, "wait for criu");
	return p[0].revents ? 0 : error_set(err, 0, no_answer);
}

/* Receives one packet; NULL at the end and on errors. */
static Criu__Response *receive(const struct talk *talk, int *ret_fd, struct error *err)
{
	cleanup_free char *packet = malloc(PACKET_MAX);
	size_t n_fds = 1;
	ssize_t n;

	*ret_fd = -1;
	if (!packet) {
		error_memory(err);
		return NULL;
	}
	if (await_packet(talk, err) < 0)
		return NULL;
	n = fd_receive_packet(talk->socket, packet, PACKET_MAX, ret_fd, &n_fds);
	/* With requests that it has not read. */
	if (n < 0 && errno == ECONNRESET)
		n = 0;
	if (n < 0)
		(void)error_set(err, errno, "receive from criu");
	if (n == 0)
		(void)error_set(err, 0, no_answer);
	return n <= 0 ? NULL
		      : (Criu__Response *)unpack_message(&criu__response__descriptor, (size_t)n,
							 packet, NULL, err);
}

static void free_response(Criu__Response **response)
{
	criu__response__free_unpacked(*response, NULL);
}

/* One round: 1 when CRIU goes on, 0 at its last answer, -1 when that is bad. */
static int converse_once(struct criu_call *call, const struct talk *talk, struct error *failure,
			 struct error *err)
{
	cleanup_fd int fd = -1;
	Criu__Response *response __attribute__((cleanup(free_response))) = receive(talk, &fd, err);
	Criu__Request reply = CRIU__REQUEST__INIT;

	if (!response)
		return -1;
	if (response->action != CRIU__ACTION__NOTIFY)
		return take_results(call, response, err);
	reply.action = CRIU__ACTION__NOTIFY;
	SET(&reply, notify_success, serve(call, response, fd, err) == 0);
	/* What CRIU says later is only that we have told it to stop. */
	if (!reply.notify_success && !failure->text[0])
		*failure = *err;
	return send_message(talk->socket, &reply, err) < 0 ? -1 : 1;
}

static int converse(struct criu_call *call, struct talk *talk, struct error *err)
{
	struct error failure = { 0 };
	int rc = send_request(talk->socket, call->request, err);

	if (rc < 0)
		return -1;
	do
		rc = converse_once(call, talk, &failure, err);
	while (rc > 0);
	talk->failed = failure.text[0];
	if (!talk->failed)
		return rc;
	*err = failure;
	return -1;
}

/* ---- the log ----------------------------------------------------------------------------- */

enum { EXCERPT_LINES = 3, LOG_TAIL = 256 * 1024 };

struct line {
	const char *text;
	size_t size;
};

/* What a program had for an exit code, and that it all was in vain, are no reasons. */
static bool is_reason(const struct line *line)
{
	static const char *const empty[] = { "exited, status=", "ing FAILED." };

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		if (memmem(line->text, line->size, empty[i], strlen(empty[i])))
			return false;
	return true;
}

static bool is_among(const struct line *lines, size_t n, const struct line *line)
{
	for (size_t i = 0; i < n; i++)
		if (lines[i].size == line->size &&
		    memcmp(lines[i].text, line->text, line->size) == 0)
			return true;
	return false;
}

static size_t last_reasons(const char *log, struct line found[EXCERPT_LINES])
{
	size_t n = 0;

	for (const char *p = log; (p = strstr(p, "Error (")); p += strcspn(p, "\n")) {
		struct line line = { p, strcspn(p, "\n") };

		if (!is_reason(&line) || is_among(found, n, &line))
			continue;
		if (n == EXCERPT_LINES)
			memmove(found, found + 1, (--n) * sizeof(*found));
		found[n++] = line;
	}
	return n;
}

void criu_log_excerpt(const char *log, char *buffer, size_t size)
{
	struct line found[EXCERPT_LINES];
	size_t n = last_reasons(log, found), used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < n && used < size; i++) {
		int wrote = snprintf(buffer + used, size - used, "%s%.*s", i ? "; " : "",
				     (int)found[i].size, found[i].text);

		used += wrote > 0 ? (size_t)wrote : 0;
	}
	for (char *p = buffer; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

/* The end of a log, however long it is; NULL when there is none. Malloc'd. */
static char *read_tail(int fd)
{
	char *tail = malloc(LOG_TAIL + 1);
	off_t end = lseek(fd, 0, SEEK_END);
	ssize_t n;

	if (!tail || end < 0)
		return tail;
	n = pread(fd, tail, LOG_TAIL, end > LOG_TAIL ? end - LOG_TAIL : 0);
	tail[n < 0 ? 0 : n] = '\0';
	return tail;
}

static void add_log(const struct criu_call *call, struct error *err)
{
	const char *name = call->request->log_file;
	cleanup_fd int fd = openat(call->fds[CRIU_FD_WORK], name,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_free char *log = fd < 0 ? NULL : read_tail(fd);
	char excerpt[1024];

	if (!log)
		return;
	criu_log_excerpt(log, excerpt, sizeof(excerpt));
	if (excerpt[0])
		(void)error_hint(err, "%s of criu says: %s", name, excerpt);
}

/* ---- the conversation -------------------------------------------------------------------- */

int criu_run(struct criu_call *call, struct error *err)
{
	const char *name = action_names[call->request->action];
	struct talk talk = { .socket = -1, .pidfd = -1 };
	int rc, status;
	pid_t pid = start(call, &talk, err);

	if (pid < 0)
		return error_wrap(err, "criu %s", name);
	rc = converse(call, &talk, err);
	fd_close(&talk.socket);
	fd_close(&talk.pidfd);
	if (process_wait(pid, &status) < 0)
		status = 0;
	if (rc == 0)
		return 0;
	if (process_exit_code(status) > 128)
		(void)error_hint(err, "it was ended by signal %d", process_exit_code(status) - 128);
	if (call->request->log_file && !talk.failed)
		add_log(call, err);
	return error_wrap(err, "criu %s", name);
}
