#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How many instructions the processor executes for what no kernel does for us.
# Unlike times these numbers are the same on a busy machine; they depend on the
# compiler and the C library, so that they may be exceeded by a quarter. Who
# makes it cheaper writes the new ones down.
# vm: no

load container

setup()
{
	command -v valgrind >/dev/null || skip "valgrind is missing"
	[ "$(uname -m)" = x86_64 ] || skip "the numbers are of x86_64"
	container_setup
}

# executes MOST KIND FILE
executes()
{
	local -i count most=$1
	status=0
	timeout 60 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		--toggle-collect=measured "$TOP/build/release/instructions" "$2" "$3" \
		>"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	ok
	count=$(sed -n 's/^.*Collected : //p' "$DIR/err")
	echo "# $count of $most instructions" >&3
	[ $count -le $((most * 5 / 4)) ] || fail "$count instructions instead of $most"
	[ $count -ge $((most / 4)) ] || fail "$count instructions: that cannot be all"
}

# config FILTER [jq's options]: the default configuration, changed.
with_config()
{
	local filter=$1
	shift
	"$RUNTIME" spec --bundle "$DIR"
	jq "$filter" "$@" <"$DIR/config.json" >"$DIR/changed.json"
}

@test "a configuration of 1 MB" {
	with_config '.annotations = ([range(10000) | {"key": "org.example.annotation.\(.)",
		"value": ("0123456789" * 6)}] | from_entries)'
	executes 24450000 config "$DIR/changed.json"
}

@test "a configuration with an engine's seccomp profile" {
	with_config '.linux.seccomp = $profile[0]' --slurpfile profile "$HERE/bench/seccomp.json"
	executes 653000 config "$DIR/changed.json"
}

@test "the key of that profile" {
	with_config '.linux.seccomp = $profile[0]' --slurpfile profile "$HERE/bench/seccomp.json"
	executes 670000 profile "$DIR/changed.json"
}

@test "a thousand requests packed and read" {
	executes 2716000 frames /dev/null
}
