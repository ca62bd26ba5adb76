#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What processes in containers, and other users of the machine, try against
# rustbox itself. The rules S1 to S28 are those of docs/security.md.

load rustbox

in_box()
{
	rb exec "$NAME" "$@"
}

@test "S2: root of a container that sees the host's processes looks into no supervisor" {
	local pid
	start_box --pid host
	pid=$(supervisor_pid)
	in_box sh -c "ls -d /proc/$pid"
	same "$output" "/proc/$pid"
	in_box sh -c "cat /proc/$pid/environ /proc/$pid/maps /proc/$pid/fd/*; ls /proc/$pid/root/ /proc/$pid/cwd/; readlink /proc/$pid/exe; echo >/proc/$pid/mem"
	fails
	same "$output" ""
	# The reason: it may do more than they.
	same "$(awk '$1 == "CapPrm:" { print $2 }' "/proc/$pid/status")" \
		"$(awk '$1 == "CapPrm:" { print $2 }' /proc/self/status)"
}

# Of a process: the capabilities of the set $1 that no supervisor uses.
unused_capabilities()
{
	local set
	set=0x$(awk -v set="$1:" '$1 == set { print $2 }' "/proc/$2/status")
	# sys_module, sys_rawio, sys_boot, sys_time, audit_control, mac_admin, wake_alarm, block_suspend
	echo $((set & (1 << 16 | 1 << 17 | 1 << 22 | 1 << 25 | 1 << 30 | 1 << 33 | 1 << 35 | 1 << 36)))
}

@test "S12: a supervisor has at hand no capability that it does not use; containers may get each" {
	start_box
	local pid ours
	pid=$(supervisor_pid)
	ours=$(unused_capabilities CapEff self)
	[ "$ours" -ne 0 ] || skip "we have none of them either"
	same "$(unused_capabilities CapEff "$pid") $(unused_capabilities CapPrm "$pid")" "0 $ours"
	rbok exec --privileged "$NAME" cat /proc/self/status
	same "$(awk '$1 == "CapEff:" { print $2 }' <<<"$output")" \
		"$(awk '$1 == "CapBnd:" { print $2 }' /proc/self/status)"
}

@test "S3: nothing but the standard streams gets into run and exec" {
	# shellcheck disable=SC2016 # for the shell inside
	local list='for fd in /proc/$$/fd/*; do [ ! -e "$fd" ] || echo "${fd##*/}"; done'
	exec 9</etc/passwd
	rb run --rm sh -c "$list"
	same "$output" $'0\n1\n2'
	start_box
	in_box sh -c "$list"
	exec 9<&-
	same "$output" $'0\n1\n2'
}

@test "S9: mount remove follows no link to what protects /proc" {
	mkdir -p "$DIR/host"
	start_box
	rbok mount add "$NAME" "$DIR/host:/data/sys"
	in_box sh -c 'mv /data /away && ln -s /proc /data'
	ok
	rb mount remove "$NAME" /data/sys
	[ "$status" -ne 0 ] || fail "/proc/sys is not the mount that was added"
	error_names /data/sys
	in_box sh -c 'grep -c " /proc/sys ro" /proc/self/mountinfo'
	same "$output" 1
	in_box sh -c 'rm /data && mv /away /data'
	ok
	rbok mount remove "$NAME" /data/sys
}

@test "S16: a device that could not be added cannot be used either" {
	local device number
	for device in /dev/fuse /dev/net/tun /dev/loop-control ''; do
		[ ! -c "$device" ] || break
	done
	[ -n "$device" ] || skip "there is no device that containers do not have anyway"
	number=$(stat -c 'c %Hr %Lr' "$device")
	start_box
	in_box sh -c "mknod /tmp/device $number"
	ok
	in_box sh -c ': </tmp/device'
	[ "$status" -ne 0 ] || fail "it should be out of reach"
	rb device add "$NAME" "$device:/etc/passwd/device"
	[ "$status" -ne 0 ] || fail "there is no such folder"
	in_box sh -c ': </tmp/device'
	[ "$status" -ne 0 ] || fail "it can be used"
}

@test "S23: whoever writes to the folder of --report and --pidfile holds up nobody" {
	mkdir "$DIR/shared"
	echo kept >"$DIR/shared/other"
	rb run --rm --report "$DIR/shared/report" -v "$DIR/shared:/data" \
		sh -c 'mkfifo /data/.report.new'
	ok
	jq -e '.exit_code == 0' "$DIR/shared/report" >/dev/null
	ln "$DIR/shared/other" "$DIR/shared/.pid.new"
	start_box --pidfile "$DIR/shared/pid"
	same "$(<"$DIR/shared/other")" kept
	until_true test -s "$DIR/shared/pid"
}

@test "S23: a tree that others may write to is not used" {
	mkdir -m 0777 "$DIR/theirs"
	chmod 0777 "$DIR/theirs"
	rb --root "$DIR/theirs" list
	[ "$status" -ne 0 ] || fail "it should be refused"
	error_names "$DIR/theirs"
	chmod 0711 "$DIR/theirs"
	chown 1234 "$DIR/theirs"
	rb --root "$DIR/theirs" list
	[ "$status" -ne 0 ] || fail "it should be refused"
	error_names "user 1234"
	same "$(ls "$DIR/theirs")" ""
}

@test "S23: other users cannot look into what is kept, whatever the umask" {
	umask 0
	start_box --env SECRET=1
	local path
	for path in containers names logs bundles images volumes networks run "overlay/$ID"; do
		same "$path $(stat -c %a "$RUSTBOX_ROOT/$path")" "$path 700"
	done
	same "$(stat -c %a "$RUSTBOX_ROOT")$(stat -c %a "$RUSTBOX_ROOT/overlay")" 711711
	for path in "containers/$ID.json" "bundles/$ID/config.json" run/events; do
		same "$path $(stat -c %a "$RUSTBOX_ROOT/$path")" "$path 600"
	done
	in_box sh -c umask
	same "$output" 0022
}

@test "S1: init of --init cannot be changed from inside" {
	start_box --init
	local before
	before=$(sha256sum <"$(dirname "$RUSTBOX")/rustbox-init")
	in_box sh -c 'echo x >/dev/init'
	[ "$status" -ne 0 ] || fail "it should be read-only"
	in_box sh -c 'echo x >/proc/1/exe'
	[ "$status" -ne 0 ] || fail "it should be read-only"
	same "$(sha256sum <"$(dirname "$RUSTBOX")/rustbox-init")" "$before"
}

@test "S13: a FIFO in place of /etc/passwd holds up no exec" {
	start_box
	in_box sh -c 'rm -f /etc/passwd && mkfifo /etc/passwd'
	ok
	rb exec --user somebody "$NAME" true
	[ "$status" -ne 0 ] && [ "$status" -ne 124 ] || fail "it should be refused"
	in_box true
	ok
}

@test "S28: what cannot be cleaned up ends a command with the reason, and not never" {
	start_box
	local state=$RUSTBOX_ROOT/run/$ID/rustbox/$ID
	kill -9 "$(supervisor_pid)"
	mount --bind "$state" "$state"
	rb rm --force "$NAME"
	umount "$state"
	[ "$status" -ne 0 ] && [ "$status" -ne 124 ] || fail "it should have failed"
	[[ $error == *"rustbox: "*"cleaning up after it failed"* ]] || fail "it should say why"
	rbok rm --force "$NAME"
}

@test "sandbox: an empty variable is no path, and not the caller's folder" {
	rb sandbox --bind ":/work" ls /work
	[ "$status" -ne 0 ] || fail "it should be refused"
	error_names --bind
}

@test "S22: other users get nothing from a supervisor's sockets, even if they reach them" {
	start_box
	local run=$RUSTBOX_ROOT/run/$ID socket
	for socket in "$run"/*.sock; do
		same "$(stat -c '%a %u' "$socket") $(stat -c '%a %u' "$run")" "600 0 700 0"
	done
	output=$("$PYTHON" -ES "$HERE/stranger.py" "$run"/*.sock 3>&- 4>&-)
	chmod 700 "$run"
	same "$(sort <<<"$output")" $'stream.sock closed\ntask.sock closed'
	in_box true
	ok
}

# The configuration of a container of the image $1, but for what bears its id.
configuration_of_image()
{
	rbok run -d --name "$NAME-$1" --image "$1:1" sh -c 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done'
	sed "s/$output/ID/g; s/$NAME-$1/NAME/g" "$RUSTBOX_ROOT/bundles/$output/config.json" | jq .
}

@test "S19 CVE-2026-53488: labels of an image choose no hook, logger, runtime, device or annotation" {
	local label labels=()
	for label in run.oci.keep_original_groups=1 run.oci.handler=krun run.oci.hooks.stderr=/etc/passwd \
		run.oci.delegate-cgroup=x run.oci.seccomp_fail_unknown_syscall=0 org.systemd.property.Delegate=true \
		"io.containerd.restart.loguri=binary:///bin/touch?$DIR/touched" io.kubernetes.cri.sandbox-id=x \
		cdi.k8s.io/x=vendor.com/gpu=0 io.containerd.runc.v2.group=x; do
		labels+=(-c "LABEL $label")
	done
	tar -C "$ROOTFS" -cf "$DIR/root.tar" .
	rbok import -q "$DIR/root.tar" plain:1
	rbok import -q "${labels[@]}" "$DIR/root.tar" hostile:1
	local plain hostile
	plain=$(configuration_of_image plain)
	hostile=$(configuration_of_image hostile)
	same "$hostile" "$plain"
	[ ! -e "$DIR/touched" ] || fail "a logger of the image's choice ran"
	rbok rm -f "$NAME-plain" "$NAME-hostile"
	rbok rmi plain:1 hostile:1
}
