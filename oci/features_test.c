/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "oci/features.h"

static const char *const one[] = { "one", NULL };
static const char *const two[] = { "one", "two", NULL };

static void must_contain(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in %s", part, text);
}

static void the_document_says_what_is_built(void **state)
{
	const struct features_lists lists = {
		.mount_options = two,
		.capabilities = one,
		.seccomp_actions = one,
		.seccomp_operators = one,
		.seccomp_archs = two,
		.seccomp_known_flags = two,
		.seccomp_supported_flags = one,
		.libseccomp_version = "2.5.4",
	};
	struct error err = { 0 };
	cleanup_free char *text = features_json(&lists, &err);

	assert_non_null(text);
	must_contain(text, "\"ociVersionMin\": \"1.0.0\",\n  \"ociVersionMax\": \"1.3.0\"");
	must_contain(text, "\"hooks\": [\n    \"prestart\",");
	must_contain(text, "\"mountOptions\": [\n    \"one\",\n    \"two\"\n  ]");
	must_contain(text, "\"time\",\n      \"user\",\n      \"uts\"\n    ]");
	must_contain(text, "\"capabilities\": [\n      \"one\"\n    ]");
	must_contain(text, "\"cgroup\": {\n      \"v1\": true,\n      \"v2\": true,\n"
			   "      \"systemd\": true,\n      \"systemdUser\": true,\n"
			   "      \"rdma\": true\n    }");
	must_contain(text, "\"knownFlags\": [\n        \"one\",\n        \"two\"\n      ]");
	must_contain(text, "\"supportedFlags\": [\n        \"one\"\n      ]");
	must_contain(text, "\"intelRdt\": {\n      \"enabled\": true\n    }");
	must_contain(text, "\"mountExtensions\": {\n      \"idmap\": {\n        \"enabled\": true");
	must_contain(text, "\"netDevices\": {\n      \"enabled\": true\n    }");
	must_contain(text, "\"io.github.seccomp.libseccomp.version\": \"2.5.4\"");
	must_contain(text, "\"rustbox.runtime.checkpoint.enabled\": \"true\"");
	must_contain(text, "\"potentiallyUnsafeConfigAnnotations\": []");
	assert_null(strstr(text, "memoryPolicy"));
}

static void missing_lists_are_left_out(void **state)
{
	const struct features_lists lists = { NULL };
	struct error err = { 0 };
	cleanup_free char *text = features_json(&lists, &err);

	assert_non_null(text);
	assert_null(strstr(text, "mountOptions"));
	assert_null(strstr(text, "libseccomp"));
	must_contain(text, "\"seccomp\": {\n      \"enabled\": true\n    }");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_says_what_is_built),
		cmocka_unit_test(missing_lists_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
