/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/network/network_bridge.h"

#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"

enum { IPTABLES_MS = 30000, PORTS_MAX = 1024 };

bool network_bridge_of(const struct value *list, struct network_bridge *ret)
{
	const struct value *plugins = value_get(list, "plugins"), *name = value_get(list, "name");
	const struct value *internal = value_get(list, "rustbox.internal");

	for (size_t i = 0; plugins && i < plugins->n; i++) {
		const struct value *type = value_get(plugins->items[i], "type");
		const struct value *bridge = value_get(plugins->items[i], "bridge");
		if (!name || name->kind != VALUE_TEXT || !type || type->kind != VALUE_TEXT ||
		    strcmp(type->text, "bridge") != 0 || !bridge || bridge->kind != VALUE_TEXT ||
		    !str_starts_with(bridge->text, NETWORK_BRIDGE_PREFIX) ||
		    strlen(bridge->text) >= IF_NAMESIZE)
			continue;
		*ret = (struct network_bridge){
			.network = name->text,
			.name = bridge->text,
			.internal = internal && internal->truth,
		};
		return true;
	}
	return false;
}

/* ---- the device ---- */

bool network_bridge_exists(const struct network_bridge *bridge)
{
	return if_nametoindex(bridge->name) != 0;
}

/* By ioctl(2), as /sys/class/net may be that of another network namespace. */
bool network_bridge_is_used(const struct network_bridge *bridge)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ports[PORTS_MAX] = { 0 };
	unsigned long args[] = { BRCTL_GET_PORT_LIST, (uintptr_t)ports, PORTS_MAX, 0 };
	struct ifreq request = { .ifr_data = (void *)args };
	int last;

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", bridge->name);
	last = fd < 0 ? -1 : ioctl(fd, SIOCDEVPRIVATE, &request);
	if (last < 0)
		return errno != ENODEV;
	for (int i = 0; i < last && i < PORTS_MAX; i++)
		if (ports[i])
			return true;
	return false;
}

static int remove_device(const char *name, struct error *err)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 }; /* without IFF_UP */

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0 || ioctl(fd, SIOCBRDELBR, name) < 0)
		return error_set(err, errno, "remove the bridge %s", name);
	return 0;
}

/* ---- the rules ---- */

/*
 * iptables-restore(8) takes all of them or none. "I" puts a rule in front: the
 * last one is the first. A neighbour of the host could make itself a route to
 * the containers, as other networks have one: what is not published is not theirs.
 */
#define OF_NETWORK " -m comment --comment \"rustbox %s\" "
#define AS_WANTED  "--ctstate RELATED,ESTABLISHED,DNAT"
static const char not_wanted[] =
	"-%c FORWARD -o %s -m conntrack ! " AS_WANTED OF_NETWORK "-j DROP\n";
static const char within[] = "-%c FORWARD -i %s -o %s" OF_NETWORK "-j ACCEPT\n";
/* Where packets are dropped unless somebody lets them pass. */
static const char way_out[] = "-%c FORWARD -i %s" OF_NETWORK "-j ACCEPT\n";
static const char way_in[] = "-%c FORWARD -o %s -m conntrack " AS_WANTED OF_NETWORK "-j ACCEPT\n";
/* Of an internal one. */
static const char no_way_out[] = "-%c FORWARD -i %s" OF_NETWORK "-j DROP\n";
static const char no_way_in[] = "-%c FORWARD -o %s" OF_NETWORK "-j DROP\n";

static void add_rules(struct str *text, const struct network_bridge *b, bool add)
{
	char first = add ? 'I' : 'D', last = add ? 'A' : 'D';

	str_add(text, "*filter\n");
	if (b->internal) {
		str_add_format(text, no_way_out, first, b->name, b->network);
		str_add_format(text, no_way_in, first, b->name, b->network);
	} else {
		str_add_format(text, not_wanted, first, b->name, b->network);
		str_add_format(text, way_out, last, b->name, b->network);
		str_add_format(text, way_in, last, b->name, b->network);
	}
	str_add_format(text, within, first, b->name, b->name, b->network);
	str_add(text, "COMMIT\n");
}

static int change_rules(const struct network_bridge *bridge, bool add, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;
	char path[NETWORK_PROGRAM_SIZE], output[512] = "";
	char *args[] = { (char[]){ "iptables-restore" }, (char[]){ "--wait" },
			 (char[]){ "--noflush" }, NULL };
	struct process_run run = {
		.path = path,
		.args = args,
		.timeout_ms = IPTABLES_MS,
		.output = output,
		.output_size = sizeof(output),
	};
	int status;

	if (network_program_find("iptables-restore", path, err) < 0)
		return -1;
	add_rules(&text, bridge, add);
	if (text.failed)
		return error_memory(err);
	run.input = text.text;
	run.input_size = text.size;
	if (process_run(&run, &status, err) < 0)
		return error_wrap(err, "rules for the bridge %s", bridge->name);
	if (process_exit_code(status) == 0)
		return 0;
	output[strcspn(output, "\n")] = '\0';
	(void)error_set(err, 0, "rules for the bridge %s: %s: %s", bridge->name, path,
			*output ? output : "failed without a message");
	return network_program_hint(output, err);
}

int network_bridge_open(const struct network_bridge *bridge, struct error *err)
{
	return change_rules(bridge, true, err);
}

int network_bridge_drop(const struct network_bridge *bridge, struct error *err)
{
	struct error why;

	if (network_bridge_is_used(bridge))
		return 0;
	/* They may have been flushed by others; without the bridge they match nothing. */
	if (change_rules(bridge, false, &why) < 0)
		log_debug("%s", why.text);
	return network_bridge_exists(bridge) ? remove_device(bridge->name, err) : 0;
}

/* ---- taking turns ---- */

int network_bridge_change_lock(int lock, int operation, struct error *err)
{
	int result;

	do
		result = flock(lock, operation);
	while (result < 0 && errno == EINTR);
	return result < 0 ? error_set(err, errno, "lock " STORE_RUN) : 0;
}

/* The folder: nobody but root can open it, and it is the same for all roots. */
int network_bridge_lock(int operation, struct error *err)
{
	cleanup_fd int lock = -1;

	if (mkdir(STORE_RUN, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make " STORE_RUN);
	lock = open(STORE_RUN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return error_set(err, errno, "open " STORE_RUN);
	return network_bridge_change_lock(lock, operation, err) < 0 ? -1 : move_fd(&lock);
}
