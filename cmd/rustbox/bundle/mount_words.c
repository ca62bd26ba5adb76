/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/mount_words.h"

#include <string.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/vector.h"

static bool is_one_of(const char *const *words, const char *word)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words;
}

/* What the runtime takes as it is; of two opposite ones the last one counts. */
static const char *const flags[] = {
	"exec",	      "noexec",	     "suid",	  "nosuid",	 "dev",
	"nodev",      "atime",	     "noatime",	  "relatime",	 "diratime",
	"nodiratime", "strictatime", "symfollow", "nosymfollow", NULL,
};

static char *const propagations[] = {
	(char[]){ "private" }, (char[]){ "rprivate" }, (char[]){ "shared" },
	(char[]){ "rshared" }, (char[]){ "slave" },    (char[]){ "rslave" },
};

int mount_words_set_propagation(struct mount_request *request, const char *word, struct error *err)
{
	for (size_t i = 0; i < sizeof(propagations) / sizeof(*propagations); i++) {
		if (strcmp(propagations[i], word) != 0)
			continue;
		if (request->propagation)
			return error_set(err, 0, "two propagations: %s and %s",
					 request->propagation, word);
		request->propagation = propagations[i];
		return 0;
	}
	return error_set(err, 0,
			 "propagation \"%s\" is not one of private, shared, slave, rprivate, "
			 "rshared, rslave",
			 word);
}

int mount_words_set_destination(struct mount_request *request, const char *path,
				struct arena *arena, struct error *err)
{
	if (*path != '/')
		return error_set(err, 0, "target \"%s\" is not an absolute path", path);
	cleanup_free char *clean = path_clean(path, err);
	if (!clean)
		return -1;
	if (strcmp(clean, "/") == 0)
		return error_set(err, 0, "the target cannot be /");
	request->destination = arena_strdup(arena, clean, err);
	return request->destination ? 0 : -1;
}

int mount_words_add_volume(struct mount_request *request, const char *word, struct arena *arena,
			   struct error *err)
{
	/*
	 * How soon host and container see each other's writes, where these are
	 * two machines. Here they see them at once, which all of them allow.
	 */
	static const char *const consistencies[] = { "consistent", "cached", "delegated", NULL };

	if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0)
		request->read_only = word[1] == 'o';
	else if (strcmp(word, "z") == 0 || strcmp(word, "Z") == 0)
		request->relabel = true;
	else if (strcmp(word, "nocopy") == 0 && request->kind == MOUNT_VOLUME)
		request->no_copy = true;
	else if (is_one_of(flags, word))
		return vector_add_text(&request->options, &request->n_options, word, arena, err);
	else if (is_one_of(consistencies, word))
		return 0;
	else if (request->kind == MOUNT_BIND && strlen(word) > 1)
		return mount_words_set_propagation(request, word, err) < 0
			       ? error_set(err, 0, "unknown option \"%s\"", word)
			       : 0;
	else
		return error_set(err, 0, "unknown option \"%s\"", word);
	return 0;
}

int mount_words_add_tmpfs(struct mount_request *request, const char *word, struct arena *arena,
			  struct error *err)
{
	/* Of tmpfs(5). */
	static const char *const keys[] = { "size=", "nr_blocks=", "nr_inodes=", "mode=", "uid=",
					    "gid=",  "huge=",	   "mpol=",	 NULL };
	const char *equals = strchr(word, '=');

	if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0) {
		request->read_only = word[1] == 'o';
		return 0;
	}
	for (const char *const *key = keys; equals && *key; key++)
		if (str_starts_with(word, *key) && equals[1])
			return vector_add_text(&request->options, &request->n_options, word, arena,
					       err);
	if (is_one_of(flags, word) || strcmp(word, "tmpcopyup") == 0)
		return vector_add_text(&request->options, &request->n_options, word, arena, err);
	return error_set(err, 0, "unknown option \"%s\"", word);
}

static bool has_option(const struct mount_request *request, const char *word)
{
	for (size_t i = 0; i < request->n_options; i++)
		if (strcmp(request->options[i], word) == 0)
			return true;
	return false;
}

int mount_words_finish_tmpfs(struct mount_request *request, struct arena *arena, struct error *err)
{
	static const char *const off_by_default[] = { "exec", "suid", "dev" };

	for (size_t i = 0; i < sizeof(off_by_default) / sizeof(*off_by_default); i++) {
		if (has_option(request, off_by_default[i]))
			continue;
		if (vector_take_text(&request->options, &request->n_options,
				     arena_format(arena, err, "no%s", off_by_default[i]), arena,
				     err) < 0)
			return -1;
	}
	return 0;
}
