# SPDX-License-Identifier: Apache-2.0
# What the suites of clients above containerd need, after containerd.bash: a
# daemon in a network namespace of its own, so that the plugins' bridges and
# firewall rules are gone with it; and the proof that no container has left
# anything where a client chooses ids and names. What has been created is read
# from the daemon's events.
# shellcheck shell=bash

# ---- the network ----------------------------------------------------------------

# The file's containerds get a network of their own. To be called before the
# first one starts. NETWORK holds it, also from one containerd to the next.
daemon_own_network()
{
	local containerd
	containerd=$(command -v containerd)
	export NETWORK=$BATS_FILE_TMPDIR/network
	touch "$NETWORK"
	unshare --net="$NETWORK" ip link set lo up
	mkdir -p "$BATS_FILE_TMPDIR/bin"
	PATH=$BATS_FILE_TMPDIR/bin:$PATH
	daemon_program containerd "$containerd"
}

daemon_own_network_end()
{
	umount "$NETWORK"
}

# daemon_program NAME COMMAND...: a program in that network.
daemon_program()
{
	local name=$1
	shift
	cat >"$BATS_FILE_TMPDIR/bin/$name" <<-SCRIPT
	#!/bin/sh
	exec nsenter --net=$NETWORK -- $* "\$@"
	SCRIPT
	chmod +x "$BATS_FILE_TMPDIR/bin/$name"
}

# A command of ours, there.
in_network()
{
	nsenter --net="$NETWORK" -- "$@" 3>&- 4>&-
}

# ---- nothing is left --------------------------------------------------------------

# Notes all that is created from now on. To be ended with the daemon.
daemon_watch()
{
	command ctr --address "$CD/containerd.sock" events >"$CD/events" 2>&1 </dev/null 3>&- 4>&- &
	echo $! >"$CD/events.pid"
	disown
	until_true daemon_tells
}

# An event of our own shows that it listens.
daemon_tells()
{
	ctr namespace label "$CONTAINERD_NAMESPACE" "rbt=$RANDOM$RANDOM" >/dev/null
	[ -s "$CD/events" ]
}

daemon_watch_end()
{
	[ ! -s "$CD/events.pid" ] || kill "$(<"$CD/events.pid")" || :
}

# What the daemon has complained about since the test began.
daemon_log_mark()
{
	LOG_MARK=$(stat -c %s "$CD/log")
}

daemon_complaints()
{
	tail -c +"$((LOG_MARK + 1))" "$CD/log" | grep -E 'level=(error|fatal)' | grep -v 'msg="copy shim log"' |
		cut -c-400 | tail -n 8
}

# NAMESPACE/ID of each container that there has been, a line each.
daemon_created()
{
	sed -n -E 's,.* UTC ([^ ]+) /containers/create \{"id":"([^"]+)".*,\1/\2,p' "$CD/events"
}

# The file's processes that are no child of a test: shims, runtimes, loggers.
daemon_processes()
{
	local path pid line
	for path in $(
		unset RUSTBOX_TEST_TAG TMPDIR
		grep -lsaFf /dev/stdin /proc/[0-9]*/cmdline <<<"$BATS_FILE_TMPDIR/"
	); do
		pid=${path#/proc/} pid=${pid%%/*}
		line=$(tr '\0' ' ' 2>/dev/null <"$path") || continue
		case $line in
		*"containerd --config "* | "ctr --address "*" events "* | "") ;;
		*) echo "process $pid: $line" ;;
		esac
	done
}

# Shims' sockets, bundles, states. The folders of a namespace stay.
daemon_leftovers()
{
	local name path sum
	daemon_processes
	for name in $(daemon_created); do
		sum=$(printf %s "$CD/containerd.sock/$name" | sha256sum)
		for path in "$SOCKETS/${sum%% *}" "$CD/state/io.containerd.runtime.v2.task/$name" \
			"$CD/root/io.containerd.runtime.v2.task/$name" /run/containerd/{rustbox,runc}/"$name"; do
			[ ! -e "$path" ] || echo "file: $path"
		done
	done
	grep -F " $CD/state/" /proc/self/mountinfo | sed 's/^/mount: /'
	ctr container ls -q | sed 's/^/container: /'
	ctr task ls -q | sed 's/^/task: /'
}
