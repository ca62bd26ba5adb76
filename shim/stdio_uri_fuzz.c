/* SPDX-License-Identifier: Apache-2.0 */
/* Where output goes is a text of the client's. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shim/stdio_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_stdio_uri struct stdio_uri uri = { 0 };
	char *text = malloc(size + 1);
	struct error err;
	size_t n = 0;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (stdio_uri_parse(text, &uri, &err) == 0) {
		if (*uri.path != '/' || strlen(uri.path) > size ||
		    (uri.scheme >= STDIO_BINARY) != (uri.args != NULL))
			abort();
		while (uri.args && uri.args[n])
			if (strlen(uri.args[n++]) > size)
				abort();
		if (uri.args && (n % 2 != 1 || uri.args[0] != uri.path))
			abort();
	} else if (err.code != EINVAL) {
		abort();
	}
	free(text);
	return 0;
}
