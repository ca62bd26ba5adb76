#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# containerd with its own runc shim and this runtime under it: ctr run in the
# foreground, detached, on a terminal; exec, pause, metrics, kill, delete. A
# containerd of its own, with everything in the test's folder.
# vm: no

load container

setup_file()
{
	local program
	for program in containerd ctr containerd-shim-runc-v2; do
		command -v $program >/dev/null || skip "$program is not installed"
	done
	export CD=$BATS_FILE_TMPDIR/containerd
	mkdir "$CD"
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
	cat >"$CD/config.toml" <<-TOML
	version = 2
	root = "$CD/root"
	state = "$CD/state"
	disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt",
		"io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
		"io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
	[grpc]
	  address = "$CD/containerd.sock"
	[ttrpc]
	  address = "$CD/containerd.sock.ttrpc"
	[debug]
	  address = "$CD/debug.sock"
	TOML
	containerd --config "$CD/config.toml" >"$CD/log" 2>&1 </dev/null 3>&- 4>&- &
	export CONTAINERD=$!
	until_true ctr --address "$CD/containerd.sock" version >/dev/null
	image >"$CD/image.tar"
	export CONTAINERD_NAMESPACE=rbt$$
	ctr --address "$CD/containerd.sock" image import "$CD/image.tar" >/dev/null
}

# A docker archive of the root file system, made by hand.
image()
{
	tar -C "$BATS_FILE_TMPDIR/rootfs" --numeric-owner -cf "$CD/layer.tar" .
	"$PYTHON" -ES - "$CD" <<-'PY'
import hashlib, io, json, sys, tarfile
layer = open(sys.argv[1] + "/layer.tar", "rb").read()
config = json.dumps({"architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(
    __import__("platform").machine(), "amd64"), "os": "linux",
    "config": {"Env": ["PATH=/bin:/sbin"], "Cmd": ["sh"]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
manifest = json.dumps([{"Config": "config.json", "RepoTags": ["test.invalid/box:1"], "Layers": ["layer.tar"]}]).encode()
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
    for name, data in (("config.json", config), ("layer.tar", layer), ("manifest.json", manifest)):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
PY
}

teardown_file()
{
	[ -n "$CONTAINERD" ] || return 0
	kill "$CONTAINERD"
	wait "$CONTAINERD" 2>/dev/null || :
	awk -v dir="$CD/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | tac | xargs -r umount -l
}

setup()
{
	container_setup
	RUN=(--runc-binary "$RUNTIME" --runc-root "$ROOT" --env "RUSTBOX_TEST_TAG=$TAG" --cgroup "$CG")
	IMAGE=test.invalid/box:1
}

teardown()
{
	if [ -z "$BATS_TEST_COMPLETED" ]; then
		ctr task kill -s KILL "$ID"
		ctr task rm --force "$ID"
		ctr container rm "$ID"
		grep level=error "$CD/log" | tail -n 5
	fi >&2 2>&1
	# The shim's folder of a namespace stays: it is empty.
	rmdir "$ROOT/$CONTAINERD_NAMESPACE" 2>/dev/null || :
	container_teardown
}

ctr()
{
	command timeout -k 5 60 ctr --address "$CD/containerd.sock" --namespace "$CONTAINERD_NAMESPACE" "$@" 3>&- 4>&-
}

# ctr, with status, output and error.
ctl()
{
	status=0
	ctr "$@" >"$DIR/out" 2>"$DIR/err" </dev/null || status=$?
	output=$(<"$DIR/out") error=$(<"$DIR/err")
}

# The container of ID, detached, with a command.
ctr_detached()
{
	ctl run --detach "${RUN[@]}" "$IMAGE" "$ID" "$@"
	ok
}

task_status()
{
	ctr task ls | awk -v id="$ID" '$1 == id { print $3 }'
}

task_status_is()
{
	[ "$(task_status)" = "$1" ]
}

remove()
{
	ctl task kill -s KILL "$ID"
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	ctl container rm "$ID"
	ok
}

@test "ctr run --rm: output, error output, exit code" {
	ctl run --rm "${RUN[@]}" "$IMAGE" "$ID" sh -c 'echo out; echo err >&2; exit 7'
	exits 7
	same "$output" out
	[[ $error == *err* ]]
	ctl run --rm "${RUN[@]}" "$IMAGE" "$ID" payload print again
	ok
	same "$output" again
}

@test "ctr run passes standard input" {
	output=$(echo typed | ctr run --rm "${RUN[@]}" "$IMAGE" "$ID" payload read-line)
	same "$output" "read [typed]"
}

@test "what containerd configures is there: folder, environment, mounts, limits" {
	ctl run --detach "${RUN[@]}" --cwd /tmp --env A=b --memory-limit 50003968 \
		--mount "type=bind,src=$B,dst=/mnt,options=rbind:ro" "$IMAGE" "$ID" payload wait
	ok
	! has_controller memory ||
		same "$(cgroup_value memory memory.limit_in_bytes memory.max)" 50003968
	ctl task exec --exec-id e1 "$ID" payload cwd + env A + open w /mnt/config.json + status NoNewPrivs
	ok
	lines /tmp A=b "NoNewPrivs: 1" EROFS
	remove
}

@test "ctr run -d, exec, pause and resume, metrics, kill, delete" {
	ctr_detached payload wait
	same "$(task_status)" RUNNING
	ctl task exec --exec-id e1 "$ID" payload print inside + exit 9
	exits 9
	same "$output" inside
	ctl task ps "$ID"
	ok
	same "$(sed 1d <<<"$output" | wc -l)" 1
	ctl task pause "$ID"
	ok
	same "$(task_status)" PAUSED
	ctl task resume "$ID"
	ok
	same "$(task_status)" RUNNING
	ctl task metrics "$ID"
	ok
	matches '^(memory\.usage|memory|pids\.current)'
	ctl task kill -s TERM "$ID"
	ok
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	[[ $error == *"exit code 143"* ]] || fail "the exit code is lost"
	ctl container rm "$ID"
	ok
	assert_nothing_left_but_root
}

# The shim's folder for a namespace in the runtime's root stays.
assert_nothing_left_but_root()
{
	rmdir "$ROOT/$CONTAINERD_NAMESPACE" 2>/dev/null || :
	assert_nothing_left
}

@test "ctr run -t: a terminal with its size, the exit code" {
	on_pty --size 33x77 end -- ctr --address "$CD/containerd.sock" --namespace "$CONTAINERD_NAMESPACE" \
		run --rm -t "${RUN[@]}" "$IMAGE" "$ID" payload wait-winsize 33 77 + tty + exit 4
	lines "resized 33 77" "controlling yes" "foreground yes" "exit 4"
}

@test "ctr run -t: an interactive shell with job control" {
	on_pty 'expect:/ # ' "send:sh -c 'echo b\"\"egun; read x; echo g\"\"ot \$x'\\r" expect:begun 'send:\x1a' \
		expect:Stopped 'expect:/ # ' 'send:fg\r' expect:sh 'send:text\r' 'expect:got text' 'expect:/ # ' \
		'send:exit 3\r' end -- ctr --address "$CD/containerd.sock" --namespace "$CONTAINERD_NAMESPACE" \
		run --rm -t "${RUN[@]}" "$IMAGE" "$ID" sh -i
	lines "exit 3"
}

@test "ctr task exec -t" {
	ctr_detached payload wait
	on_pty expect:controlling end -- ctr --address "$CD/containerd.sock" --namespace "$CONTAINERD_NAMESPACE" \
		task exec -t --exec-id e1 "$ID" payload tty + exit 5
	lines "controlling yes" "exit 5"
	remove
}

@test "a program that is not there: containerd's caller sees which" {
	ctl run --rm "${RUN[@]}" "$IMAGE" "$ID" /no/such/program
	fails
	[[ $error == */no/such/program* ]] || fail "not named"
	ctl container rm "$ID"
	ctr_detached payload wait
	ctl task exec --exec-id e1 "$ID" /no/such/program
	fails
	[[ $error == */no/such/program* ]] || fail "not named"
	remove
}

@test "update of limits, and the OOM kill of a task" {
	need_controller memory
	ctl run --rm "${RUN[@]}" --memory-limit 33554432 "$IMAGE" "$ID" payload oom 200
	exits 137
}

@test "kill --all, and a payload that a signal does not end" {
	ctr_detached payload orphan + signals
	ctl task kill -s USR1 "$ID"
	ok
	same "$(task_status)" RUNNING
	ctl task kill --all -s KILL "$ID"
	ok
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	ctl container rm "$ID"
	ok
}

@test "twenty in a row, one after the other, and five at a time" {
	local i jobs=()
	for i in {1..10}; do
		ctl run --rm "${RUN[@]}" "$IMAGE" "$ID" payload exit "$i"
		exits "$i"
	done
	for i in {1..5}; do
		ctr run --rm --runc-binary "$RUNTIME" --runc-root "$ROOT" --env "RUSTBOX_TEST_TAG=$TAG" \
			--cgroup "$CG-$i" "$IMAGE" "$ID-$i" payload exit "$i" </dev/null >/dev/null 2>&1 &
		jobs+=($!)
	done
	for i in {1..5}; do
		status=0
		wait "${jobs[$((i - 1))]}" || status=$?
		exits "$i"
	done
}

@test "containerd restarts: the container lives, its end is seen" {
	ctr_detached payload wait
	local pid
	pid=$(ctr task ls | awk -v id="$ID" '$1 == id { print $2 }')
	kill "$CONTAINERD"
	# Not our child: the file's.
	gone() { ! kill -0 "$CONTAINERD" 2>/dev/null; }
	until_true gone
	[ -d "/proc/$pid" ] || fail "the container has gone with containerd"
	containerd --config "$CD/config.toml" >>"$CD/log" 2>&1 </dev/null 3>&- 4>&- &
	local second=$!
	until_true ctr version >/dev/null
	same "$(task_status)" RUNNING
	ctl task exec --exec-id e1 "$ID" payload print still
	same "$output" still
	remove
	kill $second
	wait $second 2>/dev/null || :
}
