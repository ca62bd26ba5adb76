/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/child_test.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/network.h"

static int new_loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(9),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct ifreq request = { .ifr_name = "lo" };
	struct error err;

	if (unshare(CLONE_NEWNET) < 0)
		return CHILD_REFUSED;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 1;
	for (int again = 0; again < 2; again++)
		if (network_loopback_up(&err) < 0)
			return 2;
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0 || !(request.ifr_flags & IFF_UP))
		return 3;
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : 4;
}

static int without_privilege(void)
{
	struct error err;

	if (unshare(CLONE_NEWNET) < 0 || setuid(65534) < 0)
		return CHILD_REFUSED;
	return network_loopback_up(&err) == -1 && err.code == EPERM ? 0 : 1;
}

static void test_loopback_comes_up(void **state)
{
	(void)state;
	in_child(new_loopback, "may not make a network namespace");
}

static void test_refusal_is_reported(void **state)
{
	(void)state;
	in_child(without_privilege, "may not make a network namespace");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback_comes_up),
		cmocka_unit_test(test_refusal_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
