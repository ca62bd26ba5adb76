/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/stats_sample.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/live_cgroup.h"
#include "cmd/rustbox/format/format.h"
#include "runtime/cgroup_stats.h"

enum { NET_DEV_SIZE = 1024 * 1024 };

/* ---- taking ---- */

static uint64_t memory_of_machine(void)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;
}

/* cgroup v1 counts what is below a cgroup by "total_"; v2 always. */
static uint64_t droppable(const struct cgroup_stats *stats)
{
	uint64_t found = 0;

	for (size_t i = 0; i < stats->n_memory_raw; i++) {
		if (str_equal(stats->memory_raw[i].name, "total_inactive_file"))
			return stats->memory_raw[i].value;
		if (str_equal(stats->memory_raw[i].name, "inactive_file"))
			found = stats->memory_raw[i].value;
	}
	return found;
}

static void take_memory(const struct cgroup_stats *stats, struct stats_sample *ret)
{
	uint64_t cache = droppable(stats), all = memory_of_machine();

	ret->memory = stats->memory.usage > cache ? stats->memory.usage - cache : 0;
	ret->memory_limit = stats->memory.limit;
	if (!ret->memory_limit || ret->memory_limit > all)
		ret->memory_limit = all;
}

static void take_block(const struct cgroup_stats *stats, struct stats_sample *ret)
{
	for (size_t i = 0; i < stats->n_io_service_bytes; i++) {
		const struct cgroup_block_entry *entry = &stats->io_service_bytes[i];
		if (str_equal(entry->op, "Read"))
			ret->block_read += entry->value;
		if (str_equal(entry->op, "Write"))
			ret->block_written += entry->value;
	}
}

void stats_sample_add_network(const char *text, uint64_t *received, uint64_t *sent)
{
	while (*text) {
		const char *line = text + strspn(text, " ");
		const char *colon = line + strcspn(line, ":\n");
		uint64_t in, out;

		text += strcspn(text, "\n");
		text += *text == '\n';
		if (*colon != ':' || str_starts_with(line, "lo:") ||
		    // NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers
		    sscanf(colon + 1, "%" SCNu64 "%*u%*u%*u%*u%*u%*u%*u%" SCNu64, &in, &out) != 2)
			continue;
		*received += in;
		*sent += out;
	}
}

/* Nothing where it has the host's network, whose numbers are not its own. */
static void take_network(const struct cgroup *cgroup, const struct record *record,
			 struct stats_sample *ret)
{
	char path[64];
	cleanup_free char *text = NULL;
	struct stat own, theirs;
	struct error ignored;
	uint64_t received = 0, sent = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", record->state->pid);
	if (stat("/proc/self/ns/net", &own) < 0 || stat(path, &theirs) < 0 ||
	    (own.st_ino == theirs.st_ino && own.st_dev == theirs.st_dev))
		return;
	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", record->state->pid);
	if (fd_read_file(AT_FDCWD, path, NET_DEV_SIZE, &text, NULL, &ignored) < 0)
		return;
	stats_sample_add_network(text, &received, &sent);
	/* After reading: it has been its process all the time. */
	if (!live_cgroup_has_init(cgroup, record))
		return;
	ret->received = received;
	ret->sent = sent;
}

int stats_sample_take(const struct invocation *call, const struct record *record,
		      struct stats_sample *ret, struct error *err)
{
	struct stats_sample sample = { .at_ns = (uint64_t)clock_now_ns() };
	struct cgroup_stats *stats = arena_alloc(call->arena, sizeof(*stats), err);
	int status = record->state->status;
	struct cgroup cgroup;

	*ret = sample;
	if (!stats)
		return -1;
	if (status != RECORD_RUNNING && status != RECORD_PAUSED)
		return 0;
	if (live_cgroup_find(call, record, &cgroup, err) < 0)
		return store_is_supervised(call->store, record->id) ? -1 : 0;
	if (cgroup_read_stats(&cgroup, call->arena, stats, err) < 0)
		return err->code == ENOENT && !call->store->is_rootless ? 0 : -1;
	sample.runs = true;
	sample.cpu_ns = stats->cpu_total_ns;
	sample.pids = stats->pids_current;
	take_memory(stats, &sample);
	take_block(stats, &sample);
	take_network(&cgroup, record, &sample);
	*ret = sample;
	return 0;
}

/* ---- showing ---- */

static void put_pair(struct fields *f, const char *key, uint64_t first, uint64_t second,
		     void (*format)(struct str *out, uint64_t bytes))
{
	cleanup_str struct str text = STR_EMPTY;

	format(&text, first);
	str_add(&text, " / ");
	format(&text, second);
	fields_text(f, key, text.text);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole * 100 : 0;
}

struct value *stats_sample_row(const struct invocation *call, const struct record *record,
			       const struct stats_sample *before, const struct stats_sample *now,
			       struct error *err)
{
	struct fields f = { .arena = call->arena, .err = err };
	uint64_t cpu =
		before->runs && now->cpu_ns > before->cpu_ns ? now->cpu_ns - before->cpu_ns : 0;

	fields_text(&f, "Container", record->id);
	fields_text(&f, "ID", record->id);
	fields_text(&f, "Name", record->name);
	fields_format(&f, "CPUPerc", "%.2f%%", percent(cpu, now->at_ns - before->at_ns));
	put_pair(&f, "MemUsage", now->memory, now->memory_limit, format_binary_size);
	fields_format(&f, "MemPerc", "%.2f%%", percent(now->memory, now->memory_limit));
	put_pair(&f, "NetIO", now->received, now->sent, format_size);
	put_pair(&f, "BlockIO", now->block_read, now->block_written, format_size);
	fields_format(&f, "PIDs", "%" PRIu64, now->pids);
	return fields_end(&f);
}
