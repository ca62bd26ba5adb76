/* SPDX-License-Identifier: Apache-2.0 */
/* The values of options that have a notation of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/device_spec.h"
#include "cmd/rustbox/bundle/id_map.h"
#include "cmd/rustbox/bundle/mount_request.h"
#include "cmd/rustbox/bundle/port_spec.h"

static struct arena arena;
static struct error err;

static int tear_down(void **state)
{
	arena_free(&arena);
	return 0;
}

/* ---- mounts ---- */

typedef int parse_mount(const char *, struct arena *, struct mount_request *, struct error *);

static struct mount_request mount_of(parse_mount *parse, const char *text)
{
	struct mount_request ret;

	if (parse(text, &arena, &ret, &err) < 0)
		fail_msg("%s", err.text);
	return ret;
}

static void refused_mount(parse_mount *parse, const char *text, const char *message)
{
	struct mount_request ret;

	assert_int_equal(parse(text, &arena, &ret, &err), -1);
	if (!strstr(err.text, message))
		fail_msg("%s\nexpected: %s\nfound: %s", text, message, err.text);
}

static bool has_option(const struct mount_request *request, const char *word)
{
	for (size_t i = 0; i < request->n_options; i++)
		if (str_equal(request->options[i], word))
			return true;
	return false;
}

static void a_volume_option_names_a_folder(void **state)
{
	struct mount_request m = mount_of(mount_request_parse_volume, "/a//b/:/c/../d:ro,rslave");

	assert_int_equal(m.kind, MOUNT_BIND);
	assert_string_equal(m.source, "/a/b");
	assert_string_equal(m.propagation, "rslave");
	assert_true(m.read_only);
	assert_true(m.makes_source);
	m = mount_of(mount_request_parse_volume, "./x:/d:nosuid,z");
	assert_int_equal(m.source[0], '/');
	assert_true(str_ends_with(m.source, "/x"));
	assert_true(has_option(&m, "nosuid"));
	assert_true(m.relabel);
	assert_null(m.propagation);
}

static void a_volume_option_names_a_volume(void **state)
{
	struct mount_request m = mount_of(mount_request_parse_volume, "name:/d:nocopy,cached");

	assert_int_equal(m.kind, MOUNT_VOLUME);
	assert_string_equal(m.source, "name");
	assert_string_equal(m.destination, "/d");
	assert_true(m.no_copy);
	assert_false(m.makes_source);
	m = mount_of(mount_request_parse_volume, "/d");
	assert_int_equal(m.kind, MOUNT_VOLUME);
	assert_null(m.source);
}

static void a_volume_option_is_refused(void **state)
{
	refused_mount(mount_request_parse_volume, "", "not an absolute path");
	refused_mount(mount_request_parse_volume, "d", "not an absolute path");
	refused_mount(mount_request_parse_volume, "/a:d", "not an absolute path");
	refused_mount(mount_request_parse_volume, ":/d", "write [SOURCE:]TARGET[:OPTIONS]");
	refused_mount(mount_request_parse_volume, "/a:", "write [SOURCE:]TARGET[:OPTIONS]");
	refused_mount(mount_request_parse_volume, "/a:/b:", "write [SOURCE:]TARGET[:OPTIONS]");
	refused_mount(mount_request_parse_volume, "/a:/b:ro:x", "write [SOURCE:]TARGET[:OPTIONS]");
	refused_mount(mount_request_parse_volume, "/a:/", "cannot be /");
	refused_mount(mount_request_parse_volume, "/a:/b/..", "cannot be /");
	refused_mount(mount_request_parse_volume, "a/b:/c", "volume name");
	refused_mount(mount_request_parse_volume, "/a:/b:rx", "unknown option \"rx\"");
	refused_mount(mount_request_parse_volume, "/a:/b:ro,,rw", "unknown option \"\"");
	refused_mount(mount_request_parse_volume, "/a:/b:nocopy", "unknown option \"nocopy\"");
	refused_mount(mount_request_parse_volume, "v:/b:rslave", "unknown option \"rslave\"");
	refused_mount(mount_request_parse_volume, "/a:/b:slave,shared", "unknown option");
}

static void a_mount_option_has_fields(void **state)
{
	struct mount_request m =
		mount_of(mount_request_parse_mount,
			 "dst=/d,readonly,type=bind,\"src=/a,\"\"b\",bind-propagation=shared");

	assert_int_equal(m.kind, MOUNT_BIND);
	assert_string_equal(m.source, "/a,\"b");
	assert_string_equal(m.propagation, "shared");
	assert_true(m.read_only);
	assert_false(m.makes_source);
	m = mount_of(mount_request_parse_mount, "target=/d,source=v,ro=false,volume-nocopy");
	assert_int_equal(m.kind, MOUNT_VOLUME);
	assert_true(m.no_copy);
	assert_false(m.read_only);
	m = mount_of(mount_request_parse_mount,
		     "type=tmpfs,destination=/d,tmpfs-size=1k,tmpfs-mode=0700");
	assert_int_equal(m.kind, MOUNT_TMPFS);
	assert_true(has_option(&m, "size=1024"));
	assert_true(has_option(&m, "mode=700"));
	assert_true(has_option(&m, "noexec"));
	m = mount_of(mount_request_parse_mount, "type=bind,src=/a,dst=/b,bind-recursive=writable");
	assert_true(m.writable_below);
	m = mount_of(mount_request_parse_mount, "type=bind,src=/a,dst=/b,bind-recursive=disabled");
	assert_true(m.not_recursive);
}

static void a_mount_option_is_refused(void **state)
{
	parse_mount *parse = mount_request_parse_mount;

	refused_mount(parse, "", "\"\" needs a value");
	refused_mount(parse, "type=bind,src=/a", "dst= is missing");
	refused_mount(parse, "type=bind,dst=/a", "src= is missing");
	refused_mount(parse, "type=nfs,dst=/a", "type \"nfs\" is not one of");
	refused_mount(parse, "dst=/a,what=1", "type volume has no field \"what\"");
	refused_mount(parse, "type=tmpfs,src=/x,dst=/a", "type tmpfs has no field \"src\"");
	refused_mount(parse, "dst=/a,volume-driver=nfs", "no field \"volume-driver\"");
	refused_mount(parse, "dst=/a,bind-propagation=shared", "no field \"bind-propagation\"");
	refused_mount(parse, "dst=/a,ro=maybe", "neither true nor false");
	refused_mount(parse, "dst", "\"dst\" needs a value");
	refused_mount(parse, "\"dst=/a", "quotation mark");
	refused_mount(parse, "\"dst=/a\"x", "quotation mark");
	refused_mount(parse, "type=tmpfs,dst=/a,tmpfs-mode=9", "not an octal mode");
	refused_mount(parse, "type=tmpfs,dst=/a,tmpfs-size=x", "is no size");
	refused_mount(parse, "type=bind,src=/a,dst=/b,bind-recursive=x", "bind-recursive=x");
}

static void a_tmpfs_option(void **state)
{
	struct mount_request m =
		mount_of(mount_request_parse_tmpfs, "/t:size=1m,mode=1777,exec,ro");

	assert_int_equal(m.kind, MOUNT_TMPFS);
	assert_true(m.read_only);
	assert_true(has_option(&m, "size=1m"));
	assert_true(has_option(&m, "exec"));
	assert_false(has_option(&m, "noexec"));
	assert_true(has_option(&m, "nosuid"));
	assert_true(has_option(&m, "nodev"));
	refused_mount(mount_request_parse_tmpfs, "t", "not an absolute path");
	refused_mount(mount_request_parse_tmpfs, "/t:width=1", "unknown option \"width=1\"");
	refused_mount(mount_request_parse_tmpfs, "/t:size=", "unknown option \"size=\"");
	refused_mount(mount_request_parse_tmpfs, "/t:", "unknown option \"\"");
}

/* ---- ports ---- */

static void published_ports(void **state)
{
	struct record_port *ports = NULL;
	size_t n = 0;
	const char *const texts[] = { "80", "8080:80/udp", "127.0.0.1:1-2:11-12", "[::1]:5:6",
				      "10.0.0.1::7" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (port_spec_parse_published(texts[i], &arena, &ports, &n, &err) < 0)
			fail_msg("%s: %s", texts[i], err.text);
	assert_int_equal(n, 6);
	assert_int_equal(ports[0].container_port, 80);
	assert_int_equal(ports[0].host_port, 0);
	assert_null(ports[0].host_ip);
	assert_string_equal(ports[1].protocol, "udp");
	assert_int_equal(ports[1].host_port, 8080);
	assert_int_equal(ports[3].host_port, 2);
	assert_int_equal(ports[3].container_port, 12);
	assert_string_equal(ports[3].host_ip, "127.0.0.1");
	assert_string_equal(ports[4].host_ip, "::1");
	assert_int_equal(ports[5].host_port, 0);
}

static void ports_that_are_refused(void **state)
{
	const char *const texts[] = { "",	"0",	     "65536",	      "80/icmp",
				      "x:80",	"1-3:1-2",   "3-1:1-3",	      "::1:5:6",
				      "[::1:5", "1.2.3:5:6", "[1.2.3.4]:5:6", "1:2:3:4",
				      "80/",	"8080:",     "-1:5" };
	struct record_port *ports = NULL;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (port_spec_parse_published(texts[i], &arena, &ports, &n, &err) == 0)
			fail_msg("\"%s\" was taken", texts[i]);
	assert_int_equal(n, 0);
}

static void exposed_ports(void **state)
{
	struct port_range range;

	assert_int_equal(port_spec_parse_exposed("1-65535/sctp", &range, &err), 0);
	assert_int_equal(range.first, 1);
	assert_int_equal(range.last, 65535);
	assert_string_equal(range.protocol, "sctp");
	assert_int_equal(port_spec_parse_exposed("1:2", &range, &err), -1);
}

/* ---- devices ---- */

static void device_options(void **state)
{
	struct device_request d;

	assert_int_equal(device_spec_parse("/dev/a", &arena, &d, &err), 0);
	assert_string_equal(d.destination, "/dev/a");
	assert_string_equal(d.access, "rwm");
	assert_int_equal(device_spec_parse("/dev/a:r", &arena, &d, &err), 0);
	assert_string_equal(d.destination, "/dev/a");
	assert_string_equal(d.access, "r");
	assert_int_equal(device_spec_parse("/dev/a:/dev/b:wm", &arena, &d, &err), 0);
	assert_string_equal(d.destination, "/dev/b");
	assert_string_equal(d.access, "wm");
	assert_int_equal(device_spec_parse("/dev/a:/dev/b:rr", &arena, &d, &err), -1);
	assert_int_equal(device_spec_parse("/dev/a:b", &arena, &d, &err), -1);
	assert_int_equal(device_spec_parse("nvidia.com/gpu=all", &arena, &d, &err), -1);
	assert_non_null(strstr(err.text, "CDI"));
}

static void device_rules(void **state)
{
	struct spec_device_rule r;

	assert_int_equal(device_spec_parse_rule("c 1:* rm", &arena, &r, &err), 0);
	assert_string_equal(r.type, "c");
	assert_true(r.major.set);
	assert_int_equal(r.major.value, 1);
	assert_false(r.minor.set);
	assert_string_equal(r.access, "rm");
	const char *const bad[] = { "",	      "c",	  "x 1:3 r",  "c 1 r",	  "c 1:3",
				    "c 1:3 ", "c 1:3 rx", "c -1:3 r", "c  1:3 r", "c1:3 r" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (device_spec_parse_rule(bad[i], &arena, &r, &err) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
}

/* ---- id maps ---- */

static void id_maps(void **state)
{
	struct spec_id_mapping *maps = NULL;
	size_t n = 0;

	assert_int_equal(id_map_parse("0:100000:65536", &arena, &maps, &n, &err), 0);
	assert_int_equal(maps[0].host_id, 100000);
	assert_int_equal(maps[0].size, 65536);
	assert_int_equal(id_map_parse("0:1", &arena, &maps, &n, &err), -1);
	assert_int_equal(id_map_parse("0:1:2:3", &arena, &maps, &n, &err), -1);
	assert_int_equal(id_map_parse("0:4294967296:1", &arena, &maps, &n, &err), -1);
	assert_int_equal(n, 1);
}

static void ranges_of_subuid(void **state)
{
	uint64_t highest = 100000;
	uint32_t first = 0;

	assert_false(id_map_find("", &first, &highest));
	assert_false(id_map_find("user:100000:65536\nbroken\nx:y:z\n", &first, &highest));
	assert_int_equal(highest, 165536);
	assert_true(id_map_find("root:200000:65536\nrustbox:300000:65536", &first, &highest));
	assert_int_equal(first, 300000);
	assert_true(id_map_find("rustbox:300000:65535\nroot:200000:65536\n", &first, &highest));
	assert_int_equal(first, 200000);
	assert_false(id_map_find("rustboxes:1:65536\n", &first, &highest));
}

static void ranges_of_a_user(void **state)
{
	static const char text[] =
		"anna:100000:65536\nan:x:1\nan:0:0\n1000:200000:10\nan:300000:20";
	char path[] = "/tmp/rustbox-subuid-XXXXXX";
	int fd = mkstemp(path);
	struct spec_id_mapping map;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_true(id_map_of_user(path, "anna", 5, &map, &err));
	assert_int_equal(map.host_id, 100000);
	assert_int_equal(map.size, 65536);
	assert_true(id_map_of_user(path, "an", 5, &map, &err));
	assert_int_equal(map.host_id, 300000);
	assert_true(id_map_of_user(path, "an", 1000, &map, &err)); /* by number, the first one */
	assert_int_equal(map.host_id, 200000);
	assert_false(id_map_of_user(path, "ann", 100, &map, &err));
	assert_false(id_map_of_user(path, "", 100, &map, &err));
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
	assert_false(id_map_of_user(path, "anna", 5, &map, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_volume_option_names_a_folder, tear_down),
		cmocka_unit_test_teardown(a_volume_option_names_a_volume, tear_down),
		cmocka_unit_test_teardown(a_volume_option_is_refused, tear_down),
		cmocka_unit_test_teardown(a_mount_option_has_fields, tear_down),
		cmocka_unit_test_teardown(a_mount_option_is_refused, tear_down),
		cmocka_unit_test_teardown(a_tmpfs_option, tear_down),
		cmocka_unit_test_teardown(published_ports, tear_down),
		cmocka_unit_test_teardown(ports_that_are_refused, tear_down),
		cmocka_unit_test(exposed_ports),
		cmocka_unit_test_teardown(device_options, tear_down),
		cmocka_unit_test_teardown(device_rules, tear_down),
		cmocka_unit_test_teardown(id_maps, tear_down),
		cmocka_unit_test(ranges_of_subuid),
		cmocka_unit_test(ranges_of_a_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
