#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The runtime is killed (SIGKILL) at random moments of create, start, run, exec
# and delete: the payload does not run because of it, and `delete --force`
# leaves nothing. Other processes of it are killed, too.
# LONG=1 for many more rounds.
# vm: no

load container

setup()
{
	is_ours || skip "other runtimes leave cgroups behind"
	container_setup
}

rounds()
{
	if [ "$LONG" = 1 ]; then
		echo $(($1 * 20))
	else
		echo "$1"
	fi
}

# killed_after MICROSECONDS VERB...: the runtime, killed after that time.
killed_after()
{
	local after=$1
	shift
	"$PYTHON" -ES "$HERE/peer.py" killed-after "$after" "$RUNTIME" --root "$ROOT" "$@" 3>&- 4>&-
}

random_below()
{
	echo $(((RANDOM * 32768 + RANDOM) % $1))
}

# How long a verb takes when nobody kills it, in microseconds.
time_of()
{
	local start=${EPOCHREALTIME/./}
	"$@"
	TIME=$((${EPOCHREALTIME/./} - start))
}

# delete --force until the id is gone, then nothing may be left.
clean()
{
	try delete --force "$ID"
	ok
	assert_nothing_left
	[ ! -e "$B/rootfs/ran" ] || fail "the payload has run"
}

@test "create, killed at random moments" {
	payload create /ran
	time_of launch create --bundle "$B" "$ID"
	ok
	clean
	local i
	for ((i = 0; i < $(rounds 15); i++)); do
		killed_after "$(random_below $((TIME + 3000)))" create --bundle "$B" "$ID"
		clean
	done
}

@test "run, killed at random moments" {
	payload wait
	local i
	for ((i = 0; i < $(rounds 15); i++)); do
		killed_after "$(random_below 30000)" run --bundle "$B" "$ID"
		clean
	done
}

@test "start, killed at random moments: created or running, never something else" {
	payload wait
	local i
	for ((i = 0; i < $(rounds 12); i++)); do
		create_container
		killed_after "$(random_below 15000)" start "$ID"
		[[ $(container_status) =~ ^(created|running)$ ]] || fail "$(container_status)"
		if status_is created; then
			# A start that died before it had said so can be made again.
			try start "$ID"
			ok
			status_is running
		fi
		clean
	done
}

@test "exec, killed at random moments: the container lives, exec works again" {
	start_waiting
	local i
	for ((i = 0; i < $(rounds 12); i++)); do
		killed_after "$(random_below 15000)" exec "$ID" payload print x
		same "$(container_status)" running
	done
	try exec "$ID" payload print still
	ok
	same "$output" still
	only_init() { [ "$(rt ps --format json "$ID" | jq length)" = 1 ]; }
	until_true only_init
}

@test "delete, killed at random moments: delete --force ends it" {
	payload wait
	local i
	for ((i = 0; i < $(rounds 12); i++)); do
		launch run --detach --bundle "$B" "$ID"
		ok
		killed_after "$(random_below 15000)" delete --force "$ID"
		clean
	done
}

@test "pause and update, killed at random moments" {
	start_waiting
	local i
	for ((i = 0; i < $(rounds 8); i++)); do
		killed_after "$(random_below 8000)" pause "$ID"
		killed_after "$(random_below 8000)" update --pids-limit $((20 + i)) "$ID"
		[[ $(container_status) =~ ^(running|paused)$ ]] || fail "$(container_status)"
		killed_after "$(random_below 8000)" resume "$ID"
	done
	clean
}

@test "a create that hangs in a hook and is killed, with a hook that goes on" {
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "touch \($d)/in-hook; exec sleep 30"]}]' --arg d "$DIR"
	payload create /ran
	"$RUNTIME" --root "$ROOT" create --bundle "$B" "$ID" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	local runtime=$!
	until_true test -e "$DIR/in-hook"
	kill -KILL $runtime
	wait $runtime || :
	try state "$ID"
	[ "$status" -ne 0 ] || matches '"status": *"(creating|stopped)"'
	try delete --force "$ID"
	ok
	[ ! -e "$B/rootfs/ran" ] || fail "the payload has run"
	# The hook is not ours to end, but of this test it is.
	local pid
	for pid in $(tagged_processes); do
		grep -q "sleep" "/proc/$pid/comm" && kill "$pid"
	done
	assert_nothing_left
}

@test "while create waits in a hook others see it as creating, and its id as taken" {
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c",
		"touch \($d)/in-hook; while [ ! -e \($d)/go ]; do sleep 0.02; done"]}]' --arg d "$DIR"
	payload wait
	timeout 100 "$RUNTIME" --root "$ROOT" create --bundle "$B" "$ID" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	local runtime=$!
	until_true test -e "$DIR/in-hook"
	if is_ours; then
		same "$(container_status)" creating
		try list
		ok
		says "$ID"
	fi
	# They may wait for the first one's end.
	TRY_SECONDS=2 try create --bundle "$B" "$ID"
	[ "$status" -ne 0 ] || fail "the id was taken"
	TRY_SECONDS=2 try start "$ID"
	[ "$status" -ne 0 ] || fail "started too early"
	touch "$DIR/go"
	wait $runtime
	same "$(container_status)" created
}

@test "init, killed while it is being created, is an error, not a hang" {
	payload create /ran
	local i
	for ((i = 0; i < $(rounds 8); i++)); do
		timeout 100 "$RUNTIME" --root "$ROOT" create --bundle "$B" "$ID" >/dev/null 2>"$DIR/err" </dev/null 3>&- 4>&- &
		local runtime=$! child
		sleep "0.00$((RANDOM % 10))"
		for child in $(pgrep -P $runtime) $(pgrep -P "$(pgrep -P $runtime | head -n 1)" 2>/dev/null); do
			kill -KILL "$child" 2>/dev/null || :
		done
		status=0
		wait $runtime || status=$?
		[ "$status" -ne 124 ] || fail "hangs"
		[ "$status" -eq 0 ] || [ "$status" -ge 128 ] || [ -s "$DIR/err" ] || fail "no message"
		clean
	done
}
