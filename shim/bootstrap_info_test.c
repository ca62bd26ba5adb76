/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/bootstrap_test.h"

#include "base/str.h"
#include "proto/info.pb-c.h"

static struct stage stage;

static int set_up(void **state)
{
	return stage_begin(&stage);
}

static int tear_down(void **state)
{
	static const char *const names[] = { "runtime", "root/default", "root", NULL };

	return stage_end(&stage, names);
}

static int info(const struct shim_flags *flags, struct error *err)
{
	return bootstrap_info(err);
}

static int version(const struct shim_flags *flags, struct error *err)
{
	bootstrap_version();
	return 0;
}

/* With a script as the runtime, and TOP/root. */
static int ask(const char *commands, struct error *err)
{
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	char text[512], options[256];
	uint8_t packed[512];

	(void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", commands);
	stage_write(&stage, "runtime", text, 0700);
	/* Field 6: the binary; field 7: the root. */
	(void)snprintf(options, sizeof(options), "\x32%c%s/runtime\x3a%c%s/root",
		       (char)(strlen(stage.top) + 8), stage.top, (char)(strlen(stage.top) + 5),
		       stage.top);
	any.type_url = (char *)(uintptr_t) "containerd.runc.v1.Options";
	any.value = (ProtobufCBinaryData){ strlen(options), (uint8_t *)options };
	return stage_run(&stage, info, NULL, packed, google__protobuf__any__pack(&any, packed),
			 err);
}

static void the_runtimes_features_are_wrapped(void **state)
{
	Containerd__Types__RuntimeInfo *m;
	struct error err;

	if (ask("case $* in *' features') echo '{\"linux\":{}}';; esac", &err) < 0)
		fail_msg("%s", err.text);
	m = containerd__types__runtime_info__unpack(NULL, stage.n_out, (uint8_t *)stage.out);
	assert_non_null(m);
	assert_string_equal(m->name, "io.containerd.rustbox.v1");
	assert_true(*m->version->version);
	assert_string_equal(m->options->type_url, "containerd.runc.v1.Options");
	assert_string_equal(m->features->type_url,
			    "types.containerd.io/opencontainers/runtime-spec/1/features/Features");
	assert_int_equal(m->features->value.len, strlen("{\"linux\":{}}\n"));
	assert_memory_equal(m->features->value.data, "{\"linux\":{}}\n", m->features->value.len);
	assert_int_equal(m->n_annotations, 0);
	containerd__types__runtime_info__free_unpacked(m, NULL);
}

static void failures_print_nothing(void **state)
{
	struct error err;

	assert_int_equal(ask("echo half; echo broken >&2; exit 1", &err), -1);
	assert_int_equal(stage.n_out, 0);
	assert_non_null(strstr(err.text, "broken"));
	assert_int_equal(stage_run(&stage, info, NULL, "\x0a\x7f", 2, &err), -1);
	assert_int_equal(stage.n_out, 0);
	assert_non_null(strstr(err.text, "standard input"));
}

static void the_version_is_text(void **state)
{
	struct error err;

	assert_int_equal(stage_run(&stage, version, NULL, NULL, 0, &err), 0);
	assert_true(str_starts_with(stage.out, "containerd-shim-rustbox-v1:\n"));
	assert_non_null(strstr(stage.out, "io.containerd.rustbox.v1\n"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_runtimes_features_are_wrapped),
		TEST(failures_print_nothing),
		TEST(the_version_is_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
