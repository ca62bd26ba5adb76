/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "proto/bootstrap.pb-c.h"
#include "shim/bootstrap_input.h"
#include "shim/socket_address.h"

typedef Containerd__Runtime__Bootstrap__V1__BootstrapParams BootstrapParams;
typedef Containerd__Runtime__Bootstrap__V1__Extension Extension;

#define TEXT(s) ((char *)(uintptr_t)(s))

static const struct shim_flags flags = { .action = SHIM_START,
					 .namespace = "default",
					 .id = "w1",
					 .address = "/flag.sock",
					 .publish_binary = "/flag/containerd" };
static struct arena arena;

static int tear_down(void **state)
{
	arena_free(&arena);
	log_redirect(NULL, NULL);
	return 0;
}

static void ignore(void *data, enum log_level level, const char *text)
{
}

/* Packs, and reads as a `start` with these flags does. */
static int read_params(const struct shim_flags *given, const BootstrapParams *params,
		       struct bootstrap_input *ret, struct error *err)
{
	uint8_t packed[2048];
	size_t size = containerd__runtime__bootstrap__v1__bootstrap_params__get_packed_size(params);

	assert_true(size <= sizeof(packed));
	(void)containerd__runtime__bootstrap__v1__bootstrap_params__pack(params, packed);
	return bootstrap_input_read(given, packed, size, &arena, ret, err);
}

static BootstrapParams full_params(void)
{
	BootstrapParams params = CONTAINERD__RUNTIME__BOOTSTRAP__V1__BOOTSTRAP_PARAMS__INIT;

	params.instance_id = TEXT("w1");
	params.namespace_ = TEXT("default");
	params.log_level = -4;
	params.containerd_version = TEXT("2.3.0");
	params.containerd_ttrpc_address = TEXT("/param.sock.ttrpc");
	params.containerd_grpc_address = TEXT("/param.sock");
	params.containerd_binary = TEXT("/param/containerd");
	params.socket_dir = TEXT("/param/s");
	return params;
}

static void nothing_leaves_the_flags_and_defaults(void **state)
{
	struct bootstrap_input in;
	struct error err;

	assert_int_equal(bootstrap_input_read(&flags, NULL, 0, &arena, &in, &err), 0);
	assert_string_equal(in.flags.address, "/flag.sock");
	assert_null(in.ttrpc_address);
	assert_string_equal(in.socket_directory, SOCKET_ADDRESS_DIRECTORY);
	assert_string_equal(in.options.root, RUNTIME_OPTIONS_ROOT);
}

/* As containerd 1.6 was seen to send them. */
static void an_any_holds_options(void **state)
{
	static const char any[] = "\x0a\x1a"
				  "containerd.runc.v1.Options"
				  "\x12\x1b\x32\x0e/usr/sbin/runc\x3a\x09/run/runc";
	struct bootstrap_input in;
	struct error err;

	assert_int_equal(bootstrap_input_read(&flags, any, sizeof(any) - 1, &arena, &in, &err), 0);
	assert_string_equal(in.options.binary_name, "/usr/sbin/runc");
	assert_string_equal(in.options.root, "/run/runc");
	assert_string_equal(in.flags.id, "w1");
	assert_string_equal(in.socket_directory, SOCKET_ADDRESS_DIRECTORY);
}

static void params_win_over_flags(void **state)
{
	BootstrapParams params = full_params();
	struct bootstrap_input in;
	struct error err;

	assert_int_equal(read_params(&flags, &params, &in, &err), 0);
	assert_string_equal(in.flags.address, "/param.sock");
	assert_string_equal(in.flags.publish_binary, "/param/containerd");
	assert_string_equal(in.ttrpc_address, "/param.sock.ttrpc");
	assert_string_equal(in.socket_directory, "/param/s");
	assert_true(in.flags.debug);
	assert_string_equal(in.options.root, RUNTIME_OPTIONS_ROOT);

	params.log_level = 0;
	params.socket_dir = TEXT("");
	params.containerd_grpc_address = TEXT("");
	assert_int_equal(read_params(&flags, &params, &in, &err), 0);
	assert_string_equal(in.flags.address, "/flag.sock");
	assert_string_equal(in.socket_directory, SOCKET_ADDRESS_DIRECTORY);
	assert_false(in.flags.debug);
}

static void params_alone_are_enough(void **state)
{
	const struct shim_flags none = { .action = SHIM_START };
	BootstrapParams params = full_params();
	struct bootstrap_input in;
	struct error err;

	assert_int_equal(read_params(&none, &params, &in, &err), 0);
	assert_string_equal(in.flags.id, "w1");
	assert_string_equal(in.flags.namespace, "default");
	assert_int_equal(in.flags.action, SHIM_START);
	params.instance_id = TEXT("../x");
	assert_int_equal(read_params(&none, &params, &in, &err), -1);
}

static void options_are_found_among_the_extensions(void **state)
{
	Google__Protobuf__Any other = GOOGLE__PROTOBUF__ANY__INIT,
			      options = GOOGLE__PROTOBUF__ANY__INIT;
	Extension empty = CONTAINERD__RUNTIME__BOOTSTRAP__V1__EXTENSION__INIT, first = empty,
		  second = empty;
	Extension *extensions[] = { &empty, &first, &second };
	BootstrapParams params = full_params();
	struct bootstrap_input in;
	struct error err;

	other.type_url = TEXT("some.Thing");
	options.type_url = TEXT("containerd.runc.v1.Options");
	options.value = (ProtobufCBinaryData){ 4, (uint8_t *)TEXT("\x3a\x02/r") };
	first.value = &other;
	second.value = &options;
	params.extensions = extensions;
	params.n_extensions = 3;
	assert_int_equal(read_params(&flags, &params, &in, &err), 0);
	assert_string_equal(in.options.root, "/r");
}

/* Field 1 and 2 of an Any are texts, too: only the very names make them params. */
static void what_names_another_is_an_any(void **state)
{
	BootstrapParams params = CONTAINERD__RUNTIME__BOOTSTRAP__V1__BOOTSTRAP_PARAMS__INIT;
	struct bootstrap_input in;
	struct error err;

	log_redirect(ignore, NULL);
	params.instance_id = TEXT("w2");
	params.namespace_ = TEXT("default");
	assert_int_equal(read_params(&flags, &params, &in, &err), 0);
	assert_string_equal(in.flags.id, "w1");
	params.instance_id = TEXT("containerd.runc.v1.Options");
	params.namespace_ = TEXT("\x3a\x02/r");
	assert_int_equal(read_params(&flags, &params, &in, &err), 0);
	assert_string_equal(in.options.root, "/r");
}

static void garbage_is_refused(void **state)
{
	static const char garbage[] = "\x0a\x7f"
				      "cut";
	BootstrapParams params = full_params();
	const struct shim_flags none = { .action = SHIM_START };
	struct bootstrap_input in;
	struct error err;

	assert_int_equal(
		bootstrap_input_read(&flags, garbage, sizeof(garbage) - 1, &arena, &in, &err), -1);
	assert_non_null(strstr(err.text, "standard input: "));
	params.socket_dir = TEXT("relative");
	assert_int_equal(read_params(&flags, &params, &in, &err), -1);
	assert_non_null(strstr(err.text, "socket_dir"));
	assert_int_equal(bootstrap_input_read(&none, NULL, 0, &arena, &in, &err), -1);
	assert_non_null(strstr(err.text, "-namespace is missing"));
}

/* protobuf-c would read them as other, shorter texts; and as an Any they would say nothing. */
static void params_with_a_nul_are_refused(void **state)
{
	static const char params[] = "\x0a\x02w1\x12\x07"
				     "default\x4a\x04/s\0x";
	struct bootstrap_input in;
	struct error err = { 0 };

	assert_int_equal(
		bootstrap_input_read(&flags, params, sizeof(params) - 1, &arena, &in, &err), -1);
	assert_non_null(strstr(err.text, "\"socket_dir\" is not text: it has a NUL byte"));
}

#define TEST(f) cmocka_unit_test_teardown(f, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_leaves_the_flags_and_defaults),
		TEST(an_any_holds_options),
		TEST(params_win_over_flags),
		TEST(params_alone_are_enough),
		TEST(options_are_found_among_the_extensions),
		TEST(what_names_another_is_an_any),
		TEST(garbage_is_refused),
		TEST(params_with_a_nul_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
