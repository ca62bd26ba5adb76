/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/criu_choices.h"

#include "base/path.h"

const char *const criu_cgroup_modes[] = { "soft", "full", "strict", "ignore", NULL };
const char *const criu_network_locks[] = { "default", "iptables", "nftables", "skip", NULL };

static const char *default_images(struct arena *arena, struct error *err)
{
	cleanup_free char *path = path_absolute("checkpoint", err);

	return path ? arena_strdup(arena, path, err) : NULL;
}

int criu_choices_read(const struct criu_choices *choices, struct arena *arena,
		      struct criu_options *ret, struct error *err)
{
	struct criu_options options = {
		.program = choices->program,
		.image_path = choices->image_path,
		.work_path = choices->work_path,
		.status_fd = -1,
		.cgroup_mode = (enum criu_cgroup_mode)choices->cgroup_mode,
		.network_lock = (enum criu_network_lock)choices->network_lock,
		.tcp_established = choices->tcp_established,
		.tcp_close = choices->tcp_close,
		.ext_unix_sk = choices->ext_unix_sk,
		.shell_job = choices->shell_job,
		.file_locks = choices->file_locks,
		.link_remap = choices->link_remap,
		.lazy_pages = choices->lazy_pages,
		.auto_dedup = choices->auto_dedup,
	};

	for (size_t i = 0; i < choices->empty_namespaces.count; i++) {
		const char *name = choices->empty_namespaces.items[i];

		if (!str_equal(name, "network"))
			return error_set(err, 0, "--empty-ns %s: CRIU knows only network", name);
		options.empty_network = true;
	}
	if (!options.image_path && !(options.image_path = default_images(arena, err)))
		return -1;
	*ret = options;
	return 0;
}
