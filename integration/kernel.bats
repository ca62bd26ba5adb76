#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits of controllers that a machine rarely has: RDMA devices, the network
# controllers of cgroup v1, misc, weights of single block devices.
# The virtual machine has them with a whole kernel instead of the one for clouds, and
# an RDMA device of software:
#
#   integration/vm/vm-run --kernel linux-image-amd64 -- bats integration/kernel.bats
# vm: full
# bats file_tags=vm

load container

setup()
{
	container_setup
	is_ours || skip "what others do with them is theirs"
	[ -n "${RUSTBOX_IN_VM:-}" ] || skip "makes devices and mounts: in the virtual machine only"
	need_controller misc
}

teardown()
{
	local status=0
	container_teardown || status=1
	[ -z "${NET:-}" ] || umount "$NET" /sys/fs/cgroup/unified /sys/fs/cgroup || status=1
	[ -z "${COST:-}" ] || echo "$COST enable=0" >/sys/fs/cgroup/io.cost.qos || status=1
	[ -z "${SCHEDULER:-}" ] || echo none >"$SCHEDULER" || status=1
	return $status
}

resources()
{
	config '.linux.resources += $r' --argjson r "$1"
}

# The RDMA device rxe-rbt, which stays: kernels have tripped over the limits of groups that
# were gone before the device.
rdma_device()
{
	need_controller rdma
	[ ! -e /sys/class/infiniband/rxe-rbt ] || return 0
	busybox modprobe -a rdma_rxe ib_uverbs || skip "this kernel has no RDMA of software"
	ip link add rbt-net type dummy
	ip link set rbt-net up
	rdma link add rxe-rbt type rxe netdev rbt-net
}

# Takes a handle of the RDMA device that /dev/infiniband/uverbs0 is (the structure of
# IB_USER_VERBS_CMD_GET_CONTEXT, see the kernel's rdma/ib_user_verbs.h), in the
# container's group, and prints what the kernel says.
take_handle()
{
	"$PYTHON" -ES - "$(cgroup_dir rdma)" <<-'PY'
	import ctypes, os, struct, sys
	answer = ctypes.create_string_buffer(64)
	verbs = os.open("/dev/infiniband/uverbs0", os.O_RDWR)
	with open(f"{sys.argv[1]}/cgroup.procs", "w") as procs:
	    procs.write(str(os.getpid()))
	try:
	    os.write(verbs, struct.pack("=IHHQ", 0, 4, 2, ctypes.addressof(answer)))
	    print("taken", open(f"{sys.argv[1]}/rdma.current").read().strip())
	except OSError as error:
	    print(error.strerror)
	PY
}

@test "rdma: handles and objects of a device, in the kernel's file; update" {
	rdma_device
	resources '{"rdma": {"rxe-rbt": {"hcaHandles": 3, "hcaObjects": 10000}}}'
	start_waiting
	same "$(<"$(cgroup_dir rdma)/rdma.max")" "rxe-rbt hca_handle=3 hca_object=10000 "
	try update -r <(echo '{"rdma": {"rxe-rbt": {"hcaHandles": 0}}}') "$ID"
	ok
	same "$(<"$(cgroup_dir rdma)/rdma.max")" "rxe-rbt hca_handle=0 hca_object=10000 "
	try delete --force "$ID"
	ok
	resources '{"rdma": {"nosuch": {"hcaHandles": 3}}}'
	try run --bundle "$B" "$ID"
	error_names rdma nosuch
	assert_nothing_left
}

@test "rdma: the limit holds" {
	rdma_device
	resources '{"rdma": {"rxe-rbt": {"hcaHandles": 1}}}'
	start_waiting
	same "$(take_handle)" "taken rxe-rbt hca_handle=1 hca_object=0"
	try update -r <(echo '{"rdma": {"rxe-rbt": {"hcaHandles": 0}}}') "$ID"
	ok
	same "$(take_handle)" "Resource temporarily unavailable"
}

# A hybrid machine, with the usual places: the network controllers on cgroup v1, all else on cgroup2.
hybrid_machine()
{
	NET=/sys/fs/cgroup/net_cls,net_prio
	mount -t tmpfs tmpfs /sys/fs/cgroup
	mkdir $NET /sys/fs/cgroup/unified
	mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
	mount -t cgroup -o net_cls,net_prio cgroup $NET
}

@test "net_cls and net_prio: on a hybrid machine; with cgroup v2 alone refused by name" {
	resources '{"network": {"classID": 1048577, "priorities": [{"name": "lo", "priority": 5}]}}'
	payload print never
	try run --bundle "$B" "$ID"
	error_names net_cls
	assert_nothing_left
	hybrid_machine
	start_waiting cat /proc/self/cgroup + wait
	same "$(<"$NET$CG/net_cls.classid")" 1048577
	grep -qx 'lo 5' "$NET$CG/net_prio.ifpriomap" || fail "no priority"
	same "$(<"$NET$CG/cgroup.procs")" "$(init_pid)"
	launch exec --detach --pid-file "$DIR/pid" "$ID" payload wait
	ok
	grep -qx "$(<"$DIR/pid")" "$NET$CG/cgroup.procs" || fail "exec is not in the group"
	try delete --force "$ID"
	ok
	[ ! -e "$NET$CG" ] || fail "the group is there"
	resources '{"network": {"priorities": [{"name": "nosuch", "priority": 5}]}}'
	try run --bundle "$B" "$ID"
	error_names net_prio.ifpriomap nosuch
	[ ! -e "$NET$CG" ] || fail "the group is there"
}

# Resources of misc are those of processors that encrypt memory. Without one the kernel
# takes no limit: then its answer shows that it was asked.
@test "misc by unified: the kernel's file has the limit, or the error names it" {
	local name
	name=$(cut -d ' ' -f 1 /sys/fs/cgroup/misc.capacity | head -n 1)
	resources "{\"unified\": {\"misc.max\": \"${name:-sev} 1\"}}"
	payload wait
	launch run --detach --bundle "$B" "$ID"
	if [ -n "$name" ]; then
		ok
		grep -qx "$name 1" "$(cgroup_dir misc)/misc.max" || fail "no limit"
	else
		error_names misc.max "sev 1" "Invalid argument"
		assert_nothing_left
	fi
}

# weights_are FILE: what it has of the container and of DISK, after run and after update
weights_are()
{
	config '.linux.resources.blockIO = {weight: 300, weightDevice: [{major: $major, minor: $minor, weight: 500}]}' \
		--argjson major "${DISK%:*}" --argjson minor "${DISK#*:}"
	start_waiting
	same "$(<"$(cgroup_dir io)/$1")" "default $2"$'\n'"$DISK $3"
	try update -r <(jq '.linux.resources | {blockIO} | .blockIO.weightDevice[0].weight = 1000' "$B/config.json") "$ID"
	ok
	same "$(<"$(cgroup_dir io)/$1")" "default $2"$'\n'"$DISK $4"
}

@test "weights of single block devices: io.weight, from 1 to 10000" {
	DISK=$(</sys/block/vda/dev)
	[ -e /sys/fs/cgroup/io.cost.qos ] || skip "this kernel has no io.cost"
	COST=$DISK
	echo "$DISK enable=1" >/sys/fs/cgroup/io.cost.qos
	weights_are io.weight 2930 4950 10000
}

@test "weights of single block devices: io.bfq.weight, as they are" {
	DISK=$(</sys/block/vda/dev)
	busybox modprobe bfq || skip "this kernel has no bfq"
	SCHEDULER=/sys/block/vda/queue/scheduler
	echo bfq >$SCHEDULER
	weights_are io.bfq.weight 300 500 1000
}
