#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Terminals: a foreground run and exec on a pseudo-terminal (size from the first
# byte, resizing, raw mode and its end, job control, exit codes), and the
# console socket of create and exec.
# vm: no

load container

# Typed into a shell: a command that says when it is in the foreground. (What
# is typed is echoed: it must not look like what is waited for.)
IN_FRONT="sh -c 'echo b\"\"egun; exec sleep 100'\\r"
# One that reads the terminal, which only the foreground may.
READER="sh -c 'echo b\"\"egun; read x; echo g\"\"ot \$x'\\r"

terminal()
{
	config '.process.terminal = true'
	payload "$@"
}

run_on_pty()
{
	on_pty "$@" -- "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
}

@test "run on a terminal: the payload has one, of its own, and controls it" {
	terminal tty + ps
	run_on_pty end
	ok
	lines "controlling yes" "foreground yes" "exit 0" "terminal restored"
	matches '^0 /dev/(pts/0|console)$' '^1 /dev/(pts/0|console)$' '^2 /dev/(pts/0|console)$'
	lines "pid 1 ppid 0 pgid 1 sid 1"
}

@test "the terminal's size is there from the first byte" {
	is_ours || skip "this runtime sets it too late at times"
	terminal winsize
	local size
	for size in 33x101 24x80 1x1 500x200; do
		run_on_pty --size $size end
		ok
		lines "winsize ${size/x/ }"
	done
}

@test "consoleSize is the size where nobody has one" {
	config '.process.consoleSize = {height: 41, width: 142}'
	terminal winsize
	peer console "$DIR/c.sock" expect:winsize end >"$DIR/console.out"
	launch create --console-socket "$DIR/c.sock" --bundle "$B" "$ID"
	ok
	try start "$ID"
	ok
	wait "$PEER"
	wait_output "winsize 41 142" "$DIR/console.out"
}

@test "resizing reaches the payload" {
	terminal wait-winsize 50 132 + wait-winsize 10 20
	run_on_pty expect:waiting resize:50x132 expect:resized expect:waiting resize:10x20 end
	lines "resized 50 132" "resized 10 20" "exit 0"
}

@test "our terminal is raw while the container runs, and restored in the end" {
	terminal print up + read-line + print bye
	run_on_pty mode expect:up mode 'send:x\r' expect:bye end mode
	lines "read [x]" "terminal restored" "mode raw" "exit 0"
	same "$(grep ^mode <<<"$output" | head -n 1)" "mode cooked"
	same "$(grep ^mode <<<"$output" | tail -n 1)" "mode cooked"
}

@test "the exit code and the end by a signal come through" {
	terminal exit 42
	run_on_pty end
	lines "exit 42" "terminal restored"
	terminal wait up
	on_pty expect:up 'send:\x03' end -- "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	lines "exit 130" "terminal restored"
}

@test "Ctrl-C goes to the foreground process of the container, not to us" {
	config '.process.terminal = true'
	command_is sh -i
	config '.process.env += ["PS1=$ "]'
	on_pty 'expect:$ ' "send:$IN_FRONT" expect:begun 'send:\x03' 'expect:$ ' \
		'send:echo alive $?\r' 'expect:alive 130' 'send:exit 3\r' end -- \
		"$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	lines "exit 3" "terminal restored"
}

@test "Ctrl-Z, jobs and fg in the container's shell" {
	config '.process.terminal = true'
	command_is sh -i
	config '.process.env += ["PS1=$ "]'
	on_pty 'expect:$ ' "send:$READER" expect:begun 'send:\x1a' expect:Stopped 'expect:$ ' \
		'send:jobs\r' expect:Stopped 'expect:$ ' 'send:fg\r' expect:sh 'send:text\r' 'expect:got text' \
		'expect:$ ' 'send:exit\r' end -- "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	says Stopped
	lines "terminal restored"
}

@test "Ctrl-D ends standard input" {
	terminal read-line + read-line
	run_on_pty 'send:text\r' 'expect:read [text]' 'send:\x04' end
	lines "read [text]" "end of file" "exit 0"
}

@test "much output comes whole and in order" {
	config '.process.terminal = true'
	command_is sh -c 'seq 1 20000; echo last'
	run_on_pty expect:last end
	same "$(grep -cE '^[0-9]+$' <<<"$output")" 20000
	same "$(grep -E '^[0-9]+$' <<<"$output" | sort -n | md5sum)" "$(seq 1 20000 | md5sum)"
}

@test "a terminal that goes away ends us, and leaves no container" {
	terminal wait up
	on_pty expect:up close -- "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	gone() { ! "$RUNTIME" --root "$ROOT" state "$ID" >/dev/null 2>&1 || status_is stopped; }
	until_true gone
}

@test "we die by a signal: the terminal is restored" {
	terminal wait up
	on_pty expect:up signal:TERM end -- "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	lines "terminal restored"
	matches '^exit 143$|^signal SIGTERM$'
}

@test "exec --tty on a terminal: size, exit code, terminal restored" {
	start_waiting
	on_pty --size 31x99 end -- "$RUNTIME" --root "$ROOT" exec --tty "$ID" payload tty + exit 9
	lines "controlling yes" "foreground yes" "exit 9" "terminal restored"
	if is_ours; then
		lines "winsize 31 99"
	fi
}

@test "exec --tty: resizing, Ctrl-C" {
	start_waiting
	on_pty expect:waiting resize:44x55 expect:resized 'send:\x03' end -- \
		"$RUNTIME" --root "$ROOT" exec -t "$ID" payload wait-winsize 44 55 + wait
	lines "resized 44 55" "exit 130" "terminal restored"
}

@test "exec without --tty has no terminal" {
	start_waiting
	try exec "$ID" payload tty
	lines "0 not a tty" "1 not a tty" "2 not a tty"
	[[ $output != *"controlling yes"* ]] || fail "has a terminal"
}

@test "--console-socket of create: the terminal's other end comes, works, has a name" {
	terminal tty + read-line + wait-winsize 22 66
	peer console "$DIR/c.sock" expect:winsize 'send:hello\n' expect:waiting resize:22x66 \
		expect:resized end >"$DIR/console.out"
	launch create --console-socket "$DIR/c.sock" --bundle "$B" "$ID"
	ok
	try start "$ID"
	ok
	wait "$PEER"
	output=$(tr -d '\r' <"$DIR/console.out")
	matches '^name .+'
	lines "read [hello]" "resized 22 66" "controlling yes"
}

@test "S10 /dev/console is the container's terminal, from its own devpts" {
	terminal stat /dev/console + mount /dev/console
	run_on_pty end
	matches '^c 0620 .* 136:0$' '^devpts '
	config '.mounts |= map(select(.destination | startswith("/dev") | not))'
	mkdir "$DIR/victim"
	ln -s "$DIR/victim/file" "$B/rootfs/dev/console"
	terminal print ran
	run_on_pty end
	[ -z "$(ls -A "$DIR/victim")" ] || fail "followed a link of the image"
}

@test "the terminal belongs to the payload's user" {
	config '.process.user = {uid: 1000, gid: 1000}'
	terminal tty + stat /dev/console
	run_on_pty end
	matches '^c 0620 1000 '
	lines "exit 0"
}

@test "--console-socket of run --detach and of exec --detach" {
	terminal print from-run + wait
	peer console "$DIR/c.sock" expect:from-run end >"$DIR/console.out"
	launch run --detach --console-socket "$DIR/c.sock" --bundle "$B" "$ID"
	ok
	local first=$PEER
	peer console "$DIR/e.sock" expect:from-exec end >"$DIR/exec.out"
	launch exec --tty --detach --console-socket "$DIR/e.sock" "$ID" payload print from-exec
	ok
	wait "$PEER"
	grep -q from-exec "$DIR/exec.out"
	try delete --force "$ID"
	ok
	wait $first
	grep -q from-run "$DIR/console.out"
}

@test "--console-socket with a path that is longer than a socket address" {
	is_ours || skip "this runtime cannot"
	local long
	long=$DIR/$(printf 'x%.0s' {1..120})
	mkdir "$long"
	terminal print far
	peer console "$long/c.sock" expect:far end >"$DIR/console.out"
	launch create --console-socket "$long/c.sock" --bundle "$B" "$ID"
	ok
	try start "$ID"
	ok
	wait "$PEER"
	grep -q far "$DIR/console.out"
}

@test "a terminal without a socket, a socket without a terminal, a socket that is none" {
	terminal print never
	try create --bundle "$B" "$ID"
	error_names console-socket
	try run --detach --bundle "$B" "$ID"
	error_names console-socket
	try create --console-socket "$DIR/none.sock" --bundle "$B" "$ID"
	error_names none.sock
	config '.process.terminal = false'
	try create --console-socket "$DIR/none.sock" --bundle "$B" "$ID"
	error_names
	assert_nothing_left
}

@test "run with a terminal where there is none: an error, or a relay" {
	terminal print shown
	try run --bundle "$B" "$ID"
	[ "$status" -ne 0 ] && [ -n "$error" ] || says shown
	assert_nothing_left
}

@test "S14 typing into the host's terminal (TIOCSTI) from the container" {
	# A process without a terminal of its own that has ours as its standard input.
	payload tiocsti
	on_pty end -- "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	matches '^E[A-Z]+$'
	says_not ok
	start_waiting
	on_pty end -- "$RUNTIME" --root "$ROOT" exec "$ID" payload tiocsti
	matches '^E[A-Z]+$'
	says_not ok
}

@test "S14 the same with CAP_SYS_ADMIN, to which the kernel does not refuse it" {
	capabilities CAP_SYS_ADMIN
	payload tiocsti
	on_pty end -- "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	says_not ok
	start_waiting
	on_pty end -- "$RUNTIME" --root "$ROOT" exec "$ID" payload tiocsti
	says_not ok
}

@test "job control with tmux: a shell in a container, stopped and resumed" {
	command -v tmux >/dev/null || skip "there is no tmux"
	config '.process.terminal = true'
	command_is sh -i
	config '.process.env += ["PS1=in> "]'
	local tmux=(tmux -L "$TAG" -f /dev/null)
	"${tmux[@]}" new-session -d -x 90 -y 30 "$RUNTIME --root $ROOT run --bundle $B $ID; sleep 30" 3>&-
	screen() { "${tmux[@]}" capture-pane -p 2>/dev/null | grep -qF "$1"; }
	until_true screen "in>"
	"${tmux[@]}" send-keys 'stty size' Enter
	until_true screen "30 90"
	"${tmux[@]}" resize-window -x 70 -y 20
	resized() {
		"${tmux[@]}" send-keys 'stty size' Enter
		sleep 0.1
		screen "20 70"
	}
	until_true resized
	"${tmux[@]}" send-keys "sh -c 'echo b\"\"egun; exec sleep 50'" Enter
	until_true screen begun
	"${tmux[@]}" send-keys C-z
	until_true screen Stopped
	"${tmux[@]}" send-keys exit Enter
	"${tmux[@]}" send-keys exit Enter
	ended() { ! rt state "$ID" >/dev/null 2>&1; }
	until_true ended
	"${tmux[@]}" kill-server
}
