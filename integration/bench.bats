#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The benchmark itself works: every row has a figure for the runtime, and
# nothing is left behind. What the figures are is not looked at.
# vm: no

load container

# The runtime's cell in the row of a title, in each table that has the row.
cells()
{
	awk -F ' *[|] *' -v row="$1" '$2 == row { print $4 }' "$DIR/out"
}

@test "a figure in every row" {
	local row cell n
	status=0
	COUNT=2 RUNTIMES="rustbox-runtime=$RUNTIME" "$HERE/bench/run-bench" \
		>"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	ok
	same "$error" ""
	for row in '`run true`' '`create`' '`start`' '`delete`' '`exec true`' 'default seccomp profile' \
		'user namespace' 'terminal' '200 mounts' 'config.json of 1 MB' '50 at once' '100 in sequence'; do
		n=0
		while read -r cell; do
			[[ $cell == [0-9]* ]] || fail "$row: '$cell' is no figure"
			n=$((n + 1))
		done < <(cells "$row")
		case $row in
		50* | 100*) same $n 4 ;;
		*) same $n 6 ;;
		esac
	done
	grep -qw memory /proc/self/cgroup /sys/fs/cgroup/cgroup.controllers 2>/dev/null ||
		return 0 # and nobody can set a limit
	[[ "$(cells '`/bin/true`')" == [1-9]* ]]
}

@test "a figure in every row of the shim's benchmark" {
	local row program
	for program in containerd ctr containerd-shim-runc-v2 runc; do
		command -v $program >/dev/null || skip "$program is not installed"
	done
	status=0
	COUNT=2 IDLE=3 "$HERE/bench/run-shim-bench" >"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	ok
	for row in '`ctr run --rm true`' 'the same with `--null-io`' '`ctr task exec true`'; do
		[[ "$(awk -F ' *[|] *' -v row="$row" '$2 == row { print $3 }' "$DIR/out")" =~ ^[0-9.]+\ \([0-9.]+\)$ ]]
	done
	for row in 1 3; do
		[[ "$(awk -F ' *[|] *' -v row=$row '$2 == row { print $3 }' "$DIR/out")" =~ ^[1-9][0-9]*,\ [1-9][0-9]*$ ]]
	done
}

@test "a figure in every row of rustbox's benchmark" {
	local row
	status=0
	COUNT=2 MANY=12 "$HERE/bench/run-rustbox-bench" >"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	ok
	for row in '`rustbox run --rm true`' '`rustbox exec true`'; do
		[[ "$(awk -F ' *[|] *' -v row="$row" '$2 == row { print $4 }' "$DIR/out")" =~ ^[0-9.]+\ \([0-9.]+\)$ ]]
	done
	[[ $output == *'takes '*' ms more than `rustbox-runtime run`.'* ]]
	[[ $output == *'`rustbox list --all` of 12 containers takes '*' ms more than of ten.'* ]]
}
