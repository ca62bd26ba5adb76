/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/personality.h"

#include <sys/personality.h>

#include "base/str.h"

static const struct {
	const char *name;
	unsigned long persona;
} domains[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
};

int personality_set(const struct spec_personality *config, struct error *err)
{
	if (!config)
		return 0;
	if (config->n_flags)
		return error_set(err, 0, "linux.personality.flags: \"%s\" is not supported",
				 config->flags[0]);
	for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++) {
		if (!str_equal(config->domain, domains[i].name))
			continue;
		if (personality(domains[i].persona) < 0)
			return error_set(err, errno, "personality %s", config->domain);
		return 0;
	}
	return error_set(err, 0, "linux.personality.domain: unknown name \"%s\"", config->domain);
}
