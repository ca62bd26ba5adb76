/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "oci/image.h"

static void read_text(const struct json_type *type, const char *text, void *out,
		      struct arena *arena)
{
	struct error err = { 0 };

	if (json_read(type, text, strlen(text), out, arena, &err) < 0)
		fail_msg("%s", err.text);
}

/* Reads the text and writes it again. */
static void comes_back(const struct json_type *type, const char *text, void *out,
		       struct arena *arena)
{
	struct error err = { 0 };

	read_text(type, text, out, arena);
	cleanup_free char *written = json_write(type, out, false, &err);
	if (!written)
		fail_msg("%s", err.text);
	assert_string_equal(written, text);
}

static void a_configuration_comes_back(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct image_config config = { 0 };

	comes_back(&image_config_type,
		   "{\"created\":\"2026-01-02T03:04:05Z\",\"architecture\":\"arm64\","
		   "\"variant\":\"v8\",\"os\":\"linux\",\"config\":{\"User\":\"web:1000\","
		   "\"ExposedPorts\":{\"80/tcp\":{}},\"Env\":[\"A=b\"],\"Entrypoint\":[\"/e\"],"
		   "\"Cmd\":[\"x\",\"y\"],\"Healthcheck\":{\"Test\":[\"CMD\",\"t\"],"
		   "\"Interval\":5000000000,\"Retries\":3},\"Volumes\":{\"/d\":{},\"/e\":{}},"
		   "\"WorkingDir\":\"/w\",\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGINT\"},"
		   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:1\",\"sha256:2\"]},"
		   "\"history\":[{\"created_by\":\"ADD\"},{\"empty_layer\":true}]}",
		   &config, &arena);
	assert_string_equal(config.config->exposed_ports[0].key, "80/tcp");
	assert_int_equal(config.config->n_volumes, 2);
	assert_string_equal(config.config->volumes[1].key, "/e");
	assert_int_equal(config.config->health->interval, 5000000000);
	assert_int_equal(config.rootfs->n_diff_ids, 2);
	assert_true(config.history[1].empty_layer);
}

/* As Go writes what is not there, and what builders add. */
static void nulls_and_unknown_keys_are_nothing(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct image_config config = { 0 };

	read_text(&image_config_type,
		  "{\"config\":{\"Hostname\":\"\",\"User\":\"\",\"Env\":null,\"Cmd\":null,"
		  "\"Volumes\":null,\"OnBuild\":null,\"Labels\":null,\"AttachStdin\":false},"
		  "\"container\":\"abc\",\"docker_version\":\"20\",\"rootfs\":{\"diff_ids\":null}}",
		  &config, &arena);
	assert_null(config.config->user);
	assert_null(config.config->env);
	assert_null(config.config->cmd);
	assert_int_equal(config.config->n_volumes, 0);
	assert_int_equal(config.rootfs->n_diff_ids, 0);
}

static void manifests_and_indexes_come_back(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct image_manifest manifest = { 0 };
	struct image_index index = { 0 };
	struct image_docker_manifest docker = { 0 };

	comes_back(&image_manifest_type,
		   "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"c\",\"digest\":\"sha256:1\","
		   "\"size\":0},\"layers\":[{\"mediaType\":\"l\",\"digest\":\"sha256:2\","
		   "\"size\":8589934592,\"annotations\":{\"a\":\"b\"}}]}",
		   &manifest, &arena);
	assert_int_equal(manifest.layers[0].size, INT64_C(8589934592));
	comes_back(&image_index_type,
		   "{\"schemaVersion\":2,\"mediaType\":\"i\",\"manifests\":[{\"mediaType\":\"m\","
		   "\"digest\":\"sha256:3\",\"size\":7,\"platform\":{\"architecture\":\"amd64\","
		   "\"os\":\"linux\"}}]}",
		   &index, &arena);
	assert_string_equal(index.manifests[0].platform->architecture, "amd64");
	comes_back(&image_docker_manifest_type,
		   "{\"Config\":\"1.json\",\"RepoTags\":[\"a:b\"],\"Layers\":[\"1/layer.tar\"]}",
		   &docker, &arena);
	assert_string_equal(docker.repo_tags[0], "a:b");
}

static void what_is_missing_is_named(void **state)
{
	static const struct {
		const struct json_type *type;
		const char *text, *message;
	} rows[] = {
		{ &image_config_type, "{}", "rootfs: missing" },
		{ &image_manifest_type, "{\"schemaVersion\":2}", "config: missing" },
		{ &image_manifest_type, "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"c\"}}",
		  "config.digest: missing" },
		{ &image_index_type,
		  "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\",\"digest\":\"d\"}]}",
		  "manifests[0].size: missing" },
		{ &image_docker_manifest_type, "{\"Layers\":[]}", "Config: missing" },
		{ &image_config_type, "{\"rootfs\":{},\"config\":{\"Volumes\":{\"/d\":1}}}",
		  "config.Volumes[\"/d\"]: expected" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_arena struct arena arena = ARENA_EMPTY;
		union {
			struct image_config config;
			struct image_manifest manifest;
			struct image_index index;
			struct image_docker_manifest docker;
		} out = { 0 };
		struct error err = { 0 };

		assert_int_equal(json_read(rows[i].type, rows[i].text, strlen(rows[i].text), &out,
					   &arena, &err),
				 -1);
		if (!strstr(err.text, rows[i].message))
			fail_msg("%s: %s", rows[i].text, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_comes_back),
		cmocka_unit_test(nulls_and_unknown_keys_are_nothing),
		cmocka_unit_test(manifests_and_indexes_come_back),
		cmocka_unit_test(what_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
