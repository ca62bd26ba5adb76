#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rustbox --cgroup-manager systemd, where systemd is process 1.
# vm: systemd
# LONG=1 for all of it: programs are slow there.

load rustbox

setup()
{
	[ -d /run/systemd/system ] || skip "systemd does not run here"
	rustbox_setup
}

teardown()
{
	[ -d /run/systemd/system ] || return 0
	rustbox_teardown
	# Also a unit without processes would be a leftover.
	same "$(systemctl list-units --all --plain --no-legend 'rustbox-*.scope')" ""
}

# bats test_tags=vm
@test "--cgroup-manager systemd: a scope with the limits, for exec, update and stats; it goes with the container" {
	local unit pid
	start_box --cgroup-manager systemd --memory 64M --pids-limit 50
	unit=rustbox-$ID.scope
	same "$(systemctl show -p MemoryMax -p TasksMax -p Slice "$unit" | sort)" \
		$'MemoryMax=67108864\nSlice=system.slice\nTasksMax=50'
	pid=$(box_state .State.Pid)
	grep -q "/system.slice/$unit/" "/proc/$pid/cgroup" || fail "$(cat "/proc/$pid/cgroup")"
	rbok exec -d "$NAME" sleep 1000
	rbok top "$NAME"
	same "$(grep -c 'sleep 1000$' <<<"$output")" 2
	rbok stats --no-stream --format '{{.PIDs}}' "$NAME"
	same "$output" 3
	rbok update --memory 96M "$NAME"
	same "$(systemctl show -P MemoryMax "$unit")" $((96 << 20))
	rbok restart -t 0 "$NAME"
	same "$(systemctl show -P MemoryMax "$unit")" $((96 << 20))
	rbok stop -t 0 "$NAME"
	until_true test ! -e "/sys/fs/cgroup/system.slice/$unit"
	rbok rm "$NAME"
}

@test "--cgroup-parent is a slice then; who is killed leaves no scope" {
	start_box --cgroup-manager systemd --cgroup-parent rustbox-test.slice
	same "$(systemctl show -P Slice "rustbox-$ID.scope")" rustbox-test.slice
	kill -KILL "$(supervisor_pid)"
	rbok list -a
	same "$(box_status "$ID")" Exited
	same "$(systemctl list-units --all --plain --no-legend "rustbox-$ID.scope")" ""
	rb run --rm --cgroup-manager systemd --cgroup-parent /path true
	exits 125
	error_names --cgroup-parent /path slice
	systemctl stop rustbox-test.slice
}
