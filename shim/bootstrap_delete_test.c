/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime is a script that notes how it was called. */
#include "shim/bootstrap_test.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>

#include "base/str.h"
#include "proto/task.pb-c.h"
#include "shim/socket_address.h"

static struct stage stage;
static const struct shim_flags flags = { .action = SHIM_DELETE, .namespace = "ns", .id = "box" };

static int set_up(void **state)
{
	return stage_begin(&stage);
}

static int tear_down(void **state)
{
	static const char *const names[] = { "runtime",
					     "called",
					     "root/ns/box",
					     "root/ns",
					     "root",
					     "box/address",
					     "box/init.pid",
					     "box/options.json",
					     "box/rootfs/file",
					     "box/rootfs",
					     "s/stale",
					     "s",
					     NULL };

	(void)umount2(stage_path(&stage, "box/rootfs"), MNT_DETACH);
	return stage_end(&stage, names);
}

/* A runtime of these commands, and options.json that name it and TOP/root. */
static void prepare(const char *commands)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "#!/bin/sh\necho \"$@\" >%s/called\n%s\n", stage.top,
		       commands);
	stage_write(&stage, "runtime", text, 0700);
	(void)snprintf(text, sizeof(text), "{\"BinaryName\":\"%s/runtime\",\"Root\":\"%s/root\"}",
		       stage.top, stage.top);
	stage_write(&stage, "box/options.json", text, 0600);
}

static void make_state(void)
{
	assert_int_equal(mkdir(stage_path(&stage, "root"), 0700), 0);
	assert_int_equal(mkdir(stage_path(&stage, "root/ns"), 0700), 0);
	assert_int_equal(mkdir(stage_path(&stage, "root/ns/box"), 0700), 0);
}

static bool was_called(void)
{
	return access(stage_path(&stage, "called"), F_OK) == 0;
}

static int delete_box(struct error *err)
{
	return stage_run(&stage, bootstrap_delete, &flags, NULL, 0, err);
}

static void assert_response(uint32_t pid, time_t since)
{
	Containerd__Task__V2__DeleteResponse *m = containerd__task__v2__delete_response__unpack(
		NULL, stage.n_out, (uint8_t *)stage.out);

	assert_non_null(m);
	assert_int_equal(m->pid, pid);
	assert_int_equal(m->exit_status, 137);
	assert_non_null(m->exited_at);
	assert_true(m->exited_at->seconds >= since);
	containerd__task__v2__delete_response__free_unpacked(m, NULL);
}

static void after_a_normal_end_there_is_nothing_to_do(void **state)
{
	time_t now = time(NULL);
	struct error err;

	prepare("exit 0");
	stage_write(&stage, "box/init.pid", "4711", 0600);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(delete_box(&err), 0);
		assert_response(4711, now);
		assert_string_equal(stage.err, "");
		assert_false(was_called());
	}
}

static void a_container_is_deleted_by_force(void **state)
{
	char text[512] = "", root[64];
	struct error err;

	prepare("exit 0");
	make_state();
	if (delete_box(&err) < 0)
		fail_msg("%s", err.text);
	assert_response(0, 0);
	assert_true(fd_read_short(AT_FDCWD, stage_path(&stage, "called"), text, sizeof(text)) > 0);
	(void)snprintf(root, sizeof(root), "--root %s/root/ns ", stage.top);
	assert_non_null(strstr(text, root));
	assert_true(str_ends_with(text, " delete --force box"));
}

static void what_the_runtime_cannot_delete_is_a_failure(void **state)
{
	struct error err;

	prepare("echo 'cgroup is busy' >&2; exit 1");
	make_state();
	assert_int_equal(delete_box(&err), -1);
	assert_non_null(strstr(err.text, "delete container box"));
	assert_non_null(strstr(err.text, "cgroup is busy"));
	assert_int_equal(stage.n_out, 0);
}

static void a_runtime_that_hangs_is_given_up_in_time(void **state)
{
	struct error err;

	prepare("exec sleep 10");
	make_state();
	assert_int_equal(delete_box(&err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_int_equal(stage.n_out, 0);
}

static void options_that_are_garbage_give_the_defaults(void **state)
{
	struct error err;

	stage_write(&stage, "box/options.json", "garbage", 0600);
	assert_int_equal(delete_box(&err), 0);
	assert_response(0, 0);
	assert_non_null(strstr(stage.err, "options.json"));
}

static void a_bundle_that_is_half_or_all_gone_is_fine(void **state)
{
	static const char *const bundles[] = { NULL, "relative", "/tmp/there/is/no/such/bundle" };
	struct shim_flags other = flags;
	struct error err;

	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		other.bundle = bundles[i];
		assert_int_equal(stage_run(&stage, bootstrap_delete, &other, NULL, 0, &err), 0);
		assert_response(0, 0);
		assert_string_equal(stage.err, "");
	}
	other.id = "gone";
	other.bundle = NULL;
	assert_int_equal(stage_run(&stage, bootstrap_delete, &other, NULL, 0, &err), 0);
	assert_response(0, 0);
	stage_write(&stage, "box/init.pid", "no number", 0600);
	assert_int_equal(delete_box(&err), 0);
	assert_response(0, 0);
}

static void hostile_names_are_refused(void **state)
{
	struct shim_flags other = flags;
	struct error err;

	other.id = "../box";
	assert_int_equal(stage_run(&stage, bootstrap_delete, &other, NULL, 0, &err), -1);
	other.id = NULL;
	assert_int_equal(stage_run(&stage, bootstrap_delete, &other, NULL, 0, &err), -1);
	assert_int_equal(stage.n_out, 0);
}

static bool is_mounted(void)
{
	struct stat st;

	return stat("rootfs/file", &st) == 0;
}

/* In a mount namespace of our own, so that whatever happens nothing is left. */
static void the_root_file_system_is_unmounted(void **state)
{
	struct error err;

	if (geteuid() != 0)
		skip();
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("", "/", "", MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mkdir("rootfs", 0700), 0);
	assert_int_equal(mount("tmpfs", "rootfs", "tmpfs", 0, NULL), 0);
	stage_write(&stage, "box/rootfs/file", "", 0600);
	assert_true(is_mounted());
	assert_int_equal(delete_box(&err), 0);
	assert_response(0, 0);
	assert_string_equal(stage.err, "");
	assert_false(is_mounted());
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* A file that is held open keeps it busy: containerd is to try it again. */
static void a_busy_root_file_system_is_told_and_no_failure(void **state)
{
	cleanup_fd int held = -1;
	struct error err;

	if (geteuid() != 0)
		skip();
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("", "/", "", MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mkdir("rootfs", 0700), 0);
	assert_int_equal(mount("tmpfs", "rootfs", "tmpfs", 0, NULL), 0);
	held = open("rootfs/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(held >= 0);
	assert_int_equal(delete_box(&err), 0);
	assert_response(0, 0);
	assert_non_null(strstr(stage.err, "unmount the root file system"));
	assert_true(is_mounted());
}

static void the_socket_of_a_killed_server_is_removed(void **state)
{
	char path[64], address[80];
	int listener = -1;
	struct error err;

	(void)snprintf(path, sizeof(path), "%s/s/stale", stage.top);
	(void)snprintf(address, sizeof(address), SOCKET_ADDRESS_SCHEME "%s", path);
	stage_write(&stage, "box/address", address, 0600);
	assert_int_equal(socket_address_listen(path, &listener, &err), 0);
	assert_int_equal(delete_box(&err), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1); /* left in peace */
	fd_close(&listener);
	assert_int_equal(delete_box(&err), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_string_equal(stage.err, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(after_a_normal_end_there_is_nothing_to_do),
		TEST(a_container_is_deleted_by_force),
		TEST(what_the_runtime_cannot_delete_is_a_failure),
		TEST(a_runtime_that_hangs_is_given_up_in_time),
		TEST(options_that_are_garbage_give_the_defaults),
		TEST(a_bundle_that_is_half_or_all_gone_is_fine),
		TEST(hostile_names_are_refused),
		TEST(the_root_file_system_is_unmounted),
		TEST(a_busy_root_file_system_is_told_and_no_failure),
		TEST(the_socket_of_a_killed_server_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
