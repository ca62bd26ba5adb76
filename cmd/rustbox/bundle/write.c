/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/write.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/vector.h"
#include "cmd/rustbox/network/network.h"
#include "cmd/rustbox/store/replace.h"

enum { CONFIG_LIMIT = JSON_SIZE_MAX, HOST_NAME_SIZE = 65 };

#define CONFIG "config.json"

/* ---- what needs the id ---- */

static bool has_variable(const struct spec_process *process, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < process->n_env; i++)
		if (strncmp(process->env[i], name, length) == 0 && process->env[i][length] == '=')
			return true;
	return false;
}

/* Its own names, or the host's; those of another container are not known before it runs. */
static int complete_names(const struct writing *w, struct error *err)
{
	const struct spec_namespace *uts = spec_find_namespace(w->spec, NAMESPACE_UTS);
	bool joins = spec_find_annotation(w->spec, BUNDLE_ANNOTATION_JOIN "uts");
	char host[HOST_NAME_SIZE] = "";

	if (uts && !joins) {
		if (!w->record->hostname &&
		    !(w->record->hostname = arena_strdup(w->arena, w->record->id, err)))
			return -1;
		w->spec->hostname = w->record->hostname;
	} else if (!uts && gethostname(host, sizeof(host) - 1) < 0) {
		return error_set(err, errno, "gethostname");
	}
	const char *name = w->record->hostname ? w->record->hostname : host;
	if (!*name || has_variable(w->spec->process, "HOSTNAME"))
		return 0;
	return vector_take_text(&w->spec->process->env, &w->spec->process->n_env,
				arena_format(w->arena, err, "HOSTNAME=%s", name), w->arena, err);
}

static int complete_cgroup(const struct writing *w, struct error *err)
{
	const char *parent = spec_find_annotation(w->spec, BUNDLE_ANNOTATION_CGROUP_PARENT);

	/* An ordinary user has cgroups beside its own, if at all. */
	const char *usual = w->store->is_rootless ? "rustbox-" : "/rustbox/";

	if (spec_find_annotation(w->spec, BUNDLE_ANNOTATION_SYSTEMD)) {
		w->spec->linux->cgroups_path = arena_format(w->arena, err, "%s:rustbox:%s",
							    parent ? parent : "", w->record->id);
		return w->spec->linux->cgroups_path ? 0 : -1;
	}
	w->spec->linux->cgroups_path = arena_format(
		w->arena, err, "%s%s%s", parent ? parent : usual, parent ? "/" : "", w->record->id);
	return w->spec->linux->cgroups_path ? 0 : -1;
}

/* network_up() binds the namespace there. */
static int complete_network(const struct writing *w, struct error *err)
{
	if (!network_is_needed(w->record))
		return 0;
	cleanup_free char *path = store_run_path(w->store, w->record->id, "netns", err);
	if (!path)
		return -1;
	for (size_t i = 0; i < w->spec->linux->n_namespaces; i++) {
		struct spec_namespace *namespace = &w->spec->linux->namespaces[i];

		if (namespace->type != NAMESPACE_NETWORK)
			continue;
		namespace->path = arena_strdup(w->arena, path, err);
		return namespace->path ? 0 : -1;
	}
	return 0;
}

/* ---- config.json ---- */

static int save(int bundle, const struct spec *spec, struct error *err)
{
	/* Indented it is twice as long, and it is read by four processes before a command runs. */
	cleanup_free char *text = json_write(&spec_type, spec, false, err);

	if (!text)
		return error_wrap(err, "write " CONFIG);
	return replace_file(bundle, CONFIG, text, false, err);
}

static int open_bundle(const struct store *store, const char *id, struct error *err)
{
	cleanup_free char *path = store_path(store, "bundles", id, NULL, err);
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return path && fd < 0 ? error_set(err, errno, "open %s", path) : fd;
}

int bundle_save_spec(const struct store *store, const char *id, const struct spec *spec,
		     struct error *err)
{
	cleanup_fd int bundle = open_bundle(store, id, err);

	return bundle < 0 ? -1 : save(bundle, spec, err);
}

int bundle_load_spec(const struct store *store, const char *id, struct arena *arena,
		     struct spec **ret, struct error *err)
{
	cleanup_fd int bundle = open_bundle(store, id, err);
	cleanup_free char *text = NULL;
	struct spec *spec = arena_alloc(arena, sizeof(*spec), err);
	size_t size;

	if (bundle < 0 || !spec ||
	    fd_read_file(bundle, CONFIG, CONFIG_LIMIT, &text, &size, err) < 0)
		return -1;
	if (spec_load(text, size, CONFIG, spec, arena, err) < 0)
		return error_wrap(err, "container %s", id);
	*ret = spec;
	return 0;
}

int bundle_write(struct store *store, struct record *record, struct spec *spec, int bundle,
		 struct arena *arena, struct error *err)
{
	const struct writing w = { store, record, spec, bundle, arena };

	if (complete_names(&w, err) < 0 || complete_cgroup(&w, err) < 0 ||
	    complete_network(&w, err) < 0 || write_overlay(&w, err) < 0 ||
	    write_init(&w, err) < 0 || write_shares(&w, err) < 0 ||
	    write_network_mounts(&w, err) < 0 || write_volumes(&w, err) < 0)
		return -1;
	return save(bundle, spec, err);
}

int bundle_keep_volumes(struct store *store, struct record *record, struct spec *spec,
			struct arena *arena, struct error *err)
{
	const struct writing w = { store, record, spec, -1, arena };

	return write_volumes_again(&w, err);
}

/* ---- before each start ---- */

int bundle_prepare_start(struct store *store, const struct record *record, struct arena *arena,
			 struct error *err)
{
	return write_overlay_again(store, record, err) < 0
		       ? -1
		       : write_shares_again(store, record, arena, err);
}
