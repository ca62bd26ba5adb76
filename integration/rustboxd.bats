#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rustboxd's socket API, by a client that was written from docs/ipc-protocol.md:
# every request and every error, attached clients, hostile ones, many at once;
# and the daemon's own life: sockets, signals, crashes, systemd.

load rustbox

setup()
{
	rustbox_setup
	SOCKET=$DIR/d.sock
	DAEMON=
}

teardown()
{
	stop_daemon
	rustbox_teardown
}

# ---- the daemon -----------------------------------------------------------------

start_daemon()
{
	"$RUSTBOX" daemon --socket "$SOCKET" </dev/null >>"$DIR/daemon.log" 2>&1 3>&- 4>&- &
	DAEMON=$!
	until_true serves
}

serves()
{
	[ -n "$(request '{"type":"ListRequest"}')" ]
}

stop_daemon()
{
	[ -z "$DAEMON" ] || {
		kill "$DAEMON" 2>/dev/null
		wait "$DAEMON" 2>/dev/null || :
	}
	DAEMON=
}

# The daemon and the processes of its connections, not the supervisors.
connection_processes()
{
	pgrep -P "$DAEMON"
}

has_no_connections()
{
	[ -z "$(connection_processes)" ]
}

# ---- clients --------------------------------------------------------------------

# One answer to one request, as JSON; nothing when it is refused the connection.
request()
{
	"$PYTHON" -B "$HERE/rustboxd_client.py" "$SOCKET" "$@" 2>/dev/null 3>&- 4>&-
}

# The program on standard input must succeed. c is a connection.
client()
{
	local program=$DIR/client.py
	status=0
	{
		cat <<-'END'
			import os, signal, subprocess, threading, time
			from rustboxd_client import *
			DIR, NAME, ROOTFS, SOCKET, DAEMON = (os.environ[x] for x in
			    ("DIR", "NAME", "ROOTFS", "SOCKET", "DAEMON"))
			def same(a, b):
			    assert a == b, f"{a!r} should be {b!r}"
			def until(condition):
			    end = time.monotonic() + PATIENCE
			    while not condition():
			        assert time.monotonic() < end, "waited in vain"
			        time.sleep(0.01)
			def run(c, *command, **options):
			    return c.ask("Run", rootfs=ROOTFS, command=list(command), **options)["id"]
			def create(c, *command, **options):
			    return c.ask("Create", rootfs=ROOTFS, command=list(command), **options)["id"]
			def says(c, id, text):
			    return text in base64.b64decode(c.ask("Logs", id=id)["stdout"])
			def entry(c, id):
			    return [x for x in c.ask("List", all=True)["containers"] if x["id"] == id][0]
			WAITS = ("sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 1000 & wait; done")
			c = Client(SOCKET)
		END
		cat
	} >"$program"
	DIR=$DIR NAME=$NAME ROOTFS=$ROOTFS SOCKET=$SOCKET DAEMON=$DAEMON PYTHONPATH=$HERE \
		timeout -k 5 "${TRY_SECONDS:-400}" "$PYTHON" -B "$program" \
		>"$DIR/out" 2>&1 3>&- 4>&- </dev/null || status=$?
	output=$(tail -n 20 "$DIR/out" | cut -c1-500)
	ok
}

# ---- every request ---------------------------------------------------------------

@test "a container's life by requests, and what lists and inspects show of it" {
	start_daemon
	client <<-'END'
		made = c.ask("Create", rootfs=ROOTFS, name=NAME, command=list(WAITS),
		             env=["A=1", "B=two words"], memory="64M", hostname="inside", init=True,
		             label=["k=v"], stop_timeout=5)
		id = made["id"]
		same(sorted(made), ["id", "name", "type"])
		same(made["name"], NAME)
		same(c.ask("List")["containers"], [])
		same(entry(c, id)["status"], "Created")
		same(sorted(c.ask("Start", id=NAME)), ["type"])
		c.ask("Start", id=NAME)
		up = entry(c, id)
		same(up["status"], "Running")
		same(up["rootfs"], ROOTFS)
		assert up["pid"] > 1 and up["started"] > up["created"] and up["created"].endswith("Z")
		same(up["tty"], False)
		shown = c.ask("Inspect", id=id[:6])["container"]
		same((shown["Id"], shown["State"]["Status"]), (id, "running"))
		assert "B=two words" in shown["Config"]["Env"], shown["Config"]
		c.ask("Pause", id=id)
		same(entry(c, id)["status"], "Paused")
		c.ask("Unpause", id=id)
		same(entry(c, id)["status"], "Running")
		c.ask("Restart", id=id, timeout=5)
		again = entry(c, id)
		same(again["status"], "Running")
		assert again["pid"] != up["pid"]
		c.ask("Stop", id=id, timeout=20, signal="TERM")
		same(entry(c, id)["status"], "Stopped")
		assert entry(c, id)["finished"] > again["started"]
		c.ask("Stop", id=id)
		c.ask("Start", id=id)
		c.ask("Kill", id=id)
		same(c.ask("Wait", id=id)["exit_code"], 137)
		same(entry(c, id)["status"], "Exited")
		c.ask("Remove", id=id)
		same(c.ask("List", all=True)["containers"], [])
	END
}

@test "kill takes names and numbers, wait gives every exit code" {
	start_daemon
	client <<-'END'
		for signal, code in (("HUP", 129), ("SIGINT", 130), (9, 137), ("15", 143), (None, 137)):
		    id = run(c, "sh", "-c", "echo up; exec payload wait", init=True)
		    until(lambda: says(c, id, b"up"))
		    c.ask("Kill", id=id, signal=signal)
		    same(c.ask("Wait", id=id)["exit_code"], code)
		    c.ask("Remove", id=id)
		for code in (0, 1, 125, 126, 127, 255):
		    id = run(c, "payload", "exit", str(code))
		    same(c.ask("Wait", id=id)["exit_code"], code)
		    c.ask("Remove", id=id, volumes=True)
	END
}

@test "logs: all, the last lines, both streams, any bytes, at most 8 MiB" {
	start_daemon
	client <<-'END'
		def logs(id, **more):
		    answer = c.ask("Logs", id=id, **more)
		    return tuple(base64.b64decode(answer[x], validate=True) for x in ("stdout", "stderr"))
		id = run(c, "sh", "-c", r"printf 'one\ntwo\n\377\000\n'; echo bad >&2")
		c.ask("Wait", id=id)
		same(logs(id), (b"one\ntwo\n\xff\0\n", b"bad\n"))
		same(logs(id, tail=0), (b"", b""))
		same(logs(id, tail=1), (b"", b"bad\n"))
		same(logs(id, tail=2), (b"\xff\0\n", b"bad\n"))
		same(logs(id, tail=None), logs(id))
		same(c.refused("Logs", id=id, tail=-5)[0], "invalid_request")
		c.ask("Remove", id=id)
		id = run(c, "sh", "-c", "seq 1 2000000", log_max_size="0")
		c.ask("Wait", id=id)
		for tail in (None, 1999999):
		    out = logs(id, tail=tail)[0]
		    assert 7 << 20 < len(out) <= 8 << 20, len(out)
		    assert out.endswith(b"\n1999999\n2000000\n")
		c.ask("Remove", id=id)
	END
}

@test "errors: each code, and the connection goes on" {
	start_daemon
	client <<-'END'
		def code(verb, **members):
		    code, message = c.refused(verb, **members)
		    assert message and "Success" not in message, message
		    return code
		for verb in ("Start", "Stop", "Restart", "Kill", "Pause", "Unpause", "Inspect", "Remove",
		             "Wait", "Logs", "Attach"):
		    same(code(verb, id="nobody"), "not_found")
		    same(code(verb), "invalid_request")
		    same(code(verb, id=7), "invalid_request")
		    same(code(verb, id="nobody", nonsense=1), "invalid_request")
		same(code("Exec", id="nobody", command=["true"]), "not_found")
		same(code("Run", image="nobody", command=["true"]), "not_found")
		same(code("Run", rootfs=ROOTFS, network="nobody", command=["true"]), "not_found")
		same(code("Run", rootfs="/nowhere", command=["true"]), "not_found")
		same(code("Run", rootfs=ROOTFS, command=["no-such-command"], rm=True), "command_not_found")
		same(code("Run", rootfs=ROOTFS, command=["/etc"], rm=True), "not_executable")
		for wrong in ({"memory": "much"}, {"memory": True}, {"rm": "yes"}, {"tty": ["x"]},
		              {"nonsense": 1}, {"name": "a b"}, {"command": "true"}, {"command": ["a", 1]},
		              {"command": []}, {"detach": True}, {"cap-add": ["ALL"]}, {"restart": "some"},
		              {"env": [["A"]]}, {"stop_timeout": "soon"}, {"volume": ["a:b"]},
		              {"memory": "1.5e3"}):
		    same((wrong, code("Run", **{"rootfs": ROOTFS, "command": ["true"], **wrong})),
		         (wrong, "invalid_request"))
		id = run(c, *WAITS, name=NAME)
		same(code("Run", rootfs=ROOTFS, name=NAME, command=["true"]), "conflict")
		same(code("Remove", id=id), "conflict")
		same(code("Unpause", id=id), "conflict")
		same(code("Exec", id=id, command=["no-such-command"]), "command_not_found")
		same(code("Exec", id=id, command=["/etc"]), "not_executable")
		same(code("Exec", id=id), "invalid_request")
		same(code("Exec", id=id, command=[]), "invalid_request")
		same(code("Exec", id=id, command=["true"], columns=70000), "invalid_request")
		same(code("Kill", id=id, signal="NONE"), "invalid_request")
		same(code("Kill", id=id, signal=1000), "invalid_request")
		same(code("Kill", id=id, signal=[]), "invalid_request")
		same(code("Stop", id=id, timeout=-2), "invalid_request")
		same(code("Stop", id=id, timeout=1 << 40), "invalid_request")
		same(code("Stop", id=id, timeout="5"), "invalid_request")
		same(code("Attach", id=id, stdin=1), "invalid_request")
		same(code("Attach", id=id, rows=-1), "invalid_request")
		c.ask("Pause", id=id)
		same(code("Pause", id=id), "conflict")
		same(code("Exec", id=id, command=["true"]), "conflict")
		same(code("Attach", id=id), "conflict")
		c.ask("Unpause", id=id)
		c.ask("Kill", id=id)
		for verb in ("Start", "Kill", "Pause", "Unpause", "Attach"):
		    same(code(verb, id=id), "conflict")
		same(code("Exec", id=id, command=["true"]), "conflict")
		# The beginning of several ids.
		ids = [create(c, "true") for n in range(17)]
		first = [x[0] for x in ids]
		twice = [x for x in first if first.count(x) > 1][0]
		same(code("Inspect", id=twice), "invalid_request")
		for id in ids + [id]:
		    c.ask("Remove", id=id)
	END
}

@test "a command that cannot be started leaves the container, unless rm is true" {
	start_daemon
	client <<-'END'
		same(c.refused("Run", rootfs=ROOTFS, name=NAME, command=["no-such"])[0], "command_not_found")
		(left,) = c.ask("List", all=True)["containers"]
		same((left["name"], left["status"]), (NAME, "Created"))
		c.ask("Remove", id=NAME)
		c.refused("Run", rootfs=ROOTFS, name=NAME, command=["no-such"], rm=True)
		same(c.ask("List", all=True)["containers"], [])
	END
}

@test "requests one after the other in one go are answered in turn, also after half a close" {
	start_daemon
	client <<-'END'
		for n in range(50):
		    c.send(type="ListRequest", all=bool(n % 2))
		    c.send(type="InspectRequest", id=f"nobody{n}")
		c.socket.shutdown(socket.SHUT_WR)
		for n in range(50):
		    same(c.receive()["type"], "ListResponse")
		    answer = c.receive()
		    same((answer["type"], answer["code"]), ("ErrorResponse", "not_found"))
		    assert f"nobody{n}" in answer["message"], answer
		same(c.receive(), None)
	END
}

@test "a shell can be a client: a length, and JSON" {
	command -v perl >/dev/null || skip "perl is not installed"
	start_daemon
	# shellcheck disable=SC2016 # perl's variables
	perl -e '
		use IO::Socket::UNIX;
		my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!";
		my $request = q({"type":"ListRequest","all":true});
		print $s pack("N", length $request), $request;
		$s->flush;
		read($s, my $head, 4) == 4 or die "no answer";
		read($s, my $answer, unpack("N", $head));
		print "$answer\n";
	' "$SOCKET" >"$DIR/out" 3>&- 4>&-
	same "$(jq -r '.type, .containers' "$DIR/out")" "$(printf 'ListResponse\n[]')"
}

# ---- attach and exec --------------------------------------------------------------

@test "attach: output of both streams, input, its end, the exit; then requests again" {
	start_daemon
	client <<-'END'
		id = run(c, "sh", "-c", "echo ready; cat; echo end >&2; exit 7", interactive=True)
		answer = c.ask("Attach", id=id, logs=True)
		same((answer["id"], answer["tty"]), (id, False))
		c.until(b"ready\n")
		c.stdin(b"hello\xff\n")
		c.until(b"hello\xff\n")
		c.send(type="AttachStdin", data=base64.b64encode(b"last").decode(), eof=True)
		seen, code = c.exited()
		same((seen["stdout"], seen["stderr"], code), (b"last", b"end\n", 7))
		same(c.ask("Wait", id=id)["exit_code"], 7)
		c.ask("Remove", id=id)
	END
}

@test "attach: a megabyte each way arrives whole" {
	start_daemon
	client <<-'END'
		data = os.urandom(1 << 20)
		id = run(c, "cat", interactive=True, log_max_size="0")
		c.ask("Attach", id=id)
		seen = {}
		reader = threading.Thread(target=lambda: seen.update(zip(("all", "code"), c.exited())))
		reader.start()
		c.stdin(data[:700000])
		for at in range(700000, 1 << 20, 50000):
		    c.stdin(data[at:at + 50000])
		c.stdin_end()
		reader.join()
		same(seen["code"], 0)
		assert seen["all"]["stdout"] == data
		c.ask("Remove", id=id)
	END
}

@test "attach: a terminal, its size, signals, detaching and coming back" {
	start_daemon
	client <<-'END'
		id = run(c, "sh", "-c", "trap 'echo usr1' USR1; while :; do if read -r x; then stty size; "
		         "echo got $x; [ $x != end ] || exit 0; fi; done", tty=True, interactive=True)
		answer = c.ask("Attach", id=id, columns=100, rows=30)
		same(answer["tty"], True)
		c.stdin(b"one\n")
		seen, _ = c.until(b"got one")
		assert b"30 100" in seen["stdout"], seen
		c.send(type="AttachResize", columns=120, rows=40)
		c.stdin(b"two\n")
		seen, _ = c.until(b"got two")
		assert b"40 120" in seen["stdout"], seen
		c.send(type="AttachSignal", signal="USR1")
		c.until(b"usr1")
		c.send(type="AttachDetach")
		same(c.until()[1]["type"], "AttachDetached")
		same(entry(c, id)["status"], "Running")
		c.ask("Attach", id=id)
		c.until(b"got two")
		c.stdin(b"three\n")
		c.until(b"got three")
		c.stdin(b"end\n")
		same(c.exited()[1], 0)
		c.ask("Remove", id=id)
		id = run(c, "cat", tty=True, interactive=True)
		c.ask("Attach", id=id)
		c.stdin(b"\x04")
		same(c.exited()[1], 0)
		c.ask("Remove", id=id)
	END
}

@test "attach: a client that is lost takes nobody's input away; one that closes half ends it" {
	start_daemon
	client <<-'END'
		id = run(c, "cat", interactive=True, rm=True)
		for n in range(3):
		    with Client(SOCKET) as lost:
		        lost.ask("Attach", id=id)
		        lost.stdin(b"%d\n" % n)
		        lost.until(b"%d\n" % n)
		c.ask("Attach", id=id)
		c.stdin(b"still\n")
		c.until(b"still\n")
		c.socket.shutdown(socket.SHUT_WR)
		same(c.exited()[1], 0)
		same(c.receive(), None)
		until(lambda: Client(SOCKET).ask("List", all=True)["containers"] == [])
	END
}

@test "attach: a restart is told, and the attachment goes on; the last exit ends it" {
	start_daemon
	client <<-'END'
		id = create(c, "sh", "-c", "echo x >>/tmp/runs; echo run $(wc -l </tmp/runs); read -r x; exit 3",
		            interactive=True, restart="on-failure:1")
		c.ask("Start", id=id)
		c.ask("Attach", id=id, logs=True)
		c.until(b"run 1\n")
		c.stdin(b"\n")
		frame = c.until()[1]
		same((frame["exit_code"], frame["will_restart"]), (3, True))
		c.until(b"run 2\n")
		c.stdin(b"\n")
		frame = c.until()[1]
		same((frame["exit_code"], frame["signal"], frame["oom_killed"], frame["will_restart"]),
		     (3, 0, False, False))
		id2 = run(c, "payload", "wait")
		c.ask("Attach", id=id2)
		c.send(type="AttachSignal", signal=9)
		frame = c.until()[1]
		same((frame["exit_code"], frame["signal"], frame["will_restart"]), (137, 9, False))
		for x in (id, id2):
		    c.ask("Remove", id=x)
	END
}

@test "attach: what is wrong ends the attachment alone, and late frames are dropped" {
	start_daemon
	client <<-'END'
		id = run(c, "cat", interactive=True)
		for frame in ({"type": "AttachStdin", "data": "*"}, {"type": "AttachStdin", "data": 5},
		              {"type": "AttachStdin", "nonsense": 1}, {"type": "AttachResize"},
		              {"type": "AttachResize", "columns": 0, "rows": 5}, {"type": "ListRequest"},
		              {"type": "AttachSignal"}, {"type": "AttachSignal", "signal": "NONE"},
		              {"type": "AttachDetach", "id": id}, {}, {"type": "AttachNonsense"}):
		    c.ask("Attach", id=id)
		    c.send(**frame)
		    try:
		        raise AssertionError(c.until())
		    except Refused as refused:
		        same((frame, refused.code), (frame, "invalid_request"))
		    c.stdin(b"too late\n")
		    c.send(type="AttachDetach")
		    same(entry(c, id)["status"], "Running")
		c.ask("Attach", id=id, stdin=False)
		c.stdin(b"x")
		try:
		    raise AssertionError(c.until())
		except Refused as refused:
		    same(refused.code, "invalid_request")
		# Nobody's late frame: nothing was attached here.
		with Client(SOCKET) as other:
		    other.stdin(b"x")
		    same(other.receive()["code"], "invalid_request")
		c.ask("Remove", id=id, force=True)
	END
}

@test "exec: streams, input, environment, user, folder, terminal, exit codes" {
	start_daemon
	client <<-'END'
		id = run(c, *WAITS)
		c.ask("Exec", id=id, command=["sh", "-c", "id -u; echo $A; pwd; echo no >&2; exit 9"], env=["A=b c"],
		      user="1000", workdir="/tmp")
		seen, code = c.exited()
		same((seen["stdout"], seen["stderr"], code), (b"1000\nb c\n/tmp\n", b"no\n", 9))
		c.ask("Exec", id=id, command=["cat"], stdin=True)
		c.stdin(b"in\n")
		c.until(b"in\n")
		c.stdin_end()
		same(c.exited()[1], 0)
		c.ask("Exec", id=id, command=["cat"])
		same(c.exited()[1], 0)
		c.ask("Exec", id=id, command=["stty", "size"], tty=True, columns=90, rows=20)
		seen, code = c.exited()
		same((seen["stdout"], code), (b"20 90\r\n", 0))
		c.ask("Exec", id=id, command=["payload", "wait"])
		c.send(type="AttachSignal", signal="KILL")
		frame = c.until()[1]
		same((frame["exit_code"], frame["signal"]), (137, 9))
		c.ask("Remove", id=id, force=True)
	END
}

@test "exec: a process ends with its client, however that goes" {
	start_daemon
	start_box
	client <<-'END'
		box = [x for x in c.ask("List")["containers"]][0]
		inside = os.readlink(f"/proc/{box['pid']}/ns/mnt")
		def is_sleeper(pid):
		    try:
		        with open(f"/proc/{pid}/cmdline", "rb") as file:
		            return (b"sleep\x0077" in file.read() and
		                    os.readlink(f"/proc/{pid}/ns/mnt") == inside)
		    except OSError: # it has ended
		        return False
		def processes():
		    return [pid for pid in os.listdir("/proc") if pid.isdigit() and is_sleeper(pid)]
		for n in range(3):
		    same(processes(), [])
		    other = Client(SOCKET)
		    other.ask("Exec", id=box["id"], command=["sleep", f"77{n}"], stdin=True)
		    same(len(processes()), 1)
		    if n == 0:
		        other.send(type="AttachDetach")
		        same(other.until()[1]["type"], "AttachDetached")
		    elif n == 1:
		        other.send(type="nonsense")
		        same(other.receive()["type"], "ErrorResponse")
		    other.close()
		    until(lambda: not processes())
	END
}

# ---- clients that are slow, gone, many or hostile -----------------------------------

@test "a client that never reads holds up neither the container nor others, and loses nothing" {
	start_daemon
	client <<-'END'
		id = run(c, "sh", "-c", "read -r x; seq 1 300000; echo done; read -r x", interactive=True,
		         log_max_size="0")
		lazy, quick = Client(SOCKET), Client(SOCKET)
		lazy.ask("Attach", id=id, stdin=False)
		quick.ask("Attach", id=id)
		quick.stdin(b"\n")
		seen, _ = quick.until(b"done\n")
		expected = b"".join(b"%d\n" % n for n in range(1, 300001)) + b"done\n"
		assert seen["stdout"] == expected
		same(entry(c, id)["status"], "Running")
		late, _ = lazy.until(b"done\n")
		assert late["stdout"] == expected and late["gap"] == 0
		quick.stdin(b"\n")
		same((quick.exited()[1], lazy.exited()[1]), (0, 0))
		c.ask("Remove", id=id)
	END
}

@test "a client that reads too late is told how much was rotated away" {
	start_daemon
	client <<-'END'
		id = run(c, "sh", "-c", "read -r x; seq 1 300000; echo done; read -r x", interactive=True,
		         log_max_size="64k", log_max_file=2)
		lazy, quick = Client(SOCKET), Client(SOCKET)
		lazy.ask("Attach", id=id, stdin=False)
		quick.ask("Attach", id=id)
		quick.stdin(b"\n")
		def written():
		    return base64.b64decode(c.ask("Logs", id=id, tail=1)["stdout"])
		until(lambda: written() == b"done\n")
		seen, _ = lazy.until(b"done\n")
		assert seen["gap"] > 0
		total = sum(len(str(n)) + 1 for n in range(1, 300001)) + len("done\n")
		same(len(seen["stdout"]) + seen["gap"], total)
		assert seen["stdout"].startswith(b"1\n2\n") and seen["stdout"].endswith(b"\n300000\ndone\n")
		quick.close()
		c.ask("Remove", id=id, force=True)
	END
}

@test "a message that is cut within a character is JSON all the same" {
	start_daemon
	client <<-'END'
		for n in range(3):
		    same(c.refused("Inspect", id="x" * n + "\u20ac" * 5000)[0], "not_found")
	END
}

@test "a client that goes while it waits leaves no process behind" {
	start_daemon
	client <<-'END'
		def count():
		    return len(subprocess.run(["pgrep", "-P", DAEMON], capture_output=True).stdout.split())
		id = run(c, *WAITS)
		until(lambda: says(c, id, b"up"))
		others = [Client(SOCKET) for n in range(5)]
		for other in others[:4]:
		    other.send(type="WaitRequest", id=id)
		# One that has no more to say still listens.
		others[0].socket.shutdown(socket.SHUT_WR)
		others[4].ask("Attach", id=id)
		same(count(), 6)
		for other in others[1:]:
		    other.close()
		until(lambda: count() == 2)
		c.ask("Stop", id=id)
		same(others[0].answer("WaitResponse")["exit_code"], 0)
		same(others[0].receive(), None)
		until(lambda: count() == 1)
		c.ask("Remove", id=id)
	END
}

@test "200 connections at once, each with its own container's output" {
	start_daemon
	client <<-'END'
		id = run(c, "sh", "-c", "read -r x; echo all; exit 4", interactive=True)
		clients = [Client(SOCKET) for n in range(200)]
		for n, other in enumerate(clients):
		    other.ask("Attach", id=id, stdin=False)
		c.ask("Attach", id=id)
		c.stdin(b"\n")
		for other in clients + [c]:
		    seen, code = other.exited()
		    same((seen["stdout"], code), (b"all\n", 4))
		def one(n):
		    with Client(SOCKET) as client:
		        made = create(client, "true", name=f"{NAME}-{n}")
		        same(entry(client, made)["name"], f"{NAME}-{n}")
		        client.ask("Remove", id=made)
		        done.append(n)
		done = []
		threads = [threading.Thread(target=one, args=(n,)) for n in range(20)]
		for x in threads:
		    x.start()
		for x in threads:
		    x.join()
		same(sorted(done), list(range(20)))
		c.ask("Remove", id=id)
	END
	until_true has_no_connections
}

@test "1024 connections are served; one more is told so, and room comes back" {
	start_daemon
	client <<-'END'
		clients = [c]
		while len(clients) < 1000:
		    clients.append(Client(SOCKET))
		for other in clients[::50]:
		    same(other.ask("List")["containers"], [])
		while len(clients) < 1024:
		    clients.append(Client(SOCKET))
		clients[-1].ask("List")
		with Client(SOCKET) as more:
		    answer = more.receive()
		    same((answer["type"], answer["code"]), ("ErrorResponse", "failed"))
		    assert "connections" in answer["message"]
		    same(more.receive(), None)
		for other in clients:
		    other.close()
		def room():
		    with Client(SOCKET) as client:
		        try:
		            client.ask("List")
		            return True
		        except (Refused, OSError):
		            return False
		until(room)
	END
	until_true has_no_connections
}

@test "without descriptors for connections it waits, says so once, and serves when there are some" {
	start_daemon
	client <<-'END'
		import resource
		def limit_descriptors(*limits):
		    return resource.prlimit(int(DAEMON), resource.RLIMIT_NOFILE, *limits)
		def sleeps():
		    with open(f"/proc/{DAEMON}/stat") as file:
		        return file.read().rpartition(")")[2].split()[0] == "S"
		def log():
		    with open(f"{DIR}/daemon.log") as file:
		        return file.read()
		until(sleeps)
		usual = limit_descriptors()
		limit_descriptors((4, usual[1]))
		knocks = Client(SOCKET)
		knocks.send(type="ListRequest")
		until(lambda: "accept a connection: Too many open files" in log())
		# Who tries without end never sleeps.
		until(sleeps)
		c.ask("List")
		limit_descriptors(usual)
		same(knocks.answer("ListResponse")["containers"], [])
		same(log().count("accept a connection"), 1)
	END
}

@test "malformed frames are refused, and the connection goes on" {
	start_daemon
	client <<-'END'
		deep = 4000000
		for text in (b"", b" ", b"nonsense", b"{", b'{"type":"ListRequest"', b"[]", b"7", b"null",
		             b'"ListRequest"', b"{}", b'{"type":null}', b'{"type":7}', b'{"type":""}',
		             b'{"type":"ListRequest"} x', b'{"type":"ListRequest"}{"type":"ListRequest"}',
		             b'{"type":"ListRequest","type":"ListRequest"}',
		             b'{"type":"ListRequest","all":true,"all":false}',
		             b'{"type":"ListRequest","\xff":1}', b'{"type":"\xff\xfe"}', b'{"type":"\xc0\x80"}',
		             b'{"type":"ListRequest\\u0000"}', b'{"type":"ListRequest","all\\u0000":true}',
		             b'\0{"type":"ListRequest"}', b'{"type":"ListRequest"}\0', b'{"type":"ListRequest",}',
		             b"[" * deep, b'{"a":' * 800000, b"[" * deep + b"]" * 1,
		             b'{"type":"ListRequest","all":[' + b",".join([b"0"] * 1000000) + b"]}",
		             b'{"type":"ListRequest"' + b"".join(b',"%d":0' % n for n in range(300000)) + b"}",
		             b'{"type":"' + b"x" * 4000000 + b'"}',
		             b'{"type":"InspectRequest","' + b"y" * 4000000 + b'":1}',
		             b'{"type":"RunRequest","command":["a"],"' + b"z" * 3000000 + b'":1}',
		             b'{"type":"ListRequest","all":1e999999999}',
		             b'{"type":"StopRequest","id":"x","timeout":99999999999999999999}'):
		    c.send_frame(text)
		    try:
		        raise AssertionError((text[:60], c.answer()))
		    except Refused as refused:
		        same((text[:60], refused.code), (text[:60], "invalid_request"))
		    same(c.ask("List")["containers"], [])
		same(c.refused("Run", rootfs=ROOTFS, command=["true"], env=["a"] * 700000)[0],
		     "invalid_request")
		same(c.refused("Create", rootfs=ROOTFS, command=["a"] * 700000)[0], "invalid_request")
		same(c.refused("Run", rootfs=ROOTFS, command=["true"], env=[f"N{n}=1" for n in range(65000)],
		               memory="much")[0], "invalid_request")
		# Long, but right.
		env = [f"N{n}=" + "x" * 1000 for n in range(2000)]
		same(c.refused("Run", rootfs=ROOTFS, command=["true"], env=env, memory="much")[0],
		     "invalid_request")
		c.send_frame(b'{"type":"ListRequest"}' + b" " * ((4 << 20) - 22))
		same(c.answer()["containers"], [])
	END
}

@test "frames that are too long or cut are the end of their connection" {
	start_daemon
	client <<-'END'
		for head in (b"\0\x40\0\1", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"):
		    with Client(SOCKET) as other:
		        other.send_bytes(head + b"{}")
		        answer = other.receive()
		        same((answer["type"], answer["code"]), ("ErrorResponse", "invalid_request"))
		        try:
		            same(other.receive(), None)
		        except ConnectionResetError:
		            pass
		for cut in (b"\0", b"\0\0\0", b"\0\0\0\x10", b"\0\0\0\x10{\"type\""):
		    with Client(SOCKET) as other:
		        other.send_bytes(cut)
		        other.socket.shutdown(socket.SHUT_WR)
		        same(other.receive()["code"], "failed")
		        same(other.receive(), None)
		    with Client(SOCKET) as other:
		        other.send_bytes(cut)
		id = run(c, "cat", interactive=True)
		with Client(SOCKET) as other:
		    other.ask("Attach", id=id)
		    other.send_bytes(b"\xff\xff\xff\xff{}")
		    same(other.receive()["code"], "invalid_request")
		    try:
		        same(other.receive(), None)
		    except ConnectionResetError:
		        pass
		same(entry(c, id)["status"], "Running")
		c.ask("Remove", id=id, force=True)
	END
	until_true has_no_connections
}

@test "a frame that comes byte by byte is taken, one that takes over 30 s is not; others go on" {
	start_daemon
	client <<-'END'
		text = b'{"type":"ListRequest"}'
		for byte in struct.pack(">I", len(text)) + text:
		    c.send_bytes(bytes([byte]))
		    time.sleep(0.02)
		same(c.answer()["containers"], [])
		slow = Client(SOCKET)
		begin = time.monotonic()
		try:
		    for byte in struct.pack(">I", 100) + b" " * 60:
		        slow.send_bytes(bytes([byte]))
		        same(c.ask("List")["containers"], [])
		        time.sleep(1)
		    raise AssertionError("was served for ever")
		except BrokenPipeError:
		    pass
		assert 29 < time.monotonic() - begin < 100
		same(slow.receive()["code"], "failed")
	END
}

# ---- who is served --------------------------------------------------------------

@test "S22 the socket is 0600; another user is refused even if its mode is changed" {
	command -v setpriv >/dev/null || skip "setpriv is not installed"
	start_daemon
	same "$(stat -c %a "$SOCKET")" 600
	chmod 0666 "$SOCKET"
	chmod 0755 "$DIR" "$BATS_RUN_TMPDIR" "$(dirname "$DIR")" "$BATS_FILE_TMPDIR"
	cat >"$DIR/stranger.py" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		try:
		    s.sendall(b"\0\0\0\x16" + b'{"type":"ListRequest"}')
		    answer = s.recv(10)
		except (BrokenPipeError, ConnectionResetError):
		    answer = b""
		print("served" if answer else "refused")
	END
	same "$(setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3 "$DIR/stranger.py" "$SOCKET")" refused
	same "$("$PYTHON" "$DIR/stranger.py" "$SOCKET")" served
	grep -q "another user" "$DIR/daemon.log"
}

# ---- the daemon's life ------------------------------------------------------------

@test "SIGTERM and SIGINT remove the socket, and leave containers as they are" {
	local signal
	for signal in TERM INT; do
		# bash ignores SIGINT for background jobs; the daemon does not.
		start_daemon
		start_box
		kill -$signal "$DAEMON"
		wait "$DAEMON"
		DAEMON=
		[ ! -e "$SOCKET" ] || fail "the socket is left"
		box_is Running
		rbok rm --force "$NAME"
	done
}

@test "SIGTERM lets the request in progress end, and tells who is attached" {
	start_daemon
	client <<-'END'
		id = run(c, "sh", "-c", "trap 'echo asked; until [ -e /go ]; do sleep 0.05; done; exit 5' TERM;"
		         "echo up; while :; do sleep 1000 & wait; done")
		until(lambda: says(c, id, b"up"))
		root = f"/proc/{entry(c, id)['pid']}/root"
		waits, stops, attached, idle = (Client(SOCKET) for n in range(4))
		waits.send(type="WaitRequest", id=id)
		attached.ask("Attach", id=id, logs=True)
		attached.until(b"up\n")
		idle.ask("List")
		stops.send(type="StopRequest", id=id)
		attached.until(b"asked\n")
		os.kill(int(DAEMON), signal.SIGTERM)
		same(idle.receive(), None)
		frame = waits.receive()
		same((frame["type"], frame["code"]), ("ErrorResponse", "failed"))
		same(attached.until()[1]["type"], "AttachDetached")
		open(f"{root}/go", "w").close()
		same(stops.answer("StopResponse"), {"type": "StopResponse"})
		same(stops.receive(), None)
		until(lambda: not os.path.exists(SOCKET))
	END
	wait "$DAEMON"
	DAEMON=
	rbok list --all --format '{{.Status}}'
	[[ $output == *Stopped* ]] || fail "should be stopped"
}

@test "SIGTERM does not wait for ever for a request" {
	start_daemon
	client <<-'END'
		id = run(c, "sh", "-c", "trap '' TERM; echo up; while :; do sleep 1000; done")
		until(lambda: says(c, id, b"up"))
		stops = Client(SOCKET)
		stops.send(type="StopRequest", id=id, timeout=-1)
		time.sleep(0.3)
		os.kill(int(DAEMON), signal.SIGTERM)
		same(stops.receive(), None)
	END
	wait "$DAEMON"
	DAEMON=
}

@test "a daemon that is killed takes its connections along, and no container; the next one serves" {
	start_daemon
	client <<-'END'
		id = run(c, "cat", interactive=True, name=NAME)
		c.ask("Attach", id=id)
		c.stdin(b"before\n")
		c.until(b"before\n")
		os.kill(int(DAEMON), signal.SIGKILL)
		try:
		    same(c.receive(), None)
		except ConnectionResetError:
		    pass
	END
	wait "$DAEMON" || :
	[ -S "$SOCKET" ] || fail "nobody removed the socket"
	start_daemon
	client <<-'END'
		(box,) = c.ask("List")["containers"]
		same((box["name"], box["status"]), (NAME, "Running"))
		c.ask("Attach", id=NAME, logs=True)
		c.until(b"before\n")
		c.stdin(b"after\n")
		c.until(b"after\n")
		c.stdin_end()
		same(c.exited()[1], 0)
	END
}

@test "a daemon that starts puts right what lost its supervisor" {
	start_box
	kill -9 "$(supervisor_pid)"
	start_daemon
	client <<-'END'
		(box,) = c.ask("List", all=True)["containers"]
		same((box["status"], box["exit_code"]), ("Exited", 137))
	END
}

@test "a daemon that is killed in the middle of anything leaves nothing half made" {
	local i
	for ((i = 0; i < 12; i++)); do
		start_daemon
		request "{\"type\":\"RunRequest\",\"rm\":true,\"rootfs\":\"$ROOTFS\",\"command\":[\"true\"]}" \
			"{\"type\":\"RunRequest\",\"rm\":true,\"rootfs\":\"$ROOTFS\",\"command\":[\"true\"]}" \
			>/dev/null &
		local asking=$!
		sleep "0.$((i * 2 + 4))"
		kill -9 "$DAEMON"
		wait "$DAEMON" || :
		wait $asking || :
	done
	DAEMON=
	# What was started ends, and goes; what was made, and not started yet, is whole.
	until_true all_are_created
	rbok list --all --quiet
	for i in $output; do
		rbok start "$i"
	done
	until_true nothing_listed
}

all_are_created()
{
	! "$RUSTBOX" list --all --format '{{.Status}}' 3>&- 4>&- | grep -qv Created
}

nothing_listed()
{
	[ -z "$("$RUSTBOX" list --all --quiet 3>&- 4>&-)" ]
}

@test "a stale socket is replaced; a live daemon and a foreign file stay" {
	start_daemon
	try_rustbox daemon --socket "$SOCKET" </dev/null
	[ "$status" -ne 0 ] || fail "two daemons at one socket"
	error_names "$SOCKET"
	serves
	kill -9 "$DAEMON"
	wait "$DAEMON" || :
	[ -S "$SOCKET" ]
	start_daemon
	stop_daemon
	echo precious >"$SOCKET"
	try_rustbox daemon --socket "$SOCKET" </dev/null
	[ "$status" -ne 0 ] || fail "a foreign file was replaced"
	error_names "$SOCKET" remove
	same "$(cat "$SOCKET")" precious
	rm "$SOCKET"
	ln -s nowhere "$SOCKET"
	try_rustbox daemon --socket "$SOCKET" </dev/null
	[ "$status" -ne 0 ] || fail "a link was followed"
	same "$(readlink "$SOCKET")" nowhere
	rm "$SOCKET"
	try_rustbox daemon --socket "$DIR/$(printf 'x%.0s' {1..120})" </dev/null
	[ "$status" -ne 0 ] || fail "a path that is too long"
}

@test "of many daemons that start at once one serves" {
	local i pids=() live=0 turn holder
	rbok list
	# The stale socket is there for all of them to replace, once each has its turn.
	# Its holder lives, as /proc/locks of a pid namespace shows no others, and nobody who waits
	# for them.
	exec {turn}< <(exec "$PYTHON" -c 'import fcntl, os, signal, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("held", flush=True)
signal.pause()' "$RUSTBOX_ROOT/run" 3>&- 4>&-)
	holder=$!
	read -r -u $turn
	"$PYTHON" -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$SOCKET"
	for i in {1..8}; do
		"$RUSTBOX" daemon --socket "$SOCKET" </dev/null >>"$DIR/daemon.log" 2>&1 \
			3>&- 4>&- {turn}<&- &
		pids+=($!)
	done
	until_true all_wait "${pids[@]}"
	kill "$holder"
	exec {turn}<&-
	until_true serves
	until_true one_is_left "${pids[@]}"
	for i in "${pids[@]}"; do
		! kill "$i" 2>/dev/null || live=$((live + 1))
		wait "$i" || :
	done
	same $live 1
}

all_wait()
{
	local pid
	for pid; do
		grep -qE -- "-> FLOCK +ADVISORY +WRITE $pid " /proc/locks || return 1
	done
}

one_is_left()
{
	[ "$(ps -o pid= -p "$(IFS=,; echo "$*")" | wc -l)" -eq 1 ]
}

@test "rustboxd is the same program, and makes the socket's folder; a socket in /tmp if asked for" {
	ln -s "$RUSTBOX" "$DIR/rustboxd"
	SOCKET=$DIR/new/folder/d.sock
	"$DIR/rustboxd" --socket "$SOCKET" </dev/null >>"$DIR/daemon.log" 2>&1 3>&- 4>&- &
	DAEMON=$!
	until_true serves
	stop_daemon
	SOCKET=/tmp/$TAG.sock
	start_daemon
	same "$(stat -c %a "$SOCKET")" 600
	stop_daemon
	[ ! -e "$SOCKET" ] || fail "the socket is left"
}

@test "systemd's socket: descriptor 3 is served and stays; anything else is refused" {
	cat >"$DIR/activate.py" <<-'END'
		import os, socket, sys
		path, kind, count = sys.argv[1:4]
		s = socket.socket(socket.AF_INET if kind == "inet" else socket.AF_UNIX)
		s.bind(("127.0.0.1", 0) if kind == "inet" else path)
		if kind != "deaf":
		    s.listen()
		os.dup2(s.fileno(), 3)
		os.set_inheritable(3, True)
		os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=count)
		os.execv(sys.argv[4], sys.argv[4:])
	END
	"$PYTHON" "$DIR/activate.py" "$SOCKET" unix 1 "$RUSTBOX" daemon </dev/null \
		>>"$DIR/daemon.log" 2>&1 3>&- 4>&- &
	DAEMON=$!
	until_true serves
	client <<-'END'
		id = run(c, "sh", "-c", "echo fds $(ls /proc/self/fd | wc -l) $LISTEN_FDS", rm=True)
	END
	stop_daemon
	[ -S "$SOCKET" ] || fail "systemd's socket is gone"
	local kind
	for kind in "deaf 1" "inet 1" "unix 2"; do
		rm -f "$SOCKET"
		# shellcheck disable=SC2086 # two words
		! timeout 100 "$PYTHON" "$DIR/activate.py" "$SOCKET" $kind "$RUSTBOX" daemon \
			</dev/null 2>"$DIR/err" 3>&- 4>&- || fail "$kind was taken"
		grep -q "socket of systemd" "$DIR/err" || fail "$kind: $(cat "$DIR/err")"
	done
	rm -f "$SOCKET"
	! timeout 100 "$PYTHON" "$DIR/activate.py" "$SOCKET" unix 1 "$RUSTBOX" daemon --socket "$DIR/other" \
		</dev/null 2>"$DIR/err" 3>&- 4>&- || fail "--socket was ignored"
	grep -q -- "--socket" "$DIR/err"
}

@test "the units are what systemd wants" {
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
	local unit
	mkdir "$DIR/units"
	for unit in rustboxd.service rustboxd.socket rustbox.service; do
		sed -e "s|/usr/local/bin/rustbox|$RUSTBOX|" -e /^Documentation/d "$TOP/config/$unit" >"$DIR/units/$unit"
	done
	systemd-analyze verify "$DIR"/units/* >"$DIR/out" 2>&1 3>&- 4>&- || fail "$(cat "$DIR/out")"
	! grep -F "$DIR/units" "$DIR/out" || fail "$(cat "$DIR/out")"
	grep -qx KillMode=process "$DIR/units/rustboxd.service"
	grep -qx KillMode=process "$DIR/units/rustbox.service"
	grep -qx SocketMode=0600 "$DIR/units/rustboxd.socket"
}
