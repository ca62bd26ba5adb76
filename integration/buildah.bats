#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# buildah with our runtime (--isolation oci --runtime): `run` in a working
# container, and builds from a Containerfile.
# vm: long

load container
load clients

setup_file()
{
	local buildah
	client_setup_file
	: >"$F/mounts"
	buildah=$(client_path buildah) || return 0
	# Limits that an engine without CAP_SYS_RESOURCE can set.
	cat >"$F/containers.conf" <<-CONF
	[containers]
	default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
	CONF
	cat >"$F/storage.conf" <<-CONF
	[storage]
	driver = "vfs"
	graphroot = "$F/graph"
	runroot = "$F/run"
	CONF
	client_program buildah <<-SCRIPT
	#!/bin/sh
	export CONTAINERS_CONF=$F/containers.conf CONTAINERS_STORAGE_CONF=$F/storage.conf
	exec $buildah "\$@"
	SCRIPT
	export TMPDIR=$F/tmp
	"$F/bin/buildah" from --quiet --name base scratch
	"$F/bin/buildah" add --quiet base "$F/image.tar" /
	"$F/bin/buildah" commit --quiet --rm base box
	client_mounts >"$F/mounts"
}

setup()
{
	client_setup buildah
	OCI=(--isolation oci --runtime "$RUNTIME")
}

client_list()
{
	buildah containers --format '{{.ContainerName}}' 3>&- 4>&- | grep -F "$TAG"
}

client_remove_all()
{
	local list
	list=$(client_list)
	[ -n "$list" ] || return 0
	# shellcheck disable=SC2086 # a list of names
	client rm $list
	ok
}

client_leftovers_of_buildah()
{
	:
}

teardown()
{
	client_teardown
}

# A working container: from [OPTION...]
from_box()
{
	client from --quiet --pull-never --name "$TAG" --cgroup-parent "/$TAG" "$@" box
	ok
}

# A command in it: its options, --, the command.
in_box()
{
	client run "${OCI[@]}" --network none --env "RUSTBOX_TEST_TAG=$TAG" "$@"
}

@test "buildah run: output, error output, exit code, nothing else" {
	from_box
	in_box "$TAG" -- sh -c 'echo out; echo err >&2'
	ok
	same "$output" out
	same "$error" err
	in_box "$TAG" -- sh -c 'exit 7'
	exits 7
	in_box "$TAG" -- sh -c 'payload kill-self 9; exit $?'
	exits 137
	in_box "$TAG" -- no-such-program
	fails
	in_box "$TAG" -- /etc/passwd
	fails
	# What one run makes the next one has.
	in_box "$TAG" -- payload create /made kept
	in_box "$TAG" -- cat /made
	same "$output" kept
}

@test "buildah run: standard input" {
	from_box
	head -c 1000000 /dev/urandom >"$DIR/in"
	INPUT=$DIR/in in_box "$TAG" -- md5sum
	ok
	same "$output" "$(md5sum <"$DIR/in")"
}

@test "buildah run --terminal" {
	from_box
	on_pty expect:ready 'send:x\n' expect:got end -- buildah run "${OCI[@]}" --network none \
		--env "RUSTBOX_TEST_TAG=$TAG" --terminal "$TAG" -- \
		sh -c 'test -t 0 && test -t 1 && echo ready; read -r x; echo "got $x"; exit 6'
	lines "got x" "exit 6" "terminal restored"
}

@test "buildah run: environment, folder, user, host name" {
	from_box
	client config --env A=1 --workingdir /home/user --user user "$TAG"
	ok
	in_box --hostname some-name "$TAG" -- sh -c 'echo $A; pwd; id -u; id -G; cat /proc/sys/kernel/hostname'
	ok
	lines 1 /home/user 1000 some-name
	matches ' 2000 2001$'
	in_box --user 1234:55 --workingdir /tmp --env B=2 "$TAG" -- sh -c 'echo $B; pwd; id -u; id -g'
	ok
	same "$output" $'2\n/tmp\n1234\n55'
}

@test "buildah run: capabilities" {
	from_box --cap-drop ALL --cap-add CAP_CHOWN
	in_box --cap-add CAP_NET_RAW "$TAG" -- payload status CapEff CapBnd
	ok
	same "$output" $'CapEff: 0000000000002001\nCapBnd: 0000000000002001'
	same "$error" ""
	in_box --cap-drop CAP_CHOWN "$TAG" -- payload status CapEff
	same "$output" "CapEff: 0000000000000000"
}

@test "buildah run: seccomp profiles" {
	from_box
	in_box "$TAG" -- payload status Seccomp + syscall 323 1
	ok
	lines "Seccomp: 2" EPERM
	client rm "$TAG"
	from_box --security-opt seccomp=unconfined
	in_box "$TAG" -- payload status Seccomp
	ok
	lines "Seccomp: 0"
}

@test "buildah run: volumes and tmpfs" {
	mkdir "$DIR/there" "$DIR/read"
	echo from-host >"$DIR/there/file"
	from_box --volume "$DIR/read:/ro:ro"
	in_box --volume "$DIR/there:/mnt:rw" --mount type=tmpfs,target=/new,tmpfs-size=1m "$TAG" -- \
		sh -c 'cat /mnt/file; echo back >/mnt/back; stat -f -c %T /new; payload create /ro/x + create /new/x'
	ok
	same "$output" $'from-host\ntmpfs\nEROFS\nok'
	same "$(cat "$DIR/there/back")" back
}

@test "buildah run: devices" {
	from_box --device /dev/kmsg:/dev/kmsg:w
	in_box "$TAG" -- payload open w /dev/kmsg + open r /dev/kmsg + mknod /memory c 1 1 + open r /memory
	ok
	matches '^ok$' '^EPERM$'
	same "$(tail -n 1 <<<"$output")" EPERM
}

# bats test_tags=vm
@test "buildah run: limits" {
	need_controller memory
	from_box --memory 64m --cpu-shares 512 --ulimit nofile=100:200
	in_box "$TAG" -- sh -c 'ulimit -n; ulimit -Hn; cat /proc/self/cgroup
		cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null'
	says $'100\n200\n'
	# On cgroup v2 buildah makes a cgroup namespace, whose root is the container's.
	[ "$(cgroup_mode)" = v2 ] || says "/$TAG"
	lines 67108864
	in_box "$TAG" -- sh -c 'payload oom 300 + print survived'
	fails
	no_lines survived
}

@test "buildah run: namespaces of the host" {
	from_box
	in_box --pid host --ipc host --uts host --network host "$TAG" -- payload ns
	ok
	local name
	for name in pid ipc uts net; do
		lines "$name $(readlink /proc/self/ns/$name)"
	done
	in_box "$TAG" -- payload ns
	for name in pid ipc uts net mnt; do
		no_lines "$name $(readlink /proc/self/ns/$name)"
	done
}

@test "buildah run: a user namespace" {
	reachable
	from_box --userns-uid-map 0:100000:5000 --userns-gid-map 0:200000:5000
	in_box "$TAG" -- sh -c 'tr -s " " </proc/self/uid_map; tr -s " " </proc/self/gid_map; id -u; stat -c %u /home/user'
	ok
	same "$output" $' 0 100000 5000\n 0 200000 5000\n0\n1000'
}

@test "buildah build runs its steps" {
	mkdir "$DIR/context"
	echo copied >"$DIR/context/file"
	cat >"$DIR/context/Containerfile" <<-CONTAINERFILE
	FROM box AS first
	RUN echo of-first >/from-first
	FROM box
	ENV A=1
	COPY file /opt/file
	COPY --from=first /from-first /opt/
	WORKDIR /home/user
	RUN --mount=type=bind,source=file,target=/mnt/file echo "\$A \$PWD \$(cat /mnt/file /opt/from-first | tr '\n' ' ')" >/made
	USER user
	RUN ["payload", "create", "/tmp/of-user"]
	CONTAINERFILE
	client build "${OCI[@]}" --network none --layers=false --cgroup-parent "/$TAG" --tag "$TAG" "$DIR/context"
	ok
	client from --quiet --pull-never --name "$TAG" --cgroup-parent "/$TAG" "$TAG"
	ok
	in_box "$TAG" -- sh -c 'cat /made; stat -c %u /tmp/of-user; id -u'
	ok
	same "$output" $'1 /home/user copied of-first \n1000\n1000'
	client rm "$TAG"
	ok
	echo 'RUN exit 5' >>"$DIR/context/Containerfile"
	client build "${OCI[@]}" --network none --layers=false --cgroup-parent "/$TAG" "$DIR/context"
	fails
	[[ $error == *"exit status 5"* ]] || fail "no status 5"
	client rmi "$TAG"
	ok
	client rmi --prune
}
