/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mount.h>

#include "runtime/mount.h"
#include "runtime/mount_options.h"

static struct arena arena;

/* The words are in one text here, separated by spaces. */
static int try_parse(const char *text, struct mount_options *ret, struct error *err)
{
	char *words[32], *rest = NULL, *copy = arena_strdup(&arena, text, err);
	size_t n = 0;

	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		words[n++] = w;
	return mount_options_parse(words, n, &arena, ret, err);
}

static struct mount_options parse(const char *text)
{
	struct mount_options ret;
	struct error err;

	assert_int_equal(try_parse(text, &ret, &err), 0);
	return ret;
}

static int tear_down(void **state)
{
	arena_free(&arena);
	return 0;
}

static void attributes_are_set_and_cleared(void **state)
{
	struct mount_options o = parse("ro nosuid nodev noexec nodiratime nosymfollow");

	assert_int_equal(o.here.set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					     MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODIRATIME |
					     MOUNT_ATTR_NOSYMFOLLOW);
	assert_int_equal(o.here.clear, 0);
	o = parse("rw suid dev exec diratime symfollow");
	assert_int_equal(o.here.set, 0);
	assert_int_equal(o.here.clear, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					       MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODIRATIME |
					       MOUNT_ATTR_NOSYMFOLLOW);
}

static void a_later_word_wins(void **state)
{
	struct mount_options o = parse("ro rw nosuid suid nosuid");

	assert_int_equal(o.here.set, MOUNT_ATTR_NOSUID);
	assert_int_equal(o.here.clear, MOUNT_ATTR_RDONLY);
	o = parse("rbind bind");
	assert_true(o.bind && !o.recursive);
	o = parse("bind rbind");
	assert_true(o.bind && o.recursive);
}

static void access_time_kinds_replace_each_other(void **state)
{
	static const struct {
		const char *text;
		uint64_t set, clear;
	} cases[] = {
		{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
		{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
		{ "relatime", 0, MOUNT_ATTR__ATIME },
		{ "atime", 0, MOUNT_ATTR__ATIME },
		{ "nostrictatime", 0, MOUNT_ATTR__ATIME },
		{ "norelatime", 0, 0 },
		{ "noatime strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
		{ "strictatime noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
		{ "noatime relatime", 0, MOUNT_ATTR__ATIME },
		{ "noatime nodiratime", MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME,
		  MOUNT_ATTR__ATIME },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mount_options o = parse(cases[i].text);

		assert_int_equal(o.here.set, cases[i].set);
		assert_int_equal(o.here.clear, cases[i].clear);
	}
}

static void recursive_words_are_kept_apart(void **state)
{
	struct mount_options o = parse("ro rro rrw rnosuid rnoatime");

	assert_int_equal(o.here.set, MOUNT_ATTR_RDONLY);
	assert_int_equal(o.below.set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME);
	assert_int_equal(o.below.clear, MOUNT_ATTR_RDONLY | MOUNT_ATTR__ATIME);
}

static void propagation_keeps_its_order(void **state)
{
	struct mount_options o = parse("slave rshared unbindable rprivate");

	assert_int_equal(o.n_propagations, 4);
	assert_int_equal(o.propagations[0].type, MS_SLAVE);
	assert_false(o.propagations[0].recursive);
	assert_int_equal(o.propagations[1].type, MS_SHARED);
	assert_true(o.propagations[1].recursive);
	assert_int_equal(o.propagations[2].type, MS_UNBINDABLE);
	assert_int_equal(o.propagations[3].type, MS_PRIVATE);
}

static void superblock_words_are_generic(void **state)
{
	struct mount_options o = parse("sync lazytime silent iversion defaults");

	assert_int_equal(o.n_parameters, 2);
	assert_string_equal(o.parameters[0].key, "sync");
	assert_true(o.parameters[0].is_generic && o.parameters[1].is_generic);
	assert_null(mount_options_find(&o, "sync"));
}

static void unknown_words_go_to_the_file_system(void **state)
{
	struct mount_options o = parse("mode=755 size=1k,nr_inodes=5 flag a=b=c mode=1777");

	assert_int_equal(o.n_parameters, 6);
	assert_string_equal(o.parameters[2].key, "nr_inodes");
	assert_string_equal(o.parameters[2].value, "5");
	assert_null(o.parameters[3].value);
	assert_string_equal(o.parameters[4].value, "b=c");
	assert_string_equal(mount_options_find(&o, "mode")->value, "1777");
	assert_null(mount_options_find(&o, "absent"));
}

static void commas_may_be_quoted_or_escaped(void **state)
{
	struct mount_options o = parse("context=\"a:b:c1,c2\",x lowerdir=/a\\,b:/c,upperdir=/u ,,");

	assert_int_equal(o.n_parameters, 4);
	assert_string_equal(o.parameters[0].value, "a:b:c1,c2");
	assert_string_equal(o.parameters[1].key, "x");
	assert_string_equal(o.parameters[2].value, "/a\\,b:/c");
	assert_string_equal(o.parameters[3].value, "/u");
}

static void a_word_without_a_key_is_refused(void **state)
{
	struct mount_options o;
	struct error err;

	assert_int_equal(try_parse("=x", &o, &err), -1);
	assert_non_null(strstr(err.text, "=x"));
}

static void other_words_set_their_switch(void **state)
{
	struct mount_options o = parse("remount tmpcopyup idmap");

	assert_true(o.remount && o.copy_up && o.idmap && !o.idmap_recursive);
	o = parse("ridmap");
	assert_true(o.idmap && o.idmap_recursive && !o.mappings);
	o = parse("ridmap=uids=0-1-2;gids=0-1-2 copy-symlink");
	assert_true(o.idmap && o.idmap_recursive && o.copy_symlink);
	assert_string_equal(o.mappings, "uids=0-1-2;gids=0-1-2");
	o = parse("src-nofollow dest-nofollow");
	assert_true(o.source_nofollow && o.destination_nofollow && !o.copy_symlink);
	assert_null(o.source_namespace);
	o = parse("rbind source-namespace=/proc/1/ns/mnt");
	assert_string_equal(o.source_namespace, "/proc/1/ns/mnt");
	assert_int_equal(o.n_parameters, 0);
}

static void bind_mounts_are_recognised(void **state)
{
	char word[] = "rbind", none[] = "none", type[] = "bind";
	char *options[] = { word };
	struct spec_mount mount = { .type = none };

	assert_false(mount_options_is_bind(&mount));
	mount.options = options;
	mount.n_options = 1;
	assert_true(mount_options_is_bind(&mount));
	mount = (struct spec_mount){ .type = type };
	assert_true(mount_options_is_bind(&mount));
}

/* Every word of the specification's table. */
static void names_are_sorted_and_complete(void **state)
{
	static const char *const wanted[] = {
		"async",       "atime",		 "bind",	"defaults",
		"dev",	       "diratime",	 "dirsync",	"exec",
		"idmap",       "iversion",	 "lazytime",	"loud",
		"mand",	       "noatime",	 "nodev",	"nodiratime",
		"noexec",      "noiversion",	 "nolazytime",	"nomand",
		"norelatime",  "nostrictatime",	 "nosuid",	"nosymfollow",
		"private",     "ratime",	 "rbind",	"rdev",
		"rdiratime",   "relatime",	 "remount",	"rexec",
		"ridmap",      "rnoatime",	 "rnodiratime", "rnoexec",
		"rnorelatime", "rnostrictatime", "rnosuid",	"rnosymfollow",
		"ro",	       "rprivate",	 "rrelatime",	"rro",
		"rrw",	       "rshared",	 "rslave",	"rstrictatime",
		"rsuid",       "rsymfollow",	 "runbindable", "rw",
		"shared",      "silent",	 "slave",	"strictatime",
		"suid",	       "symfollow",	 "sync",	"tmpcopyup",
		"unbindable",
	};
	const char *const *names = mount_option_names();
	size_t found = 0;

	for (size_t i = 0; names[i]; i++) {
		if (i > 0)
			assert_true(strcmp(names[i - 1], names[i]) < 0);
		if (found < sizeof(wanted) / sizeof(wanted[0]) &&
		    strcmp(names[i], wanted[found]) == 0)
			found++;
	}
	assert_int_equal(found, sizeof(wanted) / sizeof(wanted[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_are_set_and_cleared),
		cmocka_unit_test(a_later_word_wins),
		cmocka_unit_test(access_time_kinds_replace_each_other),
		cmocka_unit_test(recursive_words_are_kept_apart),
		cmocka_unit_test(propagation_keeps_its_order),
		cmocka_unit_test(superblock_words_are_generic),
		cmocka_unit_test(unknown_words_go_to_the_file_system),
		cmocka_unit_test(commas_may_be_quoted_or_escaped),
		cmocka_unit_test(a_word_without_a_key_is_refused),
		cmocka_unit_test(other_words_set_their_switch),
		cmocka_unit_test(bind_mounts_are_recognised),
		cmocka_unit_test(names_are_sorted_and_complete),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
