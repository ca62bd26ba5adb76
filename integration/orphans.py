# SPDX-License-Identifier: Apache-2.0
"""For suites that kill: what they leave behind is reaped at once, as process 1 of the machine may
take its time. To be called before there are threads."""

import ctypes
import os

PR_SET_CHILD_SUBREAPER = 36


def reap_orphans():
    """Goes on in a child. Whose parent has ended is our child then."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    test = os.fork()
    while test:
        pid, status = os.wait()
        if pid == test:
            os._exit(os.waitstatus_to_exitcode(status) & 255)
