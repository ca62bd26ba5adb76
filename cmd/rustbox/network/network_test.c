/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cmd/rustbox/network/network_parts.h"

struct fixture {
	char path[32];
	struct store store;
	struct record record;
	struct record_network network;
};

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	return remove(path);
}

static void write_text(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	fd_close(&fd);
}

static int setup(void **state)
{
	static const struct fixture fresh = { .path = "/tmp/network_test.XXXXXX" };
	static char id[] = "0123456789ab", mode[] = "bridge";
	struct fixture *f = malloc(sizeof(*f));
	char path[64];
	struct error err;

	*f = fresh;
	if (!mkdtemp(f->path) || store_open(f->path, &f->store, &err) < 0)
		return -1;
	f->record = (struct record){ .id = id, .network = &f->network };
	f->network.mode = mode;
	(void)snprintf(path, sizeof(path), "%s/run/%s", f->path, id);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/plugins", f->path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(setenv("CNI_PATH", path, 1), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int result;

	store_close(&f->store);
	result = nftw(f->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return result;
}

/* A plugin that notes what it gets in <plugins>/log, and prints `output`. */
static void make_plugin(const struct fixture *f, const char *name, const char *output, int status)
{
	char path[64], text[1024];

	(void)snprintf(path, sizeof(path), "%s/plugins/%s", f->path, name);
	(void)snprintf(text, sizeof(text),
		       "#!/bin/sh\nl=$CNI_PATH/log\nprintf '%%s %%s %%s %%s ' %s \"$CNI_COMMAND\" "
		       "\"$CNI_IFNAME\" \"$CNI_ARGS\" >>$l\ncat >>$l\necho >>$l\ncat <<'E'\n%s\nE\n"
		       "exit %d\n",
		       name, output, status);
	write_text(path, text, 0700);
}

static char *read_log(const struct fixture *f)
{
	char path[64];
	struct error err;
	char *text;

	(void)snprintf(path, sizeof(path), "%s/plugins/log", f->path);
	if (fd_read_file(AT_FDCWD, path, 65536, &text, NULL, &err) < 0)
		return NULL;
	(void)unlink(path);
	return text;
}

static void test_networks(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	char web[] = "web", db[] = "db", subnet[] = "10.63.0.0/16", bad[] = "10.63.0.1/24";
	struct network_info info = { .name = web };
	struct network_info **list;
	struct error err;
	size_t n;

	if (network_create(&f->store, &info, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(network_create(&f->store, &info, &err), -1);
	assert_int_equal(err.code, EEXIST);
	info = (struct network_info){ .name = db, .subnet = subnet };
	assert_int_equal(network_create(&f->store, &info, &err), -1);
	assert_non_null(strstr(err.text, "overlaps 10.63.0.0/24 of the network web"));
	info.subnet = bad;
	assert_int_equal(network_create(&f->store, &info, &err), -1);
	info.subnet = NULL;
	assert_int_equal(network_create(&f->store, &info, &err), 0);
	assert_int_equal(network_list(&f->store, &arena, &list, &n, &err), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i]->name, "db") == 0)
			assert_string_equal(list[i]->gateway, "10.63.1.1");
	assert_int_equal(network_remove(&f->store, "db", &err), 0);
	assert_int_equal(network_remove(&f->store, "db", &err), -1);
	assert_int_equal(err.code, ENOENT);
	info.name = (char[]){ "../x" };
	assert_int_equal(network_create(&f->store, &info, &err), -1);
	info.name = (char[]){ "host" };
	assert_int_equal(network_create(&f->store, &info, &err), -1);
}

static void test_unknown(void **state)
{
	struct fixture *f = *state;
	struct error err;

	f->network.mode = (char[]){ "nope" };
	assert_int_equal(network_check(&f->store, &f->record, &err), -1);
	assert_non_null(strstr(err.text, "no such network: nope"));
	f->network.mode = (char[]){ "bridge" };
	assert_int_equal(network_check(&f->store, &f->record, &err), -1);
	assert_non_null(strstr(err.text, "containernetworking-plugins"));
}

static void test_needed(void **state)
{
	struct fixture *f = *state;

	assert_true(network_is_needed(&f->record));
	f->network.mode = (char[]){ "host" };
	assert_false(network_is_needed(&f->record));
	f->network.mode = (char[]){ "none" };
	assert_false(network_is_needed(&f->record));
	f->network.mode = (char[]){ "container:123" };
	assert_false(network_is_needed(&f->record));
	f->record.network = NULL;
	assert_false(network_is_needed(&f->record));
}

static bool can_make_namespaces(void)
{
	return geteuid() == 0;
}

static void test_up_and_down(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record_port port = { .host_port = 8080, .container_port = 80 };
	struct network_result *result;
	cleanup_free char *log = NULL, *log_down = NULL;
	struct error err;
	char netns[64];

	if (!can_make_namespaces()) {
		print_message("must be root\n");
		skip();
	}
	f->network.ip = (char[]){ "10.63.0.9" };
	f->network.ports = &port;
	f->network.n_ports = 1;
	make_plugin(
		f, "bridge",
		"{\"cniVersion\":\"1.0.0\",\"interfaces\":[{\"name\":\"rbx0\"},{\"name\":\"eth0\","
		"\"mac\":\"aa:bb\"}],\"ips\":[{\"address\":\"10.63.0.9/24\",\"gateway\":"
		"\"10.63.0.1\"}],\"dns\":{\"nameservers\":[\"9.9.9.9\"]}}",
		0);
	make_plugin(f, "portmap", "", 0);
	if (network_up(&f->store, &f->record, &err) < 0)
		fail_msg("%s", err.text);
	log = read_log(f);
	assert_non_null(
		strstr(log, "bridge ADD eth0 IgnoreUnknown=1;IP=10.63.0.9 {\"type\":\"bridge\""));
	assert_non_null(strstr(log, "\"portMappings\":[{\"hostPort\":8080,\"containerPort\":80,"
				    "\"protocol\":\"tcp\"}]"));
	assert_non_null(strstr(log, "\"prevResult\":{\"cniVersion\""));
	assert_null(strstr(log, "tuning"));
	assert_int_equal(network_load(&f->store, f->record.id, &arena, &result, &err), 0);
	assert_string_equal(result->ips[0], "10.63.0.9/24");
	assert_string_equal(result->gateways[0], "10.63.0.1");
	assert_string_equal(result->mac, "aa:bb");
	assert_string_equal(result->dns[0], "9.9.9.9");
	(void)snprintf(netns, sizeof(netns), "%s/run/%s/netns", f->path, f->record.id);
	assert_int_equal(access(netns, F_OK), 0);
	if (network_down(&f->store, &f->record, &err) < 0)
		fail_msg("%s", err.text);
	log_down = read_log(f);
	assert_true(strstr(log_down, "portmap DEL") < strstr(log_down, "bridge DEL"));
	assert_int_equal(access(netns, F_OK), -1);
	assert_int_equal(network_down(&f->store, &f->record, &err), 0);
	assert_int_equal(network_load(&f->store, f->record.id, &arena, &result, &err), 0);
	assert_null(result);
}

static void test_failure_undoes(void **state)
{
	struct fixture *f = *state;
	struct record_port port = { .host_port = 8080, .container_port = 80 };
	cleanup_free char *log = NULL;
	struct error err;
	char netns[64];

	if (!can_make_namespaces()) {
		print_message("must be root\n");
		skip();
	}
	f->network.ports = &port;
	f->network.n_ports = 1;
	make_plugin(f, "bridge", "{\"ips\":[]}", 0);
	make_plugin(f, "portmap", "{\"code\":7,\"msg\":\"port taken\",\"details\":\"by x\"}", 1);
	assert_int_equal(network_up(&f->store, &f->record, &err), -1);
	assert_non_null(strstr(err.text, "network bridge: "));
	assert_non_null(strstr(err.text, "port taken; by x"));
	log = read_log(f);
	assert_non_null(strstr(log, "bridge DEL"));
	(void)snprintf(netns, sizeof(netns), "%s/run/%s/netns", f->path, f->record.id);
	assert_int_equal(access(netns, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_networks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_needed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_up_and_down, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_undoes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
