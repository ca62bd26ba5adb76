/* SPDX-License-Identifier: Apache-2.0 */
/* With a runtime that is a script, and says how it was called. */
#include "cmd/librustbox-runtime/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

static char folder[] = "/tmp/call_test.XXXXXX", program[64];

static void make_program(const char *text)
{
	FILE *file = fopen(program, "we");

	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\n%s", text) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(program, 0755), 0);
}

static int make_folder(void **state)
{
	return mkdtemp(folder) && snprintf(program, sizeof(program), "%s/rustbox-runtime", folder) <
					  (int)sizeof(program)
		       ? 0
		       : -1;
}

static int remove_folder(void **state)
{
	(void)unlink(program);
	return rmdir(folder);
}

static void says(const struct rustbox_runtime *runtime, const char *const *args, const char *input,
		 const char *wanted)
{
	struct rustbox_runtime_error err = { .text = "" };
	cleanup_free char *output = NULL;

	if (rustbox_runtime_call(runtime, args, input, input ? strlen(input) : 0, &output, &err) <
	    0)
		fail_msg("%s", err.text);
	assert_string_equal(output, wanted);
}

#define SAYS_ARGUMENTS "shift 4\nprintf '%s|' \"$@\"\n"

static void the_words_and_the_input_arrive(void **state)
{
	struct rustbox_runtime runtime = { .program = program };

	make_program(SAYS_ARGUMENTS "cat\n");
	says(&runtime, (const char *const[]){ "list", "a b", "", NULL }, NULL, "list|a b||");
	says(&runtime, (const char *const[]){ "update", NULL }, "{}\n", "update|{}\n");
	runtime.root = "/r";
	runtime.cgroup_manager = "systemd";
	says(&runtime, (const char *const[]){ "list", NULL }, NULL,
	     "--root|/r|--cgroup-manager|systemd|list|");
}

static void the_program_is_found_by_path(void **state)
{
	static const struct rustbox_runtime runtime;
	cleanup_free char *before = strdup(getenv("PATH"));
	char path[128];

	make_program("echo found\n");
	(void)snprintf(path, sizeof(path), "relative:/nonexistent::%s:/usr/bin:/bin", folder);
	assert_int_equal(setenv("PATH", path, 1), 0);
	says(&runtime, (const char *const[]){ "list", NULL }, NULL, "found\n");
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	struct rustbox_runtime_error err;
	assert_int_equal(rustbox_runtime_start(&runtime, "a", &err), -1);
	assert_non_null(strstr(err.text, "no folder of PATH has it"));
	assert_int_equal(setenv("PATH", before, 1), 0);
}

static void verbs_are_command_lines(void **state)
{
	const struct rustbox_runtime runtime = { .program = program };
	struct rustbox_runtime_error err;
	cleanup_fd int out = memfd_create("out", MFD_CLOEXEC);
	const struct rustbox_runtime_create create = { "id", "/b", "/s", "/p", { -1, out, -1 } };
	struct rustbox_runtime_exec exec = { .id = "id",
					     .args = (const char *const[]){ "ls", "-l", NULL },
					     .console_socket = "/s",
					     .streams = { -1, out, -1 } };
	char text[1024];
	int code = -1;

	make_program(SAYS_ARGUMENTS "echo\n[ \"$1\" != run ] || exit 5\n");
	assert_int_equal(rustbox_runtime_create(&runtime, &create, &err), 0);
	assert_int_equal(rustbox_runtime_run(&runtime, &create, &code, &err), 0);
	assert_int_equal(code, 5);
	assert_int_equal(rustbox_runtime_run(&runtime, &create, NULL, &err), -1);
	assert_int_equal(err.exit_code, 5);
	assert_int_equal(rustbox_runtime_exec(&runtime, &exec, NULL, &err), 0);
	exec.args = NULL;
	exec.process_file = "/f";
	assert_int_equal(rustbox_runtime_exec(&runtime, &exec, &code, &err), 0);
	assert_int_equal(code, 0);
	ssize_t n = pread(out, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, "create|--bundle|/b|--console-socket|/s|--pid-file|/p|id|\n"
				  "run|--bundle|/b|--console-socket|/s|--pid-file|/p|id|\n"
				  "run|--bundle|/b|--console-socket|/s|--pid-file|/p|--detach|id|\n"
				  "exec|--console-socket|/s|--tty|--detach|id|ls|-l|\n"
				  "exec|--process|/f|--console-socket|/s|id|\n");
}

static void verbs_without_output_are_command_lines(void **state)
{
	const struct rustbox_runtime runtime = { .program = program };
	struct rustbox_runtime_error err;

	make_program("shift 4\ncase $* in 'start a' | 'pause a' | 'resume a' | 'delete a' | "
		     "'delete --force a' | 'kill a 15' | 'kill --all a 9') ;; *) exit 1 ;; esac\n");
	assert_int_equal(rustbox_runtime_start(&runtime, "a", &err), 0);
	assert_int_equal(rustbox_runtime_pause(&runtime, "a", &err), 0);
	assert_int_equal(rustbox_runtime_resume(&runtime, "a", &err), 0);
	assert_int_equal(rustbox_runtime_delete(&runtime, "a", false, &err), 0);
	assert_int_equal(rustbox_runtime_delete(&runtime, "a", true, &err), 0);
	assert_int_equal(rustbox_runtime_kill(&runtime, "a", 15, false, &err), 0);
	assert_int_equal(rustbox_runtime_kill(&runtime, "a", 9, true, &err), 0);
	assert_int_equal(rustbox_runtime_start(&runtime, "b", &err), -1);
}

static void the_last_error_of_the_log_is_the_message(void **state)
{
	const struct rustbox_runtime runtime = { .program = program };
	struct rustbox_runtime_error err;
	cleanup_free char *json = NULL;

	make_program("cat >>\"$2\" <<'END'\n"
		     "time=\"x\" level=error msg=\"first\"\n"
		     "time=\"x\" level=error msg=\"state: \\\"a\\\\b\\\" is\\nbad\"\n"
		     "time=\"x\" level=warning msg=\"more\"\n"
		     "END\nexit 3\n");
	assert_int_equal(rustbox_runtime_state(&runtime, "a", &json, &err), -1);
	assert_null(json);
	assert_int_equal(err.exit_code, 3);
	assert_string_equal(err.text, "state: \"a\\b\" is bad");
}

static void an_end_without_words_is_told(void **state)
{
	const struct rustbox_runtime runtime = { .program = program };
	struct rustbox_runtime_error err;

	make_program("exit 9\n");
	assert_int_equal(rustbox_runtime_start(&runtime, "a", &err), -1);
	assert_string_equal(err.text, "rustbox-runtime ended with 9");
	make_program("kill -KILL $$\n");
	assert_int_equal(rustbox_runtime_start(&runtime, "a", &err), -1);
	assert_string_equal(err.text, "rustbox-runtime was ended by signal 9");
	assert_int_equal(err.exit_code, 0);
}

static void too_many_words_are_refused(void **state)
{
	const struct rustbox_runtime runtime = { .program = program };
	struct rustbox_runtime_error err;
	const char *args[CALL_WORDS + 2] = { NULL };

	make_program("echo $#\n");
	for (int i = 0; i < CALL_WORDS; i++)
		args[i] = "a";
	says(&runtime, args, NULL, "68\n");
	args[CALL_WORDS] = "a";
	assert_int_equal(rustbox_runtime_call(&runtime, args, NULL, 0, NULL, &err), -1);
	assert_non_null(strstr(err.text, "too long"));
}

static void *call_often(void *data)
{
	const struct rustbox_runtime runtime = { .program = program, .root = data };
	struct rustbox_runtime_error err;

	for (int i = 0; i < 10; i++) {
		cleanup_free char *output = NULL;
		if (rustbox_runtime_state(&runtime, "a", &output, &err) < 0 ||
		    strcmp(output, data) != 0)
			return data;
	}
	return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	static char names[4][2] = { "1", "2", "3", "4" };
	pthread_t threads[4];

	make_program("printf %s \"$6\"\n");
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, names[i]), 0);
	for (int i = 0; i < 4; i++) {
		void *failed = NULL;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_words_and_the_input_arrive),
		cmocka_unit_test(the_program_is_found_by_path),
		cmocka_unit_test(verbs_are_command_lines),
		cmocka_unit_test(verbs_without_output_are_command_lines),
		cmocka_unit_test(the_last_error_of_the_log_is_the_message),
		cmocka_unit_test(an_end_without_words_is_told),
		cmocka_unit_test(too_many_words_are_refused),
		cmocka_unit_test(threads_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
