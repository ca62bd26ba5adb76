/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "proto/runtime_options.pb-c.h"
#include "shim/runtime_options.h"

static struct arena arena;
static char top[32];
static int folder = -1;
static char logged[256];

static void keep_log(void *data, enum log_level level, const char *text)
{
	(void)snprintf(logged, sizeof(logged), "%s", text);
}

static int set_up(void **state)
{
	(void)snprintf(top, sizeof(top), "/tmp/options_test.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	folder = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	logged[0] = '\0';
	log_redirect(keep_log, NULL);
	return folder < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)unlinkat(folder, "options.json", 0);
	(void)unlinkat(folder, "file.toml", 0);
	fd_close(&folder);
	arena_free(&arena);
	log_redirect(NULL, NULL);
	return rmdir(top); /* fails when something else was left */
}

static int read_any(const char *type, const void *value, size_t size, struct runtime_options *ret,
		    struct error *err)
{
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;

	any.type_url = (char *)(uintptr_t)type;
	any.value = (ProtobufCBinaryData){ size, (uint8_t *)(uintptr_t)value };
	return runtime_options_read(&any, &arena, ret, err);
}

/* Options of the generic kind. */
static int read_toml(const char *path, const char *body, struct runtime_options *ret,
		     struct error *err)
{
	Runtimeoptions__V1__Options m = RUNTIMEOPTIONS__V1__OPTIONS__INIT;
	uint8_t packed[1024];

	if (path)
		m.config_path = (char *)(uintptr_t)path;
	if (body)
		m.config_body = (ProtobufCBinaryData){ strlen(body), (uint8_t *)(uintptr_t)body };
	assert_true(runtimeoptions__v1__options__get_packed_size(&m) <= sizeof(packed));
	return read_any("runtimeoptions.v1.Options", packed,
			runtimeoptions__v1__options__pack(&m, packed), ret, err);
}

static void assert_default(const struct runtime_options *o)
{
	assert_false(o->no_pivot_root || o->no_new_keyring || o->systemd_cgroup);
	assert_int_equal(o->io_uid, 0);
	assert_int_equal(o->io_gid, 0);
	assert_null(o->shim_cgroup);
	assert_null(o->binary_name);
	assert_string_equal(o->root, RUNTIME_OPTIONS_ROOT);
	assert_null(o->criu_work_path);
	assert_null(o->criu_image_path);
}

static void nothing_gives_the_defaults(void **state)
{
	struct runtime_options o;
	struct error err;

	assert_int_equal(runtime_options_read(NULL, &arena, &o, &err), 0);
	assert_default(&o);
	assert_int_equal(read_any("", NULL, 0, &o, &err), 0);
	assert_default(&o);
	assert_int_equal(read_any("containerd.runc.v1.Options", NULL, 0, &o, &err), 0);
	assert_default(&o);
	assert_int_equal(read_toml(NULL, NULL, &o, &err), 0);
	assert_default(&o);
	assert_string_equal(logged, "");
}

static void runc_options_are_read(void **state)
{
	static const char all[] = "\x08\x01\x10\x01\x1a\x02/c\x20\xe8\x07\x28\xe9\x07"
				  "\x32\x0e/usr/sbin/runc\x3a\x09/run/runc\x42\x01x\x48\x01"
				  "\x52\x02/i\x5a\x02/w\x62\x01y\x68\x03";
	struct runtime_options o;
	struct error err;

	assert_int_equal(read_any("types.containerd.io/containerd.runc.v1.Options", all,
				  sizeof(all) - 1, &o, &err),
			 0);
	assert_true(o.no_pivot_root && o.no_new_keyring && o.systemd_cgroup);
	assert_int_equal(o.io_uid, 1000);
	assert_int_equal(o.io_gid, 1001);
	assert_string_equal(o.shim_cgroup, "/c");
	assert_string_equal(o.binary_name, "/usr/sbin/runc");
	assert_string_equal(o.root, "/run/runc");
	assert_string_equal(o.criu_image_path, "/i");
	assert_string_equal(o.criu_work_path, "/w");
}

static void toml_is_read_from_a_text_or_a_file(void **state)
{
	static const char text[] = "SystemdCgroup = true\nIoUid = 4294967295\n"
				   "[options]\nRoot = \"/r\"\nBinaryName = \"runc\"\n";
	char path[64];
	struct runtime_options o;
	struct error err;

	assert_int_equal(read_toml(NULL, text, &o, &err), 0);
	assert_true(o.systemd_cgroup);
	assert_int_equal(o.io_uid, UINT32_MAX);
	assert_string_equal(o.root, "/r");
	assert_string_equal(o.binary_name, "runc");
	assert_string_equal(logged, "");

	(void)snprintf(path, sizeof(path), "%s/file.toml", top);
	assert_int_equal(fd_replace_file(folder, "file.toml", text, strlen(text), 0600, &err), 0);
	assert_int_equal(read_toml(path, "NoPivotRoot = true", &o, &err), 0);
	assert_true(o.systemd_cgroup);
	assert_false(o.no_pivot_root);
}

static void what_is_not_known_is_logged_and_ignored(void **state)
{
	struct runtime_options o;
	struct error err;

	assert_int_equal(read_any("some.Type", "\xff\xff", 2, &o, &err), 0);
	assert_default(&o);
	assert_non_null(strstr(logged, "some.Type"));
	assert_int_equal(read_toml(NULL, "Fancy = [1]\n", &o, &err), 0);
	assert_default(&o);
	assert_non_null(strstr(logged, "line 1: Fancy is not known"));
	assert_int_equal(read_toml(NULL, "[other]\nRoot = \"/x\"\n", &o, &err), 0);
	assert_default(&o);
	assert_non_null(strstr(logged, "other.Root"));
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *toml, *message;
	} rows[] = {
		{ "Root = \"relative\"", "Root \"relative\": must be an absolute path" },
		{ "BinaryName = \"./runc\"", "must be an absolute path" },
		{ "CriuWorkPath = \"x\"", "CriuWorkPath" },
		{ "CriuImagePath = \"x\"", "CriuImagePath" },
		{ "Root = true", "Root must be a text" },
		{ "SystemdCgroup = \"true\"", "SystemdCgroup must be true or false" },
		{ "SystemdCgroup = 1", "must be true or false" },
		{ "\nIoUid = -1", "line 2: IoUid must be a number" },
		{ "IoGid = 4294967296", "must be a number" },
		{ "IoGid = 1.5", "must be a number" },
		{ "Root = \"/a\"\nRoot = \"/b\"", "line 2: Root is there twice" },
		{ "this is no TOML", "runtime options (runtimeoptions.v1.Options): line 1" },
	};
	struct runtime_options o;
	struct error err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_toml(NULL, rows[i].toml, &o, &err), -1);
		if (!strstr(err.text, rows[i].message))
			fail_msg("%s: \"%s\"", rows[i].toml, err.text);
	}
	assert_int_equal(read_any("containerd.runc.v1.Options", "\x3a\x04/a\0b", 6, &o, &err), -1);
	assert_non_null(strstr(err.text, "NUL"));
	assert_int_equal(read_any("containerd.runc.v1.Options", "\x3a\x7f/a", 4, &o, &err), -1);
	assert_non_null(strstr(err.text, "unpack containerd.runc.v1.Options: "));
}

static void only_regular_files_with_absolute_names_are_read(void **state)
{
	char path[64];
	struct runtime_options o;
	struct error err;

	assert_int_equal(read_toml("file.toml", NULL, &o, &err), -1);
	assert_non_null(strstr(err.text, "absolute"));
	(void)snprintf(path, sizeof(path), "%s/file.toml", top);
	assert_int_equal(read_toml(path, NULL, &o, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_toml(path, NULL, &o, &err), -1);
	assert_non_null(strstr(err.text, "no regular file"));
}

static void saved_options_are_found_again(void **state)
{
	struct runtime_options o, found;
	struct error err;
	struct stat st;

	assert_int_equal(read_toml(NULL,
				   "SystemdCgroup = true\nIoGid = 7\nRoot = \"/r\"\n"
				   "BinaryName = \"/usr/bin/crun\"",
				   &o, &err),
			 0);
	assert_int_equal(runtime_options_save(folder, &o, &err), 0);
	assert_int_equal(fstatat(folder, "options.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(runtime_options_load(folder, &arena, &found, &err), 0);
	assert_true(found.systemd_cgroup);
	assert_false(found.no_pivot_root);
	assert_int_equal(found.io_gid, 7);
	assert_string_equal(found.root, "/r");
	assert_string_equal(found.binary_name, "/usr/bin/crun");
	assert_null(found.shim_cgroup);
}

static void a_missing_file_gives_the_defaults_and_garbage_is_an_error(void **state)
{
	static const char *const garbage[] = { "", "garbage", "[]", "{\"Root\":1}",
					       "{\"Root\":\"relative\"}" };
	struct runtime_options o;
	struct error err;

	assert_int_equal(runtime_options_load(folder, &arena, &o, &err), 0);
	assert_default(&o);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		assert_int_equal(fd_replace_file(folder, "options.json", garbage[i],
						 strlen(garbage[i]), 0600, &err),
				 0);
		assert_int_equal(runtime_options_load(folder, &arena, &o, &err), -1);
		assert_non_null(strstr(err.text, "options.json"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_gives_the_defaults, set_up, tear_down),
		cmocka_unit_test_setup_teardown(runc_options_are_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(toml_is_read_from_a_text_or_a_file, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_known_is_logged_and_ignored, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_regular_files_with_absolute_names_are_read,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(saved_options_are_found_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_missing_file_gives_the_defaults_and_garbage_is_an_error, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
