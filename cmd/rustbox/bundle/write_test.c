/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
/* What bundle_write() leaves on disk, and what is read from it again. */
#include <sys/sysmacros.h>

#include "base/path.h"
#include "cmd/rustbox/bundle/bundle_test.h"
#include "cmd/rustbox/bundle/layers.h"

static char *contents(struct test_bundle *t, const char *folder, const char *name)
{
	struct error err;
	char *path = arena_format(&t->arena, &err, "%s/%s", folder, name);
	cleanup_free char *text = NULL;

	if (fd_read_file(AT_FDCWD, path, 1 << 20, &text, NULL, &err) < 0)
		fail_msg("%s", err.text);
	return arena_strdup(&t->arena, text, &err);
}

static const char *link_text(struct test_bundle *t, const char *name)
{
	struct error err;
	char text[256];
	char *path =
		arena_format(&t->arena, &err, "%s/overlay/%s/%s", t->folder, t->record->id, name);
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	assert_true(n > 0);
	return arena_strndup(&t->arena, text, (size_t)n, &err);
}

static void a_bundle_that_the_runtime_takes(void **state)
{
	struct test_bundle *t = *state;
	const char *bundle;
	struct spec *spec;
	struct error err;
	struct bundle_rootfs rootfs;

	test_planned(t, "-e A=1 --cgroup-parent /p sh");
	bundle = test_written(t);
	if (bundle_load_spec(&t->store, t->record->id, &t->arena, &spec, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(spec->hostname, t->record->id);
	assert_string_equal(spec->root->path, "rootfs");
	assert_true(str_starts_with(spec->linux->cgroups_path, "/p/"));
	assert_string_equal(link_text(t, "lowerdir"), t->rootfs);
	assert_true(str_starts_with(link_text(t, "merged"), "../../bundles/"));
	assert_non_null(strstr(contents(t, bundle, "hosts"), t->record->id));
	assert_true(str_starts_with(contents(t, bundle, "hostname"), t->record->id));
	if (bundle_rootfs_mount(&t->store, t->record, &t->arena, &rootfs, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(rootfs.type, "overlay");
	assert_int_equal(rootfs.n_options, 3);
	assert_true(str_starts_with(rootfs.options[0], "lowerdir="));
	assert_true(str_ends_with(rootfs.options[0], "/lowerdir"));
	/* Saved again as it was. */
	assert_int_equal(bundle_save_spec(&t->store, t->record->id, spec, &err), 0);
	assert_int_equal(bundle_load_spec(&t->store, t->record->id, &t->arena, &spec, &err), 0);
	assert_int_equal(bundle_prepare_start(&t->store, t->record, &t->arena, &err), 0);
}

static void a_user_namespace_owns_its_layer(void **state)
{
	struct test_bundle *t = *state;
	struct bundle_rootfs rootfs;
	struct error err;
	struct stat st;

	if (geteuid() != 0)
		skip();
	test_planned(t, "--uidmap 0:5000:100 --gidmap 0:6000:100 sh");
	(void)test_written(t);
	char *upper =
		arena_format(&t->arena, &err, "%s/overlay/%s/upperdir", t->folder, t->record->id);
	assert_int_equal(stat(upper, &st), 0);
	assert_int_equal(st.st_uid, 5000);
	assert_int_equal(st.st_gid, 6000);
	assert_int_equal(bundle_rootfs_mount(&t->store, t->record, &t->arena, &rootfs, &err), 0);
	assert_true(test_has(rootfs.options, rootfs.n_options, "uidmap=0:5000:100"));
	assert_true(test_has(rootfs.options, rootfs.n_options, "gidmap=0:6000:100"));
}

/* ---- volumes ---- */

static void make_odd_things(const struct test_bundle *t)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/data", t->rootfs);
	test_folder(path, "sub");
	test_write(path, "sub/deep", "deep");
	cleanup_fd int data = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(symlinkat("/etc/shadow", data, "link"), 0);
	assert_int_equal(mkfifoat(data, "fifo", 0600), 0);
	assert_int_equal(fchownat(data, "file", 12, 34, 0), 0);
	assert_int_equal(fchmodat(data, "file", 04751, 0), 0);
	assert_int_equal(fchmod(data, 01777), 0);
}

static void a_new_volume_gets_what_is_there(void **state)
{
	struct test_bundle *t = *state;
	struct error err;
	struct stat st;

	if (geteuid() != 0)
		skip();
	make_odd_things(t);
	test_planned(t, "-v vol:/data -v /data2 sh");
	(void)test_written(t);
	char *data = arena_format(&t->arena, &err, "%s/volumes/vol/data", t->folder);
	assert_string_equal(contents(t, data, "file"), "content");
	assert_string_equal(contents(t, data, "sub/deep"), "deep");
	cleanup_fd int fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 01777);
	assert_int_equal(fstatat(fd, "file", &st, 0), 0);
	assert_int_equal(st.st_uid, 12);
	assert_int_equal(st.st_mode & 07777, 04751);
	assert_int_equal(fstatat(fd, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(fstatat(fd, "fifo", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISFIFO(st.st_mode));

	/* The second one to use it finds it as it is. */
	test_write(data, "file", "changed");
	test_planned(t, "-v vol:/data sh");
	(void)test_written(t);
	assert_string_equal(contents(t, data, "file"), "changed");
}

/* S24: a hostile image's one line must not fill the disk. */
static void holes_of_the_image_stay_holes(void **state)
{
	struct test_bundle *t = *state;
	struct error err;
	struct stat st;
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/data/file", t->rootfs);
	assert_int_equal(truncate(path, (off_t)1 << 40), 0);
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "middle", 6, (off_t)1 << 39), 6);
	test_planned(t, "-v vol:/data sh");
	(void)test_written(t);
	char *copy = arena_format(&t->arena, &err, "%s/volumes/vol/data/file", t->folder);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_size, (off_t)1 << 40);
	assert_in_range(st.st_blocks, 1, 4096);
	char text[7] = "";
	cleanup_fd int copied = open(copy, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(copied, text, 6, (off_t)1 << 39), 6);
	assert_string_equal(text, "middle");
	assert_int_equal(pread(copied, text, 4, 0), 4);
	assert_memory_equal(text, "cont", 4);
}

static void a_volume_without_content(void **state)
{
	struct test_bundle *t = *state;
	struct error err;

	test_planned(t, "-v vol:/data:nocopy sh");
	(void)test_written(t);
	char *file = arena_format(&t->arena, &err, "%s/volumes/vol/data/file", t->folder);
	assert_int_equal(access(file, F_OK), -1);
}

static void a_link_in_the_image_leads_nowhere_else(void **state)
{
	struct test_bundle *t = *state;
	struct error err;
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/escape", t->rootfs);
	assert_int_equal(symlink("/../../../../../etc", path), 0);
	test_planned(t, "-v vol:/escape sh");
	(void)test_written(t);
	/* The tree's own /etc, and not the host's. */
	char *data = arena_format(&t->arena, &err, "%s/volumes/vol/data", t->folder);
	assert_true(
		str_starts_with(contents(t, data, "passwd"), "root:x:0:0:root:/root:/bin/sh\nbob"));
	assert_int_equal(
		faccessat(AT_FDCWD, arena_format(&t->arena, &err, "%s/hosts", data), F_OK, 0), -1);
}

static void volumes_of_another_container(void **state)
{
	struct test_bundle *t = *state;
	char line[96];

	test_planned(t, "-v vol:/data -v /tmp:/t:ro --tmpfs /no -v /anonymous sh");
	(void)test_written(t);
	(void)snprintf(line, sizeof(line), "--volumes-from %s:ro -v /var:/t sh", t->record->id);
	test_planned(t, line);
	assert_int_equal(t->record->n_mounts, 3);
	assert_string_equal(t->record->mounts[0].source, "/var");
	assert_true(t->record->mounts[1].read_only);
	assert_false(t->record->mounts[2].anonymous); /* goes with the other one */
	(void)test_written(t);
}

static void a_missing_folder_of_the_host(void **state)
{
	struct test_bundle *t = *state;
	char line[160], path[96];

	(void)snprintf(path, sizeof(path), "%s/made/here", t->folder);
	(void)snprintf(line, sizeof(line), "-v %s:/x sh", path);
	test_planned(t, line);
	assert_int_equal(access(path, F_OK), -1); /* a plan makes nothing */
	(void)test_written(t);
	assert_int_equal(access(path, F_OK), 0);
}

/* ---- layers ---- */

static void several_layers_are_one_tree(void **state)
{
	struct test_bundle *t = *state;
	struct error err;
	char top[128], *layers[2] = { top, t->rootfs };

	if (geteuid() != 0)
		skip();
	test_folder(t->folder, "top");
	(void)snprintf(top, sizeof(top), "%s/top", t->folder);
	test_folder(top, "etc");
	test_folder(top, "data");
	test_write(top, "etc/passwd", "carol:x:7:8::/:\n");
	cleanup_fd int data = open(arena_format(&t->arena, &err, "%s/data", top),
				   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mknodat(data, "file", S_IFCHR, makedev(0, 0)), 0);
	cleanup_fd int root = layers_open(layers, 2, &err);
	if (root < 0)
		fail_msg("%s", err.text);
	cleanup_fd int passwd = path_open_in_root(root, "/etc/passwd", O_RDONLY, &err);
	assert_true(passwd >= 0);
	char text[8] = "";
	assert_int_equal(read(passwd, text, 5), 5);
	assert_string_equal(text, "carol");
	assert_int_equal(faccessat(root, "etc/group", F_OK, 0), 0);
	assert_int_equal(faccessat(root, "data/file", F_OK, 0), -1);
}

/* ---- shared namespaces ---- */

static void assert_leads_to(const char *path, const char *expected)
{
	char text[64] = "";

	assert_true(readlink(path, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, expected);
}

static void namespaces_of_another_container(void **state)
{
	struct test_bundle *t = *state;
	struct record *first;
	struct spec *spec;
	struct error err;
	char line[128];

	test_planned(t, "sh");
	(void)test_written(t);
	first = t->record;
	(void)snprintf(line, sizeof(line), "--pid container:%s --network container:%s sh",
		       first->name, first->id);
	test_planned(t, line);
	(void)test_written(t);
	assert_int_equal(bundle_prepare_start(&t->store, t->record, &t->arena, &err), -1);
	assert_non_null(strstr(err.text, "start it first"));

	first->state->status = RECORD_RUNNING;
	first->state->pid = 4711;
	assert_int_equal(store_save(&t->store, first, false, &err), 0);
	cleanup_fd int lock = store_lock_supervisor(&t->store, first->id, &err);
	assert_true(lock >= 0);
	if (bundle_prepare_start(&t->store, t->record, &t->arena, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(bundle_load_spec(&t->store, t->record->id, &t->arena, &spec, &err), 0);
	assert_leads_to(spec_find_namespace(spec, NAMESPACE_PID)->path, "/proc/4711/ns/pid");
	assert_leads_to(spec_find_namespace(spec, NAMESPACE_NETWORK)->path, "/proc/4711/ns/net");
	assert_null(spec_find_namespace(spec, NAMESPACE_UTS)->path);

	/* It was restarted. */
	first->state->pid = 42;
	assert_int_equal(store_save(&t->store, first, false, &err), 0);
	assert_int_equal(bundle_prepare_start(&t->store, t->record, &t->arena, &err), 0);
	assert_leads_to(spec_find_namespace(spec, NAMESPACE_PID)->path, "/proc/42/ns/pid");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bundle_test(a_bundle_that_the_runtime_takes),
		bundle_test(a_user_namespace_owns_its_layer),
		bundle_test(a_new_volume_gets_what_is_there),
		bundle_test(holes_of_the_image_stay_holes),
		bundle_test(a_volume_without_content),
		bundle_test(a_link_in_the_image_leads_nowhere_else),
		bundle_test(volumes_of_another_container),
		bundle_test(a_missing_folder_of_the_host),
		bundle_test(several_layers_are_one_tree),
		bundle_test(namespaces_of_another_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
