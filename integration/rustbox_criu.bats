#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rustbox checkpoint and restore by CRIU. Left out where `criu check` fails, as that of
# Debian 12 does on newer kernels.
# vm: yes

load rustbox

# The machine with cgroup v2 alone is emulated, and CRIU does a lot there.
PATIENCE=200

setup()
{
	rustbox_setup
	local why
	command -v criu >/dev/null || skip "criu is not installed"
	why=$(criu check 2>&1) || skip "criu check: $(tail -n 1 <<<"$why")"
}

COUNT='i=0; trap "exit 7" TERM; while :; do i=$((i+1)); echo count $i; echo $i >/dev/shm/count; sleep 0.05; done'

start_counting()
{
	rbok run -d --name "$NAME" "$@" sh -c "$COUNT"
	ID=$output
	until_true counts_beyond 3
}

last_count()
{
	rbok logs --tail 5 "$NAME"
	tr -d '\r' <<<"$output" | sed -n 's/^count //p' | tail -n 1
}

counts_beyond()
{
	local now
	now=$(last_count)
	[ "${now:-0}" -gt "$1" ]
}

# No number is missing in the log, and none is there twice.
counts_are_whole()
{
	rbok logs "$NAME"
	output=$(tr -d '\r' <<<"$output" | sed -n 's/^count //p')
	same "$output" "$(seq "$(wc -l <<<"$output")")"
}

goes_there_and_back()
{
	local before
	rbok checkpoint "$NAME"
	same "$(box_status "$ID")" Stopped
	before=$(last_count)
	rbok restore "$NAME"
	same "$(box_status "$ID")" Running
	until_true counts_beyond "$before"
	rbok exec "$NAME" cat /dev/shm/count
	[ "$output" -gt "$before" ]
	rbok stop "$NAME"
	same "$(box_state .State.ExitCode)" 7
	counts_are_whole
}

# bats test_tags=vm
@test "what it was doing goes on: memory, files in memory, logs, exec, exit code" {
	start_counting --restart always --memory 64m
	goes_there_and_back
}

@test "the same with --init, a terminal, and who attaches to it" {
	start_counting --init -t
	goes_there_and_back
	rbok restore "$NAME"
	timeout -s KILL 5 "$RUSTBOX" attach "$NAME" >"$DIR/attached" 2>/dev/null 3>&- 4>&- </dev/null &
	until_true grep -q count "$DIR/attached"
	kill -KILL $!
}

@test "--leave-running: it goes on, and a later restore begins at the checkpoint" {
	start_counting
	rbok checkpoint -R "$NAME" early
	local at
	at=$(last_count)
	until_true counts_beyond $((at + 3))
	rbok stop -t 0 "$NAME"
	at=$(last_count)
	rbok start --checkpoint early "$NAME"
	rbok exec "$NAME" cat /dev/shm/count
	[ "$output" -le "$at" ] || fail "it should have gone back"
}

@test "a restart begins anew; a checkpoint that cannot be read leaves it as it was" {
	start_counting
	rbok checkpoint "$NAME"
	rm "$RUSTBOX_ROOT/checkpoints/$ID/checkpoint/pstree.img"
	rb restore "$NAME"
	exits 125
	error_names criu
	same "$(box_status "$ID")" Stopped
	rbok start "$NAME"
	until_true has_begun_anew
}

has_begun_anew()
{
	rbok logs "$NAME"
	[ "$(grep -cx 'count 1' <<<"$output")" -eq 2 ]
}
