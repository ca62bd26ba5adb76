#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# nerdctl, the docker-like client of containerd, with our shim: a containerd of
# the file's own. nerdctl's hooks run in the container's network, its logger is
# a program that the shim starts.
# vm: long

load container
load containerd
load clients
load go_programs
load images
load daemon

CNI=/usr/lib/cni

setup_file()
{
	local applet
	need_programs containerd ctr
	go_program nerdctl
	[ -z "$WHY_NOT" ] || return 0
	daemon_own_network
	containerd_setup_file
	mkdir -p "$F/tmp" "$F/cni"
	# What the shared steps need besides.
	mkdir "$F/rootfs/run"
	for applet in chmod chown find sed timeout; do
		ln -sf busybox "$F/rootfs/bin/$applet"
	done
	printf '#!/bin/sh\nexec payload wait\n' >"$F/rootfs/bin/wait-for-ever"
	chmod +x "$F/rootfs/bin/wait-for-ever"
	image_load "$CONTAINERD_NAMESPACE" "$F/rootfs" docker.io/library/box:latest '{}'
	nerdctl_program nerdctl
	daemon_watch
	client_mounts >"$F/mounts"
}

# nerdctl_program NAME: GO_PROGRAM, under that name.
nerdctl_program()
{
	daemon_program "$1" "$GO_PROGRAM" --address "$CD/containerd.sock" --namespace "$CONTAINERD_NAMESPACE" \
		--data-root "$F/nerdctl" --cgroup-manager cgroupfs --cni-path $CNI --cni-netconfpath "$F/cni"
}

teardown_file()
{
	[ -z "$WHY_NOT" ] || return 0
	daemon_watch_end
	containerd_teardown_file
	daemon_own_network_end
}

setup()
{
	needs_are_met
	client_setup nerdctl
	daemon_log_mark
	NEW+=(--runtime "$SHIM_RUNTIME")
	WITHOUT_NETWORK=("${NEW[@]}")
	NEW+=(--network none)
}

teardown()
{
	[ -z "$WHY_NOT" ] || return 0
	[ -n "$BATS_TEST_COMPLETED" ] || daemon_complaints
	# nerdctl in the foreground leaves its FIFOs; they are not the shim's.
	daemon_fifos | xargs -r rm -r
	client_teardown
}

client_leftovers_of_nerdctl()
{
	local name
	daemon_leftovers
	find "$F"/nerdctl/*/names/* -mindepth 1 2>/dev/null | sed 's/^/name: /'
	# (What it made for a container that it then did not create stays.)
	for name in $(daemon_created); do
		find "$F"/nerdctl/*/containers/"$name" 2>/dev/null | sed 's/^/state: /'
	done
}

daemon_fifos()
{
	local name
	for name in $(daemon_created); do
		find /run/containerd/fifo -name "${name#*/}-*" -printf '%h\n'
	done | sort -u
}

# nerdctl is quiet about the exit code of an exec that fails: it is in the text.
exec_exits()
{
	exits 1
	[[ $error == *"exec failed with exit code $1"* ]] || fail "exit code should be $1"
}

# ---- what docker and podman spell alike -------------------------------------------

@test "nerdctl run: its own signals reach the container" { test_signal_proxy; }
@test "nerdctl run: several at once" { test_parallel; }
# bats test_tags=vm
@test "nerdctl run, update: memory, pids and cpu limits" { test_limits; }
@test "nerdctl run: users and groups" { test_user; }
@test "nerdctl run: capabilities, no-new-privileges" { test_capabilities; }
@test "nerdctl run: seccomp profiles" { test_seccomp; }
@test "nerdctl run: volumes and tmpfs" { test_volumes; }
@test "nerdctl run: sysctls" { test_sysctl; }
@test "nerdctl run: rlimits, oom_score_adj, size of shm" { test_rlimits; }
@test "nerdctl exec --privileged" { test_exec_privileged; }
@test "nerdctl top" { test_top; }
# bats test_tags=vm
@test "nerdctl pause, unpause, rm --force of a paused one" { test_pause; }
# bats test_tags=vm
@test "nerdctl stats" { test_stats; }
@test "nerdctl run --read-only" { test_read_only; }
@test "nerdctl cp" { test_copy; }

# ---- its own ----------------------------------------------------------------------

@test "nerdctl run: output, environment, folder, entry point" {
	run_box box payload print hello
	ok
	same "$output" hello
	run_box box sh -c 'echo to-error >&2'
	ok
	same "$error" to-error
	same "$output" ""
	run_box --env A=1 --workdir /home/user --entrypoint /bin/sh box -c 'echo $A; pwd'
	same "$output" $'1\n/home/user'
	run_box box sh -c 'echo $$; ls /proc/self/fd | wc -l'
	same "$output" $'1\n4'
}

# (Of much output in the foreground nerdctl itself may lose the end.)
@test "nerdctl run: standard input" {
	printf 'first\nlast' >"$DIR/in"
	INPUT=$DIR/in run_box --interactive box payload read-line + read-line + read-line
	ok
	same "$output" $'read [first]\nread [last]\nend of file'
	head -c 3000000 /dev/urandom >"$DIR/in"
	INPUT=$DIR/in run_box --interactive box md5sum
	same "$output" "$(md5sum <"$DIR/in")"
	INPUT=$DIR/in run_box box wc -c
	same "$output" 0
}

# nerdctl begins to follow the size some time after the start: words are exchanged first.
@test "nerdctl run -it: a terminal, its size, keys" {
	on_pty --size 30x100 expect:ready 'send:some words\n' expect:'got some words' end -- \
		"$CLIENT" run --rm "${NEW[@]}" --interactive --tty box sh -c \
		'until [ "$(stty size)" = "30 100" ]; do sleep 0.05; done
		tty; test -t 0 && test -t 1 && test -t 2 && echo ready; read -r x; echo "got $x"; exit 9'
	ok
	lines "got some words" "exit 9" "terminal restored"
	matches '^/dev/(pts/0|console)$'
	on_pty --size 30x100 expect:ready 'send:1\n' 'expect:got 1' 'send:2\n' 'expect:got 2' 'send:3\n' 'expect:got 3' \
		resize:40x120 nudge:resized 'send:\x03' end -- \
		"$CLIENT" run --rm "${NEW[@]}" --interactive --tty box sh -c \
		'until [ "$(stty size)" = "30 100" ]; do sleep 0.05; done; trap "exit 5" INT; echo ready
		for i in 1 2 3; do read -r x; echo "got $x"; done
		until [ "$(stty size)" = "40 120" ]; do sleep 0.05; done; echo "re""sized"; while :; do sleep 0.1; done'
	ok
	lines "exit 5" "terminal restored"
}

@test "nerdctl run: exit codes, programs that are not there" {
	run_box box sh -c 'exit 7'
	exits 7
	run_box box payload exit 255
	exits 255
	run_box box sh -c 'sh -c "kill -9 \$\$"; exit $?'
	exits 137
	for program in no-such-program /no/such/program /etc /etc/passwd; do
		run_box box $program
		exits 1
		[[ $error == *$program* ]] || fail "$program is not named"
	done
}

@test "nerdctl kill, stop, wait: signals and exit codes" {
	start_box box payload signals
	until_true logs_have ready
	client kill --signal HUP "$TAG"
	ok
	client kill --signal USR2 "$TAG"
	ok
	client stop --time 20 "$TAG"
	ok
	logs_have_both() { logs_have "signal HUP" && logs_have "signal USR2"; }
	until_true logs_have_both
	same "$(inspect_box '{{.State.ExitCode}}')" 0
	client rm "$TAG"
	ok
	start_box box payload wait
	client wait "$TAG" &
	client kill "$TAG"
	ok
	wait $!
	client wait "$TAG"
	same "$output" 137
	client kill "$TAG"
	fails
	client rm "$TAG"
	ok
	start_box --stop-signal SIGHUP box payload wait ready
	until_true logs_have ready
	client stop --time 20 "$TAG"
	ok
	same "$(inspect_box '{{.State.ExitCode}}')" 129
	client rm "$TAG"
	# One that does not listen is killed.
	start_box box sleep 300
	client stop --time 1 "$TAG"
	ok
	same "$(inspect_box '{{.State.ExitCode}}')" 137
}

@test "nerdctl run -dt: the logger gets the terminal's output" {
	start_box --tty box sh -c 'test -t 1 && echo terminal; exec payload wait'
	until_true logs_have terminal
	client rm --force "$TAG"
	ok
}

@test "nerdctl logs: what came on each stream, in the order of each" {
	start_box box sh -c 'for i in $(seq 100); do echo out $i; echo err $i >&2; done'
	client wait "$TAG"
	same "$output" 0
	all_there() { client logs "$TAG" && [ "$(wc -l <<<"$output$error")" -ge 199 ]; }
	until_true all_there
	same "$output" "$(seq -f 'out %.0f' 100)"
	same "$error" "$(seq -f 'err %.0f' 100)"
	client logs --tail 1 "$TAG"
	ok
	[[ $output$error == *100 ]] || fail "not the last line"
}

@test "nerdctl logs of a container that is removed while it writes" {
	start_box box yes
	until_true logs_have y
	client rm --force "$TAG"
	ok
}

@test "nerdctl create, start --attach" {
	# It ends when the client has said what it says: nerdctl itself does not wait for that.
	client create "${NEW[@]}" box sh -c 'echo hello; until [ -e /go ]; do sleep 0.05; done; exit 4'
	ok
	[[ $(client ps --all --filter "name=$TAG" --format '{{.Status}}'; echo "$output") == Created ]] || fail "is not created"
	"$CLIENT" start --attach "$TAG" >"$DIR/attached" 2>&1 </dev/null 3>&- 4>&- &
	until_true output_has hello "$DIR/attached"
	exec_box touch /go
	ok
	wait $! || :
	until_true box_is exited
	same "$(inspect_box '{{.State.ExitCode}}')" 4
}

@test "nerdctl run -it: detached by its keys, attached to again" {
	on_pty expect:ready 'send:\x10\x11' end -- "$CLIENT" run "${NEW[@]}" --interactive --tty box sh -c \
		'echo ready; while read -r x; do echo "got $x"; [ "$x" != end ] || exit 5; done'
	box_is running
	# nerdctl's attach ends with the task, whether it has copied the last output or not.
	on_pty 'send:words\n' 'expect:got words' 'send:end\n' end -- "$CLIENT" attach "$TAG"
	lines "terminal restored"
	client wait "$TAG"
	same "$output" 5
}

# bats test_tags=vm
@test "nerdctl run: an OOM kill" {
	need_controller memory
	client run "${NEW[@]}" --memory 24m --memory-swap 24m box payload oom 300
	exits 137
	same "$(inspect_box '{{.State.ExitCode}}')" 137
}

@test "nerdctl run: devices" {
	run_box box payload mknod /kmsg c 1 11 + open w /kmsg + open rw /dev/null /dev/zero
	lines ok EPERM
	run_box --device /dev/kmsg:w box payload open w /dev/kmsg + open r /dev/kmsg
	ok
	same "$output" $'ok\nEPERM'
}

@test "nerdctl run: namespaces of another container and of the host" {
	local name first
	start_box box payload wait
	exec_box payload ns
	first=$output
	run_box --name "$TAG-2" --pid "container:$TAG" box payload ns + cat /proc/1/cmdline
	ok
	lines "$(grep "^pid " <<<"$first")"
	no_lines "$(grep "^mnt " <<<"$first")"
	says wait
	# nerdctl brings the host's message queues along.
	[ ! -d /dev/mqueue ] || set -- ipc
	client run --rm "${WITHOUT_NETWORK[@]}" --name "$TAG-2" --pid host --network host --uts host ${1:+--ipc host} \
		box payload ns
	ok
	for name in pid net uts "$@"; do
		lines "$name $(readlink "/proc/$(<"$CD/pid")/ns/$name")"
	done
}

# The joined namespace's first process goes before the one that has joined it.
@test "nerdctl rm --force of a container whose pid namespace another one shares" {
	start_box box payload wait
	attempt "$CLIENT" run --detach "${NEW[@]}" --name "$TAG-2" --pid "container:$TAG" box payload wait
	ok
	client rm --force "$TAG"
	ok
	second_is() { box_is "$1" "$TAG-2"; }
	until_true second_is exited
	client rm "$TAG-2"
	ok
}

@test "nerdctl exec in all forms" {
	start_box --env A=outer box payload wait
	exec_box sh -c 'echo out; echo err >&2; exit 7'
	exec_exits 7
	same "$output" out
	[[ $error == err* ]] || fail "no error output"
	exec_box payload kill-self 9
	exec_exits 137
	exec_box no-such-program
	exits 1
	[[ $error == *no-such-program* ]] || fail "not named"
	exec_box /etc
	exits 1
	client exec --workdir /home/user --env B=inner --user 1000:1000 "$TAG" sh -c \
		'pwd; echo $A $B; id -u; cat /proc/self/cgroup'
	ok
	lines /home/user "outer inner" 1000
	says "/$TAG/"
	printf 'words\n' >"$DIR/in"
	INPUT=$DIR/in client exec --interactive "$TAG" payload read-line + read-line
	same "$output" $'read [words]\nend of file'
	client exec --detach "$TAG" sh -c 'echo was-here >/detached; exec sleep 300'
	ok
	detached() { exec_box cat /detached && [ "$output" = was-here ]; }
	until_true detached
	exec_box ps
	says "sleep 300"
	on_pty --size 31x91 expect:ready 'send:x\n' expect:got end -- "$CLIENT" exec --interactive --tty "$TAG" \
		sh -c 'until [ "$(stty size)" = "31 91" ]; do sleep 0.05; done
		echo ready; read -r x; echo "got $x"; exit 6'
	lines "got x" "terminal restored"
	client stop --time 20 "$TAG"
	ok
	exec_box true
	fails
}

@test "nerdctl exec: several at once" {
	local i pids=()
	start_box box payload wait
	for i in 1 2 3 4 5; do
		"$CLIENT" exec "$TAG" payload print "$i" >"$DIR/out.$i" 2>&1 </dev/null 3>&- 4>&- &
		pids+=($!)
	done
	for i in 1 2 3 4 5; do
		wait "${pids[i - 1]}"
		same "$(<"$DIR/out.$i")" "$i"
	done
}

@test "nerdctl restart, stop and start, rm of a running one" {
	local before
	start_box box payload wait
	before=$(inspect_box '{{.State.Pid}}')
	client restart --time 20 "$TAG"
	ok
	box_is running
	[ "$(inspect_box '{{.State.Pid}}')" != "$before" ]
	exec_box true
	ok
	client stop --time 20 "$TAG"
	ok
	until_true box_is exited
	client start "$TAG"
	ok
	box_is running
	client rm "$TAG" # it runs
	fails
	client rm --force "$TAG"
	ok
	client inspect "$TAG"
	fails
}

@test "nerdctl inspect agrees with the machine, and notices a kill from outside" {
	local pid
	start_box box payload wait
	pid=$(inspect_box '{{.State.Pid}}')
	same "$(cat "/proc/$pid/comm")" payload
	kill -9 "$pid"
	until_true box_is exited
	same "$(inspect_box '{{.State.ExitCode}}')" 137
}

@test "nerdctl commit of a running container" {
	start_box box sh -c 'echo changed >/changed; exec payload wait'
	is_changed() { exec_box test -e /changed && [ "$status" -eq 0 ]; }
	until_true is_changed
	client commit "$TAG" "image-$TAG"
	ok
	box_is running
	client run --rm "${NEW[@]}" --name "$TAG-2" "image-$TAG" cat /changed
	ok
	same "$output" changed
	client rm --force "$TAG"
	client rmi --force "image-$TAG"
	ok
}

@test "nerdctl run, as README.md and docs/containerd.md have it" {
	local line
	local -i count=0
	while IFS= read -r line; do
		[[ $line =~ \ (busybox|alpine)$ ]] || fail "no image: $line"
		line="${line% *} --network none --cgroup-parent /$TAG --env RUSTBOX_TEST_TAG=$TAG box tty"
		# shellcheck disable=SC2086 # words
		on_pty end -- $line
		ok
		[[ $output == /dev/pts/0$'\n'* ]] || fail "no terminal of its own: $output"
		count+=1
	done < <("$PYTHON" "$HERE/docs_blocks.py" typed "$TOP/README.md" "$TOP/docs/containerd.md" | grep '^nerdctl ')
	[ $count -eq 2 ]
}

# Hooks of the container's set its network up and take it away.
@test "nerdctl run --network of a bridge" {
	local address name net
	[ -x $CNI/bridge ] || skip "there are no network plugins in $CNI"
	command -v iptables >/dev/null || skip "iptables is not installed"
	client network create --subnet 10.215.0.0/24 "$TAG"
	ok
	net=("${WITHOUT_NETWORK[@]}" --network "$TAG")
	attempt "$CLIENT" run --rm "${net[@]}" box true
	[[ $error != *"operation not supported"* ]] || skip "this kernel has no bridges"
	ok
	attempt "$CLIENT" run --detach "${net[@]}" --hostname some-name box sh -c \
		'hostname; while :; do echo served | nc -l -p 80; done'
	ok
	until_true logs_have some-name
	exec_box ls /sys/class/net
	lines eth0
	address=$(inspect_box '{{.NetworkSettings.IPAddress}}')
	served() { [ "$(in_network busybox nc -w 5 "$address" 80 </dev/null)" = served ]; }
	until_true served
	exec_box payload ns
	name=$(grep "^net " <<<"$output")
	client run --rm "${WITHOUT_NETWORK[@]}" --name "$TAG-2" --network "container:$TAG" box payload ns
	ok
	lines "$name"
	ls /var/lib/cni/networks/"$TAG"/10.*
	client rm --force "$TAG"
	ok
	no_lease() { ! ls /var/lib/cni/networks/"$TAG"/10.* 2>/dev/null; }
	until_true no_lease
	# A network that cannot be set up: the hook fails, and so does create.
	attempt "$CLIENT" run --rm "${net[@]}" --ip 10.99.0.1 box true
	fails
	client network rm "$TAG"
	ok
	rm -r "/var/lib/cni/networks/$TAG"
}

# What calls the checks at their times is no runtime's business.
@test "nerdctl 2 container healthcheck: by exec; its state and what it said are seen" {
	local CLIENT=nerdctl2
	[ "$LONG" != 0 ] || [ -x "$GO_PROGRAMS/nerdctl2-$NERDCTL2_VERSION" ] ||
		skip "nerdctl $NERDCTL2_VERSION is built in the long form only: LONG=1"
	go_program nerdctl2
	needs_are_met
	nerdctl_program nerdctl2
	start_box --health-cmd 'cat /healthy' --health-retries 2 box payload wait
	check_says starting 1 "can't open"
	check_says unhealthy 1 "can't open"
	exec_box sh -c 'echo fine >/healthy'
	ok
	check_says healthy 0 fine
	client rm --force "$TAG"
	ok
	# One that takes too long is killed.
	start_box --health-cmd 'echo begun; exec sleep 300' --health-timeout 1s --health-retries 1 box payload wait
	check_says unhealthy -1 "exceeded timeout"
	exec_box ps
	[[ $output != *"sleep 300"* ]] || fail "it still runs"
	client rm --force "$TAG"
	ok
}

# check_says STATUS CODE WORDS: what is seen after one more check.
check_says()
{
	client container healthcheck "$TAG"
	ok
	client inspect "$TAG"
	ok
	output=$(jq -r '.[0].State.Health | "\(.Status) \(.Log | first | "\(.ExitCode) \(.Output)")"' <<<"$output")
	[[ $output == "$1 $2 "*"$3"* ]] || fail "is: $output"
}
