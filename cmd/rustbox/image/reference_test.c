/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/image_test.h"

#include "cmd/rustbox/image/instruction.h"
#include "cmd/rustbox/image/reference.h"

static void names_have_one_form(void **state)
{
	static const struct {
		const char *text, *form;
	} rows[] = {
		{ "busybox", "busybox:latest" },
		{ "busybox:1.36", "busybox:1.36" },
		{ "library/busybox", "busybox:latest" },
		{ "docker.io/library/busybox", "busybox:latest" },
		{ "docker.io/team/app:2", "team/app:2" },
		{ "index.docker.io/library/busybox", "busybox:latest" },
		{ "localhost/app", "localhost/app:latest" },
		{ "localhost:5000/a/b/c:T_1.x-y", "localhost:5000/a/b/c:T_1.x-y" },
		{ "quay.io/a__b/c-d.e", "quay.io/a__b/c-d.e:latest" },
		{ "library", "library:latest" },
		{ "library/library/a", "library/library/a:latest" },
	};
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err;
	char *form;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_ok(reference_read(rows[i].text, &arena, &form, &err));
		assert_string_equal(form, rows[i].form);
		reference_to_file(form);
		assert_null(strchr(form, '/'));
		reference_from_file(form);
		assert_string_equal(form, rows[i].form);
	}
}

static void what_is_no_name(void **state)
{
	static const char *const texts[] = {
		"",	"/",	  "a/",		 "/a",
		"A",	"a:",	  "a:b:c",	 "a b",
		"../a", "a/../b", "a//b",	 "-a",
		"a-",	".",	  "a@sha256:00", "docker.io/x.y/a",
		"a:-x", "a:.x",	  "x.y:99999/a", "x.y:/a",
		"a%b",	"a\nb",	  "a:b/c",	 "\xc3\xa9",
	};
	cleanup_arena struct arena arena = ARENA_EMPTY;
	char *form, longest[400];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (reference_read(texts[i], &arena, &form, &err) == 0)
			fail_msg("\"%s\" was taken as %s", texts[i], form);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(reference_read(longest, &arena, &form, &err), -1);
}

static void digests(void **state)
{
	struct digest digest = digest_of("abc", 3), parsed;
	struct error err;

	(void)state;
	assert_string_equal(digest.text, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb4"
					 "10ff61f20015ad");
	assert_ok(digest_parse(digest.text, &parsed, &err));
	assert_string_equal(digest_hex(&parsed), digest.text + 7);
	assert_int_equal(digest_parse("sha256:ba78", &parsed, &err), -1);
	assert_int_equal(digest_parse("sha512:00", &parsed, &err), -1);
	assert_non_null(strstr(err.text, "sha512"));
}

/* ---- instructions ---- */

struct change {
	struct arena arena;
	struct image_settings settings;
};

static void apply(struct change *c, const char *text)
{
	struct error err;

	assert_ok(instruction_apply(text, &c->settings, &c->arena, &err));
}

static void instructions(void **state)
{
	struct change c = { ARENA_EMPTY, { NULL } };

	(void)state;
	apply(&c, "CMD [\"a\", \"b c\"]");
	assert_int_equal(c.settings.n_cmd, 2);
	assert_string_equal(c.settings.cmd[1], "b c");
	apply(&c, "cmd echo $X  ");
	assert_int_equal(c.settings.n_cmd, 3);
	assert_string_equal(c.settings.cmd[2], "echo $X");
	apply(&c, "ENTRYPOINT []");
	assert_int_equal(c.settings.n_entrypoint, 0);
	apply(&c, "SHELL [\"/bin/bash\", \"-c\"]");
	apply(&c, "ENTRYPOINT x");
	assert_string_equal(c.settings.entrypoint[0], "/bin/bash");
	apply(&c, "ENV A=1 B=\"two words\" C=a\\ b");
	apply(&c, "ENV A the rest");
	assert_int_equal(c.settings.n_env, 3);
	assert_string_equal(c.settings.env[0], "A=the rest");
	assert_string_equal(c.settings.env[1], "B=two words");
	assert_string_equal(c.settings.env[2], "C=a b");
	apply(&c, "LABEL a=1 b='x y'");
	apply(&c, "LABEL a=2");
	assert_int_equal(c.settings.n_labels, 2);
	assert_string_equal(c.settings.labels[1].value, "2");
	apply(&c, "EXPOSE 80 53/udp 80/tcp");
	assert_int_equal(c.settings.n_exposed_ports, 2);
	assert_string_equal(c.settings.exposed_ports[0].key, "80/tcp");
	apply(&c, "VOLUME [\"/a\", \"/b\"]");
	apply(&c, "VOLUME /b /c");
	assert_int_equal(c.settings.n_volumes, 3);
	apply(&c, "ENV D=1\n\fE=2\r\n");
	assert_int_equal(c.settings.n_env, 5);
	assert_string_equal(c.settings.env[4], "E=2");
	apply(&c, "WORKDIR /srv");
	apply(&c, "WORKDIR app");
	assert_string_equal(c.settings.working_dir, "/srv/app");
	apply(&c, "USER 5:6");
	assert_string_equal(c.settings.user, "5:6");
	apply(&c, "STOPSIGNAL SIGINT");
	apply(&c, "HEALTHCHECK --interval=1m30s --retries=2 CMD curl x");
	assert_int_equal(c.settings.health->interval, 90000000000);
	assert_int_equal(c.settings.health->retries, 2);
	assert_string_equal(c.settings.health->test[0], "CMD-SHELL");
	assert_string_equal(c.settings.health->test[1], "curl x");
	apply(&c, "HEALTHCHECK CMD [\"curl\", \"x\"]");
	assert_string_equal(c.settings.health->test[0], "CMD");
	assert_int_equal(c.settings.health->n_test, 3);
	apply(&c, "HEALTHCHECK NONE");
	assert_string_equal(c.settings.health->test[0], "NONE");
	arena_free(&c.arena);
}

static void what_is_no_instruction(void **state)
{
	static const char *const texts[] = {
		"",
		"RUN x",
		"COPY a b",
		"ONBUILD RUN x",
		"ENV",
		"ENV A",
		"ENV A=1 B",
		"LABEL =x",
		"EXPOSE http",
		"EXPOSE 0",
		"EXPOSE 70000",
		"EXPOSE 1/x",
		"VOLUME rel",
		"USER a b",
		"WORKDIR",
		"ENV A=\"x",
		"SHELL bash",
		"HEALTHCHECK x",
		"HEALTHCHECK --x=1 NONE",
		"HEALTHCHECK --interval=1x CMD y",
	};
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct image_settings settings = { NULL };
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (instruction_apply(texts[i], &settings, &arena, &err) == 0)
			fail_msg("\"%s\" was taken", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_one_form),
		cmocka_unit_test(what_is_no_name),
		cmocka_unit_test(digests),
		cmocka_unit_test(instructions),
		cmocka_unit_test(what_is_no_instruction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
