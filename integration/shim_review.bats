#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Corners of the shim where an answer, an exit or a process could get lost, and
# what it must not do on behalf of a container. A small client speaks to it in
# containerd's place, as in shim_protocol.bats.
# vm: no

load container

RELEASE=${RUSTBOX_BUILD:-$TOP/build/release}

setup_file()
{
	export SHIM=$RELEASE/containerd-shim-rustbox-v1
	[ -x "$SHIM" ] || {
		echo "there is no shim (make)" >&2
		return 1
	}
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
}

setup()
{
	container_setup
	mkdir "$ROOT"
}

teardown()
{
	rmdir "$ROOT/ns-$TAG" 2>/dev/null || :
	container_teardown
}

# A runtime that is the real one but for the verbs of the case on standard
# input, which finds the verb in $verb, all words in "$@".
runtime()
{
	{
		printf '%s\n' '#!/bin/bash' 'verb=' \
			'for word; do case $word in create | start | exec | pause | kill | restore | delete) verb=$word; break ;; esac; done' \
			"real=$RUNTIME" "bundle=$DIR/bundles/$TAG" "DIR=$DIR" 'case $verb in'
		cat
		printf '%s\n' 'esac' 'exec "$real" "$@"'
	} >"$DIR/runtime"
	chmod +x "$DIR/runtime"
}

# The program on standard input must succeed. `other` are options with runtime().
python()
{
	status=0
	DIR=$DIR TAG=$TAG B=$B ROOT=$ROOT RUNTIME=$RUNTIME PYTHONPATH=$HERE LC_ALL=C.UTF-8 timeout -k 5 300 \
		"$PYTHON" -B <(printf '%s\n' 'from shim_client import *' \
			'other = runc_options(root=ROOT, binary_name=str(DIR / "runtime"))' && cat &&
			printf 'no_socket_left()\n') >"$DIR/out" 2>&1 3>&- 4>&- </dev/null || status=$?
	output=$(tail -n 20 "$DIR/out" | cut -c1-500)
	ok
}

# ---- answers ------------------------------------------------------------------

@test "who waits for an exec that was never started is answered when it is deleted" {
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	gone = shim.another_client()
	shim.exec("e", "wait")
	wait = shim.begin("Wait", id=shim.id, exec_id="e")
	gone.begin("Wait", id=shim.id, exec_id="e")
	assert not shim.client.answered(wait, 0.05)
	shim.delete(exec_id="e")
	answer = shim.end("Wait", wait)
	assert answer.exit_status == 0 and answer.exited_at is None, vars(answer)
	gone.client.close()
	# The same for those that are left when the container goes.
	shim.exec("f", "wait")
	wait = shim.begin("Wait", id=shim.id, exec_id="f")
	shim.kill(signal=9)
	shim.wait()
	shim.delete()
	assert shim.end("Wait", wait).exited_at is None
	shim.shutdown_server()
	PY
}

@test "a restore whose streams are not there: the process is killed, the task can be deleted" {
	runtime <<-'SH'
	restore)
		"$real" "$1" "$2" create --bundle "$bundle" --pid-file "$bundle/init.pid" "${@: -1}"
		cp "$bundle/init.pid" "$DIR/seen"
		exec "$real" "$1" "$2" start "${@: -1}"
		;;
	SH
	python <<-'PY'
	shim = Shim().command("wait").start()
	shim.create(options=other, checkpoint="/images", stdout=str(DIR / "no-fifo"))
	# Nothing can be executed in what is not there yet.
	wrong_state(shim.exec, "e", "true")
	fails(ttrpc.UNKNOWN, shim.go)
	pid = int((DIR / "seen").read_text())
	eventually(lambda: not alive(pid), "the end of what was restored")
	shim.delete()
	shim.shutdown_server()
	assert events.topics() == ["create", "delete"], events.topics()
	PY
}

@test "an exec whose streams are not there: it is killed, the exec can be started again" {
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	shim.exec("e", "wait", stdout=str(DIR / "fifo-e"))
	fails(ttrpc.UNKNOWN, shim.go, exec_id="e")
	pid = int((shim.bundle / "exec-e.pid").read_text())
	eventually(lambda: not alive(pid), "the end of the exec")
	assert shim.state(exec_id="e").pid == 0
	Fifo("e").open()
	shim.go(exec_id="e")
	shim.kill(signal=9)
	shim.wait(exec_id="e")
	shim.finish()
	PY
}

@test "ids that a command line would take for options" {
	python <<-'PY'
	shim = Shim().start()
	for name in ("--help", "-h", "-"):
	    fails(INVALID_ARGUMENT, shim.call, "Create", id=name, bundle=str(shim.bundle), options=runc_options(root=ROOT))
	done = shim.action("-namespace", NAMESPACE, "-address", ADDRESS, "-id", "--help", "-bundle", str(shim.bundle), "delete")
	assert done.returncode != 0 and not done.stdout, done
	shim.shutdown_server()
	PY
}

@test "a config.json that is no file: an error at once, and the others are served" {
	python <<-'PY'
	shim = Shim().start()
	config = shim.bundle / "config.json"
	text = config.read_text()
	for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path),
	             lambda path: os.symlink("config.json", path),
	             lambda path: pathlib.Path(path).write_text("[" * 100000),
	             lambda path: pathlib.Path(path).write_bytes(b'{"linux":\0}'),
	             lambda path: pathlib.Path(path).write_text('{"linux":{"namespaces":[null,{"type":7}]}}')):
	    config.unlink(missing_ok=True)
	    make(config)
	    text_of_error = fails(tuple(range(1, 15)), shim.create)
	    assert "config.json" in text_of_error, text_of_error
	    assert shim.call("Connect", id=shim.id).shim_pid == shim.pid
	    if config.is_dir():
	        config.rmdir()
	config.unlink()
	config.write_text(text)
	shim.run("exit", "0")
	shim.wait()
	shim.finish()
	PY
}

@test "streams that are folders, sockets, devices: errors, or read and written without waiting" {
	python <<-'PY'
	shim = Shim().start()
	(DIR / "folder").mkdir()
	with socket.socket(socket.AF_UNIX) as sock:
	    sock.bind(str(DIR / "sock"))
	any_error = tuple(range(1, 15))
	for path in (str(DIR / "folder"), str(DIR / "sock"), f"file://{DIR}/folder", "binary://relative",
	             "binary:relative", "binary:///no/such/program", f"binary://{DIR}/folder", "fifo://relative", "relative"):
	    fails(any_error, shim.create, stdout=path)
	    fails(any_error, shim.create, stdin=path)
	    fails(NOT_FOUND, shim.state)
	shim.command("wait")
	shim.create(stdin="/dev/zero", stdout="/dev/null", stderr="/dev/full")
	shim.go()
	assert shim.status() == RUNNING
	shim.finish()
	PY
}

# ---- exits and events ---------------------------------------------------------

@test "no event says that a container was paused after the one of its end" {
	runtime <<-'SH'
	pause)
		kill -9 "$(cat "$bundle/init.pid")"
		until [ -e "$DIR/go" ]; do sleep 0.01; done
		exit 0
		;;
	SH
	python <<-'PY'
	shim = Shim()
	shim.run("wait", options=other)
	pause = shim.begin("Pause", id=shim.id)
	assert shim.wait().exit_status == 137
	(DIR / "go").touch()
	try:
	    shim.end("Pause", pause)
	except Failure:
	    pass
	assert shim.status() == STOPPED
	shim.finish()
	assert events.topics() == ["create", "start", "exit", "delete"], events.topics()
	PY
}

@test "SIGKILL ends a container whose Pause is not over yet" {
	runtime <<-'SH'
	pause)
		"$real" "$@" || exit
		touch "$DIR/there"
		until [ -e "$DIR/go" ]; do sleep 0.01; done
		exit 0
		;;
	SH
	python <<-'PY'
	shim = Shim()
	shim.run("wait", options=other)
	pause = shim.begin("Pause", id=shim.id)
	eventually((DIR / "there").exists)
	other_client = shim.another_client()
	other_client.kill(signal=9)
	assert other_client.wait().exit_status == 137
	(DIR / "go").touch()
	shim.end("Pause", pause)
	shim.finish()
	assert events.topics() == ["create", "start", "exit", "delete"], events.topics()
	PY
}

@test "an exec that starts while init ends does not keep the container from its end" {
	runtime <<-'SH'
	exec)
		"$real" "$@" || exit
		# As if it had come to the cgroup after everybody there was killed.
		for procs in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do
			[ ! -e "$procs" ] || cat "$bundle/exec-e.pid" >"$procs"
		done 2>/dev/null
		touch "$DIR/there"
		until [ -e "$DIR/go" ]; do sleep 0.01; done
		exit 0
		;;
	SH
	python <<-'PY'
	shim = Shim()
	def share(config):
	    spaces = config["linux"]["namespaces"]
	    config["linux"]["namespaces"] = [space for space in spaces if space["type"] != "pid"]
	    return config
	shim.config(share)
	pid = shim.run("wait", options=other)
	shim.exec("e", "wait")
	start = shim.begin("Start", id=shim.id, exec_id="e")
	eventually((DIR / "there").exists)
	wait = shim.begin("Wait", id=shim.id)
	shim.kill(signal=9)
	eventually(lambda: not os.path.exists(f"/proc/{pid}"), "init's end")
	assert not shim.client.answered(wait, 0.2)
	(DIR / "go").touch()
	shim.end("Start", start)
	assert shim.end("Wait", wait).exit_status == 137
	assert shim.wait(exec_id="e").exit_status == 137
	shim.finish()
	assert events.topics()[-4:] == ["exec-started", "exit", "exit", "delete"], events.topics()
	PY
}

@test "the ends of many execs and of init at once: each is told once, init's last" {
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	for i in range(20):
	    shim.exec(f"e{i}", "wait")
	starts = [shim.begin("Start", id=shim.id, exec_id=f"e{i}") for i in range(20)]
	shim.end("Start", starts[0])
	shim.kill(signal=9)
	started = 1
	for start in starts[1:]:
	    try:
	        shim.end("Start", start)
	        started += 1
	    except Failure:
	        pass
	assert shim.wait().exit_status == 137
	for i in range(20):
	    shim.delete(exec_id=f"e{i}")
	shim.finish()
	topics = events.topics()
	assert topics.count("exec-started") == started and topics.count("exit") == started + 1, topics
	ends = [event.text(2) for topic, _, event in events.events if topic == "/tasks/exit"]
	assert len(set(ends)) == len(ends) and ends[-1] == shim.id, ends
	PY
}

@test "init ends while its Start is under way: its start is told first" {
	runtime <<-'SH'
	start)
		"$real" "$@" || exit
		until [ -e "$DIR/go" ]; do sleep 0.01; done
		exit 0
		;;
	SH
	python <<-'PY'
	shim = Shim().command("exit", "4").start()
	pid = shim.create(options=other).pid
	start, wait = shim.begin("Start", id=shim.id), shim.begin("Wait", id=shim.id)
	eventually(lambda: not os.path.exists(f"/proc/{pid}"), "init's end")
	# It has ended, but for whom could it have: it has not begun.
	wrong_state(shim.delete)
	wrong_state(shim.go)
	fails(NOT_FOUND, shim.kill, signal=9)
	assert not shim.client.answered(wait, 0.05)
	(DIR / "go").touch()
	assert shim.end("Start", start).pid == pid
	assert shim.end("Wait", wait).exit_status == 4
	shim.finish()
	assert events.topics() == ["create", "start", "exit", "delete"], events.topics()
	PY
}

@test "a Start that fails because init was killed: it can be deleted" {
	runtime <<-'SH'
	start)
		kill -9 "$(cat "$bundle/init.pid")"
		echo "it is dead" >&2
		exit 1
		;;
	SH
	python <<-'PY'
	shim = Shim().command("wait").start()
	shim.create(options=other)
	wait = shim.begin("Wait", id=shim.id)
	assert "it is dead" in fails(ttrpc.UNKNOWN, shim.go)
	assert shim.end("Wait", wait).exit_status == 137
	assert shim.status() == STOPPED
	assert shim.delete().exit_status == 137
	shim.shutdown_server()
	assert events.topics() == ["create", "exit", "delete"], events.topics()
	PY
}

@test "Delete comes while other verbs are under way: all are answered" {
	runtime <<-'SH'
	kill | delete)
		touch "$DIR/$verb"
		until [ -e "$DIR/go-$verb" ]; do sleep 0.01; done
		;;
	SH
	python <<-'PY'
	shim = Shim()
	pid = shim.run("wait", options=other)
	kill = shim.begin("Kill", id=shim.id, signal=15, all=True)
	eventually((DIR / "kill").exists)
	os.kill(pid, signal.SIGKILL)
	assert shim.wait().exit_status == 137
	clients = [shim.another_client() for _ in range(3)]
	deletes = [client.begin("Delete", id=shim.id) for client in clients]
	wait = shim.begin("Wait", id=shim.id)
	assert shim.end("Wait", wait).exit_status == 137
	assert not (DIR / "delete").exists()
	(DIR / "go-kill").touch()
	try:
	    shim.end("Kill", kill)
	except Failure as failure:
	    assert failure.code == NOT_FOUND, failure
	eventually((DIR / "delete").exists)
	late = shim.another_client()
	deletes.append(late.begin("Delete", id=shim.id))
	wrong_state(shim.go)
	fails(NOT_FOUND, shim.kill, signal=9)
	wrong_state(shim.exec, "e", "true")
	fails(ALREADY_EXISTS, shim.create)
	assert shim.pids().processes == []
	clients[0].client.close()
	(DIR / "go-delete").touch()
	for client, stream in zip([*clients, late][1:], deletes[1:]):
	    answer = client.end("Delete", stream)
	    assert (answer.pid, answer.exit_status) == (pid, 137), vars(answer)
	fails(NOT_FOUND, shim.state)
	shim.shutdown_server()
	assert events.topics() == ["create", "start", "exit", "delete"], events.topics()
	PY
}

@test "a deletion that the runtime refuses can be tried again" {
	runtime <<-'SH'
	delete)
		[ -e "$DIR/go" ] || {
			echo "not now" >&2
			exit 1
		}
		;;
	SH
	python <<-'PY'
	shim = Shim()
	out = Fifo("out").open()
	shim.run("exit", "6", options=other, stdout=out.path)
	shim.wait()
	for _ in range(3):
	    assert "not now" in fails(ttrpc.UNKNOWN, shim.delete)
	    assert shim.status() == STOPPED
	(DIR / "go").touch()
	assert shim.delete().exit_status == 6
	shim.shutdown_server()
	PY
}

@test "the client of a Create goes: what it asked for is there, or can be deleted before it is" {
	runtime <<-'SH'
	create)
		until [ -e "$DIR/go" ]; do sleep 0.01; done
		;;
	SH
	python <<-'PY'
	shim = Shim().command("wait").start()
	gone = shim.another_client()
	gone.begin("Create", id=shim.id, bundle=str(shim.bundle), options=other)
	eventually(lambda: (shim.bundle / "options.json").exists())
	gone.client.close()
	delete = shim.begin("Delete", id=shim.id)
	assert not shim.client.answered(delete, 0.05)
	(DIR / "go").touch()
	assert shim.end("Delete", delete).exit_status == 137
	fails(NOT_FOUND, shim.state)
	gone = shim.another_client()
	gone.begin("Create", id=shim.id, bundle=str(shim.bundle), options=other)
	eventually(lambda: shim.init_pid() > 0)
	gone.client.close()
	shim.is_status(CREATED)
	shim.go()
	shim.finish()
	PY
}

@test "a container that is deleted while an exec waits for its logger" {
	python <<-'PY'
	logger = DIR / "logger"
	logger.write_text(f"#!/bin/sh\ntouch {DIR}/there\nuntil [ -e {DIR}/go ]; do sleep 0.01; done\n")
	logger.chmod(0o755)
	shim = Shim().command("wait").start()
	for scheme, after in (("binary-v2", "did not call ready"), ("binary", "exec failed")):
	    for name in ("there", "go"):
	        (DIR / name).unlink(missing_ok=True)
	    pid = shim.create().pid
	    shim.exec("e", "true", stdout=f"{scheme}://{logger}")
	    start, wait = shim.begin("Start", id=shim.id, exec_id="e"), shim.begin("Wait", id=shim.id, exec_id="e")
	    eventually((DIR / "there").exists)
	    other_client = shim.another_client()
	    delete = other_client.begin("Delete", id=shim.id)
	    eventually(lambda: not os.path.exists(f"/proc/{pid}"), "init's end")
	    assert not other_client.client.answered(delete, 0.05)
	    (DIR / "go").touch()
	    try:
	        shim.end("Start", start)
	        raise AssertionError("it was started")
	    except Failure as failure:
	        assert after in failure.text, failure
	    assert shim.end("Wait", wait).exited_at is None
	    assert other_client.end("Delete", delete).exit_status == 137
	shim.shutdown_server()
	PY
}

# ---- what is not the container's ----------------------------------------------

@test "a process in the machine's root cgroup: the machine's processes and numbers are not the container's" {
	runtime <<-'SH'
	create)
		"$real" "$@" || exit
		for procs in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do
			[ ! -e "$procs" ] || cat "$bundle/init.pid" >"$procs"
		done 2>/dev/null
		exit 0
		;;
	SH
	python <<-'PY'
	shim = Shim()
	shim.run("wait", options=other)
	assert len(shim.pids().processes) <= 1, len(shim.pids().processes)
	fails(NOT_FOUND, shim.stats)
	shim.kill(signal=9)
	shim.wait()
	shim.delete()
	shim.shutdown_server()
	PY
}

# ---- nothing grows ------------------------------------------------------------

@test "descriptors and children after many execs, good and bad ones" {
	python <<-'PY'
	shim = Shim()
	out = Fifo("out").open()
	pid = shim.run("wait", stdout=out.path)
	shim.status()  # by then all of the start is over
	before = descriptors(shim.pid)
	rounds = 200 if LONG else 40
	fifos = [Fifo(f"e{i}").open() for i in range(3)]
	for i in range(rounds):
	    kind = i % 4
	    terminal = {"terminal": True} if kind == 1 else {}
	    path = str(DIR / "no-fifo") if kind == 2 else fifos[0].path
	    shim.exec("e", *(["no-such-word"] if kind == 3 else ["exit", "3"]), stdout=path, **terminal,
	              process={"args": ["no-such-program"]} if kind == 3 else {})
	    if kind < 2:
	        shim.go(exec_id="e")
	        assert shim.wait(exec_id="e").exit_status == 3
	    else:
	        fails(2, shim.go, exec_id="e")
	    shim.delete(exec_id="e")
	shim.status()
	after = descriptors(shim.pid)
	assert after == before, (before, after)
	children = open(f"/proc/{shim.pid}/task/{shim.pid}/children").read().split()
	assert children == [str(pid)], children
	inside = descriptors(pid)
	assert set(inside) == {0, 1, 2}, inside
	left = sorted(path.name for path in shim.bundle.iterdir())
	assert left == ["address", "config.json", "init.pid", "log", "options.json"], left
	shim.finish()
	PY
}
