/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it knows neither fsopen nor open_tree
#include "shim/rootfs_test.h"

#include <limits.h>
#include <signal.h>
#include <sys/ptrace.h>

#include "base/path.h"
#include "shim/rootfs_entry.h"

static void skip_without_overlay(void)
{
	int context = fsopen("overlay", FSOPEN_CLOEXEC);

	if (context < 0)
		leave_out("no overlay");
	close(context);
}

/* "…/snapshots/<number>" as long as that of a containerd with a long root. */
#define LONG                                                                                       \
	"a-folder-of-a-rather-long-name-such-as-nobody-would-choose/"                              \
	"io.containerd.snapshotter.v1.overlayfs/snapshots"

/* lowerdir= of this many layers, each with a file of its name; all have "file". Malloc'd. */
static char *make_layers(const char *above, size_t count)
{
	struct str text = STR_EMPTY;

	str_add(&text, "lowerdir=");
	for (size_t i = 0; i < count; i++) {
		char layer[1024], name[1100];

		(void)snprintf(layer, sizeof(layer), "%s/%zu/fs", above, i);
		make_folders(layer);
		(void)snprintf(name, sizeof(name), "%s/%zu", layer, i);
		write_file(name, "");
		(void)snprintf(name, sizeof(name), "%s/file", layer);
		write_file(name, i ? "lower\n" : "uppermost\n");
		str_add_format(&text, "%s%s/%s", i ? ":" : "", folder, layer);
	}
	return str_take(&text, &err);
}

static const char *make_upper(void)
{
	static char text[512];

	make_folders("upper");
	make_folders("work");
	(void)snprintf(text, sizeof(text), "upperdir=%s,workdir=%s", in_folder("upper"),
		       in_folder("work"));
	return text;
}

static void look_at_layers(size_t count)
{
	char name[64];

	CHECK(reads("rootfs/file", "uppermost\n"));
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "rootfs/%zu", i);
		CHECK(access(name, F_OK) == 0);
	}
}

static void mount_layers(size_t count)
{
	cleanup_free char *lowerdir = NULL;

	skip_without_overlay();
	lowerdir = make_layers(LONG, count);
	/* A single layer is a lower one only beside an upper one. */
	Containerd__Types__Mount m =
		a_mount("overlay", "overlay", "", WORDS("index=off", make_upper(), lowerdir));

	mount_well(&m, NULL);
	look_at_layers(count);
	write_file("rootfs/file", "written\n");
	CHECK(reads("upper/file", "written\n"));
	CHECK(count_mounts(in_folder("rootfs")) == 1);
	unmount_well();
	if (count == 1)
		return;
	Containerd__Types__Mount view = a_mount("overlay", "overlay", "", WORDS("ro", lowerdir));
	mount_well(&view, NULL);
	look_at_layers(count);
	CHECK(cannot_write("rootfs/file") == EROFS);
	unmount_well();
}

static void one_layer(void)
{
	mount_layers(1);
}

static void two_layers(void)
{
	mount_layers(2);
}

static void a_hundred_layers(void)
{
	mount_layers(100);
}

/* The most that the kernel takes. */
static void five_hundred_layers(void)
{
	mount_layers(500);
}

static void bad_layers(void)
{
	skip_without_overlay();
	cleanup_free char *lowerdir = make_layers(LONG, 10);
	cleanup_free char *missing = str_format(&err, "%s:/missing", lowerdir);
	cleanup_free char *empty = str_format(&err, "%s:", lowerdir);
	Containerd__Types__Mount m = a_mount("overlay", "overlay", "", WORDS(missing));
	Containerd__Types__Mount e = a_mount("overlay", "overlay", "", WORDS(empty));
	Containerd__Types__Mount none = a_mount("overlay", "overlay", "", WORDS(NULL));
	Containerd__Types__Mount work = a_mount("overlay", "overlay", "",
						WORDS(make_upper(), "workdir=/missing", lowerdir));

	CHECK(lowerdir && missing && empty);
	fails_with(&m, NULL, "No such file or directory");
	fails_with(&m, NULL, "/missing");
	fails_with(&e, NULL, "mount 1 (overlay overlay) on ");
	fails_with(&none, NULL, "Invalid argument");
	fails_with(&work, NULL, "No such file or directory");
	fails_with(&work, NULL, "/missing");
}

static void a_missing_layer_among_few(void)
{
	skip_without_overlay();
	Containerd__Types__Mount m =
		a_mount("overlay", "overlay", "", WORDS("lowerdir=/tmp:/missing"));

	fails_with(&m, NULL, "No such file or directory (/missing is not there)");
}

static void names_with_colons_and_backslashes(void)
{
	struct str text = STR_EMPTY;

	skip_without_overlay();
	str_add(&text, "lowerdir=");
	make_folders("a:b/0");
	make_folders("a\\b/1");
	write_file("a:b/0/0", "");
	write_file("a\\b/1/1", "");
	str_add_format(&text, "%s/a\\:b/0:%s/a\\\\b/1", folder, folder);
	Containerd__Types__Mount brief = a_mount("overlay", "overlay", "", WORDS(text.text));
	mount_well(&brief, NULL);
	CHECK(access("rootfs/0", F_OK) == 0 && access("rootfs/1", F_OK) == 0);
	unmount_well();
	for (int i = 0; i < 4; i++) {
		char layer[128];

		(void)snprintf(layer, sizeof(layer), "%0*d", 100, i);
		make_folders(layer);
		str_add_format(&text, ":%s/%s", folder, layer);
	}
	Containerd__Types__Mount lengthy = a_mount("overlay", "overlay", "", WORDS(text.text));
	mount_well(&lengthy, NULL);
	CHECK(access("rootfs/0", F_OK) == 0 && access("rootfs/1", F_OK) == 0);
	unmount_well();
	str_done(&text);
}

/* ---- What it costs ---- */

static _Noreturn void be_traced(const Containerd__Types__Mount *mount)
{
	Containerd__Types__Mount *list[] = { (Containerd__Types__Mount *)(uintptr_t)mount };

	CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
	free(malloc(1)); /* the heap is there by the time that calls are counted */
	CHECK(raise(SIGSTOP) == 0);
	_exit(rootfs_mount(in_folder("rootfs"), list, 1, &err) == 0 ? 0 : 1);
}

/* Each call is two stops: as it begins and as it ends. */
static int count_calls(const Containerd__Types__Mount *mount)
{
	int status, stops = 0;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		be_traced(mount);
	CHECK(process_wait(pid, &status) == 0);
	if (!WIFSTOPPED(status))
		leave_out("no ptrace(2)");
	for (; WIFSTOPPED(status); stops++) {
		CHECK(ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0);
		CHECK(process_wait(pid, &status) == 0);
	}
	CHECK(status == 0);
	return stops / 2;
}

static void few_system_calls(void)
{
	skip_without_overlay();
	cleanup_free char *lowerdir = make_layers("s", 3);
	Containerd__Types__Mount m =
		a_mount("overlay", "overlay", "", WORDS("index=off", make_upper(), lowerdir));
	int calls = count_calls(&m);

	print_message("an overlay of three layers: %d system calls\n", calls);
	CHECK(calls <= 30); /* 17; the sanitizers make some of their own */
	unmount_well();
}

/* ---- As an older kernel needs it ---- */

static struct arena arena;

static int mount_old(char *lowerdir)
{
	struct rootfs_entry entry = { "overlay", "overlay", { 0 }, &arena, -1, -1 };
	char *words[] = { lowerdir };
	int descriptors = count_descriptors(), result;
	int target = open("rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK(target >= 0);
	CHECK(rootfs_options_parse(words, 1, &arena, &entry.options, &err) == 0);
	result = rootfs_filesystem_mount(&entry, target, &err);
	close(target);
	CHECK(count_descriptors() == descriptors);
	CHECK(access("rootfs", F_OK) == 0); /* the current directory is what it was */
	return result;
}

static void old_mount(void)
{
	skip_without_overlay();
	cleanup_free char *few = make_layers(LONG, 5), *many = make_layers(LONG, 300);

	CHECK(few && many && strlen(many) > 30000);
	CHECK(mount_old(few) == 0);
	look_at_layers(5);
	unmount_well();
	CHECK(mount_old(many) == 0);
	look_at_layers(300);
	unmount_well();
	arena_free(&arena);
}

static void old_mount_of_too_many(void)
{
	skip_without_overlay();
	cleanup_free char *layers = make_layers(LONG, 100);
	cleanup_free char *apart = str_format(&err, "%s:/", layers);

	CHECK(layers && apart);
	CHECK(mount_old(apart) == -1);
	CHECK(strstr(err.text, "mount options is too long: "));
	arena_free(&arena);
}

/* ---- Idmapped ---- */

static bool is_owned(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_uid == uid && st.st_gid == gid;
}

static void mount_idmapped(size_t count)
{
	skip_without_overlay();
	cleanup_free char *lowerdir = make_layers(LONG, count);
	Containerd__Types__Mount m = a_mount(
		"overlay", "overlay", "",
		WORDS(make_upper(), lowerdir, "uidmap=0:100000:65536", "gidmap=0:200000:65536"));
	Containerd__Types__Mount bad = a_mount("tmpfs", "tmpfs", "", WORDS("nonsense"));

	if (mount_them(&m, NULL) < 0 && strstr(err.text, "does not support idmapped"))
		leave_out("no idmapped tmpfs (Linux 6.3)");
	look_at_layers(count);
	CHECK(is_owned("rootfs/file", 100000, 200000) && is_owned(LONG "/0/fs/file", 0, 0));
	CHECK(count_mounts(folder) == 2);
	write_file("rootfs/file", "written\n");
	CHECK(is_owned("upper/file", 100000, 200000));
	unmount_well();
	/* Undone, too, in the namespace where it was mounted. */
	CHECK(unlink("upper/file") == 0);
	fails_with(&m, &bad, "nonsense");
}

static void idmapped_layers(void)
{
	mount_idmapped(3);
}

static void many_idmapped_layers(void)
{
	mount_idmapped(200);
}

static void bad_idmapped_layers(void)
{
	skip_without_overlay();
	Containerd__Types__Mount none =
		a_mount("overlay", "overlay", "", WORDS("uidmap=0:1:1", "gidmap=0:1:1"));
	Containerd__Types__Mount missing =
		a_mount("overlay", "overlay", "",
			WORDS("lowerdir=/missing", "uidmap=0:1:1", "gidmap=0:1:1"));
	Containerd__Types__Mount relative = a_mount(
		"overlay", "overlay", "", WORDS("lowerdir=rootfs", "uidmap=0:1:1", "gidmap=0:1:1"));
	Containerd__Types__Mount overlap =
		a_mount("overlay", "overlay", "",
			WORDS("lowerdir=/", "uidmap=0:1:1,0:2:1", "gidmap=0:1:1"));

	fails_with(&none, NULL, "option lowerdir= is missing");
	fails_with(&missing, NULL, "layer /missing: No such file or directory");
	fails_with(&relative, NULL, "layer rootfs: not an absolute path");
	fails_with(&overlap, NULL, "options uidmap= and gidmap=: ");
}

/* ---- Without a mount ---- */

static void layers_are_cut(void **state)
{
	const char *cursor = "/a\\:b:/c\\\\:d";
	char layer[8];

	assert_int_equal(rootfs_overlay_next_layer(&cursor, layer, sizeof(layer)), 1);
	assert_string_equal(layer, "/a:b");
	assert_int_equal(rootfs_overlay_next_layer(&cursor, layer, sizeof(layer)), 1);
	assert_string_equal(layer, "/c\\");
	assert_int_equal(rootfs_overlay_next_layer(&cursor, layer, sizeof(layer)), 1);
	assert_string_equal(layer, "d");
	assert_int_equal(rootfs_overlay_next_layer(&cursor, layer, sizeof(layer)), 0);
}

static void empty_and_long_layers(void **state)
{
	static const char *const bad[] = { ":", ":/a", "/a:", "/a::/b", "/1234567" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *cursor = bad[i];
		char layer[8];
		int result;

		while ((result = rootfs_overlay_next_layer(&cursor, layer, sizeof(layer))) > 0)
			;
		assert_int_equal(result, -1);
		assert_true(i == 4 || !rootfs_overlay_takes_layers(bad[i]));
	}
}

static void shared_folders(void **state)
{
	static const struct {
		const char *lowerdir, *folder, *shortened;
	} cases[] = {
		{ "/s/1/fs:/s/2/fs", "/s/", "1/fs:2/fs" },
		{ "/s/10/fs:/s/1/fs:/s/1/fs2", "/s/", "10/fs:1/fs:1/fs2" },
		{ "/a:/b", "/", "a:b" },
		{ "/a/b", "/a/", "b" },
		{ "/a//b:/a/c", "/a/", "b:c" },
		{ "/a\\:b/c:/a\\:b/d\\:e", "/a:b/", "c:d\\:e" },
		{ "/a/b:/a", "/", "a/b:a" },
		{ "/a/b:/a/", NULL, NULL },
		{ "/", NULL, NULL },
		{ "a/b:a/c", NULL, NULL },
		{ "/a:b", NULL, NULL },
		{ "", NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *shared = NULL, *shortened = NULL;

		assert_int_equal(rootfs_overlay_shorten(cases[i].lowerdir, &arena, &shared,
							&shortened, &err),
				 0);
		assert_true(str_equal(shared, cases[i].folder));
		if (shared)
			assert_string_equal(shortened, cases[i].shortened);
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_layer),
		TEST(two_layers),
		TEST(a_hundred_layers),
		TEST(five_hundred_layers),
		TEST(bad_layers),
		TEST(a_missing_layer_among_few),
		TEST(names_with_colons_and_backslashes),
		TEST(few_system_calls),
		TEST(old_mount),
		TEST(old_mount_of_too_many),
		TEST(idmapped_layers),
		TEST(many_idmapped_layers),
		TEST(bad_idmapped_layers),
		cmocka_unit_test(layers_are_cut),
		cmocka_unit_test(empty_and_long_layers),
		cmocka_unit_test(shared_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
