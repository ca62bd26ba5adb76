/* SPDX-License-Identifier: Apache-2.0 */
/* Parses any text as passwd and as group: every line given out lies within the text. */
#include <stdlib.h>

#include "runtime/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_within(const uint8_t *data, size_t size, const char *field, size_t field_size)
{
	const char *text = (const char *)data;

	if (field_size && (field < text || field + field_size > text + size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct user_entry entry;
	struct user_group group;

	for (size_t offset = 0; user_next_passwd((const char *)data, size, &offset, &entry);) {
		expect_within(data, size, entry.name, entry.name_size);
		expect_within(data, size, entry.home, entry.home_size);
		if (entry.uid == UINT32_MAX || entry.gid == UINT32_MAX)
			abort();
	}
	for (size_t offset = 0; user_next_group((const char *)data, size, &offset, &group);) {
		expect_within(data, size, group.name, group.name_size);
		expect_within(data, size, group.members, group.members_size);
		(void)user_group_has(&group, "app", 3);
	}
	return 0;
}
