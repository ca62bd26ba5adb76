/* SPDX-License-Identifier: Apache-2.0 */
/* What may block: in a child, so that the loop goes on. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/network/network.h"
#include "cmd/rustbox/supervisor/supervisor_parts.h"
#include "shim/background.h"
#include "shim/rootfs_mount.h"

static int take_up_network(void *data, struct error *err)
{
	const struct supervisor *s = data;

	if (network_up(s->store, s->record, err) < 0 ||
	    bundle_write_network_files(s->store, s->record, err) < 0)
		return -1;
	return bundle_write_names(s->store, s->record, err);
}

static int take_down_network(void *data, struct error *err)
{
	const struct supervisor *s = data;

	if (network_down(s->store, s->record, err) < 0)
		return -1;
	return bundle_write_names(s->store, s->record, err);
}

static int publish(void *data, struct error *err)
{
	const struct supervisor *s = data;

	return network_publish(s->store, s->record, s->publish.network, err);
}

static int clean_up(void *data, struct error *err)
{
	const struct supervisor *s = data;

	return s->store->clean_up(s->store, s->record, err);
}

int aside_run(struct supervisor *s, enum aside_work work,
	      void (*done)(void *data, const char *failure), struct error *err)
{
	static int (*const works[])(void *data, struct error *err) = {
		[ASIDE_NETWORK_UP] = take_up_network,
		[ASIDE_NETWORK_DOWN] = take_down_network,
		[ASIDE_PUBLISH] = publish,
		[ASIDE_CLEAN_UP] = clean_up,
	};
	/* With the lock: as long as a child is at it, nobody else begins to clean up. */
	const int keep[] = { s->store->root_fd, s->store->run_fd, s->lock };

	return background_run(s->tasks.reaper, works[work], s, keep, sizeof(keep) / sizeof(*keep),
			      done, s, err);
}

bool aside_has_remains(const struct supervisor *s)
{
	struct error err;
	cleanup_free char *state =
		str_format(&err, "%s/" SUPERVISOR_NAMESPACE "/%s", s->runtime_root, s->id);
	cleanup_free char *rootfs = store_path(s->store, "bundles", s->id, "rootfs", &err);

	return !state || !rootfs || access(state, F_OK) == 0 || rootfs_is_mounted(rootfs);
}
