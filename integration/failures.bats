#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# System calls of the runtime fail, one at a time, in each way that they may:
# no memory, no descriptors, a full or broken disk, a signal, a refusal. A verb
# then fails with the reason and leaves nothing, or it has done all that it does
# otherwise (failures.py). LONG=1 takes each failure, else there are samples.
# vm: no

load container

setup()
{
	is_ours || skip "other runtimes leave things behind"
	container_setup
	cp "$HERE/portrait.sh" "$B/rootfs/portrait"
	rich_config
}

# As much as a container can have, so that there is much to fail.
rich_config()
{
	payload wait
	capabilities CAP_MKNOD CAP_SYS_CHROOT
	config '.process |= (.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}]
			| .oomScoreAdj = 77 | .cwd = "/tmp" | .user.umask = 23 | .user.additionalGids = [5, 7])
		| .root.readonly = true
		| .mounts += [{destination: "/mnt", type: "bind", source: "rootfs/etc", options: ["rbind", "ro", "nosuid"]},
			{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nodev"]},
			{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid"]}]
		| .linux |= (.namespaces += [{type: "cgroup"}]
			| .sysctl = {"net.ipv4.ip_forward": "1", "kernel.domainname": "domain"}
			| .devices = [{path: "/dev/fuse2", type: "c", major: 10, minor: 229, fileMode: 438}]
			| .resources += {pids: {limit: 50}, memory: {limit: 104857600}, cpu: {shares: 100}}
			| .seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
				{names: ["sethostname"], action: "SCMP_ACT_ERRNO", errnoRet: 99}]})
		| .hooks = {prestart: [{path: "/bin/true"}], createContainer: [{path: "/bin/true"}],
			poststart: [{path: "/bin/true"}], poststop: [{path: "/bin/true"}]}'
}

# each_failure VERB STRIDE LEAST
each_failure()
{
	local stride=$2
	[ "$LONG" = 0 ] || stride=1
	status=0
	DIR=$DIR ROOT=$ROOT B=$B ID=$ID RUNTIME=$RUNTIME FAIL_AT=${RUSTBOX_BUILD:-$TOP/build/release}/fail_at \
		STRIDE=$stride PYTHONPATH=$HERE LC_ALL=C.UTF-8 timeout -k 5 $((LONG ? 1700 : 100)) \
		"$PYTHON" -B -c "from failures import *; fail_in_each('$1', least=$3)" \
		>"$DIR/python.out" 2>&1 3>&- 4>&- </dev/null || status=$?
	output=$(tail -n 3 "$DIR/python.out" | cut -c1-3000)
	ok
}

# The payload is the portrait.
drawing()
{
	command_is sh /portrait
}

@test "create" {
	drawing
	each_failure create 67 15
}

@test "create in a user namespace" {
	user_namespace
	config 'del(.linux.devices, .linux.sysctl["kernel.domainname"])'
	drawing
	each_failure create 97 10
}

@test "start" {
	drawing
	each_failure start 19 5
}

@test "run" {
	drawing
	each_failure run 97 10
}

@test "exec" {
	each_failure exec 29 10
}

@test "update, pause and resume, kill" {
	each_failure update 23 3
	each_failure pause 23 3
	each_failure resume 23 3
	each_failure kill 23 3
}

@test "delete" {
	each_failure delete 17 10
}

@test "checkpoint and restore" {
	local why
	command -v criu >/dev/null || skip "criu is not installed"
	why=$(criu check 2>&1) || skip "criu check: $(tail -n 1 <<<"$why")"
	base_config >"$B/config.json"
	payload wait
	config '.mounts += [{destination: "/mnt", type: "bind", source: "rootfs/etc", options: ["rbind", "ro"]}]
		| .linux.resources = {pids: {limit: 50}, memory: {limit: 104857600}}'
	each_failure checkpoint 37 10
	each_failure restore 41 10
}

@test "state, list, ps, features" {
	each_failure state 13 3
	each_failure list 13 3
	each_failure ps 13 3
	each_failure features 5 3
}

# Runs the verb with descriptors from 3 to $1 only.
with_descriptors()
{
	local most=$1
	shift
	status=0
	(ulimit -n "$most" && exec timeout -k 5 60 "$RUNTIME" --root "$ROOT" "$@") >"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- ||
		status=$?
	read_streams "$DIR/out" "$DIR/err"
}

@test "with few descriptors a running container is not taken for an ended or a broken one" {
	local most
	start_waiting
	for ((most = 4; most < 14; most++)); do
		with_descriptors $most state "$ID"
		[ "$status" -ne 0 ] || matches '"status": "running"'
		with_descriptors $most list
		[ "$status" -ne 0 ] || says "$ID"
		with_descriptors $most delete "$ID"
		fails
		with_descriptors $most delete --force "$ID"
		if [ "$status" -eq 0 ]; then
			assert_nothing_left
			start_waiting
		fi
		status_is running
	done
}

@test "standard output that cannot be written to is an error" {
	local verb
	for verb in features --version --help; do
		status=0
		"$RUNTIME" --root "$ROOT" $verb >/dev/full 2>"$DIR/err" || status=$?
		output='' error=$(<"$DIR/err")
		error_names "standard output"
	done
}
