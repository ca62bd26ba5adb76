#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `rustbox mount`, `rustbox device`, `rustbox update`: what a container that exists
# gets and loses, at once and for its coming runs.

load rustbox

in_box()
{
	rb exec "$NAME" "$@"
}

@test "mount add: at once, after a restart, and gone after mount remove" {
	mkdir "$DIR/data"
	echo one >"$DIR/data/file"
	start_box
	rbok mount add "$NAME" "$DIR/data:/data:ro"
	in_box cat /data/file
	same "$output" one
	in_box sh -c 'echo x >/data/new'
	[ "$status" -ne 0 ] || fail "it should be read-only"
	rbok restart -t 0 "$NAME"
	in_box cat /data/file
	same "$output" one
	rbok mount remove "$NAME" /data
	in_box test -e /data/file
	exits 1
	rbok restart -t 0 "$NAME"
	in_box test -e /data/file
	exits 1
	same "$(cat "$DIR/data/file")" one
}

@test "mount add to one that does not run, with a user namespace" {
	mkdir "$DIR/data"
	echo one >"$DIR/data/file"
	rbok create --isolate-user --name "$NAME" cat /data/file
	rbok mount add "$NAME" "$DIR/data:/data"
	rb start -a "$NAME"
	ok
	same "$output" one
}

@test "mount: mistakes change nothing" {
	start_box
	local before
	before=$(md5sum <"$RUSTBOX_ROOT/bundles/$ID/config.json")
	rb mount add "$NAME" "$DIR/nothing:/data"
	[ "$status" -ne 0 ]
	error_names "$DIR/nothing"
	rb mount add "$NAME" "$DIR:/proc"
	[ "$status" -ne 0 ]
	rb mount add "$NAME" "volume:/data"
	[ "$status" -ne 0 ]
	rb mount add "$NAME" "$DIR:/data:no-such-option"
	[ "$status" -ne 0 ]
	error_names no-such-option
	rb mount remove "$NAME" /nothing
	[ "$status" -ne 0 ]
	error_names /nothing
	rb mount remove "$NAME" /proc
	[ "$status" -ne 0 ]
	rb mount add no-such "$DIR:/data"
	[ "$status" -ne 0 ]
	error_names no-such
	same "$(md5sum <"$RUSTBOX_ROOT/bundles/$ID/config.json")" "$before"
}

@test "update --env, --env-rm: every exec and the next run have it; what runs keeps its own" {
	start_box -e OLD=1 -e GONE=2
	LEVEL=here rbok update -e OLD=3 -e "NEW=a b=c" -e LEVEL --env-rm GONE "$NAME"
	in_box sh -c 'echo "$OLD|$NEW|$LEVEL|${GONE-none}"'
	same "$output" "3|a b=c|here|none"
	in_box sh -c "tr '\\0' '\\n' </proc/1/environ | grep -c -e ^OLD=1 -e ^GONE=2"
	same "$output" 2
	rbok inspect -f '{{json .Config.Env}}' "$NAME"
	[[ $output == *'"OLD=3"'*'"NEW=a b=c"'* && $output != *GONE* ]] || fail "inspect: $output"
	rbok restart -t 0 "$NAME"
	in_box sh -c "tr '\\0' '\\n' </proc/1/environ | grep -c -e ^OLD=3 -e '^NEW=a b=c' -e ^LEVEL=here -e ^GONE"
	same "$output" 3
	rbok kill "$NAME"
	rbok wait "$NAME"
	rbok update -e OLD=4 "$NAME"
	rbok restart "$NAME"
	in_box sh -c 'echo "$OLD"'
	same "$output" 4
}

@test "update --env: mistakes change nothing" {
	start_box -e OLD=1
	local before
	before=$(md5sum <"$RUSTBOX_ROOT/bundles/$ID/config.json")
	rb update --env-rm NONE "$NAME"
	exits 1
	error_names NONE
	rb update -e OLD=2 -e =3 "$NAME"
	exits 1
	error_names NAME=VALUE
	rb update -e NOT_SET_ANYWHERE "$NAME"
	exits 1
	error_names NOT_SET_ANYWHERE --env-rm
	rb update -p 8080:80 "$NAME"
	exits 1
	error_names "--network host"
	rb update -v "$DIR/nothing:/data" "$NAME"
	exits 1
	error_names "$DIR/nothing"
	same "$(md5sum <"$RUSTBOX_ROOT/bundles/$ID/config.json")" "$before"
}

@test "update --volume: the same as mount add" {
	mkdir "$DIR/data"
	echo one >"$DIR/data/file"
	start_box
	rbok update -v "$DIR/data:/data:ro" "$NAME"
	in_box cat /data/file
	same "$output" one
	rbok restart -t 0 "$NAME"
	in_box cat /data/file
	same "$output" one
	in_box sh -c 'echo x >/data/new'
	[ "$status" -ne 0 ] || fail "it should be read-only"
}

@test "device add and remove: the node and the right to use it" {
	[ -c /dev/fuse ] || [ -c /dev/net/tun ] || skip "there is no device that containers do not have anyway"
	local device=/dev/fuse
	[ -c $device ] || device=/dev/net/tun
	start_box
	in_box sh -c "true <$device"
	[ "$status" -ne 0 ]
	rbok device add "$NAME" "$device:/dev/mine:rw"
	in_box sh -c 'true <>/dev/mine'
	ok
	rbok restart -t 0 "$NAME"
	in_box sh -c 'true <>/dev/mine'
	ok
	rbok device remove "$NAME" /dev/mine
	in_box sh -c 'true <>/dev/mine'
	[ "$status" -ne 0 ] || fail "it should not be allowed any more"
	rbok restart -t 0 "$NAME"
	in_box test -e /dev/mine
	exits 1
	# The default ones are as they were.
	in_box sh -c 'head -c 1 /dev/zero >/dev/null'
	ok
}

@test "device: mistakes" {
	start_box
	rb device add "$NAME" /dev/no-such-device
	[ "$status" -ne 0 ]
	error_names /dev/no-such-device
	rb device add "$NAME" /etc/passwd
	[ "$status" -ne 0 ]
	error_names "no device"
	rb device remove "$NAME" /dev/no-such-device
	[ "$status" -ne 0 ]
	rb device add "$NAME" /dev/null:/dev/x:q
	[ "$status" -ne 0 ]
}
