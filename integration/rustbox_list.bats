#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What shows containers and what belongs to them: list, inspect, events, prune,
# volumes, system, version, completions; and what the next command makes of
# containers whose supervisor was killed.

load rustbox

# One column of list: names NAME FORMAT [OPTIONS...]
listed()
{
	"$RUSTBOX" list "$@" 3>&- | sort | tr '\n' ' ' | sed 's/ $//'
}

# ---- list -----------------------------------------------------------------------

@test "list shows running ones, -a all, each with Docker's columns" {
	rbok create --name "$NAME-made" true
	rb run --name "$NAME-done" sh -c 'exit 3'
	exits 3
	start_box
	rbok list
	[[ $output == "CONTAINER ID   IMAGE "*" COMMAND "*" CREATED "*" STATUS "*" PORTS "*" NAMES"* ]] ||
		fail "columns: $output"
	[[ $output == *"$ID"*"$ROOTFS"*'"sh -c trap'*"…\""*"second"*" ago"*"Up "*"$NAME"* ]] ||
		fail "row: $output"
	same "$(wc -l <<<"$output")" 2
	rbok list --all
	same "$(wc -l <<<"$output")" 4
	[[ $output == *"Exited (3) "*" ago "*"$NAME-done"* ]] || fail "an exited one: $output"
	[[ $output == *"Created "*"$NAME-made"* ]] || fail "a created one: $output"
	rbok ps -q
	same "$output" "$ID"
	rbok ls --quiet --all
	same "$(wc -l <<<"$output")" 3
}

@test "list -l and -n show those created last, --no-trunc cuts nothing" {
	rbok create --name "$NAME-1" true
	rbok create --name "$NAME-2" true
	rbok create --name "$NAME-3" echo a-word-that-is-longer-than-the-column
	same "$(listed -l --format '{{.Names}}')" "$NAME-3"
	same "$(listed -n 2 --format '{{.Names}}')" "$NAME-2 $NAME-3"
	same "$(listed -n 0 --format '{{.Names}}')" ""
	same "$(listed -l --format '{{.Command}}')" '"echo a-word-that-is…"'
	same "$(listed -l --no-trunc --format '{{.Command}}')" \
		'"echo a-word-that-is-longer-than-the-column"'
}

@test "list --format: json, columns, a table and a template" {
	rbok create --name "$NAME" --label b=c --label a=d true
	local id=$output
	rbok list -a --format json
	same "$(jq -r '.ID + " " + .Names + " " + .State + " " + .Networks' <<<"$output")" \
		"$id $NAME created host"
	same "$(jq -r '.Labels' <<<"$output" | tr , '\n' | sort | tr '\n' ' ')" "a=d b=c "
	rbok list -a --format 'Names,Status'
	[[ $output == "NAMES "*" STATUS"$'\n'"$NAME "*" Created" ]] || fail "columns: $output"
	rbok list -a --format 'table Names,State'
	[[ $output == "NAMES "*" STATE"$'\n'"$NAME "*" created" ]] || fail "columns: $output"
	rbok list --format Names,State
	same "$output" "NAMES   STATE"
	rbok list -a --format 'table {{.ID}}\t{{.State}}'
	[[ $output == "CONTAINER ID"*$'\n'"$id"*created ]] || fail "table: $output"
	rbok list -a --format '{{.ID}}={{.Names}}'
	same "$output" "$id=$NAME"
	rb list --format '{{.ID'
	exits 1
}

@test "list --filter: each key, alternatives, and what has to hold together" {
	rbok create --name "$NAME-a" --label tier=back --label x=1 true
	local first=$output
	rb run --name "$NAME-b" --label tier=front -v "$DIR/tmp:/there" sh -c 'exit 3'
	exits 3
	start_box --label tier=back --isolate-network
	local f
	names()
	{
		listed -a --format '{{.Names}}' "$@"
	}
	same "$(names -f "id=${first:0:8}")" "$NAME-a"
	same "$(names -f "name=$NAME")" "$NAME $NAME-a $NAME-b"
	same "$(names -f "name=^/$NAME\$")" "$NAME"
	same "$(names -f label=tier=back)" "$NAME $NAME-a"
	same "$(names -f label=tier=back -f label=x)" "$NAME-a"
	same "$(names -f exited=3)" "$NAME-b"
	same "$(names -f exited=0)" ""
	same "$(names -f status=created -f status=running)" "$NAME $NAME-a"
	same "$(names -f status=running -f label=x)" ""
	same "$(names -f "before=$NAME-b")" "$NAME-a"
	same "$(names -f "since=${first:0:10}")" "$NAME $NAME-b"
	same "$(names -f volume=/there)" "$NAME-b"
	same "$(names -f network=none)" "$NAME"
	same "$(names -f health=none)" "$NAME $NAME-a $NAME-b"
	same "$(listed -f status=exited --format '{{.Names}}')" "$NAME-b"
	for f in status=gone exited=x health=ill before=nobody nothing=1 name; do
		rb list --filter "$f"
		exits 1
		error_names "--filter $f"
	done
}

@test "list shows pauses and stops; a Stopped one is found as exited, too" {
	start_box
	rbok pause "$NAME"
	[[ $(listed --format '{{.Status}}') == "Up "*" (Paused)" ]] || fail "should be paused"
	rbok unpause "$NAME"
	rbok stop "$NAME"
	same "$(listed)" "$("$RUSTBOX" list 3>&-)"
	[[ $(listed -a --format '{{.Status}}') == "Stopped (0) "*" ago" ]] || fail "should be stopped"
	same "$(listed -f status=stopped -q)" "$ID"
	same "$(listed -f status=exited -q)" "$ID"
}

@test "list -s tells how much was written" {
	rbok run --name "$NAME" sh -c 'dd if=/dev/zero of=/file bs=1024 count=3000 2>/dev/null'
	[[ $(listed -a -s --format '{{.Size}}') == "3.0"*"MB (virtual "* ]] ||
		fail "should be 3 MB: $(listed -a -s --format '{{.Size}}')"
	rbok list -a -s
	[[ $output == *" NAMES "*" SIZE"* ]] || fail "should have the column"
}

@test "a killed supervisor is seen by the next list, and its container is gone" {
	start_box
	local pid
	pid=$(box_state .State.Pid)
	kill -9 "$(supervisor_pid)"
	until_true supervisor_gone
	same "$(listed -q)" ""
	[[ $(listed -a --format '{{.Status}}') == "Exited (137) "* ]] || fail "should be 137"
	[ ! -e "/proc/$pid" ] || [[ $(cat "/proc/$pid/cmdline" | tr '\0' ' ') != *"sleep 1000"* ]] ||
		fail "its process should be gone"
	same "$(box_state .State.Error)" "its supervisor was killed"
	rbok remove "$NAME"
}

supervisor_gone()
{
	! pgrep -f "supervise $ID\$" >/dev/null
}

@test "a killed supervisor of a --rm container takes it along" {
	start_box --rm
	kill -9 "$(supervisor_pid)"
	until_true supervisor_gone
	same "$(listed -aq)" ""
	assert_nothing_left
}

# ---- inspect --------------------------------------------------------------------

@test "inspect finds containers and volumes, by --type or in order" {
	rbok create --name "$NAME" true
	local id=$output
	rbok volume create "$NAME"
	rbok inspect "$NAME"
	same "$(jq -r '.[0].Id' <<<"$output")" "$id"
	rbok inspect --type volume "$NAME"
	same "$(jq -r '.[0].Mountpoint' <<<"$output")" "$RUSTBOX_ROOT/volumes/$NAME/data"
	rbok inspect -f '{{.Name}} {{.State.Status}}' "${id:0:6}"
	same "$output" "/$NAME created"
	rbok inspect --format json "$NAME"
	same "$(wc -l <<<"$output")" 1
	rb inspect --type nothing "$NAME"
	exits 1
	error_names "--type nothing"
	rbok volume remove "$NAME"
}

@test "inspect goes on after a name that nothing has" {
	rbok create --name "$NAME" true
	rb inspect "$NAME-none" "$NAME"
	exits 1
	same "$(jq -r '.[].Name' <<<"$output")" "/$NAME"
	[[ $error == *"no such container, image, network or volume: $NAME-none" ]] ||
		fail "should name it"
	rb inspect --type container "$NAME-none"
	exits 1
	same "$output" "[]"
}

@test "inspect -s tells sizes" {
	rbok run --name "$NAME" sh -c 'dd if=/dev/zero of=/file bs=1024 count=3000 2>/dev/null'
	rbok inspect -s "$NAME"
	[ "$(jq '.[0].SizeRw' <<<"$output")" -ge 3000000 ] || fail "should be 3 MB"
	rbok inspect "$NAME"
	same "$(jq '.[0].SizeRw' <<<"$output")" null
}

# ---- events ---------------------------------------------------------------------

@test "events of the past: --since, --until, filters, formats" {
	rb run --name "$NAME" --label tier=back sh -c 'exit 3'
	exits 3
	rbok remove "$NAME"
	rbok events --since 10m --until 0s --filter type=container --format '{{.Action}}'
	same "$(tr '\n' ' ' <<<"$output")" "create attach start die destroy "
	rbok events --since 10m --until 0s --filter event=die
	[[ $output == *" container die "*"exitCode=3"*"tier=back"*"name=$NAME"* ]] ||
		fail "line: $output"
	rbok events --since 10m --until 0s --filter event=die --format json
	same "$(jq -r '.Actor.Attributes.exitCode + " " + .Actor.Attributes.name' <<<"$output")" \
		"3 $NAME"
	rbok events --since 10m --until 0s --filter "container=$NAME" --filter label=tier=front
	same "$output" ""
	rbok events --since 10m --until 5m
	same "$output" ""
	rb events --filter nothing=1
	exits 1
	rb events --format '{{.'
	exits 1
}

@test "events follows, across the change of its file, and ends with its reader" {
	rbok create --name "$NAME-0" true
	"$RUSTBOX" events --filter event=create --format '{{.Actor.Attributes.name}}' \
		>"$DIR/events" 3>&- 4>&- &
	local pid=$!
	until_true watches "$pid"
	rbok create --name "$NAME-1" true
	until_true grep -q "$NAME-1" "$DIR/events"
	# The next event is the file's last one.
	truncate -s 4194303 "$RUSTBOX_ROOT/run/events"
	printf '\n' >>"$RUSTBOX_ROOT/run/events"
	rbok create --name "$NAME-2" true
	[ -e "$RUSTBOX_ROOT/run/events.1" ] || fail "the file should have changed"
	rbok create --name "$NAME-3" true
	until_true grep -q "$NAME-3" "$DIR/events"
	kill "$pid"
	wait "$pid" || :
	same "$(tr '\n' ' ' <"$DIR/events")" "$NAME-1 $NAME-2 $NAME-3 "
	# shellcheck disable=SC2094
	timeout 100 "$RUSTBOX" events --since 10m 3>&- 4>&- | head -n 1 >"$DIR/first"
	[ -s "$DIR/first" ] || fail "should have shown one"
}

watches()
{
	grep -qs inotify "/proc/$1/fdinfo"/*
}

# ---- prune ----------------------------------------------------------------------

@test "prune removes Created and Exited ones, and empties Stopped ones" {
	rbok create --name "$NAME-made" true
	local made=$output
	rb run --name "$NAME-done" true
	start_box
	rbok exec "$NAME" sh -c 'echo x >/file'
	rbok stop "$NAME"
	rbok prune
	[[ $output == *"Deleted Containers:"*"$made"*"Emptied Containers:"$'\n'"$ID"*"Total reclaimed space: "* ]] ||
		fail "output: $output"
	same "$(listed -a --format '{{.Names}} {{.State}}')" "$NAME exited"
	[ ! -e "$RUSTBOX_ROOT/overlay/$ID/upperdir/file" ] || fail "its file should be gone"
	rb start "$NAME"
	[ "$status" -ne 0 ] || fail "an Exited one should not start"
	rbok prune --force
	same "$(listed -aq)" ""
}

@test "prune leaves running ones, --all takes Stopped ones, --filter chooses" {
	start_box
	rbok create --name "$NAME-a" --label keep true
	rbok create --name "$NAME-b" --label drop true
	rbok prune --filter label=drop
	same "$(listed -a --format '{{.Names}}')" "$NAME $NAME-a"
	rbok prune --filter until=10m
	same "$(listed -a --format '{{.Names}}')" "$NAME $NAME-a"
	rbok stop "$NAME"
	rbok prune --all
	same "$(listed -aq)" ""
	rb prune --filter nothing=1
	exits 1
}

# ---- volumes --------------------------------------------------------------------

@test "a volume outlives its containers, and is removed when none mounts it" {
	rbok volume create --label tier=back "$NAME"
	same "$output" "$NAME"
	rbok run --rm -v "$NAME:/data" sh -c 'echo kept >/data/file'
	rbok run --name "$NAME" -v "$NAME:/data" cat /data/file
	same "$output" kept
	rbok volume list --format '{{.Name}} {{.Driver}} {{.Labels}}'
	same "$output" "$NAME local tier=back"
	rbok volume ls -q --filter dangling=true
	same "$output" ""
	rb volume rm "$NAME"
	exits 1
	error_names "in use by container"
	rbok volume inspect -f '{{.Labels.tier}}' "$NAME"
	same "$output" back
	rbok remove "$NAME"
	rbok volume ls -q --filter dangling=true
	same "$output" "$NAME"
	rbok volume rm "$NAME"
	rb volume inspect "$NAME"
	exits 1
	rb volume rm "$NAME"
	exits 1
	rbok volume rm --force "$NAME"
}

@test "volume prune takes those without a name, --all the others, too" {
	rbok volume create
	[[ $output =~ ^[0-9a-f]{64}$ ]] || fail "a name: $output"
	rbok volume create "$NAME"
	rbok volume create "$NAME"
	rb volume create ../evil
	exits 1
	rbok volume prune
	[[ $output == "Deleted Volumes:"*"Total reclaimed space: "* ]] || fail "output: $output"
	rbok volume ls -q
	same "$output" "$NAME"
	# What a container without a name for it has left has none either.
	rbok create --name "$NAME-c" -v /its-own true
	rbok remove "$NAME-c"
	rbok volume prune
	[[ $output =~ [0-9a-f]{64} ]] || fail "output: $output"
	rbok volume ls -q
	same "$output" "$NAME"
	rbok volume prune --all --filter label=x
	rbok volume ls -q
	same "$output" "$NAME"
	rbok volume prune --all
	rbok volume ls -q
	same "$output" ""
}

# ---- system, version, completion ----------------------------------------------------

@test "system df counts, system prune removes" {
	rbok run --name "$NAME-done" sh -c 'dd if=/dev/zero of=/file bs=1024 count=3000 2>/dev/null'
	start_box -v "$NAME-data:/data"
	rbok system df --format json
	same "$(jq -r 'select(.Type == "Containers") | "\(.TotalCount) \(.Active)"' <<<"$output")" "2 1"
	same "$(jq -r 'select(.Type == "Local Volumes") | "\(.TotalCount) \(.Active)"' <<<"$output")" \
		"1 1"
	[[ $(jq -r 'select(.Type == "Containers").Reclaimable' <<<"$output") == 3.*MB* ]] ||
		fail "reclaimable: $output"
	rbok system df
	[[ $output == "TYPE "*"TOTAL "*"ACTIVE "*"SIZE "*"RECLAIMABLE"* ]] || fail "table: $output"
	rbok system df --verbose
	[[ $output == *"Containers space usage:"*"$ID"*"Local Volumes space usage:"*"$NAME-data"* ]] ||
		fail "one by one: $output"
	rbok system prune --force
	[[ $output == *"Deleted Containers:"*"Total reclaimed space: 3."*"MB"* ]] ||
		fail "output: $output"
	same "$(listed -aq)" "$ID"
	rbok remove --force "$ID"
	rbok volume rm "$NAME-data"
}

@test "system prune --volumes takes volumes without a name that nothing mounts" {
	start_box -v /anonymous -v "$NAME-data:/data"
	rbok volume create
	local unused=$output
	rbok system prune --force
	rbok volume ls -q
	grep -qx "$unused" <<<"$output" || fail "without --volumes: $output"
	rbok system prune --force --volumes
	rbok volume ls -q
	! grep -qx "$unused" <<<"$output" || fail "it is still there"
	same "$(wc -l <<<"$output")" 2
	rbok remove --force --volumes "$ID"
	rbok volume rm "$NAME-data"
}

@test "version tells what is asked for" {
	rbok version
	[[ $output == "rustbox version "*"kernel: $(uname -r)" ]] || fail "text: $output"
	rbok version --format '{{.Os}} {{.KernelVersion}}'
	same "$output" "linux $(uname -r)"
	rbok version --format json
	same "$(jq -r .Os <<<"$output")" linux
}

@test "bash completes commands of two words, other names and containers" {
	rbok create --name "$NAME" true
	local id=$output
	"$RUSTBOX" completion bash >"$DIR/completion"
	complete_words()
	{
		PATH=$(dirname "$RUSTBOX"):$PATH bash -c '
			. "$1"; shift
			COMP_WORDS=(rustbox "$@") COMP_CWORD=$#
			_rustbox; echo "${COMPREPLY[*]}"' - "$DIR/completion" "$@"
	}
	same "$(complete_words volu)" volume
	same "$(complete_words volume '')" "create inspect list prune remove"
	same "$(complete_words volume ls --for)" "--format"
	same "$(complete_words ps --no)" "--no-trunc"
	same "$(complete_words rm '')" "$id"
	same "$(complete_words --root / network l)" list
}
