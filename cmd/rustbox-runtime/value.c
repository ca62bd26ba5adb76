/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/value.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

/* ---- signals ---- */

/* What follows "RTMIN" or "RTMAX": nothing, or the sign and a number. */
static bool real_time_signal(const char *rest, char sign, int base, int *ret)
{
	uint64_t offset = 0;

	if (*rest &&
	    (*rest != sign || !str_to_uint(rest + 1, 10, (uint64_t)(SIGRTMAX - SIGRTMIN), &offset)))
		return false;
	*ret = sign == '+' ? base + (int)offset : base - (int)offset;
	return true;
}

static bool named_signal(const char *name, int *ret)
{
	static const struct {
		const char *name;
		int number;
	} others[] = {
		{ "IOT", SIGIOT }, { "CLD", SIGCHLD }, { "IO", SIGIO }, { "POLL", SIGPOLL }
	};

	for (int number = 1; number < SIGRTMIN; number++) {
		const char *known = sigabbrev_np(number);

		if (known && strcasecmp(known, name) == 0) {
			*ret = number;
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcasecmp(others[i].name, name) == 0) {
			*ret = others[i].number;
			return true;
		}
	}
	return false;
}

bool value_signal(const char *text, int *ret)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	uint64_t number;

	if (str_to_uint(text, 10, (uint64_t)SIGRTMAX, &number)) {
		*ret = (int)number;
		return true;
	}
	if (strncasecmp(name, "RTMIN", 5) == 0)
		return real_time_signal(name + 5, '+', SIGRTMIN, ret);
	if (strncasecmp(name, "RTMAX", 5) == 0)
		return real_time_signal(name + 5, '-', SIGRTMAX, ret);
	return named_signal(name, ret);
}

/* ---- sizes and durations: decimal numbers with a unit ---- */

struct decimal {
	uint64_t whole, fraction, scale; /* whole + fraction / scale */
};

static bool take_digit(uint64_t *number, char digit)
{
	return !__builtin_mul_overflow(*number, 10, number) &&
	       !__builtin_add_overflow(*number, (uint64_t)(digit - '0'), number);
}

/* Reads "1" or "1.5" at *text and moves on; nine digits of a fraction count. */
static bool take_decimal(const char **text, struct decimal *ret)
{
	const char *p = *text;
	struct decimal number = { .scale = 1 };

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++)
		if (!take_digit(&number.whole, *p))
			return false;
	if (*p == '.' && !isdigit((unsigned char)*++p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		if (number.scale == 1000000000)
			continue;
		number.scale *= 10;
		number.fraction = number.fraction * 10 + (uint64_t)(*p - '0');
	}
	*text = p;
	*ret = number;
	return true;
}

/* number * unit, rounded down, if an int64_t can hold it. */
static bool multiply(const struct decimal *number, uint64_t unit, int64_t *ret)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)number->whole * unit + (wide)number->fraction * unit / number->scale;

	if (product > INT64_MAX)
		return false;
	*ret = (int64_t)product;
	return true;
}

bool value_size(const char *text, int64_t *ret)
{
	static const char letters[] = "kmgtp";
	struct decimal number;
	uint64_t unit = 1;
	const char *letter;

	if (strcmp(text, "-1") == 0) {
		*ret = -1;
		return true;
	}
	if (!take_decimal(&text, &number))
		return false;
	letter = *text ? strchr(letters, tolower((unsigned char)*text)) : NULL;
	if (letter) {
		unit <<= 10 * (letter - letters + 1);
		text++;
		if (strcasecmp(text, "ib") == 0)
			text += 2;
	}
	if (strcasecmp(text, "b") == 0)
		text++;
	return !*text && multiply(&number, unit, ret);
}

/* Takes a unit of time off the text; its nanoseconds, 0 when there is none. */
static uint64_t take_unit(const char **text)
{
	static const struct {
		const char *name;
		uint64_t nanoseconds;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", UINT64_C(60000000000) },
		{ "h", UINT64_C(3600000000000) },
	};
	size_t length = strcspn(*text, "0123456789.");

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strlen(units[i].name) != length || memcmp(units[i].name, *text, length) != 0)
			continue;
		*text += length;
		return units[i].nanoseconds;
	}
	return 0;
}

bool value_duration(const char *text, int64_t *ret)
{
	struct decimal number;
	int64_t sum = 0, part;
	uint64_t unit;

	do {
		if (!take_decimal(&text, &number) || (unit = take_unit(&text)) == 0 ||
		    !multiply(&number, unit, &part) || __builtin_add_overflow(sum, part, &sum))
			return false;
	} while (*text);
	if (sum <= 0)
		return false;
	*ret = sum;
	return true;
}
