#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The life of a container under the Docker-like front end: run and its exit
# codes, streams, signals and terminals; every operation in every state;
# exec; what is left after crashes of clients, supervisors and containers.
# vm: yes

load rustbox

# ---- run ------------------------------------------------------------------------

# bats test_tags=vm
@test "run shows both streams and ends with the command's exit code" {
	rb run --rm sh -c 'echo one; echo two >&2; exit 7'
	exits 7
	same "$output" one
	same "$error" two
	local code
	for code in 0 1 125 126 127 255; do
		rb run --rm payload exit $code
		exits $code
	done
}

@test "run --rm has left nothing when it returns" {
	rbok run --rm true
	same "$(container_ids)" ""
	assert_nothing_left
}

@test "run without --rm leaves an Exited container, whose name nobody else can have" {
	rb run --name "$NAME" sh -c 'exit 3'
	exits 3
	same "$(box_state .State.Status)" exited
	same "$(box_state .State.ExitCode)" 3
	same "$(box_state .Name)" "/$NAME"
	rb run --name "$NAME" true
	exits 125
	error_names "$NAME"
}

@test "a command that is not found is 127, one that cannot be executed 126" {
	rb run --rm no-such-command
	exits 127
	error_names no-such-command
	rb run --rm /etc/passwd
	exits 126
	error_names /etc/passwd
	assert_nothing_left
}

@test "an image in the place of the command: the error says how one is named" {
	rb run --rm alpine sh
	exits 127
	error_names 'alpine' 'an image is named by --image'
	rb run --rm --entrypoint no-such-command alpine
	exits 127
	[[ $error != *--image* ]] || fail "alpine was not the command"
}

@test "a container that could not be started says why, unless --rm was given" {
	rb run --name "$NAME" no-such-command
	exits 127
	[[ $(box_state .State.Error) == *no-such-command* ]] || fail "inspect should say why"
	same "$(box_state .State.Status)" created
	same "$(box_state .State.Running)" false
}

@test "mistakes are 125, and leave nothing" {
	rb run --no-such-option true
	exits 125
	error_names no-such-option
	rb run --detach-keys ctrl-1 true
	exits 125
	error_names ctrl-1
	rb run --rootfs "$DIR/nowhere" true
	exits 125
	error_names nowhere
	rb run --name 'a b' true
	exits 125
	assert_nothing_left
}

@test "a wrong option is 125 of every command, a wrong word 1" {
	local command
	for command in run create exec start stop list inspect rmi 'volume create' sandbox; do
		# shellcheck disable=SC2086 # words of a command
		rb $command --no-such-option x
		exits 125
		error_names no-such-option
	done
	rb --no-such-option run true
	exits 125
	rb create --memory much true
	exits 125
	error_names much
	rb no-such-command
	exits 1
	error_names no-such-command
	rb inspect
	exits 1
	rb inspect "$NAME"
	exits 1
	assert_nothing_left
}

@test "run -d prints the id, and wait the exit code" {
	rbok run -d --name "$NAME" sh -c 'read -r x </dev/null; exit 5'
	ID=$output
	rbok wait "$NAME"
	same "$output" 5
	rbok wait "$ID"
	same "$output" 5
	until_true box_is Exited
}

@test "run --tty without a terminal runs in the background" {
	rbok run --tty --name "$NAME" sh -c 'while :; do sleep 1000; done'
	ID=$output
	[[ $ID =~ ^[0-9a-f]{12}$ ]] || fail "should print an id"
	box_is Running
}

@test "--pidfile, --cidfile and --report do not take a device's place" {
	local option
	mknod "$DIR/null" c 1 3 || skip "needs mknod"
	for option in --pidfile --cidfile --report; do
		rb run --rm $option "$DIR/null" true
		exits 125
		error_names "$DIR/null"
		[ -c "$DIR/null" ] || fail "$option has replaced it"
	done
	# One that comes later.
	rbok create --name "$NAME" --pidfile "$DIR/late" --report "$DIR/late" true
	cp -a "$DIR/null" "$DIR/late"
	rbok start -a "$NAME"
	[ -c "$DIR/late" ] || fail "it was replaced"
	rm "$DIR/null" "$DIR/late"
}

@test "--cidfile is written once, --pidfile at each start" {
	rbok run -d --name "$NAME" --cidfile "$DIR/cid" --pidfile "$DIR/pid" sleep 1000
	same "$(<"$DIR/cid")" "$output"
	same "$(<"$DIR/pid")" "$(box_state .State.Pid)"
	[ -d "/proc/$(<"$DIR/pid")" ] || fail "no such process"
	rb run --rm --cidfile "$DIR/cid" true
	exits 125
	error_names "$DIR/cid"
	rbok restart -t 0 "$NAME"
	same "$(<"$DIR/pid")" "$(box_state .State.Pid)"
	rb run --rm --cidfile "$DIR/other" --rootfs "$DIR/nowhere" true
	exits 125
	[ ! -e "$DIR/other" ] || fail "no container, no file"
}

@test "run --timing says what took how long" {
	rbok run --rm --timing true
	grep -qE '^created in [0-9.]+ ms, started in [0-9.]+ ms, ended after [0-9.]+ ms$' <<<"$error" ||
		fail "no times"
}

@test "run --rootfs, and the trees of the earlier RustBox" {
	mkdir -p "$DIR/tree/rootfs"
	ln -s "$ROOTFS" "$DIR/tree/rootfs/lowerdir"
	rbok run --rm --rootfs "$ROOTFS" cat /etc/passwd
	lines root:x:0:0:root:/root:/bin/sh
	cd "$DIR/tree"
	rbok run --rm cat /etc/passwd
	lines root:x:0:0:root:/root:/bin/sh
}

@test "what a container writes stays its own" {
	rbok run --rm sh -c 'echo x >/new; rm /etc/group; ls /new'
	same "$output" /new
	[ ! -e "$ROOTFS/new" ] && [ -e "$ROOTFS/etc/group" ] || fail "the root file system was changed"
}

# ---- streams --------------------------------------------------------------------

@test "10 MB through cat come out as they went in" {
	head -c 10000000 /dev/urandom >"$DIR/data"
	try_rustbox run --rm -i cat <"$DIR/data"
	ok
	cmp "$DIR/data" "$DIR/out"
	head -c 10000000 "$DIR/data" | try_rustbox run --rm -i sh -c 'cat; echo end >&2'
	cmp "$DIR/data" "$DIR/out"
	same "$(<"$DIR/err")" end
}

@test "without --interactive there is no input" {
	try_rustbox run --rm cat <<<"hello"
	ok
	same "$output" ""
}

@test "a last line without newline, and much output at the end, are complete" {
	local i
	for i in 1 2 3 4 5; do
		rbok run --rm sh -c 'seq 20000; printf end'
		same "$(tail -n 1 "$DIR/out")" end
		same "$(wc -l <"$DIR/out")" 20000
	done
}

@test "run | head: the client ends, the container goes on" {
	local statuses
	set +e
	timeout -k 5 60 "$RUSTBOX" run --name "$NAME" sh -c 'while echo y; do :; done' 2>"$DIR/err" 3>&- |
		head -n 1 >"$DIR/out"
	statuses=("${PIPESTATUS[@]}")
	set -e
	same "${statuses[0]}" 141
	same "$(<"$DIR/out")" y
	same "$(box_state .State.Status)" running
}

@test "an output that nobody reads stops neither signals nor other clients" {
	mkfifo "$DIR/stuck"
	exec 7<>"$DIR/stuck"
	timeout -k 5 60 "$RUSTBOX" run --name "$NAME" \
		sh -c 'trap "echo got it; exit 9" TERM; seq 100000; while :; do sleep 1000 & wait; done' \
		>"$DIR/stuck" 2>"$DIR/err" 3>&- </dev/null &
	local client=$!
	ID=
	until_true has_one_box
	until_true box_says 100000
	# Not timeout(1), which would kill soon after that.
	kill -TERM "$(pgrep -f "^$RUSTBOX run --name $NAME ")"
	until_true box_says "got it"
	cat <&7 >"$DIR/read" &
	local reader=$!
	status=0
	wait $client || status=$?
	exits 9
	until_true grep -qx "got it" "$DIR/read"
	kill $reader
	exec 7>&-
}

has_one_box()
{
	ID=$(container_ids)
	[ -n "$ID" ]
}

@test "an output that cannot be written is an error of ours, not of the container" {
	status=0
	"$RUSTBOX" run --name "$NAME" sh -c 'echo x; exec sleep 1000' >/dev/full 2>"$DIR/err" \
		</dev/null 3>&- 4>&- || status=$?
	output='' error=$(<"$DIR/err")
	exits 125
	error_names "standard output" "$NAME"
	same "$(box_state .State.Status)" running
}

@test "closed standard streams are empty ones" {
	"$RUSTBOX" run --rm -i cat <&- >"$DIR/out" 3>&- 4>&-
	"$RUSTBOX" run --rm echo x >&- </dev/null 3>&- 4>&-
	"$RUSTBOX" run --rm sh -c 'echo x; echo y >&2' <&- >&- 2>&- 3>&- 4>&-
	[ ! -s "$DIR/out" ]
}

# ---- signals --------------------------------------------------------------------

# A container in the foreground, that says which signals it gets: CLIENT is our side.
start_listener()
{
	timeout -k 5 60 "$RUSTBOX" "${@:-run}" --name "$NAME" sh -c '
		for s in HUP INT QUIT USR1 USR2 ALRM WINCH CONT; do trap "echo $s" $s; done
		trap "echo TERM; exit 40" TERM
		echo up
		while :; do sleep 1000 & wait; done' >"$DIR/fg" 2>"$DIR/fg.err" </dev/null 3>&- &
	until_true grep -qsx up "$DIR/fg"
	CLIENT=$(pgrep -f "^$RUSTBOX ${*:-run} --name $NAME ")
}

@test "signals of the client go to the container's process" {
	local s
	start_listener
	for s in HUP USR1 USR2 ALRM; do
		kill -$s "$CLIENT"
		until_true grep -qx $s "$DIR/fg"
	done
	kill -WINCH "$CLIENT"
	kill -TERM "$CLIENT"
	status=0
	wait $! || status=$?
	exits 40
	! grep -qx WINCH "$DIR/fg" || fail "the size of our window is none of its business"
}

@test "with --sig-proxy=false a signal ends the client alone" {
	start_listener run --sig-proxy=false
	kill -TERM "$CLIENT"
	status=0
	wait $! || status=$?
	exits 143
	same "$(box_state .State.Status)" running
}

@test "a signal that comes while the container is made is not lost" {
	local i
	for i in 1 2 3 4 5; do
		status=0
		timeout -s TERM 0.02 "$RUSTBOX" run --rm sh -c 'trap "exit 40" TERM; while :; do sleep 1000 & wait; done' \
			>"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- &
		local waiter=$!
		# One that came before the trap was set does nothing to a first process.
		until_true nobody_or_box
		for ID in $(container_ids); do
			rb stop -t 20 "$ID"
		done
		wait $waiter || status=$?
	done
	rbok list -aq
	same "$output" ""
}

nobody_or_box()
{
	! kill -0 "$waiter" 2>/dev/null || [ -n "$(cat "$RUSTBOX_ROOT"/run/*/container.json 2>/dev/null | grep Running)" ]
}

# ---- states -----------------------------------------------------------------------

# box_in STATE: a fresh container, in this state
box_in()
{
	rb remove --force "$NAME"
	case $1 in
	Created)
		rbok create --name "$NAME" sleep 1000
		ID=$output
		;;
	Running)
		start_box
		;;
	Paused)
		start_box
		rbok pause "$NAME"
		;;
	Stopped)
		start_box
		rbok stop "$NAME"
		;;
	Exited)
		rb run --name "$NAME" sh -c 'echo up; exit 3'
		exits 3
		ID=$(box_state .Id)
		;;
	esac
	until_true box_is "$1"
}

# goes_to STATE COMMAND...: it is allowed, and leads there
goes_to()
{
	rb "${@:2}" "$NAME"
	ok
	until_true box_is "$1" || fail "$2 led to $(box_status "$ID") instead of $1"
}

# refused WORD COMMAND...: it fails, names the word, and changes nothing
refused()
{
	local before
	before=$(box_status "$ID")
	rb "${@:2}" "$NAME"
	error_names "$NAME" "$1"
	same "$(box_status "$ID")" "$before"
}

@test "Created: start, restart, rename and remove; nothing else" {
	box_in Created
	refused Created kill
	refused Created pause
	refused Created unpause
	refused Created attach
	rb exec "$NAME" true
	error_names Created start
	goes_to Created stop
	rbok wait "$NAME"
	same "$output" 0
	goes_to Running start
	box_in Created
	goes_to Running restart
	box_in Created
	rbok rm "$NAME"
	rb inspect "$NAME"
	fails
}

# bats test_tags=vm
@test "Running: start changes nothing; stop, restart, kill, pause; no remove without force" {
	box_in Running
	local pid
	pid=$(box_state .State.Pid)
	goes_to Running start
	same "$(box_state .State.Pid)" "$pid"
	refused Running remove
	refused Running unpause
	goes_to Running restart
	[ "$(box_state .State.Pid)" != "$pid" ] || fail "the same process after a restart"
	goes_to Stopped stop
	same "$(box_state .State.Status)" exited
	box_in Running
	goes_to Exited kill
	same "$(box_state .State.ExitCode)" 137
	same "$(box_state .State.Signal)" 9
	box_in Running
	rbok rm -f "$NAME"
	assert_nothing_left
}

@test "Paused: unpause, stop, restart, kill; no start, exec, attach or remove" {
	box_in Paused
	same "$(box_state .State.Status)" paused
	refused unpause start
	refused Paused pause
	refused unpause attach
	refused Paused remove
	rb exec "$NAME" true
	error_names unpause
	goes_to Running unpause
	box_in Paused
	goes_to Stopped stop -t 1
	box_in Paused
	goes_to Running restart -t 1
	box_in Paused
	goes_to Exited kill
	box_in Paused
	rbok rm -f "$NAME"
	assert_nothing_left
}

@test "Stopped: start goes on with its files; restart, stop, remove" {
	box_in Stopped
	refused Stopped kill
	refused Stopped pause
	refused start attach
	goes_to Stopped stop
	goes_to Running start
	rbok exec "$NAME" sh -c 'echo kept >/kept'
	goes_to Stopped stop
	goes_to Running start
	rbok exec "$NAME" cat /kept
	same "$output" kept
	box_in Stopped
	goes_to Running restart
	box_in Stopped
	rbok rm "$NAME"
}

@test "Exited: start names restart, which keeps the files" {
	rb run --name "$NAME" sh -c '[ -e /kept ] && { echo again; exec sleep 1000; }; echo x >/kept; exit 3'
	exits 3
	ID=$(container_ids)
	refused restart start
	refused Exited kill
	refused Exited pause
	refused restart attach
	goes_to Exited stop
	goes_to Running restart
	until_true box_says again
}

@test "Restarting: stop, kill, restart, rename, remove by force; nothing that needs its process" {
	local how
	rbok run -d --name "$NAME" --restart always sh -c 'exit 3'
	ID=$output
	until_true restarts_are 3
	for how in pause unpause remove top exec; do
		until_true answered_while_restarting $how
		error_names "$NAME" Restarting
	done
	rbok rename "$NAME" "$NAME-new"
	rbok rename "$NAME-new" "$NAME"
	for how in stop kill; do
		rbok restart "$NAME"
		until_true box_is Restarting
		rbok $how "$NAME"
		same "$(box_status "$ID")" "$([ $how = stop ] && echo Stopped || echo Exited)"
	done
	rbok restart "$NAME"
	until_true box_is Restarting
	rbok rm -f "$NAME"
	assert_nothing_left
}

# The command came and went while it waited for one restart. The next wait is longer.
answered_while_restarting()
{
	local before args=()
	before=$(box_state '.State.Status, .[0].RestartCount')
	[ "$1" != exec ] || args=(true)
	rb "$1" "$NAME" "${args[@]}"
	[[ $before == restarting* ]] && [ "$(box_state '.State.Status, .[0].RestartCount')" = "$before" ]
}

restarts_are()
{
	[ "$(box_state .RestartCount)" -ge "$1" ]
}

@test "--stopped-timeout: a Stopped one becomes Exited, and its files go" {
	start_box --stopped-timeout 1000
	rbok exec "$NAME" sh -c 'echo x >/file'
	rbok stop "$NAME"
	same "$(box_status "$ID")" Stopped
	rbok start "$NAME"
	rbok exec "$NAME" cat /file
	same "$output" x
	rbok rm -f "$NAME"
	start_box --stopped-timeout 1
	rbok exec "$NAME" sh -c 'echo x >/file'
	rbok stop "$NAME"
	until_true lists_as exited
	[ ! -e "$RUSTBOX_ROOT/overlay/$ID/upperdir/file" ] || fail "its file should be gone"
	refused restart start
	rbok restart "$NAME"
	rb exec "$NAME" cat /file
	fails
}

lists_as()
{
	rbok list -a --format '{{.State}}'
	[ "$output" = "$1" ]
}

@test "remove --force of one that does not exist is no error, remove is" {
	rb rm "$NAME"
	error_names "no such container" "$NAME"
	rbok rm -f "$NAME"
	rb stop "$NAME"
	error_names "no such container"
	rb start "$NAME"
	error_names "no such container"
}

@test "several at once: what can be done is done, what fails is told" {
	rbok create --name "$NAME-a" sleep 1000
	rbok create --name "$NAME-b" sleep 1000
	rb start "$NAME-a" "$NAME-x" "$NAME-b"
	exits 1
	same "$output" "$NAME-a"$'\n'"$NAME-b"
	[[ $error == *"$NAME-x"* ]] || fail "should name the one that is missing"
	rbok rm -f "$NAME-a" "$NAME-b"
	same "$output" "$NAME-a"$'\n'"$NAME-b"
}

@test "stop sends the signal, and kills what does not end in time" {
	rbok run -d --name "$NAME" --stop-signal USR1 \
		sh -c 'trap "exit 21" USR1; trap "exit 22" USR2; trap "" TERM; echo up; while :; do sleep 1000 & wait; done'
	ID=$output
	until_true box_says up
	rbok stop "$NAME"
	same "$(box_state .State.ExitCode)" 21
	rbok start "$NAME"
	until_true grep -qzP 'up\nup' "$RUSTBOX_ROOT/logs/$ID/stdout.log"
	rbok stop -s USR2 "$NAME"
	same "$(box_state .State.ExitCode)" 22
	rbok start "$NAME"
	rbok stop -s TERM -t 1 "$NAME"
	same "$(box_state .State.ExitCode)" 137
	box_is Stopped
}

@test "stop explains why it had to kill" {
	rbok run -d --name "$NAME" sleep 1000
	rbok stop -t 0 "$NAME"
	[[ $error == *"no handler for SIGTERM"* ]] || fail "should explain"
	rbok start "$NAME"
	rbok stop -s KILL "$NAME"
	same "$error" ""
	box_in Stopped
	same "$error" ""
}

@test "rename, in every state; a name that is taken or is none is refused" {
	local state
	rbok create --name "$NAME-taken" true
	for state in Created Running Paused Stopped Exited; do
		box_in $state
		rbok rename "$NAME" "$NAME-new"
		same "$(box_state .Name "$ID")" "/$NAME-new"
		rb inspect "$NAME"
		fails
		rb rename "$NAME-new" "$NAME-taken"
		error_names "$NAME-taken"
		rb rename "$NAME-new" '-x/'
		fails
		rbok rename "$NAME-new" "$NAME"
	done
}

@test "a beginning of the id is enough" {
	start_box
	rbok exec "${ID:0:6}" echo hello
	same "$output" hello
	rbok stop "${ID:0:4}"
	box_is Stopped
}

@test "wait waits for the end, for several, and through a removal" {
	start_box
	"$RUSTBOX" wait "$NAME" >"$DIR/waited" 3>&- &
	rbok kill "$NAME"
	wait $!
	same "$(<"$DIR/waited")" 137
	rbok run -d --rm --name "$NAME-rm" sh -c 'trap "exit 4" TERM; echo up; while :; do sleep 1000 & wait; done'
	ID=$output
	until_true box_says up
	"$RUSTBOX" wait "$NAME-rm" >"$DIR/waited" 3>&- &
	until_true waits_at_socket $!
	rbok stop "$NAME-rm"
	wait $!
	same "$(<"$DIR/waited")" 4
}

# It has asked there, and sleeps until the answer comes.
waits_at_socket()
{
	[ -n "$(find "/proc/$1/fd" -lname 'socket:*')" ] && grep -q '^State:.S' "/proc/$1/status"
}

# ---- exec -------------------------------------------------------------------------

@test "exec: streams, exit code, environment, folder, user" {
	start_box -e FROM_RUN=1
	rb exec "$NAME" sh -c 'echo out; echo err >&2; exit 9'
	exits 9
	same "$output" out
	same "$error" err
	export GIVEN=mine
	printf '%s\n' '# comment' 'FROM_FILE=x y' >"$DIR/env"
	rbok exec -e A=1 -e GIVEN -e NOT_SET --env-file "$DIR/env" -w /home/user -u 1000 "$NAME" \
		sh -c 'echo "$A $GIVEN ${NOT_SET-none} $FROM_FILE $FROM_RUN $PWD $(id -u):$(id -g)"'
	same "$output" "1 mine none x y 1 /home/user 1000:1000"
	rbok exec -u user "$NAME" id -un
	same "$output" user
}

@test "exec of what is not there: 127; not executable: 126; no container: 1" {
	start_box
	rb exec "$NAME" no-such-command
	exits 127
	error_names no-such-command
	rb exec "$NAME" /etc/passwd
	exits 126
	rb exec "$NAME-x" true
	exits 1
	rb exec "$NAME"
	exits 1
	rbok exec "$NAME" true
}

@test "exec of a command that is too long says so" {
	start_box
	local long
	long=$(head -c 70000 /dev/zero | tr '\0' a)
	rbok exec "$NAME" echo "$long"
	same "${#output}" 70000
	rb exec "$NAME" echo "$long" "$long"
	error_names "too long"
}

@test "exec -i: 10 MB through cat come out as they went in" {
	start_box
	head -c 10000000 /dev/urandom >"$DIR/data"
	try_rustbox exec -i "$NAME" cat <"$DIR/data"
	ok
	cmp "$DIR/data" "$DIR/out"
	try_rustbox exec "$NAME" cat <"$DIR/data"
	ok
	same "$output" ""
}

@test "exec -d returns at once, and tells what cannot be started" {
	start_box
	rbok exec -d "$NAME" sh -c 'echo x >/done; exec sleep 1000'
	until_true "$RUSTBOX" exec "$NAME" test -s /done 3>&-
	rb exec -d "$NAME" no-such-command
	exits 127
}

@test "exec forwards signals, and --kill-on-detach leaves no process" {
	start_box
	timeout -k 5 60 "$RUSTBOX" exec "$NAME" sh -c 'trap "echo got; exit 12" TERM; echo up; while :; do sleep 1000 & wait; done' \
		>"$DIR/fg" 2>&1 </dev/null 3>&- &
	local client=$!
	until_true grep -qsx up "$DIR/fg"
	kill -TERM "$(pgrep -f "^$RUSTBOX exec $NAME ")"
	status=0
	wait $client || status=$?
	exits 12
	timeout -k 5 60 "$RUSTBOX" exec --kill-on-detach "$NAME" sh -c 'echo up; exec sleep 4321' \
		>"$DIR/fg2" 2>&1 </dev/null 3>&- &
	until_true grep -qsx up "$DIR/fg2"
	kill -KILL "$(pgrep -f "^$RUSTBOX exec --kill-on-detach $NAME ")"
	until_true has_no_sleeper
}

has_no_sleeper()
{
	local list
	list=$("$RUSTBOX" top "$NAME" 3>&-) && ! grep -q 4321 <<<"$list"
}

@test "an exec whose child in the background holds its output ends" {
	start_box
	rb exec "$NAME" sh -c 'sleep 1000 & echo done'
	ok
	same "$output" done
}

@test "100 exits of exec are the right ones" {
	start_box
	local i
	for ((i = 0; i < 100; i++)); do
		"$RUSTBOX" exec "$NAME" sh -c "echo $i; exit $i" >"$DIR/one" 3>&- 4>&- </dev/null && status=0 ||
			status=$?
		exits $i
		same "$(<"$DIR/one")" $i
	done
}

# ---- terminals --------------------------------------------------------------------

@test "run -it: a terminal of our size, from its first byte" {
	local i
	for i in 1 2 3 4 5; do
		on_pty --size 33x101 end -- "$RUSTBOX" run --rm -it sh -c 'stty size; tty; test -t 0 && test -t 1 && test -t 2'
		ok
		lines "33 101" /dev/pts/0 "exit 0" "terminal restored"
	done
}

@test "run -t without a terminal runs in the background, and says so" {
	rbok run -t --name "$NAME" sleep 1000
	same "$output" "$(box_state .Id)"
	[[ $error == *"standard input is no terminal: $NAME runs in the background"* ]] || fail "$error"
	rbok run -d -t --rm true
	same "$error" ""
}

@test "run -it: what is typed arrives, Ctrl-C is a signal, exit codes come through" {
	on_pty expect:"# " send:'echo a$((1+1))b\n' expect:a2b send:'exit 6\n' end -- \
		"$RUSTBOX" run --rm -it -e 'PS1=# ' sh
	lines "exit 6" "terminal restored"
	on_pty expect:up send:'\x03' end -- \
		"$RUSTBOX" run --rm -it sh -c 'trap "exit 41" INT; echo up; while :; do sleep 1000 & wait; done'
	lines "exit 41" "terminal restored"
}

@test "run -it: the size of the window follows" {
	on_pty expect:up resize:40x90 expect:"40 90" end -- \
		"$RUSTBOX" run --rm -it sh -c 'trap "stty size; exit 0" WINCH; echo up; while :; do sleep 1000 & wait; done'
	lines "exit 0" "terminal restored"
}

@test "Ctrl-P Ctrl-Q detaches, attach comes back" {
	on_pty expect:"# " send:'x=kept\n' expect:"# " send:'\x10\x11' end -- \
		"$RUSTBOX" run --name "$NAME" -it -e 'PS1=# ' sh
	lines "exit 0" "terminal restored"
	says "detached from $NAME"
	same "$(box_state .State.Status)" running
	on_pty send:'echo $x-here\n' expect:kept-here send:'exit 8\n' end -- "$RUSTBOX" attach "$NAME"
	lines "exit 8" "terminal restored"
	on_pty expect:up send:'\x01' end -- \
		"$RUSTBOX" run --rm --detach-keys ctrl-a -it sh -c 'echo up; exec sleep 1000'
	lines "exit 0" "terminal restored"
}

@test "the terminal is restored, whoever dies" {
	local what
	for what in client supervisor container; do
		( until_true test -e "$DIR/shown-$what"
		ID=$(container_ids)
		case $what in
		client) kill -TERM "$(pgrep -f "^$RUSTBOX run --name $NAME-$what")" ;;
		supervisor) kill -KILL "$(supervisor_pid)" ;;
		container) kill -KILL "$(box_state .State.Pid "$ID")" ;;
		esac ) 3>&- &
		on_pty expect:up "touch:$DIR/shown-$what" end -- \
			"$RUSTBOX" run --name "$NAME-$what" -it sh -c 'echo up; exec sleep 1000'
		wait
		case $what in
		client) lines "signal SIGTERM" ;;
		supervisor) lines "exit 125" ;;
		container) lines "exit 137" ;;
		esac
		lines "terminal restored"
		rbok rm -f "$NAME-$what"
	done
}

@test "exec -it: a terminal of our size; the container's is another one" {
	start_box
	on_pty --size 30x70 end -- "$RUSTBOX" exec -it "$NAME" sh -c 'stty size; exit 3'
	lines "30 70" "exit 3" "terminal restored"
	try_rustbox exec -it "$NAME" true </dev/null
	exits 1
	error_names terminal
}

# ---- attach -----------------------------------------------------------------------

@test "attach without a terminal shows what comes, forwards signals, gives the exit code" {
	start_box
	timeout -k 5 60 "$RUSTBOX" attach "$NAME" >"$DIR/fg" 2>&1 </dev/null 3>&- &
	local client=$!
	# Once more than once: until it is attached, nothing is for it.
	until_true eval '"$RUSTBOX" exec "$NAME" sh -c "echo hello >/proc/1/fd/1" 3>&-; grep -qs hello "$DIR/fg"'
	kill -TERM "$(pgrep -f "^$RUSTBOX attach $NAME")"
	status=0
	wait $client || status=$?
	exits 0
}

@test "start --attach and --interactive" {
	rbok create --name "$NAME" -i sh -c 'read -r x; echo "got $x"; exit 4'
	try_rustbox start -ai "$NAME" <<<"input"
	exits 4
	same "$output" "got input"
	rb start -a "$NAME"
	error_names restart
}

@test "several clients see the same, and a slow one holds up nobody" {
	start_box
	mkfifo "$DIR/stuck"
	exec 7<>"$DIR/stuck"
	"$RUSTBOX" attach --no-stdin "$NAME" >"$DIR/stuck" 2>/dev/null </dev/null 3>&- &
	local slow=$!
	"$RUSTBOX" attach --no-stdin "$NAME" >"$DIR/fast" 2>/dev/null </dev/null 3>&- &
	local fast=$!
	until_true eval '"$RUSTBOX" exec "$NAME" sh -c "echo attached >/proc/1/fd/1" 3>&-; grep -qs attached "$DIR/fast"'
	rbok exec "$NAME" sh -c 'seq 100000 >/proc/1/fd/1'
	until_true grep -qsx 100000 "$DIR/fast"
	kill -KILL $slow
	rbok stop "$NAME"
	wait $fast
	exec 7>&-
}

# ---- restarts ---------------------------------------------------------------------

@test "--restart on-failure starts it again, as often as it says" {
	rb run --name "$NAME" --restart on-failure:2 sh -c 'echo run; exit 3'
	exits 3
	same "$(grep -cx run "$DIR/out")" 3
	same "$(box_state .RestartCount)" 2
	rb run --name "$NAME-b" --restart on-failure sh -c '[ -e /once ] && exit 0; touch /once; exit 1'
	exits 0
}

@test "--restart always: a stopped or killed one stays so" {
	start_box --restart always
	local pid
	pid=$(box_state .State.Pid)
	kill -KILL "$pid"
	until_true eval '[ "$(box_state .State.Pid)" != "$pid" ] && box_is Running'
	rbok stop "$NAME"
	box_is Stopped
	rbok start "$NAME"
	rbok kill "$NAME"
	until_true box_is Exited
	rbok start --boot
	same "$output" "$NAME"
	until_true box_is Running
	rbok start --boot
	same "$output" ""
}

# ---- crashes and races --------------------------------------------------------------

# Process 1 may take its time to reap.
has_ended()
{
	! grep -qs '^State:[[:space:]]*[RSDTtI]' "/proc/$1/status"
}

@test "SIGKILL of the supervisor: the next command shows the truth, restart goes on" {
	start_box
	rbok exec "$NAME" touch /kept
	local pid
	pid=$(box_state .State.Pid)
	kill -KILL "$(supervisor_pid)"
	until_true eval '[ "$(box_state .State.Status)" = exited ]'
	same "$(box_state .State.ExitCode)" 137
	[[ $(box_state .State.Error) == *supervisor* ]] || fail "should say why"
	has_ended "$pid" || fail "its process is still there"
	same "$(tagged_mounts)" ""
	rbok restart "$NAME"
	rbok exec "$NAME" ls /kept
	kill -KILL "$(supervisor_pid)"
	rbok rm -f "$NAME"
	assert_nothing_left
}

@test "SIGKILL of the supervisor of a --rm container: nothing is left by the next command" {
	start_box --rm
	kill -KILL "$(supervisor_pid)"
	until_true eval '! "$RUSTBOX" inspect "$ID" 3>&- >/dev/null 2>&1'
	assert_nothing_left
}

@test "SIGKILL of the client: the container goes on, --rm is still honoured" {
	start_listener run --rm
	kill -KILL "$CLIENT"
	same "$(box_state .State.Status)" running
	rbok stop "$NAME"
	until_true eval '[ -z "$(container_ids)" ]'
	assert_nothing_left
}

@test "SIGKILL of run at any moment leaves a container that is whole, or none" {
	local i
	for ((i = 1; i <= 30; i++)); do
		"$PYTHON" -ES "$HERE/peer.py" killed-after $((i * 1500)) "$RUSTBOX" run --rm sleep 1000 3>&- 4>&-
	done
	rbok list -aq
	for ID in $output; do
		until_true eval 'box_is Running || box_is Created'
	done
	# shellcheck disable=SC2086 # a list of ids
	[ -z "$output" ] || rbok rm -f $output
	assert_nothing_left
}

@test "SIGKILL of start, stop, restart and remove at any moment: the next one does it" {
	local i verb
	for verb in start stop restart "remove --force"; do
		for ((i = 0; i < 12; i++)); do
			case $verb in
			start) box_in Created ;;
			*) box_in Running ;;
			esac
			# shellcheck disable=SC2086 # a command and its option
			"$PYTHON" -ES "$HERE/peer.py" killed-after $((i * 1000)) "$RUSTBOX" $verb "$NAME" 3>&- 4>&-
			# shellcheck disable=SC2086
			rb $verb "$NAME"
			[ "$verb" = "remove --force" ] || ok
			[ "$verb" != start ] || same "$(box_state .State.Status)" running
			[ "$verb" != stop ] || same "$(box_state .State.Running)" false
		done
		rbok rm -f "$NAME"
		assert_nothing_left
	done
}

@test "start, stop, kill and remove at once do not corrupt anything" {
	local round i command
	for round in 1 2 3 4; do
		rbok create --name "$NAME" sh -c 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done'
		for i in 1 2 3; do
			for command in start "stop -t 1" restart kill "exec $NAME true #" pause unpause; do
				# shellcheck disable=SC2086 # a command and its options
				timeout -k 5 60 "$RUSTBOX" ${command%#} "$NAME" >/dev/null 2>>"$DIR/races" </dev/null 3>&- 4>&- &
			done
		done
		wait
		! grep -E 'Segmentation|Assertion|busy' "$DIR/races" || fail "something broke"
		rbok rm -f "$NAME"
		assert_nothing_left
	done
}

@test "two removals at once: one of them may fail, nothing is left" {
	local i
	for i in 1 2 3 4 5; do
		start_box
		"$RUSTBOX" rm -f "$NAME" >/dev/null 2>&1 3>&- &
		"$RUSTBOX" rm -f "$NAME" >/dev/null 2>&1 3>&- &
		"$RUSTBOX" stop "$NAME" >/dev/null 2>&1 3>&- &
		wait
		same "$(container_ids)" ""
	done
	assert_nothing_left
}

@test "20 runs at once" {
	local i pids=()
	for ((i = 0; i < 20; i++)); do
		timeout -k 5 200 "$RUSTBOX" run --rm sh -c "echo $i; exit $i" >"$DIR/many.$i" 2>&1 </dev/null 3>&- 4>&- &
		pids+=($!)
	done
	for ((i = 0; i < 20; i++)); do
		status=0
		wait "${pids[i]}" || status=$?
		output=$(<"$DIR/many.$i")
		exits $i
		same "$output" $i
	done
	assert_nothing_left
}
