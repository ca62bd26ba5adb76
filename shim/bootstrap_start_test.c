/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that `start` executes is this very program: called with
 * -namespace, it answers one question about itself instead of serving.
 */
/* valgrind: no, it executes /proc/self/exe, which is valgrind's own program then */
#include "shim/bootstrap_test.h"

#include <dirent.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "proto/bootstrap.pb-c.h"
#include "proto/options.pb-c.h"

typedef Containerd__Runtime__Bootstrap__V1__BootstrapParams BootstrapParams;
typedef Containerd__Runtime__Bootstrap__V1__Extension Extension;

#define TEXT(s) ((char *)(uintptr_t)(s))

/* ---- the server's side ---- */

static int count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = -3; /* ".", "..", and the folder's own */

	while (folder && readdir(folder))
		n++;
	if (folder)
		(void)closedir(folder);
	return n;
}

static bool is_null(int fd)
{
	char link[64], target[32] = "";

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, target, sizeof(target) - 1) > 0 && str_equal(target, "/dev/null");
}

static void describe(int client, int descriptors, char **argv)
{
	const char *ttrpc = getenv("TTRPC_ADDRESS");
	char folder[128] = "";

	(void)dprintf(client, "group %d\nnull %d\ndescriptors %d\nttrpc %s\nfolder %s\n",
		      getpgrp() == getpid(), is_null(0) && is_null(1) && is_null(2), descriptors,
		      ttrpc ? ttrpc : "(none)", getcwd(folder, sizeof(folder)));
	for (char **arg = argv + 1; *arg; arg++)
		(void)dprintf(client, "%s ", *arg);
}

/* 'd': describe yourself; 'q': end. Who only looks whether we live says nothing. */
static int serve(char **argv)
{
	int descriptors = count_descriptors();
	char order = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (order != 'q') {
		int client = accept4(3, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			return 1;
		if (read(client, &order, 1) == 1 && order == 'd')
			describe(client, descriptors, argv);
		(void)close(client);
	}
	return 0;
}

/* ---- the client's ---- */

static struct stage stage;
static char answer[4096];

static int set_up(void **state)
{
	(void)unsetenv("TTRPC_ADDRESS");
	(void)unsetenv("SCHED_CORE");
	return stage_begin(&stage);
}

/* Sends the order to the server whose address was printed; false when nobody is there. */
static bool ask(const char *address, char order)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t used = 0;
	ssize_t n;

	if (!str_starts_with(address, "unix:///"))
		return false;
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", address + strlen("unix://"));
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0 || write(fd, &order, 1) != 1)
		return false;
	while ((n = read(fd, answer + used, sizeof(answer) - 1 - used)) > 0)
		used += (size_t)n;
	answer[used] = '\0';
	return true;
}

static char last_address[128];

/* Ends the server if a test has left one, and removes its socket. */
static int tear_down(void **state)
{
	static const char *const names[] = { "box/address", "box/s", "box/config.json",
					     "two/address", "two/s", "two/config.json",
					     "two",	    "s",     NULL };
	int status;

	if (*last_address && ask(last_address, 'q'))
		(void)waitpid(-1, &status, 0);
	if (*last_address)
		(void)unlink(last_address + strlen("unix://"));
	*last_address = '\0';
	return stage_end(&stage, names);
}

static bool has_children(void)
{
	return waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD;
}

struct wishes {
	const char *id, *ttrpc, *cgroup;
	bool debug;
};

/* `start`, with the sockets in the stage's folder. */
static int start(const struct wishes *wishes, struct error *err)
{
	const struct shim_flags flags = { .action = SHIM_START,
					  .namespace = "ns",
					  .id = wishes->id ? wishes->id : "box",
					  .address = "/c.sock",
					  .publish_binary = "/bin/c",
					  .debug = wishes->debug };
	Containerd__Runc__V1__Options options = CONTAINERD__RUNC__V1__OPTIONS__INIT;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	Extension extension = CONTAINERD__RUNTIME__BOOTSTRAP__V1__EXTENSION__INIT, *list;
	BootstrapParams params = CONTAINERD__RUNTIME__BOOTSTRAP__V1__BOOTSTRAP_PARAMS__INIT;
	uint8_t packed[256], input[1024];
	char directory[64];
	int result;

	(void)snprintf(directory, sizeof(directory), "%s/s", stage.top);
	options.shim_cgroup = TEXT(wishes->cgroup ? wishes->cgroup : "");
	any.type_url = TEXT("containerd.runc.v1.Options");
	any.value.len = containerd__runc__v1__options__pack(&options, packed);
	any.value.data = packed;
	list = &extension;
	extension.value = &any;
	params.n_extensions = 1;
	params.extensions = &list;
	params.instance_id = TEXT(flags.id);
	params.namespace_ = TEXT(flags.namespace);
	params.socket_dir = directory;
	params.containerd_ttrpc_address = TEXT(wishes->ttrpc ? wishes->ttrpc : "");
	result = stage_run(
		&stage, bootstrap_start, &flags, input,
		containerd__runtime__bootstrap__v1__bootstrap_params__pack(&params, input), err);
	if (result == 0)
		(void)snprintf(last_address, sizeof(last_address), "%.127s", stage.out);
	return result;
}

static void assert_file(const char *name, const char *expected)
{
	char text[256] = "";

	assert_true(fd_read_short(AT_FDCWD, name, text, sizeof(text)) >= 0);
	assert_string_equal(text, expected);
}

static void a_server_is_started_and_its_address_printed(void **state)
{
	const struct wishes wishes = { .ttrpc = "/c.sock.ttrpc", .debug = true };
	char prefix[64], folder[80];
	struct error err;
	int status;

	if (start(&wishes, &err) < 0)
		fail_msg("%s", err.text);
	(void)snprintf(prefix, sizeof(prefix), "unix://%s/s/", stage.top);
	assert_true(str_starts_with(stage.out, prefix));
	assert_int_equal(stage.n_out, strlen(prefix) + 64);
	assert_string_equal(stage.err, "");
	assert_file("address", stage.out);

	assert_true(ask(last_address, 'd'));
	assert_non_null(strstr(answer, "group 1\nnull 1\n"));
	/* ASan's runtime has none of its own. The fifth is the client. */
	assert_non_null(strstr(answer, "descriptors 4\n"));
	assert_non_null(strstr(answer, "ttrpc /c.sock.ttrpc\n"));
	(void)snprintf(folder, sizeof(folder), "folder %s\n", stage.bundle);
	assert_non_null(strstr(answer, folder));
	assert_non_null(strstr(answer, "\n-namespace ns -id box -address /c.sock -publish-binary "
				       "/bin/c -debug "));
	assert_true(ask(last_address, 'q'));
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_int_equal(status, 0);
}

static void the_folder_of_sockets_is_remembered(void **state)
{
	const struct wishes wishes = { 0 };
	char target[64] = "", expected[64];
	struct error err;

	assert_int_equal(start(&wishes, &err), 0);
	(void)snprintf(expected, sizeof(expected), "%s/s", stage.top);
	assert_true(readlink("s", target, sizeof(target) - 1) > 0);
	assert_string_equal(target, expected);
}

static void the_server_dies_a_little_sooner_than_our_parent(void **state)
{
	const struct wishes wishes = { 0 };
	char path[64], text[16], ours[16];
	int64_t parent, server;
	struct error err;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", getppid());
	assert_true(fd_read_short(AT_FDCWD, path, ours, sizeof(ours)) > 0);
	assert_true(str_to_int(ours, -1000, 1000, &parent));
	assert_int_equal(start(&wishes, &err), 0);
	/* The only child: found without being told. */
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	assert_true(fd_read_short(AT_FDCWD, path, text, sizeof(text)) > 0);
	pid = (pid_t)strtol(text, NULL, 10);
	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	assert_true(fd_read_short(AT_FDCWD, path, text, sizeof(text)) > 0);
	assert_true(str_to_int(text, -1000, 1000, &server));
	if (geteuid() == 0)
		assert_int_equal(server, parent < 1000 ? parent + 1 : 1000);
}

static void configure(const char *bundle, const char *annotations)
{
	char name[32], text[256];

	(void)snprintf(name, sizeof(name), "%s/config.json", bundle);
	(void)snprintf(text, sizeof(text), "{\"process\":{\"args\":[1]},\"annotations\":{%s}}",
		       annotations);
	stage_write(&stage, name, text, 0600);
}

static void containers_of_a_group_share_a_server(void **state)
{
	static const struct {
		const char *one, *two;
		bool same;
	} rows[] = {
		{ "\"io.kubernetes.cri.sandbox-id\":\"p\"",
		  "\"io.kubernetes.cri.sandbox-id\":\"p\"", true },
		{ "\"io.containerd.runc.v2.group\":\"p\"",
		  "\"io.kubernetes.cri.sandbox-id\":\"q\",\"io.containerd.runc.v2.group\":\"p\"",
		  true },
		{ "\"io.containerd.rustbox.v1.group\":\"p\",\"io.containerd.runc.v2.group\":\"r\"",
		  "\"io.containerd.rustbox.v1.group\":\"p\"", true },
		{ "\"io.containerd.rustbox.v1.group\":\"box\"", "", false },
		{ "\"io.containerd.rustbox.v1.group\":\"\"", "\"other\":\"box\"", false },
	};
	const struct wishes one = { 0 }, two = { .id = "two" };

	assert_int_equal(mkdir(stage_path(&stage, "two"), 0700), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char first[128];
		struct error err;
		int status;

		configure("box", rows[i].one);
		configure("two", rows[i].two);
		assert_int_equal(chdir(stage.bundle), 0);
		assert_int_equal(start(&one, &err), 0);
		(void)snprintf(first, sizeof(first), "%.127s", stage.out);
		assert_int_equal(chdir(stage_path(&stage, "two")), 0);
		assert_int_equal(start(&two, &err), 0);
		assert_string_equal(stage.err, "");
		assert_file("address", stage.out);
		assert_int_equal(str_equal(first, stage.out), rows[i].same);

		assert_true(ask(first, 'q'));
		assert_true(waitpid(-1, &status, 0) > 0);
		assert_int_equal(unlink(first + strlen("unix://")), 0);
		assert_int_equal(has_children(), !rows[i].same);
		if (rows[i].same)
			continue;
		assert_true(ask(stage.out, 'q'));
		assert_true(waitpid(-1, &status, 0) > 0);
		assert_int_equal(unlink(stage.out + strlen("unix://")), 0);
	}
	*last_address = '\0';
}

static void a_server_that_is_gone_is_replaced(void **state)
{
	const struct wishes wishes = { 0 };
	char first[128];
	struct error err;
	int status;

	assert_int_equal(start(&wishes, &err), 0);
	(void)snprintf(first, sizeof(first), "%.127s", stage.out);
	assert_true(ask(first, 'q'));
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_int_equal(start(&wishes, &err), 0);
	assert_string_equal(stage.out, first);
	assert_true(ask(first, 'd'));
}

/* No child, no socket, no file. */
static void assert_nothing_left(void)
{
	assert_false(has_children());
	assert_string_equal(stage.out, "");
	assert_int_equal(access("address", F_OK), -1);
	assert_int_equal(faccessat(AT_FDCWD, "s", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_true(rmdir(stage_path(&stage, "s")) == 0 || errno == ENOENT);
}

static void a_missing_cgroup_fails_and_leaves_nothing(void **state)
{
	const struct wishes wishes = { .cgroup = "/there/is/no/such/cgroup" };
	struct error err;

	assert_int_equal(start(&wishes, &err), -1);
	assert_non_null(strstr(err.text, "/there/is/no/such/cgroup"));
	assert_nothing_left();
}

static void an_answer_that_nobody_reads_fails_and_leaves_nothing(void **state)
{
	const struct wishes wishes = { 0 };
	struct error err;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fd_close(&ends[0]);
	stage.out_fd = ends[1];
	assert_int_equal(start(&wishes, &err), -1);
	fd_close(&ends[1]);
	stage.out_fd = -1;
	assert_int_equal(err.code, EPIPE);
	assert_nothing_left();
}

static void a_bad_configuration_fails_and_leaves_nothing(void **state)
{
	static const char *const bad[] = { "", "{", "{\"annotations\":[]}",
					   "{\"annotations\":{\"a\":1}}" };
	const struct wishes wishes = { 0 };
	struct error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		stage_write(&stage, "box/config.json", bad[i], 0600);
		assert_int_equal(start(&wishes, &err), -1);
		assert_non_null(strstr(err.text, "config.json"));
		assert_nothing_left();
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_server_is_started_and_its_address_printed),
		TEST(the_folder_of_sockets_is_remembered),
		TEST(the_server_dies_a_little_sooner_than_our_parent),
		TEST(containers_of_a_group_share_a_server),
		TEST(a_server_that_is_gone_is_replaced),
		TEST(a_missing_cgroup_fails_and_leaves_nothing),
		TEST(an_answer_that_nobody_reads_fails_and_leaves_nothing),
		TEST(a_bad_configuration_fails_and_leaves_nothing),
	};

	if (argc > 1 && strcmp(argv[1], "-namespace") == 0)
		return serve(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
