# SPDX-License-Identifier: Apache-2.0
# What the suites share that speak to the shim themselves, after container.bash:
# their tests are Python (shim_client.py, ttrpc.py).
# shellcheck shell=bash

# The program on standard input must succeed.
python()
{
	status=0
	DIR=$DIR TAG=$TAG B=$B ROOT=$ROOT RUNTIME=$RUNTIME PYTHONPATH=$HERE LC_ALL=C.UTF-8 timeout -k 5 "${TRY_SECONDS:-300}" \
		"$PYTHON" -B <(printf 'from shim_client import *\n' && cat && printf 'no_socket_left()\n') \
		>"$DIR/out" 2>&1 3>&- 4>&- </dev/null || status=$?
	output=$(tail -n 20 "$DIR/out" | cut -c1-500)
	ok
}
