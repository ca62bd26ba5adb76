#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Services: the proxy between the payload's sd_notify and the caller's
# NOTIFY_SOCKET, socket activation by LISTEN_FDS.
# vm: no

load container

@test "READY=1 of the payload reaches the caller, with MAINPID" {
	local text='STATUS=loading;READY=1'
	is_ours || text=READY=1
	payload notify "$text" + wait ready
	peer notify "$DIR/n.sock" 2 >"$DIR/notify.out"
	NOTIFY_SOCKET=$DIR/n.sock launch run --detach --bundle "$B" "$ID"
	ok
	wait_output READY=1 "$DIR/notify.out"
	wait_output "MAINPID=$(init_pid)" "$DIR/notify.out"
	wait_output ready
	# It comes in one datagram or in two.
	kill "$PEER" 2>/dev/null || :
	wait "$PEER" 2>/dev/null || :
}

@test "the payload's NOTIFY_SOCKET is in the container, not the host's path" {
	payload env NOTIFY_SOCKET + notify READY=1 + wait ready
	peer notify "$DIR/n.sock" 1 >"$DIR/notify.out"
	NOTIFY_SOCKET=$DIR/n.sock launch run --detach --bundle "$B" "$ID"
	ok
	wait_output ready
	container_output
	matches '^NOTIFY_SOCKET=/'
	says_not "$DIR"
	wait "$PEER"
}

@test "run in the foreground: READY comes while the payload runs" {
	payload notify READY=1 + wait ready
	peer notify "$DIR/n.sock" 1 >"$DIR/notify.out"
	NOTIFY_SOCKET=$DIR/n.sock timeout 100 "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" \
		>"$DIR/fg" 2>&1 </dev/null 3>&- &
	local runner=$!
	wait_output READY=1 "$DIR/notify.out"
	same "$(container_status)" running
	wait_output ready "$DIR/fg"
	try kill "$ID" TERM
	status=0
	wait $runner || status=$?
	exits 143
	wait "$PEER" || true
}

@test "a payload that never says READY: run --detach ends with the payload, no hang" {
	payload print quiet + sleep 300
	peer notify "$DIR/n.sock" 1 >"$DIR/notify.out"
	NOTIFY_SOCKET=$DIR/n.sock launch run --detach --bundle "$B" "$ID"
	[ "$status" -ne 124 ] || fail "hangs"
	wait_output quiet
	wait_status stopped
	kill "$PEER" 2>/dev/null || :
	wait "$PEER" 2>/dev/null || :
}

@test "create and start: the proxy does not stop start" {
	payload print begun + notify READY=1 + wait ready
	peer notify "$DIR/n.sock" 1 >"$DIR/notify.out"
	NOTIFY_SOCKET=$DIR/n.sock launch create --bundle "$B" "$ID"
	ok
	NOTIFY_SOCKET=$DIR/n.sock try start "$ID"
	ok
	wait_output begun
	wait_output READY=1 "$DIR/notify.out"
	wait "$PEER" || true
}

@test "a NOTIFY_SOCKET that nobody listens at does no harm" {
	payload print ran
	NOTIFY_SOCKET=$DIR/nobody.sock try run --bundle "$B" "$ID"
	if [ "$status" -eq 0 ]; then
		same "$output" ran
	else
		error_names nobody.sock
	fi
}

@test "LISTEN_FDS: the descriptors, LISTEN_FDS and LISTEN_PID=1 are the payload's" {
	payload env LISTEN_FDS LISTEN_PID + read-fd 3 + read-fd 4 + fds
	echo three >"$DIR/three"
	echo four >"$DIR/four"
	status=0
	output=$(
		exec 3<"$DIR/three" 4<"$DIR/four" 5</etc/hosts
		LISTEN_FDS=2 timeout 100 sh -c 'LISTEN_PID=$$ exec "$@"' sh \
			"$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" </dev/null
	) || status=$?
	ok
	lines LISTEN_FDS=2 LISTEN_PID=1 three four
	says_not hosts
}

@test "LISTEN_FDS and --preserve-fds together: the sum" {
	payload read-fd 3 + read-fd 4 + env LISTEN_FDS + fds
	echo three >"$DIR/three"
	echo four >"$DIR/four"
	status=0
	output=$(
		exec 3<"$DIR/three" 4<"$DIR/four" 5</etc/hosts
		LISTEN_FDS=1 timeout 100 sh -c 'LISTEN_PID=$$ exec "$@"' sh \
			"$RUNTIME" --root "$ROOT" run --preserve-fds 1 --bundle "$B" "$ID" </dev/null
	) || status=$?
	ok
	lines three four LISTEN_FDS=1
	says_not hosts
}

@test "--preserve-fds of descriptors that are not open is refused or harmless" {
	payload print ran
	try run --preserve-fds 20 --bundle "$B" "$ID"
	[ "$status" -eq 0 ] && same "$output" ran || error_names
	assert_nothing_left
}
