/* SPDX-License-Identifier: Apache-2.0 */
#include "base/directory.h"

#include <errno.h>

#include "base/str.h"

int directory_next(DIR *stream, const char *path, const struct dirent **ret, struct error *err)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(stream);
		if (!entry)
			return errno ? error_set(err, errno, "read the folder %s", path) : 0;
	} while (str_equal(entry->d_name, ".") || str_equal(entry->d_name, ".."));
	*ret = entry;
	return 1;
}
