/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/net_link.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"

enum {
	ANSWER_SIZE = 32768, /* what the kernel sends of a dump at once, at most */
	ATTRIBUTES_SIZE = 512,
	TIMEOUT_S = 10,
};

int net_link_open(struct error *err)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return error_set(err, errno, "open a netlink socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		return error_set(err, errno, "set the time-out of a netlink socket");
	return move_fd(&fd);
}

/* A request under construction. */
struct request {
	union {
		struct nlmsghdr header;
		unsigned char bytes[NLMSG_SPACE(sizeof(struct ifinfomsg)) + ATTRIBUTES_SIZE];
	};
};

static void begin(struct request *request, uint16_t type, uint16_t flags, const void *body,
		  size_t size)
{
	*request = (struct request){ 0 };
	request->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	memcpy(NLMSG_DATA(&request->header), body, size);
}

static int add(struct request *request, const void *data, size_t size, struct error *err)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);

	if (at + size > sizeof(request->bytes))
		return error_set(err, E2BIG, "netlink request");
	memcpy(request->bytes + at, data, size);
	request->header.nlmsg_len = (uint32_t)(at + size);
	return 0;
}

static int add_attribute(struct request *request, uint16_t type, const void *data, size_t size,
			 struct error *err)
{
	struct {
		struct rtattr header;
		unsigned char data[64];
	} attribute = { .header = { (uint16_t)RTA_LENGTH(size), type } };

	if (size > sizeof(attribute.data))
		return error_set(err, E2BIG, "netlink attribute");
	memcpy(RTA_DATA(&attribute.header), data, size);
	return add(request, &attribute, RTA_LENGTH(size), err);
}

/*
 * Sends it and hands each message of the answer to `visit`, up to the one that
 * says that it is done: 0, or -1 with errno as the code.
 */
static int ask(int socket, const struct request *request,
	       int (*visit)(void *data, struct nlmsghdr *message, struct error *err), void *data,
	       struct error *err)
{
	cleanup_free char *answer = malloc(ANSWER_SIZE);
	ssize_t n;

	if (!answer)
		return error_memory(err);
	if (send(socket, request, request->header.nlmsg_len, 0) < 0)
		return error_set(err, errno, "send to netlink");
	for (;;) {
		do
			n = recv(socket, answer, ANSWER_SIZE, MSG_TRUNC);
		while (n < 0 && errno == EINTR);
		if (n < 0 || n > ANSWER_SIZE)
			return error_set(err, n < 0 ? errno : EMSGSIZE, "receive from netlink");
		struct nlmsghdr *m = (struct nlmsghdr *)(void *)answer;
		for (size_t left = (size_t)n; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
			const struct nlmsgerr *result = NLMSG_DATA(m);
			if (m->nlmsg_type == NLMSG_DONE)
				return 0;
			if (m->nlmsg_type == NLMSG_ERROR)
				return result->error ? error_set(err, -result->error, "netlink")
						     : 0;
			if (visit && visit(data, m, err) < 0)
				return -1;
		}
	}
}

/* What one address of a dump is, and what of it counts. */
static bool is_kept(const struct ifaddrmsg *address, uint32_t flags, unsigned int index)
{
	return address->ifa_index == index && address->ifa_scope == RT_SCOPE_UNIVERSE &&
	       (flags & IFA_F_PERMANENT);
}

static bool can_be_given(uint16_t type)
{
	return type == IFA_LOCAL || type == IFA_ADDRESS || type == IFA_BROADCAST ||
	       type == IFA_FLAGS || type == IFA_RT_PRIORITY;
}

/* The kernel's own findings, which are not for whoever makes an address. */
static const uint32_t found =
	IFA_F_PERMANENT | IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED | IFA_F_SECONDARY;

struct collection {
	unsigned int index;
	struct arena *arena;
	struct net_link_address *addresses;
	size_t n, capacity;
};

static int keep(struct collection *c, const struct ifaddrmsg *header, struct rtattr *first,
		size_t size, struct error *err)
{
	struct net_link_address address = { .header = *header };

	address.attributes = arena_alloc(c->arena, size, err);
	if (!address.attributes ||
	    mem_grow((void **)&c->addresses, c->n, &c->capacity, sizeof(address), err) < 0)
		return -1;
	for (struct rtattr *a = first; RTA_OK(a, size); a = RTA_NEXT(a, size)) {
		if (!can_be_given(a->rta_type))
			continue;
		memcpy(address.attributes + address.size, a, a->rta_len);
		if (a->rta_type == IFA_FLAGS) {
			struct rtattr *copy =
				(struct rtattr *)(void *)(address.attributes + address.size);
			*(uint32_t *)RTA_DATA(copy) &= ~found;
		}
		address.size += RTA_ALIGN(a->rta_len);
	}
	address.header.ifa_flags = (uint8_t)(address.header.ifa_flags & ~found);
	c->addresses[c->n++] = address;
	return 0;
}

static int collect(void *data, struct nlmsghdr *message, struct error *err)
{
	struct collection *c = data;
	struct ifaddrmsg *address = NLMSG_DATA(message);
	struct rtattr *first = IFA_RTA(address);
	size_t size = IFA_PAYLOAD(message), left = size;
	uint32_t flags;

	if (message->nlmsg_type != RTM_NEWADDR)
		return 0;
	flags = address->ifa_flags;
	for (struct rtattr *a = first; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == IFA_FLAGS)
			flags = *(const uint32_t *)RTA_DATA(a);
	return is_kept(address, flags, c->index) ? keep(c, address, first, size, err) : 0;
}

int net_link_addresses(int socket, unsigned int index, struct arena *arena,
		       struct net_link_address **ret, size_t *ret_n, struct error *err)
{
	const struct ifaddrmsg body = { .ifa_family = AF_UNSPEC };
	struct collection c = { .index = index, .arena = arena };
	struct request request;
	int rc;

	begin(&request, RTM_GETADDR, NLM_F_DUMP, &body, sizeof(body));
	rc = ask(socket, &request, collect, &c, err);
	if (rc == 0) {
		*ret = arena_array(arena, c.n, sizeof(**ret), err);
		*ret_n = c.n;
		rc = *ret ? 0 : -1;
	}
	if (rc == 0 && c.n)
		memcpy(*ret, c.addresses, c.n * sizeof(**ret));
	free(c.addresses);
	return rc < 0 ? error_wrap(err, "list its addresses") : 0;
}

int net_link_add_address(int socket, unsigned int index, const struct net_link_address *address,
			 struct error *err)
{
	struct ifaddrmsg body = address->header;
	struct request request;

	body.ifa_index = index;
	begin(&request, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
	if (add(&request, address->attributes, address->size, err) < 0 ||
	    ask(socket, &request, NULL, NULL, err) < 0)
		return error_wrap(err, "give it back its address");
	return 0;
}

int net_link_move(int socket, unsigned int index, int ns, const char *name, struct error *err)
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };
	struct request request;

	begin(&request, RTM_NEWLINK, NLM_F_ACK, &body, sizeof(body));
	if (add_attribute(&request, IFLA_NET_NS_FD, &ns, sizeof(ns), err) == 0 &&
	    add_attribute(&request, IFLA_IFNAME, name, strlen(name) + 1, err) == 0 &&
	    ask(socket, &request, NULL, NULL, err) == 0)
		return 0;
	error_wrap(err, "move it to the container as %s", name);
	return err->code == EINVAL ? error_hint(err, "interfaces such as lo and bridges stay in "
						     "their network namespace")
				   : -1;
}
