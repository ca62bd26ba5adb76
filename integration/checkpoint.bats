#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `checkpoint` and `restore`, by CRIU. Left out where `criu check` fails, as that of
# Debian 12 does on newer kernels; newer_criu.bats runs it with a newer one.
# vm: yes

load checkpoint

# bats test_tags=vm
# What the first process may do.
privileges()
{
	grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' "/proc/$(init_pid)/status"
}

@test "what a container was doing goes on: memory, files in memory, namespaces, exit code" {
	local before privileges
	payload write /dev/shm/data here + stop 7
	command_is sh -c 'i=0; trap "exit 7" TERM; echo kept >/dev/shm/kept
		while :; do i=$((i+1)); echo count $i; sleep 0.05; done'
	start
	until_true counts_beyond 3
	privileges=$(privileges)
	save
	try state "$ID"
	error_names "does not exist"
	before=$(last_count)
	bring_back --pid-file "$DIR/pid"
	until_true counts_beyond "$before"
	[ "$(sed -n 's/^count //p;q' "$DIR/container.out" | head -n 1)" -le $((before + 2)) ] ||
		fail "it should go on from $before"
	same "$(container_status)" running
	same "$(init_pid)" "$(<"$DIR/pid")"
	same "$(privileges)" "$privileges"
	[[ $privileges == *NoNewPrivs:?1* ]] || fail "$privileges"
	try exec "$ID" sh -c 'cat /dev/shm/kept; hostname; echo $$; cat /proc/1/comm'
	ok
	lines kept container sh
	same "$(readlink "/proc/$(init_pid)/ns/pid")" "$(rt exec "$ID" ls -l /proc/self/ns/pid | sed 's/.*-> //')"
	[ -d "$(cgroup_dir memory)" ]
	grep -q "$CG" "/proc/$(init_pid)/cgroup"
	try kill "$ID" TERM
	wait_status stopped
	try delete "$ID"
	ok
}

@test "the exit code of a restored container, in the foreground" {
	command_is sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done'
	start
	wait_output ready
	save
	timeout -k 5 100 "$RUNTIME" --root "$ROOT" restore --image-path "$IMAGES" --bundle "$B" "$ID" \
		</dev/null >"$DIR/out" 2>&1 3>&- 4>&- &
	local restore=$!
	until_true status_is running 2>/dev/null
	rt kill "$ID" TERM
	status=0
	wait "$restore" || status=$?
	same "$status" 7
}

@test "--leave-running leaves it running" {
	counting
	start
	until_true counts_beyond 3
	save --leave-running
	same "$(container_status)" running
	until_true counts_beyond $(($(last_count) + 3))
}

@test "a paused container stays paused; its checkpoint runs" {
	counting
	start
	until_true counts_beyond 3
	rt pause "$ID"
	save --leave-running
	same "$(container_status)" paused
	rt delete --force "$ID"
	bring_back
	same "$(container_status)" running
	until_true counts_beyond 5
}

@test "pipes of the caller are those of the restored container" {
	counting
	timeout -k 5 100 "$RUNTIME" --root "$ROOT" run --detach --bundle "$B" "$ID" </dev/null 2>&1 3>&- 4>&- |
		cat >"$DIR/first" &
	until_true grep -qs 'count 3' "$DIR/first"
	save
	wait
	timeout -k 5 100 "$RUNTIME" --root "$ROOT" restore --detach --image-path "$IMAGES" --bundle "$B" "$ID" \
		</dev/null 2>&1 3>&- 4>&- | timeout 60 cat >"$DIR/second" &
	until_true grep -qs 'count' "$DIR/second"
	[ "$(sed -n 's/^count //;1p' "$DIR/second")" -gt 2 ]
	rt kill "$ID" KILL
	wait
}

@test "a failed checkpoint: the reason, and the container runs on" {
	counting
	start
	until_true counts_beyond 3
	try checkpoint --image-path "$DIR/none/images" "$ID"
	error_names --image-path "$DIR/none/images"
	try checkpoint --criu /nonexistent --image-path "$IMAGES" "$ID"
	error_names --criu /nonexistent
	try checkpoint --criu /bin/false --image-path "$IMAGES" "$ID"
	error_names criu "without an answer"
	same "$(container_status)" running
	until_true counts_beyond $(($(last_count) + 3))
}

@test "only what runs can be saved, and only a checkpoint restored" {
	counting
	create_container
	try checkpoint --image-path "$IMAGES" "$ID"
	error_names checkpoint created
	rt delete --force "$ID"
	mkdir -p "$IMAGES"
	try restore --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names rustbox.json "no checkpoint"
	try restore --image-path "$DIR/nowhere" --bundle "$B" "$ID"
	error_names --image-path
	try restore --no-pivot --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names --no-pivot
}

# ---- mounts -------------------------------------------------------------------

# A bind of the test's folder NAME, which has a file of that text.
bind()
{
	mkdir -p "$DIR/$1"
	echo "$1" >"$DIR/$1/file"
	config '.mounts += [{destination: $to, type: "bind", source: $from, options: ($options | split(","))}]' \
		--arg from "$DIR/$1" --arg to "$2" --arg options "${3:-rbind,rw}"
}

@test "S18 binds of the host's files come back, with the flags of config.json" {
	mkdir -p "$DIR/tree/below"
	mount -t tmpfs "$TAG" "$DIR/tree/below"
	echo below >"$DIR/tree/below/file"
	bind written /data/written
	bind fixed /data/fixed bind,ro
	bind tree /tree
	echo one >"$DIR/single"
	config '.mounts += [{destination: "/etc/single", type: "bind", source: $from, options: ["bind", "ro"]}]' \
		--arg from "$DIR/single"
	waiting
	save
	echo changed >"$DIR/written/file"
	bring_back
	try exec "$ID" sh -c 'cat /data/written/file /data/fixed/file /tree/file /tree/below/file /etc/single
		echo new >/data/written/new; touch /data/fixed/x || echo refused; touch /etc/single || echo refused too'
	same "$output" $'changed\nfixed\ntree\nbelow\none\nrefused\nrefused too'
	same "$(<"$DIR/written/new")" new
	rt delete --force "$ID"
	umount "$DIR/tree/below"
}

@test "S18 a link in the place of a folder above a mount leads nowhere" {
	mkdir -p "$DIR/host/vol"
	bind volume /data/vol
	waiting
	save
	mv "$B/rootfs/data" "$B/rootfs/data.real"
	ln -s "$DIR/host" "$B/rootfs/data"
	try restore --detach --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names restore
	same "$(ls -A "$DIR/host/vol")" ""
	assert_nothing_left
	rm "$B/rootfs/data"
	ln -s data.real "$B/rootfs/data"
	try restore --detach --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names /data/vol
	rm "$B/rootfs/data"
	mv "$B/rootfs/data.real" "$B/rootfs/data"
	bring_back
}

@test "S18 a container that renames the folders above its mounts gains nothing" {
	bind fixed /x/m bind,ro
	bind written /y/m
	waiting
	try exec "$ID" sh -c 'mv /x /z && mv /y /x && mv /z /y'
	ok
	save
	bring_back
	try exec "$ID" sh -c 'for d in /x/m /y/m; do cat $d/file; touch $d/new && echo written to $d; done'
	lines fixed written
	same "$(ls "$DIR/fixed")" file
}

# podman writes them so at each restore.
@test "mounts that config.json has in another order by then" {
	bind fixed /data/fixed bind,ro
	bind written /data/written
	echo one >"$DIR/single"
	config '.mounts += [{destination: "/etc/single", type: "bind", source: $from, options: ["bind", "ro"]}]' \
		--arg from "$DIR/single"
	waiting
	save
	config '.mounts |= .[:-3] + (.[-3:] | reverse)'
	bring_back
	try exec "$ID" sh -c 'cat /data/fixed/file /data/written/file /etc/single; touch /data/fixed/x || echo refused'
	same "$output" $'fixed\nwritten\none\nrefused'
}

@test "S18 a checkpoint's names give nothing that config.json does not" {
	bind fixed /data/fixed bind,ro
	bind written /data/written
	waiting
	save
	cp "$IMAGES/rustbox.json" "$DIR/saved.json"
	jq '(.mounts[] | select(.name == "rustbox-mount-0-%2Fdata%2Ffixed") | .name) = "rustbox-mount-0-%2Fdata%2Fwritten"' \
		<"$DIR/saved.json" >"$IMAGES/rustbox.json"
	try restore --detach --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names restore
	jq '(.mounts[] | select(.name == "rustbox-mount-0-%2Fdata%2Ffixed") | .name) = "rustbox-mount-0-%2Fother"' \
		<"$DIR/saved.json" >"$IMAGES/rustbox.json"
	try restore --detach --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names rustbox-mount-0-%2Fother config.json
	jq '.mounts += [{point: "/more", name: "rustbox-mount-0-%2Fdata%2Fwritten/../../etc"}]' \
		<"$DIR/saved.json" >"$IMAGES/rustbox.json"
	try restore --detach --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names /more
	# What was writable when it was saved, and must not be any more.
	cp "$DIR/saved.json" "$IMAGES/rustbox.json"
	config '.mounts[7].options = ["bind", "ro"]'
	try restore --detach --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names /data/written ro
	assert_nothing_left
}

@test "mounts of cgroups, with and without a cgroup namespace" {
	local namespace
	for namespace in '' '{"type": "cgroup"}'; do
		base_config >"$B/config.json"
		config '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
			options: ["nosuid", "noexec", "nodev", "relatime", "ro"]}]'
		[ -z "$namespace" ] || config ".linux.namespaces += [$namespace]"
		waiting
		try exec "$ID" sh -c 'cd /sys/fs/cgroup; find . -name cgroup.procs | sort'
		echo "$output" >"$DIR/before"
		save
		rm -rf "$IMAGES/rustbox.none"
		bring_back
		try exec "$ID" sh -c 'cd /sys/fs/cgroup; find . -name cgroup.procs | sort; touch x || echo read-only'
		same "$output" "$(<"$DIR/before")"$'\nread-only'
		rt delete --force "$ID"
		rm -rf "$IMAGES"
	done
}

@test "a user namespace, whose devices are the host's" {
	user_namespace
	config '.mounts |= map(select(.type != "mqueue"))'
	waiting
	save
	bring_back
	try exec "$ID" sh -c 'id -u; echo x >/dev/null; cat /proc/self/uid_map'
	ok
	lines 0
}

# ---- descriptors, terminals, locks, connections ----------------------------------------

# Says what it reads; the file tells when.
repeating()
{
	config '.process.terminal = true'
	command_is sh -c 'echo ready >/dev/shm/read; while read line; do
		echo "got $line"; echo "$line" >/dev/shm/read; [ "$line" != bye ] || exit 5; done'
}

has_read()
{
	[ "$(rt exec "$ID" cat /dev/shm/read 2>/dev/null)" = "$1" ]
}

# With a terminal that somebody holds, until it is saved.
save_repeating()
{
	repeating
	peer console "$DIR/c.sock" 'send:one\n' end >"$DIR/console.out"
	launch run --detach --console-socket "$DIR/c.sock" --bundle "$B" "$ID"
	ok
	until_true has_read one
	save
	wait "$PEER"
}

@test "a terminal goes to the console socket of the restore" {
	save_repeating
	try restore --detach --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names terminal console-socket
	peer console "$DIR/d.sock" 'send:two\n' 'expect:got two' expect:three end >"$DIR/console.out"
	bring_back --console-socket "$DIR/d.sock"
	until_true has_read two
	try exec "$ID" sh -c 'echo three >/dev/console'
	ok
	rt delete --force "$ID"
	wait "$PEER"
}

@test "a restore in the foreground has the terminal of its caller" {
	save_repeating
	on_pty 'send:two\n' 'expect:got two' 'send:bye\n' end -- \
		"$RUNTIME" --root "$ROOT" restore --image-path "$IMAGES" --bundle "$B" "$ID"
	lines "got two" "exit 5"
}

@test "--preserve-fds: more descriptors of the caller" {
	command_is sh -c 'i=0; while :; do i=$((i+1)); echo count $i >&3; sleep 0.05; done'
	timeout -k 5 100 "$RUNTIME" --root "$ROOT" run --detach --preserve-fds 1 --bundle "$B" "$ID" \
		</dev/null >/dev/null 2>&1 3>"$DIR/three" 4>&-
	until_true grep -qs 'count 3' "$DIR/three"
	save
	timeout -k 5 100 "$RUNTIME" --root "$ROOT" restore --detach --preserve-fds 1 --image-path "$IMAGES" \
		--bundle "$B" "$ID" </dev/null >"$DIR/out" 2>&1 3>"$DIR/four" 4>&- || fail "$(<"$DIR/out")"
	until_true grep -qs 'count' "$DIR/four"
	rt delete --force "$ID"
	status=0 output=''
	timeout -k 5 100 "$RUNTIME" --root "$ROOT" restore --detach --preserve-fds 3 --image-path "$IMAGES" \
		--bundle "$B" "$ID" >/dev/null 2>"$DIR/err" </dev/null 3<&0 4<&0 5<&0 || status=$?
	error=$(<"$DIR/err")
	error_names --preserve-fds
}

@test "file locks need --file-locks, and are held again" {
	payload lock /locked + print ready + wait
	start
	wait_output ready
	try checkpoint --image-path "$IMAGES" "$ID"
	error_names "lock"
	same "$(container_status)" running
	save --file-locks
	# What it was saved with is known.
	bring_back
	try exec "$ID" payload lock /locked
	same "$output" EAGAIN
}

# nc's client and server in one container, over lo.
talking()
{
	can_save_sockets || skip "this criu cannot save sockets on this kernel (SO_PASSCRED, SO_PASSSEC)"
	ln -s busybox "$B/rootfs/bin/nc"
	command_is sh -c 'sleep 1000 | nc -l -p 4000 >/dev/shm/heard & sleep 0.3
		(i=0; while :; do i=$((i+1)); echo said $i; sleep 0.05; done) | nc 127.0.0.1 4000 &
		echo ready; wait'
	start
	wait_output ready
	until_true heard_beyond 3
}

# Since Linux 6.16 sockets refuse options that are not theirs, which criu 4.1 asks for.
can_save_sockets()
{
	"$PYTHON" -ES -c 'import socket
socket.socket().getsockopt(socket.SOL_SOCKET, socket.SO_PASSSEC)' 2>/dev/null
}

heard_beyond()
{
	local now
	now=$(rt exec "$ID" tail -n 1 /dev/shm/heard 2>/dev/null | sed -n 's/^said //p')
	[ "${now:-0}" -gt "$1" ]
}

@test "open connections need --tcp-established, and go on" {
	talking
	try checkpoint --image-path "$IMAGES" "$ID"
	error_names tcp-established
	until_true heard_beyond 10
	save --tcp-established
	bring_back
	until_true heard_beyond 20
	# Nothing was lost, and nothing came twice.
	rt exec "$ID" cat /dev/shm/heard | awk '$2 != NR { exit 1 }'
}

@test "connections that nobody has accepted yet need --tcp-skip-in-flight, and are left out" {
	can_save_sockets || skip "this criu cannot save sockets on this kernel (SO_PASSCRED, SO_PASSSEC)"
	ln -s busybox "$B/rootfs/bin/nc"
	command_is sh -c 'nc -l -p 4000 >/dev/shm/heard & sleep 0.3; kill -STOP $!
		sleep 1000 | nc 127.0.0.1 4000 & echo ready; wait'
	start
	wait_output ready
	until_true waits_to_be_accepted
	try checkpoint --image-path "$IMAGES" --tcp-established "$ID"
	error_names "n-flight connection"
	save --tcp-established --tcp-skip-in-flight
	bring_back
	rt exec "$ID" cat /proc/1/net/tcp /proc/1/net/tcp6 >"$DIR/tcp"
	grep -q ':0FA0 0*:0000 0A ' "$DIR/tcp" || fail "nobody listens"
	! grep -q ':0FA0 [0-9A-F]*:[0-9A-F]* 01 ' "$DIR/tcp" || fail "it is still connected"
}

# A listener's queue is its rx_queue.
waits_to_be_accepted()
{
	rt exec "$ID" cat /proc/1/net/tcp6 2>/dev/null | grep -q ':0FA0 0*:0000 0A 00000000:00000001 '
}

@test "--network-lock: packets are held back meanwhile in the way that it says" {
	local name
	command -v iptables-restore >/dev/null || skip "there is no iptables"
	talking
	mkdir "$DIR/path"
	for name in iptables-restore iptables-legacy-restore; do
		printf '#!/bin/sh\n: >"%s/used"\nexec %s "$@"\n' "$DIR" "$(command -v $name)" >"$DIR/path/$name"
	done
	# CRIU has a PATH of its own, which begins with these folders.
	cat >"$DIR/runtime" <<-END
		#!/bin/sh
		exec unshare --mount sh -ec 'mount --bind $DIR/path /usr/local/sbin; exec "\$@"' sh $RUNTIME "\$@"
	END
	chmod +x "$DIR/path"/* "$DIR/runtime"
	RUNTIME=$DIR/runtime save --tcp-established --network-lock iptables
	[ -e "$DIR/used" ] || fail "it did not use iptables"
	bring_back --network-lock iptables
	until_true heard_beyond 10
	rm -r "$IMAGES" "$DIR/used"
	RUNTIME=$DIR/runtime save --tcp-established --network-lock nftables
	[ ! -e "$DIR/used" ] || fail "it did use iptables"
	bring_back --network-lock nftables
	until_true heard_beyond 20
}

@test "a network namespace of somebody else's is joined again, not saved" {
	local holder
	unshare --net sh -c 'busybox ip link set lo up; exec sleep 1000' 3>&- 4>&- &
	holder=$!
	until_true grep -qs lo: "/proc/$holder/net/dev"
	config '(.linux.namespaces[] | select(.type == "network")).path = $p' --arg p "/proc/$holder/ns/net"
	talking
	save --tcp-established
	bring_back --tcp-established
	until_true heard_beyond 10
	same "$(readlink "/proc/$(init_pid)/ns/net")" "$(readlink "/proc/$holder/ns/net")"
	rt delete --force "$ID"
	kill "$holder"
}

left_uts()
{
	[ "$(readlink "/proc/$1/ns/uts")" != "$(readlink /proc/self/ns/uts)" ]
}

@test "uts and ipc namespaces of somebody else's are joined again" {
	local holder
	unshare --uts --ipc sh -c 'hostname other; exec sleep 1000' 3>&- 4>&- &
	holder=$!
	until_true left_uts "$holder"
	config 'del(.hostname) | .linux.namespaces |= map(if .type == "uts" or .type == "ipc"
		then .path = "/proc/" + $p + "/ns/" + .type else . end)' --arg p "$holder"
	waiting
	save
	bring_back
	same "$(readlink "/proc/$(init_pid)/ns/uts")" "$(readlink "/proc/$holder/ns/uts")"
	same "$(readlink "/proc/$(init_pid)/ns/ipc")" "$(readlink "/proc/$holder/ns/ipc")"
	rt delete --force "$ID"
	kill "$holder"
}

# ---- hooks, files, options ------------------------------------------------------------------

@test "hooks: prestart and createRuntime at the restore, poststop at each end" {
	local kind
	for kind in prestart createRuntime poststop createContainer startContainer poststart; do
		config '.hooks[$k] = [{path: "/bin/sh", args: ["sh", "-c", "echo \($k) >>\($f); cat >/dev/null"]}]' \
			--arg k "$kind" --arg f "$DIR/hooks"
	done
	config 'del(.hooks.createContainer, .hooks.startContainer)'
	waiting
	: >"$DIR/hooks"
	save
	same "$(<"$DIR/hooks")" poststop
	: >"$DIR/hooks"
	bring_back
	rt delete --force "$ID"
	same "$(<"$DIR/hooks")" $'prestart\ncreateRuntime\npoststop'
}

@test "a failing hook undoes the restore" {
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "exit $(cat \($f))"]}]' --arg f "$DIR/code"
	echo 0 >"$DIR/code"
	waiting
	save
	echo 3 >"$DIR/code"
	try restore --detach --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names createRuntime 3
	try state "$ID"
	error_names "does not exist"
	assert_nothing_left
	echo 0 >"$DIR/code"
	bring_back
}

@test "the file of org.criu.config counts above our options" {
	config '.annotations["org.criu.config"] = $f' --arg f "$DIR/criu.conf"
	echo 'log-file of-the-file.log' >"$DIR/criu.conf"
	waiting
	save --work-path "$DIR/work"
	[ -s "$DIR/work/of-the-file.log" ]
	[ ! -e "$DIR/work/dump.log" ] && [ ! -e "$IMAGES/dump.log" ]
	# /tmp, where it may lie, is not the host's in a restore.
	echo 'log-file=of-the-restore.log' >"$DIR/criu.conf"
	bring_back --work-path "$DIR/work"
	[ -s "$DIR/work/of-the-restore.log" ]
	[ ! -e "$DIR/work/restore.log" ] && [ ! -e "$IMAGES/restore.log" ]
	config '.annotations["org.criu.config"] = $f' --arg f "$DIR/none.conf"
	try restore --detach --image-path "$IMAGES" --bundle "$B" "$ID-2"
	error_names org.criu.config "$DIR/none.conf" "No such file"
	config '.annotations["org.criu.config"] = "relative"'
	try restore --detach --image-path "$IMAGES" --bundle "$B" "$ID-2"
	error_names org.criu.config relative
}

@test "--criu: another program, wherever it lies, and a script" {
	cp "$(type -P criu)" "$DIR/criu"
	printf '#!/bin/sh\necho "$@" >>"%s"\nexec "%s" "$@"\n' "$DIR/called" "$DIR/criu" >"$DIR/criu.sh"
	chmod +x "$DIR/criu.sh"
	waiting
	save --criu "$DIR/criu"
	bring_back --criu "$DIR/criu"
	save --criu "$DIR/criu.sh"
	same "$(sed 's/ .*//' "$DIR/called")" swrk
}

@test "what CRIU does not restore is refused, and the container runs on" {
	local setting
	for setting in '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 4}' \
		'.annotations["org.rustbox.core-scheduling"] = "1"'; do
		base_config >"$B/config.json"
		config "$setting"
		command_is sleep 1000
		launch run --detach --bundle "$B" "$ID"
		[ "$status" -eq 0 ] || continue # not on this machine
		try checkpoint --image-path "$IMAGES" "$ID"
		error_names "CRIU does not restore"
		same "$(container_status)" running
		rt delete --force "$ID"
	done
	[ ! -e "$IMAGES" ]
}

@test "options that contradict each other, or that nobody knows" {
	while read -r word options; do
		# shellcheck disable=SC2086 # words
		try checkpoint $options --image-path "$IMAGES" "$ID"
		error_names "$word"
	done <<-'END'
	empty-ns --empty-ns mount
	manage-cgroups-mode --manage-cgroups-mode none
	network-lock --network-lock bolt
	page-server --page-server nowhere
	page-server --page-server localhost:0
	parent-path --parent-path /absolute
	pre-dump --pre-dump --lazy-pages
	status-fd --status-fd 77 --lazy-pages
	status-fd --status-fd 1
	END
}

# ---- sudden ends ----------------------------------------------------------------------------

# killed WHO SECONDS ARGUMENTS...: the runtime with these, of which WHO (criu,
# runtime) is killed so long after criu has begun.
killed()
{
	local who=$1 delay=$2 runtime child
	shift 2
	"$RUNTIME" --root "$ROOT" "$@" </dev/null >"$DIR/out" 2>"$DIR/err" 3>&- 4>&- &
	runtime=$!
	until_true child_of "$runtime"
	child=$CHILD
	sleep "$delay"
	[ "$who" = criu ] && kill -KILL "$child" 2>/dev/null || kill -KILL "$runtime" 2>/dev/null || :
	status=0
	wait "$runtime" || status=$?
	# A criu whose runtime is gone puts back what it has done.
	until_true not_there "$child"
}

child_of()
{
	CHILD=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
	CHILD=${CHILD%% *}
	[ -n "$CHILD" ] || [ ! -e "/proc/$1" ]
}

not_there()
{
	[ ! -e "/proc/$1" ] || grep -qs '^State:.Z' "/proc/$1/status"
}

@test "a checkpoint whose runtime is killed leaves the container running" {
	local delay
	counting
	start
	until_true counts_beyond 3
	for delay in 0 0.05 0.15 0.3; do
		rm -rf "$IMAGES"
		killed runtime "$delay" checkpoint --leave-running --image-path "$IMAGES" "$ID"
		until_true counts_beyond $(($(last_count) + 2))
		same "$(container_status)" running
	done
	save
}

counts_or_is_stopped()
{
	counts_beyond "$1" || status_is stopped
}

# CRIU saves a process by code that it lets run in there. Where that one is when CRIU is
# killed it ends, and with the first process the container; nothing is ever left frozen.
@test "a checkpoint whose criu is killed leaves a container that runs on, or has ended" {
	local delay now
	counting
	start
	until_true counts_beyond 3
	for delay in 0 0.05 0.15 0.3; do
		rm -rf "$IMAGES"
		killed criu "$delay" checkpoint --leave-running --image-path "$IMAGES" "$ID"
		now=$(last_count)
		until_true counts_or_is_stopped $((now + 2))
		status_is stopped || continue
		[ "$status" -ne 0 ] || fail "a checkpoint that was done has stopped it"
		try delete "$ID"
		ok
		assert_nothing_left
		start
		until_true counts_beyond 3
	done
	save
}

@test "a restore whose criu or runtime is killed leaves nothing that delete --force does not take" {
	local who delay
	counting
	start
	until_true counts_beyond 3
	save
	for who in criu runtime; do
		for delay in 0 0.05 0.15 0.25; do
			killed "$who" "$delay" restore --detach --image-path "$IMAGES" --bundle "$B" "$ID"
			# By itself, if it could.
			[ "$who" != criu ] || [ "$status" -eq 0 ] || [ ! -e "$ROOT/$ID" ] || fail "there is something left"
			try delete --force "$ID"
			ok
			assert_nothing_left
		done
	done
	bring_back
}

# ---- memory by and by -----------------------------------------------------------------------

# A shell with some megabytes of memory that it does not change.
remembering()
{
	command_is sh -c 'a=$(printf %4000000s x); trap "echo \${#a} >/dev/shm/size" USR1; i=0
		while :; do i=$((i+1)); echo count $i; sleep 0.05; done'
	start
	until_true counts_beyond 3
}

remembers()
{
	rt kill "$1" USR1
	[ "$(rt exec "$1" cat /dev/shm/size 2>/dev/null)" = 4000000 ]
}

pages_of()
{
	cat "$1"/pages-*.img | wc -c
}

@test "--pre-dump and --parent-path: pages are saved once" {
	remembering
	try checkpoint --pre-dump --image-path "$DIR/first" "$ID"
	case $error in
	*CONFIG_MEM_SOFT_DIRTY*)
		error_names --pre-dump
		try checkpoint --parent-path ../first --image-path "$IMAGES" "$ID"
		error_names --parent-path CONFIG_MEM_SOFT_DIRTY
		same "$(container_status)" running
		skip "this kernel does not track changed memory"
		;;
	esac
	ok
	same "$(container_status)" running
	until_true counts_beyond $(($(last_count) + 3))
	save --parent-path ../first
	[ "$(pages_of "$DIR/first")" -gt 4000000 ]
	[ "$(pages_of "$IMAGES")" -lt 2000000 ] || fail "$(pages_of "$IMAGES") bytes once more"
	bring_back
	until_true counts_beyond 3
	until_true remembers "$ID"
}

@test "--lazy-pages: memory is fetched where it was, after the restore" {
	local port=$((20000 + RANDOM % 10000)) server fetcher
	remembering
	mkdir "$DIR/work" "$DIR/lazy"
	timeout -k 5 60 "$RUNTIME" --root "$ROOT" checkpoint --lazy-pages --page-server "127.0.0.1:$port" \
		--status-fd 5 --image-path "$IMAGES" --work-path "$DIR/work" "$ID" \
		</dev/null >"$DIR/out" 2>"$DIR/err" 3>&- 4>&- 5>"$DIR/status" &
	server=$!
	until_true lazy_or_not "$server"
	[ -s "$DIR/status" ] || {
		error=$(<"$DIR/err")
		case $error in
		*userfaultfd*) skip "there are no lazy pages here" ;;
		esac
		fail "the pages should be served"
	}
	timeout -k 5 60 criu lazy-pages --images-dir "$IMAGES" --work-dir "$DIR/lazy" --page-server \
		--address 127.0.0.1 --port "$port" -o log </dev/null >/dev/null 2>&1 3>&- 4>&- &
	fetcher=$!
	until_true test -S "$DIR/lazy/lazy-pages.socket"
	config '.linux.cgroupsPath += "-2"'
	TRY_SECONDS=60 launch restore --detach --lazy-pages --work-path "$DIR/lazy" --image-path "$IMAGES" \
		--bundle "$B" "$ID-2"
	! grep -qs 'page-pipe: splice: -1' "$DIR/work/dump.log" ||
		skip "this criu cannot serve pages on this kernel"
	[ "$status" -eq 0 ] || fail "$(tail -n 5 "$DIR/lazy/log" "$DIR/lazy/restore.log" "$DIR/work/dump.log")"
	wait "$fetcher"
	wait "$server"
	until_true counts_beyond 3
	until_true remembers "$ID-2"
	try state "$ID"
	error_names "does not exist"
}

lazy_or_not()
{
	[ -s "$DIR/status" ] || not_there "$1"
}

# The bytes that the files of memory in a folder take on the disk.
pages_kept()
{
	du --block-size=1 --total "$1"/pages-*.img | tail -n 1 | cut -f 1
}

@test "--page-server: memory goes to another folder, maybe of another machine" {
	local port=$((20000 + RANDOM % 10000)) server
	remembering
	mkdir "$DIR/pages"
	timeout -k 5 60 criu page-server --images-dir "$DIR/pages" --address 127.0.0.1 --port "$port" \
		</dev/null >"$DIR/server.out" 2>&1 3>&- 4>&- &
	server=$!
	until_true listens "$port"
	try checkpoint --page-server "127.0.0.1:$port" --image-path "$IMAGES" "$ID"
	[ "$status" -eq 0 ] || ! grep -qs 'page-pipe: splice: -1' "$IMAGES/dump.log" ||
		skip "this criu cannot send pages on this kernel"
	ok
	wait "$server"
	! compgen -G "$IMAGES/pages-*.img" || fail "memory is in the image path"
	[ "$(pages_of "$DIR/pages")" -gt 4000000 ]
	cp "$DIR"/pages/pagemap-*.img "$DIR"/pages/pages-*.img "$IMAGES"
	bring_back
	until_true remembers "$ID"
}

listens()
{
	grep -q "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") [0-9A-F:]* 0A" /proc/net/tcp
}

@test "--auto-dedup: a restore gives back what it has read of the images" {
	local before
	remembering
	save
	before=$(pages_kept "$IMAGES")
	[ "$before" -gt 4000000 ]
	bring_back --auto-dedup
	until_true remembers "$ID"
	[ "$(pages_kept "$IMAGES")" -lt $((before / 2)) ] || fail "$(pages_kept "$IMAGES") bytes of $before are kept"
}

@test "--tcp-close: connections are closed ones after the restore" {
	talking
	save --tcp-established
	bring_back --tcp-close
	until_true has_no_connection
	same "$(container_status)" running
}

# ESTABLISHED is 01.
has_no_connection()
{
	rt exec "$ID" cat /proc/1/net/tcp >"$DIR/tcp" && ! grep -q ':0FA0 01 \|:0FA0 [0-9A-F:]* 01 ' "$DIR/tcp"
}

hears()
{
	[ "$(wc -c <"$DIR/heard")" -gt "$1" ]
}

@test "unix sockets to the outside need --ext-unix-sk, and are connected again" {
	local heard
	mkdir "$DIR/host"
	: >"$DIR/heard"
	"$PYTHON" -ES -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    open(sys.argv[2], "ab").write(s.recv(10))' "$DIR/host/socket" "$DIR/heard" 3>&- 4>&- &
	until_true test -S "$DIR/host/socket"
	# The other one is connected by the name that it is bound to, and has to be in the same
	# network namespace.
	bind host "$DIR/host"
	config '.linux.namespaces |= map(select(.type != "network"))'
	payload tick "$DIR/host/socket"
	start
	until_true hears 40
	try checkpoint --image-path "$IMAGES" "$ID"
	error_names ext-unix-sk
	same "$(container_status)" running
	save --ext-unix-sk
	heard=$(wc -c <"$DIR/heard")
	bring_back --ext-unix-sk
	until_true hears $((heard + 40))
	kill $!
}

@test "an open file that has lost its name needs --link-remap, and is open again" {
	command_is sh -c 'echo kept >/one; ln /one /two; exec 5</one; rm /one; echo ready; while :; do sleep 0.05; done'
	start
	wait_output ready
	try checkpoint --image-path "$IMAGES" "$ID"
	error_names link-remap
	same "$(container_status)" running
	save --link-remap
	bring_back
	same "$(cat "/proc/$(init_pid)/fd/5")" kept
	# The name that CRIU gave it is gone.
	same "$(find "$B/rootfs" -maxdepth 1 -type f -printf '%f ')" "two "
}

@test "--lsm-profile: a label of a module that the machine does not have is an error of the restore" {
	waiting
	save
	try restore --detach --lsm-profile nonsense --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names restore LSM
	if [ ! -e /sys/module/apparmor ]; then
		try restore --detach --lsm-profile apparmor:none --image-path "$IMAGES" --bundle "$B" "$ID"
		error_names restore apparmor
	fi
	assert_nothing_left
	bring_back
}

@test "--parent-path: a folder that is not there is named" {
	waiting
	try checkpoint --parent-path ../none --image-path "$IMAGES" "$ID"
	[[ $error != *CONFIG_MEM_SOFT_DIRTY* ]] || skip "this kernel does not track changed memory"
	error_names --parent-path ../none "No such file"
	same "$(container_status)" running
}
