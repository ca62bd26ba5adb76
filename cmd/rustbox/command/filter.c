/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/filter.h"

#include <regex.h>
#include <string.h>

static const struct filter_key *find_key(const struct filter_key *keys, const char *filter,
					 const char **ret_value)
{
	size_t size = strcspn(filter, "=");

	for (; keys->name; keys++) {
		if (strlen(keys->name) != size || strncmp(keys->name, filter, size) != 0)
			continue;
		*ret_value = filter[size] ? filter + size + 1 : filter + size;
		return keys;
	}
	return NULL;
}

static int set_unknown(const struct filter_key *keys, const char *filter, struct error *err)
{
	cleanup_str struct str s = STR_EMPTY;

	for (size_t i = 0; keys[i].name; i++)
		str_add_format(&s, "%s%s", i ? ", " : "", keys[i].name);
	(void)error_set(err, 0, "--filter %s: not KEY=VALUE with a key that is known here", filter);
	return error_hint(err, "keys: %s", s.text ? s.text : "none");
}

int filter_check(const struct filter_key *keys, const struct option_strings *filters,
		 struct error *err)
{
	for (size_t i = 0; i < filters->count; i++) {
		const char *value;
		const struct filter_key *key = find_key(keys, filters->items[i], &value);

		if (!key || !*value)
			return set_unknown(keys, filters->items[i], err);
		if (key->check && key->check(value, err) < 0)
			return error_wrap(err, "--filter %s", filters->items[i]);
	}
	return 0;
}

/* Whether the filters of this key let the thing through. */
static bool key_matches(const struct filter_key *keys, const struct filter_key *key,
			const struct option_strings *filters, const void *thing)
{
	bool any = false, some = false;

	for (size_t i = 0; i < filters->count; i++) {
		const char *value;

		if (find_key(keys, filters->items[i], &value) != key)
			continue;
		any = true;
		if (key->matches(thing, value))
			some = true;
		else if (key->all)
			return false;
	}
	return some || !any;
}

bool filter_matches(const struct filter_key *keys, const struct option_strings *filters,
		    const void *thing)
{
	for (const struct filter_key *key = keys; filters->count && key->name; key++)
		if (!key_matches(keys, key, filters, thing))
			return false;
	return true;
}

bool filter_has(const struct option_strings *filters, const char *key)
{
	size_t size = strlen(key);

	for (size_t i = 0; i < filters->count; i++)
		if (strncmp(filters->items[i], key, size) == 0 && filters->items[i][size] == '=')
			return true;
	return false;
}

bool filter_label(const struct json_pair *labels, size_t n, const char *value)
{
	size_t size = strcspn(value, "=");

	for (size_t i = 0; i < n; i++)
		if (strlen(labels[i].key) == size && strncmp(labels[i].key, value, size) == 0)
			return !value[size] || strcmp(labels[i].value, value + size + 1) == 0;
	return false;
}

bool filter_text(const char *text, const char *value)
{
	regex_t expression;
	bool found;

	if (!text)
		return false;
	if (strstr(text, value))
		return true;
	if (regcomp(&expression, value, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	found = regexec(&expression, text, 0, NULL, 0) == 0;
	regfree(&expression);
	return found;
}
