/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cmd/rustbox/network/network_bridge.h"
#include "cmd/rustbox/network/network_parts.h"
#include "cmd/rustbox/network/network_ports.h"

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
		       "\"$CNI_IFNAME\" \"$CNI_ARGS\" >>$l\necho \"netns=$CNI_NETNS\" "
		       ">>$l.netns\ncat >>$l\necho >>$l\ncat <<'E'\n%s\nE\n"
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

/* ---- the machine's network: one of our own ---- */

static bool has_own_network;

static void need_own_network(void)
{
	if (!has_own_network) {
		print_message("must be root\n");
		skip();
	}
}

static void need_iptables(void)
{
	if (access("/usr/sbin/iptables-restore", X_OK) < 0) {
		print_message("needs iptables\n");
		skip();
	}
}

static void set_flags(const char *interface, short flags)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_flags = flags };

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
}

/* One more for loopback. */
static void give_address(const char *address, const char *mask)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct ifreq request = { .ifr_name = "lo:1" };

	assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
	memcpy(&request.ifr_addr, &in, sizeof(in));
	assert_int_equal(ioctl(fd, SIOCSIFADDR, &request), 0);
	assert_int_equal(inet_pton(AF_INET, mask, &in.sin_addr), 1);
	memcpy(&request.ifr_netmask, &in, sizeof(in));
	assert_int_equal(ioctl(fd, SIOCSIFNETMASK, &request), 0);
}

static void take_address(void)
{
	set_flags("lo:1", 0);
}

static char *subnet_of(const struct fixture *f, const char *name, struct arena *arena)
{
	struct network_info **list;
	struct error err;
	size_t n;

	assert_int_equal(network_list(&f->store, arena, &list, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i]->name, name) == 0)
			return list[i]->subnet;
	return NULL;
}

/* ---- networks ---- */

static void test_networks(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	char web[] = "web", db[] = "db", subnet[] = "10.63.0.0/16", bad[] = "10.63.0.1/24";
	static const char *const gateways[] = { "x\"", "10.99.1.1", "10.99.0.0", "10.99.0.255" };
	struct network_info info = { .name = web };
	struct network_info **list;
	struct error err;
	size_t n;

	need_own_network();
	if (network_create(&f->store, &info, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(network_create(&f->store, &info, &err), -1);
	assert_int_equal(err.code, EEXIST);
	info = (struct network_info){ .name = db, .subnet = subnet };
	assert_int_equal(network_create(&f->store, &info, &err), -1);
	assert_non_null(strstr(err.text, "overlaps 10.63.0.0/24 of the network web"));
	info.subnet = (char[]){ "10.99.0.0/24" };
	for (size_t i = 0; i < sizeof(gateways) / sizeof(*gateways); i++) {
		info.gateway = (char *)(uintptr_t)gateways[i];
		assert_int_equal(network_create(&f->store, &info, &err), -1);
		assert_non_null(strstr(err.text, "is no address for a host in 10.99.0.0/24"));
	}
	info.gateway = (char[]){ "10.63.1.9" };
	info.subnet = NULL;
	assert_int_equal(network_create(&f->store, &info, &err), -1);
	assert_non_null(strstr(err.text, "--subnet"));
	info.gateway = NULL;
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

static void test_keeps_clear_of_the_machine(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	const struct network_bridge web = { .network = "web", .name = "rbx-1" };
	const struct network_bridge db = { .network = "db", .name = "rbx-2" };
	struct network_info info = { .name = (char[]){ "web" } };
	struct error err;

	need_own_network();
	give_address("10.63.0.7", "255.255.254.0");
	assert_int_equal(network_create(&f->store, &info, &err), 0);
	assert_string_equal(subnet_of(f, "web", &arena), "10.63.2.0/24");
	info = (struct network_info){ .name = (char[]){ "db" },
				      .subnet = (char[]){ "10.63.1.0/24" } };
	assert_int_equal(network_create(&f->store, &info, &err), -1);
	assert_non_null(strstr(err.text, "overlaps the address of lo"));
	take_address();
	assert_int_equal(network_create(&f->store, &info, &err), 0);

	/* The machine has got it meanwhile. */
	give_address("10.63.2.1", "255.255.255.0");
	assert_int_equal(network_config_settle(&f->store, &web, &err), 0);
	assert_string_equal(subnet_of(f, "web", &arena), "10.63.0.0/24");
	give_address("10.63.1.1", "255.255.255.0");
	assert_int_equal(network_config_settle(&f->store, &db, &err), -1);
	assert_non_null(strstr(err.text, "network remove db"));
	assert_string_equal(subnet_of(f, "db", &arena), "10.63.1.0/24");
	take_address();
}

static void test_broken_file(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct network_info **list;
	struct error err;
	char path[64];
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/networks/bad.conflist", f->path);
	write_text(path, "{", 0600);
	assert_int_equal(network_list(&f->store, &arena, &list, &n, &err), 0);
	assert_int_equal(n, 0);
	if (geteuid() == 0)
		assert_int_equal(network_remove(&f->store, "bad", &err), 0);
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

static void test_up_and_down(void **state)
{
	struct fixture *f = *state;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record_port port = { .host_port = 8080, .container_port = 80 };
	struct network_result *result;
	cleanup_free char *log = NULL, *log_down = NULL;
	struct error err;
	char netns[64];

	need_own_network();
	need_iptables();
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
	assert_non_null(strstr(strstr(log_down, "bridge DEL"), "\"prevResult\":{\"cniVersion\""));
	assert_int_equal(access(netns, F_OK), -1);
	assert_int_equal(network_down(&f->store, &f->record, &err), 0);
	assert_int_equal(network_load(&f->store, f->record.id, &arena, &result, &err), 0);
	assert_null(result);
}

/* The file is there, and what was mounted on it is not. */
static void test_down_after_reboot(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *text = NULL;
	struct error err;
	char path[64];

	need_own_network();
	make_plugin(f, "bridge", "{\"ips\":[]}", 0);
	(void)snprintf(path, sizeof(path), "%s/run/%s/netns", f->path, f->record.id);
	write_text(path, "", 0600);
	if (network_down(&f->store, &f->record, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(access(path, F_OK), -1);
	(void)snprintf(path, sizeof(path), "%s/plugins/log.netns", f->path);
	assert_int_equal(fd_read_file(AT_FDCWD, path, 64, &text, NULL, &err), 0);
	assert_string_equal(text, "netns=\n");

	/* A plugin that is missing now is in nobody's way. */
	(void)snprintf(path, sizeof(path), "%s/plugins/bridge", f->path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(network_down(&f->store, &f->record, &err), 0);
}

static void test_ports(void **state)
{
	struct fixture *f = *state;
	struct record_port ports[] = {
		{ .host_port = 8080, .container_port = 80 },
		{ .host_port = 8080, .container_port = 80, .protocol = (char[]){ "udp" } },
		{ .host_port = 8080, .container_port = 80, .protocol = (char[]){ "sctp" } },
	};
	struct record_port taken[] = {
		{ .host_port = 8081, .container_port = 80 },
		{ .host_port = 8080, .host_ip = (char[]){ "127.0.0.1" } },
	};
	struct network_ports held, again = { NULL, 0 };
	struct error err;

	need_own_network();
	set_flags("lo", IFF_UP);
	f->network.ports = ports;
	f->network.n_ports = 3;
	if (network_ports_hold(&f->record, &held, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(held.n, 2);
	f->network.ports = taken;
	f->network.n_ports = 2;
	assert_int_equal(network_ports_hold(&f->record, &again, &err), -1);
	assert_int_equal(err.code, EADDRINUSE);
	assert_non_null(strstr(err.text, "publish 127.0.0.1:8080/tcp"));
	network_ports_release(&held);
	network_ports_release(&held);
	assert_int_equal(network_ports_hold(&f->record, &again, &err), 0);
	network_ports_release(&again);
}

static void test_failure_undoes(void **state)
{
	struct fixture *f = *state;
	struct record_port port = { .host_port = 8080, .container_port = 80 };
	cleanup_free char *log = NULL;
	struct error err;
	char netns[64];

	need_own_network();
	need_iptables();
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
		cmocka_unit_test_setup_teardown(test_keeps_clear_of_the_machine, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_needed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_up_and_down, setup, teardown),
		cmocka_unit_test_setup_teardown(test_down_after_reboot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_undoes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ports, setup, teardown),
	};

	/* Neither its addresses nor its rules are the machine's. */
	has_own_network = unshare(CLONE_NEWNET) == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
