# SPDX-License-Identifier: Apache-2.0
"""Makes each system call of rustbox's commands fail, in each way that it may (fail_at), and proves,
for rustbox_failures.bats, beyond what rustbox_faults.py does:

- a command that succeeds has done all that it does without a failure;
- one that fails says why;
- nothing is left behind, and nothing half made.
"""

from rustbox_faults import *

FILE = f"{DIR}/file"


def ended():
    """It has said something, and has ended."""
    call("run", "--name", NAME, "sh", "-c", "echo one; echo two >&2; exit 3", fails=True)


def with_file():
    running()
    call("exec", NAME, "sh", "-c", "echo content >/file")


def network():
    call("network", "create", "--driver", "bridge", "n")


def networks():
    return call("network", "list", "--format", "{{.Name}}").stdout.split()


# ---- what a command has done ------------------------------------------------------


def after(done):
    """Its exit status and what it has written; the file that it has made."""
    return done.returncode, done.stdout, read(FILE)


def restart_policy():
    return json.loads(call("inspect", NAME).stdout)[0]["HostConfig"]["RestartPolicy"]["Name"]


def clean():
    """Removes all that there is, by commands."""
    for row in containers().values():
        if row["State"] == "paused":
            call("unpause", row["ID"])
        call("rm", "-fv", row["ID"])
    for name in call("volume", "list", "--quiet").stdout.split():
        call("volume", "rm", name)
    for name in networks():
        if name == "n":
            call("network", "rm", name)
    call("system", "prune", "--all")
    pathlib.Path(FILE).unlink(missing_ok=True)


def one_failure(prepare, command, number, effect):
    """What has failed, or "" when there were not so many ways; whether it ended well; its effect."""
    prepare()
    where = f"{prepare.__name__}, {command}, failure {number}"
    done = call(*command, program=(FAIL_AT, str(WHAT_FAILED), str(number)), fails=True)
    failed = what_failed()
    where += f": {failed}"
    said = done.stderr.splitlines()
    # A reason, if anything is said at all: who ends with the status of a process has none.
    assert all(": " in line or line in ("two",) for line in said), f"{where}: {done.stderr!r}"
    assert done.returncode < 128, f"{where}: status {done.returncode}"
    # Not what it prints: a warning is allowed, and must have a reason.
    check_truth(where)
    return failed, done, effect(done), where


def fail_in(prepare, *command, stride, least=3, effect=after):
    """Each stride'th failure. effect(done) describes what the command has done."""
    failed, done, usual, where = one_failure(prepare, command, MOST, effect)
    assert not failed and not done.stderr.replace("two\n", ""), (where, done.stderr)
    status = done.returncode
    clean()
    before = {name: tree(name) for name in ("images", "volumes", "networks")}

    def fail(number):
        failed, done, came, where = one_failure(prepare, command, number, effect)
        if done.returncode == status and not (status and done.stderr.replace("two\n", "")):
            assert came == usual, f"{where}: no error but a difference: {came} is not {usual}"
        else:
            assert done.stderr, f"{where}: status {done.returncode}, and no reason"
        clean()
        for name, paths in before.items():
            assert tree(name) <= paths, f"{where}: left is {tree(name) - paths}"
        check_nothing_left(where)
        return failed

    failures(stride, least, fail)
