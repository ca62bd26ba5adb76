/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp.h"

#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/channel.h"
#include "runtime/seccomp_table.h"

enum {
	ARGUMENTS = 6,
	/*
	 * Below that a linear search is as fast as libseccomp's tree, and an
	 * empty tree is one that libseccomp up to 2.5.4 gets wrong.
	 */
	TREE_FROM = 32,
	/* libseccomp's level with everything that Linux 5.7 has, notify included. */
	API_LEVEL = 6,
};

/* What compiling needs at hand. */
struct compilation {
	const struct spec_seccomp *config;
	scmp_filter_ctx context;
	uint32_t default_action;
	bool archs[SECCOMP_ARCHS_MAX]; /* seccomp_archs[i] is in the filter */
	size_t n_rules;
	bool notifies;
};

static void release(scmp_filter_ctx *context)
{
	if (*context)
		seccomp_release(*context);
}

static int read_action(const char *name, const struct json_uint *value, uint32_t *ret,
		       struct error *err)
{
	const struct seccomp_action *action = seccomp_find_action(name);

	if (!action)
		return error_set(err, 0, "unknown action \"%s\"", name);
	if (!action->value_max && value->set)
		return error_set(err, 0, "action %s takes no errno value", name);
	if (value->set && value->value > action->value_max)
		return error_set(err, 0, "errno value %llu is above %u",
				 (unsigned long long)value->value, action->value_max);
	*ret = action->action;
	if (action->value_max)
		*ret |= value->set ? (uint32_t)value->value : EPERM;
	return 0;
}

static int add_archs(struct compilation *c, struct error *err)
{
	uint32_t native = seccomp_arch_native();

	/* libseccomp begins with the native architecture; a list only adds to it. */
	for (size_t i = 0; seccomp_archs[i].name; i++)
		c->archs[i] = seccomp_archs[i].token == native;
	for (size_t i = 0; i < c->config->n_architectures; i++) {
		const struct seccomp_arch *arch = seccomp_find_arch(c->config->architectures[i]);
		if (!arch)
			return error_set(err, 0, "architectures[%zu]: unknown name \"%s\"", i,
					 c->config->architectures[i]);
		int r = seccomp_arch_add(c->context, arch->token);
		/* Of the other byte order: no process of this machine can make its calls. */
		if (r == -EDOM)
			continue;
		if (r < 0 && r != -EEXIST)
			return error_set(err, -r, "architectures[%zu]: add %s", i, arch->name);
		c->archs[arch - seccomp_archs] = true;
	}
	return 0;
}

static int read_conditions(const struct spec_syscall *entry, struct scmp_arg_cmp *ret,
			   bool *ret_shared, struct error *err)
{
	bool seen[ARGUMENTS] = { false };

	*ret_shared = false;
	for (size_t i = 0; i < entry->n_args; i++) {
		const struct spec_syscall_arg *arg = &entry->args[i];
		const struct seccomp_operator *operator= seccomp_find_operator(arg->op);
		if (!operator)
			return error_set(err, 0, "args[%zu]: unknown operator \"%s\"", i, arg->op);
		if (arg->index >= ARGUMENTS)
			return error_set(err, 0, "args[%zu]: index %u is above %d", i, arg->index,
					 ARGUMENTS - 1);
		ret[i] = (struct scmp_arg_cmp){ arg->index, operator->op, arg->value,
						arg->value_two };
		*ret_shared |= seen[arg->index];
		seen[arg->index] = true;
	}
	return 0;
}

static int add_rule(struct compilation *c, uint32_t action, int number, unsigned int count,
		    const struct scmp_arg_cmp *conditions, const char *name, struct error *err)
{
	int r = seccomp_rule_add_array(c->context, action, number, count, conditions);

	if (r < 0 && r != -EEXIST) /* said before: fine */
		return error_set(err, -r, "add a rule for %s", name);
	c->n_rules++;
	return 0;
}

/*
 * Conditions of one entry must all hold. Only where two are about the same
 * argument, each counts alone, as a rule of its own: libseccomp could not
 * express it otherwise, and profiles have come to rely on it.
 */
static int add_syscall(struct compilation *c, const struct spec_syscall *entry, uint32_t action,
		       const char *name, const struct scmp_arg_cmp *conditions, bool shared,
		       struct error *err)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR && c->config->fail_unknown_syscall)
		return error_set(err, 0,
				 "names: system call \"%s\" is not known here, and the annotation "
				 "run.oci.seccomp_fail_unknown_syscall makes that an error",
				 name);
	if (number == __NR_SCMP_ERROR) {
		log_debug("seccomp: system call %s is not known here, left out", name);
		return 0;
	}
	if (!shared)
		return add_rule(c, action, number, (unsigned int)entry->n_args, conditions, name,
				err);
	for (size_t i = 0; i < entry->n_args; i++)
		if (add_rule(c, action, number, 1, &conditions[i], name, err) < 0)
			return -1;
	return 0;
}

/* The call that must not wait for the listener which it hands over. */
static const char *listener_goes_by(void)
{
	return channel_must_attach_listener() ? "sendmsg" : "write";
}

static int add_entry(struct compilation *c, const struct spec_syscall *entry, struct arena *arena,
		     struct error *err)
{
	uint32_t action;
	bool shared;

	if (read_action(entry->action, &entry->errno_ret, &action, err) < 0)
		return -1;
	struct scmp_arg_cmp *conditions =
		arena_array(arena, entry->n_args, sizeof(*conditions), err);
	if (!conditions || read_conditions(entry, conditions, &shared, err) < 0)
		return -1;
	if (action == c->default_action) /* says nothing new, and libseccomp refuses it */
		return 0;
	for (size_t i = 0; i < entry->n_names; i++) {
		if (action == SCMP_ACT_NOTIFY && str_equal(entry->names[i], listener_goes_by()))
			return error_set(
				err, 0,
				"SCMP_ACT_NOTIFY cannot be used for the %s syscall: the runtime "
				"itself needs it to hand over the listener",
				entry->names[i]);
		if (add_syscall(c, entry, action, entry->names[i], conditions, shared, err) < 0)
			return -1;
	}
	c->notifies |= action == SCMP_ACT_NOTIFY;
	return 0;
}

static int set_attribute(scmp_filter_ctx context, enum scmp_filter_attr attribute, uint32_t value,
			 struct error *err)
{
	int r = seccomp_attr_set(context, attribute, value);

	if (r < 0)
		return error_set(err, -r, "libseccomp attribute %d", (int)attribute);
	return 0;
}

static int build(struct compilation *c, struct arena *arena, struct error *err)
{
	if (add_archs(c, err) < 0 ||
	    /* Loading is ours: libseccomp must not switch on what the configuration did not. */
	    set_attribute(c->context, SCMP_FLTATR_CTL_NNP, 0, err) < 0)
		return -1;
	for (size_t i = 0; i < c->config->n_syscalls; i++)
		if (add_entry(c, &c->config->syscalls[i], arena, err) < 0)
			return error_wrap(err, "syscalls[%zu]", i);
	if (c->n_rules > TREE_FROM)
		return set_attribute(c->context, SCMP_FLTATR_CTL_OPTIMIZE, 2, err);
	return 0;
}

/* The prologue and libseccomp's program behind it, in one array of the arena. */
static int export(struct compilation *c, struct arena *arena, struct seccomp_filter *ret,
		  struct error *err)
{
	struct sock_filter prologue[SECCOMP_PROLOGUE_MAX];
	size_t n_prologue = seccomp_prologue(c->config, c->archs, prologue);
	cleanup_fd int fd = memfd_create("seccomp", MFD_CLOEXEC);

	if (fd < 0)
		return error_set(err, errno, "memfd_create");
	int r = seccomp_export_bpf(c->context, fd);
	if (r < 0)
		return error_set(err, -r, "generate the filter");
	off_t size = lseek(fd, 0, SEEK_END);
	if (size < 0 || size % (off_t)sizeof(struct sock_filter))
		return error_set(err, EIO, "size of the filter");
	size_t n_filter = (size_t)size / sizeof(struct sock_filter);
	if (n_prologue + n_filter > BPF_MAXINSNS)
		return error_set(err, E2BIG, "%zu instructions, the kernel takes %d",
				 n_prologue + n_filter, BPF_MAXINSNS);
	ret->program = arena_array(arena, n_prologue + n_filter, sizeof(*ret->program), err);
	if (!ret->program)
		return -1;
	memcpy(ret->program, prologue, n_prologue * sizeof(*prologue));
	if (pread(fd, ret->program + n_prologue, (size_t)size, 0) != size)
		return error_set(err, errno, "read the filter back");
	ret->length = (unsigned short)(n_prologue + n_filter);
	return 0;
}

int seccomp_read_flags(const struct spec_seccomp *config, bool notifies, unsigned int *ret,
		       struct error *err)
{
	unsigned int flags = 0;

	/*
	 * Not configured at all: without the bit, older kernels switch on the
	 * costly mitigation against speculative store bypass for the payload.
	 */
	if (!config->flags)
		flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	for (size_t i = 0; config->flags && i < config->n_flags; i++) {
		const struct seccomp_flag *flag = seccomp_find_flag(config->flags[i]);
		if (!flag)
			return error_set(err, 0, "flags[%zu]: unknown name \"%s\"", i,
					 config->flags[i]);
		if (!flag->listener_only || notifies)
			flags |= flag->bit;
	}
	/* Looked for by runc's own integration tests. */
	log_debug("seccomp filter flags: %u",
		  flags | (notifies ? (unsigned int)SECCOMP_FILTER_FLAG_NEW_LISTENER : 0));
	*ret = flags;
	return 0;
}

static int compile(const struct spec_seccomp *config, struct arena *arena,
		   struct seccomp_filter *ret, struct error *err)
{
	struct compilation c = { .config = config };
	struct seccomp_filter filter = { 0 };

	/* Else libseccomp finds out by a dozen system calls what our oldest kernel has anyway. */
	(void)seccomp_api_set(API_LEVEL);
	if (read_action(config->default_action, &config->default_errno_ret, &c.default_action,
			err) < 0)
		return error_wrap(err, "defaultAction");
	if (c.default_action == SCMP_ACT_NOTIFY)
		return error_set(err, 0,
				 "SCMP_ACT_NOTIFY cannot be the default action: the runtime itself "
				 "would be held up");
	__attribute__((cleanup(release))) scmp_filter_ctx context = seccomp_init(c.default_action);
	if (!context)
		return error_set(err, 0, "libseccomp refuses the default action %s",
				 config->default_action);
	c.context = context;
	if (build(&c, arena, err) < 0 || export(&c, arena, &filter, err) < 0 ||
	    seccomp_read_flags(config, c.notifies, &filter.flags, err) < 0)
		return -1;
	filter.notifies = c.notifies;
	*ret = filter;
	return 0;
}

int seccomp_compile(const struct spec_seccomp *config, struct arena *arena,
		    struct seccomp_filter *ret, struct error *err)
{
	if (compile(config, arena, ret, err) < 0)
		return error_wrap(err, "linux.seccomp");
	return 0;
}

static const struct {
	int code;
	const char *hint;
} load_hints[] = {
	{ EACCES, "it needs process.noNewPrivileges or CAP_SYS_ADMIN" },
	{ EINVAL, "a flag or an action is newer than this kernel" },
	{ EBUSY, "a filter of the runtime's own caller has a listener already" },
	{ ENOSYS, "this kernel is built without seccomp filters" },
};

int seccomp_load_filter(const struct seccomp_filter *filter, struct error *err)
{
	struct sock_fprog program = { .len = filter->length, .filter = filter->program };
	unsigned int flags =
		filter->flags | (filter->notifies ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	if (fd >= 0)
		return (int)fd;
	error_set(err, errno, "load the seccomp filter");
	for (size_t i = 0; i < sizeof(load_hints) / sizeof(*load_hints); i++)
		if (load_hints[i].code == err->code)
			error_hint(err, "%s", load_hints[i].hint);
	return -1;
}
