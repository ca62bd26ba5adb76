#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a run and an exec cost in system calls, processes and executed programs:
# numbers that are the same on a busy machine and on an idle one. They are upper
# bounds, written down on a machine with ten cgroup hierarchies, cgroup v1's
# controllers and cgroup2 beside them, and may be exceeded by a twentieth (a
# build of a changed tree compiles its seccomp filter each time), and by what each
# hierarchy more costs. Who makes it cheaper writes the new ones down.
# What a run is resident with is held, too.

load rustbox

setup()
{
	command -v strace >/dev/null || skip "there is no strace"
	rustbox_setup
}

# traced FILE COMMAND...: its system calls and those of all that comes of it.
traced()
{
	local file=$1
	shift
	status=0
	timeout 60 strace -f -qq -e signal=none -o "$file" "$@" \
		</dev/null >"$DIR/out" 2>"$DIR/err" 3>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	ok
}

# costs CALLS PROCESSES PROGRAMS FILE...: no more than that.
costs()
{
	local -i calls processes programs most more
	more=$(($(wc -l </proc/self/cgroup) - 10))
	most=$((($1 + (more > 0 ? more * 60 : 0)) * 21 / 20))
	calls=$(cat "${@:4}" | grep -vc ' resumed>\|+++')
	processes=$(cut -d ' ' -f 1 "${@:4}" | sort -u | wc -l)
	programs=$(cat "${@:4}" | grep -cE 'execve(at)?(\(| resumed>).* = 0$')
	echo "# $calls of $1 system calls, $processes of $2 processes, $programs of $3 programs" >&3
	[ $processes -le "$2" ] || fail "$processes processes instead of $2"
	[ $programs -le "$3" ] || fail "$programs programs instead of $3"
	[ $calls -le $most ] || fail "$calls system calls instead of $1"
	[ $calls -ge $(($1 / 4)) ] || fail "$calls system calls: that cannot be all"
}

run=(--network host --rootfs)

@test "rustbox run --rm true" {
	rbok run --rm "${run[@]}" "$ROOTFS" true # its seccomp filter is kept from now on
	traced "$DIR/calls" "$RUSTBOX" run --rm "${run[@]}" "$ROOTFS" true
	costs 1720 7 4 "$DIR/calls"
}

@test "rustbox exec true, with what it makes the supervisor do" {
	local -i supervisor tracer
	start_box "${run[@]}" "$ROOTFS"
	rbok exec "$NAME" true
	supervisor=$(awk '$1 == "PPid:" { print $2 }' "/proc/$(box_state .State.Pid)/status")
	strace -f -qq -e signal=none -o "$DIR/behind" -p $supervisor 2>"$DIR/trace" 3>&- &
	tracer=$!
	until_true grep -q 'TracerPid:.*[1-9]' /proc/$supervisor/status
	traced "$DIR/calls" "$RUSTBOX" exec "$NAME" true
	kill $tracer
	wait $tracer || :
	costs 575 5 3 "$DIR/calls" "$DIR/behind"
}

# runtime_bundle FILTER: DIR/bundle, of rustbox's own configuration.
runtime_bundle()
{
	local id
	rbok create "${run[@]}" "$ROOTFS" true
	id=$output
	mkdir "$DIR/bundle" "$DIR/state"
	jq --arg root "$ROOTFS" --arg group "/$TAG" --arg dir "$DIR" \
		'.root.path = $root | .linux.cgroupsPath = $group |
		.mounts |= map(select(.type != "bind")) | '"$1" \
		"$RUSTBOX_ROOT/bundles/$id/config.json" >"$DIR/bundle/config.json"
	rbok remove "$id"
}

@test "rustbox-runtime run true" {
	local runtime=${RUSTBOX%/*}/rustbox-runtime
	runtime_bundle .
	"$runtime" --root "$DIR/state" run --bundle "$DIR/bundle" "$TAG" </dev/null 3>&-
	traced "$DIR/calls" "$runtime" --root "$DIR/state" run --bundle "$DIR/bundle" "$TAG"
	costs 690 3 3 "$DIR/calls"
}

# A page of the program counts as soon as a neighbour is used: code that grows, or lies
# apart from the rest of what a run calls (cmd/rustbox-runtime/layout.ld), is seen here.
# Counted page by page: the sums in /proc/PID/status may be 256 KiB off.
@test "what rustbox-runtime run is resident with, just before its end" {
	local -i most=950 resident
	[ "$(uname -m)" = x86_64 ] || skip "the number is of x86_64"
	[ -e /proc/self/smaps_rollup ] || skip "this kernel has no smaps_rollup"
	runtime_bundle 'del(.linux.seccomp) | .hooks.poststop = [{path: "/bin/sh",
		args: ["sh", "-c", "cat /proc/$PPID/comm /proc/$PPID/smaps_rollup >$0", "\($dir)/pages"]}]'
	"${RUSTBOX%/*}/rustbox-runtime" --root "$DIR/state" run --bundle "$DIR/bundle" "$TAG" </dev/null 3>&-
	[[ "$(<"$DIR/pages")" == rustbox-runtime* ]] || fail "no hook of the runtime's own process"
	resident=$(awk '$1 == "Rss:" { print $2 }' "$DIR/pages")
	echo "# $resident of $most KiB" >&3
	[ $resident -le $((most * 23 / 20)) ] || fail "$resident KiB instead of $most"
	[ $resident -ge $((most / 4)) ] || fail "$resident KiB: that cannot be all"
}
