/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/rustbox/format/format.h"

static const char document[] =
	"{\"ID\":\"0123\",\"Names\":\"web\",\"Ports\":[\"80/tcp\",\"443/tcp\"],\"Up\":true,"
	"\"State\":{\"Pid\":42,\"Error\":\"\"},\"Labels\":{\"a.b\":\"1\",\"c\":\"2\"},"
	"\"Docs\":[{\"Name\":\"a\",\"List\":[{\"X\":1}]},{\"List\":[{\"X\":2}]}],"
	"\"Quote\":\"a\\\"b\\\\\\n\\u0001\"}";

static void expect(const char *template, const char *expected)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str out = STR_EMPTY;
	struct error err;
	const struct value *value = value_read(document, strlen(document), &arena, &err);

	assert_non_null(value);
	if (format_template(template, &value, 1, &out, &err) < 0)
		fail_msg("%s: %s", template, err.text);
	assert_string_equal(out.text, expected);
}

static void test_template(void **state)
{
	expect("{{.ID}}", "0123\n");
	expect("{{ .ID }}-{{.Names}}", "0123-web\n");
	expect("plain", "plain\n");
	expect("a\\tb", "a\tb\n");
	expect("{{.State.Pid}}", "42\n");
	expect("{{.Nothing}}", "<no value>\n");
	expect("{{.State.Error}}", "\n");
	expect("{{json .Ports}}", "[\"80/tcp\",\"443/tcp\"]\n");
	expect("{{json .Quote}}", "\"a\\\"b\\\\\\n\\u0001\"\n");
	expect("{{.Ports}}", "[80/tcp 443/tcp]\n");
	expect("{{.Labels}}", "map[a.b:1 c:2]\n");
	expect("{{index .Labels \"a.b\"}}", "1\n");
	expect("{{index .Labels \"none\"}}", "\n");
	expect("{{index .Ports 1}}", "443/tcp\n");
	expect("{{index .Ports 7}}", "<no value>\n");
	expect("{{join .Ports \", \"}}", "80/tcp, 443/tcp\n");
	expect("{{index (split .ID \"1\") 1}}", "23\n");
	expect("{{upper .Names}} {{title .Names}} {{lower \"ABC\"}} {{len .Ports}}",
	       "WEB Web abc 2\n");
	expect("{{.Names | upper | println}}", "WEB\n\n");
	expect("{{\"}}\"}}", "}}\n");
	expect("{{truncate .ID 2}}", "01\n");
	expect("{{(index .Docs 0).Name}} {{(.State).Pid}}", "a 42\n");
	expect("{{range $k, $v := .Docs}}{{$k}}={{(index $v.List 0).X}};{{end}}", "0=1;1=2;\n");
	expect("a {{- .ID -}} b{{- /* no \" here */ -}} c", "a0123bc\n");
	expect("a {{/* nothing */}} b", "a  b\n");
	expect("{{range .Ports -}}\n  {{.}},\n{{- end}}", "80/tcp,443/tcp,\n");
}

static void test_template_blocks(void **state)
{
	expect("{{if .Up}}up{{else}}down{{end}}", "up\n");
	expect("{{if not .Up}}up{{else}}down{{end}}", "down\n");
	expect("{{if .State.Error}}e{{else if eq .State.Pid 42}}42{{else}}x{{end}}", "42\n");
	expect("{{if and .Up (gt .State.Pid 41) (ne .ID \"x\")}}y{{end}}", "y\n");
	expect("{{or .State.Error .ID}}", "0123\n");
	expect("{{range .Ports}}<{{.}}>{{end}}", "<80/tcp><443/tcp>\n");
	expect("{{range $i, $p := .Ports}}{{$i}}={{$p}} {{$.ID}};{{end}}",
	       "0=80/tcp 0123;1=443/tcp 0123;\n");
	expect("{{range $k, $v := .Labels}}{{$k}}={{$v}},{{end}}", "a.b=1,c=2,\n");
	expect("{{range .Nothing}}x{{else}}none{{end}}", "none\n");
	expect("{{with .State}}{{.Pid}}{{end}}", "42\n");
	expect("{{$x := .Names}}{{if $x}}{{$x}}{{end}}", "web\n");
	expect("{{if eq .Names \"a\" \"web\"}}one of them{{end}}", "one of them\n");
	expect("{{if le .State.Pid 42}}{{if ge .State.Pid 42}}{{if lt 1 2}}ok{{end}}{{end}}{{end}}",
	       "ok\n");
}

static void expect_failure(const char *template, const char *part)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str out = STR_EMPTY;
	struct error err = { .text = "" };
	const struct value *value = value_read(document, strlen(document), &arena, &err);

	assert_int_equal(format_template(template, &value, 1, &out, &err), -1);
	if (!strstr(err.text, part))
		fail_msg("%s: \"%s\" is not in \"%s\"", template, part, err.text);
}

/* Few characters that ask for more than there is. */
static void test_template_bounds(void **state)
{
	cleanup_str struct str text = STR_EMPTY;

	str_add(&text, "{{$a := \"0123456789abcdef\"}}");
	for (int i = 0; i < 8; i++)
		str_add(&text, "{{$a := print $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a $a}}");
	expect_failure(text.text, "larger than");
	text.size = 0;
	for (int i = 0; i < 100000; i++)
		str_add(&text, "{{$a := 1}}");
	expect(text.text, "\n");
	text.size = 0;
	for (int i = 0; i < 28; i++)
		str_add(&text, "{{range $.Docs}}");
	for (int i = 0; i < 28; i++)
		str_add(&text, "{{end}}");
	expect_failure(text.text, "larger than");
}

static void test_template_errors(void **state)
{
	char deep[1003] = "";

	expect_failure("{{.ID", "}} is missing");
	expect_failure("{{}}", "character 3: something is missing");
	expect_failure("{{if .ID}}", "{{end}} is missing");
	expect_failure("{{if .ID}}{{else}}", "{{end}} is missing");
	expect_failure("{{end}}", "without a beginning");
	expect_failure("{{.ID}}{{else}}", "without a beginning");
	expect_failure("{{nothing .ID}}", "no function \"nothing\"");
	expect_failure("{{lower}}", "does not take 0 arguments");
	expect_failure("{{$x}}", "no variable $x");
	expect_failure("{{(.ID}}", "not closed");
	expect_failure("{{.ID .ID}}", "one argument too many");
	expect_failure("{{index \"a}}", "}} is missing");
	expect_failure("{{.ID | }}", "something is missing");
	expect_failure("{{ % }}", "is expected");
	for (size_t i = 0; i < 100; i++)
		memcpy(deep + 10 * i, "{{if .ID}}", 10);
	expect_failure(deep, "too deeply");
	memset(deep, '(', 1000);
	memcpy(deep, "{{", 2);
	memcpy(deep + 1000, "}}", 2);
	expect_failure(deep, "too deeply");
}

static const struct format_column columns[] = {
	{ "CONTAINER ID", "ID" }, { "NAMES", "Names" }, { "PID", "State.Pid" }, { NULL, NULL }
};

static char *rows(const char *format, size_t n, bool no_header, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct str out = STR_EMPTY;
	const char second[] = "{\"ID\":\"45\",\"Names\":\"d\xc3\xbc\\u001bk\",\"State\":{}}";
	const struct value *values[] = {
		value_read(document, strlen(document), &arena, err),
		value_read(second, strlen(second), &arena, err),
	};

	assert_non_null(values[0]);
	assert_non_null(values[1]);
	if (format_rows(format, columns, values, n, no_header, &out, err) < 0) {
		str_done(&out);
		return NULL;
	}
	return str_take(&out, err);
}

static void expect_rows(const char *format, size_t n, bool no_header, const char *expected)
{
	struct error err;
	cleanup_free char *text = rows(format, n, no_header, &err);

	if (!text)
		fail_msg("%s", err.text);
	assert_string_equal(text, expected);
}

static void test_rows(void **state)
{
	struct error err;

	expect_rows(NULL, 2, false,
		    "CONTAINER ID   NAMES   PID\n"
		    "0123           web     42\n"
		    "45             d\xc3\xbc k    \n");
	expect_rows("table", 0, false, "CONTAINER ID   NAMES   PID\n");
	expect_rows("table", 0, true, "");
	expect_rows("{{.ID}}", 2, false, "0123\n45\n");
	expect_rows("table {{.Names}}\\t{{.ID}}", 2, false,
		    "NAMES   CONTAINER ID\nweb     0123\nd\xc3\xbc k    45\n");
	expect_rows("names,id", 1, false, "NAMES   CONTAINER ID\nweb     0123\n");
	expect_rows(
		"json", 1, false,
		"{\"ID\":\"0123\",\"Names\":\"web\",\"Ports\":[\"80/tcp\",\"443/tcp\"],\"Up\":"
		"true,\"State\":{\"Pid\":42,\"Error\":\"\"},\"Labels\":{\"a.b\":\"1\",\"c\":"
		"\"2\"},\"Docs\":[{\"Name\":\"a\",\"List\":[{\"X\":1}]},{\"List\":[{\"X\":2}]}],"
		"\"Quote\":\"a\\\"b\\\\\\n\\u0001\"}\n");
	expect_rows("table names,id", 1, false, "NAMES   CONTAINER ID\nweb     0123\n");
	expect_rows("table  ID,up", 2, false,
		    "CONTAINER ID   UP\n0123           true\n45             \n");
	expect_rows("table id,whatever", 0, false, "CONTAINER ID   WHATEVER\n");
	assert_null(rows("table id,nope", 1, false, &err));
	assert_non_null(strstr(err.text, "no column \"nope\""));
	assert_null(rows("id,,id", 0, false, &err));
	assert_null(rows("id,nope", 1, false, &err));
	assert_non_null(strstr(err.text, "no column \"nope\""));
}

static void test_documents(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str out = STR_EMPTY;
	struct error err;
	const char text[] = "{\"a\":[],\"b\":[1,null],\"c\":{}}";
	const struct value *value = value_read(text, strlen(text), &arena, &err);

	assert_int_equal(format_documents(NULL, &value, 1, &out, &err), 0);
	assert_string_equal(out.text,
			    "[\n    {\n        \"a\": [],\n        \"b\": [\n            1,\n"
			    "            null\n        ],\n        \"c\": {}\n    }\n]\n");
}

static void expect_strict(const char *text, const char *complaint)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	const struct value *value = value_read_strict(text, strlen(text), &arena, &err);

	if (!complaint) {
		assert_non_null(value);
		return;
	}
	assert_null(value);
	if (!strstr(err.text, complaint))
		fail_msg("\"%s\" should name \"%s\"", err.text, complaint);
}

static void test_strangers_values(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str many = STR_EMPTY;
	struct error err;

	expect_strict("{\"a\":1,\"b\":[{\"a\":1}],\"c\":{\"a\":{}}}", NULL);
	expect_strict("{\"a\":1,\"b\":2,\"a\":1}", "\"a\" twice");
	expect_strict("[{\"b\":{\"x\":1,\"x\":1}}]", "\"x\" twice");
	expect_strict("{\"a\\u0000b\":1}", "NUL");
	expect_strict("[\"a\\u0000b\"]", "NUL");
	static const char *const bad[] = { "\xff",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\x80",
					   "\xe0\x80\x80",
					   "\xed\xa0\x80",
					   "\xf0\x80\x80\x80",
					   "\xf4\x90\x80\x80",
					   "\xe2\x82",
					   "\xf8\x88\x80\x80\x80" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cleanup_str struct str text = STR_EMPTY;
		str_add_format(&text, "[\"a%s\"]", bad[i]);
		expect_strict(text.text, "no JSON");
	}
	expect_strict("[\"\\ud800\"]", "no JSON");
	expect_strict("[\"\u00e4 \u20ac \U0001f600 \u07ff \ud7ff\"]", NULL);
	assert_null(value_read("[\"a\\u0000\"]", 10, &arena, &err));
	/* Each compared with all others this would take minutes. */
	str_add(&many, "{\"x\":0");
	for (int i = 0; i < 300000; i++)
		str_add_format(&many, ",\"%d\":0", i);
	str_add(&many, "}");
	assert_false(many.failed);
	const struct value *value = value_read_strict(many.text, many.size, &arena, &err);
	assert_non_null(value);
	assert_int_equal(value->n, 300001);
}

static void test_written_text(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str out = STR_EMPTY;
	struct error err;

	value_write(&out, value_text(&arena, "\"\\\n\x01\x7f \u20ac \xff\xe2\x82", &err), false);
	assert_string_equal(out.text, "\"\\\"\\\\\\n\\u0001\\u007f \u20ac \\ufffd\\ufffd\\ufffd\"");
}

static void test_values(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	char deep[200];
	struct error err;

	assert_null(value_read("{", 1, &arena, &err));
	assert_null(value_read("", 0, &arena, &err));
	assert_null(value_read("[1] x", 5, &arena, &err));
	memset(deep, '[', sizeof(deep));
	assert_null(value_read(deep, sizeof(deep), &arena, &err));
	assert_non_null(strstr(err.text, "deeper"));
	const struct value *value = value_read("{\"a\":1,\"a\":2.5e3}", 17, &arena, &err);
	assert_non_null(value);
	assert_int_equal(value->n, 1);
	assert_string_equal(value_get(value, "a")->text, "2.5e3");
	assert_null(value_get(value, "a.b"));
	struct value *object = value_object(&arena, &err);
	for (int i = 0; i < 20; i++) {
		char key[8] = { (char)('a' + i), 0 };
		assert_int_equal(
			value_add(object, key, value_number(&arena, i, &err), &arena, &err), 0);
	}
	assert_string_equal(value_get(object, "t")->text, "19");
	assert_int_equal(value_add(object, "x", NULL, &arena, &err), -1);
}

static void expect_size(const char *text, int64_t expected)
{
	struct error err;
	int64_t size = -7;

	if (format_read_size(text, true, &size, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(size, expected);
}

static void test_sizes(void **state)
{
	static const char *const bad[] = {
		"",	 "M",	 "-",	"--1", "-x", "1x",  "1MM",
		"1.2.3", "0x10", "1e3", "inf", " 1", "1bb", "99999999999999999999"
	};
	struct error err;
	int64_t size;

	expect_size("512000", 512000);
	expect_size("256M", 256 << 20);
	expect_size("256m", 256 << 20);
	expect_size("1g", 1 << 30);
	expect_size("1.5k", 1536);
	expect_size("2KiB", 2048);
	expect_size("2kb", 2048);
	expect_size("7b", 7);
	expect_size("0", 0);
	/* "0 or negative": all of them mean that there is no limit. */
	expect_size("-1", -1);
	expect_size("-5", -1);
	expect_size("-5M", -1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (format_read_size(bad[i], true, &size, &err) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(format_read_size("-1", false, &size, &err), -1);
}

static void test_durations(void **state)
{
	static const char *const bad[] = { "",	     "s",   "1x",    "-1s",
					   "1m 30s", "5s3", "1..5s", "200000000h" };
	struct error err;
	uint64_t ms;

	assert_int_equal(format_read_duration("1m30s", &ms, &err), 0);
	assert_int_equal(ms, 90000);
	assert_int_equal(format_read_duration("500ms", &ms, &err), 0);
	assert_int_equal(ms, 500);
	assert_int_equal(format_read_duration("2h", &ms, &err), 0);
	assert_int_equal(ms, 7200000);
	assert_int_equal(format_read_duration("10", &ms, &err), 0);
	assert_int_equal(ms, 10000);
	assert_int_equal(format_read_duration("1.5s", &ms, &err), 0);
	assert_int_equal(ms, 1500);
	assert_int_equal(format_read_duration("0", &ms, &err), 0);
	assert_int_equal(ms, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (format_read_duration(bad[i], &ms, &err) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_times(void **state)
{
	struct error err;
	uint64_t ns;

	assert_int_equal(format_read_time("1136214245.5", 0, &ns, &err), 0);
	assert_int_equal(ns, 1136214245500000000);
	assert_int_equal(format_read_time("2006-01-02T15:04:05Z", 0, &ns, &err), 0);
	assert_int_equal(ns, 1136214245000000000);
	assert_int_equal(format_read_time("2006-01-02T16:04:05.000000001+01:00", 0, &ns, &err), 0);
	assert_int_equal(ns, 1136214245000000001);
	assert_int_equal(format_read_time("10m", 1000000000000, &ns, &err), 0);
	assert_int_equal(ns, 400000000000);
	assert_int_equal(format_read_time("2006-01-02", 0, &ns, &err), 0);
	assert_int_equal(format_read_time("1000000h", 5, &ns, &err), 0);
	assert_int_equal(ns, 0);
	assert_int_equal(format_read_time("9999-01-01T00:00:00Z", 0, &ns, &err), -1);
	assert_int_equal(format_read_time("yesterday", 0, &ns, &err), -1);
	assert_int_equal(format_read_time("2006-01-02T15:04:05Zx", 0, &ns, &err), -1);
}

static void test_signals(void **state)
{
	struct error err;
	int number;

	assert_int_equal(format_read_signal("TERM", &number, &err), 0);
	assert_int_equal(number, SIGTERM);
	assert_int_equal(format_read_signal("SIGhup", &number, &err), 0);
	assert_int_equal(number, SIGHUP);
	assert_int_equal(format_read_signal("9", &number, &err), 0);
	assert_int_equal(number, 9);
	assert_int_equal(format_read_signal("RTMIN+3", &number, &err), 0);
	assert_int_equal(number, SIGRTMIN + 3);
	assert_int_equal(format_read_signal("0", &number, &err), -1);
	assert_int_equal(format_read_signal("NOPE", &number, &err), -1);
	assert_int_equal(format_read_signal("65", &number, &err), -1);
}

static void expect_ago(int64_t seconds, const char *expected)
{
	cleanup_str struct str out = STR_EMPTY;

	format_ago(&out, seconds);
	assert_string_equal(out.text, expected);
}

static void expect_shown(uint64_t bytes, const char *decimal, const char *binary)
{
	cleanup_str struct str a = STR_EMPTY, b = STR_EMPTY;

	format_size(&a, bytes);
	format_binary_size(&b, bytes);
	assert_string_equal(a.text, decimal);
	assert_string_equal(b.text, binary);
}

static void test_shown(void **state)
{
	expect_ago(0, "Less than a second");
	expect_ago(1, "1 second");
	expect_ago(59, "59 seconds");
	expect_ago(60, "About a minute");
	expect_ago(150, "2 minutes");
	expect_ago(50 * 60, "About an hour");
	expect_ago(5 * 3600, "5 hours");
	expect_ago(72 * 3600, "3 days");
	expect_ago(20 * 86400, "2 weeks");
	expect_ago(100 * 86400, "3 months");
	expect_ago(1000 * 86400, "2 years");
	expect_shown(0, "0B", "0B");
	expect_shown(999, "999B", "999B");
	expect_shown(999999, "1MB", "976.6KiB");
	expect_shown(1536, "1.54kB", "1.5KiB");
	expect_shown(1048575, "1.05MB", "1MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_template_blocks),
		cmocka_unit_test(test_template_bounds),
		cmocka_unit_test(test_template_errors),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_strangers_values),
		cmocka_unit_test(test_written_text),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
