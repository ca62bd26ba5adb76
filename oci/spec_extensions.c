/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec_extensions.h"

#include <limits.h>
#include <string.h>

#include "base/str.h"
#include "oci/spec.h"
#include "oci/spec_check_parts.h"

/* -- landlock -- */

#define TYPE(s) static const struct json_type s##_type = { sizeof(struct s), s##_fields, NULL }

static const struct json_field spec_landlock_paths_fields[] = {
	LIST(spec_landlock_paths, allowed_access, "allowedAccess"),
	LIST(spec_landlock_paths, paths, "paths"),
	{ NULL },
};
TYPE(spec_landlock_paths);

static const struct json_field spec_landlock_ports_fields[] = {
	LIST(spec_landlock_ports, allowed_access, "allowedAccess"),
	NUMBERS(spec_landlock_ports, ports, "ports"),
	{ NULL },
};
TYPE(spec_landlock_ports);

static const struct json_field spec_landlock_ruleset_fields[] = {
	LIST(spec_landlock_ruleset, handled_access_fs, "handledAccessFS"),
	LIST(spec_landlock_ruleset, handled_access_net, "handledAccessNet"),
	LIST(spec_landlock_ruleset, scoped, "scoped"),
	{ NULL },
};
TYPE(spec_landlock_ruleset);

static const struct json_field spec_landlock_rules_fields[] = {
	ARRAY(spec_landlock_rules, path_beneath, "pathBeneath", &spec_landlock_paths_type),
	ARRAY(spec_landlock_rules, net_port, "netPort", &spec_landlock_ports_type),
	{ NULL },
};
TYPE(spec_landlock_rules);

static const struct json_field spec_landlock_fields[] = {
	OBJECT(spec_landlock, ruleset, "ruleset", &spec_landlock_ruleset_type),
	OBJECT(spec_landlock, rules, "rules", &spec_landlock_rules_type),
	FIELD(spec_landlock, disable_best_effort, "disableBestEffort"),
	{ NULL },
};
TYPE(spec_landlock);

/* -- base64 (RFC 4648) -- */

static int sextet(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* False unless the text is whole groups of four with nothing behind the padding. */
static bool decode_base64(const char *text, unsigned char *out, size_t *ret_size)
{
	size_t length = strlen(text), n = 0;
	unsigned int bits = 0;
	int held = 0;

	if (length % 4)
		return false;
	while (length && text[length - 1] == '=' && strlen(text) - length < 2)
		length--;
	for (size_t i = 0; i < length; i++) {
		int value = sextet(text[i]);
		if (value < 0)
			return false;
		bits = (bits << 6 | (unsigned int)value) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[n++] = (unsigned char)(bits >> held);
		}
	}
	*ret_size = n;
	return true;
}

/* -- The kinds of values -- */

struct reading {
	struct spec *spec;
	struct arena *arena;
	void *member; /* of spec->extensions */
};

/* The error is completed with the annotation's name. */
typedef int read_function(const struct reading *r, char *value, struct error *err);

static int read_path(const struct reading *r, char *value, struct error *err)
{
	if (*value != '/')
		return error_set(err, 0, "\"%.200s\" is not an absolute path", value);
	*(char **)r->member = value;
	return 0;
}

/* Empty: none, not even the usual one. */
static int read_criu_config(const struct reading *r, char *value, struct error *err)
{
	if (*value)
		return read_path(r, value, err);
	*(char **)r->member = value;
	return 0;
}

/* An absolute path each, or a file name that the loader looks up: dlopen(3). */
static int read_plugins(const struct reading *r, char *value, struct error *err)
{
	const char *at = value;

	for (size_t n; (n = strcspn(at, ":")) > 0; at += n + 1) {
		if (*at != '/' && memchr(at, '/', n))
			return error_set(
				err, 0, "\"%.200s\": not an absolute path and not a file name", at);
		if (at[n])
			continue;
		*(char **)r->member = value;
		return 0;
	}
	return error_set(err, 0, "\"%.200s\" has an empty entry", value);
}

static int read_switch(const struct reading *r, char *value, struct error *err)
{
	static const char *const on[] = { "1", "true", NULL }, *const off[] = { "0", "false",
										NULL };

	if (!spec_check_known(on, value) && !spec_check_known(off, value))
		return error_set(err, 0, "\"%.64s\" is neither 1 nor 0", value);
	*(bool *)r->member = spec_check_known(on, value);
	return 0;
}

static int read_context_type(const struct reading *r, char *value, struct error *err)
{
	static const char *const types[] = { "context", "fscontext", "defcontext", "rootcontext",
					     NULL };

	if (!spec_check_known(types, value))
		return error_set(err, 0,
				 "\"%.64s\" is none of context, fscontext, defcontext, rootcontext",
				 value);
	*(char **)r->member = value;
	return 0;
}

/* One component, which must not lead out of the container's cgroup (S16). */
static int read_component(const struct reading *r, char *value, struct error *err)
{
	if (!*value || *value == '.' || strpbrk(value, "/\n\r") || strlen(value) > NAME_MAX ||
	    str_starts_with(value, "cgroup."))
		return error_set(err, 0, "\"%.64s\" is not the name of a cgroup", value);
	*(char **)r->member = value;
	return 0;
}

/* The same, or the empty text for none. */
static int read_component_or_none(const struct reading *r, char *value, struct error *err)
{
	*(char **)r->member = value;
	return *value ? read_component(r, value, err) : 0;
}

/* Any name behind this one: runtime/systemd_annotation.h. By itself it is none. */
static int read_property(const struct reading *r, char *value, struct error *err)
{
	return error_set(err, 0, "the name of the property is missing");
}

static int read_program(const struct reading *r, char *value, struct error *err)
{
	struct spec_extensions *extensions = &r->spec->extensions;
	const size_t instruction = 8, most = 4096; /* struct sock_filter, BPF_MAXINSNS */
	size_t size;

	extensions->seccomp_program = arena_alloc(r->arena, strlen(value) + 1, err);
	if (!extensions->seccomp_program)
		return -1;
	if (!decode_base64(value, extensions->seccomp_program, &size))
		return error_set(err, 0, "is not base64");
	if (!size || size % instruction || size / instruction > most)
		return error_set(err, 0, "%zu bytes are not 1 to %zu instructions of %zu bytes",
				 size, most, instruction);
	extensions->seccomp_program_size = size;
	return 0;
}

static int check_landlock(const struct spec_landlock *landlock, struct error *err)
{
	const struct spec_landlock_rules *rules = landlock->rules;

	if (!landlock->ruleset)
		return error_set(err, 0, "ruleset: missing");
	for (size_t i = 0; rules && i < rules->n_path_beneath; i++) {
		const struct spec_landlock_paths *paths = &rules->path_beneath[i];
		for (size_t j = 0; j < paths->n_paths; j++)
			if (*paths->paths[j] != '/')
				return error_set(err, 0,
						 "rules.pathBeneath[%zu].paths[%zu]: \"%.200s\" is "
						 "not absolute",
						 i, j, paths->paths[j]);
	}
	for (size_t i = 0; rules && i < rules->n_net_port; i++) {
		const struct spec_landlock_ports *ports = &rules->net_port[i];
		for (size_t j = 0; j < ports->n_ports; j++)
			if (ports->ports[j] > UINT16_MAX)
				return error_set(err, 0,
						 "rules.netPort[%zu].ports[%zu]: %u is no port", i,
						 j, ports->ports[j]);
	}
	return 0;
}

static int read_landlock(const struct reading *r, char *value, struct error *err)
{
	struct spec_landlock *landlock = arena_alloc(r->arena, sizeof(*landlock), err);

	if (!landlock ||
	    json_read(&spec_landlock_type, value, strlen(value), landlock, r->arena, err) < 0 ||
	    check_landlock(landlock, err) < 0)
		return -1;
	*(struct spec_landlock **)r->member = landlock;
	return 0;
}

/* Another program in the payload's place, or less isolation than the caller counts on. */
static int refuse(const struct reading *r, char *value, struct error *err)
{
	return error_set(err, 0, "is not built; remove the annotation");
}

/* -- The table -- */

#define AT(m) offsetof(struct spec_extensions, m)

static const struct extension {
	const char *name;
	read_function *read;
	size_t member;
} extensions[] = {
	{ "org.criu.config", read_criu_config, AT(criu_config) },
	{ "org.rustbox.core-scheduling", read_switch, AT(core_scheduling) },
	{ "org.rustbox.landlock", read_landlock, AT(landlock) },
	{ "org.systemd.property.", read_property, 0 },
	{ "run.oci.delegate-cgroup", read_component, AT(delegate_cgroup) },
	{ "run.oci.hooks.stderr", read_path, AT(hooks_stderr) },
	{ "run.oci.hooks.stdout", read_path, AT(hooks_stdout) },
	{ "run.oci.keep_original_groups", read_switch, AT(keep_original_groups) },
	{ "run.oci.mount_context_type", read_context_type, AT(mount_context_type) },
	{ "run.oci.pidfd_receiver", read_path, AT(pidfd_receiver) },
	{ "run.oci.seccomp.plugins", read_plugins, AT(seccomp_plugins) },
	{ "run.oci.seccomp.receiver", read_path, AT(seccomp_receiver) },
	{ "run.oci.seccomp_bpf_data", read_program, AT(seccomp_program) },
	{ "run.oci.seccomp_fail_unknown_syscall", read_switch, AT(seccomp_fail_unknown_syscall) },
	{ "run.oci.systemd.force_cgroup_v1", read_path, AT(systemd_cgroup_v1) },
	{ "run.oci.systemd.subgroup", read_component_or_none, AT(systemd_subgroup) },
	/* Last, and not among the names. */
	{ "run.oci.handler", refuse, 0 },
};
enum { EXTENSIONS = sizeof(extensions) / sizeof(*extensions), REFUSED = 1 };

const char *const *spec_extension_names(void)
{
	static const char *names[EXTENSIONS - REFUSED + 1];

	for (size_t i = 0; i < EXTENSIONS - REFUSED; i++)
		names[i] = extensions[i].name;
	return names;
}

/* Who answers what the filter asks: the annotations say it in the place of listenerPath. */
static int apply_agent(struct spec *spec, struct error *err)
{
	struct spec_seccomp *seccomp = spec->linux->seccomp;
	char *receiver = spec->extensions.seccomp_receiver;

	if (!seccomp)
		return 0;
	seccomp->plugins = spec->extensions.seccomp_plugins;
	if (seccomp->plugins && (receiver || seccomp->listener_path))
		return error_set(err, 0,
				 "annotations[\"run.oci.seccomp.plugins\"]: %s is there, too: only "
				 "one can answer",
				 receiver ? "run.oci.seccomp.receiver"
					  : "linux.seccomp.listenerPath");
	if (!receiver)
		return 0;
	if (seccomp->listener_path && !str_equal(seccomp->listener_path, receiver))
		return error_set(err, 0,
				 "annotations[\"run.oci.seccomp.receiver\"]: "
				 "linux.seccomp.listenerPath is another one");
	seccomp->listener_path = receiver;
	return 0;
}

/* There may be ten thousand annotations: lengths tell them from ours sooner than texts do. */
static const struct extension *find_extension(const char *key, const size_t lengths[EXTENSIONS])
{
	size_t n = strlen(key);

	for (size_t i = 0; i < EXTENSIONS; i++)
		if (lengths[i] == n && memcmp(extensions[i].name, key, n) == 0)
			return &extensions[i];
	return NULL;
}

int spec_read_extensions(struct spec *spec, struct arena *arena, struct error *err)
{
	size_t lengths[EXTENSIONS];

	for (size_t i = 0; i < EXTENSIONS; i++)
		lengths[i] = strlen(extensions[i].name);
	for (size_t i = 0; i < spec->n_annotations; i++) {
		const struct json_pair *pair = &spec->annotations[i];
		const struct extension *extension = find_extension(pair->key, lengths);

		if (!extension)
			continue;
		struct reading r = { spec, arena, (char *)&spec->extensions + extension->member };
		if (extension->read(&r, pair->value, err) < 0)
			return error_wrap(err, "annotations[\"%s\"]", pair->key);
	}
	if (spec->linux->seccomp)
		spec->linux->seccomp->fail_unknown_syscall =
			spec->extensions.seccomp_fail_unknown_syscall;
	return apply_agent(spec, err);
}
