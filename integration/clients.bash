# SPDX-License-Identifier: Apache-2.0
# What podman.bats, docker.bats and buildah.bats share, after container.bash: an
# image made by hand, calls of the client, the steps that docker and podman
# spell alike (test_*), and the proof that nothing of a test is left.
#
# All of a file's storage and daemons lies below F, its temporary folder; each
# test's containers bear its $TAG in name, environment and cgroup parent.
# RUNTIME is what the clients are told to run containers with.
# shellcheck shell=bash

F=${BATS_FILE_TMPDIR-}

# ---- set-up -------------------------------------------------------------------

client_setup_file()
{
	local applet
	[ -x "$RUNTIME" ] || {
		echo "there is no runtime '$RUNTIME' (make, or set RUNTIME)" >&2
		return 1
	}
	make_rootfs "$F/rootfs"
	mkdir "$F/rootfs/run"
	for applet in chmod chown find md5sum nc sed seq sync timeout yes; do
		ln -sf busybox "$F/rootfs/bin/$applet"
	done
	printf '#!/bin/sh\nexec payload wait\n' >"$F/rootfs/bin/wait-for-ever"
	chmod +x "$F/rootfs/bin/wait-for-ever"
	tar --numeric-owner -C "$F/rootfs" -cf "$F/image.tar" .
	mkdir "$F/bin" "$F/tmp"
}

# The path of a client: the distribution's own before any other of that name.
client_path()
{
	if [ -x "/usr/bin/$1" ]; then
		echo "/usr/bin/$1"
	else
		command -v "$1"
	fi
}

# client_program NAME: the script on standard input is what the tests call.
client_program()
{
	cat >"$F/bin/$1"
	chmod +x "$F/bin/$1"
}

# client_setup CLIENT: NEW holds the options of each new container.
client_setup()
{
	CLIENT=$1
	container_setup
	[ -x "$F/bin/$CLIENT" ] || skip "$CLIENT is not installed"
	PATH=$F/bin:$PATH
	cd "$DIR" || return 1 # conmon leaves files of its own where it is started
	NEW=(--name "$TAG" --cgroup-parent "/$TAG" --env "RUSTBOX_TEST_TAG=$TAG")
	INPUT=/dev/null
}

# The root of a user namespace has to get at the file's folder and the test's.
reachable()
{
	local dir=$DIR/tmp
	chmod a+x "$F"
	until [ "$dir" = "${BATS_RUN_TMPDIR%/*}" ] || [ "$dir" = / ]; do
		chmod a+x "$dir"
		dir=${dir%/*}
		dir=${dir:-/}
	done
}

# Mounts below the file's folder that a client keeps are made in setup_file.
client_mounts()
{
	awk -v folder="$F/" 'index($5, folder) == 1 { print $5 }' /proc/self/mountinfo
}

# ---- calls --------------------------------------------------------------------

# attempt COMMAND...: status, output, error. Standard input is the file $INPUT.
attempt()
{
	status=0
	timeout -k 5 "${TRY_SECONDS:-100}" "$@" <"$INPUT" >"$DIR/out" 2>"$DIR/err" 3>&- 4>&- ||
		status=$?
	output=$(tr -d '\0\r' <"$DIR/out")
	error=$(tr -d '\0' <"$DIR/err")
}

# The client, as it is.
client()
{
	attempt "$CLIENT" "$@"
}

# A new container in the foreground that is removed at its end: its options,
# image, command.
run_box()
{
	attempt "$CLIENT" run --rm "${NEW[@]}" "$@"
}

# A new container in the background.
start_box()
{
	attempt "$CLIENT" run --detach "${NEW[@]}" "$@"
	ok
}

exec_box()
{
	attempt "$CLIENT" exec "$TAG" "$@"
}

# inspect_box TEMPLATE [NAME]
inspect_box()
{
	"$CLIENT" inspect --format "$1" "${2:-$TAG}" 3>&- 4>&-
}

box_is()
{
	[ "$(inspect_box '{{.State.Status}}' "${2:-$TAG}")" = "$1" ]
}

logs_have()
{
	"$CLIENT" logs "$TAG" 2>&1 3>&- 4>&- | grep -qF -- "$1"
}

# CG, for cgroup_value and cgroup_dir: where the container is.
find_cgroup()
{
	local pid
	pid=$(inspect_box '{{.State.Pid}}')
	if [ "$(cgroup_mode)" = v2 ]; then
		CG=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
	else
		CG=$(sed -n 's/^[0-9]*:memory://p' "/proc/$pid/cgroup")
	fi
	[[ $CG == "/$TAG/"* ]] || fail "is in cgroup '$CG'"
}

cgroup_has()
{
	same "$(cgroup_value "$1" "$2" "$3")" "$4"
}

# ---- the proof ----------------------------------------------------------------

# Where the clients have the runtimes keep their state.
runtime_state()
{
	grep -rlsF -e "$TAG" -e "$F/" /run/rustbox-runtime /run/runc /run/crun
}

tagged_parents()
{
	local path
	for path in "/sys/fs/cgroup/$TAG" /sys/fs/cgroup/*/"$TAG"; do
		[ ! -d "$path" ] || echo "$path"
	done
}

# For controllers without a v1 hierarchy podman makes plain folders.
remove_parents()
{
	local path
	for path in $(tagged_parents); do
		if [ "$(stat -f -c %T "$path")" = tmpfs ]; then
			rm -r "$path"
			rmdir "${path%/*}" 2>/dev/null || :
		else
			find "$path" -depth -type d -exec rmdir {} +
		fi
	done
}

# What is left of the containers. The parent cgroups are the clients' own, and
# podman's conmon has one in there: no runtime's.
client_leftovers()
{
	local path
	"client_leftovers_of_$CLIENT"
	client_list | sed 's/^/container: /'
	runtime_state | sed 's/^/state: /'
	client_mounts | grep -vxFf "$F/mounts" | sed 's/^/mount: /'
	tagged_parents | while read -r path; do
		find "$path" -mindepth 1 -type d ! -name conmon ! -name "${POD:-conmon}"
	done 2>/dev/null | sed 's/^/cgroup: /'
	tagged_processes | while read -r path; do
		echo "process $path: $(tr '\0' ' ' <"/proc/$path/cmdline")" || :
	done 2>/dev/null
}

client_teardown()
{
	local left end
	if [ -z "${DIR-}" ]; then
		return 0
	elif [ -n "$BATS_TEST_SKIPPED" ]; then
		[ ! -x "$F/bin/$CLIENT" ] || client_remove_all
		remove_parents
		return 0
	fi
	if [ -z "$BATS_TEST_COMPLETED" ]; then
		client_remove_all
		force_clean
		remove_parents
		return 0
	fi
	client_remove_all || {
		force_clean
		remove_parents
		return 1
	}
	# Newer podmans' own, for user namespaces; with any runtime.
	rmdir "$DIR"/tmp/intermediate-mountpoint-* 2>/dev/null || :
	end=$((SECONDS + 30))
	left=$(client_leftovers)
	while [ -n "$left" ] && [ $SECONDS -lt $end ]; do
		sleep 0.05
		left=$(client_leftovers)
	done
	[ -z "$left" ] || {
		echo "left behind:"
		echo "$left"
		force_clean
		remove_parents
		return 1
	}
	remove_parents
	assert_nothing_left
}

# The containers of this test.
client_list()
{
	"$CLIENT" ps --all --format '{{.Names}}' 3>&- 4>&- | grep -F "$TAG"
}

client_remove_all()
{
	local list
	list=$(client_list)
	[ -n "$list" ] || return 0
	# shellcheck disable=SC2086 # a list of names
	client rm --force $list
	ok
}

# ---- steps that docker and podman spell alike -----------------------------------

test_run()
{
	run_box box payload print hello
	ok
	same "$output" hello
	run_box box sh -c 'echo to-error >&2'
	ok
	same "$error" to-error
	same "$output" ""
	run_box --env A=1 --workdir /home/user --entrypoint /bin/sh box -c 'echo $A; pwd'
	same "$output" $'1\n/home/user'
	run_box --hostname some-name box cat /proc/sys/kernel/hostname
	same "$output" some-name
	run_box box sh -c 'echo $$; ls /proc/self/fd | wc -l'
	same "$output" $'1\n4'
}

test_exit_codes()
{
	run_box box sh -c 'exit 7'
	exits 7
	run_box box payload exit 255
	exits 255
	run_box box no-such-program
	exits 127
	run_box box /no/such/program
	exits 127
	run_box box /etc
	exits 126
	run_box box /etc/passwd
	exits 126
	run_box --no-such-option box true
	exits 125
	run_box --volume /no/such/folder/there:/mnt:z,nonsense box true
	exits 125
}

# A container's own end by a signal, by the client and from inside.
test_signals()
{
	start_box box payload signals
	until_true logs_have ready
	client kill --signal HUP "$TAG"
	ok
	client kill --signal 12 "$TAG"
	ok
	client stop --time 20 "$TAG"
	ok
	client logs "$TAG"
	lines "signal HUP" "signal USR2" "signal TERM"
	same "$(inspect_box '{{.State.ExitCode}}')" 0
	client start "$TAG"
	ok
	client kill "$TAG"
	ok
	client wait "$TAG"
	same "$output" 137
	client kill "$TAG"
	fails
	client rm "$TAG"
	ok
	start_box box payload wait ready
	until_true logs_have ready
	client stop --time 20 "$TAG"
	ok
	same "$(inspect_box '{{.State.ExitCode}}')" 143
	client rm "$TAG"
	start_box --stop-signal HUP box payload wait ready
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

test_stdin()
{
	printf 'first\nlast' >"$DIR/in"
	INPUT=$DIR/in run_box --interactive box payload read-line + read-line + read-line
	ok
	same "$output" $'read [first]\nread [last]\nend of file'
	head -c 3000000 /dev/urandom >"$DIR/in"
	INPUT=$DIR/in run_box --interactive box md5sum
	same "$output" "$(md5sum <"$DIR/in")"
	# Without --interactive there is none.
	INPUT=$DIR/in run_box box wc -c
	same "$output" 0
	run_box box payload flood 2000000
	same "$(wc -c <"$DIR/out")" 2000000
}

test_tty()
{
	on_pty --size 30x100 expect:ready 'send:some words\n' expect:'got some words' end -- \
		"$CLIENT" run --rm "${NEW[@]}" --interactive --tty box sh -c \
		'until [ "$(stty size)" = "30 100" ]; do sleep 0.05; done
		tty; test -t 0 && test -t 1 && test -t 2 && echo ready; read -r x; echo "got $x"; exit 9'
	ok
	lines "got some words" "exit 9" "terminal restored"
	matches '^/dev/(pts/0|console)$'
	# (docker sets the size only after the start, and listens to new ones later still.) The keys
	# act inside, and a new size arrives there.
	on_pty expect:ready resize:40x120 nudge:'40 120' 'send:\x03' end -- \
		"$CLIENT" run --rm "${NEW[@]}" --interactive --tty box sh -c \
		'trap "stty size" WINCH; trap "exit 5" INT; echo ready; while :; do sleep 0.1; done'
	ok
	lines "exit 5" "terminal restored"
}

test_limits()
{
	need_controller memory
	need_controller pids
	need_controller cpu
	start_box --memory 64m --memory-reservation 32m --pids-limit 40 --cpus 0.5 --cpu-shares 512 \
		--cpuset-cpus 0 box payload wait
	find_cgroup
	cgroup_has memory memory.limit_in_bytes memory.max 67108864
	cgroup_has memory memory.soft_limit_in_bytes memory.low 33554432
	cgroup_has pids pids.max pids.max 40
	if [ "$(cgroup_mode)" = v2 ]; then
		same "$(cat "$(cgroup_dir cpu)/cpu.max")" "50000 100000"
	else
		same "$(cat "$(cgroup_dir cpu)/cpu.cfs_quota_us")" 50000
		same "$(cat "$(cgroup_dir cpu)/cpu.shares")" 512
	fi
	cgroup_has cpuset cpuset.cpus cpuset.cpus 0
	exec_box payload forkbomb 100
	ok
	says EAGAIN
	client update --memory 96m --memory-swap 96m --cpu-shares 256 "$TAG"
	ok
	cgroup_has memory memory.limit_in_bytes memory.max 100663296
	[ "$(cgroup_mode)" = v2 ] || cgroup_has cpu cpu.shares - 256
}

# $1: told or untold, as the client tells an OOM kill.
test_oom()
{
	need_controller memory
	client run "${NEW[@]}" --memory 24m --memory-swap 24m box payload oom 300
	exits 137
	same "$(inspect_box '{{.State.ExitCode}}')" 137
	[ "$1" = untold ] || same "$(inspect_box '{{.State.OOMKilled}}')" true
	client rm "$TAG"
	ok
	client run "${NEW[@]}" --memory 24m --memory-swap 24m box payload print small
	ok
	same "$(inspect_box '{{.State.OOMKilled}} {{.State.ExitCode}}')" "false 0"
}

test_user()
{
	run_box --user 1000:2000 box payload ids
	ok
	matches 'uid.* 1000' 'gid.* 2000'
	run_box --user user box sh -c 'id -u; id -g; id -G; echo $HOME; touch /new'
	fails
	lines 1000 "1000 2000 2001" /home/user
	run_box --user 1234 --group-add 55 box sh -c 'id -u; id -g; id -G'
	ok
	lines 1234 0
	matches '55'
	run_box --user nobody-there box true
	fails
}

test_capabilities()
{
	run_box --cap-drop ALL --cap-add CHOWN --cap-add NET_RAW box payload status CapEff CapBnd CapPrm
	ok
	lines "CapEff: 0000000000002001" "CapBnd: 0000000000002001" "CapPrm: 0000000000002001"
	run_box --cap-drop CHOWN box sh -c 'touch /tmp/x; chown 1 /tmp/x'
	fails
	run_box --cap-add SYS_ADMIN box mount -t tmpfs none /mnt
	ok
	run_box box mount -t tmpfs none /mnt
	fails
	run_box --user 1000 --security-opt no-new-privileges box payload status NoNewPrivs CapEff
	lines "NoNewPrivs: 1" "CapEff: 0000000000000000"
}

# userfaultfd(UFFD_USER_MODE_ONLY) is what every default profile refuses, and the
# kernel nobody.
test_seccomp()
{
	local userfaultfd=323
	run_box box payload status Seccomp + syscall $userfaultfd 1
	ok
	lines "Seccomp: 2" EPERM
	run_box --security-opt seccomp=unconfined box payload status Seccomp + syscall $userfaultfd 1
	ok
	lines "Seccomp: 0"
	no_lines EPERM
	cat >"$DIR/profile.json" <<-JSON
	{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
	 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}
	JSON
	run_box --security-opt "seccomp=$DIR/profile.json" box payload mkdir /new + create /file
	ok
	lines EACCES ok
}

test_volumes()
{
	mkdir "$DIR/there" "$DIR/read"
	echo from-host >"$DIR/there/file"
	run_box --volume "$DIR/there:/mnt" --volume "$DIR/read:/ro:ro" --volume "$DIR/there/file:/opt/one" \
		box sh -c 'cat /mnt/file /opt/one; echo back >/mnt/back; touch /ro/x'
	fails
	same "$output" $'from-host\nfrom-host'
	same "$(cat "$DIR/there/back")" back
	same "$(ls "$DIR/read")" ""
	run_box --tmpfs /new:size=1m,mode=1700 box sh -c \
		'stat -f -c %T /new; stat -c %a /new; dd if=/dev/zero of=/new/x bs=1M count=3 2>/dev/null; stat -c %s /new/x'
	lines tmpfs 1700 1048576
	run_box --mount "type=bind,source=$DIR/there,target=/mnt,readonly" box payload create /mnt/x + cat /mnt/back
	lines EROFS back
	# Of a named volume each container sees what those before it have written,
	# and a new one has what the image has there.
	client volume create "$TAG"
	ok
	run_box --volume "$TAG:/home" box sh -c 'stat -c %u /home/user; echo kept >/home/user/file'
	same "$output" 1000
	run_box --volume "$TAG:/home" box cat /home/user/file
	same "$output" kept
	client volume rm "$TAG"
	ok
}

test_devices()
{
	run_box box payload mknod /kmsg c 1 11 + open w /kmsg + open rw /dev/null /dev/zero
	lines ok EPERM
	run_box --device /dev/kmsg:/dev/log0:w box payload open w /dev/log0 + open r /dev/log0
	ok
	same "$output" $'ok\nEPERM'
	run_box --device /dev/kmsg box payload stat /dev/kmsg + open w /dev/kmsg
	matches '^c .* 1:11$'
	lines ok
	# Newer podmans give no CAP_MKNOD by themselves.
	run_box --cap-add MKNOD --device-cgroup-rule 'c 1:11 w' box payload mknod /kmsg c 1 11 + open w /kmsg + open r /kmsg
	same "$output" $'ok\nok\nEPERM'
}

test_sysctl()
{
	run_box --sysctl kernel.msgmax=4321 --sysctl net.ipv4.ip_local_port_range="2000 3000" box \
		sh -c 'cat /proc/sys/kernel/msgmax; tr "\t" " " </proc/sys/net/ipv4/ip_local_port_range'
	ok
	lines 4321 "2000 3000"
	run_box box sh -c 'echo 1 >/proc/sys/kernel/msgmax'
	fails
}

test_rlimits()
{
	run_box --ulimit nofile=100:200 --ulimit nproc=300 --ulimit core=0 box sh -c 'ulimit -n; ulimit -Hn; ulimit -c'
	ok
	same "$output" $'100\n200\n0'
	run_box --oom-score-adj 500 --shm-size 8m box sh -c \
		'cat /proc/self/oom_score_adj; stat -f -c "%s %b" /dev/shm'
	ok
	same "$output" $'500\n4096 2048'
}

test_namespaces()
{
	local name first
	start_box --ipc shareable box payload wait
	exec_box payload ns
	first=$output
	run_box --name "$TAG-2" --pid "container:$TAG" --ipc "container:$TAG" --network "container:$TAG" \
		box payload ns + cat /proc/1/cmdline
	ok
	for name in pid ipc net; do
		lines "$(grep "^$name " <<<"$first")"
	done
	no_lines "$(grep "^mnt " <<<"$first")"
	says wait
	run_box --name "$TAG-2" --pid host --ipc host --network host --uts host box payload ns
	ok
	for name in pid ipc net uts; do
		lines "$name $(readlink /proc/self/ns/$name)"
	done
	run_box --name "$TAG-2" box payload ns
	for name in pid ipc net uts mnt; do
		no_lines "$name $(readlink /proc/self/ns/$name)" "$(grep "^$name " <<<"$first")"
	done
}

# exec in all its forms. NOT_FOUND is what the client makes of a program that is
# not there.
test_exec()
{
	local not_found=$1
	start_box --env A=outer box payload wait
	exec_box sh -c 'echo out; echo err >&2; exit 7'
	exits 7
	same "$output" out
	same "$error" err
	exec_box payload kill-self 9
	exits 137
	exec_box no-such-program
	exits "$not_found"
	exec_box /etc
	exits 126
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
	lines "got x" "exit 6" "terminal restored"
	client stop --time 20 "$TAG"
	ok
	exec_box true
	fails
}

# Without CAP_SYS_RESOURCE not every runtime can.
test_exec_privileged()
{
	local cap_sys_admin=21
	start_box box payload wait
	client exec --privileged "$TAG" payload status CapEff
	[ "$status" -eq 0 ] || need_capability 24 CAP_SYS_RESOURCE
	ok
	[ $(((0x${output#CapEff: } >> cap_sys_admin) & 1)) = 1 ] || fail "has no CAP_SYS_ADMIN"
	exec_box payload status CapEff
	[ $(((0x${output#CapEff: } >> cap_sys_admin) & 1)) = 0 ] || fail "has CAP_SYS_ADMIN"
}

test_top()
{
	start_box box sh -c 'sleep 300 & exec payload wait'
	client top "$TAG"
	ok
	says "payload wait" "sleep 300"
}

test_pause()
{
	start_box box sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.01; done'
	counts() { exec_box test -e /count && [ "$status" -eq 0 ]; }
	until_true counts
	client pause "$TAG"
	ok
	box_is paused
	find_cgroup
	# On a hybrid machine by either freezer.
	grep -qsx 1 "$(cgroup_dir '')/cgroup.freeze" ||
		grep -qsx FROZEN "$(cgroup_dir freezer)/freezer.state"
	exec_box true
	fails
	local root before
	root=/proc/$(inspect_box '{{.State.Pid}}')/root
	before=$(cat "$root/count")
	sleep 0.2
	same "$(cat "$root/count")" "$before"
	client unpause "$TAG"
	ok
	box_is running
	exec_box sh -c 'a=$(cat /count); until [ -n "$a" ]; do a=$(cat /count); done
		until b=$(cat /count); [ -n "$b" ] && [ "$b" != "$a" ]; do :; done'
	ok
	client pause "$TAG"
	ok
	client rm --force "$TAG"
	ok
}

test_stats()
{
	start_box --memory 64m box sh -c 'sleep 300 & exec payload wait'
	# Its shell may not have come to its child yet.
	both_run()
	{
		client stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' "$TAG"
		[ "$status" -ne 0 ] || [[ $output == "2 "* ]]
	}
	until_true both_run
	ok
	matches '^2 [0-9.]+[kKM]i?B / (64|67\.1)'
}

test_restart()
{
	local before
	start_box box sh -c 'echo started; exec payload wait'
	until_true logs_have started
	before=$(inspect_box '{{.State.Pid}}')
	client restart --time 20 "$TAG"
	ok
	box_is running
	[ "$(inspect_box '{{.State.Pid}}')" != "$before" ]
	exec_box true
	ok
	again() { [ "$("$CLIENT" logs "$TAG" 3>&- 4>&- | grep -c started)" = "$1" ]; }
	until_true again 2
	client stop --time 20 "$TAG"
	ok
	client start "$TAG"
	ok
	until_true again 3
	client rm "$TAG" # it runs
	fails
	client rm --force "$TAG"
	ok
	client inspect "$TAG"
	fails
	# By itself, when it fails.
	start_box --restart on-failure:2 box sh -c 'echo started; exit 3'
	until_true again 3
	until_true box_is exited
	same "$(inspect_box '{{.State.ExitCode}} {{.RestartCount}}')" "3 2"
}

test_logs()
{
	start_box box sh -c 'echo to-output; echo to-error >&2; printf unfinished'
	client wait "$TAG"
	same "$output" 0
	client logs "$TAG"
	ok
	same "$output" $'to-output\nunfinished'
	same "$error" to-error
	client rm "$TAG"
	start_box --tty box sh -c 'test -t 1 && echo terminal'
	client wait "$TAG"
	client logs "$TAG"
	same "$output" terminal
}

test_read_only()
{
	run_box --read-only --tmpfs /opt box payload create /x + create /etc/x + create /opt/x + create /dev/shm/x
	ok
	same "$output" $'EROFS\nEROFS\nok\nok'
}

test_init()
{
	run_box --init box sh -c 'cat /proc/1/cmdline | tr "\0" " "; echo; payload ps'
	ok
	matches '^/.*init' 'ppid 1 '
	run_box --init box payload kill-self 9
	exits 137
	run_box --init box sh -c 'exit 7'
	exits 7
}

test_copy()
{
	start_box --volume "$DIR:/there:ro" box payload wait
	mkdir "$DIR/folder"
	head -c 100000 /dev/urandom >"$DIR/folder/file"
	client cp "$DIR/folder" "$TAG:/opt"
	ok
	exec_box cmp /opt/folder/file /there/folder/file
	[ "$status" -eq 0 ] || {
		exec_box md5sum /opt/folder/file
		says "$(md5sum <"$DIR/folder/file" | cut -d' ' -f1)"
	}
	exec_box sh -c 'echo inside >/tmp/inside'
	client cp "$TAG:/tmp/inside" "$DIR/inside"
	ok
	same "$(cat "$DIR/inside")" inside
	client stop --time 20 "$TAG"
	client cp "$TAG:/opt/folder/file" "$DIR/again"
	ok
	cmp "$DIR/again" "$DIR/folder/file"
}

# From create on, and with another client attached.
test_create()
{
	client create "${NEW[@]}" --interactive box sh -c 'read -r x; echo "got $x"; exit 4'
	ok
	box_is created
	printf 'words\n' >"$DIR/in"
	INPUT=$DIR/in client start --attach --interactive "$TAG"
	exits 4
	same "$output" "got words"
	client rm "$TAG"
	ok
	start_box --interactive box payload read-line + exit 3
	# What comes after the input may be lost to the clients' own attach.
	INPUT=$DIR/in client attach "$TAG"
	client wait "$TAG"
	same "$output" 3
	client logs "$TAG"
	same "$output" "read [words]"
}

# The client's own signals go to the container.
test_signal_proxy()
{
	local pid
	"$CLIENT" run --rm "${NEW[@]}" box payload signals >"$DIR/out" 2>&1 </dev/null 3>&- 4>&- &
	pid=$!
	until_true output_has ready "$DIR/out"
	kill -USR1 $pid
	until_true output_has "signal USR1" "$DIR/out"
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	output=$(<"$DIR/out")
	same "$status" 0
	lines "signal TERM"
}

# 5 at once.
test_parallel()
{
	local i pids=()
	for i in 1 2 3 4 5; do
		"$CLIENT" run --rm "${NEW[@]}" --name "$TAG-$i" box payload print "$i" + exit "1$i" \
			>"$DIR/out.$i" 2>&1 </dev/null 3>&- 4>&- &
		pids+=($!)
	done
	for i in 1 2 3 4 5; do
		status=0
		wait "${pids[i - 1]}" || status=$?
		output=$(<"$DIR/out.$i")
		same "$status $output" "1$i $i"
	done
}
