/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/mount_test.h"

#include <sys/prctl.h>

#include "runtime/idmap.h"

#define BIND(source, destination, options)                                                         \
	",{\"source\":\"" source "\",\"destination\":\"" destination                               \
	"\",\"type\":\"bind\",\"options\":[" options "]}"

/* volume/ with a file, and another mount below it. */
static void make_volume(void)
{
	CHECK(mkdir("volume", 0755) == 0);
	CHECK(mount("tmpfs", "volume", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == 0);
	CHECK(mkdir("volume/below", 0755) == 0);
	write_file("volume/file", "volume\n");
	CHECK(mount("tmpfs", "volume/below", "tmpfs", 0, "mode=755") == 0);
	write_file("volume/below/file", "below\n");
}

static void look_at_binds(void)
{
	CHECK(reads("/tmp/a/file", "volume\n") && access("/tmp/a/below/file", F_OK) != 0);
	CHECK(has_option("/tmp/a", "rw") && has_option("/tmp/a", "nosuid"));
	CHECK(reads("/tmp/b/below/file", "below\n"));
	CHECK(has_option("/tmp/b", "ro") && cannot_write("/tmp/b/file"));
	CHECK(has_option("/tmp/b/below", "rw"));
	CHECK(has_option("/tmp/c", "ro") && has_option("/tmp/c/below", "ro"));
	CHECK(has_option("/tmp/d", "rw") && !has_option("/tmp/d", "nosuid"));
	CHECK(has_option("/tmp/d", "noatime"));
	CHECK(has_option("/tmp/c", "nosuid"));
	CHECK(reads("/tmp/file", "volume\n") && has_option("/tmp/file", "noexec"));
}

/* Options that name a flag name them all. */
static void look_at_flags_given(void)
{
	look_at_binds();
	CHECK(!has_option("/tmp/b", "nosuid") && !has_option("/tmp/b", "nodev"));
	CHECK(!has_option("/tmp/d", "nodev") && !has_option("/tmp/file", "nosuid"));
}

/* Root of a user namespace does not get rid of the host's. */
static void look_at_flags_kept(void)
{
	look_at_binds();
	CHECK(has_option("/tmp/b", "nosuid") && has_option("/tmp/b", "nodev"));
	CHECK(has_option("/tmp/d", "nodev") && has_option("/tmp/file", "nosuid"));
}

#define BINDS                                                                                      \
	PROC BIND("volume", "/tmp/a", "\"bind\"") BIND("volume", "/tmp/b", "\"rbind\",\"ro\"")     \
		BIND("volume", "/tmp/c", "\"rbind\",\"rro\"")                                      \
			BIND("volume", "/tmp/d", "\"bind\",\"suid\",\"noatime\"")                  \
				BIND("volume/file", "/tmp/file", "\"bind\",\"noexec\"")

static void binds_and_their_flags(void **state)
{
	run(&(struct container){
		.mounts = BINDS, .before = make_volume, .inside = look_at_flags_given });
}

static void binds_in_user_namespace(void **state)
{
	run(&(struct container){ .mounts = BINDS,
				 .before = make_volume,
				 .user_namespace = true,
				 .inside = look_at_flags_kept });
}

static void look_at_own_binds(void)
{
	CHECK(reads("/tmp/b/below/file", "below\n"));
	CHECK(has_option("/tmp/b", "ro") && has_option("/tmp/b", "nosuid"));
}

/* What the runtime may not clone is opened by init, where source flags are locked. */
static void binds_of_unprivileged_runtime(void **state)
{
	run(&(struct container){ .mounts = PROC BIND("volume", "/tmp/b", "\"rbind\",\"ro\""),
				 .before = make_volume,
				 .unprivileged_runtime = true,
				 .inside = look_at_own_binds });
	run(&(struct container){ .mounts = PROC BIND("volume", "/tmp/b", "\"rbind\",\"suid\""),
				 .before = make_volume,
				 .unprivileged_runtime = true,
				 .fails = "more privileged namespace cannot be cleared" });
}

/* A folder that root of the container may not pass: the host has opened it. */
static void make_private_volume(void)
{
	make_volume();
	CHECK(mkdir("private", 0700) == 0 && mkdir("private/volume", 0755) == 0);
	write_file("private/volume/file", "private\n");
}

static void look_at_private(void)
{
	CHECK(reads("/tmp/a/file", "private\n"));
}

static void s7_source_is_opened_by_the_host(void **state)
{
	run(&(struct container){ .mounts = PROC BIND("private/volume", "/tmp/a", "\"rbind\""),
				 .before = make_private_volume,
				 .user_namespace = true,
				 .inside = look_at_private });
}

static void bad_binds_are_named(void **state)
{
	run(&(struct container){
		.mounts = PROC BIND("missing", "/tmp/a", "\"bind\""),
		.fails = "mounts[1]: bind source missing: No such file or directory" });
	run(&(struct container){ .mounts = PROC BIND("", "/tmp/a", "\"bind\""),
				 .fails = "a bind mount needs a source" });
	run(&(struct container){ .mounts = PROC BIND("rootfs", "/tmp/a", "\"bind\",\"sizze\""),
				 .fails = "option \"sizze\" is unknown" });
}

static void bind_ignores_options_of_file_systems(void **state)
{
	run(&(struct container){
		.mounts = PROC BIND("rootfs", "/tmp/a", "\"bind\",\"mode=755\",\"size=1k\"") });
}

static void make_unbindable(void)
{
	make_volume();
	CHECK(mount(NULL, "volume", NULL, MS_UNBINDABLE, NULL) == 0);
}

static void unbindable_source_is_named(void **state)
{
	run(&(struct container){ .mounts = PROC BIND("volume", "/tmp/a", "\"bind\""),
				 .before = make_unbindable,
				 .fails = "refuses to bind a mount that is unbindable" });
}

static void make_file_and_folder(void)
{
	make_volume();
	write_file("rootfs/tmp/file", "");
}

static void kinds_must_agree(void **state)
{
	run(&(struct container){ .mounts = PROC BIND("volume", "/tmp/file", "\"bind\""),
				 .before = make_file_and_folder,
				 .fails = "a directory cannot be mounted on a file" });
}

/* ---- Sources that only the container has ---- */

static void make_sources(void)
{
	CHECK(mkdir("a", 0755) == 0 && mkdir("a/x", 0755) == 0 && mkdir("b", 0755) == 0);
	write_file("a/x/file", "a/x\n");
	write_file("b/file", "b\n");
	CHECK(mkdir("rootfs/mnt", 0755) == 0);
	CHECK(chown("rootfs/mnt", CONTAINER_ROOT_ID, CONTAINER_ROOT_ID) == 0);
}

static void look_at_sources(void)
{
	CHECK(reads("/final/x/file", "b\n") && reads("/mnt/x/file", "b\n"));
	CHECK(reads("/single/file", "b\n"));
	CHECK(access("/early/x/file", F_OK) != 0);
}

#define SOURCES                                                                                    \
	PROC BIND("rootfs/mnt", "/early", "\"rbind\"") BIND("a", "/mnt", "\"rbind\"")              \
		BIND("b", "/mnt/x", "\"rbind\"") BIND("rootfs/mnt", "/final", "\"rbind\"")         \
			BIND("rootfs/mnt/x", "/single", "\"bind\"")

static void sources_may_be_earlier_mounts(void **state)
{
	run(&(struct container){
		.mounts = SOURCES, .before = make_sources, .inside = look_at_sources });
	run(&(struct container){ .mounts = SOURCES,
				 .before = make_sources,
				 .user_namespace = true,
				 .inside = look_at_sources });
}

/* ---- Idmapped ---- */

#define MAPPED                                                                                     \
	"\"uidMappings\":[{\"containerID\":10,\"hostID\":%s10,\"size\":10}],"                      \
	"\"gidMappings\":[{\"containerID\":10,\"hostID\":%s10,\"size\":10}],"

static void make_owned_volume(void)
{
	make_volume();
	CHECK(chown("volume/file", 10, 11) == 0 && chown("volume/below/file", 10, 11) == 0);
}

static bool is_owned(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_uid == uid && st.st_gid == gid;
}

static void look_at_idmap(void)
{
	CHECK(is_owned("/tmp/a/file", 2010, 2011));
	CHECK(is_owned("/tmp/a/below/file", 10, 11));
	CHECK(is_owned("/tmp/b/file", 2010, 2011) && is_owned("/tmp/b/below/file", 2010, 2011));
}

/* tmpfs can be idmapped since Linux 6.3. */
static void skip_without_idmapped_tmpfs(void)
{
	const struct spec_id_mapping ids = { 0, 1000, 1 };
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	struct error err;
	int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int map = geteuid() == 0 ? idmap_open(&ids, 1, &ids, 1, &err) : -1;
	int mount_ = -1, result = -1;

	if (context >= 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount_ = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (mount_ >= 0 && map >= 0) {
		attr.userns_fd = (__u64)map;
		result = mount_setattr(mount_, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	}
	fd_close(&context);
	fd_close(&map);
	fd_close(&mount_);
	if (result < 0)
		skip();
}

static void idmapped_binds(void **state)
{
	char mounts[1024];

	skip_without_idmapped_tmpfs();

	(void)snprintf(mounts, sizeof(mounts),
		       PROC ",{\"source\":\"volume\",\"destination\":\"/tmp/a\"," MAPPED
			    "\"options\":[\"rbind\",\"idmap\"]},{\"source\":\"volume\","
			    "\"destination\":\"/tmp/b\"," MAPPED
			    "\"options\":[\"rbind\",\"ridmap\"]}",
		       "20", "20", "20", "20");
	run(&(struct container){
		.mounts = mounts, .before = make_owned_volume, .inside = look_at_idmap });
}

static void look_at_implied_idmap(void)
{
	CHECK(is_owned("/tmp/a/file", 10, 11) && is_owned("/tmp/a/below/file", 65534, 65534));
}

static void idmap_of_the_container_is_implied(void **state)
{
	skip_without_idmapped_tmpfs();
	run(&(struct container){ .mounts = PROC BIND("volume", "/tmp/a", "\"rbind\",\"idmap\""),
				 .before = make_owned_volume,
				 .user_namespace = true,
				 .inside = look_at_implied_idmap });
	run(&(struct container){ .mounts = PROC BIND("volume", "/tmp/a", "\"rbind\",\"idmap\""),
				 .before = make_owned_volume,
				 .fails = "uidMappings and gidMappings" });
	run(&(struct container){ .mounts = PROC
				 ",{\"destination\":\"/tmp/a\",\"type\":\"tmpfs\",\"options\":"
				 "[\"idmap\"]}",
				 .user_namespace = true,
				 .fails = "only a bind mount can be idmapped" });
}

/* ---- Propagation ---- */

static void make_shared_volume(void)
{
	make_volume();
	CHECK(mount(NULL, "volume", NULL, MS_SHARED, NULL) == 0);
	CHECK(mkdir("volume/late", 0755) == 0);
}

static bool is_tagged(const char *path, const char *tag)
{
	return strstr(mount_line(path), tag);
}

static void look_at_propagation(void)
{
	CHECK(is_tagged("/tmp/default", " master:") && !is_tagged("/tmp/default", " shared:"));
	CHECK(!is_tagged("/tmp/private", " master:") && !is_tagged("/tmp/private", " shared:"));
	CHECK(is_tagged("/tmp/slave", " master:") && !is_tagged("/tmp/slave", " shared:"));
	CHECK(is_tagged("/tmp/shared", " shared:") && is_tagged("/tmp/shared", " master:"));
	/* What we mount in the shared one stays here: `after` finds nothing. */
	CHECK(mount("tmpfs", "/tmp/shared/late", "tmpfs", 0, NULL) == 0);
}

static void nothing_late(void)
{
	struct stat st, parent;

	CHECK(stat("volume/late", &st) == 0 && stat("volume", &parent) == 0);
	CHECK(st.st_dev == parent.st_dev);
}

#define PROPAGATIONS                                                                               \
	PROC BIND("volume", "/tmp/default", "\"bind\"")                                            \
		BIND("volume", "/tmp/private", "\"bind\",\"rprivate\"")                            \
			BIND("volume", "/tmp/slave", "\"bind\",\"rslave\"")                        \
				BIND("volume", "/tmp/shared", "\"bind\",\"shared\"")

static void propagation_of_binds(void **state)
{
	run(&(struct container){ .mounts = PROPAGATIONS,
				 .before = make_shared_volume,
				 .inside = look_at_propagation,
				 .after = nothing_late });
}

static void look_at_peer(void)
{
	CHECK(is_tagged("/tmp/shared", " shared:") && !is_tagged("/tmp/shared", " master:"));
	CHECK(mount("tmpfs", "/tmp/shared/late", "tmpfs", 0, NULL) == 0);
	CHECK(umount("/tmp/shared/late") == 0);
}

static void bind_is_a_peer_when_asked_for_twice(void **state)
{
	run(&(struct container){ .mounts =
					 PROC BIND("volume", "/tmp/shared", "\"bind\",\"rshared\""),
				 .linux_ = ",\"rootfsPropagation\":\"rshared\"",
				 .before = make_shared_volume,
				 .inside = look_at_peer });
}

static void look_at_no_peer(void)
{
	CHECK(is_tagged("/tmp/shared", " master:"));
	CHECK(mount("tmpfs", "/tmp/shared/late", "tmpfs", 0, NULL) == 0);
}

static void user_namespace_is_never_a_peer_of_the_host(void **state)
{
	run(&(struct container){ .mounts =
					 PROC BIND("volume", "/tmp/shared", "\"bind\",\"rshared\""),
				 .linux_ = ",\"rootfsPropagation\":\"rshared\"",
				 .before = make_shared_volume,
				 .user_namespace = true,
				 .inside = look_at_no_peer,
				 .after = nothing_late });
}

/* A network namespace's file mounted below the source (S7). */
static void make_namespace_file(void)
{
	make_volume();
	write_file("volume/net", "");
	CHECK(mount("/proc/self/ns/net", "volume/net", NULL, MS_BIND, NULL) == 0);
	CHECK(mount("/", "/mnt", NULL, MS_BIND | MS_REC, NULL) == 0);
}

static void look_at_namespace_file(void)
{
	CHECK(strstr(mount_line("/tmp/a/net"), " nsfs "));
	CHECK(access("/tmp/host/usr", F_OK) == 0);
}

static void s7_recursive_bind_of_the_host_with_nsfs(void **state)
{
	run(&(struct container){ .mounts = PROC BIND("volume", "/tmp/a", "\"rbind\"")
					 BIND("/", "/tmp/host", "\"rbind\""),
				 .before = make_namespace_file,
				 .inside = look_at_namespace_file });
}

/* As snapd does it: a mount namespace is kept below the source, of which there is a link. */
static void keep_mount_namespace(void)
{
	char path[64];
	int pipes[2];
	char byte;
	make_volume();
	write_file("volume/namespace", "");
	CHECK(pipe2(pipes, O_CLOEXEC) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		CHECK(unshare(CLONE_NEWNS) == 0 && write(pipes[1], "", 1) == 1);
		_exit(pause());
	}
	CHECK(read(pipes[0], &byte, 1) == 1);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	CHECK(mount(path, "volume/namespace", NULL, MS_BIND, NULL) == 0);
	CHECK(kill(pid, SIGKILL) == 0 && process_wait(pid, &(int){ 0 }) == 0);
	CHECK(close(pipes[0]) == 0 && close(pipes[1]) == 0);
	CHECK(mkdir("other", 0755) == 0 && symlink("volume", "link") == 0);
}

static void look_without_mount_namespace(void)
{
	CHECK(reads("/tmp/a/file", "volume\n") && reads("/tmp/a/below/file", "below\n"));
	CHECK(reads("/tmp/a/namespace", "") && !*mount_line("/tmp/a/namespace"));
	CHECK(has_option("/tmp/a", "ro") && cannot_write("/tmp/a/new"));
}

static void s7_a_tree_that_keeps_a_mount_namespace_comes_without(void **state)
{
	run(&(struct container){ .mounts = PROC BIND("link", "/tmp/a", "\"rbind\",\"ro\""),
				 .before = keep_mount_namespace,
				 .inside = look_without_mount_namespace });
}

static void lead_link_elsewhere(void)
{
	CHECK(unlink("link") == 0 && symlink("other", "link") == 0);
}

static void s7_no_other_file_comes_in_its_place(void **state)
{
	run(&(struct container){ .mounts = PROC BIND("link", "/tmp/a", "\"rbind\""),
				 .before = keep_mount_namespace,
				 .between = lead_link_elsewhere,
				 .fails = "link is another file now" });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_and_their_flags),
		cmocka_unit_test(binds_in_user_namespace),
		cmocka_unit_test(binds_of_unprivileged_runtime),
		cmocka_unit_test(s7_source_is_opened_by_the_host),
		cmocka_unit_test(bad_binds_are_named),
		cmocka_unit_test(bind_ignores_options_of_file_systems),
		cmocka_unit_test(unbindable_source_is_named),
		cmocka_unit_test(kinds_must_agree),
		cmocka_unit_test(sources_may_be_earlier_mounts),
		cmocka_unit_test(idmapped_binds),
		cmocka_unit_test(idmap_of_the_container_is_implied),
		cmocka_unit_test(propagation_of_binds),
		cmocka_unit_test(bind_is_a_peer_when_asked_for_twice),
		cmocka_unit_test(user_namespace_is_never_a_peer_of_the_host),
		cmocka_unit_test(s7_recursive_bind_of_the_host_with_nsfs),
		cmocka_unit_test(s7_a_tree_that_keeps_a_mount_namespace_comes_without),
		cmocka_unit_test(s7_no_other_file_comes_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
