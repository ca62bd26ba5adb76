/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "cmd/rustbox/api/api_parts.h"

enum { ACTIVATED_FD = 3, BACKLOG = SOMAXCONN, END_MS = 5000, REST_MS = 100 };

struct server {
	struct store *store;
	int listener, signals;
	const char *path; /* of the socket's file, to be removed; NULL: systemd's */
	struct stat made; /* that file */
	size_t n_children;
	pid_t children[API_CONNECTIONS_MAX];
	sigset_t before; /* the signal mask we were started with */
	bool is_ending;
	bool is_failing; /* to accept, and that was told */
};

/* ---- listening ---- */

static bool has_socket_option(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

/* Only such a socket tells who its clients are. */
static bool is_listening(int fd)
{
	return has_socket_option(fd, SO_DOMAIN, AF_UNIX) &&
	       has_socket_option(fd, SO_TYPE, SOCK_STREAM) &&
	       has_socket_option(fd, SO_ACCEPTCONN, 1);
}

/* sd_listen_fds(3). */
static bool is_activated(void)
{
	const char *pid = getenv("LISTEN_PID");
	uint64_t number;

	return pid && getenv("LISTEN_FDS") && str_to_uint(pid, 10, INT32_MAX, &number) &&
	       (pid_t)number == getpid();
}

static int fill_address(const char *path, struct sockaddr_un *ret, struct error *err)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return error_set(err, ENAMETOOLONG, "the socket %s (at most %zu bytes)", path,
				 sizeof(ret->sun_path) - 1);
	memcpy(ret->sun_path, path, strlen(path));
	return 0;
}

/* A socket's file that nobody serves any more is removed; anything else stays. */
static int remove_stale(const char *path, const struct sockaddr_un *address, struct error *err)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, EEXIST,
				 "%s is there and is no socket (remove it, or use "
				 "--socket)",
				 path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(err, errno, "make a socket");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return error_set(err, EADDRINUSE, "%s: another rustboxd serves it", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove the old socket %s", path);
	return 0;
}

static int make_folder(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *folder = NULL;

	if (!slash || slash == path)
		return 0;
	folder = strndup(path, (size_t)(slash - path));
	return folder ? path_make_directories(folder, 0711, err) : error_memory(err);
}

static int listen_at(struct server *server, const char *path, struct error *err)
{
	struct sockaddr_un address;
	mode_t mask;
	int bound;

	if (fill_address(path, &address, err) < 0 || make_folder(path, err) < 0 ||
	    remove_stale(path, &address, err) < 0)
		return -1;
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listener < 0)
		return error_set(err, errno, "make a socket");
	mask = umask(0177);
	bound = bind(server->listener, (const struct sockaddr *)&address, sizeof(address));
	(void)umask(mask);
	if (bound < 0)
		return error_set(err, errno, "bind the socket %s", path);
	server->path = path;
	if (lstat(path, &server->made) < 0 || listen(server->listener, BACKLOG) < 0)
		return error_set(err, errno, "listen at %s", path);
	return 0;
}

/* Two at once would each remove the other's socket as a stale one. */
static int listen_alone(struct server *server, const char *path, struct error *err)
{
	int lock = server->store->run_fd, result;

	while (flock(lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_set(err, errno, "lock %s", server->store->run);
	result = listen_at(server, path, err);
	(void)flock(lock, LOCK_UN);
	return result;
}

static int take_activated(struct server *server, const char *path, struct error *err)
{
	const char *fds = getenv("LISTEN_FDS");

	if (path)
		return error_set(err, 0, "--socket %s, and a socket of systemd (one of the two)",
				 path);
	if (!fds || strcmp(fds, "1") != 0 || !is_listening(ACTIVATED_FD))
		return error_set(err, 0,
				 "the socket of systemd: descriptor 3 alone is wanted, a "
				 "Unix stream socket that listens (ListenStream=%s)",
				 API_SOCKET);
	server->listener = ACTIVATED_FD;
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	if (fd_set_cloexec(server->listener, 1, err) < 0)
		return -1;
	if (fcntl(server->listener, F_SETFL, O_NONBLOCK) < 0)
		return error_set(err, errno, "prepare the socket of systemd");
	return 0;
}

/* ---- connections ---- */

static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

/* SIGTERM and SIGINT disturb no request: they are seen between two of them. */
static int open_stop(const struct server *server)
{
	sigset_t ending, mask = server->before;

	(void)sigemptyset(&ending);
	(void)sigaddset(&ending, SIGTERM);
	(void)sigaddset(&ending, SIGINT);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_SETMASK, &mask, NULL) < 0)
		return -1;
	return signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void serve_in_child(const struct server *server, pid_t parent, int fd)
{
	int stop;

	/* Who kills us outright ends its connections, too; containers have their own. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	(void)close(server->listener);
	(void)close(server->signals);
	stop = open_stop(server);
	/* Relative paths of requests begin at the same place wherever we were started. */
	if (stop < 0 || chdir("/") < 0) {
		log_warning("prepare for a connection: %s", strerror(errno));
		_exit(1);
	}
	api_connection_run(server->store, fd, stop);
	_exit(0);
}

/* One more than there is room for. */
static void turn_away(int fd)
{
	static const char text[] = "{\"type\":\"ErrorResponse\",\"code\":\"failed\","
				   "\"message\":\"rustboxd has too many connections (close some, "
				   "or try again)\"}";
	const uint32_t length = htonl(sizeof(text) - 1);
	const struct iovec parts[] = {
		{ (void *)(uintptr_t)&length, sizeof(length) },
		{ (void *)(uintptr_t)text, sizeof(text) - 1 },
	};
	const struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts,
					.msg_iovlen = 2 };

	(void)sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	log_warning("a connection was turned away: there are %d", API_CONNECTIONS_MAX);
}

static void serve_one(struct server *server, int fd)
{
	pid_t parent = getpid(), pid;

	if (!is_allowed(fd)) {
		log_warning("a connection of another user was refused");
		return;
	}
	if (server->n_children == API_CONNECTIONS_MAX) {
		turn_away(fd);
		return;
	}
	pid = fork();
	if (pid == 0)
		serve_in_child(server, parent, fd);
	if (pid < 0)
		log_warning("fork for a connection: %s", strerror(errno));
	else
		server->children[server->n_children++] = pid;
}

/* False for want of descriptors or memory: who could not be accepted still knocks. */
static bool accept_one(struct server *server)
{
	cleanup_fd int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return true;
		if (!server->is_failing)
			log_warning("accept a connection: %s; trying again", strerror(errno));
		server->is_failing = true;
		return false;
	}
	server->is_failing = false;
	serve_one(server, fd);
	return true;
}

static void reap(struct server *server)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < server->n_children; i++)
			if (server->children[i] == pid) {
				server->children[i] = server->children[--server->n_children];
				break;
			}
}

/* ---- signals ---- */

static int watch_signals(struct server *server, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, &server->before) < 0)
		return error_set(err, errno, "block signals");
	server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return server->signals < 0 ? error_set(err, errno, "signalfd") : 0;
}

static void take_signals(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			server->is_ending = true;
	reap(server);
}

/* Each finishes its request; who takes too long is killed. */
static void end_children(struct server *server)
{
	int64_t deadline = clock_now_ms() + END_MS;

	for (size_t i = 0; i < server->n_children; i++)
		(void)kill(server->children[i], SIGTERM);
	while (server->n_children > 0) {
		struct pollfd watched = { .fd = server->signals, .events = POLLIN };
		int left = clock_left_ms(deadline);
		if (left == 0)
			break;
		(void)poll(&watched, 1, left);
		take_signals(server);
	}
	for (size_t i = 0; i < server->n_children; i++)
		(void)kill(server->children[i], SIGKILL);
}

static void remove_socket(const struct server *server)
{
	struct stat st;

	if (server->path && lstat(server->path, &st) == 0 && st.st_ino == server->made.st_ino &&
	    st.st_dev == server->made.st_dev)
		(void)unlink(server->path);
}

static int serve(struct server *server, struct error *err)
{
	bool rests = false;

	while (!server->is_ending) {
		struct pollfd watched[] = {
			{ .fd = server->signals, .events = POLLIN },
			/* While it rests it waits for a child's end, which gives descriptors back.
			 */
			{ .fd = rests ? -1 : server->listener, .events = POLLIN },
		};
		if (poll(watched, 2, rests ? REST_MS : -1) < 0 && errno != EINTR)
			return error_set(err, errno, "poll");
		if (watched[0].revents)
			take_signals(server);
		rests = watched[1].revents && !server->is_ending && !accept_one(server);
	}
	return 0;
}

/* Recovery: containers whose supervisors are gone are put right before anybody asks. */
static int look_at_containers(struct store *store, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record **records;
	size_t n;

	return store_list(store, &arena, &records, &n, err);
}

int api_serve(struct store *store, const struct api_config *config, struct error *err)
{
	struct server server = { .store = store, .listener = -1, .signals = -1 };
	const char *path = config->socket ? config->socket : API_SOCKET;
	int result;

	if (look_at_containers(store, err) < 0 || watch_signals(&server, err) < 0)
		return -1;
	result = is_activated() ? take_activated(&server, config->socket, err)
				: listen_alone(&server, path, err);
	if (result == 0)
		result = serve(&server, err);
	remove_socket(&server);
	fd_close(&server.listener);
	end_children(&server);
	fd_close(&server.signals);
	return result;
}
