/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: containers without a payload. Each gives mounts[] and parts of
 * linux, and looks around in the finished root as its init. All in a private
 * mount namespace, on a tmpfs, with a check that neither mounts nor
 * descriptors are left; needs root.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mounts_test.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "oci/spec.h"
#include "runtime/device.h"
#include "runtime/mount.h"

enum { CONTAINER_ROOT_ID = 100000 };

#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP)

/* In children: a failed check ends the process, and its parent's test. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition,         \
				strerror(errno));                                                  \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

struct container {
	const char *mounts; /* JSON: the elements of mounts[] */
	const char *linux_; /* JSON: more members of linux, each with a comma in front */
	const char *root;   /* JSON: more members of root */
	const char *top;    /* JSON: more members of the top level, each with a comma in front */
	const char *label;  /* as SELinux's would be; NULL: none */
	const char *fails;  /* expected in the error; NULL: works */
	uint64_t left_out;  /* CLONE_NEW… that it shares with the host */
	bool user_namespace, no_pivot;
	bool unprivileged_runtime; /* the runtime itself is root of a user namespace only */
	void (*before)(void);	   /* on the host, current directory the bundle; rootfs/ is there */
	void (*between)(void);	   /* on the host, once sources are open */
	void (*inside)(void);	   /* in the container */
	void (*after)(void);	   /* on the host */
};

static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static inline bool reads(const char *path, const char *text)
{
	char buffer[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

	if (fd >= 0)
		close(fd);
	return n >= 0 && str_equal(buffer, text);
}

/* The line of /proc/self/mountinfo of the last mount at this path. */
static inline const char *mount_line(const char *path)
{
	static char found[4096];
	char line[4096], at[4096];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	CHECK(f);
	found[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %*s %*s %4095s", at) == 1 && str_equal(at, path))
			memcpy(found, line, sizeof(found));
	}
	fclose(f);
	return found;
}

static inline bool has_option(const char *path, const char *option)
{
	char options[1024] = "", wanted[64];

	if (sscanf(mount_line(path), "%*s %*s %*s %*s %*s %1020s", options) != 1)
		return false;
	(void)snprintf(wanted, sizeof(wanted), ",%s,", option);
	memmove(options + 1, options, strlen(options) + 1);
	options[0] = ',';
	options[strlen(options)] = ',';
	return strstr(options, wanted);
}

static inline bool cannot_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == EROFS || errno == EACCES);
}

static inline bool is_device(const char *path, unsigned int major_, unsigned int minor_)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(major_, minor_) && (st.st_mode & 0777) == 0666;
}

static inline char *configuration(const struct container *c, struct error *err)
{
	cleanup_str struct str s = STR_EMPTY;

	str_add_format(
		&s,
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"%s},"
		"\"process\":{\"args\":[\"true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}},"
		"\"mounts\":[%s],\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":"
		"\"pid\"}",
		c->root ? c->root : "", c->mounts ? c->mounts : "");
	if (!(c->left_out & CLONE_NEWNET))
		str_add(&s, ",{\"type\":\"network\"}");
	if (!(c->left_out & CLONE_NEWCGROUP))
		str_add(&s, ",{\"type\":\"cgroup\"}");
	str_add(&s, ",{\"type\":\"ipc\"},{\"type\":\"uts\"}");
	if (c->user_namespace || c->unprivileged_runtime)
		str_add(&s, ",{\"type\":\"user\"}");
	str_add(&s, "]");
	if (c->user_namespace || c->unprivileged_runtime)
		str_add_format(
			&s,
			",\"uidMappings\":[{\"containerID\":0,\"hostID\":%d,\"size\":65536}]"
			",\"gidMappings\":[{\"containerID\":0,\"hostID\":%d,\"size\":65536}]",
			CONTAINER_ROOT_ID, CONTAINER_ROOT_ID);
	str_add_format(&s, "%s}%s}", c->linux_ ? c->linux_ : "", c->top ? c->top : "");
	return str_take(&s, err);
}

static inline int set_up(struct mount_plan *plan, const struct spec *spec, const int *nodes,
			 bool no_pivot, struct error *err)
{
	if (mount_root_attach(plan, err) < 0 || mount_plan_apply(plan, err) < 0 ||
	    device_setup(plan->root_tree, spec, nodes, err) < 0 ||
	    mount_pivot_root(plan, no_pivot, err) < 0 || mount_make_read_only(plan, err) < 0 ||
	    mount_protect(spec, plan->null, err) < 0)
		return -1;
	mount_plan_done(plan);
	return 0;
}

static inline void expect(const struct container *c, int result, const struct error *err)
{
	if (result < 0 && (!c->fails || !strstr(err->text, c->fails))) {
		fprintf(stderr, "unexpected error: %s\n", err->text);
		_exit(1);
	}
	if (result == 0 && c->fails) {
		fprintf(stderr, "no error, expected: %s\n", c->fails);
		_exit(1);
	}
}

static inline void map_ids(pid_t pid)
{
	char path[64], text[64];

	(void)snprintf(text, sizeof(text), "0 %d 65536\n", CONTAINER_ROOT_ID);
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	write_file(path, text);
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	write_file(path, text);
}

static inline void be_init(const struct container *c, struct mount_plan *plan,
			   const struct spec *spec, const int *nodes, int proceed)
{
	struct error err;
	char byte;

	CHECK(read(proceed, &byte, 1) == 1);
	if (c->user_namespace || c->unprivileged_runtime)
		CHECK(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
	int result = set_up(plan, spec, nodes, c->no_pivot, &err);
	expect(c, result, &err);
	if (result == 0 && c->inside)
		c->inside();
	_exit(0);
}

static inline int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* The parent's part, in a private mount namespace. */
static inline void be_runtime(const struct container *c)
{
	struct arena cleanup_arena arena = ARENA_EMPTY;
	struct mount_plan plan = MOUNT_PLAN_EMPTY;
	struct spec spec = { 0 };
	struct error err;
	int nodes[32], pipes[2], status;
	bool user = c->user_namespace || c->unprivileged_runtime;
	int descriptors = count_descriptors();
	char *text = configuration(c, &err);

	CHECK(text);
	if (spec_load(text, strlen(text), "config.json", &spec, &arena, &err) < 0) {
		expect(c, -1, &err);
		free(text);
		return;
	}
	free(text);
	if (c->unprivileged_runtime) {
		CHECK(setresgid(CONTAINER_ROOT_ID, CONTAINER_ROOT_ID, 0) == 0);
		CHECK(setresuid(CONTAINER_ROOT_ID, CONTAINER_ROOT_ID, 0) == 0);
	}
	int result = mount_plan_prepare(&spec, &plan, &arena, &err);
	if (result < 0) {
		expect(c, result, &err);
		return;
	}
	if (c->between)
		c->between();
	if (c->label)
		plan.label = c->label;
	CHECK(device_open_host_nodes(&spec, nodes, &err) == 0);
	if (c->unprivileged_runtime)
		CHECK(setresuid(0, 0, 0) == 0 && setresgid(0, 0, 0) == 0);
	CHECK(pipe2(pipes, O_CLOEXEC) == 0);
	pid_t pid =
		process_clone((NAMESPACES & ~c->left_out) | (user ? CLONE_NEWUSER : 0), -1, NULL);
	CHECK(pid >= 0);
	if (pid == 0)
		be_init(c, &plan, &spec, nodes, pipes[0]);
	if (user)
		map_ids(pid);
	CHECK(write(pipes[1], "", 1) == 1);
	CHECK(process_wait(pid, &status) == 0);
	mount_plan_done(&plan);
	for (size_t i = 0; i < device_defaults_count + spec.linux->n_devices; i++)
		fd_close(&nodes[i]);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(pipes[0]);
	close(pipes[1]);
	CHECK(count_descriptors() == descriptors);
}

/*
 * Mount namespaces have an order, by numbers that since Linux 6.18 grow on each
 * processor for itself.
 */
static inline void stay_on_a_processor(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET((size_t)sched_getcpu(), &here);
	CHECK(sched_setaffinity(0, sizeof(here), &here) == 0);
}

static inline void be_host(const void *data)
{
	const struct container *c = data;
	static const char *const folders[] = { "rootfs",     "rootfs/proc", "rootfs/dev",
					       "rootfs/sys", "rootfs/etc",  "rootfs/tmp" };
	uid_t owner = c->user_namespace || c->unprivileged_runtime ? CONTAINER_ROOT_ID : 0;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		CHECK(mkdir(folders[i], 0755) == 0 && chown(folders[i], owner, owner) == 0);
	if (c->before)
		c->before();
	char *mounts = read_mounts();
	be_runtime(c);
	char *now = read_mounts();
	CHECK(str_equal(mounts, now));
	free(mounts);
	free(now);
	if (c->after)
		c->after();
}

/* Works in a child with mounts of its own, in a folder of its own. */
static inline void on_host(void (*work)(const void *data), const void *data)
{
	char folder[] = "/tmp/mount_test.XXXXXX";
	int status = -1;

	if (geteuid() != 0) {
		print_message("only root has mounts of its own\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		stay_on_a_processor();
		CHECK(unshare(CLONE_NEWNS) == 0 &&
		      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
		leave_mounts_of_others(folder);
		CHECK(mount("tmpfs", folder, "tmpfs", 0, "mode=755") == 0 && chdir(folder) == 0);
		umask(022);
		work(data);
		_exit(0);
	}
	assert_int_equal(process_wait(pid, &status), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static inline void run(const struct container *c)
{
	on_host(be_host, c);
}

#define PROC "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}"
#define DEV                                                                                        \
	"{\"destination\":\"/"                                                                     \
	"dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"nosuid\","                   \
	"\"strictatime\",\"mode=755\",\"size=65536k\"]}"
#define USUAL                                                                                      \
	PROC "," DEV ",{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","   \
	     "\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"," \
	     "\"gid=5\"]},{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\","    \
	     "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]},"       \
	     "{\"destination\":\"/dev/"                                                            \
	     "mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\",\"options\":"                     \
	     "[\"nosuid\",\"noexec\",\"nodev\"]},{\"destination\":\"/sys\",\"type\":\"sysfs\","    \
	     "\"source\":\"sysfs\",\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]},"         \
	     "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\","      \
	     "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"ro\"]}"
#define PROTECTED                                                                                  \
	",\"maskedPaths\":[\"/proc/version\",\"/proc/scsi\",\"/proc/version\","                    \
	"\"/sys/firmware\",\"/proc/missing\"],\"readonlyPaths\":[\"/proc/sys\",\"/proc/bus\","     \
	"\"/proc/uptime\",\"/missing\"]"
