/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/network_words.h"

#include <string.h>

const struct network_info *network_words_find(const struct invocation *call, const char *name,
					      struct error *err)
{
	struct network_info **infos;
	size_t n;

	if (network_list(call->store, call->arena, &infos, &n, err) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strcmp(infos[i]->name, name) == 0)
			return infos[i];
	(void)error_plain(err, ENOENT, "no such network: %s", name);
	(void)error_hint(err, "rustbox network list shows those there are");
	return NULL;
}

int network_words_user(const struct invocation *call, const char *name, const char **ret_user,
		       struct error *err)
{
	struct record **records;
	size_t n;

	if (store_list(call->store, call->arena, &records, &n, err) < 0)
		return -1;
	*ret_user = NULL;
	for (size_t i = 0; i < n; i++)
		if (records[i]->network && str_equal(records[i]->network->mode, name))
			*ret_user = records[i]->name;
	return 0;
}

static int add_text(struct value *object, const char *key, const char *text, struct arena *arena,
		    struct error *err)
{
	return value_add(object, key, value_text(arena, text, err), arena, err);
}

static struct value *containers(const struct invocation *call, const char *name, struct error *err)
{
	struct value *object = value_object(call->arena, err);
	struct record **records;
	size_t n;

	if (!object || store_list(call->store, call->arena, &records, &n, err) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct network_result *result = NULL;
		struct value *entry;
		if (!record_is_live(records[i]) || !records[i]->network ||
		    !str_equal(records[i]->network->mode, name))
			continue;
		entry = value_object(call->arena, err);
		if (network_load(call->store, records[i]->id, call->arena, &result, err) < 0 ||
		    add_text(entry, "Name", records[i]->name, call->arena, err) < 0 ||
		    add_text(entry, "MacAddress", result ? result->mac : "", call->arena, err) <
			    0 ||
		    add_text(entry, "IPv4Address", result && result->n_ips ? result->ips[0] : "",
			     call->arena, err) < 0 ||
		    value_add(object, records[i]->id, entry, call->arena, err) < 0)
			return NULL;
	}
	return object;
}

static struct value *labels(const struct invocation *call, const struct network_info *info,
			    struct error *err)
{
	struct value *object = value_object(call->arena, err);

	for (size_t i = 0; i < info->n_labels; i++)
		if (add_text(object, info->labels[i].key, info->labels[i].value, call->arena, err) <
		    0)
			return NULL;
	return object;
}

/* {{range .IPAM.Config}}{{.Subnet}}{{end}}, as Docker's users write it. */
static struct value *addresses(const struct network_info *info, struct arena *arena,
			       struct error *err)
{
	struct value *ipam = value_object(arena, err), *list = value_list(arena, err);
	struct value *pool = value_object(arena, err);

	if (!ipam || !list || !pool || add_text(ipam, "Driver", "default", arena, err) < 0)
		return NULL;
	if (info->subnet && (add_text(pool, "Subnet", info->subnet, arena, err) < 0 ||
			     add_text(pool, "Gateway", info->gateway, arena, err) < 0 ||
			     value_append(list, pool, arena, err) < 0))
		return NULL;
	return value_add(ipam, "Config", list, arena, err) < 0 ? NULL : ipam;
}

struct value *network_words_value(const struct invocation *call, const struct network_info *info,
				  struct error *err)
{
	struct arena *arena = call->arena;
	struct value *value = value_object(arena, err);

	if (add_text(value, "Name", info->name, arena, err) < 0 ||
	    add_text(value, "Driver", info->driver, arena, err) < 0 ||
	    add_text(value, "Scope", "local", arena, err) < 0 ||
	    value_add(value, "Internal", value_bool(arena, info->internal, err), arena, err) < 0 ||
	    add_text(value, "Subnet", info->subnet, arena, err) < 0 ||
	    add_text(value, "Gateway", info->gateway, arena, err) < 0 ||
	    value_add(value, "IPAM", addresses(info, arena, err), arena, err) < 0 ||
	    value_add(value, "Labels", labels(call, info, err), arena, err) < 0 ||
	    value_add(value, "Containers", containers(call, info->name, err), arena, err) < 0)
		return NULL;
	return value;
}
