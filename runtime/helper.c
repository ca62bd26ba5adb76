/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/helper.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/self_exec.h"

char *helper_find(const char *name, const char *purpose, struct error *err)
{
	static const char *const beside[] = { "", "/../libexec/rustbox" };
	const char *folder = self_exec_folder();

	for (size_t i = 0; folder && i < sizeof(beside) / sizeof(beside[0]); i++) {
		cleanup_free char *path = str_format(err, "%s%s/%s", folder, beside[i], name);
		if (!path)
			return NULL;
		if (access(path, X_OK) == 0)
			return move_ptr(&path);
	}
	error_set(err, ENOENT, "find %s, which %s, in %s or ../libexec/rustbox beside it", name,
		  purpose, folder ? folder : "the program's folder");
	return NULL;
}

int helper_failed(const char *name, char *output, int status, struct error *err)
{
	size_t n = strlen(output);

	while (n > 0 && (output[n - 1] == '\n' || output[n - 1] == ' '))
		output[--n] = '\0';
	for (char *c = output; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	if (*output)
		return error_set(err, 0, "%s", output);
	return error_set(err, 0, "%s ended with status %d and no word", name,
			 process_exit_code(status));
}
