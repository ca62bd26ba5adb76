# SPDX-License-Identifier: Apache-2.0
"""ttrpc and as much of protobuf as the shim's tests want, from nothing but
Python: messages are lists of (number, value), and what comes is a Fields.

    encode([(1, "text"), (2, 5), (3, [(1, b"inner")])])
    decode(data).text(1), .number(2), .message(3).data(1)
"""

import os
import socket
import struct
import threading
import time

PATIENCE = 60
REQUEST, RESPONSE, DATA = 1, 2, 3
(OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS,
 PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE,
 UNIMPLEMENTED, INTERNAL, UNAVAILABLE) = range(15)


# ---- protobuf -----------------------------------------------------------------

def varint(number):
    number &= (1 << 64) - 1
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    data.append(number)
    return bytes(data)


def encode(fields):
    """Text, bytes, numbers, lists of fields (a message). None is left out."""
    data = b""
    for number, value in fields:
        if value is None:
            continue
        if isinstance(value, (bool, int)):
            data += varint(number << 3) + varint(int(value))
            continue
        if isinstance(value, str):
            value = value.encode()
        elif isinstance(value, list):
            value = encode(value)
        data += varint(number << 3 | 2) + varint(len(value)) + value
    return data


class Fields:
    """A message that was read: values by their number, the last one counts."""

    def __init__(self, data):
        self.raw = data
        self.values = {}
        at = 0
        while at < len(data):
            key, at = self.read(data, at)
            kind = key & 7
            if kind == 0:
                value, at = self.read(data, at)
            elif kind == 1:
                value, at = data[at:at + 8], at + 8
            elif kind == 5:
                value, at = data[at:at + 4], at + 4
            elif kind == 2:
                size, at = self.read(data, at)
                value, at = data[at:at + size], at + size
                if len(value) != size:
                    raise ValueError("the message ends too early")
            else:
                raise ValueError(f"wire type {kind}")
            self.values.setdefault(key >> 3, []).append(value)

    @staticmethod
    def read(data, at):
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number, at

    def number(self, field):
        return self.values.get(field, [0])[-1]

    def signed(self, field):
        number = self.number(field)
        return number - (1 << 64) if number >> 63 else number

    def data(self, field):
        return self.values.get(field, [b""])[-1]

    def text(self, field):
        return self.data(field).decode("utf-8")  # what is not UTF-8 is an error

    def message(self, field):
        return Fields(self.data(field))

    def messages(self, field):
        return [Fields(value) for value in self.values.get(field, [])]

    def has(self, field):
        return field in self.values

    def time(self, field):
        """Seconds since 1970; None for containerd's zero time."""
        seconds = self.message(field).signed(1)
        if seconds == -62135596800:
            return None
        return seconds + self.message(field).number(2) / 1e9


def decode(data):
    return Fields(data)


# ---- frames -------------------------------------------------------------------

def frame(stream, kind, data, flags=0):
    return struct.pack(">IIBB", len(data), stream, kind, flags) + data


def request(service, method, payload, timeout_nano=None, metadata=()):
    return encode([(1, service), (2, method), (3, payload), (4, timeout_nano)]
                  + [(5, [(1, key), (2, value)]) for key, value in metadata])


class Closed(Exception):
    """The other side has closed the connection."""


class Failure(Exception):
    """An answer with an error's code."""

    def __init__(self, code, text):
        super().__init__(f"code {code}: {text}")
        self.code = code
        self.text = text


class Connection:
    """Frames of one connection. Not for several threads."""

    def __init__(self, sock):
        self.socket = sock
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def exactly(self, size):
        while len(self.buffer) < size:
            data = self.socket.recv(65536)
            if not data:
                raise Closed()
            self.buffer += data
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def receive(self):
        """(stream, kind, flags, data) of the next frame."""
        size, stream, kind, flags = struct.unpack(">IIBB", self.exactly(10))
        return stream, kind, flags, self.exactly(size)

    def close(self):
        self.socket.close()


class Client(Connection):
    """Calls, several of which may be under way."""

    def __init__(self, path):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(PATIENCE)
        sock.connect(path)
        super().__init__(sock)
        self.stream = -1
        self.answers = {}

    def begin(self, service, method, payload=b"", **more):
        self.stream += 2
        self.send(frame(self.stream, REQUEST, request(service, method, payload, **more)))
        return self.stream

    def end(self, stream, seconds=PATIENCE):
        """The answer's payload; raises Failure, Closed, TimeoutError."""
        deadline = time.monotonic() + seconds
        while stream not in self.answers:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            number, kind, flags, data = self.receive()
            assert kind == RESPONSE and flags == 0, (kind, flags)
            assert number not in self.answers, f"two answers on stream {number}"
            self.answers[number] = data
        answer = decode(self.answers[stream])
        self.answers[stream] = b""
        status = answer.message(1)
        if status.number(1):
            raise Failure(status.number(1), status.text(2))
        return answer.data(2)

    def answered(self, stream, seconds=0.0):
        """Has the answer come, or does it within that time?"""
        if stream in self.answers:
            return True
        self.socket.settimeout(max(0.001, seconds))
        try:
            while stream not in self.answers:
                number, _, _, data = self.receive()
                self.answers[number] = data
        except TimeoutError:
            return False
        return True

    def call(self, service, method, payload=b"", **more):
        return self.end(self.begin(service, method, payload, **more))


# ---- containerd's end of events -----------------------------------------------

class EventServer:
    """Takes and keeps what is forwarded, in its order; can go and come back."""

    def __init__(self, path):
        self.path = path
        self.events = []  # (topic, Fields of the event)
        self.namespaces = set()
        self.changed = threading.Condition()
        self.refuse = None  # a code to answer with
        self.listener = None
        self.sockets = []
        self.connections = 0

    def start(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        return self

    def stop(self):
        """As if containerd was killed."""
        os.unlink(self.path)
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self.sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sockets = []

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self.sockets.append(sock)
            self.connections += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        connection = Connection(sock)
        try:
            while True:
                stream, kind, _, data = connection.receive()
                assert kind == REQUEST
                code = self.refuse
                answer = encode([(1, [(1, code), (2, "no")])]) if code else b""
                # Taken behind the answer, as one without an answer comes again; but nobody looks
                # between the two.
                with self.changed:
                    connection.send(frame(stream, RESPONSE, answer))
                    if not code:
                        self.take(decode(data))
        except (Closed, OSError):
            pass
        finally:
            sock.close()

    def take(self, envelope):
        assert envelope.text(1) == "containerd.services.events.ttrpc.v1.Events"
        assert envelope.text(2) == "Forward"
        metadata = {m.text(1): m.text(2) for m in envelope.messages(5)}
        inner = envelope.message(3).message(1)
        event = inner.message(4)
        with self.changed:
            self.namespaces.add((metadata.get("containerd-namespace-ttrpc"), inner.text(2)))
            assert abs(inner.time(1) - time.time()) < 120
            topic = inner.text(3)
            self.events.append((topic, event.text(1), event.message(2)))
            self.changed.notify_all()

    def topics(self):
        with self.changed:
            return [topic.removeprefix("/tasks/") for topic, _, _ in self.events]

    def find(self, topic, number=0):
        """The event of a topic, waiting for it: the number'th one."""
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                found = [event for name, _, event in self.events if name == f"/tasks/{topic}"]
                if len(found) > number:
                    return found[number]
                if not self.changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no event {topic}, only {self.topics()}")
