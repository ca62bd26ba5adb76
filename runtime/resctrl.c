/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/resctrl.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mountinfo.h"
#include "base/str.h"

enum { TEXT_MAX = 1 << 20 };

static int make_folder(int dir, const char *path)
{
	return mkdirat(dir, path, 0755);
}

int resctrl_open(struct resctrl *ret, struct error *err)
{
	cleanup_free char *text = NULL;
	struct mountinfo mount;

	if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 64 << 20, &text, NULL, err) < 0)
		return -1;
	for (char *cursor = text; mountinfo_next(&cursor, &mount);) {
		if (!str_equal(mount.type, "resctrl") || !str_equal(mount.root, "/"))
			continue;
		ret->root = open(mount.point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ret->make = make_folder;
		return ret->root < 0 ? error_set(err, errno, "linux.intelRdt: open %s", mount.point)
				     : 0;
	}
	error_set(err, ENOENT, "linux.intelRdt: no resctrl file system is mounted");
	return error_hint(err, "where processor and kernel have it: mount -t resctrl resctrl "
			       "/sys/fs/resctrl");
}

void resctrl_done(struct resctrl *resctrl)
{
	fd_close(&resctrl->root);
}

/* ---- names ------------------------------------------------------------------------------- */

static const char *class_name(const struct spec_intel_rdt *config, const char *id)
{
	return config->clos_id ? config->clos_id : id;
}

/* "" for the root, which is a class itself, or "NAME/". */
static char *class_prefix(const struct spec_intel_rdt *config, const char *id, struct error *err)
{
	const char *name = class_name(config, id);

	return str_equal(name, "/") ? str_format(err, "%s", "") : str_format(err, "%s/", name);
}

static bool has_schema(const struct spec_intel_rdt *config)
{
	return config->l3_cache_schema || config->mem_bw_schema || config->n_schemata;
}

static bool exists(const struct resctrl *resctrl, const char *path)
{
	return faccessat(resctrl->root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- limits ------------------------------------------------------------------------------ */

/* The value of one domain in a line such as " L3:0=7ff;1=1f", without leading zeroes, or NULL. */
static const char *find_domain(const char *line, const char *domain, size_t n, size_t *ret_size)
{
	const char *at = strchr(line, ':');

	while (at && *at && *at != '\n') {
		at += 1 + strspn(at + 1, " ");
		size_t number = strcspn(at, "=;\n");
		if (at[number] == '=' && number == n && strncmp(at, domain, n) == 0) {
			at += number + 1;
			at += strspn(at, "0 ");
			*ret_size = strcspn(at, "; \n");
			return at;
		}
		at += strcspn(at, ";\n");
	}
	return NULL;
}

/* The line of the file whose resource is that of the wanted one. */
static const char *find_line(const char *text, const char *wanted)
{
	size_t n = strcspn(wanted, ":") + 1;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += strspn(line, "\n ");
		if (strncmp(line, wanted, n) == 0)
			return line;
	}
	return NULL;
}

/* Every domain of the wanted line has that value in the file; the file may have more domains. */
static bool line_agrees(const char *text, const char *wanted)
{
	const char *line = find_line(text, wanted), *at = strchr(wanted, ':');

	if (!line || !at)
		return false;
	for (at++; *at;) {
		size_t n, have, want;
		const char *there, *asked;

		at += strspn(at, " ;");
		n = strcspn(at, "=;");
		if (!n)
			break;
		there = find_domain(line, at, n, &have);
		asked = find_domain(wanted, at, n, &want);
		if (!there || !asked || have != want || strncasecmp(there, asked, want) != 0)
			return false;
		at += strcspn(at, ";");
	}
	return true;
}

static int check_agreement(const struct resctrl *resctrl, const struct spec_intel_rdt *config,
			   const char *prefix, struct error *err)
{
	const char *const wanted[] = { config->l3_cache_schema, config->mem_bw_schema };
	cleanup_free char *path = str_format(err, "%sschemata", prefix);
	cleanup_free char *text = NULL;

	if (!path || fd_read_file(resctrl->root, path, TEXT_MAX, &text, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (wanted[i] && !line_agrees(text, wanted[i]))
			return error_set(
				err, 0,
				"linux.intelRdt: the class \"%s\" exists and does not have "
				"%s",
				config->clos_id, wanted[i]);
	return 0;
}

/* What the kernel says of a refused line is in a file of its own. */
static int write_line(const struct resctrl *resctrl, const char *prefix, const char *line,
		      struct error *err)
{
	cleanup_free char *path = str_format(err, "%sschemata", prefix);
	cleanup_free char *text = str_format(err, "%s\n", line);
	char status[512];

	if (!path || !text)
		return -1;
	if (fd_write_file(resctrl->root, path, text, err) == 0)
		return 0;
	if (fd_read_short(resctrl->root, "info/last_cmd_status", status, sizeof(status)) > 0)
		error_hint(err, "%s", status);
	return error_wrap(err, "linux.intelRdt");
}

static int write_limits(const struct resctrl *resctrl, const struct spec_intel_rdt *config,
			const char *prefix, struct error *err)
{
	if (config->l3_cache_schema &&
	    write_line(resctrl, prefix, config->l3_cache_schema, err) < 0)
		return -1;
	if (config->mem_bw_schema && write_line(resctrl, prefix, config->mem_bw_schema, err) < 0)
		return -1;
	for (size_t i = 0; i < config->n_schemata; i++)
		if (write_line(resctrl, prefix, config->schemata[i], err) < 0)
			return -1;
	return 0;
}

/* ---- folders ----------------------------------------------------------------------------- */

static int plan_class(const struct resctrl *resctrl, const struct spec_intel_rdt *config,
		      const char *id, struct arena *arena, struct resctrl_folders *ret,
		      struct error *err)
{
	const char *name = class_name(config, id);
	cleanup_free char *prefix = class_prefix(config, id, err);

	if (!prefix)
		return -1;
	if (str_equal(name, "/") || exists(resctrl, name)) {
		if (!config->clos_id)
			return error_set(err, EEXIST, "linux.intelRdt: make the class \"%s\"", id);
		return check_agreement(resctrl, config, prefix, err);
	}
	if (config->clos_id && !has_schema(config))
		return error_set(
			err, ENOENT,
			"linux.intelRdt.closID: there is no class \"%s\", and nothing says "
			"what it should be",
			name);
	ret->class = arena_strdup(arena, name, err);
	return ret->class ? 0 : -1;
}

int resctrl_plan(const struct resctrl *resctrl, const struct spec_intel_rdt *config, const char *id,
		 struct arena *arena, struct resctrl_folders *ret, struct error *err)
{
	struct resctrl_folders folders = { NULL, NULL };
	cleanup_free char *prefix = class_prefix(config, id, err);

	if (!prefix || plan_class(resctrl, config, id, arena, &folders, err) < 0)
		return -1;
	if (config->enable_monitoring) {
		folders.monitor = arena_format(arena, err, "%smon_groups/%s", prefix, id);
		if (!folders.monitor)
			return -1;
		if (exists(resctrl, folders.monitor))
			return error_set(err, EEXIST,
					 "linux.intelRdt.enableMonitoring: make the group \"%s\"",
					 folders.monitor);
	}
	*ret = folders;
	return 0;
}

static int make(const struct resctrl *resctrl, char **path, struct error *err)
{
	if (!*path || resctrl->make(resctrl->root, *path) == 0)
		return 0;
	error_set(err, errno, "linux.intelRdt: make the folder \"%s\" of resctrl", *path);
	if (err->code == ENOSPC)
		error_hint(err, "the processor has no more classes or monitoring groups");
	*path = NULL;
	return -1;
}

int resctrl_create(const struct resctrl *resctrl, const struct spec_intel_rdt *config,
		   const char *id, struct resctrl_folders *folders, struct error *err)
{
	cleanup_free char *prefix = class_prefix(config, id, err);
	bool is_made = folders->class != NULL;

	if (!prefix || make(resctrl, &folders->class, err) < 0) {
		folders->monitor = NULL;
		return -1;
	}
	/* A class that was there agrees already in all but `schemata`. */
	if (write_limits(resctrl, config, prefix, err) < 0) {
		folders->monitor = NULL;
		return is_made ? -1 : error_wrap(err, "class \"%s\"", config->clos_id);
	}
	return make(resctrl, &folders->monitor, err);
}

int resctrl_remove(const struct resctrl *resctrl, const struct resctrl_folders *folders,
		   struct error *err)
{
	const char *const paths[] = { folders->monitor, folders->class };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (paths[i] && unlinkat(resctrl->root, paths[i], AT_REMOVEDIR) < 0 &&
		    errno != ENOENT)
			return error_set(err, errno,
					 "linux.intelRdt: remove the folder \"%s\" of resctrl",
					 paths[i]);
	return 0;
}

/* ---- processes, updates ------------------------------------------------------------------ */

static int write_task(const struct resctrl *resctrl, const char *folder, pid_t pid,
		      struct error *err)
{
	cleanup_free char *path = str_format(err, "%stasks", folder);
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	if (!path || fd_write_file(resctrl->root, path, text, err) < 0)
		return error_wrap(err, "linux.intelRdt");
	return 0;
}

int resctrl_add(const struct resctrl *resctrl, const struct spec_intel_rdt *config, const char *id,
		pid_t pid, struct error *err)
{
	cleanup_free char *prefix = class_prefix(config, id, err);

	if (!prefix || write_task(resctrl, prefix, pid, err) < 0)
		return -1;
	if (!config->enable_monitoring)
		return 0;
	/* Only a member of the class can be of its group. */
	cleanup_free char *group = str_format(err, "%smon_groups/%s/", prefix, id);
	return group ? write_task(resctrl, group, pid, err) : -1;
}

int resctrl_update(const struct resctrl *resctrl, const struct spec_intel_rdt *config,
		   const char *id, const char *l3_cache, const char *bandwidth, struct error *err)
{
	cleanup_free char *prefix = class_prefix(config, id, err);

	if (!prefix || (l3_cache && write_line(resctrl, prefix, l3_cache, err) < 0))
		return -1;
	return bandwidth ? write_line(resctrl, prefix, bandwidth, err) : 0;
}
