#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The shim's server is killed (SIGKILL) at each of its own system calls and at
# each of those that it has started, in every call that makes or takes away
# something: the `delete` action and the removal of the bundle leave nothing
# (shim_faults.py). LONG=1 takes each step, else there are samples.
# vm: no

load container
load shim_client.bash

RELEASE=${RUSTBOX_BUILD:-$TOP/build/release}

setup_file()
{
	export SHIM=$RELEASE/containerd-shim-rustbox-v1 KILL_AT=$RELEASE/kill_at \
		FAIL_AT=$RELEASE/fail_at
	[ -x "$SHIM" ] && [ -x "$KILL_AT" ] || {
		echo "there is no shim, or no kill_at (make)" >&2
		return 1
	}
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
}

setup()
{
	container_setup
	mkdir "$ROOT"
}

teardown()
{
	rmdir "$ROOT/ns-$TAG" 2>/dev/null || :
	container_teardown
}

# each_failure ARGUMENTS...: of fail_in_each(), once for each.
each_failure()
{
	local program='from shim_faults import *' arguments
	for arguments; do
		program+="; fail_in_each($arguments)"
	done
	[ "$LONG" = 0 ] || local TRY_SECONDS=1500
	python <<<"$program"
}

# each_step ARGUMENTS...: of kill_at_each(), once for each.
each_step()
{
	local program='from shim_faults import *' arguments
	for arguments; do
		program+="; kill_at_each($arguments)"
	done
	[ "$LONG" = 0 ] || local TRY_SECONDS=1500
	python <<<"$program"
}

@test "Create: the server is killed at its system calls" {
	each_step '"create", stride=13, least=15'
}

@test "Create: the server is killed while mounts and the runtime are at theirs" {
	each_step '"create", children=True, stride=111, least=10'
}

@test "Create with a terminal" {
	each_step '"create", stride=25, terminal=True, least=8' \
		'"create", children=True, terminal=True, stride=301, least=4'
}

@test "Start" {
	each_step '"start", stride=9, least=4' '"start", children=True, stride=25, least=5'
}

@test "Start of an exec" {
	each_step '"exec", stride=9, least=4' '"exec", children=True, stride=91, least=5'
}

@test "Delete" {
	each_step '"delete", stride=11, least=5' '"delete", children=True, stride=51, least=5'
}

@test "system calls of the server, of mounts and of the runtime fail" {
	each_failure '"create", stride=211, least=5' '"start", stride=43, least=3' \
		'"exec", stride=89, least=3' '"delete", stride=67, least=3'
}
