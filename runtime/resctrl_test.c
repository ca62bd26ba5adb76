/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/resctrl.h"

#include "runtime/cgroup_fake_test.h"

/* A folder of resctrl comes with its files. */
static int make_with_files(int dir, const char *path)
{
	static const char *const files[] = { "schemata", "tasks" };

	if (mkdirat(dir, path, 0755) < 0)
		return -1;
	cleanup_fd int folder = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < 2; i++) {
		cleanup_fd int file =
			openat(folder, files[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_true(file >= 0);
	}
	assert_int_equal(mkdirat(folder, "mon_groups", 0755), 0);
	return 0;
}

static int no_more(int dir, const char *path)
{
	errno = ENOSPC;
	return -1;
}

static const char gold[] = "    L3:0=07f;1=1f\n    MB:0=20;1=70\n";

struct machine {
	struct fake *fake;
	struct resctrl resctrl;
	struct resctrl_folders folders;
};

static struct machine machine_new(void)
{
	struct machine m = { .fake = fake_new(), .resctrl = { -1, make_with_files } };

	fake_file(m.fake, "schemata", "    L3:0=7ff;1=7ff\n    MB:0=100;1=100\n");
	fake_file(m.fake, "tasks", "");
	fake_file(m.fake, "mon_groups/other/tasks", "");
	fake_file(m.fake, "info/last_cmd_status", "Mask out of range\n");
	fake_file(m.fake, "gold/schemata", gold);
	fake_file(m.fake, "gold/tasks", "");
	fake_file(m.fake, "gold/mon_groups/taken/tasks", "");
	m.resctrl.root = open(m.fake->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(m.resctrl.root >= 0);
	return m;
}

static void machine_free(struct machine *m)
{
	resctrl_done(&m->resctrl);
	fake_free(m->fake);
}

static int create(struct machine *m, const struct spec_intel_rdt *config, const char *id)
{
	struct fake *fake = m->fake;

	m->folders = (struct resctrl_folders){ NULL, NULL };
	if (resctrl_plan(&m->resctrl, config, id, &fake->arena, &m->folders, &fake->err) < 0)
		return -1;
	return resctrl_create(&m->resctrl, config, id, &m->folders, &fake->err);
}

static void must_fail(struct machine *m, const struct spec_intel_rdt *config, const char *id,
		      const char *words)
{
	assert_int_equal(create(m, config, id), -1);
	if (!strstr(m->fake->err.text, words))
		fail_msg("\"%s\" instead of \"%s\"", m->fake->err.text, words);
}

#define TEXT(literal) ((char *)(uintptr_t)(literal))
static char *lines[] = { TEXT("L2:0=f"), TEXT("MB:0=30"), NULL };

static void a_class_of_its_own_is_made_and_removed(void **state)
{
	struct machine m = machine_new();
	struct error *err = &m.fake->err;
	const struct spec_intel_rdt config = { .l3_cache_schema = TEXT("L3:0=f"),
					       .enable_monitoring = true };

	assert_int_equal(create(&m, &config, "box"), 0);
	assert_string_equal(m.folders.class, "box");
	assert_string_equal(m.folders.monitor, "box/mon_groups/box");
	assert_string_equal(fake_text(m.fake, "box/schemata"), "L3:0=f");
	assert_int_equal(resctrl_add(&m.resctrl, &config, "box", 42, err), 0);
	assert_string_equal(fake_text(m.fake, "box/tasks"), "42");
	assert_string_equal(fake_text(m.fake, "box/mon_groups/box/tasks"), "42");
	must_fail(&m, &config, "box", "make the class \"box\"");
	/* The kernel's folders go with their files; ours have to be emptied. */
	assert_int_equal(unlinkat(m.resctrl.root, "box/mon_groups/box/tasks", 0), 0);
	assert_int_equal(unlinkat(m.resctrl.root, "box/mon_groups/box/schemata", 0), 0);
	assert_int_equal(unlinkat(m.resctrl.root, "box/mon_groups/box/mon_groups", AT_REMOVEDIR),
			 0);
	m.folders = (struct resctrl_folders){ .monitor = TEXT("box/mon_groups/box") };
	assert_int_equal(resctrl_remove(&m.resctrl, &m.folders, err), 0);
	assert_int_equal(resctrl_remove(&m.resctrl, &m.folders, err), 0);
	assert_int_equal(faccessat(m.resctrl.root, "box/mon_groups/box", F_OK, 0), -1);
	machine_free(&m);
}

static void without_any_limit_no_schemata_is_written(void **state)
{
	struct machine m = machine_new();
	const struct spec_intel_rdt config = { 0 };

	assert_int_equal(create(&m, &config, "box"), 0);
	assert_string_equal(fake_text(m.fake, "box/schemata"), "");
	assert_null(m.folders.monitor);
	machine_free(&m);
}

static void closid_is_made_with_limits_and_has_to_be_there_without(void **state)
{
	struct machine m = machine_new();
	const struct spec_intel_rdt bare = { .clos_id = TEXT("new") };
	const struct spec_intel_rdt limited = { .clos_id = TEXT("new"),
						.schemata = lines,
						.n_schemata = 2 };

	must_fail(&m, &bare, "box", "there is no class \"new\"");
	assert_int_equal(create(&m, &limited, "box"), 0);
	assert_string_equal(m.folders.class, "new");
	/* Each line by a write of its own, in their order; a plain file keeps the beginnings. */
	assert_string_equal(fake_text(m.fake, "new/schemata"), "MB:0=30");
	assert_int_equal(create(&m, &bare, "box2"), 0);
	assert_null(m.folders.class);
	machine_free(&m);
}

static void a_class_that_is_there_has_to_agree(void **state)
{
	struct machine m = machine_new();
	struct spec_intel_rdt config = { .clos_id = TEXT("gold"),
					 .l3_cache_schema = TEXT("L3:1=1F;0=7f"),
					 .mem_bw_schema = TEXT("MB:1=70") };

	assert_int_equal(create(&m, &config, "box"), 0);
	assert_null(m.folders.class);
	/* Unlike the kernel's, this file holds what was written to it last. */
	fake_file(m.fake, "gold/schemata", gold);
	config.mem_bw_schema = TEXT("MB:1=7");
	must_fail(&m, &config, "box", "does not have MB:1=7");
	config.mem_bw_schema = TEXT("MB:2=70");
	must_fail(&m, &config, "box", "does not have MB:2=70");
	config.l3_cache_schema = TEXT("L3CODE:0=7f");
	must_fail(&m, &config, "box", "does not have L3CODE");
	machine_free(&m);
}

static void the_root_is_a_class(void **state)
{
	struct machine m = machine_new();
	struct error *err = &m.fake->err;
	const struct spec_intel_rdt config = { .clos_id = TEXT("/"), .enable_monitoring = true };

	assert_int_equal(create(&m, &config, "box"), 0);
	assert_null(m.folders.class);
	assert_string_equal(m.folders.monitor, "mon_groups/box");
	assert_int_equal(resctrl_add(&m.resctrl, &config, "box", 7, err), 0);
	assert_string_equal(fake_text(m.fake, "tasks"), "7");
	assert_string_equal(fake_text(m.fake, "mon_groups/box/tasks"), "7");
	machine_free(&m);
}

static void folders_of_others_stay_theirs(void **state)
{
	struct machine m = machine_new();
	const struct spec_intel_rdt config = { .clos_id = TEXT("gold"), .enable_monitoring = true };
	const struct spec_intel_rdt own = { .l3_cache_schema = TEXT("L3:0=f"),
					    .enable_monitoring = true };

	must_fail(&m, &config, "taken", "gold/mon_groups/taken");
	m.resctrl.make = no_more;
	must_fail(&m, &own, "box", "no more classes");
	assert_null(m.folders.class);
	assert_null(m.folders.monitor);
	machine_free(&m);
}

static void update_writes_what_is_given(void **state)
{
	struct machine m = machine_new();
	struct error *err = &m.fake->err;
	const struct spec_intel_rdt config = { .clos_id = TEXT("gold") };

	assert_int_equal(resctrl_update(&m.resctrl, &config, "box", NULL, NULL, err), 0);
	assert_int_equal(resctrl_update(&m.resctrl, &config, "box", NULL, "MB:0=40;1=40", err), 0);
	assert_non_null(strstr(fake_text(m.fake, "gold/schemata"), "MB:0=40;1=40"));
	assert_int_equal(resctrl_update(&m.resctrl,
					&(struct spec_intel_rdt){ .clos_id = TEXT("no") }, "box",
					"L3:0=1", NULL, err),
			 -1);
	assert_non_null(strstr(err->text, "Mask out of range"));
	machine_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_class_of_its_own_is_made_and_removed),
		cmocka_unit_test(without_any_limit_no_schemata_is_written),
		cmocka_unit_test(closid_is_made_with_limits_and_has_to_be_there_without),
		cmocka_unit_test(a_class_that_is_there_has_to_agree),
		cmocka_unit_test(the_root_is_a_class),
		cmocka_unit_test(folders_of_others_stay_theirs),
		cmocka_unit_test(update_writes_what_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
