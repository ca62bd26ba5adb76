#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Endurance: create, start and delete again and again (200 times, 10,000 with
# LONG=1), and side by side: no hang, no leak, no failure.
# vm: no

load container

cycles()
{
	if [ "$LONG" = 1 ]; then
		echo 10000
	else
		echo 200
	fi
}

@test "create, start, delete" {
	payload exit 0
	local i count
	count=$(cycles)
	for ((i = 0; i < count; i++)); do
		timeout 100 "$RUNTIME" --root "$ROOT" create --bundle "$B" "$ID" >"$DIR/out" 2>&1 </dev/null 3>&- 4>&- ||
			fail "create, round $i: $(<"$DIR/out")"
		timeout 100 "$RUNTIME" --root "$ROOT" start "$ID" >"$DIR/out" 2>&1 </dev/null 3>&- 4>&- ||
			fail "start, round $i: $(<"$DIR/out")"
		timeout 100 "$RUNTIME" --root "$ROOT" delete --force "$ID" >"$DIR/out" 2>&1 </dev/null 3>&- 4>&- ||
			fail "delete, round $i: $(<"$DIR/out")"
	done
	assert_nothing_left
}

@test "run, the exit code each time" {
	local i count code
	count=$(($(cycles) / 2))
	config '.process.args = ["sh", "-c", "exit $(cat /code)"]'
	for ((i = 0; i < count; i++)); do
		code=$((i % 200))
		echo $code >"$B/rootfs/code"
		status=0
		timeout 100 "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" >"$DIR/out" 2>&1 </dev/null 3>&- 4>&- || status=$?
		[ "$status" -eq $code ] || fail "round $i: $status: $(<"$DIR/out")"
	done
	assert_nothing_left
}

@test "exec in one container" {
	start_waiting
	local i count
	count=$(cycles)
	for ((i = 0; i < count; i++)); do
		status=0
		output=$(timeout 100 "$RUNTIME" --root "$ROOT" exec "$ID" payload print "$i" + exit $((i % 250)) </dev/null 3>&- 4>&- 2>&1) || status=$?
		[ "$status" -eq $((i % 250)) ] && [ "$output" = "$i" ] || fail "round $i"
	done
	same "$(rt ps --format json "$ID" | jq length)" 1
	# init holds nothing of them.
	same "$(find "/proc/$(init_pid)/fd" -type l | wc -l)" 3
}

@test "eight at a time" {
	local i worker jobs=() count
	count=$(($(cycles) / 16))
	payload exit 3
	config 'del(.linux.cgroupsPath)'
	for worker in {1..8}; do
		(
			for ((i = 0; i < count; i++)); do
				status=0
				timeout 60 "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID-$worker" </dev/null 2>>"$DIR/err.$worker" || status=$?
				[ $status -eq 3 ] || { echo "status $status" >>"$DIR/err.$worker"; exit 1; }
			done
		) 3>&- 4>&- &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		wait "$i" || fail "$(cat "$DIR"/err.*)"
	done
	assert_nothing_left
}

@test "the same id from many callers: one wins, the others say that it is in use" {
	payload wait
	local i won=0 lost=0 jobs=()
	for i in {1..8}; do
		timeout 100 "$RUNTIME" --root "$ROOT" create --bundle "$B" "$ID" >/dev/null 2>"$DIR/err.$i" </dev/null 3>&- 4>&- &
		jobs+=($!)
	done
	for i in {1..8}; do
		if wait "${jobs[$((i - 1))]}"; then
			won=$((won + 1))
		else
			lost=$((lost + 1))
			[ -s "$DIR/err.$i" ] || fail "no message"
		fi
	done
	same "$won $lost" "1 7"
	same "$(container_status)" created
}
