/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/supervisor/limits.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/format/value.h"
#include "cmd/rustbox/supervisor/supervisor_parts.h"
#include "runtime/cgroup_backend.h"
#include "runtime/cgroup_stats.h"

enum { NS_PER_MS = 1000000, LOOK_LEAST_MS = 2, LOOK_AGAIN_MS = 100 };

/* ---- CPU time ---- */

static const struct cgroup *find_cgroup(const struct supervisor *s)
{
	const struct task *task = task_find(&s->tasks, s->id);

	return task && task->has_cgroup ? &task->cgroup : NULL;
}

/* Nanoseconds of all its processes. False without a cgroup that counts them. */
static bool read_cpu(const struct supervisor *s, uint64_t *ret_ns)
{
	const struct cgroup *cgroup = find_cgroup(s);
	const struct cgroup_directory *directory =
		cgroup ? cgroup_find_v1(cgroup, "cpuacct") : NULL;
	bool is_v1 = directory != NULL;
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;
	uint64_t microseconds;

	if (cgroup && !directory)
		directory = cgroup_find_v2(cgroup);
	if (!directory || cgroup_dir_open(directory, &dir) < 0)
		return false;
	if (is_v1)
		return cgroup_read_uint(&dir, "cpuacct.usage", ret_ns) == 0;
	cleanup_free char *text = cgroup_read_text(&dir, "cpu.stat");
	if (!text || !cgroup_text_find(text, "usage_usec", &microseconds))
		return false;
	*ret_ns = microseconds * 1000;
	return true;
}

/* However many processors it uses, it cannot have used up the rest before the next look. */
static void look_later(struct supervisor *s, uint64_t left_ns)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t wait_ms = left_ns / NS_PER_MS / (uint64_t)(processors > 0 ? processors : 1);

	loop_set_timer(&s->loop, &s->limits.cpu,
		       wait_ms > LOOK_LEAST_MS ? (int64_t)wait_ms : LOOK_LEAST_MS);
}

static void on_look(struct loop_timer *timer)
{
	struct supervisor *s = loop_owner(timer, struct supervisor, limits.cpu);
	uint64_t most = s->record->policy->cpu_time_ms * NS_PER_MS, used;

	/* It has just ended, or we are out of descriptors for a moment. */
	if (!read_cpu(s, &used)) {
		loop_set_timer(&s->loop, timer, LOOK_AGAIN_MS);
		return;
	}
	used -= used < s->limits.cpu_begin_ns ? used : s->limits.cpu_begin_ns;
	if (used >= most)
		stop_at_limit(s, "cpu-time");
	else
		look_later(s, most - used);
}

static void begin_cpu(struct supervisor *s)
{
	uint64_t most_ms = s->record->policy->cpu_time_ms;

	if (!most_ms)
		return;
	if (read_cpu(s, &s->limits.cpu_begin_ns)) {
		look_later(s, most_ms * NS_PER_MS);
		return;
	}
	/* Rather not at all than without the limit that was asked for. */
	log_error("the CPU time of the container cannot be read: its limit cannot be kept");
	stop_at_limit(s, "cpu-time");
}

/* ---- wall time, output ---- */

static void on_time_over(struct loop_timer *timer)
{
	stop_at_limit(loop_owner(timer, struct supervisor, limits.wall), "timeout");
}

uint64_t limits_take_output(struct supervisor *s, uint64_t size)
{
	uint64_t most = s->record->policy->output_limit, before = s->output.total - size;

	if (!most || s->output.total <= most)
		return size;
	stop_at_limit(s, "output-limit");
	s->output.total = most;
	return before < most ? most - before : 0;
}

/* ---- a run ---- */

void limits_init(struct supervisor *s)
{
	s->limits.wall.fire = on_time_over;
	s->limits.cpu.fire = on_look;
}

void limits_begin(struct supervisor *s)
{
	s->limits.begun_ns = clock_now_ns();
	s->limits.wall_ns = (uint64_t)s->limits.begun_ns;
	if (s->record->policy->timeout_ms)
		loop_set_timer(&s->loop, &s->limits.wall, (int64_t)s->record->policy->timeout_ms);
	begin_cpu(s);
}

static void read_usage(struct supervisor *s)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	const struct cgroup *cgroup = find_cgroup(s);
	struct limits *limits = &s->limits;
	struct error err;

	limits->user_ns = limits->system_ns = limits->memory_peak = 0;
	if (!cgroup)
		return;
	struct cgroup_stats *stats = arena_alloc(&arena, sizeof(*stats), &err);
	if (!stats || cgroup_read_stats(cgroup, &arena, stats, &err) < 0) {
		log_warning("--report: %s", err.text);
		return;
	}
	limits->user_ns = stats->cpu_user_ns;
	limits->system_ns = stats->cpu_kernel_ns;
	limits->memory_peak = stats->memory.max_usage;
}

void limits_end(struct supervisor *s)
{
	loop_cancel_timer(&s->loop, &s->limits.wall);
	loop_cancel_timer(&s->loop, &s->limits.cpu);
	s->limits.wall_ns = (uint64_t)clock_now_ns() - s->limits.wall_ns;
	if (s->record->policy->report)
		read_usage(s);
}

/* ---- the report ---- */

static struct value *text_or_null(struct arena *arena, const char *text, struct error *err)
{
	struct value *value =
		text ? value_text(arena, text, err) : arena_alloc(arena, sizeof(struct value), err);

	return value; /* all zeroes: null */
}

static int add_number(struct value *report, const char *key, uint64_t number, struct arena *arena,
		      struct error *err)
{
	return value_add(report, key, value_number(arena, (int64_t)number, err), arena, err);
}

static struct value *make_report(const struct supervisor *s, struct arena *arena, struct error *err)
{
	const struct record_state *state = s->record->state;
	const struct limits *limits = &s->limits;
	struct value *report = value_object(arena, err);

	if (add_number(report, "exit_code", (uint64_t)state->exit_code, arena, err) < 0 ||
	    add_number(report, "signal", (uint64_t)state->signal, arena, err) < 0 ||
	    add_number(report, "wall_ns", limits->wall_ns, arena, err) < 0 ||
	    add_number(report, "user_ns", limits->user_ns, arena, err) < 0 ||
	    add_number(report, "system_ns", limits->system_ns, arena, err) < 0 ||
	    add_number(report, "memory_peak", limits->memory_peak, arena, err) < 0 ||
	    add_number(report, "output", s->output.total, arena, err) < 0 ||
	    value_add(report, "oom_killed", value_bool(arena, state->oom_killed, err), arena, err) <
		    0 ||
	    add_number(report, "oom_pid", (uint64_t)state->oom_pid, arena, err) < 0 ||
	    value_add(report, "oom_task", text_or_null(arena, state->oom_task, err), arena, err) <
		    0 ||
	    value_add(report, "ended_by", text_or_null(arena, state->ended_by, err), arena, err) <
		    0 ||
	    value_add(report, "error", text_or_null(arena, state->error, err), arena, err) < 0)
		return NULL;
	return report;
}

static int write_report(const char *path, const struct value *report, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;

	value_write(&text, report, true);
	if (text.failed)
		return error_memory(err);
	return change_replace_file(path, text.text, text.size, err);
}

void limits_report(struct supervisor *s)
{
	const char *path = s->record->policy->report;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	const struct value *report;
	struct error err;

	if (!path || *path != '/')
		return;
	report = make_report(s, &arena, &err);
	if (!report || write_report(path, report, &err) < 0)
		log_error("write the report %s: %s", path, err.text);
}
