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

@test "RUN_OCI_SECCOMP_RECEIVER of create, run and exec is listenerPath where nobody is named" {
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY"}]}'
	export RUN_OCI_SECCOMP_RECEIVER=$DIR/agent.sock
	peer seccomp "$DIR/agent.sock" 1 errno:28 >"$DIR/agent.out"
	payload mkdir /tmp/x + print ready + wait
	launch create --bundle "$B" "$ID"
	ok
	# Who starts it need not know.
	unset RUN_OCI_SECCOMP_RECEIVER
	try start "$ID"
	ok
	wait_output ready
	container_output
	lines ENOSPC
	wait "$PEER"
	# Nor who executes something in there, but he may name another one.
	rm "$DIR/agent.sock"
	peer seccomp "$DIR/agent.sock" 1 errno:13 >"$DIR/agent.out"
	try exec "$ID" payload mkdir /tmp/y
	same "$output" EACCES
	wait "$PEER"
	peer seccomp "$DIR/other.sock" 1 errno:30 >"$DIR/agent.out"
	RUN_OCI_SECCOMP_RECEIVER=$DIR/other.sock try exec "$ID" payload mkdir /tmp/y
	same "$output" EROFS
	wait "$PEER"
	rt delete --force "$ID"
	RUN_OCI_SECCOMP_RECEIVER=agent.sock try run --bundle "$B" "$ID"
	error_names RUN_OCI_SECCOMP_RECEIVER '"agent.sock"' absolute
	# config.json counts above it.
	config '.linux.seccomp.listenerPath = $p' --arg p "$DIR/third.sock"
	peer seccomp "$DIR/third.sock" 1 errno:28 >"$DIR/agent.out"
	RUN_OCI_SECCOMP_RECEIVER=$DIR/nobody.sock run_payload mkdir /tmp/x
	same "$output" ENOSPC
	wait "$PEER"
}

# ---- plugins of seccomp ----------------------------------------------------------------

# plugin NAME CODE: CODE handles `path`, what a mkdir asks for, and sets *handled.
plugin()
{
	command -v cc >/dev/null || skip "needs a compiler for plugins"
	cat >"$DIR/$1.c" <<-END
	#define _GNU_SOURCE
	#include <errno.h>
	#include <fcntl.h>
	#include <linux/seccomp.h>
	#include <stdio.h>
	#include <string.h>
	#include <sys/ioctl.h>
	#include <sys/stat.h>
	#include <sys/syscall.h>
	#include <sys/uio.h>
	#include <unistd.h>
	struct container { const char *state, *id, *bundle, *config; };
	static void note(const char *word, const char *more)
	{
		FILE *f = fopen("$DIR/$1.log", "a");
		fprintf(f, "%s %s\n", word, more);
		fclose(f);
	}
	int run_oci_seccomp_notify_version(void) { return ${VERSION:-1}; }
	int run_oci_seccomp_notify_start(void **opaque, struct container *c, size_t size)
	{
		static char word[] = "opaque";
		*opaque = word;
		if (size != sizeof(*c) || access(c->config, R_OK) < 0)
			return 1;
		note(c->state, c->id);
		note(c->bundle, c->config);
		return 0;
	}
	int run_oci_seccomp_notify_stop(void *opaque) { note("stop", opaque); return 0; }
	int run_oci_seccomp_notify_handle_request(void *opaque, struct seccomp_notif_sizes *sizes,
		struct seccomp_notif *request, struct seccomp_notif_resp *response, int listener, int *handled)
	{
		char path[64] = "", host[128];
		long where = request->data.nr == SYS_mkdirat;
		struct iovec ours = { path, sizeof(path) - 1 },
			     theirs = { (void *)request->data.args[where], sizeof(path) - 1 };
		process_vm_readv(request->pid, &ours, 1, &theirs, 1, 0);
		if (strcmp(opaque, "opaque") || sizes->seccomp_notif < sizeof(*request))
			return 1;
		snprintf(host, sizeof(host), "/proc/%d/root%s", (int)request->pid, path);
		$2
		return 0;
	}
	END
	cc -Wall -shared -fPIC -o "$DIR/$1.so" "$DIR/$1.c"
}

asks_for_mkdir()
{
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY"}]}'
}

@test "run.oci.seccomp.plugins: they answer in turn, for run, start and exec, and end with the container" {
	asks_for_mkdir
	plugin first 'if (!strcmp(path, "/tmp/full")) { response->error = -ENOSPC; *handled = 1; }
		if (!strcmp(path, "/tmp/own")) *handled = 3;'
	# The call is done in the place of who asks, as the container could not.
	plugin second 'if (!strcmp(path, "/tmp/made")) { response->error = mkdir(host, 0711) ? -errno : 0; *handled = 1; }
		if (!strcmp(path, "/tmp/later")) {
			response->id = request->id;
			response->error = -EXDEV;
			ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response);
			*handled = 2;
		}'
	note run.oci.seccomp.plugins "$DIR/first.so:$DIR/second.so"
	config '.process.capabilities = {}'
	run_payload mkdir /tmp/full + mkdir /tmp/own + mkdir /tmp/made + mkdir /tmp/later + mkdir /tmp/none \
		+ stat /tmp/made /tmp/own /tmp/full
	same "$(head -n 5 <<<"$output")" $'ENOSPC\nok\nok\nEXDEV\nEOPNOTSUPP'
	same "$(grep -c '^d ' <<<"$output")" 2
	until_true grep -q '^stop opaque$' "$DIR/first.log"
	grep -qx "$ROOT/$ID $ID" "$DIR/second.log" || fail "$(<"$DIR/second.log")"
	grep -qx "$B $ROOT/$ID/config.json" "$DIR/second.log" || fail "$(<"$DIR/second.log")"
	assert_nothing_left
	# Each process that a filter holds for asks its own.
	start_waiting mkdir /tmp/full + wait ready
	wait_output ready
	container_output
	lines ENOSPC
	try exec "$ID" payload mkdir /tmp/full + mkdir /tmp/later
	lines ENOSPC EXDEV
	rt delete --force "$ID"
	assert_nothing_left
}

@test "run.oci.seccomp.plugins: their process has no environment, no terminal, and rights only over containers" {
	local pid
	asks_for_mkdir
	plugin one 'response->error = -ENOSPC; *handled = 1;'
	note run.oci.seccomp.plugins "$DIR/one.so"
	start_waiting
	pid=$(pgrep -f "^rustbox-seccomp .* $ID ")
	same "$(wc -c <"/proc/$pid/environ")" 0
	same "$(readlink "/proc/$pid/cwd")" /
	same "$(cut -d ' ' -f 6 "/proc/$pid/stat")" "$pid"
	same "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$pid/status")" 1
	# CAP_SYS_MODULE is 16, CAP_SYS_BOOT 22, CAP_SYS_TIME 25.
	same $(($(awk '/^CapPrm/ { print "0x" $2 }' "/proc/$pid/status") & (1 << 16 | 1 << 22 | 1 << 25))) 0
	same "$(for fd in "/proc/$pid/fd/"*; do readlink "$fd"; done | sort | tr '\n' ' ')" \
		"/dev/null /dev/null /dev/null anon_inode:seccomp notify "
	rt delete --force "$ID"
	assert_nothing_left
}

@test "run.oci.seccomp.plugins: what cannot be loaded or trusted is named before anything is made" {
	local bad
	asks_for_mkdir
	payload print never
	plugin good '*handled = 3;'
	VERSION=2 plugin newer '*handled = 3;'
	echo 'int nothing;' >"$DIR/empty.c"
	cc -shared -fPIC -o "$DIR/empty.so" "$DIR/empty.c"
	cp "$DIR/good.so" "$DIR/open.so"
	chmod 666 "$DIR/open.so"
	mkdir -m 777 "$DIR/folder"
	cp "$DIR/good.so" "$DIR/folder/"
	cp "$DIR/good.so" "$DIR/theirs.so"
	chown 1 "$DIR/theirs.so"
	for bad in "none.so No such file" "newer.so version" "empty.so run_oci_seccomp_notify_handle_request" \
		"open.so written by others" "folder/good.so may be written by others" "theirs.so neither root"; do
		note run.oci.seccomp.plugins "$DIR/good.so:$DIR/${bad%% *}"
		launch create --bundle "$B" "$ID"
		error_names run.oci.seccomp.plugins "${bad%%[ /]*}" "${bad#* }"
		assert_nothing_left
	done
	note run.oci.seccomp.plugins no-such-plugin.so
	try run --bundle "$B" "$ID"
	error_names run.oci.seccomp.plugins no-such-plugin.so
	note run.oci.seccomp.plugins "$DIR/good.so"
	RUN_OCI_SECCOMP_RECEIVER=/x try run --bundle "$B" "$ID"
	error_names RUN_OCI_SECCOMP_RECEIVER run.oci.seccomp.plugins
}

@test "run.oci.seccomp.plugins: one that fails answers no more, the container goes on" {
	asks_for_mkdir
	plugin one 'return strcmp(path, "/tmp/fail") == 0;'
	note run.oci.seccomp.plugins "$DIR/one.so"
	run_payload mkdir /tmp/other + mkdir /tmp/fail + mkdir /tmp/other + print on
	lines EOPNOTSUPP ENOSYS ENOSYS on
}

# ---- what is not built -----------------------------------------------------------------

@test "handlers and the like are refused by name, never ignored" {
	note run.oci.handler wasm
	try run --bundle "$B" "$ID"
	error_names run.oci.handler "not built"
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
