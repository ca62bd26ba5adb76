#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Mounts: bind and recursive bind, files, every kind of option, recursive ones,
# tmpfs and tmpcopyup, the kernel's file systems, propagation, idmapped mounts,
# targets that are missing or links, read-only root, masked and read-only paths.
# vm: no

load container

# mount DESTINATION TYPE SOURCE OPTION...
mount_entry()
{
	config '.mounts += [{destination: $d, type: $t, source: $s, options: $ARGS.positional}]' \
		--arg d "$1" --arg t "$2" --arg s "$3" --args -- "${@:4}"
}

# A private mount namespace around the runtime, to mount things there.
in_private_namespace()
{
	unshare --mount --propagation "${PROPAGATION:-private}" "$@"
}

@test "bind of a folder: the same files, both ways" {
	mkdir "$DIR/shared"
	echo host >"$DIR/shared/file"
	mount_entry /mnt bind "$DIR/shared" bind
	run_payload cat /mnt/file + create /mnt/back container
	lines host
	same "$(<"$DIR/shared/back")" container
}

@test "bind with type none, without type, with rbind, of a relative source" {
	mkdir "$B/shared"
	echo host >"$B/shared/file"
	mount_entry /mnt none "$B/shared" rbind
	mount_entry /opt bind shared bind
	config '.mounts += [{destination: "/var/x", source: $s, options: ["bind"]}]' --arg s "$B/shared"
	run_payload cat /mnt/file + cat /opt/file + cat /var/x/file
	same "$(grep -c host <<<"$output")" 3
}

@test "bind of a file, onto one that is missing and one that is there" {
	echo host >"$DIR/file"
	mount_entry /made/deep/file bind "$DIR/file" bind
	mount_entry /etc/group bind "$DIR/file" bind,ro
	config '.mounts[-1].options = ["bind", "ro"]'
	run_payload cat /made/deep/file + cat /etc/group + write /etc/group x + write /made/deep/file HOST
	same "$output" $'host\nhost\nEROFS\nok'
	same "$(<"$DIR/file")" HOST
	[ -f "$B/rootfs/made/deep/file" ] || fail "the target should be a file"
}

@test "bind of a device, a socket and a pipe onto missing targets" {
	mkfifo "$DIR/fifo"
	mount_entry /my-null bind /dev/null bind
	mount_entry /my-fifo bind "$DIR/fifo" bind
	run_payload stat /my-null + stat /my-fifo
	matches '^c .* 1:3$' '^p '
}

@test "ro, nosuid, nodev, noexec, noatime, relatime and what undoes them" {
	mkdir "$DIR/shared"
	cp "$PAYLOAD" "$DIR/shared/payload"
	mount_entry /mnt bind "$DIR/shared" bind ro nosuid nodev noexec noatime
	mount_entry /opt bind "$DIR/shared" bind ro rw noexec exec nodev dev nosuid suid
	run_payload mount /mnt /opt + create /mnt/x + create /opt/x + exec-file /mnt/payload + exec-file /opt/payload
	matches '^ext4 ro,nosuid,nodev,noexec,noatime |^[a-z0-9]+ ro,nosuid,nodev,noexec,noatime ' '^[a-z0-9]+ rw,[a-z]*atime '
	same "$(tail -n 4 <<<"$output")" $'EROFS\nok\nEACCES\nexecuted'
}

@test "a bind that asks for nothing keeps the source's flags" {
	mkdir "$DIR/locked"
	in_private_namespace sh -ec '
		mount -t tmpfs -o nosuid,nodev,noexec,noatime tmpfs "$1"
		exec "$2" --root "$3" run --bundle "$4" "$5"' sh \
		"$DIR/locked" "$RUNTIME" "$ROOT" "$B" "$ID" >"$DIR/o" 3>&- </dev/null || :
	mount_entry /mnt bind "$DIR/locked" bind
	payload mount /mnt
	output=$(in_private_namespace sh -ec '
		mount -t tmpfs -o nosuid,nodev,noexec,noatime tmpfs "$1"
		exec "$2" --root "$3" run --bundle "$4" "$5"' sh \
		"$DIR/locked" "$RUNTIME" "$ROOT" "$B" "$ID" 3>&- </dev/null)
	matches '^tmpfs rw,nosuid,nodev,noexec,noatime '
}

# A source with a second mount below it: nested SCRIPT-ARGUMENTS...
nested_run()
{
	status=0
	mkdir -p "$DIR/tree/below"
	in_private_namespace sh -ec '
		mount -t tmpfs top "$1"; mkdir "$1/below" "$1/locked"; mount -t tmpfs below "$1/below"
		mount -t tmpfs -o ro locked "$1/locked"
		echo in >"$1/below/file"
		exec "$2" --root "$3" run --bundle "$4" "$5"' sh \
		"$DIR/tree" "$RUNTIME" "$ROOT" "$B" "$ID" >"$DIR/out" 2>"$DIR/err" 3>&- </dev/null || status=$?
	output=$(<"$DIR/out") error=$(<"$DIR/err")
}

@test "rbind takes the mounts below, bind does not" {
	mount_entry /mnt bind "$DIR/tree" rbind
	mount_entry /opt bind "$DIR/tree" bind
	payload cat /mnt/below/file + ls /opt/below + print end
	nested_run
	ok
	same "$output" $'in\nend'
}

@test "ro of an rbind is for the top only, rro for all of it" {
	mount_entry /mnt bind "$DIR/tree" rbind ro
	mount_entry /opt bind "$DIR/tree" rbind rro
	payload create /mnt/x + create /mnt/below/x + create /opt/x + create /opt/below/x
	nested_run
	ok
	same "$output" $'EROFS\nok\nEROFS\nEROFS'
}

@test "recursive options: rnosuid, rnodev, rnoexec, rnoatime, rrw and the like" {
	mount_entry /mnt bind "$DIR/tree" rbind rnosuid rnodev rnoexec rnoatime
	mount_entry /opt bind "$DIR/tree" rbind nosuid rrw
	payload mount /mnt/below /opt/below /opt/locked
	nested_run
	ok
	matches '^tmpfs rw,nosuid,nodev,noexec,noatime ' '^tmpfs rw,relatime '
	matches '^tmpfs rw,relatime .*- ro$'
}

@test "tmpfs with mode, size, and its flags" {
	mount_entry /new tmpfs tmpfs nosuid nodev noexec mode=0751 size=1m
	run_payload stat /new + mount /new + statfs /new + create /new/x
	matches '^d 0751 ' '^tmpfs rw,nosuid,nodev,noexec' 'size 1048576$' '^ok$'
	# Others give it the mode of the folder that is there already.
	is_ours || return 0
	config '.mounts[-1].destination = "/tmp"'
	run_payload stat /tmp
	matches '^d 0751 '
}

@test "tmpfs without options over a folder that has files" {
	echo below >"$B/rootfs/mnt/file"
	mount_entry /mnt tmpfs tmpfs
	run_payload ls /mnt + print end + mount /mnt
	same "$(head -n 1 <<<"$output")" end
	matches '^tmpfs '
}

@test "tmpcopyup: the folder's files are in the tmpfs, with modes and owners" {
	mkdir -p "$B/rootfs/data/sub"
	echo one >"$B/rootfs/data/sub/one"
	chmod 604 "$B/rootfs/data/sub/one"
	chown 12:34 "$B/rootfs/data/sub/one"
	chmod 710 "$B/rootfs/data"
	ln -s sub/one "$B/rootfs/data/link"
	mount_entry /data tmpfs tmpfs tmpcopyup
	run_payload cat /data/sub/one + stat /data/sub/one /data + readlink /data/link + create /data/sub/new + mount /data
	lines one sub/one ok
	matches '^f 0604 12 34 4 ' '^tmpfs '
	if is_ours; then
		matches '^d 0710 '
	fi
	[ ! -e "$B/rootfs/data/sub/new" ] || fail "wrote to the root"
}

@test "tmpcopyup of a folder that does not exist or is empty" {
	mount_entry /fresh tmpfs tmpfs tmpcopyup
	mount_entry /mnt tmpfs tmpfs tmpcopyup
	payload create /fresh/x + create /mnt/x
	try run --bundle "$B" "$ID"
	ok
	same "$output" $'ok\nok'
}

@test "proc, sysfs, devpts, mqueue, shm are what the configuration says" {
	run_payload mount /proc /sys /dev/pts /dev/mqueue /dev/shm /dev + readlink /dev/ptmx + \
		open rw /dev/pts/ptmx + stat /dev/pts/ptmx
	matches '^proc rw' '^sysfs ro,nosuid,nodev,noexec' \
		'^devpts rw,nosuid,noexec.* gid=5,mode=620|^devpts rw,nosuid,noexec.*gid=5' \
		'^mqueue rw,nosuid,nodev,noexec' '^tmpfs rw,nosuid,nodev,noexec.*size=65536k' \
		'^tmpfs rw,nosuid.*mode=755'
	matches '^(/dev/)?pts/ptmx$' '^c 0666 .* 5:2$'
	lines ok
}

@test "proc shows the container's processes only" {
	command_is sh -c 'ls /proc | grep -c "^[0-9]"'
	try run --bundle "$B" "$ID"
	ok
	[ "$output" -le 4 ] || fail "too many processes"
}

@test "no mount of the host is to be seen, and none of ours reaches it" {
	payload mounts + wait ready
	launch run --detach --bundle "$B" "$ID"
	ok
	wait_output ready
	container_output
	same "$(grep -c ' / / \| /$' /dev/null || :)" 0
	same "$(awk '$5 == "/" { n++ } END { print n }' <<<"$output")" 1
	# Every mount is one of the configuration, or a masked or read-only path of it.
	same "$(awk '{ print $5 }' <<<"$output" | grep -vcE '^(/|/proc(/.*)?|/dev(/.*)?|/sys(/.*)?|)$')" 0
	same "$(tagged_mounts | wc -l)" 0
}

@test "rootfsPropagation and a mount's propagation" {
	mount_entry /mnt tmpfs tmpfs rw shared
	mount_entry /opt tmpfs tmpfs private
	mount_entry /var tmpfs tmpfs unbindable
	config '.linux.rootfsPropagation = "shared"'
	run_payload mount / /mnt /opt /var
	same "$(sed -n 2p <<<"$output" | grep -o 'shared:')" shared:
	same "$(sed -n 3p <<<"$output" | grep -c 'shared:\|master:\|unbindable')" 0
	same "$(sed -n 4p <<<"$output" | grep -o unbindable)" unbindable
	if is_ours; then
		same "$(sed -n 1p <<<"$output" | grep -o 'shared:')" shared:
	fi
}

@test "rootfsPropagation: what it may be; the default lets nothing out" {
	local kind
	for kind in private slave rprivate rslave; do
		config '.linux.rootfsPropagation = $k' --arg k $kind
		run_payload mount /
		says_not shared:
	done
	config 'del(.linux.rootfsPropagation)'
	run_payload mount /
	says_not shared:
	config '.linux.rootfsPropagation = "nosuch"'
	try run --bundle "$B" "$ID"
	error_names rootfsPropagation nosuch
	assert_nothing_left
}

@test "on a shared host a slave bind gets new mounts, and gives none" {
	mkdir "$DIR/shared"
	mount_entry /mnt bind "$DIR/shared" rbind rslave
	mount_entry /proc/x tmpfs tmpfs
	config 'del(.mounts[-1])'
	capabilities CAP_SYS_ADMIN
	payload wait-file /mnt/new/file + mkdir /mnt/own + print seen + mount-there tmpfs /mnt/own tmpfs + wait ready
	PROPAGATION=shared in_private_namespace sh -c '
		mount -t tmpfs tmpfs "$1" && mkdir "$1/new"
		"$2" --root "$3" run --detach --bundle "$4" "$5" || exit
		mount -t tmpfs tmpfs "$1/new" && touch "$1/new/file"
		i=0
		until grep -q ready "$6"; do
			i=$((i + 1)); [ $i -lt 500 ] || exit 9; sleep 0.01
		done
		grep -c "$1/own" /proc/self/mountinfo
		"$2" --root "$3" delete --force "$5"' sh \
		"$DIR/shared" "$RUNTIME" "$ROOT" "$B" "$ID" "$DIR/container.out" \
		>"$DIR/container.out" 2>"$DIR/container.err" 3>&- </dev/null || :
	container_output
	lines seen ready 0
	same "$(grep -c '^ok$' <<<"$output")" 3
}

@test "idmapped bind: ids as mapped, both ways" {
	is_ours || skip "this runtime has no idmapped mounts"
	mkdir "$DIR/shared"
	touch "$DIR/shared/file"
	chown 3000:3000 "$DIR/shared/file"
	user_namespace
	config '.mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["bind", "idmap"],
		uidMappings: [{containerID: 0, hostID: 100000, size: 65536}],
		gidMappings: [{containerID: 0, hostID: 100000, size: 65536}]}]' --arg s "$DIR/shared"
	chmod 777 "$DIR/shared"
	run_payload stat /mnt/file + create /mnt/new
	matches '^f 0644 3000 3000 '
	lines ok
	same "$(stat -c %u:%g "$DIR/shared/new")" 0:0
}

@test "idmapped bind with a mapping of its own, without a user namespace" {
	is_ours || skip "this runtime has no idmapped mounts"
	mkdir "$DIR/shared"
	touch "$DIR/shared/file"
	chown 1000:1001 "$DIR/shared/file"
	config '.mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["rbind", "ridmap"],
		uidMappings: [{containerID: 1000, hostID: 7000, size: 1}],
		gidMappings: [{containerID: 1001, hostID: 8000, size: 1}]}]' --arg s "$DIR/shared"
	run_payload stat /mnt/file
	matches '^f 0644 7000 8000 '
}

@test "missing targets are made; ones through links stay in the root (S4)" {
	mkdir "$DIR/shared"
	echo host >"$DIR/shared/file"
	ln -s /elsewhere "$B/rootfs/link"
	ln -s ../../../../../../../../etc "$B/rootfs/up"
	ln -s /proc/self/root/tmp "$B/rootfs/magic"
	mount_entry /made/by/us bind "$DIR/shared" bind
	mount_entry /link/inside bind "$DIR/shared" bind
	mount_entry /up/there bind "$DIR/shared" bind
	run_payload cat /made/by/us/file + cat /elsewhere/inside/file + cat /etc/there/file
	same "$output" $'host\nhost\nhost'
	[ ! -e /elsewhere ] && [ ! -e /etc/there ] || fail "made something on the host"
}

@test "S4 a target that is an absolute link to a host path" {
	mkdir "$DIR/victim" "$DIR/shared"
	ln -s "$DIR/victim" "$B/rootfs/evil"
	mount_entry /evil/new bind "$DIR/shared" bind
	payload print ran
	try run --bundle "$B" "$ID"
	[ -z "$(ls -A "$DIR/victim")" ] || fail "made something on the host"
	[ -z "$(ls -A "$DIR/shared")" ] || fail "made something on the host"
}

@test "S5 proc as a link in the image is not followed to another place" {
	rmdir "$B/rootfs/proc"
	mkdir "$B/rootfs/fake"
	ln -s fake "$B/rootfs/proc"
	payload mount /proc /fake
	try run --bundle "$B" "$ID"
	# Refused, or the mount is on the link's target inside the root and all of it protected.
	if [ "$status" -eq 0 ]; then
		is_ours && fail "should have been refused"
		says proc
	else
		error_names proc
	fi
	assert_nothing_left
}

# CVE-2019-16884, CVE-2019-19921, CVE-2025-52881: what we write there is lost, or is
# another file of procfs, if we believe what is mounted over /proc.
@test "S5 S6 what is mounted over /proc does not get what is written to procfs" {
	is_ours || skip "of our own runtime only"
	local file
	for file in sys/net/ipv4/ip_forward self/oom_score_adj self/attr/exec 1/oom_score_adj; do
		mkdir -p "$DIR/fake/${file%/*}"
		echo untouched >"$DIR/fake/$file"
	done
	config '.process.oomScoreAdj = 123 | .linux.sysctl = {"net.ipv4.ip_forward": "1"}
		| .linux.readonlyPaths = [] | .linux.maskedPaths = []
		| .mounts += [{destination: "/real", type: "proc", source: "proc"},
			{destination: "/proc", type: "bind", source: $f, options: ["rbind"]}]' --arg f "$DIR/fake"
	command_is sh -c 'cat /real/sys/net/ipv4/ip_forward /real/self/oom_score_adj; sleep 1000'
	launch run --detach --bundle "$B" "$ID"
	ok
	wait_output 123
	try exec "$ID" sh -c 'cat /real/self/oom_score_adj; ls /proc'
	lines 123 1 self sys
	for file in sys/net/ipv4/ip_forward self/oom_score_adj self/attr/exec 1/oom_score_adj; do
		same "$file $(<"$DIR/fake/$file")" "$file untouched"
	done
	container_output
	lines 1 123
}

@test "S11 dev as a link in the image" {
	is_ours || skip "this runtime follows it"
	mkdir "$DIR/victim"
	rmdir "$B/rootfs/dev"
	ln -s "$DIR/victim" "$B/rootfs/dev"
	payload stat /dev/null
	try run --bundle "$B" "$ID"
	[ -z "$(ls -A "$DIR/victim")" ] || fail "made something on the host"
	config '.mounts |= map(select(.destination | startswith("/dev") | not))'
	try run --bundle "$B" "$ID"
	[ -z "$(ls -A "$DIR/victim")" ] || fail "made something on the host"
	assert_nothing_left
}

@test "a relative destination counts from the root" {
	mkdir "$DIR/shared"
	echo host >"$DIR/shared/file"
	mount_entry mnt bind "$DIR/shared" bind
	run_payload cat /mnt/file
	same "$output" host
}

@test "mounts are done in their order, the later on top" {
	mount_entry /mnt tmpfs one size=1m
	mount_entry /mnt tmpfs two size=2m
	mount_entry /mnt/sub tmpfs three size=3m
	run_payload statfs /mnt + statfs /mnt/sub
	matches 'size 2097152$' 'size 3145728$'
}

@test "a read-only root" {
	config '.root.readonly = true'
	mount_entry /tmp tmpfs tmpfs
	run_payload create /x + mkdir /y + create /tmp/x + mount /
	same "$(head -n 3 <<<"$output")" $'EROFS\nEROFS\nok'
	matches '^[a-z0-9]+ ro,'
	[ ! -e "$B/rootfs/x" ] || fail "wrote"
}

@test "a root that is absolute, or has links in its path" {
	config '.root.path = $r' --arg r "$B/rootfs"
	run_payload print absolute
	same "$output" absolute
	is_ours || return 0
	ln -s rootfs "$B/link"
	config '.root.path = "link"'
	run_payload print link
	same "$output" link
}

@test "S9 masked files are empty, masked folders are empty and read-only" {
	mkdir "$B/rootfs/secret"
	echo hidden >"$B/rootfs/secret/file"
	echo hidden >"$B/rootfs/etc/shadow"
	config '.linux.maskedPaths += ["/secret", "/etc/shadow", "/no/such/path"]'
	run_payload cat /etc/shadow + ls /secret + create /secret/new + cat /proc/timer_list + print end
	says_not hidden file
	same "$output" $'EROFS\nend'
}

@test "S9 masking with a /dev/null of the image's choosing" {
	# The image has its own /dev, where null is a link to something writable.
	config '.mounts |= map(select(.destination | startswith("/dev") | not))'
	echo hidden >"$B/rootfs/etc/shadow"
	echo attack >"$B/rootfs/evil"
	ln -s ../evil "$B/rootfs/dev/null"
	config '.linux.maskedPaths += ["/etc/shadow"]'
	payload cat /etc/shadow
	try run --bundle "$B" "$ID"
	says_not attack hidden
	[ "$status" -ne 0 ] || same "$output" ""
}

# Who shares a volume with the container may do that while it is made: the hook is in its mount
# namespace before the root is changed.
@test "S9 CVE-2025-31133: /dev/null is swapped for a link before paths are masked" {
	echo hidden >"$B/rootfs/etc/shadow"
	echo attack >"$B/rootfs/evil"
	config '.linux.maskedPaths += ["/etc/shadow"]
		| .hooks.createContainer = [{path: "/bin/sh", args: ["sh", "-c", "cd \($b)/rootfs/dev && rm null && ln -s ../evil null"]}]' \
		--arg b "$B"
	run_payload readlink /dev/null + cat /etc/shadow + mount /etc/shadow
	says ../evil
	says_not attack hidden
	matches '^devtmpfs '
}

@test "S9 a masked path that is a link" {
	echo hidden >"$B/rootfs/etc/real"
	ln -s real "$B/rootfs/etc/alias"
	config '.linux.maskedPaths += ["/etc/alias"]'
	payload cat /etc/alias
	try run --bundle "$B" "$ID"
	says_not hidden
}

@test "readonlyPaths are read-only, with what is below; missing ones do not matter" {
	mkdir -p "$B/rootfs/ro/sub"
	touch "$B/rootfs/ro/file" "$B/rootfs/etc/ro"
	config '.linux.readonlyPaths += ["/ro", "/etc/ro", "/no/such/path"]'
	run_payload create /ro/sub/x + write /ro/file x + write /etc/ro x + write /proc/sys/kernel/hostname x + \
		create /etc/rw
	same "$output" $'EROFS\nEROFS\nEROFS\nEROFS\nok'
}

@test "without maskedPaths and readonlyPaths nothing is protected" {
	config 'del(.linux.maskedPaths, .linux.readonlyPaths)'
	run_payload mount /proc/sys /proc/timer_list /sys/firmware
	same "$output" $'no mount\nno mount\nno mount'
}

@test "S9 a cgroup mount: the container's own groups, read-only" {
	mount_entry /sys/fs/cgroup cgroup cgroup nosuid noexec nodev relatime ro
	run_payload mount /sys/fs/cgroup + ls /sys/fs/cgroup
	if [ "$(cgroup_mode)" = v2 ]; then
		matches '^cgroup2 ro,' '^cgroup\.procs$'
	else
		matches '^tmpfs r[ow],nosuid,nodev,noexec' '^memory$' '^pids$'
		run_payload mount /sys/fs/cgroup/memory + cat /sys/fs/cgroup/memory/cgroup.procs + \
			create /sys/fs/cgroup/memory/x
		matches '^cgroup ro,nosuid,nodev,noexec.*memory' '^(1|[0-9]+)$' '^(EROFS|EPERM|EACCES)$'
	fi
}

@test "a cgroup mount in a cgroup namespace" {
	config '.linux.namespaces += [{"type": "cgroup"}]'
	mount_entry /sys/fs/cgroup cgroup cgroup nosuid noexec nodev relatime ro
	run_payload cat /proc/self/cgroup + mount /sys/fs/cgroup
	says_not "$TAG"
	matches '^(0::|[0-9]+:pids:)/$'
}

@test "an unknown file system type and option are named" {
	payload print never
	mount_entry /mnt nosuchfs none
	try run --bundle "$B" "$ID"
	error_names nosuchfs /mnt
	config '.mounts[-1] = {destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["nosuchoption=1"]}'
	try run --bundle "$B" "$ID"
	error_names nosuchoption /mnt
	same "$output" ""
	assert_nothing_left
}

@test "a target that is a file for a folder, or a folder for a file" {
	mkdir "$DIR/folder"
	touch "$DIR/file"
	mount_entry /etc/passwd bind "$DIR/folder" bind
	try run --bundle "$B" "$ID"
	error_names /etc/passwd
	config '.mounts[-1] |= (.destination = "/etc" | .source = $f)' --arg f "$DIR/file"
	try run --bundle "$B" "$ID"
	error_names /etc
	assert_nothing_left
}

@test "--no-pivot" {
	command_is sh -c 'ls /; cut -d " " -f 5 /proc/self/mountinfo'
	ln -s busybox "$B/rootfs/bin/cut"
	try run --no-pivot --bundle "$B" "$ID"
	ok
	lines home bin /proc
	says_not "$DIR"
}

@test "no mount namespace of its own is refused or harmless" {
	config '.linux.namespaces |= map(select(.type != "mount"))'
	payload print ran
	try run --bundle "$B" "$ID"
	[ "$status" -ne 0 ] && [ -n "$error" ] || is_ours || fail "should be refused"
	assert_nothing_left
}

@test "a hundred mounts" {
	mkdir "$DIR/shared"
	echo host >"$DIR/shared/file"
	config '.mounts += [range(100) | {destination: "/m/\(.)", type: "bind", source: $s,
		options: ["rbind", "ro"]}]' --arg s "$DIR/shared"
	run_payload cat /m/0/file /m/50/file /m/99/file
	same "$output" $'host\nhost\nhost'
}

@test "noatime, strictatime, sync, dirsync, and others go to the mount or the file system" {
	mount_entry /mnt tmpfs tmpfs strictatime dirsync sync silent
	run_payload mount /mnt
	matches '^tmpfs rw( |,)'
	says_not relatime
}

@test "S7 a bind source that vanishes between create and start does not matter" {
	mkdir "$DIR/shared"
	echo host >"$DIR/shared/file"
	mount_entry /mnt bind "$DIR/shared" bind
	payload cat /mnt/file
	create_container
	mv "$DIR/shared" "$DIR/moved"
	try start "$ID"
	ok
	wait_output host
}

@test "S7 a bind source is opened in the caller's namespaces, not in the container's" {
	is_ours || skip "other runtimes open it later"
	mount_entry /ns/pid bind /proc/self/ns/pid bind
	mount_entry /ns/uts bind /proc/self/ns/uts bind
	command_is stat -c %i /ns/pid /ns/uts
	try run --bundle "$B" "$ID"
	same "$output" "$(stat -Lc %i /proc/self/ns/pid /proc/self/ns/uts)"
}

# A tree to be bound, in which a network namespace and a mount namespace are
# kept, as snapd does it.
keep_namespaces()
{
	mkdir -p "$DIR/tree/folder"
	touch "$DIR/tree/net" "$DIR/tree/mnt"
	mount --bind "$DIR/tree" "$DIR/tree"
	mount --make-private "$DIR/tree"
	mount --bind /proc/self/ns/net "$DIR/tree/net"
	unshare --mount="$DIR/tree/mnt" true
	mount -t tmpfs tmpfs "$DIR/tree/folder"
	echo below >"$DIR/tree/folder/file"
}

unkeep_namespaces()
{
	umount "$DIR/tree/folder" "$DIR/tree/net" "$DIR/tree/mnt" "$DIR/tree"
}

@test "S7 a tree in which namespaces are kept is bound" {
	keep_namespaces
	mount_entry /mnt bind "$DIR/tree" rbind ro
	command_is sh -c 'cat /mnt/folder/file; sed -n "s/.* \/mnt\/\(net\) .* nsfs .*/\1/p" /proc/self/mountinfo; touch /mnt/new'
	try run --bundle "$B" "$ID"
	unkeep_namespaces
	same "$output" $'below\nnet'
	grep -q "Read-only file system" <<<"$error"
}

@test "a bind mount's options, once they name a flag, name them all" {
	mkdir "$DIR/volume"
	mount -t tmpfs -o nosuid,nodev,noexec tmpfs "$DIR/volume"
	config '.mounts += [{destination: "/mnt/ro", source: $s, options: ["bind", "ro"]},
		{destination: "/mnt/plain", source: $s, options: ["bind"]}]' --arg s "$DIR/volume"
	command_is grep /mnt/ /proc/self/mounts
	try run --bundle "$B" "$ID"
	umount "$DIR/volume"
	ok
	matches " /mnt/ro tmpfs ro,relatime"
	matches " /mnt/plain tmpfs rw,nosuid,nodev,noexec"
}

# ---- crun's options ---------------------------------------------------------------------

@test "copy-symlink: a source that is a link is made again; what is in the way is an error" {
	is_ours || skip "not every runtime has it"
	ln -s /bin/true "$DIR/link"
	mkdir "$B/rootfs/links"
	config '.mounts += [{destination: "/links/new/link", type: "bind", source: $s, options: ["bind", "copy-symlink"]}]' --arg s "$DIR/link"
	run_payload readlink /links/new/link + mount /links/new/link
	same "$output" $'/bin/true\nno mount'
	# The same link once more is fine.
	run_payload readlink /links/new/link
	rm "$B/rootfs/links/new/link"
	echo file >"$B/rootfs/links/new/link"
	try run --bundle "$B" "$ID"
	error_names copy-symlink /links/new/link /bin/true
	same "$(<"$B/rootfs/links/new/link")" file
	# A source that is none is bound.
	rm "$B/rootfs/links/new/link" "$DIR/link"
	echo plain >"$DIR/link"
	run_payload cat /links/new/link
	same "$output" plain
	config '.mounts[-1] = {destination: "/mnt", type: "tmpfs", options: ["copy-symlink"]}'
	try run --bundle "$B" "$ID"
	error_names copy-symlink bind
	assert_nothing_left
}

@test "src-nofollow binds a link itself, dest-nofollow binds over one" {
	is_ours || skip "not every runtime has it"
	ln -s /etc/passwd "$DIR/link"
	echo host >"$DIR/file"
	echo behind >"$B/rootfs/behind"
	ln -s /behind "$B/rootfs/covered"
	config '.mounts += [
		{destination: "/bound", type: "bind", source: "\($d)/link", options: ["bind", "src-nofollow"]},
		{destination: "/covered", type: "bind", source: "\($d)/file", options: ["bind", "dest-nofollow"]}]' --arg d "$DIR"
	run_payload readlink /bound + cat /covered + cat /behind
	same "$output" $'/etc/passwd\nhost\nbehind'
	config '.mounts[-1].options = ["bind"]'
	run_payload cat /behind
	same "$output" host
	same "$(<"$B/rootfs/behind")" behind
}

@test "source-namespace=: a source that is in another mount namespace only" {
	local other
	is_ours || skip "not every runtime has it"
	mkdir "$DIR/there"
	unshare -m sh -c 'mount -t tmpfs none "$0" && echo elsewhere >"$0/file" && touch "$0.ready" && exec sleep 1000' \
		"$DIR/there" 3>&- &
	other=$!
	until_true test -e "$DIR/there.ready"
	config '.mounts += [{destination: "/mnt", type: "bind", source: "\($d)/there",
		options: ["bind", "rprivate", "source-namespace=/proc/\($pid)/ns/mnt"]}]' --arg d "$DIR" --arg pid "$other"
	run_payload cat /mnt/file
	same "$output" elsewhere
	[ ! -e "$DIR/there/file" ] || fail "it should not be here"
	config '.mounts[-1].source = "/not-there"'
	try run --bundle "$B" "$ID"
	error_names /not-there "/proc/$other/ns/mnt"
	config '.mounts[-1].options[-1] = "source-namespace=/proc/self/ns/net"'
	try run --bundle "$B" "$ID"
	error_names "is no mount namespace"
	config '.mounts[-1] |= (.options[-1] |= "source-namespace=/proc/self/ns/mnt" | .type = "tmpfs" | .options[0] = "rw")'
	try run --bundle "$B" "$ID"
	error_names source-namespace bind
	kill "$other"
	wait "$other" || :
	assert_nothing_left
}

@test "idmap=uids=…;gids=…: mappings of the option's own, absolute or by the container's" {
	is_ours || skip "not every runtime has it"
	mkdir "$DIR/source"
	echo text >"$DIR/source/file"
	chown 1:2 "$DIR/source/file"
	config '.mounts += [{destination: "/mnt", type: "bind", source: $s,
		options: ["bind", "idmap=uids=0-500-1#1-700-10;gids=0-800-10"]}]' --arg s "$DIR/source"
	try run --bundle "$B" "$ID"
	[[ $error != *"does not support idmapped"* ]] || skip "no idmapped mounts of $DIR here"
	run_payload stat /mnt/file
	matches '^f 0644 700 802 '
	user_namespace 200000
	config '.mounts[-1].options = ["bind", "idmap=uids=@1-3-10;gids=@2-4-10"]'
	run_payload stat /mnt/file
	matches '^f 0644 3 4 '
}

@test "idmap=: what is wrong with it is named" {
	is_ours || skip "not every runtime has it"
	local value words
	mkdir "$DIR/source"
	while read -r value words; do
		config '.mounts = [.mounts[] | select(.destination != "/mnt")] + [{destination: "/mnt", type: "bind",
			source: $s, options: ["bind", $o]}]' --arg s "$DIR/source" --arg o "$value"
		try run --bundle "$B" "$ID"
		# shellcheck disable=SC2086 # a list of words
		error_names $words
	done <<-'END'
	idmap=uids=0-1-1 needs both
	idmap=uids=0-1;gids=0-1-1 0-1 FIRST-HOST-SIZE
	idmap=uids=0-1-1;gids=0-1-0 0-1-0
	idmap=uids=0-1-1;ids=0-1-1 ids= begins
	idmap=uids=@0-1-1;gids=0-1-1 @0-1-1 namespace
	ridmap=uids=0-1-1;uids=0-1-1 already
	END
	assert_nothing_left
}
