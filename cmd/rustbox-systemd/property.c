/* SPDX-License-Identifier: Apache-2.0 */
/* From properties as text to the types of D-Bus. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/rustbox-systemd/manager.h"

static int append_signed(sd_bus_message *message, char type, const char *text)
{
	int64_t number;

	if (!str_to_int(text,
			type == 'n'   ? INT16_MIN
			: type == 'i' ? INT32_MIN
				      : INT64_MIN,
			type == 'n'   ? INT16_MAX
			: type == 'i' ? INT32_MAX
				      : INT64_MAX,
			&number))
		return -EINVAL;
	if (type == 'x')
		return sd_bus_message_append_basic(message, type, &number);
	const int16_t small = (int16_t)number;
	const int32_t middle = (int32_t)number;
	return sd_bus_message_append_basic(message, type,
					   type == 'n' ? (const void *)&small : &middle);
}

static int append_unsigned(sd_bus_message *message, char type, const char *text)
{
	uint64_t number, max = type == 'y'   ? UINT8_MAX
			       : type == 'q' ? UINT16_MAX
			       : type == 'u' ? UINT32_MAX
					     : UINT64_MAX;

	if (!str_to_uint(text, 10, max, &number))
		return -EINVAL;
	const uint8_t byte = (uint8_t)number;
	const uint16_t small = (uint16_t)number;
	const uint32_t middle = (uint32_t)number;
	return sd_bus_message_append_basic(message, type,
					   type == 'y'	 ? (const void *)&byte
					   : type == 'q' ? (const void *)&small
					   : type == 'u' ? (const void *)&middle
							 : &number);
}

static int append_basic(sd_bus_message *message, char type, const char *text)
{
	int truth = str_equal(text, "true");
	double number;
	char *end;

	switch (type) {
	case 's':
		return sd_bus_message_append_basic(message, type, text);
	case 'b':
		if (!truth && !str_equal(text, "false"))
			return -EINVAL;
		return sd_bus_message_append_basic(message, type, &truth);
	case 'd':
		number = strtod(text, &end);
		return *text && !*end ? sd_bus_message_append_basic(message, type, &number)
				      : -EINVAL;
	case 'n':
	case 'i':
	case 'x':
		return append_signed(message, type, text);
	case 'y':
	case 'q':
	case 'u':
	case 't':
		return append_unsigned(message, type, text);
	default:
		return -EINVAL;
	}
}

/* members: the types of the values in a row, "t", or "st" for structs. */
static int append_rows(sd_bus_message *message, const struct systemd_property *property,
		       const char *members, bool in_struct)
{
	size_t n = strlen(members);
	int r = 0;

	if (n == 0 || property->n_values % n != 0)
		return -EINVAL;
	for (size_t i = 0; r >= 0 && i < property->n_values; i++) {
		if (in_struct && i % n == 0)
			r = sd_bus_message_open_container(message, 'r', members);
		if (r >= 0)
			r = append_basic(message, members[i % n], property->values[i]);
		if (r >= 0 && in_struct && i % n == n - 1)
			r = sd_bus_message_close_container(message);
	}
	return r;
}

static int append_array(sd_bus_message *message, const struct systemd_property *property)
{
	const char *element = property->type + 1;
	size_t n = strlen(element);
	char members[32] = "";
	int r;

	if (element[0] == '(' && n > 2 && n < sizeof(members))
		memcpy(members, element + 1, n - 2);
	r = sd_bus_message_open_container(message, 'a', element);
	if (r >= 0)
		r = append_rows(message, property, *members ? members : element, *members);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_value(sd_bus_message *message, const struct systemd_property *property)
{
	if (property->type[0] == 'a')
		return append_array(message, property);
	if (strlen(property->type) != 1 || property->n_values != 1)
		return -EINVAL;
	return append_basic(message, property->type[0], property->values[0]);
}

int property_append(sd_bus_message *message, const struct systemd_property *property)
{
	int r = sd_bus_message_open_container(message, 'r', "sv");

	if (r >= 0)
		r = sd_bus_message_append_basic(message, 's', property->name);
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'v', property->type);
	if (r >= 0)
		r = append_value(message, property);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	return r < 0 ? r : sd_bus_message_close_container(message);
}
