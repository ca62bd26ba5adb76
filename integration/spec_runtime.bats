#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Statements of runtime-spec 1.3.0 on the runtime, its operations, the life of a
# container and hooks that no other suite shows. docs/conformance.md lists all.
# vm: no
# shellcheck shell=bash

load container

setup()
{
	container_setup
	cat >"$DIR/hook.sh" <<-'SH'
	#!/bin/sh
	# hook.sh FOLDER NAME [COMMAND]
	cat >"$1/state.$2.json"
	echo "$2" >>"$1/log"
	eval "${3:-:}"
	SH
	chmod +x "$DIR/hook.sh"
}

# hook KIND NAME [COMMAND]: one that runs outside of the container.
hook()
{
	config '.hooks[$kind] += [{path: $path, args: (["hook", $dir, $name] + $ARGS.positional)}]' \
		--arg kind "$1" --arg path "$DIR/hook.sh" --arg dir "$DIR" --arg name "$2" --args -- "${@:3}"
}

# The state is what the specification's schema asks for (what goes beyond is free).
well_formed()
{
	jq -e '(.ociVersion | type == "string" and test("^[0-9]+[.][0-9]+[.][0-9]+"))
		and (.id | type == "string" and . != "")
		and (.status | IN("creating", "created", "running", "stopped"))
		and (if .status | IN("created", "running")
			then .pid | type == "number" and . > 0 and . == floor
			else (.pid // 0) >= 0 end)
		and (.bundle | type == "string" and startswith("/"))
		and (.annotations // {} | type == "object" and all(.[]; type == "string"))' \
		<<<"$1" >/dev/null || fail "not the state of the specification: $1"
}

# What a failed operation may have left: of the state, cgroups, mounts, processes.
everything()
{
	find "$ROOT" 2>/dev/null | sort
	find /sys/fs/cgroup -name "*$TAG*" | sort
	tagged_mounts
	(cd "$B/rootfs" && find . -xdev | sort)
}

# ---- state ----------------------------------------------------------------------

@test "the state has the schema's members and types, in each status and in hooks" {
	local kind
	config '.annotations = {"org.example.a": "b", "empty": ""}'
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind $kind
	done
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "cat >/state.json"]}]'
	payload wait ready
	create_container
	for kind in created running stopped; do
		try state "$ID"
		ok
		same "$(jq -r .status <<<"$output")" "$kind"
		well_formed "$output"
		case $kind in
		created) try start "$ID" ;;
		running)
			try kill "$ID" KILL
			wait_status stopped
			;;
		esac
		ok
	done
	try delete "$ID"
	ok
	mv "$B/rootfs/state.json" "$DIR/state.startContainer.json"
	for kind in prestart createRuntime createContainer startContainer poststart poststop; do
		well_formed "$(<"$DIR/state.$kind.json")"
	done
}

@test "without annotations the state has none, or an empty object" {
	create_container
	try state "$ID"
	same "$(jq -c '.annotations // {}' <<<"$output")" '{}'
	# With the bundle as the current folder its path is absolute nevertheless.
	cd "$B"
	config '.linux.cgroupsPath += "-2"'
	launch create "$ID-2"
	ok
	same "$(state_of bundle "$ID-2")" "$B"
}

@test "paused is a status of its own: none of the specification's four" {
	start_waiting wait ready
	wait_output ready
	try pause "$ID"
	ok
	[[ ! $(container_status) =~ ^(creating|created|running|stopped)$ ]] || fail "$(container_status)"
	try resume "$ID"
	ok
	same "$(container_status)" running
}

# ---- create ---------------------------------------------------------------------

@test "create applies everything but process.args" {
	need_controller pids
	config '.hostname = "applied" | .linux.sysctl = {"net.ipv4.ip_forward": "1"}
		| .linux.resources.pids = {limit: 77}
		| .mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["size=1m"]}]
		| .linux.devices = [{path: "/dev/made", type: "c", major: 1, minor: 3}]'
	payload create /started
	create_container
	local pid
	pid=$(init_pid)
	same "$(nsenter --target "$pid" --uts hostname)" applied
	same "$(nsenter --target "$pid" --net cat /proc/sys/net/ipv4/ip_forward)" 1
	same "$(cgroup_value pids pids.max pids.max)" 77
	same "$(stat -c %t:%T "/proc/$pid/root/dev/made")" 1:3
	same "$(awk '$5 == "/mnt" { print $(NF - 2) }' "/proc/$pid/mountinfo")" tmpfs
	[ ! -e "$B/rootfs/started" ] || fail "the payload has run"
	same "$(container_status)" created
}

@test "edits of config.json after create do not matter" {
	config '.annotations = {"a": "before"}'
	hook poststart first
	payload print before + env WHICH + hostname + wait ready
	config '.process.env += ["WHICH=before"]'
	create_container
	config '.process.args = ["payload", "print", "after"] | .process.env = ["WHICH=after"] | .hostname = "after"
		| .annotations = {"a": "after"} | .hooks = {poststop: [{path: "/no/such/hook"}]} | .root.path = "none"
		| .linux.namespaces = []'
	try start "$ID"
	ok
	wait_output ready
	container_output
	lines before WHICH=before "hostname container"
	same "$(state_of annotations.a)" before
	same "$(<"$DIR/log")" first
	echo 'no JSON' >"$B/config.json"
	try kill "$ID" KILL
	ok
	wait_status stopped
	try delete "$ID"
	ok
	same "$error" ""
	assert_nothing_left
}

@test "a create that fails is as if it never was: the id is free, nothing is there" {
	local before
	create_container "$ID-other"
	mkdir "$DIR/source"
	before=$(everything)
	# From the first step to the last: each fails at another one.
	local filter
	for filter in '.root.path = "none"' \
		'.linux.namespaces += [{type: "time", path: "/no/such/ns"}]' \
		'.linux.cgroupsPath = "/\($t)-1/../x"' \
		'.linux.resources.unified = {"nosuch.file": "1"}' \
		'.linux.sysctl = {"net.ipv4.ip_forward": "nonsense"}' \
		'.mounts += [{destination: "/mnt", type: "bind", source: "/no/such/source", options: ["bind"]}]' \
		'.mounts += [{destination: "/mnt", type: "tmpfs", source: "t", options: ["nosuch=1"]}]' \
		'.process.cwd = "/etc/passwd"' \
		'.process.args = ["/no/such/program"]' \
		'.hooks.createContainer = [{path: "/bin/false"}]'; do
		base_config >"$B/config.json"
		config "$filter | .linux.cgroupsPath += \"-1\"" --arg t "$TAG"
		try create --bundle "$B" "$ID"
		fails
		[ -n "$error" ] || fail "no message for $filter"
		same "$(everything)" "$before"
		try state "$ID"
		fails
	done
	same "$(container_status "$ID-other")" created
	base_config >"$B/config.json"
	config '.linux.cgroupsPath += "-1"'
	run_payload print ran
	same "$output" ran
}

@test "create without a bundle: there is no config.json where we are" {
	mkdir "$DIR/empty"
	cd "$DIR/empty"
	try create "$ID"
	error_names config.json
	assert_nothing_left
}

@test "an operation without an id is an error" {
	local verb
	create_container
	for verb in state create start kill delete; do
		try $verb
		fails
		[ -n "$error" ] || fail "$verb: no message"
		same "$(container_status)" created
	done
}

@test "an id is free again after delete, for another bundle" {
	run_payload print first
	payload print first
	create_container
	another_bundle second
	try delete --force "$ID"
	ok
	B=$DIR/second
	payload print second
	create_container
	try start "$ID"
	ok
	wait_output second
	same "$(state_of bundle)" "$DIR/second"
}

# ---- start, kill, delete ----------------------------------------------------------

@test "start in the wrong status has no effect: the program is not run again" {
	payload write /count x + wait ready
	touch "$B/rootfs/count"
	launch run --detach --bundle "$B" "$ID"
	ok
	wait_output ready
	local pid
	pid=$(init_pid)
	rm "$B/rootfs/count"
	touch "$B/rootfs/count"
	try start "$ID"
	error_names running
	try kill "$ID" KILL
	ok
	wait_status stopped
	try start "$ID"
	error_names stopped
	same "$(container_status)" stopped
	[ ! -s "$B/rootfs/count" ] || fail "the program was run again"
	[ ! -d "/proc/$pid" ] || grep -q 'State:.Z' "/proc/$pid/status" || fail "$pid lives"
}

@test "kill of a stopped container has no effect, on it and on others" {
	start_waiting signals
	another_bundle second
	B=$DIR/second
	payload wait
	launch create --bundle "$B" "$ID-2"
	ok
	try kill "$ID-2" KILL
	ok
	wait_status stopped "$ID-2"
	try kill "$ID-2" TERM
	error_names "not running"
	same "$(container_status "$ID-2")" stopped
	same "$(container_status)" running
	! output_has signal || fail "the other container got it"
}

@test "delete of a container that is created or running has no effect" {
	is_ours || skip "this runtime deletes what is created"
	payload print ran + wait ready
	create_container
	local pid
	pid=$(init_pid)
	try delete "$ID"
	error_names "$ID" "not stopped"
	same "$(container_status) $(init_pid)" "created $pid"
	try start "$ID"
	ok
	wait_output ready
	try delete "$ID"
	error_names "$ID" "not stopped"
	same "$(container_status) $(init_pid)" "running $pid"
}

@test "delete leaves what create did not make" {
	local dir dirs
	mkdir "$DIR/source"
	echo host >"$DIR/source/file"
	mknod -m 666 "$B/rootfs/opt/null" c 1 3
	if [ "$(cgroup_mode)" = v2 ]; then
		dirs=/sys/fs/cgroup$CG
	else
		dirs=$(for dir in /sys/fs/cgroup/*/cgroup.procs; do echo "${dir%/*}$CG"; done)
	fi
	# shellcheck disable=SC2086 # words
	mkdir $dirs
	config '.linux.cgroupsPath += "/below" | .linux.devices = [{path: "/opt/null", type: "c", major: 1, minor: 3}]
		| .mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["bind"]}]' --arg s "$DIR/source"
	run_payload cat /mnt/file + open rw /opt/null
	same "$output" $'host\nok'
	same "$(<"$DIR/source/file")" host
	[ -c "$B/rootfs/opt/null" ] || fail "the device is gone"
	for dir in $dirs; do
		[ ! -d "$dir/below" ] || fail "$dir/below is there"
		rmdir "$dir" || fail "$dir is gone"
	done
}

# ---- hooks ------------------------------------------------------------------------

@test "poststart hooks: the program runs already, start does not return before" {
	is_ours || skip "this runtime runs them with create"
	hook poststart after 'pid=$(sed "s/.*\"pid\": *\([0-9]*\).*/\1/" "$1/state.after.json" | tr -dc 0-9)
		tr "\0" " " <"/proc/$pid/cmdline" >"$1/command"
		sleep 0.3; echo end >>"$1/log"'
	payload wait ready
	create_container
	[ ! -e "$DIR/log" ] || fail "at create"
	try start "$ID"
	ok
	same "$(<"$DIR/log")" $'after\nend'
	same "$(<"$DIR/command")" "payload wait ready "
}

@test "poststop hooks: what create made is gone already, delete does not return before" {
	hook poststop after "'$RUNTIME' --root '$ROOT' state '$ID' | grep '\"status\": *\"[rc]' >>\"\$1/log\"
		find /sys/fs/cgroup -name '$TAG*' >>\"\$1/log\"
		sleep 0.3; echo end >>\"\$1/log\""
	payload print ran
	create_container
	try start "$ID"
	ok
	wait_status stopped
	[ ! -e "$DIR/log" ] || fail "before delete"
	try delete "$ID"
	ok
	# The id stays taken until they are done: no other container meets them.
	same "$(<"$DIR/log")" $'after\nend'
}

@test "hooks in the container's namespaces see its pid, the others ours" {
	local kind pid
	for kind in prestart createRuntime createContainer poststart; do
		hook $kind $kind
	done
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "cat >/state.json"]}]'
	payload wait
	create_container
	pid=$(init_pid)
	try start "$ID"
	ok
	for kind in prestart createRuntime poststart; do
		same "$kind $(jq -r .pid "$DIR/state.$kind.json")" "$kind $pid"
	done
	same "$(jq -r .pid "$DIR/state.createContainer.json")" 1
	same "$(jq -r .pid "$B/rootfs/state.json")" 1
}

@test "only startContainer hooks are looked for in the container" {
	local kind
	printf '#!/bin/sh\ncat >/dev/null\necho ran >>/ran\n' >"$B/rootfs/bin/only-inside-$TAG"
	chmod +x "$B/rootfs/bin/only-inside-$TAG"
	payload cat /ran
	for kind in prestart createRuntime createContainer; do
		config '.hooks = {($k): [{path: "/bin/only-inside-\($t)"}]}' --arg k $kind --arg t "$TAG"
		try run --bundle "$B" "$ID"
		error_names "$kind" only-inside
	done
	config '.hooks = {startContainer: [{path: $p}]}' --arg p "$DIR/hook.sh"
	try run --bundle "$B" "$ID"
	error_names startContainer hook.sh
	config '.hooks = {startContainer: [{path: "/bin/only-inside-\($t)"}]}' --arg t "$TAG"
	try run --bundle "$B" "$ID"
	ok
	same "$output" ran
	config '.hooks = {poststart: [{path: "/bin/only-inside-\($t)"}]}' --arg t "$TAG"
	try run --bundle "$B" "$ID"
	fails
	[[ $error == *poststart*only-inside* ]] || fail "found on the host"
	config '.hooks = {poststop: [{path: "/bin/only-inside-\($t)"}]}' --arg t "$TAG"
	payload print ran
	create_container
	try start "$ID"
	ok
	wait_status stopped
	try delete "$ID"
	ok
	[[ $error == *only-inside* ]] || fail "found on the host"
}

@test "createContainer hooks are in the container's namespaces, before pivot_root" {
	hook createContainer inside 'for kind in mnt net uts ipc; do
			echo "$kind $(readlink /proc/self/ns/$kind)"; done >"$1/namespaces"
		ls "$1/hook.sh" >"$1/found"'
	payload ns
	try run --bundle "$B" "$ID"
	ok
	local kind
	for kind in mnt net uts ipc; do
		lines "$(grep "^$kind " "$DIR/namespaces")"
	done
	# The host's folders are there still.
	same "$(<"$DIR/found")" "$DIR/hook.sh"
}

@test "a failing startContainer hook: the container is stopped and destroyed, poststop hooks are run" {
	is_ours || skip "this runtime's start does not wait for it"
	hook poststop clean-up
	config '.hooks.startContainer = [{path: "/bin/false"}]'
	payload create /ran
	create_container
	try start "$ID"
	error_names startContainer
	try state "$ID"
	fails
	same "$(<"$DIR/log")" clean-up
	[ ! -e "$B/rootfs/ran" ] || fail "the payload has run"
	assert_nothing_left
}
