/* SPDX-License-Identifier: Apache-2.0 */
/* What CRIU is asked for, as its messages say it. */
#include <sched.h>
#include <stdint.h>

#include "base/fd.h"
#include "proto/criu.pb-c.h"
#include "runtime/criu_talk.h"

/* Debug: a log that can be read when something has failed. */
enum { LOG_LEVEL = 4 };

static const Criu__CgroupMode cgroup_modes[] = {
	[CRIU_CGROUPS_SOFT] = CRIU__CGROUP_MODE__SOFT,
	[CRIU_CGROUPS_FULL] = CRIU__CGROUP_MODE__FULL,
	[CRIU_CGROUPS_STRICT] = CRIU__CGROUP_MODE__STRICT,
	[CRIU_CGROUPS_IGNORE] = CRIU__CGROUP_MODE__IGNORE,
};
static const Criu__NetworkLock network_locks[] = {
	[CRIU_LOCK_DEFAULT] = CRIU__NETWORK_LOCK__IPTABLES,
	[CRIU_LOCK_IPTABLES] = CRIU__NETWORK_LOCK__IPTABLES,
	[CRIU_LOCK_NFTABLES] = CRIU__NETWORK_LOCK__NFTABLES,
	[CRIU_LOCK_SKIP] = CRIU__NETWORK_LOCK__SKIP,
};
static const Criu__Action actions[] = {
	[CRIU_DUMP] = CRIU__ACTION__DUMP,
	[CRIU_PRE_DUMP] = CRIU__ACTION__SINGLE_PRE_DUMP,
	[CRIU_RESTORE] = CRIU__ACTION__RESTORE,
	[CRIU_FEATURES] = CRIU__ACTION__FEATURE_CHECK,
};
/* The texts are only read. */
static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

#define SET(o, member, given)                                                                      \
	do {                                                                                       \
		(o)->has_##member = true;                                                          \
		(o)->member = (given);                                                             \
	} while (0)

static void set_user_options(Criu__Options *o, const struct criu_request *request)
{
	const struct criu_options *given = request->options;

	SET(o, ext_unix_sk, given->ext_unix_sk);
	SET(o, tcp_established, given->tcp_established);
	SET(o, tcp_skip_in_flight, given->tcp_skip_in_flight);
	SET(o, tcp_close, given->tcp_close);
	SET(o, shell_job, given->shell_job);
	SET(o, file_locks, given->file_locks);
	SET(o, link_remap, given->link_remap);
	SET(o, auto_dedup, given->auto_dedup);
	SET(o, lazy_pages, given->lazy_pages);
	SET(o, cgroup_mode,
	    cgroup_modes[request->ignore_cgroups ? CRIU_CGROUPS_IGNORE : given->cgroup_mode]);
	if (given->network_lock != CRIU_LOCK_DEFAULT)
		SET(o, network_lock, network_locks[given->network_lock]);
	if (given->empty_network)
		SET(o, empty_namespaces, CLONE_NEWNET);
	o->lsm_profile = text(given->lsm_profile);
	o->lsm_mount_context = text(given->lsm_mount_context);
	o->parent_images = text(given->parent_path);
}

static void set_options(Criu__Options *o, const struct criu_request *request)
{
	bool restores = request->action == CRIU_RESTORE;

	o->images_dir_fd = CRIU_FD_IMAGES;
	SET(o, work_dir_fd, CRIU_FD_WORK);
	SET(o, log_level, LOG_LEVEL);
	SET(o, notify_scripts, true);
	SET(o, orphan_pts_master, !request->has_terminal);
	set_user_options(o, request);
	if (restores)
		SET(o, restore_as_sibling, true);
	else
		SET(o, pid, request->pid);
	if (!restores)
		SET(o, leave_running, request->options->leave_running);
	/* Pages that a later one may refer to, or that are in an earlier one. */
	if (request->action == CRIU_PRE_DUMP || request->options->parent_path)
		SET(o, track_memory, true);
	o->log_file = text(request->log_file);
	o->root = text(request->root);
	o->freeze_cgroup = text(request->freeze_cgroup);
	o->config_file = text(request->config_file);
	o->n_external = request->n_external;
	o->external = (char **)(uintptr_t)request->external;
}

/* One message more for a list of pointers to such. */
#define ADD(list, count, type, init)                                                               \
	({                                                                                         \
		type *added_ = arena_alloc(arena, sizeof(*added_), err);                           \
		if (added_) {                                                                      \
			*added_ = (type)init;                                                      \
			(list)[(count)++] = added_;                                                \
		}                                                                                  \
		added_;                                                                            \
	})

static int set_lists(Criu__Options *o, const struct criu_request *request, struct arena *arena,
		     struct error *err)
{
	o->inherited = arena_array(arena, request->n_inherited, sizeof(*o->inherited), err);
	o->joined = arena_array(arena, request->n_joined, sizeof(*o->joined), err);
	o->cgroup_roots =
		arena_array(arena, request->n_cgroup_roots, sizeof(*o->cgroup_roots), err);
	if (!o->inherited || !o->joined || !o->cgroup_roots)
		return -1;
	for (size_t i = 0; i < request->n_inherited; i++) {
		Criu__InheritedDescriptor *m =
			ADD(o->inherited, o->n_inherited, Criu__InheritedDescriptor,
			    CRIU__INHERITED_DESCRIPTOR__INIT);
		if (!m)
			return -1;
		m->key = text(request->inherited[i].key);
		m->fd = request->inherited[i].fd;
	}
	for (size_t i = 0; i < request->n_joined; i++) {
		Criu__JoinedNamespace *m = ADD(o->joined, o->n_joined, Criu__JoinedNamespace,
					       CRIU__JOINED_NAMESPACE__INIT);
		if (!m)
			return -1;
		m->type = text(request->joined[i].key);
		m->path = text(request->joined[i].value);
	}
	for (size_t i = 0; i < request->n_cgroup_roots; i++) {
		Criu__CgroupRoot *m = ADD(o->cgroup_roots, o->n_cgroup_roots, Criu__CgroupRoot,
					  CRIU__CGROUP_ROOT__INIT);
		if (!m)
			return -1;
		m->controller = text(request->cgroup_roots[i].key);
		m->path = text(request->cgroup_roots[i].value);
	}
	return 0;
}

static int send_message(int socket, const Criu__Request *message, struct error *err)
{
	size_t size = criu__request__get_packed_size(message);
	cleanup_free uint8_t *packet = malloc(size ? size : 1);

	if (!packet)
		return error_memory(err);
	(void)criu__request__pack(message, packet);
	if (fd_send_packet(socket, packet, size, NULL, 0) == 0)
		return 0;
	return errno == EPIPE ? error_set(err, 0, CRIU_NO_ANSWER)
			      : error_set(err, errno, "send criu a request");
}

int criu_send_request(int socket, const struct criu_request *request, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	Criu__Request message = CRIU__REQUEST__INIT;
	Criu__Options options = CRIU__OPTIONS__INIT;
	Criu__PageServer server = CRIU__PAGE_SERVER__INIT;
	Criu__Features features = CRIU__FEATURES__INIT;

	message.action = actions[request->action];
	if (request->action == CRIU_FEATURES) {
		SET(&features, mem_track, true);
		SET(&features, lazy_pages, true);
		message.features = &features;
		return send_message(socket, &message, err);
	}
	set_options(&options, request);
	if (set_lists(&options, request, &arena, err) < 0)
		return -1;
	if (request->options->page_server_address) {
		server.address = text(request->options->page_server_address);
		SET(&server, port, request->options->page_server_port);
		options.page_server = &server;
	}
	message.options = &options;
	return send_message(socket, &message, err);
}

int criu_send_reply(int socket, bool success, struct error *err)
{
	Criu__Request reply = CRIU__REQUEST__INIT;

	reply.action = CRIU__ACTION__NOTIFY;
	SET(&reply, notify_success, success);
	return send_message(socket, &reply, err);
}
