/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/mount_request.h"

#include <stdint.h>
#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/mount_words.h"
#include "cmd/rustbox/bundle/vector.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/store/volume.h"

/* Calls `add` for each comma-separated word of a text that is changed. */
static int each_word(char *text, struct mount_request *request, struct arena *arena,
		     int (*add)(struct mount_request *, const char *, struct arena *,
				struct error *),
		     struct error *err)
{
	char *cursor = text;

	for (char *word = strsep(&cursor, ","); word; word = strsep(&cursor, ","))
		if (add(request, word, arena, err) < 0)
			return -1;
	return 0;
}

/* Of a bind, absolute; of a volume, its name. */
static int set_source(struct mount_request *request, const char *source, struct arena *arena,
		      struct error *err)
{
	if (request->kind == MOUNT_VOLUME) {
		if (volume_check_name(source, err) < 0)
			return error_hint(err, "a folder of the host begins with / or ./");
		request->source = arena_strdup(arena, source, err);
		return request->source ? 0 : -1;
	}
	cleanup_free char *absolute = path_absolute(source, err);
	cleanup_free char *clean = absolute ? path_clean(absolute, err) : NULL;
	request->source = clean ? arena_strdup(arena, clean, err) : NULL;
	return request->source ? 0 : -1;
}

/* ---- --volume ---- */

static int parse_volume(char *text, struct arena *arena, struct mount_request *ret,
			struct error *err)
{
	char *source = text, *target = strchr(text, ':'), *options = NULL;

	if (!target) {
		ret->kind = MOUNT_VOLUME;
		return mount_words_set_destination(ret, text, arena, err);
	}
	*target++ = '\0';
	options = strchr(target, ':');
	if (options)
		*options++ = '\0';
	if (!*source || !*target || (options && (!*options || strchr(options, ':'))))
		return error_set(err, 0, "write [SOURCE:]TARGET[:OPTIONS]");
	/* "a/b" would be neither a name nor what looks like a path. */
	ret->kind = *source == '/' || *source == '.' ? MOUNT_BIND : MOUNT_VOLUME;
	ret->makes_source = ret->kind == MOUNT_BIND;
	if (set_source(ret, source, arena, err) < 0 ||
	    mount_words_set_destination(ret, target, arena, err) < 0)
		return -1;
	return options ? each_word(options, ret, arena, mount_words_add_volume, err) : 0;
}

int mount_request_parse_volume(const char *text, struct arena *arena, struct mount_request *ret,
			       struct error *err)
{
	char *copy = arena_strdup(arena, text, err);

	*ret = (struct mount_request){ 0 };
	if (!copy)
		return -1;
	return parse_volume(copy, arena, ret, err) < 0 ? error_wrap(err, "--volume %s", text) : 0;
}

/* ---- --tmpfs ---- */

int mount_request_parse_tmpfs(const char *text, struct arena *arena, struct mount_request *ret,
			      struct error *err)
{
	char *copy = arena_strdup(arena, text, err), *options = copy ? strchr(copy, ':') : NULL;

	*ret = (struct mount_request){ .kind = MOUNT_TMPFS };
	if (!copy)
		return -1;
	if (options)
		*options++ = '\0';
	if (mount_words_set_destination(ret, copy, arena, err) < 0 ||
	    (options && each_word(options, ret, arena, mount_words_add_tmpfs, err) < 0) ||
	    mount_words_finish_tmpfs(ret, arena, err) < 0)
		return error_wrap(err, "--tmpfs %s", text);
	return 0;
}

/* ---- --mount ---- */

/* The next comma-separated field of a text that is changed; quotes as of CSV. 0 at the end. */
static int next_field(char **cursor, char **ret, struct error *err)
{
	char *out = *cursor, *in = out;

	*ret = *cursor;
	if (!in)
		return 0;
	if (*in != '"') {
		(void)strsep(cursor, ",");
		return 1;
	}
	for (in++; *in && (*in != '"' || in[1] == '"'); in++) {
		in += *in == '"';
		*out++ = *in;
	}
	if (*in != '"' || (in[1] && in[1] != ','))
		return error_set(err, 0, "a quotation mark is missing or misplaced");
	*cursor = in[1] ? in + 2 : NULL;
	*out = '\0';
	return 1;
}

struct field {
	const char *key, *value; /* value NULL: none was given */
};

static int read_truth(const struct field *field, bool *ret, struct error *err)
{
	const char *value = field->value ? field->value : "true";

	if (strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		*ret = true;
	else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		*ret = false;
	else
		return error_set(err, 0, "%s=%s: neither true nor false", field->key, value);
	return 0;
}

static int set_recursion(struct mount_request *request, const char *value, struct error *err)
{
	if (strcmp(value, "disabled") == 0)
		request->not_recursive = true;
	else if (strcmp(value, "writable") == 0)
		request->writable_below = true;
	else if (strcmp(value, "enabled") != 0 && strcmp(value, "readonly") != 0)
		return error_set(err, 0,
				 "bind-recursive=%s: not one of enabled, disabled, writable, "
				 "readonly",
				 value);
	return 0;
}

static int add_size(struct mount_request *request, const char *value, struct arena *arena,
		    struct error *err)
{
	int64_t bytes;

	if (format_read_size(value, false, &bytes, err) < 0)
		return error_wrap(err, "tmpfs-size");
	return vector_take_text(&request->options, &request->n_options,
				arena_format(arena, err, "size=%lld", (long long)bytes), arena,
				err);
}

static int add_mode(struct mount_request *request, const char *value, struct arena *arena,
		    struct error *err)
{
	uint64_t mode;

	if (!str_to_uint(value, 8, 07777, &mode))
		return error_set(err, 0, "tmpfs-mode=%s: not an octal mode", value);
	return vector_take_text(&request->options, &request->n_options,
				arena_format(arena, err, "mode=%llo", (unsigned long long)mode),
				arena, err);
}

/* Those that only one type has; 1 when it is none of them. */
static int apply_own(struct mount_request *request, const struct field *field, struct arena *arena,
		     struct error *err)
{
	const char *key = field->key, *value = field->value ? field->value : "";

	if (request->kind == MOUNT_BIND && strcmp(key, "bind-propagation") == 0)
		return mount_words_set_propagation(request, value, err);
	if (request->kind == MOUNT_BIND && strcmp(key, "bind-recursive") == 0)
		return set_recursion(request, value, err);
	if (request->kind == MOUNT_BIND && strcmp(key, "bind-nonrecursive") == 0)
		return read_truth(field, &request->not_recursive, err);
	if (request->kind == MOUNT_BIND && strcmp(key, "bind-create-src") == 0)
		return read_truth(field, &request->makes_source, err);
	if (request->kind == MOUNT_VOLUME && strcmp(key, "volume-nocopy") == 0)
		return read_truth(field, &request->no_copy, err);
	if (request->kind == MOUNT_TMPFS && strcmp(key, "tmpfs-size") == 0)
		return add_size(request, value, arena, err);
	if (request->kind == MOUNT_TMPFS && strcmp(key, "tmpfs-mode") == 0)
		return add_mode(request, value, arena, err);
	return 1;
}

static bool is_key(const struct field *field, const char *a, const char *b, const char *c)
{
	return str_equal(field->key, a) || str_equal(field->key, b) || str_equal(field->key, c);
}

static int apply_field(struct mount_request *request, const struct field *field,
		       struct arena *arena, struct error *err)
{
	static const char *const types[] = { "bind", "volume", "tmpfs" };
	int own = apply_own(request, field, arena, err);

	if (own <= 0)
		return own;
	if (is_key(field, "readonly", "ro", "ro"))
		return read_truth(field, &request->read_only, err);
	if (is_key(field, "type", "type", "type") || str_equal(field->key, "consistency"))
		return 0;
	if (!field->value || !*field->value)
		return error_set(err, 0, "\"%s\" needs a value", field->key);
	if (is_key(field, "target", "dst", "destination"))
		return mount_words_set_destination(request, field->value, arena, err);
	if (is_key(field, "source", "src", "source") && request->kind != MOUNT_TMPFS)
		return set_source(request, field->value, arena, err);
	return error_set(err, 0, "type %s has no field \"%s\"", types[request->kind], field->key);
}

static int set_kind(struct mount_request *request, const char *type, struct error *err)
{
	if (strcmp(type, "bind") == 0)
		request->kind = MOUNT_BIND;
	else if (strcmp(type, "volume") == 0)
		request->kind = MOUNT_VOLUME;
	else if (strcmp(type, "tmpfs") == 0)
		request->kind = MOUNT_TMPFS;
	else
		return error_set(err, 0, "type \"%s\" is not one of bind, volume, tmpfs", type);
	return 0;
}

static int read_fields(char *text, struct arena *arena, struct field **ret, size_t *ret_n,
		       struct error *err)
{
	char *cursor = text, *word;
	int more;

	while ((more = next_field(&cursor, &word, err)) > 0) {
		struct field *field = VECTOR_ADD(*ret, *ret_n, arena, err);
		char *value = strchr(word, '=');

		if (!field)
			return -1;
		if (value)
			*value++ = '\0';
		*field = (struct field){ word, value };
	}
	return more;
}

static int parse_mount(char *text, struct arena *arena, struct mount_request *ret,
		       struct error *err)
{
	struct field *fields = NULL;
	size_t n = 0;

	ret->kind = MOUNT_VOLUME;
	if (read_fields(text, arena, &fields, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].key, "type") == 0 &&
		    set_kind(ret, fields[i].value ? fields[i].value : "", err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (apply_field(ret, &fields[i], arena, err) < 0)
			return -1;
	if (!ret->destination)
		return error_set(err, 0, "dst= is missing");
	if (ret->kind == MOUNT_BIND && !ret->source)
		return error_set(err, 0, "src= is missing");
	return ret->kind == MOUNT_TMPFS ? mount_words_finish_tmpfs(ret, arena, err) : 0;
}

int mount_request_parse_mount(const char *text, struct arena *arena, struct mount_request *ret,
			      struct error *err)
{
	char *copy = arena_strdup(arena, text, err);

	*ret = (struct mount_request){ 0 };
	if (!copy)
		return -1;
	return parse_mount(copy, arena, ret, err) < 0 ? error_wrap(err, "--mount %s", text) : 0;
}
