/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_survey.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/cgroup.h"

enum { CONTROLLERS_MAX = 64 };

/* Words of a text, each once, at the end of the list. */
static int add_controllers(struct cgroup_survey *ret, const char *text, const char *separators,
			   struct arena *arena, struct error *err)
{
	while (*(text += strspn(text, separators))) {
		size_t size = strcspn(text, separators);
		const char *word = arena_strndup(arena, text, size, err);
		if (!word)
			return -1;
		if (!str_starts_with(word, "name=") && ret->n < CONTROLLERS_MAX &&
		    !cgroup_survey_has(ret, word))
			ret->controllers[ret->n++] = word;
		text += size;
	}
	return 0;
}

/* "/sys/fs/cgroup/…/probe": what its parent can give to it. */
static int add_unified(struct cgroup_survey *ret, const char *path, struct arena *arena,
		       struct error *err)
{
	const char *file = arena_format(arena, err, "%.*s/cgroup.controllers",
					(int)(strrchr(path, '/') - path), path);
	char text[1024];

	if (!file)
		return -1;
	if (fd_read_short(AT_FDCWD, file, text, sizeof(text)) < 0)
		return error_set(err, errno, "read %s", file);
	return add_controllers(ret, text, " \n", arena, err);
}

int cgroup_survey_take(struct arena *arena, struct cgroup_survey *ret, struct error *err)
{
	struct cgroup_survey found = { .version = "none" };
	bool unified = false, old = false;
	struct cgroup cgroup;

	found.controllers = arena_array(arena, CONTROLLERS_MAX, sizeof(*found.controllers), err);
	if (!found.controllers || cgroup_locate(&cgroup_machine_default, CGROUP_MANAGER_CGROUPFS,
						"/probe", "probe", false, arena, &cgroup, err) < 0)
		return -1;
	for (size_t i = 0; i < cgroup.n_directories; i++) {
		const struct cgroup_directory *directory = &cgroup.directories[i];
		bool is_unified = !*directory->controllers;
		int added = is_unified ? add_unified(&found, directory->path, arena, err)
				       : add_controllers(&found, directory->controllers, ",", arena,
							 err);
		if (added < 0)
			return -1;
		unified |= is_unified;
		old |= !is_unified;
	}
	found.version = unified && old ? "hybrid" : unified ? "2" : "1";
	*ret = found;
	return 0;
}

bool cgroup_survey_has(const struct cgroup_survey *cgroups, const char *name)
{
	for (size_t i = 0; i < cgroups->n; i++)
		if (strcmp(cgroups->controllers[i], name) == 0)
			return true;
	return str_equal(cgroups->version, "2") &&
	       (strcmp(name, "freezer") == 0 || strcmp(name, "devices") == 0);
}
