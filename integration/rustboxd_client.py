# SPDX-License-Identifier: Apache-2.0
"""A client of rustboxd, written from docs/ipc-protocol.md alone, with nothing
but the standard library. As a program: rustboxd_client.py SOCKET REQUEST-JSON...
prints an answer a line, and fails after an ErrorResponse."""

import base64
import json
import socket
import struct
import sys

PATIENCE = 200


class Refused(Exception):
    """An ErrorResponse."""

    def __init__(self, answer):
        super().__init__(f"{answer['code']}: {answer['message']}")
        self.code, self.message = answer["code"], answer["message"]


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    # ---- frames ----

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send_frame(self, data):
        self.send_bytes(struct.pack(">I", len(data)) + data)

    def send(self, **members):
        self.send_frame(json.dumps(members).encode())

    def receive_bytes(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                if data:
                    raise EOFError("the connection ended within a frame")
                return None
            data += more
        return data

    def receive(self):
        """The next frame, None at the end of the connection."""
        head = self.receive_bytes(4)
        if head is None:
            return None
        frame = json.loads(self.receive_bytes(struct.unpack(">I", head)[0]).decode("utf-8"))
        assert isinstance(frame, dict) and "type" in frame, frame
        return frame

    # ---- requests ----

    def answer(self, expected=None):
        frame = self.receive()
        if frame is None:
            raise EOFError("no answer")
        if frame["type"] == "ErrorResponse":
            assert sorted(frame) == ["code", "message", "type"], frame
            raise Refused(frame)
        assert expected in (None, frame["type"]), frame
        return frame

    def ask(self, verb, **members):
        self.send(type=verb + "Request", **members)
        return self.answer(verb + "Response")

    def refused(self, verb, **members):
        """The code of the error, and its message."""
        try:
            answer = self.ask(verb, **members)
        except Refused as refused:
            return refused.code, refused.message
        raise AssertionError(f"was not refused: {answer}")

    # ---- while attached ----

    def stdin(self, data):
        self.send(type="AttachStdin", data=base64.b64encode(data).decode())

    def stdin_end(self):
        self.send(type="AttachStdin", eof=True)

    def until(self, text=None):
        """Collects output until the text is in standard output, or the attachment is
        over: {"stdout":…, "stderr":…}, and the frame that ended it (or None)."""
        seen = {"stdout": b"", "stderr": b"", "gap": 0}
        while text is None or text not in seen["stdout"]:
            frame = self.answer()
            if frame["type"] == "AttachStdout":
                seen[frame["stream"]] += base64.b64decode(frame["data"], validate=True)
            elif frame["type"] == "AttachGap":
                seen["gap"] += frame["bytes"]
            else:
                assert frame["type"] in ("AttachExited", "AttachDetached"), frame
                return seen, frame
        return seen, None

    def exited(self):
        """Until the end: output, exit code."""
        seen, frame = self.until()
        assert frame["type"] == "AttachExited", frame
        return seen, frame["exit_code"]


def main():
    with Client(sys.argv[1]) as client:
        for request in sys.argv[2:]:
            client.send_frame(request.encode())
            answer = client.receive()
            if answer is None:
                sys.exit("no answer")
            print(json.dumps(answer))
            if answer["type"] == "ErrorResponse":
                sys.exit(1)


if __name__ == "__main__":
    main()
