/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
/* Trees as archives, and back. */
#include "cmd/rustbox/image/image_test.h"

struct trees {
	struct test_store *store;
	int top, from, to;
};

static int set_up(void **state)
{
	struct trees *t = calloc(1, sizeof(*t));

	if (!t || test_store_make((void **)&t->store) < 0)
		return -1;
	t->top = open(t->store->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(t->top, "from", 0755) < 0 || mkdirat(t->top, "to", 0755) < 0)
		return -1;
	t->from = openat(t->top, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t->to = openat(t->top, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct trees *t = *state;
	void *store = t->store;

	close(t->from);
	close(t->to);
	close(t->top);
	free(t);
	return test_store_drop(&store);
}
#define pack_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void make_file(int folder, const char *name, const char *text, mode_t mode)
{
	cleanup_fd int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct error err;

	assert_true(fd >= 0);
	assert_ok(fd_write_all(fd, name, text, strlen(text), &err));
	assert_int_equal(fchmod(fd, mode), 0);
}

/* The tree as an archive's descriptor, at its beginning; -1 with err. */
static int packed(int folder, const char *prefix, const struct pack *how, struct error *err)
{
	cleanup_fd int fd = memfd_create("tar", MFD_CLOEXEC);
	struct pack_output output;
	int rc;

	assert_int_equal(pack_open(&output, fd, err), 0);
	rc = pack_tree(&output, folder, prefix, how, err);
	if (rc == 0)
		assert_int_equal(pack_close(&output, err), 0);
	pack_drop(&output);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return rc < 0 ? -1 : move_fd(&fd);
}

static struct digest digest_of_tree(int folder, const struct pack *how)
{
	struct digest digest;
	struct error err;
	uint64_t size;
	cleanup_fd int tar = packed(folder, "", how, &err);

	assert_true(tar >= 0);
	assert_ok(digest_of_file(tar, "tar", &digest, &size, &err));
	return digest;
}

static void fill(int folder)
{
	char deep[64] = "d";

	make_file(folder, "a", "text", 04755);
	assert_int_equal(fchownat(folder, "a", 5, 6, 0), 0);
	assert_int_equal(fchmodat(folder, "a", 04755, 0), 0);
	assert_int_equal(linkat(folder, "a", folder, "b", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", folder, "l"), 0);
	assert_int_equal(symlinkat("d", folder, "ld"), 0);
	make_file(folder, "\xff name", "bytes", 0600);
	assert_int_equal(mkdirat(folder, deep, 0711), 0);
	make_file(folder, "d/x", "in d", 0640);
	assert_int_equal(mkfifoat(folder, "p", 0600), 0);
	assert_int_equal(mknodat(folder, "c", S_IFCHR | 0600, makedev(1, 3)), 0);
	cleanup_fd int sparse = openat(folder, "s", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(sparse, 64 * 1024 * 1024), 0);
	assert_int_equal(pwrite(sparse, "end", 3, 32 * 1024 * 1024), 3);
}

static void there_and_back(void **state)
{
	struct trees *t = *state;
	struct pack how = { .source = "test" };
	struct unpack back = { .folder = t->to, .is_layer = true };
	struct error err;

	fill(t->from);
	int tar = packed(t->from, "", &how, &err);
	assert_true(tar >= 0);
	/* The holes are not in it. */
	assert_true(lseek(tar, 0, SEEK_END) < 1024 * 1024);
	assert_int_equal(lseek(tar, 0, SEEK_SET), 0);
	assert_ok(test_unpack(tar, &back, &err));
	assert_string_equal(test_text(t->to, "a"), "text");
	assert_int_equal(test_stat(t->to, "a").st_mode, S_IFREG | 04755);
	assert_int_equal(test_stat(t->to, "a").st_uid, 5);
	assert_int_equal(test_stat(t->to, "a").st_ino, test_stat(t->to, "b").st_ino);
	assert_string_equal(test_text(t->to, "\xff name"), "bytes");
	assert_string_equal(test_text(t->to, "d/x"), "in d");
	assert_int_equal(test_stat(t->to, "d").st_mode, S_IFDIR | 0711);
	assert_int_equal(test_stat(t->to, "c").st_rdev, makedev(1, 3));
	assert_true(S_ISFIFO(test_stat(t->to, "p").st_mode));
	assert_int_equal(test_stat(t->to, "s").st_size, 64 * 1024 * 1024);
	assert_true(test_stat(t->to, "s").st_blocks * 512 < 1024 * 1024);
	assert_int_equal(test_stat(t->to, "d").st_mtim.tv_nsec,
			 test_stat(t->from, "d").st_mtim.tv_nsec);
	struct digest one = digest_of_tree(t->from, &how), other = digest_of_tree(t->to, &how);
	assert_string_equal(one.text, other.text);
}

static void below_another_name(void **state)
{
	struct trees *t = *state;
	struct pack how = { .source = "test" };
	struct unpack back = { .folder = t->to };
	struct error err;

	fill(t->from);
	assert_ok(test_unpack(packed(t->from, "new", &how, &err), &back, &err));
	assert_string_equal(test_text(t->to, "new/d/x"), "in d");
	cleanup_fd int link = openat(t->from, "l", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	assert_ok(test_unpack(packed(link, "one", &how, &err), &back, &err));
	assert_true(S_ISLNK(test_stat(t->to, "one").st_mode));
}

static void set_attribute(struct trees *t, const char *name, const char *attribute)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/from/%s", t->store->folder, name);
	assert_int_equal(setxattr(path, attribute, "y", 1, 0), 0);
}

static void upper_layers(void **state)
{
	struct trees *t = *state;
	struct pack how = { .source = "test", .is_upper = true };
	struct unpack back = { .folder = t->to, .is_layer = true };
	struct error err;
	char path[128], value;

	assert_int_equal(mkdirat(t->from, "o", 0755), 0);
	make_file(t->from, "o/x", "1", 0644);
	set_attribute(t, "o", "trusted.overlay.opaque");
	assert_int_equal(mknodat(t->from, "gone", S_IFCHR, makedev(0, 0)), 0);
	assert_int_equal(mknodat(t->from, "o/gone", S_IFCHR, makedev(0, 0)), 0);
	assert_ok(test_unpack(packed(t->from, "", &how, &err), &back, &err));
	assert_int_equal(test_stat(t->to, "gone").st_mode & S_IFMT, S_IFCHR);
	assert_int_equal(test_stat(t->to, "o/gone").st_rdev, makedev(0, 0));
	(void)snprintf(path, sizeof(path), "%s/to/o", t->store->folder);
	assert_int_equal(getxattr(path, "trusted.overlay.opaque", &value, 1), 1);
	/* What only overlayfs could understand would be lost. */
	set_attribute(t, "o", "trusted.overlay.redirect");
	assert_int_equal(packed(t->from, "", &how, &err), -1);
	assert_non_null(strstr(err.text, "redirect"));
}

static void owners_are_mapped_back(void **state)
{
	struct trees *t = *state;
	static const struct spec_id_mapping map = { 0, 100000, 65536 };
	struct pack how = { .source = "test" };
	struct unpack back = { .folder = t->to, .is_layer = true };
	struct error err;

	how.owner = (struct ownership){ .uids = &map, .gids = &map, .n_uids = 1, .n_gids = 1 };
	make_file(t->from, "a", "1", 0644);
	make_file(t->from, "b", "1", 0644);
	assert_int_equal(fchownat(t->from, "a", 100007, 100008, 0), 0);
	assert_int_equal(fchownat(t->from, "b", 7, 8, 0), 0);
	assert_ok(test_unpack(packed(t->from, "", &how, &err), &back, &err));
	assert_int_equal(test_stat(t->to, "a").st_uid, 7);
	assert_int_equal(test_stat(t->to, "a").st_gid, 8);
	assert_int_equal(test_stat(t->to, "b").st_uid, 7);
}

static void what_the_kernel_makes_up(void **state)
{
	struct trees *t = *state;
	struct pack how = { .source = "version" };
	cleanup_fd int file = open("/proc/version", O_PATH | O_CLOEXEC);
	struct error err;

	(void)t;
	assert_int_equal(packed(file, "x", &how, &err), -1);
	assert_non_null(strstr(err.text, "exec"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pack_test(there_and_back),
		pack_test(below_another_name),
		pack_test(upper_layers),
		pack_test(owners_are_mapped_back),
		pack_test(what_the_kernel_makes_up),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
