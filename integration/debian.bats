#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A Debian root file system, made by debootstrap: its package manager, its shell
# with job control on a terminal, a thousand processes under limits.
#
# The tree is made once and kept in RUSTBOX_CACHE (default
# /var/tmp/rustbox-cache); each test has an overlay on it.
# vm: yes

# bats file_tags=vm

load container

CACHE=${RUSTBOX_CACHE:-/var/tmp/rustbox-cache}
SUITE=bookworm
# Typed into a shell: a command that reads the terminal, which only the
# foreground may. (What is typed is echoed: it must not look like what is
# waited for.)
READER="bash -c 'echo b\"\"egun; read x; echo g\"\"ot \$x'\\r"

# The tree's folder, as LOWER; skips where it is not there and cannot be made.
find_debian()
{
	local tree=$CACHE/debian-$SUITE
	# A virtual machine sees its host's cache below /.host.
	for LOWER in "$tree" "/.host$tree"; do
		[ ! -f "$LOWER/.complete" ] || return 0
	done
	LOWER=$tree
	[ -z "$RUSTBOX_IN_VM" ] || skip "the Debian tree is not in the host's cache"
	command -v debootstrap >/dev/null || skip "debootstrap is not installed"
	mkdir -p "$CACHE"
	(
		flock 9
		[ ! -f "$tree/.complete" ] || exit 0
		rm -rf "$tree.new" "$tree"
		debootstrap --variant=minbase "$SUITE" "$tree.new" >"$CACHE/debootstrap.log" 2>&1 </dev/null &&
			touch "$tree.new/.complete" && mv "$tree.new" "$tree"
	) 9>"$CACHE/lock" 3>&- 4>&- || skip "debootstrap failed (no mirror?): $(tail -n 1 "$CACHE/debootstrap.log")"
}

setup()
{
	find_debian
	container_setup
	rm -rf "$B/rootfs"
	mkdir "$B/rootfs" "$DIR/upper" "$DIR/work"
	mount -t overlay -o "lowerdir=$LOWER,upperdir=$DIR/upper,workdir=$DIR/work" overlay "$B/rootfs"
	config '.process.capabilities |= map_values(. + ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID"])
		| .process.env += ["TERM=dumb", "PS1=$ "]'
	OVERLAY=1
}

teardown()
{
	local failed=0 state
	# The overlay is ours: it goes before the look for what is left.
	for state in "$ROOT"/*/; do
		[ ! -d "$state" ] || rt delete --force "$(basename "$state")" 3>&- || failed=1
	done
	[ -z "$OVERLAY" ] || umount "$B/rootfs" || {
		umount -l "$B/rootfs"
		failed=1
	}
	container_teardown || failed=1
	return $failed
}

@test "apt-get --version" {
	command_is apt-get --version
	try run --bundle "$B" "$ID"
	ok
	matches '^apt [0-9]+\.[0-9]+'
	same "$error" ""
}

@test "dpkg, perl and a pipeline of Debian's programs" {
	command_is bash -ec 'dpkg-query -W -f "\${Package}\n" | sort | grep -x bash; perl -e "print 6*7, qq(\n)";
		ls -l /proc/self/fd | wc -l; id -un; . /etc/os-release; echo $ID'
	try run --bundle "$B" "$ID"
	ok
	lines bash 42 root debian
}

@test "an interactive bash with job control on a terminal" {
	config '.process.terminal = true'
	command_is bash --norc --noediting -i
	on_pty --size 30x100 'expect:$ ' 'send:stty size\r' 'expect:30 100' 'expect:$ ' \
		"send:bash -c 'echo b\"\"egun; exec sleep 100'\\r" expect:begun 'send:\x1a' expect:Stopped 'expect:$ ' \
		'send:jobs\r' expect:Stopped 'expect:$ ' 'send:bg\r' 'expect:$ ' 'send:jobs\r' expect:Running 'expect:$ ' \
		'send:kill -INT %1; wait %1; echo code $?\r' 'expect:code 130' 'expect:$ ' \
		"send:$READER" expect:begun 'send:\x1a' expect:Stopped 'expect:$ ' \
		'send:fg\r' expect:bash 'send:text\r' 'expect:got text' 'expect:$ ' \
		resize:20x60 'send:stty size\r' 'expect:20 60' \
		'send:sleep 0.1 & wait; echo wa""ited\r' expect:waited 'expect:$ ' 'send:exit 5\r' end -- \
		"$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	lines "exit 5" "terminal restored"
	# bash says so when it has no job control.
	says_not "no job control" "cannot set terminal process group"
}

@test "bash on a terminal by exec --tty" {
	command_is sleep 1000
	launch run --detach --bundle "$B" "$ID"
	ok
	on_pty 'expect:$ ' "send:$READER" expect:begun 'send:\x1a' expect:Stopped 'expect:$ ' \
		'send:fg\r' expect:bash 'send:text\r' 'expect:got text' 'expect:$ ' 'send:exit 6\r' end -- \
		"$RUNTIME" --root "$ROOT" exec --tty "$ID" bash --norc --noediting -i
	lines "exit 6" "terminal restored"
	says_not "no job control"
}

@test "a thousand processes at once, under a pids and a memory limit" {
	need_controller pids
	need_controller memory
	config '.linux.resources += {pids: {limit: 1100}, memory: {limit: 1073741824}}'
	command_is bash -ec 'mkfifo /gate; exec 5<>/gate
		for i in {1..1000}; do read -r _ <&5 & done
		ls -d /proc/[0-9]* | wc -l; echo all there; printf "\n%.0s" {1..1000} >&5; wait; echo all gone'
	launch run --detach --bundle "$B" "$ID"
	ok
	PATIENCE=120 wait_output "all gone"
	container_output
	lines "all there"
	[ "$(head -n 1 <<<"$output")" -gt 1000 ] || fail "fewer than a thousand"
	same "$(grep -c . <<<"$error")" 0
	wait_status stopped
}

@test "a thousand processes do not come where three hundred may be" {
	need_controller pids
	config '.linux.resources += {pids: {limit: 300}, memory: {limit: 268435456}}
		| .mounts += [{destination: "/payload", type: "bind", source: $p, options: ["bind", "ro"]}]
		| .process.args = ["/payload", "forkbomb", "1000"]' --arg p "$PAYLOAD"
	TRY_SECONDS=120 try run --bundle "$B" "$ID"
	ok
	lines "forked 299 EAGAIN" "reaped 299"
}
