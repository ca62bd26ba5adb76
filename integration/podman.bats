#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman with our runtime (--runtime), as root: the effect of each option and
# command that reaches the runtime.
# vm: long

load container
load clients

setup_file()
{
	local podman
	client_setup_file
	: >"$F/mounts"
	podman=$(client_path podman) || return 0
	# No CNI, no systemd, no machine-wide locks, limits that an engine without
	# CAP_SYS_RESOURCE can set (soft and hard alike: for pods podman 4 exchanges them).
	cat >"$F/containers.conf" <<-CONF
	[containers]
	default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
	netns = "none"
	log_driver = "k8s-file"
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	lock_type = "file"
	infra_image = "localhost/infra"
	init_path = "$(command -v tini-static || command -v catatonit)"
	runtime_supports_json = ["${RUNTIME##*/}"]
	runtime_supports_nocgroup = ["${RUNTIME##*/}"]
	CONF
	cat >"$F/storage.conf" <<-CONF
	[storage]
	driver = "vfs"
	graphroot = "$F/graph"
	runroot = "$F/run"
	CONF
	client_program podman <<-SCRIPT
	#!/bin/sh
	export CONTAINERS_CONF=$F/containers.conf CONTAINERS_STORAGE_CONF=$F/storage.conf
	exec $podman --tmpdir $F/libpod --runtime $RUNTIME "\$@"
	SCRIPT
	TMPDIR=$F/tmp "$F/bin/podman" import "$F/image.tar" box >/dev/null
	TMPDIR=$F/tmp "$F/bin/podman" import --change CMD=/bin/wait-for-ever "$F/image.tar" infra >/dev/null
	client_mounts >"$F/mounts"
}

teardown_file()
{
	local left
	left=$(client_mounts)
	client_mounts | tac | while read -r path; do
		umount -l "$path"
	done
	[ -z "$left" ] || {
		echo "mounts left: $left" >&2
		return 1
	}
}

setup()
{
	client_setup podman
}

client_leftovers_of_podman()
{
	:
}

teardown()
{
	local failed=0
	[ -z "$KUBE" ] || kube_clean || failed=1
	client_teardown || failed=1
	return $failed
}

# Pods of kube play are in a parent of podman's own, which it leaves.
kube_clean()
{
	client pod rm --force --all
	until_true no_kube_parents
}

no_kube_parents()
{
	TAG=libpod_parent remove_parents 2>/dev/null
	[ -z "$(TAG=libpod_parent tagged_parents)" ]
}

# bats test_tags=vm
@test "podman run: output, environment, folder, entry point, host name" { test_run; }
@test "podman run: exit codes, 125, 126, 127" { test_exit_codes; }
@test "podman kill, stop, wait: signals and exit codes" { test_signals; }
@test "podman run: standard input, much output" { test_stdin; }
@test "podman run: a terminal" { test_tty; }
@test "podman create, start --attach, attach" { test_create; }
@test "podman run: its own signals reach the container" { test_signal_proxy; }
@test "podman run: several at once" { test_parallel; }
# bats test_tags=vm
@test "podman run, update: memory, pids and cpu limits" { test_limits; }
# Debian 12's podman says OOMKilled false, with runc and crun too.
# bats test_tags=vm
@test "podman run: the end of what uses too much memory" { test_oom untold; }
@test "podman run: users and groups" { test_user; }
@test "podman run: capabilities, no-new-privileges" { test_capabilities; }
@test "podman run: seccomp profiles" { test_seccomp; }
@test "podman run: volumes and tmpfs" { test_volumes; }
@test "podman run: devices" { test_devices; }
@test "podman run: sysctls" { test_sysctl; }
@test "podman run: rlimits, oom_score_adj, size of shm" { test_rlimits; }
@test "podman run: namespaces of another container and of the host" { test_namespaces; }
@test "podman exec in all forms" { test_exec 127; }
@test "podman exec --privileged" { test_exec_privileged; }
@test "podman top" { test_top; }
# bats test_tags=vm
@test "podman pause, unpause, rm --force of a paused one" { test_pause; }
# bats test_tags=vm
@test "podman stats" { test_stats; }
@test "podman restart, restart policy, rm --force" { test_restart; }
@test "podman logs" { test_logs; }
@test "podman run --read-only" { test_read_only; }
@test "podman cp" { test_copy; }

@test "podman run, as README.md has it" {
	local line
	line=$("$PYTHON" "$HERE/docs_blocks.py" typed "$TOP/README.md" | grep '^podman ')
	line=${line/\/usr\/local\/bin\/rustbox-runtime/$RUNTIME}
	line=${line/run --rm busybox/run --rm --cgroup-parent /$TAG --env RUSTBOX_TEST_TAG=$TAG box}
	same "$(bash -c "$line" 2>&1 3>&- 4>&-)" hello
}

@test "podman run --init" {
	command -v tini-static >/dev/null || command -v catatonit >/dev/null || skip "there is no tini-static"
	test_init
}

@test "podman healthcheck run" {
	# No systemd, whose timer would run it by itself.
	start_box --health-cmd 'test -e /healthy' --health-interval disable --health-retries 1 box payload wait
	client healthcheck run "$TAG"
	exits 1
	exec_box touch /healthy
	client healthcheck run "$TAG"
	ok
	same "$(inspect_box '{{.State.Healthcheck.Status}}')" healthy
}

@test "podman run: user namespaces" {
	reachable
	run_box --uidmap 0:100000:5000 --gidmap 0:200000:5000 box sh -c \
		'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "; id -u; stat -c %u /bin/payload /home/user'
	ok
	lines " 0 100000 5000" " 0 200000 5000" 0 1000
	start_box --uidmap 0:100000:5000 --user 1000 --volume "$DIR:/there:ro" box payload wait
	same "$(stat -c '%u' "/proc/$(inspect_box '{{.State.Pid}}')")" 101000
	exec_box payload ns + status CapEff + ids
	ok
	no_lines "user $(readlink /proc/self/ns/user)"
	matches 'uid.* 1000'
	client exec --user 0 "$TAG" sh -c 'touch /new && stat -c %u /new && ls /there >/dev/null'
	ok
	same "$output" 0
	# Another one shares it.
	run_box --name "$TAG-2" --userns "container:$TAG" box payload ns
	ok
	local of_second=$output
	exec_box payload ns
	same "$(grep ^user <<<"$of_second")" "$(grep ^user <<<"$output")"
	on_pty expect:ready 'send:x\n' expect:got end -- podman run --rm "${NEW[@]}" --name "$TAG-2" \
		--uidmap 0:100000:5000 --interactive --tty box sh -c 'echo ready; read -r x; echo "got $x"; exit 9'
	lines "got x" "exit 9"
}

@test "podman run --userns auto: ids that no other container has" {
	[ -f /etc/subuid ] && [ -f /etc/subgid ] || skip "there is no /etc/subuid or /etc/subgid"
	reachable
	echo containers:3000000:200000 >"$DIR/subids"
	# The first one lives while the second one is made: no two calls of podman, which see other files.
	cat >"$DIR/script" <<-SCRIPT
	set -e
	mount --bind "$DIR/subids" /etc/subuid
	mount --bind "$DIR/subids" /etc/subgid
	podman run --detach ${NEW[*]} --userns auto:size=5000 box payload wait >&2
	podman run --rm ${NEW[*]} --name "$TAG-2" --userns auto box sh -c 'cat /proc/self/uid_map; id -u; stat -c %u /home/user'
	podman exec "$TAG" cat /proc/self/uid_map
	podman rm --force --time 0 "$TAG" >&2
	SCRIPT
	attempt unshare --mount --propagation slave sh "$DIR/script"
	ok
	# (How many ids it takes for an image is each podman's own.)
	same "$(sed -E 's/ +/ /g; s/(3005000) (1024|2001)$/\1/' <<<"$output")" $' 0 3005000\n0\n1000\n 0 3000000 5000'
}

@test "podman run: secrets, images as volumes, masks, umask, descriptors, a time-out" {
	echo -n hidden >"$DIR/in"
	client secret create "$TAG" "$DIR/in"
	ok
	run_box --secret "$TAG" --secret "$TAG,type=env,target=SECRET" box sh -c 'cat /run/secrets/*; echo "; $SECRET"'
	ok
	same "$output" "hidden; hidden"
	client secret rm "$TAG"
	ok
	run_box --mount type=image,source=localhost/infra,destination=/opt box /opt/bin/payload create /opt/x + create /x
	ok
	same "$output" $'EROFS\nok'
	run_box --security-opt mask=/proc/uptime --umask 0027 box sh -c 'wc -c </proc/uptime; umask'
	same "$output" $'0\n0027'
	output=$(podman run --rm "${NEW[@]}" --preserve-fds 1 box sh -c 'cat <&3' 3<"$DIR/in" 4>&-)
	same "$output" hidden
	run_box --timeout 1 box sleep 300
	fails
}

@test "podman kube play: init containers in their order, limits, volumes" {
	KUBE=1
	mkdir "$DIR/shared"
	cat >"$DIR/pod.yaml" <<-YAML
	apiVersion: v1
	kind: Pod
	metadata: {name: $TAG-pod}
	spec:
	  hostname: pod-name
	  restartPolicy: Never
	  initContainers:
	  - name: first
	    image: localhost/box
	    command: [sh, -c, "echo first >/shared/file"]
	    volumeMounts: [{name: shared, mountPath: /shared}]
	  - name: second
	    image: localhost/box
	    command: [sh, -c, "echo second >>/shared/file"]
	    volumeMounts: [{name: shared, mountPath: /shared}]
	  containers:
	  - name: box
	    image: localhost/box
	    command: [sh, -c, "cat /shared/file; id -u; cat /proc/sys/kernel/hostname; exec payload wait ready"]
	    env: [{name: RUSTBOX_TEST_TAG, value: $TAG}]
	    resources: {limits: {memory: 64Mi}}
	    securityContext:
	      runAsUser: 1000
	      readOnlyRootFilesystem: true
	      allowPrivilegeEscalation: false
	      capabilities: {drop: [ALL]}
	    volumeMounts: [{name: shared, mountPath: /shared}]
	  volumes:
	  - {name: shared, hostPath: {path: $DIR/shared}}
	YAML
	client play kube --network none "$DIR/pod.yaml"
	ok
	played_is_ready() { client logs "$TAG-pod-box" && [[ $output == *ready ]]; }
	until_true played_is_ready
	same "$output" $'first\nsecond\n1000\npod-name\nready'
	client exec "$TAG-pod-box" payload status CapEff NoNewPrivs + create /new
	lines "CapEff: 0000000000000000" "NoNewPrivs: 1" EROFS
	if has_controller memory; then
		client exec "$TAG-pod-box" sh -c \
			'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true'
		lines 67108864
	fi
	client play kube --down "$DIR/pod.yaml"
	ok
	same "$(client_list)" ""
}

# With a criu that works: newer_criu.bats runs them with the next release's.
need_criu()
{
	command -v criu >/dev/null || skip "criu is not installed"
	criu check >"$DIR/check" 2>&1 || skip "criu check: $(tail -n 1 "$DIR/check")"
}

start_counting()
{
	start_box box sh -c 'i=0; while :; do i=$((i+1)); echo $i >/dev/shm/new; mv /dev/shm/new /dev/shm/count; sleep 0.05; done'
	until_true counts_beyond 3
}

# counts_beyond NUMBER [NAME]
counts_beyond()
{
	client exec "${2:-$TAG}" cat /dev/shm/count && [ "${output:-0}" -gt "$1" ]
}

@test "podman container checkpoint, restore: it goes on" {
	local before
	need_criu
	start_counting
	before=$output
	client container checkpoint "$TAG"
	ok
	box_is exited
	client container restore "$TAG"
	ok
	box_is running
	until_true counts_beyond "$before"
	[ "$output" -lt $((before + 1000)) ]
}

# Each one's configuration has its mounts in an order of its own.
@test "podman container checkpoint --export, restore --import under other names" {
	local before i
	need_criu
	start_counting
	before=$output
	client container checkpoint --leave-running --export "$DIR/saved.tar.gz" "$TAG"
	ok
	box_is running
	client rm --force --time 0 "$TAG"
	ok
	for i in 1 2 3; do
		client container restore --import "$DIR/saved.tar.gz" --name "$TAG-$i"
		ok
		until_true counts_beyond "$before" "$TAG-$i"
		client rm --force --time 0 "$TAG-$i"
		ok
	done
}

# bats test_tags=vm
@test "podman run: cgroup namespaces" {
	run_box --cgroupns private box sh -c 'cat /proc/self/cgroup; ls /sys/fs/cgroup'
	ok
	same "$(grep -c ':/$' <<<"$output")" "$(grep -c : <<<"$output")"
	run_box --cgroupns host box cat /proc/self/cgroup
	ok
	says "/$TAG/"
}

@test "podman run: cgroups disabled" {
	[[ ${RUNTIME##*/} != runc* ]] || skip "podman passes it crun's --cgroup-manager=disabled"
	# It stays where podman itself is.
	attempt podman run --rm --name "$TAG" --env "RUSTBOX_TEST_TAG=$TAG" --cgroups disabled --cgroupns host box \
		cat /proc/self/cgroup
	ok
	local pids
	pids=$(sed -n 's/^[0-9]*:pids:/:pids:/p; s/^0::/0::/p' /proc/self/cgroup | tail -n 1)
	says "${pids#*:}"
	says_not "$TAG"
	attempt podman run --detach --name "$TAG" --env "RUSTBOX_TEST_TAG=$TAG" --cgroups disabled box payload wait ready
	ok
	until_true logs_have ready
	exec_box payload print inside
	same "$output" inside
	client stop --time 20 "$TAG"
	ok
	same "$(inspect_box '{{.State.ExitCode}}')" 143
}

@test "podman pod: two containers share namespaces, stop and go together" {
	client pod create --name "$TAG-pod" --cgroup-parent "/$TAG" --infra-image localhost/box \
		--infra-command /bin/wait-for-ever --share ipc,net,uts --hostname pod-name
	ok
	POD=$output
	start_box --pod "$TAG-pod" box payload wait
	run_box --pod "$TAG-pod" --name "$TAG-2" box payload ns + hostname
	ok
	says "hostname pod-name"
	local of_second=$output name
	exec_box payload ns
	for name in ipc net uts; do
		same "$(grep "^$name " <<<"$of_second")" "$(grep "^$name " <<<"$output")"
	done
	for name in mnt pid; do
		[ "$(grep "^$name " <<<"$of_second")" != "$(grep "^$name " <<<"$output")" ]
	done
	client pod pause "$TAG-pod"
	ok
	box_is paused
	client pod unpause "$TAG-pod"
	ok
	client pod stop --time 20 "$TAG-pod"
	ok
	box_is exited
	client pod start "$TAG-pod"
	ok
	box_is running
	client pod rm --force "$TAG-pod"
	ok
}
