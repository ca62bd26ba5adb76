/* SPDX-License-Identifier: Apache-2.0 */
/* The sequences: ECMA-48, and "XTerm Control Sequences". */
#include "cmd/rustbox/supervisor/replay.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char enquiry = '\005', bell = '\a', escape = '\033', cancel = '\030',
		  substitute = '\032';

enum judgement { IS_OPEN, IS_OTHER, IS_QUESTION };

static bool is_string(char introducer)
{
	return introducer == 'P' || introducer == ']';
}

static bool has(const char *text, size_t size, char c)
{
	return memchr(text, c, size) != NULL;
}

/* CSI n t: most of them change the window, these report. */
static bool asks_window(const char *parameters)
{
	static const long reports[] = { 11, 13, 14, 15, 16, 18, 19, 20, 21 };
	long first = strtol(parameters, NULL, 10);

	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		if (reports[i] == first)
			return true;
	return false;
}

/* What is between "ESC [" and the last character, which ends strtol(), too. */
static bool is_control_question(const char *parameters, size_t n, char last)
{
	switch (last) {
	case 'c': /* device attributes */
		return true;
	case 'n': /* status, position of the cursor; with > it is a setting */
		return !has(parameters, n, '>');
	case 'p': /* modes */
	case 'w': /* state of tabs and cursor */
		return has(parameters, n, '$');
	case 'q': /* version */
		return has(parameters, n, '>');
	case 't':
		return n > 0 && !has(parameters, n, '>') && !has(parameters, n, ' ') &&
		       asks_window(parameters);
	case 'u': /* keyboard */
	case 'S': /* graphics */
		return has(parameters, n, '?');
	case 'x': /* terminal parameters; with $ it fills an area */
		return !has(parameters, n, '$') && !has(parameters, n, '*');
	case 'y': /* checksum of an area */
		return has(parameters, n, '*');
	default:
		return false;
	}
}

/* What is between the introducer and its terminator. */
static bool is_string_question(char introducer, const char *text, size_t n)
{
	if (introducer == 'P')
		return n >= 2 && (text[0] == '$' || text[0] == '+') && text[1] == 'q';
	/* Colours, the clipboard: a question mark in place of a value. */
	return n > 0 && text[n - 1] == '?';
}

static enum judgement judge_string(const char *text, size_t n)
{
	char last = text[n - 1];
	size_t end = n - 1;

	if (n < 3)
		return IS_OPEN;
	if (last == '\\' && text[n - 2] == escape)
		end = n - 2;
	else if (last != bell)
		return IS_OPEN;
	return end >= 2 && is_string_question(text[1], text + 2, end - 2) ? IS_QUESTION : IS_OTHER;
}

/* Begins with escape. */
static enum judgement judge(const char *text, size_t n)
{
	char last = text[n - 1];

	if (n == 1)
		return IS_OPEN;
	if (last == cancel || last == substitute)
		return IS_OTHER;
	if (is_string(text[1]))
		return judge_string(text, n);
	if (text[1] == '[' && n > 2 && last >= '@' && last <= '~')
		return is_control_question(text + 2, n - 3, last) ? IS_QUESTION : IS_OTHER;
	if (text[1] == '[' && last >= ' ')
		return IS_OPEN;
	return n == 2 && text[1] == 'Z' ? IS_QUESTION : IS_OTHER;
}

static size_t give_held(struct replay *replay, char *out)
{
	size_t n = replay->n_held;

	memcpy(out, replay->held, n);
	replay->n_held = 0;
	return n;
}

/* A new sequence, which ends one that is not complete; in a string it may be the terminator. */
static bool begins_anew(const struct replay *replay, char byte)
{
	return byte == escape && !(replay->n_held > 1 && is_string(replay->held[1]));
}

static size_t add_byte(struct replay *replay, char byte, char *out)
{
	size_t given = 0;

	if (begins_anew(replay, byte))
		given = give_held(replay, out);
	else if (replay->n_held == 0) {
		*out = byte;
		return byte != enquiry;
	}
	replay->held[replay->n_held++] = byte;
	switch (judge(replay->held, replay->n_held)) {
	case IS_QUESTION:
		replay->n_held = 0;
		return given;
	case IS_OPEN:
		return replay->n_held < REPLAY_HELD_MAX ? given
							: given + give_held(replay, out + given);
	default:
		return given + give_held(replay, out + given);
	}
}

size_t replay_filter(struct replay *replay, const char *bytes, size_t n, char *out)
{
	size_t given = 0;

	for (size_t i = 0; i < n; i++)
		given += add_byte(replay, bytes[i], out + given);
	return given;
}
