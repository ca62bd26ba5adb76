/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations, times and signals, as people write and read them. */
#include <ctype.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cmd/rustbox/format/format.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
static const uint64_t NS = 1000000000;

/* What is wrong is what somebody has written: EINVAL, whose words would say nothing more. */
static int refuse(struct error *err, const char *text, const char *kind, const char *hint)
{
	(void)error_plain(err, EINVAL, "\"%s\" is no %s", text, kind);
	return error_hint(err, "%s", hint);
}

/* ---- writing ---- */

void format_ago(struct str *out, int64_t seconds)
{
	static const struct {
		int64_t from, unit;
		const char *one, *many;
	} words[] = {
		{ 2 * 365 * 86400, 365 * 86400, "", "years" },
		{ 2 * 30 * 86400, 30 * 86400, "", "months" },
		{ 14 * 86400, 7 * 86400, "", "weeks" },
		{ 48 * 3600, 86400, "", "days" },
		{ 90 * 60, 3600, "About an hour", "hours" },
		{ 46 * 60, 3600, "About an hour", "hours" },
		{ 60, 60, "About a minute", "minutes" },
		{ 1, 1, "1 second", "seconds" },
	};

	for (size_t i = 0; i < COUNT(words); i++) {
		if (seconds < words[i].from)
			continue;
		int64_t n = seconds / words[i].unit;
		if (n <= 1 && *words[i].one)
			str_add(out, words[i].one);
		else
			str_add_format(out, "%lld %s", (long long)n, words[i].many);
		return;
	}
	str_add(out, "Less than a second");
}

static void add_size(struct str *out, uint64_t bytes, double base, const char *const *units,
		     size_t n_units, int digits)
{
	double size = (double)bytes;
	size_t i = 0;

	/* What would be rounded up to the base is shown in the next unit. */
	while (size >= base - 0.5 && i + 1 < n_units) {
		size /= base;
		i++;
	}
	str_add_format(out, "%.*g%s", digits, size, units[i]);
}

void format_size(struct str *out, uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };

	add_size(out, bytes, 1000, units, COUNT(units), 3);
}

void format_binary_size(struct str *out, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };

	add_size(out, bytes, 1024, units, COUNT(units), 4);
}

/* ---- reading ---- */

/* "1.5" of "1.5GiB"; no sign, no exponent, no infinity. */
static const char *read_decimal(const char *text, double *ret)
{
	size_t size = strspn(text, "0123456789.");
	char digits[40];
	char *end;

	if (size == 0 || size >= sizeof(digits) || !isdigit((unsigned char)*text))
		return NULL;
	memcpy(digits, text, size);
	digits[size] = 0;
	*ret = strtod(digits, &end);
	return *end ? NULL : text + size;
}

static int size_power(const char *unit)
{
	static const char letters[] = "bkmgtp";
	const char *found;

	if (!*unit)
		return 0;
	found = strchr(letters, tolower((unsigned char)*unit));
	if (!found)
		return -1;
	if (!unit[1] || (found != letters &&
			 (strcasecmp(unit + 1, "b") == 0 || strcasecmp(unit + 1, "ib") == 0)))
		return (int)(found - letters);
	return -1;
}

int format_read_size(const char *text, bool allows_negative, int64_t *ret, struct error *err)
{
	double size;
	const char *unit;
	int power;
	bool is_negative = allows_negative && *text == '-';

	unit = read_decimal(text + is_negative, &size);
	power = unit ? size_power(unit) : -1;
	if (power < 0)
		return refuse(err, text, "size", "bytes, or a number with k, m, g or t: 256M");
	size = ldexp(size, 10 * power);
	if (size >= 9223372036854775807.0)
		return error_set(err, ERANGE, "the size %s", text);
	*ret = is_negative ? -1 : (int64_t)size;
	return 0;
}

static double duration_unit(const char *text, size_t *ret_size)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = {
		{ "ns", 1e-6 }, { "us", 1e-3 }, { "ms", 1 },	     { "s", 1000 },
		{ "m", 60000 }, { "h", 3.6e6 }, { "d", 24 * 3.6e6 },
	};
	size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; i < COUNT(units); i++)
		if (strlen(units[i].name) == size && strncmp(units[i].name, text, size) == 0) {
			*ret_size = size;
			return units[i].ms;
		}
	return -1;
}

int format_read_duration(const char *text, uint64_t *ret_ms, struct error *err)
{
	const char *p = text;
	double total = 0;

	do {
		double number = 0, unit = -1;
		size_t size = 0;
		p = read_decimal(p, &number);
		if (p && !*p && strspn(text, "0123456789.") == strlen(text))
			unit = 1000;
		else if (p)
			unit = duration_unit(p, &size);
		if (!p || unit < 0)
			return refuse(err, text, "duration",
				      "such as 500ms, 10s, 1m30s, 2h; a bare number is seconds");
		p += size;
		total += number * unit;
	} while (*p);
	if (total >= (double)FORMAT_DURATION_MAX_MS)
		return error_set(err, ERANGE, "the duration %s", text);
	*ret_ms = (uint64_t)(total + 0.5);
	return 0;
}

/* Fraction of a second behind a time: digits, as nanoseconds. */
static const char *read_fraction(const char *p, uint64_t *ret_ns)
{
	uint64_t unit = NS / 10;

	*ret_ns = 0;
	if (*p != '.')
		return p;
	for (p++; isdigit((unsigned char)*p); p++, unit /= 10)
		*ret_ns += (uint64_t)(*p - '0') * unit;
	return p;
}

/* "Z", "+01:00"; nothing: local time, told by false. */
static bool read_zone(const char *p, int64_t *ret_seconds, bool *ret_given)
{
	bool is_two_by_two = strlen(p) == 6 && p[3] == ':' && (*p == '+' || *p == '-');
	uint64_t hours, minutes;
	char text[3] = "";

	*ret_seconds = 0;
	*ret_given = *p != 0;
	if (!*p || strcmp(p, "Z") == 0)
		return true;
	if (!is_two_by_two || !str_to_uint(p + 4, 10, 59, &minutes))
		return false;
	memcpy(text, p + 1, 2);
	if (!str_to_uint(text, 10, 14, &hours))
		return false;
	*ret_seconds = (int64_t)(hours * 60 + minutes) * 60 * (*p == '+' ? 1 : -1);
	return true;
}

static bool read_date(const char *text, uint64_t *ret_ns)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H",
					     "%Y-%m-%d" };

	for (size_t i = 0; i < COUNT(forms); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *p = strptime(text, forms[i], &tm);
		int64_t zone, seconds;
		uint64_t fraction;
		bool given;
		if (!p)
			continue;
		p = read_fraction(p, &fraction);
		if (!read_zone(p, &zone, &given))
			continue;
		seconds = given ? timegm(&tm) - zone : mktime(&tm);
		if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / NS - 1)
			return false;
		*ret_ns = (uint64_t)seconds * NS + fraction;
		return true;
	}
	return false;
}

static bool read_unix(const char *text, uint64_t *ret_ns)
{
	uint64_t seconds, fraction;
	const char *p;
	char *end;

	if (strspn(text, "0123456789.") != strlen(text) || !isdigit((unsigned char)*text))
		return false;
	seconds = strtoull(text, &end, 10);
	p = read_fraction(end, &fraction);
	if (*p || seconds > UINT64_MAX / NS - 1)
		return false;
	*ret_ns = seconds * NS + fraction;
	return true;
}

int format_read_time(const char *text, uint64_t now_ns, uint64_t *ret_ns, struct error *err)
{
	struct error ignored;
	uint64_t ms;

	if (read_unix(text, ret_ns) || read_date(text, ret_ns))
		return 0;
	if (format_read_duration(text, &ms, &ignored) < 0)
		return refuse(err, text, "time",
			      "such as 2026-01-02T15:04:05Z, seconds since 1970, or 10m for ten "
			      "minutes ago");
	*ret_ns = ms * 1000000 > now_ns ? 0 : now_ns - ms * 1000000;
	return 0;
}

int format_read_signal(const char *text, int *ret, struct error *err)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	uint64_t number;

	if (str_to_uint(text, 10, (uint64_t)SIGRTMAX, &number) && number > 0) {
		*ret = (int)number;
		return 0;
	}
	for (int i = 1; i < SIGRTMIN; i++) {
		const char *known = sigabbrev_np(i);
		if (known && strcasecmp(known, name) == 0) {
			*ret = i;
			return 0;
		}
	}
	if (strncasecmp(name, "RTMIN+", 6) == 0 &&
	    str_to_uint(name + 6, 10, (uint64_t)(SIGRTMAX - SIGRTMIN), &number)) {
		*ret = SIGRTMIN + (int)number;
		return 0;
	}
	if (strcasecmp(name, "RTMIN") == 0 || strcasecmp(name, "RTMAX") == 0) {
		*ret = strcasecmp(name, "RTMIN") == 0 ? SIGRTMIN : SIGRTMAX;
		return 0;
	}
	return refuse(err, text, "signal", "a name as TERM or SIGTERM, or 1 to 64");
}
