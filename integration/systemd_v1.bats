#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --systemd-cgroup where systemd has its controllers on cgroup v1. By hand, in a machine
# that is not there by itself:
#
#   integration/vm/vm-run --systemd --append systemd.unified_cgroup_hierarchy=0 -- \
#       bats integration/systemd_v1.bats
# vm: no

load container

setup()
{
	container_setup
	is_ours || skip "the names and properties are ours"
	[ -d /run/systemd/system ] || skip "systemd does not run here"
	[ -d /sys/fs/cgroup/memory/system.slice ] || skip "systemd has no controllers on cgroup v1 here"
	UNIT=box-$TAG.scope CG=/system.slice/$UNIT
	config '.linux.cgroupsPath = "system.slice:box:\($t)"
		| .linux.resources *= {memory: {limit: 50003968}, pids: {limit: 33}, cpu: {shares: 512}}' --arg t "$TAG"
}

limits()
{
	echo "$(<"/sys/fs/cgroup/memory$CG/memory.limit_in_bytes") $(<"/sys/fs/cgroup/pids$CG/pids.max")" \
		"$(<"/sys/fs/cgroup/cpu$CG/cpu.shares")"
}

@test "a scope with limits on v1's controllers; exec, update, pause, delete" {
	payload wait
	launch -s run --detach --bundle "$B" "$ID"
	ok
	same "$(systemctl show --property ActiveState,CPUShares,ControlGroup,MemoryLimit,TasksMax "$UNIT" | sort)" \
		"$(printf '%s\n' ActiveState=active CPUShares=512 "ControlGroup=$CG" MemoryLimit=50003968 TasksMax=33)"
	same "$(limits)" "50003968 33 512"
	# In every hierarchy, also in those that systemd leaves alone.
	same "$(sed 's/^[0-9]*:[^:]*://' "/proc/$(init_pid)/cgroup" | sort -u)" "$CG"
	try exec "$ID" payload open rw /dev/null
	lines ok
	try update --memory 60006400 "$ID"
	ok
	systemctl daemon-reload
	same "$(limits)" "60006400 33 512"
	try pause "$ID"
	ok
	same "$(container_status)" paused
	try resume "$ID"
	ok
	try delete --force "$ID"
	ok
	same "$(systemctl list-units --all --plain --no-legend "*$TAG*")" ""
	same "$(find /sys/fs/cgroup -name "$UNIT")" ""
}
