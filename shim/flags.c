/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/flags.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"

enum flag_kind { FLAG_TEXT, FLAG_BOOL, FLAG_ACTION, FLAG_UNUSED };

static const struct flag_row {
	const char *name;
	enum flag_kind kind;
	size_t offset;		 /* TEXT, BOOL */
	enum shim_action action; /* ACTION */
} flag_rows[] = {
	{ "namespace", FLAG_TEXT, offsetof(struct shim_flags, namespace) },
	{ "id", FLAG_TEXT, offsetof(struct shim_flags, id) },
	{ "address", FLAG_TEXT, offsetof(struct shim_flags, address) },
	{ "publish-binary", FLAG_TEXT, offsetof(struct shim_flags, publish_binary) },
	{ "bundle", FLAG_TEXT, offsetof(struct shim_flags, bundle) },
	{ "socket", FLAG_UNUSED },
	{ "debug-socket", FLAG_UNUSED },
	{ "debug", FLAG_BOOL, offsetof(struct shim_flags, debug) },
	{ "info", FLAG_ACTION, .action = SHIM_INFO },
	{ "v", FLAG_ACTION, .action = SHIM_VERSION },
	{ "version", FLAG_ACTION, .action = SHIM_VERSION },
	{ "h", FLAG_ACTION, .action = SHIM_HELP },
	{ "help", FLAG_ACTION, .action = SHIM_HELP },
	{ NULL },
};

static const struct action_row {
	const char *name;
	enum shim_action action;
} action_rows[] = { { "start", SHIM_START }, { "delete", SHIM_DELETE }, { NULL } };

/* What Go's strconv.ParseBool takes. */
static const char *const words[2][7] = { { "0", "f", "F", "false", "FALSE", "False", NULL },
					 { "1", "t", "T", "true", "TRUE", "True", NULL } };

static bool parse_bool(const char *text, bool *ret)
{
	for (int value = 0; value < 2; value++)
		for (size_t i = 0; words[value][i]; i++)
			if (strcmp(text, words[value][i]) == 0) {
				*ret = value;
				return true;
			}
	return false;
}

static const struct flag_row *find_flag(const char *name, size_t n)
{
	for (const struct flag_row *row = flag_rows; row->name; row++)
		if (strlen(row->name) == n && memcmp(row->name, name, n) == 0)
			return row;
	return NULL;
}

static const struct action_row *find_action(const char *name)
{
	for (const struct action_row *row = action_rows; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

/*
 * A flag that we do not know may have a value as its next argument; what looks
 * like a flag or an action is none.
 */
static bool is_value(const char *argument)
{
	return argument && argument[0] != '-' && !find_action(argument);
}

static int set_flag(const struct flag_row *row, const char *value, struct shim_flags *out,
		    struct error *err)
{
	void *member = (char *)out + row->offset;
	bool on = true;

	if (row->kind == FLAG_TEXT)
		*(const char **)member = value;
	if (row->kind == FLAG_TEXT || row->kind == FLAG_UNUSED)
		return 0;
	if (value && !parse_bool(value, &on))
		return error_set(err, 0, "-%s: \"%s\" is neither true nor false", row->name, value);
	if (row->kind == FLAG_BOOL)
		*(bool *)member = on;
	else if (on)
		out->action = row->action;
	return 0;
}

/* Reads the flag at *cursor, and moves behind it and its value. */
static int read_flag(char ***cursor, struct shim_flags *out, struct error *err)
{
	const char *argument = *(*cursor)++;
	const char *name = argument + (argument[1] == '-' ? 2 : 1);
	size_t n = strcspn(name, "=");
	const char *value = name[n] == '=' ? name + n + 1 : NULL;
	const struct flag_row *row = find_flag(name, n);

	if (n == 0 || name[0] == '-')
		return error_set(err, 0, "\"%s\" is no flag", argument);
	if (!row) {
		if (!value && is_value(**cursor))
			(*cursor)++;
		return 0;
	}
	if ((row->kind == FLAG_TEXT || row->kind == FLAG_UNUSED) && !value) {
		value = **cursor;
		if (!value)
			return error_set(err, 0, "-%s needs a value", row->name);
		(*cursor)++;
	}
	return set_flag(row, value, out, err);
}

int shim_flags_read(char **argv, struct shim_flags *ret, struct error *err)
{
	struct shim_flags flags = { .action = SHIM_SERVE };
	char **cursor = argv[0] ? argv + 1 : argv;

	while (*cursor && (*cursor)[0] == '-' && (*cursor)[1]) {
		if (strcmp(*cursor, "--") == 0) {
			cursor++;
			break;
		}
		if (read_flag(&cursor, &flags, err) < 0)
			return -1;
	}
	if (*cursor && flags.action == SHIM_SERVE) {
		const struct action_row *row = find_action(*cursor);
		if (!row)
			return error_set(err, 0,
					 "\"%s\" is no action of a shim: start or delete, or none "
					 "to serve",
					 *cursor);
		flags.action = row->action;
	}
	*ret = flags;
	return 0;
}

static int check_name(const char *flag, const char *name, struct error *err)
{
	if (!name || !*name)
		return error_set(err, 0,
				 "-%s is missing: shims are started by containerd, not by hand",
				 flag);
	if (*name == '-')
		return error_set(err, EINVAL, "-%s \"%s\": begins like a flag", flag, name);
	if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(err, EINVAL, "-%s \"%s\": no name of a file", flag, name);
	return 0;
}

int shim_flags_check(const struct shim_flags *flags, struct error *err)
{
	if (check_name("namespace", flags->namespace, err) < 0 ||
	    check_name("id", flags->id, err) < 0)
		return -1;
	return 0;
}
