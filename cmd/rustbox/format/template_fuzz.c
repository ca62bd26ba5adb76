/* SPDX-License-Identifier: Apache-2.0 */
/* A template of any text, applied to a document that has every kind of value. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/format/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] =
	"{\"ID\":\"0123456789ab\",\"Names\":\"web\",\"N\":3,\"F\":1.5,\"T\":true,\"Z\":null,"
	"\"Labels\":{\"a\":\"b\",\"c.d\":\"\"},\"List\":[1,\"two\",[3],{\"x\":4}],"
	"\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}]},"
	"\"State\":{\"Health\":{\"Log\":[]}}}";

static const struct format_column columns[] = {
	{ "CONTAINER ID", "ID" }, { "NAMES", "Names" }, { "N", "N" }, { NULL, NULL }
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str out = STR_EMPTY, rows = STR_EMPTY;
	struct error err = { 0 };
	const char *text = arena_strndup(&arena, (const char *)data, size, &err);
	const struct value *value = value_read(document, strlen(document), &arena, &err);
	struct template *template = text ? template_parse(text, &arena, &err) : NULL;

	if (!value)
		abort();
	if (template) {
		(void)template_uses(template, "Names");
		if (template_apply(template, value, &arena, &out, &err) < 0 && !*err.text)
			abort();
	} else if (!*err.text) {
		abort();
	}
	if (text)
		(void)format_rows(text, columns, &value, 1, false, &rows, &err);
	return 0;
}
