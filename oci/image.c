/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/image.h"

#define TYPE(s) const struct json_type s##_type = { sizeof(struct s), s##_fields, NULL }

static const struct json_field image_health_fields[] = {
	LIST(image_health, test, "Test"),
	FIELD(image_health, interval, "Interval"),
	FIELD(image_health, timeout, "Timeout"),
	FIELD(image_health, start_period, "StartPeriod"),
	FIELD(image_health, start_interval, "StartInterval"),
	FIELD(image_health, retries, "Retries"),
	{ NULL },
};
TYPE(image_health);

/* The key is all there is to it. */
static const struct json_field image_empty_fields[] = {
	{ NULL },
};
static TYPE(image_empty);

static const struct json_field image_settings_fields[] = {
	FIELD(image_settings, user, "User"),
	NAMED(image_settings, exposed_ports, "ExposedPorts", &image_empty_type),
	LIST(image_settings, env, "Env"),
	LIST(image_settings, entrypoint, "Entrypoint"),
	LIST(image_settings, cmd, "Cmd"),
	OBJECT(image_settings, health, "Healthcheck", &image_health_type),
	FIELD(image_settings, args_escaped, "ArgsEscaped"),
	NAMED(image_settings, volumes, "Volumes", &image_empty_type),
	FIELD(image_settings, working_dir, "WorkingDir"),
	PAIRS(image_settings, labels, "Labels"),
	FIELD(image_settings, stop_signal, "StopSignal"),
	LIST(image_settings, shell, "Shell"),
	{ NULL },
};
TYPE(image_settings);

static const struct json_field image_history_fields[] = {
	FIELD(image_history, created, "created"),
	FIELD(image_history, created_by, "created_by"),
	FIELD(image_history, author, "author"),
	FIELD(image_history, comment, "comment"),
	FIELD(image_history, empty_layer, "empty_layer"),
	{ NULL },
};
static TYPE(image_history);

static const struct json_field image_rootfs_fields[] = {
	FIELD(image_rootfs, type, "type"),
	LIST(image_rootfs, diff_ids, "diff_ids"),
	{ NULL },
};
static TYPE(image_rootfs);

/* config.md requires architecture, os and rootfs; archives of older tools lack the first two. */
static const struct json_field image_config_fields[] = {
	FIELD(image_config, created, "created"),
	FIELD(image_config, author, "author"),
	FIELD(image_config, architecture, "architecture"),
	FIELD(image_config, variant, "variant"),
	FIELD(image_config, os, "os"),
	OBJECT(image_config, config, "config", &image_settings_type),
	{ .key = "rootfs",
	  .kind = JSON_OBJECT,
	  .required = true,
	  .offset = offsetof(struct image_config, rootfs),
	  .type = &image_rootfs_type },
	ARRAY(image_config, history, "history", &image_history_type),
	{ NULL },
};
TYPE(image_config);

static const struct json_field image_platform_fields[] = {
	FIELD(image_platform, architecture, "architecture"),
	FIELD(image_platform, os, "os"),
	FIELD(image_platform, variant, "variant"),
	{ NULL },
};
static TYPE(image_platform);

static const struct json_field image_descriptor_fields[] = {
	REQUIRED(image_descriptor, media_type, "mediaType"),
	REQUIRED(image_descriptor, digest, "digest"),
	REQUIRED(image_descriptor, size, "size"),
	LIST(image_descriptor, urls, "urls"),
	PAIRS(image_descriptor, annotations, "annotations"),
	OBJECT(image_descriptor, platform, "platform", &image_platform_type),
	{ NULL },
};
static TYPE(image_descriptor);

static const struct json_field image_manifest_fields[] = {
	REQUIRED(image_manifest, schema_version, "schemaVersion"),
	FIELD(image_manifest, media_type, "mediaType"),
	{ .key = "config",
	  .kind = JSON_OBJECT,
	  .required = true,
	  .offset = offsetof(struct image_manifest, config),
	  .type = &image_descriptor_type },
	ARRAY(image_manifest, layers, "layers", &image_descriptor_type),
	PAIRS(image_manifest, annotations, "annotations"),
	{ NULL },
};
TYPE(image_manifest);

static const struct json_field image_index_fields[] = {
	REQUIRED(image_index, schema_version, "schemaVersion"),
	FIELD(image_index, media_type, "mediaType"),
	ARRAY(image_index, manifests, "manifests", &image_descriptor_type),
	{ NULL },
};
TYPE(image_index);

static const struct json_field image_docker_manifest_fields[] = {
	REQUIRED(image_docker_manifest, config, "Config"),
	LIST(image_docker_manifest, repo_tags, "RepoTags"),
	LIST(image_docker_manifest, layers, "Layers"),
	{ NULL },
};
TYPE(image_docker_manifest);
