/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/device.h"

/* ---- rules -------------------------------------------------------------------------------- */

void cgroup_device_rules_done(struct cgroup_device_rules *rules)
{
	free(rules->rules);
	*rules = (struct cgroup_device_rules)CGROUP_DEVICE_RULES_EMPTY;
}
#define cleanup_rules __attribute__((cleanup(cgroup_device_rules_done)))

static bool is_about_everything(const struct cgroup_device_rule *rule)
{
	return rule->types == CGROUP_DEVICE_BOTH && rule->access == CGROUP_DEVICE_ALL &&
	       rule->major == CGROUP_DEVICE_ANY && rule->minor == CGROUP_DEVICE_ANY;
}

static int append(struct cgroup_device_rules *rules, struct cgroup_device_rule rule,
		  struct error *err)
{
	if (mem_grow((void **)&rules->rules, rules->count, &rules->capacity, sizeof(rule), err) < 0)
		return -1;
	rules->rules[rules->count++] = rule;
	return 0;
}

int cgroup_device_rules_add(struct cgroup_device_rules *rules, struct cgroup_device_rule rule,
			    struct error *err)
{
	if (rule.access == 0)
		return 0;
	if (is_about_everything(&rule)) {
		rules->allow_by_default = rule.allow;
		rules->count = 0;
		return 0;
	}
	return append(rules, rule, err);
}

static const struct letter {
	char letter;
	unsigned int bits;
} type_letters[] = { { 'c', CGROUP_DEVICE_CHAR },
		     { 'u', CGROUP_DEVICE_CHAR },
		     { 'b', CGROUP_DEVICE_BLOCK },
		     { 'a', CGROUP_DEVICE_BOTH },
		     { '\0', 0 } },
  access_letters[] = { { 'r', CGROUP_DEVICE_READ },
		       { 'w', CGROUP_DEVICE_WRITE },
		       { 'm', CGROUP_DEVICE_MKNOD },
		       { '\0', 0 } };

static unsigned int bits_of(const struct letter *letters, const char *text)
{
	unsigned int bits = 0;

	for (; *text; text++)
		for (const struct letter *l = letters; l->letter; l++)
			if (l->letter == *text)
				bits |= l->bits;
	return bits;
}

static int add_number_or_any(const struct json_int *number, int64_t *ret, struct error *err)
{
	*ret = number->set && number->value >= 0 ? number->value : CGROUP_DEVICE_ANY;
	if (*ret > UINT32_MAX)
		return error_set(err, ERANGE, "device number %lld", (long long)*ret);
	return 0;
}

static int add_spec_rule(const struct spec_device_rule *from, struct cgroup_device_rules *to,
			 struct error *err)
{
	struct cgroup_device_rule rule = {
		.allow = from->allow,
		.types = from->type ? bits_of(type_letters, from->type) : CGROUP_DEVICE_BOTH,
		.access = from->access && *from->access ? bits_of(access_letters, from->access)
							: CGROUP_DEVICE_ALL,
	};

	if (add_number_or_any(&from->major, &rule.major, err) < 0 ||
	    add_number_or_any(&from->minor, &rule.minor, err) < 0)
		return -1;
	if (rule.types == 0)
		return error_set(err, EINVAL, "device type \"%s\"", from->type);
	return cgroup_device_rules_add(to, rule, err);
}

/* What every container may do besides the default nodes of runtime/device.h. */
static const struct cgroup_device_rule default_rules[] = {
	/* Nodes of any device may be made: using them is another matter. */
	{ true, CGROUP_DEVICE_BOTH, CGROUP_DEVICE_MKNOD, CGROUP_DEVICE_ANY, CGROUP_DEVICE_ANY },
	/* Its pseudo-terminals: the slaves, and /dev/ptmx. */
	{ true, CGROUP_DEVICE_CHAR, CGROUP_DEVICE_ALL, 136, CGROUP_DEVICE_ANY },
	{ true, CGROUP_DEVICE_CHAR, CGROUP_DEVICE_ALL, 5, 2 },
};

int cgroup_device_rules_of_spec(const struct spec_device_rule *rules, size_t n_rules,
				struct cgroup_device_rules *ret, struct error *err)
{
	cleanup_rules struct cgroup_device_rules made = CGROUP_DEVICE_RULES_EMPTY;

	for (size_t i = 0; i < n_rules; i++)
		if (add_spec_rule(&rules[i], &made, err) < 0)
			return error_wrap(err, "linux.resources.devices[%zu]", i);
	for (size_t i = 0; i < sizeof(default_rules) / sizeof(default_rules[0]); i++)
		if (cgroup_device_rules_add(&made, default_rules[i], err) < 0)
			return -1;
	for (size_t i = 0; i < device_defaults_count; i++) {
		const struct cgroup_device_rule rule = { true, CGROUP_DEVICE_CHAR,
							 CGROUP_DEVICE_ALL,
							 device_defaults[i].major,
							 device_defaults[i].minor };
		if (cgroup_device_rules_add(&made, rule, err) < 0)
			return -1;
	}
	*ret = made;
	made = (struct cgroup_device_rules)CGROUP_DEVICE_RULES_EMPTY;
	return 0;
}

/* ---- v1's form ---------------------------------------------------------------------------- */

static bool number_covers(int64_t wide, int64_t narrow)
{
	return wide == CGROUP_DEVICE_ANY || wide == narrow;
}

static bool numbers_meet(int64_t a, int64_t b)
{
	return a == CGROUP_DEVICE_ANY || b == CGROUP_DEVICE_ANY || a == b;
}

static bool same_devices(const struct cgroup_device_rule *a, const struct cgroup_device_rule *b)
{
	return a->types == b->types && a->major == b->major && a->minor == b->minor;
}

static struct cgroup_device_rule *find_exception(const struct cgroup_device_rules *rules,
						 const struct cgroup_device_rule *like)
{
	for (size_t i = 0; i < rules->count; i++)
		if (same_devices(&rules->rules[i], like))
			return &rules->rules[i];
	return NULL;
}

/* The text that devices.allow, .deny and .list have. */
static void rule_text(const struct cgroup_device_rule *rule, char out[64])
{
	char numbers[2][24] = { "*", "*" }, access[4], *at = access;

	if (rule->major != CGROUP_DEVICE_ANY)
		(void)snprintf(numbers[0], sizeof(numbers[0]), "%lld", (long long)rule->major);
	if (rule->minor != CGROUP_DEVICE_ANY)
		(void)snprintf(numbers[1], sizeof(numbers[1]), "%lld", (long long)rule->minor);
	for (const struct letter *l = access_letters; l->letter; l++)
		if (rule->access & l->bits)
			*at++ = l->letter;
	*at = '\0';
	(void)snprintf(out, 64, "%c %s:%s %s", rule->types == CGROUP_DEVICE_BLOCK ? 'b' : 'c',
		       numbers[0], numbers[1], access);
}

/* Takes the rule's bits out of the exceptions: it says again what the default says. */
static int take_back(struct cgroup_device_rules *rules, const struct cgroup_device_rule *rule,
		     struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < rules->count; i++) {
		struct cgroup_device_rule *e = &rules->rules[i];
		bool meets = e->types == rule->types && numbers_meet(e->major, rule->major) &&
			     numbers_meet(e->minor, rule->minor) && (e->access & rule->access);

		if (meets && number_covers(rule->major, e->major) &&
		    number_covers(rule->minor, e->minor)) {
			e->access &= ~rule->access;
		} else if (meets) {
			char one[64], other[64];
			rule_text(rule, one);
			rule_text(e, other);
			return error_set(err, ENOTSUP,
					 "cgroup v1 cannot %s \"%s\" as an exception of \"%s\"",
					 rule->allow ? "allow" : "deny", one, other);
		}
		if (e->access)
			rules->rules[kept++] = *e;
	}
	rules->count = kept;
	return 0;
}

static int apply_exception(struct cgroup_device_rules *rules, struct cgroup_device_rule rule,
			   struct error *err)
{
	struct cgroup_device_rule *old;

	if (rule.allow == rules->allow_by_default)
		return take_back(rules, &rule, err);
	old = find_exception(rules, &rule);
	if (!old)
		return append(rules, rule, err);
	old->access |= rule.access;
	return 0;
}

int cgroup_device_exceptions(const struct cgroup_device_rules *rules,
			     struct cgroup_device_rules *ret, struct error *err)
{
	cleanup_rules struct cgroup_device_rules made = { rules->allow_by_default, NULL, 0, 0 };
	static const unsigned int types[] = { CGROUP_DEVICE_CHAR, CGROUP_DEVICE_BLOCK };

	for (size_t i = 0; i < rules->count; i++)
		for (size_t j = 0; j < sizeof(types) / sizeof(types[0]); j++) {
			struct cgroup_device_rule rule = rules->rules[i];
			rule.types &= types[j];
			if (rule.types && apply_exception(&made, rule, err) < 0)
				return -1;
		}
	*ret = made;
	made = (struct cgroup_device_rules)CGROUP_DEVICE_RULES_EMPTY;
	return 0;
}

static bool parse_number(const char *text, int64_t *ret)
{
	uint64_t number;

	if (str_equal(text, "*"))
		*ret = CGROUP_DEVICE_ANY;
	else if (str_to_uint(text, 10, UINT32_MAX, &number))
		*ret = (int64_t)number;
	else
		return false;
	return true;
}

/* "c 136:* rwm", changed. */
static bool parse_line(char *line, struct cgroup_device_rule *ret)
{
	char *type = strsep(&line, " "), *numbers = strsep(&line, " ");
	char *major = strsep(&numbers, ":");

	if (!type || !major || !numbers || !line)
		return false;
	*ret = (struct cgroup_device_rule){ .allow = true,
					    .types = bits_of(type_letters, type),
					    .access = bits_of(access_letters, line) };
	return ret->types && ret->access && parse_number(major, &ret->major) &&
	       parse_number(numbers, &ret->minor);
}

int cgroup_device_list_parse(const char *text, struct cgroup_device_rules *ret, struct error *err)
{
	cleanup_rules struct cgroup_device_rules made = CGROUP_DEVICE_RULES_EMPTY;
	cleanup_free char *copy = strdup(text);
	char *rest = copy;

	if (!copy)
		return error_memory(err);
	for (char *line; (line = strsep(&rest, "\n"));) {
		struct cgroup_device_rule rule;
		if (parse_line(line, &rule) && cgroup_device_rules_add(&made, rule, err) < 0)
			return -1;
	}
	*ret = made;
	made = (struct cgroup_device_rules)CGROUP_DEVICE_RULES_EMPTY;
	return 0;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* *file is the opened devices.allow or devices.deny, or -1 before the first rule. */
static int write_exception(const struct cgroup_dir *dir, bool allow, int *file,
			   const struct cgroup_device_rule *rule, struct error *err)
{
	const char *name = allow ? "devices.allow" : "devices.deny";
	char text[64];

	rule_text(rule, text);
	if (*file < 0)
		*file = openat(dir->fd, name, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
	if (*file >= 0 && write(*file, text, strlen(text)) == (ssize_t)strlen(text))
		return 0;
	/* Once more, for the message. */
	if (cgroup_write(dir, name, text, err) == 0)
		return 0;
	if (err->code == EPERM && allow)
		error_hint(err, "the cgroup above must allow it, too");
	return -1;
}

/* Writes what the exceptions `from` have and `without` has not. */
static int write_difference(const struct cgroup_dir *dir, bool allow,
			    const struct cgroup_device_rules *from,
			    const struct cgroup_device_rules *without, struct error *err)
{
	cleanup_fd int file = -1;

	for (size_t i = 0; i < from->count; i++) {
		struct cgroup_device_rule rule = from->rules[i];
		const struct cgroup_device_rule *other = find_exception(without, &rule);

		if (other)
			rule.access &= ~other->access;
		if (rule.access && write_exception(dir, allow, &file, &rule, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * Only what differs, and what is new before what is dropped, so that a running
 * container keeps the devices that it has on both sides. devices.list does not
 * show exceptions from "everything is allowed": then it begins anew.
 */
int cgroup_device_write_v1(const struct cgroup_dir *dir, const struct cgroup_device_rules *rules,
			   struct error *err)
{
	cleanup_rules struct cgroup_device_rules now = CGROUP_DEVICE_RULES_EMPTY;
	cleanup_rules struct cgroup_device_rules wanted = CGROUP_DEVICE_RULES_EMPTY;
	cleanup_free char *list = cgroup_read_text(dir, "devices.list");

	if (!list)
		return error_set(err, errno, "read %s/devices.list", dir->path);
	if (cgroup_device_list_parse(list, &now, err) < 0 ||
	    cgroup_device_exceptions(rules, &wanted, err) < 0)
		return -1;
	if (now.allow_by_default || wanted.allow_by_default) {
		if (cgroup_write(dir, wanted.allow_by_default ? "devices.allow" : "devices.deny",
				 "a", err) < 0)
			return -1;
		now.count = 0;
	}
	if (write_difference(dir, !wanted.allow_by_default, &wanted, &now, err) < 0)
		return -1;
	return write_difference(dir, wanted.allow_by_default, &now, &wanted, err);
}

static int set_v2(const struct cgroup_dir *dir, const struct cgroup_device_rules *rules,
		  struct error *err)
{
	cleanup_free struct bpf_insn *program = NULL;
	size_t count = 0;

	if (cgroup_device_program(rules, &program, &count, err) < 0)
		return -1;
	return cgroup_device_attach(dir, program, count, err);
}

int cgroup_set_devices(const struct cgroup *cgroup, const struct spec_device_rule *rules,
		       size_t n_rules, struct error *err)
{
	cleanup_rules struct cgroup_device_rules all = CGROUP_DEVICE_RULES_EMPTY;
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;
	const struct cgroup_directory *directory = cgroup_find_v1(cgroup, "devices");
	bool v1 = directory != NULL;
	int r;

	if (cgroup_device_rules_of_spec(rules, n_rules, &all, err) < 0)
		return -1;
	if (!directory)
		directory = cgroup_find_v2(cgroup);
	if (!directory)
		r = error_set(err, ENOENT,
			      "this machine has neither cgroup v2 nor the devices "
			      "controller");
	else if (cgroup_dir_open(directory, &dir) < 0)
		r = error_set(err, errno, "open %s", directory->path);
	else
		r = v1 ? cgroup_device_write_v1(&dir, &all, err) : set_v2(&dir, &all, err);
	if (r == 0)
		return 0;
	/* Without privilege over devices the kernel's own checks are what protects them. */
	if (cgroup->tolerant && (err->code == EPERM || err->code == EACCES || err->code == EROFS ||
				 err->code == ENOENT || err->code == EINVAL)) {
		log_debug("device rules left out: %s", err->text);
		return 0;
	}
	return error_wrap(err, "set linux.resources.devices");
}
