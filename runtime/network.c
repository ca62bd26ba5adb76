/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/network.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fd.h"

int network_loopback_up(struct error *err)
{
	struct ifreq request = { .ifr_name = "lo" };
	/* Any socket takes the interface ioctls, and this family is always there. */
	cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(err, errno, "socket");
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return error_set(err, errno, "read the flags of interface lo");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return error_set(err, errno, "bring interface lo up");
	return 0;
}
