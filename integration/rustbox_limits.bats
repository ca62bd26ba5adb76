#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each option of run and update that sets a limit, looked up in the cgroup of a
# container: on cgroup v1 and on v2.
# vm: yes

# bats file_tags=vm

load rustbox

# start_limited OPTIONS...: as start_box; CG is its cgroup.
start_limited()
{
	start_box "$@"
	CG=$(find /sys/fs/cgroup -type d -path "*/rustbox/$ID" -print -quit)
	CG=/rustbox/${CG#*/rustbox/}
}

# has_limit CONTROLLER V1-FILE V1-VALUE V2-FILE V2-VALUE
has_limit()
{
	local value
	if [ "$(cgroup_mode)" = v2 ]; then
		value=$(cat "$(cgroup_dir "$1")/$4") || fail "no $4"
		[ "$value" = "$5" ] || fail "$4 is '$value', not '$5'"
	else
		value=$(cat "$(cgroup_dir "$1")/$2") || fail "no $2"
		[ "$value" = "$3" ] || fail "$2 is '$value', not '$3'"
	fi
}

# need_file CONTROLLER V1-FILE V2-FILE: or skip, by the look of a container without limits
need_file()
{
	local file
	need_controller "$1"
	start_limited
	[ "$(cgroup_mode)" = v2 ] && file=$3 || file=$2
	[ -e "$(cgroup_dir "$1")/$file" ] || skip "this kernel has no $file"
	rbok remove --force "$ID"
}

@test "--memory, --memory-reservation, --memory-swap" {
	need_file memory memory.memsw.limit_in_bytes memory.swap.max
	start_limited --memory 64M --memory-reservation 32M --memory-swap 96M
	has_limit memory memory.limit_in_bytes 67108864 memory.max 67108864
	has_limit memory memory.soft_limit_in_bytes 33554432 memory.low 33554432
	has_limit memory memory.memsw.limit_in_bytes 100663296 memory.swap.max 33554432
	rbok update --memory 80M --memory-reservation 16M --memory-swap 80M "$ID"
	has_limit memory memory.limit_in_bytes 83886080 memory.max 83886080
	has_limit memory memory.soft_limit_in_bytes 16777216 memory.low 16777216
	has_limit memory memory.memsw.limit_in_bytes 83886080 memory.swap.max 0
}

@test "--memory alone: as much swap again; --memory-swap -1: any" {
	need_file memory memory.memsw.limit_in_bytes memory.swap.max
	start_limited --memory 64M
	has_limit memory memory.memsw.limit_in_bytes 134217728 memory.swap.max 67108864
	rbok remove --force "$ID"
	start_limited --memory 64M --memory-swap -1
	has_limit memory memory.memsw.limit_in_bytes 9223372036854771712 memory.swap.max max
}

@test "--memory-swappiness and --oom-kill-disable: cgroup v1 has them, v2 is told so" {
	need_controller memory
	if [ "$(cgroup_mode)" = v2 ]; then
		rb run --rm --memory-swappiness 10 true
		exits 125
		error_names swappiness 'cgroup v1'
		rb run --rm --memory 32M --oom-kill-disable true
		exits 125
		error_names 'OOM killer' 'cgroup v1'
		return
	fi
	start_limited --memory 64M --memory-swappiness 10 --oom-kill-disable
	[ "$(cat "$(cgroup_dir memory)/memory.swappiness")" = 10 ]
	grep -qx 'oom_kill_disable 1' "$(cgroup_dir memory)/memory.oom_control"
}

@test "--cpu-shares, --cpu-quota, --cpu-period" {
	need_controller cpu
	start_limited --cpu-shares 512 --cpu-quota 20000 --cpu-period 50000
	if [ "$(cgroup_mode)" = v2 ]; then
		weight=$(cat "$(cgroup_dir cpu)/cpu.weight")
		[ "$weight" -gt 0 ] && [ "$weight" -lt 100 ] || fail "weight $weight"
		[ "$(cat "$(cgroup_dir cpu)/cpu.max")" = '20000 50000' ]
	else
		[ "$(cat "$(cgroup_dir cpu)/cpu.shares")" = 512 ]
		[ "$(cat "$(cgroup_dir cpu)/cpu.cfs_quota_us")" = 20000 ]
		[ "$(cat "$(cgroup_dir cpu)/cpu.cfs_period_us")" = 50000 ]
	fi
	rbok update --cpu-shares 2048 --cpu-quota 30000 --cpu-period 100000 "$ID"
	has_limit cpu cpu.cfs_quota_us 30000 cpu.max '30000 100000'
	rbok update --cpu-quota -1 "$ID"
	has_limit cpu cpu.cfs_quota_us -1 cpu.max 'max 100000'
}

@test "--cpuset-cpus and --cpuset-mems" {
	need_controller cpuset
	start_limited --cpuset-cpus 0 --cpuset-mems 0
	has_limit cpuset cpuset.cpus 0 cpuset.cpus 0
	has_limit cpuset cpuset.mems 0 cpuset.mems 0
	rbok exec "$ID" grep -x 'Cpus_allowed_list:[[:space:]]*0' /proc/self/status
	if [ "$(nproc)" -gt 1 ]; then
		rbok update --cpuset-cpus 0-1 --cpuset-mems 0 "$ID"
		has_limit cpuset cpuset.cpus 0-1 cpuset.cpus 0-1
	fi
}

@test "--pids-limit is felt inside" {
	need_controller pids
	start_limited --pids-limit 12
	has_limit pids pids.max 12 pids.max 12
	rb exec "$ID" sh -c 'for i in $(seq 20); do sleep 1000 & done; wait'
	error_names fork
}

# has_weight N: in the file that the kernel has; io.weight goes up to 10,000, not 1,000.
has_weight()
{
	local dir value file expected=$1
	dir=$(cgroup_dir blkio)
	for file in io.bfq.weight io.weight blkio.bfq.weight; do
		[ -e "$dir/$file" ] || continue
		[ $file != io.weight ] || expected=$((1 + ($1 - 10) * 9999 / 990))
		value=$(sed 's/^default //' "$dir/$file")
		[ "$value" = "$expected" ] || fail "$file is $value, not $expected"
		return 0
	done
	skip "this kernel has no weights of block devices"
}

@test "--blkio-weight" {
	has_controller blkio || need_controller io
	start_limited --blkio-weight 200
	has_weight 200
	rbok update --blkio-weight 50 "$ID"
	has_weight 50
}

# A block device of this machine, and its numbers.
need_disk()
{
	local disk
	for disk in /sys/block/*; do
		# shellcheck disable=SC2034 # DISK and NUMBERS are read by the tests
		[ -e "$disk/dev" ] && [ -b "/dev/${disk##*/}" ] && [ "$(cat "$disk/size")" -gt 0 ] &&
			DISK=/dev/${disk##*/} NUMBERS=$(cat "$disk/dev") && return
	done
	skip "there is no block device"
}

# What the cgroup has for the disk: FILE of v1, KEY of io.max.
rate_is()
{
	local dir
	dir=$(cgroup_dir blkio)
	if [ -e "$dir/io.max" ]; then
		grep -q "^$NUMBERS .*$2=$3" "$dir/io.max" || fail "$2: $(cat "$dir/io.max")"
	else
		grep -q "^$NUMBERS $3\$" "$dir/$1" || fail "$1: $(cat "$dir/$1")"
	fi
}

@test "--device-read-bps and its like" {
	has_controller blkio || need_controller io
	need_disk
	start_limited --device-read-bps "$DISK:1m" --device-write-bps "$DISK:2097152" \
		--device-read-iops "$DISK:100" --device-write-iops "$DISK:200"
	rate_is blkio.throttle.read_bps_device rbps 1048576
	rate_is blkio.throttle.write_bps_device wbps 2097152
	rate_is blkio.throttle.read_iops_device riops 100
	rate_is blkio.throttle.write_iops_device wiops 200
}

@test "--device-read-bps and its like: mistakes" {
	need_disk
	rb run --rm --device-read-bps "$DISK" true
	exits 125
	error_names "$DISK" DEVICE:VALUE
	rb run --rm --device-read-bps /dev/null:1m true
	exits 125
	error_names /dev/null "block device"
	rb run --rm --device-write-iops "$DISK:1m" true
	exits 125
	error_names 1m number
	rb run --rm --blkio-weight-device "$DISK:5" true
	exits 125
	error_names "10 to 1000"
}

@test "--blkio-weight-device" {
	has_controller blkio || need_controller io
	need_disk
	local dir file
	start_limited --blkio-weight 100
	dir=$(cgroup_dir blkio)
	for file in io.bfq.weight blkio.bfq.weight_device io.weight blkio.weight_device; do
		[ ! -e "$dir/$file" ] || break
	done
	[ -e "$dir/$file" ] || skip "this kernel has no weights of block devices"
	rbok remove -f "$ID"
	rb run -d --blkio-weight-device "$DISK:300" sleep 1000
	if [ "$status" -ne 0 ]; then
		error_names weight bfq
		skip "the disk's scheduler takes no weight"
	fi
	ID=$output
	grep -q "$NUMBERS" "$(cgroup_dir blkio)/$file" || fail "$(cat "$(cgroup_dir blkio)/$file")"
}

@test "--cpu-rt-runtime" {
	local parent=/sys/fs/cgroup/cpu/$NAME
	if [ ! -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ]; then
		rb run --rm --cpu-rt-runtime 10000 true
		exits 125
		error_names realtime
		return
	fi
	# A group has at most what the one above it has.
	rb run --rm --cpu-rt-runtime 10000 true
	exits 125
	error_names realtime "the cgroup above"
	mkdir "$parent"
	echo 20000 >"$parent/cpu.rt_runtime_us"
	start_limited --cpu-rt-period 500000 --cpu-rt-runtime 10000 --cgroup-parent "/$NAME"
	same "$(cat "$parent/$ID"/cpu.rt_{period,runtime}_us)" $'500000\n10000'
	rbok remove -f "$ID"
	rmdir /sys/fs/cgroup/*/"$NAME"
}

@test "--cgroup-conf writes a file of cgroup v2" {
	if [ "$(cgroup_mode)" != v2 ]; then
		rb run --rm --cgroup-conf memory.high=1000000 true
		exits 125
		error_names memory.high
		return
	fi
	start_limited --cgroup-conf memory.high=33554432 --cgroup-conf pids.max=77
	[ "$(cat "$(cgroup_dir memory)/memory.high")" = 33554432 ]
	[ "$(cat "$(cgroup_dir pids)/pids.max")" = 77 ]
}
