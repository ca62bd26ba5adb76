#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The watchman watched: what assert_nothing_left looks for, it finds.
# vm: no

load container

found()
{
	local left
	left=$(leftovers)
	[[ $left == *"$1"* ]] || fail "not found: $1 (but: $left)"
}

@test "nothing is found where nothing is" {
	same "$(leftovers)" ""
}

@test "a process by its environment, by its arguments, by its root" {
	sleep 300 3>&- 4>&- &
	found "process $!"
	kill $!
	wait 2>/dev/null || :
	(
		unset RUSTBOX_TEST_TAG
		exec env -i /bin/sh -c "sleep 300; : $TAG" 3>&- 4>&-
	) &
	found "process $!"
	until_true pkill -P $!
	wait 2>/dev/null || :
	env -i unshare --mount --propagation private sh -ec '
		mount --bind "$1" "$1"; cd "$1"; pivot_root . . && umount -l .
		exec /bin/sleep 300' sh "$B/rootfs" 3>&- 4>&- &
	by_root() { [ "$(cat "/proc/$!/comm")" = sleep ]; }
	until_true by_root
	found "process $!"
	kill $!
	wait 2>/dev/null || :
	same "$(leftovers)" ""
}

@test "a mount, a cgroup, a file of the state, a temporary file" {
	mount -t tmpfs tmpfs "$B/rootfs/mnt"
	found mount:
	umount "$B/rootfs/mnt"
	local dir
	dir=$(cgroup_dir pids)
	mkdir "$dir"
	found cgroup:
	rmdir "$dir"
	mkdir -p "$ROOT/x"
	found "file: $ROOT/x"
	rmdir "$ROOT/x"
	touch "$DIR/tmp/x"
	found "file: $DIR/tmp/x"
	rm "$DIR/tmp/x"
}

@test "a descriptor" {
	exec 77</dev/null
	! assert_nothing_left >/dev/null || fail "not found"
	exec 77<&-
	assert_nothing_left
}
