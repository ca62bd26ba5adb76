#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rustbox as an ordinary user: the namespaces that its commands share, images,
# volumes, commands, what is refused and with which remedy, delegated cgroups,
# and that nothing is gained and nothing is left.
# vm: yes

load rustbox
load ordinary_user

eval "$(declare -f setup_file | sed '1s/setup_file/make_installed/')"
setup_file()
{
	load ordinary_user
	make_installed
	# A folder of somebody else's would be one that the user may not change.
	chown -hR $USER_ID:$USER_ID "$BATS_FILE_TMPDIR/rootfs"
}

setup()
{
	rustbox_setup
	DELEGATED=''
	unset USER_GROUPS USER_CGROUP USER_FILES USER_HIDES USER_SESSION
	unset RUSTBOX_ROOT RUSTBOX_RUN RUSTBOX_NAMESPACE
	make_user
	[ ! -u /usr/bin/newuidmap ] || export USER_FILES=1
	USERS_ROOT=$DIR/home/.local/share/rustbox
	# rustbox.bash looks for what is left there.
	RUSTBOX_ROOT=$USERS_ROOT
	export -n RUSTBOX_ROOT
	ln -s "$DIR/xdg/rustbox" "$DIR/run"
	OURS=$RUSTBOX
	user_program "$RUSTBOX"
	RUSTBOX=$DIR/user/rustbox
	chmod a+x "$BATS_FILE_TMPDIR"
	cd "$DIR" || return 1
	RF=(--rootfs "$ROOTFS")
}

teardown()
{
	local failed=0
	rustbox_teardown || failed=1
	[ -n "$BATS_TEST_COMPLETED" ] && [ -z "$BATS_TEST_SKIPPED" ] && {
		until_true holder_has_ended || failed=1
	}
	end_delegation || failed=1
	RUSTBOX=$OURS
	return $failed
}

holder_has_ended()
{
	[ ! -e "$DIR/xdg/rustbox/namespace.sock" ]
}

# An image whose files belong to users, with a device node and a whiteout.
make_image()
{
	local tree=$DIR/tree
	make_rootfs "$tree"
	mkdir "$tree/home/other"
	chown 1234:4321 "$tree/home/other"
	mknod "$tree/opt/device" c 1 3
	tar --numeric-owner -C "$tree" -cf "$DIR/image.tar" .
	rm -r "$tree"
}

# bats test_tags=vm
@test "run: root of the user's namespace, the user outside; output and exit code" {
	rb run --rm "${RF[@]}" sh -c 'id -u; touch /tmp/x; ls -ln /tmp/x | cut -c1-20; exit 7'
	exits 7
	lines 0
	rbok run -d --name "$NAME" "${RF[@]}" payload wait
	same "$(awk '/^Uid:/ { print $2 }' "/proc/$(box_state .State.Pid)/status")" "$USER_ID"
	rbok remove --force "$NAME"
}

@test "start, exec, logs, cp, diff, top, stop, restart, list, remove" {
	start_box "${RF[@]}"
	rbok list
	says "$NAME"
	rbok exec "$NAME" sh -c 'echo from-exec; echo data >/tmp/file'
	lines from-exec
	rbok logs "$NAME"
	lines up
	rbok cp "$NAME:/tmp/file" "$DIR/home/file"
	same "$(cat "$DIR/home/file")" data
	same "$(stat -c %u "$DIR/home/file")" "$USER_ID"
	rbok diff "$NAME"
	lines "A /tmp/file"
	rbok top "$NAME" -eo pid,args
	says "sleep 1000"
	rbok stop "$NAME"
	rbok start "$NAME"
	rbok exec "$NAME" cat /tmp/file
	lines data
	rbok rename "$NAME" "$NAME-2"
	rbok restart "$NAME-2"
	rbok remove --force "$NAME-2"
	rbok list -a
	says_not "$NAME"
}

@test "all commands are in one pair of namespaces, which ends with the last of them" {
	start_box "${RF[@]}"
	local sock=$DIR/xdg/rustbox/namespace.sock first second
	[ -S "$sock" ] || fail "no holder"
	same "$(stat -c '%a %u' "$DIR/xdg/rustbox" "$sock")" $'700 '$USER_ID$'\n700 '$USER_ID
	first=$(readlink "/proc/$(supervisor_pid)/ns/user" "/proc/$(supervisor_pid)/ns/mnt")
	[ "$(readlink /proc/$$/ns/user)" != "$(head -n 1 <<<"$first")" ] || fail "no namespace"
	rbok run -d --name "$NAME-2" "${RF[@]}" payload wait
	ID=$output
	second=$(readlink "/proc/$(supervisor_pid)/ns/user" "/proc/$(supervisor_pid)/ns/mnt")
	same "$second" "$first"
	rbok remove --force "$NAME"
	[ -S "$sock" ] || fail "the holder has ended too early"
	rbok remove --force "$NAME-2"
	until_true holder_has_ended
}

@test "many commands at once: one holder, none is lost" {
	local i pids=() failed=0
	for i in 1 2 3 4 5 6; do
		timeout -k 5 60 "$RUSTBOX" run --rm "${RF[@]}" cat /proc/self/uid_map >"$DIR/out.$i" 2>&1 </dev/null 3>&- 4>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || failed=1
	done
	[ $failed -eq 0 ] || fail "$(cat "$DIR"/out.*)"
}

@test "a holder that is killed: what runs goes on, and can be removed" {
	start_box "${RF[@]}"
	local pid
	for pid in $(tagged_processes); do
		[ "$(cat "/proc/$pid/comm")" != rustbox:holder ] || kill -9 "$pid"
	done
	! "$PYTHON" -c 'import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])' \
		"$DIR/xdg/rustbox/namespace.sock" 2>/dev/null || fail "it is still there"
	rbok exec "$NAME" echo alive
	lines alive
	rbok list
	says "$NAME"
	rbok remove --force "$NAME"
}

@test "images: load, run, commit; users of the subordinate range" {
	need_helpers
	make_image
	rbok import "$DIR/image.tar" box
	[[ $error == *"opt/device is a device node"* ]] || fail "should tell of the device node"
	rbok run --rm --image box ls -ldn /home/other
	matches ' 1234 +4321 '
	rbok run --rm --image box -u 1234:4321 sh -c 'touch /home/other/x && id -u'
	lines 1234
	rbok run --name "$NAME" --image box sh -c 'rm -r /home/other && mkdir /home/other && echo new >/home/other/y'
	rbok commit "$NAME" again
	rbok run --rm --image again ls /home/other
	same "$output" y
	rbok save -o "$DIR/home/saved.tar" again
	rbok remove "$NAME"
	rbok rmi again
	rbok load -i "$DIR/home/saved.tar"
	rbok run --rm --image again cat /home/other/y
	lines new
	rbok rmi again box
}

@test "images: with a single id everything is the user's" {
	unset USER_FILES
	make_image
	rbok import "$DIR/image.tar" box
	rbok run --rm --image box ls -ldn /home/other
	matches ' 0 +0 '
	rbok run -d --name "$NAME" --image box payload wait
	rbok exec -u 0 "$NAME" payload ids
	lines "uid 0 0 0"
	rbok remove --force "$NAME"
	rbok rmi box
	rbok doctor
	says "ordinary user with 1 id"
}

@test "a root file system of another user's: the error says what to do" {
	unset USER_FILES
	cp -a "$ROOTFS" "$DIR/rootfs.root"
	chown 0:0 "$DIR/rootfs.root"
	rb run --rm --rootfs "$DIR/rootfs.root" true
	exits 125
	error_names "$DIR/rootfs.root" "another user's" chown
}

@test "volumes: named ones, and folders of the user's; not what the user may not read" {
	rbok run --rm -v "$NAME:/data" "${RF[@]}" sh -c 'echo kept >/data/file'
	rbok run --rm -v "$NAME:/data" "${RF[@]}" cat /data/file
	lines kept
	rbok volume rm "$NAME"
	mkdir -m 700 "$DIR/home/mine" "$DIR/roots"
	chown $USER_ID "$DIR/home/mine"
	rbok run --rm -v "$DIR/home/mine:/data" "${RF[@]}" sh -c 'echo x >/data/file'
	same "$(stat -c %u "$DIR/home/mine/file")" "$USER_ID"
	echo secret >"$DIR/roots/file"
	rb run --rm -v "$DIR/roots:/data" "${RF[@]}" cat /data/file
	fails
	says_not secret
}

@test "options that need nothing of root: init, read-only, tmpfs, capabilities, privileged" {
	rbok run --rm --init --read-only --tmpfs /tmp --cap-add ALL "${RF[@]}" sh -c 'touch /tmp/x && echo fine'
	lines fine
	rbok run --rm --privileged "${RF[@]}" echo fine
	lines fine
	rbok run --rm --network none "${RF[@]}" cat /proc/net/dev
	says lo:
	same "$(grep -c : <<<"$output")" 1
	rb --base-dir "$ROOTFS" --shell /bin/true
	exits 0
}

# bats test_tags=vm
@test "what needs root is refused by name, with what remains" {
	rb run --rm --network bridge "${RF[@]}" true
	exits 125
	[[ $error == *"network bridge"*"--network none"* ]] || fail "bridge"
	rb run --rm -p 8080:80 "${RF[@]}" true
	exits 125
	[[ $error == *"ordinary user"* ]] || fail "publish"
	rb network create "$NAME"
	fails
	[[ $error == *"ordinary user"* ]] || fail "network"
	rb run --rm --isolate-user "${RF[@]}" true
	exits 125
	[[ $error == *"--isolate-user"*"already"* ]] || fail "isolate-user"
	rb run --rm --memory 100M "${RF[@]}" true
	exits 125
	[[ $error == *memory*Delegate=yes* ]] || fail "memory"
}

@test "rustboxd serves the user, at a socket of the user's" {
	local sock=$DIR/xdg/rustbox/rustboxd.sock daemon
	"$RUSTBOX" daemon >"$DIR/daemon.out" 2>&1 </dev/null 3>&- 4>&- &
	daemon=$!
	until_true test -S "$sock"
	same "$(stat -c '%a %u' "$sock")" "600 $USER_ID"
	start_box "${RF[@]}"
	"$DIR/as-user" "$PYTHON" - "$sock" >"$DIR/answer" <<-END
	import socket, struct, sys
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	message = b'{"type":"ListRequest","all":true}'
	s.sendall(struct.pack(">I", len(message)) + message)
	stream = s.makefile("rb")
	print(stream.read(struct.unpack(">I", stream.read(4))[0]).decode())
	END
	grep -qF "$NAME" "$DIR/answer" || fail "$(cat "$DIR/answer")"
	rbok remove --force "$NAME"
	kill "$daemon"
	wait "$daemon" || :
}

@test "without cgroups stats and pause say so" {
	start_box "${RF[@]}"
	rb stats --no-stream "$NAME"
	fails
	[[ $error == *cgroup* ]] || fail "stats"
	rb pause "$NAME"
	fails
	[[ $error == *cgroup* ]] || fail "pause"
	rbok remove --force "$NAME"
}

# bats test_tags=vm
@test "in a delegated subtree of cgroup v2 limits hold, and stats and pause work" {
	delegate
	rbok run -d --name "$NAME" --memory 50M --pids-limit 40 "${RF[@]}" payload wait
	ID=$output
	local here=$DELEGATED/rustbox-$ID
	same "$(cat "$here/memory.max" "$here/pids.max")" $'52428800\n40'
	rbok stats --no-stream "$NAME"
	says 50MiB
	rbok pause "$NAME"
	rbok unpause "$NAME"
	rbok remove --force "$NAME"
	[ ! -d "$here" ] || fail "the cgroup is there"
}

@test "list, info, version, doctor say what is true of an ordinary user" {
	rbok list
	rbok version
	rbok info --format json
	same "$(jq -r .Rootless <<<"$output")" true
	same "$(jq -r .RootDir <<<"$output")" "$USERS_ROOT"
	same "$(jq -r .RunDir <<<"$output")" "$DIR/xdg/rustbox"
	rbok doctor
	matches 'ordinary user with [0-9]+ id' 'overlay +works'
	# No more is promised than holds.
	rb run --rm --memory 50M "${RF[@]}" true
	local could=$status
	rbok doctor --format '{{.Name}}: {{.Status}}: {{.Remedy}}'
	if [ "$could" -eq 0 ]; then lines "limits: ok: "; else matches '^limits: warning: .*a delegated subtree'; fi
}

@test "the folders: XDG_RUNTIME_DIR that is not the user's is refused; --root is another store" {
	rbok --root "$DIR/home/else" run --rm "${RF[@]}" echo there
	lines there
	[ -d "$DIR/home/else/containers" ] || fail "no store"
	mkdir -m 700 "$DIR/roots"
	rb --root "$DIR/roots" list
	error_names "$DIR/roots" "try sudo"
	chmod 755 "$DIR/xdg"
	mkdir -p "$DIR/xdg/rustbox"
	chown 0 "$DIR/xdg/rustbox"
	rb list
	error_names "$DIR/xdg/rustbox"
	rm -rf "$DIR/xdg/rustbox"
}

@test "without XDG_RUNTIME_DIR: /run/user/ID or the store itself" {
	USER_SESSION=700 rbok run --rm "${RF[@]}" echo there
	lines there
	USER_SESSION=none rbok run --rm "${RF[@]}" echo there
	lines there
	[ ! -e "$USERS_ROOT/run/namespace.sock" ] || until_true test ! -e "$USERS_ROOT/run/namespace.sock"
	rm -rf "$USERS_ROOT/run"
}

# bats test_tags=vm
@test "nothing is gained: no set-user-ID programs, no file of root's, files are the user's alone" {
	local program
	for program in rustbox rustboxd rustbox-runtime; do
		[ ! -u "${OURS%/*}/$program" ] && [ ! -g "${OURS%/*}/$program" ] || fail "$program"
	done
	echo secret >"$DIR/secret"
	chmod 600 "$DIR/secret"
	rb run --rm --privileged -v "$DIR/secret:/secret" "${RF[@]}" cat /secret
	fails
	says_not secret
	rb cp "$DIR/secret" "$NAME:/x"
	fails
	start_box "${RF[@]}"
	same "$(find "$DIR/home" "$DIR/xdg" ! -user $USER_ID ! -uid +$((SUB_IDS - 1)))" ""
	same "$(stat -c %a "$USERS_ROOT"/{containers,names,logs,bundles,images,volumes,networks} "$DIR/xdg/rustbox" | uniq)" 700
	same "$(stat -c %a "$USERS_ROOT/containers/$ID.json" "$USERS_ROOT/bundles/$ID/config.json" | uniq)" 600
	rbok remove --force "$NAME"
}

@test "a machine without user namespaces: the error names the settings" {
	# In a chroot the kernel refuses them, whoever asks.
	mkdir "$DIR/root"
	status=0
	unshare --mount --propagation private sh -c 'mount --rbind / "$1/root" && exec chroot "$1/root" "$1/as-user" "$2" list' sh \
		"$DIR" "$OURS" >"$DIR/out" 2>"$DIR/err" </dev/null 3>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	error_names "user namespace" max_user_namespaces
}
