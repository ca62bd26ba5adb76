/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore gives to CRIU is what config.json says, whatever names the
 * checkpoint has and whatever links the image has (S18; CVE-2026-119101).
 * Needs root, but no CRIU.
 */
#include "runtime/mount_test.h"

#include <limits.h>

#include "runtime/external_mount.h"

/* mounts[] of the configuration: their destinations are their names. */
#define BIND(source, destination, options)                                                         \
	"{\"source\":\"" source "\",\"destination\":\"" destination                                \
	"\",\"type\":\"bind\",\"options\":[" options "]}"
#define TREE	  BIND("volume", "/data/tree", "\"rbind\"")
#define READ_ONLY BIND("fixed", "/data/fixed", "\"bind\",\"ro\"")
/* Twice at one place, which has in it what names are made with, too. */
#define UNDER  BIND("volume", "/100%[0]", "\"bind\"")
#define OVER   BIND("fixed", "/100%[0]", "\"bind\",\"ro\"")
#define MOUNTS TREE "," READ_ONLY "," UNDER "," OVER

#define TREE_NAME      "rustbox-mount-0-%2Fdata%2Ftree"
#define READ_ONLY_NAME "rustbox-mount-0-%2Fdata%2Ffixed"
#define UNDER_NAME     "rustbox-mount-0-%2F100%25%5B0%5D"
#define OVER_NAME      "rustbox-mount-1-%2F100%25%5B0%5D"

/* A link to a file of the current folder, by its whole path. */
static void make_link(const char *name, const char *at)
{
	char folder[PATH_MAX], path[PATH_MAX + 16];

	CHECK(getcwd(folder, sizeof(folder)));
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	CHECK(symlink(path, at) == 0);
}

/* On the host, which has a mount that no container is to see: secret/. */
static void make_sources(void)
{
	CHECK(mkdir("volume", 0755) == 0 && mkdir("fixed", 0755) == 0 &&
	      mkdir("secret", 0700) == 0);
	CHECK(mount("tmpfs", "secret", "tmpfs", 0, NULL) == 0);
	write_file("secret/file", "secret\n");
	CHECK(mkdir("volume/below", 0755) == 0 && mkdir("fixed/below", 0755) == 0);
	CHECK(mount("tmpfs", "volume/below", "tmpfs", 0, NULL) == 0);
	CHECK(mount("tmpfs", "fixed/below", "tmpfs", 0, NULL) == 0);
	write_file("volume/below/file", "below\n");
	write_file("fixed/file", "fixed\n");
	make_link(".", "volume/out");
	make_link("secret", "volume/secret");
}

struct scene {
	void (*work)(void);
};

static void be_scene(const void *data)
{
	const struct scene *scene = data;

	CHECK(mkdir("rootfs", 0755) == 0);
	make_sources();
	scene->work();
}

static void on_host_with_sources(void (*work)(void))
{
	on_host(be_scene, &(struct scene){ work });
}

struct prepared {
	struct arena arena;
	struct spec spec;
	struct external_mounts mounts;
	struct error err;
};

static void prepare(struct prepared *p, const char *mounts)
{
	const struct container c = { .mounts = mounts };
	const struct cgroup none = { .disabled = true };

	*p = (struct prepared){ .arena = ARENA_EMPTY, .mounts = EXTERNAL_MOUNTS_EMPTY };
	char *text = configuration(&c, &p->err);
	CHECK(text);
	CHECK(spec_load(text, strlen(text), "config.json", &p->spec, &p->arena, &p->err) == 0);
	CHECK(external_mounts_prepare(&p->spec, &none, &p->arena, &p->mounts, &p->err) == 0);
	free(text);
}

static void done(struct prepared *p)
{
	external_mounts_done(&p->mounts);
	arena_free(&p->arena);
}

/* ---- names of a checkpoint ----------------------------------------------------------------- */

/* The tree and a mount of that name, for CRIU to see. NULL in `words`: it has to work. */
static void lay_out_of(const char *mounts, const char *name, const char *words, bool (*check)(void))
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		char tree_point[] = "/tree", tree_name[] = TREE_NAME;
		char point[] = "/point", *copy = strdup(name);
		const struct external_mount wanted[] = { { tree_point, tree_name, 1 },
							 { point, copy, 2 } };
		const struct external_file none[EXTERNAL_FILES] = { { NULL, NULL } };
		struct prepared p;

		CHECK(copy);
		prepare(&p, mounts);
		CHECK(external_mounts_unshare(&p.err) == 0);
		int r = external_mounts_lay_out(&p.mounts, wanted, 2, none, &p.err);
		const char *text = r < 0 ? p.err.text : "";
		if (words ? !strstr(text, words) : r < 0) {
			(void)fprintf(stderr, "%s: %s\n", name, r < 0 ? p.err.text : "laid out");
			_exit(1);
		}
		CHECK(!check || check());
		done(&p);
		free(copy);
		_exit(0);
	}
	CHECK(process_wait(pid, &status) == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void lay_out(const char *name, const char *words, bool (*check)(void))
{
	lay_out_of(MOUNTS, name, words, check);
}

static bool sees_the_tree(void)
{
	return reads("/tmp/0/below/file", "below\n") && !cannot_write("/tmp/0/new");
}

static bool sees_what_is_below(void)
{
	return reads("/tmp/1/file", "below\n");
}

static bool sees_what_is_writable(void)
{
	return !cannot_write("/tmp/1/new");
}

static bool sees_what_is_read_only(void)
{
	return reads("/tmp/1/file", "fixed\n") && cannot_write("/tmp/1/new");
}

static void lay_out_known_names(void)
{
	lay_out(TREE_NAME, NULL, sees_the_tree);
	lay_out(TREE_NAME "/below", NULL, sees_what_is_below);
	lay_out(READ_ONLY_NAME, NULL, sees_what_is_read_only);
	lay_out(UNDER_NAME, NULL, sees_what_is_writable);
	lay_out(OVER_NAME, NULL, sees_what_is_read_only);
}

/* podman writes the mounts of a container's configuration in another order each time. */
static void lay_out_in_another_order(void)
{
	static const char mounts[] = READ_ONLY "," UNDER "," OVER "," TREE;

	lay_out_of(mounts, TREE_NAME "/below", NULL, sees_what_is_below);
	lay_out_of(mounts, READ_ONLY_NAME, NULL, sees_what_is_read_only);
	lay_out_of(mounts, UNDER_NAME, NULL, sees_what_is_writable);
	lay_out_of(mounts, OVER_NAME, NULL, sees_what_is_read_only);
}

static void lay_out_other_names(void)
{
	static const char unknown[] = "config.json does not have";

	lay_out("rustbox-mount-2-%2F100%25%5B0%5D", unknown, NULL);
	lay_out("rustbox-mount-00-%2Fdata%2Ftree", unknown, NULL);
	lay_out("rustbox-mount-0-%2Fdata%2Ftre", unknown, NULL);
	lay_out("rustbox-mount-0-/data/tree", unknown, NULL);
	lay_out("rustbox-mount-", unknown, NULL);
	lay_out("rustbox-mount-7", "earlier version", NULL);
	lay_out("", unknown, NULL);
	lay_out("/etc", unknown, NULL);
	lay_out("../secret", unknown, NULL);
	/* What is mounted below a source that is bound without what is below it. */
	lay_out(READ_ONLY_NAME "/below", unknown, NULL);
	/* Ways out of one that is bound with it. */
	lay_out(TREE_NAME "/../secret", "", NULL);
	lay_out(TREE_NAME "/secret", "nothing is mounted", NULL);
	lay_out(TREE_NAME "/out/secret", "", NULL);
	lay_out(TREE_NAME "//proc/self/root/proc", "", NULL);
}

static void s18_names_of_the_configuration_are_laid_out_with_its_flags(void **state)
{
	on_host_with_sources(lay_out_known_names);
}

static void names_do_not_depend_on_the_order(void **state)
{
	on_host_with_sources(lay_out_in_another_order);
}

static void s18_no_other_name_gives_anything(void **state)
{
	on_host_with_sources(lay_out_other_names);
}

/* ---- links of the image -------------------------------------------------------------------- */

static void make_targets_through_a_link(void)
{
	struct prepared p;

	CHECK(mkdir("victim", 0755) == 0);
	make_link("victim", "rootfs/data");
	prepare(&p, MOUNTS);
	(void)external_mounts_make_targets(&p.mounts, &p.err);
	/* There is nothing in it. */
	CHECK(rmdir("victim") == 0);
	done(&p);
}

static void s18_targets_are_made_in_the_root(void **state)
{
	on_host_with_sources(make_targets_through_a_link);
}

/* ---- mounts of a process ------------------------------------------------------------------- */

/* fixed/ at that place of the root, with those flags. */
static void mount_fixed(const char *at, unsigned long flags)
{
	CHECK(mount("fixed", at, NULL, MS_BIND, NULL) == 0);
	CHECK(mount(NULL, at, NULL, MS_REMOUNT | MS_BIND | flags, NULL) == 0);
}

/* What is said of a process that has it there. */
static void look(const char *at, unsigned long flags, const char *name, const char *words)
{
	int ready[2], end[2], status;
	struct external_mount *found;
	struct prepared p;
	bool seen = false;
	size_t count = 0;
	char byte;

	prepare(&p, MOUNTS);
	CHECK(pipe2(ready, O_CLOEXEC) == 0 && pipe2(end, O_CLOEXEC) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(close(end[1]) == 0 && unshare(CLONE_NEWNS) == 0);
		CHECK(mount("rootfs", "rootfs", NULL, MS_BIND, NULL) == 0);
		mount_fixed(at, flags);
		CHECK(chroot("rootfs") == 0 && write(ready[1], "", 1) == 1);
		_exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	int procfs = open("/proc", O_PATH | O_CLOEXEC);
	CHECK(procfs >= 0);
	int r = external_mounts_look(&p.mounts, procfs, pid, &p.arena, &found, &count, &p.err);
	CHECK(words ? r < 0 && strstr(p.err.text, words) : r == 0);
	for (size_t i = 0; i < count; i++)
		seen |= found[i].name && str_equal(found[i].name, name);
	CHECK(words || seen);
	for (size_t i = 0; i < 2; i++)
		CHECK(close(ready[i]) == 0 && close(end[i]) == 0);
	CHECK(process_wait(pid, &status) == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(close(procfs) == 0);
	done(&p);
}

static void look_at_a_process(void)
{
	CHECK(mkdir("rootfs/data", 0755) == 0 && mkdir("rootfs/data/fixed", 0755) == 0);
	CHECK(mkdir("rootfs/elsewhere", 0755) == 0);
	look("rootfs/data/fixed", MS_RDONLY, READ_ONLY_NAME, NULL);
	look("rootfs/data/fixed", 0, NULL, "without ro");
	/* The container has renamed the folders above it, or CRIU has been led elsewhere. */
	look("rootfs/elsewhere", MS_RDONLY, READ_ONLY_NAME, NULL);
	look("rootfs/elsewhere", 0, NULL, "without ro");
}

static void s18_what_is_read_only_by_configuration_stays_so(void **state)
{
	on_host_with_sources(look_at_a_process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s18_names_of_the_configuration_are_laid_out_with_its_flags),
		cmocka_unit_test(names_do_not_depend_on_the_order),
		cmocka_unit_test(s18_no_other_name_gives_anything),
		cmocka_unit_test(s18_targets_are_made_in_the_root),
		cmocka_unit_test(s18_what_is_read_only_by_configuration_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
