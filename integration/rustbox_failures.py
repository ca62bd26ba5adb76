# SPDX-License-Identifier: Apache-2.0
"""Makes each system call of rustbox's commands fail, in each way that it may (fail_at), and proves,
for rustbox_failures.bats, beyond what rustbox_faults.py does:

- a command that succeeds has done all that it does without a failure;
- one that fails says why; so does one that does not give all that a container has said;
- nothing is left behind, and nothing half made.
"""

import contextlib
import re
import tarfile

from rustbox_faults import *

FILE = f"{DIR}/file"
ARCHIVE = f"{DIR}/saved.tar"
INPUT = f"{DIR}/input"
# Output of both kinds, and an end of its own.
SAYS = "echo one; echo two >&2; exit 3"
SAID = ("two",)


# ---- states -----------------------------------------------------------------------


def ended():
    """It has said something, and has ended."""
    call("run", "--name", NAME, "sh", "-c", SAYS, fails=True)


def with_file():
    running()
    call("exec", NAME, "sh", "-c", "echo content >/file")


def ready():
    """It says something as soon as it is started."""
    call("create", "--name", NAME, "sh", "-c", SAYS)


def listening():
    """It says something as soon as it is told something, by INPUT."""
    call("run", "-di", "--name", NAME, "sh", "-c", f"read line; echo $line; {SAYS}")
    pathlib.Path(INPUT).write_text("zero\n", encoding="utf-8")


def of_image():
    """A container of an image, which has added to it, at the same time always."""
    image()
    call("run", "--name", NAME, "--image", "first:1", "sh", "-c",
         "mkdir -p /a/b; echo c >/a/b/c; touch -d '2020-01-01 00:00:00' /a/b/c /a/b /a /")


def saved():
    image()
    call("save", "-o", ARCHIVE, "first:1")
    call("rmi", "first:1")


def network():
    call("network", "create", "--driver", "bridge", "n")


def networks():
    return call("network", "list", "--format", "{{.Name}}").stdout.split()


# ---- what a command has done ------------------------------------------------------


def after(done):
    """Its exit status and what it has written; the file that it has made."""
    return done.returncode, done.stdout, read(FILE)


def after_saying(done):
    """What the container has said, as it came and as it was kept."""
    said = [line for line in done.stderr.splitlines() if line in SAID]
    kept = [call("logs", name) for name in containers()]
    return done.returncode, done.stdout, said, [(log.stdout, log.stderr) for log in kept]


def restart_policy():
    return json.loads(call("inspect", NAME).stdout)[0]["HostConfig"]["RestartPolicy"]["Name"]


def images():
    """Those with names, and what they are made of: one without is complete, too, and goes by prune."""
    names = call("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    names = [name for name in names if "<none>" not in name]
    return sorted((name, *json.loads(call("image", "inspect", name).stdout)[0]["RootFS"]["Layers"])
                  for name in names)


def entries(path):
    """Of an archive, without names that follow from times; None when there is no such file."""
    if not os.path.exists(path):
        return None
    with tarfile.open(path) as archived:
        return sorted((re.sub("[0-9a-f]{64}", "-", entry.name), entry.type, entry.mode, entry.size,
                       entry.linkname) for entry in archived)


def after_writing(done):
    """A file that is not complete is not there."""
    if done.returncode:
        assert not os.path.exists(FILE), f"half of an archive: {len(read(FILE))} bytes"
    return entries(FILE)


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
    call("volume", "prune")
    call("system", "prune", "--all")
    pathlib.Path(FILE).unlink(missing_ok=True)


# ---- failures -----------------------------------------------------------------------


@contextlib.contextmanager
def failing_behind(number):
    """In the container's supervisor, and in what it starts."""
    pid = supervisor(containers()[NAME]["ID"])
    WHAT_FAILED.write_bytes(b"")
    with subprocess.Popen([FAIL_AT, str(WHAT_FAILED), str(number), "--of", str(pid)],
                          stdout=subprocess.PIPE) as watcher:
        assert watcher.stdout.readline() == b"ready\n"
        yield ()
        watcher.terminate()


def failing_itself(number):
    return contextlib.nullcontext((FAIL_AT, str(WHAT_FAILED), str(number)))


def words_of(done):
    """What it says besides what the container has said."""
    return [line for line in done.stderr.splitlines() if line not in SAID]


def one_failure(prepare, command, number, effect, behind, stdin):
    """What has failed, or "" when there were not so many ways; whether it ended well; its effect."""
    prepare()
    where = f"{prepare.__name__}, {command}, failure {number}{' of the supervisor' if behind else ''}"
    with (failing_behind if behind else failing_itself)(number) as program:
        done = call(*command, program=program, fails=True, stdin=stdin)
    failed = what_failed()
    where += f": {failed}"
    # A reason, if anything is said at all: who ends with the status of a process has none.
    assert all(": " in line for line in words_of(done)), f"{where}: {done.stderr!r}"
    assert done.returncode < 128, f"{where}: status {done.returncode}"
    # Not what it prints: a warning is allowed, and must have a reason.
    check_truth(where)
    try:
        return failed, done, effect(done), where
    except AssertionError as problem:
        raise AssertionError(f"{where}: {problem}: {done.stderr!r}") from problem


def fail_in(prepare, *command, stride, least=3, effect=after, behind=False, stdin="/dev/null"):
    """Each stride'th failure, of the command and what it starts, or of the supervisor behind it.
    effect(done) describes what the command has done."""
    failed, done, usual, where = one_failure(prepare, command, MOST, effect, behind, stdin)
    assert not failed and not words_of(done), (where, done.stderr)
    status = done.returncode
    clean()
    before = {name: tree(name) for name in ("images", "volumes", "networks")}

    def fail(number):
        failed, done, came, where = one_failure(prepare, command, number, effect, behind, stdin)
        if done.returncode == status and not (status and words_of(done)):
            assert came == usual, f"{where}: no error but a difference: {came} is not {usual}"
        else:
            assert words_of(done), f"{where}: status {done.returncode}, and no reason"
        clean()
        for name, paths in before.items():
            assert tree(name) <= paths, f"{where}: left is {tree(name) - paths}"
        check_nothing_left(where)
        return failed

    failures(stride, least, fail)


def fail_making(prepare, *command, stride, wanted):
    """The same of a command that makes an image: it is there, or it is not, and the same command
    makes it then."""
    def made(done):
        came = images()
        if done.returncode and came != wanted_images:
            assert wanted not in [name for name, *_ in came], came
            call(*command)
            assert images() == wanted_images, "the same command makes something else"
        return came

    prepare()
    call(*command)
    wanted_images = images()
    clean()
    fail_in(prepare, *command, stride=stride, effect=made)
