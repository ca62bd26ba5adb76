/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles from files. Docker's have conditions that an OCI configuration does
 * not know ("only with this capability"): they are decided here, and never
 * left out, which would allow more than the profile says.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/seccomp_profile.h"
#include "cmd/rustbox/bundle/vector.h"
#include "oci/json.h"
#include "runtime/capability.h"

enum { FILE_LIMIT = 4 * 1024 * 1024 };

/* The machine, as Docker's profiles call it. */
#if defined(__x86_64__)
#define MACHINE	     "amd64"
#define ARCHITECTURE "SCMP_ARCH_X86_64"
#elif defined(__aarch64__)
#define MACHINE	     "arm64"
#define ARCHITECTURE "SCMP_ARCH_AARCH64"
#elif defined(__riscv)
#define MACHINE	     "riscv64"
#define ARCHITECTURE "SCMP_ARCH_RISCV64"
#elif defined(__powerpc64__)
#define MACHINE	     "ppc64le"
#define ARCHITECTURE "SCMP_ARCH_PPC64LE"
#elif defined(__s390x__)
#define MACHINE	     "s390x"
#define ARCHITECTURE "SCMP_ARCH_S390X"
#else
#define MACHINE	     ""
#define ARCHITECTURE ""
#endif

struct profile_condition {
	char **caps, **arches;
	size_t n_caps, n_arches;
	char *min_kernel;
};
struct profile_arch {
	char *architecture, **sub_architectures;
	size_t n_sub_architectures;
};
struct profile_call {
	char *name, **names, *action;
	struct json_uint errno_ret;
	struct spec_syscall_arg *args;
	size_t n_names, n_args;
	struct profile_condition *includes, *excludes;
};
struct profile {
	char *default_action;
	struct json_uint default_errno_ret;
	char **architectures, **flags;
	struct profile_arch *arch_map;
	struct profile_call *syscalls;
	size_t n_architectures, n_flags, n_arch_map, n_syscalls;
	char *listener_path;
};

static const struct json_field condition_fields[] = {
	LIST(profile_condition, caps, "caps"),
	LIST(profile_condition, arches, "arches"),
	FIELD(profile_condition, min_kernel, "minKernel"),
	{ NULL },
};
static const struct json_type condition_type = { sizeof(struct profile_condition),
						 condition_fields };
static const struct json_field arch_fields[] = {
	REQUIRED(profile_arch, architecture, "architecture"),
	LIST(profile_arch, sub_architectures, "subArchitectures"),
	{ NULL },
};
static const struct json_type arch_type = { sizeof(struct profile_arch), arch_fields };
static const struct json_field arg_fields[] = {
	FIELD(spec_syscall_arg, index, "index"),
	FIELD(spec_syscall_arg, value, "value"),
	FIELD(spec_syscall_arg, value_two, "valueTwo"),
	REQUIRED(spec_syscall_arg, op, "op"),
	{ NULL },
};
static const struct json_type arg_type = { sizeof(struct spec_syscall_arg), arg_fields };
static const struct json_field call_fields[] = {
	FIELD(profile_call, name, "name"),
	LIST(profile_call, names, "names"),
	REQUIRED(profile_call, action, "action"),
	FIELD(profile_call, errno_ret, "errnoRet"),
	ARRAY(profile_call, args, "args", &arg_type),
	OBJECT(profile_call, includes, "includes", &condition_type),
	OBJECT(profile_call, excludes, "excludes", &condition_type),
	{ NULL },
};
static const struct json_type call_type = { sizeof(struct profile_call), call_fields };
static const struct json_field profile_fields[] = {
	REQUIRED(profile, default_action, "defaultAction"),
	FIELD(profile, default_errno_ret, "defaultErrnoRet"),
	LIST(profile, architectures, "architectures"),
	LIST(profile, flags, "flags"),
	FIELD(profile, listener_path, "listenerPath"),
	ARRAY(profile, arch_map, "archMap", &arch_type),
	ARRAY(profile, syscalls, "syscalls", &call_type),
	{ NULL },
};
static const struct json_type profile_type = { sizeof(struct profile), profile_fields };

/* ---- conditions ---- */

static bool kernel_is_at_least(const char *wanted)
{
	struct utsname kernel;
	char *have_end, *want_end;
	long have, want;

	if (uname(&kernel) < 0)
		return false;
	have = strtol(kernel.release, &have_end, 10);
	want = strtol(wanted, &want_end, 10);
	if (have != want || *have_end != '.' || *want_end != '.')
		return have > want || (have == want && *want_end != '.');
	return strtol(have_end + 1, NULL, 10) >= strtol(want_end + 1, NULL, 10);
}

static bool lists_machine(const struct profile_condition *condition)
{
	for (size_t i = 0; i < condition->n_arches; i++)
		if (strcmp(condition->arches[i], MACHINE) == 0)
			return true;
	return false;
}

static int count_capabilities(const struct profile_condition *condition, uint64_t capabilities,
			      size_t *ret, struct error *err)
{
	*ret = 0;
	for (size_t i = 0; i < condition->n_caps; i++) {
		int number = capability_from_name(condition->caps[i]);

		if (number < 0)
			return error_set(err, 0, "unknown capability %.64s", condition->caps[i]);
		*ret += (capabilities >> number) & 1;
	}
	return 0;
}

/* Of includes all must hold; of excludes one is enough to leave the rule out. */
static int applies(const struct profile_call *call, uint64_t capabilities, bool *ret,
		   struct error *err)
{
	const struct profile_condition none = { 0 };
	const struct profile_condition *in = call->includes ? call->includes : &none;
	const struct profile_condition *ex = call->excludes ? call->excludes : &none;
	size_t wanted, unwanted;

	if (count_capabilities(in, capabilities, &wanted, err) < 0 ||
	    count_capabilities(ex, capabilities, &unwanted, err) < 0)
		return -1;
	*ret = wanted == in->n_caps && !unwanted && (!in->n_arches || lists_machine(in)) &&
	       !lists_machine(ex) && (!in->min_kernel || kernel_is_at_least(in->min_kernel)) &&
	       (!ex->min_kernel || !kernel_is_at_least(ex->min_kernel));
	return 0;
}

/* ---- to the configuration's form ---- */

static int add_call(const struct profile_call *call, struct spec_seccomp *result,
		    struct arena *arena, struct error *err)
{
	struct spec_syscall *rule = VECTOR_ADD(result->syscalls, result->n_syscalls, arena, err);

	if (!rule)
		return -1;
	*rule = (struct spec_syscall){
		.names = call->names,
		.n_names = call->n_names,
		.action = call->action,
		.errno_ret = call->errno_ret,
		.args = call->args,
		.n_args = call->n_args,
	};
	if (call->n_names)
		return 0;
	/* The form of old profiles: one name a rule. */
	rule->names = NULL;
	return vector_add_text(&rule->names, &rule->n_names, call->name ? call->name : "", arena,
			       err);
}

static int add_architectures(const struct profile *profile, struct spec_seccomp *result,
			     struct arena *arena, struct error *err)
{
	if (profile->n_architectures && profile->n_arch_map)
		return error_set(err, 0, "both \"architectures\" and \"archMap\" are given");
	result->architectures = profile->architectures;
	result->n_architectures = profile->n_architectures;
	for (size_t i = 0; i < profile->n_arch_map; i++) {
		const struct profile_arch *arch = &profile->arch_map[i];

		if (strcmp(arch->architecture, ARCHITECTURE) != 0)
			continue;
		if (vector_add_text(&result->architectures, &result->n_architectures,
				    arch->architecture, arena, err) < 0)
			return -1;
		for (size_t j = 0; j < arch->n_sub_architectures; j++)
			if (vector_add_text(&result->architectures, &result->n_architectures,
					    arch->sub_architectures[j], arena, err) < 0)
				return -1;
	}
	return 0;
}

static int convert(const struct profile *profile, uint64_t capabilities, struct arena *arena,
		   struct spec_seccomp *result, struct error *err)
{
	/* Its program would be one on the host that nobody asked for. */
	if (profile->listener_path)
		return error_set(err, 0, "\"listenerPath\" is not for containers of rustbox");
	result->default_action = profile->default_action;
	result->default_errno_ret = profile->default_errno_ret;
	result->flags = profile->flags;
	result->n_flags = profile->n_flags;
	if (add_architectures(profile, result, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < profile->n_syscalls; i++) {
		bool counts;

		if (applies(&profile->syscalls[i], capabilities, &counts, err) < 0 ||
		    (counts && add_call(&profile->syscalls[i], result, arena, err) < 0))
			return error_wrap(err, "syscalls[%zu]", i);
	}
	return 0;
}

int seccomp_profile_read(const char *path, uint64_t capabilities, struct arena *arena,
			 struct spec_seccomp **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	struct spec_seccomp *result = arena_alloc(arena, sizeof(*result), err);
	struct profile profile = { 0 };
	size_t size;

	if (!result || fd_read_file(AT_FDCWD, path, FILE_LIMIT, &text, &size, err) < 0 ||
	    json_read(&profile_type, text, size, &profile, arena, err) < 0 ||
	    convert(&profile, capabilities, arena, result, err) < 0)
		return -1;
	*ret = result;
	return 0;
}
