/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
/* Images from archive to archive, and those that were tampered with. */
#include "cmd/rustbox/image/image_test.h"

#include <dirent.h>

#include "cmd/rustbox/image/image_parts.h"

/* ---- archives ---- */

/* A whole file in the arena. */
static char *slurp(struct test_store *t, int take_fd, size_t *ret_size)
{
	cleanup_fd int fd = take_fd;
	cleanup_free char *text = NULL;
	struct error err;

	assert_ok(fd_read_all(fd, "file", 1 << 24, &text, ret_size, &err));
	char *copy = arena_alloc(&t->arena, *ret_size + 1, &err);
	memcpy(copy, text, *ret_size);
	return copy;
}

/* One image with one layer, as docker save and as an OCI layout, and what of it is wrong. */
struct recipe {
	const char *text;  /* of the only file */
	const char *names; /* JSON list */
	const char *annotation;
	const char *layer_type, *config_type, *architecture, *os;
	bool wrong_diff_id, wrong_layer, wrong_config, wrong_size, no_layer, no_index, no_docker;
};

struct parts {
	char *layer, *config, *manifest;
	size_t layer_size, config_size, manifest_size;
	struct digest diff_id, layer_digest, config_digest, manifest_digest;
};

static const char *or_default(const char *text, const char *fallback)
{
	return text ? text : fallback;
}

static void make_parts(struct test_store *t, const struct recipe *r, struct parts *p)
{
	struct member file = { "file", .text = or_default(r->text, "text") };
	const char *variant;
	struct error err;
	size_t plain_size;
	char *plain = slurp(t, test_tar(&file, 1, false), &plain_size);

	p->diff_id = digest_of(plain, plain_size);
	if (r->wrong_diff_id)
		p->diff_id = digest_of("", 0);
	p->layer = slurp(t, test_tar(&file, 1, true), &p->layer_size);
	p->layer_digest = digest_of(p->layer, p->layer_size);
	p->config =
		arena_format(&t->arena, &err,
			     "{\"architecture\":\"%s\",\"os\":\"%s\",\"config\":{\"Cmd\":[\"x\"]},"
			     "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
			     or_default(r->architecture, image_architecture(&variant)),
			     or_default(r->os, "linux"), p->diff_id.text);
	p->config_size = strlen(p->config);
	p->config_digest = digest_of(p->config, p->config_size);
	p->manifest = arena_format(
		&t->arena, &err,
		"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%"
		"zu},"
		"\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}]}",
		or_default(r->config_type, "application/vnd.oci.image.config.v1+json"),
		p->config_digest.text, p->config_size,
		or_default(r->layer_type, "application/vnd.oci.image.layer.v1.tar+gzip"),
		p->layer_digest.text, p->layer_size + r->wrong_size);
	p->manifest_size = strlen(p->manifest);
	p->manifest_digest = digest_of(p->manifest, p->manifest_size);
	/* After all that names them by their digests. */
	if (r->wrong_layer)
		p->layer[60] ^= 1;
	if (r->wrong_config)
		p->config[p->config_size - 3] ^= 1;
}

static char *blob_path(struct test_store *t, const struct digest *digest)
{
	struct error err;

	return arena_format(&t->arena, &err, "blobs/sha256/%s", digest_hex(digest));
}

static int make_archive(struct test_store *t, const struct recipe *r)
{
	struct member members[8];
	struct parts p;
	struct error err;
	size_t n = 0;

	make_parts(t, r, &p);
	/* Behind what needs them, or in front: the order does not count. */
	if (!r->no_docker)
		members[n++] = (struct member){
			"manifest.json",
			.text = arena_format(
				&t->arena, &err,
				"[{\"Config\":\"%s\",\"RepoTags\":%s,\"Layers\":[\"%s\"]}]",
				blob_path(t, &p.config_digest), or_default(r->names, "[\"a:1\"]"),
				blob_path(t, &p.layer_digest))
		};
	if (!r->no_layer)
		members[n++] = (struct member){ blob_path(t, &p.layer_digest), .text = p.layer,
						.size = p.layer_size };
	members[n++] = (struct member){ blob_path(t, &p.config_digest), .text = p.config };
	members[n++] = (struct member){ blob_path(t, &p.manifest_digest), .text = p.manifest };
	if (!r->no_index)
		members[n++] = (struct member){
			"index.json",
			.text = arena_format(
				&t->arena, &err,
				"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
				"\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\","
				"\"size\":%zu,\"annotations\":{\"%s\":\"docker.io/library/"
				"a:1\"}}]}",
				p.manifest_digest.text, p.manifest_size,
				or_default(r->annotation, "io.containerd.image.name"))
		};
	return test_tar(members, n, false);
}

static int load(struct test_store *t, int take_fd, char ***ret_names, size_t *ret_n,
		struct error *err)
{
	cleanup_fd int fd = take_fd;
	struct image_load load = { .fd = fd, .source = "test.tar" };

	return image_load(&t->store, &load, &t->arena, ret_names, ret_n, err);
}

static size_t count_names(struct test_store *t, const char *folder)
{
	char path[64];
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "images/%s", folder);
	int fd = openat(t->store.root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; stream && (e = readdir(stream));)
		n += e->d_name[0] != '.';
	if (stream)
		(void)closedir(stream);
	return n;
}

static void assert_empty(struct test_store *t)
{
	assert_int_equal(count_names(t, "layers"), 0);
	assert_int_equal(count_names(t, "blobs/sha256"), 0);
	assert_int_equal(count_names(t, "references"), 0);
	assert_int_equal(count_names(t, "staging"), 0);
}

static void assert_refused(struct test_store *t, const struct recipe *r, const char *why)
{
	struct error err = { 0 };
	char **names;
	size_t n;

	assert_int_equal(load(t, make_archive(t, r), &names, &n, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not say %s", err.text, why);
	assert_empty(t);
}

/* The image's only layer as a descriptor. */
static int open_layer(const struct image *image, size_t i)
{
	int fd = open(image->layers[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* ---- loading ---- */

static void load_both_forms(void **state)
{
	struct test_store *t = *state;
	const struct recipe recipes[] = {
		{ .no_docker = true },
		{ .no_index = true },
		{ .no_docker = true, .annotation = "org.opencontainers.image.ref.name" },
		{ .names = "[\"other:1\"]" }, /* the index counts more */
	};
	struct image *image;
	struct error err;
	bool removed;
	char **names;
	size_t n;

	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		assert_ok(load(t, make_archive(t, &recipes[i]), &names, &n, &err));
		assert_int_equal(n, 1);
		assert_string_equal(names[0], "a:1");
		assert_ok(image_find(&t->store, "a:1", &t->arena, &image, &err));
		assert_int_equal(image->n_layers, 1);
		assert_true(image->size > 0);
		assert_string_equal(image->config->config->cmd[0], "x");
		cleanup_fd int layer = open_layer(image, 0);
		assert_string_equal(test_text(layer, "file"), "text");
		assert_int_equal(count_names(t, "staging"), 0);
		assert_ok(image_remove(&t->store, "docker.io/library/a:1", false, &removed, &err));
		assert_true(removed);
		assert_empty(t);
	}
}

static void load_is_repeatable(void **state)
{
	struct test_store *t = *state;
	const struct recipe one = { .text = "1" }, other = { .text = "2" };
	struct image **images;
	struct error err;
	char **names;
	size_t n;

	assert_ok(load(t, make_archive(t, &one), &names, &n, &err));
	assert_ok(load(t, make_archive(t, &one), &names, &n, &err));
	assert_int_equal(count_names(t, "layers"), 1);
	/* The name moves, and the first one has none any more. */
	assert_ok(load(t, make_archive(t, &other), &names, &n, &err));
	assert_int_equal(count_names(t, "references"), 1);
	assert_ok(image_list(&t->store, &t->arena, &images, &n, &err));
	assert_int_equal(n, 2);
	assert_int_equal(images[0]->n_names + images[1]->n_names, 1);
}

static void a_layout_may_be_a_folder(void **state)
{
	struct test_store *t = *state;
	const struct recipe r = { .no_docker = true };
	struct unpack how = { 0 };
	struct error err;
	char **names;
	size_t n;

	assert_int_equal(mkdirat(t->store.root_fd, "layout", 0755), 0);
	how.folder = openat(t->store.root_fd, "layout", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(test_unpack(make_archive(t, &r), &how, &err));
	assert_ok(load(t, how.folder, &names, &n, &err));
	assert_string_equal(names[0], "a:1");
}

static void what_was_tampered_with(void **state)
{
	struct test_store *t = *state;

	assert_refused(t, &(struct recipe){ .wrong_diff_id = true }, "as the image says");
	assert_refused(t, &(struct recipe){ .wrong_diff_id = true, .no_index = true },
		       "as the image says");
	assert_refused(t, &(struct recipe){ .wrong_layer = true }, "its content is");
	assert_refused(t, &(struct recipe){ .wrong_layer = true, .no_index = true }, "");
	assert_refused(t, &(struct recipe){ .wrong_config = true }, "its content is");
	assert_refused(t, &(struct recipe){ .wrong_config = true, .no_index = true },
		       "its content is");
	assert_refused(t, &(struct recipe){ .wrong_size = true }, "bytes, not");
	assert_refused(t, &(struct recipe){ .no_layer = true }, "No such file");
	assert_refused(t, &(struct recipe){ .no_index = true, .no_docker = true }, "import");
}

static void what_is_not_supported_is_named(void **state)
{
	struct test_store *t = *state;

	assert_refused(t, &(struct recipe){ .layer_type = "application/x-squashfs" },
		       "application/x-squashfs");
	assert_refused(t, &(struct recipe){ .config_type = "application/vnd.oci.empty.v1+json" },
		       "application/vnd.oci.empty.v1+json");
	assert_refused(t,
		       &(struct recipe){ .layer_type = "application/vnd.oci.image.config.v1+json" },
		       "a layer is wanted");
	assert_refused(t, &(struct recipe){ .os = "windows" }, "windows");
	assert_refused(t, &(struct recipe){ .names = "[\"A B\"]", .no_index = true }, "A B");
}

static void archives_that_mean_harm(void **state)
{
	struct test_store *t = *state;
	const char *const manifest = "[{\"Config\":\"../../etc/passwd\",\"Layers\":[]}]";
	struct error err;
	char **names;
	size_t n;

	assert_int_equal(
		load(t, test_tar_of({ "manifest.json", .text = manifest }), &names, &n, &err), -1);
	assert_non_null(strstr(err.text, ".."));
	assert_int_equal(
		load(t,
		     test_tar_of({ "manifest.json", .text = "[{\"Config\":\"c\",\"Layers\":[]}]" },
				 { "c", AE_IFLNK, "/etc/passwd" }),
		     &names, &n, &err),
		-1);
	assert_int_equal(
		load(t,
		     test_tar_of({ "manifest.json", .text = "[{\"Config\":\"c\",\"Layers\":[]}]" },
				 { "c", AE_IFLNK, "d" }, { "d", AE_IFLNK, "c" }),
		     &names, &n, &err),
		-1);
	assert_int_equal(
		load(t, test_tar_of({ "../manifest.json", .text = "[]" }), &names, &n, &err), -1);
	assert_int_equal(load(t, test_tar_of({ "manifest.json", .text = "[]" }), &names, &n, &err),
			 -1);
	assert_int_equal(load(t, test_tar_of({ "index.json", .text = "[" }), &names, &n, &err), -1);
	assert_empty(t);
}

/* ---- saving ---- */

static int saved(struct test_store *t, char *const *names, size_t n)
{
	int fd = memfd_create("saved", MFD_CLOEXEC);
	struct error err;

	assert_ok(image_save(&t->store, names, n, fd, NULL, &err));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void what_is_saved_is_the_same(void **state)
{
	struct test_store *t = *state;
	const struct recipe r = { .text = "saved" };
	char *name = (char *)"a:1";
	struct image *before, *after;
	struct error err;
	bool removed;
	char **names;
	size_t n;

	assert_ok(load(t, make_archive(t, &r), &names, &n, &err));
	assert_ok(image_find(&t->store, name, &t->arena, &before, &err));
	int archive = saved(t, &name, 1);
	assert_ok(image_remove(&t->store, name, false, &removed, &err));
	assert_empty(t);
	assert_ok(load(t, archive, &names, &n, &err));
	assert_ok(image_find(&t->store, name, &t->arena, &after, &err));
	assert_string_equal(after->id, before->id);
	cleanup_fd int layer = open_layer(after, 0);
	assert_string_equal(test_text(layer, "file"), "saved");
}

static void a_damaged_layer_is_not_saved(void **state)
{
	struct test_store *t = *state;
	const struct recipe r = { .text = "damaged" };
	char *name = (char *)"a:1", path[200];
	struct image *image;
	struct error err;
	char **names;
	size_t n;

	assert_ok(load(t, make_archive(t, &r), &names, &n, &err));
	assert_ok(image_find(&t->store, name, &t->arena, &image, &err));
	(void)snprintf(path, sizeof(path), "images/layers/%s/tar.zst",
		       image->config->rootfs->diff_ids[0] + strlen("sha256:"));
	cleanup_fd int fd = openat(t->store.root_fd, path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "????", 4, 20), 4);
	cleanup_fd int out = memfd_create("saved", MFD_CLOEXEC);
	assert_int_equal(image_save(&t->store, &name, 1, out, NULL, &err), -1);
}

/* ---- making, naming, removing ---- */

static char *import(struct test_store *t, int take_fd, const char *name)
{
	cleanup_fd int fd = take_fd;
	struct image_load load = { .fd = fd, .source = "rootfs.tar" };
	struct image_settings settings = { .working_dir = (char *)"/srv" };
	struct error err;
	char *id;

	assert_ok(image_import(&t->store, &load, name, &settings, "words", &t->arena, &id, &err));
	return id;
}

static void import_and_names(void **state)
{
	struct test_store *t = *state;
	char *id = import(t, test_tar_of({ "f", .text = "1" }), "one");
	struct image *image;
	struct error err;
	char prefix[32];
	bool removed;

	(void)snprintf(prefix, sizeof(prefix), "%.12s", id + strlen("sha256:"));
	assert_ok(image_find(&t->store, prefix, &t->arena, &image, &err));
	assert_string_equal(image->id, id);
	assert_string_equal(image->config->config->working_dir, "/srv");
	assert_string_equal(image->config->history[0].comment, "words");
	assert_ok(image_tag(&t->store, "one", "two:x", &err));
	assert_ok(image_find(&t->store, "two:x", &t->arena, &image, &err));
	assert_int_equal(image->n_names, 2);
	assert_int_equal(image_remove(&t->store, prefix, false, &removed, &err), -1);
	assert_non_null(strstr(err.text, "2 names"));
	assert_ok(image_remove(&t->store, "one", false, &removed, &err));
	assert_false(removed);
	assert_ok(image_remove(&t->store, "two:x", false, &removed, &err));
	assert_true(removed);
	assert_empty(t);
	assert_int_equal(image_find(&t->store, "two:x", &t->arena, &image, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(image_tag(&t->store, "nosuch", "x", &err), -1);
	(void)import(t, test_tar_of({ "f", .text = "1" }), "busybox");
	assert_int_equal(image_find(&t->store, "busybix", &t->arena, &image, &err), -1);
	assert_non_null(strstr(err.text, "mean busybox"));
	assert_int_equal(image_tag(&t->store, "busybox", "A B", &err), -1);
}

/* A container of the image, with a folder as its upper layer. */
static struct record *container_of(struct test_store *t, const char *name, const char *image_name)
{
	struct record *record = test_container(t, name, RECORD_EXITED);
	struct image *image;
	struct error err;

	assert_ok(image_find(&t->store, image_name, &t->arena, &image, &err));
	record->image = (char *)(uintptr_t)image_name;
	record->image_id = image->id;
	record->lower = image->layers;
	record->n_lower = image->n_layers;
	assert_ok(store_save(&t->store, record, false, &err));
	return record;
}

static void images_in_use_stay(void **state)
{
	struct test_store *t = *state;
	struct record *record;
	struct error err;
	uint64_t bytes;
	size_t images;
	bool removed;

	(void)import(t, test_tar_of({ "f", .text = "1" }), "used");
	record = container_of(t, "user", "used");
	assert_int_equal(image_remove(&t->store, "used", false, &removed, &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_non_null(strstr(err.text, "user"));
	/* The name goes, the files stay. */
	assert_ok(image_remove(&t->store, "used", true, &removed, &err));
	assert_false(removed);
	assert_int_equal(count_names(t, "references"), 0);
	assert_ok(image_prune(&t->store, true, &bytes, &images, &err));
	assert_int_equal(images, 0);
	assert_int_equal(access(record->lower[0], F_OK), 0);
	assert_ok(store_remove(&t->store, record, &err));
	assert_ok(image_prune(&t->store, false, &bytes, &images, &err));
	assert_int_equal(images, 1);
	assert_true(bytes > 0);
	assert_empty(t);
}

static void prune_keeps_names(void **state)
{
	struct test_store *t = *state;
	struct error err;
	uint64_t bytes;
	size_t images;

	(void)import(t, test_tar_of({ "f", .text = "1" }), "named");
	(void)import(t, test_tar_of({ "f", .text = "2" }), NULL);
	assert_ok(image_prune(&t->store, false, &bytes, &images, &err));
	assert_int_equal(images, 1);
	assert_int_equal(count_names(t, "layers"), 1);
	/* A removal that was killed. */
	assert_int_equal(mkdirat(t->store.root_fd, "images/staging/left", 0700), 0);
	assert_ok(image_prune(&t->store, true, &bytes, &images, &err));
	assert_int_equal(count_names(t, "staging"), 0);
	assert_empty(t);
}

static void layers_are_shared(void **state)
{
	struct test_store *t = *state;
	struct image_commit commit = { .name = "second", .author = "me", .message = "more" };
	struct image_settings settings = { NULL };
	struct record *record;
	struct image *image;
	struct error err;
	bool removed;
	char *id;

	(void)import(t, test_tar_of({ "low", .text = "1" }), "first");
	record = container_of(t, "made", "first");
	cleanup_free char *upper = store_path(&t->store, "overlay", record->id, "upperdir", &err);
	assert_int_equal(mkdir(upper, 0755), 0);
	cleanup_fd int folder = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int new = openat(folder, "up", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write(new, "2", 1), 1);
	assert_int_equal(mknodat(folder, "low", S_IFCHR, makedev(0, 0)), 0);
	commit.settings = &settings;
	assert_ok(image_commit(&t->store, record, &commit, &t->arena, &id, &err));
	assert_ok(image_find(&t->store, "second", &t->arena, &image, &err));
	assert_string_equal(image->id, id);
	assert_int_equal(image->n_layers, 2);
	assert_int_equal(count_names(t, "layers"), 2);
	assert_string_equal(image->config->author, "me");
	assert_int_equal(image->config->n_history, 2);
	cleanup_fd int top = open_layer(image, 0);
	assert_string_equal(test_text(top, "up"), "2");
	assert_true(S_ISCHR(test_stat(top, "low").st_mode));
	assert_ok(store_remove(&t->store, record, &err));
	assert_ok(image_remove(&t->store, "first", false, &removed, &err));
	assert_int_equal(count_names(t, "layers"), 2);
	assert_ok(image_remove(&t->store, "second", false, &removed, &err));
	assert_empty(t);
}

/* Of a container that was run on a folder, that becomes the first layer. */
static void commit_of_a_folder(void **state)
{
	struct test_store *t = *state;
	struct image_settings settings = { NULL };
	struct image_commit commit = { .settings = &settings };
	struct record *record = test_container(t, "box", RECORD_EXITED);
	struct image *image;
	struct error err;
	char *id;

	assert_int_equal(mkdirat(t->store.root_fd, "rootfs", 0755), 0);
	assert_int_equal(mkdirat(t->store.root_fd, "rootfs/etc", 0755), 0);
	record->rootfs = arena_format(&t->arena, &err, "%s/rootfs", t->store.root);
	record->lower = &record->rootfs;
	record->n_lower = 1;
	cleanup_free char *upper = store_path(&t->store, "overlay", record->id, "upperdir", &err);
	assert_int_equal(mkdir(upper, 0755), 0);
	assert_ok(image_commit(&t->store, record, &commit, &t->arena, &id, &err));
	assert_ok(image_find(&t->store, id, &t->arena, &image, &err));
	assert_int_equal(image->n_layers, 2);
	cleanup_fd int low = open_layer(image, 1);
	assert_true(test_is_there(low, "etc"));
}

/* ---- crashes ---- */

static void what_a_killed_load_left_is_removed(void **state)
{
	struct test_store *t = *state;
	struct staging live = STAGING_NONE, dead = STAGING_NONE;
	char path[64];
	struct error err;

	assert_ok(staging_make(&t->store, &dead, &err));
	assert_ok(staging_make(&t->store, &live, &err));
	assert_int_equal(count_names(t, "staging"), 2);
	assert_int_equal(mkdirat(dead.folder, "half", 0700), 0);
	(void)snprintf(path, sizeof(path), "images/staging/%s", live.name);
	/* As if it had been killed: its lock is gone, its files are not. */
	fd_close(&dead.folder);
	fd_close(&dead.images);
	(void)import(t, test_tar_of({ "f", .text = "1" }), "one");
	assert_int_equal(count_names(t, "staging"), 1);
	assert_true(test_is_there(t->store.root_fd, path));
	staging_drop(&live);
	assert_int_equal(count_names(t, "staging"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(load_both_forms),
		store_test(load_is_repeatable),
		store_test(a_layout_may_be_a_folder),
		store_test(what_was_tampered_with),
		store_test(what_is_not_supported_is_named),
		store_test(archives_that_mean_harm),
		store_test(what_is_saved_is_the_same),
		store_test(a_damaged_layer_is_not_saved),
		store_test(import_and_names),
		store_test(images_in_use_stay),
		store_test(prune_keeps_names),
		store_test(layers_are_shared),
		store_test(commit_of_a_folder),
		store_test(what_a_killed_load_left_is_removed),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
