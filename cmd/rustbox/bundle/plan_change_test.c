/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/bundle/port_spec.h"

enum { WORDS_MAX = 4 };

struct fixture {
	struct arena arena;
	struct update_options options;
	char *words[4][WORDS_MAX]; /* what the lists of the options point to */
	struct image_settings settings;
	struct spec_process process;
	struct record_network network;
};

static char bridge[] = "bridge", host[] = "host", tcp[] = "tcp", udp[] = "udp";
static char path[] = "PATH=/bin", level[] = "LEVEL=1", levels[] = "LEVELS=2";

static int setup(void **state)
{
	static char *env[] = { path, level, levels, NULL };
	static char *image_env[] = { level, levels, NULL };
	struct fixture *f = calloc(1, sizeof(*f));

	f->process.env = env;
	f->process.n_env = 3;
	f->settings.env = image_env;
	f->settings.n_env = 2;
	f->network.mode = bridge;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(&f->arena);
	free(f);
	return 0;
}

static void give(struct fixture *f, struct option_strings *list, int slot, const char *word)
{
	list->items = f->words[slot];
	assert_true(list->count < WORDS_MAX);
	f->words[slot][list->count++] = (char *)(uintptr_t)word;
}

/* ---- environment ---- */

static void expect_env(char *const *env, size_t n, const char *const *words)
{
	for (size_t i = 0; i < n; i++)
		assert_string_equal(env[i], words[i]);
	assert_null(words[n]);
	assert_null(env[n]);
}

static int change_env(struct fixture *f, struct error *err)
{
	return bundle_change_env(&f->options, &f->settings, &f->process, &f->arena, err);
}

static void test_env(void **state)
{
	struct fixture *f = *state;
	struct error err;

	give(f, &f->options.create.env, 0, "LEVEL=3");
	give(f, &f->options.create.env, 0, "EMPTY=");
	give(f, &f->options.create.env, 0, "OURS");
	give(f, &f->options.env_rm, 1, "LEVELS");
	assert_int_equal(setenv("OURS", "x=y", 1), 0);
	assert_int_equal(change_env(f, &err), 0);
	const char *const words[] = { "PATH=/bin", "LEVEL=3", "EMPTY=", "OURS=x=y", NULL };
	expect_env(f->process.env, f->process.n_env, words);
	expect_env(f->settings.env, f->settings.n_env, words + 1);
}

static void test_env_mistakes(void **state)
{
	struct fixture *f = *state;
	struct error err;

	give(f, &f->options.create.env, 0, "NOT_SET_ANYWHERE");
	assert_int_equal(change_env(f, &err), -1);
	assert_non_null(strstr(err.text, "--env NOT_SET_ANYWHERE"));
	f->words[0][0] = (char[]){ "=1" };
	assert_int_equal(change_env(f, &err), -1);
	assert_non_null(strstr(err.text, "NAME=VALUE"));
	f->options.create.env.count = 0;
	give(f, &f->options.env_rm, 1, "PAT");
	assert_int_equal(change_env(f, &err), -1);
	assert_non_null(strstr(err.text, "--env-rm PAT"));
}

/* ---- ports ---- */

static int change_ports(struct fixture *f, struct error *err)
{
	return bundle_change_ports(&f->options, &f->network, &f->arena, err);
}

static void set_ports(struct fixture *f)
{
	static struct record_port ports[3];

	ports[0] = (struct record_port){ .host_port = 8080, .container_port = 80, .protocol = tcp };
	ports[1] = (struct record_port){ .host_port = 5353, .container_port = 53, .protocol = udp };
	ports[2] = (struct record_port){ .host_port = 8081, .container_port = 80, .protocol = tcp };
	f->network.ports = ports;
	f->network.n_ports = 3;
}

static void test_ports(void **state)
{
	struct fixture *f = *state;
	const struct record_port *ports;
	struct error err;
	char **texts;
	size_t n;

	set_ports(f);
	give(f, &f->options.publish_rm, 0, "80");
	give(f, &f->options.create.publish, 1, "127.0.0.1:9000:90");
	give(f, &f->options.create.publish, 1, "91");
	assert_int_equal(change_ports(f, &err), 0);
	ports = f->network.ports;
	assert_int_equal(f->network.n_ports, 3);
	assert_int_equal(ports[0].host_port, 5353);
	assert_int_equal(ports[1].host_port, 9000);
	assert_string_equal(ports[1].host_ip, "127.0.0.1");
	assert_int_equal(ports[2].container_port, 91);
	assert_int_not_equal(ports[2].host_port, 0);
	assert_int_equal(port_spec_write_all(&f->network, &f->arena, &texts, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_string_equal(texts[0], "5353:53/udp");
	assert_string_equal(texts[1], "127.0.0.1:9000:90/tcp");
}

static void test_port_mistakes(void **state)
{
	struct fixture *f = *state;
	struct error err;

	set_ports(f);
	give(f, &f->options.publish_rm, 0, "80/udp");
	assert_int_equal(change_ports(f, &err), -1);
	assert_non_null(strstr(err.text, "--publish-rm 80/udp"));
	assert_int_equal(f->network.n_ports, 3);
	f->options.publish_rm.count = 0;
	give(f, &f->options.create.publish, 1, "8080:81");
	assert_int_equal(change_ports(f, &err), -1);
	assert_non_null(strstr(err.text, "8080/tcp is given twice"));
	f->network.mode = host;
	assert_int_equal(change_ports(f, &err), -1);
	assert_non_null(strstr(err.text, "--network host"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_env, setup, teardown),
		cmocka_unit_test_setup_teardown(test_env_mistakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_port_mistakes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
