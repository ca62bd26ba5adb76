#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# integration/mutate, which proves that tests can fail, in a small tree of its own.
# vm: no

HERE=${RUSTBOX_HERE:-$(cd "$(dirname "$BATS_TEST_FILENAME")" && pwd)}

# Its one test passes as long as both files say so.
setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir -p integration/mutations
	cp "$HERE/mutate" integration/
	echo 'passes=yes' >one
	echo 'passes_too=yes' >two
	printf 'build/debug/t: one two\n\tmkdir -p build/debug\n\t(%s; cat one two; %s) >$@\n\tchmod +x $@\n' \
		"echo '#!/bin/sh'" "echo '[ \$\$passes = yes ] && [ \$\$passes_too = yes ]'" >Makefile
	git init -q
	echo build >.gitignore
	mutation one 's/passes=yes/passes=no/' one
	mutation in-both 's/passes=yes/passes=no/' "one two"
	mutation harmless 's/$/ # a comment/' one
}

mutation()
{
	echo "broken='it' file='$3' edit='$2' unit=t" >"integration/mutations/$1"
}

@test "what breaks is noticed, what does not is not" {
	run integration/mutate one
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "1 noticed, 0 not" ]
	run integration/mutate harmless
	[ "$status" -ne 0 ]
	[[ ${lines[0]} == *"NOT NOTICED" ]]
}

@test "an edit that changes nothing in one of its files is told, and leaves none broken" {
	run integration/mutate in-both one
	[ "$status" -ne 0 ]
	[[ ${lines[0]} == *"changes nothing in two" ]]
	[[ ${lines[1]} == *noticed ]]
	cmp one build/mutants/one
}

@test "what an earlier run has left broken is put right" {
	run integration/mutate one
	[ "$status" -eq 0 ]
	echo 'passes=no' >build/mutants/one
	run integration/mutate one
	[ "$status" -eq 0 ]
}

@test "each mutation of ours still finds what it breaks" {
	local mutation path stale=
	cd "$HERE/.." || return 1
	for mutation in integration/mutations/*; do
		# shellcheck disable=SC1090 # they are files of variables
		. "$mutation"
		for path in $file; do
			! sed -E "$edit" "$path" | cmp -s - "$path" || stale+=" ${mutation##*/}:$path"
		done
	done
	echo "they change nothing:$stale"
	[ -z "$stale" ]
}
