/* SPDX-License-Identifier: Apache-2.0 */
#include <seccomp.h>
#include <stdio.h>

#include "cmd/rustbox-runtime/command.h"
#include "oci/features.h"
#include "oci/spec_extensions.h"
#include "runtime/capability.h"
#include "runtime/memory_policy.h"
#include "runtime/mount.h"
#include "runtime/seccomp.h"

static const char *const *capability_names(struct arena *arena, struct error *err)
{
	size_t count = (size_t)capability_count();
	const char **names = arena_array(arena, count + 1, sizeof(*names), err);

	for (size_t i = 0; names && i < count; i++)
		names[i] = capability_name((int)i);
	return names;
}

static const char *library_version(struct arena *arena, struct error *err)
{
	const struct scmp_version *version = seccomp_version();

	return arena_format(arena, err, "%u.%u.%u", version->major, version->minor, version->micro);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct features_lists lists = {
		.mount_options = mount_option_names(),
		.capabilities = capability_names(call->arena, err),
		.seccomp_actions = seccomp_action_names,
		.seccomp_operators = seccomp_operator_names,
		.seccomp_archs = seccomp_arch_names,
		.seccomp_known_flags = seccomp_flag_names,
		.seccomp_supported_flags = seccomp_flag_names,
		.memory_policy_modes = memory_policy_mode_names,
		.memory_policy_flags = memory_policy_flag_names,
		.unsafe_annotations = spec_extension_names(),
		.libseccomp_version = library_version(call->arena, err),
	};

	if (!lists.capabilities || !lists.libseccomp_version)
		return -1;
	cleanup_free char *text = features_json(&lists, err);
	if (!text)
		return -1;
	(void)fputs(text, stdout);
	return 0;
}

const struct command command_features = {
	.about = {
		.name = "features",
		.summary = "print as JSON what of the specification is supported",
		.arguments = "",
	},
	.is_stateless = true,
	.run = run,
};
