/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities, seccomp, no_new_privs, AppArmor, SELinux. */
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/seccomp_profile.h"
#include "cmd/rustbox/bundle/vector.h"
#include "runtime/capability.h"

#define BIT(n) (UINT64_C(1) << (n))

/* Docker's: what root in a container is for, without power over the machine. */
#define DEFAULT_CAPABILITIES                                                                       \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) | BIT(CAP_FOWNER) |              \
	 BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) | BIT(CAP_SETGID) | BIT(CAP_SETUID) |                   \
	 BIT(CAP_SETFCAP) | BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SYS_CHROOT) |   \
	 BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE))

struct security {
	const char *seccomp;   /* NULL: default; "unconfined"; a path */
	bool keeps_privileges; /* no_new_privs is off */
	const char *apparmor;
	const char *labels[4]; /* user, role, type, level */
	bool labelled;
};

/* ---- capabilities ---- */

/* ALL is every one that can be given. */
static int read_set(const char *option, const struct option_strings *given, uint64_t *ret,
		    struct error *err)
{
	*ret = 0;
	for (size_t i = 0; i < given->count; i++) {
		const char *name = given->items[i];
		int number = capability_from_name(name);

		if (strcasecmp(name, "ALL") == 0 || strcasecmp(name, "CAP_ALL") == 0)
			*ret = UINT64_MAX;
		else if (number < 0)
			return error_set(err, 0,
					 "--%s %s: no capability is called that "
					 "(capabilities(7))",
					 option, name);
		else
			*ret |= BIT(number);
	}
	return 0;
}

static int choose_capabilities(const struct plan *plan, uint64_t *ret, struct error *err)
{
	const struct create_options *options = plan->options;
	uint64_t add, drop, all = capability_permitted();

	if (read_set("cap-add", &options->cap_add, &add, err) < 0 ||
	    read_set("cap-drop", &options->cap_drop, &drop, err) < 0)
		return -1;
	/* One that is named counts more than ALL, on either side. */
	if (options->privileged)
		*ret = all;
	else if (add == UINT64_MAX)
		*ret = drop == UINT64_MAX ? 0 : all & ~drop;
	else if (drop == UINT64_MAX)
		*ret = add;
	else
		*ret = (DEFAULT_CAPABILITIES & ~drop) | add;
	return 0;
}

static int name_set(struct plan *plan, uint64_t set, char ***ret, size_t *ret_n, struct error *err)
{
	for (int i = 0; i < capability_count(); i++) {
		const char *name = set & BIT(i) ? capability_name(i) : NULL;

		if (name && vector_add_text(ret, ret_n, name, plan->arena, err) < 0)
			return -1;
	}
	return 0;
}

static int set_capabilities(struct plan *plan, uint64_t set, struct error *err)
{
	struct spec_process *process = plan->spec->process;
	struct spec_capabilities *sets = arena_alloc(plan->arena, sizeof(*sets), err);
	/* What execve(2) leaves to who is not root. The bounding set is what setuid programs get.
	 */
	uint64_t own = process->user->uid == 0 ? set : 0;

	process->capabilities = sets;
	if (!sets || name_set(plan, set, &sets->bounding, &sets->n_bounding, err) < 0 ||
	    name_set(plan, own, &sets->effective, &sets->n_effective, err) < 0 ||
	    name_set(plan, own, &sets->permitted, &sets->n_permitted, err) < 0)
		return -1;
	return 0;
}

/* ---- --security-opt ---- */

static int set_label_part(struct security *security, const char *value, struct error *err)
{
	static const char *const parts[] = { "user:", "role:", "type:", "level:" };

	if (strcmp(value, "disable") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (!str_starts_with(value, parts[i]) || !value[strlen(parts[i])])
			continue;
		security->labels[i] = value + strlen(parts[i]);
		security->labelled = true;
		return 0;
	}
	return error_set(err, 0, "not one of disable, user:, role:, type:, level:");
}

/* The file's text, as it is: create reads it, and checks it before anything is made. */
static int set_landlock(struct plan *plan, const char *path, struct error *err)
{
	enum { SIZE_MAX_OF_RULES = 1 << 20 };
	cleanup_free char *text = NULL;
	char *copy;

	if (fd_read_file(AT_FDCWD, path, SIZE_MAX_OF_RULES, &text, NULL, err) < 0)
		return -1;
	copy = arena_strdup(plan->arena, text, err);
	return copy ? plan_annotate(plan, "org.rustbox.landlock", copy, err) : -1;
}

static int set_core_scheduling(struct plan *plan, const char *value, struct error *err)
{
	if (*value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return error_set(err, 0, "neither true nor false");
	return plan_annotate(plan, "org.rustbox.core-scheduling",
			     strcmp(value, "false") == 0 ? "0" : "1", err);
}

static int set_no_new_privileges(struct security *security, const char *value, struct error *err)
{
	if (*value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return error_set(err, 0, "neither true nor false");
	security->keeps_privileges = strcmp(value, "false") == 0;
	return 0;
}

static int apply_option(struct plan *plan, struct security *security, const char *text,
			struct error *err)
{
	size_t n = strcspn(text, "=:");
	const char *value = text[n] ? text + n + 1 : "";
	char *key = arena_strndup(plan->arena, text, n, err);

	if (!key)
		return -1;
	if (strcmp(key, "no-new-privileges") == 0)
		return set_no_new_privileges(security, value, err);
	if (strcmp(key, "core-scheduling") == 0)
		return set_core_scheduling(plan, value, err);
	if (!*value)
		return error_set(err, 0,
				 "write seccomp=, no-new-privileges, apparmor=, label=, landlock=, "
				 "core-scheduling or systempaths=unconfined");
	if (strcmp(key, "landlock") == 0)
		return set_landlock(plan, value, err);
	if (strcmp(key, "seccomp") == 0)
		security->seccomp = strcmp(value, "builtin") == 0 ? NULL : value;
	else if (strcmp(key, "apparmor") == 0)
		security->apparmor = value;
	else if (strcmp(key, "label") == 0)
		return set_label_part(security, value, err);
	else if (strcmp(key, "systempaths") == 0 && strcmp(value, "unconfined") == 0)
		plan->no_masks = true;
	else
		return error_set(err, 0, "not known");
	return 0;
}

/* ---- what they lead to ---- */

static int set_seccomp(struct plan *plan, const struct security *security, uint64_t capabilities,
		       struct error *err)
{
	struct spec_seccomp **ret = &plan->spec->linux->seccomp;

	if (!security->seccomp)
		return plan->options->privileged
			       ? 0
			       : seccomp_profile_default(capabilities, plan->arena, ret, err);
	if (strcmp(security->seccomp, "unconfined") == 0)
		return 0;
	return seccomp_profile_read(security->seccomp, capabilities, plan->arena, ret, err) < 0
		       ? error_wrap(err, "--security-opt seccomp=%s", security->seccomp)
		       : 0;
}

static int set_apparmor(struct plan *plan, const char *profile, struct error *err)
{
	char enabled[8] = "";

	if (!profile || strcmp(profile, "unconfined") == 0)
		return 0;
	if (fd_read_short(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", enabled,
			  sizeof(enabled)) < 0 ||
	    *enabled != 'Y')
		return error_set(err, 0,
				 "--security-opt apparmor=%s: this kernel does not run "
				 "AppArmor",
				 profile);
	plan->spec->process->apparmor_profile = arena_strdup(plan->arena, profile, err);
	return plan->spec->process->apparmor_profile ? 0 : -1;
}

/* As container-selinux's policy calls them; a part that was given takes its place. */
static int set_selinux(struct plan *plan, const struct security *security, struct error *err)
{
	static const char *const fallbacks[] = { "system_u", "system_r", "container_t", "s0" };
	const char *part[4];

	if (!security->labelled)
		return 0;
	if (access("/sys/fs/selinux/enforce", F_OK) < 0)
		return error_set(err, 0, "--security-opt label=: this kernel does not run SELinux");
	for (size_t i = 0; i < 4; i++)
		part[i] = security->labels[i] ? security->labels[i] : fallbacks[i];
	plan->spec->process->selinux_label =
		arena_format(plan->arena, err, "%s:%s:%s:%s", part[0], part[1], part[2], part[3]);
	plan->spec->linux->mount_label =
		arena_format(plan->arena, err, "system_u:object_r:container_file_t:%s", part[3]);
	return plan->spec->process->selinux_label && plan->spec->linux->mount_label ? 0 : -1;
}

int plan_security(struct plan *plan, struct error *err)
{
	const struct option_strings *given = &plan->options->security_opt;
	struct security security = { .keeps_privileges = plan->options->privileged };
	uint64_t capabilities;

	plan->no_masks = plan->options->privileged;
	for (size_t i = 0; i < given->count; i++)
		if (apply_option(plan, &security, given->items[i], err) < 0)
			return error_wrap(err, "--security-opt %s", given->items[i]);
	if (choose_capabilities(plan, &capabilities, err) < 0 ||
	    set_capabilities(plan, capabilities, err) < 0 ||
	    set_seccomp(plan, &security, capabilities, err) < 0 ||
	    set_apparmor(plan, security.apparmor, err) < 0)
		return -1;
	plan->spec->process->no_new_privileges = !security.keeps_privileges;
	return set_selinux(plan, &security, err);
}
