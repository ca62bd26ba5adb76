#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The options of run and create, each seen from inside or outside a container
# that was made with it.
# vm: yes

load rustbox

# inside OPTIONS... COMMAND...: status, output, error
inside()
{
	rbok run --rm "$@"
}

refused()
{
	rb run --rm "$@" true
	exits 125
}

# ---- process --------------------------------------------------------------------

@test "what a container has without options" {
	inside sh -c 'id -u; id -g; cd; pwd; cat /proc/self/status; cat /proc/1/comm; env'
	lines 0 /root
	matches '^NoNewPrivs:[[:space:]]*1$'
	matches '^Seccomp:[[:space:]]*2$'
	matches '^CapEff:[[:space:]]*00000000a80425fb$'
	matches '^CapInh:[[:space:]]*0*$'
	matches '^HOSTNAME=[0-9a-f]{12}$'
	lines PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
}

@test "-e, --env-file, and HOME of the user" {
	printf '# none\nA=1\nB=two words\nFROM_HERE\n' >"$DIR/env"
	FROM_HERE=yes inside --env-file "$DIR/env" -e A=2 -u user env
	lines A=2 'B=two words' FROM_HERE=yes HOME=/home/user
	no_lines A=1
	refused --env-file "$DIR/none"
	error_names "$DIR/none"
}

@test "-u and --group-add: names, numbers, supplementary groups" {
	inside -u user id
	same "$output" 'uid=1000(user) gid=1000(user) groups=1000(user),2000(extra),2001(more)'
	inside -u 5:6 --group-add extra --group-add 77 id
	same "$output" 'uid=5 gid=6 groups=6,77,2000(extra)'
	refused -u nobody-here
	error_names nobody-here
}

@test "-w makes the folder, and the command runs in it" {
	inside -w /made/here sh -c pwd
	same "$output" /made/here
	refused -w relative
}

@test "--entrypoint goes in front of the command" {
	inside --entrypoint echo a b
	same "$output" 'a b'
}

@test "--umask, --ulimit, --oom-score-adj" {
	inside --umask 077 --ulimit nofile=100:200 --ulimit core=0 --oom-score-adj 500 \
		sh -c 'umask; ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj'
	same "$output" $'0077\n100\n200\n0\n500'
	refused --ulimit nofiles=1
	refused --umask 9
}

@test "--init reaps, forwards signals to the group, and ends as the command" {
	inside --init cat /proc/1/comm
	same "$output" init
	rb run --rm --init sh -c 'exit 7'
	exits 7
	rb run --rm --init sh -c 'kill -KILL $$'
	exits 137
	rb run --rm --init sh -c 'trap "exit 5" TERM; kill -TERM 1; while :; do sleep 1000 & wait; done'
	exits 5
	inside --init grep -E 'Sig(Blk|Ign)' /proc/self/status
	same "$(tr -d '\t' <<<"$output")" $'SigBlk:0000000000000000\nSigIgn:0000000000000000'
	rb run --rm --init no-such-command
	exits 127
	error_names no-such-command
}

@test "--init's program cannot be changed, whatever mounts are made" {
	rb run --rm --init --cap-add SYS_ADMIN --security-opt seccomp=unconfined sh -c '
		mount -o remount,rw,bind /dev/init && echo x >/dev/init'
	[ -x "${RUSTBOX%/*}/rustbox-init" ] || fail "it is gone"
	inside --init echo still
	same "$output" still
}

# ---- capabilities and what else holds a process ----------------------------------

@test "--cap-drop and --cap-add" {
	inside --cap-drop ALL --cap-add net_admin cat /proc/self/status
	matches '^CapEff:[[:space:]]*0000000000001000$'
	inside --cap-drop ALL -u user --cap-add CHOWN cat /proc/self/status
	matches '^CapEff:[[:space:]]*0000000000000000$'
	matches '^CapBnd:[[:space:]]*0000000000000001$'
	refused --cap-add NO_SUCH
	error_names NO_SUCH
}

@test "the default seccomp profile refuses namespaces and mounts, and gives them to SYS_ADMIN" {
	rb run --rm busybox unshare -m true
	exits 1
	[[ $error == *"Operation not permitted"* ]] || fail "should be refused"
	rb run --rm --cap-add SYS_ADMIN busybox unshare -m echo new
	same "$output" new
	inside --security-opt seccomp=unconfined sh -c 'grep Seccomp: /proc/self/status'
	matches '0$'
	rb run --rm --cap-add SYS_ADMIN sh -c 'mount -t tmpfs none /mnt && echo mounted'
	same "$output" mounted
}

@test "--security-opt seccomp=FILE, in Docker's form" {
	cat >"$DIR/profile" <<-'JSON'
	{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
	  {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
	   "excludes": {"caps": ["CAP_SYS_TIME"]}}]}
	JSON
	rb run --rm --security-opt "seccomp=$DIR/profile" mkdir /x
	exits 1
	inside --security-opt "seccomp=$DIR/profile" --cap-add SYS_TIME mkdir /x
	refused --security-opt "seccomp=$DIR/none"
	error_names "$DIR/none"
}

@test "--security-opt no-new-privileges=false, systempaths=unconfined" {
	inside --security-opt no-new-privileges=false cat /proc/self/status
	matches '^NoNewPrivs:[[:space:]]*0$'
	rb run --rm sh -c 'echo 1 >/proc/sys/kernel/randomize_va_space'
	exits 1
	inside cat /proc/timer_list
	same "$output" ""
	rb run --rm --security-opt systempaths=unconfined grep ' /proc/' /proc/mounts
	exits 1
	refused --security-opt what=ever
	error_names what=ever
}

@test "--privileged: all capabilities and devices, nothing hidden" {
	inside --privileged sh -c 'cat /proc/self/status; ls /dev; grep -c " /proc/" /proc/mounts; :'
	matches '^Seccomp:[[:space:]]*0$'
	matches '^NoNewPrivs:[[:space:]]*0$'
	matches "^CapEff:[[:space:]]*$(awk '/^CapPrm/ { print $2 }' /proc/self/status)$"
	lines null "$(basename "$(find /dev -maxdepth 1 -type c -name 'tty[0-9]*' -o -maxdepth 1 -type c -name kmsg | head -1)")"
}

# ---- files ------------------------------------------------------------------------

@test "-v of a folder: writable, read-only, below and above each other" {
	mkdir -p "$DIR/a/below" "$DIR/b"
	inside -v "$DIR/b:/m/below" -v "$DIR/a:/m:ro" sh -c '
		touch /m/below/x && ! touch /m/x 2>/dev/null && echo good'
	same "$output" good
	[ -e "$DIR/b/x" ] || fail "nothing was written"
	inside -v "$DIR/made/by/us:/m" true
	[ -d "$DIR/made/by/us" ] || fail "the folder should be made"
	refused --mount "type=bind,src=$DIR/none,dst=/m"
	error_names "$DIR/none"
	refused -v "$DIR/a:/m" --tmpfs /m
	refused -v "$DIR/a:/m:what"
	error_names what
}

@test "-v of a named volume: gets what is there, outlives the container" {
	inside -v "data:/etc" sh -c 'cat /etc/passwd; echo more >/etc/more'
	lines root:x:0:0:root:/root:/bin/sh
	inside -v "data:/other:ro" cat /other/more /other/passwd
	lines more root:x:0:0:root:/root:/bin/sh
	inside -v "empty:/etc/:nocopy" ls /etc
	no_lines passwd
}

@test "an anonymous volume goes with its container" {
	inside -v /anonymous sh -c 'echo x >/anonymous/x; cat /anonymous/x'
	same "$output" x
	same "$(ls "$RUSTBOX_ROOT/volumes")" ""
	rbok run --name "$NAME" -v /anonymous true
	same "$(find "$RUSTBOX_ROOT/volumes" -mindepth 1 -maxdepth 1 | wc -l)" 1
	rbok remove -v "$NAME"
	same "$(ls "$RUSTBOX_ROOT/volumes")" ""
}

@test "--tmpfs and --mount type=tmpfs" {
	inside --tmpfs /t:size=1m,mode=700,exec --mount type=tmpfs,dst=/u,tmpfs-size=2m cat /proc/mounts
	matches '^tmpfs /t tmpfs rw,nosuid,nodev,.*size=1024k.*mode=700'
	matches '^tmpfs /u tmpfs rw,nosuid,nodev,noexec,.*size=2048k'
	refused --tmpfs /t:what=1
}

@test "--volumes-from" {
	mkdir "$DIR/a"
	echo shared >"$DIR/a/file"
	rbok create --name "$NAME" -v "$DIR/a:/a" true
	inside --volumes-from "$NAME:ro" sh -c 'cat /a/file; touch /a/x 2>/dev/null || echo read-only'
	same "$output" $'shared\nread-only'
	refused --volumes-from no-such
}

@test "--read-only leaves what is mounted writable" {
	inside --read-only --tmpfs /run sh -c 'touch /x 2>/dev/null || echo read-only; touch /run/x && echo good'
	same "$output" $'read-only\ngood'
}

@test "--shm-size" {
	inside --shm-size 1m grep ' /dev/shm ' /proc/mounts
	says size=1024k
}

@test "--device by name, by folder, and --device-cgroup-rule" {
	need_controller devices
	inside --device /dev/null:/dev/mine:r sh -c 'stat -c "%t:%T" /dev/mine; cat /dev/mine'
	same "$output" 1:3
	inside --device-cgroup-rule 'c 10:229 rwm' true
	refused --device "$DIR/none"
	error_names "$DIR/none"
	refused --device /etc/passwd
	refused --device-cgroup-rule 'c 1'
}

# ---- limits -----------------------------------------------------------------------

# bats test_tags=vm
@test "--memory, --cpus, --pids-limit, --cpu-shares, --cpuset-cpus reach the cgroup" {
	need_controller memory
	start_box --memory 64M --cpus 0.5 --pids-limit 33
	find /sys/fs/cgroup -path "*/rustbox/$ID/*" \( -name memory.max -o -name pids.max \
		-o -name memory.limit_in_bytes -o -name cpu.max -o -name cpu.cfs_quota_us \) \
		-exec cat {} + >"$DIR/values"
	grep -qx 67108864 "$DIR/values" || fail "memory"
	grep -qx 33 "$DIR/values" || fail "pids"
	grep -qE '^50000( 100000)?$' "$DIR/values" || fail "cpu"
	same "$(box_state .HostConfig.Memory)" 67108864
}

@test "no limit by 0 or a negative number, and --cpu as the earlier RustBox had it" {
	inside --memory 0 --cpu 0 --pids-limit -1 echo good
	same "$output" good
	inside --memory -1 --cpu 0.5 echo good
	same "$output" good
	refused --memory 10x
	refused --cpus 0.001
	refused --memory 2m --memory-swap 1m
}

# bats test_tags=vm
@test "more memory than --memory is killed" {
	need_controller memory
	rb run --name "$NAME" --memory 16M --memory-swap 16M payload oom
	exits 137
	[[ $error == *--memory* ]] || fail "does not say why: $error"
	same "$(box_state .State.OOMKilled)" true
}

# bats test_tags=vm
@test "--oom-group: all processes at once, or an error where only cgroup v2 could do it" {
	if [ ! -f /sys/fs/cgroup/cgroup.controllers ]; then
		rb run --rm --oom-group true
		[ "$status" -ne 0 ] || fail "it should be refused"
		error_names memory.oom.group
		return 0
	fi
	rb run -d --name "$NAME" --memory 32M --memory-swap 32M --oom-group sh -c 'sleep 1000 & payload oom; sleep 1000'
	ok
	until_true eval '[ "$(box_state .State.Status)" = exited ]'
	same "$(box_state .State.ExitCode)" 137
	same "$(box_state .State.OOMKilled)" true
}

@test "--security-opt landlock=FILE and core-scheduling" {
	local version
	version=$("$PYTHON" -ES -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1))')
	[ "$version" -ge 1 ] || skip "this kernel has no landlock"
	echo '{"ruleset": {"handledAccessFS": ["write_file", "make_reg"]}, "rules": {"pathBeneath": [
		{"allowedAccess": ["write_file", "make_reg"], "paths": ["/tmp", "/dev"]}]}}' >"$DIR/rules"
	rb run -d --name "$NAME" --security-opt "landlock=$DIR/rules" sh -c 'echo a >/tmp/a && cat /tmp/a; echo b >/b; sleep 1000'
	ok
	until_true eval 'rb logs "$NAME"; [[ $output == *a* && $error == *"/b"* ]]'
	rb exec "$NAME" sh -c 'echo c >/c'
	[ "$status" -ne 0 ] || fail "exec is under the rules, too"
	refused --security-opt "landlock=$DIR/none"
	echo '{}' >"$DIR/rules"
	refused --security-opt "landlock=$DIR/rules"
	error_names ruleset
	[ "$("$PYTHON" -ES -c 'import ctypes; print(ctypes.CDLL(None).prctl(62, 0, 0, 0, ctypes.byref(ctypes.c_ulong())))')" != 0 ] || {
		rb run --rm --security-opt core-scheduling true
		ok
		return 0
	}
	rb run --rm --security-opt core-scheduling true
	[ "$status" -ne 0 ] || fail "it should be refused"
	error_names CONFIG_SCHED_CORE
}

@test "--cgroup-parent" {
	start_box --cgroup-parent "/rustbox/$TAG"
	[ -n "$(find /sys/fs/cgroup -type d -path "*/rustbox/$TAG/$ID")" ] || fail "not there"
	rbok remove --force "$ID"
	# Others' cgroups come and go while find looks; that ours have gone is proven at the end.
	find /sys/fs/cgroup -depth -type d -path "*/rustbox/$TAG" -exec rmdir {} + 2>/dev/null || :
	refused --cgroup-parent relative
	refused --cgroup-manager others
	[ -d /run/systemd/system ] || refused --cgroup-manager systemd
}

@test "--sysctl of its namespaces only" {
	inside --sysctl kernel.shmmax=12345 cat /proc/sys/kernel/shmmax
	same "$output" 12345
	refused --sysctl kernel.panic=1
	refused --sysctl net.core.somaxconn=1
}

# ---- namespaces -------------------------------------------------------------------

@test "--hostname, --domainname, and who has the default" {
	inside --hostname here --domainname there sh -c '
		hostname; cat /proc/sys/kernel/domainname /etc/hostname; tail -n 1 /etc/hosts'
	same "$output" $'here\nthere\nhere\n127.0.1.1\there'
	refused --hostname 'a b'
}

@test "--pid, --ipc, --uts, --cgroupns host" {
	local kind
	for kind in pid ipc uts; do
		inside --$kind host sh -c "readlink /proc/self/ns/$kind"
		same "$output" "$(readlink /proc/self/ns/$kind)"
		inside sh -c "readlink /proc/self/ns/$kind"
		[ "$output" != "$(readlink /proc/self/ns/$kind)" ] || fail "$kind is the host's"
	done
	inside --cgroupns host sh -c "readlink /proc/self/ns/cgroup"
	same "$output" "$(readlink /proc/self/ns/cgroup)"
	refused --pid elsewhere
}

@test "--pid, --network, --uts of another container, which has to run" {
	start_box --network none --hostname first
	inside --pid "container:$NAME" --network "container:$NAME" --uts "container:$NAME" \
		sh -c 'for ns in pid net uts; do readlink /proc/self/ns/$ns; done; hostname; cat /etc/hostname'
	local pid
	pid=$(box_state .State.Pid)
	same "$output" "$(for ns in pid net uts; do readlink "/proc/$pid/ns/$ns"; done)"$'\nfirst\nfirst'
	rbok create --name "$NAME-2" --pid "container:$NAME" sh -c 'readlink /proc/self/ns/pid'
	rbok restart -t 0 "$NAME"
	rbok start -a "$NAME-2"
	same "$output" "$(readlink "/proc/$(box_state .State.Pid)/ns/pid")"
	rbok stop -t 0 "$NAME"
	rb run --rm --pid "container:$NAME" true
	exits 125
	error_names "$NAME"
}

@test "--ipc of another container: its queues, and what it has in /dev/shm" {
	start_box --shm-size 1M
	rbok exec "$NAME" sh -c 'echo mine >/dev/shm/of-first'
	inside --ipc "container:$NAME" \
		sh -c 'readlink /proc/self/ns/ipc; cat /dev/shm/of-first; echo yours >/dev/shm/of-second; df -k /dev/shm | tail -n 1'
	local pid
	pid=$(box_state .State.Pid)
	[[ $output == "$(readlink "/proc/$pid/ns/ipc")"$'\nmine\n'*" 1024 "* ]] || fail "output: $output"
	rbok exec "$NAME" cat /dev/shm/of-second
	same "$output" yours
	# Whatever the first one has made of the place by then.
	rbok create --name "$NAME-2" --ipc "container:$NAME" sh -c 'ls /dev/shm; readlink /proc/self/ns/ipc'
	same "$(box_state .HostConfig.IpcMode "$NAME-2")" "container:$ID"
	rbok restart -t 0 "$NAME"
	rbok start -a "$NAME-2"
	same "$output" "$(readlink "/proc/$(box_state .State.Pid)/ns/ipc")"
	rb run --rm --ipc "container:$NAME" --shm-size 1M true
	exits 125
	error_names --shm-size "container:$NAME"
	rb run --rm --ipc "container:$NAME" --isolate-user true
	exits 125
	error_names --ipc "user namespace"
	rbok stop -t 0 "$NAME"
	rb restart "$NAME-2"
	fails
	error_names "$NAME" ipc "not running"
}

@test "--isolate-network and --network none: loopback only" {
	inside --isolate-network sh -c 'cat /proc/net/dev | tail -n +3; cat /proc/sys/net/ipv4/ip_unprivileged_port_start'
	matches '^ *lo:'
	no_lines eth0
	lines 0
	refused --isolate-network --network host
	refused --network none -p 80:80
	refused --network host -p 80:80
}

@test "--add-host and --dns are in the container's files" {
	inside --add-host one:1.2.3.4 --dns 9.9.9.9 --dns-search x.org --dns-option ndots:2 \
		cat /etc/hosts /etc/resolv.conf
	lines $'1.2.3.4\tone' 'nameserver 9.9.9.9' 'search x.org' 'options ndots:2'
	refused --dns nowhere
}

@test "--isolate-user: root inside is nobody outside, files look right on both sides" {
	mkdir "$DIR/a"
	touch "$DIR/a/of-root"
	start_box --isolate-user -v "$DIR/a:/a"
	rbok exec "$NAME" sh -c 'id -u; stat -c %u / /a/of-root /etc/passwd; touch /a/new /mine; cat /proc/self/uid_map'
	[[ $output == $'0\n0\n0\n0\n'* ]] || fail "root should own its files"
	same "$(stat -c %u "$DIR/a/new")" 0
	local outside
	outside=$(stat -c %u "/proc/$(box_state .State.Pid)")
	[ "$outside" -ge 65536 ] || fail "runs as $outside"
	same "$(stat -c %u "$RUSTBOX_ROOT/overlay/$ID/upperdir/mine")" "$outside"
}

@test "--uidmap and --gidmap; what a user namespace does not go with" {
	inside --uidmap 0:5000:10 --gidmap 0:6000:20 cat /proc/self/uid_map /proc/self/gid_map
	matches '^ *0 +5000 +10$'
	matches '^ *0 +6000 +20$'
	refused --uidmap 0:5000
	refused --isolate-user --privileged
	refused --isolate-user --pid host
	refused --isolate-user --userns host
}

# ---- what is kept ------------------------------------------------------------------

@test "labels, annotations, restart policy are kept and shown" {
	printf 'a=file\nb=file\n' >"$DIR/labels"
	rbok create --name "$NAME" --label-file "$DIR/labels" -l a=1 --annotation x.y=z \
		--restart on-failure:3 --stop-signal INT --stop-timeout 7 true
	same "$(box_state .Config.Labels.a)" 1
	same "$(box_state .Config.Labels.b)" file
	same "$(box_state .HostConfig.RestartPolicy.Name)" on-failure
	same "$(jq -r '.annotations["x.y"]' "$RUSTBOX_ROOT/bundles/$output/config.json")" z
	refused --restart always
	refused --annotation org.rustbox.join.pid=x
	refused --restart sometimes
}

@test "--log-max-size rotates; other drivers are refused" {
	rbok run --name "$NAME" --log-opt max-size=1k --log-max-file 2 sh -c 'seq 1000'
	local id
	id=$(box_state .Id)
	[ "$(du -sb "$RUSTBOX_ROOT/logs/$id" | cut -f1)" -lt 20000 ] || fail "too much is kept"
	refused --log-driver syslog
	error_names syslog
	refused --log-opt what=1
}

@test "--platform: an image for another one is refused; --pull: never is all there is" {
	refused --platform linux/amd64
	error_names "--platform linux/amd64" images
	refused --pull always
	error_names "--pull always" skopeo
	rbok run --rm --pull never true
}

@test "--rdt-class: a class of the processor's cache, or an error that says what is missing" {
	rb run --rm --rdt-class "$NAME" true
	if [ -e /sys/fs/resctrl/schemata ]; then
		ok
	else
		exits 125
		error_names resctrl
	fi
}

@test "Docker's options that are not here are refused by name, with what to use" {
	local option
	for option in attach gpus init-binary link quiet runtime storage-opt systemd volume-driver; do
		rb run --rm --$option x true
		exits 125
		error_names "there is no --$option here" "("
	done
	rb create -a stdout true
	exits 125
	error_names --attach
	rb network create --ipv6 six
	fails
	error_names "there is no --ipv6 here" IPv4
	rb network create --subnet fd00:1::/64 six
	fails
	error_names fd00:1::/64 IPv4
	rb run --rm --device vendor.com/class=name true
	exits 125
	error_names vendor.com/class=name CDI
	same "$(container_ids)" ""
}
