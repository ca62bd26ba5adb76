#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Somebody who shares a part of a container's root swaps folders there for links
# that lead to the host, all the time, while containers are made: the host stays
# as it is (S4; CVE-2021-30465, CVE-2024-45310, CVE-2025-52881 and their like).
# LONG=1 for a minute each instead of two seconds.
# vm: no

load container

setup()
{
	is_ours || skip "of our own runtime only"
	container_setup
	# What a link of the root leads to: with the same names, so that nothing fails early.
	mkdir -p "$DIR/victim/b/c" "$B/rootfs/a/b/c"
	echo victim | tee "$DIR/victim/b/file" "$DIR/victim/b/c/file" >/dev/null
	echo image | tee "$B/rootfs/a/b/file" "$B/rootfs/a/b/c/file" >/dev/null
	ln -s "$DIR/victim" "$B/rootfs/evil"
	payload print ran
	seen_before=$(look)
}

teardown()
{
	[ -z "$SWAPPER" ] || kill "$SWAPPER" 2>/dev/null || :
	container_teardown
}

# All of the victim: names, kinds, modes, owners, times, contents; what is mounted there.
look()
{
	(cd "$DIR/victim" && find . -printf '%p %y %m %U:%G %C@ %l\n' | sort && cat b/file b/c/file)
	grep -F "$DIR/victim" /proc/self/mountinfo || :
}

# Runs containers while $1 and $2, below the root, change places: for a while, and
# a few at least.
race()
{
	local seconds=2 end ran=0 runs=0
	[ "$LONG" = 0 ] || seconds=60
	"$PAYLOAD" swap "$B/rootfs/$1" "$B/rootfs/$2" >/dev/null 3>&- 4>&- &
	SWAPPER=$!
	end=$((${EPOCHREALTIME/./} + seconds * 1000000))
	while [ ${EPOCHREALTIME/./} -lt $end ] || [ $runs -lt 4 ]; do
		try run --bundle "$B" "$ID"
		[ "$status" -ne 124 ] || fail "hangs"
		[ "$status" -ne 0 ] || { same "$output" ran && ran=$((ran + 1)); }
		runs=$((runs + 1))
		same "$(look)" "$seen_before"
	done
	kill -0 $SWAPPER || fail "nobody has swapped"
	kill $SWAPPER
	wait $SWAPPER 2>/dev/null || :
	SWAPPER=
	echo "# $runs runs, $ran of them came through" >&3
	assert_nothing_left
}

@test "S4 targets of mounts, there and to be made: a folder before them becomes a link" {
	mkdir "$DIR/shared"
	config '.mounts += [
		{destination: "/a/b/c", type: "tmpfs", source: "tmpfs"},
		{destination: "/a/b/new/target", type: "bind", source: $s, options: ["bind"]},
		{destination: "/a/b/file", type: "bind", source: ($s + "/../bundle/config.json"), options: ["bind", "ro"]}]' \
		--arg s "$DIR/shared"
	race a evil
}

@test "S4 masked and read-only paths, devices, the working directory: the same" {
	config '.linux.maskedPaths += ["/a/b/c", "/a/b/file"] | .linux.readonlyPaths += ["/a/b"]
		| .linux.devices = [{path: "/a/b/device", type: "c", major: 1, minor: 3, fileMode: 438}]
		| .process.cwd = "/a/b/c"'
	race a evil
}

@test "S5 S11 /proc, /sys and /dev of the image become links" {
	ln -s "$DIR/victim" "$B/rootfs/link"
	local folder
	for folder in proc sys dev; do
		race $folder link
	done
}

@test "S4 the target of a mount itself becomes a link, and a link a folder" {
	config '.mounts += [{destination: "/a/b/c/deep/er", type: "tmpfs", source: "tmpfs"}]'
	ln -s "$DIR/victim/b/c" "$B/rootfs/a/b/evil"
	race a/b/c a/b/evil
}

# What a process of the container may do to what exec looks up there.
@test "S4 S8 S13 the folders of passwd, of the program and of the working directory while exec comes in" {
	local i
	mkdir "$B/rootfs/there" "$B/rootfs/there/bin"
	cp -l "$B/rootfs/bin/payload" "$B/rootfs/there/bin/mine"
	rm "$B/rootfs/evil"
	ln -s "$DIR/victim" "$B/rootfs/evil"
	config '.process.env = ["PATH=/there/bin:/bin", "RUSTBOX_TEST_TAG=" + $t]' --arg t "$TAG"
	start_waiting
	"$PAYLOAD" swap "$B/rootfs/there" "$B/rootfs/evil" >/dev/null 3>&- 4>&- &
	SWAPPER=$!
	for i in {1..40}; do
		try exec --cwd /there/bin "$ID" mine print ran
		[ "$status" -ne 0 ] || same "$output" ran
		same "$(look)" "$seen_before"
	done
	kill $SWAPPER
	wait $SWAPPER 2>/dev/null || :
	SWAPPER=
}
