/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI image format (image-spec 1.1: config.md, manifest.md, image-index.md,
 * image-layout.md) and `docker save`'s manifest.json, as C structs.
 */
#pragma once

#include "oci/json.h"

/* Healthcheck of an image (Docker's member of the config) and of a container; nanoseconds. */
struct image_health {
	char **test; /* "NONE"; "CMD", arg…; "CMD-SHELL", text. Empty: inherited */
	size_t n_test;
	int64_t interval, timeout, start_period, start_interval; /* 0: inherited or default */
	int64_t retries;
};

struct image_empty {
	char *key;
};

/* "config" of an image's configuration. */
struct image_settings {
	char *user, *working_dir, *stop_signal;
	char **env, **entrypoint, **cmd;
	size_t n_env, n_entrypoint, n_cmd;
	struct image_empty *exposed_ports,
		*volumes; /* objects whose keys count: "80/tcp", "/data" */
	struct json_pair *labels;
	size_t n_exposed_ports, n_volumes, n_labels;
	struct image_health *health; /* "Healthcheck" */
	char **shell;
	size_t n_shell;
	bool args_escaped;
};

struct image_history {
	char *created, *created_by, *author, *comment;
	bool empty_layer;
};

struct image_rootfs {
	char *type; /* "layers" */
	char **diff_ids;
	size_t n_diff_ids;
};

struct image_config {
	char *created, *author, *architecture, *os, *variant;
	struct image_settings *config;
	struct image_rootfs *rootfs;
	struct image_history *history;
	size_t n_history;
};

struct image_platform {
	char *architecture, *os, *variant;
};

struct image_descriptor {
	char *media_type, *digest; /* "sha256:…" */
	int64_t size;
	char **urls;
	size_t n_urls;
	struct image_platform *platform;
	struct json_pair *annotations;
	size_t n_annotations;
};

struct image_manifest {
	int32_t schema_version;
	char *media_type;
	struct image_descriptor *config, *layers;
	size_t n_layers;
	struct json_pair *annotations;
	size_t n_annotations;
};

struct image_index {
	int32_t schema_version;
	char *media_type;
	struct image_descriptor *manifests;
	size_t n_manifests;
};

/* An element of docker save's manifest.json, which is an array: read as {"images": […]}. */
struct image_docker_manifest {
	char *config;
	char **repo_tags, **layers;
	size_t n_repo_tags, n_layers;
};

extern const struct json_type image_config_type, image_settings_type, image_health_type,
	image_manifest_type, image_index_type, image_docker_manifest_type;
