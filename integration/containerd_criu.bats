#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Checkpoint and restore by CRIU through a containerd of the file's own: ctr's ways.
# Left out where `criu check` fails, as that of Debian 12 does on newer kernels.
# vm: no

load container
. "$HERE/containerd.bash"

setup_file()
{
	export WITHOUT=''
	if ! command -v criu >/dev/null; then
		WITHOUT='criu is not installed'
	elif ! criu check >"$BATS_FILE_TMPDIR/check" 2>&1; then
		WITHOUT="criu check: $(tail -n 1 "$BATS_FILE_TMPDIR/check")"
	else
		containerd_setup_file
	fi
}

teardown_file()
{
	[ -n "$WITHOUT" ] || containerd_teardown_file
}

setup()
{
	[ -z "$WITHOUT" ] || skip "$WITHOUT"
	containerd_setup
	NEW=(--runtime "$SHIM_RUNTIME" --env "RUSTBOX_TEST_TAG=$TAG" --cgroup "$CG")
}

teardown()
{
	[ -n "$WITHOUT" ] || containerd_teardown
}

start_counting()
{
	ctr_detached sh -c 'i=0; trap "exit 7" TERM; while :; do i=$((i+1)); echo $i >/dev/shm/count; sleep 0.05; done'
	until_true counts_beyond 3
}

# count NUMBER: the exec's
count()
{
	ctr_exec "$RANDOM" cat /dev/shm/count
	ok
	echo "$output"
}

counts_beyond()
{
	local now
	now=$(count)
	[ "${now:-0}" -gt "$1" ]
}

# ctr heeds --exit and --image-path for runtimes of runc's name only.
@test "ctr task checkpoint: containerd has the images, and it runs on" {
	start_counting
	ctl task checkpoint "$ID"
	ok
	[[ $output == containerd.io/checkpoint/* ]] || fail "no name: $output"
	ctl image ls -q
	grep -q "^containerd.io/checkpoint/$ID:" <<<"$output" || fail "no image: $output"
	same "$(task_status)" RUNNING
	until_true counts_beyond "$(count)"
	terminate
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	ctl container rm "$ID"
	ok
	ctl image ls -q
	ctl image rm "$(grep "^containerd.io/checkpoint/$ID:" <<<"$output")"
	ok
}

@test "ctr container checkpoint and restore --live: it goes on" {
	local before
	start_counting
	ctl container checkpoint --rw --image --task "$ID" "test.invalid/$TAG:1"
	ok
	before=$(count)
	ctl task kill -s KILL "$ID"
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	ctl container rm "$ID"
	ok
	ctl container restore --rw --live "$ID" "test.invalid/$TAG:1"
	ok
	until_true counts_beyond 1
	until_true counts_beyond "$before"
	terminate
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	[[ $error == *"exit code 7"* ]] || fail "the exit code is lost: $error"
	ctl container rm "$ID"
	ok
	ctl image rm "test.invalid/$TAG:1"
}
