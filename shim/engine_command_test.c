/* SPDX-License-Identifier: Apache-2.0 */
/* What a verb is run as; runc is tried where there is one. */
#include "shim/engine_test.h"

#include <sys/mman.h>
#include <sys/stat.h>

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void arguments_are_as_runtimes_know_them(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	char expected[512], path[128];
	mode_t mask = umask(022);

	write_program(f->runtime, "printf '%s;' \"$@\"");
	verb.wants_output = true;
	assert_null(run(f, &verb));
	(void)snprintf(expected, sizeof(expected),
		       "--root;%s/ns;--log;/proc/self/fd/3;--log-format;json;"
		       "create;--bundle;a b;id;",
		       f->root);
	assert_string_equal(f->output, expected);
	f->options.systemd_cgroup = true;
	assert_null(run(f, &verb));
	assert_non_null(strstr(f->output, ";json;--systemd-cgroup;create;"));
	(void)umask(mask);
	(void)snprintf(path, sizeof(path), "%s/ns", f->root);
	assert_int_equal(mode_of(f->root), 0711);
	assert_int_equal(mode_of(path), 0700);
}

static void descriptors_are_where_they_are_looked_for(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	cleanup_fd int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	const int stdio[] = { in, out, -1 };
	char text[128] = "";

	assert_int_equal(write(in, "stdin ", 6), 6);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	write_program(f->runtime, "cat; cat " ENGINE_PATH_INPUT "; cat " ENGINE_PATH_INPUT
				  "; ls " ENGINE_PATH_DIRECTORY "/; ls /proc/self/fd; echo no >&2");
	verb.input = "input ";
	verb.input_size = 6;
	verb.directory = f->directory;
	verb.stdio = stdio;
	assert_null(run(f, &verb));
	assert_null(f->output);
	assert_true(pread(out, text, sizeof(text) - 1, 0) > 0);
	/* 6 is the one with which ls reads the folder. */
	assert_string_equal(text, "stdin input input deep\nfake\n0\n1\n2\n3\n4\n5\n6\n");
}

static void nothing_is_given_where_nothing_is_wanted(void **state)
{
	struct fixture *f = *state;

	assert_null(failure_of(f,
			       "for i in 0 1 4 5; do [ /proc/$$/fd/$i -ef /dev/null ] || exit 1; "
			       "done"));
}

static void the_environment_is_ours_but_for_what_is_meant_for_us(void **state)
{
	struct fixture *f = *state;
	const char *const names[] = { "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
				      "LISTEN_FDS_TEST" };

	for (size_t i = 0; i < 5; i++)
		assert_int_equal(setenv(names[i], "3", 1), 0);
	const char *failure =
		failure_of(f, "[ -z \"$NOTIFY_SOCKET$LISTEN_FDS$LISTEN_PID$LISTEN_FDNAMES\" ] && "
			      "[ \"$LISTEN_FDS_TEST\" = 3 ] && [ \"$PATH\" ]");
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(unsetenv(names[i]), 0);
	assert_null(failure);
}

static void what_cannot_be_run_is_named(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	struct error err;

	verb.makes_process = true;
	assert_int_equal(engine_run(f->engine, "ns", &verb, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, f->runtime));
	f->options.binary_name = (char *)(uintptr_t) "no-such-runtime";
	assert_int_equal(engine_run(f->engine, "ns", &verb, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "no-such-runtime on PATH"));
	assert_int_equal(f->calls, 0);
}

static void namespaces_are_names(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "../x" };
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	struct error err;

	write_program(f->runtime, "exit 0");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(engine_run(f->engine, bad[i], &verb, &err), -1);
		assert_int_equal(err.code, EINVAL);
	}
	/* A file where the folder should be. */
	f->options.root = f->runtime;
	assert_int_equal(engine_run(f->engine, "ns", &verb, &err), -1);
	assert_non_null(strstr(err.text, f->runtime));
}

static char *copy_path(void)
{
	const char *path = getenv("PATH");

	return strdup(path ? path : "");
}

/* With PATH as given; NULL keeps it unset. */
static int run_with_path(const char *path, struct fixture *f, const struct engine_verb *verb,
			 struct error *err)
{
	cleanup_free char *before = copy_path();
	struct engine *engine;
	int result;

	assert_int_equal(path ? setenv("PATH", path, 1) : unsetenv("PATH"), 0);
	engine = engine_new(f->reaper, err);
	assert_non_null(engine);
	result = engine_run(engine, "ns", verb, err);
	if (result == 0)
		run_until(f, &f->calls, f->calls + 1);
	engine_free(engine);
	assert_int_equal(setenv("PATH", before, 1), 0);
	return result;
}

static void our_own_runtime_is_found(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	char path[128], own[128];
	struct error err;

	f->options.binary_name = NULL;
	(void)snprintf(path, sizeof(path), "relative:/no/such/folder::%s", f->folder);
	assert_int_equal(run_with_path(path, f, &verb, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "rustbox-runtime on PATH (relative:/no/such"));
	assert_non_null(strstr(err.text, "beside the shim"));
	(void)snprintf(own, sizeof(own), "%s/rustbox-runtime", f->folder);
	assert_int_equal(mkdir(own, 0755), 0); /* not what is meant */
	assert_int_equal(run_with_path(path, f, &verb, &err), -1);
	assert_int_equal(rmdir(own), 0);
	write_program(own, "echo \"$0\"");
	verb.wants_output = true;
	assert_int_equal(run_with_path(path, f, &verb, &err), 0);
	assert_null(f->failure);
	assert_memory_equal(f->output, own, strlen(own));
	/* One that is named goes before. */
	write_program(f->runtime, "echo named");
	f->options.binary_name = (char *)(uintptr_t) "fake";
	assert_int_equal(run_with_path(path, f, &verb, &err), 0);
	assert_string_equal(f->output, "named\n");
}

static void installing_the_runtime_later_is_enough(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	cleanup_free char *before = copy_path();
	struct engine *engine;
	char own[128];
	struct error err;
	int without, with;

	f->options.binary_name = NULL;
	(void)snprintf(own, sizeof(own), "%s/rustbox-runtime", f->folder);
	assert_int_equal(setenv("PATH", f->folder, 1), 0);
	engine = engine_new(f->reaper, &err);
	without = engine_run(engine, "ns", &verb, &err);
	write_program(own, "exit 0");
	with = engine_run(engine, "ns", &verb, &err);
	assert_int_equal(setenv("PATH", before, 1), 0);
	assert_int_equal(without, -1);
	assert_int_equal(with, 0);
	run_until(f, &f->calls, 1);
	assert_null(f->failure);
	engine_free(engine);
}

static void runc_can_stand_in(void **state)
{
	static const char *const features[] = { "features", NULL };
	static const char *const unknown[] = { "state", "nobody", NULL };
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);

	if (access("/usr/sbin/runc", X_OK) < 0 && access("/usr/bin/runc", X_OK) < 0) {
		print_message("runc is not installed\n");
		skip();
	}
	f->options.binary_name = (char *)(uintptr_t) "runc";
	verb.wants_output = true;
	verb.args = features;
	assert_null(run(f, &verb));
	assert_non_null(strstr(f->output, "\"ociVersionMin\""));
	verb.args = unknown;
	assert_string_equal(run(f, &verb), "container does not exist");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(arguments_are_as_runtimes_know_them),
		CASE(descriptors_are_where_they_are_looked_for),
		CASE(nothing_is_given_where_nothing_is_wanted),
		CASE(the_environment_is_ours_but_for_what_is_meant_for_us),
		CASE(what_cannot_be_run_is_named),
		CASE(namespaces_are_names),
		CASE(our_own_runtime_is_found),
		CASE(installing_the_runtime_later_is_enough),
		CASE(runc_can_stand_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
