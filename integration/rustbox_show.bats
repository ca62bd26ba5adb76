#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is shown of containers, images and the machine: stats, top, port, info,
# doctor, history; and update, whose effects are looked for where they count.

load rustbox

# A member of the first JSON line of the output.
member()
{
	head -n 1 <<<"$output" | jq -r "$1"
}

box_cgroup_value()
{
	CG=/rustbox/$ID cgroup_value "$@"
}

# ---- stats ----------------------------------------------------------------------

@test "stats: who works and who sleeps, memory and its limit, processes" {
	need_controller memory
	rbok run -d --name "$NAME-busy" --memory 64M sh -c 'while :; do :; done'
	rbok run -d --name "$NAME-idle" sh -c 'sleep 1000 & sleep 1000 & wait'
	rbok create --name "$NAME-none" true
	rbok stats --no-stream
	matches '^CONTAINER ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET I/O +BLOCK I/O +PIDS$'
	says "$NAME-busy" "$NAME-idle" "/ 64MiB"
	says_not "$NAME-none"
	rbok stats --no-stream --format json "$NAME-busy"
	[ "$(member '.CPUPerc | rtrimstr("%") | tonumber > 2')" = true ] || fail "it should be busy"
	same "$(member .Name)" "$NAME-busy"
	same "$(member .NetIO)" "0B / 0B"
	rbok stats --no-stream --format '{{.PIDs}} {{.CPUPerc}}' "$NAME-idle"
	[[ $output == "3 "[01].* ]] || fail "it should sleep"
	rbok stats --no-stream -a --format 'Name,PIDs' --no-trunc
	matches "^$NAME-none +0$"
	rb stats --no-stream no-such-container
	error_names no-such-container
}

@test "stats counts what a container sends in a network of its own" {
	rbok run -d --name "$NAME" --network none sh -c 'while :; do sleep 1000; done'
	rbok stats --no-stream --format '{{.NetIO}}' "$NAME"
	# The loopback does not count.
	same "$output" "0B / 0B"
	# The machine's own numbers are not the container's.
	rbok run -d --name "$NAME-host" sleep 1000
	rbok stats --no-stream --format '{{.NetIO}}' "$NAME-host"
	same "$output" "0B / 0B"
}

@test "stats goes on until its containers are removed, or its reader is" {
	start_box
	"$RUSTBOX" stats --format '{{.Name}}' "$NAME" >"$DIR/stats" 2>"$DIR/stats.err" </dev/null 3>&- &
	until_true eval '[ "$(grep -cs "$NAME" "$DIR/stats")" -ge 2 ]'
	rbok rm -f "$NAME"
	wait $!
	same "$(<"$DIR/stats.err")" ""
	start_box
	timeout -k 5 100 "$RUSTBOX" stats 3>&- 4>&- | head -n 3 >"$DIR/three"
	same "$(grep -c CONTAINER "$DIR/three")" 2
}

@test "stats on a terminal draws its table anew, and Ctrl-C ends it" {
	start_box
	on_pty expect:"$NAME" expect:"$NAME" send:'\x03' end -- "$RUSTBOX" stats
	lines "signal SIGINT" "terminal restored"
	says $'\e[2J' $'\e[H' $'\e[J'
}

# ---- top, port ------------------------------------------------------------------

@test "top lists the container's processes, and only these" {
	rbok run -d --name "$NAME" sh -c 'sleep 4321 & sleep 4321 & wait'
	until_true eval '[ "$("$RUSTBOX" top "$NAME" 3>&- | grep -c " sleep 4321$")" = 2 ]'
	rbok top "$NAME"
	same "$(wc -l <<<"$output")" 4
	matches '^UID +PID'
	rbok top "$NAME" -eo pid,comm
	matches '^ *PID COMMAND'
	same "$(grep -c sleep <<<"$output")" 2
	rb top "$NAME" -eo comm
	error_names PID
	rb top "$NAME" --no-such-option
	error_names ps
	rbok pause "$NAME"
	rbok top "$NAME"
	says "sleep 4321"
	rbok kill "$NAME"
	until_true eval '[ "$(box_state .State.Running)" = false ]'
	rb top "$NAME"
	error_names "$NAME" restart
}

@test "port shows where ports are published" {
	[ "$("$RUSTBOX" doctor --format json 3>&- | jq -r 'select(.Name == "networks").Status')" = ok ] ||
		skip "this machine lacks plugins or iptables"
	rbok create --name "$NAME" --network bridge -p 127.0.0.1:18080:80 -p 18053:53/udp true
	rbok port "$NAME"
	lines "80/tcp -> 127.0.0.1:18080" "53/udp -> 0.0.0.0:18053"
	rbok port "$NAME" 80
	same "$output" 127.0.0.1:18080
	rbok port "$NAME" 53/udp
	same "$output" 0.0.0.0:18053
	rb port "$NAME" 53
	error_names 53/tcp
	rb port "$NAME" http
	error_names http
}

@test "port of a container that publishes none" {
	rbok create --name "$NAME" true
	rbok port "$NAME"
	same "$output" ""
	rb port "$NAME" 80
	error_names 80/tcp
}

# ---- info, doctor ---------------------------------------------------------------

@test "info counts containers, and knows the machine" {
	start_box
	rbok create true
	rbok info
	lines "Containers: 2" " Running: 1" " Created: 1" "Root folder: $RUSTBOX_ROOT" "Kernel: $(uname -r)" \
		"CPUs: $(getconf _NPROCESSORS_ONLN)"
	matches '^Cgroup version: (1|2|hybrid)$' '^Runtime: /.*/rustbox-runtime$'
	rbok info -f '{{.ContainersRunning}} {{.ContainersStopped}} {{.CgroupDriver}} {{.States.Created}}'
	same "$output" "1 1 cgroupfs 1"
	rbok info --format json
	same "$(member .NCPU)" "$(getconf _NPROCESSORS_ONLN)"
	same "$(member '.CgroupControllers | type')" array
	rb info --format '{{.Nothing'
	error_names template
}

@test "doctor: all that is needed is here" {
	rbok doctor
	matches '^STATUS +CHECK +FOUND +REMEDY' '^ok +overlay +works in ' '^ok +cgroups +version ' \
		'^ok +runtime +/.*rustbox-runtime'
	! grep -q '^missing' <<<"$output" || fail "nothing should be missing"
	same "$(find "$RUSTBOX_ROOT" -maxdepth 1 -name 'doctor*')" ""
	rbok doctor --format json
	same "$(jq -s 'map(select(.Status == "missing")) | length' <<<"$output")" 0
	same "$(member .Name)" root
}

@test "doctor: a missing runtime makes it fail, a missing program only warns" {
	status=0
	mkdir "$DIR/alone"
	cp "$RUSTBOX" "$DIR/alone/rustbox"
	output=$(PATH=/nowhere "$DIR/alone/rustbox" doctor --format '{{.Status}} {{.Name}}: {{.Remedy}}' 3>&-) || status=$?
	exits 1
	matches '^missing runtime: install rustbox-runtime'
	matches '^(ok|warning) criu:'
}

@test "doctor finds mounts and cgroups that were left, and says how to remove them" {
	local id=0123456789ab dir
	rbok create --name "$NAME" true
	mkdir -p "$RUSTBOX_ROOT/bundles/$id/rootfs"
	mount -t tmpfs left "$RUSTBOX_ROOT/bundles/$id/rootfs"
	id=ba9876543210
	if [ "$(cgroup_mode)" = v2 ]; then
		dir=/sys/fs/cgroup/rustbox/$id
	else
		dir=/sys/fs/cgroup/pids/rustbox/$id
	fi
	mkdir -p "$dir"
	# A new one may be a container's of somebody else, that has no process yet.
	touch -d '5 minutes ago' "$dir"
	rbok doctor --format '{{.Name}}: {{.Status}}: {{.Remedy}}'
	rmdir "$dir"
	umount "$RUSTBOX_ROOT/bundles/0123456789ab/rootfs"
	matches '^leftovers: warning: ' "umount $RUSTBOX_ROOT/bundles/0123456789ab/rootfs" "rmdir $dir"
	rbok doctor --format '{{.Name}}: {{.Detail}}'
	says leftovers
	says_not "$dir" "$RUSTBOX_ROOT/bundles"
}

# ---- history --------------------------------------------------------------------

@test "history shows an image's steps, the newest first" {
	local id
	tar -C "$ROOTFS" -cf "$DIR/base.tar" bin
	rbok import --change 'CMD ["sh"]' --message 'first step' "$DIR/base.tar" "$NAME:latest"
	rbok history --format json "$NAME"
	same "$(wc -l <<<"$output")" 1
	same "$(member .Comment)" "first step"
	id=$(member .ID)
	[[ $id =~ ^[0-9a-f]{12}$ ]] || fail "should be an id"
	[[ $(member .Size) == *B ]] || fail "should be a size"
	rbok history -q --no-trunc "$NAME"
	[[ $output == sha256:$id* ]] || fail "should be the whole id"
	rbok history --human=false "$NAME"
	matches '^IMAGE +CREATED AT +CREATED BY +SIZE +COMMENT$' "^$id +20.*T.*Z"
	rb history no-such-image
	error_names no-such-image
	rbok rmi "$NAME"
}

# ---- update ---------------------------------------------------------------------

@test "update changes limits at once, and for coming runs" {
	need_controller memory
	need_controller pids
	start_box --memory 64M
	rbok update --memory 48M --cpus 0.5 --pids-limit 20 "$NAME"
	same "$output" "$NAME"
	local i
	for i in now later; do
		same "$(box_cgroup_value memory memory.limit_in_bytes memory.max)" $((48 * 1024 * 1024))
		same "$(box_cgroup_value pids pids.max pids.max)" 20
		[[ $(box_cgroup_value cpu cpu.cfs_quota_us cpu.max) == 50000* ]] || fail "half a CPU"
		[ $i = later ] || rbok restart "$NAME"
	done
	same "$(box_state .HostConfig.Memory)" $((48 * 1024 * 1024))
	same "$(box_state .HostConfig.PidsLimit)" 20
	same "$(box_state .HostConfig.NanoCpus)" 500000000
}

@test "update lifts limits" {
	need_controller memory
	need_controller pids
	start_box --memory 64M --cpus 0.5 --pids-limit 20
	rbok update --memory 0 --cpus 0 --pids-limit -1 "$NAME"
	[ "$(box_cgroup_value memory memory.limit_in_bytes memory.max)" = max ] ||
		[ "$(box_cgroup_value memory memory.limit_in_bytes memory.max)" -gt $((1 << 50)) ] ||
		fail "there should be no limit"
	same "$(box_cgroup_value pids pids.max pids.max)" max
	[[ $(box_cgroup_value cpu cpu.cfs_quota_us cpu.max) =~ ^(-1|max) ]] || fail "there should be no quota"
	rbok restart "$NAME"
	same "$(box_cgroup_value pids pids.max pids.max)" max
}

@test "update of one that does not run counts from its next start" {
	need_controller pids
	rbok create --name "$NAME" sleep 1000
	ID=$output
	rbok update --pids-limit 30 --restart on-failure:4 "$NAME"
	same "$(box_state '.HostConfig.RestartPolicy | "\(.Name) \(.MaximumRetryCount)"')" "on-failure 4"
	rbok start "$NAME"
	same "$(box_cgroup_value pids pids.max pids.max)" 30
}

@test "update of the restart policy of one that runs" {
	rbok run -d --name "$NAME" sh -c 'echo up; sleep 1000'
	ID=$output
	until_true box_says up
	rbok update --restart on-failure:1 "$NAME"
	same "$(box_state .HostConfig.RestartPolicy.Name)" on-failure
	kill -KILL "$(box_state .State.Pid)"
	until_true eval '[ "$(grep -c up "$RUSTBOX_ROOT/logs/$ID/stdout.log")" = 2 ]'
	same "$(box_state .RestartCount)" 1
}

@test "update: mistakes change nothing" {
	start_box --memory 64M --pids-limit 20
	rb update "$NAME"
	error_names update
	rb update --memory much "$NAME"
	error_names --memory much
	rb update --memory 32M --restart sometimes "$NAME"
	error_names sometimes
	same "$(box_state .HostConfig.Memory)" $((64 * 1024 * 1024))
	rb update --memory-swap 1M "$NAME"
	error_names --memory-swap
	rb update --cpuset-cpus 5000 "$NAME"
	error_names cpuset
	rb update --no-such-option 1 "$NAME"
	error_names no-such-option
	rb update --pids-limit 21 "$NAME" no-such-container
	exits 1
	same "$(box_state .HostConfig.PidsLimit)" 21
	rbok run -d --rm --name "$NAME-rm" sleep 1000
	rb update --restart always "$NAME-rm"
	error_names --rm
}
