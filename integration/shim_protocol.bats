#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The shim by itself: a small client speaks to it in containerd's place. The
# tests are Python (shim_client.py, ttrpc.py). SHIM_RUNTIME=io.containerd.runc.v2
# runs them with the reference; what only ours does is asked for with OURS.
# vm: yes

load container
load shim_client.bash

SHIM_RUNTIME=${SHIM_RUNTIME:-io.containerd.rustbox.v1}
# Where ours and its runtime are.
RELEASE=${RUSTBOX_BUILD:-$TOP/build/release}

setup_file()
{
	local name=${SHIM_RUNTIME#io.containerd.}
	SHIM=$(PATH="$RELEASE:$PATH" command -v "containerd-shim-${name//./-}") || {
		echo "there is no shim for $SHIM_RUNTIME (make)" >&2
		return 1
	}
	export SHIM
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
}

setup()
{
	container_setup
	mkdir "$ROOT"
}

teardown()
{
	# Shims leave an empty folder for their namespace.
	rmdir "$ROOT/ns-$TAG" /run/containerd/{runc,rustbox}/"ns-$TAG" 2>/dev/null || :
	container_teardown
}


# ---- the actions --------------------------------------------------------------

@test "-v, bad flags, missing flags" {
	python <<-'PY'
	import subprocess
	def shim(*arguments):
	    return subprocess.run([SHIM, *arguments], capture_output=True, stdin=subprocess.DEVNULL, timeout=100)
	for flag in ("-v", "-version", "--v"):
	    done = shim(flag)
	    if OURS or flag == "-v":
	        assert done.returncode == 0 and done.stdout and not done.stderr, done
	# No namespace: an error in words, and nothing on standard output.
	done = shim("-id", TAG, "-address", ADDRESS, "start")
	assert done.returncode != 0 and done.stderr and not done.stdout, done
	if OURS:
	    assert b"namespace" in done.stderr, done
	    done = shim("-namespace", "x", "-id", TAG, "no-such-action")
	    assert done.returncode != 0 and b"no-such-action" in done.stderr and not done.stdout, done
	    done = shim("-namespace")
	    assert done.returncode != 0 and b"namespace" in done.stderr, done
	PY
}

@test "-info: name, version, features" {
	python <<-'PY'
	import subprocess
	if not OURS:
	    raise SystemExit
	options = encode(runc_options(root=ROOT))
	for given in (b"", options):
	    done = subprocess.run([SHIM, "-info"], input=given, capture_output=True, timeout=100)
	    assert done.returncode == 0 and not done.stderr, done
	    info = decode(done.stdout)
	    assert info.text(1) == "io.containerd.rustbox.v1", info.raw
	    assert info.message(2).text(1)
	    features = info.message(4)
	    assert features.text(1) == "types.containerd.io/opencontainers/runtime-spec/1/features/Features"
	    features = json.loads(features.data(2))
	    assert "user" in features["linux"]["namespaces"] and "ro" in features["mountOptions"]
	    assert info.data(3) == given
	PY
}

# bats test_tags=vm
@test "start: the plain address and nothing else; the server" {
	python <<-'PY'
	shim = Shim()
	# What a parent leaves open must not get to the server.
	gate = os.pipe()
	for fd in gate:
	    os.set_inheritable(fd, True)
	shim.start(close_fds=False)
	assert shim.address == f"unix://{socket_path(shim.id)}", shim.address
	assert (shim.bundle / "address").read_text() == shim.address
	mode = os.stat(socket_path(shim.id))
	assert stat.S_ISSOCK(mode.st_mode) and stat.S_IMODE(mode.st_mode) == 0o600, oct(mode.st_mode)
	pid = shim.pid
	open_ones = descriptors(pid)
	assert open_ones[0] == open_ones[1] == "/dev/null", open_ones
	inherited = {f"pipe:[{os.fstat(fd).st_ino}]" for fd in gate}
	if OURS:
	    # Go's programs keep what they inherit.
	    assert not inherited & set(open_ones.values()), open_ones
	    assert open_ones[2] == str(shim.bundle / "log"), open_ones
	    # Loading kernel modules, of what it does without; it may still hand on all of them.
	    assert not capabilities(pid, "CapEff") & 1 << 16
	    assert capabilities(pid, "CapPrm") == capabilities("self", "CapPrm")
	assert os.getpgid(pid) != os.getpgid(0)
	own = int(open("/proc/self/oom_score_adj").read())
	assert int(open(f"/proc/{pid}/oom_score_adj").read()) == own + 1
	assert not os.path.exists(f"/proc/{pid}/task/{pid}/children") or \
	    open(f"/proc/{pid}/task/{pid}/children").read() == ""
	shim.shutdown_server()
	PY
}

@test "start: a second one of the group prints the same address" {
	python <<-'PY'
	first, second = Shim("-a", group=f"{TAG}-group").start(), Shim("-b", group=f"{TAG}-group").start()
	assert first.address == second.address == f"unix://{socket_path(first.group)}"
	assert first.pid == second.pid
	assert (second.bundle / "address").read_text() == first.address
	first.run("wait")
	second.run("wait")
	assert first.init_pid() != second.init_pid()
	first.finish(shutdown=False)
	# With containers left, Shutdown is only a word.
	first.shutdown()
	assert second.status() == RUNNING
	assert first.delete_action()[1] == 137
	assert second.status() == RUNNING, "delete of one has touched the other"
	shutil.rmtree(first.bundle)
	first.make_bundle()
	first.start().run("wait")
	first.finish(shutdown=False)
	second.finish()
	PY
}

@test "start: a stale socket is no obstacle" {
	python <<-'PY'
	shim = Shim()
	with socket.socket(socket.AF_UNIX) as stale:
	    os.makedirs("/run/containerd/s", exist_ok=True)
	    stale.bind(socket_path(shim.id))
	shim.start().run("exit", "3")
	assert shim.wait().exit_status == 3
	shim.finish()
	PY
}

@test "start: what comes on standard input" {
	python <<-'PY'
	options = encode(runc_options(root=ROOT))
	other = encode(any_of("runtimeoptions.v1.Options", [(1, "runtimeoptions.v1.Options"), (2, "/none.toml")]))
	for given in (b"", options):
	    Shim.all.clear()
	    shutil.rmtree(DIR / "bundles", ignore_errors=True)
	    Shim().start(given=given).shutdown_server()
	if OURS:
	    # containerd 2.3 and later.
	    sockets = DIR / "s"
	    shutil.rmtree(DIR / "bundles")
	    shim = Shim()
	    shim.environment.pop("TTRPC_ADDRESS")
	    shim.start(given=encode([
	        (1, shim.id), (2, NAMESPACE), (3, -4), (4, "2.3.0"), (5, EVENTS), (6, ADDRESS), (7, "/bin/false"),
	        (8, [(1, runc_options(root=ROOT))]), (9, str(sockets))]))
	    assert shim.address == f"unix://{socket_path(shim.id, sockets)}", shim.address
	    shim.run("exit", "1")
	    shim.wait()
	    events.find("exit")
	    shim.finish()
	    # The same bytes with another id are something else: options of a type that nobody knows.
	    shutil.rmtree(DIR / "bundles")
	    shim = Shim()
	    shim.start(given=encode([(1, "some.other.Type"), (2, b"\x0a\x01x")]))
	    shim.shutdown_server()
	    # Garbage is an error, and nothing stays.
	    shutil.rmtree(DIR / "bundles")
	    shim = Shim()
	    done = shim.action(*shim.flags(), "start", given=b"\xff" * 100)
	    assert done.returncode != 0 and not done.stdout and done.stderr, done
	    assert not os.path.exists(socket_path(shim.id))
	PY
}

@test "start: what cannot be done leaves nothing" {
	python <<-'PY'
	shim = Shim()
	if OURS:
	    (shim.bundle / "config.json").write_text("{")
	    done = shim.action(*shim.flags(), "start")
	    assert done.returncode != 0 and b"config.json" in done.stderr and not done.stdout, done
	(shim.bundle / "config.json").write_text("{}")
	(shim.bundle / "address").mkdir()
	done = shim.action(*shim.flags(), "start")
	assert done.returncode != 0 and b"address" in done.stderr and not done.stdout, done
	if not OURS:
	    pathlib.Path(socket_path(shim.id)).unlink(missing_ok=True)
	PY
}

@test "delete: after a normal end, again, without files, for nobody" {
	python <<-'PY'
	shim = Shim().start()
	pid = shim.run("exit", "5")
	shim.wait()
	answer = shim.finish()
	assert (answer.pid, answer.exit_status) == (pid, 5)
	for _ in range(2):
	    begun = time.time()
	    _, status, when = shim.delete_action()
	    assert status == 137 and begun - 1 <= when <= time.time() + 1
	    assert time.time() - begun < 4
	if OURS:
	    (shim.bundle / "config.json").write_text("nonsense")
	    (shim.bundle / "options.json").write_text("{\"Root\":")
	    shim.delete_action()
	    for path in shim.bundle.iterdir():
	        path.unlink() if not path.is_dir() else shutil.rmtree(path)
	    shim.delete_action()
	    # From anywhere, with the bundle as a flag.
	    shim.delete_action("-debug", folder=str(shim.bundle))
	PY
}

# bats test_tags=vm
@test "delete: after the server was killed nothing is left" {
	python <<-'PY'
	shim = Shim().start()
	(shim.bundle / "rootfs").mkdir()
	shim.config(lambda config: {**config, "root": {"path": "rootfs"}})
	pid = shim.run("orphan", "+", "wait", rootfs=[[(1, "bind"), (2, str(BUNDLE / "rootfs")), (4, "rbind"), (4, "rw")]])
	assert f" {shim.bundle}/rootfs " in open("/proc/self/mountinfo").read()
	shim.kill_server()
	assert alive(pid)
	dead, status, _ = shim.delete_action()
	assert (dead, status) == (pid, 137)
	assert not alive(pid)
	assert f" {shim.bundle}/rootfs " not in open("/proc/self/mountinfo").read()
	shim.delete_action()
	if not OURS:
	    os.unlink(socket_path(shim.id))
	PY
}

@test "delete: a container that was only created, one with an exec" {
	python <<-'PY'
	shim = Shim().start()
	shim.create()
	shim.kill_server()
	pid, status, _ = shim.delete_action()
	assert status == 137 and not alive(pid)
	socket_path_left = socket_path(shim.id)
	if OURS:
	    assert not os.path.exists(socket_path_left)
	shutil.rmtree(shim.bundle)
	shim.make_bundle()
	shim.client = None
	pid = shim.run("wait")
	shim.exec("e", "wait")
	second = shim.go(exec_id="e")
	shim.kill_server()
	shim.delete_action()
	assert not alive(pid) and not alive(second)
	if not OURS:
	    os.unlink(socket_path_left)
	PY
}

# ---- one container's life -----------------------------------------------------

# bats test_tags=vm
@test "create, start, wait, delete, shutdown: answers, states and events" {
	python <<-'PY'
	shim = Shim().command("wait").start()
	pid = shim.create().pid
	state = shim.state()
	assert (state.id, state.pid, state.status, state.bundle) == (shim.id, pid, CREATED, str(shim.bundle))
	assert state.exit_status == 0 and state.exited_at is None, vars(state)
	assert (state.stdin, state.stdout, state.stderr, state.terminal) == ("", "", "", 0)
	assert shim.init_pid() == pid
	assert (shim.bundle / "init.pid").read_text() == str(pid)
	# Wait comes before Start, and from elsewhere, and twice.
	waits = [(client, client.begin("Wait", id=shim.id)) for client in (shim, shim, shim.another_client())]
	assert not shim.client.answered(waits[0][1], 0.05)
	assert shim.go() == pid
	assert shim.status() == RUNNING
	begun = time.time()
	listens(pid)
	shim.kill(signal=15)
	for client, wait in waits:
	    answer = client.end("Wait", wait)
	    assert answer.exit_status == 143 and begun - 1 < answer.exited_at < time.time() + 1, vars(answer)
	state = shim.state()
	assert (state.status, state.exit_status, state.pid) == (STOPPED, 143, pid)
	assert state.exited_at == answer.exited_at
	assert shim.wait().exit_status == 143
	fails(NOT_FOUND, shim.kill, signal=15)
	assert shim.pids().processes == []
	done = shim.delete()
	assert (done.pid, done.exit_status, done.exited_at) == (pid, 143, answer.exited_at)
	fails(NOT_FOUND, shim.delete)
	fails(NOT_FOUND, shim.state)
	shim.shutdown_server()
	assert events.topics() == ["create", "start", "exit", "delete"], events.topics()
	assert events.namespaces == {(NAMESPACE, NAMESPACE)}
	create, start, end, delete = [event for _, _, event in events.events]
	assert [kind for _, kind, _ in events.events] == [
	    f"containerd.events.Task{name}" for name in ("Create", "Start", "Exit", "Delete")]
	assert (create.text(1), create.text(2), create.number(6)) == (shim.id, str(shim.bundle), pid)
	assert (start.text(1), start.number(2)) == (shim.id, pid)
	assert (end.text(1), end.text(2), end.number(3), end.number(4)) == (shim.id, shim.id, pid, 143)
	assert end.time(5) == done.exited_at
	assert (delete.text(1), delete.number(2), delete.number(3)) == (shim.id, pid, 143)
	assert delete.time(4) == done.exited_at
	PY
}

@test "the third version's service name has the same methods" {
	python <<-'PY'
	service = "containerd.task.v3.Task"
	if not OURS:
	    raise SystemExit
	shim = Shim().start()
	shim.run("wait")
	assert shim.call("State", service=service, id=shim.id).status == RUNNING
	shim.call("Kill", service=service, id=shim.id, signal=9)
	assert shim.call("Wait", service=service, id=shim.id).exit_status == 137
	shim.finish()
	PY
}

@test "an id that is not known: not found, but Connect never fails" {
	python <<-'PY'
	shim = Shim().start()
	for method in REQUESTS:
	    if method not in ("Create", "Connect", "Shutdown"):
	        more = {"exec_id": "e"} if method == "Exec" else {}
	        fails(NOT_FOUND, shim.call, method, id="other", **more)
	answer = shim.call("Connect", id="other")
	assert (answer.shim_pid, answer.task_pid) == (shim.pid, 0)
	shim.run("wait")
	for method in ("State", "Start", "Delete", "Kill", "ResizePty", "CloseIO", "Wait"):
	    fails(NOT_FOUND if OURS else (2, NOT_FOUND), shim.call, method, id=shim.id, exec_id="none")
	fails(NOT_FOUND, shim.call, "State", id="other")
	shim.finish()
	PY
}

@test "an id that is in use; ids and paths that are none" {
	python <<-'PY'
	shim = Shim().start()
	shim.run("wait")
	text = fails(ALREADY_EXISTS if OURS else (2, ALREADY_EXISTS), shim.create)
	assert shim.status() == RUNNING
	any_error = tuple(range(1, 15))
	for name in ("", "../x", "a/b", "x" * 5000, "..", "\0"):
	    if OURS:
	        fails(any_error, shim.call, "Create", id=name, bundle=str(shim.bundle), options=runc_options(root=ROOT))
	        fails(any_error, shim.exec, name, "true")
	if OURS:
	    # The reference's own folder stands in for one that is not given.
	    for bundle in ("", "relative", "/no/such/bundle", str(shim.bundle / "config.json"), "/"):
	        fails(any_error, shim.call, "Create", id="other", bundle=bundle, options=runc_options(root=ROOT))
	assert shim.status() == RUNNING
	fails(NOT_FOUND, shim.call, "State", id="other")
	shim.finish()
	PY
}

# bats test_tags=vm
@test "what is refused in which state" {
	python <<-'PY'
	shim = Shim().command("wait").start()
	memory = any_of("types.containerd.io/opencontainers/runtime-spec/1/LinuxResources", b'{"pids":{"limit":100}}')
	shim.create()
	# created
	for method in ("Pause", "Resume"):
	    wrong_state(shim.call, method, id=shim.id)
	shim.update(resources=memory)
	shim.stats()
	shim.resize_pty(width=80, height=24)
	shim.close_io(stdin=True)
	assert len(shim.pids().processes) == 1
	shim.go()
	# running
	for method in ("Start", "Delete", "Resume"):
	    wrong_state(shim.call, method, id=shim.id)
	shim.update(resources=memory)
	shim.exec("e", "wait")
	assert shim.status("e") == CREATED
	wrong_state(shim.kill, exec_id="e", signal=9)
	shim.go(exec_id="e")
	wrong_state(shim.go, exec_id="e")
	wrong_state(shim.delete, exec_id="e")
	shim.exec("added", "true")
	shim.pause()
	# paused
	for method in ("Start", "Delete", "Pause"):
	    wrong_state(shim.call, method, id=shim.id)
	wrong_state(shim.exec, "f", "true")
	wrong_state(shim.go, exec_id="added")
	assert shim.status() == PAUSED and shim.status("e") == PAUSED
	assert len(shim.pids().processes) == 2
	shim.resume()
	shim.kill(signal=9)
	assert shim.wait().exit_status == 137
	assert shim.wait(exec_id="e").exit_status == 137
	# stopped
	for method in ("Start", "Pause", "Resume"):
	    wrong_state(shim.call, method, id=shim.id)
	wrong_state(shim.update, resources=memory)
	wrong_state(shim.exec, "f", "true")
	if OURS:
	    # The reference dies of it.
	    wrong_state(shim.go, exec_id="added")
	fails(NOT_FOUND, shim.kill, signal=9)
	fails(NOT_FOUND, shim.kill, exec_id="e", signal=9)
	shim.resize_pty(width=80, height=24)
	shim.close_io(stdin=True)
	assert shim.pids().processes == []
	shim.delete(exec_id="e")
	shim.delete(exec_id="added")
	shim.finish()
	PY
}

@test "created: it can be killed, or deleted as it is" {
	python <<-'PY'
	shim = Shim().command("wait").start()
	pid = shim.create().pid
	shim.kill(signal=9)
	assert shim.wait().exit_status == 137
	assert shim.status() == STOPPED
	wrong_state(shim.go)
	assert shim.delete().exit_status == 137
	if OURS:
	    assert events.find("exit").number(4) == 137
	    pid = shim.create().pid
	    answer = shim.delete()
	    assert (answer.pid, answer.exit_status) == (pid, 137)
	    assert not alive(pid)
	shim.shutdown_server()
	if OURS:
	    assert events.topics() == ["create", "exit", "delete"] * 2, events.topics()
	PY
}

@test "a program that is not there: named, and nothing is left" {
	python <<-'PY'
	shim = Shim().start()
	def none(config):
	    config["process"]["args"] = ["/no/such/program"]
	    return config
	shim.config(none)
	text = fails(2, shim.create)
	assert "/no/such/program" in text and "no such file or directory" in text, text
	assert text.startswith("OCI runtime create failed: "), text
	fails(NOT_FOUND, shim.state)
	fails(NOT_FOUND, shim.delete)
	shim.run("exit", "0")
	shim.wait()
	shim.finish()
	PY
}

@test "Shutdown with a container left does nothing; SIGTERM ends the server, not the container" {
	python <<-'PY'
	shim = Shim().start()
	pid = shim.run("wait")
	shim.shutdown(now=True)
	assert shim.status() == RUNNING
	os.kill(shim.pid, signal.SIGTERM)
	shim.is_gone()
	assert alive(pid)
	assert shim.delete_action()[:2] == (pid, 137)
	assert not alive(pid)
	PY
}

@test "a server that nobody ever spoke to ends by SIGTERM, too" {
	python <<-'PY'
	if not OURS:
	    raise SystemExit
	shim = Shim()
	done = shim.action(*shim.flags(), "start")
	shim.address = done.stdout.decode()
	def found():
	    # A process that has just begun has no arguments yet.
	    for pid in filter(str.isdigit, os.listdir("/proc")):
	        try:
	            words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
	        except OSError:
	            continue
	        if shim.id.encode() in words and b"start" not in words:
	            shim.pid = int(pid)
	    return shim.pid
	eventually(found, "the server")
	os.kill(shim.pid, signal.SIGTERM)
	shim.is_gone()
	PY
}

# ---- exec ---------------------------------------------------------------------

# bats test_tags=vm
@test "exec: its life, its events, and that it ends before its container" {
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	shim.exec("e1", "exit", "7")
	assert shim.status("e1") == CREATED and shim.state(exec_id="e1").pid == 0
	assert shim.state(exec_id="e1").id == "e1"
	fails(ALREADY_EXISTS, shim.exec, "e1", "true")
	wait = shim.begin("Wait", id=shim.id, exec_id="e1")
	pid = shim.go(exec_id="e1")
	assert shim.end("Wait", wait).exit_status == 7
	assert shim.status("e1") == STOPPED
	done = shim.delete(exec_id="e1")
	assert (done.pid, done.exit_status) == (pid, 7)
	fails(NOT_FOUND, shim.state, exec_id="e1")
	# The id is free again; one that was never started.
	shim.exec("e1", "true")
	done = shim.delete(exec_id="e1")
	assert (done.pid, done.exit_status, done.exited_at) == (0, 0, None), vars(done)
	shim.exec("e2", "wait")
	second = shim.go(exec_id="e2")
	known = {p.number(1): p.message(2).message(2).text(1) for p in shim.pids().processes}
	assert known == {shim.init_pid(): "", second: "e2"}, known
	shim.exec("e3", "wait")
	listens(shim.go(exec_id="e3"))
	shim.kill(exec_id="e3", signal=15)
	assert shim.wait(exec_id="e3").exit_status == 143
	assert shim.status() == RUNNING
	shim.kill(signal=9)
	shim.wait()
	assert shim.wait(exec_id="e2").exit_status == 137
	shim.finish()
	events.find("delete")
	topics = events.topics()
	assert topics == ["create", "start", "exec-added", "exec-started", "exit", "exec-added",
	    "exec-added", "exec-started", "exec-added", "exec-started", "exit", "exit", "exit", "delete"], topics
	ends = [event.text(2) for topic, _, event in events.events if topic == "/tasks/exit"]
	assert ends == ["e1", "e3", "e2", shim.id], ends
	PY
}

@test "exec: one that cannot be started; its Waits come back" {
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	shim.exec("e", process={"args": ["no-such-program"]})
	wait = shim.begin("Wait", id=shim.id, exec_id="e")
	text = fails(2, shim.go, exec_id="e")
	assert "no-such-program" in text and "executable file not found in $PATH" in text, text
	assert text.startswith("OCI runtime exec failed: "), text
	answer = shim.end("Wait", wait)
	assert answer.exit_status == 0 and answer.exited_at is None, vars(answer)
	shim.delete(exec_id="e")
	for spec in (b"", b"{", b"[]", b'{"args":5}', b"\xff\xfe", b'{"args":["true"],"cwd":"/"' + b" " * 100000):
	    def bad():
	        shim.call("Exec", id=shim.id, exec_id="bad", spec=any_of("Process", spec))
	        return shim.call("Start", id=shim.id, exec_id="bad")
	    if OURS or spec:
	        fails(tuple(range(1, 15)), bad)
	    try:
	        shim.delete(exec_id="bad")
	    except Failure as failure:
	        assert failure.code == NOT_FOUND
	assert shim.status() == RUNNING
	shim.finish()
	assert events.topics()[-2:] == ["exit", "delete"] and events.topics().count("exec-started") == 0
	PY
}

@test "exec: twenty at once, and Waits that come late" {
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	for i in range(20):
	    shim.exec(f"e{i}", "exit", str(i))
	starts = [shim.begin("Start", id=shim.id, exec_id=f"e{i}") for i in range(20)]
	waits = [shim.begin("Wait", id=shim.id, exec_id=f"e{i}") for i in range(20)]
	for stream in starts:
	    assert shim.end("Start", stream).pid > 0
	for i, stream in enumerate(waits):
	    assert shim.end("Wait", stream).exit_status == i
	for i in range(20):
	    assert shim.wait(exec_id=f"e{i}").exit_status == i
	    shim.delete(exec_id=f"e{i}")
	shim.finish()
	for i in range(20):
	    own = [topic for topic, _, event in events.events if topic in (
	        "/tasks/exec-added", "/tasks/exec-started", "/tasks/exit") and event.text(2) == f"e{i}"]
	    assert own == ["/tasks/exec-added", "/tasks/exec-started", "/tasks/exit"], (i, own)
	PY
}

# ---- streams ------------------------------------------------------------------

# bats test_tags=vm
@test "FIFOs: output, error output, input, CloseIO; State has their names" {
	python <<-'PY'
	shim = Shim()
	out, err, inp = Fifo("out").open(), Fifo("err").open(), Fifo("in")
	shim.config(lambda c: {**c, "process": {**c["process"], "args": ["sh", "-c", "echo err >&2; cat; echo end"]}})
	shim.run(stdin=inp.path, stdout=out.path, stderr=err.path)
	state = shim.state()
	assert (state.stdin, state.stdout, state.stderr) == (inp.path, out.path, err.path)
	inp.write(b"first\n")
	assert out.read_until(b"first\n") == b"first\n"
	# One client goes, the next one comes: no end of input for the container.
	inp.close()
	inp.write(b"second\n")
	assert out.read_until(b"second\n") == b"second\n"
	inp.close()
	assert shim.status() == RUNNING
	shim.close_io(stdin=True)
	shim.close_io(stdin=True)
	assert out.read_until() == b"end\n"
	assert err.read_until() == b"err\n"
	assert shim.wait().exit_status == 0
	shim.finish()
	PY
}

@test "FIFOs: a client that is away misses nothing, and nobody waits for it" {
	python <<-'PY'
	shim = Shim().command("flood", "1000000").start()
	out = Fifo("out")
	# Nobody has opened it: Create may wait for that, or the container when it is full.
	other = shim.another_client()
	create = shim.begin("Create", id=shim.id, bundle=str(shim.bundle), stdout=out.path, options=runc_options(root=ROOT))
	shim.client.answered(create, 0.3)
	if OURS:
	    assert other.call("Connect", id=shim.id).shim_pid == shim.pid
	    fails(NOT_FOUND, other.call, "State", id="other")
	out.open()
	assert shim.end("Create", create).pid > 0
	shim.go()
	time.sleep(0.2)
	assert shim.status() == RUNNING, "it has room for all of it?"
	assert len(out.read_until()) == 1000000
	assert shim.wait().exit_status == 0
	shim.finish()
	PY
}

@test "FIFOs: a client that opens them only after the end gets all the same" {
	python <<-'PY'
	if not OURS:
	    # Its Create waits for the client.
	    raise SystemExit
	shim = Shim()
	out, err = Fifo("out"), Fifo("err")
	shim.config(lambda c: {**c, "process": {**c["process"], "args": ["sh", "-c", "echo out; echo err >&2"]}})
	# ctr opens its ends in the background: on a busy machine after the container's end.
	import threading
	def client():
	    time.sleep(0.5)
	    out.open()
	    err.open()
	thread = threading.Thread(target=client)
	thread.start()
	shim.run(stdout=out.path, stderr=err.path)
	assert shim.wait().exit_status == 0
	thread.join()
	assert out.read_until(b"out\n") == b"out\n"
	assert err.read_until(b"err\n") == b"err\n"
	shim.finish()
	PY
}

@test "FIFOs: a reader that goes away does not end the container" {
	python <<-'PY'
	shim = Shim()
	out = Fifo("out").open()
	shim.run("print", "one", "+", "wait-file", "/go", "+", "print", "two", "+", "wait", stdout=out.path)
	out.read_until(b"one\n")
	out.close()
	open(f"/proc/{shim.init_pid()}/root/go", "w").close()
	out.open()
	out.read_until(b"two\n")
	shim.finish()
	os.unlink(BUNDLE / "rootfs/go")
	PY
}

@test "FIFOs that are not there, schemes that nobody knows: errors, and nothing is left" {
	python <<-'PY'
	shim = Shim().start()
	# After the others the reference leaves a container behind.
	for stdout in ("gopher://x/y", "/no/such/fifo", "binary:///no/such/logger", "file://relative")[:None if OURS else 1]:
	    text = fails(tuple(range(1, 15)), shim.create, stdout=stdout)
	    fails(NOT_FOUND, shim.state)
	shim.run("wait")
	shim.exec("e", "true", stdout="/no/such/fifo")
	fails(tuple(range(1, 15)), shim.go, exec_id="e")
	shim.delete(exec_id="e")
	assert shim.status() == RUNNING
	shim.finish()
	PY
}

@test "output to files, regular ones too; the same for both" {
	python <<-'PY'
	shim = Shim()
	shim.config(lambda c: {**c, "process": {**c["process"], "args": ["sh", "-c", "echo out; echo err >&2"]}})
	shim.run(stdout=f"file://{DIR}/a/b/log", stderr=f"file://{DIR}/a/b/log")
	shim.wait()
	shim.finish(shutdown=False)
	assert sorted((DIR / "a/b/log").read_text().split()) == ["err", "out"]
	plain = DIR / "plain"
	plain.write_text("before\n")
	shim.run(stdout=str(plain), stderr=str(plain))
	shim.wait()
	shim.finish()
	assert plain.read_text().splitlines()[0] == "before" and sorted(plain.read_text().split()) == ["before", "err", "out"]
	PY
}

@test "a terminal: size, resizing, input and output" {
	python <<-'PY'
	shim = Shim()
	def terminal(config):
	    config["process"]["terminal"] = True
	    config["process"]["args"] = ["payload", "wait-winsize", "33", "77", "+", "tty", "+", "read-line"]
	    return config
	shim.config(terminal)
	out, inp = Fifo("out").open(), Fifo("in")
	shim.start()
	shim.create(terminal=True, stdin=inp.path, stdout=out.path)
	shim.go()
	shim.resize_pty(width=77, height=33)
	out.read_until(b"controlling yes")
	inp.write(b"typed\n")
	assert b"read [typed]" in out.read_until()
	shim.wait()
	assert shim.state().terminal == 1
	shim.finish()
	PY
}

@test "a terminal: all that was written before the end comes out" {
	python <<-'PY'
	shim = Shim()
	def terminal(config):
	    config["process"]["terminal"] = True
	    config["process"]["args"] = ["payload", "flood", "200000"]
	    return config
	shim.config(terminal)
	shim.start()
	for i in range(10):
	    out = Fifo(f"out{i}").open()
	    shim.create(terminal=True, stdout=out.path)
	    shim.go()
	    if i % 2:
	        assert not shim.client.answered(shim.begin("Wait", id=shim.id), 0.05), "it has room for all of it?"
	    data = out.read_until()
	    assert len(data) == 200000 + 199999 // 64, f"{len(data)} bytes, at the end {data[-20:]}"
	    out.close()
	    shim.wait()
	    shim.delete()
	shim.shutdown_server()
	PY
}

@test "a process that lives on with the output open: Delete waits, but not for ever" {
	[ "$LONG" != 0 ] || skip "takes ten seconds: LONG=1"
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	out = Fifo("out").open()
	shim.exec("e", process={"args": ["sh", "-c", "sleep 100 & echo x"]}, stdout=out.path)
	shim.go(exec_id="e")
	out.read_until(b"x\n")
	assert shim.wait(exec_id="e").exit_status == 0
	begun = time.monotonic()
	delete = shim.begin("Delete", id=shim.id, exec_id="e")
	assert shim.status() == RUNNING
	shim.end("Delete", delete)
	assert 5 < time.monotonic() - begun
	shim.finish()
	PY
}

# ---- the root file system -----------------------------------------------------

# bats test_tags=vm
@test "rootfs: an overlay of a hundred layers is mounted, seen from outside, and gone" {
	python <<-'PY'
	shim = Shim().start()
	layers = []
	# More than a page in all: from their common folder they fit, and newer kernels take them one by one.
	kernel = tuple(map(int, os.uname().release.split("-")[0].split(".")[:2]))
	more = "-with-a-long-name-so-that-it-is-too-much" if OURS and kernel >= (6, 8) else ""
	for i in range(100):
	    layer = DIR / "layers" / f"{i:03d}-a-layer{more}"
	    layer.mkdir(parents=True)
	    (layer / f"file{i}").write_text(str(i))
	    layers.append(str(layer))
	base = DIR / "layers/base"
	shutil.copytree(BUNDLE / "rootfs", base, copy_function=os.link, symlinks=True)
	(shim.bundle / "rootfs").mkdir()
	shim.config(lambda c: {**c, "root": {"path": "rootfs"}})
	upper, work = DIR / "upper", DIR / "work"
	upper.mkdir()
	work.mkdir()
	mount = [(1, "overlay"), (2, "overlay"), (4, f"workdir={work}"), (4, f"upperdir={upper}"),
	         (4, "lowerdir=" + ":".join(layers + [str(base)]))]
	shim.run("wait", rootfs=[mount])
	assert (shim.bundle / "rootfs/file0").read_text() == "0"
	assert (shim.bundle / "rootfs/file99").read_text() == "99"
	shim.finish(shutdown=False)
	assert list((shim.bundle / "rootfs").iterdir()) == []
	shim.shutdown_server()
	shutil.rmtree(work)
	PY
}

@test "rootfs: a mount that fails undoes the ones before" {
	python <<-'PY'
	shim = Shim().start()
	shim.config(lambda c: {**c, "root": {"path": "rootfs"}})
	good = [(1, "bind"), (2, str(BUNDLE / "rootfs")), (4, "rbind"), (4, "ro")]
	bad = [[(1, "bind"), (2, "/no/such/source"), (4, "rbind")], [(1, "no-such-fs"), (2, "none")],
	       [(1, "overlay"), (2, "overlay"), (4, "lowerdir=/no/such/layer:/none")]]
	if OURS:
	    bad += [[(1, "format/overlay"), (2, "overlay")], [(1, "bind"), (2, "/"), (4, "X-containerd.mkdir.path=/x")],
	            [(1, "bind"), (2, "/etc"), (3, "../../escape"), (4, "bind")]]
	for mount in bad:
	    text = fails(tuple(range(1, 15)), shim.create, rootfs=[good, mount])
	    assert not OURS or "mount" in text, text
	    assert str(shim.bundle) not in open("/proc/self/mountinfo").read()
	shim.run("exit", "4", rootfs=[good])
	assert shim.wait().exit_status == 4
	shim.finish()
	assert str(shim.bundle) not in open("/proc/self/mountinfo").read()
	PY
}

# ---- limits, statistics, OOM --------------------------------------------------

# bats test_tags=vm
@test "Update: memory, pids, CPU; what makes no sense is an error" {
	need_controller memory
	need_controller pids
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	kind = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources"
	def update(**resources):
	    shim.update(resources=any_of(kind, json.dumps(resources).encode()))
	v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
	def value(controller, first, second):
	    folder = f"/sys/fs/cgroup/{'' if v2 else controller + '/'}{shim.id}"
	    return open(f"{folder}/{second if v2 else first}").read().strip()
	update(memory={"limit": 67108864})
	assert value("memory", "memory.limit_in_bytes", "memory.max") == "67108864"
	update(pids={"limit": 77}, cpu={"shares": 512, "quota": 50000, "period": 100000})
	assert value("pids", "pids.max", "pids.max") == "77"
	assert value("cpu", "cpu.cfs_quota_us", "cpu.max") in ("50000", "50000 100000")
	assert value("memory", "memory.limit_in_bytes", "memory.max") == "67108864"
	# As the CRI plugin does: the devices are not to be taken literally.
	update(devices=[{"allow": False, "access": "rwm"}], memory={"limit": 50331648})
	shim.exec("e", "open", "w", "/dev/null")
	out = Fifo("out").open()
	shim.delete(exec_id="e")
	shim.exec("e", "open", "w", "/dev/null", stdout=out.path)
	shim.go(exec_id="e")
	assert b"E" not in out.read_until()
	if OURS:
	    for bad in (b"{", b"[]", b'{"memory":"much"}', b""):
	        fails(tuple(range(1, 15)), shim.update, resources=any_of(kind, bad))
	    fails(tuple(range(1, 15)), shim.update)
	assert shim.status() == RUNNING
	shim.finish()
	PY
}

# bats test_tags=vm
@test "Stats: this machine's form, the numbers of the container" {
	need_controller memory
	need_controller pids
	python <<-'PY'
	shim = Shim()
	def limits(config):
	    config["linux"]["resources"]["memory"] = {"limit": 67108864}
	    config["linux"]["resources"]["pids"] = {"limit": 99}
	    return config
	shim.config(limits)
	out = Fifo("out").open()
	shim.run("spin", "100", "+", "oom", "16", "+", "print", "ready", "+", "wait", stdout=out.path)
	used_ms = int(out.read_until(b"ready").split(b"used ")[1].split()[0])
	def read():
	    stats = shim.stats().stats
	    return stats.text(1), stats.message(2)
	kind, stats = read()
	if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
	    assert kind == "io.containerd.cgroups.v2.Metrics", kind
	    memory = stats.message(4)
	    assert memory.number(33) == 67108864 and 0 < memory.number(32) < 67108864
	    assert stats.message(2).number(1) // 1000 in range(used_ms, 60_000), "CPU time in microseconds"
	    assert (stats.message(1).number(1), stats.message(1).number(2)) == (1, 99)
	    # Few, where pages are huge.
	    assert memory.number(18) > 20, f"{memory.number(18)} page faults"
	else:
	    assert kind == "io.containerd.cgroups.v1.Metrics", kind
	    usage = stats.message(4).message(33)
	    assert usage.number(1) == 67108864 and usage.number(3) >= 16 << 20 and 0 < usage.number(2) < 67108864
	    assert stats.message(3).message(1).number(1) // 1_000_000 in range(used_ms, 60_000), "CPU time in nanoseconds"
	    assert (stats.message(2).number(1), stats.message(2).number(2)) == (1, 99)
	    assert stats.message(4).number(26) > 20, f"{stats.message(4).number(26)} page faults"
	shim.kill(signal=9)
	shim.wait()
	assert read()[0] == kind, "it works until Delete"
	shim.finish()
	PY
}

# bats test_tags=vm
@test "OOM: the event comes before the exit, also when it is a child's" {
	need_controller memory
	python <<-'PY'
	shim = Shim()
	def limit(config):
	    config["linux"]["resources"]["memory"] = {"limit": 33554432}
	    return config
	shim.config(limit)
	shim.run("oom-child", "200", "+", "wait")
	assert events.find("oom").text(1) == shim.id
	assert shim.status() == RUNNING
	shim.finish(shutdown=False)
	shim.run("oom", "200")
	assert shim.wait().exit_status == 137
	shim.finish()
	topics = events.topics()
	assert topics[-5:] == ["create", "start", "oom", "exit", "delete"], topics
	PY
}

@test "Checkpoint fails in words" {
	! criu check >/dev/null 2>&1 || skip "criu works here"
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	text = fails(2, shim.checkpoint, path=str(DIR / "images"))
	assert not OURS or "criu" in text, text
	assert shim.status() == RUNNING
	shim.finish()
	PY
}

# bats test_tags=vm
@test "a shared pid namespace: all of the container ends with init" {
	python <<-'PY'
	shim = Shim()
	def shared(config):
	    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "pid"]
	    return config
	shim.config(shared)
	pid = shim.run("orphan", "+", "wait")
	shim.exec("e", "wait")
	second = shim.go(exec_id="e")
	eventually(lambda: len(shim.pids().processes) == 3, "three processes")
	processes = [p.number(1) for p in shim.pids().processes]
	listens(pid)
	shim.kill(signal=15)
	assert shim.wait().exit_status == 143
	eventually(lambda: not [p for p in processes if alive(p)], "the orphan's end")
	assert shim.state(exec_id="e").exit_status == 137
	shim.finish()
	PY
}

@test "paused: SIGKILL ends it all the same" {
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	shim.pause()
	shim.kill(signal=9)
	assert shim.wait().exit_status == 137
	shim.finish()
	PY
}

# ---- the wire -----------------------------------------------------------------

@test "unknown services and methods: unimplemented" {
	python <<-'PY'
	shim = Shim().start()
	for service, method in ((TASK, "NoSuch"), ("no.such.Service", "State"), (TASK, ""), ("", ""), (TASK, "state"),
	                        (TASK + "/State", "State"), ("x" * 100000, "y" * 100000),
	                        ("containerd.runtime.sandbox.v1.Sandbox", "CreateSandbox")):
	    fails(UNIMPLEMENTED, shim.client.call, service, method)
	assert shim.init_pid() == 0
	shim.shutdown_server()
	PY
}

@test "frames that are none: the server lives, the others are served" {
	python <<-'PY'
	import random, struct
	shim = Shim().start()
	shim.run("wait")
	path = shim.address.removeprefix("unix://")
	random.seed(7)
	good = ttrpc.request(TASK, "State", encode([(1, shim.id)]))
	for data in (b"", b"\0" * 9, b"\xff" * 10, b"\0" * 10, b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100000,
	             ttrpc.frame(1, 9, b"unknown type"), ttrpc.frame(1, 2, b"an answer"), ttrpc.frame(1, 3, b"data"),
	             ttrpc.frame(1, 1, b"\xff\xff\xff"), ttrpc.frame(0, 1, good), ttrpc.frame(1, 1, good)[:-5],
	             struct.pack(">IIBB", 4 << 20, 1, 1, 0) + b"x" * 1000,
	             *(random.randbytes(random.randrange(1, 3000)) for _ in range(100))):
	    client = Client(path)
	    try:
	        client.send(data)
	    except (BrokenPipeError, ConnectionResetError):
	        pass
	    client.close()
	    assert shim.status() == RUNNING
	assert alive(shim.pid)
	shim.finish()
	PY
}

@test "envelopes and payloads that are none: an error each, on their stream" {
	python <<-'PY'
	shim = Shim().start()
	client = shim.client
	def answer(data, stream=None):
	    client.stream += 2
	    client.send(ttrpc.frame(client.stream if stream is None else stream, ttrpc.REQUEST, data))
	    return fails(tuple(range(1, 15)), client.end, client.stream if stream is None else stream)
	for data in (b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x05ab", b"\x0f", b"\x08" + b"\xff" * 20):
	    answer(data)
	# A payload that is not the method's message.
	for payload in (b"\xff", b"\x0a\x7f", b"\x0a\x03\xff\xfe\xfd"):
	    fails(tuple(range(1, 15)), client.call, TASK, "State", payload)
	# Fields that we do not know are no matter.
	more = pack("Connect", {"id": shim.id}) + encode([(99, "future"), (100, 7)])
	assert decode(client.call(TASK, "Connect", more)).number(1) == shim.pid
	client.call(TASK, "Connect", pack("Connect", {"id": shim.id}), metadata=[("traceparent", "00-x"), ("k", "v")] * 50)
	shim.shutdown_server()
	PY
}

@test "streams: even numbers, used ones and lower ones are refused, each on its own" {
	python <<-'PY'
	import ttrpc
	shim = Shim().start()
	client = shim.client
	data = ttrpc.request(TASK, "Connect", pack("Connect", {"id": shim.id}))
	def on(stream):
	    client.send(ttrpc.frame(stream, ttrpc.REQUEST, data))
	    client.answers.pop(stream, None)
	    return client.end(stream)
	fails(INVALID_ARGUMENT, on, 2)
	on(1001)
	client.stream = 1001
	if OURS:
	    # The reference's version looks at the last bit only.
	    fails(INVALID_ARGUMENT, on, 1001)
	    fails(INVALID_ARGUMENT, on, 999)
	fails(INVALID_ARGUMENT, on, 1002)
	assert decode(on(1003)).number(1) == shim.pid
	client.stream = 1003
	shim.shutdown_server()
	PY
}

@test "a frame that is too long is refused on its stream, the next one is read" {
	python <<-'PY'
	shim = Shim().start()
	client = shim.client
	for size in ((4 << 20) + 1, 5 << 20, 16 << 20):
	    client.stream += 2
	    client.send(ttrpc.frame(client.stream, ttrpc.REQUEST, b"x" * size))
	    fails(ttrpc.RESOURCE_EXHAUSTED, client.end, client.stream)
	# The longest that is none of them.
	long = ttrpc.request(TASK, "Connect", pack("Connect", {"id": shim.id}), metadata=[("k", "v" * (4194304 - 200))])
	assert len(long) <= 4 << 20
	client.stream += 2
	client.send(ttrpc.frame(client.stream, ttrpc.REQUEST, long))
	assert decode(client.end(client.stream)).number(1) == shim.pid
	shim.shutdown_server()
	PY
}

@test "a thousand connections; many calls at once, and some that nobody waits for" {
	python <<-'PY'
	import resource
	resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
	shim = Shim().start()
	shim.run("wait")
	shim.state()
	before = len(descriptors(shim.pid))
	clients = [shim.another_client() for _ in range(1000)]
	for client in clients:
	    assert client.status() == RUNNING
	for client in clients:
	    client.client.close()
	eventually(lambda: len(descriptors(shim.pid)) == before, "the connections' end")
	for _ in range(20):
	    streams = [shim.begin("State", id=shim.id) for _ in range(50)]
	    for stream in streams:
	        assert shim.end("State", stream).status == RUNNING
	# Waits that nobody waits for any more.
	other = shim.another_client()
	for _ in range(500):
	    other.begin("Wait", id=shim.id)
	other.status()
	other.client.close()
	eventually(lambda: len(descriptors(shim.pid)) == before, "the connection's end")
	assert shim.status() == RUNNING
	shim.finish()
	PY
}

@test "a time limit of a Wait; a client that goes during Delete" {
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	if OURS:
	    stream = shim.begin("Wait", id=shim.id, timeout_nano=100_000_000)
	    fails((ttrpc.DEADLINE_EXCEEDED, ttrpc.CANCELLED), shim.end, "Wait", stream)
	    # One that is over does not touch the others.
	    stream = shim.begin("Wait", id=shim.id, timeout_nano=60_000_000_000)
	shim.kill(signal=9)
	shim.wait()
	if not OURS:
	    # It gives up a Delete half-way.
	    shim.finish()
	    raise SystemExit
	other = shim.another_client()
	other.begin("Delete", id=shim.id)
	other.client.close()
	def deleted():
	    try:
	        shim.state()
	    except Failure as failure:
	        assert failure.code == NOT_FOUND
	        return True
	    return False
	eventually(deleted, "the end of a Delete that nobody waits for")
	fails(NOT_FOUND, shim.delete)
	shim.shutdown_server()
	PY
}

@test "a peer of another group of users is not served" {
	python <<-'PY'
	if not OURS:
	    # It looks at user and group, too, but does so when the first request comes.
	    raise SystemExit
	shim = Shim().start()
	os.setegid(1000)
	try:
	    other = Client(shim.address.removeprefix("unix://"))
	    try:
	        other.call(TASK, "Connect", pack("Connect", {"id": shim.id}))
	        raise AssertionError("it was served")
	    except (Closed, ConnectionResetError, BrokenPipeError):
	        pass
	finally:
	    os.setegid(0)
	assert shim.init_pid() == 0
	shim.shutdown_server()
	PY
}

# ---- events -------------------------------------------------------------------

@test "containerd's socket is not there: all works, and events come in order when it is" {
	python <<-'PY'
	events.stop()
	shim = Shim()
	shim.run("exit", "3")
	assert shim.wait().exit_status == 3
	answer = shim.delete()
	shim.run("wait")
	time.sleep(0.5)
	events.start()
	if OURS:
	    events.find("start", 1)
	    assert events.topics() == ["create", "start", "exit", "delete", "create", "start"], events.topics()
	else:
	    # It tries each again by itself, in any order.
	    events.find("delete")
	shim.finish()
	PY
}

@test "containerd goes and comes: no event is lost, none comes twice, the order stays" {
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	events.find("start")
	expected = ["create", "start"]
	for i in range(3):
	    events.stop()
	    shim.exec(f"e{i}", "exit", "0")
	    shim.go(exec_id=f"e{i}")
	    shim.wait(exec_id=f"e{i}")
	    shim.delete(exec_id=f"e{i}")
	    events.start()
	    expected += ["exec-added", "exec-started", "exit"]
	    events.find("exit", i)
	shim.finish()
	if OURS:
	    assert events.topics() == expected + ["exit", "delete"], events.topics()
	    ends = [event.text(2) for topic, _, event in events.events if topic == "/tasks/exit"]
	    assert ends == ["e0", "e1", "e2", shim.id], ends
	PY
}

@test "an event that is refused does not stop the next ones" {
	python <<-'PY'
	events.refuse = INVALID_ARGUMENT
	shim = Shim()
	shim.run("wait")
	eventually(lambda: events.connections > 0, "an event")
	time.sleep(0.3)
	events.refuse = None
	shim.kill(signal=9)
	shim.wait()
	events.find("exit")
	shim.finish()
	PY
}

@test "no containerd at all: Shutdown does not wait for ever for its events" {
	python <<-'PY'
	events.stop()
	shim = Shim()
	shim.run("exit", "0")
	shim.wait()
	shim.finish()
	PY
}

# ---- troubles -----------------------------------------------------------------

@test "the bundle vanishes: the container can be ended all the same" {
	python <<-'PY'
	if not OURS:
	    # It cannot do anything without its log.json.
	    raise SystemExit
	shim = Shim()
	pid = shim.run("wait")
	shutil.rmtree(shim.bundle)
	assert shim.status() == RUNNING
	shim.kill(signal=9)
	assert shim.wait().exit_status == 137
	answer = shim.delete()
	assert (answer.pid, answer.exit_status) == (pid, 137)
	fails(tuple(range(1, 15)), shim.create)
	shim.call("Shutdown", id=shim.id)
	eventually(lambda: not alive(shim.pid), "the server's end")
	PY
}

@test "a log that nobody reads does not stop the server" {
	python <<-'PY'
	shim = Shim()
	while True:
	    try:
	        os.write(shim.log, b"x" * 4096)
	    except BlockingIOError:
	        break
	if OURS:
	    # The reference blocks.
	    shim.run("exit", "2")
	    for _ in range(100):
	        fails(NOT_FOUND, shim.call, "State", id="other")
	    assert shim.wait().exit_status == 2
	    os.close(shim.log)
	    assert shim.state().exit_status == 2, "SIGPIPE"
	    shim.finish()
	PY
}

@test "a runtime that dies, hangs up or talks nonsense: an error, and the server lives" {
	python <<-'PY'
	shim = Shim().start()
	for name, script in (("dies", "kill -9 $$"), ("silent", "exit 1"), ("loud", "yes error | head -c 3000000 >&2; exit 1"),
	                     ("liar", "exit 0"), ("bytes", "printf '\\377\\376 bad \\n' >&2; exit 1")):
	    program = DIR / name
	    program.write_text(f"#!/bin/sh\ncase $* in *create*) {script};; esac\n")
	    program.chmod(0o755)
	    text = fails(tuple(range(1, 15)), shim.create, options=runc_options(root=ROOT, binary_name=str(program)))
	    assert len(text) < 100000, len(text)
	    fails(NOT_FOUND, shim.state)
	fails(tuple(range(1, 15)), shim.create, options=runc_options(root=ROOT, binary_name="/no/such/runtime"))
	shim.run("exit", "0")
	shim.wait()
	shim.finish()
	PY
}

@test "a slow runtime: the server answers meanwhile" {
	python <<-'PY'
	import shutil
	if not OURS:
	    # It waits for a lock of its own.
	    raise SystemExit
	real = os.environ["RUNTIME"]
	slow = DIR / "slow"
	slow.write_text(f"#!/bin/sh\ncase $* in *' create '*) until [ -e {DIR}/go ]; do sleep 0.01; done;; esac\nexec {real} \"$@\"\n")
	slow.chmod(0o755)
	shim = Shim().command("exit", "0").start()
	stream = shim.begin("Create", id=shim.id, bundle=str(shim.bundle), options=runc_options(root=ROOT, binary_name=str(slow)))
	other = shim.another_client()
	assert other.call("Connect", id=shim.id).shim_pid == shim.pid
	fails((NOT_FOUND, FAILED_PRECONDITION, ttrpc.UNAVAILABLE), other.call, "State", id="other")
	fails(ALREADY_EXISTS, other.create)
	other.call("Shutdown", id=shim.id)
	(DIR / "go").touch()
	assert shim.end("Create", stream).pid > 0
	shim.go()
	shim.wait()
	shim.finish()
	PY
}

@test "idle: little memory, one thread, nothing to do" {
	python <<-'PY'
	shim = Shim()
	shim.run("wait")
	shim.exec("e", "exit", "0")
	shim.go(exec_id="e")
	shim.wait(exec_id="e")
	shim.delete(exec_id="e")
	if OURS:
	    def switches():
	        return [line for line in open(f"/proc/{shim.pid}/status") if "ctxt" in line]
	    def sleeps():
	        before = switches()
	        time.sleep(1.5)
	        return switches() == before
	    eventually(sleeps, "its sleep")
	    assert len(os.listdir(f"/proc/{shim.pid}/task")) == 1
	    # The program's text is shared by all shims of a machine: as if there were three.
	    others = [Shim(f"-{name}").start() for name in "ab"]
	    with open(f"/proc/{shim.pid}/smaps_rollup", encoding="ascii") as file:
	        sizes = {line.split()[0]: int(line.split()[1]) for line in file if line.endswith("kB\n")}
	    assert sizes["Pss:"] < 700 and sizes["Anonymous:"] < 300, sizes
	    for other in others:
	        other.shutdown_server()
	shim.finish()
	PY
}

@test "a hundred containers one after the other in one server: nothing grows" {
	python <<-'PY'
	shim = Shim().command("exit", "1").start()
	def once():
	    shim.create()
	    shim.go()
	    assert shim.wait().exit_status == 1
	    shim.delete()
	for _ in range(10):
	    once()
	before = len(descriptors(shim.pid)), len(os.listdir(shim.bundle))
	for _ in range(500 if LONG else 50):
	    once()
	if OURS:
	    # A verb's end may still be under way when its answer is here.
	    eventually(lambda: (len(descriptors(shim.pid)), len(os.listdir(shim.bundle))) <= before,
	               f"the numbers of before, {before}: {descriptors(shim.pid)}, {os.listdir(shim.bundle)}")
	children = open(f"/proc/{shim.pid}/task/{shim.pid}/children")
	assert children.read() == ""
	shim.shutdown_server()
	PY
}
