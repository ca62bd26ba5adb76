#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Namespaces: new ones, the runtime's own, ones by path, paths of the wrong
# kind; user namespaces with their mappings, time offsets, the cgroup namespace;
# hostname, domainname, loopback, sysctl.
# vm: no

load container

ns_here()
{
	readlink "/proc/self/ns/$1"
}

# Two lines of `payload ns`: the namespace of a kind that the payload is in.
ns_of()
{
	sed -n "s/^$1 \($1:.*\)/\1/p" <<<"$output"
}

@test "new namespaces are new, the others are the runtime's" {
	run_payload ns
	local kind
	for kind in pid net ipc uts mnt; do
		[ "$(ns_of $kind)" != "$(ns_here $kind)" ] || fail "$kind is ours"
	done
	for kind in user cgroup time; do
		same "$(ns_of $kind)" "$(ns_here $kind)"
	done
}

@test "each namespace alone can be the runtime's" {
	local kind type
	for kind in pid net ipc uts; do
		type=${kind/net/network}
		another_bundle "without-$kind"
		B=$DIR/without-$kind
		config '.linux.namespaces |= map(select(.type != $t)) | del(.hostname)' --arg t "$type"
		[ $kind != net ] || config '.mounts |= map(select(.type != "sysfs"))'
		run_payload ns
		same "$(ns_of $kind)" "$(ns_here $kind)"
	done
}

# A process in namespaces of its own: holder KIND-FLAGS...; its pid is HOLDER.
holder()
{
	unshare "$@" sh -c 'echo $$ >"$1"; exec sleep 1000' sh "$DIR/holder" 3>&- 4>&- &
	until_true test -s "$DIR/holder"
	HOLDER=$(<"$DIR/holder")
}

end_holder()
{
	kill -KILL "$HOLDER"
	wait 2>/dev/null || :
}

@test "net, ipc and uts by path" {
	local kind all
	holder --net --ipc --uts
	config '.linux.namespaces |= map(
		if .type == "network" then .path = "/proc/\($pid)/ns/net"
		elif .type == "ipc" or .type == "uts" then .path = "/proc/\($pid)/ns/\(.type)"
		else . end) | del(.hostname)' --arg pid "$HOLDER"
	run_payload ns
	all=$output
	for kind in net ipc uts; do
		output=$all
		same "$(ns_of $kind)" "$(readlink "/proc/$HOLDER/ns/$kind")"
	done
	end_holder
}

@test "a network namespace by path keeps living, with what is in it" {
	command -v ip >/dev/null || skip "there is no ip"
	holder --net
	nsenter --target "$HOLDER" --net ip link set lo up
	config '(.linux.namespaces[] | select(.type == "network")).path = "/proc/\($p)/ns/net"' --arg p "$HOLDER"
	run_payload link lo
	same "$output" "lo up"
	nsenter --target "$HOLDER" --net ip link show lo | grep -q UP
	end_holder
}

@test "a pid namespace by path: the payload is a process there" {
	unshare --pid --fork sh -c 'exec sleep 1000' 3>&- 4>&- &
	local outer=$! inner
	child() { inner=$(pgrep -P $outer); }
	until_true child
	config '(.linux.namespaces[] | select(.type == "pid")).path = "/proc/\($p)/ns/pid"' --arg p "$inner"
	run_payload ns + ps
	same "$(ns_of pid)" "$(readlink "/proc/$inner/ns/pid")"
	[[ $output != *$'\n'"pid 1 "* ]] || fail "a pid namespace of its own"
	matches '^pid [0-9]+ ppid 0'
	kill -KILL "$inner"
	wait 2>/dev/null || :
}

@test "the namespaces of another container, as in a pod" {
	start_waiting
	local first kind all
	first=$(init_pid)
	another_bundle pod
	B=$DIR/pod
	config '.linux.namespaces |= map(
		if .type == "network" then .path = "/proc/\($p)/ns/net"
		elif .type == "ipc" or .type == "uts" or .type == "pid" then .path = "/proc/\($p)/ns/\(.type)"
		else . end) | del(.hostname)' --arg p "$first"
	payload ns + hostname
	try run --bundle "$B" "$ID-pod"
	ok
	all=$output
	lines "hostname container"
	for kind in net ipc uts pid; do
		output=$all
		same "$(ns_of $kind)" "$(readlink "/proc/$first/ns/$kind")"
	done
	output=$all
	[ "$(ns_of mnt)" != "$(readlink "/proc/$first/ns/mnt")" ] || fail "mount namespace shared"
	same "$(container_status)" running
}

@test "a path of another kind of namespace, of none, to nothing: the path is named" {
	payload print never
	config '(.linux.namespaces[] | select(.type == "network")).path = "/proc/self/ns/ipc"'
	try run --bundle "$B" "$ID"
	error_names /proc/self/ns/ipc
	config '(.linux.namespaces[] | select(.type == "network")).path = "/etc/hosts"'
	try run --bundle "$B" "$ID"
	error_names /etc/hosts
	config '(.linux.namespaces[] | select(.type == "network")).path = "/no/such/ns"'
	try run --bundle "$B" "$ID"
	error_names /no/such/ns
	config '(.linux.namespaces[] | select(.type == "network")).path = "relative/ns"'
	try run --bundle "$B" "$ID"
	error_names relative/ns
	assert_nothing_left
}

@test "an unknown kind and one given twice are named" {
	payload print never
	config '.linux.namespaces += [{type: "nosuch"}]'
	try run --bundle "$B" "$ID"
	error_names nosuch
	config '.linux.namespaces[-1] = {type: "ipc"}'
	try run --bundle "$B" "$ID"
	error_names ipc
	assert_nothing_left
}

@test "user namespace: root inside is another outside" {
	user_namespace
	config '.process.user = {uid: 0, gid: 0}'
	start_waiting cat /proc/self/uid_map /proc/self/gid_map + ids + create /tmp/file + stat / + wait ready
	wait_output ready
	container_output
	matches '^ +0 +100000 +65536$' '^d 0755 0 0 '
	lines "uid 0 0 0" "gid 0 0 0" ok
	same "$(stat -c %u:%g "$B/rootfs/tmp/file")" 100000:100000
	same "$(awk '/^Uid/ { print $2 }' "/proc/$(init_pid)/status")" 100000
	[ "$(readlink "/proc/$(init_pid)/ns/user")" != "$(ns_here user)" ] || fail "our user namespace"
}

@test "user namespace: several mappings, another user, groups" {
	user_namespace
	config '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000},
			{containerID: 1000, hostID: 5000, size: 1}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 1000},
			{containerID: 1000, hostID: 6000, size: 5}]
		| .process.user = {uid: 1000, gid: 1000, additionalGids: [1001]}'
	start_waiting ids + wait ready
	wait_output ready
	container_output
	lines "uid 1000 1000 1000" "gid 1000 1000 1000"
	same "$(awk '/^Uid/ { print $2 }' "/proc/$(init_pid)/status")" 5000
	same "$(awk '/^Gid/ { print $2 }' "/proc/$(init_pid)/status")" 6000
	grep -q '^Groups:.*6001' "/proc/$(init_pid)/status"
}

@test "user namespace: the default devices are there and work" {
	user_namespace
	run_payload open rw /dev/null /dev/zero /dev/full + open r /dev/urandom /dev/random + write /dev/full x + \
		stat /dev/null
	same "$(head -n 6 <<<"$output")" $'ok\nok\nok\nok\nok\nENOSPC'
	matches '^c 0666 .* 1:3$'
}

@test "user namespace: all capabilities inside mean none outside" {
	user_namespace
	capabilities CAP_SYS_ADMIN CAP_MKNOD CAP_DAC_OVERRIDE CAP_SYS_BOOT
	mkdir -m 700 "$DIR/private"
	echo secret >"$DIR/private/file"
	config '.mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["bind"]}]' --arg s "$DIR/private"
	run_payload cat /mnt/file + mknod /tmp/disk b 8 0 + write /proc/sys/kernel/core_pattern x + ls /mnt
	says_not secret
	same "$(head -n 2 <<<"$output")" $'EACCES\nEPERM'
}

@test "user namespace: no mapping, and mappings without a user namespace" {
	is_ours || skip "this runtime's checks differ"
	user_namespace
	payload print never
	config '.linux.uidMappings = []'
	try run --bundle "$B" "$ID"
	error_names uidMappings
	config '.linux.uidMappings = .linux.gidMappings
		| .linux.namespaces |= map(select(.type != "user"))'
	try run --bundle "$B" "$ID"
	error_names uidMappings
	assert_nothing_left
}

@test "user namespace: the payload's user is not mapped" {
	user_namespace
	config '.process.user.uid = 70000'
	try run --bundle "$B" "$ID"
	error_names 70000
	assert_nothing_left
}

@test "user namespace by path" {
	is_ours || skip "this runtime cannot join one with these mappings"
	user_namespace
	holder --user
	echo 0 100000 65536 >"/proc/$HOLDER/uid_map"
	echo 0 100000 65536 >"/proc/$HOLDER/gid_map"
	config 'del(.linux.uidMappings, .linux.gidMappings)
		| (.linux.namespaces[] | select(.type == "user")).path = "/proc/\($p)/ns/user"' --arg p "$HOLDER"
	run_payload ns + ids
	same "$(ns_of user)" "$(readlink "/proc/$HOLDER/ns/user")"
	lines "uid 0 0 0"
	start_waiting
	same "$(awk '/^Uid/ { print $2 }' "/proc/$(init_pid)/status")" 100000
	end_holder
}

@test "cgroup and time namespaces by path" {
	local kind all file
	is_ours || skip "this runtime has no time namespaces"
	[ -e /proc/self/ns/time ] || skip "this kernel has no time namespaces"
	holder --cgroup --time --boottime 1000000
	# Who unshares a time namespace is not in it, before it executes something on newer kernels.
	config '.linux.namespaces += [{type: "cgroup", path: "/proc/\($p)/ns/cgroup"},
		{type: "time", path: "/proc/\($p)/ns/time_for_children"}]' --arg p "$HOLDER"
	start_waiting ns + clock + wait ready
	wait_output ready
	container_output
	all=$output
	for kind in cgroup time; do
		output=$all file=${kind/time/time_for_children}
		same "$(ns_of $kind)" "$(readlink "/proc/$HOLDER/ns/$file")"
		[ "$(ns_of $kind)" != "$(ns_here $kind)" ] || fail "$kind is ours"
	done
	[ "$(awk '/^boottime/ { print $2 }' <<<"$all")" -ge 1000000 ] || fail "boottime"
	try exec "$ID" payload ns
	same "$output" "$(grep : <<<"$all")"
	end_holder
}

@test "time namespace: its offsets" {
	is_ours || skip "this runtime has no time namespaces"
	[ -e /proc/self/ns/time ] || skip "this kernel has no time namespaces"
	config '.linux.namespaces += [{type: "time"}]
		| .linux.timeOffsets = {monotonic: {secs: 100000, nanosecs: 5}, boottime: {secs: 300000}}'
	local monotonic boottime
	monotonic=$("$PAYLOAD" clock | awk '/monotonic/ { print $2 }')
	boottime=$("$PAYLOAD" clock | awk '/boottime/ { print $2 }')
	start_waiting clock + ns + wait ready
	wait_output ready
	container_output
	local in
	in=$(awk '/^monotonic/ { print $2 }' <<<"$output")
	[ $((in - monotonic)) -ge 100000 ] && [ $((in - monotonic)) -le 100200 ] || fail "monotonic"
	in=$(awk '/^boottime/ { print $2 }' <<<"$output")
	[ $((in - boottime)) -ge 300000 ] && [ $((in - boottime)) -le 300200 ] || fail "boottime"
	[ "$(ns_of time)" != "$(ns_here time)" ] || fail "our time namespace"
	try exec "$ID" payload clock
	in=$(awk '/^boottime/ { print $2 }' <<<"$output")
	[ $((in - boottime)) -ge 300000 ] || fail "exec is not in the time namespace"
}

@test "timeOffsets: without a time namespace, of an unknown clock" {
	is_ours || skip "this runtime has no time namespaces"
	config '.linux.timeOffsets = {boottime: {secs: 1}}'
	try run --bundle "$B" "$ID"
	error_names timeOffsets
	config '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {nosuch: {secs: 1}}'
	try run --bundle "$B" "$ID"
	error_names nosuch
	assert_nothing_left
}

@test "cgroup namespace: the container's group is its root" {
	config '.linux.namespaces += [{type: "cgroup"}]'
	run_payload cat /proc/self/cgroup + ns
	says_not "$TAG"
	matches '^[0-9]+:[a-z,=]*:/$'
	[ "$(ns_of cgroup)" != "$(ns_here cgroup)" ] || fail "our cgroup namespace"
}

@test "hostname and domainname are the container's alone" {
	config '.hostname = "some-host.example" | .domainname = "some.domain"'
	local before
	before=$(hostname)
	run_payload hostname
	lines "hostname some-host.example"
	if is_ours; then
		lines "domainname some.domain"
	fi
	same "$(hostname)" "$before"
}

@test "a hostname without a uts namespace is refused; so is one that is too long" {
	payload print never
	config '.hostname = "a" * 65'
	try run --bundle "$B" "$ID"
	error_names hostname
	config '.hostname = "fine" | .linux.namespaces |= map(select(.type != "uts"))'
	try run --bundle "$B" "$ID"
	error_names hostname
	[ "$(hostname)" != fine ]
	assert_nothing_left
}

@test "the loopback device is up in a new network namespace" {
	run_payload link lo
	same "$output" "lo up"
	command_is cat /proc/net/dev
	try run --bundle "$B" "$ID"
	ok
	says lo:
	says_not eth ens wlan
}

@test "sysctl of the new namespaces" {
	config '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "12345678",
		"net/ipv4/ip_default_ttl": "33", "kernel.domainname": "by-sysctl", "fs.mqueue.msg_max": "11"}'
	is_ours || config 'del(.linux.sysctl["net/ipv4/ip_default_ttl"])'
	local before
	before=$(cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/shmmax)
	run_payload cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/kernel/domainname \
		/proc/sys/fs/mqueue/msg_max /proc/sys/net/ipv4/ip_default_ttl
	lines 1 12345678 by-sysctl 11
	if is_ours; then
		lines 33
	fi
	same "$(cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/shmmax)" "$before"
}

@test "sysctl user.*: the limits of a new user namespace" {
	local before
	is_ours || skip "not every runtime takes them"
	before=$(</proc/sys/user/max_net_namespaces)
	payload print never
	config '.linux.sysctl = {"user.max_net_namespaces": "7"}'
	try run --bundle "$B" "$ID"
	error_names user.max_net_namespaces "user namespace"
	user_namespace
	run_payload cat /proc/sys/user/max_net_namespaces
	same "$output" 7
	same "$(</proc/sys/user/max_net_namespaces)" "$before"
	assert_nothing_left
}

@test "S6 sysctl of the host, or of a namespace that is the host's, is refused" {
	payload print never
	local key before
	before=$(cat /proc/sys/kernel/core_pattern /proc/sys/vm/swappiness)
	for key in kernel.core_pattern vm.swappiness kernel.sysrq net/../kernel/core_pattern no.such.key; do
		config '.linux.sysctl = {($k): "1"}' --arg k "$key"
		try run --bundle "$B" "$ID"
		error_names "${key%%/*}"
	done
	config '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .mounts |= map(select(.type != "sysfs"))
		| .linux.namespaces |= map(select(.type != "network"))'
	try run --bundle "$B" "$ID"
	error_names net.ipv4.ip_forward
	config '.linux.sysctl = {"kernel.shmmax": "1\n2"} | .linux.namespaces += [{type: "network"}]'
	try run --bundle "$B" "$ID"
	[ "$status" -ne 0 ] || ! is_ours || fail "a line break was taken"
	same "$(cat /proc/sys/kernel/core_pattern /proc/sys/vm/swappiness)" "$before"
	assert_nothing_left
}

@test "a sysctl value that the kernel refuses is named" {
	config '.linux.sysctl = {"net.ipv4.ip_forward": "nonsense"}'
	try run --bundle "$B" "$ID"
	error_names ip_forward
	assert_nothing_left
}

@test "no pid namespace: the payload sees the host's processes, delete ends it" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	start_waiting ps + wait ready
	wait_output ready
	container_output
	[[ $output != "pid 1 "* ]] || fail "a pid namespace of its own"
	try delete --force "$ID"
	ok
	assert_nothing_left
}

@test "as an ordinary user: a container with one mapped id, without cgroups" {
	is_ours || skip "this runtime needs more preparation"
	unshare --user true || skip "user namespaces are not to be had"
	user_namespace 1000
	config '.linux.uidMappings[0].size = 1 | .linux.gidMappings[0].size = 1
		| del(.linux.resources, .linux.cgroupsPath) | .mounts |= map(
			if .type == "devpts" then .options |= map(select(. != "gid=5")) else . end)
		| .linux.namespaces |= map(select(.type != "network")) | .mounts |= map(select(.type != "sysfs"))'
	chown -R 1000:1000 "$B"
	mkdir "$DIR/user-state"
	chown 1000:1000 "$DIR/user-state" "$DIR"
	payload ids + print rootless
	chown 1000:1000 "$B/config.json"
	programs_for_users
	status=0
	output=$(setpriv --reuid 1000 --regid 1000 --clear-groups timeout 100 "$RUNTIME" --root "$DIR/user-state" \
		run --bundle "$B" "$ID" 2>"$DIR/err" 3>&- </dev/null) || status=$?
	error=$(<"$DIR/err")
	ok
	lines rootless "uid 0 0 0"
	same "$(ls -A "$DIR/user-state")" ""
}
