/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/matching.h"

#include <regex.h>

#include "base/log.h"

int matching_each(const struct invocation *call, const char *expression,
		  int (*act)(const struct invocation *call, const struct container_view *view,
			     struct error *err),
		  struct error *err)
{
	struct container_view *views;
	char reason[256];
	size_t count;
	regex_t regex;
	int rc = 0, code = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB);

	if (code) {
		(void)regerror(code, &regex, reason, sizeof(reason));
		return error_set(err, 0, "--regex \"%s\": %s", expression, reason);
	}
	if (container_list(call->engine, call->arena, &views, &count, err) < 0) {
		regfree(&regex);
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		struct error one;
		if (regexec(&regex, views[i].state.id, 0, NULL, 0) != 0 ||
		    act(call, &views[i], &one) == 0)
			continue;
		if (rc < 0)
			log_error("%s", err->text);
		*err = one;
		rc = -1;
	}
	regfree(&regex);
	return rc;
}
