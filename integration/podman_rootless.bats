#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman and buildah of an ordinary user with our runtime (--runtime).
# vm: long

load container
load ordinary_user
load clients

setup_file()
{
	client_setup_file
}

setup()
{
	container_setup
	[ -x /usr/bin/podman ] || skip "podman is not installed"
	[ -x /usr/bin/conmon ] || skip "conmon is not installed"
	unset USER_GROUPS USER_CGROUP USER_HIDES USER_SESSION
	make_user
	need_helpers
	chmod a+x "$BATS_FILE_TMPDIR"
	cd "$DIR/home" || return 1
	cat >"$DIR/containers.conf" <<-CONF
	[containers]
	default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
	netns = "none"
	log_driver = "k8s-file"
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	lock_type = "file"
	runtime_supports_json = ["${RUNTIME##*/}"]
	runtime_supports_nocgroup = ["${RUNTIME##*/}"]
	CONF
	cat >"$DIR/storage.conf" <<-CONF
	[storage]
	driver = "vfs"
	graphroot = "$DIR/home/graph"
	runroot = "$DIR/xdg/run"
	CONF
	cat >"$DIR/podman" <<-SCRIPT
	#!/bin/sh
	export CONTAINERS_CONF=$DIR/containers.conf CONTAINERS_STORAGE_CONF=$DIR/storage.conf
	exec "$DIR/as-user" /usr/bin/podman --runtime "$RUNTIME" "\$@"
	SCRIPT
	chmod +x "$DIR/podman"
	INPUT=/dev/null
	podman_ok import "$F/image.tar" box
}

teardown()
{
	local file=$DIR/xdg/libpod/tmp/pause.pid
	[ ! -x "$DIR/podman" ] || "$DIR/podman" rm --all --force >/dev/null 2>&1 3>&- 4>&-
	# podman's own holder of its namespaces
	[ ! -f "$file" ] || kill "$(<"$file")"
	container_teardown
}

podman_try()
{
	attempt "$DIR/podman" "$@"
}

podman_ok()
{
	podman_try "$@"
	ok
}

@test "podman run: root of the user's namespace, users of the range, exit codes" {
	podman_ok run --rm box payload ids
	lines "uid 0 0 0"
	podman_ok run --rm --user 33:44 box payload ids
	lines "uid 33 33 33" "gid 44 44 44"
	podman_try run --rm box sh -c 'exit 7'
	exits 7
	podman_try run --rm box /no/such/program
	exits 127
}

@test "podman run --userns keep-id, --network host, --group-add keep-groups, --tty" {
	podman_ok run --rm --userns keep-id box payload ids
	lines "uid $USER_ID $USER_ID $USER_ID"
	podman_ok run --rm --network host box ls /sys/class/net
	lines lo
	export USER_GROUPS=2345
	podman_ok run --rm --group-add keep-groups box payload ids
	matches '^groups .*65534'
	unset USER_GROUPS
	podman_ok run --rm --tty box echo on-a-terminal
	says on-a-terminal
}

# bats test_tags=vm
@test "podman run --detach, exec, top, logs, stop, rm" {
	podman_ok run --detach --name "$TAG" box sh -c 'echo up; exec payload wait'
	until_true eval '"$DIR/podman" logs "$TAG" 2>&1 3>&- | grep -qx up'
	same "$(awk '/^Uid:/ { print $2 }' "/proc/$("$DIR/podman" inspect --format '{{.State.Pid}}' "$TAG" 3>&-)/status")" "$USER_ID"
	podman_ok exec "$TAG" payload ids
	lines "uid 0 0 0"
	podman_ok exec --user 33 "$TAG" payload ids
	lines "uid 33 33 33"
	podman_ok top "$TAG" args
	says "payload wait"
	podman_ok stop --time 0 "$TAG"
	podman_ok rm "$TAG"
}

@test "podman run: volumes, tmpfs, read-only, capabilities, seccomp" {
	mkdir "$DIR/home/volume"
	chown $USER_ID "$DIR/home/volume"
	podman_ok run --rm --volume "$DIR/home/volume:/data" --tmpfs /scratch --read-only box \
		sh -c 'echo x >/data/file && touch /scratch/x && ! touch /x 2>/dev/null'
	same "$(stat -c %u "$DIR/home/volume/file")" "$USER_ID"
	podman_ok run --rm --cap-drop ALL box payload status CapEff Seccomp
	lines "CapEff: 0000000000000000"
	matches '^Seccomp: 2'
	podman_ok run --rm --privileged box payload print privileged
	lines privileged
}

@test "buildah from, run, commit" {
	[ -x /usr/bin/buildah ] || skip "buildah is not installed"
	sed "s|/usr/bin/podman --runtime \"$RUNTIME\"|/usr/bin/buildah|" "$DIR/podman" >"$DIR/buildah"
	chmod +x "$DIR/buildah"
	attempt "$DIR/buildah" from --pull-never --name "$TAG" box
	ok
	attempt "$DIR/buildah" run --isolation oci --network host --runtime "$RUNTIME" "$TAG" payload ids + create /made
	ok
	lines "uid 0 0 0"
	attempt "$DIR/buildah" commit "$TAG" built
	ok
	attempt "$DIR/buildah" rm "$TAG"
	ok
	podman_ok run --rm built ls /made
	lines /made
}
