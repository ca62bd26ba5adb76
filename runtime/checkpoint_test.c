/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody may have put into the folder of a checkpoint (S18). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/checkpoint.h"

struct fixture {
	char folder[64];
	struct checkpoint_folders folders;
	struct arena arena;
	struct checkpoint_record record;
	struct error err;
};

static const char *const names[] = { "rustbox.json", CHECKPOINT_RESTORE_LOG, "stats-restore",
				     "victim" };

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .folder = "/tmp/checkpoint_test.XXXXXX",
			      .folders = CHECKPOINT_FOLDERS_CLOSED,
			      .arena = ARENA_EMPTY };
	if (!mkdtemp(f.folder))
		return -1;
	f.folders.images = open(f.folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	f.folders.work = dup(f.folders.images);
	*state = &f;
	return f.folders.work < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(f->folders.images, names[i], 0);
	checkpoint_folders_close(&f->folders);
	arena_free(&f->arena);
	return rmdir(f->folder);
}

static void write_text(struct fixture *f, const char *name, const char *text)
{
	assert_int_equal(
		fd_replace_file(f->folders.images, name, text, strlen(text), 0600, &f->err), 0);
}

static int read_record(struct fixture *f)
{
	return checkpoint_record_read(f->folders.images, &f->arena, &f->record, &f->err);
}

static bool exists(const struct fixture *f, const char *name)
{
	struct stat st;

	return fstatat(f->folders.images, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void s18_a_record_is_a_file_of_its_folder(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_record(f), -1);
	assert_int_equal(f->err.code, ENOENT);
	write_text(f, "victim", "{\"mounts\": [], \"descriptors\": []}");
	assert_int_equal(symlinkat("victim", f->folders.images, "rustbox.json"), 0);
	assert_int_equal(read_record(f), -1);
	assert_int_equal(f->err.code, ELOOP);
	assert_int_equal(renameat(f->folders.images, "victim", f->folders.images, "rustbox.json"),
			 0);
	assert_int_equal(read_record(f), 0);
}

static void s18_a_record_that_is_a_fifo_is_not_waited_for(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkfifoat(f->folders.images, "rustbox.json", 0600), 0);
	assert_int_equal(read_record(f), -1);
	assert_non_null(strstr(f->err.text, "rustbox.json is no regular file"));
}

static void s18_what_criu_writes_to_is_new(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(checkpoint_folders_clear(&f->folders, &f->err), 0);
	write_text(f, "victim", "whole");
	assert_int_equal(symlinkat("victim", f->folders.work, CHECKPOINT_RESTORE_LOG), 0);
	assert_int_equal(mkfifoat(f->folders.work, "stats-restore", 0600), 0);
	assert_int_equal(checkpoint_folders_clear(&f->folders, &f->err), 0);
	assert_false(exists(f, CHECKPOINT_RESTORE_LOG) || exists(f, "stats-restore"));
	assert_true(exists(f, "victim"));
	assert_int_equal(mkdirat(f->folders.work, "stats-restore", 0700), 0);
	assert_int_equal(checkpoint_folders_clear(&f->folders, &f->err), -1);
	assert_non_null(strstr(f->err.text, "stats-restore"));
	assert_int_equal(unlinkat(f->folders.work, "stats-restore", AT_REMOVEDIR), 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(s18_a_record_is_a_file_of_its_folder),
		test(s18_a_record_that_is_a_fifo_is_not_waited_for),
		test(s18_what_criu_writes_to_is_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
