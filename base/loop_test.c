/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

/* One end of a pipe on a loop, and a record of what came. */
struct side {
	struct loop_watch watch;
	struct loop_timer timer;
	struct loop *loop;
	struct side *other;
	int read_end, write_end;
	int calls;
	uint32_t events;
};

static int order[8], n_order;

static int setup(void **state)
{
	struct loop *loop = malloc(sizeof(*loop));
	struct error err;

	n_order = 0;
	*state = loop;
	return loop ? loop_init(loop, &err) : -1;
}

static int teardown(void **state)
{
	loop_done(*state);
	free(*state);
	return 0;
}

static void count(struct loop_watch *watch, uint32_t events)
{
	struct side *s = loop_owner(watch, struct side, watch);

	s->calls++;
	s->events = events;
}

static void side_open(struct side *s, struct loop *loop,
		      void (*ready)(struct loop_watch *, uint32_t))
{
	int ends[2];
	struct error err;

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	*s = (struct side){ .watch = { .fd = ends[0], .events = EPOLLIN, .ready = ready },
			    .loop = loop,
			    .read_end = ends[0],
			    .write_end = ends[1] };
	assert_int_equal(loop_add(loop, &s->watch, &err), 0);
}

static void side_close(struct side *s)
{
	loop_remove(s->loop, &s->watch);
	loop_cancel_timer(s->loop, &s->timer);
	fd_close(&s->read_end);
	fd_close(&s->write_end);
}

static void side_fill(struct side *s)
{
	assert_int_equal(write(s->write_end, "x", 1), 1);
}

static void once(struct loop *loop)
{
	struct error err;

	assert_int_equal(loop_run_once(loop, 0, &err), 0);
}

static void events_reach_their_owner(void **state)
{
	struct loop *loop = *state;
	struct side s;

	side_open(&s, loop, count);
	once(loop);
	assert_int_equal(s.calls, 0);
	side_fill(&s);
	once(loop);
	once(loop); /* level-triggered: told again */
	assert_int_equal(s.calls, 2);
	assert_int_equal(s.events, EPOLLIN);
	side_close(&s);
	once(loop);
	assert_int_equal(s.calls, 2);
}

static void changes_are_obeyed(void **state)
{
	struct loop *loop = *state;
	struct side s;

	side_open(&s, loop, count);
	side_fill(&s);
	loop_change(loop, &s.watch, 0);
	once(loop);
	assert_int_equal(s.calls, 0);
	fd_close(&s.write_end); /* hang-ups come unasked */
	once(loop);
	assert_int_equal(s.events, EPOLLHUP);
	loop_change(loop, &s.watch, EPOLLIN);
	once(loop);
	assert_int_equal(s.events, EPOLLIN | EPOLLHUP);
	side_close(&s);
	loop_change(loop, &s.watch, EPOLLIN); /* of one that is not watched: kept for later */
	assert_int_equal(s.watch.events, EPOLLIN);
}

static void remove_both(struct loop_watch *watch, uint32_t events)
{
	struct side *s = loop_owner(watch, struct side, watch);

	count(watch, events);
	loop_remove(s->loop, &s->other->watch);
	loop_remove(s->loop, watch);
}

static void what_is_removed_is_not_called(void **state)
{
	struct loop *loop = *state;
	struct side a, b;

	side_open(&a, loop, remove_both);
	side_open(&b, loop, remove_both);
	a.other = &b;
	b.other = &a;
	side_fill(&a);
	side_fill(&b);
	once(loop);
	once(loop);
	assert_int_equal(a.calls + b.calls, 1);
	side_close(&a);
	side_close(&b);
}

static void silence_other(struct loop_watch *watch, uint32_t events)
{
	struct side *s = loop_owner(watch, struct side, watch);

	count(watch, events);
	loop_change(s->loop, &s->other->watch, 0);
}

static void what_is_no_longer_wanted_is_not_called(void **state)
{
	struct loop *loop = *state;
	struct side a, b;

	side_open(&a, loop, silence_other);
	side_open(&b, loop, silence_other);
	a.other = &b;
	b.other = &a;
	side_fill(&a);
	side_fill(&b);
	once(loop);
	assert_int_equal(a.calls + b.calls, 1);
	side_close(&a);
	side_close(&b);
}

/* The other side gives up its descriptor, and takes a silent one of the same number. */
static void replace_other(struct loop_watch *watch, uint32_t events)
{
	struct side *s = loop_owner(watch, struct side, watch), *o = s->other;

	count(watch, events);
	if (s->calls + o->calls > 1)
		return;
	side_close(o);
	side_open(o, s->loop, count);
}

static void a_reused_descriptor_gets_no_old_event(void **state)
{
	struct loop *loop = *state;
	struct side a, b;

	side_open(&a, loop, replace_other);
	side_open(&b, loop, replace_other);
	a.other = &b;
	b.other = &a;
	side_fill(&a);
	side_fill(&b);
	once(loop);
	assert_int_equal(a.calls + b.calls, 1);
	side_close(&a);
	side_close(&b);
}

static void free_owner(struct loop_watch *watch, uint32_t events)
{
	struct side *s = loop_owner(watch, struct side, watch);

	(void)events;
	side_close(s);
	free(s);
}

static void owners_may_free_themselves(void **state)
{
	struct loop *loop = *state;

	for (int i = 0; i < 40; i++) {
		struct side *s = malloc(sizeof(*s));
		assert_non_null(s);
		side_open(s, loop, free_owner);
		side_fill(s);
	}
	for (int i = 0; i < 3; i++)
		once(loop);
}

static void run_inner_round(struct loop_watch *watch, uint32_t events)
{
	struct side *s = loop_owner(watch, struct side, watch);

	count(watch, events);
	loop_change(s->loop, watch, 0);
	once(s->loop);
	loop_remove(s->loop, &s->other->watch);
}

static void rounds_may_be_nested(void **state)
{
	struct loop *loop = *state;
	struct side a, b;

	side_open(&a, loop, run_inner_round);
	side_open(&b, loop, run_inner_round);
	a.other = &b;
	b.other = &a;
	side_fill(&a);
	side_fill(&b);
	once(loop);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 1);
	once(loop);
	assert_int_equal(a.calls + b.calls, 2);
	side_close(&a);
	side_close(&b);
}

static void note(struct loop_timer *timer)
{
	struct side *s = loop_owner(timer, struct side, timer);

	order[n_order++] = s->calls;
	if (!s->loop->timers)
		loop_stop(s->loop);
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
	struct loop *loop = *state;
	struct side s[4] = { { .calls = 0 }, { .calls = 1 }, { .calls = 2 }, { .calls = 3 } };
	static const int milliseconds[4] = { 4, 1, 60000, 2 };
	struct error err;

	for (int i = 0; i < 4; i++) {
		s[i].loop = loop;
		s[i].timer.fire = note;
		loop_set_timer(loop, &s[i].timer, milliseconds[i]);
	}
	loop_set_timer(loop, &s[1].timer, 3); /* moved */
	loop_cancel_timer(loop, &s[2].timer);
	loop_cancel_timer(loop, &s[2].timer);
	assert_int_equal(loop_run(loop, &err), 0);
	assert_int_equal(n_order, 3);
	assert_int_equal(order[0], 3);
	assert_int_equal(order[1], 1);
	assert_int_equal(order[2], 0);
	assert_false(s[0].timer.set || s[1].timer.set || s[2].timer.set || s[3].timer.set);
}

static void extreme_times_are_harmless(void **state)
{
	struct loop *loop = *state;
	struct side s[3] = { { .calls = 0 }, { .calls = 1 }, { .calls = 2 } };
	static const int64_t milliseconds[3] = { INT64_MAX, INT64_MIN, (int64_t)INT_MAX + 5 };

	for (int i = 0; i < 3; i++) {
		s[i].loop = loop;
		s[i].timer.fire = note;
		loop_set_timer(loop, &s[i].timer, milliseconds[i]);
	}
	once(loop);
	assert_int_equal(n_order, 1);
	assert_int_equal(order[0], 1);
	once(loop);
	assert_int_equal(n_order, 1);
	loop_cancel_timer(loop, &s[0].timer);
	loop_cancel_timer(loop, &s[2].timer);
	assert_null(loop->timers);
}

static void again(struct loop_timer *timer)
{
	struct side *s = loop_owner(timer, struct side, timer);

	if (++s->calls < 3)
		loop_set_timer(s->loop, timer, 0);
	else
		loop_stop(s->loop);
}

static void a_timer_may_set_itself_again(void **state)
{
	struct side s = { .loop = *state, .timer.fire = again };
	struct error err;

	loop_set_timer(*state, &s.timer, 0);
	assert_int_equal(loop_run(*state, &err), 0);
	assert_int_equal(s.calls, 3);
}

static void stop_at_once(struct loop_watch *watch, uint32_t events)
{
	struct side *s = loop_owner(watch, struct side, watch);

	count(watch, events);
	loop_stop(s->loop);
}

static void stopping_stops_at_once(void **state)
{
	struct loop *loop = *state;
	struct side a, b, t = { .loop = loop, .timer.fire = again };
	struct error err;

	side_open(&a, loop, stop_at_once);
	side_open(&b, loop, stop_at_once);
	side_fill(&a);
	side_fill(&b);
	loop_set_timer(loop, &t.timer, 0);
	assert_int_equal(loop_run(loop, &err), 0);
	assert_int_equal(a.calls + b.calls, 1);
	assert_int_equal(t.calls, 0);
	loop_stop(loop); /* before it runs */
	assert_int_equal(loop_run(loop, &err), 0);
	assert_int_equal(a.calls + b.calls, 1);
	side_close(&a);
	side_close(&b);
	loop_stop(loop); /* single rounds run all the same */
	once(loop);
	assert_int_equal(t.calls, 1);
	loop_cancel_timer(loop, &t.timer);
}

static void what_cannot_be_watched_is_told(void **state)
{
	struct loop_watch watch = { .fd = -1, .events = EPOLLIN, .ready = count };
	struct error err = { 0 };

	assert_int_equal(loop_add(*state, &watch, &err), -1);
	assert_int_equal(err.code, EBADF);
	assert_false(watch.watched);
	loop_remove(*state, &watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(events_reach_their_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(changes_are_obeyed, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_removed_is_not_called, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_longer_wanted_is_not_called, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_reused_descriptor_gets_no_old_event, setup,
						teardown),
		cmocka_unit_test_setup_teardown(owners_may_free_themselves, setup, teardown),
		cmocka_unit_test_setup_teardown(rounds_may_be_nested, setup, teardown),
		cmocka_unit_test_setup_teardown(timers_fire_in_the_order_of_their_times, setup,
						teardown),
		cmocka_unit_test_setup_teardown(extreme_times_are_harmless, setup, teardown),
		cmocka_unit_test_setup_teardown(a_timer_may_set_itself_again, setup, teardown),
		cmocka_unit_test_setup_teardown(stopping_stops_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_watched_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
