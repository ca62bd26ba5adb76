/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an executable: the interpreter found is a text of bounded length. */
#include <stdlib.h>
#include <string.h>

#include "runtime/executable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t read_memory(const struct executable_source *source, void *buffer, size_t size,
			   uint64_t offset)
{
	if (offset > INT64_MAX)
		abort(); /* pread would take it for negative */
	if (offset >= source->size)
		return 0;
	if (size > source->size - offset)
		size = source->size - offset;
	memcpy(buffer, (const char *)source->data + offset, size);
	return (ssize_t)size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct executable_source source = { .read = read_memory, .data = data, .size = size };
	struct executable_format format;

	executable_parse(&source, &format);
	if (!memchr(format.interpreter, '\0', sizeof(format.interpreter)))
		abort();
	if (format.kind == EXECUTABLE_EMPTY && size)
		abort();
	return 0;
}
