# SPDX-License-Identifier: Apache-2.0
"""A shim without containerd, for shim_protocol.bats: a bundle, the actions, the
task API. All comes from the environment that the suite sets:

    SHIM        the program           B       the test's bundle, which others are made from
    DIR, TAG    the test's folder     ROOT    the runtime's state folder
"""

import atexit
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import time
import types

import ttrpc
from ttrpc import (ALREADY_EXISTS, FAILED_PRECONDITION, INVALID_ARGUMENT, NOT_FOUND, UNIMPLEMENTED,
                   Client, Closed, EventServer, Failure, decode, encode)

SHIM = os.environ["SHIM"]
DIR = pathlib.Path(os.environ["DIR"])
TAG = os.environ["TAG"]
ROOT = os.environ["ROOT"]
BUNDLE = pathlib.Path(os.environ["B"])
LONG = os.environ.get("LONG", "0") not in ("", "0")
OURS = "rustbox" in SHIM
NAMESPACE = f"ns-{TAG}"
ADDRESS = f"{DIR}/c.sock"
EVENTS = f"{ADDRESS}.ttrpc"
TASK = "containerd.task.v2.Task"
CREATED, RUNNING, STOPPED, PAUSED, PAUSING = 1, 2, 3, 4, 5

# Fields of requests, numbered from 1; and of answers, with their kind where it
# is not a number: $ text, @ time, * messages, & Any.
REQUESTS = {
    "State": "id exec_id", "Start": "id exec_id", "Delete": "id exec_id", "Pids": "id",
    "Create": "id bundle rootfs* terminal stdin stdout stderr checkpoint parent_checkpoint options",
    "Pause": "id", "Resume": "id", "Checkpoint": "id path options",
    "Kill": "id exec_id signal all", "Exec": "id exec_id terminal stdin stdout stderr spec",
    "ResizePty": "id exec_id width height", "CloseIO": "id exec_id stdin",
    "Update": "id resources annotations", "Wait": "id exec_id", "Stats": "id", "Connect": "id",
    "Shutdown": "id now",
}
ANSWERS = {
    "State": "id$ bundle$ pid status stdin$ stdout$ stderr$ terminal exit_status exited_at@ exec_id$",
    "Create": "pid", "Start": "pid", "Delete": "pid exit_status exited_at@", "Pids": "processes*",
    "Wait": "exit_status exited_at@", "Stats": "stats&", "Connect": "shim_pid task_pid version$",
}


def any_of(kind, value):
    return [(1, kind), (2, value if isinstance(value, bytes) else encode(value))]


def runc_options(**fields):
    names = ("no_pivot_root no_new_keyring shim_cgroup io_uid io_gid binary_name root criu_path "
             "systemd_cgroup").split()
    return any_of("containerd.runc.v1.Options",
                  [(names.index(name) + 1, value) for name, value in sorted(
                      fields.items(), key=lambda item: names.index(item[0]))])


def pack(method, fields):
    names = REQUESTS[method].split()
    if not OURS and fields.get("stdout") and not fields.get("terminal"):
        # It cannot do with one of the two.
        fields.setdefault("stderr", "/dev/null")
    out = []
    for number, name in enumerate(names, 1):
        value = fields.pop(name.rstrip("*"), None)
        if name.endswith("*"):
            out += [(number, item) for item in value or []]
        else:
            out.append((number, value))
    assert not fields, fields
    return encode(out)


def unpack(method, data):
    answer = decode(data)
    out = types.SimpleNamespace(raw=answer)
    for number, name in enumerate(ANSWERS.get(method, "").split(), 1):
        plain = name.rstrip("$@*&")
        read = {"$": answer.text, "@": answer.time, "*": answer.messages,
                "&": answer.message}.get(name[len(plain):], answer.number)
        setattr(out, plain, read(number))
    return out


def eventually(condition, what="it"):
    deadline = time.monotonic() + ttrpc.PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.005)


def fails(code, function, *arguments, **fields):
    """The call fails with one of the codes; its text."""
    codes = code if isinstance(code, tuple) else (code,)
    try:
        answer = function(*arguments, **fields)
    except Failure as failure:
        assert failure.code in codes, f"{arguments} {fields}: {failure}, not {codes}"
        assert failure.text, "an error without words"
        return failure.text
    raise AssertionError(f"{arguments} {fields} should have failed: {answer!r}")


def wrong_state(*arguments, **fields):
    """Refused because of the state: the reference has no class for most of these."""
    return fails(FAILED_PRECONDITION if OURS else (2, 5, FAILED_PRECONDITION), *arguments, **fields)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def listens(pid):
    """Waits until the payload has its handler for SIGTERM: PID 1 ignores what it has none for."""
    def has_handler():
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            caught = [line.split()[1] for line in file if line.startswith("SigCgt:")]
        return int(caught[0], 16) >> signal.SIGTERM - 1 & 1
    eventually(has_handler, f"a handler in {pid}")


def capabilities(pid, name):
    """A set of a process: "CapEff"."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return [int(line.split()[1], 16) for line in file if line.startswith(f"{name}:")][0]


def socket_path(group, folder="/run/containerd/s", address=ADDRESS):
    return f"{folder}/{hashlib.sha256(f'{address}/{NAMESPACE}/{group}'.encode()).hexdigest()}"


def descriptors(pid):
    """What a process has open, by number."""
    out = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            out[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            pass
    return out


class Fifo:
    """A client's end of one of the streams."""

    def __init__(self, name):
        self.path = str(DIR / f"fifo-{name}")
        os.mkfifo(self.path, 0o700)
        self.fd = -1

    def open(self):
        """For reading; opening does not wait for the other side."""
        self.fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        return self

    def write(self, data):
        """Opens it if need be: the other side must be there."""
        if self.fd < 0:
            self.fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        while data:
            data = data[os.write(self.fd, data):]

    def read_until(self, wanted=None, seconds=ttrpc.PATIENCE):
        """To the text, or to the end of file (once a writer was there)."""
        data, deadline = b"", time.monotonic() + seconds
        while wanted is None or wanted not in data:
            assert time.monotonic() < deadline, f"only {data[-200:]} came"
            try:
                part = os.read(self.fd, 65536)
            except BlockingIOError:
                time.sleep(0.002)
                continue
            if not part:
                assert wanted is None, f"the end came after {data[-200:]}"
                break
            data += part
        return data

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


class Shim:
    """A server for one container or a group, and a client of it."""

    all = []

    def __init__(self, name="", group=None, namespace=NAMESPACE):
        self.id = TAG + name
        self.namespace = namespace
        self.group = group
        self.bundle = DIR / "bundles" / self.id
        self.environment = dict(os.environ, TTRPC_ADDRESS=EVENTS)
        self.address = self.client = None
        self.pid = 0
        self.make_bundle()
        Shim.all.append(self)

    def make_bundle(self):
        self.bundle.mkdir(parents=True)
        config = json.loads((BUNDLE / "config.json").read_text())
        config["root"]["path"] = str(BUNDLE / "rootfs")
        config["linux"]["cgroupsPath"] = f"/{self.id}"
        if self.group:
            config["annotations"] = {"io.containerd.runc.v2.group": self.group}
        self.config(lambda _: config)
        # As containerd does: the reference cannot do without.
        os.mkfifo(self.bundle / "log", 0o700)
        self.log = os.open(self.bundle / "log", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def config(self, change):
        """config.json goes through a function."""
        path = self.bundle / "config.json"
        config = json.loads(path.read_text()) if path.exists() else None
        path.write_text(json.dumps(change(config)))

    def command(self, *words):
        """The container's process: the payload's commands."""
        def change(config):
            config["process"]["args"] = ["payload", *words]
            return config
        self.config(change)
        return self

    def flags(self):
        return ["-namespace", self.namespace, "-address", ADDRESS, "-publish-binary", "/bin/false",
                "-id", self.id]

    def action(self, *arguments, given=b"", folder=None, environment=None, **more):
        return subprocess.run([SHIM, *arguments], cwd=folder or self.bundle, input=given,
                              env=environment or self.environment, capture_output=True,
                              timeout=ttrpc.PATIENCE, check=False, **more)

    def start(self, given=b"", **more):
        """The `start` action, then a connection."""
        done = self.action(*self.flags(), "start", given=given, **more)
        assert done.returncode == 0, done
        assert done.stderr == b"", done
        self.address = done.stdout.decode()
        assert self.address.startswith("unix:///"), done
        self.connect()
        self.pid = self.call("Connect", id=self.id).shim_pid
        assert self.pid > 1
        return self

    def connect(self):
        self.client = Client(self.address.removeprefix("unix://"))
        return self

    def another_client(self):
        other = object.__new__(Shim)
        other.__dict__.update(self.__dict__)
        return other.connect()

    def begin(self, method, service=TASK, timeout_nano=None, **fields):
        return self.client.begin(service, method, pack(method, fields), timeout_nano=timeout_nano)

    def end(self, method, stream, **more):
        return unpack(method, self.client.end(stream, **more))

    def call(self, method, service=TASK, **fields):
        return unpack(method, self.client.call(service, method, pack(method, fields)))

    # Calls with this container's id.
    def __getattr__(self, name):
        method = "".join(word.capitalize() for word in name.split("_")).replace("CloseIo", "CloseIO")
        if method not in REQUESTS:
            raise AttributeError(name)
        return lambda **fields: self.call(method, **{"id": self.id, **fields})

    def create(self, **fields):
        fields.setdefault("options", runc_options(root=ROOT))
        return self.call("Create", id=self.id, bundle=str(self.bundle), **fields)

    def run(self, *words, **fields):
        """Server, container and its start: its pid."""
        if words:
            self.command(*words)
        if not self.client:
            self.start()
        self.create(**fields)
        return self.go()

    def exec(self, exec_id, *words, **fields):
        spec = {"args": ["payload", *words], "cwd": "/", "user": {"uid": 0, "gid": 0},
                "env": ["PATH=/bin", f"RUSTBOX_TEST_TAG={TAG}"]}
        spec.update(fields.pop("process", {}))
        return self.call("Exec", id=self.id, exec_id=exec_id, spec=any_of(
            "types.containerd.io/opencontainers/runtime-spec/1/Process", json.dumps(spec).encode()),
            **fields)

    def go(self, **fields):
        """Start, of init or an exec: its pid."""
        return self.call("Start", id=self.id, **fields).pid

    def init_pid(self):
        return self.call("Connect", id=self.id).task_pid

    def status(self, exec_id=None):
        return self.call("State", id=self.id, exec_id=exec_id).status

    def is_status(self, status, exec_id=None):
        eventually(lambda: self.status(exec_id) == status, f"state {status}")

    def finish(self, shutdown=True):
        """Kills, deletes, shuts down, proves that nothing is left."""
        try:
            self.call("Kill", id=self.id, signal=9, all=True)
        except Failure as failure:
            assert failure.code in (NOT_FOUND, FAILED_PRECONDITION, ttrpc.UNKNOWN), failure
        self.call("Wait", id=self.id)
        answer = self.call("Delete", id=self.id)
        if shutdown:
            self.shutdown_server()
        return answer

    def shutdown_server(self):
        try:
            self.call("Shutdown", id=self.id)
        except Closed:
            pass
        self.is_gone()

    def is_gone(self):
        eventually(lambda: not alive(self.pid), "the server's end")
        eventually(lambda: not os.path.exists(self.address.removeprefix("unix://")), "the socket's end")

    def delete_action(self, *more, **keywords):
        """The `delete` action's answer: (pid, exit status, time)."""
        done = self.action(*self.flags(), "-bundle", str(self.bundle), *more, "delete", **keywords)
        assert done.returncode == 0, done
        answer = decode(done.stdout)
        return answer.number(1), answer.number(2), answer.time(3)

    def kill_server(self):
        os.kill(self.pid, signal.SIGKILL)
        eventually(lambda: not alive(self.pid))


# containerd is there, unless a test says otherwise.
events = EventServer(EVENTS).start()


def clean_up():
    """After a failure: what the suite cannot find by its tag."""
    for shim in Shim.all:
        if shim.pid and alive(shim.pid):
            os.kill(shim.pid, signal.SIGKILL)
        for path in {shim.address, f"unix://{socket_path(shim.id)}",
                     f"unix://{socket_path(shim.group)}"} - {None}:
            pathlib.Path(path.removeprefix("unix://")).unlink(missing_ok=True)


def no_socket_left():
    """At the end of a test that went well."""
    for shim in Shim.all:
        for name in (shim.id, shim.group):
            assert not name or not os.path.exists(socket_path(name)), f"socket of {name} is left"


atexit.register(clean_up)
