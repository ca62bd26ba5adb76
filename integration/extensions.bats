#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Annotations that this runtime acts on: crun's run.oci.…, and its own
# org.rustbox.… for Landlock and core scheduling.
# vm: no
# sanitized: yes

load container

setup()
{
	container_setup
	is_ours || skip "annotations of ours, and of crun's"
}

note()
{
	config '.annotations[$k] = $v' --arg k "$1" --arg v "$2"
}

# landlock JSON
landlock()
{
	note org.rustbox.landlock "$1"
}

# hook KIND SCRIPT: a program of the host (startContainer: of the container)
hook()
{
	config '.hooks[$k] += [{path: "/bin/sh", args: ["sh", "-c", $s]}]' --arg k "$1" --arg s "$2"
}

# ---- hooks, pidfd, groups --------------------------------------------------------------

@test "run.oci.hooks.stdout and stderr: files get what hooks of all kinds write" {
	local kind
	note run.oci.hooks.stdout "$DIR/out.log"
	note run.oci.hooks.stderr "$DIR/err.log"
	echo before >"$DIR/out.log"
	for kind in prestart createRuntime createContainer startContainer poststart poststop; do
		hook $kind "echo $kind; echo to-stderr-$kind >&2"
	done
	payload fds
	try run --bundle "$B" "$ID"
	ok
	same "$(wc -l <<<"$output")" 3
	same "$(<"$DIR/out.log")" $'before\nprestart\ncreateRuntime\ncreateContainer\nstartContainer\npoststart\npoststop'
	same "$(grep -c '^to-stderr-' "$DIR/err.log")" 6
	same "$(stat -c %a "$DIR/err.log")" 600
}

@test "run.oci.hooks.stdout alone: stderr stays part of a failing hook's message" {
	note run.oci.hooks.stdout "$DIR/out.log"
	hook createRuntime 'echo said; echo complained >&2; exit 3'
	try run --bundle "$B" "$ID"
	error_names 'createRuntime hook #0' complained
	[[ $error != *said* ]] || fail "standard output belongs to the file"
	same "$(<"$DIR/out.log")" said
	note run.oci.hooks.stdout "$DIR/none/out.log"
	try run --bundle "$B" "$ID"
	error_names run.oci.hooks.stdout "$DIR/none/out.log"
	assert_nothing_left
}

@test "run.oci.pidfd_receiver gets a pidfd of init" {
	peer pidfd "$DIR/pidfd.sock" >"$DIR/pidfd.out"
	note run.oci.pidfd_receiver "$DIR/pidfd.sock"
	payload wait
	create_container
	wait_output "pid $(init_pid)" "$DIR/pidfd.out"
	try delete --force "$ID"
	ok
	wait_output ended "$DIR/pidfd.out"
	wait "$PEER"
}

@test "run.oci.keep_original_groups: those of the caller, for run and exec" {
	need_capability 6 CAP_SETGID
	payload status Groups + wait ready
	status=0
	timeout 60 setpriv --groups 0,4242 "$RUNTIME" --root "$ROOT" run --detach --bundle "$B" "$ID" \
		>"$DIR/container.out" 2>"$DIR/container.err" </dev/null 3>&- || status=$?
	ok
	wait_output ready
	container_output
	no_lines "Groups: 0 4242"
	try delete --force "$ID"
	note run.oci.keep_original_groups 1
	timeout 60 setpriv --groups 0,4242 "$RUNTIME" --root "$ROOT" run --detach --bundle "$B" "$ID" \
		>"$DIR/container.out" 2>"$DIR/container.err" </dev/null 3>&- || status=$?
	ok
	wait_output ready
	container_output
	lines "Groups: 0 4242"
	output=$(timeout 60 setpriv --groups 0,4343 "$RUNTIME" --root "$ROOT" exec "$ID" payload status Groups 3>&-)
	lines "Groups: 0 4343"
}

# ---- seccomp ---------------------------------------------------------------------------

@test "run.oci.seccomp.receiver is listenerPath by another name" {
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY"}]}'
	note run.oci.seccomp.receiver "$DIR/agent.sock"
	peer seccomp "$DIR/agent.sock" 1 errno:28 >"$DIR/agent.out"
	run_payload mkdir /tmp/x
	same "$output" ENOSPC
	wait "$PEER"
	grep -q '"seccompFd"' "$DIR/agent.out" || fail "$(<"$DIR/agent.out")"
	config '.linux.seccomp.listenerPath = "/other"'
	try run --bundle "$B" "$ID"
	error_names run.oci.seccomp.receiver listenerPath
}

@test "run.oci.seccomp_fail_unknown_syscall: a name that nobody knows is an error" {
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["mkdir", "no_such_call"], action: "SCMP_ACT_ERRNO"}]}'
	# A filter that is kept from before must not hide it.
	run_payload print fine
	note run.oci.seccomp_fail_unknown_syscall 0
	run_payload print fine
	note run.oci.seccomp_fail_unknown_syscall 1
	try run --bundle "$B" "$ID"
	error_names no_such_call 'syscalls[0]' run.oci.seccomp_fail_unknown_syscall
	assert_nothing_left
}

@test "run.oci.seccomp_bpf_data: a filter as it is, in run and exec, instead of linux.seccomp" {
	[ "$(uname -m)" = x86_64 ] || skip "the filter has the numbers of x86_64"
	local program
	# mkdir (83) gives errno 28, all else is allowed.
	program=$("$PYTHON" - <<-'PY'
	import base64, struct
	code = [(0x20, 0, 0, 0), (0x15, 0, 1, 83), (0x06, 0, 0, 0x50000 | 28), (0x06, 0, 0, 0x7fff0000)]
	print(base64.b64encode(b"".join(struct.pack("HBBI", *line) for line in code)).decode())
	PY
	)
	note run.oci.seccomp_bpf_data "$program"
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO"}'
	start_waiting mkdir /tmp/x + status Seccomp + wait ready
	wait_output ready
	container_output
	lines "Seccomp: 2"
	container_output
	lines ENOSPC
	try exec "$ID" payload mkdir /tmp/y
	same "$output" ENOSPC
	try delete --force "$ID"
	note run.oci.seccomp_bpf_data AAAAAAAAAAA=
	try run --bundle "$B" "$ID"
	error_names 'load the seccomp filter'
}

# ---- what is not built -----------------------------------------------------------------

@test "handlers, plugins and the like are refused by name, never ignored" {
	local name
	for name in run.oci.handler run.oci.seccomp.plugins run.oci.systemd.force_cgroup_v1; do
		base_config >"$B/config.json"
		note $name /x
		try run --bundle "$B" "$ID"
		error_names $name
	done
	assert_nothing_left
}

@test "features lists the annotations that it acts on" {
	try features
	ok
	same "$(jq -c '.potentiallyUnsafeConfigAnnotations | [length > 10, index("org.criu.config"),
		(index("run.oci.hooks.stdout") != null), index("run.oci.handler")]' <<<"$output")" '[true,0,true,null]'
}

# ---- landlock --------------------------------------------------------------------------

need_landlock()
{
	local version
	version=$("$PYTHON" -ES -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1))')
	[ "$version" -ge "$1" ] || skip "this kernel has version $version of landlock, $1 is needed"
}

FS='"handledAccessFS": ["execute", "write_file", "read_file", "read_dir", "make_reg", "make_dir"]'
ALL='["execute", "write_file", "read_file", "read_dir", "make_reg", "make_dir"]'

@test "landlock: files, and what is below folders, for run and exec, root or not" {
	need_landlock 1
	local user
	mkdir "$B/rootfs/data"
	echo secret >"$B/rootfs/data/secret"
	echo public >"$B/rootfs/data/public"
	chmod 777 "$B/rootfs/data"
	landlock '{"ruleset": {'"$FS"'}, "rules": {"pathBeneath": [
		{"allowedAccess": ["execute", "read_file", "read_dir"], "paths": ["/bin", "/proc", "/data/public"]},
		{"allowedAccess": '"$ALL"', "paths": ["/tmp", "/dev"]}]}}'
	for user in 0 1000; do
		config '.process.user.uid = $u' --argjson u $user
		command_is sh -c 'cat /data/public; cat /data/secret; echo x >/data/new; echo y >/tmp/new && cat /tmp/new; ls /data; sleep 1000'
		launch run --detach --bundle "$B" "$ID"
		ok
		wait_output "ls: can't open '/data'" "$DIR/container.err"
		container_output
		same "$output" $'public\ny'
		try exec "$ID" cat /data/public
		same "$output" public
		try exec "$ID" cat /data/secret
		fails
		[[ $error == *"Permission denied"* ]] || fail "it should not be readable"
		try delete --force "$ID"
		rm -f "$B/rootfs/tmp/new"
	done
}

@test "landlock: without no_new_privs too, and the program must be executable by the rules" {
	need_landlock 1
	landlock '{"ruleset": {"handledAccessFS": ["execute"]}, "rules": {"pathBeneath": [
		{"allowedAccess": ["execute"], "paths": ["/bin"]}]}}'
	config '.process.noNewPrivileges = false'
	run_payload print fine
	same "$output" fine
	landlock '{"ruleset": {"handledAccessFS": ["execute"]}}'
	payload print never
	try run --bundle "$B" "$ID"
	error_names payload 'permission denied'
}

@test "landlock: TCP ports" {
	need_landlock 4
	landlock '{"ruleset": {"handledAccessNet": ["bind_tcp"]}, "rules": {"netPort": [
		{"allowedAccess": ["bind_tcp"], "ports": [8001]}]}}'
	run_payload listen 8001 + listen 8002
	same "$output" $'ok\nEACCES'
}

@test "landlock: what is misspelt, missing or not of this kernel is named" {
	need_landlock 1
	local document words
	while IFS='|' read -r words document; do
		landlock "$document"
		try run --bundle "$B" "$ID"
		# shellcheck disable=SC2086 # a list of words
		error_names landlock $words
	done <<-'END'
	handledAccessFS reed_file|{"ruleset": {"handledAccessFS": ["reed_file"]}}
	scoped signals|{"ruleset": {"scoped": ["signals"]}}
	pathBeneath[0] write_file|{"ruleset": {"handledAccessFS": ["read_file"]}, "rules": {"pathBeneath": [{"allowedAccess": ["write_file"], "paths": ["/tmp"]}]}}
	pathBeneath[0] paths[1] /missing|{"ruleset": {"handledAccessFS": ["read_file"]}, "rules": {"pathBeneath": [{"allowedAccess": ["read_file"], "paths": ["/tmp", "/missing"]}]}}
	END
	assert_nothing_left
}

# ---- core scheduling -------------------------------------------------------------------

cookie_of()
{
	"$PYTHON" -ES -c 'import ctypes, sys
cookie = ctypes.c_ulong()
print(cookie.value if ctypes.CDLL(None).prctl(62, 0, int(sys.argv[1]), 0, ctypes.byref(cookie)) == 0 else "none")' "$1"
}

@test "core scheduling: a group of the container's own, exec too, or an error that says what is missing" {
	note org.rustbox.core-scheduling 1
	payload wait
	launch run --detach --bundle "$B" "$ID"
	if [ "$(cookie_of $$)" = none ]; then
		error_names org.rustbox.core-scheduling CONFIG_SCHED_CORE
		assert_nothing_left
		skip "this kernel has no core scheduling: what remains is that it is refused"
	fi
	ok
	launch exec --detach --pid-file "$DIR/pid" "$ID" payload wait
	ok
	[ "$(cookie_of "$(init_pid)")" != 0 ] || fail "no cookie"
	same "$(cookie_of "$(<"$DIR/pid")")" "$(cookie_of "$(init_pid)")"
	same "$(cookie_of $$)" 0
}

# ---- options ---------------------------------------------------------------------------

@test "--config FILE in place of the bundle's config.json" {
	run_payload print bundle
	same "$output" bundle
	jq '.process.args = ["payload", "print", "other"]' "$B/config.json" >"$DIR/other.json"
	try run --bundle "$B" --config "$DIR/other.json" "$ID"
	ok
	same "$output" other
	try run --bundle "$B" -f "$DIR/none.json" "$ID"
	error_names "$DIR/none.json"
	assert_nothing_left
}

@test "--debug says how long each phase took, in JSON with members of its own" {
	local phases
	payload print done
	try --log "$DIR/log" --log-format json --log-level debug run --bundle "$B" "$ID"
	ok
	phases=$(jq -sc '[.[] | select(.phase) | .phase]' "$DIR/log")
	same "$(jq -c '["configuration", "state", "preparation", "cgroups", "namespaces", "limits", "init-mounts",
		"init-devices", "init-root", "init", "execute"] - .' <<<"$phases")" '[]'
	same "$(jq -s '[.[] | select(.phase) | .us | select(type != "number" or . < 0)] | length' "$DIR/log")" 0
	same "$(jq -s '[.[] | select(.time | test("T[0-9:]{8}[.][0-9]{6}Z$") | not)] | length' "$DIR/log")" 0
	# At other levels there is no clock to be read.
	rm "$DIR/log"
	try --log "$DIR/log" --log-format json --log-level info run --bundle "$B" "$ID"
	ok
	[ ! -e "$DIR/log" ] || ! grep phase "$DIR/log" || fail "phases at level info"
}
