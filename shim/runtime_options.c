/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/runtime_options.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "oci/json.h"
#include "proto/options.pb-c.h"
#include "proto/runtime_options.pb-c.h"
#include "proto/unpack.h"
#include "shim/toml.h"

#define FILE_NAME "options.json"
enum { FILE_MAX = 64 * 1024, TOML_MAX = 1024 * 1024 };

/* options.json's, and TOML's. */
static const struct json_field option_fields[] = {
	FIELD(runtime_options, no_pivot_root, "NoPivotRoot"),
	FIELD(runtime_options, no_new_keyring, "NoNewKeyring"),
	FIELD(runtime_options, systemd_cgroup, "SystemdCgroup"),
	FIELD(runtime_options, io_uid, "IoUid"),
	FIELD(runtime_options, io_gid, "IoGid"),
	FIELD(runtime_options, shim_cgroup, "ShimCgroup"),
	FIELD(runtime_options, binary_name, "BinaryName"),
	FIELD(runtime_options, root, "Root"),
	FIELD(runtime_options, criu_work_path, "CriuWorkPath"),
	FIELD(runtime_options, criu_image_path, "CriuImagePath"),
	{ NULL },
};
static const struct json_type options_type = { sizeof(struct runtime_options), option_fields,
					       NULL };
enum { N_OPTIONS = sizeof(option_fields) / sizeof(option_fields[0]) - 1 };

/* ---- checks, whatever they came from ---- */

static int check_path(const char *key, const char *path, struct error *err)
{
	if (!path || path[0] == '/')
		return 0;
	return error_set(err, EINVAL, "%s \"%s\": must be an absolute path", key, path);
}

static char *text_or_null(char *text)
{
	return text && *text ? text : NULL;
}

/* Empty texts count as not given; the root gets its default. */
static int finish(struct runtime_options *o, struct arena *arena, struct error *err)
{
	o->shim_cgroup = text_or_null(o->shim_cgroup);
	o->binary_name = text_or_null(o->binary_name);
	o->root = text_or_null(o->root);
	o->criu_work_path = text_or_null(o->criu_work_path);
	o->criu_image_path = text_or_null(o->criu_image_path);
	if (check_path("Root", o->root, err) < 0 ||
	    check_path("CriuWorkPath", o->criu_work_path, err) < 0 ||
	    check_path("CriuImagePath", o->criu_image_path, err) < 0)
		return -1;
	if (o->binary_name && strchr(o->binary_name, '/') &&
	    check_path("BinaryName with a /", o->binary_name, err) < 0)
		return -1;
	if (!o->root)
		o->root = arena_strdup(arena, RUNTIME_OPTIONS_ROOT, err);
	return o->root ? 0 : -1;
}

/* ---- containerd.runc.v1.Options ---- */

static int read_runc(const ProtobufCBinaryData *value, struct arena *arena,
		     struct runtime_options *out, struct error *err)
{
	Containerd__Runc__V1__Options *m = unpack_message_in_arena(
		&containerd__runc__v1__options__descriptor, value->len, value->data, arena, err);

	if (!m)
		return -1;
	*out = (struct runtime_options){
		.no_pivot_root = m->no_pivot_root,
		.no_new_keyring = m->no_new_keyring,
		.systemd_cgroup = m->systemd_cgroup,
		.io_uid = m->io_uid,
		.io_gid = m->io_gid,
		.shim_cgroup = m->shim_cgroup,
		.binary_name = m->binary_name,
		.root = m->root,
		.criu_work_path = m->criu_work_path,
		.criu_image_path = m->criu_image_path,
	};
	return 0;
}

/* ---- runtimeoptions.v1.Options ---- */

static const struct json_field *find_option(const struct toml_entry *entry)
{
	const struct json_field *field = option_fields;

	if (*entry->section && strcmp(entry->section, "options") != 0)
		return NULL;
	while (field->key && strcmp(field->key, entry->key) != 0)
		field++;
	return field->key ? field : NULL;
}

static int set_option(const struct toml_entry *entry, const struct json_field *field,
		      struct arena *arena, struct runtime_options *out, struct error *err)
{
	void *member = (char *)out + field->offset;

	if (field->kind == JSON_BOOL && entry->kind == TOML_BOOL)
		*(bool *)member = entry->boolean;
	else if (field->kind == JSON_UINT && entry->kind == TOML_NUMBER && entry->number >= 0 &&
		 entry->number <= UINT32_MAX)
		*(uint32_t *)member = (uint32_t)entry->number;
	else if (field->kind == JSON_STRING && entry->kind == TOML_TEXT)
		return (*(char **)member = arena_strdup(arena, entry->text, err)) ? 0 : -1;
	else
		return error_set(err, EINVAL, "line %zu: %s must be %s", entry->line, field->key,
				 field->kind == JSON_BOOL     ? "true or false"
				 : field->kind == JSON_STRING ? "a text in quotes"
							      : "a number from 0 to 4294967295");
	return 0;
}

static int read_toml_text(const char *text, size_t size, struct arena *arena,
			  struct runtime_options *out, struct error *err)
{
	bool seen[N_OPTIONS] = { false };
	struct toml_entry entry;
	struct toml toml;
	int got;

	if (toml_begin(&toml, text, size, arena, err) < 0)
		return -1;
	while ((got = toml_next(&toml, &entry, err)) > 0) {
		const struct json_field *field = find_option(&entry);
		if (!field) {
			log_warning("runtime options: line %zu: %s%s%s is not known, ignored",
				    entry.line, entry.section, *entry.section ? "." : "",
				    entry.key);
			continue;
		}
		if (seen[field - option_fields])
			return error_set(err, EINVAL, "line %zu: %s is there twice", entry.line,
					 field->key);
		seen[field - option_fields] = true;
		if (set_option(&entry, field, arena, out, err) < 0)
			return -1;
	}
	return got;
}

static int read_toml_file(const char *path, struct arena *arena, struct runtime_options *out,
			  struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_fd int fd = -1;
	struct stat st;
	size_t size;

	if (check_path("the runtime's ConfigPath", path, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, errno, "open the runtime's ConfigPath %s", path);
	if (!S_ISREG(st.st_mode)) /* a FIFO would block whoever reads it */
		return error_set(err, EINVAL, "the runtime's ConfigPath %s is no regular file",
				 path);
	if (fd_read_all(fd, path, TOML_MAX, &text, &size, err) < 0)
		return -1;
	if (read_toml_text(text, size, arena, out, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

static int read_toml(const ProtobufCBinaryData *value, struct arena *arena,
		     struct runtime_options *out, struct error *err)
{
	Runtimeoptions__V1__Options *m = unpack_message_in_arena(
		&runtimeoptions__v1__options__descriptor, value->len, value->data, arena, err);

	if (!m)
		return -1;
	if (*m->config_path)
		return read_toml_file(m->config_path, arena, out, err);
	if (!m->config_body.len)
		return 0;
	return read_toml_text((const char *)m->config_body.data, m->config_body.len, arena, out,
			      err);
}

/* ---- which of them ---- */

static const struct type_row {
	const char *name;
	int (*read)(const ProtobufCBinaryData *value, struct arena *arena,
		    struct runtime_options *out, struct error *err);
} type_rows[] = {
	{ "containerd.runc.v1.Options", read_runc },
	{ "runtimeoptions.v1.Options", read_toml },
	{ "cri.runtimeoptions.v1.Options", read_toml },
	{ NULL },
};

static const struct type_row *find_type(const Google__Protobuf__Any *any)
{
	const char *slash = strrchr(any->type_url, '/');
	const char *name = slash ? slash + 1 : any->type_url;

	for (const struct type_row *row = type_rows; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

bool runtime_options_is_known(const Google__Protobuf__Any *any)
{
	return find_type(any) != NULL;
}

int runtime_options_read(const Google__Protobuf__Any *any, struct arena *arena,
			 struct runtime_options *ret, struct error *err)
{
	const struct type_row *type = any ? find_type(any) : NULL;
	struct runtime_options options = { 0 };

	if (any && !type && (*any->type_url || any->value.len))
		log_warning("runtime options of the type \"%s\" are not known, ignored",
			    any->type_url);
	if ((type && type->read(&any->value, arena, &options, err) < 0) ||
	    finish(&options, arena, err) < 0)
		return error_wrap(err, "runtime options%s%s%s", type ? " (" : "",
				  type ? type->name : "", type ? ")" : "");
	*ret = options;
	return 0;
}

int runtime_options_save(int bundle, const struct runtime_options *options, struct error *err)
{
	cleanup_free char *text = json_write(&options_type, options, true, err);

	if (!text)
		return error_wrap(err, "keep the runtime options as %s", FILE_NAME);
	return fd_replace_file(bundle, FILE_NAME, text, strlen(text), 0600, err);
}

int runtime_options_load(int bundle, struct arena *arena, struct runtime_options *ret,
			 struct error *err)
{
	struct runtime_options options = { 0 };
	cleanup_free char *text = NULL;
	size_t size;

	if (fd_read_file(bundle, FILE_NAME, FILE_MAX, &text, &size, err) < 0) {
		if (err->code != ENOENT)
			return -1;
	} else if (json_read(&options_type, text, size, &options, arena, err) < 0) {
		return error_wrap(err, "%s", FILE_NAME);
	}
	if (finish(&options, arena, err) < 0)
		return error_wrap(err, "%s", FILE_NAME);
	*ret = options;
	return 0;
}
