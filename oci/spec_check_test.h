/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of checks: documents, and how the message about each begins. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "oci/spec_check.h"

/* Documents around what a row is about. */
#define TOP(members)	   "{\"ociVersion\":\"1.3.0\"," members "}"
#define PROCESS(members)   TOP("\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"," members "}")
#define USER(members)	   PROCESS("\"user\":{\"uid\":0,\"gid\":0," members "}")
#define SCHEDULER(members) PROCESS("\"scheduler\":{" members "}")
#define LINUX(members)	   TOP("\"linux\":{" members "}")
#define RESOURCES(members) LINUX("\"resources\":{" members "}")
#define SECCOMP(members)   LINUX("\"seccomp\":{" members "}")
#define CALL(members)                                                                              \
	SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/l\","                    \
		"\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_LOG\"},{" members "}]")
#define NS(type) "{\"type\":\"" type "\"}"
#define SYSCTL(type, name, value)                                                                  \
	LINUX("\"namespaces\":[" NS(type) "],\"sysctl\":{\"" name "\":\"" value "\"}")
#define DEVICE(members) LINUX("\"devices\":[{" members "}]")
#define MAP(c, h, n)	"{\"containerID\":" #c ",\"hostID\":" #h ",\"size\":" #n "}"
#define MAPPED(uids)                                                                               \
	LINUX("\"namespaces\":[" NS("user") "],\"uidMappings\":[" uids                             \
					    "],\"gidMappings\":[" MAP(0, 1, 1) "]")
#define MOUNT(members) TOP("\"mounts\":[{\"destination\":\"/a\"},{" members "}]")
#define HOOK(members)  TOP("\"hooks\":{\"poststop\":[{" members "}]}")

struct row {
	const char *text, *message; /* how the message begins */
};

static inline int load(const char *text, struct spec *out, struct arena *arena, struct error *err)
{
	*out = (struct spec){ 0 };
	return spec_load(text, strlen(text), "test", out, arena, err);
}

static inline void must_refuse(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_arena struct arena arena = ARENA_EMPTY;
		struct error err = { 0 };
		struct spec spec;
		if (load(rows[i].text, &spec, &arena, &err) == 0)
			fail_msg("%s was taken", rows[i].text);
		if (!str_starts_with(err.text, "test: ") ||
		    !str_starts_with(err.text + 6, rows[i].message))
			fail_msg("%s: \"%s\" instead of \"%s\"", rows[i].text, err.text,
				 rows[i].message);
	}
}
#define MUST_REFUSE(rows) must_refuse(rows, sizeof(rows) / sizeof(*(rows)))
