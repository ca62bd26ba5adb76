#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Hooks: all six kinds, when and where each is run, their order, what they get
# (state on standard input, arguments, environment), time-outs, and what a
# failure of each kind means.
# vm: no
# sanitized: yes

load container

setup()
{
	container_setup
	cat >"$DIR/hook.sh" <<-'SH'
	#!/bin/sh
	# hook.sh FOLDER NAME [COMMAND]
	cat >"$1/state.$2.json"
	echo "$2" >>"$1/log"
	readlink /proc/self/ns/mnt >"$1/mnt.$2"
	eval "${3:-:}"
	SH
	chmod +x "$DIR/hook.sh"
}

# hook KIND NAME [COMMAND]: a hook that notes that it was run, with what.
hook()
{
	config '.hooks[$kind] += [{path: $path, args: (["hook", $dir, $name] + $ARGS.positional)}]' \
		--arg kind "$1" --arg path "$DIR/hook.sh" --arg dir "$DIR" --arg name "$2" --args -- "${@:3}"
}

hook_log()
{
	tr '\n' ' ' <"$DIR/log" 2>/dev/null
}

@test "all six kinds are run, each at its time, in the order of the list" {
	local kind
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind $kind-1
		hook $kind $kind-2
	done
	# Some run poststart hooks with create.
	is_ours || config 'del(.hooks.poststart)'
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "cat >/state.json; echo start-container >>/log"]}]'
	payload cat /log + wait ready
	create_container
	same "$(hook_log)" "prestart-1 prestart-2 createRuntime-1 createRuntime-2 createContainer-1 createContainer-2 "
	[ ! -e "$B/rootfs/log" ] || fail "startContainer at create"
	try start "$ID"
	ok
	wait_output ready
	container_output
	lines start-container
	same "$(hook_log)" "prestart-1 prestart-2 createRuntime-1 createRuntime-2 createContainer-1 createContainer-2 $(is_ours && echo "poststart-1 poststart-2 ")"
	try kill "$ID" KILL
	wait_status stopped
	same "$(hook_log | grep -c poststop)" 0
	try delete "$ID"
	ok
	[[ $(hook_log) == *"poststop-1 poststop-2 " ]] || fail "$(hook_log)"
	assert_nothing_left
}

@test "each gets the state on standard input, with its status and the pid" {
	local kind
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind $kind
	done
	config '.annotations = {"a.b": "c"} | .hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "cat >/state.json"]}]'
	payload wait
	create_container
	local pid
	pid=$(init_pid)
	try start "$ID"
	ok
	try delete --force "$ID"
	ok
	cp "$B/rootfs/state.json" "$DIR/state.startContainer.json"
	for kind in prestart createRuntime createContainer startContainer poststart poststop; do
		output=$(<"$DIR/state.$kind.json")
		same "$(jq -r .id <<<"$output")" "$ID"
		same "$(jq -r .bundle <<<"$output")" "$B"
		same "$(jq -r '.annotations["a.b"]' <<<"$output")" c
		[[ $(jq -r .ociVersion <<<"$output") == 1.* ]] || fail "$kind: ociVersion"
	done
	same "$(jq -r .status "$DIR/state.prestart.json")" creating
	same "$(jq -r .status "$DIR/state.createRuntime.json")" creating
	same "$(jq -r .status "$DIR/state.createContainer.json")" creating
	same "$(jq -r .status "$DIR/state.startContainer.json")" created
	! is_ours || same "$(jq -r .status "$DIR/state.poststart.json")" running
	same "$(jq -r .status "$DIR/state.poststop.json")" stopped
	for kind in prestart createRuntime poststart; do
		same "$(jq -r .pid "$DIR/state.$kind.json")" "$pid"
	done
}

@test "where each is run: the runtime's namespaces or the container's" {
	local kind
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind $kind
	done
	config '.hooks.startContainer = [{path: "/bin/payload", args: ["payload", "create", "/ran-inside", "+", "ls", "/"]}]'
	run_payload stat /ran-inside
	matches '^f '
	for kind in prestart createRuntime poststart poststop; do
		same "$(<"$DIR/mnt.$kind")" "$(readlink /proc/self/ns/mnt)"
	done
	[ "$(<"$DIR/mnt.createContainer")" != "$(readlink /proc/self/ns/mnt)" ] || fail "createContainer in our mount namespace"
}

@test "at createRuntime the namespaces are there; the pid leads to them" {
	hook createRuntime cr 'pid=$(sed "s/.*\"pid\": *\([0-9]*\).*/\1/" "$1/state.cr.json" | tr -dc 0-9); readlink /proc/$pid/ns/net >"$1/net"'
	payload ns
	try run --bundle "$B" "$ID"
	ok
	lines "net $(<"$DIR/net")"
}

@test "at createContainer the mounts are done and pivot_root is not" {
	config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs"}]'
	hook createContainer cc 'cat /proc/self/mountinfo >"$1/mountinfo"; ls "$1" >/dev/null'
	run_payload print ran
	grep -qE ' [^ ]*/mnt rw' "$DIR/mountinfo"
}

@test "arguments and environment are the hook's own" {
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["name of mine", "-c",
		"echo \"$0|$1|$A|$FROM_HOST\" >\($d)/said; env | sort >\($d)/env", "zero", "one two"], env: ["A=b c"]}]' --arg d "$DIR"
	payload print ran
	FROM_HOST=1 try run --bundle "$B" "$ID"
	ok
	same "$(<"$DIR/said")" "zero|one two|b c|"
	grep -qx 'A=b c' "$DIR/env"
}

@test "a failing hook of create: kind, index and what it said, nothing is left" {
	local kind
	for kind in prestart createRuntime createContainer; do
		config 'del(.hooks)'
		hook $kind fine
		hook $kind bad 'echo some-reason >&2; exit 3'
		hook $kind never
		hook poststop clean-up
		rm -f "$DIR/log"
		payload create /ran
		launch create --bundle "$B" "$ID"
		error_names "$kind" 1 some-reason
		[[ $(hook_log) == "fine bad"* ]] || fail "$(hook_log)"
		[[ $(hook_log) != *never* ]] || fail "hooks after the failed one were run"
		[ ! -e "$B/rootfs/ran" ] || fail "the payload has run"
		assert_nothing_left
	done
}

@test "a failing startContainer hook: start fails and says so, the payload is not run" {
	is_ours || skip "this runtime's start does not wait for it"
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo some-reason >&2; exit 4"]}]'
	payload create /ran
	launch create --bundle "$B" "$ID"
	[ "$status" -ne 0 ] || try start "$ID"
	error_names startContainer 0 some-reason
	[ ! -e "$B/rootfs/ran" ] || fail "the payload has run"
}

@test "a failing poststart hook: an error; the container is stopped and deleted" {
	is_ours || skip "this runtime follows an earlier specification"
	hook poststart bad 'echo some-reason >&2; exit 5'
	hook poststop clean-up
	payload wait
	create_container
	try start "$ID"
	error_names poststart 0 some-reason
	try state "$ID"
	fails
	[[ $(hook_log) == *clean-up* ]] || fail "poststop hooks were not run"
	assert_nothing_left
}

@test "a failing poststart hook of run" {
	is_ours || skip "this runtime follows an earlier specification"
	hook poststart bad 'exit 5'
	payload wait
	try run --bundle "$B" "$ID"
	error_names poststart
	assert_nothing_left
}

@test "a failing poststop hook is a warning: the others are run, the container is gone" {
	hook poststop one 'echo some-reason >&2; exit 6'
	hook poststop two
	payload print done
	create_container
	try start "$ID"
	ok
	wait_status stopped
	try delete "$ID"
	ok
	if is_ours; then
		same "$(hook_log)" "one two "
		[[ $error == *poststop* && $error == *some-reason* ]] || fail "the warning says nothing"
	fi
	assert_nothing_left
}

@test "a hook that takes too long is killed, with its kind and time in the error" {
	hook createRuntime slow 'exec sleep 300'
	config '.hooks.createRuntime[0].timeout = 1'
	payload create /ran
	try create --bundle "$B" "$ID"
	error_names createRuntime 0
	if is_ours; then
		[[ $error == *time* ]] || fail "does not say why"
	fi
	[ ! -e "$B/rootfs/ran" ] || fail "the payload has run"
	assert_nothing_left
}

@test "a hook that is in time is not harmed by its time-out" {
	hook createRuntime quick 'sleep 0.2'
	config '.hooks.createRuntime[0].timeout = 100'
	run_payload print ran
	same "$output" ran
}

@test "a hook that dies by a signal" {
	hook createRuntime dies 'kill -SEGV $$'
	try create --bundle "$B" "$ID"
	error_names createRuntime 0
	assert_nothing_left
}

@test "a hook that is not there, or cannot be run: the path is named" {
	payload print never
	config '.hooks.createRuntime = [{path: "/no/such/hook"}]'
	try create --bundle "$B" "$ID"
	error_names createRuntime /no/such/hook
	config '.hooks = {prestart: [{path: "/etc/passwd"}]}'
	try create --bundle "$B" "$ID"
	error_names prestart /etc/passwd
	assert_nothing_left
}

@test "a hook with a relative path, and a time-out of nothing" {
	is_ours || skip "this runtime's checks differ"
	payload print never
	config '.hooks.createRuntime = [{path: "hook.sh"}]'
	try create --bundle "$B" "$ID"
	error_names hooks path
	config '.hooks.createRuntime = [{path: "/bin/true", timeout: 0}]'
	try create --bundle "$B" "$ID"
	error_names timeout
	assert_nothing_left
}

@test "a hook that writes much, and one that does not read its input" {
	hook createRuntime talks 'yes | head -c 3000000; yes error | head -c 3000000 >&2'
	config '.hooks.createRuntime += [{path: "/bin/true"}]'
	config '.annotations = {"big": ("x" * 100000)}'
	run_payload print ran
	same "$output" ran
}

@test "a failing hook that wrote much: the error stays short" {
	hook createRuntime talks 'yes long-output | head -c 3000000 >&2; exit 1'
	try create --bundle "$B" "$ID"
	error_names createRuntime 0
	[ "${#error}" -lt 20000 ] || ! is_ours || fail "${#error} characters of error"
	assert_nothing_left
}

@test "S3 hooks get no descriptors of ours" {
	hook createRuntime fds 'ls -l /proc/self/fd >"$1/fds"'
	run_payload print ran
	same "$(grep -c -- '->' "$DIR/fds")" 4
}

@test "hooks get default signals" {
	hook createRuntime signals 'grep -E "SigBlk|SigIgn" /proc/self/status >"$1/signals"'
	run_payload print ran
	if is_ours; then
		same "$(awk '{ print $2 }' "$DIR/signals" | sort -u)" 0000000000000000
	fi
	[ -s "$DIR/signals" ]
}

@test "poststop hooks are run for a failed create, and for delete --force" {
	is_ours || skip "this runtime does not"
	hook poststop clean-up
	command_is /no/such/program
	launch create --bundle "$B" "$ID"
	fails
	[[ $(hook_log) == *clean-up* ]] || fail "not after a failed create"
	rm "$DIR/log"
	payload wait
	create_container
	try delete --force "$ID"
	ok
	same "$(hook_log)" "clean-up "
}

@test "until pivot_root, hooks find the container at root.path, its mounts included" {
	command -v nsenter >/dev/null || skip "nsenter is missing"
	mkdir "$B/rootfs/lib"
	echo library >"$DIR/lib.so"
	# As hooks for libraries and devices do: by the host's path, in the container's namespace.
	hook createRuntime enters "pid=\$(jq .pid \"\$1/state.enters.json\")
		touch $B/rootfs/lib/a $B/rootfs/lib/b
		nsenter -m -t \$pid mount --bind $DIR/lib.so $B/rootfs/lib/a"
	# createContainer hooks begin in the root.
	hook createContainer mounts "mount --bind $DIR/lib.so ./lib/b && grep -q ' $B/rootfs/proc ' /proc/self/mountinfo"
	command_is cat /lib/a /lib/b
	try run --bundle "$B" "$ID"
	ok
	same "$output" "library
library"
	same "$(cat "$B/rootfs/lib/a")" ""
}

@test "startContainer hooks without an environment have the payload's" {
	is_ours || skip "left to the runtime by the specification"
	config '.process.env += ["ONE=two"] | .hooks.startContainer = [
		{path: "/bin/sh", args: ["sh", "-c", "echo $ONE $HOME >/own"]},
		{path: "/bin/sh", args: ["sh", "-c", "echo :$ONE:$A >/given"], env: ["A=b"]}]'
	run_payload print ran
	same "$(cat "$B/rootfs/own")" "two /root"
	same "$(cat "$B/rootfs/given")" "::b"
}
