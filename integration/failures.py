# SPDX-License-Identifier: Apache-2.0
"""Makes each system call of the runtime fail, in each way that it may (fail_at), and proves, for
failures.bats:

- a verb that fails says why, in a line; one that does not has done all that it does otherwise: the
  container sees itself, and the host sees it, as without a failure;
- a create that fails has left nothing: no process, cgroup, mount, state, file; a run no process;
- whatever has failed, the next verb is right, and `delete --force` leaves nothing.
"""

import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

from orphans import reap_orphans

reap_orphans()

RUNTIME, FAIL_AT = os.environ["RUNTIME"], os.environ["FAIL_AT"]
DIR, ROOT, BUNDLE, ID = (os.environ[name] for name in ("DIR", "ROOT", "B", "ID"))
TAG = os.environ["RUSTBOX_TEST_TAG"]
STRIDE = int(os.environ["STRIDE"])
BOUND = 60
MOST = 100000
FAILED = "failed"  # instead of what a verb makes
WHAT_FAILED = pathlib.Path(DIR, "what-failed")
# Of cgroup v1 and v2: what the configuration of failures.bats limits.
LIMITS = ("pids.max", "memory.limit_in_bytes", "memory.max", "cpu.shares", "cpu.weight",
          "devices.list")


# ---- calls ----------------------------------------------------------------------


def call(*args, program=(), place="call"):
    """place: the files that its standard streams are; a container that it makes keeps them."""
    out, err = pathlib.Path(DIR, f"{place}.out"), pathlib.Path(DIR, f"{place}.err")
    for path in (out, err):
        path.unlink(missing_ok=True)
    with out.open("wb") as stdout, err.open("wb") as stderr:
        done = subprocess.run([*program, RUNTIME, "--root", ROOT, *args], stdin=subprocess.DEVNULL,
                              stdout=stdout, stderr=stderr, timeout=BOUND, check=False)
    done.stdout, done.stderr = read(out).decode(), read(err).decode()
    return done


def must(*args, place="call"):
    done = call(*args, place=place)
    assert done.returncode == 0, (args, done.returncode, done.stderr)
    return done.stdout


def none():
    pass


def created():
    must("create", "--bundle", BUNDLE, ID, place="container")


def running():
    must("run", "--detach", "--bundle", BUNDLE, ID, place="container")


def paused():
    running()
    must("pause", ID)


IMAGES = f"{DIR}/images"


def saved():
    running()
    must("checkpoint", "--image-path", IMAGES, ID)


def status():
    """Of the container; None when there is none."""
    done = call("state", ID)
    if done.returncode:
        assert "does not exist" in done.stderr, done.stderr
        return None
    return json.loads(done.stdout)["status"]


def until(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.002)


# ---- what there is --------------------------------------------------------------


def read(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError:  # it has gone
        return b""


def processes():
    return {pid for pid in os.listdir("/proc") if pid.isdigit() and TAG.encode() in
            read(f"/proc/{pid}/environ") + read(f"/proc/{pid}/cmdline")}


OURS_ALWAYS = processes() | {str(os.getpid())}


def left():
    found = [f"process {pid}: {read(f'/proc/{pid}/cmdline')!r}" for pid in processes() - OURS_ALWAYS]
    found += [f"mount {line}" for line in read("/proc/self/mountinfo").decode().splitlines()
              if f" {DIR}/" in line]
    for pattern in (f"/sys/fs/cgroup/{TAG}*", f"/sys/fs/cgroup/*/{TAG}*", f"{ROOT}/*", f"{ROOT}/.*",
                    f"{DIR}/tmp/*"):
        found += glob.glob(pattern)
    return found


def check_nothing_left(where):
    deadline = time.monotonic() + 30
    while words := left():
        assert time.monotonic() < deadline, f"{where}: left is {words}"
        time.sleep(0.002)


def limits():
    """As the host sees them."""
    return {name: read(name) for folder in glob.glob(f"/sys/fs/cgroup/{TAG}*") +
            glob.glob(f"/sys/fs/cgroup/*/{TAG}*") for name in (f"{folder}/{file}" for file in LIMITS)}


def drawn(place):
    """How a container saw itself, once it has ended."""
    until(lambda: status() == "stopped", "the container's end")
    return read(f"{DIR}/{place}.out")


# ---- verbs ----------------------------------------------------------------------


def after_create(done):
    if done.returncode:
        return check_nothing_left("at once")
    assert status() == "created"
    seen = limits()
    must("start", ID)
    return seen, drawn("verb")


def after_start(done):
    if done.returncode:
        # A hook that fails takes the container with it (runtime-spec, lifecycle).
        assert status() in ("created", "stopped") or " hook #" in done.stderr, status()
        return None
    return drawn("container")


def after_run(done):
    """It may be its own deleting that has failed."""
    if done.returncode == 0:
        check_nothing_left("at once")
    else:
        until(lambda: not processes() - OURS_ALWAYS, "the end of all processes")
    return done.stdout


def after_exec(done):
    assert status() == "running"
    return done.stdout


def after_update(done):
    assert status() == "running"
    return limits()


def after_status(wanted, before):
    """The state that a verb makes of another."""
    def check(done):
        assert status() in ((wanted,) if done.returncode == 0 else (wanted, before)), status()
    return check


def after_kill(done):
    if done.returncode == 0:
        until(lambda: status() == "stopped", "its end")


def after_checkpoint(done):
    """It has ended for good, or runs on. It may be its own deleting that has failed: then there are
    images, and no processes."""
    if done.returncode == 0:
        assert status() is None
    elif not os.path.exists(f"{IMAGES}/rustbox.json") or processes() - OURS_ALWAYS:
        assert status() == "running"
    shutil.rmtree(IMAGES, ignore_errors=True)


def after_restore(done):
    shutil.rmtree(IMAGES)
    if done.returncode:
        return check_nothing_left("at once")
    assert status() == "running"
    return limits()


def after_delete(done):
    if done.returncode == 0:
        check_nothing_left("at once")


def same_text(done):
    """Of a verb that only tells: all but pids, times, the columns that they make, and the owner's
    name, which may stay a number."""
    return re.sub(r"#?[0-9]+|\s+|root", " ", done.stdout).split()


VERBS = {
    "create": (none, ("create", "--bundle", BUNDLE, ID), after_create),
    "start": (created, ("start", ID), after_start),
    "run": (none, ("run", "--bundle", BUNDLE, ID), after_run),
    "exec": (running, ("exec", ID, "sh", "/portrait"), after_exec),
    "update": (running, ("update", "--pids-limit", "77", "--memory", "67108864", ID), after_update),
    "pause": (running, ("pause", ID), after_status("paused", "running")),
    "resume": (paused, ("resume", ID), after_status("running", "paused")),
    "kill": (running, ("kill", ID, "KILL"), after_kill),
    "delete": (running, ("delete", "--force", ID), after_delete),
    "checkpoint": (running, ("checkpoint", "--image-path", IMAGES, ID), after_checkpoint),
    "restore": (saved, ("restore", "--detach", "--image-path", IMAGES, "--bundle", BUNDLE, ID),
                after_restore),
    "state": (created, ("state", ID), same_text),
    "list": (created, ("list",), same_text),
    "ps": (running, ("ps", ID), same_text),
    "features": (none, ("features",), same_text),
}


# ---- one failure after the other --------------------------------------------------


def check_error(done):
    """One line, and it has a reason."""
    assert done.stderr.endswith("\n") and done.stderr.count("\n") == 1, "its error is no line"
    assert ": " in done.stderr, "its error has no reason"


def fail_in(verb, number):
    """What has failed, or "" when there were not so many ways; and what came of it."""
    prepare, args, after = VERBS[verb]
    prepare()
    done = call(*args, program=(FAIL_AT, WHAT_FAILED, str(number)), place="verb")
    failed = WHAT_FAILED.read_text(encoding="utf-8").strip()
    try:
        if done.returncode:
            check_error(done)
        came = after(done)
        if done.returncode:
            came = FAILED
        must("delete", "--force", ID)
        check_nothing_left("after delete --force")
    except AssertionError as problem:
        raise AssertionError(f"{verb}, {number}: {failed}: {problem}; its status was "
                             f"{done.returncode}, its error {done.stderr!r}") from problem
    return failed, came


def fail_in_each(verb, least):
    """Each STRIDE'th failure of a verb."""
    failed, usual = fail_in(verb, MOST)
    assert not failed and usual != FAILED, read(f"{DIR}/verb.err")
    count = 0
    for number in range(1, MOST, STRIDE):
        failed, came = fail_in(verb, number)
        if not failed:
            break
        count += 1
        assert came in (FAILED, usual), (
            f"{verb}, {number}: {failed} made no error but a difference: {came} is not {usual}")
    print(f"{verb}: failed in {count} ways")
    assert count >= least, count
