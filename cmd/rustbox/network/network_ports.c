/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/network/network_ports.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

static int set_failure(const struct record_port *port, const char *protocol, struct error *err)
{
	int code = errno;

	(void)error_set(err, code, "publish %s:%u/%s", port->host_ip ? port->host_ip : "0.0.0.0",
			port->host_port, protocol);
	if (code == EADDRINUSE)
		return error_hint(err,
				  "another container or a program of the host has that port: "
				  "rustbox list and ss -lnp show which; or publish another one");
	if (code == EADDRNOTAVAIL)
		return error_hint(err, "no interface of the host has that address");
	if (code == EMFILE)
		return error_hint(err, "each published port is an open file: ulimit -n is too low");
	return -1;
}

static bool is_reused(int fd)
{
	const int yes = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0;
}

/* TCP: as a server would, which waits for no connection of the last one. Listening, it
 * excludes the next one. */
static int hold(const struct record_port *port, int *ret, struct error *err)
{
	const char *protocol = port->protocol ? port->protocol : "tcp";
	bool is_tcp = strcmp(protocol, "tcp") == 0;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port->host_port) };
	cleanup_fd int fd = -1;

	if (port->host_ip && inet_pton(AF_INET, port->host_ip, &address.sin_addr) != 1)
		return error_set(err, 0, "publish %s: not an IPv4 address", port->host_ip);
	fd = socket(AF_INET, (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (fd < 0 || (is_tcp && !is_reused(fd)) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (is_tcp && listen(fd, 0) < 0))
		return set_failure(port, protocol, err);
	*ret = move_fd(&fd);
	return 0;
}

/* The kernel need not have sockets of SCTP, and nobody else will. */
static bool has_socket(const struct record_port *port)
{
	return !str_equal(port->protocol, "sctp");
}

/* Of one that is held: the descriptor; -1: it is not. */
static int find_held(const struct record_network *network, const struct network_ports *ports,
		     const struct record_port *wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < network->n_ports && n < ports->n; i++) {
		const struct record_port *port = &network->ports[i];

		if (!has_socket(port))
			continue;
		if (port->host_port == wanted->host_port &&
		    str_equal(port->protocol, wanted->protocol) &&
		    str_equal(port->host_ip, wanted->host_ip))
			return ports->fds[n];
		n++;
	}
	return -1;
}

static int hold_again(int held, int *ret, struct error *err)
{
	*ret = fcntl(held, F_DUPFD_CLOEXEC, 0);
	return *ret < 0 ? error_set(err, errno, "hold the published ports") : 0;
}

int network_ports_change(const struct record_network *old, const struct network_ports *ports,
			 const struct record_network *changed, struct network_ports *ret,
			 struct error *err)
{
	struct network_ports result = { calloc(changed->n_ports + 1, sizeof(int)), 0 };

	if (!result.fds)
		return error_memory(err);
	for (size_t i = 0; i < changed->n_ports; i++) {
		const struct record_port *port = &changed->ports[i];
		int held = find_held(old, ports, port), *fd = &result.fds[result.n];

		if (!has_socket(port))
			continue;
		if ((held >= 0 ? hold_again(held, fd, err) : hold(port, fd, err)) < 0) {
			network_ports_release(&result);
			return -1;
		}
		result.n++;
	}
	*ret = result;
	return 0;
}

int network_ports_hold(const struct record *record, struct network_ports *ret, struct error *err)
{
	const struct network_ports none = { NULL, 0 };

	return network_ports_change(record->network, &none, record->network, ret, err);
}

void network_ports_release(struct network_ports *ports)
{
	for (size_t i = 0; i < ports->n; i++)
		fd_close(&ports->fds[i]);
	free(ports->fds);
	*ports = (struct network_ports){ NULL, 0 };
}
