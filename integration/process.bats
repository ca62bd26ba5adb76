#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the payload is when it starts, seen by itself: user, groups, umask,
# environment, folder, limits, the five capability sets, no_new_privs, OOM
# score, scheduler, I/O priority, affinity, descriptors, signals, keyring.
# vm: no

load container

@test "S13 user: uid and gid, all three of each; no groups of ours" {
	config '.process.user = {uid: 1000, gid: 2000}'
	run_payload ids
	lines "uid 1000 1000 1000" "gid 2000 2000 2000"
	matches '^groups( 2000)?$'
	command -v setpriv >/dev/null || skip "setpriv is missing: nobody here has groups to lose"
	output=$(setpriv --groups 4242,4243 timeout 100 "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" </dev/null 3>&- 4>&-)
	matches '^groups( 2000)?$'
}

@test "S13 user: additionalGids are exactly the groups" {
	config '.process.user = {uid: 1000, gid: 1000, additionalGids: [5, 2001, 70000]}'
	run_payload ids
	matches '^groups( 1000)? 5 2001 70000$|^groups 5( 1000)? 2001 70000$'
}

@test "S13 user: large ids are not cut" {
	is_ours || skip "this runtime takes 31 bits only"
	config '.process.user = {uid: 4000000000, gid: 3000000000}'
	run_payload ids
	lines "uid 4000000000 4000000000 4000000000" "gid 3000000000 3000000000 3000000000"
}

@test "S13 user: the id -1 is refused" {
	is_ours || skip "this runtime takes it"
	config '.process.user.uid = 4294967295'
	try run --bundle "$B" "$ID"
	error_names uid
	config '.process.user = {uid: 0, gid: 4294967295}'
	try run --bundle "$B" "$ID"
	error_names gid
	assert_nothing_left
}

@test "umask is 0022 by default and what user.umask says" {
	run_payload umask
	same "$output" 0022
	config '.process.user.umask = 63'
	run_payload umask + create /made + stat /made
	lines 0077
	matches '^f 0600 '
	config '.process.user.umask = 0'
	run_payload umask
	same "$output" 0000
}

@test "the environment is the configuration's and none of ours" {
	config '.process.env += ["A=1", "B=two words", "C=", "D=a=b"]'
	FROM_HOST=1 run_payload env
	lines A=1 "B=two words" C= D=a=b "RUSTBOX_TEST_TAG=$TAG" \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin
	says_not FROM_HOST LISTEN_ NOTIFY_ TMPDIR _LIBCONTAINER
	# HOME may come from the container's passwd
	same "$(grep -cv '^HOME=' <<<"$output")" 6
}

@test "a variable that is given twice" {
	config '.process.env += ["A=1", "A=2"]'
	run_payload env A
	matches '^A=[12]$'
}

@test "HOME comes from the container's passwd unless it is given" {
	config '.process.user = {uid: 1000, gid: 1000}'
	run_payload env HOME
	same "$output" HOME=/home/user
	config '.process.env += ["HOME=/opt"]'
	run_payload env HOME
	same "$output" HOME=/opt
}

@test "HOME of a user without a passwd entry, and without a passwd" {
	config '.process.user = {uid: 4242, gid: 0}'
	run_payload env HOME
	same "$output" HOME=/
	rm "$B/rootfs/etc/passwd"
	run_payload env HOME
	same "$output" HOME=/
}

@test "the program is looked for in the container's PATH" {
	mkdir "$B/rootfs/only"
	cp -l "$B/rootfs/bin/payload" "$B/rootfs/only/renamed"
	config '.process.args = ["renamed", "print", "found"] | .process.env[0] = "PATH=/nowhere:/only"'
	try run --bundle "$B" "$ID"
	ok
	same "$output" found
	config '.process.env[0] = "PATH=/nowhere"'
	try run --bundle "$B" "$ID"
	error_names renamed PATH
}

@test "argv[0] is args[0]; empty and odd arguments arrive as they are" {
	config '.process.args = ["/bin/payload", "args", "", "a b", "\"q\"", "ä", "\\n", "*"]'
	try run --bundle "$B" "$ID"
	ok
	lines "[]" "[a b]" '["q"]' "[ä]" '[\n]' "[*]"
}

@test "a relative args[0] with a slash counts from cwd" {
	config '.process.args = ["./payload", "cwd"] | .process.cwd = "/bin"'
	try run --bundle "$B" "$ID"
	ok
	same "$output" /bin
}

@test "cwd is where the payload starts; it is made when it is missing" {
	config '.process.cwd = "/opt"'
	run_payload cwd
	same "$output" /opt
	config '.process.cwd = "/new/deep/folder"'
	payload cwd
	try run --bundle "$B" "$ID"
	if is_ours; then
		# either made, or an error that says which
		[ "$status" -eq 0 ] && same "$output" /new/deep/folder || error_names /new/deep/folder
	else
		same "$output" /new/deep/folder
	fi
}

@test "cwd that only the user, or only root, may enter" {
	mkdir -m 700 "$B/rootfs/private"
	chown 1000:1000 "$B/rootfs/private"
	config '.process.user = {uid: 1000, gid: 1000} | .process.cwd = "/private"'
	run_payload cwd
	same "$output" /private
}

@test "S8 cwd into a descriptor of ours is refused" {
	local fd
	for fd in 3 5 7 8 9 10; do
		config '.process.cwd = $d' --arg d "/proc/self/fd/$fd"
		payload cwd + ls ..
		try run --bundle "$B" "$ID"
		fails
		says_not "$DIR" state
	done
	ln -s /proc/self/fd/7 "$B/rootfs/link"
	config '.process.cwd = "/link/../../../.."'
	try run --bundle "$B" "$ID"
	[ "$status" -ne 0 ] || same "$output" $'/\n'"$(ls "$B/rootfs")"
	assert_nothing_left
}

@test "rlimits of many kinds, soft and hard" {
	config '.process.rlimits = [
		{"type": "RLIMIT_NOFILE", "soft": 512, "hard": 1024},
		{"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
		{"type": "RLIMIT_NPROC", "soft": 100, "hard": 200},
		{"type": "RLIMIT_AS", "soft": 4000000000, "hard": 987654321},
		{"type": "RLIMIT_CPU", "soft": 1000, "hard": 2000},
		{"type": "RLIMIT_FSIZE", "soft": 1000000, "hard": 1000000},
		{"type": "RLIMIT_STACK", "soft": 1048576, "hard": 8388608},
		{"type": "RLIMIT_MSGQUEUE", "soft": 1000, "hard": 2000},
		{"type": "RLIMIT_RTTIME", "soft": 5000, "hard": 6000}]'
	payload rlimits
	# jq has no integers of 64 bits
	sed -i 's/987654321/18446744073709551615/' "$B/config.json"
	try run --bundle "$B" "$ID"
	ok
	lines "NOFILE 512 1024" "CORE 0 0" "NPROC 100 200" "AS 4000000000 unlimited" "CPU 1000 2000" \
		"FSIZE 1000000 1000000" "STACK 1048576 8388608" "MSGQUEUE 1000 2000" "RTTIME 5000 6000"
}

@test "an rlimit above ours needs CAP_SYS_RESOURCE" {
	need_capability 24 CAP_SYS_RESOURCE
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 100000, "hard": 2000000}]'
	run_payload rlimits
	lines "NOFILE 100000 2000000"
}

@test "rlimits: an unknown type, one given twice, a soft one above the hard one" {
	payload rlimits
	config '.process.rlimits = [{"type": "RLIMIT_NOSUCH", "soft": 1, "hard": 1}]'
	try run --bundle "$B" "$ID"
	error_names RLIMIT_NOSUCH
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 5}]'
	try run --bundle "$B" "$ID"
	error_names rlimits
	is_ours || return 0
	config '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 1, "hard": 1},
		{"type": "RLIMIT_CORE", "soft": 2, "hard": 2}]'
	try run --bundle "$B" "$ID"
	error_names RLIMIT_CORE
	assert_nothing_left
}

# The mask of some capability numbers, as /proc shows it.
mask()
{
	local n value=0
	for n; do
		value=$((value | 1 << n))
	done
	printf '%016x' $value
}

@test "S12 five capability sets are what the configuration says, for init and exec" {
	config '.process.capabilities = {
		bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SETUID"],
		permitted: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
		effective: ["CAP_CHOWN", "CAP_KILL"],
		inheritable: ["CAP_NET_RAW"],
		ambient: ["CAP_NET_RAW"]} | .process.user = {uid: 1000, gid: 1000}'
	start_waiting status CapInh CapPrm CapEff CapBnd CapAmb + wait ready
	wait_output ready
	container_output
	# As uid 1000 only what is ambient survives execve in permitted and effective.
	lines "CapInh: $(mask 13)" "CapPrm: $(mask 13)" "CapEff: $(mask 13)" \
		"CapBnd: $(mask 0 5 7 13)" "CapAmb: $(mask 13)"
	local of_init=$output
	try exec "$ID" payload status CapInh CapPrm CapEff CapBnd CapAmb
	ok
	same "$output" "$(grep Cap <<<"$of_init")"
}

@test "S12 capabilities of root: bounding limits, inheritable and ambient are empty" {
	config '.process.capabilities = {
		bounding: ["CAP_CHOWN", "CAP_KILL"], permitted: ["CAP_CHOWN", "CAP_KILL"],
		effective: ["CAP_CHOWN", "CAP_KILL"]}'
	start_waiting status + wait ready
	wait_output ready
	container_output
	lines "CapInh: $(mask)" "CapPrm: $(mask 0 5)" "CapEff: $(mask 0 5)" "CapBnd: $(mask 0 5)" \
		"CapAmb: $(mask)"
	try exec "$ID" payload status
	ok
	lines "CapInh: $(mask)" "CapPrm: $(mask 0 5)" "CapEff: $(mask 0 5)" "CapBnd: $(mask 0 5)" \
		"CapAmb: $(mask)"
}

@test "S12 no capabilities at all, by empty sets and by none" {
	config '.process.capabilities = {}'
	run_payload status
	lines "CapInh: $(mask)" "CapPrm: $(mask)" "CapEff: $(mask)" "CapBnd: $(mask)" "CapAmb: $(mask)"
	config 'del(.process.capabilities)'
	run_payload status
	if is_ours; then
		lines "CapInh: $(mask)" "CapPrm: $(mask)" "CapEff: $(mask)" "CapBnd: $(mask)"
	fi
	matches '^CapAmb: 0000000000000000$'
}

@test "S12 capabilities take effect: chown is allowed, mknod is not" {
	config '.process.capabilities = {bounding: ["CAP_CHOWN"], permitted: ["CAP_CHOWN"],
		effective: ["CAP_CHOWN"]} | .process.noNewPrivileges = false'
	command_is sh -c 'touch /tmp/f; chown 5:6 /tmp/f 2>&1; stat -c "%u:%g" /tmp/f;
		payload mknod /tmp/n c 1 3 + mount-there /tmp /mnt'
	sed -i 's/^$//' "$B/rootfs/etc/passwd"
	ln -s busybox "$B/rootfs/bin/chown"
	try run --bundle "$B" "$ID"
	ok
	same "$output" $'5:6\nEPERM\nEPERM'
}

@test "S12 an unknown capability is an error that names it" {
	config '.process.capabilities.bounding += ["CAP_NOSUCH"]'
	try run --bundle "$B" "$ID"
	if is_ours; then
		error_names CAP_NOSUCH
	fi
	assert_nothing_left
}

@test "noNewPrivileges, on and off, for init and exec" {
	start_waiting status NoNewPrivs + wait ready
	wait_output "NoNewPrivs: 1"
	try exec "$ID" payload status NoNewPrivs
	same "$output" "NoNewPrivs: 1"
	try delete --force "$ID"
	config '.process.noNewPrivileges = false'
	start_waiting status NoNewPrivs + wait ready
	wait_output "NoNewPrivs: 0"
	try exec "$ID" payload status NoNewPrivs
	same "$output" "NoNewPrivs: 0"
}

@test "oomScoreAdj is set for init and exec; without it ours is kept" {
	config '.process.oomScoreAdj = 500'
	start_waiting cat /proc/self/oom_score_adj + wait ready
	wait_output ready
	container_output
	lines 500
	try exec "$ID" payload cat /proc/self/oom_score_adj
	same "$output" 500
	try delete --force "$ID"
	config 'del(.process.oomScoreAdj)'
	run_payload cat /proc/self/oom_score_adj
	same "$output" "$(cat /proc/self/oom_score_adj)"
}

@test "an oomScoreAdj out of range names the value" {
	config '.process.oomScoreAdj = 2000'
	try run --bundle "$B" "$ID"
	error_names oomScoreAdj
	assert_nothing_left
}

@test "scheduler: BATCH with a nice value, IDLE" {
	is_ours || skip "this runtime has no process.scheduler"
	config '.process.scheduler = {"policy": "SCHED_BATCH", "nice": 5}'
	run_payload sched
	lines "policy BATCH" "nice 5"
	config '.process.scheduler = {"policy": "SCHED_IDLE"}'
	run_payload sched
	lines "policy IDLE"
	config '.process.scheduler = {"policy": "SCHED_OTHER", "nice": 19, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}'
	run_payload sched
	lines "policy OTHER" "nice 19" "flags 1"
}

@test "scheduler: FIFO and RR, for init and exec" {
	is_ours || skip "this runtime has no process.scheduler"
	local policy
	# Where groups have a share of real time each: a new one has none.
	if [ -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ]; then
		config '.linux.resources.cpu = {realtimePeriod: 1000000, realtimeRuntime: 1000}'
	fi
	for policy in FIFO RR; do
		config '.process.scheduler = {"policy": "SCHED_\($p)", "priority": 3}' --arg p $policy
		start_waiting sched + wait ready
		wait_output ready
		container_output
		lines "policy $policy" "priority 3"
		try exec "$ID" payload sched
		ok
		lines "policy $policy" "priority 3"
		try delete --force "$ID"
		ok
	done
}

@test "scheduler: DEADLINE, with runtime, deadline and period" {
	is_ours || skip "this runtime has no process.scheduler"
	config '.process.scheduler = {"policy": "SCHED_DEADLINE", "runtime": 1000000, "deadline": 50000000, "period": 100000000}'
	payload sched
	try run --bundle "$B" "$ID"
	if [ "$status" -ne 0 ]; then
		error_names sched DEADLINE
		skip "${error##*: }"
	fi
	lines "policy DEADLINE" "deadline 1000000 50000000 100000000"
}

@test "scheduler: an unknown policy and an unknown flag are named" {
	is_ours || skip "this runtime has no process.scheduler"
	config '.process.scheduler = {"policy": "SCHED_NOSUCH"}'
	try run --bundle "$B" "$ID"
	error_names SCHED_NOSUCH
	config '.process.scheduler = {"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_NOSUCH"]}'
	try run --bundle "$B" "$ID"
	error_names SCHED_FLAG_NOSUCH
	assert_nothing_left
}

@test "ioPriority: best effort and idle, for init and exec" {
	is_ours || skip "this runtime has no process.ioPriority"
	config '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 6}'
	start_waiting ioprio + wait ready
	wait_output "BE 6"
	try exec "$ID" payload ioprio
	same "$output" "BE 6"
	try delete --force "$ID"
	config '.process.ioPriority = {"class": "IOPRIO_CLASS_IDLE", "priority": 0}'
	run_payload ioprio
	same "$output" "IDLE 0"
	config '.process.ioPriority = {"class": "IOPRIO_CLASS_NOSUCH", "priority": 0}'
	try run --bundle "$B" "$ID"
	error_names IOPRIO_CLASS_NOSUCH
}

@test "execCPUAffinity holds for exec, not for init" {
	is_ours || skip "this runtime has no process.execCPUAffinity"
	[ "$(nproc)" -ge 2 ] || skip "needs two processors"
	local all
	all=$(payload_here affinity)
	config '.process.execCPUAffinity = {"initial": "0", "final": "1"}'
	start_waiting affinity + wait ready
	wait_output ready
	container_output
	lines "$all"
	try exec "$ID" payload affinity
	ok
	same "$output" 1
}

payload_here()
{
	"$PAYLOAD" "$@"
}

@test "S3 exactly 0, 1 and 2 are open, whatever we have open" {
	payload fds
	status=0
	output=$(
		for fd in {20..69}; do
			eval "exec $fd</etc/hosts"
		done
		timeout 100 "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" </dev/null 3>&- 2>&1
	) || status=$?
	ok
	same "$(wc -l <<<"$output")" 3
	matches '^0 ' '^1 ' '^2 '
	says_not "$ROOT" /etc/hosts
}

@test "S3 the same for exec" {
	start_waiting
	status=0
	output=$(
		for fd in {20..69}; do
			eval "exec $fd</etc/hosts"
		done
		timeout 100 "$RUNTIME" --root "$ROOT" exec "$ID" payload fds </dev/null 3>&- 2>&1
	) || status=$?
	ok
	same "$(wc -l <<<"$output")" 3
	matches '^0 ' '^1 ' '^2 '
}

@test "--preserve-fds passes that many and no more" {
	payload read-fd 3 + read-fd 4 + fds
	echo three >"$DIR/three"
	echo four >"$DIR/four"
	output=$(timeout 100 "$RUNTIME" --root "$ROOT" run --preserve-fds 2 --bundle "$B" "$ID" \
		3<"$DIR/three" 4<"$DIR/four" 5</etc/hosts </dev/null)
	lines three four
	says_not hosts
	matches '^3 ' '^4 '
	! grep -q '^5 ' <<<"$output" || fail "descriptor 5 has come"
}

@test "the annotation org.rustbox.signals: the payload begins with all signals blocked" {
	is_ours || skip "it is this runtime's"
	config '.annotations["org.rustbox.signals"] = "blocked"'
	run_payload status SigBlk SigIgn
	# All but KILL, STOP and the two of the C library.
	lines "SigBlk: fffffffe7ffbfeff" "SigIgn: 0000000000000000"
	config '.annotations["org.rustbox.signals"] = "other"'
	run_payload status SigBlk
	lines "SigBlk: 0000000000000000"
}

@test "signals are not blocked and not ignored, even if ours are" {
	payload status SigBlk SigIgn
	output=$(
		trap '' USR1 USR2 HUP TERM
		"$PYTHON" -ES -c 'import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGCHLD])
os.execv(sys.argv[1], sys.argv[1:])' \
			"$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" 3>&- </dev/null
	)
	lines "SigIgn: 0000000000000000"
	# Other runtimes pass the mask on.
	if is_ours; then
		lines "SigBlk: 0000000000000000"
	fi
}

@test "the payload is a session leader and PID 1" {
	run_payload ps
	same "$output" "pid 1 ppid 0 pgid 1 sid 1"
}

@test "S15 a session keyring of its own; ours with --no-new-keyring" {
	run_payload keyring
	[[ $output == *"_ses.$ID"* || $output == *"_ses"* ]] || fail "no keyring"
	[ "$output" != "$("$PAYLOAD" keyring)" ] || fail "our keyring"
	try run --no-new-keyring --bundle "$B" "$ID"
	ok
	same "$output" "$("$PAYLOAD" keyring)"
}

@test "personality: a 32-bit machine" {
	config '.linux.personality = {"domain": "LINUX32"}'
	is_ours || skip "this runtime has no personality"
	run_payload hostname
	[ "$(uname -m)" != x86_64 ] || lines "machine i686"
	config '.linux.personality.domain = "LINUX"'
	run_payload hostname
	lines "machine $(uname -m)"
	config '.linux.personality.domain = "NOSUCH"'
	try run --bundle "$B" "$ID"
	error_names NOSUCH
}

@test "apparmorProfile and selinuxLabel on a machine that has neither are errors" {
	is_ours || skip "this runtime ignores them"
	[ ! -d /sys/kernel/security/apparmor ] || skip "this machine has AppArmor"
	config '.process.apparmorProfile = "some-profile"'
	try run --bundle "$B" "$ID"
	error_names apparmor
	[ ! -d /sys/fs/selinux ] || skip "this machine has SELinux"
	config 'del(.process.apparmorProfile) | .process.selinuxLabel = "a:b:c:d"'
	try run --bundle "$B" "$ID"
	error_names selinux
	assert_nothing_left
}

@test "S1 nothing in the container can open the runtime's executable for writing" {
	local before
	before=$(sha256sum "$(readlink -f "$RUNTIME")")
	start_waiting overwrite-exe 1500 + wait done
	local i
	for i in {1..15}; do
		try exec "$ID" payload print hello
		ok
		try exec "$ID" /proc/self/exe --version
	done
	wait_output done
	container_output
	lines "opened 0"
	same "$(sha256sum "$(readlink -f "$RUNTIME")")" "$before"
	# The runtime was seen, or could not be because it is not dumpable (S2).
	matches "^seen (some|none)$"
}

# Whether a race is won in the test above is chance; this is seen each time.
@test "S1 what waits in a container was executed from where nobody can write" {
	create_container
	[ -w "$RUNTIME" ] || skip "nobody can write to the runtime here"
	[ ! -w "/proc/$(init_pid)/exe" ] || fail "it can be written"
}

# So it is on systems whose /usr is read-only.
@test "S1 on a read-only mount it is executed once, and what waits in a container cannot be written" {
	command -v strace >/dev/null || skip "there is no strace"
	mkdir "$DIR/programs"
	command_is true
	inside()
	{
		mount --bind "${RUNTIME%/*}" "$DIR/programs"
		mount -o remount,bind,ro "$DIR/programs"
		RUNTIME=$DIR/programs/${RUNTIME##*/}
		timeout 60 strace -f -qq -e trace=execve,execveat -e signal=none -o "$DIR/calls" \
			"$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
		timeout 60 "$RUNTIME" --root "$ROOT" create --bundle "$B" "$ID"
	}
	export -f inside
	export RUNTIME ROOT DIR B ID
	unshare --mount bash -ec inside </dev/null >"$DIR/out" 2>&1 || fail "$(<"$DIR/out")"
	same "$(grep -cF "\"$DIR/programs/${RUNTIME##*/}\"" "$DIR/calls")" 1
	same "$(grep -c execveat "$DIR/calls")" 0
	[ ! -w "/proc/$(init_pid)/exe" ] || fail "it can be written"
	try delete --force "$ID"
	ok
	assert_nothing_left
}

@test "S1 an image whose program is /proc/self/exe" {
	local before
	before=$(sha256sum "$(readlink -f "$RUNTIME")")
	printf '#!/proc/self/exe\n' >"$B/rootfs/bin/evil"
	chmod +x "$B/rootfs/bin/evil"
	ln -s /proc/self/exe "$B/rootfs/bin/self"
	local program
	for program in /bin/evil /bin/self /proc/self/exe; do
		command_is $program
		try run --bundle "$B" "$ID"
		# It is either refused or the sealed copy of a program that is of no use there.
		says_not "$DIR" "$ID"
	done
	same "$(sha256sum "$(readlink -f "$RUNTIME")")" "$before"
	assert_nothing_left
}

# A dynamic program of the host whose loader is /proc/self/exe.
make_loaded_by_runtime()
{
	"$PYTHON" -ES - "$(readlink -f "$(type -P true)")" "$1" <<-'END' || skip "true is not dynamic here"
		import os, re, sys
		text = open(sys.argv[1], "rb").read()
		new, n = re.subn(rb"/lib[0-9a-z]*/ld-[^\0]*\0", lambda m: b"/proc/self/exe".ljust(len(m[0]), b"\0"), text, 1)
		open(sys.argv[2], "wb").write(new)
		os.chmod(sys.argv[2], 0o755)
		sys.exit(not n)
	END
}

@test "S1 an image whose loader is /proc/self/exe, for run and for exec" {
	local before program
	before=$(sha256sum "$(readlink -f "$RUNTIME")")
	make_loaded_by_runtime "$B/rootfs/bin/loaded"
	printf '#!/proc/self/exe\n' >"$B/rootfs/bin/script"
	chmod +x "$B/rootfs/bin/script"
	# So that the image's own programs are not counted among what could be opened.
	config '.root.readonly = true'
	command_is /bin/loaded
	try run --bundle "$B" "$ID"
	[ "$status" -ne 124 ] || fail "should end"
	says_not "$DIR" "$ID"
	start_waiting overwrite-exe 1500 + wait done
	for program in /bin/loaded /bin/script; do
		try exec "$ID" $program
		[ "$status" -ne 124 ] || fail "should end"
		says_not "$DIR" "$ID"
	done
	wait_output done
	container_output
	lines "opened 0"
	same "$(sha256sum "$(readlink -f "$RUNTIME")")" "$before"
}

@test "the caller's CPU affinity is not the payload's, nor that of exec" {
	command -v taskset >/dev/null || skip "taskset is missing"
	[ "$(nproc)" -gt 1 ] || skip "one CPU only"
	local all
	all=$(awk '$1 == "Cpus_allowed_list:" { print $2 }' /proc/self/status)
	command_is grep Cpus_allowed_list: /proc/self/status
	output=$(taskset -c "${all%%[-,]*}" timeout 100 "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" </dev/null)
	matches "[[:space:]]$all\$"
	start_waiting
	output=$(taskset -c "${all%%[-,]*}" timeout 100 "$RUNTIME" --root "$ROOT" exec "$ID" \
		grep Cpus_allowed_list: /proc/self/status </dev/null)
	matches "[[:space:]]$all\$"
}

@test "S3 what waits for start has none of its caller's descriptors" {
	payload wait
	launch create --bundle "$B" "$ID" 5<"$B/config.json" 9>"$DIR/nine"
	ok
	ls -l "/proc/$(init_pid)/fd" >"$DIR/fds"
	! grep -E "config.json|nine|/dev/null$" "$DIR/fds" | grep -v " [012] -> " || fail "$(cat "$DIR/fds")"
}

@test "exec --cap of an inheritable capability makes it ambient" {
	is_ours || skip "this runtime does not"
	config '.process.user.uid = 1000 | .process.user.gid = 1000 | .process.capabilities.inheritable = ["CAP_SYSLOG"]
		| .process.capabilities.bounding += ["CAP_SYSLOG", "CAP_CHOWN"]'
	start_waiting
	try exec --cap CAP_SYSLOG --cap CAP_CHOWN "$ID" grep -E "CapAmb|CapEff" /proc/self/status
	ok
	matches "CapAmb:[[:space:]]0000000400000000"
	matches "CapEff:[[:space:]]0000000400000000"
}

@test "a terminal of our own whose output is no terminal adds no carriage returns" {
	is_ours || skip "left to the runtime"
	config '.process.terminal = true'
	command_is sh -c 'echo one; echo two'
	try run --bundle "$B" "$ID"
	ok
	same "$output" "one
two"
	config '.process.terminal = false'
	start_waiting
	try exec --tty "$ID" sh -c 'echo one; echo two'
	ok
	same "$output" "one
two"
}

@test "memoryPolicy: of the payload and of exec; what cannot be is named" {
	is_ours || skip "this runtime may have none"
	[ -e /proc/self/numa_maps ] || skip "this kernel has no NUMA"
	policy_is() {
		# shellcheck disable=SC2053 # a pattern
		[[ $(head -n 1 <<<"$output" | cut -d ' ' -f 2) == $1 ]] || fail "policy"
	}
	config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
	run_payload cat /proc/self/numa_maps
	policy_is 'bind*static*0'
	config '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "0"}'
	start_waiting
	try exec "$ID" cat /proc/self/numa_maps
	policy_is 'interleave:0'
	try delete --force "$ID"
	config '.linux.memoryPolicy = {mode: "MPOL_LOCAL"}'
	run_payload cat /proc/self/numa_maps
	policy_is local
	config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "8000"}'
	payload print ran
	try run --bundle "$B" "$ID"
	error_names memoryPolicy 8000
	assert_nothing_left
}
