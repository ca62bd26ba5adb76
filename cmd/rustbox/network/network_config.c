/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks on disk: networks/<name>.conflist, a CNI configuration list each.
 * What is ours in it is under "rustbox": subnet, gateway, labels.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox/network/network_parts.h"

enum { CONFIG_SIZE_MAX = 256 * 1024, NAME_MAX_BYTES = 64 };
#define SUFFIX ".conflist"

/* 10.63.0.0/24, 10.63.1.0/24, … */
enum { SUBNET_BASE = 0x0a3f0000, SUBNETS = 256, SUBNET_SIZE = 256 };

static const struct json_field info_fields[] = {
	REQUIRED(network_info, name, "name"),
	REQUIRED(network_info, driver, "driver"),
	FIELD(network_info, subnet, "subnet"),
	FIELD(network_info, gateway, "gateway"),
	FIELD(network_info, internal, "internal"),
	PAIRS(network_info, labels, "labels"),
	{ NULL },
};
static const struct json_type info_type = { sizeof(struct network_info), info_fields, NULL };

/* The file as a whole: only our part of it is typed. */
struct file {
	struct network_info *rustbox;
};
static const struct json_field file_fields[] = {
	OBJECT(file, rustbox, "rustbox", &info_type),
	{ NULL },
};
static const struct json_type file_type = { sizeof(struct file), file_fields, NULL };

/* ---- names and folders ---- */

static int check_name(const char *name, struct error *err)
{
	static const char *const reserved[] = { "host", "none", "container", "default" };
	size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "_.-");

	if (!*name || name[size] || size > NAME_MAX_BYTES || strchr("_.-", *name))
		return error_set(err, EINVAL,
				 "\"%s\" is no name for a network (letters, digits and _.-, at "
				 "most %d; the first one a letter or a digit)",
				 name, NAME_MAX_BYTES);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (strcmp(name, reserved[i]) == 0)
			return error_set(err, EINVAL,
					 "the network name \"%s\" has a meaning of "
					 "its own",
					 name);
	return 0;
}

static int open_folder(const struct store *store, struct error *err)
{
	int fd;

	if (mkdirat(store->root_fd, "networks", 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make %s/networks", store->root);
	fd = openat(store->root_fd, "networks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open %s/networks", store->root) : fd;
}

/* Who makes and removes networks takes turns. */
static int lock_folder(int folder, struct error *err)
{
	int result;

	do
		result = flock(folder, LOCK_EX);
	while (result < 0 && errno == EINTR);
	return result < 0 ? error_set(err, errno, "lock the folder of networks") : 0;
}

static char *file_name(const char *name, struct arena *arena, struct error *err)
{
	return arena_format(arena, err, "%s" SUFFIX, name);
}

/* ---- reading ---- */

static int read_info(int folder, const char *name, struct arena *arena, struct network_info **ret,
		     struct error *err)
{
	char *file = file_name(name, arena, err);
	cleanup_free char *text = NULL;
	struct file content = { 0 };
	size_t size;

	if (!file || fd_read_file(folder, file, CONFIG_SIZE_MAX, &text, &size, err) < 0)
		return -1;
	if (json_read(&file_type, text, size, &content, arena, err) < 0)
		return error_wrap(err, "networks/%s", file);
	if (!content.rustbox)
		return error_set(err, EINVAL, "networks/%s: the member \"rustbox\" is missing",
				 file);
	content.rustbox->file = file;
	*ret = content.rustbox;
	return 0;
}

static int add_info(int folder, const char *file, struct arena *arena, struct network_info ***list,
		    size_t *n, size_t *capacity, struct error *err)
{
	size_t size = strlen(file) - strlen(SUFFIX);
	char *name = arena_strndup(arena, file, size, err);
	struct network_info *info;

	if (!name || read_info(folder, name, arena, &info, err) < 0)
		return -1;
	if (*n == *capacity) {
		size_t more = *capacity ? 2 * *capacity : 8;
		struct network_info **bigger = arena_array(arena, more, sizeof(*bigger), err);
		if (!bigger)
			return -1;
		if (*n)
			memcpy(bigger, *list, *n * sizeof(*bigger));
		*list = bigger;
		*capacity = more;
	}
	(*list)[(*n)++] = info;
	return 0;
}

static int list_folder(int folder, struct arena *arena, struct network_info ***ret, size_t *ret_n,
		       struct error *err)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct network_info **list = NULL;
	size_t n = 0, capacity = 0;
	const struct dirent *entry;
	int result = 0;

	if (!directory) {
		error_set(err, errno, "list the networks");
		fd_close(&fd);
		return -1;
	}
	while (result == 0 && (entry = readdir(directory)))
		if (str_ends_with(entry->d_name, SUFFIX) && *entry->d_name != '.')
			result = add_info(folder, entry->d_name, arena, &list, &n, &capacity, err);
	(void)closedir(directory);
	*ret = list;
	*ret_n = n;
	return result;
}

int network_list(const struct store *store, struct arena *arena, struct network_info ***ret,
		 size_t *ret_n, struct error *err)
{
	cleanup_fd int folder = open_folder(store, err);

	return folder < 0 ? -1 : list_folder(folder, arena, ret, ret_n, err);
}

/* ---- making ---- */

struct subnet {
	uint32_t address; /* host order */
	unsigned int bits;
};

static bool read_subnet(const char *text, struct subnet *ret)
{
	const char *slash = strchr(text, '/');
	char address[INET_ADDRSTRLEN];
	struct in_addr in;
	uint64_t bits;

	if (!slash || (size_t)(slash - text) >= sizeof(address) ||
	    !str_to_uint(slash + 1, 10, 30, &bits) || bits < 8)
		return false;
	(void)snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (inet_pton(AF_INET, address, &in) != 1)
		return false;
	ret->bits = (unsigned int)bits;
	ret->address = ntohl(in.s_addr);
	return (ret->address & (UINT32_MAX >> bits)) == 0;
}

static bool overlaps(const struct subnet *a, const struct subnet *b)
{
	unsigned int bits = a->bits < b->bits ? a->bits : b->bits;

	return ((a->address ^ b->address) >> (32 - bits)) == 0;
}

static const struct network_info *find_overlap(struct network_info *const *infos, size_t n,
					       const struct subnet *subnet)
{
	for (size_t i = 0; i < n; i++) {
		struct subnet other;
		if (infos[i]->subnet && read_subnet(infos[i]->subnet, &other) &&
		    overlaps(&other, subnet))
			return infos[i];
	}
	return NULL;
}

static char *address_text(struct arena *arena, uint32_t address, struct error *err)
{
	struct in_addr in = { .s_addr = htonl(address) };
	char text[INET_ADDRSTRLEN];

	return arena_strdup(arena, inet_ntop(AF_INET, &in, text, sizeof(text)), err);
}

/* The subnet that was asked for, or the first that no other network has. */
static int choose_subnet(struct network_info *info, struct network_info *const *others, size_t n,
			 struct arena *arena, struct error *err)
{
	const struct network_info *taken;
	struct subnet subnet;

	if (info->subnet) {
		if (!read_subnet(info->subnet, &subnet))
			return error_set(err, EINVAL,
					 "the subnet \"%s\" (such as 10.63.7.0/24, /8 to /30, no "
					 "bits behind the prefix)",
					 info->subnet);
		taken = find_overlap(others, n, &subnet);
		if (taken)
			return error_set(err, EEXIST, "the subnet %s overlaps %s of the network %s",
					 info->subnet, taken->subnet, taken->name);
	} else {
		unsigned int i = 0;
		do
			subnet = (struct subnet){ SUBNET_BASE + SUBNET_SIZE * i, 24 };
		while (find_overlap(others, n, &subnet) && ++i < SUBNETS);
		if (i == SUBNETS)
			return error_set(err, ENOSPC,
					 "all %d subnets are taken (give --subnet, or "
					 "rustbox network prune)",
					 SUBNETS);
		char *address = address_text(arena, subnet.address, err);
		info->subnet = address ? arena_format(arena, err, "%s/24", address) : NULL;
		if (!info->subnet)
			return -1;
	}
	if (!info->gateway)
		info->gateway = address_text(arena, subnet.address + 1, err);
	return info->gateway ? 0 : -1;
}

/* A bridge's name has 15 characters at most; each network has its own. */
static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261U;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619U;
	return h;
}

static char *config_text(const struct store *store, const struct network_info *info,
			 struct error *err)
{
	cleanup_free char *ours = json_write(&info_type, info, false, err);
	bool is_default = strcmp(info->name, NETWORK_DEFAULT) == 0;
	char bridge[16];

	if (!ours)
		return NULL;
	(void)snprintf(bridge, sizeof(bridge), "rbx%s%08x", is_default ? "0-" : "-",
		       hash(store->root) ^ hash(info->name));
	return str_format(err,
			  "{\"cniVersion\":\"1.0.0\",\"name\":\"%s\",\"rustbox\":%s,\"plugins\":["
			  "{\"type\":\"bridge\",\"bridge\":\"%s\",\"isGateway\":true,\"ipMasq\":%s,"
			  "\"hairpinMode\":true,\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"%s/"
			  "networks\","
			  "\"ranges\":[[{\"subnet\":\"%s\",\"gateway\":\"%s\"}]]%s}},"
			  "{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}},"
			  "{\"type\":\"tuning\",\"capabilities\":{\"mac\":true}}]}\n",
			  info->name, ours, bridge, info->internal ? "false" : "true", store->run,
			  info->subnet, info->gateway,
			  info->internal ? "" : ",\"routes\":[{\"dst\":\"0.0.0.0/0\"}]");
}

static int create_locked(const struct store *store, int folder, const struct network_info *wanted,
			 struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	static char bridge[] = "bridge";
	struct network_info info = *wanted;
	struct network_info **others;
	size_t n;

	if (!info.driver)
		info.driver = bridge;
	if (list_folder(folder, &arena, &others, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(others[i]->name, info.name) == 0)
			return error_set(err, EEXIST,
					 "the network %s exists (rustbox network remove %s)",
					 info.name, info.name);
	if (choose_subnet(&info, others, n, &arena, err) < 0)
		return -1;
	cleanup_free char *text = config_text(store, &info, err);
	char *file = file_name(info.name, &arena, err);
	if (!text || !file)
		return -1;
	return fd_replace_file(folder, file, text, strlen(text), 0600, err);
}

int network_create(const struct store *store, const struct network_info *info, struct error *err)
{
	cleanup_fd int folder = -1;

	if (check_name(info->name, err) < 0)
		return -1;
	if (info->driver && strcmp(info->driver, "bridge") != 0)
		return error_set(err, EINVAL, "the network driver \"%s\" (there is: bridge)",
				 info->driver);
	folder = open_folder(store, err);
	if (folder < 0 || lock_folder(folder, err) < 0)
		return -1;
	return create_locked(store, folder, info, err);
}

int network_remove(const struct store *store, const char *name, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int folder = open_folder(store, err);
	char *file = file_name(name, &arena, err);

	if (folder < 0 || !file || check_name(name, err) < 0 || lock_folder(folder, err) < 0)
		return -1;
	if (unlinkat(folder, file, 0) < 0)
		return errno == ENOENT ? error_set(err, ENOENT, "no such network: %s", name)
				       : error_set(err, errno, "remove networks/%s", file);
	return 0;
}

/* ---- for network_up() ---- */

static int make_default(const struct store *store, int folder, struct error *err)
{
	struct network_info info = { .name = (char[]){ NETWORK_DEFAULT },
				     .driver = (char[]){ "bridge" } };

	if (lock_folder(folder, err) < 0)
		return -1;
	if (faccessat(folder, NETWORK_DEFAULT SUFFIX, F_OK, 0) == 0)
		return 0;
	return create_locked(store, folder, &info, err);
}

static int set_unknown(const struct store *store, const char *name, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str names = STR_EMPTY;
	struct network_info **infos;
	struct error ignored;
	size_t n;

	if (network_list(store, &arena, &infos, &n, &ignored) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++)
		str_add_format(&names, ", %s", infos[i]->name);
	return error_set(err, ENOENT,
			 "no such network: %s (there are: host, none, " NETWORK_DEFAULT
			 "%s; make one with: rustbox network create %s)",
			 name, names.text ? names.text : "", name);
}

struct value *network_config_load(const struct store *store, const char *name, struct arena *arena,
				  struct error *err)
{
	cleanup_fd int folder = open_folder(store, err);
	char *file = file_name(name, arena, err);
	cleanup_free char *text = NULL;
	struct value *value;
	size_t size;

	if (folder < 0 || !file || check_name(name, err) < 0)
		return NULL;
	if (strcmp(name, NETWORK_DEFAULT) == 0 && faccessat(folder, file, F_OK, 0) < 0 &&
	    make_default(store, folder, err) < 0)
		return NULL;
	if (fd_read_file(folder, file, CONFIG_SIZE_MAX, &text, &size, err) < 0) {
		if (err->code == ENOENT)
			(void)set_unknown(store, name, err);
		return NULL;
	}
	value = value_read(text, size, arena, err);
	if (!value)
		(void)error_wrap(err, "networks/%s", file);
	return value;
}
