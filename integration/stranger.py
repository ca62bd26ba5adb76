# SPDX-License-Identifier: Apache-2.0
"""stranger SOCKET...: connects to each, of any type, as user and group 65534, after
the way there was opened to everybody, and says what comes: "closed" when the server
hangs up without a word, "refused" where one cannot even connect. Else "SERVED"."""

import os
import socket
import sys


def connect(name):
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        peer = socket.socket(socket.AF_UNIX, kind)
        peer.settimeout(2)
        try:
            peer.connect(name)
            return peer
        except OSError as error:
            if error.errno != 91:  # EPROTOTYPE
                return None
    return None


def speak(path):
    folder, name = os.path.split(path)
    os.chdir(folder)
    # The current folder needs no way there.
    os.chmod(".", 0o711)
    os.chmod(name, 0o666)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    peer = connect(name)
    if not peer:
        return "refused"
    try:
        # What is served is waited for.
        return "SERVED" if peer.recv(100) else "closed"
    except TimeoutError:
        return "SERVED"
    except OSError:
        return "closed"


for socket_path in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        print(os.path.basename(socket_path), speak(socket_path), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
