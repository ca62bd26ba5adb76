#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What list, ps and state print: tables and JSON as callers of other runtimes
# know them.
# vm: no

load container

@test "list below a root that is not there: nothing, or an error that names it" {
	try list -q
	[ "$status" -eq 0 ] && same "$output" "" || error_names "$ROOT"
}

@test "list of nothing: a head line, null or an empty array, nothing" {
	mkdir "$ROOT"
	try list
	ok
	matches '^ID +PID +STATUS +BUNDLE +CREATED +OWNER *$'
	same "$(wc -l <<<"$output")" 1
	try list --format json
	ok
	matches '^(null|\[\])$'
	try list -q
	ok
	same "$output" ""
}

@test "list shows all containers, each with its status" {
	payload wait
	create_container "$ID-created"
	config '.linux.cgroupsPath += "-2"'
	launch run --detach --bundle "$B" "$ID-running"
	ok
	config '.linux.cgroupsPath += "3" | .process.args = ["payload", "print", "x"]'
	launch run --detach --bundle "$B" "$ID-stopped"
	ok
	wait_status stopped "$ID-stopped"
	try list
	ok
	same "$(wc -l <<<"$output")" 4
	matches "^$ID-created +[1-9][0-9]* +created +$B +[0-9]{4}-[0-9-]+T[0-9:.]+Z +(root|#0|0) *$" \
		"^$ID-running +[1-9][0-9]* +running " "^$ID-stopped +0 +stopped "
	same "$(sed 1d <<<"$output" | cut -d ' ' -f 1)" "$(printf '%s\n' "$ID-created" "$ID-running" "$ID-stopped")"
	try list --format json
	ok
	same "$(jq -c 'map({(.id): .status}) | add' <<<"$output")" \
		"{\"$ID-created\":\"created\",\"$ID-running\":\"running\",\"$ID-stopped\":\"stopped\"}"
	same "$(jq -r '.[0] | has("ociVersion") and has("pid") and has("bundle") and has("rootfs") and has("created") and has("owner")' <<<"$output")" true
	same "$(jq -r '.[1].pid' <<<"$output")" "$(init_pid "$ID-running")"
	try list --quiet
	same "$output" "$(printf '%s\n' "$ID-created" "$ID-running" "$ID-stopped")"
	try list -q
	same "$(wc -l <<<"$output")" 3
	try list -f json
	jq -e 'length == 3' <<<"$output" >/dev/null
}

@test "list shows annotations in JSON" {
	config '.annotations = {"x.y": "z"}'
	start_waiting
	try list --format json
	same "$(jq -r '.[0].annotations["x.y"]' <<<"$output")" z
}

@test "list shows paused containers" {
	start_waiting
	try pause "$ID"
	try list
	matches "^$ID +[0-9]+ +paused "
}

@test "state has what callers read: rootfs, created, owner" {
	start_waiting
	try state "$ID"
	ok
	same "$(jq -r .rootfs <<<"$output")" "$B/rootfs"
	same "$(jq -r '.owner | type' <<<"$output")" string
	jq -e '.created | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+\\.[0-9]+Z$")' <<<"$output" >/dev/null || fail created
	# for people: several lines
	[ "$(wc -l <<<"$output")" -gt 5 ] || fail "one line"
}

@test "ps without a container that runs" {
	payload print done
	create_container
	try ps "$ID"
	ok
	try start "$ID"
	wait_status stopped
	try ps --format json "$ID"
	[ "$status" -ne 0 ] || matches '^(null|\[\])$'
}

@test "ps with options of ps(1), and with ones that it does not know" {
	start_waiting
	try ps "$ID" -ef
	ok
	says payload
	try ps "$ID" -o pid,args
	ok
	same "$(sed 1d <<<"$output" | awk '{ print $1 }')" "$(init_pid)"
	try ps "$ID" --no-such-option
	fails
}

@test "list while containers come and go" {
	mkdir "$ROOT"
	payload print x
	config 'del(.linux.cgroupsPath)'
	local i jobs=()
	for i in 1 2 3 4; do
		(
			for n in 1 2 3 4 5; do
				timeout 100 "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID-$i-$n" >/dev/null 2>&1
			done
		) 3>&- 4>&- &
		jobs+=($!)
	done
	for i in {1..30}; do
		try list --format json
		ok
		jq . <<<"$output" >/dev/null || fail "no JSON"
	done
	wait "${jobs[@]}"
	try list -q
	same "$output" ""
}
