/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why ENOSYS: a profile lists the system calls that its author knew. A C
 * library tries a newer one and falls back when the answer is ENOSYS; the
 * profile's EPERM it takes for the truth, and the program fails. So numbers
 * above the greatest that the profile names (for that architecture) are
 * answered as by a kernel that does not have them. Below it, what is not named
 * is denied on purpose.
 *
 * The program, one section an architecture, each complete in itself:
 *
 *	      ld   arch
 *	      jeq  A, next, over the section
 *	      ld   nr
 *	      …    jumps inside the section only
 *	      ret  ENOSYS
 *	      ja   filter
 *	      jeq  B …
 *	filter:  libseccomp's program, which begins with loading arch again
 *
 * Conditional jumps reach 255 instructions. They never leave their section,
 * which has at most 8; only `ja`, whose offset has 32 bits, goes further.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>

#include "runtime/seccomp_table.h"

#define LOAD(field)                                                                                \
	{                                                                                          \
		BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, field)               \
	}

/* Where a jump of a section goes, until its length is known; 0 is the next instruction. */
enum target { NEXT = 0, SKIP_ONE = 1, TO_ENOSYS = 254, TO_FILTER = 255 };

enum { SECTION_MAX = 8 };
static const uint32_t NONE = UINT32_MAX; /* no number is greater: nothing gets ENOSYS */

struct section {
	struct sock_filter code[SECTION_MAX];
	unsigned char length;
};

static void add(struct section *section, struct sock_filter instruction)
{
	section->code[section->length++] = instruction;
}

static void add_jump(struct section *section, uint16_t condition, uint32_t value, enum target yes,
		     enum target no)
{
	add(section,
	    (struct sock_filter){ BPF_JMP | BPF_K | condition, (uint8_t)yes, (uint8_t)no, value });
}

static uint8_t resolve(uint8_t target, uint8_t at, uint8_t enosys)
{
	if (target < TO_ENOSYS)
		return target;
	return (uint8_t)(enosys + (target == TO_FILTER) - at - 1);
}

/* Appends what every section ends with, and gives the jumps their distances. */
static void finish(struct section *section)
{
	uint8_t enosys = section->length;

	add(section, (struct sock_filter){ BPF_RET | BPF_K, 0, 0,
					   SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA) });
	add(section, (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, 0 });
	for (uint8_t i = 0; i < enosys; i++) {
		struct sock_filter *code = &section->code[i];
		if (BPF_CLASS(code->code) != BPF_JMP)
			continue;
		code->jt = resolve(code->jt, i, enosys);
		code->jf = resolve(code->jf, i, enosys);
	}
}

/* The greatest number that the profile names on the architecture, NONE if it names none. */
static uint32_t newest(const struct spec_seccomp *config, const struct seccomp_arch *arch)
{
	uint32_t greatest = NONE;

	for (size_t i = 0; i < config->n_syscalls; i++) {
		const struct spec_syscall *entry = &config->syscalls[i];
		for (size_t j = 0; j < entry->n_names; j++) {
			int number =
				seccomp_syscall_resolve_name_arch(arch->token, entry->names[j]);
			if (number < 0) /* unknown, or not on this architecture */
				continue;
			uint32_t n = (uint32_t)number | (arch->is_x32 ? X32_BIT : 0);
			if (arch->private_from && n >= arch->private_from)
				continue;
			if (greatest == NONE || n > greatest)
				greatest = n;
		}
	}
	return greatest;
}

static struct section make_section(const struct seccomp_arch *arch, uint32_t greatest,
				   uint32_t greatest_x32)
{
	struct section section = { .length = 0 };

	add(&section, (struct sock_filter)LOAD(nr));
	if (arch->zero_multiplexes) /* the kernel leaves 0 there for a number it does not know */
		add_jump(&section, BPF_JEQ, 0, TO_ENOSYS, NEXT);
	if (arch->private_from)
		add_jump(&section, BPF_JGE, arch->private_from, TO_FILTER, NEXT);
	if (arch->token == SCMP_ARCH_X86_64) {
		add_jump(&section, BPF_JSET, X32_BIT, SKIP_ONE, NEXT);
		add_jump(&section, BPF_JGT, greatest, TO_ENOSYS, TO_FILTER);
		greatest = greatest_x32;
	}
	add_jump(&section, BPF_JGT, greatest, TO_ENOSYS, TO_FILTER);
	finish(&section);
	return section;
}

static const struct seccomp_arch *find_x32(const bool *selected)
{
	for (size_t i = 0; seccomp_archs[i].name; i++)
		if (selected[i] && seccomp_archs[i].is_x32)
			return &seccomp_archs[i];
	return NULL;
}

static bool is_needed(const struct spec_seccomp *config)
{
	const struct seccomp_action *action = seccomp_find_action(config->default_action);

	if (!action || !action->denies)
		return false;
	return !(action->value_max && config->default_errno_ret.set &&
		 config->default_errno_ret.value == ENOSYS);
}

size_t seccomp_prologue(const struct spec_seccomp *config, const bool *selected,
			struct sock_filter *ret_program)
{
	const struct seccomp_arch *x32 = find_x32(selected);
	size_t length = 0;

	if (!is_needed(config))
		return 0;
	ret_program[length++] = (struct sock_filter)LOAD(arch);
	for (size_t i = 0; seccomp_archs[i].name; i++) {
		const struct seccomp_arch *arch = &seccomp_archs[i];
		if (!selected[i] || arch->is_x32)
			continue;
		uint32_t greatest_x32 =
			arch->token == SCMP_ARCH_X86_64 && x32 ? newest(config, x32) : NONE;
		uint32_t greatest = newest(config, arch);
		if (greatest == NONE && greatest_x32 == NONE)
			continue;
		struct section section = make_section(arch, greatest, greatest_x32);
		ret_program[length++] = (struct sock_filter){ BPF_JMP | BPF_JEQ | BPF_K, NEXT,
							      section.length, arch->audit };
		for (size_t j = 0; j < section.length; j++)
			ret_program[length++] = section.code[j];
	}
	for (size_t i = 0; i < length; i++)
		if (ret_program[i].code == (BPF_JMP | BPF_JA))
			ret_program[i].k = (uint32_t)(length - i - 1);
	return length > 1 ? length : 0;
}
