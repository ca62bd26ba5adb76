# SPDX-License-Identifier: Apache-2.0
"""The far ends of the runtime's sockets and terminals, for the bats suites.

    peer.py pty [--size ROWSxCOLUMNS] STEP... -- COMMAND...
    peer.py console SOCKET STEP...
    peer.py pidfd SOCKET
    peer.py notify SOCKET COUNT
    peer.py seccomp SOCKET COUNT ANSWER...
    peer.py killed-after MICROSECONDS COMMAND...

pty runs a command on a terminal of its own, as its session's leader, and goes
through the steps; console receives a container's terminal and does the same.
Steps:

    expect:TEXT   until the text comes (after what was expected before)
    nudge:TEXT    the same, and says until then that the terminal has a new size:
                  for commands that begin some time after the start to listen (pty only)
    send:TEXT     with \\n, \\x03 and so on
    resize:RxC    the terminal's new size
    signal:NAME   to the command (pty only)
    mode          says whether the terminal is raw now
    touch:PATH    makes the file: who waits for it knows that the steps so far are done
    close         the terminal goes away
    end           until the command has ended, or the terminal is hung up

Everything read is printed. pty adds the lines "exit N" or "signal NAME" and
"terminal restored" or "terminal changed". A step that takes over 100 s fails.

notify prints the datagrams, pidfd the pid and then that it ended; seccomp
prints the state it got and each notification, and answers it with the errno or
the value in turn ("errno:1", "value:7", "continue"). killed-after runs a
command without input and output and kills it, if need be, after that time.
"""

import array
import contextlib
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 100
RECEIVE, SEND = 0xC0502100, 0xC0182101
CONTINUE = 1


def say(*words):
    print(*words, flush=True)


def die(text):
    say(f"peer: {text}")
    sys.exit(1)


class Terminal:
    def __init__(self, master, pid=None):
        self.master = master
        self.pid = pid
        self.status = None
        self.read = b""
        self.seen = 0  # what earlier steps have consumed

    def ended(self):
        if self.pid and self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status is not None

    def more(self, seconds):
        """Reads what is there; False at a hang-up."""
        if self.master < 0:
            return False
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        if not data:
            return False
        self.read += data
        return True

    def fail(self, text):
        sys.stdout.write(self.read.decode("utf-8", "replace"))
        if self.pid and not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        die(text)

    def expect(self, text, nudge=False):
        wanted = text.encode()
        deadline = time.monotonic() + PATIENCE
        while True:
            if nudge:
                self.nudge()
            at = self.read.find(wanted, self.seen)
            if at >= 0:
                self.seen = at + len(wanted)
                return
            gone = self.ended()
            if not self.more(0.02) or (gone and not self.pending()):
                if self.read.find(wanted, self.seen) < 0:
                    self.fail(f"'{text}' did not come before the end")
            if time.monotonic() > deadline:
                self.fail(f"'{text}' did not come")

    def nudge(self):
        """What the kernel does when the size changes."""
        with contextlib.suppress(OSError):  # it has just ended
            group = os.tcgetpgrp(self.master)
            if group > 1:
                os.killpg(group, signal.SIGWINCH)

    def pending(self):
        return bool(select.select([self.master], [], [], 0)[0])

    def end(self):
        deadline = time.monotonic() + PATIENCE
        while self.more(0.02):
            if self.pid and self.ended() and not self.pending():
                return
            if time.monotonic() > deadline:
                self.fail("did not end")

    def wait(self):
        deadline = time.monotonic() + PATIENCE
        while self.pid and not self.ended():
            self.more(0.02)
            if self.master < 0:
                time.sleep(0.01)
            if time.monotonic() > deadline:
                self.fail("did not end")

    def step(self, step):
        name, _, text = step.partition(":")
        text = text.encode().decode("unicode_escape")
        if name == "expect":
            self.expect(text)
        elif name == "nudge":
            self.expect(text, nudge=True)
        elif name == "send":
            os.write(self.master, text.encode("latin-1"))
        elif name == "resize":
            set_size(self.master, text)
        elif name == "signal":
            os.kill(self.pid, getattr(signal, f"SIG{text}"))
        elif name == "mode":
            raw = not termios.tcgetattr(self.master)[3] & (termios.ICANON | termios.ECHO)
            self.read += b"\nmode raw\n" if raw else b"\nmode cooked\n"
        elif name == "touch":
            with open(text, "xb"):
                pass
        elif name == "close":
            os.close(self.master)
            self.master = -1
        elif name == "end":
            self.end()
        else:
            self.fail(f"no step '{step}'")


def set_size(fd, text):
    rows, columns = map(int, text.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def run_pty(arguments):
    size = "24x80"
    if arguments[0] == "--size":
        size = arguments[1]
        arguments = arguments[2:]
    split = arguments.index("--")
    steps, command = arguments[:split], arguments[split + 1:]
    master, slave = os.openpty()
    os.set_inheritable(slave, True)
    set_size(master, size)
    before = termios.tcgetattr(slave)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(slave, fd)
        os.closerange(3, 256)
        os.execvp(command[0], command)
    # The slave stays open, so that what the command leaves behind can be seen.
    terminal = Terminal(master, pid)
    for step in steps:
        terminal.step(step)
    terminal.wait()
    while terminal.master >= 0 and terminal.pending() and terminal.more(0):
        pass
    sys.stdout.write(terminal.read.decode("utf-8", "replace"))
    status = terminal.status
    if os.WIFSIGNALED(status):
        say(f"\nsignal {signal.Signals(os.WTERMSIG(status)).name}")
    else:
        say(f"\nexit {os.WEXITSTATUS(status)}")
    if terminal.master >= 0:
        say("terminal " + ("restored" if termios.tcgetattr(slave) == before else "changed"))


def listen(path, kind=socket.SOCK_STREAM):
    """A socket that is ready when its name appears."""
    server = socket.socket(socket.AF_UNIX, kind)
    folder = os.open(os.path.dirname(path), os.O_PATH)
    name = f"/proc/self/fd/{folder}/.{os.getpid()}"  # a long path fits, too
    server.bind(name)
    if kind == socket.SOCK_STREAM:
        server.listen(8)
    os.rename(name, path)
    server.settimeout(PATIENCE)
    return server


def receive(server):
    """One connection's message and descriptors."""
    connection, _ = server.accept()
    connection.settimeout(PATIENCE)
    data, fds = b"", array.array("i")
    while True:
        part, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_LEN(16))
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(content[:len(content) - len(content) % fds.itemsize])
        data += part
        if not part or fds:
            return data, list(fds), connection


def run_console(path, *steps):
    data, fds, _ = receive(listen(path))
    if len(fds) != 1:
        die(f"{len(fds)} descriptors came")
    say(f"name {data.decode('utf-8', 'replace')}")
    terminal = Terminal(fds[0])
    for step in steps:
        terminal.step(step)
    sys.stdout.write(terminal.read.decode("utf-8", "replace"))
    sys.stdout.flush()


def run_pidfd(path):
    _, fds, _ = receive(listen(path))
    if len(fds) != 1:
        die(f"{len(fds)} descriptors came")
    with open(f"/proc/self/fdinfo/{fds[0]}", encoding="ascii") as file:
        pid = [line.split()[1] for line in file if line.startswith("Pid:")]
    say(f"pid {pid[0] if pid else 'none'}")
    poll = select.poll()
    poll.register(fds[0], select.POLLIN)
    say("ended" if poll.poll(PATIENCE * 1000) else "still there")


def run_notify(path, count):
    server = listen(path, socket.SOCK_DGRAM)
    os.chmod(path, 0o777)
    for _ in range(int(count)):
        try:
            data = server.recv(65536)
        except TimeoutError:
            die("no datagram came")
        say("datagram", " ".join(data.decode("utf-8", "replace").split("\n")))


def run_seccomp(path, count, *answers):
    data, fds, connection = receive(listen(path))
    # All of the state: until the sender closes.
    while True:
        try:
            part = connection.recv(65536)
        except (TimeoutError, ConnectionResetError):
            break
        if not part:
            break
        data += part
    state = json.loads(data.rstrip(b"\0"))
    say("state", json.dumps(state, sort_keys=True))
    say(f"descriptors {len(fds)}")
    listener = fds[state["fds"].index("seccompFd")]
    for i in range(int(count)):
        notification = bytearray(80)
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        if not poll.poll(PATIENCE * 1000):
            die("no notification came")
        fcntl.ioctl(listener, RECEIVE, notification)
        number, pid, _, call = struct.unpack_from("QIIi", notification)
        say(f"notification {call}")
        kind, _, value = answers[i % len(answers)].partition(":")
        reply = struct.pack("QqiI", number, int(value) if kind == "value" else 0,
                            -int(value) if kind == "errno" else 0,
                            CONTINUE if kind == "continue" else 0)
        try:
            fcntl.ioctl(listener, SEND, bytearray(reply))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise


def run_killed_after(microseconds, *command):
    nothing = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing) as child:
        end = time.perf_counter() + int(microseconds) / 1e6
        while time.perf_counter() < end and child.poll() is None:
            pass  # to sleep would be too coarse
        child.kill()


def main(name, *arguments):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        {"console": run_console, "pidfd": run_pidfd, "notify": run_notify,
         "seccomp": run_seccomp, "killed-after": run_killed_after,
         "pty": lambda *a: run_pty(list(a))}[name](*arguments)
    except TimeoutError:
        die("nobody came")


if __name__ == "__main__":
    main(*sys.argv[1:])
