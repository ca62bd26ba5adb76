# SPDX-License-Identifier: Apache-2.0
# What the suites of the Docker-like front end share: a tree of its own for each
# test, calls, and the proof at the end that nothing is left: no process, mount,
# cgroup, file. Assertions are container.bash's. Tests run in a folder with a
# ./rootfs, the root file system of those that name none.
# shellcheck shell=bash

. "${RUSTBOX_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}/integration/container.bash"
RUSTBOX=${RUSTBOX:-${RUSTBOX_BUILD:-$TOP/build/release}/rustbox}

# ---- set-up -------------------------------------------------------------------

setup_file()
{
	[ -x "$RUSTBOX" ] || {
		echo "there is no program '$RUSTBOX' (make, or set RUSTBOX)" >&2
		return 1
	}
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
}

setup()
{
	rustbox_setup
}

# DIR is the test's folder. NAME, and $NAME-…, are for its containers.
rustbox_setup()
{
	DIR=$BATS_TEST_TMPDIR
	TAG=rbx-$$-$BATS_TEST_NUMBER-$RANDOM
	NAME=box-$RANDOM
	# leaks.bash: no state of the runtime's but ours
	ROOT=$DIR/none
	ROOTFS=$BATS_FILE_TMPDIR/rootfs
	mkdir "$DIR/tmp"
	export RUSTBOX_ROOT=$DIR/root RUSTBOX_TEST_TAG=$TAG TMPDIR=$DIR/tmp
	unset NOTIFY_SOCKET LISTEN_FDS LISTEN_PID XDG_RUNTIME_DIR
	cd "$BATS_FILE_TMPDIR" || return 1
	status='' output='' error=''
	remember_before
}

teardown()
{
	rustbox_teardown
}

rustbox_teardown()
{
	local id failed=0
	for id in $(container_ids); do
		try_rustbox remove --force --volumes "$id"
		[ "$status" -eq 0 ] || {
			echo "remove --force $id: status $status: $error"
			failed=1
		}
	done
	# A failed test has its own tale to tell.
	if [ -n "$BATS_TEST_SKIPPED" ] || [ -z "$BATS_TEST_COMPLETED" ]; then
		force_clean_rustbox
		return 0
	fi
	assert_nothing_left || failed=1
	[ $failed -eq 0 ] || force_clean_rustbox
	return $failed
}

container_ids()
{
	local path
	for path in "$RUSTBOX_ROOT"/bundles/*/; do
		[ ! -d "$path" ] || basename "$path"
	done
}

# ---- what is left ---------------------------------------------------------------

# The ids of all containers that there have been.
past_ids()
{
	cat "$RUSTBOX_ROOT"/run/events{.1,} 2>/dev/null |
		jq -r 'select(.type == "container" and .action == "create") | .id'
}

past_cgroups()
{
	local ids
	ids=$(past_ids)
	[ -n "$ids" ] || return 0
	find /sys/fs/cgroup -depth -type d -path '*/rustbox/*' | grep -wF "$ids"
}

# Processes whose root is an overlay of the test's, which a supervisor's tag does not reach.
contained_processes()
{
	local path
	for path in $(grep -ls " / / .* overlay .*$DIR/root" /proc/[0-9]*/mountinfo); do
		path=${path#/proc/}
		echo "${path%%/*}"
	done
}

eval "$(declare -f leftovers | sed '1s/leftovers/machine_leftovers/')"
leftovers()
{
	local line folder
	machine_leftovers
	for line in $(contained_processes); do
		echo "process $line in a container"
	done
	for line in $(past_cgroups); do
		echo "cgroup: $line"
	done
	for folder in containers names logs overlay bundles checkpoints run; do
		for line in "$RUSTBOX_ROOT/$folder"/* "$RUSTBOX_ROOT/$folder"/.[!.]*; do
			[[ $line == */run/events* ]] || { [ ! -e "$line" ] && [ ! -L "$line" ]; } ||
				echo "file: $line"
		done
	done
}

force_clean_rustbox()
{
	local pid path
	force_clean
	for pid in $(contained_processes); do
		kill -9 "$pid" 2>/dev/null
	done
	for path in $(past_cgroups); do
		rmdir "$path" 2>/dev/null
	done
	grep -F " $DIR/" /proc/self/mountinfo | awk '{ print $5 }' | tac | while read -r path; do
		umount -l "$path" 2>/dev/null
	done
	return 0
}

# ---- calls ----------------------------------------------------------------------

# As container.bash's try, with any standard input.
try_rustbox()
{
	status=0
	timeout -k 5 "${TRY_SECONDS:-100}" "$RUSTBOX" "$@" >"$DIR/out" 2>"$DIR/err" 3>&- 4>&- ||
		status=$?
	read_streams "$DIR/out" "$DIR/err"
}

# rb ARGUMENTS...: status, output, error
rb()
{
	try_rustbox "$@" </dev/null
}

# The same, which must succeed.
rbok()
{
	rb "$@"
	ok
}

# A container that waits, in the background: start_box [OPTIONS...]; ID is its id. It
# ends at once when it is asked to.
start_box()
{
	rbok run -d --name "$NAME" "$@" sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 1000 & wait; done'
	ID=$output
	[[ $ID =~ ^[0-9a-f]{12}$ ]] || fail "should print an id"
	until_true box_says up
}

box_says()
{
	grep -qF -- "$1" "$RUSTBOX_ROOT/logs/$ID/stdout.log" 2>/dev/null
}

# One of the container's members: box_state .State.Status [NAME]
box_state()
{
	"$RUSTBOX" inspect "${2:-$NAME}" 3>&- | jq -r ".[0]$1"
}

# "Created", "Running", … as list shows them.
box_status()
{
	jq -r .state.status "$RUSTBOX_ROOT/containers/$1.json" 2>/dev/null ||
		jq -r .state.status "$RUSTBOX_ROOT/run/$1/container.json"
}

box_is()
{
	[ "$(box_status "$ID")" = "$1" ]
}

# Not what it has just forked, which bears its name until it executes something.
supervisor_pid()
{
	local pid
	pid=$(pgrep -o -f "supervise $ID\$")
	[ -n "$pid" ] || fail "there is no supervisor" >&2
	echo "$pid"
}
