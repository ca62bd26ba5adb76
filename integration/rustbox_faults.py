# SPDX-License-Identifier: Apache-2.0
"""Kills the processes of `rustbox` at their steps, for rustbox_faults.bats, and
proves that the next command shows the truth, that the container can be used or
removed, and that nothing is left: no process, mount, cgroup, file, socket.

A step is a system call, its beginning or its end (kill_at): of a command and
all that it starts; of a supervisor; of what a supervisor starts. Instead of
being killed at it, they may meet its failure (fail_at).
"""

import glob
import itertools
import json
import os
import pathlib
import signal
import subprocess
import time

from orphans import reap_orphans

reap_orphans()

RUSTBOX, KILL_AT, FAIL_AT = (os.environ[name] for name in ("RUSTBOX", "KILL_AT", "FAIL_AT"))
DIR, TAG, ROOT = (os.environ[name] for name in ("DIR", "RUSTBOX_TEST_TAG", "RUSTBOX_ROOT"))
LONG = os.environ.get("LONG", "0") not in ("", "0")
NAME = "box"
KILLED, TROUBLE, NOT_REACHED = 0, 1, 3
# How long what a supervisor has started stands still when it is gone: the next
# command comes before it goes on.
HOLD_MS = 30
MOST = 40000
BOUND = 60
# Long-lived, and ends at once when it is asked to.
WAITS = ("sh", "-c", 'trap "exit 0" TERM; echo up; while :; do sleep 1000 & wait; done')


# ---- calls ----------------------------------------------------------------------


def call(*args, fails=False, program=(), stdin="/dev/null"):
    """The result of a command; it must succeed, unless it is said that it may not."""
    with open(f"{DIR}/call.out", "w+b") as out, open(f"{DIR}/call.err", "w+b") as err, \
            open(stdin, "rb") as source:
        done = subprocess.run([*program, RUSTBOX, *args], stdin=source, stdout=out,
                              stderr=err, timeout=BOUND, check=False)
        out.seek(0)
        err.seek(0)
        done.stdout, done.stderr = out.read().decode(), err.read().decode()
    assert fails or done.returncode == 0, (args, done.returncode, done.stderr)
    return done


def begin(*args, **streams):
    """A command in the background."""
    return subprocess.Popen([RUSTBOX, *args], stdin=subprocess.DEVNULL,
                            **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams})


def until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.005)
    return result


def containers():
    """What list shows: {name: row}."""
    rows = call("list", "--all", "--no-trunc", "--format", "json").stdout.splitlines()
    return {row["Names"]: row for row in map(json.loads, rows)}


def state(name=NAME):
    return json.loads(call("inspect", name).stdout)[0]["State"]


# ---- the machine ----------------------------------------------------------------


def read(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError:  # it has gone
        return b""


def pids():
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit()]


def alive(pid):
    return read(f"/proc/{pid}/stat").rpartition(b")")[2][1:2] not in (b"", b"Z", b"X")


def mount_namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return ""


def is_contained(pid, identity=""):
    """In a container of the test's, or in this one."""
    return (mount_namespace(pid) != OUR_NAMESPACE and
            f"{ROOT}/overlay/{identity}".encode() in read(f"/proc/{pid}/mountinfo").split(b"\n")[0])


OUR_NAMESPACE = mount_namespace("self")


def ours():
    return {pid for pid in pids() if alive(pid) and (
        TAG.encode() in read(f"/proc/{pid}/environ") + read(f"/proc/{pid}/cmdline")
        or is_contained(pid))}


OURS_ALWAYS = ours() | {os.getpid()}


def supervisor(identity):
    """Its pid, or None."""
    for pid in ours():
        if read(f"/proc/{pid}/cmdline").endswith(b"\0supervise\0" + identity.encode() + b"\0"):
            return pid
    return None


def inside(identity):
    return [pid for pid in pids() if is_contained(pid, identity) and alive(pid)]


seen = set()  # ids


def note_ids():
    for name in glob.glob(f"{ROOT}/bundles/*") + glob.glob(f"{ROOT}/run/*"):
        if os.path.isdir(name):
            seen.add(os.path.basename(name))
    for line in read(f"{ROOT}/run/events").splitlines():
        try:
            seen.add(json.loads(line)["id"])
        except (ValueError, KeyError):  # a crash has cut it
            pass


def left():
    """All that there is, in words."""
    note_ids()
    found = [f"process {pid}: {read(f'/proc/{pid}/cmdline')!r}" for pid in ours() - OURS_ALWAYS]
    found += [f"mount {line}" for line in read("/proc/self/mountinfo").decode().splitlines()
              if f" {ROOT}/" in line]
    for parent in ("/sys/fs/cgroup/rustbox", *glob.glob("/sys/fs/cgroup/*/rustbox")):
        found += [f"{parent}/{name}" for name in seen if os.path.isdir(f"{parent}/{name}")]
    for folder in ("containers", "names", "logs", "overlay", "bundles", "run"):
        found += [name for name in glob.glob(f"{ROOT}/{folder}/*") + glob.glob(f"{ROOT}/{folder}/.*")
                  if "/run/events" not in name]
    found += [name for name in glob.glob(f"{ROOT}/volumes/*") if len(os.path.basename(name)) == 64]
    return found + glob.glob(f"{DIR}/tmp/*")


def check_nothing_left(where):
    deadline = time.monotonic() + 30
    while words := left():
        assert time.monotonic() < deadline, f"{where}: left is {words}"
        time.sleep(0.01)


# ---- the truth ------------------------------------------------------------------


def is_true(row):
    """None when what list says of a container holds, else what does not."""
    identity, shown = row["ID"], row["State"]
    if shown == "restarting" or row["Status"].startswith("Removal"):
        return shown
    watcher, processes = supervisor(identity), inside(identity)
    if shown in ("running", "paused"):
        if not watcher or row["Pid"] not in processes:
            return f"{shown}, but: supervisor {watcher}, processes {processes}, not {row['Pid']}"
    elif processes or watcher:
        return f"{shown}, but: supervisor {watcher}, processes {processes}"
    return None


def check_truth(where):
    """As soon as nobody is in the middle of anything: then nothing that `list` shows is false, and
    nothing half made is there."""
    deadline = time.monotonic() + 60
    while True:
        rows = containers()
        wrong = [words for words in map(is_true, rows.values()) if words]
        known = {row["ID"] for row in rows.values()}
        wrong += [name for folder in ("bundles", "overlay", "logs", "run")
                  for name in glob.glob(f"{ROOT}/{folder}/*")
                  if os.path.basename(name) not in known and "/run/events" not in name]
        if not wrong:
            return rows
        assert time.monotonic() < deadline, f"{where}: {wrong}; {read_logs()}"
        time.sleep(0.01)


def read_logs():
    return b"\n".join(map(read, glob.glob(f"{ROOT}/run/*/log")))[-2000:]


# ---- states ---------------------------------------------------------------------


def none():
    pass


def created():
    call("create", "--name", NAME, *WAITS)


def running(*options):
    identity = call("run", "-d", "--name", NAME, *options, *WAITS).stdout.strip()
    until(lambda: b"up" in read(f"{ROOT}/logs/{identity}/stdout.log"), "its beginning")


def with_restart():
    running("--restart", "always")


def paused():
    running()
    call("pause", NAME)


def with_volume():
    running("-v", "/its-own")
    call("stop", NAME)


def stopped():
    running()
    call("stop", NAME)


def exited():
    running()
    call("kill", NAME)


def restarting():
    """It waits for its next start."""
    call("run", "-d", "--name", NAME, "--restart", "always", "sh", "-c", "exit 3")
    until(lambda: state()["Status"] == "restarting", "a restart")


def stopping():
    """Somebody has asked for its end, and it takes its time."""
    identity = call("run", "-d", "--name", NAME, "sh", "-c",
                    'trap "echo asked" TERM; echo up; while :; do sleep 1000 & wait; done').stdout
    until(lambda: b"up" in read(f"{ROOT}/logs/{identity.strip()}/stdout.log"), "its beginning")
    begin("stop", "-t", "100", NAME)
    until(lambda: b"asked" in read(f"{ROOT}/logs/{identity.strip()}/stdout.log"), "its signal")


# ---- killing --------------------------------------------------------------------


def prove(where, name=NAME, stays=True):
    """After whatever has happened. stays: the container does not end by itself."""
    note_ids()
    rows = check_truth(where)
    present = [key for key in rows if key.startswith(name)]
    assert len(present) <= 1, (where, rows)
    if present and rows[present[0]]["State"] == "paused":
        call("unpause", *present)
    if present:
        call("restart", "-t", "0", *present)
        if stays:
            assert state(*present)["Running"], where
            call("exec", *present, "true")
        call("rm", "-fv", *present)
    check_nothing_left(where)


def steps(stride, least, kill):
    """kill(step) says whether there was such a step. Every stride'th, or sixteen times as many."""
    done = 0
    for step in range(1, MOST, max(1, stride // 16) if LONG else stride):
        if not kill(step):
            break
        done += 1
    print(f"killed at {done} steps")
    assert done >= least, done


def kill_command(prepare, *command, stride, least=3):
    """At the steps of the command and all that it starts, whose process is killed."""
    def kill(step):
        prepare()
        done = call(*command, program=(KILL_AT, "--all", str(step)), fails=True)
        assert done.returncode in (KILLED, NOT_REACHED), done
        prove(f"{prepare.__name__}, {command}, step {step}")
        return done.returncode == KILLED

    steps(stride, least, kill)


def kill_removal(prepare, stride, least=3):
    """The same removal once more ends it, whatever the first has left."""
    def kill(step):
        prepare()
        done = call("rm", "-fv", NAME, program=(KILL_AT, "--all", str(step)), fails=True)
        assert done.returncode in (KILLED, NOT_REACHED), done
        call("rm", "-fv", NAME)
        containers()
        check_nothing_left(f"{prepare.__name__}, rm -f, step {step}")
        return done.returncode == KILLED

    steps(stride, least, kill)


def kill_behind(prepare, *command, stride, options=(), least=3):
    """While the command asks the container's supervisor for something: at that one's steps; or, with
    --children, at those of what it starts; with --culprit not itself is killed, but that child."""
    def kill(step):
        prepare()
        pid = supervisor(containers()[NAME]["ID"])
        with subprocess.Popen([KILL_AT, "--of", str(pid), *options, "--hold", str(HOLD_MS), str(step)],
                              stdout=subprocess.PIPE) as watcher:
            assert watcher.stdout.readline() == b"ready\n"
            call(*command, fails=True)
            check_truth_soon(f"{prepare.__name__}, {command}, {options} step {step}")
            stop_watching(watcher)
        prove(f"{prepare.__name__}, {command}, {options} step {step}",
              stays=prepare is not restarting)
        return watcher.returncode == KILLED

    steps(stride, least, kill)


def stop_watching(watcher):
    """Who was killed is dead by now: then it ends by itself."""
    try:
        watcher.wait(10 * HOLD_MS / 1000)
    except subprocess.TimeoutExpired:
        watcher.terminate()
    watcher.stdout.read()


def check_truth_soon(where):
    """The next command, while others are still at it: it must come through."""
    done = call("list", "--all")
    assert "warning" not in done.stderr, (where, done.stderr)


# ---- images and volumes ---------------------------------------------------------


def tree(folder):
    return {os.path.join(path, name) for path, folders, files in os.walk(f"{ROOT}/{folder}")
            for name in folders + files}


def archive():
    """Of a root file system, made once."""
    name = f"{DIR}/root.tar"
    if not os.path.exists(name):
        subprocess.run(["tar", "-cf", name, "-C", "rootfs", "."], check=True)
    return name


def image():
    call("import", archive(), "first:1")


def committed():
    image()
    call("create", "--name", NAME, "--image", "first:1", "true")
    call("commit", NAME, "second:1")


def volume():
    call("volume", "create", "v")


def kill_making(prepare, *command, stride, least=3):
    """At the steps of a command that makes or removes an image or a volume: then the same command
    does it, and when all is removed nothing is left."""
    image()
    call("rmi", "first:1")
    empty = {name: tree(name) for name in ("images", "volumes")}

    def kill(step):
        prepare()
        done = call(*command, program=(KILL_AT, "--all", str(step)), fails=True)
        assert done.returncode in (KILLED, NOT_REACHED), done
        where = f"{prepare.__name__}, {command}, step {step}"
        again = call(*command, fails=True)
        assert again.returncode == 0 or "no such" in again.stderr or "exists" in again.stderr, (
            where, again.stderr)
        check_truth(where)
        for name in containers():
            call("rm", "-f", name)
        for name in call("volume", "list", "--quiet").stdout.split():
            call("volume", "rm", name)
        call("volume", "prune")
        call("system", "prune", "--all")
        for name, before in empty.items():
            assert tree(name) == before, f"{where}: left is {tree(name) - before}"
        check_nothing_left(where)
        return done.returncode == KILLED

    steps(stride, least, kill)


# ---- at once --------------------------------------------------------------------


def race(rounds, prepare, *commands, wins):
    """Commands that begin together; so many of them succeed, and those that do not say why."""
    wanted = (wins,) if isinstance(wins, int) else wins
    for _ in range(rounds):
        prepare()
        racers = [begin(*command, stderr=subprocess.PIPE) for command in commands]
        said = [racer.communicate(timeout=BOUND)[1].decode() for racer in racers]
        codes = [racer.returncode for racer in racers]
        where = f"{prepare.__name__}, {commands}: {codes} {said}"
        assert codes.count(0) in wanted, where
        assert all(text.count("\n") == 1 for text, code in zip(said, codes) if code), where
        rows = check_truth(where)
        if rows:
            call("rm", "-f", *rows)
        check_nothing_left(where)


# ---- failing ----------------------------------------------------------------------

WHAT_FAILED = pathlib.Path(DIR, "what-failed")


def check_reason(done, where):
    """Of who fails: lines, each with a reason."""
    said = done.stderr.splitlines()
    assert not done.returncode or said and all(": " in line for line in said), (
        f"{where}: status {done.returncode}, but no reason: {done.stderr!r}")


def failures(stride, least, fail):
    """fail(number) says what has failed, if there was so much that may. Every stride'th."""
    done = 0
    for number in range(1, MOST, max(1, stride // 16) if LONG else stride):
        if not fail(number):
            break
        done += 1
    print(f"failed in {done} ways")
    assert done >= least, done


def what_failed():
    return WHAT_FAILED.read_text(encoding="utf-8").strip()


def fail_command(prepare, *command, stride, least=3):
    """A system call fails: of the command, of the supervisor that it starts, of the runtime."""
    def fail(number):
        prepare()
        done = call(*command, program=(FAIL_AT, str(WHAT_FAILED), str(number)), fails=True)
        where = f"{prepare.__name__}, {command}, failure {number}: {what_failed()}"
        check_reason(done, where)
        prove(where)
        return what_failed()

    failures(stride, least, fail)


def fail_behind(prepare, *command, stride, least=3):
    """While the command asks the supervisor for something: of that one and of what it starts."""
    def fail(number):
        prepare()
        pid = supervisor(containers()[NAME]["ID"])
        WHAT_FAILED.write_bytes(b"")
        with subprocess.Popen([FAIL_AT, str(WHAT_FAILED), str(number), "--of", str(pid)],
                              stdout=subprocess.PIPE) as watcher:
            assert watcher.stdout.readline() == b"ready\n"
            done = call(*command, fails=True)
            watcher.terminate()
        where = f"{prepare.__name__}, {command}, failure {number} of the supervisor: {what_failed()}"
        check_reason(done, where)
        prove(where, stays=prepare is not restarting)
        return what_failed()

    failures(stride, least, fail)
