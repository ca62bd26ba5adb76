# SPDX-License-Identifier: Apache-2.0
# What the suites with a Debian root file system share, after container.bash.
#
# The tree is made once by debootstrap and kept in RUSTBOX_CACHE (default
# /var/tmp/rustbox-cache); each test has an overlay on it, at B/rootfs.
# shellcheck shell=bash

CACHE=${RUSTBOX_CACHE:-/var/tmp/rustbox-cache}
SUITE=bookworm

# What a user types into an interactive bash, and what has to come back. What is
# typed is echoed: it must not look like what is waited for.
# A command that reads the terminal, which only the foreground may:
READER="bash -c 'echo b\"\"egun; read x; echo g\"\"ot \$x'\\r"
# A client may set the terminal's size only after the start.
SIZE_STEPS=('expect:$ ' 'send:until [ "$(stty size)" = "30 100" ]; do sleep 0.05; done; echo si""ze one\r'
	'expect:size one' 'expect:$ ')
STOP_STEPS=("send:bash -c 'echo b\"\"egun; exec sleep 100'\\r" expect:begun 'send:\x1a' expect:Stopped 'expect:$ '
	'send:jobs\r' expect:Stopped 'expect:$ ' 'send:bg\r' 'expect:$ ' 'send:jobs\r' expect:Running 'expect:$ '
	'send:kill -INT %1; wait %1; echo code $?\r' 'expect:code 130' 'expect:$ ')
READ_STEPS=("send:$READER" expect:begun 'send:\x1a' expect:Stopped 'expect:$ '
	'send:fg\r' expect:bash 'send:text\r' 'expect:got text' 'expect:$ ')
RESIZE_STEPS=(resize:20x60 'send:until [ "$(stty size)" = "20 60" ]; do sleep 0.05; done; echo si""ze two\r'
	'nudge:size two' 'expect:$ ')
WAIT_STEPS=('send:sleep 0.1 & wait; echo wa""ited\r' expect:waited 'expect:$ ')

# Prints how many processes there are at once, of a thousand and some more.
THOUSAND='mkfifo /gate; exec 5<>/gate
	for i in {1..1000}; do read -r _ <&5 & done
	ls -d /proc/[0-9]* | wc -l; echo all there; printf "\n%.0s" {1..1000} >&5; wait; echo all gone'

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

# The tree in the place of the bundle's root file system.
debian_mount()
{
	rm -rf "$B/rootfs"
	mkdir "$B/rootfs" "$DIR/upper" "$DIR/work"
	mount -t overlay -o "lowerdir=$LOWER,upperdir=$DIR/upper,workdir=$DIR/work" overlay "$B/rootfs"
	OVERLAY=1
}

# The overlay is ours: it goes before the look for what is left.
debian_unmount()
{
	[ -n "$OVERLAY" ] || return 0
	umount "$B/rootfs" || {
		umount -l "$B/rootfs"
		return 1
	}
}
