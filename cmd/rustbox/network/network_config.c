/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks on disk: networks/<name>.conflist, a CNI configuration list each.
 * What is ours in it is under "rustbox": subnet, gateway, labels.
 */
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/network/network_bridge.h"
#include "cmd/rustbox/network/network_parts.h"
#include "cmd/rustbox/store/tree.h"

enum { CONFIG_SIZE_MAX = 256 * 1024, NAME_MAX_BYTES = 64 };
#define SUFFIX ".conflist"

static const struct json_field info_fields[] = {
	REQUIRED(network_info, name, "name"),
	REQUIRED(network_info, driver, "driver"),
	FIELD(network_info, subnet, "subnet"),
	FIELD(network_info, gateway, "gateway"),
	FIELD(network_info, is_chosen, "subnetIsChosen"),
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
	struct error why;

	if (!name)
		return -1;
	/* One that is broken can be removed by its name, and is in nobody's way. */
	if (read_info(folder, name, arena, &info, &why) < 0) {
		log_warning("%s", why.text);
		return 0;
	}
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
	int result;

	if (!directory) {
		error_set(err, errno, "list the networks");
		fd_close(&fd);
		return -1;
	}
	while ((result = directory_next(directory, "networks", &entry, err)) > 0)
		if (str_ends_with(entry->d_name, SUFFIX) && *entry->d_name != '.' &&
		    add_info(folder, entry->d_name, arena, &list, &n, &capacity, err) < 0) {
			result = -1;
			break;
		}
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

static uint32_t hash(uint32_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619U;
	return h;
}

/* A bridge's name has 15 characters at most; each network of each root has its own. */
static void make_bridge_name(const struct store *store, const char *network, char name[IF_NAMESIZE])
{
	bool is_default = strcmp(network, NETWORK_DEFAULT) == 0;
	uint32_t h = hash(hash(hash(2166136261U, store->root), "/"), network);

	(void)snprintf(name, IF_NAMESIZE, NETWORK_BRIDGE_PREFIX "%s%08x", is_default ? "0-" : "-",
		       h);
}

static char *config_text(const struct store *store, const struct network_info *info,
			 const char *bridge, struct error *err)
{
	cleanup_free char *ours = json_write(&info_type, info, false, err);

	if (!ours)
		return NULL;
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

/* Chooses what is left open, and writes the file. The folder is locked. */
static int write_network(const struct store *store, int folder, const struct network_info *wanted,
			 struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	static char driver[] = "bridge";
	struct network_info info = *wanted;
	struct network_neighbours all = { 0 };
	char bridge[IF_NAMESIZE];

	if (!info.driver)
		info.driver = driver;
	make_bridge_name(store, info.name, bridge);
	if (list_folder(folder, &arena, &all.networks, &all.n, err) < 0 ||
	    network_choose_subnet(&info, bridge, &all, &arena, err) < 0)
		return -1;
	cleanup_free char *text = config_text(store, &info, bridge, err);
	char *file = file_name(info.name, &arena, err);
	if (!text || !file)
		return -1;
	return fd_replace_file(folder, file, text, strlen(text), 0600, err);
}

static int set_exists(const char *name, struct error *err)
{
	(void)error_plain(err, EEXIST, "the network %s exists", name);
	return error_hint(err, "choose another name, or rustbox network remove %s", name);
}

static int create_locked(const struct store *store, int folder, const struct network_info *info,
			 struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	char *file = file_name(info->name, &arena, err);

	if (!file)
		return -1;
	if (faccessat(folder, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return set_exists(info->name, err);
	return write_network(store, folder, info, err);
}

int network_refuse_rootless(const struct store *store, const char *name, struct error *err)
{
	if (!store->is_rootless)
		return 0;
	(void)error_set(err, EPERM, "network %s: an ordinary user may make no bridge", name);
	return error_hint(err, "--network host (the default) shares the machine's network, "
			       "--network none has only a loopback; bridges are for root");
}

int network_create(const struct store *store, const struct network_info *info, struct error *err)
{
	cleanup_fd int folder = -1;

	if (network_refuse_rootless(store, info->name, err) < 0)
		return -1;
	if (check_name(info->name, err) < 0)
		return -1;
	if (info->driver && strcmp(info->driver, "bridge") != 0)
		return error_set(err, 0, "--driver %s: there is no driver but bridge",
				 info->driver);
	folder = open_folder(store, err);
	if (folder < 0 || lock_folder(folder, err) < 0)
		return -1;
	return create_locked(store, folder, info, err);
}

void network_config_forget(const struct store *store, const char *name)
{
	struct error ignored;
	cleanup_fd int folder =
		openat(store->run_fd, "networks", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder < 0)
		return;
	(void)tree_remove(folder, name, &ignored);
	/* As long as there are other ones, it stays. */
	(void)unlinkat(store->run_fd, "networks", AT_REMOVEDIR);
}

static int remove_bridge(int folder, const char *file, struct arena *arena, struct error *err)
{
	cleanup_free char *text = NULL;
	struct network_bridge bridge;
	const struct value *list;
	struct error ignored;
	size_t size;

	/* Who has a broken file must be able to get rid of it. */
	if (fd_read_file(folder, file, CONFIG_SIZE_MAX, &text, &size, &ignored) < 0 ||
	    !(list = value_read(text, size, arena, &ignored)) || !network_bridge_of(list, &bridge))
		return 0;
	if (network_bridge_is_used(&bridge))
		return error_set(err, EBUSY, "the network %s has containers on its bridge %s",
				 bridge.network, bridge.name);
	return network_bridge_drop(&bridge, err);
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
	/* The default one is made when it is first used. */
	for (size_t i = 0; i < n; i++)
		if (!str_equal(infos[i]->name, NETWORK_DEFAULT))
			str_add_format(&names, ", %s", infos[i]->name);
	(void)error_plain(err, ENOENT, "no such network: %s", name);
	return error_hint(err,
			  "there are: host, none, " NETWORK_DEFAULT
			  "%s; rustbox network create %s makes one",
			  names.text ? names.text : "", name);
}

int network_remove(const struct store *store, const char *name, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int folder = open_folder(store, err), lock = -1;
	char *file = file_name(name, &arena, err);

	if (folder < 0 || !file || check_name(name, err) < 0)
		return -1;
	lock = network_bridge_lock(LOCK_EX, err);
	if (lock < 0 || lock_folder(folder, err) < 0)
		return -1;
	if (faccessat(folder, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? set_unknown(store, name, err)
				       : error_set(err, errno, "look for networks/%s", file);
	if (remove_bridge(folder, file, &arena, err) < 0)
		return -1;
	if (unlinkat(folder, file, 0) < 0)
		return error_set(err, errno, "remove networks/%s", file);
	network_config_forget(store, name);
	return 0;
}

/* ---- for network_up() ---- */

int network_lock_members(const struct store *store, struct error *err)
{
	cleanup_fd int folder = open_folder(store, err);

	return folder < 0 || lock_folder(folder, err) < 0 ? -1 : move_fd(&folder);
}

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

int network_config_settle(const struct store *store, const struct network_bridge *bridge,
			  struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int folder = open_folder(store, err);
	struct network_neighbours all = { 0 };
	struct network_info *info;

	if (folder < 0 || lock_folder(folder, err) < 0 ||
	    read_info(folder, bridge->network, &arena, &info, err) < 0 ||
	    list_folder(folder, &arena, &all.networks, &all.n, err) < 0)
		return -1;
	if (!info->subnet || network_check_subnet(info, bridge->name, &all, err) == 0)
		return 0;
	if (!info->is_chosen)
		return error_hint(err, "rustbox network remove %s, and make it with another one",
				  bridge->network);
	info->subnet = info->gateway = NULL;
	return write_network(store, folder, info, err);
}
