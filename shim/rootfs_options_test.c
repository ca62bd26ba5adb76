/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/str.h"
#include "shim/rootfs_options.h"

static struct arena arena;
static struct error err;

static int tear_down(void **state)
{
	arena_free(&arena);
	return 0;
}

/* The words are in one text here, separated by spaces. */
static int try_parse(const char *text, struct rootfs_options *ret)
{
	char *words[16], *rest = NULL, *copy = arena_strdup(&arena, text, &err);
	size_t n = 0;

	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		words[n++] = w;
	return rootfs_options_parse(words, n, &arena, ret, &err);
}

static struct rootfs_options parse(const char *text)
{
	struct rootfs_options ret;

	if (try_parse(text, &ret) < 0)
		fail_msg("%s", err.text);
	return ret;
}

static void refused(const char *text, const char *message)
{
	struct rootfs_options ret;

	assert_int_equal(try_parse(text, &ret), -1);
	if (!strstr(err.text, message))
		fail_msg("expected: %s\nfound: %s", message, err.text);
}

static void an_overlay_as_containerd_gives_it(void **state)
{
	struct rootfs_options o = parse("index=off workdir=/s/2/work upperdir=/s/2/fs "
					"lowerdir=/s/1/fs:/s/0/fs");

	assert_int_equal(o.mount.n_parameters, 4);
	assert_string_equal(o.mount.parameters[0].key, "index");
	assert_string_equal(o.mount.parameters[3].value, "/s/1/fs:/s/0/fs");
	assert_true(!o.loop && !o.n_uids && !o.mount.bind);
	assert_int_equal(o.n_words, 4);
}

static void a_read_only_view(void **state)
{
	struct rootfs_options o = parse("ro rbind");

	assert_true(o.mount.bind && o.mount.recursive);
	assert_int_equal(o.mount.here.set, MOUNT_ATTR_RDONLY);
}

static void own_words_are_taken_out(void **state)
{
	struct rootfs_options o = parse("loop direct-io ro discard");

	assert_true(o.loop && o.direct_io);
	assert_int_equal(o.mount.n_parameters, 1);
	assert_string_equal(o.mount.parameters[0].key, "discard");
	assert_int_equal(o.n_words, 2);
	assert_false(parse("loops").loop);
	refused("direct-io", "option direct-io needs the option loop");
}

static void id_maps(void **state)
{
	struct rootfs_options o = parse("uidmap=0:100000:65536,70000:1:2 gidmap=0:5:1");

	assert_int_equal(o.n_uids, 2);
	assert_int_equal(o.uids[0].container_id, 0);
	assert_int_equal(o.uids[0].host_id, 100000);
	assert_int_equal(o.uids[0].size, 65536);
	assert_int_equal(o.uids[1].container_id, 70000);
	assert_int_equal(o.n_gids, 1);
	assert_int_equal(o.mount.n_parameters, 0);
	assert_int_equal(parse("uidmap=0:0:4294967295 gidmap=0:1:1").uids[0].size, UINT32_MAX);
}

static void bad_id_maps(void **state)
{
	static const char *const maps[] = {
		"",
		"0",
		"0:1",
		"0:1:",
		"0:1:0",
		"0:1:1:",
		"0:1:1,",
		",0:1:1",
		"0:-1:1",
		"0:1:4294967296",
		"0:1:4294967295",
		"1:0:4294967295",
		"a:1:1",
		"0: 1:1",
		"0:1:1,,0:1:1",
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "uidmap=%s gidmap=0:1:1", maps[i]);
		refused(text, "\"container:host:size\"");
		(void)snprintf(text, sizeof(text), "gidmap=%s uidmap=0:1:1", maps[i]);
		refused(text, "option \"gidmap=");
	}
	refused("uidmap=0:1:1", "need each other");
	refused("gidmap=0:1:1", "need each other");
}

static void a_map_of_very_many_lines(void **state)
{
	struct str text = STR_EMPTY;

	str_add(&text, "gidmap=0:1:1 uidmap=0:1:1");
	for (int i = 0; i < 340; i++)
		str_add(&text, ",0:1:1");
	refused(text.text, "341 id mappings; the kernel takes 340");
	str_done(&text);
}

static void words_for_others_are_refused_by_name(void **state)
{
	refused("X-containerd.mkdir.path=/a", "option \"X-containerd.mkdir.path=/a\": internal "
					      "mount option");
	refused("ro X-containerd.mkfs.fs=ext4", "internal mount option");
	refused("tmpcopyup", "option \"tmpcopyup\": this word is for mounts in config.json");
	refused("idmap", "config.json");
	refused("ridmap", "config.json");
	refused("idmap=uids=0-1-2", "config.json");
	refused("ridmap=", "config.json");
	refused("bind copy-symlink",
		"option \"copy-symlink\": this word is for mounts in config.json");
	refused("bind src-nofollow", "config.json");
	refused("bind dest-nofollow", "config.json");
	refused("remount", "nothing to mount again");
	refused("=x", "begins with \"=\"");
}

static void types(void **state)
{
	struct rootfs_options bind = parse("bind"), none = parse("ro");

	assert_int_equal(rootfs_options_check_type("overlay", &none, &err), 0);
	assert_int_equal(rootfs_options_check_type("", &bind, &err), 0);
	assert_int_equal(rootfs_options_check_type("", &none, &err), -1);
	assert_int_equal(rootfs_options_check_type("mkfs/ext4", &none, &err), -1);
	assert_non_null(strstr(err.text, "internal mount option"));
	assert_int_equal(rootfs_options_check_type("format/mkdir/overlay", &bind, &err), -1);
	assert_int_equal(rootfs_options_check_type("mkdir/overlay", &bind, &err), -1);
	assert_int_equal(rootfs_options_check_type("mkfsx", &none, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_overlay_as_containerd_gives_it, tear_down),
		cmocka_unit_test_teardown(a_read_only_view, tear_down),
		cmocka_unit_test_teardown(own_words_are_taken_out, tear_down),
		cmocka_unit_test_teardown(id_maps, tear_down),
		cmocka_unit_test_teardown(bad_id_maps, tear_down),
		cmocka_unit_test_teardown(a_map_of_very_many_lines, tear_down),
		cmocka_unit_test_teardown(words_for_others_are_refused_by_name, tear_down),
		cmocka_unit_test_teardown(types, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
