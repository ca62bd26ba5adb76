#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Debian, not only busybox, in the containers of podman with our runtime and of
# containerd with our shim: its package manager, its shell with job control on a
# terminal, a thousand processes under limits.
#
# Each test is one function for both clients. The names of its calls: box_run in
# the foreground, box_start detached, box_exec, and so on.
# vm: yes

load container
load clients
. "$HERE/containerd.bash"
load images
load debian

DEBIAN_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export F=$BATS_FILE_TMPDIR

setup_file()
{
	if command -v containerd >/dev/null && command -v ctr >/dev/null; then
		[ -x "$TOP/build/release/containerd-shim-rustbox-v1" ] || {
			echo "there is no shim (make)" >&2
			return 1
		}
		containerd_setup_file
	else
		make_rootfs "$F/rootfs"
	fi
	mkdir -p "$F/bin" "$F/tmp"
	podman_setup_file
}

# It runs containers from a folder: no image.
podman_setup_file()
{
	local podman
	: >"$F/mounts"
	podman=$(client_path podman) || return 0
	cat >"$F/containers.conf" <<-CONF
	[containers]
	default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
	netns = "none"
	log_driver = "k8s-file"
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	lock_type = "file"
	CONF
	cat >"$F/storage.conf" <<-CONF
	[storage]
	driver = "vfs"
	graphroot = "$F/graph"
	runroot = "$F/run"
	CONF
	client_program podman <<-SCRIPT
	#!/bin/sh
	export CONTAINERS_CONF=$F/containers.conf CONTAINERS_STORAGE_CONF=$F/storage.conf
	exec $podman --tmpdir $F/libpod --runtime $RUNTIME "\$@"
	SCRIPT
	"$F/bin/podman" ps >/dev/null
	client_mounts >"$F/mounts"
}

teardown_file()
{
	containerd_teardown_file
	client_mounts | tac | while read -r path; do
		umount -l "$path"
	done
}

setup()
{
	find_debian
	case $BATS_TEST_DESCRIPTION in
	podman:*)
		client_setup podman
		NEW+=(--rootfs)
		BOX=("$B/rootfs")
		;;
	ctr:*)
		[ -e "$CD/pid" ] || skip "containerd or ctr is not installed"
		CLIENT=ctr
		containerd_setup
		NEW+=(--rootfs)
		BOX=("$B/rootfs" "$ID")
		;;
	esac
	# ctr sets no PATH where there is no image.
	NEW=(--env "PATH=$DEBIAN_PATH" --env TERM=dumb --env 'PS1=$ ' "${NEW[@]}")
	debian_mount
}

teardown()
{
	local failed=0
	[ -n "$CLIENT" ] || return 0
	[ "$CLIENT" = ctr ] || client_remove_all || failed=1
	debian_unmount || failed=1
	if [ "$CLIENT" = ctr ]; then
		containerd_teardown || failed=1
	else
		client_teardown || failed=1
	fi
	return $failed
}

client_leftovers_of_podman()
{
	:
}

# ---- both clients' calls --------------------------------------------------------

# The client, with status, output and error.
call()
{
	if [ "$CLIENT" = ctr ]; then
		ctl "$@"
	else
		client "$@"
	fi
}

box_run()
{
	call run --rm "${NEW[@]}" "${BOX[@]}" "$@"
}

box_start()
{
	call run --detach "${NEW[@]}" "${BOX[@]}" "$@"
	ok
}

# The options of an exec of its own, as EXEC.
new_exec()
{
	EXEC=(exec) COUNT=$((COUNT + 1))
	[ "$CLIENT" != ctr ] || EXEC=(task exec --exec-id "$ID-exec$COUNT")
}

box_exec()
{
	new_exec
	call "${EXEC[@]}" "$ID" "$@"
}

# on_terminal STEP... -- ARGUMENTS...
on_terminal()
{
	if [ "$CLIENT" = ctr ]; then
		ctr_on_pty "$@"
		return
	fi
	local steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	on_pty "${steps[@]}" -- podman "$@"
}

# The option for standard input: ctr always gives it.
interactive()
{
	[ "$CLIENT" = ctr ] || echo --interactive
}

# A detached container that waits, and ends when it is asked to.
box_wait()
{
	box_start perl -e '$SIG{TERM} = sub { exit 0 }; open(F, q(>), q(/waits)); close F; sleep 1000'
	until_true box_waits
}

box_waits()
{
	box_exec test -e /waits && [ "$status" -eq 0 ]
}

# Asks the container to end, removes it, and tells its exit code as status.
box_stop()
{
	if [ "$CLIENT" = podman ]; then
		client stop --time 30 "$ID"
		ok
		local code
		code=$(inspect_box '{{.State.ExitCode}}')
		client rm "$ID"
		status=$code
		return
	fi
	ctl task kill -s TERM "$ID"
	ok
	until_true task_status_is STOPPED
	ctl task rm "$ID"
	ok
	# It is silent about 0.
	[ -z "$error" ] || status=${error##*exit code }
	status=${status%%[^0-9]*}
	ctr container rm "$ID"
}

# box_run_limited PIDS MEMORY COMMAND...: with both limits, the payload at
# /payload and the container's cgroup at /sys/fs/cgroup.
box_run_limited()
{
	local pids=$1 memory=$2
	shift 2
	need_controller pids
	need_controller memory
	if [ "$CLIENT" = podman ]; then
		client run --rm --pids-limit "$pids" --memory "$memory" --memory-swap "$memory" --cgroupns private \
			--volume "$PAYLOAD:/payload:ro" "${NEW[@]}" "${BOX[@]}" "$@"
		return
	fi
	# ctr has no option for pids: it takes a whole configuration.
	base_config >"$B/config.json"
	command_is "$@"
	config '.root.path = $root | .linux.namespaces += [{type: "cgroup"}]
		| .linux.resources += {pids: {limit: $pids}, memory: {limit: $memory, swap: $memory}}
		| .mounts += [{destination: "/payload", type: "bind", source: $payload, options: ["bind", "ro"]},
			{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]}]' \
		--arg root "$B/rootfs" --arg payload "$PAYLOAD" --argjson pids "$pids" --argjson memory "$memory"
	ctl run --rm --runtime "$SHIM_RUNTIME" --config "$B/config.json" "$ID"
}

# ---- the tests ------------------------------------------------------------------

test_programs()
{
	box_run apt-get --version
	ok
	matches '^apt [0-9]+\.[0-9]+'
	same "$error" ""
	box_run bash -ec 'dpkg -l | grep -c ^ii; dpkg-query -W -f "\${Package}\n" | sort | grep -x bash
		perl -e "print 6*7, qq(\n)"; ls -l /proc/self/fd | wc -l; id -un; . /etc/os-release; echo $ID
		seq 1 100000 | perl -ne "print scalar reverse" | tr -d "\n" | md5sum | cut -c 1-32 | tee /dev/stderr'
	ok
	lines bash 42 root debian
	same "$(tail -n 1 <<<"$output")" "$error"
	same "$error" "$(seq 1 100000 | rev | tr -d '\n' | md5sum | cut -c 1-32)"
	[ "$(head -n 1 <<<"$output")" -gt 50 ] || fail "too few packages"
}

test_exit_codes()
{
	local code
	for code in 1 42 255; do
		box_run bash -c "exit $code"
		exits "$code"
	done
	box_run /no/such/program
	fails
	[[ $error == *"/no/such/program"* ]] || fail "not named"
	box_wait
	box_exec bash -c 'kill -KILL $$'
	exits 137
	box_exec perl -e 'exit 9'
	exits 9
	box_exec bash -c 'kill -TERM $$'
	exits 143
	box_stop
	exits 0
}

test_stop()
{
	box_start bash -c 'trap "exit 17" TERM; echo up >/up; while :; do sleep 0.1; done'
	until_true test -s "$B/rootfs/up"
	box_stop
	exits 17
	# What is asked for by default ends perl, which as PID 1 has to listen.
	box_start perl -e '$SIG{TERM} = sub { exit 3 }; open(F, q(>), q(/up2)); close F; sleep 1 while 1'
	until_true test -e "$B/rootfs/up2"
	box_stop
	exits 3
}

# A package of the test's own, built in the container: its maintainer scripts
# make a user, whom a file belongs to.
write_package()
{
	local package=$B/rootfs/root/package
	mkdir -p "$package/DEBIAN" "$package/usr/bin" "$package/etc"
	# Or half of the time goes to waiting for the disk.
	echo force-unsafe-io >"$B/rootfs/etc/dpkg/dpkg.cfg.d/fast"
	chmod -R 755 "$package"
	cat >"$package/DEBIAN/control" <<-CONTROL
	Package: rustbox-sample
	Version: 1.0-1
	Architecture: all
	Maintainer: Nobody <nobody@example.invalid>
	Depends: perl-base, adduser
	Description: a package for a test
	CONTROL
	echo /etc/sample.conf >"$package/DEBIAN/conffiles"
	echo first >"$package/etc/sample.conf"
	cat >"$package/DEBIAN/postinst" <<-'SCRIPT'
	#!/bin/sh
	set -e
	adduser --system --group --no-create-home --quiet sample
	install -o sample -g sample -m 640 /etc/sample.conf /var/lib/sample
	SCRIPT
	cat >"$package/DEBIAN/postrm" <<-'SCRIPT'
	#!/bin/sh
	set -e
	[ "$1" != purge ] || rm -f /var/lib/sample
	SCRIPT
	printf '#!/usr/bin/perl\nprint "sample of $> with @ARGV\\n";\n' >"$package/usr/bin/sample"
	chmod 755 "$package"/DEBIAN/post* "$package/usr/bin/sample"
}

test_package()
{
	write_package
	box_wait
	box_exec bash -ec 'cd /root; dpkg-deb --root-owner-group -b package sample.deb
		apt-get -qq -y --no-install-recommends install ./sample.deb </dev/null
		dpkg -s rustbox-sample | grep ^Status; sample one two; stat -c "%U %G %a" /var/lib/sample
		su -s /bin/sh -c "sample as user" sample; dpkg -V rustbox-sample; apt-get check -qq'
	ok
	lines "Status: install ok installed" "sample of 0 with one two" "sample sample 640"
	matches '^sample of [1-9][0-9]* with as user$'
	# Another version, by dpkg itself.
	box_exec bash -ec 'cd /root; sed -i s/1.0-1/2.0-1/ package/DEBIAN/control; echo changed >/etc/sample.conf
		dpkg-deb --root-owner-group -b package sample2.deb; dpkg -i sample2.deb
		dpkg-query -W -f "\${Version}\n" rustbox-sample; cat /etc/sample.conf
		apt-get -qq -y purge rustbox-sample; ls /usr/bin/sample /etc/sample.conf /var/lib/sample 2>&1 | grep -c "No such"'
	ok
	lines 2.0-1 changed 3
	box_stop
	exits 0
}

test_terminal()
{
	# shellcheck disable=SC2046 # an option, or none
	on_terminal --size 30x100 "${SIZE_STEPS[@]}" "${STOP_STEPS[@]}" "${READ_STEPS[@]}" "${RESIZE_STEPS[@]}" \
		"${WAIT_STEPS[@]}" 'send:exit 5\r' end -- \
		run --rm --tty $(interactive) "${NEW[@]}" "${BOX[@]}" bash --norc --noediting -i
	lines "exit 5"
	# bash says so when it has no job control.
	says_not "no job control" "cannot set terminal process group"
}

test_exec_terminal()
{
	box_wait
	new_exec
	# shellcheck disable=SC2046 # an option, or none
	on_terminal --size 30x100 "${SIZE_STEPS[@]}" "${READ_STEPS[@]}" "${RESIZE_STEPS[@]}" 'send:exit 6\r' end -- \
		"${EXEC[@]}" --tty $(interactive) "$ID" bash --norc --noediting -i
	lines "exit 6"
	says_not "no job control" "cannot set terminal process group"
	box_stop
	exits 0
}

test_thousand()
{
	TRY_SECONDS=200 box_run_limited 1100 1073741824 bash -ec "$THOUSAND"
	ok
	lines "all there" "all gone"
	[ "$(head -n 1 <<<"$output")" -gt 1000 ] || fail "fewer than a thousand"
	same "$error" ""
}

test_limits()
{
	TRY_SECONDS=200 box_run_limited 300 67108864 bash -c '
		cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null
		cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; exec /payload forkbomb 1000'
	ok
	lines 300 67108864 "forked 299 EAGAIN" "reaped 299"
	box_run_limited 300 67108864 perl -e '$x = "x" x 200_000_000; print "all there\n"'
	exits 137
	no_lines "all there"
}

@test "podman: Debian's programs, a pipeline" { test_programs; }
@test "podman: exit codes in Debian" { test_exit_codes; }
@test "podman: Debian's shell and perl are asked to stop" { test_stop; }
@test "podman: a package is built, installed by apt and dpkg, and purged" { test_package; }
@test "podman: an interactive bash with job control on a terminal" { test_terminal; }
@test "podman: bash on a terminal by exec" { test_exec_terminal; }
@test "podman: a thousand processes at once under limits" { test_thousand; }
# bats test_tags=vm
@test "podman: no more than three hundred processes and 64 MiB" { test_limits; }

@test "ctr: Debian's programs, a pipeline" { test_programs; }
@test "ctr: exit codes in Debian" { test_exit_codes; }
@test "ctr: Debian's shell and perl are asked to stop" { test_stop; }
@test "ctr: a package is built, installed by apt and dpkg, and purged" { test_package; }
@test "ctr: an interactive bash with job control on a terminal" { test_terminal; }
@test "ctr: bash on a terminal by exec" { test_exec_terminal; }
@test "ctr: a thousand processes at once under limits" { test_thousand; }
# bats test_tags=vm
@test "ctr: no more than three hundred processes and 64 MiB" { test_limits; }

@test "ctr: Debian as an image: the shim mounts its overlay" {
	not_in_vm
	image_load "$CONTAINERD_NAMESPACE" "$LOWER" test.invalid/debian:1 "{\"Env\": [\"PATH=$DEBIAN_PATH\"]}"
	NEW=(--env TERM=dumb --runtime "$SHIM_RUNTIME" --env "RUSTBOX_TEST_TAG=$TAG" --cgroup "$CG")
	BOX=(test.invalid/debian:1 "$ID")
	box_run bash -ec 'dpkg -l | grep -c ^ii; dpkg -V base-files; echo new >/etc/new; ls /etc | grep -c passwd'
	ok
	box_start bash -c 'echo first >/first; trap "exit 4" TERM; touch /up; sleep 1000 & wait'
	until_true test -e "$(bundle_of)/rootfs/up"
	box_exec bash -ec 'cat /first; ls /etc/new; stat -f -c %T /'
	fails
	same "$output" first
	grep -q " $(bundle_of)/rootfs .*- overlay " /proc/self/mountinfo || fail "the root is no overlay"
	box_stop
	exits 4
	! grep -q " $(bundle_of)/rootfs " /proc/self/mountinfo || fail "the overlay is still mounted"
	ctr image rm --sync test.invalid/debian:1
}
