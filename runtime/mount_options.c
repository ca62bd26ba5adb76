/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/mount_options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/str.h"
#include "runtime/mount.h"

#define SOURCE_NAMESPACE "source-namespace="

enum action {
	NOTHING,     /* for mount(8) and its callers only, or without effect since long ago */
	ATTRIBUTE,   /* set, clear */
	PROPAGATION, /* set: its type */
	PARAMETER,   /* handed to fsconfig(2) under its own name */
	BIND,
	REMOUNT,
	COPY_UP,
	COPY_SYMLINK,
	SOURCE_NOFOLLOW,
	DESTINATION_NOFOLLOW,
	IDMAP,
};

struct option {
	const char *name;
	enum action action;
	bool recursive;
	uint64_t set, clear;
};

/* An access time kind replaces the one before. relatime, the kernel's default, is 0. */
#define ATIME(kind) (kind), MOUNT_ATTR__ATIME

/*
 * Sorted by name. norelatime changes nothing: without relatime the kernel uses
 * relatime all the same. iversion and silent cannot be said to fsconfig(2)
 * and say nothing about the container.
 */
static const struct option options[] = {
	{ "_netdev", NOTHING },
	{ "async", PARAMETER },
	{ "atime", ATTRIBUTE, false, ATIME(MOUNT_ATTR_RELATIME) },
	{ "auto", NOTHING },
	{ "bind", BIND },
	{ "copy-symlink", COPY_SYMLINK },
	{ "defaults", NOTHING },
	{ "dest-nofollow", DESTINATION_NOFOLLOW },
	{ "dev", ATTRIBUTE, false, 0, MOUNT_ATTR_NODEV },
	{ "diratime", ATTRIBUTE, false, 0, MOUNT_ATTR_NODIRATIME },
	{ "dirsync", PARAMETER },
	{ "exec", ATTRIBUTE, false, 0, MOUNT_ATTR_NOEXEC },
	{ "idmap", IDMAP },
	{ "iversion", NOTHING },
	{ "lazytime", PARAMETER },
	{ "loud", NOTHING },
	{ "mand", PARAMETER },
	{ "noatime", ATTRIBUTE, false, ATIME(MOUNT_ATTR_NOATIME) },
	{ "noauto", NOTHING },
	{ "nodev", ATTRIBUTE, false, MOUNT_ATTR_NODEV, 0 },
	{ "nodiratime", ATTRIBUTE, false, MOUNT_ATTR_NODIRATIME, 0 },
	{ "noexec", ATTRIBUTE, false, MOUNT_ATTR_NOEXEC, 0 },
	{ "nofail", NOTHING },
	{ "noiversion", NOTHING },
	{ "nolazytime", PARAMETER },
	{ "nomand", PARAMETER },
	{ "norelatime", NOTHING },
	{ "nostrictatime", ATTRIBUTE, false, ATIME(MOUNT_ATTR_RELATIME) },
	{ "nosuid", ATTRIBUTE, false, MOUNT_ATTR_NOSUID, 0 },
	{ "nosymfollow", ATTRIBUTE, false, MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "private", PROPAGATION, false, MS_PRIVATE },
	{ "ratime", ATTRIBUTE, true, ATIME(MOUNT_ATTR_RELATIME) },
	{ "rbind", BIND, true },
	{ "rdev", ATTRIBUTE, true, 0, MOUNT_ATTR_NODEV },
	{ "rdiratime", ATTRIBUTE, true, 0, MOUNT_ATTR_NODIRATIME },
	{ "relatime", ATTRIBUTE, false, ATIME(MOUNT_ATTR_RELATIME) },
	{ "remount", REMOUNT },
	{ "rexec", ATTRIBUTE, true, 0, MOUNT_ATTR_NOEXEC },
	{ "ridmap", IDMAP, true },
	{ "rnoatime", ATTRIBUTE, true, ATIME(MOUNT_ATTR_NOATIME) },
	{ "rnodev", ATTRIBUTE, true, MOUNT_ATTR_NODEV, 0 },
	{ "rnodiratime", ATTRIBUTE, true, MOUNT_ATTR_NODIRATIME, 0 },
	{ "rnoexec", ATTRIBUTE, true, MOUNT_ATTR_NOEXEC, 0 },
	{ "rnorelatime", NOTHING },
	{ "rnostrictatime", ATTRIBUTE, true, ATIME(MOUNT_ATTR_RELATIME) },
	{ "rnosuid", ATTRIBUTE, true, MOUNT_ATTR_NOSUID, 0 },
	{ "rnosymfollow", ATTRIBUTE, true, MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "ro", ATTRIBUTE, false, MOUNT_ATTR_RDONLY, 0 },
	{ "rprivate", PROPAGATION, true, MS_PRIVATE },
	{ "rrelatime", ATTRIBUTE, true, ATIME(MOUNT_ATTR_RELATIME) },
	{ "rro", ATTRIBUTE, true, MOUNT_ATTR_RDONLY, 0 },
	{ "rrw", ATTRIBUTE, true, 0, MOUNT_ATTR_RDONLY },
	{ "rshared", PROPAGATION, true, MS_SHARED },
	{ "rslave", PROPAGATION, true, MS_SLAVE },
	{ "rstrictatime", ATTRIBUTE, true, ATIME(MOUNT_ATTR_STRICTATIME) },
	{ "rsuid", ATTRIBUTE, true, 0, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", ATTRIBUTE, true, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "runbindable", PROPAGATION, true, MS_UNBINDABLE },
	{ "rw", ATTRIBUTE, false, 0, MOUNT_ATTR_RDONLY },
	{ "shared", PROPAGATION, false, MS_SHARED },
	{ "silent", NOTHING },
	{ "slave", PROPAGATION, false, MS_SLAVE },
	{ "src-nofollow", SOURCE_NOFOLLOW },
	{ "strictatime", ATTRIBUTE, false, ATIME(MOUNT_ATTR_STRICTATIME) },
	{ "suid", ATTRIBUTE, false, 0, MOUNT_ATTR_NOSUID },
	{ "symfollow", ATTRIBUTE, false, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "sync", PARAMETER },
	{ "tmpcopyup", COPY_UP },
	{ "unbindable", PROPAGATION, false, MS_UNBINDABLE },
};
enum { N_OPTIONS = sizeof(options) / sizeof(options[0]) };

const char *const *mount_option_names(void)
{
	static const char *names[N_OPTIONS + 1];

	for (size_t i = 0; i < N_OPTIONS; i++)
		names[i] = options[i].name;
	return names;
}

static int compare_names(const void *name, const void *option)
{
	return strcmp(name, ((const struct option *)option)->name);
}

static const struct option *find_option(const char *word)
{
	return bsearch(word, options, N_OPTIONS, sizeof(options[0]), compare_names);
}

static void add_flags(struct mount_flags *flags, const struct option *option)
{
	/* The access time kind is a number, its mask stays among the cleared bits. */
	flags->set = (flags->set & ~option->clear) | option->set;
	flags->clear |= option->clear;
	flags->clear &= ~(option->set & ~(uint64_t)MOUNT_ATTR__ATIME);
}

static void add_option(struct mount_options *ret, const struct option *option)
{
	switch (option->action) {
	case NOTHING:
		break;
	case ATTRIBUTE:
		add_flags(option->recursive ? &ret->below : &ret->here, option);
		break;
	case PROPAGATION:
		ret->propagations[ret->n_propagations++] =
			(struct mount_propagation){ option->set, option->recursive };
		break;
	case PARAMETER:
		ret->parameters[ret->n_parameters++] =
			(struct mount_parameter){ .key = option->name, .is_generic = true };
		break;
	case BIND:
		ret->bind = true;
		ret->recursive = option->recursive;
		break;
	case REMOUNT:
		ret->remount = true;
		break;
	case COPY_UP:
		ret->copy_up = true;
		break;
	case COPY_SYMLINK:
		ret->copy_symlink = true;
		break;
	case SOURCE_NOFOLLOW:
		ret->source_nofollow = true;
		break;
	case DESTINATION_NOFOLLOW:
		ret->destination_nofollow = true;
		break;
	case IDMAP:
		ret->idmap = true;
		ret->idmap_recursive = option->recursive;
		break;
	}
}

/* Up to the next comma that is neither escaped nor quoted, as file systems split their data. */
static size_t parameter_length(const char *text)
{
	bool quoted = false;
	size_t n = 0;

	for (; text[n] && (quoted || text[n] != ','); n++) {
		if (text[n] == '\\' && text[n + 1])
			n++;
		else if (text[n] == '"')
			quoted = !quoted;
	}
	return n;
}

/* key, key=value or key="value" */
static int add_parameter(struct mount_options *ret, const char *text, size_t size,
			 struct arena *arena, struct error *err)
{
	char *key = arena_strndup(arena, text, size, err);
	char *value = key ? strchr(key, '=') : NULL;

	if (!key)
		return -1;
	if (value == key)
		return error_set(err, EINVAL, "option \"%s\" begins with \"=\"", key);
	if (value)
		*value++ = '\0';
	if (value && *value == '"' && str_ends_with(value + 1, "\"")) {
		value[strlen(value) - 1] = '\0';
		value++;
	}
	ret->parameters[ret->n_parameters++] =
		(struct mount_parameter){ .key = key, .value = value };
	return 0;
}

static size_t count_commas(char *const *words, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		for (const char *p = words[i]; *p; p++)
			n += *p == ',';
	}
	return n;
}

static int add_unknown(struct mount_options *ret, const char *word, struct arena *arena,
		       struct error *err)
{
	while (*word) {
		size_t n = parameter_length(word);

		if (n && add_parameter(ret, word, n, arena, err) < 0)
			return -1;
		word += n + (word[n] == ',');
	}
	return 0;
}

static void add_mappings(struct mount_options *ret, const char *word)
{
	ret->idmap = true;
	ret->idmap_recursive = *word == 'r';
	ret->mappings = strchr(word, '=') + 1;
}

int mount_options_parse(char *const *words, size_t count, struct arena *arena,
			struct mount_options *ret, struct error *err)
{
	*ret = (struct mount_options){ 0 };
	ret->propagations = arena_array(arena, count, sizeof(*ret->propagations), err);
	ret->parameters = arena_array(arena, count + count_commas(words, count),
				      sizeof(*ret->parameters), err);
	if (!ret->propagations || !ret->parameters)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct option *option = find_option(words[i]);

		if (option)
			add_option(ret, option);
		else if (str_starts_with(words[i], "idmap=") ||
			 str_starts_with(words[i], "ridmap="))
			add_mappings(ret, words[i]);
		else if (str_starts_with(words[i], SOURCE_NAMESPACE))
			ret->source_namespace = words[i] + strlen(SOURCE_NAMESPACE);
		else if (add_unknown(ret, words[i], arena, err) < 0)
			return -1;
	}
	return 0;
}

const struct mount_parameter *mount_options_find(const struct mount_options *opts, const char *key)
{
	for (size_t i = opts->n_parameters; i-- > 0;) {
		if (!opts->parameters[i].is_generic && str_equal(opts->parameters[i].key, key))
			return &opts->parameters[i];
	}
	return NULL;
}

bool mount_options_is_bind(const struct spec_mount *mount)
{
	if (str_equal(mount->type, "bind") || str_equal(mount->type, "rbind"))
		return true;
	for (size_t i = 0; i < mount->n_options; i++) {
		const struct option *option = find_option(mount->options[i]);

		if (option && option->action == BIND)
			return true;
	}
	return false;
}
