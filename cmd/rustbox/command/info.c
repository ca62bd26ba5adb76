/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/machine.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/image/image.h"
#include "runtime/cgroup_survey.h"

struct info_options {
	const char *format;
};

static const struct option_row rows[] = {
	{ "format", 'f', "FORM", "json, or a template ({{.CgroupVersion}})",
	  OPTION_AT(info_options, format) },
	{ NULL },
};

enum { OS_RELEASE_SIZE = 64 * 1024 };

/* ---- what there is ---- */

static int put_containers(struct fields *f, const struct invocation *call)
{
	size_t counts[RECORD_STATUSES] = { 0 };
	struct fields states = { .arena = f->arena, .err = f->err };
	struct record **records;
	struct image **images;
	size_t n, n_images;

	if (store_list(call->store, call->arena, &records, &n, f->err) < 0 ||
	    image_list(call->store, call->arena, &images, &n_images, f->err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		counts[records[i]->state->status]++;
	for (size_t i = 0; i < RECORD_STATUSES; i++)
		fields_number(&states, record_status_names[i], (int64_t)counts[i]);
	fields_number(f, "Containers", (int64_t)n);
	/* Docker's names; the rest is in States. */
	fields_number(f, "ContainersRunning", (int64_t)counts[RECORD_RUNNING]);
	fields_number(f, "ContainersPaused", (int64_t)counts[RECORD_PAUSED]);
	fields_number(f, "ContainersStopped",
		      (int64_t)(n - counts[RECORD_RUNNING] - counts[RECORD_PAUSED]));
	fields_value(f, "States", fields_end(&states));
	fields_number(f, "Images", (int64_t)n_images);
	return 0;
}

static void put_storage(struct fields *f, const struct store *store)
{
	struct statvfs fs;

	fields_text(f, "Driver", "overlay");
	fields_text(f, "RootDir", store->root);
	fields_text(f, "RunDir", store->run);
	if (statvfs(store->root, &fs) == 0) {
		fields_number(f, "SpaceTotal", (int64_t)(fs.f_blocks * fs.f_frsize));
		fields_number(f, "SpaceFree", (int64_t)(fs.f_bavail * fs.f_frsize));
	}
}

/* PRETTY_NAME of os-release(5), without its quotation marks. */
static void put_system(struct fields *f)
{
	static const char key[] = "PRETTY_NAME=";
	cleanup_free char *text = NULL;
	struct error ignored;
	const char *line = NULL;

	if (fd_read_file(AT_FDCWD, "/etc/os-release", OS_RELEASE_SIZE, &text, NULL, &ignored) == 0)
		for (line = text; !str_starts_with(line, key) && *line; line += *line == '\n')
			line += strcspn(line, "\n");
	if (line && *line) {
		line += strlen(key);
		line += strspn(line, "\"'");
		fields_format(f, "OperatingSystem", "%.*s", (int)strcspn(line, "\"'\n"), line);
	} else {
		fields_text(f, "OperatingSystem", "Linux");
	}
}

static int put_machine(struct fields *f)
{
	struct sysinfo memory;
	struct utsname name;

	if (uname(&name) < 0 || sysinfo(&memory) < 0)
		return error_set(f->err, errno, "ask the kernel");
	fields_text(f, "Name", name.nodename);
	put_system(f);
	fields_text(f, "KernelVersion", name.release);
	fields_text(f, "Architecture", name.machine);
	fields_number(f, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
	fields_number(f, "MemTotal", (int64_t)((uint64_t)memory.totalram * memory.mem_unit));
	return 0;
}

/* What is missing here is doctor's to explain. */
static int put_features(struct fields *f, bool rootless)
{
	struct cgroup_survey cgroups = { 0 };
	const char *runtime = "", *version = "";
	struct error ignored;
	cleanup_fd int user = machine_make_user_namespace(&ignored);

	if (cgroup_survey_take(f->arena, &cgroups, &ignored) < 0)
		cgroups = (struct cgroup_survey){ .version = "none" };
	fields_text(f, "CgroupDriver", "cgroupfs");
	fields_text(f, "CgroupVersion", cgroups.version);
	struct value *list = value_list(f->arena, f->err);
	for (size_t i = 0; i < cgroups.n; i++)
		if (value_append(list, value_text(f->arena, cgroups.controllers[i], f->err),
				 f->arena, f->err) < 0)
			return -1;
	fields_value(f, "CgroupControllers", list);
	fields_bool(f, "Seccomp", machine_has_seccomp());
	fields_bool(f, "UserNamespaces", user >= 0);
	fields_bool(f, "Rootless", rootless);
	(void)machine_find_runtime(f->arena, &runtime, &version, &ignored);
	fields_text(f, "RuntimePath", runtime);
	fields_text(f, "RuntimeVersion", version);
	return 0;
}

/* ---- showing ---- */

static void add_text(struct str *out, const struct value *value)
{
	if (value->kind == VALUE_TEXT || value->kind == VALUE_NUMBER)
		str_add(out, value->text);
	else if (value->kind == VALUE_BOOL)
		str_add(out, value->truth ? "yes" : "no");
	for (size_t i = 0; value->kind == VALUE_LIST && i < value->n; i++)
		str_add_format(out, "%s%s", i ? " " : "", value->items[i]->text);
}

static void add_size(struct str *out, const struct value *value)
{
	uint64_t bytes = 0;

	(void)str_to_uint(value->text, 10, UINT64_MAX, &bytes);
	format_binary_size(out, bytes);
}

static void add_lines(struct str *out, const struct value *info)
{
	static const struct {
		const char *title, *path;
		bool is_size;
	} lines[] = {
		{ "Version", "Version", false },
		{ "Containers", "Containers", false },
		{ " Created", "States.Created", false },
		{ " Running", "States.Running", false },
		{ " Paused", "States.Paused", false },
		{ " Restarting", "States.Restarting", false },
		{ " Stopped", "States.Stopped", false },
		{ " Exited", "States.Exited", false },
		{ "Images", "Images", false },
		{ "Root folder", "RootDir", false },
		{ "Run folder", "RunDir", false },
		{ "Storage driver", "Driver", false },
		{ " Space", "SpaceTotal", true },
		{ " Free", "SpaceFree", true },
		{ "Cgroup version", "CgroupVersion", false },
		{ " Controllers", "CgroupControllers", false },
		{ "Runtime", "RuntimePath", false },
		{ " Version", "RuntimeVersion", false },
		{ "Seccomp", "Seccomp", false },
		{ "User namespaces", "UserNamespaces", false },
		{ "Rootless", "Rootless", false },
		{ "Kernel", "KernelVersion", false },
		{ "Operating system", "OperatingSystem", false },
		{ "Architecture", "Architecture", false },
		{ "CPUs", "NCPU", false },
		{ "Memory", "MemTotal", true },
		{ "Name", "Name", false },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const struct value *value = value_get(info, lines[i].path);
		if (!value)
			continue;
		str_add_format(out, "%s: ", lines[i].title);
		(lines[i].is_size ? add_size : add_text)(out, value);
		str_add(out, "\n");
	}
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct info_options *options = call->options;
	struct fields f = { .arena = call->arena, .err = err };
	cleanup_str struct str out = STR_EMPTY;
	const struct value *info;

	fields_text(&f, "Version", RUSTBOX_VERSION);
	if (put_containers(&f, call) < 0)
		return -1;
	put_storage(&f, call->store);
	if (put_features(&f, call->store->is_rootless) < 0 || put_machine(&f) < 0)
		return -1;
	info = fields_end(&f);
	if (!info)
		return -1;
	if (!options->format)
		add_lines(&out, info);
	else if (format_documents(options->format, &info, 1, &out, err) < 0)
		return -1;
	return fields_print(&out);
}

const struct command command_info = {
	.about = {
		.name = "info",
		.summary = "show facts of this machine and installation",
		.arguments = "",
		.rows = rows,
	},
	.options_size = sizeof(struct info_options),
	.aliases = (const char *const[]){ "system info", NULL },
	.run = run,
};
