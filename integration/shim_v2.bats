#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The shim under containerd on a machine with nothing but cgroup v2: what depends
# on the version, as a user of ctr sees it. shim.bats has everything else, and
# shim_protocol.bats the shim without containerd, on both.
# vm: only

# bats file_tags=vm

load container
. "$HERE/containerd.bash"

setup_file()
{
	containerd_setup_file
}

teardown_file()
{
	containerd_teardown_file
}

setup()
{
	containerd_setup
}

teardown()
{
	containerd_teardown
}

@test "limits, metrics, exec, pause and resume; all is gone with the container" {
	events_start
	ctl run --detach --memory-limit 50003968 --cpus 0.5 "${NEW[@]}" "$IMAGE" "$ID" payload oom 8 + wait
	ok
	same "$(cat "$(cgroup_dir '')/memory.max") $(cat "$(cgroup_dir '')/cpu.max")" "50003968 50000 100000"
	ctl task metrics --format json "$ID"
	ok
	same "$(jq '.memory.usage_limit == 50003968 and .memory.usage > 0 and .pids.current == 1
		and .cpu.usage_usec > 0 and .cpu.user_usec + .cpu.system_usec > 0' <<<"$output")" true
	ctl task metrics "$ID"
	ok
	matches '^memory\.usage +[1-9]' '^pids\.current +1\b' '^cpu\.usage_usec +[1-9]'
	ctr_exec 1 sh -c 'cat /proc/self/cgroup; echo err >&2; exit 9'
	exits 9
	lines "0::$CG"
	same "$error" err
	ctl task pause "$ID"
	ok
	same "$(task_status) $(cat "$(cgroup_dir '')/cgroup.freeze")" "PAUSED 1"
	ctl task resume "$ID"
	ok
	same "$(task_status) $(cat "$(cgroup_dir '')/cgroup.freeze")" "RUNNING 0"
	# What is paused is killed all the same.
	ctl task pause "$ID"
	ok
	remove
	[ ! -e "$(cgroup_dir '')" ] || fail "the cgroup is left"
	events_are create start "exec-added(exec1)" "exec-started(exec1)" "exit(exec1)=9" paused resumed paused exit=137 delete=137
	events_stop
}

@test "out of memory: the event, also of a child's end" {
	events_start
	ctl run --detach --memory-limit 33554432 "${NEW[@]}" "$IMAGE" "$ID" payload oom-child 200 + wait
	ok
	until_true event_is_there oom
	same "$(task_status)" RUNNING
	remove
	events_are create start oom exit=137 delete=137
	events_stop
}

@test "a terminal, of run and of exec" {
	ctr_on_pty --size 33x77 expect:controlling end -- \
		run --rm -t "${NEW[@]}" "$IMAGE" "$ID" payload wait-winsize 33 77 + tty + exit 4
	lines "controlling yes" "foreground yes" "exit 4"
	ctr_detached payload wait
	ctr_on_pty 'expect:/ # ' 'send:echo o""ne; exit 8\r' expect:one end -- \
		task exec -t --exec-id "$ID-exec1" "$ID" sh -i
	lines "exit 8"
	remove
}
