# SPDX-License-Identifier: Apache-2.0
"""What run-tests runs suites with: commands with a bound and a log, their output
read as TAP, and the tally of it all."""

import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import re
import select
import shlex
import shutil
import signal
import subprocess
import threading
import time
import tty

TOP = pathlib.Path(__file__).resolve().parent.parent
LOGS = TOP / "build/test-logs"
RELEASE = TOP / "build/release"
LONG = os.environ.get("LONG", "") not in ("", "0")
JOBS = os.cpu_count() or 1
SKIPPED_STATUS = 77
TIMED_OUT = 124
NICE = 5  # a quarter of a processor when one other wants it

# Where the integration tests find what they test.
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "PATH": f"{RELEASE}:{os.environ.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin')}",
    "RUSTBOX_TOP": str(TOP),
    "RUSTBOX_BUILD": str(RELEASE),
    "RUSTBOX_RUNTIME": str(RELEASE / "rustbox-runtime"),
    "RUSTBOX_PAYLOAD": str(RELEASE / "payload"),
}


class Tally:
    """What passed, failed and was skipped, from all threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed = 0
        self.failures = []  # (suite, name, log, what it said)
        self.skips = []  # (suite, name, reason)

    def add(self, suite, name, outcome, log=None, reason="", said=""):
        with self.lock:
            if outcome == "ok":
                self.passed += 1
            elif outcome == "skip":
                self.skips.append((suite, name, reason or "no reason given"))
            else:
                self.failures.append((suite, name, log, said))

    def counts(self):
        return self.passed, len(self.failures), len(self.skips)


TALLY = Tally()
OUTPUT = threading.RLock()  # so that what belongs together stays together
STOPPED = threading.Event()  # we are told to end: nothing new begins


def relative(path):
    return os.path.relpath(path, TOP)


def log_path(suite, name):
    path = LOGS / suite / (re.sub(r"[^A-Za-z0-9_.-]+", "-", name) + ".log")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def kill_group(process):
    for sig, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, sig)
            process.wait(patience)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def give_way(pid):
    """Lets others go before a new session, as long as they do not take everything.

    Where the kernel makes each session a scheduling group (autogroup), the nice
    value of a process counts inside it and the group has one of its own.
    """
    os.setpriority(os.PRIO_PROCESS, pid, NICE)
    with contextlib.suppress(OSError):
        pathlib.Path(f"/proc/{pid}/autogroup").write_text(str(NICE), encoding="ascii")


def run(command, log, seconds, terminal=False, background=False, **env):
    """Runs a command in the top folder; gives its status and its output.

    With terminal, the output goes through a pseudo-terminal, so that a program
    that dies has not lost in a buffer what it had said.
    """
    environment = {**os.environ, **ENVIRONMENT, **env}
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):  # ours may be a make's
        environment.pop(name, None)
    ours, theirs = os.openpty() if terminal else os.pipe()
    if terminal:
        tty.setraw(theirs)  # no carriage returns
    process = subprocess.Popen(
        command, cwd=TOP, env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    if background:
        give_way(process.pid)
    deadline = time.monotonic() + seconds
    output = bytearray()
    timed_out = False
    with open(log, "wb") as file:
        file.write(f"$ {shlex.join(map(str, command))}\n".encode())
        ended = None
        while True:
            # A process left behind may hold the output open: when the command
            # itself has ended, only what is there already is read.
            now = time.monotonic()
            if now > deadline or STOPPED.is_set():
                timed_out = True
                break
            readable, _, _ = select.select([ours], [], [], 0.1)
            if readable:
                try:
                    data = os.read(ours, 65536)
                except OSError:  # a pseudo-terminal's end of file
                    data = b""
                if not data:
                    break
                output += data
                file.write(data)
                file.flush()
            elif process.poll() is not None:
                ended = ended or now
                if now - ended > 0.5:
                    break
        os.close(ours)
        try:
            status = process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            timed_out = True
        if timed_out:
            kill_group(process)
            status = TIMED_OUT
            why = "stopped" if STOPPED.is_set() else f"timed out after {seconds:.0f} s"
            file.write(f"\nrun-tests: {why}\n".encode())
        elif status != 0:
            file.write(f"\nrun-tests: status {status}\n".encode())
    return status, output.decode("utf-8", "replace")


def parallel(function, items, jobs=JOBS):
    """Calls function for each item; who is told to end tells the others."""
    def call(item):
        if not STOPPED.is_set():
            function(item)

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        futures = [pool.submit(call, item) for item in items]
        try:
            for future in futures:
                future.result()
        except (KeyboardInterrupt, SystemExit):
            STOPPED.set()
            raise


class Suite:
    """A name, a bound in seconds, a function, a line of help.

    background: another suite, which goes first, runs at the same time.
    """

    def __init__(self, name, seconds, function, text):
        self.name, self.seconds, self.function, self.text = name, seconds, function, text
        self.deadline = 0
        self.background = False

    def __call__(self):
        with OUTPUT:
            print(f"{self.name}: {self.text}", flush=True)
        shutil.rmtree(LOGS / self.name, ignore_errors=True)
        self.deadline = time.monotonic() + self.seconds
        try:
            self.function(self)
        except (OSError, subprocess.SubprocessError) as error:
            self.add(f"cannot be run: {error}", "fail")
            with OUTPUT:
                print(f"  {self.name} cannot be run: {error}", flush=True)

    def run(self, command, log, seconds, **options):
        return run(command, log, self.left(seconds), background=self.background, **options)

    def left(self, at_most=10**9):
        return max(1, min(at_most, self.deadline - time.monotonic()))

    def over(self):
        return time.monotonic() > self.deadline

    def add(self, name, outcome, log=None, reason="", said=""):
        TALLY.add(self.name, name, outcome, log, reason, said)

    def say(self, name, passed, failed, skipped, seconds, output=""):
        """The line of a test or a file, and the end of its output if it failed."""
        line = f"  {self.name:<12} {name:<34} {passed:4d} passed"
        line += f", {failed} FAILED" if failed else ""
        line += f", {skipped} skipped" if skipped else ""
        with OUTPUT:
            print(f"{line}  ({seconds:.1f} s)", flush=True)
            if failed:
                show(output, 25)

    def command(self, name, command, seconds, **env):
        """One command that is one test."""
        log = log_path(self.name, name)
        started = time.monotonic()
        status, output = self.run(command, log, seconds, **env)
        lines = output.strip().splitlines()
        outcome = {0: "ok", SKIPPED_STATUS: "skip"}.get(status, "fail")
        self.add(name, outcome, log, lines[-1] if lines else "", output)
        self.say(name, int(outcome == "ok"), int(outcome == "fail"), int(outcome == "skip"),
                 time.monotonic() - started, output)
        return outcome == "ok"

    def tap(self, name, output, status, log, seconds, status_matters=True, excused=()):
        """Counts the tests of a TAP stream (cmocka's or bats').

        excused: title -> reason; these are skipped rather than failed.
        """
        planned = seen = passed = failed = skipped = 0
        said = ""  # the last line that is not TAP: cmocka's reason for a skip
        lines = output.splitlines()
        for number, line in enumerate(lines, 1):
            plan = re.match(r"1\.\.(\d+)", line)
            test = re.match(r"(not )?ok (\d+)(?: - | )(.*)", line)
            if plan:
                planned += int(plan[1])
            elif test:
                seen += 1
                # bats: "ok 1 title in 3ms # skip reason"; cmocka: "not ok 1 # SKIP title"
                title, mark, rest = re.match(
                    r"(.*?)(?: in \d+ms)?\s*(?:# ((?i:skip)) ?(.*))?$", test[3]).groups()
                reason = rest if title else said
                title = title or rest
                if mark:
                    skipped += 1
                    self.add(f"{name}: {title}", "skip", log, reason)
                elif test[1] and title in excused:
                    skipped += 1
                    self.add(f"{name}: {title}", "skip", log, excused[title])
                elif test[1]:
                    failed += 1
                    self.add(f"{name}: {title}", "fail", log, said=until_next_test(lines[number:]))
                else:
                    passed += 1
                    self.add(title, "ok")
                said = ""
            elif line.strip() and not line.startswith("#"):
                said = line.strip()
        problem = None
        if status == TIMED_OUT:
            problem = "timed out"
        elif planned == 0 and not seen:
            problem = f"ran no test (status {status})"
        elif seen < planned:
            problem = f"{planned - seen} of {planned} tests did not run (status {status})"
        elif status and status_matters and not failed and not skipped:
            problem = f"exit status {status}"
        if problem:
            failed += 1
            self.add(f"{name}: {problem}", "fail", log, said=output)
        self.say(name, passed, failed, skipped, seconds,
                 "\n".join(l for l in lines if not re.match(r"ok \d+|1\.\.", l)))


def until_next_test(lines):
    """What a failed test of a TAP stream said: it follows the test's own line."""
    said = itertools.takewhile(lambda line: not re.match(r"(not )?ok \d|1\.\.\d", line), lines)
    return "\n".join(said)


def show(output, lines):
    for line in output.strip().splitlines()[-lines:]:
        print(f"      | {line[:200]}", flush=True)
