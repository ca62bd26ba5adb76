/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/net_device.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/net_link.h"

/* Of both namespaces: the file, and a socket that acts there. */
struct side {
	int ns, socket;
};

struct device {
	const struct spec_net_device *config;
	char name[IFNAMSIZ]; /* in the container, with the number that "%d" stands for */
	unsigned int index;  /* on the host */
};

static void side_done(struct side *side)
{
	fd_close(&side->ns);
	fd_close(&side->socket);
}
#define cleanup_side __attribute__((cleanup(side_done)))

/* A socket belongs to the namespace that it was made in. */
static int open_sides(int procfs, pid_t pid, struct side *host, struct side *inside,
		      struct error *err)
{
	char path[32];
	struct stat a, b;
	int rc;

	(void)snprintf(path, sizeof(path), "%d/ns/net", (int)pid);
	host->ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	inside->ns = openat(procfs, path, O_RDONLY | O_CLOEXEC);
	if (host->ns < 0 || inside->ns < 0 || fstat(host->ns, &a) < 0 || fstat(inside->ns, &b) < 0)
		return error_set(err, errno, "open the network namespaces");
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return error_set(err, 0, "the container's network namespace is the host's");
	host->socket = net_link_open(err);
	if (host->socket < 0)
		return -1;
	if (setns(inside->ns, CLONE_NEWNET) < 0)
		return error_set(err, errno, "enter the container's network namespace");
	inside->socket = net_link_open(err);
	rc = inside->socket < 0 ? -1 : 0;
	if (setns(host->ns, CLONE_NEWNET) < 0)
		return error_set(err, errno, "return to the host's network namespace");
	return rc;
}

/* 0: there is none. */
static unsigned int find_index(int socket, const char *name)
{
	struct ifreq request = { 0 };

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(socket, SIOCGIFINDEX, &request) < 0 ? 0 : (unsigned int)request.ifr_ifindex;
}

static bool is_taken(const char *name, int socket, const struct device *devices, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(devices[i].name, name))
			return true;
	return find_index(socket, name) != 0;
}

/* The name's end "%d" becomes the first number that makes it free, as the kernel does it. */
static int choose_name(struct device *device, int socket, const struct device *before,
		       size_t n_before, struct error *err)
{
	enum { NUMBERS = 32768 };
	const char *wanted =
		device->config->name ? device->config->name : device->config->host_name;
	size_t length = strlen(wanted);
	bool is_template = str_ends_with(wanted, "%d");

	for (int i = 0; i < (is_template ? NUMBERS : 1); i++) {
		int written = is_template
				      ? snprintf(device->name, sizeof(device->name), "%.*s%d",
						 (int)length - 2, wanted, i)
				      : snprintf(device->name, sizeof(device->name), "%s", wanted);
		if (written < 0 || (size_t)written >= sizeof(device->name))
			return error_set(err, ENAMETOOLONG, "name \"%s\"", wanted);
		if (!is_taken(device->name, socket, before, n_before))
			return 0;
	}
	return error_set(err, EEXIST, "the container has an interface \"%s\" already", wanted);
}

static int look(const struct spec_linux *linux, const struct side *host, const struct side *inside,
		struct device *devices, struct error *err)
{
	for (size_t i = 0; i < linux->n_net_devices; i++) {
		struct device *device = &devices[i];
		device->config = &linux->net_devices[i];
		device->index = find_index(host->socket, device->config->host_name);
		if (!device->index)
			error_set(err, ENODEV, "find it on the host");
		if (!device->index || choose_name(device, inside->socket, devices, i, err) < 0)
			return error_wrap(err, "[\"%s\"]", device->config->host_name);
	}
	return 0;
}

static int set_up(int socket, const char *name, struct error *err)
{
	struct ifreq request = { 0 };

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(socket, SIOCGIFFLAGS, &request) < 0)
		return error_set(err, errno, "read the flags of %s", name);
	request.ifr_flags |= IFF_UP;
	if (ioctl(socket, SIOCSIFFLAGS, &request) < 0)
		return error_set(err, errno, "bring %s up", name);
	return 0;
}

static int move(const struct device *device, const struct side *host, const struct side *inside,
		struct arena *arena, struct error *err)
{
	struct net_link_address *addresses;
	size_t n;

	if (net_link_addresses(host->socket, device->index, arena, &addresses, &n, err) < 0 ||
	    net_link_move(host->socket, device->index, inside->ns, device->name, err) < 0)
		return -1;
	unsigned int index = find_index(inside->socket, device->name);
	if (!index)
		return error_set(err, ENODEV, "find it in the container as %s", device->name);
	if (set_up(inside->socket, device->name, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (net_link_add_address(inside->socket, index, &addresses[i], err) < 0)
			return -1;
	return 0;
}

static int move_all(const struct spec_linux *linux, int procfs, pid_t pid, struct arena *arena,
		    struct error *err)
{
	struct side cleanup_side host = { -1, -1 }, cleanup_side inside = { -1, -1 };
	struct device *devices = arena_array(arena, linux->n_net_devices, sizeof(*devices), err);

	if (!devices || open_sides(procfs, pid, &host, &inside, err) < 0 ||
	    look(linux, &host, &inside, devices, err) < 0)
		return -1;
	for (size_t i = 0; i < linux->n_net_devices; i++)
		if (move(&devices[i], &host, &inside, arena, err) < 0)
			return error_wrap(err, "[\"%s\"]", devices[i].config->host_name);
	return 0;
}

int net_device_move(const struct spec *spec, int procfs, pid_t pid, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;

	if (!spec->linux->n_net_devices)
		return 0;
	if (move_all(spec->linux, procfs, pid, &arena, err) < 0) {
		error_wrap(err, "linux.netDevices");
		return err->code == EPERM ? error_hint(err, "it needs CAP_NET_ADMIN on the host")
					  : -1;
	}
	return 0;
}
