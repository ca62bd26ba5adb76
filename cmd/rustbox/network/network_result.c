/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the plugins have said of a container: <run>/<id>/network.json for us, and
 * cni.json for them, who get it back when the network is taken down.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox/network/network_parts.h"

enum { RESULT_SIZE_MAX = 256 * 1024 };
#define OURS   "network.json"
#define THEIRS "cni.json"

static const struct json_field result_fields[] = {
	LIST(network_result, ips, "ips"),
	LIST(network_result, gateways, "gateways"),
	LIST(network_result, dns, "dns"),
	LIST(network_result, dns_search, "dnsSearch"),
	LIST(network_result, dns_options, "dnsOptions"),
	FIELD(network_result, mac, "mac"),
	FIELD(network_result, interface, "interface"),
	{ NULL },
};
const struct json_type network_result_type = { sizeof(struct network_result), result_fields, NULL };

static int copy_texts(const struct value *list, const char *key, char ***ret, size_t *ret_n,
		      struct arena *arena, struct error *err)
{
	size_t n = list && list->kind == VALUE_LIST ? list->n : 0;
	char **texts = arena_array(arena, n + 1, sizeof(*texts), err);
	size_t used = 0;

	if (!texts)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct value *item = key ? value_get(list->items[i], key) : list->items[i];
		if (item && item->kind == VALUE_TEXT &&
		    !(texts[used++] = arena_strdup(arena, item->text, err)))
			return -1;
	}
	*ret = texts;
	*ret_n = used;
	return 0;
}

static int copy_result(const struct value *value, struct network_result *ret, struct arena *arena,
		       struct error *err)
{
	const struct value *ips = value_get(value, "ips");
	const struct value *interfaces = value_get(value, "interfaces");

	if (copy_texts(ips, "address", &ret->ips, &ret->n_ips, arena, err) < 0 ||
	    copy_texts(ips, "gateway", &ret->gateways, &ret->n_gateways, arena, err) < 0 ||
	    copy_texts(value_get(value, "dns.nameservers"), NULL, &ret->dns, &ret->n_dns, arena,
		       err) < 0 ||
	    copy_texts(value_get(value, "dns.search"), NULL, &ret->dns_search, &ret->n_dns_search,
		       arena, err) < 0 ||
	    copy_texts(value_get(value, "dns.options"), NULL, &ret->dns_options,
		       &ret->n_dns_options, arena, err) < 0)
		return -1;
	for (size_t i = 0; interfaces && i < interfaces->n; i++) {
		const struct value *name = value_get(interfaces->items[i], "name");
		const struct value *mac = value_get(interfaces->items[i], "mac");
		if (name && mac && name->kind == VALUE_TEXT && mac->kind == VALUE_TEXT &&
		    strcmp(name->text, NETWORK_IFNAME) == 0)
			ret->mac = arena_strdup(arena, mac->text, err);
	}
	return 0;
}

static int open_folder(const struct store *store, const char *id, struct error *err)
{
	int folder = openat(store->run_fd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return folder < 0 ? error_set(err, errno, "open %s/%s", store->run, id) : folder;
}

int network_result_save(const struct store *store, const char *id, const struct value *value,
			struct arena *arena, struct error *err)
{
	struct network_result result = { .interface = (char[]){ NETWORK_IFNAME } };
	cleanup_fd int folder = open_folder(store, id, err);
	cleanup_str struct str theirs = STR_EMPTY;
	cleanup_free char *ours = NULL;

	if (folder < 0 || copy_result(value, &result, arena, err) < 0)
		return -1;
	value_write(&theirs, value, false);
	if (theirs.failed)
		return error_memory(err);
	ours = json_write(&network_result_type, &result, true, err);
	if (!ours || fd_replace_file(folder, THEIRS, theirs.text, theirs.size, 0600, err) < 0)
		return -1;
	return fd_replace_file(folder, OURS, ours, strlen(ours), 0600, err);
}

/* NULL in *ret where there is none. */
static int read_text(const struct store *store, const char *id, const char *name, char **ret,
		     size_t *ret_size, struct error *err)
{
	cleanup_free char *path = store_run_path(store, id, name, err);

	*ret = NULL;
	if (!path)
		return -1;
	if (fd_read_file(AT_FDCWD, path, RESULT_SIZE_MAX, ret, ret_size, err) == 0)
		return 0;
	*ret = NULL;
	return err->code == ENOENT ? 0 : -1;
}

int network_result_load_cni(const struct store *store, const char *id, struct arena *arena,
			    struct value **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t size;

	if (read_text(store, id, THEIRS, &text, &size, err) < 0)
		return -1;
	*ret = text ? value_read(text, size, arena, err) : NULL;
	return !text || *ret ? 0 : error_wrap(err, "%s/%s/" THEIRS, store->run, id);
}

void network_result_remove(const struct store *store, const char *id)
{
	struct error ignored;
	cleanup_fd int folder = open_folder(store, id, &ignored);

	if (folder < 0)
		return;
	(void)unlinkat(folder, OURS, 0);
	(void)unlinkat(folder, THEIRS, 0);
}

int network_load(const struct store *store, const char *id, struct arena *arena,
		 struct network_result **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	struct network_result *result;
	size_t size;

	*ret = NULL;
	if (read_text(store, id, OURS, &text, &size, err) < 0)
		return -1;
	if (!text)
		return 0;
	result = arena_alloc(arena, sizeof(*result), err);
	if (!result || json_read(&network_result_type, text, size, result, arena, err) < 0)
		return -1;
	*ret = result;
	return 0;
}
