/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cgroupsPath on the first line, a property's value behind it: what is
 * understood has a type with as many values as it says, and can be sent.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "runtime/systemd_annotation.h"
#include "runtime/systemd_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_property(const struct systemd_property *property)
{
	const char *type = property->type;
	size_t members = strlen(type);

	if (type[0] != 'a' && (members != 1 || property->n_values != 1))
		abort();
	if (type[0] == 'a' && type[1] == '(' && property->n_values % (members - 3) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char key[] = SYSTEMD_ANNOTATION_PREFIX "Property",
		    in_seconds[] = SYSTEMD_ANNOTATION_PREFIX "PropertySec";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct systemd_properties list = { .arena = &arena };
	struct systemd_name name;
	struct error err;
	char *text = arena_strndup(&arena, (const char *)data, size, &err);
	char *value = text ? strchrnul(text, '\n') : NULL;

	if (!value)
		return 0;
	if (*value)
		*value++ = '\0';
	if (systemd_name_of_path(text, "id", false, &arena, &name, &err) == 0 &&
	    (!str_ends_with(name.unit, ".scope") || !str_ends_with(name.slice, ".slice") ||
	     strpbrk(name.unit, "/ \n") || strchr(name.slice, '/')))
		abort();
	const struct json_pair pairs[] = { { key, value }, { in_seconds, value } };
	for (size_t i = 0; i < 2; i++)
		(void)systemd_annotation_apply(&pairs[i], 1, &list, &err);
	for (size_t i = 0; i < list.count; i++)
		check_property(&list.rows[i]);
	return 0;
}
