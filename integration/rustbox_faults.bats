#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Processes of the Docker-like front end are killed at the steps of every
# command, in every state (rustbox_faults.py); commands for one container
# meet; disks are full or read-only; the machine is restarted; there are a
# thousand containers, or hundreds at once. Nothing is lost, nothing is left.
# LONG=1 takes sixteen times as many steps and full numbers.
# vm: no

load rustbox

KILL_AT=${RUSTBOX_BUILD:-$TOP/build/release}/kill_at
FAIL_AT=${KILL_AT%/*}/fail_at

teardown()
{
	local failed=0 disk
	rustbox_teardown || failed=1
	# That it can be unmounted proves that nobody has anything there.
	for disk in "$RUN_DISK" "$DISK"; do
		! mountpoint -q "$disk" || umount "$disk" || failed=1
	done
	return $failed
}

# The program on standard input must succeed; see rustbox_faults.py.
python()
{
	local seconds=600
	[ "$LONG" = 0 ] || seconds=3000
	status=0
	DIR=$DIR RUSTBOX=$RUSTBOX KILL_AT=$KILL_AT FAIL_AT=$FAIL_AT PYTHONPATH=$HERE LC_ALL=C.UTF-8 \
		timeout -k 5 $seconds "$PYTHON" -B <(printf 'from rustbox_faults import *\n' && cat) \
		>"$DIR/python.out" 2>&1 3>&- 4>&- </dev/null || status=$?
	output=$(tail -n 20 "$DIR/python.out" | cut -c1-1500)
	ok
}

# As many as $1, or $2 with LONG=1.
count()
{
	if [ "$LONG" = 0 ]; then
		echo "$1"
	else
		echo "$2"
	fi
}

# ---- SIGKILL at every step --------------------------------------------------------

@test "SIGKILL at the steps of run: of the command, the supervisor, the runtime, the container" {
	python <<-'PY'
	kill_command(none, "run", "-d", "--name", NAME, *WAITS, stride=401)
	kill_command(none, "run", "-d", "--rm", "-v", "/its-own", "--name", NAME, *WAITS, stride=409)
	PY
}

@test "SIGKILL at the steps of create, start, restart, rename and remove" {
	python <<-'PY'
	kill_command(none, "create", "-v", "/its-own", "--name", NAME, *WAITS, stride=71)
	kill_command(stopped, "start", NAME, stride=907)
	kill_command(exited, "restart", NAME, stride=1009)
	kill_command(created, "rename", NAME, NAME + "-new", stride=59)
	kill_removal(with_volume, stride=29)
	kill_removal(running, stride=67)
	PY
}

@test "SIGKILL of the supervisor at its steps, whatever it is asked for" {
	python <<-'PY'
	kill_behind(running, "stop", NAME, stride=97, least=2)
	kill_behind(running, "kill", NAME, stride=113, least=2)
	kill_behind(running, "restart", NAME, stride=251, least=2)
	kill_behind(running, "exec", NAME, "true", stride=67, least=2)
	kill_behind(running, "rename", NAME, NAME + "-new", stride=23, least=2)
	kill_behind(paused, "unpause", NAME, stride=47, least=2)
	kill_behind(restarting, "stop", NAME, stride=13, least=2)
	kill_behind(stopping, "rm", "-f", NAME, stride=113, least=2)
	PY
}

@test "SIGKILL of the supervisor while what it has started is at its steps" {
	python <<-'PY'
	children = ("--children",)
	kill_behind(running, "stop", NAME, stride=151, options=children, least=2)
	kill_behind(running, "restart", NAME, stride=701, options=children, least=2)
	kill_behind(running, "exec", NAME, "true", stride=307, options=children, least=2)
	kill_behind(running, "pause", NAME, stride=101, options=children, least=2)
	PY
}

@test "SIGKILL of what the supervisor has started" {
	python <<-'PY'
	culprit = ("--children", "--culprit")
	kill_behind(running, "stop", NAME, stride=157, options=culprit, least=2)
	kill_behind(running, "restart", NAME, stride=601, options=culprit, least=2)
	kill_behind(running, "exec", NAME, "true", stride=311, options=culprit, least=2)
	kill_behind(paused, "rm", "-f", NAME, stride=173, options=culprit, least=2)
	PY
}

@test "SIGKILL at the steps of making and removing images and volumes" {
	python <<-'PY'
	kill_making(none, "volume", "create", "v", stride=41)
	kill_making(volume, "volume", "rm", "v", stride=47)
	kill_making(none, "import", archive(), "first:1", stride=1511, least=2)
	kill_making(committed, "commit", NAME, "third:1", stride=151)
	kill_making(committed, "rmi", "second:1", stride=83)
	kill_making(image, "rmi", "first:1", stride=151)
	PY
}

# ---- every system call that may fail ----------------------------------------------

@test "failing system calls of run, create and remove, and of all that they start" {
	python <<-'PY'
	fail_command(none, "run", "-d", "--name", NAME, *WAITS, stride=311)
	fail_command(none, "create", "--name", NAME, *WAITS, stride=101)
	fail_command(stopped, "rm", NAME, stride=53)
	PY
}

@test "failing system calls of the supervisor and of what it starts" {
	python <<-'PY'
	fail_behind(running, "stop", NAME, stride=97, least=2)
	fail_behind(running, "exec", NAME, "true", stride=211, least=2)
	fail_behind(running, "restart", NAME, stride=499, least=2)
	fail_behind(paused, "unpause", NAME, stride=67, least=2)
	PY
}

# ---- at once ----------------------------------------------------------------------

@test "two commands for one container at once: one after the other, and exactly one wins" {
	ROUNDS=$(count 3 100) python <<-'PY'
	rounds = int(os.environ["ROUNDS"])
	other = NAME + "-other"

	def two():
	    created()
	    call("create", "--name", other, *WAITS)

	race(rounds, created, ("start", NAME), ("start", NAME), wins=2)
	race(rounds, created, ("start", NAME), ("rm", NAME), wins=1)
	race(rounds, stopped, ("rm", NAME), ("rm", NAME), wins=1)
	race(rounds, created, ("rename", NAME, "x"), ("rename", NAME, "y"), wins=1)
	race(rounds, running, ("rename", NAME, "x"), ("rename", NAME, "y"), wins=1)
	race(rounds, two, ("rename", NAME, "x"), ("rename", other, "x"), wins=1)
	race(rounds, none, ("create", "--name", "x", *WAITS), ("create", "--name", "x", *WAITS), wins=1)
	race(rounds, none, ("run", "-d", "--name", "x", *WAITS), ("run", "-d", "--name", "x", *WAITS), wins=1)
	race(rounds, created, ("run", "-d", "--name", "x", *WAITS), ("rename", NAME, "x"), wins=1)
	race(rounds, running, ("stop", NAME), ("rm", NAME), wins=(1, 2))
	race(rounds, running, ("stop", NAME), ("stop", NAME), wins=2)
	race(rounds, running, ("restart", NAME), ("stop", NAME), wins=2)
	race(rounds, running, ("kill", NAME), ("kill", NAME), wins=(1, 2))
	race(rounds, running, ("rm", "-f", NAME), ("restart", NAME), wins=(1, 2))
	race(rounds, running, ("rm", "-f", NAME), ("rm", "-f", NAME), wins=2)
	race(rounds, running, ("pause", NAME), ("stop", "-t", "1", NAME), wins=(1, 2))
	PY
}

@test "$(count 50 200) runs at once, each with 2,000 lines: all complete and in order" {
	COUNT=$(count 50 200) python <<-'PY'
	def numbers(i):
	    return f'i=0; while [ $i -lt 2000 ]; do echo {i}-$i; i=$((i+1)); done; exit {i % 100}'

	runs = []
	for i in range(int(os.environ["COUNT"])):
	    out = open(f"{DIR}/many.{i}", "w+b")
	    runs.append((i, out, begin("run", "--rm", "sh", "-c", numbers(i), stdout=out, stderr=out)))
	for i, out, run in runs:
	    code = run.wait(BOUND * 5)
	    out.seek(0)
	    text = out.read().decode()
	    assert code == i % 100, (i, code, text[-500:])
	    assert text == "".join(f"{i}-{n}\n" for n in range(2000)), (i, text[:100], len(text))
	check_nothing_left("many")
	PY
}

# ---- full and read-only disks -------------------------------------------------------

# A root that has a disk of its own, of so many bytes.
small_root()
{
	DISK=$BATS_FILE_TMPDIR/disk-$BATS_TEST_NUMBER
	mkdir "$DISK"
	mount -t tmpfs -o size="$1" none "$DISK"
	RUSTBOX_ROOT=$DISK/root
}

# The same in a file, of a kind that needs room for each folder and link.
small_ext4_root()
{
	truncate -s "$1" "$DIR/disk.img"
	mkfs.ext4 -q -m 0 "$DIR/disk.img" >"$DIR/mkfs.out" 2>&1 || fail "mkfs.ext4: $(cat "$DIR/mkfs.out")"
	mkdir "$BATS_FILE_TMPDIR/disk-$BATS_TEST_NUMBER"
	mount -o loop "$DIR/disk.img" "$BATS_FILE_TMPDIR/disk-$BATS_TEST_NUMBER" 2>"$DIR/mount.err" ||
		skip "no loop device: $(tail -n 1 "$DIR/mount.err")"
	DISK=$BATS_FILE_TMPDIR/disk-$BATS_TEST_NUMBER
	RUSTBOX_ROOT=$DISK/root
}

# Its run folder is another disk, as /run is.
run_apart()
{
	mkdir -p "$RUSTBOX_ROOT/run"
	mount -t tmpfs -o size=4m,mode=700 none "$RUSTBOX_ROOT/run"
	RUN_DISK=$RUSTBOX_ROOT/run
}

# All but so many pages of it are taken.
fill()
{
	dd if=/dev/zero of="$DISK/filler" bs=4k 2>/dev/null || :
	truncate -s -$((${1:-0} * 4096)) "$DISK/filler"
}

empty()
{
	rm "$DISK/filler"
}

names_the_disk()
{
	grep -qF "$RUSTBOX_ROOT" <<<"$error" && grep -qi "no space" <<<"$error" ||
		fail "should name the disk that is full"
}

# Everything that makes nothing new is possible, and what it says is true.
life_on_a_full_disk()
{
	local state
	run_apart
	rbok run -d --init --pids-limit 100 --name "$NAME" sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 1000 & wait; done'
	ID=$output
	until_true box_says up
	rbok run -d --name "$NAME-shares" --pid "container:$NAME" --uts "container:$NAME" sleep 1000
	rbok stop -t 0 "$NAME-shares"
	rbok run -dit --rm --name "$NAME-tty" -v /of-its-own sleep 1000
	rbok create --name "$NAME-new" sleep 1000
	fill
	rbok exec "$NAME" sh -c 'echo inside; exit 0'
	same "$output" inside
	rbok exec -d "$NAME" true
	rbok start "$NAME-shares"
	rbok exec "$NAME-shares" cat /proc/1/comm
	same "$output" init
	for state in paused running; do
		rbok "$([ $state = paused ] || echo un)pause" "$NAME-tty"
		same "$(box_state .State.Status "$NAME-tty")" $state
	done
	rbok stop "$NAME"
	same "$(box_state .State.Status) $(box_state .State.ExitCode)" "exited 3"
	rbok start "$NAME"
	same "$(box_state .State.Status)" running
	rbok restart "$NAME" "$NAME-shares"
	rbok update --pids-limit 50 "$NAME"
	same "$(box_state .HostConfig.PidsLimit)" 50
	# Where its own layer would get its first files, there is no room for them.
	rb start "$NAME-new"
	[ "$status" -eq 0 ] || names_the_disk
	rbok kill "$NAME" "$NAME-tty"
	rbok wait "$NAME"
	same "$output" 137
	rbok rm -v "$NAME"
	rbok rm -f "$NAME-shares" "$NAME-new"
	rbok list -aq
	same "$output" ""
	rbok volume list -q
	same "$output" ""
	empty
}

@test "a full disk, /run is another: what is there starts, stops, runs commands, and goes" {
	small_root 3m
	life_on_a_full_disk
}

@test "a full ext4, /run is another: what is there starts, stops, runs commands, and goes" {
	small_ext4_root 16m
	life_on_a_full_disk
}

@test "a full disk: create and run say so and leave nothing; what is there can be listed and removed" {
	small_root 2m
	start_box
	rbok create --name "$NAME-b" true
	fill
	rb create --name "$NAME-c" true
	fails
	names_the_disk
	rb run -d --name "$NAME-d" true
	exits 125
	names_the_disk
	rbok list -a --format '{{.Names}} {{.State}}'
	same "$(sort <<<"$output")" "$NAME running"$'\n'"$NAME-b created"
	rbok stop "$NAME"
	rbok logs "$NAME"
	same "$output" up
	rbok remove "$NAME" "$NAME-b"
	rbok list -aq
	same "$output" ""
	empty
	assert_nothing_left
}

@test "a full disk: what becomes of a container is known all the same" {
	small_root 2m
	rbok run -d --name "$NAME" sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 1000 & wait; done'
	ID=$output
	until_true box_says up
	fill
	rbok pause "$NAME"
	same "$(box_state .State.Status)" paused
	rbok unpause "$NAME"
	same "$(box_state .State.Status)" running
	rbok rename "$NAME" "$NAME-new"
	rbok rename "$NAME-new" "$NAME"
	rbok kill -s TERM "$NAME"
	rbok wait "$NAME"
	same "$output" 3
	until_true box_is Exited
	same "$(box_state .State.ExitCode)" 3
	same "$(box_state .State.Error)" ""
	rb start "$NAME"
	fails
	same "$(box_state .State.ExitCode)" 3
	empty
	rbok restart "$NAME"
}

@test "a record that cannot be written is written later" {
	start_box
	# Nothing can be made in its folder, and the disk is not full.
	mount --bind "$RUSTBOX_ROOT/containers" "$RUSTBOX_ROOT/containers"
	mount -o remount,bind,ro "$RUSTBOX_ROOT/containers"
	rb pause "$NAME"
	umount "$RUSTBOX_ROOT/containers"
	until_true box_is Paused
	rbok unpause "$NAME"
}

@test "a full disk: at each number of free pages create and run succeed, or leave nothing" {
	local pages
	small_root 2m
	for ((pages = 0; pages < 40; pages += $(count 3 1))); do
		fill $pages
		rb run --rm --name "$NAME" true
		[ "$status" -eq 0 ] || exits 125
		rb create --name "$NAME" true
		[ "$status" -eq 0 ] || names_the_disk
		rbok remove --force "$NAME"
		rbok list -aq
		same "$output" ""
		empty
		assert_nothing_left || fail "with $pages pages"
	done
}

@test "a full disk: the container goes on, its log goes on when there is room again" {
	small_root 2m
	rbok run -d --name "$NAME" sh -c 'n=0; while sleep 0.01; do n=$((n+1)); echo line $n; done'
	ID=$output
	until_true box_says "line 10"
	fill
	same "$(box_state .State.Status)" running
	rbok logs "$NAME"
	local last
	last=$(tail -n 1 <<<"$output")
	empty
	until_true grows "$last"
	rbok logs "$NAME"
	[ -z "$(grep -vE '^line [0-9]+$' <<<"$output")" ] || fail "should be whole lines"
	rbok kill "$NAME"
}

grows()
{
	rbok logs --tail 1 "$NAME"
	[ "$output" != "$1" ]
}

@test "a full disk: import and commit say so and leave nothing" {
	small_root 16m
	rbok run --name "$NAME" true
	tar -cf "$DIR/root.tar" -C rootfs .
	rbok import "$DIR/root.tar" first:1
	fill
	rb import "$DIR/root.tar" second:1
	names_the_disk
	rb commit "$NAME" third:1
	names_the_disk
	empty
	rbok images --format '{{.Repository}}'
	same "$output" first
	same "$(ls "$RUSTBOX_ROOT/images/staging")" ""
	rbok rmi first:1
}

@test "a read-only root: every command says what is read-only, list still lists" {
	small_root 2m
	rbok create --name "$NAME" true
	ID=$output
	mount -o remount,ro "$DISK"
	local command
	for command in "run --rm true" "create true" "start $NAME" "rename $NAME x" "rm $NAME" \
		"rm -f $NAME" "volume create v" "update --restart always $NAME"; do
		# shellcheck disable=SC2086 # a command and its arguments
		rb $command
		error_names "read-only" "$RUSTBOX_ROOT"
	done
	rbok list -a --format '{{.Names}} {{.State}}'
	same "$output" "$NAME created"
	rbok inspect "$NAME"
	mount -o remount,rw "$DISK"
	rbok start "$NAME"
}

read_only()
{
	unshare -m sh "$DIR/on-read-only" "$RUSTBOX" "$@" </dev/null
}

@test "/var is read-only from the beginning, /run is not: a clear error, nothing to list" {
	cat >"$DIR/on-read-only" <<-'SH'
	mount -t tmpfs none /run && mount -t tmpfs -o ro none /var && unset RUSTBOX_ROOT && exec "$@"
	SH
	status=0
	read_only run --rm true >"$DIR/out" 2>"$DIR/err" 3>&- 4>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	error_names "read-only" /var/lib/rustbox
	exits 125
	read_only list -a >"$DIR/out" 2>"$DIR/err" 3>&- 4>&-
	same "$(wc -l <"$DIR/out")" 1
	[ ! -s "$DIR/err" ]
}

# ---- the machine's restart ----------------------------------------------------------

# Everything ends at once, the records are those of another boot, /run is empty.
crash_and_boot()
{
	local pid path
	for pid in $(pgrep -f "supervise [0-9a-f]{12}\$") $(contained_processes); do
		! grep -qsaF "$TAG" "/proc/$pid/environ" && ! [[ " $(contained_processes) " == *"$pid"* ]] ||
			kill -KILL "$pid" 2>/dev/null || :
	done
	until_true eval '[ -z "$(contained_processes)" ]'
	for path in $(past_cgroups); do
		until_true rmdir "$path"
	done
	grep -F " $RUSTBOX_ROOT/" /proc/self/mountinfo | awk '{ print $5 }' | tac | while read -r path; do
		umount "$path"
	done
	sed -i -E 's/("bootId": *)"[^"]*"/\1"11111111-1111-1111-1111-111111111111"/' \
		"$RUSTBOX_ROOT"/containers/*.json
	rm -rf "$RUSTBOX_ROOT/run"
}

@test "a restart of the machine: the truth is shown, --rm ones are gone, start --boot brings back the others" {
	local name
	for name in no on-failure always unless-stopped; do
		rbok run -d --name "$NAME-$name" --restart $name sleep 1000
	done
	rbok run -d --name "$NAME-stopped" --restart unless-stopped sleep 1000
	rbok run -d --name "$NAME-always-stopped" --restart always sleep 1000
	rbok stop -t 0 "$NAME-stopped" "$NAME-always-stopped"
	rbok run -d --name "$NAME-rm" --rm -v /its-own -v "$NAME-named:/named" sleep 1000
	rbok run -d --name "$NAME-keeps" -v /its-own sleep 1000
	rbok volume create elsewhere
	rbok run -d --name "$NAME-paused" --restart always sleep 1000
	rbok pause "$NAME-paused"
	rbok create --name "$NAME-created" --restart always sleep 1000
	rbok run -d --name "$NAME-ended" --restart on-failure true
	rbok wait "$NAME-ended"
	crash_and_boot
	rbok list -a --format '{{.Names}} {{.State}}'
	same "$(sed "s/^$NAME-//" <<<"$output" | sort)" "always exited
always-stopped stopped
created created
ended exited
keeps exited
no exited
on-failure exited
paused exited
stopped stopped
unless-stopped exited"
	same "$(box_state .State.ExitCode "$NAME-always")" 255
	[[ $(box_state .State.Error "$NAME-always") == *"machine was restarted"* ]] || fail "should say why"
	same "$(box_state .State.ExitCode "$NAME-ended")" 0
	rb inspect "$NAME-rm"
	fails
	# Its volume has gone with it, as rm -v would have it.
	rbok volume list -q
	same "$(sort <<<"$output")" "$(printf '%s\n' "$(box_state '.Mounts[0].Name' "$NAME-keeps")" \
		"$NAME-named" elsewhere | sort)"
	rbok start --boot
	same "$(sed "s/^$NAME-//" <<<"$output" | sort)" "always
always-stopped
on-failure
paused
unless-stopped"
	for name in $output; do
		same "$(box_state .State.Status "$name")" running
	done
	rbok start --boot
	same "$output" ""
}

@test "a clock that goes back, records of the future: all is shown, and can be used" {
	local what
	start_box --restart always
	rbok create --name "$NAME-created" --stopped-timeout 1 sh -c 'exit 0'
	rbok stop "$NAME"
	sed -i -E 's/"(2[0-9]{3})(-[0-9]{2}-[0-9]{2}T)/"2999\2/g' "$RUSTBOX_ROOT"/containers/*.json \
		"$RUSTBOX_ROOT/run/events"
	rbok list -a
	says "$NAME" "$NAME-created"
	! grep -qE -- '-[0-9]+ (second|minute|hour|day|week|month|year)' <<<"$output" ||
		fail "should know no negative time"
	rbok inspect "$NAME"
	rbok logs --timestamps "$NAME"
	rbok start "$NAME" "$NAME-created"
	same "$(box_state .State.Status)" running
	rbok logs --since 1h --tail 1 "$NAME"
	rbok stop "$NAME" "$NAME-created"
	for what in 0001-01-01T00:00:00Z 9999-12-31T23:59:59.999999999Z '' garbage; do
		sed -i -E "s/(\"(created|started|finished)\": *)\"[^\"]*\"/\1\"$what\"/g" "$RUSTBOX_ROOT"/containers/*.json
		rbok list -a
		says "$NAME" "$NAME-created"
		rbok inspect "$NAME" "$NAME-created"
		rbok start "$NAME"
		rbok stop "$NAME"
	done
}

# ---- many ---------------------------------------------------------------------------

@test "list needs no more for each of a thousand containers than for one of ten" {
	python <<-'PY'
	def copy(identity, i):
	    new = f"{i:012x}"
	    record = read(f"{ROOT}/containers/{identity}.json").decode()
	    pathlib.Path(f"{ROOT}/containers/{new}.json").write_text(
	        record.replace(identity, new).replace(f'"{NAME}"', f'"{NAME}-{i}"'))
	    for folder in ("bundles", "overlay", "logs", "run"):
	        os.mkdir(f"{ROOT}/{folder}/{new}")
	    os.symlink(new, f"{ROOT}/names/{NAME}-{i}")

	def processor_time():
	    pid = os.posix_spawn(RUSTBOX, [RUSTBOX, "list", "--all"], os.environ,
	                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, f"{DIR}/shown", os.O_CREAT | os.O_WRONLY, 0o600)])
	    _, status, used = os.wait4(pid, 0)
	    assert status == 0
	    return used.ru_utime + used.ru_stime

	def best():
	    return len(containers()), min(processor_time() for _ in range(9))

	created()
	identity = containers()[NAME]["ID"]
	for i in range(1, 100):
	    copy(identity, i)
	few, short = best()
	for i in range(100, 1000):
	    copy(identity, i)
	many, long = best()
	print(f"list of {few}: {short * 1000:.1f} ms; of {many}: {long * 1000:.1f} ms")
	assert (few, many) == (100, 1000)
	# Ten times as many.
	assert long < 50 * short, (short, long)
	for i in range(1, 1000):
	    os.unlink(f"{ROOT}/containers/{i:012x}.json")
	    os.unlink(f"{ROOT}/names/{NAME}-{i}")
	    for folder in ("bundles", "overlay", "logs", "run"):
	        os.rmdir(f"{ROOT}/{folder}/{i:012x}")
	call("rm", NAME)
	PY
	grep "^list of" "$DIR/python.out" >&3
}

@test "SIGKILL of all processes but the supervisor: attach and logs go on, restarts too" {
	python <<-'PY'
	import select
	identity = call("run", "-d", "--name", NAME, "--restart", "always", "sh", "-c",
	                "echo begun; while :; do sleep 1000 & wait; done").stdout.strip()
	log = f"{ROOT}/logs/{identity}/stdout.log"
	clients = []
	for i in range(1, 6):
	    until(lambda: read(log).count(b"begun") == i, "a run")
	    clients += [begin("attach", NAME), begin("logs", "-f", NAME), begin("wait", NAME),
	                begin("exec", NAME, "sleep", "1000")]
	    with open(f"{DIR}/kept.{i}", "wb") as out:
	        begin("attach", "--no-stdin", NAME, stdout=out)
	    pid = supervisor(identity)
	    for victim in ours() - OURS_ALWAYS - {pid}:
	        try:
	            os.kill(victim, signal.SIGKILL)
	        except ProcessLookupError:
	            pass
	until(lambda: read(log).count(b"begun") == 6, "the last run")
	assert supervisor(identity) == pid
	seen = begin("attach", "--no-stdin", NAME, stdout=subprocess.PIPE)
	until(lambda: subprocess.run([RUSTBOX, "exec", NAME, "sh", "-c", "echo here >/proc/1/fd/1"]).returncode == 0
	      and select.select([seen.stdout], [], [], 0.1)[0], "what an exec has said")
	assert seen.stdout.readline() == b"here\n"
	call("kill", NAME)
	assert call("logs", NAME).stdout.count("begun") == 6
	seen.wait(BOUND)
	PY
}
