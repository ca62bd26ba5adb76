#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# containerd with its own runc shim and this runtime under it: ctr run in the
# foreground, detached, on a terminal; exec, pause, metrics, kill, delete. A
# containerd of its own, with everything in the test's folder.
# vm: long

load container
. "$HERE/containerd.bash"

setup_file()
{
	containerd_setup_file containerd-shim-runc-v2
}

teardown_file()
{
	containerd_teardown_file
}

setup()
{
	containerd_setup
	NEW=(--runc-binary "$RUNTIME" --runc-root "$ROOT" --env "RUSTBOX_TEST_TAG=$TAG" --cgroup "$CG")
}

teardown()
{
	# The shim's folder of a namespace stays: it is empty.
	rmdir "$ROOT/$CONTAINERD_NAMESPACE" 2>/dev/null || :
	containerd_teardown
}

@test "ctr run --rm: output, error output, exit code" {
	ctr_run sh -c 'echo out; echo err >&2; exit 7'
	exits 7
	same "$output" out
	[[ $error == *err* ]]
	ctr_run payload print again
	ok
	same "$output" again
}

@test "ctr run passes standard input" {
	output=$(echo typed | ctr run --rm "${NEW[@]}" "$IMAGE" "$ID" payload read-line)
	same "$output" "read [typed]"
}

@test "what containerd configures is there: folder, environment, mounts, limits" {
	ctl run --detach "${NEW[@]}" --cwd /tmp --env A=b --memory-limit 50003968 \
		--mount "type=bind,src=$B,dst=/mnt,options=rbind:ro" "$IMAGE" "$ID" payload wait
	ok
	! has_controller memory ||
		same "$(cgroup_value memory memory.limit_in_bytes memory.max)" 50003968
	ctr_exec 1 payload cwd + env A + open w /mnt/config.json + status NoNewPrivs
	ok
	lines /tmp A=b "NoNewPrivs: 1" EROFS
	remove
}

# bats test_tags=vm
@test "ctr run -d, exec, pause and resume, metrics, kill, delete" {
	ctr_detached payload wait
	same "$(task_status)" RUNNING
	ctr_exec 1 payload print inside + exit 9
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
	terminate
	ok
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	[[ $error == *"exit code 143"* ]] || fail "the exit code is lost"
	ctl container rm "$ID"
	ok
}

@test "ctr run -t: a terminal with its size, the exit code" {
	ctr_on_pty --size 33x77 end -- run --rm -t "${NEW[@]}" "$IMAGE" "$ID" payload wait-winsize 33 77 + tty + exit 4
	lines "resized 33 77" "controlling yes" "foreground yes" "exit 4"
}

@test "ctr run -t: an interactive shell with job control" {
	ctr_on_pty 'expect:/ # ' "send:sh -c 'echo b\"\"egun; read x; echo g\"\"ot \$x'\\r" expect:begun 'send:\x1a' \
		expect:Stopped 'expect:/ # ' 'send:fg\r' expect:sh 'send:text\r' 'expect:got text' 'expect:/ # ' \
		'send:exit 3\r' end -- run --rm -t "${NEW[@]}" "$IMAGE" "$ID" sh -i
	lines "exit 3"
}

@test "ctr task exec -t" {
	ctr_detached payload wait
	ctr_on_pty expect:controlling end -- task exec -t --exec-id "$ID-exec1" "$ID" payload tty + exit 5
	lines "controlling yes" "exit 5"
	remove
}

@test "a program that is not there: containerd's caller sees which" {
	ctr_run /no/such/program
	fails
	[[ $error == */no/such/program* ]] || fail "not named"
	ctl container rm "$ID"
	ctr_detached payload wait
	ctr_exec 1 /no/such/program
	fails
	[[ $error == */no/such/program* ]] || fail "not named"
	remove
}

# bats test_tags=vm
@test "update of limits, and the OOM kill of a task" {
	need_controller memory
	ctl run --rm "${NEW[@]}" --memory-limit 33554432 "$IMAGE" "$ID" payload oom 200
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
		ctr_run payload exit "$i"
		exits "$i"
	done
	for i in {1..5}; do
		ctr run --rm --runc-binary "$RUNTIME" --runc-root "$ROOT" --env "RUSTBOX_TEST_TAG=$TAG" \
			--cgroup "$CG-$i" "$IMAGE" "$ID-$i" payload exit "$i" </dev/null >/dev/null 2>&1 &
		jobs+=($!)
		NAMES+=("$ID-$i")
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
	pid=$(task_pid)
	containerd_end
	[ -d "/proc/$pid" ] || fail "the container has gone with containerd"
	containerd_start
	same "$(task_status)" RUNNING
	ctr_exec 1 payload print still
	same "$output" still
	remove
}
