# SPDX-License-Identifier: Apache-2.0
# Kills each of the runtime's processes at each message that it sends or
# receives (kill_at), in every verb. Whatever dies: no call hangs, the payload
# does not run unless start was told so, and `delete --force` removes all.
# With LONG=1 at every system call instead.
# vm: no
# shellcheck shell=bash

load container

# A configuration in which every message of the protocol is sent.
all_messages()
{
	user_namespace
	config '.hooks = {"prestart": [{"path": "/bin/true"}], "createContainer": [{"path": "/bin/true"}]}
		| .process.args = ["payload", "wait"]'
}

# Runs the verb up to event $1; killed or not, the next call must be right.
kill_in()
{
	local event=$1
	shift
	status=0
	timeout -k 5 60 "$TOP/build/release/kill_at" $KILL_OPTIONS "$event" \
		"$RUNTIME" --root "$ROOT" "$@" >"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- ||
		status=$?
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || {
		error=$(<"$DIR/err")
		fail "event $event of $*"
	}
}

remove_all()
{
	local ended=$status
	try delete --force "$ID"
	[ "$status" -eq 0 ] || fail "delete --force after event $1"
	[ ! -e "$ROOT/$ID" ] || fail "state is left after event $1"
	[ -z "$(tagged_cgroups)" ] || fail "cgroups are left after event $1"
	until_true no_process || fail "processes are left after event $1"
	status=$ended
}

no_process()
{
	[ -z "$(tagged_processes)" ]
}

# each_event VERB-FUNCTION PREPARE-FUNCTION
each_event()
{
	local event step=1
	KILL_OPTIONS=
	if [ "$LONG" != 0 ]; then
		KILL_OPTIONS=--all
	fi
	for ((event = 1; event < 20000; event += step)); do
		"$2"
		"$1" "$event"
		remove_all "$event"
		[ "$status" -ne 3 ] || break
	done
	echo "events: $event" >&3
	[ "$event" -gt "$3" ]
}

nothing()
{
	:
}

killed_create()
{
	kill_in "$1" create --bundle "$B" "$ID"
	if [ -d "$ROOT/$ID" ] && rt state "$ID" >"$DIR/state" 2>/dev/null; then
		[ "$(jq -r .status "$DIR/state")" != running ]
	fi
}

killed_run()
{
	kill_in "$1" run --detach --bundle "$B" "$ID"
}

killed_start()
{
	kill_in "$1" start "$ID"
}

killed_exec()
{
	kill_in "$1" exec "$ID" payload print hello
	# Not a message of exec's may hurt the container itself.
	[ "$(container_status)" = running ]
}

killed_delete()
{
	kill_in "$1" delete --force "$ID"
}

running()
{
	launch run --detach --bundle "$B" "$ID"
	ok
}

@test "create: a kill at each message leaves nothing" {
	all_messages
	each_event killed_create nothing 25
}

@test "run: a kill at each message leaves nothing" {
	all_messages
	each_event killed_run nothing 25
}

@test "start: a kill at each message leaves nothing" {
	all_messages
	each_event killed_start create_container 4
}

@test "exec: a kill at each message leaves the container running" {
	all_messages
	each_event killed_exec running 10
}

@test "delete --force: a kill at any system call leaves what the next one removes" {
	local step
	all_messages
	KILL_OPTIONS=--all step=7
	[ "$LONG" = 0 ] || step=1
	for ((event = 1; event < 20000; event += step)); do
		running
		killed_delete "$event"
		remove_all "$event"
		[ "$status" -ne 3 ] || break
	done
	[ "$event" -gt 50 ]
}

@test "create: a kill at every 15th system call leaves nothing" {
	local event
	all_messages
	KILL_OPTIONS=--all
	for ((event = 1; event < 20000; event += 15)); do
		killed_create "$event"
		remove_all "$event"
		[ "$status" -ne 3 ] || break
	done
	[ "$event" -gt 500 ]
}
