/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_devices.h"
#include "runtime/cgroup_fake_test.h"

static int setup(void **state)
{
	*state = fake_new();
	return 0;
}

static int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

/* ---- a machine for the few instructions that the generator uses ---------------------------- */

struct question {
	uint32_t type_and_access, major, minor;
};

static uint64_t operand(const struct bpf_insn *at, const uint64_t *registers)
{
	return BPF_SRC(at->code) == BPF_X ? registers[at->src_reg] : (uint64_t)(int64_t)at->imm;
}

static int run(const struct bpf_insn *program, size_t count, const struct question *question)
{
	const uint32_t words[] = { question->type_and_access, question->major, question->minor };
	uint64_t registers[11] = { 0 };

	for (size_t i = 0, steps = 0; i < count; i++, steps++) {
		const struct bpf_insn *at = &program[i];
		uint64_t *dst = &registers[at->dst_reg], value = operand(at, registers);

		assert_true(steps < 100000);
		switch (at->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_int_equal(at->src_reg, BPF_REG_1);
			*dst = words[at->off / 4];
			break;
		case BPF_ALU | BPF_MOV | BPF_X:
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*dst = (uint32_t)value;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			*dst = (uint32_t)(*dst & value);
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			*dst = (uint32_t)*dst >> value;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			i += (uint32_t)*dst != (uint32_t)value ? (size_t)at->off : 0;
			break;
		case BPF_JMP32 | BPF_JEQ | BPF_K:
			i += (uint32_t)*dst == (uint32_t)value ? (size_t)at->off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)registers[BPF_REG_0];
		default:
			fail_msg("instruction 0x%x", at->code);
		}
	}
	fail_msg("fell off the end");
	return -1;
}

/* ---- the same question by the words of the contract ---------------------------------------- */

static bool matches(const struct cgroup_device_rule *rule, unsigned int type, int64_t major,
		    int64_t minor)
{
	return (rule->types & type) && (rule->major < 0 || rule->major == major) &&
	       (rule->minor < 0 || rule->minor == minor);
}

static bool expected(const struct cgroup_device_rules *rules, unsigned int type,
		     unsigned int access, int64_t major, int64_t minor)
{
	for (unsigned int bit = 1; bit < 8; bit <<= 1) {
		bool allowed = rules->allow_by_default;
		if (!(access & bit))
			continue;
		for (size_t i = 0; i < rules->count; i++)
			if ((rules->rules[i].access & bit) &&
			    matches(&rules->rules[i], type, major, minor))
				allowed = rules->rules[i].allow;
		if (!allowed)
			return false;
	}
	return true;
}

static bool asked(const struct cgroup_device_rules *rules, unsigned int type, unsigned int access,
		  uint32_t major, uint32_t minor)
{
	struct question question = { access << 16 | type, major, minor };
	struct bpf_insn *program = NULL;
	struct error err;
	size_t count = 0;

	assert_int_equal(cgroup_device_program(rules, &program, &count, &err), 0);
	int answer = run(program, count, &question);
	free(program);
	assert_int_equal(answer, expected(rules, type, access, major, minor));
	return answer == 1;
}

static void add(struct cgroup_device_rules *rules, bool allow, unsigned int types,
		unsigned int access, int64_t major, int64_t minor)
{
	const struct cgroup_device_rule rule = { allow, types, access, major, minor };
	struct error err;

	assert_int_equal(cgroup_device_rules_add(rules, rule, &err), 0);
}

enum {
	C = CGROUP_DEVICE_CHAR,
	B = CGROUP_DEVICE_BLOCK,
	CB = CGROUP_DEVICE_BOTH,
	R = CGROUP_DEVICE_READ,
	W = CGROUP_DEVICE_WRITE,
	M = CGROUP_DEVICE_MKNOD,
	RWM = CGROUP_DEVICE_ALL,
	ANY = CGROUP_DEVICE_ANY
};

/* ---- tests --------------------------------------------------------------------------------- */

static void defaults_are_allowed_and_nothing_else(void **state)
{
	struct fake *fake = *state;
	struct cgroup_device_rules rules;

	assert_ok(cgroup_device_rules_of_spec(NULL, 0, &rules, &fake->err));
	assert_true(asked(&rules, C, R | W, 1, 3));
	assert_true(asked(&rules, C, R | W, 1, 9));
	assert_true(asked(&rules, C, R | W, 5, 2));
	assert_true(asked(&rules, C, R | W, 136, 4242));
	assert_true(asked(&rules, B, M, 8, 0));
	assert_false(asked(&rules, B, R, 8, 0));
	assert_false(asked(&rules, C, R, 1, 11));
	assert_false(asked(&rules, C, R | M, 1, 11));
	assert_false(asked(&rules, C, R, 5, 1));
	cgroup_device_rules_done(&rules);
}

static void defaults_cannot_be_denied(void **state)
{
	struct fake *fake = *state;
	char c[] = "c", rwm[] = "rwm";
	struct spec_device_rule spec[] = {
		{ .allow = false },
		{ .allow = false,
		  .type = c,
		  .major = { true, 1 },
		  .minor = { true, 3 },
		  .access = rwm },
		{ .allow = true, .type = c, .major = { true, 10 }, .minor = { true, -1 } },
	};
	struct cgroup_device_rules rules;

	assert_ok(cgroup_device_rules_of_spec(spec, 3, &rules, &fake->err));
	assert_true(asked(&rules, C, R, 1, 3));
	assert_true(asked(&rules, C, R, 10, 200));
	assert_false(asked(&rules, B, R, 10, 200));
	cgroup_device_rules_done(&rules);
}

static void later_rules_override_bit_by_bit(void **state)
{
	struct cgroup_device_rules rules = CGROUP_DEVICE_RULES_EMPTY;

	(void)state;
	add(&rules, true, C, RWM, 10, ANY);
	add(&rules, false, C, W, 10, 229);
	add(&rules, true, CB, M, ANY, ANY);
	add(&rules, false, B, M, 7, ANY);
	assert_true(asked(&rules, C, R, 10, 229));
	assert_false(asked(&rules, C, R | W, 10, 229));
	assert_true(asked(&rules, C, R | W, 10, 1));
	assert_false(asked(&rules, B, M, 7, 3));
	assert_true(asked(&rules, C, M, 7, 3));
	/* What is about everything forgets what was before. */
	add(&rules, true, CB, RWM, ANY, ANY);
	assert_int_equal(rules.count, 0);
	assert_true(asked(&rules, B, R | W, 7, 3));
	cgroup_device_rules_done(&rules);
}

static void random_rules_agree_with_the_contract(void **state)
{
	static const int64_t numbers[] = { ANY, 0, 1, 5, 255 };
	unsigned int seed = 12345;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct cgroup_device_rules rules = CGROUP_DEVICE_RULES_EMPTY;
		for (int i = 0; i < 12; i++)
			add(&rules, rand_r(&seed) % 2, 1 + (unsigned int)rand_r(&seed) % 3,
			    1 + (unsigned int)rand_r(&seed) % 7, numbers[rand_r(&seed) % 5],
			    numbers[rand_r(&seed) % 5]);
		for (int i = 0; i < 60; i++)
			(void)asked(&rules, 1 + (unsigned int)rand_r(&seed) % 2,
				    1 + (unsigned int)rand_r(&seed) % 7,
				    (uint32_t)numbers[1 + rand_r(&seed) % 4],
				    (uint32_t)numbers[1 + rand_r(&seed) % 4]);
		cgroup_device_rules_done(&rules);
	}
}

/* Where v1 can express the rules, its exceptions must mean the same. */
static void v1_exceptions_mean_the_same(void **state)
{
	static const int64_t numbers[] = { ANY, 0, 1, 5 };
	unsigned int seed = 99;
	int expressible = 0;

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct cgroup_device_rules rules = CGROUP_DEVICE_RULES_EMPTY, v1;
		struct error err;
		for (int i = 0; i < 5; i++)
			add(&rules, rand_r(&seed) % 3 > 0, 1 + (unsigned int)rand_r(&seed) % 3,
			    1 + (unsigned int)rand_r(&seed) % 7, numbers[rand_r(&seed) % 4],
			    numbers[rand_r(&seed) % 4]);
		if (cgroup_device_exceptions(&rules, &v1, &err) == 0) {
			expressible++;
			for (int64_t major = 0; major < 7; major++)
				for (int64_t minor = 0; minor < 7; minor++)
					for (unsigned int bit = 1; bit < 8; bit <<= 1)
						assert_int_equal(
							expected(&v1, C, bit, major, minor),
							expected(&rules, C, bit, major, minor));
			cgroup_device_rules_done(&v1);
		}
		cgroup_device_rules_done(&rules);
	}
	assert_true(expressible > 100);
}

static void v1_refuses_what_it_cannot_express(void **state)
{
	struct cgroup_device_rules rules = CGROUP_DEVICE_RULES_EMPTY, v1;
	struct error err;

	(void)state;
	add(&rules, true, C, RWM, 10, ANY);
	add(&rules, false, C, W, 10, 229);
	assert_int_equal(cgroup_device_exceptions(&rules, &v1, &err), -1);
	assert_non_null(strstr(err.text, "c 10:229 w"));
	cgroup_device_rules_done(&rules);
}

static void a_devices_list_is_read(void **state)
{
	struct cgroup_device_rules rules;
	struct error err;

	(void)state;
	assert_int_equal(cgroup_device_list_parse("c 1:3 rwm\nb *:* m\nc 136:* rw\nx 1:1 r\nc 1 r\n"
						  "c 99999999999:1 r\n",
						  &rules, &err),
			 0);
	assert_int_equal(rules.count, 3);
	assert_int_equal(rules.rules[2].minor, ANY);
	assert_int_equal(rules.rules[2].access, R | W);
	cgroup_device_rules_done(&rules);
	assert_int_equal(cgroup_device_list_parse("a *:* rwm\n", &rules, &err), 0);
	assert_true(rules.allow_by_default);
	cgroup_device_rules_done(&rules);
}

static void v1_writes_only_what_differs(void **state)
{
	struct fake *fake = *state;
	struct cgroup_device_rules rules = CGROUP_DEVICE_RULES_EMPTY;
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;

	fake_directory(fake, "devices", "d");
	fake_file(fake, "d/devices.list", "c 1:3 rwm\nc 1:5 rw\n");
	fake_file(fake, "d/devices.allow", "untouched");
	fake_file(fake, "d/devices.deny", "untouched");
	assert_int_equal(cgroup_dir_open(&fake->cgroup.directories[0], &dir), 0);
	add(&rules, true, C, RWM, 1, 3);
	add(&rules, true, C, R | W, 1, 5);
	assert_ok(cgroup_device_write_v1(&dir, &rules, &fake->err));
	assert_string_equal(fake_text(fake, "d/devices.allow"), "untouched");
	assert_string_equal(fake_text(fake, "d/devices.deny"), "untouched");
	rules.rules[1].access = R | M;
	assert_ok(cgroup_device_write_v1(&dir, &rules, &fake->err));
	assert_string_equal(fake_text(fake, "d/devices.allow"), "c 1:5 m");
	assert_string_equal(fake_text(fake, "d/devices.deny"), "c 1:5 w");
	/* From "everything" it begins anew. */
	fake_file(fake, "d/devices.list", "a *:* rwm\n");
	rules.count = 0;
	assert_ok(cgroup_device_write_v1(&dir, &rules, &fake->err));
	assert_string_equal(fake_text(fake, "d/devices.deny"), "a");
	cgroup_device_rules_done(&rules);
}

static void programs_pass_the_verifier(void **state)
{
	struct fake *fake = *state;
	struct cgroup_device_rules rules = CGROUP_DEVICE_RULES_EMPTY;
	const struct cgroup_dir nowhere = { -1, "nowhere", "" };
	struct bpf_insn *program = NULL;
	size_t count;

	for (int64_t i = 0; i < 200; i++)
		add(&rules, i % 3 > 0, 1 + (unsigned int)i % 3, 1 + (unsigned int)i % 7,
		    i % 5 ? i : ANY, i % 7 ? i : ANY);
	assert_ok(cgroup_device_program(&rules, &program, &count, &fake->err));
	cgroup_device_rules_done(&rules);
	/* Loaded it is, and only then there is nothing to attach it to. */
	assert_int_equal(cgroup_device_attach(&nowhere, program, count, &fake->err), -1);
	free(program);
	if (fake->err.code == EPERM || fake->err.code == ENOSYS) {
		print_message("skipped: %s\n", fake->err.text);
		skip();
	}
	assert_int_equal(fake->err.code, EBADF);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(defaults_are_allowed_and_nothing_else),
		test(defaults_cannot_be_denied),
		cmocka_unit_test(later_rules_override_bit_by_bit),
		cmocka_unit_test(random_rules_agree_with_the_contract),
		cmocka_unit_test(v1_exceptions_mean_the_same),
		cmocka_unit_test(v1_refuses_what_it_cannot_express),
		cmocka_unit_test(a_devices_list_is_read),
		test(v1_writes_only_what_differs),
		test(programs_pass_the_verifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
