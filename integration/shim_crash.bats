#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The shim under a real containerd: the order of its events, containerd killed
# and started again, the shim killed, many containers at once and one after the
# other. SHIM_RUNTIME=io.containerd.runc.v2 runs the same with the reference.
# vm: no

load container
. "$HERE/containerd.bash"

setup_file()
{
	containerd_setup_file
	if is_our_shim; then
		[ -x "$RELEASE/containerd-shim-rustbox-v1" ] || {
			echo "there is no shim (make)" >&2
			return 1
		}
	fi
}

teardown_file()
{
	containerd_teardown_file
}

setup()
{
	containerd_setup
}

teardown()
{
	containerd_teardown
}

WAIT=(payload wait up)

# ---- events -------------------------------------------------------------------

@test "events of a run: create, start, exit, delete" {
	events_start
	ctr_run payload exit 5
	exits 5
	events_are create start exit=5 delete=5
	ctr_run /no/such/program
	fails
	same "$(events | paste -sd' ')" "create start exit=5 delete=5"
	events_stop
}

@test "events of an exec: added, started, exit, before those of its container" {
	events_start
	ctr_detached "${WAIT[@]}"
	ctr_exec 1 payload exit 7
	exits 7
	ctl task exec -d --exec-id "$ID-exec2" "$ID" payload wait
	ok
	ctl task kill -s KILL "$ID"
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	events_are create start 'exec-added(exec1)' 'exec-started(exec1)' 'exit(exec1)=7' \
		'exec-added(exec2)' 'exec-started(exec2)' 'exit(exec2)=137' exit=137 delete=137
	ctl container rm "$ID"
	events_stop
	forget_streams
}

@test "events of an exec that cannot be started: added, and no more" {
	events_start
	ctr_detached "${WAIT[@]}"
	ctr_exec 1 /no/such/program
	fails
	ctl task kill -s KILL "$ID"
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	events_are create start 'exec-added(exec1)' exit=137 delete=137
	ctl container rm "$ID"
	events_stop
}

@test "events of pause and resume" {
	events_start
	ctr_detached "${WAIT[@]}"
	ctl task pause "$ID"
	ctl task resume "$ID"
	terminate
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	events_are create start paused resumed exit=143 delete=143
	ctl container rm "$ID"
	events_stop
}

@test "events of a container that runs out of memory: oom before exit" {
	need_controller memory
	events_start
	ctl run --rm "${NEW[@]}" --memory-limit 33554432 "$IMAGE" "$ID" payload oom 200
	exits 137
	events_are create start oom exit=137 delete=137
	events_stop
}

@test "a short-lived exec's end never comes before its start" {
	local i
	events_start
	ctr_detached "${WAIT[@]}"
	for i in {1..20}; do
		ctr_exec "$i" true
		ok
	done
	ctl task kill -s KILL "$ID"
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	ctl container rm "$ID"
	until_true event_is_there delete=137
	for i in {1..20}; do
		same "$(events | grep -F "(exec$i)" | paste -sd' ')" \
			"exec-added(exec$i) exec-started(exec$i) exit(exec$i)=0"
	done
	events_stop
}

# ---- containerd goes and comes ------------------------------------------------

@test "containerd is killed: containers go on, and obey the next one" {
	NAMES+=("$ID-1" "$ID-2")
	local shim
	ctr_detached "${WAIT[@]}"
	ctl run -d "${NEW[@]}" --cgroup "$CG-1" "$IMAGE" "$ID-1" payload wait-file /stop + exit 6
	ok
	ctl run -d "${NEW[@]}" --cgroup "$CG-2" "$IMAGE" "$ID-2" "${WAIT[@]}"
	ok
	shim=$(shim_pid "$ID-2")
	local pid root
	pid=$(task_pid) root=/proc/$(task_pid "$ID-1")/root
	containerd_end KILL
	[ -d "/proc/$pid" ] || fail "the container has gone with containerd"
	# One ends while nobody looks, and one's shim dies.
	touch "$root/stop"
	gone() { ! [ -e "$root/stop" ]; }
	until_true gone
	kill -9 "$shim"
	until_true no_process "$shim"
	containerd_start
	same "$(task_status)" RUNNING
	same "$(task_status "$ID-2")" ""
	ctr_exec 1 payload print still
	same "$output" still
	# What has ended in the meantime is taken away by later ones.
	if containerd_is 1.7; then
		same "$(task_status "$ID-1")" ""
	else
		same "$(task_status "$ID-1")" STOPPED
		ctl task rm "$ID-1"
		[[ $error == *"exit code 6"* ]] || fail "the exit code is lost"
	fi
	ctl container rm "$ID-1" "$ID-2"
	ok
	remove
	forget_streams
	forget_sockets
}

@test "containerd is killed: what was only created, or paused, is so under the next one" {
	NAMES+=("$ID-1")
	# A pid file that cannot be written: ctr gives up before it starts the task.
	ctl run -d --pid-file "$DIR/none/pid" "${NEW[@]}" "$IMAGE" "$ID" "${WAIT[@]}"
	fails
	ctl run -d "${NEW[@]}" --cgroup "$CG-1" "$IMAGE" "$ID-1" "${WAIT[@]}"
	ok
	ctl task pause "$ID-1"
	ok
	same "$(task_status) $(task_status "$ID-1")" "CREATED PAUSED"
	containerd_end KILL
	containerd_start
	same "$(task_status) $(task_status "$ID-1")" "CREATED PAUSED"
	ctl task resume "$ID-1"
	ok
	ctl task exec --exec-id "$ID-exec1" "$ID-1" payload print still
	same "$output" still
	remove
	remove "$ID-1"
	forget_streams
}

# ttrpc_is NAME: the next containerd has its socket for events there.
ttrpc_is()
{
	sed -i "/^\[ttrpc\]/,/address/ s|address = .*|address = \"$CD/$1\"|" "$CD/config.toml"
	rm -f "$CD/containerd.sock.ttrpc"
}

@test "events of the time without containerd come when it is there again" {
	is_our_shim || ! containerd_is 1.7 || skip "the reference loses them, with its shim"
	local root
	ctr_detached payload wait-file /stop + exit 6
	root=/proc/$(task_pid)/root
	containerd_end KILL
	touch "$root/stop"
	gone() { ! [ -e "$root/stop" ]; }
	until_true gone
	# No event comes before somebody listens.
	ttrpc_is later
	containerd_start
	events_start
	ln -s later "$CD/containerd.sock.ttrpc"
	if containerd_is 1.7; then
		events_are exit=6 delete=6
		ctl container rm "$ID"
		ok
		forget_streams
	else
		events_are exit=6
		remove
	fi
	events_stop
	containerd_end
	ttrpc_is containerd.sock.ttrpc
	containerd_start
}

@test "containerd is killed in the middle of many runs: none is lost, none is left" {
	local i job jobs=()
	for i in {1..6}; do
		NAMES+=("$ID-$i")
		ctr run --rm "${NEW[@]}" --cgroup "$CG-$i" "$IMAGE" "$ID-$i" payload sleep 300 >/dev/null 2>&1 </dev/null &
		jobs+=($!)
	done
	sleep "0.$((RANDOM % 5 + 1))"
	containerd_end KILL
	wait "${jobs[@]}" || :
	containerd_start
	# What each of them has come to, and all of it can be taken away.
	for i in {1..6}; do
		ctl task kill -s KILL "$ID-$i"
		ctl task rm --force "$ID-$i"
		ctl container rm "$ID-$i"
	done
	forget_streams
	# containerd keeps a shim that it started and never told to create anything.
	for i in {1..6}; do
		for job in $(shim_pid "$ID-$i"); do
			kill -s TERM "$job" 2>/dev/null || :
			until_true no_process "$job"
		done
	done
	is_our_shim || forget_abandoned
	until_true snapshots_work
	until_true no_containerd_leftovers || {
		containerd_leftovers
		return 1
	}
}

# A killed containerd may have a folder for a snapshot that it knows nothing of:
# it can make no other until it has swept.
snapshots_work()
{
	ctr leases create --id "$TAG" && ctr leases rm --sync "$TAG" && ctr snapshot prepare "$TAG" &&
		ctr snapshot rm "$TAG"
}

# What the reference cannot delete when it was cut short.
forget_abandoned()
{
	force_clean
	rm -rf "/run/containerd/runc/$CONTAINERD_NAMESPACE/$TAG"* "$(bundle_of "$TAG")"*
	forget_sockets
}

# ---- the shim is killed -------------------------------------------------------

@test "the shim is killed: everything of its container goes, and containerd knows" {
	events_start
	ctr_detached payload orphan + wait
	local shim pid
	shim=$(shim_pid) pid=$(task_pid)
	kill -9 "$shim"
	until_true event_is_there delete=137
	events_are create start exit=137 delete=137
	until_true no_process "$pid"
	same "$(task_status)" ""
	[ -z "$(tagged_cgroups)" ] || fail "a cgroup is left"
	ctl container rm "$ID"
	ok
	forget_sockets
	events_stop
	forget_streams
}

@test "after the shim was killed the same id can be used again" {
	local i
	for i in 1 2; do
		ctr_detached "${WAIT[@]}"
		kill -9 "$(shim_pid)"
		until_true no_bundle
		until_true task_status_is ""
		ctl container rm "$ID"
		ok
	done
	ctr_run payload exit 3
	exits 3
	forget_streams
}

@test "the shim of a group is killed: all of its containers go" {
	NAMES+=("$ID-group" "$ID-a" "$ID-b")
	local group=(--annotation "io.containerd.runc.v2.group=$ID-group") id
	for id in a b; do
		ctl run -d "${NEW[@]}" "${group[@]}" --cgroup "$CG-$id" "$IMAGE" "$ID-$id" "${WAIT[@]}"
		ok
	done
	kill -9 "$(shim_pid "$ID-a")"
	until_true task_status_is "" "$ID-a"
	until_true task_status_is "" "$ID-b"
	ctl container rm "$ID-a" "$ID-b"
	ok
	# Nobody could know that it was the last one's.
	socket_of "$ID-group" | xargs rm -f
	forget_streams
}

@test "the shim is killed at any moment of a run: nothing is left" {
	local i job shim rounds=8
	[ "$LONG" = 0 ] || rounds=100
	for ((i = 0; i < rounds; i++)); do
		ctr run --rm "${NEW[@]}" "$IMAGE" "$ID" payload sleep 100 >"$DIR/run" 2>&1 </dev/null &
		job=$!
		until_true shim_or_end "$job"
		sleep "0.0$((RANDOM % 10))"
		shim=$(shim_pid)
		[ -z "$shim" ] || kill -9 "$shim" 2>/dev/null || :
		wait $job || :
		ctl task kill -s KILL "$ID"
		ctl task rm --force "$ID"
		ctl container rm "$ID"
		forget_streams
		forget_sockets
		until_true no_containerd_leftovers || {
			containerd_leftovers
			return 1
		}
		until_true no_tagged_process || {
			leftovers
			return 1
		}
		! is_our_shim || assert_nothing_left
	done
	# A runtime under the reference that is killed while it creates leaves its cgroups.
	is_our_shim || force_clean
}

shim_or_end()
{
	[ -n "$(shim_pid)" ] || ! kill -0 "$1" 2>/dev/null
}

no_tagged_process()
{
	[ -z "$(tagged_processes)" ]
}

# ---- many ---------------------------------------------------------------------

@test "a hundred runs, one after the other" {
	local i count=100
	[ "$LONG" = 0 ] || count=500
	for ((i = 1; i <= count; i++)); do
		ctr_run true
		ok
		same "$error" ""
	done
}

@test "thirty runs at once: each has its own output and exit code" {
	local i jobs=() count=30
	[ "$LONG" = 0 ] || count=100
	events_start
	for ((i = 1; i <= count; i++)); do
		NAMES+=("$ID-$i")
		TRY_SECONDS=200 ctr run --rm "${NEW[@]}" --cgroup "$CG-$i" "$IMAGE" "$ID-$i" payload print "out $i" + exit "$i" \
			>"$DIR/out-$i" 2>"$DIR/err-$i" </dev/null &
		jobs[i]=$!
	done
	for ((i = 1; i <= count; i++)); do
		status=0
		wait "${jobs[i]}" || status=$?
		output=$(<"$DIR/out-$i") error=$(<"$DIR/err-$i")
		exits "$i"
		same "$output" "out $i"
	done
	for ((i = 1; i <= count; i++)); do
		until_true event_is_there "delete=$i" "$ID-$i"
		same "$(events "$ID-$i" | paste -sd' ')" "create start exit=$i delete=$i"
	done
	events_stop
}

@test "twenty execs at once in one container" {
	local i jobs=()
	ctr_detached "${WAIT[@]}"
	for i in {1..20}; do
		ctr task exec --exec-id "$ID-exec$i" "$ID" payload print "out $i" + exit "$i" >"$DIR/out-$i" 2>&1 </dev/null &
		jobs[i]=$!
	done
	for i in {1..20}; do
		status=0
		wait "${jobs[i]}" || status=$?
		output=$(<"$DIR/out-$i")
		exits "$i"
		same "$output" "out $i"
	done
	remove
}
