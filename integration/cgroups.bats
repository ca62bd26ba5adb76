#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cgroups, of whatever version the machine has: where the container's groups
# are, each limit, values of 0 and -1, limits that hold, unified, update, pause
# and resume, events, statistics, ps, and that no group stays behind.
# vm: yes

load container

resources()
{
	config '.linux.resources += $r' --argjson r "$1"
}

# cpu.weight of some shares, by today's formula (v1 has the shares themselves).
weight_of()
{
	awk -v s="$1" 'BEGIN {
		if (s <= 2) w = 1; else if (s >= 262144) w = 10000; else {
			l = log(s) / log(2)
			w = exp(log(10) * ((l * l + 125 * l) / 612 - 7 / 34))
			w = int(w + 0.9999) # up, but not because of the last digits
		}
		print w }'
}

# limits_are CONTROLLER V1-FILE V1-VALUE V2-FILE V2-VALUE
limit_is()
{
	if [ "$(cgroup_mode)" = v2 ]; then
		same "$(cat "$(cgroup_dir "$1")/$4")" "$5"
	else
		same "$(cat "$(cgroup_dir "$1")/$2")" "$3"
	fi
}

@test "cgroupsPath from the root of the hierarchies, nested; all of it goes in the end" {
	config '.linux.cgroupsPath += "/deep/er"'
	start_waiting
	[ -d "$(cgroup_dir memory "$CG/deep/er")" ] || fail "no group"
	grep -q "$CG/deep/er" "/proc/$(init_pid)/cgroup"
	try delete --force "$ID"
	ok
	[ ! -d "$(cgroup_dir memory "$CG/deep/er")" ] || fail "the group is there"
	# Parents that did not exist are whoever's made them.
	find /sys/fs/cgroup -depth -type d -path "*$CG*" -exec rmdir {} + 2>/dev/null || :
}

# bats test_tags=vm
@test "the init process is in the group in every hierarchy" {
	start_waiting
	local pid n
	pid=$(init_pid)
	if [ "$(cgroup_mode)" = v2 ]; then
		same "$(cat "/proc/$pid/cgroup")" "0::$CG"
	else
		for n in memory pids devices freezer cpu cpuset blkio; do
			[ ! -d /sys/fs/cgroup/$n ] || grep -q ":$n:$CG$" "/proc/$pid/cgroup" || fail "not in $n"
		done
	fi
	if [ "$(cgroup_mode)" = hybrid ] && is_ours; then
		grep -q "^0::$CG$" "/proc/$pid/cgroup" || fail "not in cgroup2"
	fi
}

# bats test_tags=vm
@test "v2: the init process is made in its group, not moved there" {
	[ "$(cgroup_mode)" = v2 ] || skip "clone3 knows groups of cgroup v2 only"
	command -v strace >/dev/null || skip "there is no strace"
	is_ours || skip "how others do it is theirs"
	payload cat /proc/self/cgroup
	status=0
	output=$(timeout -k 5 100 strace -f -qq -e trace=clone3,write -e signal=none -o "$DIR/calls" \
		"$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" </dev/null 2>"$DIR/err" 3>&- 4>&-) || status=$?
	ok
	same "$output" "0::$CG"
	grep -q 'clone3(.*CLONE_INTO_CGROUP.*cgroup=' "$DIR/calls" || fail "$(grep clone3 "$DIR/calls")"
}

@test "without a cgroupsPath, and with a relative one" {
	config 'del(.linux.cgroupsPath)'
	start_waiting
	grep -q "$ID" "/proc/$(init_pid)/cgroup" || fail "the id is not in the path"
	try delete --force "$ID"
	ok
	config '.linux.cgroupsPath = $c' --arg c "rel-$TAG"
	start_waiting
	grep -q "rel-$TAG" "/proc/$(init_pid)/cgroup" || fail "not in the path"
}

@test "S16 a cgroupsPath with .. does not leave the hierarchy" {
	not_in_vm
	is_ours || skip "this runtime cuts it"
	config '.linux.cgroupsPath = "/../../\($c)"' --arg c "$TAG"
	payload print never
	try run --bundle "$B" "$ID"
	error_names cgroupsPath
	assert_nothing_left
}

@test "a cgroup that has processes already is refused" {
	not_in_vm
	is_ours || skip "this runtime takes it"
	start_waiting
	another_bundle second
	B=$DIR/second
	config '.linux.cgroupsPath = $c' --arg c "$CG"
	try run --bundle "$B" "$ID-2"
	error_names "$CG"
	same "$(container_status)" running
	rt ps "$ID" >/dev/null
}

# bats test_tags=vm
@test "memory: limit, reservation" {
	need_controller memory
	resources '{"memory": {"limit": 50003968, "reservation": 30003200}}'
	start_waiting
	limit_is memory memory.limit_in_bytes 50003968 memory.max 50003968
	limit_is memory memory.soft_limit_in_bytes 30003200 memory.low 30003200
}

# bats test_tags=vm
@test "memory and swap: the sum as v1 has it" {
	need_controller memory
	[ "$(cgroup_mode)" = v2 ] || [ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ] ||
		skip "this kernel does not count swap"
	resources '{"memory": {"limit": 50003968, "swap": 60006400}}'
	start_waiting
	limit_is memory memory.memsw.limit_in_bytes 60006400 memory.swap.max 10002432
	limit_is memory memory.limit_in_bytes 50003968 memory.max 50003968
	try delete --force "$ID"
	resources '{"memory": {"limit": 50003968, "swap": -1}}'
	start_waiting
	if [ "$(cgroup_mode)" = v2 ]; then
		same "$(cat "$(cgroup_dir memory)/memory.swap.max")" max
	else
		[ "$(cat "$(cgroup_dir memory)/memory.memsw.limit_in_bytes")" -gt 1000000000000 ]
	fi
}

# bats test_tags=vm
@test "memory: -1 and 0 are no limit of zero bytes" {
	need_controller memory
	local value
	for value in -1 0; do
		resources '{"memory": {"limit": '$value', "reservation": '$value'}}'
		payload print lives
		try run --bundle "$B" "$ID"
		ok
		same "$output" lives
	done
}

@test "memory: swap below the limit is refused" {
	not_in_vm
	need_controller memory
	resources '{"memory": {"limit": 50003968, "swap": 10002432}}'
	payload print never
	try run --bundle "$B" "$ID"
	error_names swap
	assert_nothing_left
}

# bats test_tags=vm
@test "memory: swappiness, and no OOM killer: v1 has them, on v2 each is refused by name" {
	need_controller memory
	is_ours || skip "what others do on v2 is theirs"
	resources '{"memory": {"swappiness": 13}}'
	if [ "$(cgroup_mode)" = v2 ]; then
		payload print never
		try run --bundle "$B" "$ID"
		error_names memory.swappiness "cgroup v1"
		config '.linux.resources.memory = {disableOOMKiller: true}'
		try run --bundle "$B" "$ID"
		error_names memory.disableOOMKiller "cgroup v1"
		assert_nothing_left
		return 0
	fi
	config '.linux.resources.memory.disableOOMKiller = true'
	start_waiting
	same "$(<"$(cgroup_dir memory)/memory.swappiness")" 13
	grep -qx 'oom_kill_disable 1' "$(cgroup_dir memory)/memory.oom_control" || fail "it may kill"
}

# bats test_tags=vm
@test "the memory limit holds: what is above it is killed" {
	need_controller memory
	resources '{"memory": {"limit": 33554432, "swap": 33554432}}'
	if [ "$(cgroup_mode)" != v2 ] && [ ! -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ]; then
		resources '{"memory": {"limit": 33554432}}'
	fi
	run_payload oom-child 100 + oom-child 8
	same "$output" $'child killed KILL\nsurvived\nchild exit 0'
}

@test "a small memory limit: the container starts in a megabyte" {
	need_controller memory
	is_ours || skip "this runtime needs more"
	resources '{"memory": {"limit": 1048576}}'
	run_payload print small
	same "$output" small
}

@test "an OOM kill of init is 137" {
	need_controller memory
	resources '{"memory": {"limit": 16777216}}'
	payload oom 200
	try run --bundle "$B" "$ID"
	exits 137
	says_not survived
}

# bats test_tags=vm
@test "cpu: shares become the weight of today's formula" {
	need_controller cpu
	local shares
	for shares in 2 512 1024 4096; do
		resources '{"cpu": {"shares": '$shares'}}'
		start_waiting
		if [ "$(cgroup_mode)" = v2 ] && ! is_ours; then
			[ "$(cat "$(cgroup_dir cpu)/cpu.weight")" -ge 1 ]
		else
			limit_is cpu cpu.shares "$shares" cpu.weight "$(weight_of $shares)"
		fi
		try delete --force "$ID"
	done
}

# bats test_tags=vm
@test "cpu: quota and period, quota of -1 and 0" {
	need_controller cpu
	resources '{"cpu": {"quota": 50000, "period": 200000}}'
	start_waiting
	limit_is cpu cpu.cfs_quota_us 50000 cpu.max "50000 200000"
	limit_is cpu cpu.cfs_period_us 200000 cpu.max "50000 200000"
	try delete --force "$ID"
	resources '{"cpu": {"quota": -1, "period": 100000}}'
	start_waiting
	limit_is cpu cpu.cfs_quota_us -1 cpu.max "max 100000"
	try delete --force "$ID"
	resources '{"cpu": {"quota": 0, "period": 100000}}'
	start_waiting
	limit_is cpu cpu.cfs_quota_us -1 cpu.max "max 100000"
}

@test "the cpu quota holds" {
	need_controller cpu
	resources '{"cpu": {"quota": 20000, "period": 100000}}'
	run_payload spin 1000
	local used
	used=$(sed -n 's/used \([0-9]*\) ms/\1/p' <<<"$output")
	[ "$used" -lt 450 ] || fail "used $used ms of 1000"
}

@test "cpu: burst and idle" {
	need_controller cpu
	is_ours || skip "this runtime does not know them"
	resources '{"cpu": {"quota": 50000, "period": 100000, "burst": 20000}}'
	start_waiting
	limit_is cpu cpu.cfs_burst_us 20000 cpu.max.burst 20000
	try delete --force "$ID"
	resources '{"cpu": {"idle": 1}}'
	start_waiting
	limit_is cpu cpu.idle 1 cpu.idle 1
}

# bats test_tags=vm
@test "cpuset: cpus and mems, seen by the payload and by exec" {
	need_controller cpuset
	resources '{"cpu": {"cpus": "0", "mems": "0"}}'
	start_waiting affinity + wait ready
	wait_output ready
	container_output
	lines 0
	limit_is cpuset cpuset.cpus 0 cpuset.cpus 0
	limit_is cpuset cpuset.mems 0 cpuset.mems 0
	try exec "$ID" payload affinity
	same "$output" 0
}

@test "cpuset: processors that the machine does not have are named" {
	not_in_vm
	need_controller cpuset
	resources '{"cpu": {"cpus": "4000"}}'
	payload print never
	try run --bundle "$B" "$ID"
	error_names cpus
	assert_nothing_left
}

# bats test_tags=vm
@test "pids: the limit holds" {
	need_controller pids
	resources '{"pids": {"limit": 20}}'
	run_payload forkbomb 100
	lines "forked 19 EAGAIN" "reaped 19"
}

# bats test_tags=vm
@test "S3 at its limit of processes exec has the streams that it is given" {
	need_controller pids
	resources '{"pids": {"limit": 2}}'
	start_waiting
	output=$(timeout 100 "$RUNTIME" --root "$ROOT" exec "$ID" cat <<<"to be read" 3>&- 4>&-)
	same "$output" "to be read"
}

@test "pids: a limit of one is enough for the payload, and for one exec" {
	need_controller pids
	is_ours || skip "this runtime needs more"
	resources '{"pids": {"limit": 1}}'
	run_payload print lives + forkbomb 3
	lines lives "forked 0 EAGAIN"
	resources '{"pids": {"limit": 2}}'
	start_waiting
	try exec "$ID" payload print second
	ok
	same "$output" second
}

@test "pids: 0 and -1" {
	need_controller pids
	resources '{"pids": {"limit": -1}}'
	start_waiting
	limit_is pids pids.max max pids.max max
	try delete --force "$ID"
	resources '{"pids": {"limit": 0}}'
	payload print lives + forkbomb 3
	try run --bundle "$B" "$ID"
	ok
	if is_ours; then
		# runtime-spec 1.3: zero means as few as can be, one
		lines lives "forked 0 EAGAIN"
	fi
}

@test "blkio and io: weight and throttling" {
	local device
	device=$(awk '$5 == "/" { print $3 }' /proc/self/mountinfo | head -n 1)
	[ -e "/sys/dev/block/$device" ] || device=$(cat /sys/block/*/dev 2>/dev/null | head -n 1)
	[ -n "$device" ] || skip "there is no block device"
	# Throttling is for whole disks.
	if [ -e "/sys/dev/block/$device/partition" ]; then
		device=$(cat "/sys/dev/block/$device/../dev")
	fi
	if [ "$(cgroup_mode)" = v2 ]; then
		need_controller io
	else
		need_controller blkio
	fi
	config '.linux.resources.blockIO = ([{major: $major, minor: $minor}] | {
		throttleReadBpsDevice: map(.rate = 10485760), throttleWriteBpsDevice: map(.rate = 20971520),
		throttleReadIOPSDevice: map(.rate = 200), throttleWriteIOPSDevice: map(.rate = 300)})' \
		--argjson major "${device%:*}" --argjson minor "${device#*:}"
	start_waiting
	if [ "$(cgroup_mode)" = v2 ]; then
		same "$(cat "$(cgroup_dir io)/io.max")" "$device rbps=10485760 wbps=20971520 riops=200 wiops=300"
	else
		same "$(cat "$(cgroup_dir blkio)"/blkio.throttle.{read,write}_{bps,iops}_device)" \
			"$(printf "$device %s\n" 10485760 200 20971520 300)"
	fi
}

@test "blkio weight where the kernel has it; else an error or nothing, never a crash" {
	resources '{"blockIO": {"weight": 300}}'
	payload print lives
	try run --bundle "$B" "$ID"
	if [ "$status" -eq 0 ]; then
		same "$output" lives
	else
		error_names weight
	fi
	assert_nothing_left
}

@test "hugetlb: the limit, and that of reservations" {
	has_controller hugetlb || ls /sys/fs/cgroup/unified/hugetlb* >/dev/null 2>&1 || need_controller hugetlb
	[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "no pages of 2 MB"
	is_ours || [ "$(cgroup_mode)" = v2 ] || skip "this runtime does not see cgroup2's controllers"
	resources '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}'
	start_waiting
	local dir
	dir=$(cgroup_dir hugetlb)
	[ -d "$dir" ] || dir=$(cgroup_dir "")
	same "$(cat "$dir/hugetlb.2MB.max" 2>/dev/null || cat "$dir/hugetlb.2MB.limit_in_bytes")" 4194304
	if is_ours; then
		same "$(cat "$dir/hugetlb.2MB.rsvd.max" 2>/dev/null || cat "$dir/hugetlb.2MB.rsvd.limit_in_bytes")" 4194304
	fi
}

@test "a limit whose controller is missing is an error that names it" {
	is_ours || skip "this runtime ignores it"
	! has_controller rdma || skip "this machine has rdma"
	resources '{"rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10}}}'
	payload print never
	try run --bundle "$B" "$ID"
	error_names rdma
	assert_nothing_left
}

# bats test_tags=vm
@test "v2: a writable mount and a namespace of its own give the cgroup to the container's user" {
	[ "$(cgroup_mode)" = v2 ] || skip "delegation is safe on cgroup v2 only"
	local dir
	user_namespace
	config '.linux.namespaces += [{type: "cgroup"}] | .process.user.uid = 7
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"]}]'
	start_waiting
	dir=$(cgroup_dir "")
	same "$(stat -c %u "$dir" "$dir/cgroup.procs" "$dir/cgroup.subtree_control" | sort -u)" 100007
	# The limits stay the runtime's, and so does all that the kernel does not list.
	same "$(find "$dir" -uid 100007 -printf '%f\n' | sort)" \
		"$({ echo "${dir##*/}"; cat /sys/kernel/cgroup/delegate; } | while read -r name; do
			[ "$name" != "${dir##*/}" ] && [ ! -e "$dir/$name" ] || echo "$name"
		done | sort)"
	try exec --user 7 "$ID" mkdir /sys/fs/cgroup/mine
	ok
	try delete --force "$ID"
	config '.mounts[-1].options = ["ro"]'
	start_waiting
	same "$(stat -c %u "$dir")" 0
}

# bats test_tags=vm
@test "v2: run.oci.delegate-cgroup: init and exec are below, limits and the namespace's root above" {
	[ "$(cgroup_mode)" = v2 ] || skip "delegation is safe on cgroup v2 only"
	local dir
	user_namespace
	config '.linux.namespaces += [{type: "cgroup"}] | .annotations = {"run.oci.delegate-cgroup": "below"}
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"]}]'
	resources '{"pids": {"limit": 50}}'
	start_waiting cat /proc/self/cgroup + print ready + wait
	wait_output ready
	container_output
	lines 0::/below
	dir=$(cgroup_dir "")
	same "$(<"$dir/pids.max")" 50
	same "$(<"$dir/cgroup.procs")" ""
	same "$(<"$dir/below/cgroup.procs")" "$(init_pid)"
	same "$(stat -c %u "$dir/below" "$dir/below/cgroup.procs" | sort -u)" 100000
	try exec "$ID" cat /proc/self/cgroup
	same "$output" 0::/below
	try exec "$ID" sh -c 'mkdir /sys/fs/cgroup/below/child && echo +pids >/sys/fs/cgroup/cgroup.subtree_control'
	ok
	try pause "$ID"
	ok
	try resume "$ID"
	ok
}

systemd_v1()
{
	config '.linux.namespaces += [{type: "cgroup"}] | .annotations = {"run.oci.systemd.force_cgroup_v1": "/sys/fs/cgroup"}
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw", "nosuid"]}]'
}

# bats test_tags=vm
@test "v2: run.oci.systemd.force_cgroup_v1: a group in v1's name=systemd, which is all that the mount shows" {
	[ "$(cgroup_mode)" = v2 ] || skip "this machine has controllers on cgroup v1"
	[ -n "${RUSTBOX_IN_VM:-}" ] || skip "mounts a hierarchy of its own: in the virtual machine only"
	local v1=$DIR/v1
	systemd_v1
	resources '{"pids": {"limit": 50}}'
	payload print never
	try run --bundle "$B" "$ID"
	error_names run.oci.systemd.force_cgroup_v1 "name=systemd is not mounted" "mount -t cgroup"
	mkdir "$v1"
	mount -t cgroup -o none,name=systemd,xattr cgroup "$v1"
	mkdir "$v1/somebody"
	start_waiting cat /proc/self/cgroup + print ready + wait
	wait_output ready
	container_output
	lines 1:name=systemd:/ 0::/
	same "$(<"$(cgroup_dir "")/pids.max")" 50
	same "$(find "$v1" -name cgroup.procs -path "*$TAG*" -exec cat {} +)" "$(init_pid)"
	# As a systemd of before cgroup v2 does it.
	try exec "$ID" sh -c 'ls /sys/fs/cgroup /sys/fs/cgroup/systemd
		mkdir /sys/fs/cgroup/systemd/init.scope && echo $$ >/sys/fs/cgroup/systemd/init.scope/cgroup.procs
		cat /proc/self/cgroup; grep -c /sys/fs/cgroup/systemd.*rw,nosuid /proc/self/mountinfo'
	lines systemd cgroup.procs 1:name=systemd:/init.scope 1
	[[ $output != *somebody* && $output != *pids* ]] || fail "$output"
	try pause "$ID"
	ok
	try resume "$ID"
	ok
	try delete --force "$ID"
	ok
	same "$(find "$v1" -mindepth 1 -type d)" "$v1/somebody"
	rmdir "$v1/somebody"
	umount "$v1"
	assert_nothing_left
}

@test "run.oci.systemd.force_cgroup_v1: where the machine has v1's name=systemd the mount shows that alone, else it is refused" {
	systemd_v1
	if grep -q 'name=systemd' /proc/self/mountinfo; then
		command_is sh -c 'ls /sys/fs/cgroup; cat /proc/self/cgroup'
		try run --bundle "$B" "$ID"
		ok
		grep -qx '[0-9]*:name=systemd:/' <<<"$output" || fail "$output"
		same "$(grep -v : <<<"$output")" systemd
	else
		try run --bundle "$B" "$ID"
		error_names run.oci.systemd.force_cgroup_v1 "name=systemd is not mounted" "mount -t cgroup"
		assert_nothing_left
	fi
}

@test "run.oci.delegate-cgroup: refused where controllers are on cgroup v1" {
	[ "$(cgroup_mode)" != v2 ] || skip "this machine has cgroup v2"
	config '.annotations = {"run.oci.delegate-cgroup": "below"}'
	try run --bundle "$B" "$ID"
	error_names run.oci.delegate-cgroup "cgroup v2"
	assert_nothing_left
}

# bats test_tags=vm
@test "unified: values go to the files of their names" {
	[ "$(cgroup_mode)" = v2 ] || skip "this machine's controllers are on cgroup v1"
	resources '{"unified": {"memory.high": "40001536", "memory.low": "10002432", "pids.max": "42",
		"memory.oom.group": "1"}}'
	start_waiting
	same "$(cat "$(cgroup_dir memory)/memory.high")" 40001536
	same "$(cat "$(cgroup_dir memory)/memory.low")" 10002432
	same "$(cat "$(cgroup_dir memory)/pids.max")" 42
	same "$(cat "$(cgroup_dir memory)/memory.oom.group")" 1
}

@test "unified: a file that is not there, a name with a slash, a machine without" {
	local name
	payload print never
	for name in memory.nosuch ../pids.max a/b nosuch.file cgroup.procs; do
		resources '{"unified": {"'$name'": "1"}}'
		try run --bundle "$B" "$ID"
		if [ "$name" != cgroup.procs ] || [ "$status" -ne 0 ]; then
			error_names "${name##*/}"
		fi
	done
	assert_nothing_left
}

# bats test_tags=vm
@test "update: each flag" {
	need_controller memory
	resources '{"memory": {"limit": 50003968}, "pids": {"limit": 20}, "cpu": {"shares": 100}}'
	start_waiting
	try update --memory 60006400 "$ID"
	ok
	limit_is memory memory.limit_in_bytes 60006400 memory.max 60006400
	try update --memory 40001536 --memory-reservation 20000768 "$ID"
	ok
	limit_is memory memory.limit_in_bytes 40001536 memory.max 40001536
	limit_is memory memory.soft_limit_in_bytes 20000768 memory.low 20000768
	try update --pids-limit 33 "$ID"
	ok
	limit_is pids pids.max 33 pids.max 33
	try update --cpu-share 512 "$ID"
	ok
	[ "$(cgroup_mode)" = v2 ] || same "$(cat "$(cgroup_dir cpu)/cpu.shares")" 512
	try update --cpu-period 100000 --cpu-quota 30000 "$ID"
	ok
	limit_is cpu cpu.cfs_quota_us 30000 cpu.max "30000 100000"
	try update --cpu-quota 60000 "$ID"
	ok
	limit_is cpu cpu.cfs_quota_us 60000 cpu.max "60000 100000"
	# What was not mentioned is as it was.
	limit_is memory memory.limit_in_bytes 40001536 memory.max 40001536
	limit_is pids pids.max 33 pids.max 33
	try update --cpuset-cpus 0 --cpuset-mems 0 "$ID"
	ok
	limit_is cpuset cpuset.cpus 0 cpuset.cpus 0
	try update --pids-limit -1 "$ID"
	ok
	limit_is pids pids.max max pids.max max
}

# bats test_tags=vm
@test "update: swap, burst, idle, real time, weight of block devices" {
	local file
	need_controller memory
	resources '{"memory": {"limit": 50003968, "swap": 60006400}, "cpu": {"quota": 50000, "period": 100000}}'
	start_waiting
	if [ "$(cgroup_mode)" = v2 ] || [ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ]; then
		try update --memory-swap 70008832 "$ID"
		ok
		limit_is memory memory.memsw.limit_in_bytes 70008832 memory.swap.max 20004864
	fi
	try update --cpu-burst 20000 "$ID"
	ok
	limit_is cpu cpu.cfs_burst_us 20000 cpu.max.burst 20000
	limit_is cpu cpu.cfs_quota_us 50000 cpu.max "50000 100000"
	try update --cpu-idle 1 "$ID"
	ok
	limit_is cpu cpu.idle 1 cpu.idle 1
	try update --cpu-idle 0 "$ID"
	ok
	limit_is cpu cpu.idle 0 cpu.idle 0
	if [ -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ]; then
		try update --cpu-rt-period 500000 --cpu-rt-runtime 1000 "$ID"
		ok
		same "$(cat "$(cgroup_dir cpu)"/cpu.rt_{period,runtime}_us)" $'500000\n1000'
	else
		try update --cpu-rt-period 500000 --cpu-rt-runtime 1000 "$ID"
		error_names realtime
	fi
	# Which of the files there is depends on the kernel and its schedulers.
	for file in "$(cgroup_dir blkio)"/blkio{.bfq,}.weight "$(cgroup_dir io)"/io{.bfq,}.weight; do
		[ -e "$file" ] || continue
		try update --blkio-weight 300 "$ID"
		ok
		# From 10 to 1000 becomes 1 to 10000.
		[ "${file##*/}" = io.weight ] && same "$(<"$file")" "default 2930" || same "$(sed 's/^default //' "$file")" 300
		return 0
	done
	try update --blkio-weight 300 "$ID"
	error_names weight
}

@test "update: sizes with units" {
	not_in_vm
	need_controller memory
	start_waiting
	try update --memory 64M "$ID"
	ok
	limit_is memory memory.limit_in_bytes 67108864 memory.max 67108864
	try update --memory 100000k "$ID"
	ok
	limit_is memory memory.limit_in_bytes 102400000 memory.max 102400000
}

@test "update -r: from a file and from standard input" {
	need_controller memory
	start_waiting
	echo '{"memory": {"limit": 50003968}, "pids": {"limit": 44}, "cpu": {"quota": 70000, "period": 100000}}' >"$DIR/r.json"
	try update -r "$DIR/r.json" "$ID"
	ok
	limit_is memory memory.limit_in_bytes 50003968 memory.max 50003968
	limit_is pids pids.max 44 pids.max 44
	limit_is cpu cpu.cfs_quota_us 70000 cpu.max "70000 100000"
	echo '{"pids": {"limit": 55}}' | rt update --resources - "$ID"
	limit_is pids pids.max 55 pids.max 55
	limit_is memory memory.limit_in_bytes 50003968 memory.max 50003968
}

@test "update: bad values, bad JSON, a missing file; nothing changes" {
	not_in_vm
	need_controller pids
	resources '{"pids": {"limit": 20}}'
	start_waiting
	local value
	for value in x 12x -; do
		try update --pids-limit "$value" "$ID"
		fails
		[ -n "$error" ]
	done
	try update --memory 12Q "$ID"
	fails
	echo '{"pids": ' >"$DIR/r.json"
	try update -r "$DIR/r.json" "$ID"
	fails
	try update -r "$DIR/none.json" "$ID"
	error_names none.json
	echo '{"pids": {"limit": "many"}}' >"$DIR/r.json"
	try update -r "$DIR/r.json" "$ID"
	error_names limit
	limit_is pids pids.max 20 pids.max 20
	if is_ours; then
		try update "$ID"
		[ "$status" -eq 0 ] || [ -n "$error" ]
	fi
}

@test "update: a limit below what is used" {
	need_controller memory
	resources '{"memory": {"limit": 100007936, "checkBeforeUpdate": true}}'
	start_waiting print begun + oom 1 + wait ready
	wait_output ready
	echo '{"memory": {"limit": 4096, "checkBeforeUpdate": true}}' >"$DIR/r.json"
	try update -r "$DIR/r.json" "$ID"
	error_names memory
	same "$(container_status)" running
}

@test "update of a stopped container" {
	not_in_vm
	payload print done
	create_container
	try start "$ID"
	wait_status stopped
	try update --pids-limit 10 "$ID"
	error_names
}

# bats test_tags=vm
@test "pause stops all processes, resume lets them go on" {
	start_waiting orphan + print counting + wait-file /go + print gone-on + wait
	wait_output counting
	try pause "$ID"
	ok
	same "$(container_status)" paused
	# On a hybrid machine either freezer does.
	same "$(awk '/^frozen/ { print $2 }' "$(cgroup_dir "")/cgroup.events" 2>/dev/null |
		grep 1 || sed 's/FROZEN/1/' "$(cgroup_dir freezer)/freezer.state")" 1
	touch "$B/rootfs/go"
	# It would go on within 5 ms.
	sleep 0.2
	! output_has gone-on || fail "it was not stopped"
	try resume "$ID"
	ok
	same "$(container_status)" running
	wait_output gone-on
}

@test "pause and resume in the wrong status" {
	not_in_vm
	start_waiting
	try resume "$ID"
	fails
	[ -n "$error" ]
	try pause "$ID"
	ok
	try pause "$ID"
	if is_ours; then
		[ "$status" -eq 0 ] || error_names paused
	fi
	same "$(container_status)" paused
	try resume "$ID"
	ok
	try delete --force "$ID"
	try pause "$ID"
	error_names "$ID"
}

@test "a paused container can be killed and deleted" {
	start_waiting
	try pause "$ID"
	ok
	try delete --force "$ID"
	ok
	assert_nothing_left
	start_waiting
	try pause "$ID"
	try kill "$ID" KILL
	ok
	if [ "$(cgroup_mode)" = v2 ] || is_ours; then
		wait_status stopped
	fi
	try delete --force "$ID"
	ok
	assert_nothing_left
}

@test "pause of a created container, then start" {
	payload print ran
	create_container
	try pause "$ID"
	if [ "$status" -eq 0 ]; then
		try resume "$ID"
		ok
	fi
	try start "$ID"
	ok
	wait_output ran
}

# bats test_tags=vm
@test "events --stats: one line of JSON with the numbers" {
	need_controller memory
	resources '{"memory": {"limit": 50003968}, "pids": {"limit": 20}}'
	start_waiting oom 5 + wait ready
	wait_output ready
	try events --stats "$ID"
	ok
	same "$(wc -l <<<"$output")" 1
	same "$(jq -r .type <<<"$output")" stats
	same "$(jq -r .id <<<"$output")" "$ID"
	same "$(jq -r .data.memory.usage.limit <<<"$output")" 50003968
	same "$(jq -r '.data.memory.usage.usage > 0' <<<"$output")" true
	same "$(jq -r .data.pids.limit <<<"$output")" 20
	same "$(jq -r .data.pids.current <<<"$output")" 1
	same "$(jq -r '.data.cpu.usage.total > 0' <<<"$output")" true
	same "$(jq -r '.data.memory.raw | length > 5' <<<"$output")" true
}

# bats test_tags=vm
@test "v2: events --stats: pressure, between what the cgroup's file has before and after" {
	need_controller memory
	[ "$(cgroup_mode)" = v2 ] || skip "cgroup v2 alone tells pressure"
	local file before after told
	total() { sed -n 's/^some .*total=//p' "$file"; }
	start_waiting
	file=$(cgroup_dir memory)/cpu.pressure
	total >/dev/null 2>&1 || skip "this kernel tells no pressure"
	before=$(total)
	try events --stats "$ID"
	ok
	after=$(total)
	told=$(jq -r '.data.cpu.psi.some.total' <<<"$output")
	[ "$before" -le "$told" ] && [ "$told" -le "$after" ] || fail "$told is not between $before and $after"
	same "$(jq -r '.data.memory.psi.full | keys | join(" ")' <<<"$output")" "avg10 avg300 avg60 total"
}

# Ours ends with the container; others may wait for ever.
end_watcher()
{
	is_ours || kill "$1"
	status=0
	wait "$1" || status=$?
	! is_ours || ok
}

@test "events: statistics every interval, until the container ends" {
	not_in_vm
	start_waiting
	timeout 100 "$RUNTIME" --root "$ROOT" events --interval 1s "$ID" >"$DIR/events" 2>&1 </dev/null 3>&- &
	local watcher=$!
	two_lines() { [ "$(grep -c '"type":"stats"' "$DIR/events")" -ge 2 ]; }
	until_true two_lines
	try kill "$ID" KILL
	end_watcher $watcher
	jq -es 'all(.[]; .id == $id)' --arg id "$ID" "$DIR/events" >/dev/null || fail "$(cat "$DIR/events")"
}

# bats test_tags=vm
@test "events: an OOM kill is told" {
	need_controller memory
	resources '{"memory": {"limit": 33554432}}'
	start_waiting wait-file /go + oom-child 200 + wait ready
	timeout 100 "$RUNTIME" --root "$ROOT" events --interval 100ms "$ID" >"$DIR/events" 2>&1 </dev/null 3>&- &
	local watcher=$!
	# It watches before it prints.
	wait_output '"type":"stats"' "$DIR/events"
	touch "$B/rootfs/go"
	wait_output '"type":"oom"' "$DIR/events"
	wait_output "child killed KILL"
	try kill "$ID" KILL
	end_watcher $watcher
}

@test "ps: all processes, as a table and as JSON" {
	not_in_vm
	start_waiting orphan + wait ready
	wait_output ready
	try ps --format json "$ID"
	ok
	same "$(jq length <<<"$output")" 2
	same "$(jq ".[] | select(. == $(init_pid))" <<<"$output")" "$(init_pid)"
	try ps "$ID"
	ok
	matches '^UID +PID '
	same "$(grep -c payload <<<"$output")" 2
	try ps "$ID" -o pid,comm
	ok
	matches '^ +PID COMMAND'
	same "$(grep -c payload <<<"$output")" 2
}

# bats test_tags=vm
@test "kill --all reaches what is in groups below the container's" {
	start_waiting
	local dir
	dir=$(cgroup_dir pids)
	mkdir "$dir/below"
	launch exec --detach --pid-file "$DIR/pid" "$ID" payload wait
	ok
	echo "$(<"$DIR/pid")" >"$dir/below/cgroup.procs"
	same "$(rt ps --format json "$ID" | jq length)" 2
	try kill --all "$ID" KILL
	ok
	wait_status stopped
	try delete "$ID"
	ok
	assert_nothing_left
}

# bats test_tags=vm
@test "delete removes groups that the container has made below its own" {
	config '.linux.namespaces += [{type: "cgroup"}]
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"]}]'
	local where=/sys/fs/cgroup
	[ "$(cgroup_mode)" = v2 ] || where=/sys/fs/cgroup/pids
	run_payload mkdir $where/a + mkdir $where/a/b
	same "$output" $'ok\nok'
	assert_nothing_left
}

@test "--cgroup-manager disabled makes no groups" {
	not_in_vm
	is_ours || skip "this runtime has no --cgroup-manager"
	payload cat /proc/self/cgroup
	config 'del(.linux.resources, .linux.cgroupsPath)'
	status=0
	output=$("$RUNTIME" --root "$ROOT" --cgroup-manager disabled run --bundle "$B" "$ID" </dev/null 3>&- 2>"$DIR/err") || status=$?
	error=$(<"$DIR/err")
	ok
	same "$output" "$(cat /proc/self/cgroup)"
}

@test "the form slice:prefix:name without --systemd-cgroup is refused, or a plain name" {
	not_in_vm
	is_ours || skip "this runtime takes it as a name"
	config '.linux.cgroupsPath = "system.slice:rustbox:\($t)"' --arg t "$TAG"
	try run --bundle "$B" "$ID"
	error_names systemd
	assert_nothing_left
}

@test "--systemd-cgroup where systemd does not run: an error with the remedy" {
	is_ours || skip "its words are its own"
	[ ! -d /run/systemd/system ] || skip "systemd runs here"
	local option
	for option in --systemd-cgroup -s --cgroup-manager=systemd; do
		config '.linux.cgroupsPath = "system.slice:rustbox:\($t)"' --arg t "$TAG"
		try $option run --bundle "$B" "$ID"
		error_names "systemd does not run" "--cgroup-manager cgroupfs"
		# Those who always give it can look at what there is.
		config '.linux.cgroupsPath = $p' --arg p "$CG"
		try run --detach --bundle "$B" "$ID"
		ok
		try $option delete --force "$ID"
		ok
		assert_nothing_left
	done
}

# bats test_tags=vm
@test "a container that runs as root of a read-only cgroup mount cannot move itself" {
	config '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid", "noexec", "nodev"]}]'
	local where=/sys/fs/cgroup
	[ "$(cgroup_mode)" = v2 ] || where=/sys/fs/cgroup/pids
	run_payload mkdir $where/a + write $where/cgroup.procs 1
	says_not ok
}

@test "hybrid machines: limits of v1's controllers and the cgroup2 group, at once" {
	not_in_vm
	[ "$(cgroup_mode)" = hybrid ] || skip "this machine is not hybrid"
	is_ours || skip "this runtime does not use cgroup2 there"
	resources '{"memory": {"limit": 50003968}}'
	start_waiting
	same "$(cat "$(cgroup_dir memory)/memory.limit_in_bytes")" 50003968
	grep -q "$(init_pid)" "$(cgroup_dir "")/cgroup.procs"
}

@test "a frozen cgroup that was there before is refused, and left alone" {
	not_in_vm
	local dir=/sys/fs/cgroup/freezer$CG
	[ -d /sys/fs/cgroup/freezer ] || skip "this machine has no v1 freezer"
	mkdir "$dir"
	echo FROZEN >"$dir/freezer.state"
	for _ in 1 2; do
		try create --bundle "$B" "$ID"
		error_names frozen
		[ -d "$dir" ] || fail "it was removed"
	done
	rmdir "$dir"
	assert_nothing_left
}
