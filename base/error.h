/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error, as a value on the caller's stack.
 *
 * A function that can fail takes `struct error *err` last and returns -1 (or
 * NULL, where it returns a pointer) with *err set; on success *err is left
 * alone. The lowest function names the call and the object, each caller may
 * put in front what it was doing, and only the top of a program prints.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>

enum { ERROR_TEXT_SIZE = 2048 };

struct error {
	int code; /* an errno value; 0 when no system call is to blame */
	char text[ERROR_TEXT_SIZE];
};

/*
 * Sets *err to the message, followed by ": " and the words for code unless
 * code is 0. A text too long is cut and ends in "...". Always returns -1, so
 * that `return error_set(...)` is the idiom.
 */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/*
 * The same without the words for code, for who goes by it: where the message says
 * all, as about what somebody has written.
 */
int error_plain(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/* Puts "message: " in front of the text that *err has. Always returns -1. */
int error_wrap(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/* Appends " (hint)" to the text that *err has: what the user can do. Always returns -1. */
int error_hint(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/* For "out of memory" while doing something. Always returns -1. */
int error_memory(struct error *err) __attribute__((cold));

/*
 * Want of memory, of descriptors, of a sound disk: an error that says nothing
 * about what was asked for, so that nobody may take the thing for missing.
 */
bool error_is_shortage(const struct error *err);

/*
 * The compilers, which see one file at a time, are told here what "always"
 * means: what an error_ call returns is -1.
 */
static inline int error_is_minus_one(int result)
{
	(void)result;
	return -1;
}
#define error_set(...)	  error_is_minus_one(error_set(__VA_ARGS__))
#define error_plain(...)  error_is_minus_one(error_plain(__VA_ARGS__))
#define error_wrap(...)	  error_is_minus_one(error_wrap(__VA_ARGS__))
#define error_hint(...)	  error_is_minus_one(error_hint(__VA_ARGS__))
#define error_memory(err) error_is_minus_one(error_memory(err))
