/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device rules as a BPF program of the type BPF_PROG_TYPE_CGROUP_DEVICE.
 * Its context has the access in the upper and the type in the lower half of the
 * first word, then major and minor; it answers 1 (allowed) or 0.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "runtime/cgroup_devices.h"

/* ---- generating --------------------------------------------------------------------------- */

/* Where the program keeps what it was asked. */
enum { TYPE = BPF_REG_2, ACCESS = BPF_REG_3, MAJOR = BPF_REG_4, MINOR = BPF_REG_5 };

enum { PROLOGUE = 6, RULE_MOST = 10, EPILOGUE = 2 };

struct generating {
	struct bpf_insn *at;
};

static void emit(struct generating *g, int code, int dst, int src, int off, int64_t imm)
{
	*g->at++ = (struct bpf_insn){ .code = (uint8_t)code,
				      .dst_reg = (uint8_t)(dst & 0xf),
				      .src_reg = (uint8_t)(src & 0xf),
				      .off = (int16_t)off,
				      .imm = (int32_t)imm };
}

static void emit_answer(struct generating *g, bool allow)
{
	emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
	emit(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/*
 * One rule. When it matches and denies any bit that is still asked for, the
 * answer is no; when it allows, these bits are done, and with the last of them
 * the answer is yes. The jumps to the next rule are filled in at the end.
 */
static void emit_rule(struct generating *g, const struct cgroup_device_rule *rule)
{
	struct bpf_insn *start = g->at;

	if (rule->types == CGROUP_DEVICE_CHAR || rule->types == CGROUP_DEVICE_BLOCK)
		emit(g, BPF_JMP32 | BPF_JNE | BPF_K, TYPE, 0, 0,
		     rule->types == CGROUP_DEVICE_CHAR ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK);
	if (rule->major != CGROUP_DEVICE_ANY)
		emit(g, BPF_JMP32 | BPF_JNE | BPF_K, MAJOR, 0, 0, rule->major);
	if (rule->minor != CGROUP_DEVICE_ANY)
		emit(g, BPF_JMP32 | BPF_JNE | BPF_K, MINOR, 0, 0, rule->minor);
	if (rule->allow) {
		emit(g, BPF_ALU | BPF_AND | BPF_K, ACCESS, 0, 0, CGROUP_DEVICE_ALL & ~rule->access);
		emit(g, BPF_JMP32 | BPF_JNE | BPF_K, ACCESS, 0, 0, 0);
	} else {
		emit(g, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, ACCESS, 0, 0);
		emit(g, BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, rule->access);
		emit(g, BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0);
	}
	emit_answer(g, rule->allow);
	for (struct bpf_insn *jump = start; jump < g->at - 2; jump++)
		if (BPF_CLASS(jump->code) == BPF_JMP32)
			jump->off = (int16_t)(g->at - jump - 1);
}

int cgroup_device_program(const struct cgroup_device_rules *rules, struct bpf_insn **ret,
			  size_t *ret_count, struct error *err)
{
	cleanup_free struct bpf_insn *program =
		calloc(PROLOGUE + rules->count * RULE_MOST + EPILOGUE, sizeof(*program));
	struct generating g = { program };

	if (!program)
		return error_memory(err);
	emit(&g, BPF_LDX | BPF_MEM | BPF_W, TYPE, BPF_REG_1, 0, 0);
	emit(&g, BPF_ALU | BPF_MOV | BPF_X, ACCESS, TYPE, 0, 0);
	emit(&g, BPF_ALU | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
	emit(&g, BPF_ALU | BPF_RSH | BPF_K, ACCESS, 0, 0, 16);
	emit(&g, BPF_LDX | BPF_MEM | BPF_W, MAJOR, BPF_REG_1, 4, 0);
	emit(&g, BPF_LDX | BPF_MEM | BPF_W, MINOR, BPF_REG_1, 8, 0);
	for (size_t i = rules->count; i-- > 0;)
		emit_rule(&g, &rules->rules[i]);
	emit_answer(&g, rules->allow_by_default);
	*ret_count = (size_t)(g.at - program);
	*ret = move_ptr(&program);
	return 0;
}

/* ---- attaching ---------------------------------------------------------------------------- */

/*
 * Always the whole union, zeroed: some kernels write behind a shorter one
 * (SECURITY.md S21).
 */
static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load_once(const struct bpf_insn *program, size_t count)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)program;
	attr.insn_cnt = (uint32_t)count;
	attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
	memcpy(attr.prog_name, "rustbox_device", sizeof("rustbox_device"));
	return bpf(BPF_PROG_LOAD, &attr);
}

/*
 * Before Linux 5.11 a program counts as locked memory. The limit is raised for
 * the moment of loading only, because children inherit it.
 */
static int load(const struct bpf_insn *program, size_t count, struct error *err)
{
	const struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit saved;
	int fd = load_once(program, count);

	if (fd < 0 && errno == EPERM && getrlimit(RLIMIT_MEMLOCK, &saved) == 0 &&
	    setrlimit(RLIMIT_MEMLOCK, &most) == 0) {
		fd = load_once(program, count);
		int reason = errno;
		(void)setrlimit(RLIMIT_MEMLOCK, &saved);
		errno = reason;
	}
	if (fd >= 0)
		return fd;
	error_set(err, errno, "bpf(BPF_PROG_LOAD) of the device rules");
	if (err->code == EPERM)
		error_hint(err, "needs CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN");
	if (err->code == EINVAL || err->code == ENOSYS)
		error_hint(err, "the kernel needs CONFIG_CGROUP_BPF");
	return -1;
}

enum { ATTACHED_MOST = 64 }; /* as many as a kernel lets be attached to one cgroup */

/* Descriptors of the programs that are attached now; those we may not open are left alone. */
static size_t open_attached(const struct cgroup_dir *dir, int fds[ATTACHED_MOST])
{
	uint32_t ids[ATTACHED_MOST] = { 0 };
	union bpf_attr attr;
	size_t n = 0;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)dir->fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = ATTACHED_MOST;
	if (bpf(BPF_PROG_QUERY, &attr) < 0)
		return 0;
	uint32_t count = attr.query.prog_cnt;
	for (uint32_t i = 0; i < count && i < ATTACHED_MOST; i++) {
		memset(&attr, 0, sizeof(attr));
		attr.prog_id = ids[i];
		fds[n] = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
		n += fds[n] >= 0;
	}
	return n;
}

static int attach(const struct cgroup_dir *dir, int program, int replaced)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir->fd;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (replaced >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)replaced;
	}
	return bpf(BPF_PROG_ATTACH, &attr);
}

static void detach(const struct cgroup_dir *dir, int program)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir->fd;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	if (bpf(BPF_PROG_DETACH, &attr) < 0)
		log_warning("%s: an old device program stays attached: %s", dir->path,
			    strerrorname_np(errno));
}

int cgroup_device_attach(const struct cgroup_dir *dir, const struct bpf_insn *program, size_t count,
			 struct error *err)
{
	cleanup_fd int loaded = load(program, count, err);
	int old[ATTACHED_MOST], r;

	if (loaded < 0)
		return -1;
	size_t n = open_attached(dir, old);
	/* One is replaced at once; several (systemd makes such) and older kernels in two steps. */
	r = n == 1 ? attach(dir, loaded, old[0]) : -1;
	if (r < 0) {
		r = attach(dir, loaded, -1);
		int reason = errno;
		for (size_t i = 0; r == 0 && i < n; i++)
			detach(dir, old[i]);
		errno = reason;
	}
	if (r < 0)
		error_set(err, errno, "attach the device rules to %s", dir->path);
	for (size_t i = 0; i < n; i++)
		fd_close(&old[i]);
	return r;
}
