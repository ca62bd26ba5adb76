/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec_sysctl.h"

#include <string.h>

static bool is_component(const char *s, size_t n)
{
	return n > 0 && !(n == 1 && s[0] == '.') && !(n == 2 && s[0] == '.' && s[1] == '.');
}

static bool is_path(const char *path)
{
	for (;;) {
		size_t n = strcspn(path, "/");
		if (!is_component(path, n))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
}

bool spec_sysctl_path(const char *name, char path[static SPEC_SYSCTL_PATH_SIZE])
{
	size_t n = strlen(name);
	bool dots_separate = name[strcspn(name, "./")] == '.';

	if (n >= SPEC_SYSCTL_PATH_SIZE || strpbrk(name, "\n\r"))
		return false;
	for (size_t i = 0; i <= n; i++) {
		path[i] = name[i];
		if (dots_separate && name[i] == '.')
			path[i] = '/';
		else if (dots_separate && name[i] == '/')
			path[i] = '.';
	}
	return is_path(path);
}
