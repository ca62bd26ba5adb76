#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Options of `checkpoint` and `restore`, and what of a container differs by them.
# Left out where `criu check` fails; newer_criu.bats runs it with a newer one.
# vm: long
# bats file_tags=vm

load checkpoint

# ---- cgroups ----------------------------------------------------------------------

# A container whose process lies in a cgroup of its own making, below the container's.
# Both have a value that nobody else sets, and the container's a limit of `update`.
in_its_own_cgroup()
{
	OWN=$(cgroup_dir "")
	config '.linux.resources.pids = {limit: 100}'
	waiting
	mkdir "$OWN/below"
	init_pid >"$OWN/below/cgroup.procs"
	echo 5 >"$OWN/below/cgroup.max.depth"
	echo 7 >"$OWN/cgroup.max.depth"
	rt update --pids-limit 50 "$ID"
}

# What there is of it after a restore with options: the process's cgroup, both values.
cgroups_after()
{
	bring_back "$@"
	output=$(sed -n "s/^0::.*$TAG//p" "/proc/$(init_pid)/cgroup"
		grep -r --include=cgroup.max.depth . "$OWN" | sed "s|$OWN/||" | sort
		cgroup_value pids pids.max pids.max)
	rt delete --force "$ID"
}

@test "--manage-cgroups-mode: which cgroups and values come back; limits are those of config.json" {
	local below=5 own=7
	need_controller pids
	[ "$(cgroup_mode)" != v1 ] || skip "this machine has no cgroup2"
	in_its_own_cgroup
	save
	# CRIU before 3.18 knows of no values there.
	grep -qsa cgroup.max.depth "$IMAGES/cgroup.img" || below=max own=max
	cgroups_after
	same "$output" $'/below\nbelow/cgroup.max.depth:'$below$'\ncgroup.max.depth:max\n100'
	cgroups_after --manage-cgroups-mode full
	same "$output" $'/below\nbelow/cgroup.max.depth:'$below$'\ncgroup.max.depth:'$own$'\n100'
	cgroups_after --manage-cgroups-mode ignore
	same "$output" $'\ncgroup.max.depth:max\n100'
	# Soft and full make do with one that is there.
	mkdir "$OWN"
	try restore --detach --manage-cgroups-mode strict --image-path "$IMAGES" --bundle "$B" "$ID"
	error_names restore "$OWN" "exists"
	[ -d "$OWN" ]
	cgroups_after --manage-cgroups-mode full
	cgroups_after --manage-cgroups-mode strict
	same "$output" $'/below\nbelow/cgroup.max.depth:'$below$'\ncgroup.max.depth:'$own$'\n100'
}

@test "--manage-cgroups-mode ignore of a checkpoint: a restore can make none again" {
	in_its_own_cgroup
	save --manage-cgroups-mode ignore
	cgroups_after --manage-cgroups-mode full
	same "$output" $'\ncgroup.max.depth:max\n100'
}

# ---- the network ------------------------------------------------------------------

in_network()
{
	nsenter --net="/proc/$(init_pid)/ns/net" busybox "$@"
}

# A container with an address that is to be seen again, or not.
with_address()
{
	waiting
	in_network ip address add 192.0.2.7/32 dev lo
	in_network ip link set lo up
}

network_after()
{
	bring_back "$@"
	output=$(in_network ip address show)
	rt delete --force "$ID"
}

@test "--empty-ns network: nothing is in it after the restore, otherwise what was" {
	with_address
	save
	network_after
	matches "lo: .*[<,]UP[,>]" 192.0.2.7/32
	network_after --empty-ns network
	says lo:
	says_not UP 192.0.2.7
	rm -r "$IMAGES"
	with_address
	save --empty-ns network
	! compgen -G "$IMAGES/ifaddr-*.img" || fail "addresses are saved"
	network_after
	says lo:
	says_not UP 192.0.2.7
}

# ---- terminals --------------------------------------------------------------------

# A shell SCRIPT on a terminal, and what is sent and expected there.
in_session()
{
	echo "$1" >"$DIR/session"
	shift
	export RUNTIME ROOT IMAGES B ID DIR
	on_pty "$@" end -- sh "$DIR/session"
}

# By --preserve-fds the container gets it, but has it where nobody looks for what came from
# outside: behind a gap.
@test "a terminal from outside needs --shell-job, and is the caller's at the restore" {
	command_is sh -c 'exec 9<&3 3<&-; : >/tmp/ready; while read -u 9 line; do
		echo "got $line" >&9; [ "$line" != bye ] || exit 5; done'
	# shellcheck disable=SC2016 # for the inner shell to expand
	in_session 'R="$RUNTIME --root $ROOT"
		$R run --detach --preserve-fds 1 --bundle "$B" "$ID" 3<&0 </dev/null >/dev/null 2>&1
		until [ -e "$B/rootfs/tmp/ready" ]; do sleep 0.01; done
		$R checkpoint --image-path "$IMAGES" "$ID" 2>"$DIR/refused" && exit 8
		$R checkpoint --shell-job --image-path "$IMAGES" "$ID" || exit 9
		$R restore --image-path "$IMAGES" --bundle "$B" "$ID" </dev/null 2>"$DIR/none" && exit 10
		echo saved
		exec $R restore --image-path "$IMAGES" --bundle "$B" "$ID"' \
		expect:saved 'send:two\n' 'expect:got two' 'send:bye\n'
	lines "got two" "got bye" "exit 5"
	grep -q /dev/pts/ "$DIR/refused" || fail "$(<"$DIR/refused")"
	grep -q tty "$DIR/none" || fail "$(<"$DIR/none")"
}

# Its end comes while the runtime still has something to do after CRIU's.
@test "the exit code of a restored container that ends at once, in the foreground" {
	command_is sh -c 'echo ready; until [ -e /tmp/go ]; do sleep 0.01; done; exit 7'
	start
	wait_output ready
	save
	touch "$B/rootfs/tmp/go"
	try restore --image-path "$IMAGES" --bundle "$B" "$ID"
	exits 7
}
