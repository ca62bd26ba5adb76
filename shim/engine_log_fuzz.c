/* SPDX-License-Identifier: Apache-2.0 */
/* A runtime's log and standard error hold names and texts of containers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/json_text.h"
#include "shim/engine_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct error *err)
{
	size_t n = strlen(err->text);

	if (n == 0 || json_text_utf8(err->text, n) != n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);
	struct error err;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	if (engine_log_find_last_line(text, size, &err))
		check(&err);
	if (engine_log_find_error(text, size, "fuzz", &err))
		check(&err);
	free(text);
	return 0;
}
