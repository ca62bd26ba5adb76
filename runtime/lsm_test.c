/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/lsm.h"

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static void test_nothing_asked_for(void **state)
{
	const struct spec_process none = { 0 }, empty = { .apparmor_profile = TEXT(""),
							  .selinux_label = TEXT("") };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	char *label = TEXT("something");
	struct error err;

	(void)state;
	assert_int_equal(lsm_read(&empty, -1, getpid(), &arena, &label, &err), 0);
	assert_null(label);
	assert_int_equal(lsm_check(&none, &err), 0);
	assert_int_equal(lsm_apply(&none, -1, getpid(), &err), 0);
	assert_int_equal(lsm_check(&empty, &err), 0);
	assert_int_equal(lsm_apply(&empty, -1, getpid(), &err), 0);
}

static void test_what_the_machine_does_not_have(void **state)
{
	const struct spec_process profile = { .apparmor_profile = TEXT("some-profile") },
				  label = { .selinux_label = TEXT("a:b:c") },
				  unconfined = { .apparmor_profile = TEXT("unconfined") };
	struct error err;

	(void)state;
	assert_int_equal(lsm_check(&unconfined, &err), 0);
	assert_int_equal(lsm_check(&profile, &err), lsm_apparmor_enabled() ? 0 : -1);
	if (!lsm_apparmor_enabled()) {
		assert_non_null(strstr(err.text, "AppArmor is not enabled on this machine"));
		assert_int_equal(lsm_apply(&unconfined, -1, getpid(), &err), 0);
	}
	assert_int_equal(lsm_check(&label, &err), lsm_selinux_enabled() ? 0 : -1);
	if (!lsm_selinux_enabled())
		assert_non_null(strstr(err.text, "SELinux is not enabled on this machine"));
}

static void test_s6_line_breaks(void **state)
{
	const struct spec_process profile = { .apparmor_profile = TEXT("a\nb") },
				  label = { .selinux_label = TEXT("a:b\n") };
	struct error err;

	(void)state;
	assert_int_equal(lsm_check(&profile, &err), -1);
	assert_non_null(strstr(err.text, "line break"));
	assert_int_equal(lsm_check(&label, &err), -1);
}

static void test_s5_only_to_a_real_procfs(void **state)
{
	const struct spec_process label = { .selinux_label = TEXT("a:b:c") };
	char path[] = "/tmp/lsm_test.XXXXXX";
	struct error err;

	(void)state;
	assert_non_null(mkdtemp(path));
	cleanup_fd int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(folder, "1", 0755), 0);
	assert_int_equal(mkdirat(folder, "1/attr", 0755), 0);
	int file = openat(folder, "1/attr/exec", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	assert_int_equal(lsm_apply(&label, folder, 1, &err), -1);
	assert_int_equal(lseek(file, 0, SEEK_END), 0); /* nothing was written */
	fd_close(&file);
	assert_int_equal(unlinkat(folder, "1/attr/exec", 0), 0);
	assert_int_equal(unlinkat(folder, "1/attr", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(folder, "1", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_asked_for),
		cmocka_unit_test(test_what_the_machine_does_not_have),
		cmocka_unit_test(test_s6_line_breaks),
		cmocka_unit_test(test_s5_only_to_a_real_procfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
