#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `mounts add` and `mounts remove`: mounts of a container that runs.
# vm: no

load container

setup_running()
{
	payload wait
	start_waiting
	mkdir "$DIR/shared"
	echo host >"$DIR/shared/file"
}

# What the container sees of its mounts at a place.
mounted_at()
{
	awk -v at="$1" '$5 == at' "/proc/$(init_pid)/mountinfo"
}

# Mounts on the host of the test's files, or among them: others come and go.
host_mounts()
{
	grep -cF "$DIR/" /proc/self/mountinfo || :
}

@test "a folder and a file appear in the running container, and go" {
	setup_running
	local before
	before=$(host_mounts)
	try mounts add "$ID" "$DIR/shared" /made/here
	ok
	try mounts add "$ID" "$DIR/shared/file" /made-file
	ok
	same "$(host_mounts)" "$before"
	try exec "$ID" payload cat /made/here/file + cat /made-file + write /made/here/file NEW!
	ok
	same "$output" $'host\nhost\nok'
	same "$(<"$DIR/shared/file")" NEW!
	try mounts remove "$ID" /made/here
	ok
	try mounts remove "$ID" /made-file
	ok
	same "$(mounted_at /made/here)$(mounted_at /made-file)" ""
	try exec "$ID" payload ls /made/here
	same "$output" ""
	same "$(<"$DIR/shared/file")" NEW!
}

@test "options: read-only, nosuid; a tmpfs with a size" {
	setup_running
	try mounts -o ro -o nosuid add "$ID" "$DIR/shared" /data
	ok
	try exec "$ID" payload write /data/file x
	same "$output" EROFS
	[[ $(mounted_at /data) == *ro,nosuid* ]] || fail "the options should be there"
	try mounts --type tmpfs --option size=64k add "$ID" none /scratch
	ok
	[[ $(mounted_at /scratch) == *tmpfs*size=64k* ]] || fail "a tmpfs should be there"
	try mounts -o no-such-word add "$ID" "$DIR/shared" /other
	fails
	error_names no-such-word
}

@test "links in the container lead nowhere else" {
	mkdir -p "$B/rootfs/real"
	ln -s / "$B/rootfs/to-root"
	ln -s ../../../../.. "$B/rootfs/up"
	ln -s /proc/self/root "$B/rootfs/magic"
	ln -s "$DIR" "$B/rootfs/host"
	setup_running
	local target
	for target in /to-root /up /magic /proc/self/fd / ..; do
		try mounts add "$ID" "$DIR/shared" "$target"
		[ "$status" -ne 0 ] || fail "$target should be refused"
	done
	try mounts add "$ID" "$DIR/shared" /host/inside
	ok
	[ ! -e "$DIR/inside" ] || fail "it was made on the host"
	[ -d "$B/rootfs$DIR/inside" ]
}

@test "remove takes only what is mounted there, never what a link names" {
	setup_running
	ln -s /mnt-real "$B/rootfs/link"
	try mounts add "$ID" "$DIR/shared" /mnt-real
	ok
	try mounts remove "$ID" /link
	fails
	try mounts remove "$ID" /bin
	fails
	error_names /bin
	try mounts remove "$ID" /
	fails
	try mounts remove "$ID" /nothing
	fails
	error_names /nothing
	[ -n "$(mounted_at /mnt-real)" ]
}

@test "in a user namespace, and in a paused container" {
	user_namespace
	setup_running
	try mounts add "$ID" "$DIR/shared" /data
	ok
	try exec "$ID" payload cat /data/file
	same "$output" host
	try pause "$ID"
	ok
	try mounts remove "$ID" /data
	ok
	try resume "$ID"
	ok
	same "$(mounted_at /data)" ""
}

@test "mistakes: no such container, one that does not run, missing sources, wrong words" {
	try mounts add no-such "$DIR" /x
	fails
	error_names no-such
	setup_running
	try mounts add "$ID" "$DIR/nothing" /x
	fails
	error_names "$DIR/nothing"
	try mounts add "$ID" relative /x
	fails
	error_names relative
	try mounts add "$ID" "$DIR/shared" relative
	fails
	error_names relative
	try mounts change "$ID" a b
	fails
	try mounts add "$ID" "$DIR/shared"
	fails
	try kill "$ID" KILL
	wait_status stopped
	try mounts add "$ID" "$DIR/shared" /x
	fails
	error_names stopped
}
