/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/free_port.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

enum { ATTEMPTS = 64 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int ask_kernel(const char *protocol, const char *ip, uint16_t *ret, struct error *err)
{
	bool v6 = ip && strchr(ip, ':');
	/* SCTP has numbers of its own, and often no sockets: a number free for TCP will do. */
	int kind = strcmp(protocol, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
	cleanup_fd int fd = socket(v6 ? AF_INET6 : AF_INET, kind | SOCK_CLOEXEC, 0);
	union address address = { 0 };
	socklen_t size = v6 ? sizeof(address.v6) : sizeof(address.v4);

	address.any.sa_family = v6 ? AF_INET6 : AF_INET;
	if (ip)
		(void)inet_pton(address.any.sa_family, ip,
				v6 ? (void *)&address.v6.sin6_addr : (void *)&address.v4.sin_addr);
	if (fd < 0 || bind(fd, &address.any, size) < 0 || getsockname(fd, &address.any, &size) < 0)
		return error_set(err, errno, "find a free %s port at %s", protocol,
				 ip ? ip : "all addresses");
	*ret = ntohs(v6 ? address.v6.sin6_port : address.v4.sin_port);
	return 0;
}

static bool is_taken(const struct record_port *ports, size_t n, uint16_t port, const char *protocol)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i].host_port == port && strcmp(ports[i].protocol, protocol) == 0)
			return true;
	return false;
}

int free_port_find(const char *protocol, const char *ip, const struct record_port *taken,
		   size_t n_taken, uint16_t *ret, struct error *err)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		uint16_t port;

		if (ask_kernel(protocol, ip, &port, err) < 0)
			return -1;
		if (is_taken(taken, n_taken, port, protocol))
			continue;
		*ret = port;
		return 0;
	}
	return error_set(err, EADDRINUSE, "find a free %s port", protocol);
}
