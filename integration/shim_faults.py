# SPDX-License-Identifier: Apache-2.0
"""Kills a shim's server at each step of a call and proves, for shim_faults.bats,
that what containerd does then (the `delete` action, the bundle removed) leaves
nothing: no process, mount, cgroup, state, socket, file.

A step is a system call of the server (its beginning, its end), or of what it
has started: the runtime, mounts, their children. Instead of being killed, they
may meet a failure of the call (fail_at).
"""

import glob
import os

from orphans import reap_orphans

reap_orphans()

from shim_client import *  # which has threads

KILL_AT, FAIL_AT = os.environ["KILL_AT"], os.environ["FAIL_AT"]
KILLED, NOT_REACHED = 0, 3
# How long what the server has started stands still when it is gone: the
# `delete` action comes before it goes on.
HOLD_MS = 30
MOST = 20000


def tagged(pid):
    for name in ("environ", "cmdline"):
        try:
            if TAG.encode() in pathlib.Path(f"/proc/{pid}/{name}").read_bytes():
                return alive(pid)
        except OSError:
            pass
    return False


def processes():
    return {int(pid) for pid in os.listdir("/proc") if pid.isdigit() and tagged(int(pid))}


OURS_ALWAYS = processes() | {os.getpid()}


def left(shim):
    """All that there is of the container, in words."""
    found = [f"process {pid}: {pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()!r}"
             for pid in processes() - OURS_ALWAYS if os.path.exists(f"/proc/{pid}")]
    found += [f"mount {line}" for line in open("/proc/self/mountinfo", encoding="utf-8")
              if f" {DIR}/" in line or TAG in line]
    for name in (f"/sys/fs/cgroup/*{TAG}*", f"/sys/fs/cgroup/*/*{TAG}*", f"{ROOT}/{NAMESPACE}/*",
                 f"{DIR}/tmp/*", socket_path(shim.id)):
        found += glob.glob(name)
    return found


def read_words(shim):
    try:
        return left(shim)
    except (FileNotFoundError, ProcessLookupError):  # it has gone while it was looked at
        return ["?"]


def create_fields(shim, terminal):
    """A root file system to mount in two steps, streams."""
    for name in ("upper", "work"):
        (shim.bundle / name).mkdir()
    (shim.bundle / "rootfs").mkdir(exist_ok=True)
    shim.config(lambda config: {**config, "root": {"path": "rootfs"}, "process": {
        **config["process"], "terminal": terminal}})
    out = Fifo("out").open()
    shim.fifos = [out]
    lower = f"lowerdir={BUNDLE}/rootfs"
    return {"stdout": out.path, "terminal": terminal, "rootfs": [
        [(1, "overlay"), (2, "overlay"), (4, lower), (4, f"upperdir={shim.bundle}/upper"),
         (4, f"workdir={shim.bundle}/work")],
        [(1, "bind"), (2, str(BUNDLE / "rootfs/etc")), (3, "mnt"), (4, "rbind"), (4, "ro")]]}


def make(words, terminal):
    shim = Shim()
    shim.fifos = []
    shim.command(*words)
    shim.start()
    shim.created = create_fields(shim, terminal)
    return shim


def prepare_created(shim):
    shim.create(**shim.created)


def prepare_exec(shim):
    shim.run(**shim.created)
    shim.exec("e", "wait")


def prepare_stopped(shim):
    shim.run(**shim.created)
    shim.wait()


def begin_create(shim):
    return shim.begin("Create", id=shim.id, bundle=str(shim.bundle), options=runc_options(root=ROOT),
                      **shim.created)


VERBS = {
    "create": (("wait",), lambda shim: None, begin_create),
    "start": (("wait",), prepare_created, lambda shim: shim.begin("Start", id=shim.id)),
    "exec": (("wait",), prepare_exec, lambda shim: shim.begin("Start", id=shim.id, exec_id="e")),
    "delete": (("exit", "3"), prepare_stopped, lambda shim: shim.begin("Delete", id=shim.id)),
}


def watch(shim, step, children):
    watcher = subprocess.Popen(
        [KILL_AT, "--of", str(shim.pid), *(["--children"] if children else []), "--hold",
         str(HOLD_MS), str(step)], stdout=subprocess.PIPE)
    assert watcher.stdout.readline() == b"ready\n"
    return watcher


def is_killed(shim, watcher, begin):
    """Once the call is answered, or the server gone."""
    try:
        shim.client.end(begin(shim))
    except (Closed, ConnectionError):  # what we had sent was not read, or could not be sent
        return True
    # What follows an answer: an event, streams that are copied.
    watcher.terminate()
    # Who was killed may still be about to end.
    return watcher.wait() == 0 or not alive(shim.pid)


def kill_in(verb, step, children, terminal=False):
    """True when the server was killed; False when the call had not so many steps."""
    words, prepare, begin = VERBS[verb]
    shim = make(words, terminal)
    prepare(shim)
    watcher = watch(shim, step, children)
    killed = is_killed(shim, watcher, begin)
    if not killed:
        shim.kill_server()
    _, status, _ = shim.delete_action()
    assert status == 137, status
    with watcher:  # until all goes on
        watcher.stdout.read()
    where = f"{verb}, step {step} of {'children' if children else 'the server'}"
    deadline = time.monotonic() + 30
    while words := read_words(shim):
        assert time.monotonic() < deadline, f"{where}: left is {words}"
        time.sleep(0.005)
    forget(shim)
    return killed


def forget(shim):
    """containerd removes the bundle."""
    for fifo in shim.fifos:
        fifo.close()
        os.unlink(fifo.path)
    os.close(shim.log)
    shim.client.close()
    Shim.all.remove(shim)
    shutil.rmtree(shim.bundle)


def kill_at_each(verb, children=False, stride=1, terminal=False, least=1):
    """Kills at each step, or at every stride'th where that is enough."""
    stride = 1 if LONG else stride
    done = 0
    for step in range(1, MOST, stride):
        if not kill_in(verb, step, children, terminal):
            break
        done += 1
    print(f"{verb}: killed at {done} steps")
    assert done >= least, done


# ---- failing ----------------------------------------------------------------------

WHAT_FAILED = pathlib.Path(DIR, "what-failed")


def answer_of(shim, begin):
    """None, or what the call is refused with."""
    try:
        shim.client.end(begin(shim))
    except Failure as failure:
        return str(failure)
    return None


def fail_in(verb, number):
    """One system call of the server, or of what it starts, fails: the call says why or has done its
    work, the server lives, and what containerd does then leaves nothing. What has failed, or ""."""
    words, prepare, begin = VERBS[verb]
    shim = make(words, False)
    prepare(shim)
    WHAT_FAILED.write_bytes(b"")
    with subprocess.Popen([FAIL_AT, str(WHAT_FAILED), str(number), "--of", str(shim.pid)],
                          stdout=subprocess.PIPE) as watcher:
        assert watcher.stdout.readline() == b"ready\n"
        refused = answer_of(shim, begin)
        watcher.terminate()
    failed = WHAT_FAILED.read_text(encoding="utf-8").strip()
    where = f"{verb}, failure {number}: {failed}: {refused}"
    assert refused is None or ": " in refused, where
    assert alive(shim.pid), where
    shim.kill_server()
    _, status, _ = shim.delete_action()
    assert status == 137, where
    deadline = time.monotonic() + 30
    while words := read_words(shim):
        assert time.monotonic() < deadline, f"{where}: left is {words}"
        time.sleep(0.005)
    forget(shim)
    return failed


def fail_in_each(verb, stride=1, least=1):
    stride = 1 if LONG else stride
    done = 0
    for number in range(1, MOST, stride):
        if not fail_in(verb, number):
            break
        done += 1
    print(f"{verb}: failed in {done} ways")
    assert done >= least, done
