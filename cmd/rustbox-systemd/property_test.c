/* SPDX-License-Identifier: Apache-2.0 */
/* Needs no systemd: messages are made on a connection that nobody answers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/rustbox-systemd/manager.h"

struct wire {
	sd_bus *bus;
	sd_bus_message *message;
	int peer;
};

static int open_wire(void **state)
{
	static struct wire wire;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
			 0);
	wire.peer = ends[1];
	assert_true(sd_bus_new(&wire.bus) >= 0);
	assert_true(sd_bus_set_fd(wire.bus, ends[0], ends[0]) >= 0);
	assert_true(sd_bus_start(wire.bus) >= 0);
	assert_true(sd_bus_message_new_signal(wire.bus, &wire.message, "/a", "a.b", "C") >= 0);
	*state = &wire;
	return 0;
}

static int close_wire(void **state)
{
	struct wire *wire = *state;

	(void)sd_bus_message_unref(wire->message);
	sd_bus_close(wire->bus);
	(void)sd_bus_unref(wire->bus);
	(void)close(wire->peer);
	return 0;
}

static int append(struct wire *wire, const char *type, const char **values, size_t n_values)
{
	const struct systemd_property property = { .name = (char *)(uintptr_t) "Name",
						   .type = (char *)(uintptr_t)type,
						   .values = (char **)(uintptr_t)values,
						   .n_values = n_values };

	return property_append(wire->message, &property);
}

/* Reads "(sv)" up to the value, whose type must be this one. */
static void enter_value(struct wire *wire, const char *type)
{
	const char *name;

	assert_true(sd_bus_message_seal(wire->message, 1, 0) >= 0);
	assert_true(sd_bus_message_enter_container(wire->message, 'r', "sv") > 0);
	assert_true(sd_bus_message_read_basic(wire->message, 's', &name) > 0);
	assert_string_equal(name, "Name");
	assert_true(sd_bus_message_enter_container(wire->message, 'v', type) > 0);
}

static void text_and_truth(void **state)
{
	struct wire *wire = *state;
	const char *value, *texts[] = { "a b" };

	assert_true(append(wire, "s", texts, 1) >= 0);
	enter_value(wire, "s");
	assert_true(sd_bus_message_read_basic(wire->message, 's', &value) > 0);
	assert_string_equal(value, "a b");
}

static void the_largest_number(void **state)
{
	struct wire *wire = *state;
	const char *texts[] = { "18446744073709551615" };
	uint64_t value;

	assert_true(append(wire, "t", texts, 1) >= 0);
	enter_value(wire, "t");
	assert_true(sd_bus_message_read_basic(wire->message, 't', &value) > 0);
	assert_true(value == UINT64_MAX);
}

static void small_numbers_keep_their_sign(void **state)
{
	struct wire *wire = *state;
	const char *texts[] = { "-32768" };
	int16_t value;

	assert_true(append(wire, "n", texts, 1) >= 0);
	enter_value(wire, "n");
	assert_true(sd_bus_message_read_basic(wire->message, 'n', &value) > 0);
	assert_int_equal(value, INT16_MIN);
}

static void structs_in_an_array(void **state)
{
	struct wire *wire = *state;
	const char *texts[] = { "/dev/a", "1", "/dev/b", "2" };
	const char *path;
	uint64_t number;

	assert_true(append(wire, "a(st)", texts, 4) >= 0);
	enter_value(wire, "a(st)");
	assert_true(sd_bus_message_enter_container(wire->message, 'a', "(st)") > 0);
	assert_true(sd_bus_message_read(wire->message, "(st)", &path, &number) > 0);
	assert_string_equal(path, "/dev/a");
	assert_true(number == 1);
	assert_true(sd_bus_message_read(wire->message, "(st)", &path, &number) > 0);
	assert_string_equal(path, "/dev/b");
	assert_true(number == 2);
	assert_int_equal(sd_bus_message_at_end(wire->message, 0), 1);
}

static void an_array_may_be_empty(void **state)
{
	struct wire *wire = *state;

	assert_true(append(wire, "a(ss)", NULL, 0) >= 0);
	enter_value(wire, "a(ss)");
	assert_true(sd_bus_message_enter_container(wire->message, 'a', "(ss)") > 0);
	assert_int_equal(sd_bus_message_at_end(wire->message, 0), 1);
}

static void what_does_not_fit_its_type_is_refused(void **state)
{
	static const struct {
		const char *type, *values[3];
		size_t n_values;
	} rows[] = {
		{ "b", { "yes" }, 1 },
		{ "y", { "256" }, 1 },
		{ "q", { "65536" }, 1 },
		{ "u", { "4294967296" }, 1 },
		{ "t", { "-1" }, 1 },
		{ "t", { "1k" }, 1 },
		{ "n", { "32768" }, 1 },
		{ "i", { "-2147483649" }, 1 },
		{ "x", { "9223372036854775808" }, 1 },
		{ "d", { "" }, 1 },
		{ "d", { "1.5x" }, 1 },
		{ "h", { "3" }, 1 },
		{ "t", { "1", "2" }, 2 },
		{ "t", { NULL }, 0 },
		{ "a(st)", { "/dev/a", "1", "/dev/b" }, 3 },
		{ "au", { "1", "x" }, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *wire;

		assert_int_equal(open_wire(&wire), 0);
		assert_int_equal(append(wire, rows[i].type,
					(const char **)(uintptr_t)rows[i].values, rows[i].n_values),
				 -EINVAL);
		assert_int_equal(close_wire(&wire), 0);
	}
}

#define test(t) cmocka_unit_test_setup_teardown(t, open_wire, close_wire)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(text_and_truth),
		test(the_largest_number),
		test(small_numbers_keep_their_sign),
		test(structs_in_an_array),
		test(an_array_may_be_empty),
		cmocka_unit_test(what_does_not_fit_its_type_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
