/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/container/inspect.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/store/tree.h"

/* What Docker shows for a time that has not come. */
static const char never[] = "0001-01-01T00:00:00Z";

/* ---- building ---- */

struct value *inspect_object(struct inspect *in)
{
	return value_object(&in->arena, in->err);
}

struct value *inspect_list(struct inspect *in)
{
	return value_list(&in->arena, in->err);
}

void inspect_put(struct inspect *in, struct value *object, const char *key, struct value *value)
{
	if (value_add(object, key, value, &in->arena, in->err) < 0)
		in->failed = true;
}

void inspect_append(struct inspect *in, struct value *list, struct value *value)
{
	if (value_append(list, value, &in->arena, in->err) < 0)
		in->failed = true;
}

void inspect_text(struct inspect *in, struct value *object, const char *key, const char *text)
{
	inspect_put(in, object, key, value_text(&in->arena, text, in->err));
}

void inspect_number(struct inspect *in, struct value *object, const char *key, int64_t number)
{
	inspect_put(in, object, key, value_number(&in->arena, number, in->err));
}

void inspect_bool(struct inspect *in, struct value *object, const char *key, bool truth)
{
	inspect_put(in, object, key, value_bool(&in->arena, truth, in->err));
}

static void put_null(struct inspect *in, struct value *object, const char *key)
{
	inspect_put(in, object, key, arena_alloc(&in->arena, sizeof(struct value), in->err));
}

void inspect_texts(struct inspect *in, struct value *object, const char *key, char *const *texts,
		   size_t n)
{
	struct value *list = n ? inspect_list(in) : NULL;

	if (n == 0) {
		put_null(in, object, key);
		return;
	}
	for (size_t i = 0; i < n; i++)
		inspect_append(in, list, value_text(&in->arena, texts[i], in->err));
	inspect_put(in, object, key, list);
}

void inspect_pairs(struct inspect *in, struct value *object, const char *key,
		   const struct json_pair *pairs, size_t n)
{
	struct value *map = inspect_object(in);

	for (size_t i = 0; i < n; i++)
		inspect_text(in, map, pairs[i].key, pairs[i].value);
	inspect_put(in, object, key, map);
}

void inspect_path(struct inspect *in, struct value *object, const char *key, const char *folder,
		  const char *name)
{
	cleanup_free char *path = store_path(in->store, folder, in->record->id, name, in->err);

	if (!path)
		in->failed = true;
	inspect_text(in, object, key, path);
}

/* ---- its parts ---- */

/* Docker knows no Stopped. */
static void put_status(struct inspect *in, struct value *state)
{
	int status = in->record->state->status;
	const char *ours = record_status_names[status];
	char name[32] = "exited";

	if (status != RECORD_STOPPED)
		for (size_t i = 0; ours[i] && i + 1 < sizeof(name); i++) {
			name[i] = (char)tolower((unsigned char)ours[i]);
			name[i + 1] = '\0';
		}
	inspect_text(in, state, "Status", name);
	inspect_bool(in, state, "Running", record_is_live(in->record));
	inspect_bool(in, state, "Paused", status == RECORD_PAUSED);
	inspect_bool(in, state, "Restarting", status == RECORD_RESTARTING);
	inspect_bool(in, state, "Stopped", status == RECORD_STOPPED);
}

static void put_health(struct inspect *in, struct value *state)
{
	const struct record_state *s = in->record->state;
	struct value *health;

	if (!in->record->health || s->health == HEALTH_NONE)
		return;
	health = inspect_object(in);
	inspect_text(in, health, "Status", record_health_names[s->health]);
	inspect_number(in, health, "FailingStreak", (int64_t)s->failing_streak);
	struct value *log = inspect_list(in);
	if (s->health_output) {
		struct value *last = inspect_object(in);
		inspect_text(in, last, "Output", s->health_output);
		inspect_append(in, log, last);
	}
	inspect_put(in, health, "Log", log);
	inspect_put(in, state, "Health", health);
}

static struct value *inspect_state(struct inspect *in)
{
	const struct record_state *s = in->record->state;
	struct value *state = inspect_object(in);

	put_status(in, state);
	inspect_bool(in, state, "OOMKilled", s->oom_killed);
	inspect_number(in, state, "OOMPid", s->oom_pid);
	inspect_text(in, state, "OOMTask", s->oom_task);
	inspect_bool(in, state, "Dead", false);
	inspect_number(in, state, "Pid", s->pid);
	inspect_number(in, state, "ExitCode", s->exit_code);
	inspect_number(in, state, "Signal", s->signal);
	inspect_text(in, state, "Error", s->error);
	inspect_text(in, state, "EndedBy", s->ended_by);
	inspect_text(in, state, "StartedAt", s->started ? s->started : never);
	inspect_text(in, state, "FinishedAt", s->finished ? s->finished : never);
	inspect_bool(in, state, "ManuallyStopped", s->manually_stopped);
	inspect_bool(in, state, "FilesLost", s->lost);
	put_health(in, state);
	return state;
}

static struct value *inspect_driver(struct inspect *in)
{
	const struct record *record = in->record;
	struct value *driver = inspect_object(in), *data = inspect_object(in);
	cleanup_str struct str lower = STR_EMPTY;

	for (size_t i = 0; i < record->n_lower; i++)
		str_add_format(&lower, "%s%s", i ? ":" : "", record->lower[i]);
	inspect_text(in, data, "LowerDir", lower.text);
	inspect_path(in, data, "MergedDir", "overlay", "merged");
	inspect_path(in, data, "UpperDir", "overlay", "upperdir");
	inspect_path(in, data, "WorkDir", "overlay", "workdir");
	inspect_put(in, driver, "Data", data);
	inspect_text(in, driver, "Name", "overlay2");
	return driver;
}

static void put_command(struct inspect *in, struct value *document)
{
	const struct spec_process *process = in->spec->process;
	size_t n = process ? process->n_args : 0;
	struct value *rest = inspect_list(in);

	inspect_text(in, document, "Path", n ? process->args[0] : "");
	for (size_t i = 1; i < n; i++)
		inspect_append(in, rest, value_text(&in->arena, process->args[i], in->err));
	inspect_put(in, document, "Args", rest);
}

/* Docker's paths of its own files, with ours. */
static void put_files(struct inspect *in, struct value *document)
{
	inspect_path(in, document, "ResolvConfPath", "bundles", "resolv.conf");
	inspect_path(in, document, "HostnamePath", "bundles", "hostname");
	inspect_path(in, document, "HostsPath", "bundles", "hosts");
	inspect_path(in, document, "LogPath", "logs", "stdout.log");
	inspect_path(in, document, "BundlePath", "bundles", NULL);
}

static int put_sizes(struct inspect *in, struct value *document, struct error *err)
{
	uint64_t own, size;
	cleanup_free char *upper = str_format(err, "overlay/%s/upperdir", in->record->id);

	if (!upper || tree_disk_usage(in->store->root_fd, upper, &own, err) < 0)
		return -1;
	inspect_number(in, document, "SizeRw", (int64_t)own);
	for (size_t i = 0; i < in->record->n_lower; i++) {
		if (tree_disk_usage(AT_FDCWD, in->record->lower[i], &size, err) < 0)
			return -1;
		own += size;
	}
	inspect_number(in, document, "SizeRootFs", (int64_t)own);
	return 0;
}

static struct value *make_document(struct inspect *in)
{
	const struct record *record = in->record;
	struct value *document = inspect_object(in);
	const char *name = arena_format(&in->arena, in->err, "/%s", record->name);

	inspect_text(in, document, "Id", record->id);
	inspect_text(in, document, "Created", record->created);
	put_command(in, document);
	inspect_put(in, document, "State", inspect_state(in));
	inspect_text(in, document, "Image", record->image_id);
	put_files(in, document);
	inspect_text(in, document, "Name", name);
	inspect_number(in, document, "RestartCount", (int64_t)record->state->restart_count);
	inspect_text(in, document, "Driver", "overlay2");
	inspect_text(in, document, "Platform", "linux");
	if (in->spec->process)
		inspect_text(in, document, "AppArmorProfile", in->spec->process->apparmor_profile);
	inspect_put(in, document, "HostConfig", inspect_host_config(in));
	inspect_put(in, document, "GraphDriver", inspect_driver(in));
	inspect_put(in, document, "Mounts", inspect_mounts(in));
	inspect_put(in, document, "Config", inspect_config(in));
	inspect_put(in, document, "NetworkSettings", inspect_network(in));
	return document;
}

/* A container whose bundle was damaged can be looked at, too. */
static const struct spec *load_spec(struct inspect *in)
{
	static const struct spec empty;
	static const struct spec_linux empty_linux;
	struct spec *spec, *copy;
	struct error err;

	if (bundle_load_spec(in->store, in->record->id, &in->arena, &spec, &err) == 0)
		return spec;
	log_warning("%s", err.text);
	copy = arena_alloc(&in->arena, sizeof(*copy), in->err);
	if (!copy)
		return NULL;
	*copy = empty;
	copy->linux = (struct spec_linux *)(uintptr_t)&empty_linux;
	return copy;
}

char *containers_inspect(struct store *store, const struct record *record, bool with_size,
			 struct error *err)
{
	struct inspect in = { .store = store, .record = record, .arena = ARENA_EMPTY, .err = err };
	cleanup_str struct str text = STR_EMPTY;
	char *result = NULL;

	in.spec = load_spec(&in);
	if (in.spec) {
		struct value *document = make_document(&in);
		if (with_size && document && put_sizes(&in, document, err) < 0)
			in.failed = true;
		if (document && !in.failed) {
			value_write(&text, document, true);
			result = str_take(&text, err);
		}
	}
	arena_free(&in.arena);
	return result;
}
