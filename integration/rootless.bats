#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The runtime as an ordinary user: id maps with and without helpers, where state
# is, verbs, cgroups that may and may not be made, mounts and devices that the
# kernel refuses, groups, hooks, seccomp listeners; and that nothing is gained.
# vm: yes

load container
load ordinary_user

setup()
{
	container_setup
	DELEGATED=''
	unset USER_GROUPS USER_CGROUP USER_FILES USER_HIDES USER_SESSION
	make_user
	OURS=$RUNTIME
	user_program "$RUNTIME"
	RUNTIME=$DIR/user/${RUNTIME##*/}
	mkdir -m 700 "$ROOT"
	chown $USER_ID:$USER_ID "$ROOT" "$B" "$B/rootfs" "$DIR"
	rootless
}

teardown()
{
	local failed=0
	container_teardown || failed=1
	end_delegation || failed=1
	RUNTIME=$OURS
	return $failed
}

# What an ordinary user can have of the base configuration.
rootless()
{
	config 'del(.linux.cgroupsPath)
		| (.mounts[] | select(.type == "devpts").options) -= ["gid=5"]
		| .linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": $id, "size": 1}]
		| .linux.gidMappings = .linux.uidMappings' --argjson id $USER_ID
}

# The user's own id is 0, 1 and so on are the subordinate ones.
map_range()
{
	config '.linux.uidMappings[1] = {"containerID": 1, "hostID": $first, "size": 65535}
		| .linux.gidMappings = .linux.uidMappings' --argjson first "${1:-$SUB_IDS}"
}

host_ids()
{
	awk '/^Uid:/ { uid = $2 } /^Gid:/ { gid = $2 } END { print uid, gid }' "/proc/$1/status"
}

limit()
{
	config '.linux.resources = $r' --argjson r "$1"
}

# ---- ids ------------------------------------------------------------------------

@test "one id: root inside is the user outside, no helper is run" {
	export USER_HIDES=/usr/bin/newuidmap
	[ -e $USER_HIDES ] || unset USER_HIDES
	start_waiting
	same "$(host_ids "$(init_pid)")" "$USER_ID $USER_ID"
	same "$(cat "/proc/$(init_pid)/setgroups")" deny
	try exec "$ID" payload ids
	lines "uid 0 0 0" "gid 0 0 0"
	matches '^groups *$'
}

@test "one id that is not 0 inside" {
	config '.linux.uidMappings[0].containerID = 1000 | .linux.gidMappings[0].containerID = 1000
		| .process.user = {"uid": 1000, "gid": 1000}'
	run_payload ids
	lines "uid 1000 1000 1000" "gid 1000 1000 1000"
}

# bats test_tags=vm
@test "a range by newuidmap and newgidmap: users and groups of the range" {
	need_helpers
	map_range
	config '.process.user = {"uid": 33, "gid": 34, "additionalGids": [35]}'
	start_waiting
	same "$(host_ids "$(init_pid)")" "$((SUB_IDS + 32)) $((SUB_IDS + 33))"
	try exec "$ID" payload ids
	lines "uid 33 33 33" "gid 34 34 34" "groups 35"
	try exec --user 0:0 "$ID" payload ids
	lines "uid 0 0 0"
}

@test "a range of somebody else's is refused, naming the files" {
	need_helpers
	map_range 5000000
	payload print never
	try run --bundle "$B" "$ID"
	error_names newgidmap not allowed /etc/subuid
	[ ! -e "$ROOT/$ID" ] || fail "something is left"
}

@test "another's single id is refused" {
	need_helpers
	config '.linux.uidMappings[0].hostID = 0'
	try run --bundle "$B" "$ID"
	error_names newuidmap not allowed
}

@test "without the package uidmap a range is refused, naming it" {
	need_helpers
	map_range
	export USER_HIDES=/usr/bin/newgidmap
	try run --bundle "$B" "$ID"
	error_names newgidmap "package uidmap"
}

@test "without a user namespace in the configuration: the error names it" {
	config '.linux.namespaces |= map(select(.type != "user"))
		| del(.linux.uidMappings, .linux.gidMappings)'
	try run --bundle "$B" "$ID"
	error_names "user namespace in config.json" "spec --rootless"
}

@test "additional groups with one id are refused; keep_original_groups keeps the user's" {
	config '.process.user.additionalGids = [10]'
	try run --bundle "$B" "$ID"
	error_names additionalGids
	config 'del(.process.user.additionalGids)
		| .annotations["run.oci.keep_original_groups"] = "1"'
	export USER_GROUPS=2345
	touch "$B/rootfs/tmp/of-the-group"
	chown 0:2345 "$B/rootfs/tmp/of-the-group"
	chmod 040 "$B/rootfs/tmp/of-the-group"
	run_payload ids + open r /tmp/of-the-group
	lines "groups 65534" ok
	start_waiting
	try exec "$ID" payload ids
	lines "groups 65534"
}

@test "without the annotation the user's groups do not get into a range" {
	need_helpers
	map_range
	export USER_GROUPS=2345
	run_payload ids
	matches '^groups *$'
}

# ---- the state ------------------------------------------------------------------

@test "the state is in XDG_RUNTIME_DIR, and the user's alone" {
	payload wait
	status=0
	"$RUNTIME" run --detach --bundle "$B" "$ID" >"$DIR/container.out" 2>&1 </dev/null 3>&- 4>&- ||
		fail "$(cat "$DIR/container.out")"
	same "$(stat -c '%a %u' "$DIR/xdg/rustbox-runtime")" "1700 $USER_ID"
	same "$(stat -c '%a %u' "$DIR/xdg/rustbox-runtime/$ID")" "700 $USER_ID"
	same "$("$RUNTIME" list --quiet)" "$ID"
	"$RUNTIME" delete --force "$ID"
	[ ! -e "$DIR/xdg/rustbox-runtime/$ID" ] || fail "something is left"
}

@test "without XDG_RUNTIME_DIR: /run/user/ID, if it is the user's alone" {
	local mode
	USER_SESSION=700 "$RUNTIME" --debug run --bundle "$B" "$ID" >"$DIR/out" 2>"$DIR/err" </dev/null 3>&-
	grep -qx hello "$DIR/out" || fail "$(cat "$DIR/err")"
	for mode in 755 none; do
		status=0
		USER_SESSION=$mode "$RUNTIME" list >"$DIR/out" 2>"$DIR/err" </dev/null 3>&- || status=$?
		read_streams "$DIR/out" "$DIR/err"
		error_names XDG_RUNTIME_DIR "/run/user/$USER_ID" --root
		# What has nothing to do with containers works all the same.
		USER_SESSION=$mode "$RUNTIME" features >/dev/null
	done
}

# ---- verbs ----------------------------------------------------------------------

@test "create, state, start, exec, ps, kill, delete" {
	export USER_FILES=1
	payload wait
	create_container
	same "$(container_status)" created
	try start "$ID"
	ok
	same "$(state_of owner)" ordinary
	try exec "$ID" payload print here
	lines here
	try ps --format json "$ID"
	same "$(jq length <<<"$output")" 1
	same "$(jq '.[0]' <<<"$output")" "$(init_pid)"
	try kill "$ID" KILL
	ok
	wait_status stopped
	try delete "$ID"
	ok
}

# bats test_tags=vm
@test "kill --all and ps reach what exec has started, without cgroups" {
	start_waiting
	launch exec --detach "$ID" payload wait
	ok
	try ps --format json "$ID"
	same "$(jq length <<<"$output")" 2
	try kill --all "$ID" USR1
	ok
	try kill --all "$ID" KILL
	ok
	wait_status stopped
}

@test "run in the foreground: exit code, signals, a terminal" {
	payload exit 7
	try run --bundle "$B" "$ID"
	exits 7
	config '.process.terminal = true'
	payload tty
	on_pty end -- "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	exits 0
}

@test "the user may neither look at nor kill a container of root's" {
	local root_state=$DIR/root-state other=$TAG-root
	mkdir -m 700 "$root_state"
	another_bundle second
	B=$DIR/second config 'del(.linux.uidMappings, .linux.gidMappings)
		| .linux.namespaces |= map(select(.type != "user")) | .process.args = ["payload", "wait"]'
	"$OURS" --root "$root_state" run --detach --bundle "$DIR/second" "$other" \
		>"$DIR/root.out" 2>&1 </dev/null 3>&- 4>&- || fail "$(cat "$DIR/root.out")"
	local verb
	for verb in state kill pause "exec $other true" "delete --force"; do
		# shellcheck disable=SC2086 # two words
		set -- $verb
		[ $# -gt 2 ] || set -- "$@" "$other"
		status=0
		"$RUNTIME" --root "$root_state" "$@" >"$DIR/out" 2>"$DIR/err" </dev/null 3>&- || status=$?
		read_streams "$DIR/out" "$DIR/err"
		error_names "Permission denied"
	done
	same "$("$OURS" --root "$root_state" state "$other" | jq -r .status)" running
	"$OURS" --root "$root_state" delete --force "$other"
}

# ---- cgroups --------------------------------------------------------------------

@test "where no cgroup may be made: it runs; each limit is refused by name, with the remedy" {
	run_payload print fine
	same "$output" fine
	local r name
	while read -r name r; do
		limit "$r"
		try run --bundle "$B" "$ID"
		error_names "$name" "ordinary user" "Delegate=yes"
	done <<-END
	memory.limit {"memory": {"limit": 10000000}}
	pids.limit {"pids": {"limit": 20}}
	cpu {"cpu": {"shares": 512}}
	cpu {"cpu": {"quota": 10000, "period": 100000}}
	END
	limit '{"unified": {"memory.max": "100000000"}}'
	try run --bundle "$B" "$ID"
	error_names unified "ordinary user"
	config 'del(.linux.resources)'
	start_waiting
	local call
	for call in pause "update --memory 10000000"; do
		# shellcheck disable=SC2086 # words
		try $call "$ID"
		error_names "made without cgroups" "Delegate=yes"
	done
	try events --stats "$ID"
	error_names "without cgroups"
}

@test "--rootless false: a cgroup that may not be made is an error; auto and true do without" {
	local when
	try --rootless false run --bundle "$B" "$ID"
	error_names cgroup "Permission denied"
	payload print fine
	for when in auto true; do
		try --rootless $when run --bundle "$B" "$ID"
		ok
		same "$output" fine
	done
}

# bats test_tags=vm
@test "a delegated subtree: the container is in it, and its limits hold" {
	delegate
	limit '{"memory": {"limit": 50000000}, "pids": {"limit": 30}, "cpu": {"shares": 512}}'
	start_waiting
	local here=$DELEGATED/$ID pid
	same "$(cat "$here/memory.max")" 49999872
	same "$(cat "$here/pids.max")" 30
	pid=$(init_pid)
	same "$(cat "/proc/$pid/cgroup")" "0::${DELEGATED#/sys/fs/cgroup}/$ID"
	launch exec --detach "$ID" payload wait
	ok
	same "$(wc -l <"$here/cgroup.procs")" 2
	try update --pids-limit 40 "$ID"
	ok
	same "$(cat "$here/pids.max")" 40
	try pause "$ID"
	ok
	same "$(container_status)" paused
	try resume "$ID"
	ok
	try events --stats "$ID"
	ok
	same "$(jq .data.pids.limit <<<"$output")" 40
	try delete --force "$ID"
	ok
	[ ! -d "$here" ] || fail "the cgroup is there"
}

# bats test_tags=vm
@test "a delegated subtree, its caller elsewhere: no process is left out of its limits" {
	delegate
	config '.linux.cgroupsPath = $p' --arg p "${DELEGATED#/sys/fs/cgroup}/$ID"
	limit '{"pids": {"limit": 30}}'
	unset USER_CGROUP
	payload print never
	try run --bundle "$B" "$ID"
	error_names "container's cgroup" "Permission denied" Delegate
	[ ! -d "$DELEGATED/$ID" ] || fail "the cgroup is there"
}

@test "cgroups of a container are read-only to it, or its own namespace's" {
	config '.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
			"options": ["nosuid", "noexec", "nodev", "ro"]}]'
	run_payload mkdir /sys/fs/cgroup/x
	same "$output" EROFS
}

# ---- mounts and devices ---------------------------------------------------------

# bats test_tags=vm
@test "a sysfs without a network namespace of its own is the host's, read-only" {
	config '.linux.namespaces |= map(select(.type != "network"))'
	run_payload statfs /sys + mkdir /sys/x + mounts /sys
	matches '^sysfs|62656572' EROFS
}

@test "a proc without a pid namespace, a group of devpts that is not mapped: the errors say why" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	try run --bundle "$B" "$ID"
	error_names /proc "pid namespace"
	config '.linux.namespaces += [{"type": "pid"}]
		| (.mounts[] | select(.type == "devpts").options) += ["gid=5"]'
	try run --bundle "$B" "$ID"
	error_names /dev/pts gid=5 "not mapped"
}

@test "devices are the host's, bound; one that the host lacks is refused" {
	run_payload write /dev/null x + open r /dev/zero + mknod /dev/shm/null c 1 3
	matches '^ok' '^EPERM'
	config '.linux.devices = [{"path": "/dev/nothing-such", "type": "c", "major": 1, "minor": 3}]'
	try run --bundle "$B" "$ID"
	error_names /dev/nothing-such
}

@test "volumes: the user's own; not what the user may not reach; not idmapped" {
	mkdir "$DIR/mine"
	mkdir -m 700 "$DIR/roots" "$DIR/roots/inner"
	chown $USER_ID "$DIR/mine"
	config '.mounts += [{"destination": "/mnt", "type": "bind", "source": $p, "options": ["rbind"]}]' --arg p "$DIR/mine"
	run_payload create /mnt/file
	same "$(stat -c %u "$DIR/mine/file")" "$USER_ID"
	config '.mounts[-1].options += ["idmap"]'
	try run --bundle "$B" "$ID"
	error_names idmapped CAP_SYS_ADMIN
	config '.mounts[-1] |= (.source = $p | .options = ["rbind"])' --arg p "$DIR/roots/inner"
	try run --bundle "$B" "$ID"
	error_names "$DIR/roots/inner" "Permission denied"
}

# ---- hooks, seccomp, what must not be gained -----------------------------------------

@test "hooks run as the user" {
	cat >"$DIR/hook" <<-SCRIPT
	#!/bin/sh
	id -u >"$DIR/xdg/\$1"
	SCRIPT
	chmod +x "$DIR/hook"
	config '.hooks = {"createRuntime": [{"path": $h, "args": ["hook", "created"]}],
		"poststop": [{"path": $h, "args": ["hook", "stopped"]}]}' --arg h "$DIR/hook"
	run_payload print x
	same "$(cat "$DIR/xdg/created" "$DIR/xdg/stopped")" "$USER_ID"$'\n'"$USER_ID"
}

@test "a seccomp listener of the user's" {
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": $p,
		"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}' --arg p "$DIR/l.sock"
	peer seccomp "$DIR/l.sock" 1 errno:28 >"$DIR/seccomp.out"
	chown $USER_ID "$DIR/l.sock"
	run_payload mkdir /tmp/a
	wait "$PEER"
	same "$output" ENOSPC
}

@test "the program is not set-user-id, and root inside is not root outside" {
	[ ! -u "$OURS" ] && [ ! -g "$OURS" ] || fail "set-user-id"
	capabilities CAP_SYS_ADMIN CAP_DAC_OVERRIDE CAP_CHOWN CAP_MKNOD
	echo secret >"$DIR/roots-file"
	chmod 600 "$DIR/roots-file"
	: >"$B/rootfs/secret"
	config '.mounts += [{"destination": "/secret", "type": "bind", "source": $p, "options": ["bind"]}]' --arg p "$DIR/roots-file"
	run_payload open r /secret + mknod /tmp/mem c 1 1
	same "$output" $'EACCES\nEPERM'
}

@test "spec --rootless: the configuration runs as it is, and asks for nothing that it cannot have" {
	rm "$B/config.json"
	(cd "$B" && "$RUNTIME" spec --rootless)
	same "$(stat -c %u "$B/config.json")" "$USER_ID"
	same "$(jq -c '.linux.uidMappings' "$B/config.json")" '[{"containerID":0,"hostID":'$USER_ID',"size":1}]'
	config '.process.terminal = false | .process.args = ["payload", "print", "hello"]'
	try run --bundle "$B" "$ID"
	ok
	same "$output" hello
}
