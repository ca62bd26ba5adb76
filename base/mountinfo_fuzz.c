/* SPDX-License-Identifier: Apache-2.0 */
/* mountinfo holds what containers have chosen to call their mounts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *cursor = text;
	struct mountinfo m;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	while (mountinfo_next(&cursor, &m))
		if (strlen(m.root) + strlen(m.point) + strlen(m.type) > size ||
		    (mountinfo_has_options(&m, "rw,cpu") && !strstr(m.options, "rw")))
			abort();
	free(text);
	return 0;
}
