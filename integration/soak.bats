#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Endurance of the whole: SOAK containers one after the other, a twentieth of that
# many at once, and a tenth that are alive at the same time, by rustbox-runtime, by
# ctr with the shim, and by rustbox, each with its figures; one supervisor through SOAK execs, one pod's shim through SOAK runs and execs, whose
# descriptors and memory stay as they were. `make soak` takes 10,000; without SOAK
# it is 20. SOAK_DATA is a file that gets a hundred rows of each (bench/plot).
# vm: no

load container
. "$HERE/containerd.bash"

SOAK=${SOAK:-20}
AT_ONCE=$((SOAK / 20))
ALIVE=$((SOAK / 10))

setup_file()
{
	containerd_setup_file
}

teardown_file()
{
	containerd_teardown_file
}

teardown()
{
	containerd_teardown
}

setup()
{
	containerd_setup
	RUSTBOX=${RUSTBOX:-${RUSTBOX_BUILD:-$TOP/build/release}/rustbox}
	export RUSTBOX_ROOT=$DIR/root
	payload exit 3
	config 'del(.linux.cgroupsPath)'
}

# many COUNT AT-ONCE STATUS COMMAND...: the command with a number behind it, so often;
# each ends with that status. The command may be a function that export_all knows.
many()
{
	local count=$1 at_once=$2 wanted=$3 worker i jobs=()
	shift 3
	for ((worker = 0; worker < at_once; worker++)); do
		(
			for ((i = worker; i < count; i += at_once)); do
				status=0
				timeout 120 bash -c '"$@"' bash "$@" "$i" </dev/null >"$DIR/log.$worker" 2>&1 || status=$?
				[ $status -eq "$wanted" ] || {
					echo "number $i: status $status: $(<"$DIR/log.$worker")" >"$DIR/bad.$worker"
					exit 1
				}
			done
		) 3>&- 4>&- &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		wait "$i" || fail "$(cat "$DIR"/bad.*)"
	done
}

# In the results of the suite.
says_figures()
{
	echo "# $*" >&3
}

# in_turn_and_at_once TITLE COMMAND
in_turn_and_at_once()
{
	local begin=$SECONDS turns
	many "$SOAK" 1 3 "$2"
	turns=$((SECONDS - begin)) begin=$SECONDS
	many $AT_ONCE $AT_ONCE 3 "$2"
	says_figures "$1: $SOAK one after the other in $turns s, $AT_ONCE at once in $((SECONDS - begin)) s"
}

available_kib()
{
	awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo
}

# alive TITLE START COUNT REMOVE: as many as they are to be; START and REMOVE get numbers.
alive()
{
	local title=$1 start=$2 count=$3 remove=$4 begin=$SECONDS kib
	kib=$(available_kib)
	many $ALIVE 16 0 "$start"
	kib=$((kib - $(available_kib)))
	says_figures "$title: $ALIVE alive at once, made in $((SECONDS - begin)) s," \
		"$((kib / ALIVE)) KiB less available for each"
	same "$($count)" $ALIVE
	begin=$SECONDS
	many $ALIVE 16 0 "$remove"
	says_figures "$title: removed in $((SECONDS - begin)) s"
}

# For the shells of many().
export_all()
{
	export -f runtime_runs runtime_starts runtime_removes rustbox_runs rustbox_starts \
		rustbox_removes ctr_runs ctr_starts ctr_removes rt ctr
	export RUNTIME ROOT B ID TAG RUSTBOX CD IMAGE SHIM_RUNTIME CONTAINERD_NAMESPACE
}

# ---- rustbox-runtime ---------------------------------------------------------------

runtime_runs()
{
	rt run --bundle "$B" "$ID-$1"
}

runtime_starts()
{
	rt run --detach --bundle "$B" "$ID-$1"
}

runtime_counts()
{
	rt list --format json | jq '[.[] | select(.status == "running")] | length'
}

runtime_removes()
{
	rt delete --force "$ID-$1"
}

@test "rustbox-runtime: $SOAK, $AT_ONCE at once, $ALIVE alive" {
	export_all
	in_turn_and_at_once rustbox-runtime runtime_runs
	payload wait
	alive rustbox-runtime runtime_starts runtime_counts runtime_removes
	assert_nothing_left
}

# ---- rustbox -----------------------------------------------------------------------

rustbox_runs()
{
	"$RUSTBOX" run --rm --rootfs "$B/rootfs" --name "$TAG-$1" payload exit 3
}

rustbox_starts()
{
	"$RUSTBOX" run --detach --rootfs "$B/rootfs" --name "$TAG-$1" payload wait
}

rustbox_counts()
{
	"$RUSTBOX" list --quiet | wc -l
}

rustbox_removes()
{
	"$RUSTBOX" remove --force "$TAG-$1"
}

@test "rustbox: $SOAK, $AT_ONCE at once, $ALIVE alive" {
	export_all
	in_turn_and_at_once rustbox rustbox_runs
	alive rustbox rustbox_starts rustbox_counts rustbox_removes
	assert_nothing_left
	same "$("$RUSTBOX" list --all --quiet)" ""
}

# ---- ctr ---------------------------------------------------------------------------

ctr_runs()
{
	ctr run --rm --runtime "$SHIM_RUNTIME" --env "RUSTBOX_TEST_TAG=$TAG" "$IMAGE" "$ID-$1" payload exit 3
}

ctr_starts()
{
	ctr run --detach --runtime "$SHIM_RUNTIME" --env "RUSTBOX_TEST_TAG=$TAG" "$IMAGE" "$ID-$1" payload wait
}

ctr_counts()
{
	ctr task list | grep -c RUNNING
}

ctr_removes()
{
	ctr task delete --force "$ID-$1" && ctr container delete "$ID-$1"
}

@test "ctr: $SOAK, $AT_ONCE at once, $ALIVE alive" {
	export_all
	in_turn_and_at_once ctr ctr_runs
	alive ctr ctr_starts ctr_counts ctr_removes
	same "$(ctr container list --quiet)" ""
}

# ---- what stays --------------------------------------------------------------------

# A process's descriptors, and its memory in KiB that is its own; not the pages of its
# program's file, which come and go.
size_of()
{
	echo "$(find "/proc/$1/fd" -type l | wc -l)" \
		"$(awk '$1 == "Private_Dirty:" { print $2 }' "/proc/$1/smaps_rollup")"
}

# stays PID TITLE COMMAND...: SOAK times, with a number behind it; each ends with 3, and
# the process is not larger at the end. What the first ones need once is not counted.
stays()
{
	local pid=$1 title=$2 i fds kib fds_now kib_now every=$((SOAK < 100 ? 1 : SOAK / 100))
	shift 2
	for ((i = -20; i <= SOAK; i++)); do
		[ $i -ne 0 ] || read -r fds kib <<<"$(size_of "$pid")"
		[ $i -lt 0 ] || [ $((i % every)) -ne 0 ] || [ -z "${SOAK_DATA-}" ] ||
			printf '%s\t%s\t%s\n' "$title" $i "$(size_of "$pid" | tr ' ' '\t')" >>"$SOAK_DATA"
		[ $i -lt $SOAK ] || break
		status=0
		"$@" $((i + 20)) </dev/null >"$DIR/log" 2>&1 3>&- 4>&- || status=$?
		[ $status -eq 3 ] || fail "number $i: status $status: $(<"$DIR/log")"
	done
	has_settled() { read -r fds_now kib_now <<<"$(size_of "$pid")" && [ "$fds_now" -le "$fds" ]; }
	until_true has_settled || fail "$fds descriptors before, $fds_now after"
	[ "$kib_now" -le $((kib + 256)) ] || fail "$kib KiB before, $kib_now KiB after"
}

@test "rustbox's supervisor through $SOAK execs: no descriptor and no memory more" {
	local pid
	"$RUSTBOX" run -d --rootfs "$B/rootfs" --name "$TAG" payload wait >"$DIR/id" 3>&- 4>&-
	pid=$(pgrep -f "supervise $(<"$DIR/id")\$")
	exec_once() { "$RUSTBOX" exec "$TAG" payload exit 3; }
	stays "$pid" "rustbox's supervisor, execs" exec_once
	"$RUSTBOX" rm -f "$TAG" 3>&- 4>&-
}

@test "a pod's shim through $SOAK execs and containers by turns: no descriptor and no memory more" {
	local pid options=(--runtime "$SHIM_RUNTIME" --annotation "io.kubernetes.cri.sandbox-id=$ID"
		--env "RUSTBOX_TEST_TAG=$TAG")
	NEW=("${options[@]}")
	ctr_detached payload wait
	pid=$(shim_pid)
	# What is in the pod is the child of this shim.
	ctr run -d "${options[@]}" "$IMAGE" "$ID-other" payload wait
	same "$(awk '$1 == "PPid:" { print $2 }' "/proc/$(task_pid "$ID-other")/status")" "$pid"
	remove "$ID-other"
	in_pod()
	{
		if [ $(($1 % 2)) -eq 0 ]; then
			ctr task exec --exec-id "e$1" "$ID" payload exit 3
		else
			ctr run --rm "${options[@]}" "$IMAGE" "$ID-$1" payload exit 3
		fi
	}
	stays "$pid" "a pod's shim, execs and containers" in_pod
	remove
}
