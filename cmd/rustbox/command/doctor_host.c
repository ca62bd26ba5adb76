/* SPDX-License-Identifier: Apache-2.0 */
/* Programs, files and space. */
#include <fcntl.h>
#include <sys/statvfs.h>

#include "base/fd.h"
#include "cmd/rustbox/bundle/id_map.h"
#include "cmd/rustbox/command/doctor.h"
#include "cmd/rustbox/command/machine.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/network/network.h"

enum { SUBUID_SIZE = 1024 * 1024 };
/* Less is too little for an image's layer and its archive; or for the files of some containers. */
static const uint64_t SPACE_LEAST = 256ull * 1024 * 1024;
enum { INODES_LEAST = 10000 };

bool doctor_runtime(const struct invocation *call, struct finding *finding)
{
	const char *path, *version;
	struct error err;

	str_add(&finding->remedy, "install rustbox-runtime beside rustbox, or on PATH");
	if (machine_find_runtime(call->arena, &path, &version, &err) < 0) {
		str_add(&finding->detail, err.text);
		return false;
	}
	str_add_format(&finding->detail, "%s (%s)", path, version);
	return true;
}

/* What `run --network bridge` would say. */
bool doctor_network(const struct invocation *call, struct finding *finding)
{
	static char bridge[] = "bridge";
	struct error err;
	struct record *record = record_new(call->arena, &err);

	if (record)
		record->network->mode = bridge;
	if (record && network_check(call->store, record, &err) == 0) {
		str_add(&finding->detail, "plugins and iptables are there");
		return true;
	}
	str_add(&finding->detail, err.text);
	str_add(&finding->remedy, "networks and --publish need them: install the packages "
				  "containernetworking-plugins and iptables");
	return false;
}

bool doctor_subuid(const struct invocation *call, struct finding *finding)
{
	static const char *const files[] = { "/etc/subuid", "/etc/subgid" };
	struct error err;

	str_add(&finding->remedy, "--isolate-user takes ids that nobody has, from 100000 on: a "
				  "line \"rustbox:FIRST:65536\" in both files makes them its own");
	for (size_t i = 0; i < 2; i++) {
		cleanup_free char *text = NULL;
		uint64_t highest = 0;
		uint32_t first;
		if (fd_read_file(AT_FDCWD, files[i], SUBUID_SIZE, &text, NULL, &err) < 0 ||
		    !id_map_find(text, &first, &highest)) {
			str_add_format(&finding->detail, "%s%s has none for rustbox or root",
				       i ? ", " : "", files[i]);
			return false;
		}
		str_add_format(&finding->detail, "%s%s: %u", i ? ", " : "", files[i], first);
	}
	return true;
}

static bool find_program(const struct invocation *call, const char *name, struct finding *finding)
{
	const char *path = machine_find_program(name, call->arena);

	str_add(&finding->detail, path ? path : "not on PATH");
	return path != NULL;
}

bool doctor_criu(const struct invocation *call, struct finding *finding)
{
	str_add(&finding->remedy, "rustbox checkpoint and restore need it: install criu");
	return find_program(call, "criu", finding);
}

bool doctor_ps(const struct invocation *call, struct finding *finding)
{
	str_add(&finding->remedy, "rustbox top needs it: install the package procps");
	return find_program(call, "ps", finding);
}

bool doctor_space(const struct invocation *call, struct finding *finding)
{
	struct statvfs fs;
	uint64_t free_bytes;

	str_add(&finding->remedy, "rustbox system prune removes what nobody uses; --root chooses "
				  "another place");
	if (statvfs(call->store->root, &fs) < 0) {
		str_add_format(&finding->detail, "cannot look at %s", call->store->root);
		return false;
	}
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	format_binary_size(&finding->detail, free_bytes);
	str_add_format(&finding->detail, " free in %s", call->store->root);
	/* Some file systems do not count inodes. */
	if (fs.f_files && fs.f_favail < INODES_LEAST) {
		str_add_format(&finding->detail, ", %llu inodes", (unsigned long long)fs.f_favail);
		return false;
	}
	return free_bytes >= SPACE_LEAST;
}
