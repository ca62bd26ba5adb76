/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/landlock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"

/* linux/landlock.h of Linux 6.12; the headers of older systems lack parts of it. */
enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };
struct ruleset_attr {
	uint64_t handled_access_fs, handled_access_net, scoped;
};
struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));
struct net_port_attr {
	uint64_t allowed_access, port;
};

/* In the order of their bits, and since which version of the interface. */
struct right {
	const char *name;
	int since;
	bool of_files; /* may be given for what is no folder */
};

static const struct right fs_rights[] = {
	{ "execute", 1, true },
	{ "write_file", 1, true },
	{ "read_file", 1, true },
	{ "read_dir", 1, false },
	{ "remove_dir", 1, false },
	{ "remove_file", 1, false },
	{ "make_char", 1, false },
	{ "make_dir", 1, false },
	{ "make_reg", 1, false },
	{ "make_sock", 1, false },
	{ "make_fifo", 1, false },
	{ "make_block", 1, false },
	{ "make_sym", 1, false },
	{ "refer", 2, false },
	{ "truncate", 3, true },
	{ "ioctl_dev", 5, true },
	{ NULL },
};
static const struct right net_rights[] = { { "bind_tcp", 4 }, { "connect_tcp", 4 }, { NULL } };
static const struct right scopes[] = { { "abstract_unix_socket", 6 }, { "signal", 6 }, { NULL } };

/* What this kernel has, and what was asked for in vain. */
struct limits {
	int version;
	bool strict;
};

static int unknown(const struct limits *limits, const char *key, const struct right *right,
		   struct error *err)
{
	if (limits->strict)
		return error_set(err, 0,
				 "%s: this kernel has version %d of landlock, \"%s\" needs version "
				 "%d, and disableBestEffort is set",
				 key, limits->version, right->name, right->since);
	log_warning("landlock: %s: \"%s\" is left out: this kernel has version %d, it needs %d",
		    key, right->name, limits->version, right->since);
	return 0;
}

static int read_rights(const struct limits *limits, const struct right *rights, char *const *names,
		       size_t n, const char *key, uint64_t *ret, struct error *err)
{
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		size_t bit = 0;
		while (rights[bit].name && !str_equal(rights[bit].name, names[i]))
			bit++;
		if (!rights[bit].name)
			return error_set(err, 0, "%s: \"%.64s\" is not known", key, names[i]);
		if (rights[bit].since <= limits->version)
			*ret |= UINT64_C(1) << bit;
		else if (unknown(limits, key, &rights[bit], err) < 0)
			return -1;
	}
	return 0;
}

/*
 * A right that the ruleset does not handle is everybody's anyway; who lists it
 * means something else. It is no mistake only where this kernel lacks it.
 */
static int read_allowed(const struct limits *limits, const struct right *rights, char *const *names,
			size_t n, uint64_t handled, const char *key, uint64_t *ret,
			struct error *err)
{
	if (read_rights(limits, rights, names, n, key, ret, err) < 0)
		return -1;
	for (size_t bit = 0; rights[bit].name; bit++)
		if (*ret & ~handled & UINT64_C(1) << bit)
			return error_set(err, 0, "%s: \"%s\" is not among what ruleset handles",
					 key, rights[bit].name);
	return 0;
}

/* Of the rights those that the kernel takes for what is no folder. */
static uint64_t rights_of_files(uint64_t rights)
{
	for (size_t bit = 0; fs_rights[bit].name; bit++)
		if (!fs_rights[bit].of_files)
			rights &= ~(UINT64_C(1) << bit);
	return rights;
}

static int add_path(int ruleset, int root, const char *path, uint64_t allowed, struct error *err)
{
	cleanup_fd int fd = path_open_in_root(root, path, O_PATH, err);
	struct path_beneath_attr attr = { .allowed_access = allowed, .parent_fd = fd };
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at %s", path);
	if (!S_ISDIR(st.st_mode))
		attr.allowed_access = rights_of_files(allowed);
	/* The kernel refuses a rule that allows nothing. */
	if (!attr.allowed_access)
		return 0;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0) < 0)
		return error_set(err, errno, "allow %s", path);
	return 0;
}

static int add_paths(const struct limits *limits, int ruleset, int root,
		     const struct spec_landlock_paths *rule, uint64_t handled, struct error *err)
{
	uint64_t allowed;

	if (read_allowed(limits, fs_rights, rule->allowed_access, rule->n_allowed_access, handled,
			 "allowedAccess", &allowed, err) < 0)
		return -1;
	for (size_t i = 0; i < rule->n_paths; i++)
		if (add_path(ruleset, root, rule->paths[i], allowed, err) < 0)
			return error_wrap(err, "paths[%zu]", i);
	return 0;
}

static int add_ports(const struct limits *limits, int ruleset,
		     const struct spec_landlock_ports *rule, uint64_t handled, struct error *err)
{
	struct net_port_attr attr;

	if (read_allowed(limits, net_rights, rule->allowed_access, rule->n_allowed_access, handled,
			 "allowedAccess", &attr.allowed_access, err) < 0)
		return -1;
	for (size_t i = 0; attr.allowed_access && i < rule->n_ports; i++) {
		attr.port = rule->ports[i];
		if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &attr, 0) < 0)
			return error_set(err, errno, "allow port %u", rule->ports[i]);
	}
	return 0;
}

static int add_rules(const struct limits *limits, int ruleset, int root,
		     const struct spec_landlock_rules *rules, const struct ruleset_attr *handled,
		     struct error *err)
{
	for (size_t i = 0; i < rules->n_path_beneath; i++)
		if (add_paths(limits, ruleset, root, &rules->path_beneath[i],
			      handled->handled_access_fs, err) < 0)
			return error_wrap(err, "rules.pathBeneath[%zu]", i);
	for (size_t i = 0; i < rules->n_net_port; i++)
		if (add_ports(limits, ruleset, &rules->net_port[i], handled->handled_access_net,
			      err) < 0)
			return error_wrap(err, "rules.netPort[%zu]", i);
	return 0;
}

static int read_ruleset(const struct limits *limits, const struct spec_landlock_ruleset *config,
			struct ruleset_attr *ret, struct error *err)
{
	if (read_rights(limits, fs_rights, config->handled_access_fs, config->n_handled_access_fs,
			"ruleset.handledAccessFS", &ret->handled_access_fs, err) < 0 ||
	    read_rights(limits, net_rights, config->handled_access_net,
			config->n_handled_access_net, "ruleset.handledAccessNet",
			&ret->handled_access_net, err) < 0)
		return -1;
	return read_rights(limits, scopes, config->scoped, config->n_scoped, "ruleset.scoped",
			   &ret->scoped, err);
}

int landlock_version(void)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

static int make(const struct spec_landlock *config, int version, int root, struct error *err)
{
	struct limits limits = { version, config->disable_best_effort };
	struct ruleset_attr attr = { 0 };

	if (read_ruleset(&limits, config->ruleset, &attr, err) < 0)
		return -1;
	if (!attr.handled_access_fs && !attr.handled_access_net && !attr.scoped) {
		*err = (struct error){ 0 };
		return -1;
	}
	cleanup_fd int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return error_set(err, errno, "make the ruleset");
	if (config->rules && add_rules(&limits, ruleset, root, config->rules, &attr, err) < 0)
		return -1;
	return move_fd(&ruleset);
}

int landlock_prepare(const struct spec_landlock *config, int version, int root, struct error *err)
{
	int ruleset = make(config, version, root, err);

	if (ruleset < 0 && *err->text)
		return error_wrap(err, "landlock");
	return ruleset;
}

int landlock_restrict(int ruleset, struct error *err)
{
	if (ruleset < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) == 0)
		return 0;
	error_set(err, errno, "landlock: restrict the process");
	return err->code == EPERM
		       ? error_hint(err, "it needs process.noNewPrivileges or CAP_SYS_ADMIN")
		       : -1;
}
