#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec: a further process in a running container, with every flag; that it is in
# the same namespaces and cgroups with the same restrictions; its exit code.
# vm: no
# sanitized: yes

load container

@test "exec gives output, error output and exit code" {
	start_waiting
	try exec "$ID" payload print one + exit 7
	exits 7
	same "$output" one
	try exec "$ID" sh -c 'echo to-error >&2; exit 255'
	exits 255
	same "$error" to-error
	try exec "$ID" true
	ok
}

@test "exec of a program that dies by a signal gives 128 + its number" {
	start_waiting
	try exec "$ID" payload kill-self 15
	exits 143
	try exec "$ID" payload kill-self 9
	exits 137
}

@test "exec passes standard input on, to its end" {
	start_waiting
	output=$(printf 'first\n' | rt exec "$ID" payload read-line + read-line 3>&-)
	same "$output" $'read [first]\nend of file'
	output=$(head -c 3000000 /dev/zero | rt exec "$ID" wc -c 3>&-)
	same "$output" 3000000
}

@test "exec passes much output on, last line without its end included" {
	start_waiting
	same "$(rt exec "$ID" payload flood 5000000 3>&- </dev/null | wc -c)" 5000000
	same "$(rt exec "$ID" payload flood 5000000 3>&- </dev/null | tail -c 1)" "!"
}

@test "exec is in all of the container's namespaces and its root" {
	config '.linux.namespaces += [{"type": "cgroup"}]'
	start_waiting ns + wait ready
	wait_output ready
	container_output
	local of_init
	of_init=$(grep : <<<"$output")
	try exec "$ID" payload ns
	ok
	same "$output" "$of_init"
	try exec "$ID" payload ls /home
	same "$output" user
}

@test "exec is in the container's cgroups" {
	start_waiting
	payload_pid() { rt ps --format json "$ID" | jq 'length'; }
	launch exec --detach --pid-file "$DIR/pid" "$ID" payload wait
	ok
	same "$(payload_pid)" 2
	same "$(cat "/proc/$(<"$DIR/pid")/cgroup")" "$(cat "/proc/$(init_pid)/cgroup")"
	says_not x
	grep -q "$CG" "/proc/$(<"$DIR/pid")/cgroup" || fail "not in a cgroup of the container"
}

@test "exec in a user namespace" {
	user_namespace
	start_waiting ns + wait ready
	wait_output ready
	try exec "$ID" payload ns + ids
	ok
	lines "uid 0 0 0" "gid 0 0 0" "$(grep '^user ' "$DIR/container.out")"
	launch exec --detach --pid-file "$DIR/pid" --user 5:6 "$ID" payload wait
	ok
	same "$(awk '/^Uid/ { print $2 }' "/proc/$(<"$DIR/pid")/status")" 100005
	same "$(awk '/^Gid/ { print $2 }' "/proc/$(<"$DIR/pid")/status")" 100006
}

@test "exec takes environment, folder, user from the configuration" {
	config '.process.env += ["FROM_CONFIG=1"] | .process.cwd = "/opt"
		| .process.user = {uid: 1000, gid: 1000, additionalGids: [2001]}'
	start_waiting
	FROM_HOST=1 try exec "$ID" payload env + cwd + ids
	ok
	lines FROM_CONFIG=1 /opt "uid 1000 1000 1000" "gid 1000 1000 1000"
	matches '^groups .*2001'
	says_not FROM_HOST
}

@test "--env adds and replaces" {
	config '.process.env += ["A=config", "B=config"]'
	start_waiting
	try exec --env A=flag --env NEW=x --env EMPTY= "$ID" payload env A B NEW EMPTY
	ok
	lines A=flag B=config NEW=x EMPTY=
	try exec -e A=short -e NEW=y "$ID" payload env A NEW
	ok
	lines A=short NEW=y
}

@test "--cwd" {
	start_waiting
	try exec --cwd /home/user "$ID" payload cwd
	same "$output" /home/user
	try exec --cwd relative "$ID" payload cwd
	error_names cwd
	if is_ours; then
		try exec --cwd /nowhere/at/all "$ID" payload cwd
		[ "$status" -eq 0 ] || error_names /nowhere/at/all
	fi
}

@test "S13 --user: uid, uid:gid; 1 is not 0" {
	start_waiting
	try exec --user 1 "$ID" payload ids
	ok
	lines "uid 1 1 1"
	try exec -u 1000:2000 "$ID" payload ids
	ok
	lines "uid 1000 1000 1000" "gid 2000 2000 2000"
	try exec --user 4294967294:4294967294 "$ID" payload ids
	if is_ours; then
		lines "uid 4294967294 4294967294 4294967294"
	fi
}

@test "S13 --user: what is no number, too large, or -1 is refused" {
	start_waiting
	local user
	for user in 1x 0x1 " 1" 1: :1 -1 4294967295 4294967296 99999999999999999999 1:1:1 ""; do
		try exec --user "$user" "$ID" payload ids
		[ "$status" -ne 0 ] || ! is_ours || fail "'$user' was taken"
		[ "$status" -eq 0 ] || [ -n "$error" ] || fail "no message for '$user'"
	done
}

@test "--additional-gids adds groups" {
	start_waiting
	try exec --additional-gids 77 --additional-gids 78 "$ID" payload ids
	ok
	matches '^groups .*77.* 78|^groups 77 78'
}

@test "HOME of exec --user is that user's" {
	start_waiting
	try exec --user 1000 "$ID" payload env HOME
	same "$output" HOME=/home/user
}

@test "S12 exec has the container's capabilities, --cap adds" {
	start_waiting
	try exec "$ID" payload status CapEff CapBnd CapInh CapAmb
	ok
	lines "CapEff: 0000000020000420" "CapBnd: 0000000020000420" "CapInh: 0000000000000000"
	try exec --cap CAP_SYS_CHROOT --cap CAP_CHOWN "$ID" payload status CapEff CapBnd
	ok
	lines "CapEff: 0000000020040421" "CapBnd: 0000000020040421"
	try exec --cap CAP_NOSUCH "$ID" payload status
	if is_ours; then
		error_names CAP_NOSUCH
	fi
	# Only that process: the container's own stay.
	try exec "$ID" payload status CapEff
	lines "CapEff: 0000000020000420"
}

@test "--no-new-privs" {
	config '.process.noNewPrivileges = false'
	start_waiting
	try exec "$ID" payload status NoNewPrivs
	same "$output" "NoNewPrivs: 0"
	try exec --no-new-privs "$ID" payload status NoNewPrivs
	same "$output" "NoNewPrivs: 1"
}

@test "exec is under the container's seccomp filter" {
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW",
		"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}'
	start_waiting
	try exec "$ID" payload mkdir /tmp/x + status Seccomp
	ok
	lines ENOSPC "Seccomp: 2"
}

@test "exec has rlimits, umask and OOM score of the configuration" {
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 333, "hard": 444}]
		| .process.user.umask = 63 | .process.oomScoreAdj = 300'
	start_waiting
	try exec "$ID" payload rlimits + umask + cat /proc/self/oom_score_adj
	ok
	matches '^NOFILE (333|444) 444$'
	lines 300
	if is_ours; then
		lines "NOFILE 333 444" 0077
	fi
}

@test "exec has the container's masked and read-only paths" {
	start_waiting
	try exec "$ID" payload write /proc/sys/kernel/hostname x + cat /proc/timer_list
	ok
	same "$output" EROFS
}

@test "--process takes a process object" {
	start_waiting
	cat >"$DIR/process.json" <<-'JSON'
	{"args": ["payload", "env", "FROM_FILE", "+", "cwd", "+", "ids", "+", "status", "CapEff"],
	 "env": ["PATH=/bin", "FROM_FILE=yes"], "cwd": "/tmp", "user": {"uid": 12, "gid": 34}}
	JSON
	try exec --process "$DIR/process.json" "$ID"
	ok
	lines FROM_FILE=yes /tmp "uid 12 12 12" "gid 34 34 34" "CapEff: 0000000000000000"
}

@test "--process with other options: they count above the file" {
	start_waiting
	cat >"$DIR/process.json" <<-'JSON'
	{"args": ["payload", "env", "FROM_FILE", "FROM_OPTION", "+", "cwd", "+", "ids", "+", "status", "CapEff", "NoNewPrivs"],
	 "env": ["PATH=/bin", "FROM_FILE=yes", "FROM_OPTION=no"], "cwd": "/tmp", "user": {"uid": 0, "gid": 34}}
	JSON
	try exec --process "$DIR/process.json" "$ID"
	ok
	lines FROM_OPTION=no /tmp "CapEff: 0000000000000000" "NoNewPrivs: 0"
	is_ours || return 0
	try exec --process "$DIR/process.json" --env FROM_OPTION=yes --cwd /home --cap CAP_KILL --no-new-privs \
		--additional-gids 77 "$ID"
	ok
	lines FROM_FILE=yes FROM_OPTION=yes /home "gid 34 34 34" "groups 77" "CapEff: 0000000000000020" "NoNewPrivs: 1"
}

@test "--apparmor and --process-label on a machine that has neither are errors" {
	is_ours || skip "this runtime ignores them"
	start_waiting
	if [ ! -d /sys/kernel/security/apparmor ]; then
		try exec --apparmor some-profile "$ID" payload print never
		error_names some-profile "AppArmor is not enabled"
	fi
	if [ ! -d /sys/fs/selinux ]; then
		try exec --process-label a:b:c:d "$ID" payload print never
		error_names a:b:c:d "SELinux is not enabled"
	fi
}

@test "--process: a missing file, broken JSON, wrong types" {
	start_waiting
	try exec --process "$DIR/none.json" "$ID"
	error_names none.json
	echo '{"args": ' >"$DIR/p.json"
	try exec --process "$DIR/p.json" "$ID"
	error_names p.json
	echo '{"args": "sh", "cwd": "/"}' >"$DIR/p.json"
	try exec --process "$DIR/p.json" "$ID"
	error_names args
	echo '{"cwd": "/"}' >"$DIR/p.json"
	try exec --process "$DIR/p.json" "$ID"
	error_names args
	same "$(rt ps --format json "$ID" | jq length)" 1
}

@test "--detach with --pid-file; the process outlives us" {
	start_waiting
	launch exec -d --pid-file "$DIR/pid" "$ID" payload wait there
	ok
	wait_output there
	grep -q "$TAG" "/proc/$(<"$DIR/pid")/environ"
	kill -TERM "$(<"$DIR/pid")"
	alone() { same "$(rt ps --format json "$ID" | jq length)" 1 >/dev/null; }
	until_true alone
}

@test "a detached exec is our subreaper's child, its status can be had" {
	start_waiting
	cat >"$DIR/reaper.py" <<-'PY'
	import ctypes, os, subprocess, sys
	ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
	pid_file = sys.argv[1]
	assert subprocess.call(sys.argv[2:]) == 0
	pid = int(open(pid_file).read())
	got, status = os.waitpid(pid, 0)
	print("reaped", got == pid, os.waitstatus_to_exitcode(status))
	PY
	output=$(timeout 100 "$PYTHON" -ES "$DIR/reaper.py" "$DIR/pid" "$RUNTIME" --root "$ROOT" \
		exec --detach --pid-file "$DIR/pid" "$ID" payload exit 42 3>&- </dev/null)
	same "$output" "reaped True 42"
}

@test "--pidfd-socket gets a pidfd of the new process" {
	is_ours || skip "this runtime has no --pidfd-socket"
	start_waiting
	peer pidfd "$DIR/pidfd.sock" >"$DIR/pidfd.out"
	launch exec --detach --pid-file "$DIR/pid" --pidfd-socket "$DIR/pidfd.sock" "$ID" payload wait
	ok
	wait_output "pid $(<"$DIR/pid")" "$DIR/pidfd.out"
	kill -KILL "$(<"$DIR/pid")"
	wait_output ended "$DIR/pidfd.out"
	wait "$PEER"
}

@test "--preserve-fds" {
	start_waiting
	echo three >"$DIR/three"
	output=$(timeout 100 "$RUNTIME" --root "$ROOT" exec --preserve-fds 1 "$ID" \
		payload read-fd 3 + fds 3<"$DIR/three" 4</etc/hosts </dev/null)
	lines three
	says_not hosts
}

@test "--cgroup puts the process into a group below the container's" {
	local dir
	dir=$(cgroup_dir pids)
	start_waiting
	mkdir "$dir/sub"
	if [ "$(cgroup_mode)" = v2 ]; then
		launch exec --detach --pid-file "$DIR/pid" --cgroup sub "$ID" payload wait
	else
		launch exec --detach --pid-file "$DIR/pid" --cgroup pids:sub "$ID" payload wait
	fi
	ok
	grep -qE "pids.*$CG/sub$|^0::$CG/sub$" "/proc/$(<"$DIR/pid")/cgroup" ||
		fail "$(cat "/proc/$(<"$DIR/pid")/cgroup")"
}

@test "S16 --cgroup that leaves the container or does not exist is refused" {
	start_waiting
	local path
	for path in ../x /../x a/../../x .. nosuch pids:../x pids:nosuch nosuch:x; do
		try exec --cgroup "$path" "$ID" payload print never
		fails
		[ -n "$error" ] || fail "no message for $path"
		same "$output" ""
	done
}

@test "exec in a container that is not running names it and its status" {
	payload print done
	create_container
	try start "$ID"
	wait_status stopped
	try exec "$ID" payload print never
	error_names "$ID" stopped
	same "$output" ""
}

@test "exec in a created container" {
	payload wait
	create_container
	try exec "$ID" payload print early
	if [ "$status" -eq 0 ]; then
		same "$output" early
	else
		error_names "$ID"
	fi
	same "$(container_status)" created
}

@test "exec in a paused container is refused, --ignore-paused waits" {
	start_waiting
	try pause "$ID"
	ok
	try exec "$ID" payload print never
	error_names paused
	launch exec --ignore-paused --detach --pid-file "$DIR/pid" "$ID" payload create /resumed &
	local job=$!
	try resume "$ID"
	ok
	wait $job
	until_true test -e "$B/rootfs/resumed"
}

@test "exec of what is not there, is no program, cannot be read: which of them" {
	start_waiting
	echo text >"$B/rootfs/text"
	printf '#!/no/such/interpreter\n' >"$B/rootfs/script"
	chmod +x "$B/rootfs/script"
	try exec "$ID" /no/such/program
	error_names /no/such/program
	try exec "$ID" nosuchprogram
	error_names nosuchprogram
	try exec "$ID" /text
	error_names /text
	try exec "$ID" /script
	error_names /script /no/such/interpreter
	try exec "$ID" /etc
	error_names /etc
	same "$(container_status)" running
}

@test "exec without a command is a usage error" {
	start_waiting
	try exec "$ID"
	fails
	[ -n "$error" ] || fail "no message"
}

@test "a flag after the id belongs to the command" {
	start_waiting
	try exec "$ID" payload args --cwd -e x --
	ok
	lines "[--cwd]" "[-e]" "[x]"
}

@test "twenty at the same time" {
	start_waiting
	local i jobs=()
	for i in {1..20}; do
		timeout 100 "$RUNTIME" --root "$ROOT" exec "$ID" payload exit "$i" </dev/null 3>&- &
		jobs+=($!)
	done
	for i in {1..20}; do
		status=0
		wait "${jobs[$((i - 1))]}" || status=$?
		exits "$i"
	done
	same "$(rt ps --format json "$ID" | jq length)" 1
}

@test "exec while the container ends: an error or an exit code, no hang" {
	local i
	for i in 1 2 3; do
		start_waiting
		(
			sleep "0.00$((i * 4))"
			kill -KILL "$(init_pid)"
		) 3>&- &
		try exec "$ID" payload sleep 10000
		[ "$status" -ne 0 ] && [ "$status" -ne 124 ] || fail "should have ended"
		wait
		try delete --force "$ID"
		ok
	done
}

@test "S2 a process of the container cannot trace what exec brings in" {
	user_namespace
	capabilities CAP_SYS_PTRACE
	# What may do all that the namespace allows, and so may look at all that has no more.
	config '.process.capabilities |= (.bounding = $all | .effective = $all | .permitted = $all)' \
		--argjson all "$(rt features | jq -c .linux.capabilities)"
	start_waiting trace 1500 + wait done
	local i
	for i in {1..20}; do
		try exec "$ID" payload print hello
		ok
	done
	wait_output done
	container_output
	lines "traced 0"
}
