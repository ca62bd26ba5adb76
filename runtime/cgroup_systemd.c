/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroups that systemd makes: a transient scope for each container
 * (systemd.io/CGROUP_DELEGATION). Where the scope's directory is the kernel
 * tells, by where the process is that systemd has put there: neither the
 * manager's own place nor the names of nested slices have to be known here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"
#include "runtime/systemd_annotation.h"
#include "runtime/systemd_helper.h"
#include "runtime/systemd_limits.h"
#include "runtime/systemd_name.h"

/* ---- before anything is made -------------------------------------------------------------- */

int cgroup_systemd_locate(const char *cgroups_path, const char *id, bool user, struct arena *arena,
			  struct cgroup *ret, struct error *err)
{
	struct cgroup_scope *scope = arena_alloc(arena, sizeof(*scope), err);
	struct systemd_name name;

	if (!scope || systemd_name_of_path(cgroups_path, id, user, arena, &name, err) < 0 ||
	    systemd_helper_check(user, err) < 0)
		return -1;
	*scope = (struct cgroup_scope){ .unit = name.unit, .slice = name.slice, .user = user };
	ret->scope = scope;
	return 0;
}

/* ---- making ------------------------------------------------------------------------------- */

static bool is_v2(const struct cgroup_machine *machine)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/cgroup.controllers", machine->root);

	return n > 0 && (size_t)n < sizeof(path) && faccessat(AT_FDCWD, path, F_OK, 0) == 0;
}

/* What every container's scope has. */
static int add_basics(struct systemd_properties *list, const struct cgroup_scope *scope,
		      const char *id, pid_t pid, bool v2, struct error *err)
{
	const char *const switched_on[] = { "Delegate", "CPUAccounting", "MemoryAccounting",
					    "TasksAccounting",
					    v2 ? "IOAccounting" : "BlockIOAccounting" };
	char number[16], description[512];
	const char *pids = number;

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	(void)snprintf(description, sizeof(description), "rustbox container %s", id);
	if (systemd_property_text(list, "Description", description, err) < 0 ||
	    systemd_property_text(list, "Slice", scope->slice, err) < 0 ||
	    systemd_property_set(list, "PIDs", "au", &pids, 1, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(switched_on) / sizeof(switched_on[0]); i++)
		if (systemd_property_bool(list, switched_on[i], true, err) < 0)
			return -1;
	/* The engine stops its containers when the machine goes down, not systemd before it. */
	if (systemd_property_bool(list, "DefaultDependencies", false, err) < 0)
		return -1;
	/* So that the name is free again, whatever the container has died of. */
	return systemd_property_text(list, "CollectMode", "inactive-or-failed", err);
}

/* Asks for the scope; true in *ret_v2 where the controllers are on cgroup2. */
static int start_scope(const struct cgroup_machine *machine, const struct cgroup_scope *scope,
		       const char *id, pid_t pid, const struct spec *spec, bool limited,
		       struct error *err)
{
	static const struct systemd_limits_now new_container = SYSTEMD_LIMITS_NEW;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct systemd_properties list = { .arena = &arena };
	bool v2 = is_v2(machine);

	if (add_basics(&list, scope, id, pid, v2, err) < 0 ||
	    (limited && systemd_limits_add(&list, spec->linux->resources, v2, true, &new_container,
					   err) < 0) ||
	    systemd_annotation_apply(spec->annotations, spec->n_annotations, &list, err) < 0)
		return -1;
	const struct systemd_request request = { .unit = scope->unit,
						 .user = scope->user,
						 .properties = list.rows,
						 .n_properties = list.count };
	return systemd_helper_call("start", &request, err);
}

/* Where systemd has put the process, in its own hierarchy: "/a.slice/a-b.slice/x.scope". */
static char *find_place(const struct cgroup_machine *machine, pid_t pid, struct arena *arena,
			struct error *err)
{
	char file[PATH_MAX], *controllers, *path, *found = NULL;
	const char *wanted = is_v2(machine) ? "" : "name=systemd";
	cleanup_free char *text = NULL;

	(void)snprintf(file, sizeof(file), "%s/%d/cgroup", machine->proc, (int)pid);
	if (fd_read_file(AT_FDCWD, file, CGROUP_FILE_MAX, &text, NULL, err) < 0)
		return NULL;
	for (char *cursor = text; cgroup_membership_next(&cursor, &controllers, &path);)
		if (str_equal(controllers, wanted) && !found)
			found = arena_strdup(arena, path, err);
	if (!found)
		error_set(err, 0, "%s names no cgroup of systemd", file);
	return found;
}

/* The scope's own name, which systemd writes with a "_" in front where it could be a file's. */
static bool is_in_scope(const char *path, const struct cgroup_scope *scope)
{
	const char *last = strrchr(path, '/') + 1;

	return str_equal(last, scope->unit) || (*last == '_' && str_equal(last + 1, scope->unit));
}

/*
 * The cgroup below the scope that is the container's; "" for none. The files
 * of the scope's own directory are systemd's: at its next look it takes back
 * what it has no property for. On v1 a hierarchy has no such owner.
 */
static const char *choose_subgroup(const struct cgroup_machine *machine, const struct spec *spec)
{
	const char *given = spec->extensions.systemd_subgroup;

	return given ? given : is_v2(machine) ? "container" : "";
}

int cgroup_start_scope(const struct cgroup_machine *machine, struct cgroup *cgroup, const char *id,
		       pid_t pid, const struct spec *spec, bool limited, struct arena *arena,
		       struct error *err)
{
	const struct cgroup_scope *scope = cgroup->scope;
	const char *subgroup = choose_subgroup(machine, spec), *path;
	struct cgroup located;
	char *place;

	if (start_scope(machine, scope, id, pid, spec, limited, err) < 0 ||
	    !(place = find_place(machine, pid, arena, err)))
		return -1;
	if (!is_in_scope(place, scope))
		return error_set(err, 0, "systemd says that process %d is in %s, but it is in %s",
				 (int)pid, scope->unit, place);
	path = arena_format(arena, err, "%s%s%s", place, *subgroup ? "/" : "", subgroup);
	if (!path || cgroup_locate(machine, CGROUP_MANAGER_CGROUPFS, path, id, cgroup->tolerant,
				   arena, &located, err) < 0)
		return -1;
	cgroup->directories = located.directories;
	cgroup->n_directories = located.n_directories;
	return 0;
}

/* The scope itself systemd has made; below it, and in hierarchies that it leaves alone, we do. */
static int make_directory(const struct cgroup_machine *machine,
			  const struct cgroup_directory *directory, struct error *err)
{
	size_t made;

	return cgroup_directory_is_v2(directory) ? cgroup_make_path(directory->path, &made, err)
						 : cgroup_v1_make(machine, directory, &made, err);
}

/* The path of the scope when the container is to be below it, malloc'd; NULL: it is not. */
static char *find_scope_above(const struct cgroup *cgroup)
{
	const struct cgroup_directory *v2 = cgroup_find_v2(cgroup);
	cleanup_free char *path =
		v2 && !is_in_scope(v2->path, cgroup->scope) ? strdup(v2->path) : NULL;

	if (path)
		*strrchr(path, '/') = '\0';
	return move_ptr(&path);
}

static bool is_permission(int code)
{
	return code == EACCES || code == EPERM || code == EROFS;
}

int cgroup_enter_scope(const struct cgroup_machine *machine, struct cgroup *cgroup, pid_t pid,
		       struct error *err)
{
	cleanup_free char *above = find_scope_above(cgroup);
	size_t kept = 0;

	for (size_t i = 0; i < cgroup->n_directories; i++) {
		cgroup->directories[kept] = cgroup->directories[i];
		if (make_directory(machine, &cgroup->directories[kept], err) == 0)
			kept++;
		else if (!cgroup->tolerant || !is_permission(err->code))
			return -1;
		else
			log_debug("left out: %s", err->text);
	}
	cgroup->n_directories = kept;
	if (cgroup_join(cgroup, pid, !above, NULL, NULL, err) < 0)
		return -1;
	/* Now that the scope has no process of its own its controllers may go further down. */
	return above ? cgroup_v2_enable(above, err) : 0;
}

/* ---- changing ----------------------------------------------------------------------------- */

/* What there is now: an update may give only one of two that belong together. */
static void read_now(const struct cgroup *cgroup, struct systemd_limits_now *now)
{
	const struct cgroup_directory *v2 = cgroup_find_v2(cgroup),
				      *memory = cgroup_find_v1(cgroup, "memory"),
				      *cpu = cgroup_find_v1(cgroup, "cpu");
	cleanup_cgroup_dir struct cgroup_dir memory_dir = CGROUP_DIR_CLOSED;
	cleanup_cgroup_dir struct cgroup_dir cpu_dir = CGROUP_DIR_CLOSED;
	uint64_t number, period;
	char text[64];

	if (!memory && v2 && cgroup_dir_open(v2, &memory_dir) == 0 &&
	    cgroup_read_uint(&memory_dir, "memory.max", &number) == 0)
		now->memory = number > INT64_MAX ? -1 : (int64_t)number;
	if (!(cpu ? cpu : v2) || cgroup_dir_open(cpu ? cpu : v2, &cpu_dir) < 0)
		return;
	if (cpu) {
		if (fd_read_short(cpu_dir.fd, "cpu.cfs_quota_us", text, sizeof(text)) > 0)
			(void)str_to_int(text, -1, INT64_MAX, &now->quota);
		if (cgroup_read_uint(&cpu_dir, "cpu.cfs_period_us", &period) == 0)
			now->period = period;
	} else if (fd_read_short(cpu_dir.fd, "cpu.max", text, sizeof(text)) > 0) {
		size_t n = strcspn(text, " ");
		if (text[n] && str_to_uint(text + n + 1, 10, UINT32_MAX, &period))
			now->period = period;
		text[n] = '\0';
		(void)str_to_int(text, 0, INT64_MAX, &now->quota);
	}
}

static bool is_v2_alone(const struct cgroup *cgroup)
{
	return cgroup_find_v1(cgroup, "memory") == NULL;
}

static int set_properties(const struct cgroup *cgroup, const struct systemd_properties *list,
			  struct error *err)
{
	const struct systemd_request request = { .unit = cgroup->scope->unit,
						 .user = cgroup->scope->user,
						 .properties = list->rows,
						 .n_properties = list->count };

	return list->count ? systemd_helper_call("set", &request, err) : 0;
}

int cgroup_systemd_set_limits(const struct cgroup *cgroup, const struct spec_resources *resources,
			      struct error *err)
{
	struct systemd_limits_now now = SYSTEMD_LIMITS_NEW;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct systemd_properties list = { .arena = &arena };

	read_now(cgroup, &now);
	if (systemd_limits_add(&list, resources, is_v2_alone(cgroup), resources->n_devices > 0,
			       &now, err) < 0)
		return -1;
	return set_properties(cgroup, &list, err);
}

int cgroup_limit_scope(const struct cgroup *cgroup, const struct spec *spec, struct error *err)
{
	static const struct systemd_limits_now new_container = SYSTEMD_LIMITS_NEW;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct systemd_properties list = { .arena = &arena };
	size_t n_limits;

	if (systemd_limits_add(&list, spec->linux->resources, is_v2_alone(cgroup), true,
			       &new_container, err) < 0)
		return -1;
	n_limits = list.count;
	/* What an annotation says of one of these counts; the others the scope has already. */
	if (systemd_annotation_apply(spec->annotations, spec->n_annotations, &list, err) < 0)
		return -1;
	list.count = n_limits;
	return set_properties(cgroup, &list, err);
}

int cgroup_attach_to_scope(const struct cgroup *cgroup, pid_t pid, struct error *err)
{
	char number[16];
	char *pids = number, name[] = "PIDs", type[] = "au";
	struct systemd_property property = {
		.name = name, .type = type, .values = &pids, .n_values = 1
	};
	cleanup_free char *above = find_scope_above(cgroup);
	const struct systemd_request request = {
		.unit = cgroup->scope->unit,
		.subgroup = above ? cgroup_find_v2(cgroup)->path + strlen(above) : NULL,
		.user = cgroup->scope->user,
		.properties = &property,
		.n_properties = 1
	};

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	return systemd_helper_call("attach", &request, err);
}

/* ---- the end ------------------------------------------------------------------------------ */

/*
 * A scope whose last process has gone goes by itself, but maybe later than
 * somebody wants its name. That it cannot be asked keeps nobody from deleting:
 * the directories go in any case.
 */
void cgroup_systemd_stop(const struct cgroup *cgroup)
{
	const struct systemd_request request = { .unit = cgroup->scope->unit,
						 .user = cgroup->scope->user };
	struct error err;

	if (systemd_helper_call("stop", &request, &err) < 0)
		log_warning("%s", err.text);
}
