/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, its clean-up needs openat2(2), which valgrind does not know
/* From options to records and configurations. */
#include "cmd/rustbox/bundle/bundle_test.h"

#define OF_ENV(t, text)	  test_has((t)->spec->process->env, (t)->spec->process->n_env, text)
#define OF_MOUNT(m, text) test_has((m)->options, (m)->n_options, text)
#define BOUNDING(t, text)                                                                          \
	test_has((t)->spec->process->capabilities->bounding,                                       \
		 (t)->spec->process->capabilities->n_bounding, text)

static void what_a_container_has_without_options(void **state)
{
	struct test_bundle *t = *state;
	const struct spec_process *process;

	test_planned(t, "echo hi");
	process = t->spec->process;
	assert_int_equal(process->n_args, 2);
	assert_string_equal(process->args[0], "echo");
	assert_string_equal(process->cwd, "/");
	assert_true(process->no_new_privileges);
	assert_false(process->terminal);
	assert_int_equal(process->capabilities->n_bounding, 14);
	assert_int_equal(process->capabilities->n_effective, 14);
	assert_int_equal(process->capabilities->n_inheritable, 0);
	assert_true(BOUNDING(t, "CAP_CHOWN"));
	assert_false(BOUNDING(t, "CAP_SYS_ADMIN"));
	assert_non_null(t->spec->linux->seccomp);
	assert_int_equal(t->spec->linux->n_masked_paths, 12);
	assert_int_equal(t->spec->linux->n_readonly_paths, 5);
	assert_null(spec_find_namespace(t->spec, NAMESPACE_NETWORK));
	assert_null(spec_find_namespace(t->spec, NAMESPACE_USER));
	assert_non_null(spec_find_namespace(t->spec, NAMESPACE_CGROUP));
	assert_non_null(test_mount(t, "/dev/shm"));
	assert_string_equal(t->record->network->mode, "host");
	assert_string_equal(t->record->lower[0], t->record->rootfs);
	assert_false(t->spec->linux->resources->memory->limit.set);
	assert_false(t->spec->linux->resources->devices[0].allow);
	assert_true(t->record->policy->log_max_size > 0);
}

static void who_it_is(void **state)
{
	struct test_bundle *t = *state;
	const struct spec_user *user;

	test_planned(t, "-u bob --group-add 77 --group-add wheel id");
	user = t->spec->process->user;
	assert_int_equal(user->uid, 1000);
	assert_int_equal(user->gid, 1001);
	assert_int_equal(user->n_additional_gids, 3); /* its own, wheel once, 77 */
	assert_int_equal(t->spec->process->capabilities->n_effective, 0);
	assert_int_equal(t->spec->process->capabilities->n_bounding, 14);
	test_planned(t, "id");
	assert_int_equal(t->spec->process->user->n_additional_gids, 2);
	test_planned(t, "-u 5:6 --umask 027 id");
	assert_int_equal(t->spec->process->user->gid, 6);
	assert_int_equal(t->spec->process->user->umask.value, 027);
	test_refused(t, "-u nobody id", "no user \"nobody\"");
	test_refused(t, "--group-add nogroup id", "no group \"nogroup\"");
	test_refused(t, "--umask 9 id", "not an octal mask");
	/* Not that of the caller. */
	test_planned(t, "id");
	assert_int_equal(t->spec->process->user->umask.value, 022);
}

static void its_environment(void **state)
{
	struct test_bundle *t = *state;
	char line[256], path[128];

	(void)snprintf(path, sizeof(path), "%s/env", t->folder);
	test_write(t->folder, "env", "# no\n\n  A=1\r\nB=two words\nFROM_HERE\nNOT_SET\n");
	(void)setenv("FROM_HERE", "yes", 1);
	(void)unsetenv("NOT_SET");
	(void)snprintf(line, sizeof(line), "--env-file %s -e A=2 -e C= -t env", path);
	test_planned(t, line);
	assert_true(OF_ENV(t, "A=2"));
	assert_false(OF_ENV(t, "A=1"));
	assert_true(OF_ENV(t, "B=two words"));
	assert_true(OF_ENV(t, "C="));
	assert_true(OF_ENV(t, "FROM_HERE=yes"));
	assert_false(OF_ENV(t, "NOT_SET"));
	assert_true(OF_ENV(t, "TERM=xterm"));
	assert_true(t->record->interactive);
	test_write(t->folder, "env", "A B=1\n");
	test_refused(t, line, "cannot contain spaces");
	test_refused(t, "-e =x env", "write NAME=VALUE");
}

static void capabilities_and_what_follows(void **state)
{
	struct test_bundle *t = *state;

	test_planned(t, "--cap-drop ALL --cap-add net_admin id");
	assert_int_equal(t->spec->process->capabilities->n_bounding, 1);
	assert_true(BOUNDING(t, "CAP_NET_ADMIN"));
	test_planned(t, "--cap-drop CAP_CHOWN id");
	assert_false(BOUNDING(t, "CAP_CHOWN"));
	test_planned(t, "--security-opt seccomp=unconfined --security-opt no-new-privileges=false "
			"--security-opt systempaths=unconfined id");
	assert_null(t->spec->linux->seccomp);
	assert_false(t->spec->process->no_new_privileges);
	assert_int_equal(t->spec->linux->n_masked_paths, 0);
	test_planned(t, "--privileged id");
	assert_null(t->spec->linux->seccomp);
	assert_false(t->spec->process->no_new_privileges);
	assert_true(t->spec->linux->resources->devices[1].allow);
	assert_true(t->spec->linux->n_devices > 0);
	assert_false(OF_MOUNT(test_mount(t, "/sys"), "ro"));
	test_refused(t, "--cap-add NO_SUCH id", "no capability is called that");
	test_refused(t, "--security-opt what=1 id", "not known");
	test_write(t->folder, "rules", "{\"ruleset\":{\"handledAccessFS\":[\"execute\"]}}");
	char landlock[128];
	(void)snprintf(landlock, sizeof(landlock), "--security-opt landlock=%s/rules id",
		       t->folder);
	test_planned(t, landlock);
	assert_string_equal(spec_find_annotation(t->spec, "org.rustbox.landlock"),
			    "{\"ruleset\":{\"handledAccessFS\":[\"execute\"]}}");
	test_write(t->folder, "rules", "{\"rules\":{}}");
	test_refused(t, landlock, "ruleset: missing");
	test_refused(t, "--security-opt landlock=/none id", "/none");
	test_planned(t, "--security-opt core-scheduling id");
	assert_string_equal(spec_find_annotation(t->spec, "org.rustbox.core-scheduling"), "1");
	test_refused(t, "--security-opt core-scheduling=2 id", "neither true nor false");
	test_refused(t, "--annotation run.oci.handler=wasm id", "run.oci.handler");
	test_refused(t, "--security-opt no-new-privileges=x id", "neither true nor false");
}

static void limits(void **state)
{
	struct test_bundle *t = *state;
	const struct spec_resources *r;

	test_planned(t, "--memory 1m --memory-reservation 512k --cpus .5 --pids-limit 7 "
			"--cpuset-cpus 0-1 --ulimit nofile=1:2 --ulimit nofile=3 id");
	r = t->spec->linux->resources;
	assert_int_equal(r->memory->limit.value, 1 << 20);
	assert_int_equal(r->memory->reservation.value, 1 << 19);
	assert_int_equal(r->cpu->quota.value, 50000);
	assert_int_equal(r->pids->limit, 7);
	assert_string_equal(r->cpu->cpus, "0-1");
	assert_int_equal(t->spec->process->n_rlimits, 1);
	assert_int_equal(t->spec->process->rlimits[0].hard, 3);
	test_planned(t, "--memory 0 --cpus 0 --pids-limit -1 id");
	assert_false(t->spec->linux->resources->memory->limit.set);
	assert_false(t->spec->linux->resources->cpu->quota.set);
	assert_null(t->spec->linux->resources->pids);
	test_planned(t, "--memory -1 id");
	assert_false(t->spec->linux->resources->memory->limit.set);
	test_planned(t, "--cpu 1.25 id");
	assert_int_equal(t->spec->linux->resources->cpu->quota.value, 125000);
	test_refused(t, "--cpus . id", "not a number of CPUs");
	test_refused(t, "--cpus -1 id", "not a number of CPUs");
	test_refused(t, "--cpus 1 --cpu-quota 5000 id", "does not go with --cpu-quota");
	test_refused(t, "--memory 2m --memory-swap 1m id", "cannot be less");
	test_refused(t, "--memory-swap 1m id", "needs --memory");
	test_refused(t, "--ulimit nofile=2:1 id", "above the hard one");
	test_refused(t, "--cpuset-cpus x id", "not a list");
	test_refused(t, "--blkio-weight 5 id", "from 10 to 1000");
}

static void mounts_in_their_order(void **state)
{
	struct test_bundle *t = *state;
	size_t last = 0;

	test_planned(t, "-v /etc:/deep/er:ro -v /tmp:/deep --tmpfs /dev/shm:size=1m id");
	for (size_t i = 0; i < t->spec->n_mounts; i++) {
		size_t depth = 0;
		for (const char *p = t->spec->mounts[i].destination; *p; p++)
			depth += *p == '/';
		assert_true(depth >= last);
		last = depth;
	}
	assert_true(OF_MOUNT(test_mount(t, "/deep/er"), "rro"));
	assert_true(OF_MOUNT(test_mount(t, "/dev/shm"), "size=1m"));
	assert_int_equal(t->record->n_mounts, 3);
	test_planned(t, "-v /dev:/dev id");
	assert_null(test_mount(t, "/dev/pts"));
	test_refused(t, "-v /etc:/x --tmpfs /x id", "two mounts at /x");
	test_refused(t, "--mount type=bind,src=/no/such,dst=/x id", "/no/such");
}

static void networks(void **state)
{
	struct test_bundle *t = *state;

	test_planned(t, "--isolate-network id");
	assert_string_equal(t->record->network->mode, "none");
	assert_non_null(spec_find_namespace(t->spec, NAMESPACE_NETWORK));
	test_planned(t, "--network none --add-host a=1.2.3.4 --add-host b:[::1] id");
	assert_string_equal(t->record->network->extra_hosts[0], "a:1.2.3.4");
	assert_string_equal(t->record->network->extra_hosts[1], "b:::1");
	test_refused(t, "--isolate-network --network host id", "--isolate-network is");
	test_refused(t, "--network host -p 80 id", "does not go with --network host");
	test_refused(t, "--network none --ip 1.2.3.4 id", "does not go with --network none");
	test_refused(t, "--add-host a id", "write NAME:IP");
	test_refused(t, "--network none --add-host a:host-gateway id", "no gateway");
	test_refused(t, "--dns x id", "not an IP address");
	test_refused(t, "--network container:no id", "no such container");
}

static void a_user_namespace(void **state)
{
	struct test_bundle *t = *state;

	test_planned(t, "--isolate-user -v /tmp:/x id");
	assert_true(t->record->isolate_user);
	assert_int_equal(t->spec->linux->uid_mappings[0].size, 65536);
	assert_true(OF_MOUNT(test_mount(t, "/x"), "idmap"));
	assert_string_equal(test_mount(t, "/sys")->type, "bind");
	test_planned(t, "--isolate-user --isolate-network id");
	assert_string_equal(test_mount(t, "/sys")->type, "sysfs");
	test_planned(t, "--uidmap 0:5000:10 --uidmap 10:7000:1 id");
	assert_int_equal(t->spec->linux->n_gid_mappings, 2);
	assert_int_equal(t->spec->linux->gid_mappings[1].host_id, 7000);
	test_refused(t, "--uidmap 0:5000:10 --uidmap 5:7000:1 id", "overlaps");
	test_refused(t, "--isolate-user --userns host id", "does not go with");
	test_refused(t, "--isolate-user --pid host id", "does not go with");
	test_refused(t, "--isolate-user --sysctl net.core.somaxconn=1 id", "does not own");
}

static void policies(void **state)
{
	struct test_bundle *t = *state;

	test_planned(t, "--restart on-failure:3 --stop-signal HUP --stop-timeout 5 --timeout 1m30s "
			"--output-limit 1k --log-opt max-size=5m --log-max-file 2 "
			"--health-cmd x --health-interval 500ms id");
	assert_int_equal(t->record->policy->restart, RESTART_ON_FAILURE);
	assert_int_equal(t->record->policy->restart_most, 3);
	assert_int_equal(t->record->policy->timeout_ms, 90000);
	assert_int_equal(t->record->policy->output_limit, 1024);
	assert_int_equal(t->record->policy->log_max_size, 5 << 20);
	assert_int_equal(t->record->policy->log_max_file, 2);
	assert_string_equal(t->record->health->test[0], "CMD-SHELL");
	assert_int_equal(t->record->health->interval, 500000000);
	test_refused(t, "--restart sometimes id", "not one of");
	test_refused(t, "--restart always:3 id", "not one of");
	test_refused(t, "--restart always --rm id", "does not go with --rm");
	test_refused(t, "--stop-signal NO id", "--stop-signal");
	test_refused(t, "--log-driver json-file id", "only driver");
	test_refused(t, "--log-opt compress=true id", "only max-size= and max-file=");
	test_refused(t, "--health-retries 3 id", "--health-cmd is missing");
}

static void roots(void **state)
{
	struct test_bundle *t = *state;
	char line[256], tree[128];

	/* A tree of the first RustBox. */
	test_folder(t->folder, "old");
	(void)snprintf(tree, sizeof(tree), "%s/old", t->folder);
	test_folder(tree, "lowerdir");
	(void)snprintf(line, sizeof(line), "--rootfs %s id", tree);
	test_planned(t, line);
	assert_true(str_ends_with(t->record->rootfs, "/old/lowerdir"));
	test_refused(t, "--rootfs /no/such id", "/no/such");
	test_refused(t, "--rootfs / id", "name a folder");
	test_refused(t, "--rm", "no command");
	test_refused(t, "--workdir a id", "not an absolute path");
	test_refused(t, "--annotation org.rustbox.join.pid=x id", "for rustbox itself");
}

/* ---- images ---- */

static void make_image(struct test_bundle *t, const char *config)
{
	static struct image image;
	static char *layers[2];
	struct error err;
	struct image_settings *settings = arena_alloc(&t->arena, sizeof(*settings), &err);

	layers[0] = t->rootfs;
	if (json_read(&image_settings_type, config, strlen(config), settings, &t->arena, &err) < 0)
		fail_msg("%s", err.text);
	image = (struct image){ .layers = layers, .n_layers = 1 };
	image.id = arena_strdup(&t->arena, "sha256:abc", &err);
	image.config = arena_alloc(&t->arena, sizeof(*image.config), &err);
	image.config->config = settings;
	t->image = &image;
}

static void an_images_settings(void **state)
{
	struct test_bundle *t = *state;

	make_image(t,
		   "{\"Entrypoint\":[\"/e\",\"f\"],\"Cmd\":[\"c\"],\"Env\":[\"PATH=/p\",\"X=1\"],"
		   "\"User\":\"bob\",\"WorkingDir\":\"/w\",\"StopSignal\":\"SIGINT\","
		   "\"Volumes\":{\"/data\":{}},\"ExposedPorts\":{\"80/tcp\":{}},"
		   "\"Labels\":{\"a\":\"1\",\"b\":\"2\"},"
		   "\"Healthcheck\":{\"Test\":[\"CMD\",\"h\"],\"Retries\":7,\"Interval\":1000,"
		   "\"StartInterval\":2000000000}}");
	test_planned(t, "-l a=3 -e X=2");
	assert_int_equal(t->spec->process->n_args, 3);
	assert_string_equal(t->spec->process->args[2], "c");
	assert_int_equal(t->spec->process->user->uid, 1000);
	assert_string_equal(t->spec->process->cwd, "/w");
	assert_string_equal(t->record->policy->stop_signal, "SIGINT");
	assert_true(OF_ENV(t, "X=2"));
	assert_string_equal(t->record->labels[0].value, "3");
	assert_int_equal(t->record->health->retries, 7);
	/* An image does not keep the host busy; its user may. */
	assert_int_equal(t->record->health->interval, 1000000000);
	assert_int_equal(t->record->health->start_interval, 2000000000);
	assert_int_equal(t->record->n_mounts, 1);
	assert_true(t->record->mounts[0].anonymous);
	assert_int_equal(strlen(t->record->mounts[0].name), 64);
	assert_string_equal(t->record->image_id, "sha256:abc");

	test_planned(t, "--health-interval 10ms arg");
	assert_int_equal(t->record->health->interval, 10000000);
	assert_string_equal(t->spec->process->args[2], "arg");
	test_planned(t, "--entrypoint /x");
	assert_int_equal(t->spec->process->n_args, 1);
	test_planned(t, "--tmpfs /data --no-healthcheck");
	assert_string_equal(t->record->mounts[0].type, "tmpfs");
	assert_null(t->record->health);
	test_refused(t, "--entrypoint=", "no command");
}

/* S24: ranges of all ports, thousands of times, are one port each. */
static void an_image_that_exposes_everything(void **state)
{
	struct test_bundle *t = *state;
	cleanup_str struct str config = STR_EMPTY;

	str_add(&config, "{\"Entrypoint\":[\"/bin/true\"],\"ExposedPorts\":{");
	for (int i = 1; i <= 20000; i++)
		str_add_format(&config, "\"%d-65535\":{},", i);
	str_add(&config, "\"53/udp\":{}}}");
	make_image(t, config.text);
	test_planned(t, "");
	assert_int_equal(t->record->settings->n_exposed_ports, 65535 + 1);
	test_planned(t, "--expose 53/sctp --expose 1-9");
	assert_int_equal(t->record->settings->n_exposed_ports, 65535 + 2);
}

static void an_image_of_too_many_volumes(void **state)
{
	struct test_bundle *t = *state;
	cleanup_str struct str config = STR_EMPTY;

	str_add(&config, "{\"Entrypoint\":[\"/bin/true\"],\"Volumes\":{");
	for (int i = 0; i <= 1000; i++)
		str_add_format(&config, "%s\"/v%d\":{}", i ? "," : "", i);
	str_add(&config, "}}");
	make_image(t, config.text);
	test_refused(t, "", "1001 volumes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bundle_test(what_a_container_has_without_options),
		bundle_test(who_it_is),
		bundle_test(its_environment),
		bundle_test(capabilities_and_what_follows),
		bundle_test(limits),
		bundle_test(mounts_in_their_order),
		bundle_test(networks),
		bundle_test(a_user_namespace),
		bundle_test(policies),
		bundle_test(roots),
		bundle_test(an_images_settings),
		bundle_test(an_image_that_exposes_everything),
		bundle_test(an_image_of_too_many_volumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
