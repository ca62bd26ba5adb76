/* SPDX-License-Identifier: Apache-2.0 */
/* Running CNI plugins (CNI specification 1.0, section 2 and 5). */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "cmd/rustbox/network/network_parts.h"

enum { OUTPUT_MAX = 1024 * 1024, ENV_SIZE = 8 };
#define PACKAGE	   "containernetworking-plugins"
#define OLD_PLUGIN "1" /* CNI's code for a version that a plugin does not have */

const char *network_plugin_path(void)
{
	const char *path = getenv("CNI_PATH");

	return path && *path ? path : "/usr/lib/cni:/opt/cni/bin:/usr/libexec/cni";
}

int network_plugin_find(const char *type, struct arena *arena, const char **ret_path,
			struct error *err)
{
	const char *folders = network_plugin_path();

	if (strchr(type, '/'))
		return error_set(err, EINVAL, "the type of a network plugin, \"%s\", is a path",
				 type);
	for (const char *p = folders; *p;) {
		size_t size = strcspn(p, ":");
		char *path = arena_format(arena, err, "%.*s/%s", (int)size, p, type);
		if (!path)
			return -1;
		if (size && access(path, X_OK) == 0) {
			*ret_path = path;
			return 0;
		}
		p += size + (p[size] == ':');
	}
	(void)error_set(err, ENOENT, "the network plugin %s in %s", type, folders);
	return error_hint(err, "install the package " PACKAGE ", or set CNI_PATH");
}

int network_program_find(const char *name, char ret_path[NETWORK_PROGRAM_SIZE], struct error *err)
{
	static const char *const folders[] = { "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin",
					       "/bin" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		(void)snprintf(ret_path, NETWORK_PROGRAM_SIZE, "%s/%s", folders[i], name);
		if (access(ret_path, X_OK) == 0)
			return 0;
	}
	(void)error_set(err, ENOENT, "%s, which networks need", name);
	return error_hint(err, "install the package iptables, or use --network host");
}

int network_program_hint(const char *message, struct error *err)
{
	/* What iptables-nft says on a kernel without nf_tables, and both without their modules. */
	static const char *const complaints[] = { "Failed to initialize nft", "rule set generation",
						  "can't initialize iptables table" };

	for (size_t i = 0; i < sizeof(complaints) / sizeof(*complaints); i++)
		if (strstr(message, complaints[i]))
			return error_hint(err,
					  "the kernel lacks what this iptables works on: modprobe "
					  "nf_tables, or update-alternatives --set iptables "
					  "/usr/sbin/iptables-legacy");
	return -1;
}

/* ---- one run ---- */

struct run {
	const char *path;
	int input, output, log; /* our ends of its pipes */
	const char *text;
	size_t left;
	struct str printed, logged;
};

static void read_some(int *fd, struct str *text)
{
	char buffer[4096];
	ssize_t n = read(*fd, buffer, sizeof(buffer));

	if (n > 0 && text->size < OUTPUT_MAX)
		str_add_bytes(text, buffer, (size_t)n);
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		fd_close(fd);
}

static void write_some(struct run *run)
{
	ssize_t n = write(run->input, run->text, run->left);

	if (n > 0) {
		run->text += n;
		run->left -= (size_t)n;
	}
	if (run->left == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		fd_close(&run->input);
}

static int talk(struct run *run, struct error *err)
{
	int64_t deadline = clock_now_ms() + NETWORK_PLUGIN_TIMEOUT_MS;

	while (run->output >= 0 || run->log >= 0) {
		struct pollfd fds[] = { { .fd = run->input, .events = POLLOUT },
					{ .fd = run->output, .events = POLLIN },
					{ .fd = run->log, .events = POLLIN } };
		int left = clock_left_ms(deadline);
		int n = left > 0 ? poll(fds, 3, left) : 0;
		if (n == 0)
			return error_set(err, 0,
					 "the network plugin %s did not end within %d s "
					 "(thousands of ports take it that long)",
					 run->path, NETWORK_PLUGIN_TIMEOUT_MS / 1000);
		if (n < 0 && errno != EINTR)
			return error_set(err, errno, "poll");
		if (fds[0].revents)
			write_some(run);
		if (fds[1].revents)
			read_some(&run->output, &run->printed);
		if (fds[2].revents)
			read_some(&run->log, &run->logged);
	}
	return 0;
}

static int spawn(struct run *run, char *const *env, pid_t *ret_pid, struct error *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, log[2] = { -1, -1 };
	char *args[] = { NULL, NULL };
	int result = -1;

	memcpy(&args[0], &run->path, sizeof(args[0]));
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(log, O_CLOEXEC) < 0) {
		error_set(err, errno, "make pipes for a network plugin");
	} else {
		const int fds[] = { in[0], out[1], log[1] };
		const struct process_spawn spawn = {
			.path = run->path,
			.args = args,
			.env = env,
			.fds = fds,
			.n_fds = 3,
			.new_group = true,
			.dies_with_parent = true,
		};
		*ret_pid = process_spawn(&spawn, err);
		if (*ret_pid > 0) {
			run->input = move_fd(&in[1]);
			run->output = move_fd(&out[0]);
			run->log = move_fd(&log[0]);
			result = 0;
		}
	}
	for (int i = 0; i < 2; i++) {
		fd_close(&in[i]);
		fd_close(&out[i]);
		fd_close(&log[i]);
	}
	return result;
}

/* ---- what it says ---- */

/* CNI's error object on standard output, or what is on standard error. */
static int set_failure(const struct run *run, int status, struct arena *arena, struct error *err)
{
	struct error ignored;
	const struct value *value =
		run->printed.size
			? value_read(run->printed.text, run->printed.size, arena, &ignored)
			: NULL;
	const struct value *message = value ? value_get(value, "msg") : NULL;
	const struct value *details = value ? value_get(value, "details") : NULL;
	const struct value *code = value ? value_get(value, "code") : NULL;

	if (message && message->kind == VALUE_TEXT) {
		(void)error_set(err, 0, "the network plugin %s: %s%s%s", run->path, message->text,
				details && details->kind == VALUE_TEXT && *details->text ? "; "
											 : "",
				details && details->kind == VALUE_TEXT ? details->text : "");
		if (code && code->kind == VALUE_NUMBER && strcmp(code->text, OLD_PLUGIN) == 0)
			return error_hint(err, "it is too old: " PACKAGE " 1.0 or newer");
		return network_program_hint(message->text, err);
	}
	return error_set(err, 0, "the network plugin %s ended with %d: %s", run->path,
			 process_exit_code(status),
			 run->logged.text ? run->logged.text : "(no message)");
}

static int run_to_end(struct run *run, char *const *env, int *ret_status, struct error *err)
{
	pid_t pid = -1;
	int result;

	if (spawn(run, env, &pid, err) < 0)
		return -1;
	result = talk(run, err);
	fd_close(&run->input);
	fd_close(&run->output);
	fd_close(&run->log);
	if (result < 0)
		(void)kill(-pid, SIGKILL);
	if (process_wait(pid, ret_status) < 0 && result == 0)
		result = error_set(err, errno, "wait for the network plugin %s", run->path);
	return result;
}

static int make_env(const struct network_call *call, struct arena *arena, char *env[ENV_SIZE],
		    struct error *err)
{
	size_t n = 0;

	env[n++] = arena_format(arena, err, "CNI_COMMAND=%s", call->command);
	env[n++] = arena_format(arena, err, "CNI_CONTAINERID=%s", call->id);
	if (call->netns)
		env[n++] = arena_format(arena, err, "CNI_NETNS=%s", call->netns);
	env[n++] = arena_format(arena, err, "CNI_IFNAME=%s", NETWORK_IFNAME);
	env[n++] = arena_format(arena, err, "CNI_PATH=%s", network_plugin_path());
	/* The plugins look for iptables. */
	env[n++] = arena_format(
		arena, err, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	if (call->args)
		env[n++] = arena_format(arena, err, "CNI_ARGS=%s", call->args);
	env[n] = NULL;
	for (size_t i = 0; i < n; i++)
		if (!env[i])
			return -1;
	return 0;
}

static bool has_printed(const struct run *run)
{
	return run->printed.size && run->printed.text[strspn(run->printed.text, " \n")];
}

int network_plugin_run(const struct network_call *call, const struct value *config,
		       struct arena *arena, struct value **ret, struct error *err)
{
	const struct value *type = value_get(config, "type");
	cleanup_str struct str text = STR_EMPTY;
	struct run run = { .input = -1, .output = -1, .log = -1 };
	char *env[ENV_SIZE];
	int status = 0, result;

	if (!type || type->kind != VALUE_TEXT)
		return error_set(err, EINVAL, "a network plugin without a type");
	if (network_plugin_find(type->text, arena, &run.path, err) < 0 ||
	    make_env(call, arena, env, err) < 0)
		return -1;
	value_write(&text, config, false);
	if (text.failed)
		return error_memory(err);
	run.text = text.text;
	run.left = text.size;
	result = run_to_end(&run, env, &status, err);
	if (result == 0 && status != 0)
		result = set_failure(&run, status, arena, err);
	*ret = NULL;
	if (result == 0 && strcmp(call->command, "ADD") == 0 && has_printed(&run)) {
		*ret = value_read(run.printed.text, run.printed.size, arena, err);
		if (!*ret)
			result = error_wrap(err, "the result of the network plugin %s", run.path);
	}
	str_done(&run.printed);
	str_done(&run.logged);
	return result;
}
