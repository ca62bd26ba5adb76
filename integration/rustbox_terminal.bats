#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A person at a terminal: shells and full-screen programs in containers, seen on
# the screens of tmux; leaving and coming back, several at once, windows that
# change, clients that do not read, much that is pasted. (What needs no screen
# is in rustbox_run.bats.)

load rustbox

setup()
{
	rustbox_setup
	SCREENS=(tmux -S "$DIR/tmux" -f /dev/null)
	command -v tmux >/dev/null || skip "there is no tmux"
	# What a window runs: a command, and how it left the terminal.
	cat >"$DIR/window" <<-'SCRIPT'
		report=$1
		shift
		stty -a >"$report.before"
		code=0
		"$@" || code=$?
		stty -a >"$report.after"
		echo $code >"$report.new"
		mv "$report.new" "$report.code"
		exec sleep 1000
	SCRIPT
}

teardown()
{
	"${SCREENS[@]}" kill-server 2>/dev/null || :
	rustbox_teardown
}

# ---- windows ----------------------------------------------------------------------

# window NAME COLUMNSxROWS COMMAND...: shows it, in a window of its own
window()
{
	local name=$1 size=$2
	shift 2
	rm -f "$DIR/$name".*
	"${SCREENS[@]}" new-session -d -s "$name" -x "${size%x*}" -y "${size#*x}" \
		sh "$DIR/window" "$DIR/$name" "$@" 3>&- 4>&-
	"${SCREENS[@]}" set-option -g status off
	"${SCREENS[@]}" set-option -g history-limit 100000
}

close_window()
{
	"${SCREENS[@]}" kill-session -t "$1"
}

# press NAME KEYS...: as send-keys has them
press()
{
	"${SCREENS[@]}" send-keys -t "$1" "${@:2}"
}

screen()
{
	"${SCREENS[@]}" capture-pane -p -t "$1"
}

screen_has()
{
	screen "$1" | grep -qF -- "$2"
}

screen_has_line()
{
	screen "$1" | grep -qxF -- "$2"
}

# shows NAME TEXT: waits until it is on its screen, shows_line for a whole line
shows()
{
	until_true screen_has "$@" || fail "screen $1: $(screen "$1")"
}

shows_line()
{
	until_true screen_has_line "$@" || fail "screen $1: $(screen "$1")"
}

# resize NAME COLUMNSxROWS
resize()
{
	"${SCREENS[@]}" resize-window -t "$1" -x "${2%x*}" -y "${2#*x}"
}

# Without its first line, which has the size.
settings()
{
	sed 1d "$DIR/$1"
}

# ends NAME CODE: its command does, and has left the terminal as it was
ends()
{
	until_true test -s "$DIR/$1.code" || fail "screen $1: $(screen "$1")"
	same "$(<"$DIR/$1.code")" "$2"
	same "$(settings "$1.after")" "$(settings "$1.before")"
}

# A shell in a container on a screen: shell_in NAME SIZE [OPTIONS...]; ID is its id.
shell_in()
{
	local name=$1 size=$2
	shift 2
	window "$name" "$size" "$RUSTBOX" run --name "$NAME" -it -e 'PS1=# ' "$@" sh
	shows "$name" "#"
	ID=$(container_ids)
}

attach_in()
{
	window "$1" "$2" "$RUSTBOX" attach "$NAME"
	until_true eval 'ls -l /proc/$(client_of "attach $NAME")/fd 2>/dev/null | grep -q signalfd'
}

# The newest process of ours with this command.
client_of()
{
	pgrep -n -f "^$RUSTBOX $1"
}

detach_from()
{
	press "$1" C-p C-q
	ends "$1" 0
	shows "$1" "detached from $NAME"
}

# ---- a shell ------------------------------------------------------------------------

@test "an interactive shell: editing, history, completion, end of file" {
	shell_in a 80x24
	press a 'ech hello' Left Left Left Left Left Left o Enter
	shows_line a hello
	press a 'echo wrong' BSpace BSpace BSpace BSpace BSpace 'mended' Enter
	shows_line a mended
	press a 'echo never' C-u 'echo killed' Enter
	shows_line a killed
	press a Up Up Enter
	until_true eval '[ "$(screen a | grep -cx mended)" = 2 ]'
	press a 'ls /home/us' Tab '; echo' Enter
	shows a '/home/user'
	press a C-d
	ends a 0
}

@test "Ctrl-C, Ctrl-Backslash and Ctrl-Z are for the programs of the container" {
	shell_in a 80x24
	press a 'sh -c "echo be""gun; exec sleep 1000"' Enter
	shows_line a begun
	press a C-c
	press a 'echo code $?' Enter
	shows_line a "code 130"
	press a 'sh -c "echo num""ber2; exec sleep 1000"' Enter
	shows_line a number2
	press a 'C-\'
	press a 'echo code $?' Enter
	shows_line a "code 131"
	press a 'sh -c "echo num""ber3; read x; echo got \$x"' Enter
	shows_line a number3
	press a C-z
	shows a Stopped
	press a 'fg' Enter 'words' Enter
	shows_line a "got words"
	[ ! -e "$DIR/a.code" ] || fail "rustbox ended"
	press a 'exit 3' Enter
	ends a 3
}

@test "what is typed before the shell is there is not lost" {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		on_pty 'send:echo early-$((6*7))\n' expect:early-42 'send:exit 5\n' end -- \
			"$RUSTBOX" run --rm -it -e 'PS1=# ' sh
		lines "exit 5" "terminal restored"
	done
}

@test "the size of the window is there from the first byte, 50 times" {
	local i
	for ((i = 1; i <= 50; i++)); do
		on_pty --size $((20 + i))x$((60 + i)) end -- "$RUSTBOX" run --rm -it stty size
		lines "$((20 + i)) $((60 + i))" "exit 0" "terminal restored"
	done
}

@test "start --interactive: the size is that of the window it is started in" {
	rbok create --name "$NAME" -t stty size
	window a 77x21 "$RUSTBOX" start -ai "$NAME"
	shows_line a "21 77"
	ends a 0
}

@test "with standard output in a pipe the keyboard's window counts, and is raw" {
	window a 70x20 sh -c '"$0" run --name "$1" -it -e "PS1=# " sh | tee "$2"' \
		"$RUSTBOX" "$NAME" "$DIR/piped"
	shows a "#"
	press a 'stty size; exit' Enter
	ends a 0
	grep -q "^20 70" "$DIR/piped"
}

# ---- leaving and coming back ----------------------------------------------------------

@test "detached and attached again, the recent screen is there" {
	shell_in a 80x24
	press a 'echo one-$((1+1))' Enter
	shows_line a one-2
	detach_from a
	same "$(box_state .State.Status)" running
	rbok exec "$NAME" sh -c 'echo meanwhile >/proc/1/fd/1'
	until_true box_says meanwhile
	attach_in b 80x24
	shows_line b one-2
	shows b meanwhile
	press b 'echo two-$((1+1))' Enter
	shows_line b two-2
	detach_from b
	attach_in c 80x24
	shows_line c one-2
	shows_line c two-2
	press c 'exit 7' Enter
	ends c 7
}

@test "of much output the recent part is shown, and its end is right" {
	shell_in a 80x24
	press a 'seq 50000; echo la""st' Enter
	shows_line a last
	until_true eval '[ "$(screen a | grep -vx "" | tail -n 1)" = "#" ]'
	screen a >"$DIR/before"
	detach_from a
	attach_in b 80x24
	until_true eval '[ "$(screen b)" = "$(<"$DIR/before")" ]' || fail "$(screen b)"
	"${SCREENS[@]}" capture-pane -p -S - -t b >"$DIR/history"
	! grep -qx 20000 "$DIR/history" || fail "more than the recent part"
}

@test "run --tty, and attach, as the earlier RustBox had it" {
	window a 80x24 "$RUSTBOX" run --tty --name "$NAME" -e 'PS1=# ' sh
	shows a "#"
	press a 'echo typed-$((1+1))' Enter
	shows_line a typed-2
	detach_from a
	attach_in b 80x24
	shows_line b typed-2
	press b exit Enter
	ends b 0
	rbok rm "$NAME"
	rbok run --tty --name "$NAME" -e 'PS1=# ' sh
	attach_in c 90x30
	press c 'stty size' Enter
	shows_line c "30 90"
	press c exit Enter
	ends c 0
}

@test "--detach-keys: others, none, and a beginning of them that is data" {
	shell_in a 80x24 --detach-keys ctrl-x,d
	press a 'echo 1' C-p C-q C-x x C-u 'echo end' Enter
	shows_line a end
	press a C-x d
	ends a 0
	window b 80x24 "$RUSTBOX" attach --detach-keys '' "$NAME"
	shows b "#"
	press b C-p C-q C-x d C-u 'echo more' Enter
	shows_line b more
	press b exit Enter
	ends b 0
}

@test "what terminals are asked while nobody is there, a new client's does not answer" {
	rbok run -d -t --name "$NAME" sh -c 'stty -echo; printf "\033[6n\033[c\033[5n\005ready\n"; exec cat -v'
	ID=$output
	until_true box_says ready
	attach_in a 80x24
	shows_line a ready
	press a typed Enter
	shows_line a typed
	detach_from a
	# And who is asked while it is attached does.
	rbok rm -f "$NAME"
	rbok run -d -t --name "$NAME" sh -c 'stty -echo; echo ready; read -r x; printf "\033[6n"; exec cat -v'
	ID=$output
	attach_in b 80x24
	shows_line b ready
	press b go Enter
	# The answer is shown with the end of its line, which is typed when it has come.
	answered()
	{
		press b Enter
		screen_has b '^[[2;1R'
	}
	until_true answered
}

@test "a window that is closed leaves the container running" {
	shell_in a 80x24
	close_window a
	until_true eval '! client_of "run --name $NAME"'
	same "$(box_state .State.Status)" running
	attach_in b 80x24
	press b 'echo still-$((1+1))' Enter
	shows_line b still-2
	press b exit Enter
	ends b 0
}

@test "attach shows a container without a terminal as it goes on, and takes no input" {
	rbok run -d --name "$NAME" sh -c 'trap "echo bye; exit 4" TERM
		while :; do [ ! -e /say ] || { cat /say; rm /say; }; sleep 0.1; done'
	ID=$output
	attach_in a 80x24
	rbok exec "$NAME" sh -c 'echo words >/say.new; mv /say.new /say'
	shows_line a words
	press a 'typed' Enter
	rbok stop "$NAME"
	shows_line a bye
	ends a 4
	same "$(<"$RUSTBOX_ROOT/logs/$ID/stdout.log")" words$'\n'bye
}

@test "attach to a paused container names unpause" {
	start_box -t
	rbok pause "$NAME"
	rb attach "$NAME"
	error_names "$NAME" Paused unpause
	rbok unpause "$NAME"
}

# ---- several at once --------------------------------------------------------------------

@test "two at once see the same, and both may type" {
	shell_in a 80x24
	attach_in b 80x24
	press a 'echo from-a-$((1+1))' Enter
	shows_line b from-a-2
	press b 'echo from-b-$((1+1))' Enter
	shows_line a from-b-2
	press a clear Enter
	press a 'seq 10' Enter
	shows_line a 10
	until_true eval '[ "$(screen a)" = "$(screen b)" ]'
	detach_from a
	press b 'exit 9' Enter
	ends b 9
}

@test "the size of whoever came or changed last is the container's" {
	shell_in a 80x24
	press a 'stty size' Enter
	shows_line a "24 80"
	attach_in b 100x30
	press b 'stty size' Enter
	shows_line b "30 100"
	resize a 90x28
	until_true eval 'press b "stty size" Enter; screen b | grep -qx "28 90"'
	resize b 120x40
	until_true eval 'press a "stty size" Enter; screen a | grep -qx "40 120"'
	detach_from b
	press a 'exit' Enter
	ends a 0
}

@test "a client that does not read holds up nobody, and gets everything" {
	shell_in a 80x24
	attach_in b 80x24
	local stopped
	stopped=$(client_of "attach $NAME")
	kill -STOP "$stopped"
	press a 'seq 200000; echo la""st' Enter
	shows_line a last
	rbok exec "$NAME" true
	press a 'echo goes-on-$((1+1))' Enter
	shows_line a goes-on-2
	! screen_has b last || fail "it was to be stopped"
	kill -CONT "$stopped"
	shows_line b goes-on-2
	press a exit Enter
	ends a 0
	ends b 0
}

@test "a client that is stopped while the container ends gets the rest, and the code" {
	shell_in a 80x24
	attach_in b 80x24
	local stopped
	stopped=$(client_of "attach $NAME")
	kill -STOP "$stopped"
	press a 'seq 100000; echo la""st; exit 8' Enter
	ends a 8
	kill -CONT "$stopped"
	ends b 8
	shows_line b last
}

@test "what was rotated away before a client took it, it is told" {
	shell_in a 80x24 --log-max-size 64k
	attach_in b 80x24
	local stopped
	stopped=$(client_of "attach $NAME")
	kill -STOP "$stopped"
	press a 'seq 300000; echo la""st' Enter
	shows_line a last
	kill -CONT "$stopped"
	shows_line b last
	press a exit Enter
	ends a 0
	ends b 0
	"${SCREENS[@]}" capture-pane -p -J -S - -t b >"$DIR/history"
	grep -q 'bytes of output were rotated away' "$DIR/history" || fail "should tell"
}

@test "all bytes come to a client that was stopped, in order" {
	rbok run -d -t --name "$NAME" sh -c 'stty raw -echo; read -r x; seq 300000; echo end; exec sleep 1000'
	"$PYTHON" -ES "$HERE/peer.py" pty expect:end end -- "$RUSTBOX" attach "$NAME" >"$DIR/slow" \
		3>&- 4>&- &
	local peer=$!
	until_true eval 'ls -l /proc/$(client_of "attach $NAME")/fd 2>/dev/null | grep -q signalfd'
	local stopped
	stopped=$(client_of "attach $NAME")
	kill -STOP "$stopped"
	window a 80x24 "$RUSTBOX" attach "$NAME"
	until_true eval '[ "$(client_of "attach $NAME")" != "$stopped" ]'
	press a go C-j
	shows a end
	kill -CONT "$stopped"
	rbok kill "$NAME"
	wait $peer
	same "$(tr -d '\r' <"$DIR/slow" | grep -cE '^[0-9]+$')" 300000
	same "$(tr -d '\r' <"$DIR/slow" | grep -E '^[0-9]+$' | md5sum)" "$(seq 300000 | md5sum)"
}

# ---- full-screen programs -----------------------------------------------------------------

@test "vi: drawn, drawn anew for who comes later, and in another size" {
	seq -f 'line number %g of the text' 500 >"$DIR/text"
	shell_in a 80x24 -v "$DIR:/data"
	press a 'busybox vi /data/text' Enter
	shows_line a "line number 1 of the text"
	press a 30G i 'NEW WORDS ' Escape
	shows a "NEW WORDS line number 30"
	# More than what is kept: it has to be drawn, not repeated.
	local i
	for ((i = 0; i < 30; i++)); do
		press a G 1G
	done
	press a 400G
	shows_line a "line number 400 of the text"
	attach_in b 80x24
	shows_line b "line number 400 of the text"
	until_true eval '[ "$(screen a)" = "$(screen b)" ]' || fail "$(screen a; screen b)"
	press b 30G
	shows a "NEW WORDS line number 30"
	detach_from b
	attach_in c 60x16
	press c 1G
	shows_line c "line number 1 of the text"
	until_true eval '[ "$(screen c | grep -c "of the text")" = 15 ]'
	press c ':wq' Enter
	shows c "#"
	press c exit Enter
	ends c 0
	grep -qx 'NEW WORDS line number 30 of the text' "$DIR/text"
}

@test "what was drawn long ago is drawn anew for who comes later" {
	window a 80x24 "$RUSTBOX" run --name "$NAME" -it sh -c \
		'draw() { printf "\033[2J\033[3;1HPICTURE\033[24;1H"; }
		trap draw WINCH
		draw
		i=0
		while [ $i -lt 2500 ]; do i=$((i + 1)); printf "\033[24;1Hx%05d" $i; done
		while :; do sleep 1000 & wait; done'
	shows a x02500
	attach_in b 80x24
	shows_line b PICTURE
	rbok kill "$NAME"
	ends b 137
}

@test "less: drawn anew for who comes later" {
	seq -f 'row %g' 1000 >"$DIR/text"
	shell_in a 80x24 -v "$DIR:/data"
	press a 'busybox less /data/text' Enter
	shows_line a "row 1"
	press a Space
	shows_line a "row 24"
	detach_from a
	attach_in b 80x24
	shows_line b "row 24"
	press b q exit Enter
	ends b 0
}

# ---- the terminal afterwards ----------------------------------------------------------------

@test "settings of a terminal that are unusual are put back, whatever the end" {
	local how
	for how in exit detach kill stop remove HUP TERM QUIT; do
		window $how 80x24 sh -c 'stty -echoctl -ixon erase ^H intr ^G tostop
			stty -a >"$0.before"; exec "$@"' "$DIR/$how" \
			"$RUSTBOX" run --name "$NAME" -it -e 'PS1=# ' sh -c 'trap "exit 6" TERM; echo up; while :; do read -r x && exit 0; done'
		shows_line $how up
		case $how in
		exit) press $how Enter; ends $how 0 ;;
		detach) press $how C-p C-q; ends $how 0 ;;
		kill) rbok kill "$NAME"; ends $how 137 ;;
		stop) rbok stop "$NAME"; ends $how 6 ;;
		remove) rbok rm -f "$NAME"; ends $how 137 ;;
		*)
			kill -$how "$(client_of "run --name $NAME")"
			ends $how $((128 + $(kill -l $how)))
			same "$(box_state .State.Status)" running
			;;
		esac
		rbok rm -f "$NAME"
	done
}

@test "a client that is stopped by its shell, and goes on in the foreground" {
	window a 80x24 bash --norc --noprofile
	press a 'PS1="host> "' Enter
	shows a "host>"
	press a "$RUSTBOX run --name $NAME -it -e PS1='box> ' sh" Enter
	shows a "box>"
	kill -TSTP "$(client_of "run --name $NAME")"
	shows a Stopped
	press a 'stty -a | grep -ow -e "-\?icanon" -e "-\?echo"' Enter
	shows_line a icanon
	shows_line a echo
	press a 'clear; fg' Enter
	shows a "run --name"
	press a 'echo inside-$((1+1)); hostname' Enter
	shows_line a inside-2
	press a exit Enter
	shows_line a "host>"
	press a 'stty -a | grep -ow -e "-\?icanon" -e "-\?echo"' Enter
	shows_line a icanon
	shows_line a echo
	press a exit Enter
	ends a 0
}

@test "started in the background it waits for the foreground" {
	window a 80x24 bash --norc --noprofile
	press a 'PS1="host> "' Enter
	shows a "host>"
	press a "$RUSTBOX run --name $NAME -it -e PS1='box> ' sh &" Enter
	until_true eval '"$RUSTBOX" inspect "$NAME" >/dev/null 2>&1 3>&-'
	until_true eval 'press a Enter; screen_has a Stopped' || fail "$(screen a)"
	press a clear Enter
	press a fg Enter
	press a 'echo inside-$((1+1))' Enter
	shows_line a inside-2
	press a 'exit 5' Enter
	shows_line a "host>"
	press a 'echo code $?' Enter
	shows_line a "code 5"
	press a exit Enter
	ends a 0
}

# ---- exec -----------------------------------------------------------------------------------

@test "exec -it: a shell beside the first, its size, Ctrl-C, its own detaching" {
	start_box
	window a 88x22 "$RUSTBOX" exec -it -e 'PS1=# ' "$NAME" sh
	shows a "#"
	press a 'stty size' Enter
	shows_line a "22 88"
	resize a 66x33
	until_true eval 'press a "stty size" Enter; screen a | grep -qx "33 66"'
	press a 'sh -c "echo be""gun; exec sleep 1000"' Enter
	shows_line a begun
	press a C-c
	press a 'echo code $?' Enter
	shows_line a "code 130"
	press a 'exit 4' Enter
	ends a 4
	window b 80x24 "$RUSTBOX" exec -it "$NAME" sh -c 'echo be""gun; read -r x; exec sleep 1000'
	shows_line b begun
	press b C-p C-q
	ends b 0
	box_is Running
}

@test "exec -it ends when its shell does, and when the container is killed" {
	start_box
	window a 80x24 "$RUSTBOX" exec -it -e 'PS1=# ' "$NAME" sh
	shows a "#"
	rbok kill "$NAME"
	ends a 137
}

# ---- restarts ---------------------------------------------------------------------------------

@test "restart: who is attached stays, and the terminal has its size" {
	window a 91x27 "$RUSTBOX" run --name "$NAME" -it sh -c 'stty size; [ ! -e /again ] || echo again; touch /again; exec sleep 1000'
	shows_line a "27 91"
	rbok restart -t 0 "$NAME"
	shows_line a again
	until_true eval '[ "$(screen a | grep -cx "27 91")" = 2 ]'
	rbok kill "$NAME"
	ends a 137
}

# ---- pasting ------------------------------------------------------------------------------------

# paste NAME FILE, without changing its line ends
paste()
{
	"${SCREENS[@]}" load-buffer "$2"
	"${SCREENS[@]}" paste-buffer -r -t "$1"
}

@test "100 KB that are pasted arrive as they are, in a raw terminal" {
	head -c 76800 /dev/urandom | base64 -w 0 >"$DIR/text"
	same "$(wc -c <"$DIR/text")" 102400
	window a 80x24 "$RUSTBOX" run --name "$NAME" -it -v "$DIR:/data" \
		sh -c 'stty raw -echo; echo ready; head -c 102400 >/data/got; stty cooked; echo done; exec sleep 1000'
	shows a ready
	paste a "$DIR/text"
	shows a done
	cmp "$DIR/text" "$DIR/got"
	rbok kill "$NAME"
	ends a 137
}

@test "100 KB of lines that are pasted arrive, with their echo" {
	seq -f 'a line that is pasted, number %05g' 2750 >"$DIR/text"
	window a 80x24 "$RUSTBOX" run --name "$NAME" -it -v "$DIR:/data" sh -c 'echo ready; exec cat >/data/got'
	shows_line a ready
	paste a "$DIR/text"
	shows_line a "a line that is pasted, number 02750"
	press a C-d
	ends a 0
	cmp "$DIR/text" "$DIR/got"
}

@test "100 KB that nobody reads hold up neither detaching nor other clients" {
	head -c 76800 /dev/urandom | base64 -w 0 >"$DIR/text"
	window a 80x24 "$RUSTBOX" run --name "$NAME" -it sh -c 'stty raw -echo; echo ready; exec sleep 1000'
	shows a ready
	paste a "$DIR/text"
	attach_in b 80x24
	shows b ready
	rbok exec "$NAME" sh -c 'echo words >/proc/1/fd/1'
	shows b words
	shows a words
	press b C-p C-q
	ends b 0
	kill -TERM "$(client_of "run --name $NAME")"
	ends a 143
}
