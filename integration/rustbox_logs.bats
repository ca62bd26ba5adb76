#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container has written: all of it, in order, on the right stream; shown
# in part, followed, rotated; and there whoever has died meanwhile.

load rustbox

# A container that writes what it is told, through a FIFO: start_speaker [OPTIONS...]
start_speaker()
{
	mkdir -p "$DIR/talk"
	mkfifo "$DIR/talk/fifo"
	rbok run -d --name "$NAME" -v "$DIR/talk:/talk" "$@" sh -c '
		exec 3<>/talk/fifo
		while read -r stream text <&3; do
			[ "$stream" != end ] || exit "$text"
			echo "$text" >&"$stream"
		done'
	ID=$output
	exec 5<>"$DIR/talk/fifo"
}

# say STREAM TEXT: returns when it is in the log
say()
{
	echo "$1 $2" >&5
	until_true grep -rqF -- "$2" "$RUSTBOX_ROOT/logs/$ID"
}

end_speaker()
{
	echo "end ${1:-0}" >&5
	until_true box_is Exited
	exec 5>&-
}

# A follower in the background: its output is in $DIR/followed
follow()
{
	"$RUSTBOX" logs -f "$@" "$NAME" >"$DIR/followed" 2>"$DIR/followed.err" </dev/null 3>&- 4>&- 5>&- &
	FOLLOWER=$!
}

followed()
{
	grep -qsF -- "$1" "$DIR/followed"
}

# The follower has ended by itself.
follower_ends()
{
	until_true eval '! kill -0 $FOLLOWER 2>/dev/null'
	status=0
	wait $FOLLOWER || status=$?
	ok
}

# ---- complete -------------------------------------------------------------------

@test "each stream goes where it belongs, with -t each line with its time" {
	rb run --name "$NAME" sh -c 'echo one; echo two >&2; echo three'
	rbok logs "$NAME"
	same "$output" $'one\nthree'
	same "$error" two
	rbok logs -t "$NAME"
	matches '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z one$' 'Z three$'
	[[ $error =~ ^20[0-9-]{8}T[0-9:.]{18}Z\ two$ ]] || fail "should have the time"
}

@test "both streams together are in the order in which they were written" {
	local i stream
	start_speaker
	for ((i = 0; i < 20; i++)); do
		stream=$((i * 7 / 3 % 2 + 1))
		say $stream "$stream line $i."
		echo "$stream line $i." >>"$DIR/expected"
	done
	end_speaker
	"$RUSTBOX" logs "$NAME" >"$DIR/both" 2>&1 3>&-
	cmp "$DIR/expected" "$DIR/both"
	[ "$("$RUSTBOX" logs "$NAME" 2>/dev/null 3>&- | grep -c '^1')" = "$(grep -c '^1' "$DIR/expected")" ]
}

@test "a thousand times a last line without a newline" {
	local i times=60
	[ "$LONG" = 0 ] || times=1000
	for ((i = 0; i < times; i++)); do
		rbok run --name "$NAME" printf 'a\nb'
		same "$output" $'a\nb'
		same "$(wc -c <"$DIR/out")" 3
		"$RUSTBOX" logs "$NAME" 3>&- | cmp - <(printf 'a\nb')
		rbok rm "$NAME"
	done
	rbok run --name "$NAME" sh -c 'i=0; while [ $i -lt 1000 ]; do printf "a\nb"; i=$((i + 1)); done'
	same "$(wc -c <"$DIR/out")" 3000
	same "$("$RUSTBOX" logs "$NAME" 3>&- | wc -c)" 3000
}

@test "10 MB of any bytes come out as they went in" {
	head -c 10485760 /dev/urandom >"$DIR/data"
	rbok run -d --name "$NAME" -v "$DIR/data:/data:ro" cat /data
	rbok wait "$NAME"
	"$RUSTBOX" logs "$NAME" 3>&- | cmp - "$DIR/data"
	"$RUSTBOX" logs -f "$NAME" 3>&- | cmp - "$DIR/data"
}

@test "a terminal's output is all on standard output" {
	rbok run -d -t --name "$NAME" sh -c 'echo one; echo two >&2'
	rbok wait "$NAME"
	rbok logs "$NAME"
	same "$output" $'one\r\ntwo\r'
	same "$error" ""
}

@test "a second run's output is behind that of the first" {
	rbok run --name "$NAME" sh -c 'printf cut; printf error >&2'
	rbok restart "$NAME"
	rbok wait "$NAME"
	rbok logs "$NAME"
	same "$output" cutcut
	# With times a line that was cut is none with the next one.
	rbok logs -t "$NAME"
	same "$(grep -c 'Z cut$' "$DIR/out")" 2
	same "$(grep -c 'Z error$' "$DIR/err")" 2
}

# ---- parts ----------------------------------------------------------------------

@test "--tail counts lines of both streams together" {
	start_speaker
	say 1 "first."
	say 2 "second."
	say 1 "third."
	end_speaker
	rbok logs --tail 1 "$NAME"
	same "$output$error" third.
	rbok logs -n 2 "$NAME"
	same "$output" third.
	same "$error" second.
	rbok logs --tail 0 "$NAME"
	same "$output$error" ""
	rbok logs --tail all "$NAME"
	same "$output" $'first.\nthird.'
	rbok logs --tail 99 "$NAME"
	same "$output" $'first.\nthird.'
}

@test "--since and --until take times, and how long ago" {
	local times
	start_speaker
	say 1 "first."
	say 1 "second."
	say 1 "third."
	end_speaker
	rbok logs -t "$NAME"
	mapfile -t times < <(cut -d ' ' -f 1 "$DIR/out")
	rbok logs --since "${times[1]}" "$NAME"
	same "$output" $'second.\nthird.'
	rbok logs --until "${times[1]}" "$NAME"
	same "$output" first.
	rbok logs --since "${times[1]}" --until "${times[2]}" "$NAME"
	same "$output" second.
	rbok logs --since "$(date -d "${times[2]}" +%s.%N)" "$NAME"
	same "$output" third.
	rbok logs --since "${times[1]}" --tail 1 "$NAME"
	same "$output" third.
	rbok logs --since 1h "$NAME"
	same "$output" $'first.\nsecond.\nthird.'
	rbok logs --until 1h "$NAME"
	same "$output" ""
	rbok logs --since 2100-01-01 "$NAME"
	same "$output" ""
}

@test "mistakes are told" {
	rbok create --name "$NAME" true
	rb logs no-such-container
	error_names no-such-container
	rb logs --tail some "$NAME"
	error_names --tail some
	rb logs --since yesterday "$NAME"
	error_names --since yesterday
	rb logs --until 25:00 "$NAME"
	error_names --until 25:00
	rb logs
	fails
	# One that has never run has written nothing.
	rbok logs "$NAME"
	same "$output$error" ""
	rbok logs -f "$NAME"
}

# ---- following ------------------------------------------------------------------

@test "-f shows what comes, and ends with the container" {
	start_speaker
	say 1 "before."
	follow
	until_true followed before.
	say 1 "after."
	until_true followed after.
	say 2 "elsewhere."
	end_speaker 3
	follower_ends
	same "$(<"$DIR/followed")" $'before.\nafter.'
	same "$(<"$DIR/followed.err")" elsewhere.
}

@test "-f with --tail 0 begins with what comes; --until ends it" {
	start_speaker
	say 1 "before."
	follow --tail 0
	# Until it follows, nothing is for it.
	until_true eval 'say 1 "once more." && followed "once more."'
	rbok logs -f --until "$(date -u +%FT%T.%NZ)" "$NAME"
	says before.
	rbok logs -f --until "$(date -u -d '+1 sec' +%FT%T.%NZ)" "$NAME"
	says before.
	end_speaker
	follower_ends
	! followed before. || fail "--tail 0 should not show the past"
}

@test "-f goes on through restarts: of the policy, and of the command" {
	rbok run -d --name "$NAME" --restart on-failure:2 sh -c 'echo run; exit 1'
	follow
	follower_ends
	same "$(grep -c run "$DIR/followed")" 3
	rbok rm -f "$NAME"
	start_box
	follow
	until_true followed up
	rbok restart "$NAME"
	until_true eval '[ "$(grep -c up "$DIR/followed")" = 2 ]'
	rbok stop "$NAME"
	follower_ends
}

@test "-f of one that is removed ends; of one that has ended it does at once" {
	start_box
	follow
	until_true followed up
	rbok rm -f "$NAME"
	follower_ends
	rbok run --name "$NAME" echo done
	rbok logs -f "$NAME"
	same "$output" "done"
}

@test "logs -f | head ends with head" {
	start_speaker
	say 1 "first."
	timeout -k 5 60 "$RUSTBOX" logs -f "$NAME" 2>"$DIR/err" 3>&- 4>&- 5>&- | head -n 1 >"$DIR/out"
	same "$(<"$DIR/out")" first.
	same "$(<"$DIR/err")" ""
	end_speaker
}

@test "several followers, one of which stands still" {
	local i stuck
	start_speaker
	mkfifo "$DIR/stuck"
	exec 6<>"$DIR/stuck"
	"$RUSTBOX" logs -f "$NAME" >&6 3>&- 4>&- 5>&- </dev/null &
	stuck=$!
	follow 6>&-
	for i in 1 2 3 4 5; do
		say 1 "line $i. $(head -c 30000 /dev/zero | tr '\0' x)"
	done
	end_speaker
	follower_ends
	same "$(grep -c '^line' "$DIR/followed")" 5
	kill -0 $stuck || fail "it has not stood still"
	kill $stuck
	wait $stuck || true
	exec 6>&-
}

# ---- rotation -------------------------------------------------------------------

@test "rotated logs: a follower misses nothing, the newest are kept, none is too large" {
	local i file lines
	start_speaker --log-max-size 1k --log-max-file 3
	follow
	for ((i = 1; i <= 120; i++)); do
		say $((i % 2 + 1)) "line $i, which is long enough to fill files of a kilobyte soon."
		[ $((i % 2)) = 1 ] || until_true grep -qsF "line $i," "$DIR/followed"
	done
	lines=$(find "$RUSTBOX_ROOT/logs/$ID" -name 'stdout.log*' | wc -l)
	same "$lines" 3
	for file in "$RUSTBOX_ROOT/logs/$ID"/std*.log*; do
		[ "$(stat -c %s "$file")" -le 1024 ] || fail "$file is too large"
	done
	end_speaker
	follower_ends
	seq 2 2 120 | sed 's/.*/line &, which is long enough to fill files of a kilobyte soon./' | cmp - "$DIR/followed"
	seq 1 2 119 | sed 's/.*/line &, which is long enough to fill files of a kilobyte soon./' | cmp - "$DIR/followed.err"
	# What is left are the last ones, without a hole.
	"$RUSTBOX" logs "$NAME" >"$DIR/left" 2>&1 3>&-
	lines=$(wc -l <"$DIR/left")
	[ "$lines" -ge 30 ] && [ "$lines" -lt 120 ] || fail "$lines lines are left"
	seq $((121 - lines)) 120 | sed 's/.*/line &, which is long enough to fill files of a kilobyte soon./' | cmp - "$DIR/left"
	rbok logs --tail 25 "$NAME"
	says "line 120," "line 96,"
	says_not "line 94,"
}

@test "much output through small files: memory and disk stay bounded" {
	rbok run --name "$NAME" --log-max-size 16k --log-max-file 2 sh -c 'seq 1 200000'
	# What is rotated away before a client on a busy machine has taken it, it is told of.
	seq 1 200000 | cmp -s - "$DIR/out" || [[ $error == *"rotated away before"* ]] ||
		fail "output is missing, and nobody says so"
	same "$(tail -n 1 "$DIR/out")" 200000
	ID=$(box_state .Id)
	[ "$(du -sb "$RUSTBOX_ROOT/logs/$ID" | cut -f 1)" -lt 100000 ] || fail "the logs are too large"
	rbok logs --tail 1 "$NAME"
	same "$output" 200000
}

# ---- who dies -------------------------------------------------------------------

@test "logs are complete though the client was killed" {
	local client
	mkfifo "$DIR/go"
	timeout -k 5 60 "$RUSTBOX" run --name "$NAME" -v "$DIR:/talk" sh -c \
		'echo before; read -r x </talk/go; echo after' >"$DIR/fg" 2>&1 </dev/null 3>&- 4>&- &
	until_true grep -qs before "$DIR/fg"
	client=$(pgrep -f "^$RUSTBOX run --name $NAME ")
	kill -KILL "$client"
	echo x >"$DIR/go"
	ID=$(box_state .Id)
	until_true box_is Exited
	rbok logs "$NAME"
	same "$output" $'before\nafter'
}

@test "logs are complete up to the supervisor's end, and go on behind that" {
	start_speaker
	say 1 "before."
	follow
	until_true followed before.
	kill -KILL "$(supervisor_pid)"
	follower_ends
	exec 5>&-
	rbok logs "$NAME"
	same "$output" before.
	rbok restart "$NAME"
	exec 5<>"$DIR/talk/fifo"
	say 1 "behind."
	rbok logs "$NAME"
	same "$output" $'before.\nbehind.'
	end_speaker
}

@test "attach shows a terminal's last output again" {
	rbok run -dt --name "$NAME" sh -c 'echo this was before; exec sh'
	ID=$output
	until_true box_says before
	on_pty expect:'this was before' send:'echo $((6 * 7)) now\n' expect:'42 now' send:'exit 5\n' end -- \
		"$RUSTBOX" attach "$NAME"
	lines "exit 5" "terminal restored"
}
