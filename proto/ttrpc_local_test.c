/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from within the server's own program. */
#include "proto/ttrpc_test.h"

#include <stdio.h>

static struct {
	int calls;
	enum ttrpc_code code;
	char text[128];
	uint32_t pid; /* of a State's answer */
} answer;

static void on_answer(void *data, enum ttrpc_code code, const char *text,
		      const ProtobufCMessage *response)
{
	assert_ptr_equal(data, &answer);
	assert_true((code == TTRPC_OK) == (response != NULL));
	answer.calls++;
	answer.code = code;
	(void)snprintf(answer.text, sizeof(answer.text), "%s", text ? text : "");
	if (response && response->descriptor == &containerd__task__v2__state_response__descriptor)
		answer.pid = ((const Containerd__Task__V2__StateResponse *)response)->pid;
}

/* All requests have their id at the same place. */
static void call(const char *method, const ProtobufCMessageDescriptor *type, const char *id)
{
	union {
		ProtobufCMessage base;
		Containerd__Task__V2__StateRequest state;
		Containerd__Task__V2__KillRequest kill; /* the largest */
	} request;
	struct error err;

	memset(&answer, 0, sizeof(answer));
	type->message_init(&request.base);
	request.state.id = (char *)(uintptr_t)id;
	assert_int_equal(ttrpc_call_local(test.server, test.services[0], method, &request.base,
					  on_answer, &answer, &err),
			 0);
	assert_int_equal(answer.calls, 0); /* never from within */
}

static void the_answer_comes_from_the_loop(void **state)
{
	call("Pause", &containerd__task__v2__pause_request__descriptor, "w1");
	assert_int_equal(test.n_pauses, 1);
	test_run();
	assert_int_equal(answer.calls, 1);
	assert_int_equal(answer.code, TTRPC_OK);
	assert_int_equal(ttrpc_server_calls(test.server), 0);
	test_run();
	assert_int_equal(answer.calls, 1);
}

static void an_answer_that_comes_later_has_its_message(void **state)
{
	call("State", &containerd__task__v2__state_request__descriptor, "w1");
	test_run();
	assert_int_equal(answer.calls, 0);
	assert_int_equal(ttrpc_server_calls(test.server), 1);
	test_answer_parked(0);
	assert_int_equal(answer.calls, 0);
	test_run();
	assert_int_equal(answer.calls, 1);
	assert_int_equal(answer.code, TTRPC_OK);
	assert_int_equal(answer.pid, 1);
}

static void failures_have_code_and_text(void **state)
{
	call("Kill", &containerd__task__v2__kill_request__descriptor, "w1");
	test_run();
	assert_int_equal(answer.code, TTRPC_NOT_FOUND);
	assert_string_equal(answer.text, "w1: not found");
	call("Resume", &containerd__task__v2__resume_request__descriptor, "w1");
	test_run();
	assert_int_equal(answer.calls, 1); /* of a handler that answers three times */
	assert_int_equal(answer.code, TTRPC_INTERNAL);
	assert_string_equal(answer.text, "no answer");
}

static void a_call_that_waits_is_not_cancelled(void **state)
{
	call("Wait", &containerd__task__v2__wait_request__descriptor, "w1");
	test_run();
	test_run();
	assert_non_null(test.waiting[0]); /* until the server ends */
	assert_int_equal(answer.calls, 0);
}

static void the_server_ends_before_the_answer(void **state)
{
	call("Pause", &containerd__task__v2__pause_request__descriptor, "w1");
	call("State", &containerd__task__v2__state_request__descriptor, "w1");
	assert_int_equal(ttrpc_server_calls(test.server), 2); /* nothing may leak */
}

static void unknown_methods_and_other_messages_are_refused(void **state)
{
	Containerd__Task__V2__StateRequest request;
	struct error err;

	containerd__task__v2__state_request__init(&request);
	assert_int_equal(ttrpc_call_local(test.server, test.services[0], "Dance", &request.base,
					  on_answer, &answer, &err),
			 -1);
	assert_int_equal(ttrpc_call_local(test.server, test.services[0], "Kill", &request.base,
					  on_answer, &answer, &err),
			 -1);
	assert_int_equal(ttrpc_server_calls(test.server), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, test_setup, test_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_answer_comes_from_the_loop),
		TEST(an_answer_that_comes_later_has_its_message),
		TEST(failures_have_code_and_text),
		TEST(a_call_that_waits_is_not_cancelled),
		TEST(the_server_ends_before_the_answer),
		TEST(unknown_methods_and_other_messages_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
