/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/resolv_conf.h"

#include <string.h>

struct line {
	const char *start;
	size_t size;
};

static bool next_line(const char **cursor, struct line *ret)
{
	if (!**cursor)
		return false;
	ret->start = *cursor;
	ret->size = strcspn(*cursor, "\n");
	*cursor += ret->size + ((*cursor)[ret->size] == '\n');
	return true;
}

/* What is behind the keyword, or NULL. */
static const char *value_of(const struct line *line, const char *keyword, size_t *ret_size)
{
	size_t n = strlen(keyword);

	if (line->size <= n || memcmp(line->start, keyword, n) != 0 ||
	    !strchr(" \t", line->start[n]))
		return NULL;
	n += strspn(line->start + n, " \t");
	if (n > line->size)
		n = line->size;
	*ret_size = line->size - n;
	return line->start + n;
}

static bool is_loopback(const char *address, size_t size)
{
	return (size >= 4 && memcmp(address, "127.", 4) == 0) ||
	       (size >= 3 && memcmp(address, "::1", 3) == 0 &&
		(size == 3 || strchr(" \t\r%", address[3])));
}

bool resolv_conf_is_stub(const char *text)
{
	struct line line;
	bool found = false;

	while (next_line(&text, &line)) {
		size_t size;
		const char *address = value_of(&line, "nameserver", &size);

		if (!address)
			continue;
		if (!is_loopback(address, size))
			return false;
		found = true;
	}
	return found;
}

static bool add_texts(struct str *out, const char *keyword, char *const *items, size_t n)
{
	if (!n)
		return false;
	str_add(out, keyword);
	for (size_t i = 0; i < n; i++)
		str_add_format(out, " %s", items[i]);
	str_add(out, "\n");
	return true;
}

/* The host's lines of one keyword. */
static bool add_host_lines(struct str *out, const char *host, const char *keyword, bool no_loopback)
{
	struct line line;
	bool added = false;

	while (next_line(&host, &line)) {
		size_t size;
		const char *value = value_of(&line, keyword, &size);

		if (!value || (no_loopback && is_loopback(value, size)))
			continue;
		str_add_bytes(out, line.start, line.size);
		str_add(out, "\n");
		added = true;
	}
	return added;
}

static bool add_servers(struct str *out, char *const *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_add_format(out, "nameserver %s\n", items[i]);
	return n > 0;
}

void resolv_conf_make(struct str *out, const char *host, const struct record_network *network,
		      const struct network_result *result, bool own_network)
{
	static const struct network_result nothing;
	bool no_search = network->n_dns_search == 1 && strcmp(network->dns_search[0], ".") == 0;

	if (!result)
		result = &nothing;
	if (!add_servers(out, network->dns, network->n_dns) &&
	    !add_servers(out, result->dns, result->n_dns) &&
	    !add_host_lines(out, host, "nameserver", own_network) && own_network) {
		/* As in Docker: a machine with only a local resolver, out of the container's reach.
		 */
		str_add(out, "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
	}
	if (!no_search && !add_texts(out, "search", network->dns_search, network->n_dns_search) &&
	    !add_texts(out, "search", result->dns_search, result->n_dns_search) &&
	    !add_host_lines(out, host, "search", false))
		(void)add_host_lines(out, host, "domain", false);
	if (!add_texts(out, "options", network->dns_options, network->n_dns_options) &&
	    !add_texts(out, "options", result->dns_options, result->n_dns_options))
		(void)add_host_lines(out, host, "options", false);
}
