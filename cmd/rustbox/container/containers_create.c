/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/store/event.h"
#include "cmd/rustbox/store/volume.h"

static int find_image(struct store *store, const struct create_options *options,
		      struct arena *arena, struct image **ret, struct error *err)
{
	*ret = NULL;
	return options->image ? image_find(store, options->image, arena, ret, err) : 0;
}

/* ---- the file with the id ---- */

/* Made before the container, so that two commands do not have the same one. */
static int make_id_file(const char *path, struct error *err)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;

	if (fd >= 0 || !path)
		return fd;
	(void)error_set(err, errno, "make %s for the container's id", path);
	return err->code == EEXIST ? error_hint(err, "another container's? remove the file") : -1;
}

static int write_id_file(int fd, const char *path, const char *id, struct error *err)
{
	return fd < 0 ? 0 : fd_write_all(fd, path, id, strlen(id), err);
}

/* ---- the container ---- */

/*
 * One that is to be started and goes with its end has something to clean up
 * from the beginning, should its supervisor be killed: what that one would have
 * to write first.
 */
static int add_state(const struct store *store, struct record *record, bool starts,
		     struct arena *arena, struct error *err)
{
	record->created = clock_date_text(arena, err);
	record->state->status = starts && record->auto_remove ? RECORD_RESTARTING : RECORD_CREATED;
	record->state->boot_id = arena_strdup(arena, store->boot_id, err);
	return record->created && record->state->boot_id ? 0 : -1;
}

/* The id and the bundle's folder, which is locked, are there already. */
static int fill(struct store *store, struct record *record, struct spec *spec, int bundle,
		bool starts, struct arena *arena, struct error *err)
{
	if (add_state(store, record, starts, arena, err) < 0 ||
	    bundle_write(store, record, spec, bundle, arena, err) < 0)
		return -1;
	/* One that goes with its end has nothing to survive a power failure for. */
	if (store_save(store, record, !record->auto_remove, err) < 0)
		return -1;
	/* From now on the record says whose its volumes are, but for one that a reboot removes. */
	if (!record->auto_remove)
		volume_unmark_owner(bundle);
	return bundle_keep_volumes(store, record, spec, arena, err);
}

static void undo(struct store *store, const struct record *record)
{
	struct error err;

	/* What gets ready for it makes files of its own. */
	if (store_wait_unsupervised(store, record->id, CONTAINER_END_MS, &err) < 0 ||
	    store_remove(store, record, &err) < 0)
		log_warning("remove what was made of container %s: %s", record->id, err.text);
}

static struct container_start move_start(struct container_start *start)
{
	struct container_start moved = *start;

	*start = (struct container_start)CONTAINER_START_NONE;
	return moved;
}

static int make(struct store *store, const struct create_options *options, struct record *record,
		struct spec *spec, int id_file, struct arena *arena,
		struct container_start *ret_start, struct error *err)
{
	cleanup_container_start struct container_start start = CONTAINER_START_NONE;
	struct store_claim claim = { .bundle = -1 };

	if (store_claim(store, options->name, arena, &claim, &record->name, err) < 0)
		return -1;
	start.lock = claim.bundle;
	record->id = arena_strdup(arena, claim.id, err);
	if (!record->id)
		return -1; /* half made, without a record: removed by whoever looks next */
	if ((ret_start && supervisor_launch(store, record->id, NULL, &start.supervisor, err) < 0) ||
	    fill(store, record, spec, start.lock, ret_start, arena, err) < 0 ||
	    write_id_file(id_file, options->cidfile, record->id, err) < 0) {
		supervisor_cancel(&start.supervisor);
		undo(store, record);
		return error_wrap(err, "make a container in %s", store->root);
	}
	event_of_container(store, record, "create", NULL, NULL);
	if (ret_start)
		*ret_start = move_start(&start);
	return 0;
}

void container_start_done(struct container_start *start)
{
	supervisor_cancel(&start->supervisor);
	fd_close(&start->lock);
}

int containers_create(struct store *store, const struct create_options *options, char **args,
		      struct arena *arena, struct record **ret, struct container_start *ret_start,
		      struct error *err)
{
	struct image *image;
	struct record *record;
	struct spec *spec;
	/* Until the record says that its layers are needed. */
	cleanup_fd int hold = options->image ? image_hold(store, err) : -1;

	if (options->image && hold < 0)
		return -1;
	if (find_image(store, options, arena, &image, err) < 0 ||
	    bundle_plan(store, options, args, image, arena, &record, &spec, err) < 0)
		return -1;
	cleanup_fd int id_file = make_id_file(options->cidfile, err);
	if (options->cidfile && id_file < 0)
		return -1;
	if (make(store, options, record, spec, id_file, arena, ret_start, err) < 0) {
		if (id_file >= 0)
			(void)unlink(options->cidfile);
		return -1;
	}
	*ret = record;
	return 0;
}
