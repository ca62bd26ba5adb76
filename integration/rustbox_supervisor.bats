#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The process that belongs to a running container: restarts, limits, health
# checks, what clients of every kind may do to it, and its own end.
# vm: yes

load rustbox

# The program on standard input must succeed; see rustbox_stream.py.
python()
{
	status=0
	ID=$ID RUSTBOX=$RUSTBOX PYTHONPATH=$HERE LC_ALL=C.UTF-8 timeout -k 5 300 "$PYTHON" -B \
		<(printf 'from rustbox_stream import *\nimport time\n' && cat) \
		>"$DIR/out" 2>&1 3>&- 4>&- </dev/null || status=$?
	output=$(tail -n 20 "$DIR/out" | cut -c1-500)
	ok
}

# What a container begins with that is to wait for the client: go() of rustbox_stream.py.
GATE='until [ -e /go ]; do sleep 0.05; done'

# run_box ARGUMENTS...: in the background; ID
run_box()
{
	rbok run -d --name "$NAME" "$@"
	ID=$output
}

log_lines()
{
	wc -l <"$RUSTBOX_ROOT/logs/$ID/stdout.log"
}

log_has()
{
	[ "$(log_lines)" -ge "$1" ]
}

restarts_are()
{
	[ "$(box_state .RestartCount)" -ge "$1" ]
}

# "start die …": what `events` has of the container, of the actions named.
told_actions()
{
	jq -r --arg id "$ID" --arg wanted " $* " \
		'select(.id == $id and (.action as $a | $wanted | contains(" " + $a + " "))) | .action' \
		"$RUSTBOX_ROOT/run/events" | tr '\n' ' '
}

# ---- beginning ------------------------------------------------------------------

# The next command may have found it Created, and waits for this supervisor's end.
@test "a supervisor whose starter was killed at once does not begin" {
	rbok create --name "$NAME" sleep 1000
	ID=$output
	python <<-'PY'
	import fcntl
	os.makedirs(f"{RUN}/{ID}", 0o700, exist_ok=True)
	lock = os.open(f"{RUN}/{ID}/supervisor", os.O_RDWR | os.O_CREAT, 0o600)
	for byte in range(2):
	    # struct flock: type, whence, start, length, pid
	    fcntl.fcntl(lock, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, byte, 1, 0)) # F_OFD_SETLK
	ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	ours.send(bytes([ATTACH]) + attach())
	ours.close()
	held = [os.dup2(theirs.fileno(), 60, False), os.dup2(lock, 61, False)]
	theirs.close()
	os.close(lock)
	rustbox = os.environ["RUSTBOX"]
	child = os.posix_spawn(rustbox, ["rustbox", "--root", os.environ["RUSTBOX_ROOT"], "supervise", ID],
	                       os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, fd, 3 + i)
	                                                 for i, fd in enumerate(held)])
	assert os.waitpid(child, 0)[1] == 0
	PY
	until_true eval 'box_is Running || ! pgrep -f "supervise $ID\$" >/dev/null'
	same "$(box_status "$ID")" Created
	rbok start "$NAME"
	same "$(box_state .State.Status)" running
	rbok remove --force "$NAME"
}

# ---- restarts -------------------------------------------------------------------

@test "on-failure:N runs N times more, then it is Exited" {
	run_box --restart on-failure:2 sh -c 'echo run; exit 4'
	rbok wait "$NAME"
	same "$output" 4
	same "$(log_lines)" 3
	same "$(box_state .RestartCount)" 2
	same "$(box_state .State.Status)" exited
	same "$(told_actions start die)" "start die start die start die "
}

@test "on-failure leaves alone what succeeds; always does not" {
	run_box --restart on-failure sh -c 'echo run; exit 0'
	rbok wait "$NAME"
	same "$(log_lines)" 1
	rbok remove "$NAME"
	run_box --restart always sh -c 'echo run; exit 0'
	until_true log_has 3
	rbok stop "$NAME"
	same "$(box_status "$ID")" Stopped
}

# Its overlay is mounted without writing to the disk, which counts for one mount only.
@test "a container of --rm has its files after a restart" {
	run_box --rm sh -c 'echo run >>/file; cat /file; exec sleep 1000'
	until_true log_has 1
	rbok restart --time 0 "$NAME"
	until_true log_has 3
	rbok exec "$NAME" cat /file
	same "$output" $'run\nrun'
	rbok kill "$NAME"
}

# waits_after N: for the next restart, of which there have been N at least.
waits_after()
{
	local count
	count=$(box_state ' | select(.State.Status == "restarting").RestartCount')
	[ "${count:-0}" -ge "$1" ]
}

@test "stop and kill end a container that waits for its restart, at once" {
	local how
	for how in stop kill; do
		run_box --restart always sh -c 'exit 3'
		until_true waits_after 5 # for 3.2 s now
		rbok $how "$NAME"
		same "$(box_state .State.Running)" false
		same "$(box_state .State.ExitCode)" 3
		rbok remove "$NAME"
	done
}

@test "what was stopped or killed is not restarted; what another signal ends is" {
	run_box --restart unless-stopped \
		sh -c 'trap "exit 1" QUIT; echo run; sleep 1000 & wait'
	until_true log_has 1
	rbok kill --signal QUIT "$NAME"
	until_true log_has 2
	rbok kill "$NAME"
	rbok wait "$NAME"
	same "$(box_state .State.Status)" exited
	same "$(log_lines)" 2
}

@test "an attached client sees runs one after the other, each begun and ended" {
	run_box --restart on-failure:1 sh -c "$GATE; echo one run; exit 5"
	python <<-'PY'
	c = Client(ATTACH, attach(FROM_START, output=True))
	c.expect(STARTED)
	go()
	assert c.output() == b"one run\n"
	kind, payload = c.last
	assert kind == EXITED and Exited(payload).will_restart
	c.expect(STARTED)
	assert c.output() == b"one run\n"
	kind, payload = c.last
	last = Exited(payload)
	assert kind == EXITED and not last.will_restart and last.code == 5
	assert c.is_closed()
	PY
}

@test "a container that cannot be started again waits longer each time, and can be stopped" {
	run_box --restart always sh -c 'rm -f /bin/busybox; exit 1'
	until_true restarts_are 2
	[[ $(box_state .State.Error) == *busybox* || $(box_state .State.Error) == *sh* ]] ||
		fail "inspect should say why"
	rbok stop "$NAME"
	same "$(box_state .State.Running)" false
}

@test "restart with clients attached; the policy changes while it runs" {
	run_box sh -c 'echo run; exec sleep 1000'
	until_true log_has 1
	python <<-'PY'
	c = Client(ATTACH, attach(FROM_START, output=True))
	c.expect(STARTED)
	assert c.output(4) == b"run\n"
	Client(RESTART, stop(0)).expect(DONE)
	assert Exited(c.expect(EXITED)).will_restart
	c.expect(STARTED)
	assert c.output(4) == b"run\n"
	for bad in (b"{", b"[]", b'{"restart":"sometimes"}', b'{"restart":"always:3"}',
	            b'{"restart":"on-failure:x"}', b'{"name":"no/name"}'):
	    assert Client(CHANGE, bad).receive()[0] == FAILED, bad
	Client(CHANGE, b'{"restart":"on-failure:7"}').expect(DONE)
	PY
	same "$(box_state .HostConfig.RestartPolicy.Name)" on-failure
	same "$(box_state .HostConfig.RestartPolicy.MaximumRetryCount)" 7
	rbok stop -t 0 "$NAME"
}

# ---- limits, report -------------------------------------------------------------

report()
{
	jq -r "$1" "$DIR/report"
}

@test "--timeout ends a run, and the report says so" {
	rb run --rm --timeout 300ms --report "$DIR/report" sh -c 'sleep 1000 & wait'
	[[ $error == *--timeout* ]] || fail "does not say why: $error"
	exits 137
	same "$(report .ended_by)" timeout
	same "$(report .signal)" 9
	[ "$(report .wall_ns)" -ge 300000000 ] || fail "wall_ns"
}

@test "--cpu-time counts all processes, and only what they use" {
	rb run --rm --cpu-time 300ms --report "$DIR/report" sh -c 'sleep 0.5; exit 3'
	exits 3
	same "$(report .ended_by)" null
	rb run --rm --cpu-time 300ms --report "$DIR/report" \
		sh -c 'while :; do :; done & while :; do :; done'
	exits 137
	same "$(report .ended_by)" cpu-time
	[ "$(report '.user_ns + .system_ns')" -ge 300000000 ] || fail "CPU time"
}

@test "--output-limit lets exactly so many bytes through" {
	rb run --rm --output-limit 10k --report "$DIR/report" sh -c 'while :; do echo 0123456789; done'
	[[ $error == *--output-limit* ]] || fail "does not say why: $error"
	exits 137
	same "$(stat -c %s "$DIR/out")" 10240
	same "$(report .ended_by)" output-limit
	same "$(report .output)" 10240
	rb run --rm --output-limit 10 --report "$DIR/report" sh -c 'echo 012345678'
	exits 0
	same "$(report .ended_by)" null
}

# bats test_tags=vm
@test "the report of a run that ends by itself, of one that cannot start, of an OOM kill" {
	rb run --rm --report "$DIR/report" sh -c 'echo hello; exit 9'
	exits 9
	same "$(report '[.exit_code, .signal, .output, .oom_killed, .ended_by, .error] | tojson')" \
		'[9,0,6,false,null,null]'
	rb run --rm --report "$DIR/report" no-such-command
	exits 127
	same "$(report .exit_code)" 127
	[[ $(report .error) == *no-such-command* ]] || fail "the report should say why"
	need_controller memory
	rb run --name "$NAME" --memory 24M --report "$DIR/report" payload oom 100
	exits 137
	same "$(report .oom_killed)" true
	[ "$(report .memory_peak)" -ge 20000000 ] || fail "memory_peak"
	same "$(box_state .State.OOMKilled)" true
	# Whom it was, the kernel tells in its log, but not each time.
	if dmesg 2>/dev/null | grep -q "task_memcg=.*/$(box_state .Id)"; then
		same "$(report .oom_task)" payload
		same "$(box_state .State.OOMTask)" payload
		[ "$(report .oom_pid)" -gt 1 ] || fail "oom_pid"
	fi
}

# ---- health ---------------------------------------------------------------------

health_is()
{
	[ "$(box_state .State.Health.Status)" = "$1" ]
}

@test "health: starting, healthy, unhealthy; the command health asks at once" {
	run_box --health-cmd 'echo looked; test -e /tmp/well' --health-interval 100ms \
		--health-retries 2 sh -c 'touch /tmp/well; exec sleep 1000'
	until_true health_is healthy
	rbok health "$NAME"
	same "$output" healthy
	rbok exec "$NAME" rm /tmp/well
	rb health "$NAME"
	fails
	[[ $error == *looked* ]] || fail "should say what the check said"
	until_true health_is unhealthy
	rbok exec "$NAME" touch /tmp/well
	until_true health_is healthy
	same "$(told_actions health_status)" "health_status health_status health_status "
	rbok stop -t 0 "$NAME"
	rb health "$NAME"
	fails
}

# Its processes that sleep, or are about to.
sleepers()
{
	local pid
	for pid in $(contained_processes); do
		tr '\0' ' ' <"/proc/$pid/cmdline" | grep -h 'sleep 1000'
	done 2>/dev/null | wc -l
}

@test "health: a check that hangs is killed, and has failed; none begins before it has ended" {
	run_box --health-cmd 'echo begun >>/tmp/checks; exec sleep 1000' --health-interval 50ms \
		--health-timeout 200ms --health-retries 1 sleep 1000
	until_true health_is unhealthy
	# While it stands still: a list that is made meanwhile may have one check and the next.
	rbok pause "$NAME"
	[ "$(sleepers)" -le 2 ] || fail "checks pile up: $(sleepers)"
	rbok kill "$NAME"
}

@test "health: a check whose time is over before it runs is killed as well" {
	run_box --health-cmd 'exec sleep 1000' --health-interval 50ms --health-timeout 1ms \
		--health-retries 3 sleep 1000
	until_true health_is unhealthy
	rbok kill "$NAME"
}

@test "health: who asks while it is paused does not stop the checks" {
	run_box --health-cmd 'test ! -e /tmp/ill' --health-interval 100ms --health-retries 1 \
		sleep 1000
	until_true health_is healthy
	rbok pause "$NAME"
	rb health "$NAME"
	fails
	[[ $error == *"is paused"* ]] || fail "should say that it is paused"
	rbok unpause "$NAME"
	rbok exec "$NAME" touch /tmp/ill
	until_true health_is unhealthy
	rbok kill "$NAME"
}

@test "health: failures while it starts up do not count" {
	run_box --health-cmd false --health-interval 50ms --health-retries 1 \
		--health-start-period 100s --health-start-interval 50ms sleep 1000
	until_true box_has_checked 3
	same "$(box_state .State.Health.Status)" starting
	same "$(box_state .State.Health.FailingStreak)" 0
	rbok kill "$NAME"
}

box_has_checked()
{
	local actions
	actions=$(told_actions exec_die)
	[ "$(wc -w <<<"$actions")" -ge "$1" ]
}

# ---- clients --------------------------------------------------------------------

@test "a client that stands still holds up neither the container nor others" {
	run_box sh -c "$GATE; seq 1 200000; echo done"
	python <<-'PY'
	stuck = Client(ATTACH, attach(FROM_START, output=True))
	stuck.expect(STARTED)
	other = Client(ATTACH, attach(FROM_START, output=True))
	other.expect(STARTED)
	go()
	want = b"".join(b"%d\n" % i for i in range(1, 200001)) + b"done\n"
	assert other.output() == want
	assert not Exited(other.last[1]).will_restart
	# It has ended, and another command may begin; but the rest can still be had.
	assert not os.path.exists(f"{RUN}/{ID}/stream.sock")
	assert stuck.output() == want
	assert stuck.last[0] == EXITED
	PY
	rbok remove "$NAME"
}

@test "with a full disk the output goes to those who are there, and the container goes on" {
	mkdir -p "$RUSTBOX_ROOT/logs"
	mount -t tmpfs -o size=64k none "$RUSTBOX_ROOT/logs"
	run_box sh -c 'wait_for() { while [ ! -e "$1" ]; do sleep 0.01; done; }
		wait_for /tmp/go; seq 1 50000; touch /tmp/written; wait_for /tmp/on; echo the end'
	python <<-'PY'
	def inside(line):
	    c = Client(EXEC, command("sh", "-c", line))
	    c.expect(STARTED)
	    assert Exited(c.expect(EXITED)).code == 0

	c = Client(ATTACH, attach(FROM_START, output=True))
	c.expect(STARTED)
	inside("touch /tmp/go; while [ ! -e /tmp/written ]; do sleep 0.01; done")
	# Who was too slow for it is told how much is missing, at once.
	want = b"".join(b"%d\n" % i for i in range(1, 50001))
	data, gaps = b"", 0
	while len(data) + gaps < len(want):
	    kind, payload = c.receive()
	    assert kind in (OUT, GAP), (kind, payload)
	    if kind == OUT:
	        data += payload
	    else:
	        gaps += int.from_bytes(payload, "little")
	assert len(data) + gaps == len(want), (len(data), gaps, len(want))
	assert gaps > 0 and len(data) > 65536 and data[:60000] == want[:60000]
	# And has the rest.
	inside("touch /tmp/on")
	assert c.output() == b"the end\n"
	kind, payload = c.last
	assert kind == EXITED and Exited(payload).code == 0
	PY
	rbok remove "$NAME"
	umount "$RUSTBOX_ROOT/logs"
}

@test "packets of every wrong kind: that client is cut off, nobody else notices" {
	start_box -i
	python <<-'PY'
	import random
	good = Client(ATTACH, attach(output=True, stdin=True))
	good.expect(STARTED)
	before = descriptors()
	for packet in (b"\0", b"\xff", bytes([ATTACH]), bytes([ATTACH]) + b"x" * 7, bytes([STOP]),
	               bytes([WAIT, 1]), bytes([OUT, 1]), bytes([INPUT, 1]), bytes([INPUT_END]),
	               bytes([STARTED]) + b"1234", bytes([EXITED]) + b"x" * 28):
	    c = Client()
	    c.socket.send(packet)
	    assert c.is_closed(), packet
	for json in (b"", b"{", b"{}", b'{"args":[]}', b'{"args":["a"],"env":["x"]}',
	             b'{"args":["a"],"workdir":"x"}', b'{"args":["a"],"user":"nobody-here"}'):
	    c = Client(EXEC, json)
	    assert c.receive()[0] == FAILED, json
	    assert c.is_closed()
	# Once is enough; input only by those who said so, and one at a time.
	for first, second in ((attach(), bytes([ATTACH]) + attach()), (attach(), bytes([INPUT]) + b"x"),
	                      (attach(stdin=True), bytes([INPUT]) + b"x" * (BYTES_MAX + 1))):
	    c = Client(ATTACH, first)
	    c.expect(STARTED)
	    c.socket.send(second)
	    assert c.is_closed(), second
	impatient = Client(ATTACH, attach(stdin=True))
	impatient.expect(STARTED)
	try:
	    for i in range(200):
	        impatient.send(INPUT, b"x" * BYTES_MAX)
	except OSError:
	    pass
	while impatient.receive()[0] == INPUT_TAKEN:
	    pass
	random.seed(1)
	for i in range(300):
	    c = Client()
	    try:
	        for j in range(random.randrange(3)):
	            c.socket.send(bytes(random.randrange(256) for k in range(random.randrange(40))) or b"x")
	    except OSError:
	        pass
	    c.close()
	good.send(RESIZE, b"\x50\0\x18\0")
	for i in range(2000):
	    if descriptors() <= before:
	        break
	    time.sleep(0.05)
	assert descriptors() <= before, (descriptors(), before)
	PY
	rbok exec "$NAME" echo alive
	same "$output" alive
	rbok stop -t 0 "$NAME"
}

@test "a thousand clients come and go" {
	start_box
	python <<-'PY'
	clients = [Client(ATTACH, attach(output=True)) for i in range(500)]
	for c in clients:
	    c.expect(STARTED)
	for c in clients:
	    c.close()
	clients = [Client(WAIT) for i in range(500)]
	Client(KILL, kill(9)).expect(DONE)
	for c in clients:
	    assert Exited(c.expect(EXITED)).signal == 9
	PY
}

@test "input of several clients; the last source that goes ends the container's stdin" {
	run_box -i cat
	python <<-'PY'
	out = Client(ATTACH, attach(FROM_START, output=True))
	out.expect(STARTED)
	a = Client(ATTACH, attach(stdin=True))
	b = Client(ATTACH, attach(stdin=True, ends=True))
	a.expect(STARTED)
	b.expect(STARTED)
	a.input(b"one\n")
	b.input(b"two\n")
	a.close()
	assert out.output(8) == b"one\ntwo\n"
	# Killed, without INPUT_END.
	b.close()
	out.output()
	assert out.last[0] == EXITED and Exited(out.last[1]).code == 0
	PY
}

@test "exec: a client that does not read stops that process alone; one that goes leaves it" {
	start_box
	python <<-'PY'
	e = Client(EXEC, command("sh", "-c", "seq 1 100000; echo end >/tmp/end; sleep 1000"))
	e.expect(STARTED)
	f = Client(EXEC, command("sh", "-c", "sleep 0.3; ls /tmp"))
	f.expect(STARTED)
	assert b"end" not in f.output()
	e.close() # now nobody holds it up
	while True:
	    f = Client(EXEC, command("ls", "/tmp"))
	    f.expect(STARTED)
	    if b"end" in f.output():
	        break
	g = Client(EXEC, command("sleep", "2000", killOnDetach=True))
	pid = int.from_bytes(g.expect(STARTED), "little")
	g.close()
	while os.path.exists(f"/proc/{pid}"):
	    time.sleep(0.01)
	PY
	rbok stop -t 0 "$NAME"
}

@test "exec: a child in the background does not keep it, what it wrote is there" {
	start_box
	rbok exec "$NAME" sh -c 'echo first; sleep 1000 & echo last'
	same "$output" $'first\nlast'
	rb exec -i "$NAME" sh -c 'exit 6'
	exits 6
	rbok stop -t 0 "$NAME"
}

@test "exec: the container's end is the end of its execs" {
	start_box
	python <<-'PY'
	e = Client(EXEC, command("sh", "-c", "echo up; sleep 1000"))
	e.expect(STARTED)
	assert e.output(3) == b"up\n"
	Client(STOP, stop(0)).expect(DONE)
	e.output()
	assert e.last[0] == EXITED and Exited(e.last[1]).signal == 9
	PY
}

@test "a paused container can be stopped by its signal, and killed" {
	local how
	for how in "stop" "kill"; do
		start_box
		rbok pause "$NAME"
		rbok "$how" "$NAME"
		same "$(box_state .State.Running)" false
		rbok remove "$NAME"
	done
}

# ---- its own end ----------------------------------------------------------------

@test "SIGKILL: the next command shows the truth, and nothing is left" {
	local pid
	start_box
	pid=$(supervisor_pid)
	kill -9 "$pid"
	rbok list --all --format '{{.Names}} {{.State}}'
	same "$output" "$NAME exited"
	same "$(box_state .State.ExitCode)" 137
	[[ $(box_state .State.Error) == *supervisor* ]] || fail "should say why"
	same "$(contained_processes)" ""
	rbok restart "$NAME"
	rbok stop -t 0 "$NAME"
}

@test "SIGTERM: the container is stopped by its signal, and is not held to be stopped by hand" {
	start_box --restart always
	kill "$(supervisor_pid)"
	rbok wait "$NAME"
	same "$output" 0
	same "$(jq .state.manuallyStopped "$RUSTBOX_ROOT/containers/$ID.json")" null
	same "$(box_state .State.Status)" exited
}

@test "it is nobody's child, in a session of its own, and holds no folder of its starter's" {
	local pid
	start_box
	pid=$(supervisor_pid)
	same "$(ps -o sid= -p "$pid" | tr -d ' ')" "$pid"
	[ "$(ps -o ppid= -p "$pid")" -ne $$ ] || fail "is our child"
	same "$(readlink "/proc/$pid/cwd")" /
	same "$(stat -c %a "$RUSTBOX_ROOT/run/$ID/stream.sock")" 600
	same "$(stat -c %a "$RUSTBOX_ROOT/run/$ID/task.sock")" 600
	rbok stop -t 0 "$NAME"
}

@test "it sleeps while the container does" {
	local pid
	start_box
	pid=$(supervisor_pid)
	# What starting has left to do may come first.
	sleeps()
	{
		local before
		before=$(grep ctxt "/proc/$pid/status")
		sleep 1
		[ "$(grep ctxt "/proc/$pid/status")" = "$before" ]
	}
	until_true sleeps
	rbok stop -t 0 "$NAME"
}

# Killed is whoever causes the Nth event: the command, the supervisor, its
# children, the runtime, the container.
@test "SIGKILL at every step of a run leaves nothing" {
	local n step=331 killed=0 last
	[ "$LONG" = 0 ] || step=7
	for ((n = 100; ; n += step)); do
		rbok create --name "$NAME-$n" sh -c 'echo run'
		ID=$output
		status=0
		timeout -k 5 60 "$TOP/build/release/kill_at" --all $n "$RUSTBOX" start -a "$NAME-$n" \
			>"$DIR/killed" 2>&1 3>&- 4>&- </dev/null || status=$?
		[ $status -eq 0 ] || [ $status -eq 3 ] || fail "kill_at: $(cat "$DIR/killed")"
		[ $status -eq 3 ] || killed=$((killed + 1))
		last=$status
		rbok list --all --format '{{.State}}'
		[[ $output != *running* ]] || supervisor_pid >/dev/null || fail "killed at step $n"
		rbok remove --force "$NAME-$n"
		assert_nothing_left || fail "killed at step $n"
		[ "$last" -ne 3 ] || break
	done
	[ $killed -gt 5 ] || fail "only $killed steps"
}

# What it has forked, to mount or to unmount, goes on a moment later, as on a
# machine that has no time for it: nobody cleans up before that has ended.
@test "SIGKILL while its children are at work: they are waited for" {
	local n step=211 watcher pid
	[ "$LONG" = 0 ] || step=19
	for ((n = 59; ; n += step)); do
		start_box --rm
		pid=$(supervisor_pid)
		: >"$DIR/killed"
		"$TOP/build/release/kill_at" --of "$pid" --children --hold 200 $n \
			>"$DIR/killed" 2>&1 3>&- 4>&- </dev/null &
		watcher=$!
		until_true grep -q ready "$DIR/killed"
		rb restart -t 0 "$NAME"
		if [ "$status" -eq 0 ]; then
			kill $watcher
			wait $watcher || :
			break
		fi
		rb list --all --quiet
		rb remove --force "$NAME"
		wait $watcher || fail "kill_at: $(cat "$DIR/killed")"
		assert_nothing_left || fail "killed at step $n"
	done
	rbok remove --force "$NAME"
	[ $n -gt 10 ] || fail "was never killed"
}
