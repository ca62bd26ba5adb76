# SPDX-License-Identifier: Apache-2.0
# What the suites of checkpoint and restore share: they are left out where `criu
# check` fails; IMAGES is the folder of a test's checkpoint.
# shellcheck shell=bash

. "${RUSTBOX_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}/integration/container.bash"

setup()
{
	container_setup
	local why
	command -v criu >/dev/null || skip "criu is not installed"
	why=$(criu check 2>&1) || skip "criu check: $(tail -n 1 <<<"$why")"
	IMAGES=$DIR/images
}

# A container that counts in memory, in a file system in memory, and aloud.
counting()
{
	command_is sh -c 'i=0; while :; do i=$((i+1)); echo $i >/dev/shm/count; echo count $i; sleep 0.05; done'
}

start()
{
	launch run --detach --bundle "$B" "$ID"
	ok
}

save()
{
	try checkpoint --image-path "$IMAGES" "$@" "$ID"
	ok
}

# Its streams go to container.out again.
bring_back()
{
	launch restore --detach --image-path "$IMAGES" --bundle "$B" "$@" "$ID"
	ok
}

last_count()
{
	tail -n 1 "$DIR/container.out" | sed -n 's/^count //p'
}

counts_beyond()
{
	local now
	now=$(last_count)
	[ "${now:-0}" -gt "$1" ]
}

waiting()
{
	command_is sh -c 'echo ready; while :; do sleep 0.05; done'
	start
	wait_output ready
}
