#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The life of a container: create, start, state, kill, delete, run; exit codes,
# --detach, --pid-file, --keep; every status; every verb in every wrong status;
# ids in use, missing, and malformed.
# vm: yes
# sanitized: yes

load container

# bats test_tags=vm
@test "create does not start the payload, start does" {
	payload create /started
	create_container
	same "$(container_status)" created
	[ ! -e "$B/rootfs/started" ] || fail "create has run the payload"
	try start "$ID"
	ok
	wait_status stopped
	[ -e "$B/rootfs/started" ] || fail "start has not run the payload"
	try delete "$ID"
	ok
	assert_nothing_left
}

@test "state shows what the specification asks for, in each status" {
	config '.annotations = {"org.example.a": "b"}'
	payload wait ready
	create_container
	try state "$ID"
	ok
	same "$(jq -r .id <<<"$output")" "$ID"
	same "$(jq -r .status <<<"$output")" created
	same "$(jq -r .bundle <<<"$output")" "$B"
	same "$(jq -r '.annotations["org.example.a"]' <<<"$output")" b
	[[ $(jq -r .ociVersion <<<"$output") == 1.* ]] || fail "ociVersion"
	local pid
	pid=$(jq -r .pid <<<"$output")
	[ -d "/proc/$pid" ] || fail "the pid is not there"
	try start "$ID"
	ok
	wait_output ready
	same "$(container_status)" running
	same "$(init_pid)" "$pid"
	same "$(readlink "/proc/$pid/ns/mnt" | grep -c mnt)" 1
	kill -KILL "$pid"
	wait_status stopped
	try state "$ID"
	ok
	same "$(jq -r '.pid // 0' <<<"$output")" 0
	try delete "$ID"
	ok
	try state "$ID"
	error_names "$ID"
}

# bats test_tags=vm
@test "run gives the payload's output and its exit code" {
	run_payload print one two
	same "$output" "one two"
	same "$error" ""
	local code
	for code in 1 7 125 126 127 200 255; do
		payload exit $code
		try run --bundle "$B" "$ID"
		exits $code
	done
	assert_nothing_left
}

@test "run of a payload that dies by a signal gives 128 + its number" {
	start_waiting wait ready
	try delete --force "$ID"
	ok
	payload print up + wait
	timeout 100 "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" >"$DIR/fg" 2>&1 </dev/null 3>&- &
	local runner=$!
	wait_output up "$DIR/fg"
	kill -KILL "$(init_pid)"
	status=0
	wait $runner || status=$?
	exits 137
	assert_nothing_left
}

@test "run passes standard input to the payload" {
	payload read-line + read-line
	output=$(printf 'first\nsecond\n' | rt run --bundle "$B" "$ID" 3>&-)
	same "$output" $'read [first]\nread [second]'
}

@test "run passes signals on to the payload" {
	payload signals
	"$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" >"$DIR/fg" 2>&1 </dev/null 3>&- &
	local runner=$!
	wait_output ready "$DIR/fg"
	kill -USR1 $runner
	wait_output "signal USR1" "$DIR/fg"
	kill -HUP $runner
	wait_output "signal HUP" "$DIR/fg"
	kill -TERM $runner
	status=0
	wait $runner || status=$?
	exits 0
	output=$(<"$DIR/fg")
	lines "signal TERM"
	assert_nothing_left
}

# bats test_tags=vm
@test "run --detach returns while the payload runs, its exit is seen" {
	start_waiting wait ready
	wait_output ready
	same "$(container_status)" running
	try kill "$ID" TERM
	ok
	wait_status stopped
	try delete "$ID"
	ok
	assert_nothing_left
}

@test "run removes the container, run --keep keeps it" {
	run_payload print gone
	try state "$ID"
	error_names "$ID"
	payload print kept
	try run --keep --bundle "$B" "$ID"
	if ! is_ours && [ "$status" -ne 0 ]; then
		skip "this runtime has no --keep"
	fi
	ok
	same "$output" kept
	same "$(container_status)" stopped
	try delete "$ID"
	ok
	assert_nothing_left
}

@test "the bundle is the current folder unless said otherwise" {
	payload print here
	cd "$B"
	try run "$ID"
	ok
	same "$output" here
}

@test "--bundle may be relative and have a link in it" {
	payload print there
	ln -s bundle "$DIR/link"
	cd "$DIR"
	try run --bundle link "$ID"
	ok
	same "$output" there
}

@test "--pid-file holds the pid of init before create returns" {
	payload wait
	launch create --bundle "$B" --pid-file "$DIR/pid" "$ID"
	ok
	same "$(<"$DIR/pid")" "$(init_pid)"
	[ "$(readlink "/proc/$(<"$DIR/pid")/ns/pid")" != "$(readlink /proc/self/ns/pid)" ] ||
		fail "init is in our pid namespace"
}

@test "--pid-file does not take a device's place" {
	is_ours || skip "others do"
	mknod "$DIR/null" c 1 3 || skip "needs mknod"
	payload wait
	try create --bundle "$B" --pid-file "$DIR/null" "$ID"
	error_names --pid-file "$DIR/null"
	[ -c "$DIR/null" ] || fail "it was replaced"
	rm "$DIR/null"
}

@test "--pid-file of run --detach and of a foreground run" {
	payload wait ready
	launch run -d --bundle "$B" --pid-file "$DIR/pid" "$ID"
	ok
	same "$(<"$DIR/pid")" "$(init_pid)"
	try delete -f "$ID"
	ok
	payload print done
	try run --bundle "$B" --pid-file "$DIR/pid2" "$ID"
	ok
	[[ $(<"$DIR/pid2") =~ ^[0-9]+$ ]] || fail "no pid in the file"
}

@test "--pidfd-socket gets a pidfd of init" {
	is_ours || skip "this runtime has no --pidfd-socket"
	peer pidfd "$DIR/pidfd.sock" >"$DIR/pidfd.out"
	payload wait
	launch create --bundle "$B" --pidfd-socket "$DIR/pidfd.sock" "$ID"
	ok
	wait_output "pid $(init_pid)" "$DIR/pidfd.out"
	try delete --force "$ID"
	ok
	wait_output ended "$DIR/pidfd.out"
	wait "$PEER"
}

@test "init is our child's child no more: its parent is the subreaper" {
	payload wait
	cat >"$DIR/reaper.py" <<-'PY'
	import ctypes, os, subprocess, sys
	ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
	create, state, start, pid_file = (c.split("\n") for c in sys.argv[1:5])
	assert subprocess.call(create) == 0
	pid = int(open(pid_file[0]).read())
	assert subprocess.call(start) == 0
	os.kill(pid, 9)
	got, status = os.waitpid(pid, 0)
	print("reaped", got == pid, os.WTERMSIG(status))
	PY
	local call=$RUNTIME$'\n'--root$'\n'$ROOT$'\n'
	output=$(timeout 100 "$PYTHON" "$DIR/reaper.py" \
		"${call}create"$'\n'--bundle$'\n'"$B"$'\n'--pid-file$'\n'"$DIR/pid"$'\n'"$ID" \
		"${call}state"$'\n'"$ID" "${call}start"$'\n'"$ID" "$DIR/pid" 3>&- </dev/null)
	same "$output" "reaped True 9"
}

@test "start twice: the second names the container and its status" {
	start_waiting
	try start "$ID"
	error_names "running"
	same "$(container_status)" running
}

@test "start of a stopped container fails" {
	payload print done
	create_container
	try start "$ID"
	ok
	wait_status stopped
	try start "$ID"
	error_names "stopped"
	same "$(container_status)" stopped
}

@test "delete of a running container fails and leaves it running" {
	start_waiting
	try delete "$ID"
	fails
	[[ $error == *running* || $error == *"not stopped"* ]] || fail "the status is not named"
	same "$(container_status)" running
	try delete --force "$ID"
	ok
	assert_nothing_left
}

@test "delete of a created container: refused, or removes all of it" {
	payload wait
	create_container
	try delete "$ID"
	if [ "$status" -eq 0 ]; then
		assert_nothing_left
	else
		same "$(container_status)" created
	fi
}

@test "delete --force of a created container" {
	payload create /started
	create_container
	local pid
	pid=$(init_pid)
	try delete --force "$ID"
	ok
	[ ! -d "/proc/$pid" ] || ! grep -q "State:.[^Z]" "/proc/$pid/status" || fail "init lives"
	[ ! -e "$B/rootfs/started" ] || fail "the payload has run"
	assert_nothing_left
}

@test "delete --force of a missing container is no error, delete is" {
	mkdir -p "$ROOT"
	try delete --force "$ID"
	ok
	try delete "$ID"
	error_names "$ID"
}

@test "kill of a created container by KILL stops it" {
	payload wait
	create_container
	try kill "$ID" KILL
	ok
	wait_status stopped
	try delete "$ID"
	ok
	assert_nothing_left
}

@test "kill of a stopped container says that it is not running" {
	payload print done
	create_container
	try start "$ID"
	ok
	wait_status stopped
	try kill "$ID" TERM
	error_names "not running"
}

@test "kill by name, SIG name, lower case, and number; TERM by default" {
	start_waiting signals
	wait_output ready
	local signal
	for signal in USR1 SIGUSR1 usr1 sigusr1 10; do
		try kill "$ID" $signal
		ok
	done
	five_signals() { [ "$(grep -c 'signal USR1' "$DIR/container.out")" -ge 1 ]; }
	until_true five_signals
	try kill "$ID" HUP
	ok
	wait_output "signal HUP"
	try kill "$ID" 34
	ok
	wait_output "signal 34"
	try kill "$ID"
	ok
	wait_output "signal TERM"
	wait_status stopped
}

@test "kill by a signal that does not exist names it" {
	start_waiting
	local signal
	for signal in NOSUCH 0x 12x SIG; do
		try kill "$ID" $signal
		fails
	done
	try kill "$ID" NOSUCH
	error_names NOSUCH
	same "$(container_status)" running
}

@test "kill --all reaches every process of the container" {
	start_waiting orphan + wait ready
	wait_output ready
	local pids
	pids=$(rt ps --format json "$ID" | jq -r '.[]')
	same "$(wc -w <<<"$pids")" 2
	try kill --all "$ID" KILL
	ok
	wait_status stopped
	local pid
	for pid in $pids; do
		! grep -qs "$TAG" "/proc/$pid/environ" || fail "$pid lives"
	done
}

# bats test_tags=vm
@test "kill --all of a container without a pid namespace" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	start_waiting orphan + wait ready
	wait_output ready
	try kill --all "$ID" KILL
	ok
	wait_status stopped
	try delete "$ID"
	ok
	assert_nothing_left
}

@test "delete of a stopped container without a pid namespace takes the processes left" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	payload orphan + print left
	launch run --detach --bundle "$B" "$ID"
	ok
	wait_output left
	wait_status stopped
	try delete --force "$ID"
	ok
	assert_nothing_left
}

@test "an id in use is refused and the container of that name lives on" {
	start_waiting
	local pid
	pid=$(init_pid)
	another_bundle second
	try create --bundle "$DIR/second" "$ID"
	error_names "$ID"
	try run --bundle "$DIR/second" "$ID"
	error_names "$ID"
	same "$(init_pid)" "$pid"
	same "$(container_status)" running
	[ -z "$(find /sys/fs/cgroup -name "$TAG-second")" ] || fail "left a cgroup"
}

@test "malformed ids are refused by each verb" {
	payload print never
	local id verb
	for id in ../x a/b / . .. "" 'a b' 'ä' "a*" $'a\nb' "$(printf 'a%.0s' {1..1025})"; do
		for verb in create run; do
			try $verb --bundle "$B" "$id"
			fails
			[ -n "$error" ] || fail "no message for '$id'"
		done
		for verb in start state delete kill; do
			try $verb "$id"
			fails
		done
	done
	[ ! -e "$ROOT/../x" ] || fail "made a folder outside the root"
	assert_nothing_left
}

@test "ids of unusual but legal shapes" {
	local id
	for id in "$TAG.a" "$TAG+b" "${TAG}_c" "A-$TAG-1.2+3_4"; do
		payload print fine
		try run --bundle "$B" "$id"
		ok
		same "$output" fine
	done
	assert_nothing_left
}

@test "a missing id, for every verb" {
	mkdir -p "$ROOT"
	local verb
	for verb in state start delete pause resume ps "events --stats" "update --pids-limit 5" kill; do
		# shellcheck disable=SC2086 # words
		try $verb "$ID"
		error_names "$ID"
	done
	try exec "$ID" payload print never
	error_names "$ID"
	[ -z "$(ls -A "$ROOT")" ] || fail "left something in the root"
}

@test "a container without a command, or none at all, is a usage error" {
	try create
	fails
	[ -n "$error$output" ] || fail "no message"
	try nosuchverb "$ID"
	fails
	try run --nosuchflag "$ID"
	fails
	try run --bundle "$B" "$ID" extra words
	fails
	try exec
	fails
	assert_nothing_left
}

@test "two containers of one bundle, at the same time" {
	payload wait
	launch run --detach --bundle "$B" "$ID"
	ok
	config '.linux.cgroupsPath += "-2"'
	launch run --detach --bundle "$B" "$ID-2"
	ok
	[ "$(init_pid)" != "$(init_pid "$ID-2")" ] || fail "one process"
	try delete --force "$ID"
	ok
	same "$(container_status "$ID-2")" running
}

@test "the same id in two roots are two containers" {
	start_waiting
	ROOT=$DIR/other try state "$ID"
	fails
	same "$(container_status)" running
}

@test "create, kill, delete without start leaves no trace; again and again" {
	payload wait
	local i
	for i in 1 2 3; do
		create_container
		try kill "$ID" KILL
		ok
		wait_status stopped
		try delete "$ID"
		ok
	done
	assert_nothing_left
}

@test "start reports the payload's exec error" {
	command_is /bin/nothing-here
	launch create --bundle "$B" "$ID"
	if [ "$status" -eq 0 ]; then
		try start "$ID"
	fi
	fails
	[[ $error == */bin/nothing-here* ]] || fail "the program is not named"
}

@test "a state file of another version or broken does not stop list and delete --force" {
	start_waiting
	mkdir -p "$ROOT/broken-$TAG"
	echo '{"half": ' >"$ROOT/broken-$TAG/state.json"
	try list
	ok
	says "$ID"
	try delete --force "broken-$TAG"
	[ "$status" -eq 0 ] || rm -r "$ROOT/broken-$TAG"
	is_ours && ok
	same "$(container_status)" running
}

@test "--version, --help and the help of each command" {
	local verb
	try --version
	ok
	matches '^[a-z-]+ version .*[0-9]+\.[0-9]+' 'spec: 1\.'
	try --help
	ok
	says create start state kill delete run exec list ps pause resume update events spec
	for verb in create start state kill delete run exec list ps pause resume update events spec; do
		try $verb --help
		ok
		says "$verb"
	done
	if is_ours; then
		try features --help
		ok
	fi
}

@test "spec writes a config.json that runs" {
	mkdir "$DIR/new"
	cp -al "$B/rootfs" "$DIR/new/rootfs"
	try spec --bundle "$DIR/new"
	ok
	same "$(jq -r '.root.path' "$DIR/new/config.json")" rootfs
	try spec --bundle "$DIR/new"
	error_names config.json
	B=$DIR/new
	config '.linux.cgroupsPath = $c | .process.terminal = false | .process.args = ["payload", "print", "default"]
		| .process.env += [$t] | .process.rlimits = []' --arg c "$CG" --arg t "RUSTBOX_TEST_TAG=$TAG"
	try run --bundle "$B" "$ID"
	ok
	same "$output" default
	mkdir "$DIR/rootless"
	try spec --rootless --bundle "$DIR/rootless"
	ok
	same "$(jq -c '[.linux.namespaces[].type] | index("user") != null' "$DIR/rootless/config.json")" true
	same "$(jq '.linux.uidMappings | length' "$DIR/rootless/config.json")" 1
}

@test "spec --file: another name in the bundle, or one of its own; what is there stays" {
	local file
	is_ours || [[ ${RUNTIME##*/} == crun* ]] || skip "this runtime has no --file"
	mkdir "$DIR/new"
	try spec --bundle "$DIR/new" --file other.json
	ok
	try spec --bundle "$DIR/new" -f "$DIR/third.json"
	ok
	same "$(ls "$DIR/new")" other.json
	try spec --bundle "$DIR/new"
	ok
	for file in "$DIR/new/other.json" "$DIR/third.json"; do
		cmp "$file" "$DIR/new/config.json" || fail "$file"
	done
	is_ours || return 0
	echo mine >"$DIR/new/other.json"
	try spec --bundle "$DIR/new" --file other.json
	error_names other.json "$DIR/new" exists
	same "$(<"$DIR/new/other.json")" mine
	try spec --bundle "$DIR/new" --file nowhere/other.json
	error_names nowhere/other.json "No such file"
}

@test "run adopts what loses its parents, --no-subreaper leaves it to others" {
	local flag parent
	# Without a pid namespace of its own nobody else is between them and us.
	config '.linux.namespaces |= map(select(.type != "pid"))'
	payload orphan + wait orphaned
	for flag in --keep --no-subreaper; do
		"$RUNTIME" --root "$ROOT" run $flag --bundle "$B" "$ID" >"$DIR/fg$flag" 2>&1 </dev/null 3>&- 4>&- &
		parent=$!
		wait_output orphaned "$DIR/fg$flag"
		output=''
		for pid in $(rt ps --format json "$ID" | jq -r '.[]'); do
			output+=" $(sed -n 's/^PPid:\t//p' "/proc/$pid/status")"
		done
		# Init is its child in any case.
		if [ $flag = --keep ]; then
			same "$output" " $parent $parent"
		else
			same "$(tr ' ' '\n' <<<"$output" | grep -cx $parent)" 1
		fi
		try kill --all "$ID" KILL
		ok
		wait $parent || :
		try delete --force "$ID"
		ok
	done
	assert_nothing_left
}

@test "features is JSON with what this runtime can" {
	is_ours || skip "this runtime has no features"
	try features
	ok
	same "$(jq -r '.ociVersionMin | startswith("1.")' <<<"$output")" true
	same "$(jq -r '.hooks | contains(["prestart", "poststop", "createRuntime"])' <<<"$output")" true
	same "$(jq -r '.mountOptions | contains(["rbind", "ro", "rro", "tmpcopyup"])' <<<"$output")" true
	same "$(jq -r '.linux.namespaces | contains(["pid", "user", "time", "cgroup"])' <<<"$output")" true
	same "$(jq -r '.linux.capabilities | contains(["CAP_CHOWN", "CAP_SYS_ADMIN"])' <<<"$output")" true
	same "$(jq -r '.linux.cgroup.v1 and .linux.cgroup.v2' <<<"$output")" true
	same "$(jq -r '.linux.seccomp.enabled' <<<"$output")" true
	same "$(jq -r '.linux.seccomp.actions | contains(["SCMP_ACT_NOTIFY"])' <<<"$output")" true
}

@test "completion: every command for bash, zsh and fish" {
	is_ours || skip "this is about our own"
	local shell word
	for shell in bash zsh fish; do
		try completion $shell
		ok
		for word in create checkpoint exec features info mounts update; do
			grep -qw "$word" <<<"$output" || fail "$shell: no $word"
		done
	done
	try completion tcsh
	error_names tcsh
}

@test "info: what the machine has for containers" {
	local controller
	is_ours || skip "this is about our own"
	try info
	ok
	same "$(sed -n 's/^kernel  *//p' <<<"$output")" "$(uname -srm)"
	same "$(sed -n 's/^seccomp  *//p' <<<"$output")" "$(</proc/sys/kernel/seccomp/actions_avail)"
	same "$(sed -n 's/^version  *//p' <<<"$output")" "$("$RUNTIME" --version | sed -n '1s/.* //p')"
	case $(stat -f -c %T /sys/fs/cgroup) in
	cgroup2fs) same "$(sed -n 's/^cgroups  *//p' <<<"$output")" v2 ;;
	*) grep -Eq '^cgroups  *(hybrid|v1|none)$' <<<"$output" || fail "$output" ;;
	esac
	# Those of v1 have a line each; those of v2 are in the file.
	for controller in $(cut -d: -f2 /proc/self/cgroup | tr , '\n' | grep -v =) \
		$(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null); do
		[[ " $(sed -n 's/^controllers  *//p' <<<"$output") " == *" $controller "* ]] || fail "$controller: $output"
	done
	[[ $(sed -n 's/^namespaces  *//p' <<<"$output") == *"pid network mount"* ]] || fail "$output"
	if type -P criu >/dev/null; then
		same "$(sed -n 's/^criu  *//p' <<<"$output")" "$(type -P criu)"
	fi
	try info more
	[ "$status" -ne 0 ]
}

@test "kill KILL without a pid namespace of one's own ends all processes, with or without init" {
	is_ours || skip "this runtime does not"
	config '.linux.namespaces |= map(select(.type != "pid"))'
	local procs pid with
	for with in yes no; do
		start_waiting
		try exec --detach "$ID" sleep 1000
		ok
		pid=$(init_pid)
		procs=$(rt ps --format json "$ID" | jq '.[]')
		if [ $with = no ]; then
			kill -KILL "$pid"
			wait_status stopped
		fi
		try kill "$ID" KILL
		ok
		wait_status stopped
		for pid in $procs; do
			gone() { ! grep -q '^State:[[:space:]][^Z]' "/proc/$pid/status" 2>/dev/null; }
			until_true gone
		done
		try delete "$ID"
		ok
	done
}

@test "list with a --root that is not there is an error" {
	is_ours || skip "left to the runtime"
	ROOT=$DIR/nowhere
	try list
	error_names nowhere
}

# ---- by regular expression ----------------------------------------------------------------

@test "kill and delete --regex: all that match, and only these" {
	is_ours || [[ ${RUNTIME##*/} == crun* ]] || skip "this runtime has no --regex"
	local name
	payload wait
	cp "$B/config.json" "$DIR/config.json"
	for name in a1 a22 b1; do
		config '.linux.cgroupsPath = $c' --arg c "$CG-$name"
		launch run --detach --bundle "$B" "$ID-$name"
		ok
	done
	try kill --regex "$ID-a[0-9]+$" KILL
	ok
	wait_status stopped "$ID-a1"
	wait_status stopped "$ID-a22"
	same "$(container_status "$ID-b1")" running
	# One that has stopped already is no error, nor is no match.
	try kill --regex "$ID-a" KILL
	ok
	try kill --regex nosuch-container
	ok
	try delete --regex "^$ID-"
	fails
	[[ $error == *"$ID-b1"* ]] || fail "which one was not deleted should be said"
	try list --quiet
	same "$output" "$ID-b1"
	try delete --regex --force '^.*-b[[:digit:]]$'
	ok
	try list --quiet
	same "$output" ""
	is_ours || return 0
	try delete --regex '('
	error_names --regex '('
	assert_nothing_left
}

@test "--log journald:NAME and syslog:NAME: lines go to the services" {
	is_ours || skip "other runtimes differ"
	local service socket
	for service in journald syslog; do
		socket=/run/systemd/journal/socket
		[ $service = journald ] || socket=/dev/log
		output=$(unshare --mount --propagation private bash -c '
			mount -t tmpfs t /run
			mount -t tmpfs t /dev && mknod -m 666 /dev/null c 1 3
			mkdir -p /run/systemd/journal
			"$4" -ES "$1/peer.py" notify "$2" 1 >/run/lines </proc/version 3>&- &
			for ((i = 0; i < 400; i++)); do [ ! -S "$2" ] || break; sleep 0.05; done
			"$5" --log "$3:my-name" --root "$6" state nothing
			wait
			cat /run/lines' sh "$HERE" "$socket" "$service" "$PYTHON" "$RUNTIME" "$ROOT" 2>&1 3>&- 4>&-) || fail "$service"
		says my-name nothing
		if [ $service = journald ]; then
			says PRIORITY=3 SYSLOG_IDENTIFIER=my-name MESSAGE=
		else
			says '<27>my-name['
		fi
	done
	try --log journald: state x
	error_names journald:NAME
	try --log 'syslog:a b' state x
	error_names syslog:NAME
}
