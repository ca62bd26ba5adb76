#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Devices: the default ones, those of the configuration, the links in /dev, and
# what the device cgroup lets the payload open and make.
# vm: yes

load container

@test "the default devices are there, with their numbers, and can be used" {
	run_payload stat /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty + \
		open rw /dev/null /dev/zero + open r /dev/urandom /dev/random /dev/full + write /dev/full x
	same "$(grep -c '^c 0666 0 0 ' <<<"$output")" 6
	matches ' 1:3$' ' 1:5$' ' 1:7$' ' 1:8$' ' 1:9$' ' 5:0$'
	same "$(grep -c '^ok$' <<<"$output")" 5
	lines ENOSPC
}

@test "fd, stdin, stdout, stderr, ptmx are links" {
	not_in_vm
	run_payload readlink /dev/fd + readlink /dev/stdin + readlink /dev/stdout + readlink /dev/stderr + \
		readlink /dev/ptmx
	lines /proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2
	matches '^(/dev/)?pts/ptmx$'
}

@test "devices of the configuration: c, b, u, p, in and outside /dev, with mode and owner" {
	not_in_vm
	config '.linux.devices = [
		{path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0},
		{path: "/dev/block", type: "b", major: 8, minor: 0, fileMode: 432, uid: 1000, gid: 1001},
		{path: "/opt/deep/char", type: "u", major: 1, minor: 11, fileMode: 256},
		{path: "/dev/fifo", type: "p", fileMode: 384, uid: 5, gid: 6}]'
	is_ours || config '.linux.devices[2].type = "c"'
	run_payload stat /dev/fuse /dev/block /opt/deep/char /dev/fifo
	same "$(sed 's/ [0-9]* \([0-9]*:[0-9]*\)$/ \1/' <<<"$output")" \
		$'c 0666 0 0 10:229\nb 0660 1000 1001 8:0\nc 0400 0 0 1:11\np 0600 5 6 0:0'
}

@test "a device in place of a default one" {
	not_in_vm
	is_ours || skip "this runtime fails"
	config '.linux.devices = [{path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 256, uid: 7, gid: 8}]'
	payload stat /dev/null
	try run --bundle "$B" "$ID"
	ok
	matches '^c (0400 7 8|0666 0 0) .* 1:3$'
}

@test "a file in the device's place is an error, the device itself is not" {
	not_in_vm
	is_ours || skip "this runtime replaces it"
	echo text >"$B/rootfs/opt/dev"
	config '.linux.devices = [{path: "/opt/dev", type: "c", major: 1, minor: 3, fileMode: 438}]'
	try run --bundle "$B" "$ID"
	error_names /opt/dev
	rm "$B/rootfs/opt/dev"
	mknod -m 666 "$B/rootfs/opt/dev" c 1 3
	run_payload stat /opt/dev
	matches '^c 0666 .* 1:3$'
}

@test "an unknown type, a missing path or number is named" {
	not_in_vm
	config '.linux.devices = [{path: "/dev/x", type: "z", major: 1, minor: 3}]'
	try run --bundle "$B" "$ID"
	error_names devices z
	is_ours || return 0
	config '.linux.devices = [{path: "/dev/x", type: "c"}]'
	try run --bundle "$B" "$ID"
	error_names devices major
	config '.linux.devices = [{type: "c", major: 1, minor: 3}]'
	try run --bundle "$B" "$ID"
	error_names devices path
	config '.linux.devices = [{path: "relative", type: "c", major: 1, minor: 3}]'
	try run --bundle "$B" "$ID"
	error_names devices
	assert_nothing_left
}

@test "S4 a device whose path leads out of the root" {
	not_in_vm
	mkdir "$DIR/victim"
	ln -s "$DIR/victim" "$B/rootfs/evil"
	config '.linux.devices = [{path: "/evil/dev", type: "c", major: 1, minor: 3, fileMode: 438},
		{path: "/../../../../../..\($v)/dev2", type: "c", major: 1, minor: 3, fileMode: 438}]' --arg v "$DIR/victim"
	try run --bundle "$B" "$ID"
	[ -z "$(ls -A "$DIR/victim")" ] || fail "made a device on the host"
}

# bats test_tags=vm
@test "what is not allowed cannot be opened or made, with every capability" {
	capabilities CAP_MKNOD CAP_DAC_OVERRIDE CAP_SYS_ADMIN CAP_FOWNER
	config '.mounts |= map(if .destination == "/dev" then .options -= ["nodev"] else . end)'
	# Making nodes is in the usual set of allowed things: opening them is not.
	run_payload mknod /dev/mem c 1 1 + open r /dev/mem + mknod /dev/disk b 254 0 + open r /dev/disk + \
		mknod /dev/kmsg c 1 11 + open r /dev/kmsg
	same "$(grep -c '^ok$' <<<"$output")" "$(sed -n '1p;3p;5p' <<<"$output" | grep -c '^ok$')"
	same "$(sed -n '2p;4p;6p' <<<"$output" | sort -u | grep -vxE 'EPERM|ENOENT')" ""
}

@test "allow rules: kind, numbers, access" {
	capabilities CAP_MKNOD CAP_SYSLOG
	config '.linux.resources.devices = [{allow: false, access: "rwm"},
		{allow: true, type: "c", major: 1, minor: 11, access: "r"}]
		| .linux.devices = [{path: "/dev/kmsg", type: "c", major: 1, minor: 11, fileMode: 438}]'
	run_payload open r /dev/kmsg + open w /dev/kmsg + open rw /dev/null
	same "$output" $'ok\nEPERM\nok'
}

# bats test_tags=vm
@test "allow rules: a major number, a wildcard, everything; the later rule wins" {
	capabilities CAP_MKNOD CAP_SYSLOG
	config '.linux.devices = [{path: "/dev/kmsg", type: "c", major: 1, minor: 11, fileMode: 438}]
		| .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, access: "rw"}]'
	run_payload open r /dev/kmsg + open rw /dev/kmsg
	same "$output" $'ok\nok'
	config '.linux.resources.devices = [{allow: true, access: "rwm"}]'
	run_payload open r /dev/kmsg
	same "$output" ok
	config '.linux.resources.devices = [{allow: true, access: "rwm"},
		{allow: false, type: "c", major: 1, minor: 11, access: "rwm"}]'
	run_payload open r /dev/kmsg + open rw /dev/null
	same "$output" $'EPERM\nok'
}

@test "no device rules at all: the defaults stay usable" {
	config 'del(.linux.resources)'
	run_payload open rw /dev/null /dev/zero + write /dev/full x
	same "$output" $'ok\nok\nENOSPC'
}

# bats test_tags=vm
@test "exec is under the same rules" {
	capabilities CAP_MKNOD CAP_SYSLOG
	config '.linux.devices = [{path: "/dev/kmsg", type: "c", major: 1, minor: 11, fileMode: 438}]'
	start_waiting open r /dev/kmsg + wait ready
	wait_output ready
	container_output
	# What the configuration lists as a device it may use only if a rule says so, too.
	local of_init
	of_init=$(head -n 1 <<<"$output")
	try exec "$ID" payload open r /dev/kmsg + open rw /dev/null
	same "$output" "$of_init"$'\nok'
}

@test "update leaves the device rules as they are" {
	need_controller pids
	capabilities CAP_MKNOD CAP_SYSLOG
	config '.linux.devices = [{path: "/dev/kmsg", type: "c", major: 1, minor: 11, fileMode: 438}]
		| .linux.resources.devices += [{allow: true, type: "c", major: 1, minor: 11, access: "r"}]'
	start_waiting
	try update --pids-limit 20 "$ID"
	ok
	try exec "$ID" payload open r /dev/kmsg + open w /dev/kmsg + open rw /dev/null
	same "$output" $'ok\nEPERM\nok'
}

@test "terminals can be made: /dev/ptmx works" {
	not_in_vm
	run_payload open rw /dev/ptmx + ls /dev/pts
	matches '^ok$' '^ptmx$'
}

@test "a bad rule is named" {
	not_in_vm
	is_ours || skip "this runtime's checks differ"
	config '.linux.resources.devices = [{allow: true, type: "z", access: "rwm"}]'
	try run --bundle "$B" "$ID"
	error_names devices z
	config '.linux.resources.devices = [{allow: true, type: "c", access: "rx"}]'
	try run --bundle "$B" "$ID"
	error_names devices access
	assert_nothing_left
}

@test "a read-only /dev with a terminal" {
	config '.process.terminal = true | .mounts |= map(if .destination == "/dev" then .options += ["ro"] else . end)'
	command_is sh -c 'touch /dev/new || grep " /dev " /proc/self/mounts'
	try run --bundle "$B" "$ID"
	ok
	matches " /dev tmpfs ro,"
}
