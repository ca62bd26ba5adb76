/* SPDX-License-Identifier: Apache-2.0 */
/* Masks, read-only paths, the root's own flags and propagation. */
#include "runtime/mount_test.h"

static void make_secrets(void)
{
	CHECK(mkdir("rootfs/dir1", 0755) == 0 && mkdir("rootfs/dir2", 0755) == 0);
	write_file("rootfs/dir1/file", "secret\n");
	write_file("rootfs/file", "secret\n");
	write_file("rootfs/other", "secret\n");
	CHECK(symlink("/dir1", "rootfs/to_dir1") == 0 && symlink("file", "rootfs/to_file") == 0);
	/* S9: the image's idea of /dev/null must not matter */
	CHECK(symlink("/proc/uptime", "rootfs/dev/null") == 0);
}

static int count_mounts(const char *path)
{
	char line[4096], at[4096];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	int count = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		count += sscanf(line, "%*s %*s %*s %*s %4095s", at) == 1 && str_equal(at, path);
	fclose(f);
	return count;
}

static void look_at_masks(void)
{
	struct stat file, other, dir1, dir2;

	CHECK(stat("/file", &file) == 0 && stat("/other", &other) == 0);
	CHECK(S_ISCHR(file.st_mode) && file.st_rdev == makedev(1, 3));
	CHECK(S_ISCHR(other.st_mode) && reads("/file", "") && reads("/other", ""));
	CHECK(stat("/dir1", &dir1) == 0 && stat("/dir2", &dir2) == 0);
	CHECK(dir1.st_dev == dir2.st_dev && access("/dir1/file", F_OK) != 0);
	CHECK(cannot_write("/dir1/new") && has_option("/dir1", "ro"));
	CHECK(count_mounts("/dir1") == 1 && count_mounts("/file") == 1);
	CHECK(!reads("/proc/uptime", ""));
}

#define SECRETS                                                                                    \
	",\"maskedPaths\":[\"/file\",\"/dir1\",\"/file\",\"/dir1\",\"/to_file\",\"/to_dir1\","     \
	"\"/dir2\",\"/other\",\"/missing\",\"/file/missing\"]"

static void s9_masks(void **state)
{
	run(&(struct container){ .mounts = PROC "," DEV,
				 .linux_ = SECRETS,
				 .before = make_secrets,
				 .inside = look_at_masks });
	run(&(struct container){ .mounts = PROC "," DEV,
				 .linux_ = SECRETS,
				 .before = make_secrets,
				 .user_namespace = true,
				 .inside = look_at_masks });
}

static void s9_masks_of_unprivileged_runtime(void **state)
{
	run(&(struct container){ .mounts = PROC "," DEV,
				 .linux_ = SECRETS,
				 .before = make_secrets,
				 .unprivileged_runtime = true,
				 .inside = look_at_masks });
}

/* With a null device that is none, nothing is mounted in its place. */
static void hide_null(void)
{
	write_file("fake", "not null");
	CHECK(mount("fake", "/dev/null", NULL, MS_BIND, NULL) == 0);
}

static void s9_host_null_is_checked(void **state)
{
	run(&(struct container){ .mounts = PROC,
				 .linux_ = ",\"maskedPaths\":[\"/tmp\"]",
				 .before = hide_null,
				 .fails = "no null device" });
}

static void make_read_only_candidates(void)
{
	CHECK(mkdir("rootfs/ro", 0755) == 0 && symlink("/ro", "rootfs/link") == 0);
	write_file("rootfs/ro/file", "text\n");
	write_file("rootfs/single", "text\n");
}

static void look_at_read_only(void)
{
	CHECK(cannot_write("/ro/new") && cannot_write("/single") && reads("/ro/file", "text\n"));
	CHECK(!cannot_write("/tmp/new"));
	CHECK(has_option("/proc/sys", "ro") && has_option("/proc/sys", "nosuid"));
}

static void read_only_paths(void **state)
{
	run(&(struct container){
		.mounts = "{\"destination\":\"/proc\",\"type\":\"proc\",\"options\":[\"nosuid\"]}",
		.linux_ = ",\"readonlyPaths\":[\"/link\",\"/single\",\"/proc/sys\",\"/missing\"]",
		.before = make_read_only_candidates,
		.inside = look_at_read_only });
}

static void look_at_read_only_root(void)
{
	CHECK(has_option("/", "ro") && cannot_write("/tmp/new") && !cannot_write("/dev/new"));
}

static void read_only_root(void **state)
{
	run(&(struct container){ .mounts = PROC "," DEV,
				 .root = ",\"readonly\":true",
				 .inside = look_at_read_only_root });
	run(&(struct container){ .mounts = PROC "," DEV,
				 .root = ",\"readonly\":true",
				 .user_namespace = true,
				 .inside = look_at_read_only_root });
}

/* ---- rootfsPropagation, on a host whose mounts are shared ---- */

static void share_host(void)
{
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) == 0);
}

static bool root_is(const char *tag)
{
	return strstr(mount_line("/"), tag);
}

static void look_at_slave(void)
{
	CHECK(root_is(" master:") && !root_is(" shared:"));
}

static void look_at_shared(void)
{
	CHECK(root_is(" shared:") && !root_is(" master:"));
}

static void look_at_private(void)
{
	CHECK(!root_is(" shared:") && !root_is(" master:"));
}

static void look_at_unbindable(void)
{
	CHECK(root_is(" unbindable"));
	CHECK(mount("/", "/tmp", NULL, MS_BIND, NULL) < 0 && errno == EINVAL);
}

static void root_propagation(void **state)
{
	static const struct {
		const char *linux_;
		void (*inside)(void);
	} cases[] = {
		{ NULL, look_at_slave },
		{ ",\"rootfsPropagation\":\"slave\"", look_at_slave },
		{ ",\"rootfsPropagation\":\"rslave\"", look_at_slave },
		{ ",\"rootfsPropagation\":\"shared\"", look_at_shared },
		{ ",\"rootfsPropagation\":\"rshared\"", look_at_shared },
		{ ",\"rootfsPropagation\":\"private\"", look_at_private },
		{ ",\"rootfsPropagation\":\"unbindable\"", look_at_unbindable },
	};

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++)
		run(&(struct container){ .mounts = PROC,
					 .linux_ = cases[i / 2].linux_,
					 .before = share_host,
					 .no_pivot = i % 2,
					 .inside = cases[i / 2].inside });
}

/* A new user namespace may mount a proc only where none of the host's is left to be seen. */
static void try_bare_proc(void)
{
	int status;
	pid_t pid = process_clone(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID, -1, NULL);

	if (pid == 0)
		_exit(mount("proc", "/proc", "proc", 0, NULL) < 0 && errno == EPERM ? 0 : 1);
	CHECK(pid > 0 && process_wait(pid, &status) == 0 && WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == 0);
}

static void no_bare_proc_is_left(void **state)
{
	for (int i = 0; i < 2; i++)
		run(&(struct container){ .mounts = PROC,
					 .linux_ = ",\"maskedPaths\":[\"/proc/uptime\"]",
					 .no_pivot = i,
					 .inside = try_bare_proc });
}

static void make_root_a_file(void)
{
	CHECK(rename("rootfs", "gone") == 0);
	write_file("rootfs", "");
}

static void remove_root(void)
{
	CHECK(rename("rootfs", "gone") == 0);
}

static void bad_roots_are_named(void **state)
{
	run(&(struct container){ .before = remove_root,
				 .fails = "root.path rootfs: No such file or directory" });
	run(&(struct container){ .before = make_root_a_file,
				 .fails = "root.path rootfs: Not a directory" });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s9_masks),
		cmocka_unit_test(s9_masks_of_unprivileged_runtime),
		cmocka_unit_test(s9_host_null_is_checked),
		cmocka_unit_test(read_only_paths),
		cmocka_unit_test(read_only_root),
		cmocka_unit_test(root_propagation),
		cmocka_unit_test(no_bare_proc_is_left),
		cmocka_unit_test(bad_roots_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
