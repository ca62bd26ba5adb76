#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `checkpoint` and `restore`, by CRIU. Left out where `criu check` fails, as that of
# Debian 12 does on newer kernels; newer_criu.bats runs it with a newer one.
# vm: yes

load container

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

# bats test_tags=vm
@test "what a container was doing goes on: memory, files in memory, namespaces, exit code" {
	local before
	payload write /dev/shm/data here + stop 7
	command_is sh -c 'i=0; trap "exit 7" TERM; echo kept >/dev/shm/kept
		while :; do i=$((i+1)); echo count $i; sleep 0.05; done'
	start
	until_true counts_beyond 3
	save
	try state "$ID"
	error_names "does not exist"
	before=$(last_count)
	bring_back --pid-file "$DIR/pid"
	until_true counts_beyond "$before"
	[ "$(sed -n 's/^count //p;q' "$DIR/container.out" | head -n 1)" -le $((before + 2)) ] ||
		fail "it should go on from $before"
	same "$(container_status)" running
	same "$(init_pid)" "$(<"$DIR/pid")"
	try exec "$ID" sh -c 'cat /dev/shm/kept; hostname; echo $$; cat /proc/1/comm'
	ok
	lines kept container sh
	same "$(readlink "/proc/$(init_pid)/ns/pid")" "$(rt exec "$ID" ls -l /proc/self/ns/pid | sed 's/.*-> //')"
	[ -d "$(cgroup_dir memory)" ]
	grep -q "$CG" "/proc/$(init_pid)/cgroup"
	try kill "$ID" TERM
	wait_status stopped
	try delete "$ID"
	ok
}

@test "the exit code of a restored container, in the foreground" {
	command_is sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done'
	start
	wait_output ready
	save
	timeout -k 5 30 "$RUNTIME" --root "$ROOT" restore --image-path "$IMAGES" --bundle "$B" "$ID" \
		</dev/null >"$DIR/out" 2>&1 3>&- 4>&- &
	local restore=$!
	until_true status_is running 2>/dev/null
	rt kill "$ID" TERM
	status=0
	wait "$restore" || status=$?
	same "$status" 7
}

@test "--leave-running leaves it running" {
	counting
	start
	until_true counts_beyond 3
	save --leave-running
	same "$(container_status)" running
	until_true counts_beyond $(($(last_count) + 3))
}

@test "a paused container stays paused; its checkpoint runs" {
	counting
	start
	until_true counts_beyond 3
	rt pause "$ID"
	save --leave-running
	same "$(container_status)" paused
	rt delete --force "$ID"
	bring_back
	same "$(container_status)" running
	until_true counts_beyond 5
}

@test "pipes of the caller are those of the restored container" {
	counting
	timeout -k 5 30 "$RUNTIME" --root "$ROOT" run --detach --bundle "$B" "$ID" </dev/null 2>&1 3>&- 4>&- |
		cat >"$DIR/first" &
	until_true grep -qs 'count 3' "$DIR/first"
	save
	wait
	timeout -k 5 30 "$RUNTIME" --root "$ROOT" restore --detach --image-path "$IMAGES" --bundle "$B" "$ID" \
		</dev/null 2>&1 3>&- 4>&- | timeout 60 cat >"$DIR/second" &
	until_true grep -qs 'count' "$DIR/second"
	[ "$(sed -n 's/^count //;1p' "$DIR/second")" -gt 2 ]
	rt kill "$ID" KILL
	wait
}

@test "a failed checkpoint: the reason, and the container runs on" {
	counting
	start
	until_true counts_beyond 3
	try checkpoint --image-path "$DIR/none/images" "$ID"
	error_names --image-path "$DIR/none/images"
	try checkpoint --criu /nonexistent --image-path "$IMAGES" "$ID"
	error_names --criu /nonexistent
	try checkpoint --criu /bin/false --image-path "$IMAGES" "$ID"
	error_names criu "without an answer"
	same "$(container_status)" running
	until_true counts_beyond $(($(last_count) + 3))
}

@test "only what runs can be saved, and only a checkpoint restored" {
	counting
	create_container
	try checkpoint --image-path "$IMAGES" "$ID"
	error_names checkpoint created
	rt delete --force "$ID"
	mkdir -p "$IMAGES"
	try restore --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names rustbox.json "no checkpoint"
	try restore --image-path "$DIR/nowhere" --bundle "$B" "$ID"
	error_names --image-path
	try restore --no-pivot --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names --no-pivot
}
