#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Code that nobody trusts: `rustbox sandbox`, the limits that end a container,
# the report, and the one-shot form without a command word.

load rustbox

# The store keeps the sandboxes' empty root.
sandbox()
{
	rb sandbox "$@"
}

report()
{
	jq -r "$1" "$DIR/report"
}

# ---- sandbox --------------------------------------------------------------------

@test "the host's programs run, and the exit code is theirs" {
	sandbox -- sh -c 'echo "$0 $1"; exit 5' a b
	exits 5
	same "$output" "a b"
	sandbox sh -c 'sleep 9 & kill -9 $!; wait $!; exit $?'
	exits 137
	sandbox no-such-program
	exits 127
	error_names no-such-program
	[[ $error != *--image* ]] || fail "a sandbox has no images"
	# It is here, and not in there.
	cp "$(type -P true)" "$DIR/program"
	cd "$DIR"
	sandbox ./program
	exits 127
	error_names ./program '--ro-bind'
	sandbox --ro-bind ./program:/program /program
	exits 0
	same "$(container_ids)" ""
}

@test "nothing of the host but programs can be seen" {
	local path
	mkdir -p "$DIR/secret"
	sandbox ls -A / /etc
	ok
	[[ $output != *shadow* ]] || fail "/etc/shadow should not be there"
	for path in /root /home /var/lib /run /srv /mnt /boot "$DIR" /etc/shadow /etc/ssh; do
		sandbox test -e "$path"
		[ "$status" -ne 0 ] || fail "$path should not be there"
	done
	sandbox sh -c 'echo /proc/[0-9]*'
	same "$output" /proc/1
}

@test "nothing can be written but /tmp, which is empty and its own" {
	local path
	for path in / /usr /etc /bin /usr/bin /etc/passwd; do
		sandbox sh -c 'echo x >"$0/new" || echo x >>"$0"' "$path"
		[ "$status" -ne 0 ] || fail "$path should be read-only"
	done
	sandbox sh -c 'ls -A /tmp; echo x >/tmp/new && cat /tmp/new'
	ok
	same "$output" x
	[ ! -e /tmp/new ]
}

@test "no network, no capabilities, no new privileges" {
	sandbox sh -c 'cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d " "; grep -E "^(CapEff|CapPrm|NoNewPrivs)" /proc/self/status'
	ok
	same "$output" "lo
CapPrm:	0000000000000000
CapEff:	0000000000000000
NoNewPrivs:	1"
	sandbox --network host sh -c 'cat /proc/net/dev | wc -l'
	same "$output" "$(wc -l </proc/net/dev)"
}

@test "--ro-bind and --bind: files and folders, other names, relative ones" {
	mkdir "$DIR/in" "$DIR/out,put"
	echo hello >"$DIR/in/file"
	cd "$DIR"
	sandbox --ro-bind ./in:/job --ro-bind "$DIR/in/file" --bind "$DIR/out,put:/out" \
		sh -c 'cat /job/file '"$DIR/in/file"' && echo done >/out/result && ! echo x >/job/new'
	ok
	same "$output" "hello
hello"
	same "$(cat "$DIR/out,put/result")" done
	[ ! -e "$DIR/in/new" ]
	sandbox --ro-bind "$DIR/nothing" true
	exits 125
	error_names "$DIR/nothing"
}

@test "--no-host: only what is named" {
	sandbox --no-host --ro-bind "$ROOTFS/bin:/bin" /bin/sh -c 'ls -A /'
	ok
	same "$output" "bin
dev
etc
proc
sys
tmp"
}

@test "--workdir, --env, --hostname, --user, --tmpfs, standard input" {
	try_rustbox sandbox -i -w /tmp -e A=1 --hostname inside -u 1234:1235 --tmpfs /scratch \
		sh -c 'pwd; echo $A; hostname; id -u; id -g; grep -c " /scratch " /proc/mounts; cat' <<<typed
	ok
	same "$output" "/tmp
1
inside
1234
1235
1
typed"
	sandbox cat
	ok
	same "$output" ""
}

@test "it has the host's users by name, and a HOME that it can write to" {
	sandbox --user nobody sh -c 'id -un; id -u; cd && pwd && echo x >"$HOME/x"'
	ok
	same "$output" "nobody
$(id -u nobody)
/tmp"
	sandbox --user daemon:adm id -gn
	same "$output" adm
	sandbox --user no-such-user true
	exits 125
	error_names "--user no-such-user"
	sandbox -e HOME=/there sh -c 'echo "$HOME"'
	same "$output" /there
}

# A job of a CI, whose runner ends it. Its pid is $!.
begin_sandbox()
{
	"$RUSTBOX" sandbox --name "$NAME" --report "$DIR/report" "$@" >"$DIR/printed" 2>&1 3>&- 4>&- &
	until_true grep -qx up "$DIR/printed"
}

@test "a signal that asks rustbox to end asks the sandbox, which is killed if it cannot hear" {
	local status
	begin_sandbox sh -c 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 1000 & wait; done'
	kill -TERM $!
	status=0
	wait $! || status=$?
	same "$status $(report .exit_code) $(tail -n 1 "$DIR/printed")" "3 3 bye"
	rm "$DIR/printed"
	begin_sandbox sh -c 'echo up; exec sleep 1000'
	kill -TERM $!
	status=0
	wait $! || status=$?
	same "$status $(report .signal)" "137 9"
}

@test "a sandbox ends with the rustbox that has started it, whatever has killed that" {
	begin_sandbox sh -c 'trap "" TERM; (sleep 1000 &); echo up; while :; do sleep 1000; done'
	kill -KILL $!
	until_true test -e "$DIR/report"
	same "$(report '[.exit_code, .ended_by] | tojson')" '[137,"client"]'
	until_true test -z "$(container_ids)"
}

@test "run --end-with-client does the same for any container, and nothing goes to the background" {
	"$RUSTBOX" run --name "$NAME" --end-with-client sh -c 'echo up; exec sleep 1000' \
		>"$DIR/printed" 3>&- 4>&- &
	until_true grep -qx up "$DIR/printed"
	kill -KILL $!
	rb wait "$NAME"
	same "$output" 137
	same "$(box_state .State.EndedBy)" client
	rb run --end-with-client -d true
	exits 125
	error_names --end-with-client --detach
	sandbox -t true
	exits 125
	error_names "leave out --tty"
}

@test "--report and --pidfile replace nothing but a regular file" {
	local option path
	mkfifo "$DIR/fifo"
	ln -s "$DIR/elsewhere" "$DIR/link"
	mkdir "$DIR/folder"
	mknod "$DIR/null" c 1 3
	for option in --report --pidfile; do
		for path in "$DIR/fifo" "$DIR/link" "$DIR/folder" "$DIR/null"; do
			rb run --rm "$option" "$path" true
			exits 125
			error_names "$option" "$path" "regular file"
		done
		rb run --rm "$option" "$DIR/none/file" true
		exits 125
		error_names "$option" "$DIR/none/"
	done
	[ -p "$DIR/fifo" ] && [ -L "$DIR/link" ] && [ -d "$DIR/folder" ] && [ -c "$DIR/null" ]
	same "$(container_ids)" ""
}

@test "--memory, --pids-limit, --ulimit hold" {
	sandbox --memory 32M --report "$DIR/report" --ro-bind "$PAYLOAD:/payload" /payload oom 100
	exits 137
	same "$(report .oom_killed)" true
	sandbox --pids-limit 5 sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; wait'
	[[ $error == *ork* ]] || fail "a fork should fail"
	sandbox --ulimit nofile=17 sh -c 'ulimit -n'
	same "$output" 17
}

@test "--isolate-user: its root is nobody outside" {
	sandbox --isolate-user sh -c 'id -u; cat /proc/self/uid_map'
	ok
	read -r _ outside _ <<<"${output#*$'\n'}"
	same "${output%%$'\n'*}" 0
	[ "$outside" -gt 0 ] || fail "root should be mapped to another user"
}

# ---- limits and the report ---------------------------------------------------------

@test "--timeout ends it, and the report says so" {
	rb run --rm --timeout 300ms --report "$DIR/report" sh -c 'trap "" TERM; while :; do sleep 1; done'
	exits 137
	same "$(report .ended_by)" timeout
	same "$(report .exit_code)" 137
	same "$(report .signal)" 9
	[ "$(report .wall_ns)" -ge 300000000 ]
}

@test "--cpu-time ends what computes, not what sleeps" {
	rb run --rm --cpu-time 200ms --report "$DIR/report" sh -c 'while :; do :; done'
	exits 137
	same "$(report .ended_by)" cpu-time
	[ "$(report '.user_ns + .system_ns')" -ge 200000000 ]
	rb run --rm --cpu-time 500ms --report "$DIR/report" sleep 1
	ok
	same "$(report .ended_by)" null
}

@test "--output-limit ends what writes too much" {
	rb run --rm --output-limit 10k --report "$DIR/report" sh -c 'while :; do echo 0123456789; done'
	exits 137
	same "$(report .ended_by)" output-limit
	[ ${#output} -ge 5000 ]
	[ ${#output} -le 11000 ] || fail "${#output} characters were shown"
}

@test "the report of what ends by itself: times, peak memory, no limit" {
	rb run --rm --report "$DIR/report" payload exit 3
	exits 3
	same "$(report .exit_code)" 3
	same "$(report .signal)" 0
	same "$(report .oom_killed)" false
	same "$(report .ended_by)" null
	[ "$(report .memory_peak)" -gt 0 ]
	[ "$(report .wall_ns)" -gt 0 ]
	same "$(report .output)" 0
	rb run --rm --report "$DIR/none/report" true
	exits 125
	error_names "$DIR/none"
}

@test "limits that make no sense are refused before anything is made" {
	local option
	for option in --timeout=x --timeout=-1s --cpu-time=abc --output-limit=1x; do
		rb run --rm "$option" true
		exits 125
		error_names "${option#*=}"
	done
	same "$(container_ids)" ""
}

# ---- one shot ---------------------------------------------------------------------

one_shot()
{
	try_rustbox "$@" <<<"$SCRIPT"
}

@test "one shot: a shell of --base-dir in a sandbox of all namespaces" {
	local kind inside
	SCRIPT='for n in user net pid mnt uts ipc cgroup; do readlink /proc/self/ns/$n; done; id -u; pwd; exit 9'
	one_shot --base-dir "$ROOTFS"
	exits 9
	for kind in user net pid mnt uts ipc cgroup; do
		inside=$(grep "^$kind:" <<<"$output")
		[ -n "$inside" ]
		[ "$inside" != "$(readlink /proc/self/ns/$kind)" ] || fail "$kind is the host's"
	done
	[[ $output == *$'\n0\n/' ]] || fail "root, in /"
	same "$(container_ids)" ""
	assert_nothing_left
}

@test "one shot: limits, shell, folder; ./rootfs by default" {
	SCRIPT='pwd; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null'
	one_shot --memory 64M --cpu-limit 0.5 --workdir /tmp --shell /bin/sh
	exits 1
	[[ $output == "/tmp"$'\n'67108864* ]] || fail "folder and limit"
	SCRIPT='exit 0'
	one_shot --base-dir "$ROOTFS" --shell /bin/nothing
	exits 127
	error_names /bin/nothing
	one_shot --base-dir "$DIR/nothing"
	exits 125
	error_names "$DIR/nothing"
	one_shot --memory 64M run true
	[ "$status" -ne 0 ]
	error_names "--memory"
}

@test "bare rustbox prints help" {
	rbok
	[[ $output == *COMMANDS* && $output == *sandbox* ]] || fail "should be help"
}
