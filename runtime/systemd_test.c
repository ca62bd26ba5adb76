/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is asked for: names of units, properties of annotations and of limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "runtime/systemd_annotation.h"
#include "runtime/systemd_limits.h"
#include "runtime/systemd_name.h"

struct asking {
	struct arena arena;
	struct systemd_properties list;
	struct error err;
};

static int setup(void **state)
{
	struct asking *asking = calloc(1, sizeof(*asking));

	assert_non_null(asking);
	asking->list.arena = &asking->arena;
	*state = asking;
	return 0;
}

static int teardown(void **state)
{
	struct asking *asking = *state;

	arena_free(&asking->arena);
	free(asking);
	return 0;
}

/* ---- names -------------------------------------------------------------------------------- */

static void names_of_units(void **state)
{
	static const struct {
		const char *path, *id;
		bool user;
		const char *slice, *unit;
	} cases[] = {
		{ NULL, "box", false, "system.slice", "rustbox-box.scope" },
		{ "", "box", false, "system.slice", "rustbox-box.scope" },
		{ NULL, "box", true, "user.slice", "rustbox-box.scope" },
		{ "::a", "box", false, "system.slice", "a.scope" },
		{ "machine.slice:libpod:a1", "box", true, "machine.slice", "libpod-a1.scope" },
		{ "a-b-c.slice:cri:x", "box", false, "a-b-c.slice", "cri-x.scope" },
		{ "-:p:x", "box", false, "-.slice", "p-x.scope" },
		{ "-.slice:p:x", "box", false, "-.slice", "p-x.scope" },
		{ ":p:a+b/c d", "box", false, "system.slice", "p-a\\x2bb\\x2fc\\x20d.scope" },
		{ NULL, "a+b.c_d-e", false, "system.slice", "rustbox-a\\x2bb.c_d-e.scope" },
		{ "::.x", "box", false, "system.slice", "\\x2ex.scope" },
	};
	struct asking *asking = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct systemd_name name;
		assert_int_equal(systemd_name_of_path(cases[i].path, cases[i].id, cases[i].user,
						      &asking->arena, &name, &asking->err),
				 0);
		assert_string_equal(name.slice, cases[i].slice);
		assert_string_equal(name.unit, cases[i].unit);
	}
}

static void names_that_are_none(void **state)
{
	static const char *const cases[][2] = {
		{ "/a/b", "SLICE:PREFIX:NAME" },      { "a", "SLICE:PREFIX:NAME" },
		{ "a.slice:b", "SLICE:PREFIX:NAME" }, { "a.slice:b:c:d", "SLICE:PREFIX:NAME" },
		{ "a.slice:b:", "is empty" },	      { "a:b:c", ".slice" },
		{ "a.scope:b:c", ".slice" },	      { ".slice:b:c", "empty part" },
		{ "-a.slice:b:c", "empty part" },     { "a-.slice:b:c", "empty part" },
		{ "a--b.slice:b:c", "empty part" },   { "a.slice/b.slice:b:c", "character" },
		{ "../x.slice:b:c", "character" },    { "a.slice:b:c.slice", "cannot be a slice" },
	};
	struct asking *asking = *state;
	struct systemd_name name;
	char path[600];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(systemd_name_of_path(cases[i][0], "box", false, &asking->arena,
						      &name, &asking->err),
				 -1);
		assert_non_null(strstr(asking->err.text, cases[i][1]));
		assert_non_null(strstr(asking->err.text, cases[i][0]));
	}
	(void)snprintf(path, sizeof(path), "::%0300d", 7);
	assert_int_equal(
		systemd_name_of_path(path, "box", false, &asking->arena, &name, &asking->err), -1);
	assert_non_null(strstr(asking->err.text, "too long"));
}

/* ---- properties as one text: "Name type value,value since; " ------------------------------ */

static const char *list_text(const struct systemd_properties *list)
{
	static char text[4096];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < list->count; i++) {
		const struct systemd_property *row = &list->rows[i];
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s", row->name,
					 row->type);
		for (size_t j = 0; j < row->n_values; j++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%c%s",
						 j ? ',' : ' ', row->values[j]);
		if (row->since)
			used += (size_t)snprintf(text + used, sizeof(text) - used, " >=%u",
						 row->since);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s; ",
					 row->replaces ? " new" : "");
	}
	return text;
}

#define WRITABLE(text) (char *)(uintptr_t)(text)

static void expect_annotation(struct asking *asking, const char *key, const char *value,
			      const char *expected)
{
	const struct json_pair pair = { WRITABLE(key), WRITABLE(value) };

	asking->list = (struct systemd_properties){ .arena = &asking->arena };
	int r = systemd_annotation_apply(&pair, 1, &asking->list, &asking->err);
	if (str_starts_with(expected, "error")) {
		assert_int_equal(r, -1);
		assert_non_null(strstr(asking->err.text, expected + strlen("error ")));
		assert_non_null(strstr(asking->err.text, key));
		return;
	}
	if (r < 0)
		print_error("%s\n", asking->err.text);
	assert_int_equal(r, 0);
	assert_string_equal(list_text(&asking->list), expected);
}

static void values_of_annotations(void **state)
{
	static const char *const cases[][3] = {
		{ "CollectMode", "'inactive-or-failed'", "CollectMode s inactive-or-failed; " },
		{ "Description", "\"it's \\\"so\\\"\"", "Description s it's \"so\"; " },
		{ "Description", "string ''", "Description s ; " },
		{ "TimeoutStopUSec", "uint64 123456789", "TimeoutStopUSec t 123456789; " },
		{ "TimeoutStopUSec", "@t 5", "TimeoutStopUSec t 5; " },
		{ "OOMScoreAdjust", " -17 ", "OOMScoreAdjust i -17; " },
		{ "Some", "int16 -32768", "Some n -32768; " },
		{ "Some", "byte 255", "Some y 255; " },
		{ "Some", "1.5", "Some d 1.5; " },
		{ "SendSIGHUP", "true", "SendSIGHUP b true; " },
		{ "SendSIGHUP", "boolean false", "SendSIGHUP b false; " },
		{ "After", "['a.service', \"b.service\"]", "After as a.service,b.service; " },
		{ "After", "['a.service']", "After as a.service; " },
		{ "After", "@as []", "After as; " },
		{ "Cpus", "[byte 1, 2, byte 3]", "Cpus ay 1,2,3; " },
		{ "DeviceAllow", "[('/dev/a', 'rw'),('/dev/b','r')]",
		  "DeviceAllow a(ss) /dev/a,rw,/dev/b,r; " },
		{ "IOReadIOPSMax", "[('/dev/a', uint64 5), ('/dev/b', 6)]",
		  "IOReadIOPSMax a(st) /dev/a,5,/dev/b,6; " },
		{ "IOReadIOPSMax", "@a(st) [('/dev/a', 5)]", "IOReadIOPSMax a(st) /dev/a,5; " },
		{ "IOReadIOPSMax", "@a(st) []", "IOReadIOPSMax a(st); " },
		/* seconds */
		{ "TimeoutStopSec", "456", "TimeoutStopUSec t 456000000; " },
		{ "TimeoutStopSec", "uint64 234", "TimeoutStopUSec t 234000000; " },
		{ "TimeoutStopSec", "byte 234", "TimeoutStopUSec t 234000000; " },
		{ "TimeoutStopSec", "234.789", "TimeoutStopUSec t 234789000; " },
		{ "FOOSec", "123", "FOOSec i 123; " },
		{ "TimeoutStopUSec", "7", "TimeoutStopUSec i 7; " },
	};
	struct asking *asking = *state;
	char key[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(key, sizeof(key), "org.systemd.property.%s", cases[i][0]);
		expect_annotation(asking, key, cases[i][1], cases[i][2]);
	}
	expect_annotation(asking, "org.systemd.properties.X", "?", "");
	expect_annotation(asking, "other", "?", "");
}

static void values_that_are_none(void **state)
{
	static const char *const cases[][3] = {
		{ "Xo", "1", "error no name of a property" },
		{ "Number1", "1", "error no name of a property" },
		{ "A name", "1", "error no name of a property" },
		{ "", "1", "error no name of a property" },
		{ "Valid", "", "error a value is wanted" },
		{ "Valid", "invalid-value", "error a value is wanted" },
		{ "Valid", "'open", "error closing quote" },
		{ "Valid", "'a\\n'", "error one of" },
		{ "Valid", "'a' 'b'", "error the end is wanted" },
		{ "Valid", "[]", "error needs its type" },
		{ "Valid", "['a', 5]", "error a text in quotes" },
		{ "Valid", "['a' 'b']", "error ',' is wanted" },
		{ "Valid", "['a'", "error ',' is wanted" },
		{ "Valid", "[[1]]", "error no property has the type" },
		{ "Valid", "[[[1]]]", "error nested deeper" },
		{ "Valid", "('a', 'b')", "error no property has the type" },
		{ "Valid", "@a{sv} {}", "error no property has the type" },
		{ "Valid", "@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaas []", "error more than" },
		{ "Valid", "@ []", "error no property has the type" },
		{ "Valid", "@", "error no property has the type" },
		{ "Valid", "byte 256", "error byte is wanted" },
		{ "Valid", "uint64 -1", "error uint64 is wanted" },
		{ "Valid", "uint64 18446744073709551616", "error uint64 is wanted" },
		{ "Valid", "2147483648", "error int32 is wanted" },
		{ "Valid", "1.5.5", "error double is wanted" },
		{ "Valid", "boolean 1", "error boolean is wanted" },
		{ "Valid", "uint64", "error uint64 is wanted" },
		{ "TimeoutStopSec", "false", "error seconds are a number" },
		{ "TimeoutStopSec", "'covfefe'", "error seconds are a number" },
		{ "TimeoutStopSec", "[1]", "error seconds are a number" },
		{ "TimeoutStopSec", "-1", "error -1 seconds" },
		{ "TimeoutStopSec", "-1.5", "error -1.5 seconds" },
		{ "TimeoutStopSec", "uint64 18446744073709551615", "error seconds" },
	};
	struct asking *asking = *state;
	char key[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(key, sizeof(key), "org.systemd.property.%s", cases[i][0]);
		expect_annotation(asking, key, cases[i][1], cases[i][2]);
	}
}

static void long_lists_are_bounded(void **state)
{
	struct asking *asking = *state;
	static char text[8192] = "[";

	for (size_t i = 0; i < 1024; i++)
		(void)snprintf(text + strlen(text), 8, "%s1", i ? "," : "");
	(void)snprintf(text + strlen(text), 8, ",1]");
	expect_annotation(asking, "org.systemd.property.Valid", text, "error more than 1024");
}

static void an_annotation_overrides(void **state)
{
	struct asking *asking = *state;
	const struct json_pair pair = { WRITABLE("org.systemd.property.Slice"),
					WRITABLE("'b.slice'") };

	assert_int_equal(systemd_property_text(&asking->list, "Slice", "a.slice", &asking->err), 0);
	assert_int_equal(systemd_property_bool(&asking->list, "Delegate", true, &asking->err), 0);
	assert_int_equal(systemd_annotation_apply(&pair, 1, &asking->list, &asking->err), 0);
	assert_string_equal(list_text(&asking->list), "Delegate b true; Slice s b.slice; ");
}

/* ---- limits ------------------------------------------------------------------------------- */

#define INT(v)                                                                                     \
	{                                                                                          \
		true, v                                                                            \
	}

static void expect_limits(struct asking *asking, const struct spec_resources *resources, bool v2,
			  const struct systemd_limits_now *now, const char *expected)
{
	static const struct systemd_limits_now new_container = SYSTEMD_LIMITS_NEW;

	asking->list = (struct systemd_properties){ .arena = &asking->arena };
	assert_int_equal(systemd_limits_add(&asking->list, resources, v2, false,
					    now ? now : &new_container, &asking->err),
			 0);
	assert_string_equal(list_text(&asking->list), expected);
}

static void limits_of_memory_and_tasks(void **state)
{
	const struct systemd_limits_now limited = { 1000, -1, 100000 };
	struct spec_memory memory = { .limit = INT(100), .reservation = INT(50), .swap = INT(150) };
	struct spec_pids pids = { 0 };
	struct spec_resources resources = { .memory = &memory };
	struct asking *asking = *state;

	expect_limits(asking, NULL, true, NULL, "");
	expect_limits(asking, &resources, true, NULL,
		      "MemoryMax t 100; MemoryLow t 50; MemorySwapMax t 50; ");
	expect_limits(asking, &resources, false, NULL, "MemoryLimit t 100; ");
	memory = (struct spec_memory){ .limit = INT(-1) };
	expect_limits(asking, &resources, true, NULL,
		      "MemoryMax t 18446744073709551615; MemorySwapMax t 18446744073709551615; ");
	memory = (struct spec_memory){ .swap = INT(1500) };
	expect_limits(asking, &resources, true, &limited, "MemorySwapMax t 500; ");
	memory = (struct spec_memory){ .limit = INT(0), .swap = INT(0) };
	expect_limits(asking, &resources, true, &limited, "");
	resources = (struct spec_resources){ .pids = &pids };
	expect_limits(asking, &resources, true, NULL, "TasksMax t 1; ");
	pids.limit = -1;
	expect_limits(asking, &resources, true, NULL, "TasksMax t 18446744073709551615; ");
	pids.limit = 77;
	expect_limits(asking, &resources, false, NULL, "TasksMax t 77; ");
}

static void limits_of_processors(void **state)
{
	const struct systemd_limits_now halved = { 0, 25000, 50000 };
	struct spec_cpu cpu = { .shares = INT(512), .quota = INT(50000), .period = INT(100000) };
	const struct spec_resources resources = { .cpu = &cpu };
	static char cpus[] = "0-2,9", mems[] = "0", wrong[] = "x";
	struct asking *asking = *state;

	expect_limits(asking, &resources, true, NULL,
		      "CPUWeight t 59; CPUQuotaPerSecUSec t 500000; CPUQuotaPeriodUSec t 100000 "
		      ">=242; ");
	expect_limits(asking, &resources, false, NULL,
		      "CPUShares t 512; CPUQuotaPerSecUSec t 500000; CPUQuotaPeriodUSec t 100000 "
		      ">=242; ");
	/* Rounded up to hundredths; either part alone; none. */
	cpu = (struct spec_cpu){ .quota = INT(1001) };
	expect_limits(asking, &resources, true, NULL,
		      "CPUQuotaPerSecUSec t 20000; CPUQuotaPeriodUSec t 100000 >=242; ");
	expect_limits(asking, &resources, true, &halved,
		      "CPUQuotaPerSecUSec t 30000; CPUQuotaPeriodUSec t 50000 >=242; ");
	cpu = (struct spec_cpu){ .period = INT(100000) };
	expect_limits(asking, &resources, true, &halved,
		      "CPUQuotaPerSecUSec t 250000; CPUQuotaPeriodUSec t 100000 >=242; ");
	cpu = (struct spec_cpu){ .quota = INT(-1) };
	expect_limits(asking, &resources, true, NULL,
		      "CPUQuotaPerSecUSec t 18446744073709551615; CPUQuotaPeriodUSec t 100000 "
		      ">=242; ");
	cpu = (struct spec_cpu){ .quota = INT(INT64_MAX), .period = INT(1000) };
	expect_limits(asking, &resources, true, NULL, "");
	cpu = (struct spec_cpu){ .quota = INT(INT64_MAX / 1000000), .period = INT(1) };
	expect_limits(asking, &resources, true, NULL,
		      "CPUQuotaPerSecUSec t 9223372036854000000; CPUQuotaPeriodUSec t 1 >=242; ");
	cpu = (struct spec_cpu){ .idle = INT(1), .shares = INT(1024) };
	expect_limits(asking, &resources, true, NULL, "CPUWeight t 0 >=252; ");
	cpu = (struct spec_cpu){ .cpus = cpus, .mems = mems };
	expect_limits(asking, &resources, true, NULL,
		      "AllowedCPUs ay 7,2 >=244; AllowedMemoryNodes ay 1 >=244; ");
	expect_limits(asking, &resources, false, NULL, "");
	cpu = (struct spec_cpu){ .cpus = wrong };
	expect_limits(asking, &resources, true, NULL, "");
}

static void limits_of_block_devices(void **state)
{
	struct spec_block_weight weights[] = { { 8, 0, INT(500), { 0 } }, { 8, 1, { 0 }, { 0 } } };
	struct spec_block_throttle read[] = { { 8, 0, 1000 }, { 8, 16, 0 } };
	struct spec_block_throttle iops[] = { { 8, 0, 7 } };
	struct spec_block_io block = { .weight = INT(750),
				       .weight_device = weights,
				       .n_weight_device = 2,
				       .throttle_read_bps = read,
				       .n_throttle_read_bps = 2,
				       .throttle_write_iops = iops,
				       .n_throttle_write_iops = 1 };
	const struct spec_resources resources = { .block_io = &block };
	struct asking *asking = *state;

	expect_limits(asking, &resources, true, NULL,
		      "IOWeight t 7475; IODeviceWeight a(st) /dev/block/8:0,4950; "
		      "IOReadBandwidthMax a(st) "
		      "/dev/block/8:0,1000,/dev/block/8:16,18446744073709551615; "
		      "IOWriteIOPSMax a(st) /dev/block/8:0,7; ");
	expect_limits(asking, &resources, false, NULL, "BlockIOWeight t 750; ");
}

static void the_unified_map_overrides(void **state)
{
	struct json_pair pairs[] = {
		{ WRITABLE("memory.max"), WRITABLE("5") },
		{ WRITABLE("memory.high"), WRITABLE("max") },
		{ WRITABLE("memory.min"), WRITABLE("1") },
		{ WRITABLE("memory.low"), WRITABLE("2") },
		{ WRITABLE("memory.swap.max"), WRITABLE("0") },
		{ WRITABLE("pids.max"), WRITABLE("9") },
		{ WRITABLE("cpu.weight"), WRITABLE("33") },
		{ WRITABLE("io.weight"), WRITABLE("default 44") },
		{ WRITABLE("cpu.max"), WRITABLE("10000 50000") },
		{ WRITABLE("cpuset.cpus"), WRITABLE("1") },
		{ WRITABLE("cpuset.mems"), WRITABLE("0") },
		{ WRITABLE("memory.oom.group"), WRITABLE("1") },
		{ WRITABLE("hugetlb.2MB.max"), WRITABLE("0") },
	};
	struct json_pair more[] = { { WRITABLE("cpu.max"), WRITABLE("max") },
				    { WRITABLE("memory.max"), WRITABLE("x") },
				    { WRITABLE("cpu.max"), WRITABLE("x y") } };
	struct spec_memory memory = { .limit = INT(100) };
	struct spec_resources resources = { .memory = &memory,
					    .unified = pairs,
					    .n_unified = sizeof(pairs) / sizeof(pairs[0]) };
	struct asking *asking = *state;

	expect_limits(asking, &resources, true, NULL,
		      "MemoryMax t 5; MemoryHigh t 18446744073709551615; MemoryMin t 1; "
		      "MemoryLow t 2; MemorySwapMax t 0; TasksMax t 9; CPUWeight t 33; "
		      "IOWeight t 44; CPUQuotaPerSecUSec t 200000; "
		      "CPUQuotaPeriodUSec t 50000 >=242; AllowedCPUs ay 2 >=244; "
		      "AllowedMemoryNodes ay 1 >=244; ");
	resources = (struct spec_resources){ .unified = more, .n_unified = 3 };
	expect_limits(asking, &resources, true, NULL,
		      "CPUQuotaPerSecUSec t 18446744073709551615; CPUQuotaPeriodUSec t 100000 "
		      ">=242; ");
}

static void rules_of_devices(void **state)
{
	static char c[] = "c", b[] = "b", rwm[] = "rwm", rw[] = "rw";
	struct spec_device_rule rules[] = {
		{ .allow = false, .access = rwm },
		{ .allow = true, .type = c, .major = INT(10), .minor = INT(229), .access = rw },
		{ .allow = true, .type = b, .major = INT(8), .access = rw },
	};
	struct spec_device_rule all[] = { { .allow = true, .access = rwm } };
	struct spec_device_rule minors[] = { { .allow = true, .type = c, .minor = INT(7) } };
	struct spec_resources resources = { .devices = rules, .n_devices = 3 };
	struct asking *asking = *state;

	assert_int_equal(systemd_devices_add(&asking->list, &resources, &asking->err), 0);
	const char *text = list_text(&asking->list);
	assert_true(str_starts_with(text, "DevicePolicy s strict >=240; DeviceAllow a(ss) "));
	assert_non_null(strstr(text, "/dev/char/10:229,rw"));
	assert_non_null(strstr(text, "block-8,rw"));
	assert_non_null(strstr(text, "char-*,m"));
	assert_non_null(strstr(text, "block-*,m"));
	assert_non_null(strstr(text, "char-136,rw"));
	assert_non_null(strstr(text, "/dev/char/1:3,rw"));
	assert_non_null(strstr(text, ">=240 new; "));
	resources = (struct spec_resources){ .devices = all, .n_devices = 1 };
	assert_int_equal(systemd_devices_add(&asking->list, &resources, &asking->err), 0);
	assert_string_equal(list_text(&asking->list),
			    "DevicePolicy s auto >=240; DeviceAllow a(ss) >=240 new; ");
	resources = (struct spec_resources){ .devices = minors, .n_devices = 1 };
	assert_int_equal(systemd_devices_add(&asking->list, &resources, &asking->err), 0);
	assert_string_equal(list_text(&asking->list),
			    "DevicePolicy s auto >=240; DeviceAllow a(ss) >=240 new; ");
}

static void requests_go_there_and_back(void **state)
{
	static char version[] = "1", unit[] = "a\\x2b.scope";
	const char *values[] = { "", "\"\n\xc3\xa4", "x" };
	struct systemd_request request = { .version = version, .unit = unit, .user = true },
			       read = { 0 };
	struct asking *asking = *state;

	assert_int_equal(
		systemd_property_set(&asking->list, "After", "as", values, 3, &asking->err), 0);
	systemd_property_since(&asking->list, 9);
	request.properties = asking->list.rows;
	request.n_properties = asking->list.count;
	cleanup_free char *text = json_write(&systemd_request_type, &request, false, &asking->err);
	assert_non_null(text);
	assert_int_equal(json_read(&systemd_request_type, text, strlen(text), &read, &asking->arena,
				   &asking->err),
			 0);
	assert_string_equal(read.unit, unit);
	assert_true(read.user);
	assert_int_equal(read.n_properties, 1);
	assert_int_equal(read.properties[0].n_values, 3);
	assert_int_equal(read.properties[0].since, 9);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(read.properties[0].values[i], values[i]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_of_units),
		TEST(names_that_are_none),
		TEST(values_of_annotations),
		TEST(values_that_are_none),
		TEST(long_lists_are_bounded),
		TEST(an_annotation_overrides),
		TEST(limits_of_memory_and_tasks),
		TEST(limits_of_processors),
		TEST(limits_of_block_devices),
		TEST(the_unified_map_overrides),
		TEST(rules_of_devices),
		TEST(requests_go_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
