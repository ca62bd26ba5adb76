/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of people who mean well, and of others. */
#include "cmd/rustbox/image/image_test.h"

struct place {
	struct test_store *store; /* for its folder alone */
	int top, to;		  /* the folder to unpack to is "to" in "top" */
	struct unpack layer, copy;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p || test_store_make((void **)&p->store) < 0)
		return -1;
	p->top = open(p->store->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(p->top, "to", 0755) < 0 || mkdirat(p->top, "outside", 0755) < 0)
		return -1;
	p->to = openat(p->top, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->layer = (struct unpack){ .folder = p->to, .is_layer = true };
	p->copy = (struct unpack){ .folder = p->to };
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	void *store = p->store;

	close(p->top);
	close(p->to);
	free(p);
	return test_store_drop(&store);
}
#define unpack_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Nothing was made outside. */
static void assert_contained(struct place *p)
{
	cleanup_fd int outside = openat(p->top, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(test_stat(p->top, "outside").st_nlink, 2);
	assert_false(test_is_there(outside, "x"));
	assert_false(test_is_there(p->top, "x"));
	assert_int_equal(access("/rustbox-test-x", F_OK), -1);
}

/* ---- what is kept ---- */

static void files_are_as_they_were(void **state)
{
	struct place *p = *state;
	struct error err;
	char value;

	assert_ok(test_unpack(
		test_tar_of({ "./", AE_IFDIR, .mode = 0711 },
			    { "./a", .text = "text", .mode = 04755, .uid = 7 },
			    { "./d/", AE_IFDIR, .mode = 01777 }, { "./d/e/f", .text = "deep" },
			    { "./l", AE_IFLNK, "/etc/passwd", .uid = 9 },
			    { "./h", .hard_link = "./a" }, { "./p", AE_IFIFO, .mode = 0600 },
			    { "./c", AE_IFCHR, .major = 1, .minor = 3 },
			    { "./u", .attribute = "user.x" }),
		&p->layer, &err));
	assert_int_equal(test_stat(p->to, ".").st_mode, S_IFDIR | 0711);
	assert_string_equal(test_text(p->to, "a"), "text");
	assert_int_equal(test_stat(p->to, "a").st_mode, S_IFREG | 04755);
	assert_int_equal(test_stat(p->to, "a").st_uid, 7);
	assert_int_equal(test_stat(p->to, "a").st_mtim.tv_sec, 1000000000);
	assert_int_equal(test_stat(p->to, "a").st_mtim.tv_nsec, 123);
	assert_int_equal(test_stat(p->to, "a").st_ino, test_stat(p->to, "h").st_ino);
	assert_int_equal(test_stat(p->to, "d").st_mode, S_IFDIR | 01777);
	/* What was put into it does not change its time. */
	assert_int_equal(test_stat(p->to, "d").st_mtim.tv_sec, 1000000000);
	assert_int_equal(test_stat(p->to, "d/e").st_mode, S_IFDIR | 0755);
	assert_true(S_ISLNK(test_stat(p->to, "l").st_mode));
	assert_int_equal(test_stat(p->to, "l").st_uid, 9);
	assert_true(S_ISFIFO(test_stat(p->to, "p").st_mode));
	assert_int_equal(test_stat(p->to, "c").st_rdev, makedev(1, 3));
	cleanup_fd int u = openat(p->to, "u", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fgetxattr(u, "user.x", &value, 1), 1);
}

static void the_top_may_be_called_a_slash(void **state)
{
	struct place *p = *state;
	struct error err;

	assert_ok(test_unpack(test_tar_of({ "/", AE_IFDIR, .mode = 0751 }, { "a", .text = "1" }),
			      &p->layer, &err));
	assert_int_equal(test_stat(p->to, ".").st_mode, S_IFDIR | 0751);
	assert_string_equal(test_text(p->to, "a"), "1");
}

static void zeros_become_holes(void **state)
{
	struct place *p = *state;
	size_t size = 4 * 1024 * 1024;
	cleanup_free char *text = calloc(1, size);
	struct error err;

	text[2 * 1024 * 1024] = 'x';
	assert_ok(test_unpack(test_tar_of({ "a", .text = text, .size = size }), &p->layer, &err));
	assert_int_equal(test_stat(p->to, "a").st_size, size);
	assert_true(test_stat(p->to, "a").st_blocks * 512 < 64 * 1024);
}

static void names_of_any_bytes(void **state)
{
	struct place *p = *state;
	struct error err;
	char long_name[256];

	memset(long_name, 'n', 255);
	long_name[255] = '\0';
	assert_ok(test_unpack(test_tar_of({ "a\nb", .text = "1" }, { "\xff\xfe", .text = "2" },
					  { "\xc3\xa9", .text = "3" }, { long_name, .text = "4" }),
			      &p->layer, &err));
	assert_string_equal(test_text(p->to, "a\nb"), "1");
	assert_string_equal(test_text(p->to, "\xff\xfe"), "2");
	assert_string_equal(test_text(p->to, "\xc3\xa9"), "3");
	assert_string_equal(test_text(p->to, long_name), "4");
}

/* ---- layers ---- */

static bool is_whiteout(int folder, const char *path)
{
	struct stat st = test_stat(folder, path);

	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

static bool is_opaque(struct place *p, const char *path)
{
	char full[256], value = 'n';

	(void)snprintf(full, sizeof(full), "%s/to/%s", p->store->folder, path);
	return lgetxattr(full, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static void whiteouts(void **state)
{
	struct place *p = *state;
	struct error err;

	assert_ok(test_unpack(test_tar_of({ ".wh.gone", .text = "" }, { "d/.wh.x", .text = "" },
					  { "o/.wh..wh..opq", .text = "" },
					  { "o/kept", .text = "1" }, { ".wh..wh.plnk", AE_IFDIR }),
			      &p->layer, &err));
	assert_true(is_whiteout(p->to, "gone"));
	assert_true(is_whiteout(p->to, "d/x"));
	assert_true(is_opaque(p, "o"));
	assert_false(is_opaque(p, "d"));
	assert_string_equal(test_text(p->to, "o/kept"), "1");
	assert_false(test_is_there(p->to, ".wh..wh.plnk"));
	assert_false(test_is_there(p->to, ".wh.gone"));
}

/* A layer may remove a folder of those below and have one of its own, in any order. */
static void whiteouts_of_what_the_layer_has(void **state)
{
	struct place *p = *state;
	struct error err;

	assert_ok(test_unpack(test_tar_of({ ".wh.d", .text = "" }, { "d/", AE_IFDIR, .mode = 0755 },
					  { "d/new", .text = "1" }, { "e/new", .text = "2" },
					  { ".wh.e", .text = "" }, { ".wh.f", .text = "" },
					  { "f", .text = "3" }),
			      &p->layer, &err));
	assert_true(is_opaque(p, "d"));
	assert_true(is_opaque(p, "e"));
	assert_string_equal(test_text(p->to, "d/new"), "1");
	assert_string_equal(test_text(p->to, "e/new"), "2");
	assert_string_equal(test_text(p->to, "f"), "3");
}

static void the_last_of_a_name_wins(void **state)
{
	struct place *p = *state;
	struct error err;

	assert_ok(test_unpack(test_tar_of({ "a", .text = "1" }, { "a", .text = "2" },
					  { "b/c/d", .text = "1" }, { "b", .text = "2" },
					  { "e", .text = "1" }, { "e/", AE_IFDIR, .mode = 0755 },
					  { "g", AE_IFLNK, "a" }, { "g", .text = "4" }),
			      &p->layer, &err));
	assert_string_equal(test_text(p->to, "a"), "2");
	assert_string_equal(test_text(p->to, "b"), "2");
	assert_true(S_ISDIR(test_stat(p->to, "e").st_mode));
	assert_string_equal(test_text(p->to, "g"), "4");
}

/* ---- those who mean harm ---- */

static void assert_refused(struct place *p, int take_tar, const char *why)
{
	struct error err = { 0 };

	assert_int_equal(test_unpack(take_tar, &p->layer, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not say %s", err.text, why);
	assert_contained(p);
}

static void names_that_lead_outside(void **state)
{
	struct place *p = *state;

	assert_refused(p, test_tar_of({ "/rustbox-test-x", .text = "1" }), "absolute");
	assert_refused(p, test_tar_of({ "//x", .text = "1" }), "absolute");
	assert_refused(p, test_tar_of({ "/", .text = "1" }), "");
	assert_refused(p, test_tar_of({ "/", AE_IFLNK, "../outside" }), "top");
	assert_refused(p, test_tar_of({ "../x", .text = "1" }), "..");
	assert_refused(p, test_tar_of({ "a/../../x", .text = "1" }), "..");
	assert_refused(p, test_tar_of({ "a/..", AE_IFDIR }), "..");
	assert_refused(p, test_tar_of({ "a", .hard_link = "../outside" }), "..");
	assert_refused(p, test_tar_of({ "a", .hard_link = "/etc/passwd" }), "absolute");
	assert_refused(p, test_tar_of({ "a/.wh...", .text = "" }), "whiteout");
	assert_refused(p, test_tar_of({ ".wh.", .text = "" }), "whiteout");
	assert_refused(p, test_tar_of({ ".wh..", .text = "" }), "whiteout");
}

/* Links are followed as if the folder were the root. */
static void links_that_lead_outside(void **state)
{
	struct place *p = *state;
	struct error err;
	char absolute[128];

	(void)snprintf(absolute, sizeof(absolute), "%s/outside", p->store->folder);
	assert_ok(test_unpack(test_tar_of({ "l", AE_IFLNK, "../outside" }, { "l/x", .text = "1" }),
			      &p->layer, &err));
	assert_contained(p);
	assert_string_equal(test_text(p->to, "outside/x"), "1");
	assert_ok(test_unpack(test_tar_of({ "m", AE_IFLNK, absolute }, { "m/x", .text = "1" },
					  { "m/.wh.y", .text = "" }, { "m/z/", AE_IFDIR }),
			      &p->layer, &err));
	assert_contained(p);
	assert_false(test_is_there(p->top, "outside/z"));
}

static void the_last_link_is_not_followed(void **state)
{
	struct place *p = *state;
	struct error err;
	char target[128];

	(void)snprintf(target, sizeof(target), "%s/victim", p->store->folder);
	cleanup_fd int fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "whole", 5), 5);
	assert_ok(test_unpack(test_tar_of({ "l", AE_IFLNK, target },
					  { "l", .text = "broken", .mode = 0777 },
					  { "m", AE_IFLNK, target }, { "h", .hard_link = "m" }),
			      &p->layer, &err));
	assert_string_equal(test_text(p->top, "victim"), "whole");
	assert_int_equal(test_stat(p->top, "victim").st_mode, S_IFREG | 0600);
	assert_int_equal(test_stat(p->top, "victim").st_nlink, 1);
	assert_true(S_ISLNK(test_stat(p->to, "h").st_mode));
}

static void odd_archives(void **state)
{
	struct place *p = *state;
	cleanup_fd int empty = memfd_create("empty", MFD_CLOEXEC);
	cleanup_fd int text = memfd_create("text", MFD_CLOEXEC);
	cleanup_fd int cut = test_tar_of({ "a", .text = "some text" });

	assert_refused(p, fcntl(empty, F_DUPFD_CLOEXEC, 0), "empty");
	assert_int_equal(pwrite(text, "no tar at all, but a text", 25, 0), 25);
	assert_refused(p, fcntl(text, F_DUPFD_CLOEXEC, 0), "ormat");
	assert_int_equal(ftruncate(cut, 512 * 3 + 4), 0);
	assert_refused(p, fcntl(cut, F_DUPFD_CLOEXEC, 0), "runcated");
	assert_int_equal(ftruncate(cut, 700), 0);
	assert_int_equal(lseek(cut, 0, SEEK_SET), 0);
	assert_refused(p, fcntl(cut, F_DUPFD_CLOEXEC, 0), "runcated");
	assert_refused(p, test_tar_of({ "./", .text = "a file" }), "");
	assert_refused(p, test_tar_of({ "a", .text = "1" }, { "a/b", .text = "2" }), "a/");
	assert_refused(p, test_tar_of({ "b", .hard_link = "nowhere" }), "nowhere");
}

static void a_bomb_is_refused(void **state)
{
	struct place *p = *state;
	size_t size = 1024 * 1024;
	cleanup_free char *text = calloc(1, size);
	struct tar_stream stream = { .limits = { 512 * 1024 } };
	struct member bomb = { "a", .text = text, .size = size };
	cleanup_fd int tar = test_tar(&bomb, 1, true);
	struct error err;

	assert_ok(tar_stream_open(&stream, tar, "bomb", TAR_GZIP, -1, &err));
	assert_int_equal(unpack(&stream, &p->layer, &err), -1);
	assert_non_null(strstr(err.text, "--max-size"));
	assert_int_equal(err.code, EFBIG);
	tar_stream_close(&stream);
}

static void attributes_that_mean_something_elsewhere(void **state)
{
	struct place *p = *state;
	struct error err;
	char path[160], value;

	assert_ok(test_unpack(test_tar_of({ "o/", AE_IFDIR, .attribute = "trusted.overlay.opaque" },
					  { "q/", AE_IFDIR, .attribute = "user.overlay.opaque" }),
			      &p->layer, &err));
	(void)snprintf(path, sizeof(path), "%s/to/o", p->store->folder);
	assert_int_equal(getxattr(path, "trusted.overlay.opaque", &value, 1), -1);
	(void)snprintf(path, sizeof(path), "%s/to/q", p->store->folder);
	assert_int_equal(getxattr(path, "user.overlay.opaque", &value, 1), -1);
}

/* ---- copies ---- */

static void copies_do_not_change_kinds(void **state)
{
	struct place *p = *state;
	struct error err;

	assert_ok(test_unpack(test_tar_of({ "f", .text = "1" }, { "d/x", .text = "1" }), &p->copy,
			      &err));
	assert_int_equal(test_unpack(test_tar_of({ "d", .text = "2" }), &p->copy, &err), -1);
	assert_int_equal(test_unpack(test_tar_of({ "f/", AE_IFDIR }), &p->copy, &err), -1);
	assert_string_equal(test_text(p->to, "f"), "1");
	assert_string_equal(test_text(p->to, "d/x"), "1");
	/* Whiteouts are files like others here. */
	assert_ok(test_unpack(test_tar_of({ ".wh.f", .text = "3" }), &p->copy, &err));
	assert_string_equal(test_text(p->to, ".wh.f"), "3");
}

static void copies_to_the_host_grant_nothing(void **state)
{
	struct place *p = *state;
	struct unpack how = { .folder = p->to, .to_host = true };
	struct error err;

	assert_ok(test_unpack(test_tar_of({ "s", .text = "1", .mode = 06755 },
					  { "b", AE_IFBLK, .major = 7, .minor = 0 },
					  { "c", AE_IFCHR, .major = 1, .minor = 1 }),
			      &how, &err));
	assert_int_equal(test_stat(p->to, "s").st_mode, S_IFREG | 0755);
	assert_false(test_is_there(p->to, "b"));
	assert_false(test_is_there(p->to, "c"));
}

static void owners_are_mapped(void **state)
{
	struct place *p = *state;
	static const struct spec_id_mapping map = { 0, 100000, 65536 };
	struct error err;

	p->copy.owner = (struct ownership){ .uids = &map, .gids = &map, .n_uids = 1, .n_gids = 1 };
	p->copy.below = "below/it";
	assert_ok(test_unpack(test_tar_of({ "a", .text = "1", .uid = 5 }), &p->copy, &err));
	assert_int_equal(test_stat(p->to, "below/it/a").st_uid, 100005);
	assert_int_equal(
		test_unpack(test_tar_of({ "b", .text = "1", .uid = 70000 }), &p->copy, &err), -1);
	assert_non_null(strstr(err.text, "70000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unpack_test(files_are_as_they_were),
		unpack_test(the_top_may_be_called_a_slash),
		unpack_test(zeros_become_holes),
		unpack_test(names_of_any_bytes),
		unpack_test(whiteouts),
		unpack_test(whiteouts_of_what_the_layer_has),
		unpack_test(the_last_of_a_name_wins),
		unpack_test(names_that_lead_outside),
		unpack_test(links_that_lead_outside),
		unpack_test(the_last_link_is_not_followed),
		unpack_test(odd_archives),
		unpack_test(a_bomb_is_refused),
		unpack_test(attributes_that_mean_something_elsewhere),
		unpack_test(copies_do_not_change_kinds),
		unpack_test(copies_to_the_host_grant_nothing),
		unpack_test(owners_are_mapped),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
