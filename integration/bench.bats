#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The benchmark itself works: every row has a figure for the runtime, plots are
# drawn, and nothing is left behind. What the figures are is not looked at.
# vm: no

load container

# The runtime's cell in the row of a title, in each table that has the row.
cells()
{
	awk -F ' *[|] *' -v row="$1" '$2 == row { print $4 }' "$DIR/out"
}

@test "a figure in every row" {
	local row cell n whole=7
	status=0
	# Those of one call have the memory of all together, too.
	! has_controller memory || whole=8
	COUNT=2 RUNTIMES="rustbox-runtime=$RUNTIME" PLOTS=$DIR/plots GROWTH=1 GROWTH_COUNT=1 \
		GROWTH_MOUNTS='0 3' GROWTH_SIZES='4 8' GROWTH_ALIVE='1 2' "$HERE/bench/run-bench" \
		>"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	ok
	command -v gnuplot >/dev/null || error=$(grep -v '^plot: gnuplot is not installed: ' <<<"$error" || :)
	same "$error" ""
	for row in '`run true`' '`create`' '`start`' '`kill`' '`delete`' '`exec true`' 'default seccomp profile' \
		'user namespace' 'terminal' '200 mounts' 'config.json of 1 MB' '50 at once' '100 in sequence'; do
		n=0
		while read -r cell; do
			[[ $cell == [0-9]* ]] || fail "$row: '$cell' is no figure"
			n=$((n + 1))
		done < <(cells "$row")
		case $row in
		50* | 100*) same $n 5 ;;
		'`run'* | [!\`]*) same $n $whole ;;
		*) same $n 7 ;;
		esac
	done
	# Each is a ratio: of itself on the floor, of the runtime's own.
	for row in 'run true' '50 at once'; do
		grep -qE "^.?$row.?"$'\t[0-9.]+\t1\\.000$' "$DIR/plots/ratios.tsv"
	done
	same "$(awk -F '\t' '$3 ~ /^[0-9.]+$/ { print $1, $2 }' "$DIR/plots/growth.tsv" | paste -sd,)" \
		'mounts 0,mounts 3,size 4,size 8,alive 1,alive 2,list 1,list 2'
	grep -qw memory /proc/self/cgroup /sys/fs/cgroup/cgroup.controllers 2>/dev/null ||
		return 0 # and nobody can set a limit
	[[ "$(cells '`/bin/true`')" == [1-9]* ]]
}

@test "what the runtime does beyond the floor: each step works, and is told" {
	local step
	status=0
	COUNT=1 STEPS=1 "$HERE/bench/run-bench" >"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	ok
	same "$error" ""
	for step in cgroups state start watch mounts masks privileges 'all of these, added up'; do
		grep -qE "^\| $step \|( [+-][0-9.]+ % \|){2} \+[1-9][0-9]* \| [+-][0-9]+ \|\$" "$DIR/out" || fail "no row of $step"
	done
	for step in floor 'the floor with all of these' 'the runtime' 'the runtime, on a read-only mount'; do
		grep -qE "^\| $step \|( [0-9.]+ % \|){2} [1-9][0-9]* \| [1-9][0-9]* \|\$" "$DIR/out" || fail "no row of $step"
	done
}

# The text of all its elements.
svg_text()
{
	"$PYTHON" -ES -c 'import sys, xml.etree.ElementTree as tree
print(" ".join(t.strip() for t in tree.parse(sys.argv[1]).getroot().itertext() if t.strip()))' "$1"
}

@test "plots: well-formed, small, the same from the same data" {
	local name
	command -v gnuplot >/dev/null || skip "gnuplot is not installed"
	mkdir "$DIR/plots"
	printf '%s\t%s\t%s\n' row floor theirs '`run <&>`' 0.5 1.000 terminal - 1.000 >"$DIR/plots/ratios.tsv"
	printf '%s\t%s\t%s\t%s\n' series x one two mounts 0 1.000 2.000 mounts 50 2.000 - size 4 1.1 2 size 1024 2 3 \
		alive 1 1 2 alive 500 1 2 list 1 1 2 list 500 1 - >"$DIR/plots/growth.tsv"
	printf '%s\t%s\t%s\t%s\n' who cycles descriptors KiB "one's" 0 8 300 "one's" 10 8 304 two 0 9 200 two 10 9 204 \
		>"$DIR/plots/soak.tsv"
	for name in ratios growth soak ratios growth soak; do
		mkdir -p "$DIR/first"
		cp "$DIR"/plots/*.svg "$DIR/first/" 2>/dev/null || :
		"$HERE/bench/plot" $name "$DIR/plots" >"$DIR/out" 2>&1
		same "$(<"$DIR/out")" ""
	done
	diff -r -x '*.tsv' "$DIR/first" "$DIR/plots"
	same "$(cd "$DIR/plots" && echo *.svg)" 'growth-alive.svg growth-list.svg growth-mounts.svg growth-size.svg ratios.svg soak-descriptors.svg soak-memory.svg'
	for name in "$DIR"/plots/*.svg; do
		[ "$(stat -c %s "$name")" -lt 60000 ]
		svg_text "$name" >"$DIR/out" || fail "$name is not well-formed"
	done
	output=$(svg_text "$DIR/plots/ratios.svg")
	says 'run <&>' terminal floor theirs
	output=$(svg_text "$DIR/plots/growth-mounts.svg")
	says one two mounts
	output=$(svg_text "$DIR/plots/soak-memory.svg")
	says "one's" two KiB
}

@test "no gnuplot: it is said, and the figures are there" {
	local program
	mkdir "$DIR/bin" "$DIR/plots"
	for program in bash dirname; do
		ln -s "$(command -v $program)" "$DIR/bin/$program"
	done
	echo row >"$DIR/plots/ratios.tsv"
	status=0
	output=$(PATH=$DIR/bin "$HERE/bench/plot" ratios "$DIR/plots" 2>&1) || status=$?
	ok
	says 'gnuplot is not installed' "$DIR/plots/ratios.tsv"
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
		[[ "$(awk -F ' *[|] *' -v row="$row" '$2 == row { print $5 }' "$DIR/out")" =~ ^[0-9.]+\ \([0-9.]+\)$ ]]
		grep -qF "| $row, above that | " "$DIR/out"
	done
	for row in 1 3; do
		[[ "$(awk -F ' *[|] *' -v row=$row '$2 == row { print $3 }' "$DIR/out")" =~ ^[1-9][0-9]*,\ [1-9][0-9]*$ ]]
	done
}

@test "a figure in every row of rustbox's benchmark" {
	local row engines=podman
	status=0
	# dockerd takes long, and on a busy machine it may give up its own containerd.
	[ "$LONG" = 0 ] || engines+=' docker'
	ENGINES=$engines COUNT=2 MANY=12 "$HERE/bench/run-rustbox-bench" >"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	ok
	[[ "$(awk -F ' *[|] *' '$2 == "`rustbox run --rm true`" { print $5 }' "$DIR/out")" =~ ^[0-9.]+\ \([0-9.]+\)$ ]]
	for row in '`rustbox run --rm true`' '`rustbox exec true`'; do
		[[ "$(awk -F ' *[|] *' -v row="$row" '$2 == row { print $4 }' "$DIR/out")" =~ ^[0-9.]+\ \([0-9.]+\)$ ]]
	done
	[[ "$(awk -F ' *[|] *' '$2 == "`rustbox list --all`, of 10" { print $3 }' "$DIR/out")" == 1 ]]
	[[ $output == *'`rustbox list --all` of 12 containers takes '*' times as long as of ten;'* ]]
	[[ $output == *'takes '*' ms more than `rustbox-runtime run`.'* ]]
	[[ $output == *'The least around it takes '*' ms more than `rustbox-runtime run`.'* ]]
	[[ $output == *'`rustbox list --all` of 12 containers takes '*' ms more than of ten.'* ]]
}
