/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bpf(2) is given, and what becomes of the programs that are attached
 * already (S21). The kernel is one of our own, which looks at every byte and
 * writes where newer kernels do.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "runtime/cgroup_devices.h"
#include "runtime/cgroup_fake_test.h"

enum { FOLDER = 1234, KERNEL_MAX = 64, SIZE_LEAST = 128 };

/* A program's descriptor has its number as the position, so that it is known again. */
static struct kernel {
	bool stub;
	bool refuses_replacing; /* before Linux 5.5 */
	int refuses_memory;	/* so many times, as before Linux 5.11 */
	uint32_t attached[KERNEL_MAX + 1], n, loaded;
	unsigned int calls, replaced;
} kernel;

static const struct cgroup_dir folder = { FOLDER, "/the/cgroup", "" };

static int new_descriptor(uint32_t program)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(lseek(fd, program, SEEK_SET), program);
	return fd;
}

static uint32_t program_of(uint32_t fd)
{
	return (uint32_t)lseek((int)fd, 0, SEEK_CUR);
}

static void check_rest(const union bpf_attr *given, const union bpf_attr *understood)
{
	assert_memory_equal(given, understood, sizeof(*given));
}

static int kernel_load(const union bpf_attr *given)
{
	union bpf_attr known;

	memset(&known, 0, sizeof(known));
	known.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	known.insns = given->insns;
	known.insn_cnt = given->insn_cnt;
	known.license = given->license;
	memcpy(known.prog_name, "rustbox_device", sizeof("rustbox_device"));
	check_rest(given, &known);
	if (kernel.refuses_memory-- > 0) {
		errno = EPERM;
		return -1;
	}
	return new_descriptor(++kernel.loaded);
}

static int kernel_query(union bpf_attr *given)
{
	uint32_t *ids = (uint32_t *)(uintptr_t)given->query.prog_ids;
	union bpf_attr known;

	memset(&known, 0, sizeof(known));
	known.query.target_fd = FOLDER;
	known.query.attach_type = BPF_CGROUP_DEVICE;
	known.query.prog_ids = given->query.prog_ids;
	known.query.prog_cnt = given->query.prog_cnt;
	check_rest(given, &known);
	assert_true(given->query.prog_cnt >= kernel.n);
	memcpy(ids, kernel.attached, kernel.n * sizeof(*ids));
	given->query.prog_cnt = kernel.n;
	/* Linux 6.17 writes a revision behind what older callers know of. */
	memset((char *)given + 56, 0xff, 8);
	return 0;
}

static int kernel_open(const union bpf_attr *given)
{
	union bpf_attr known;

	memset(&known, 0, sizeof(known));
	known.prog_id = given->prog_id;
	check_rest(given, &known);
	return new_descriptor(given->prog_id);
}

static uint32_t *kernel_find(uint32_t program)
{
	for (uint32_t i = 0; i < kernel.n; i++)
		if (kernel.attached[i] == program)
			return &kernel.attached[i];
	return NULL;
}

static int kernel_attach(const union bpf_attr *given)
{
	bool replaces = given->attach_flags & BPF_F_REPLACE;
	union bpf_attr known;

	memset(&known, 0, sizeof(known));
	known.target_fd = FOLDER;
	known.attach_bpf_fd = given->attach_bpf_fd;
	known.attach_type = BPF_CGROUP_DEVICE;
	known.attach_flags = BPF_F_ALLOW_MULTI | (replaces ? BPF_F_REPLACE : 0U);
	known.replace_bpf_fd = replaces ? given->replace_bpf_fd : 0;
	check_rest(given, &known);
	if (replaces && kernel.refuses_replacing) {
		errno = EINVAL;
		return -1;
	}
	if (!replaces && kernel.n == KERNEL_MAX) {
		errno = E2BIG;
		return -1;
	}
	uint32_t *place = replaces ? kernel_find(program_of(given->replace_bpf_fd))
				   : &kernel.attached[kernel.n];
	assert_non_null(place);
	*place = program_of(given->attach_bpf_fd);
	kernel.n += !replaces;
	kernel.replaced += replaces;
	return 0;
}

static int kernel_detach(const union bpf_attr *given)
{
	uint32_t *place = kernel_find(program_of(given->attach_bpf_fd));
	union bpf_attr known;

	memset(&known, 0, sizeof(known));
	known.target_fd = FOLDER;
	known.attach_bpf_fd = given->attach_bpf_fd;
	known.attach_type = BPF_CGROUP_DEVICE;
	check_rest(given, &known);
	assert_non_null(place);
	*place = kernel.attached[--kernel.n];
	return 0;
}

static int kernel_bpf(long command, union bpf_attr *given, size_t size)
{
	kernel.calls++;
	assert_int_equal(size, sizeof(*given));
	assert_true(size >= SIZE_LEAST);
	switch (command) {
	case BPF_PROG_LOAD:
		return kernel_load(given);
	case BPF_PROG_QUERY:
		return kernel_query(given);
	case BPF_PROG_GET_FD_BY_ID:
		return kernel_open(given);
	case BPF_PROG_ATTACH:
		return kernel_attach(given);
	case BPF_PROG_DETACH:
		return kernel_detach(given);
	default:
		fail_msg("bpf(%ld)", command);
		return -1;
	}
}

/* Instead of libc's syscall(): bpf(2) has no function of its own. */
long syscall_or_stub(long number, ...) __asm__("syscall");

long syscall_or_stub(long number, ...)
{
	long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	long a[6];
	va_list list;

	va_start(list, number);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_bpf && kernel.stub)
		return kernel_bpf(a[0], (union bpf_attr *)a[1], (size_t)a[2]);
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* So that what is not set is not zero by luck. */
__attribute__((noinline)) static void soil_stack(void)
{
	char soil[32768];

	memset(soil, 0xa5, sizeof(soil));
	__asm__ volatile("" : : "r"(soil) : "memory");
}

static int attach(void)
{
	const struct bpf_insn program[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
					    { .code = BPF_JMP | BPF_EXIT } };
	struct error err;

	soil_stack();
	return cgroup_device_attach(&folder, program, 2, &err);
}

static int next_descriptor(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	assert_true(fd >= 0 && close(fd) == 0);
	return fd;
}

static int setup(void **state)
{
	kernel = (struct kernel){ .stub = true };
	return 0;
}

static int teardown(void **state)
{
	kernel.stub = false;
	return 0;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void s21_structures_are_whole_and_zeroed(void **state)
{
	int next = next_descriptor();

	assert_int_equal(attach(), 0);
	assert_int_equal(attach(), 0);
	kernel.refuses_replacing = true;
	assert_int_equal(attach(), 0);
	/* Each of the commands has been there, and looked at. */
	assert_true(kernel.calls >= 3 + 4 + 6);
	assert_int_equal(next_descriptor(), next);
}

static void s21_updates_replace(void **state)
{
	for (unsigned int i = 0; i < 2 * KERNEL_MAX; i++) {
		assert_int_equal(attach(), 0);
		assert_int_equal(kernel.n, 1);
		assert_int_equal(kernel.attached[0], kernel.loaded);
	}
	assert_int_equal(kernel.replaced, 2 * KERNEL_MAX - 1);
}

static void s21_updates_replace_where_the_kernel_cannot(void **state)
{
	kernel.refuses_replacing = true;
	for (unsigned int i = 0; i < 2 * KERNEL_MAX; i++) {
		assert_int_equal(attach(), 0);
		assert_int_equal(kernel.n, 1);
		assert_int_equal(kernel.attached[0], kernel.loaded);
	}
	assert_int_equal(kernel.replaced, 0);
}

static void s21_several_are_replaced_by_one(void **state)
{
	for (uint32_t i = 0; i < KERNEL_MAX - 1; i++)
		kernel.attached[kernel.n++] = 1000 + i;
	assert_int_equal(attach(), 0);
	assert_int_equal(kernel.n, 1);
	assert_int_equal(kernel.attached[0], kernel.loaded);
}

static void no_more_than_the_kernel_takes(void **state)
{
	int next = next_descriptor();

	for (uint32_t i = 0; i < KERNEL_MAX; i++)
		kernel.attached[kernel.n++] = 1000 + i;
	assert_int_equal(attach(), -1);
	/* What there was is still in force. */
	assert_int_equal(kernel.n, KERNEL_MAX);
	assert_int_equal(next_descriptor(), next);
}

static void locked_memory_is_asked_for_once_more(void **state)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit usual, now;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &usual), 0);
	kernel.refuses_memory = 2;
	assert_int_equal(attach(), -1);
	assert_int_equal(kernel.n, 0);
	if (setrlimit(RLIMIT_MEMLOCK, &all) < 0) {
		print_message("skipped: the limit of locked memory cannot be raised\n");
		skip();
	}
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &usual), 0);
	kernel.refuses_memory = 1;
	assert_int_equal(attach(), 0);
	assert_int_equal(kernel.n, 1);
	/* For that moment only. */
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &now), 0);
	assert_memory_equal(&now, &usual, sizeof(now));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(s21_structures_are_whole_and_zeroed),
		test(s21_updates_replace),
		test(s21_updates_replace_where_the_kernel_cannot),
		test(s21_several_are_replaced_by_one),
		test(no_more_than_the_kernel_takes),
		test(locked_memory_is_asked_for_once_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
