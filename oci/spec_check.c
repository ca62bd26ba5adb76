/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec_check.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "oci/spec_check_parts.h"

/* user_namespaces(7): as many lines the kernel takes. */
enum { MAPPINGS_MAX = 340 };

int spec_check_within(struct error *err, const char *format, ...)
{
	struct error inner = *err;
	char path[256];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(path, sizeof(path), format, ap);
	va_end(ap);
	return error_set(err, 0, "%s%s%s", path, *inner.text == '[' ? "" : ".", inner.text);
}

bool spec_check_known(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

int spec_check_line(const char *text, const char *key, struct error *err)
{
	if (text && strpbrk(text, "\n\r"))
		return error_set(err, 0, "%s: must not contain a line break", key);
	return 0;
}

int spec_check_env(char *const *env, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *equals = strchr(env[i], '=');
		if (!equals || equals == env[i])
			return error_set(err, 0, "[%zu]: \"%.64s\" is not of the form NAME=value",
					 i, env[i]);
	}
	return 0;
}

/* -- ociVersion -- */

/* The text behind a number without needless zeroes, or NULL. */
static const char *skip_number(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n == 0 || (n > 1 && *s == '0') ? NULL : s + n;
}

/* The text behind dot-separated identifiers, none of them empty, or NULL. */
static const char *skip_identifiers(const char *s)
{
	for (;;) {
		size_t n = 0;
		while (isalnum((unsigned char)s[n]) || s[n] == '-')
			n++;
		if (n == 0)
			return NULL;
		s += n;
		if (*s != '.')
			return s;
		s++;
	}
}

/* https://semver.org/spec/v2.0.0.html */
static bool is_semantic_version(const char *s)
{
	for (int part = 0; part < 3; part++) {
		if (part > 0 && *s++ != '.')
			return false;
		s = skip_number(s);
		if (!s)
			return false;
	}
	if (*s == '-')
		s = skip_identifiers(s + 1);
	if (s && *s == '+')
		s = skip_identifiers(s + 1);
	return s && *s == '\0';
}

static int check_version(const struct spec *spec, struct error *err)
{
	if (is_semantic_version(spec->oci_version))
		return 0;
	return error_set(err, 0, "ociVersion: \"%.64s\" is not a semantic version such as %s",
			 spec->oci_version, OCI_VERSION);
}

/* -- mounts -- */

static int check_mapping(const struct spec_id_mapping *m, struct error *err)
{
	/* The greatest number is no id: user_namespaces(7). */
	uint64_t room = UINT32_MAX;

	if (m->size == 0)
		return error_set(err, 0, "size: must not be 0");
	if (m->container_id + (uint64_t)m->size > room)
		return error_set(err, 0, "containerID: no room for %" PRIu32 " ids behind %" PRIu32,
				 m->size, m->container_id);
	if (m->host_id + (uint64_t)m->size > room)
		return error_set(err, 0, "hostID: no room for %" PRIu32 " ids behind %" PRIu32,
				 m->size, m->host_id);
	return 0;
}

static bool overlap(uint64_t a, uint64_t b, uint64_t a_size, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

int spec_check_mappings(const struct spec_id_mapping *mappings, size_t n, struct error *err)
{
	if (n > MAPPINGS_MAX)
		return error_set(err, 0, "[%d]: the kernel takes %d mappings at most", MAPPINGS_MAX,
				 MAPPINGS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct spec_id_mapping *a = &mappings[i];
		if (check_mapping(a, err) < 0)
			return spec_check_within(err, "[%zu]", i);
		for (size_t j = 0; j < i; j++) {
			const struct spec_id_mapping *b = &mappings[j];
			const char *key = NULL;
			if (overlap(a->container_id, b->container_id, a->size, b->size))
				key = "containerID";
			else if (overlap(a->host_id, b->host_id, a->size, b->size))
				key = "hostID";
			if (key)
				return error_set(err, 0,
						 "[%zu].%s: the range overlaps with that of [%zu]",
						 i, key, j);
		}
	}
	return 0;
}

static bool wants_id_mapping(const struct spec_mount *mount)
{
	for (size_t i = 0; i < mount->n_options; i++)
		if (str_equal(mount->options[i], "idmap") || str_equal(mount->options[i], "ridmap"))
			return true;
	return false;
}

static int check_mount(const struct spec *spec, const struct spec_mount *mount, struct error *err)
{
	bool uids = mount->n_uid_mappings > 0, gids = mount->n_gid_mappings > 0;

	if (!*mount->destination)
		return error_set(err, 0, "destination: must not be empty");
	if (uids != gids)
		return error_set(err, 0, "%s: missing, because there are %s",
				 uids ? "gidMappings" : "uidMappings",
				 uids ? "uidMappings" : "gidMappings");
	if (wants_id_mapping(mount) && !uids && !spec_find_namespace(spec, NAMESPACE_USER))
		return error_set(err, 0,
				 "options: an id-mapped mount needs uidMappings and "
				 "gidMappings, or a user namespace");
	if (spec_check_mappings(mount->uid_mappings, mount->n_uid_mappings, err) < 0)
		return spec_check_within(err, "uidMappings");
	if (spec_check_mappings(mount->gid_mappings, mount->n_gid_mappings, err) < 0)
		return spec_check_within(err, "gidMappings");
	return 0;
}

static int check_mounts(const struct spec *spec, struct error *err)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (check_mount(spec, &spec->mounts[i], err) < 0)
			return spec_check_within(err, "mounts[%zu]", i);
	return 0;
}

/* -- hooks -- */

static int check_hook(const struct spec_hook *hook, struct error *err)
{
	if (*hook->path != '/')
		return error_set(err, 0, "path: \"%.200s\" is not absolute", hook->path);
	if (hook->timeout.set && hook->timeout.value < 1)
		return error_set(err, 0, "timeout: must be at least 1 second");
	if (spec_check_env(hook->env, hook->n_env, err) < 0)
		return spec_check_within(err, "env");
	return 0;
}

static int check_hooks(const struct spec *spec, struct error *err)
{
	const struct spec_hooks *hooks = spec->hooks;

	if (!hooks)
		return 0;
	const struct {
		const char *name;
		const struct spec_hook *hooks;
		size_t n;
	} lists[] = {
		{ "prestart", hooks->prestart, hooks->n_prestart },
		{ "createRuntime", hooks->create_runtime, hooks->n_create_runtime },
		{ "createContainer", hooks->create_container, hooks->n_create_container },
		{ "startContainer", hooks->start_container, hooks->n_start_container },
		{ "poststart", hooks->poststart, hooks->n_poststart },
		{ "poststop", hooks->poststop, hooks->n_poststop },
	};
	for (size_t l = 0; l < sizeof(lists) / sizeof(*lists); l++)
		for (size_t i = 0; i < lists[l].n; i++)
			if (check_hook(&lists[l].hooks[i], err) < 0)
				return spec_check_within(err, "hooks.%s[%zu]", lists[l].name, i);
	return 0;
}

/* -- The rest of the top level -- */

static int check_host_name(const char *key, const char *name, struct error *err)
{
	enum { LENGTH_MAX = 64 }; /* sethostname(2), setdomainname(2) */

	if (!name)
		return 0;
	if (strlen(name) > LENGTH_MAX)
		return error_set(err, 0, "%s: longer than %d bytes", key, LENGTH_MAX);
	return spec_check_line(name, key, err);
}

static int check_annotations(const struct spec *spec, struct error *err)
{
	for (size_t i = 0; i < spec->n_annotations; i++)
		if (!*spec->annotations[i].key)
			return error_set(err, 0, "annotations: a key must not be empty");
	return 0;
}

static int check_root(const struct spec *spec, struct error *err)
{
	if (spec->root && !*spec->root->path)
		return error_set(err, 0, "root.path: must not be empty");
	return 0;
}

int spec_check(const struct spec *spec, struct error *err)
{
	if (check_version(spec, err) < 0 || check_root(spec, err) < 0)
		return -1;
	if (spec->process && spec_check_process(spec->process, "process", err) < 0)
		return -1;
	if (check_host_name("hostname", spec->hostname, err) < 0 ||
	    check_host_name("domainname", spec->domainname, err) < 0 ||
	    check_mounts(spec, err) < 0 || check_hooks(spec, err) < 0 ||
	    check_annotations(spec, err) < 0)
		return -1;
	return spec_check_linux(spec, err);
}

/* They would be the host's. */
static int check_names_are_ours(const struct spec *spec, struct error *err)
{
	if ((!spec->hostname && !spec->domainname) || spec_find_namespace(spec, NAMESPACE_UTS))
		return 0;
	return error_set(err, 0, "%s: needs a uts namespace",
			 spec->hostname ? "hostname" : "domainname");
}

/* Without a namespace the host's groups would be there; without the mount, nothing. */
static int check_systemd_cgroup_v1(const struct spec *spec, struct error *err)
{
	static const char where[] = "annotations[\"run.oci.systemd.force_cgroup_v1\"]";
	const char *path = spec->extensions.systemd_cgroup_v1;

	if (!path)
		return 0;
	if (!spec_find_namespace(spec, NAMESPACE_CGROUP))
		return error_set(err, 0,
				 "%s: needs a cgroup namespace (add {\"type\": \"cgroup\"} to "
				 "linux.namespaces)",
				 where);
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (str_equal(spec->mounts[i].destination, path) &&
		    str_equal(spec->mounts[i].type, "cgroup"))
			return 0;
	return error_set(err, 0, "%s: mounts has none of type cgroup at %.200s", where, path);
}

int spec_check_create(const struct spec *spec, struct error *err)
{
	if (!spec->root)
		return error_set(err, 0, "root: missing");
	if (!spec->process)
		return error_set(err, 0, "process: missing");
	/* Without one, the container's mounts would be the host's. */
	if (!spec_find_namespace(spec, NAMESPACE_MOUNT))
		return error_set(err, 0,
				 "linux.namespaces: a mount namespace is needed "
				 "(add {\"type\": \"mount\"})");
	if (check_names_are_ours(spec, err) < 0 || check_systemd_cgroup_v1(spec, err) < 0 ||
	    (spec->linux->seccomp && spec_check_seccomp_agent(spec->linux->seccomp, err) < 0))
		return -1;
	if (!str_starts_with(spec->oci_version, "1."))
		log_warning("ociVersion: this runtime implements %s, not %s", OCI_VERSION,
			    spec->oci_version);
	return 0;
}
