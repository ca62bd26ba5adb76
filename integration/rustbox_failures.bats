#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# System calls of the Docker-like front end's commands fail, one at a time, in
# each way that they may: a command then says why and leaves nothing, or it has
# done all that it does otherwise (rustbox_failures.py). What makes, starts and
# removes containers is in rustbox_faults.bats. LONG=1 takes sixteen times as many.
# vm: no

load rustbox

# The program on standard input must succeed; see rustbox_failures.py.
python()
{
	local seconds=600
	[ "$LONG" = 0 ] || seconds=3000
	status=0
	DIR=$DIR RUSTBOX=$RUSTBOX KILL_AT=${RUSTBOX_BUILD:-$TOP/build/release}/kill_at \
		FAIL_AT=${RUSTBOX_BUILD:-$TOP/build/release}/fail_at PYTHONPATH=$HERE LC_ALL=C.UTF-8 \
		timeout -k 5 $seconds "$PYTHON" -B <(printf 'from rustbox_failures import *\n' && cat) \
		>"$DIR/python.out" 2>&1 3>&- 4>&- </dev/null || status=$?
	output=$(tail -n 20 "$DIR/python.out" | cut -c1-1500)
	ok
}

@test "logs and cp" {
	python <<-'PY'
	fail_in(ended, "logs", NAME, stride=31)
	fail_in(with_file, "cp", f"{NAME}:/file", FILE, stride=41)
	PY
}

@test "rename and update" {
	python <<-'PY'
	fail_in(created, "rename", NAME, NAME + "-new", stride=31, effect=lambda done: list(containers()))
	fail_in(created, "update", "--restart", "always", NAME, stride=31, effect=lambda done: restart_policy())
	fail_in(running, "update", "--pids-limit", "77", NAME, stride=61)
	PY
}

@test "stop, kill and pause" {
	python <<-'PY'
	shown = lambda done: [row["State"] for row in containers().values()]
	fail_in(running, "stop", NAME, stride=31, effect=shown)
	fail_in(running, "kill", NAME, stride=31, effect=shown)
	fail_in(running, "pause", NAME, stride=31, effect=shown)
	PY
}

@test "networks" {
	python <<-'PY'
	fail_in(none, "network", "create", "--driver", "bridge", "n", stride=23, effect=lambda done: networks())
	fail_in(network, "network", "rm", "n", stride=23, effect=lambda done: networks())
	PY
}

@test "output: run, start --attach, attach and exec in the foreground" {
	python <<-'PY'
	fail_in(none, "run", "--name", NAME, "sh", "-c", SAYS, stride=271, effect=after_saying)
	fail_in(ready, "start", "--attach", NAME, stride=263, effect=after_saying)
	fail_in(running, "exec", NAME, "sh", "-c", SAYS, stride=16, effect=after_saying)
	fail_in(listening, "attach", NAME, stride=16, effect=after_saying, stdin=INPUT)
	PY
}

@test "output: exec and attach, when it is the supervisor's" {
	python <<-'PY'
	fail_in(running, "exec", NAME, "sh", "-c", SAYS, stride=127, effect=after_saying, behind=True)
	fail_in(listening, "attach", NAME, stride=61, effect=after_saying, behind=True, stdin=INPUT)
	PY
}

@test "archives: import, load, save and export" {
	python <<-'PY'
	fail_making(none, "import", archive(), "first:1", stride=181, wanted="first:1")
	fail_making(saved, "load", "-i", ARCHIVE, stride=191, wanted="first:1")
	fail_in(image, "save", "-o", FILE, "first:1", stride=83, effect=after_writing)
	fail_in(of_image, "export", "-o", FILE, NAME, stride=167, effect=after_writing)
	PY
}

@test "images and volumes: commit, tag, rmi, diff" {
	python <<-'PY'
	fail_making(of_image, "commit", NAME, "third:1", stride=47, wanted="third:1")
	fail_making(image, "tag", "first:1", "second:1", stride=31, wanted="second:1")
	fail_in(image, "rmi", "first:1", stride=43, effect=lambda done: images())
	fail_in(of_image, "diff", NAME, stride=37)
	fail_in(none, "volume", "create", "v", stride=31)
	fail_in(volume, "volume", "rm", "v", stride=31)
	PY
}
