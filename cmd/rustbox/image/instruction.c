/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/instruction.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

#define WHITE " \t\n\v\f\r"

struct change {
	const char *rest; /* behind the instruction's name */
	struct image_settings *settings;
	struct arena *arena;
	struct error *err;
};

struct words {
	char **items;
	size_t n;
};

/* ---- words ---- */

/* Adds an element to a vector of the arena, which ends with NULL. */
static int append(struct change *c, char ***items, size_t *n, char *text)
{
	char **longer = text ? arena_array(c->arena, *n + 2, sizeof(char *), c->err) : NULL;

	if (!longer)
		return -1;
	if (*n)
		memcpy(longer, *items, *n * sizeof(char *));
	longer[(*n)++] = text;
	*items = longer;
	return 0;
}

/* One word, with its quotes and backslashes undone. NULL with err. */
static char *next_word(struct change *c, const char **at)
{
	char *out = arena_alloc(c->arena, strlen(*at) + 1, c->err), quote = '\0';
	size_t n = 0;
	const char *p = *at;

	if (!out)
		return NULL;
	for (; *p && (quote || !strchr(WHITE, *p)); p++) {
		if (quote && *p == quote)
			quote = '\0';
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			out[n++] = *++p;
		else
			out[n++] = *p;
	}
	if (quote) {
		(void)error_set(c->err, 0, "a quote is not closed: %s", *at);
		return NULL;
	}
	*at = p + strspn(p, WHITE);
	return out;
}

static int read_words(struct change *c, struct words *ret)
{
	const char *at = c->rest;

	*ret = (struct words){ NULL };
	while (*at)
		if (append(c, &ret->items, &ret->n, next_word(c, &at)) < 0)
			return -1;
	return ret->n ? 0 : error_set(c->err, 0, "nothing behind it");
}

struct json_words {
	char **items;
	size_t n_items;
};
static const struct json_field json_words_fields[] = {
	LIST(json_words, items, "items"),
	{ NULL },
};
static const struct json_type json_words_type = { sizeof(struct json_words), json_words_fields,
						  NULL };

/* ["a", "b"], or false: then it is no JSON, and means itself. */
static bool read_json(struct change *c, struct words *ret)
{
	struct json_words words = { NULL };
	struct error ignored;
	cleanup_free char *text = NULL;

	if (*c->rest != '[')
		return false;
	text = str_format(&ignored, "{\"items\":%s}", c->rest);
	if (!text ||
	    json_read(&json_words_type, text, strlen(text), &words, c->arena, &ignored) < 0)
		return false;
	*ret = (struct words){ words.items, words.n_items };
	return true;
}

/* A list, or a text for the shell. */
static int read_command(struct change *c, struct words *ret)
{
	*ret = (struct words){ NULL };
	if (read_json(c, ret))
		return 0;
	if (c->settings->n_shell) {
		for (size_t i = 0; i < c->settings->n_shell; i++)
			if (append(c, &ret->items, &ret->n, c->settings->shell[i]) < 0)
				return -1;
	} else if (append(c, &ret->items, &ret->n, arena_strdup(c->arena, "/bin/sh", c->err)) < 0 ||
		   append(c, &ret->items, &ret->n, arena_strdup(c->arena, "-c", c->err)) < 0) {
		return -1;
	}
	return append(c, &ret->items, &ret->n, arena_strdup(c->arena, c->rest, c->err));
}

/* ---- instructions ---- */

static int change_cmd(struct change *c)
{
	struct words words;

	if (read_command(c, &words) < 0)
		return -1;
	c->settings->cmd = words.items;
	c->settings->n_cmd = words.n;
	return 0;
}

static int change_entrypoint(struct change *c)
{
	struct words words;

	if (read_command(c, &words) < 0)
		return -1;
	c->settings->entrypoint = words.items;
	c->settings->n_entrypoint = words.n;
	return 0;
}

static int change_shell(struct change *c)
{
	struct words words;

	if (!read_json(c, &words) || !words.n)
		return error_set(c->err, 0, "it takes a list: [\"/bin/bash\", \"-c\"]");
	c->settings->shell = words.items;
	c->settings->n_shell = words.n;
	return 0;
}

/* NAME=VALUE …, or the old form NAME VALUE. */
static int read_pairs(struct change *c, struct words *ret)
{
	const char *space;

	if (read_words(c, ret) < 0)
		return -1;
	if (!strchr(ret->items[0], '=')) {
		space = c->rest + strcspn(c->rest, WHITE);
		if (!*space)
			return error_set(c->err, 0, "%s: a value is missing (NAME=VALUE)", c->rest);
		ret->items[0] = arena_format(c->arena, c->err, "%.*s=%s", (int)(space - c->rest),
					     c->rest, space + strspn(space, WHITE));
		ret->n = 1;
		return ret->items[0] ? 0 : -1;
	}
	for (size_t i = 0; i < ret->n; i++)
		if (!strchr(ret->items[i], '=') || ret->items[i][0] == '=')
			return error_set(c->err, 0, "%s is not NAME=VALUE", ret->items[i]);
	return 0;
}

static int set_env(struct change *c, char *pair)
{
	struct image_settings *s = c->settings;
	size_t n = strcspn(pair, "=") + 1;

	for (size_t i = 0; i < s->n_env; i++) {
		if (strncmp(s->env[i], pair, n) != 0)
			continue;
		/* The vector may be the base's, which stays as it is. */
		char **copy = arena_array(c->arena, s->n_env + 1, sizeof(char *), c->err);
		if (!copy)
			return -1;
		memcpy(copy, s->env, s->n_env * sizeof(char *));
		copy[i] = pair;
		s->env = copy;
		return 0;
	}
	return append(c, &s->env, &s->n_env, pair);
}

static int change_env(struct change *c)
{
	struct words words;

	if (read_pairs(c, &words) < 0)
		return -1;
	for (size_t i = 0; i < words.n; i++)
		if (set_env(c, words.items[i]) < 0)
			return -1;
	return 0;
}

static int set_label(struct change *c, char *pair)
{
	struct image_settings *s = c->settings;
	struct json_pair *longer = arena_array(c->arena, s->n_labels + 1, sizeof(*longer), c->err);
	char *equals = strchr(pair, '=');
	size_t n = 0;

	if (!longer)
		return -1;
	*equals = '\0';
	for (size_t i = 0; i < s->n_labels; i++)
		if (!str_equal(s->labels[i].key, pair))
			longer[n++] = s->labels[i];
	longer[n++] = (struct json_pair){ pair, equals + 1 };
	s->labels = longer;
	s->n_labels = n;
	return 0;
}

static int change_label(struct change *c)
{
	struct words words;

	if (read_pairs(c, &words) < 0)
		return -1;
	for (size_t i = 0; i < words.n; i++)
		if (set_label(c, words.items[i]) < 0)
			return -1;
	return 0;
}

static int add_key(struct change *c, struct image_empty **items, size_t *n, char *key)
{
	struct image_empty *longer = arena_array(c->arena, *n + 1, sizeof(*longer), c->err);

	if (!longer || !key)
		return -1;
	for (size_t i = 0; i < *n; i++) {
		if (str_equal((*items)[i].key, key))
			return 0;
		longer[i] = (*items)[i];
	}
	longer[(*n)++].key = key;
	*items = longer;
	return 0;
}

static bool is_port(const char *text)
{
	static const char *const protocols[] = { "", "/tcp", "/udp", "/sctp" };
	size_t n = strcspn(text, "/");
	uint64_t port;
	char number[8];

	if (n >= sizeof(number))
		return false;
	memcpy(number, text, n);
	number[n] = '\0';
	if (!str_to_uint(number, 10, UINT16_MAX, &port) || !port)
		return false;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (str_equal(text + n, protocols[i]))
			return true;
	return false;
}

static int change_expose(struct change *c)
{
	struct words words;

	if (read_words(c, &words) < 0)
		return -1;
	for (size_t i = 0; i < words.n; i++) {
		if (!is_port(words.items[i]))
			return error_set(c->err, 0, "%s is no PORT[/tcp|/udp|/sctp]",
					 words.items[i]);
		if (add_key(c, &c->settings->exposed_ports, &c->settings->n_exposed_ports,
			    arena_format(c->arena, c->err, "%s%s", words.items[i],
					 strchr(words.items[i], '/') ? "" : "/tcp")) < 0)
			return -1;
	}
	return 0;
}

static int change_volume(struct change *c)
{
	struct words words;

	if (!read_json(c, &words) && read_words(c, &words) < 0)
		return -1;
	for (size_t i = 0; i < words.n; i++) {
		if (words.items[i][0] != '/')
			return error_set(c->err, 0, "%s is no absolute path", words.items[i]);
		if (add_key(c, &c->settings->volumes, &c->settings->n_volumes, words.items[i]) < 0)
			return -1;
	}
	return 0;
}

/* One word, which may be in quotes. */
static int read_one(struct change *c, char **ret)
{
	struct words words;

	if (read_words(c, &words) < 0)
		return -1;
	if (words.n > 1)
		return error_set(c->err, 0, "it takes one word: %s", c->rest);
	*ret = words.items[0];
	return 0;
}

static int change_user(struct change *c)
{
	return read_one(c, &c->settings->user);
}

/* A relative one is below the one that was set before. */
static int change_workdir(struct change *c)
{
	const char *before = c->settings->working_dir;
	char *path;

	if (read_one(c, &path) < 0)
		return -1;
	if (*path != '/')
		path = arena_format(c->arena, c->err, "%s/%s",
				    before && !str_equal(before, "/") ? before : "", path);
	if (!path)
		return -1;
	c->settings->working_dir = path;
	return 0;
}

static int change_stopsignal(struct change *c)
{
	return read_one(c, &c->settings->stop_signal);
}

/* ---- HEALTHCHECK [--interval=…] NONE | CMD command ---- */

/* "1m30s" and the like, nanoseconds. */
static int read_duration(struct change *c, const char *text, int64_t *ret)
{
	static const struct {
		const char *unit;
		int64_t nanoseconds;
	} units[] = {
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", 60 * 1000000000LL },
		{ "h", 3600 * 1000000000LL },
	};
	int64_t sum = 0;

	for (const char *p = text; *p || p == text;) {
		char number[12];
		size_t digits = strspn(p, "0123456789"), i = 0;
		uint64_t value;

		if (!digits || digits >= sizeof(number))
			return error_set(c->err, 0, "%s is no time such as 30s or 1m30s", text);
		memcpy(number, p, digits);
		number[digits] = '\0';
		p += digits;
		while (i < sizeof(units) / sizeof(units[0]) && !str_starts_with(p, units[i].unit))
			i++;
		if (i == sizeof(units) / sizeof(units[0]) ||
		    !str_to_uint(number, 10, 1000000, &value))
			return error_set(c->err, 0, "%s is no time such as 30s or 1m30s", text);
		p += strlen(units[i].unit);
		sum += (int64_t)value * units[i].nanoseconds;
	}
	*ret = sum;
	return 0;
}

static int read_health_option(struct change *c, struct image_health *health, const char *option)
{
	const struct {
		const char *name;
		int64_t *value;
	} rows[] = {
		{ "--interval=", &health->interval },
		{ "--timeout=", &health->timeout },
		{ "--start-period=", &health->start_period },
		{ "--start-interval=", &health->start_interval },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_starts_with(option, rows[i].name))
			return read_duration(c, option + strlen(rows[i].name), rows[i].value);
	if (str_starts_with(option, "--retries=") &&
	    str_to_int(option + strlen("--retries="), 1, 1000000, &health->retries))
		return 0;
	return error_set(c->err, 0, "%s is not one of its options", option);
}

static int change_healthcheck(struct change *c)
{
	struct image_health *health = arena_alloc(c->arena, sizeof(*health), c->err);
	struct words command = { NULL };
	bool is_none;
	char *word;

	if (!health)
		return -1;
	while (str_starts_with(c->rest, "--")) {
		word = next_word(c, &c->rest);
		if (!word || read_health_option(c, health, word) < 0)
			return -1;
	}
	is_none = strcasecmp(c->rest, "NONE") == 0;
	if (!is_none && strncasecmp(c->rest, "CMD ", 4) != 0)
		return error_set(c->err, 0, "CMD and a command, or NONE, is wanted");
	c->settings->health = health;
	if (is_none)
		return append(c, &health->test, &health->n_test,
			      arena_strdup(c->arena, "NONE", c->err));
	c->rest += strlen("CMD");
	c->rest += strspn(c->rest, WHITE);
	if (!read_json(c, &command) &&
	    append(c, &command.items, &command.n, arena_strdup(c->arena, c->rest, c->err)) < 0)
		return -1;
	if (append(c, &health->test, &health->n_test,
		   arena_strdup(c->arena, *c->rest == '[' ? "CMD" : "CMD-SHELL", c->err)) < 0)
		return -1;
	for (size_t i = 0; i < command.n; i++)
		if (append(c, &health->test, &health->n_test, command.items[i]) < 0)
			return -1;
	return 0;
}

/* ---- the table ---- */

static const struct {
	const char *name;
	int (*apply)(struct change *c);
} rows[] = {
	{ "CMD", change_cmd },	       { "ENTRYPOINT", change_entrypoint },
	{ "ENV", change_env },	       { "EXPOSE", change_expose },
	{ "LABEL", change_label },     { "HEALTHCHECK", change_healthcheck },
	{ "SHELL", change_shell },     { "STOPSIGNAL", change_stopsignal },
	{ "USER", change_user },       { "VOLUME", change_volume },
	{ "WORKDIR", change_workdir },
};

int instruction_apply(const char *instruction, struct image_settings *settings, struct arena *arena,
		      struct error *err)
{
	struct change c = { .settings = settings, .arena = arena, .err = err };
	size_t n = strcspn(instruction, WHITE);
	char *trimmed = arena_strdup(arena, instruction + n, err);

	if (!trimmed)
		return -1;
	c.rest = trimmed + strspn(trimmed, WHITE);
	for (size_t end = strlen(trimmed); end && strchr(WHITE, trimmed[end - 1]);)
		trimmed[--end] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strlen(rows[i].name) != n || strncasecmp(rows[i].name, instruction, n) != 0)
			continue;
		if (rows[i].apply(&c) < 0)
			return error_wrap(err, "--change %s", instruction);
		return 0;
	}
	(void)error_set(err, 0, "--change %.300s: not an instruction that changes settings",
			instruction);
	return error_hint(err, "CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, SHELL, "
			       "STOPSIGNAL, USER, VOLUME, WORKDIR are");
}
