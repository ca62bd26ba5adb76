/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, host names, id maps, kernel parameters. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/id_map.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/vector.h"

#define CONTAINER "container:"

static int add_namespace(struct plan *plan, enum spec_namespace_type type, struct error *err)
{
	struct spec_linux *linux = plan->spec->linux;
	struct spec_namespace *element =
		VECTOR_ADD(linux->namespaces, linux->n_namespaces, plan->arena, err);

	if (!element)
		return -1;
	element->type = (int)type;
	return 0;
}

/* Its path is found before each start: that one may have another process by then. */
static int join(struct plan *plan, enum spec_namespace_type type, const char *name,
		struct error *err)
{
	const char *key = type == NAMESPACE_PID	  ? BUNDLE_ANNOTATION_JOIN "pid"
			  : type == NAMESPACE_IPC ? BUNDLE_ANNOTATION_JOIN "ipc"
						  : BUNDLE_ANNOTATION_JOIN "uts";
	struct record *other;

	if (store_find(plan->store, name, plan->arena, &other, err) < 0)
		return -1;
	return plan_annotate(plan, key, other->id, err);
}

/* private, host, container:ID. *ret_is_own: false when it is somebody else's. */
static int set_namespace(struct plan *plan, const char *option, const char *mode,
			 enum spec_namespace_type type, bool can_join, bool *ret_is_host,
			 struct error *err)
{
	*ret_is_host = mode && strcmp(mode, "host") == 0;
	if (*ret_is_host)
		return 0;
	if (mode && can_join && str_starts_with(mode, CONTAINER)) {
		if (plan->record->isolate_user)
			return error_set(err, 0,
					 "--%s %s: a container in a user namespace of its own "
					 "cannot enter it",
					 option, mode);
		if (join(plan, type, mode + strlen(CONTAINER), err) < 0)
			return error_wrap(err, "--%s %s", option, mode);
	} else if (mode && strcmp(mode, "private") != 0 &&
		   (type != NAMESPACE_IPC || strcmp(mode, "shareable") != 0)) {
		return error_set(err, 0, "--%s %s: not one of private, host%s", option, mode,
				 can_join ? ", container:ID" : "");
	}
	return add_namespace(plan, type, err);
}

/* ---- the user namespace ---- */

static int wants_user_namespace(struct plan *plan, bool *ret, struct error *err)
{
	const struct create_options *options = plan->options;
	const char *mode = options->userns;
	bool host = mode && strcmp(mode, "host") == 0;
	bool automatic = mode && (strcmp(mode, "auto") == 0 || strcmp(mode, "private") == 0);

	if (mode && !host && !automatic)
		return error_set(err, 0, "--userns %s: not one of host, auto", mode);
	*ret = options->isolate_user || automatic || options->uidmap.count || options->gidmap.count;
	if (*ret && plan->store->is_rootless)
		return error_set(
			err, 0,
			"a user namespace of its own (--isolate-user, --userns, --uidmap): "
			"an ordinary user's containers are in the user's one already (leave it "
			"out)");
	if (*ret && host)
		return error_set(err, 0,
				 "--userns host does not go with --isolate-user, --uidmap "
				 "or --gidmap");
	if (*ret && options->privileged)
		return error_set(err, 0, "--privileged does not go with a user namespace");
	return 0;
}

static int set_maps(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct spec_linux *linux = plan->spec->linux;
	/* One of them says what the other is, too. */
	const struct option_strings *uids =
		options->uidmap.count ? &options->uidmap : &options->gidmap;
	const struct option_strings *gids =
		options->gidmap.count ? &options->gidmap : &options->uidmap;

	if (!uids->count)
		return id_map_default(plan->arena, linux, err);
	for (size_t i = 0; i < uids->count; i++)
		if (id_map_parse(uids->items[i], plan->arena, &linux->uid_mappings,
				 &linux->n_uid_mappings, err) < 0)
			return error_wrap(err, "--uidmap");
	for (size_t i = 0; i < gids->count; i++)
		if (id_map_parse(gids->items[i], plan->arena, &linux->gid_mappings,
				 &linux->n_gid_mappings, err) < 0)
			return error_wrap(err, "--gidmap");
	return 0;
}

/* ---- host names ---- */

static bool is_host_name(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-._", *p))
			return false;
	return *text && *text != '-' && *text != '.';
}

static int set_names(struct plan *plan, bool own_names, struct error *err)
{
	const struct create_options *options = plan->options;

	if (!own_names && (options->hostname || options->domainname))
		return error_set(err, 0, "--%s does not go with --uts %s",
				 options->hostname ? "hostname" : "domainname", options->uts);
	if (options->hostname && !is_host_name(options->hostname))
		return error_set(err, 0,
				 "--hostname \"%s\": letters, digits, \"-\", \".\" and "
				 "\"_\" make a name",
				 options->hostname);
	if (options->hostname &&
	    !(plan->record->hostname = arena_strdup(plan->arena, options->hostname, err)))
		return -1;
	if (options->domainname &&
	    !(plan->spec->domainname = arena_strdup(plan->arena, options->domainname, err)))
		return -1;
	plan->spec->hostname = plan->record->hostname;
	return 0;
}

/* ---- kernel parameters ---- */

/*
 * Ports below 1024 and ping need no privilege in a network of one's own, as in
 * Docker. That of a network with a name gets it from network_up().
 */
static int set_network_sysctls(struct plan *plan, struct error *err)
{
	struct spec_linux *linux = plan->spec->linux;

	if (strcmp(plan->record->network->mode, "none") != 0)
		return 0;
	if (plan_set_pair(&linux->sysctl, &linux->n_sysctl, "net.ipv4.ip_unprivileged_port_start",
			  "0", plan->arena, err) < 0)
		return -1;
	/* The kernel takes only groups that the user namespace maps. */
	return plan->record->isolate_user || plan->store->is_rootless
		       ? 0
		       : plan_set_pair(&linux->sysctl, &linux->n_sysctl,
				       "net.ipv4.ping_group_range", "0 2147483647", plan->arena,
				       err);
}

static bool is_of_foreign_network(const struct plan *plan, const char *key)
{
	return plan->record->isolate_user && strncmp(key, "net", 3) == 0 &&
	       strcmp(plan->record->network->mode, "none") != 0;
}

static int set_sysctls(struct plan *plan, struct error *err)
{
	const struct option_strings *given = &plan->options->sysctl;
	struct spec_linux *linux = plan->spec->linux;

	if (set_network_sysctls(plan, err) < 0)
		return -1;
	for (size_t i = 0; i < given->count; i++) {
		const char *text = given->items[i], *equals = strchr(text, '=');
		char *key = equals ? arena_strndup(plan->arena, text, (size_t)(equals - text), err)
				   : NULL;

		if (!equals || equals == text)
			return error_set(err, 0, "--sysctl %s: write NAME=VALUE", text);
		if (key && is_of_foreign_network(plan, key))
			return error_set(err, 0,
					 "--sysctl %s: a container in a user namespace of its own "
					 "cannot change a network that it does not own (--network "
					 "none makes one that it does)",
					 text);
		if (!key || plan_set_pair(&linux->sysctl, &linux->n_sysctl, key, equals + 1,
					  plan->arena, err) < 0)
			return -1;
	}
	return 0;
}

int plan_isolation(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	bool is_host;

	if (wants_user_namespace(plan, &plan->record->isolate_user, err) < 0)
		return -1;
	if (set_namespace(plan, "pid", options->pid, NAMESPACE_PID, true, &plan->host_pid, err) <
		    0 ||
	    set_namespace(plan, "ipc", options->ipc, NAMESPACE_IPC, true, &plan->host_ipc, err) <
		    0 ||
	    set_namespace(plan, "uts", options->uts, NAMESPACE_UTS, true, &plan->host_uts, err) <
		    0 ||
	    set_namespace(plan, "cgroupns", options->cgroupns, NAMESPACE_CGROUP, false, &is_host,
			  err) < 0 ||
	    add_namespace(plan, NAMESPACE_MOUNT, err) < 0)
		return -1;
	plan->shares_ipc = options->ipc && str_starts_with(options->ipc, CONTAINER);
	if (plan->private_network && add_namespace(plan, NAMESPACE_NETWORK, err) < 0)
		return -1;
	if (plan->record->isolate_user && (plan->host_pid || plan->host_ipc))
		return error_set(err, 0, "--%s host does not go with a user namespace",
				 plan->host_pid ? "pid" : "ipc");
	if (plan->record->isolate_user &&
	    (add_namespace(plan, NAMESPACE_USER, err) < 0 || set_maps(plan, err) < 0))
		return -1;
	if (set_names(plan, !options->uts || strcmp(options->uts, "private") == 0, err) < 0)
		return -1;
	return set_sysctls(plan, err);
}
