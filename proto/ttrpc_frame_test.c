/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "proto/empty.pb-c.h"
#include "proto/task.pb-c.h"
#include "proto/ttrpc_frame.h"

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* Compares with bytes in hexadecimal; blanks are for the reader. */
static void assert_bytes(const struct str *s, const char *hex)
{
	size_t n = 0;

	for (; *hex; hex++) {
		unsigned int byte = 0;
		if (*hex == ' ')
			continue;
		for (int i = 0; i < 2; i++, hex += i == 1)
			byte = byte * 16 +
			       (unsigned int)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
		assert_true(n < s->size);
		assert_int_equal((uint8_t)s->text[n++], byte);
	}
	assert_int_equal(n, s->size);
}

static void headers_are_big_endian(void **state)
{
	static const uint8_t bytes[TTRPC_HEADER_SIZE] = { 1, 2, 3, 4, 0x80, 6, 7, 8, 9, 10 };
	uint8_t again[TTRPC_HEADER_SIZE];
	struct ttrpc_header h;

	(void)state;
	ttrpc_header_unpack(bytes, &h);
	assert_int_equal(h.size, 0x01020304);
	assert_int_equal(h.stream, 0x80060708);
	assert_int_equal(h.type, 9);
	assert_int_equal(h.flags, 10);
	ttrpc_header_pack(&h, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
}

static void requests_are_as_others_write_them(void **state)
{
	Containerd__Task__V2__ConnectRequest request;
	struct str out = STR_EMPTY;
	struct error err;

	(void)state;
	containerd__task__v2__connect_request__init(&request);
	request.id = text("w1");
	assert_int_equal(ttrpc_add_request(&out, 3, "containerd.task.v2.Task", "Connect",
					   &request.base, 0, NULL, NULL, &err),
			 0);
	assert_bytes(&out,
		     "00000028 00000003 01 00 0a17 636f6e7461696e6572642e7461736b2e76322e5461736b"
		     "1207 436f6e6e656374 1a04 0a027731");
	str_done(&out);
	assert_int_equal(ttrpc_add_request(&out, 1, "S", "M", &request.base, 1000, "k", "v", &err),
			 0);
	assert_bytes(&out, "00000017 00000001 01 00 0a0153 12014d 1a04 0a027731 20e807"
			   "2a06 0a016b 120176");
	str_done(&out);
}

static void responses_are_as_others_write_them(void **state)
{
	Containerd__Task__V2__ConnectResponse response;
	Google__Protobuf__Empty empty;
	struct str out = STR_EMPTY;
	struct error err;

	(void)state;
	containerd__task__v2__connect_response__init(&response);
	response.shim_pid = 18951;
	response.task_pid = 19018;
	assert_int_equal(ttrpc_add_response(&out, 3, &response.base, &err), 0);
	google__protobuf__empty__init(&empty);
	assert_int_equal(ttrpc_add_response(&out, 17, &empty.base, &err), 0);
	assert_bytes(&out, "0000000a 00000003 02 00 1208 08879401 10ca9401"
			   "00000000 00000011 02 00");
	str_done(&out);
}

static void failures_are_as_others_write_them(void **state)
{
	struct str out = STR_EMPTY;
	struct error err;

	(void)state;
	assert_int_equal(ttrpc_add_failure(&out, 191, TTRPC_NOT_FOUND,
					   "process already finished: not found", &err),
			 0);
	assert_bytes(&out,
		     "00000029 000000bf 02 00 0a27 0805 1223"
		     "70726f6365737320616c72656164792066696e69736865643a206e6f7420666f756e64");
	str_done(&out);
}

static void texts_of_failures_are_cleaned_and_cut(void **state)
{
	size_t size = 5 << 20;
	char *long_text = malloc(size + 1);
	struct str out = STR_EMPTY;
	struct error err;

	(void)state;
	assert_non_null(long_text);
	memset(long_text, '\xff', size);
	long_text[size] = '\0';
	int result = ttrpc_add_failure(&out, 1, TTRPC_UNKNOWN, long_text, &err);
	free(long_text);
	assert_int_equal(result, 0);
	assert_in_range(out.size, 1000, TTRPC_DATA_MAX);
	assert_int_equal(out.text[out.size - 1], '?');
	str_done(&out);
}

static void what_does_not_fit_is_not_added(void **state)
{
	Containerd__Task__V2__StateResponse response;
	Containerd__Task__V2__ConnectRequest request;
	char *large = calloc(1, TTRPC_DATA_MAX + 1);
	struct str out = STR_EMPTY;
	struct error err = { 0 };

	(void)state;
	assert_non_null(large);
	memset(large, 'x', TTRPC_DATA_MAX);
	containerd__task__v2__state_response__init(&response);
	containerd__task__v2__connect_request__init(&request);
	response.id = request.id = large;
	assert_int_equal(ttrpc_add_response(&out, 1, &response.base, &err), -1);
	assert_int_equal(err.code, EMSGSIZE);
	large[TTRPC_DATA_MAX - 10] = '\0'; /* too long only with what goes around it */
	assert_int_equal(ttrpc_add_request(&out, 1, "S", "M", &request.base, 0, NULL, NULL, &err),
			 -1);
	assert_int_equal(err.code, EMSGSIZE);
	assert_int_equal(out.size, 0);
	assert_false(out.failed);
	large[TTRPC_DATA_MAX - 20] = '\0';
	assert_int_equal(ttrpc_add_response(&out, 1, &response.base, &err), 0);
	assert_in_range(out.size, TTRPC_DATA_MAX - 20, TTRPC_HEADER_SIZE + TTRPC_DATA_MAX);
	free(large);
	str_done(&out);
}

static void texts_become_utf8(void **state)
{
	char plain[] = "caf\xc3\xa9 \xe2\x82\xac", broken[] = "a\xff\xc3", cut[] = "\xe2\x82";

	(void)state;
	ttrpc_clean_text(plain);
	assert_string_equal(plain, "caf\xc3\xa9 \xe2\x82\xac");
	ttrpc_clean_text(broken);
	assert_string_equal(broken, "a??");
	ttrpc_clean_text(cut);
	assert_string_equal(cut, "??");
}

static void codes_have_words(void **state)
{
	(void)state;
	assert_string_equal(ttrpc_code_text(TTRPC_NOT_FOUND), "not found");
	assert_string_equal(ttrpc_code_text((enum ttrpc_code)7), "unknown");
	assert_string_equal(ttrpc_code_text((enum ttrpc_code) - 1), "unknown");
	assert_string_equal(ttrpc_code_text((enum ttrpc_code)9999), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_big_endian),
		cmocka_unit_test(requests_are_as_others_write_them),
		cmocka_unit_test(responses_are_as_others_write_them),
		cmocka_unit_test(failures_are_as_others_write_them),
		cmocka_unit_test(texts_of_failures_are_cleaned_and_cut),
		cmocka_unit_test(what_does_not_fit_is_not_added),
		cmocka_unit_test(texts_become_utf8),
		cmocka_unit_test(codes_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
