#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Statements of runtime-spec 1.3.0 on the Linux part of config.json and on the
# features document that no other suite shows. docs/conformance.md lists all.
# vm: no
# shellcheck shell=bash

load container

profile()
{
	config '.linux.seccomp = {defaultAction: $d, syscalls: $r}' --arg d "$1" --argjson r "[$(IFS=,; echo "${*:2}")]"
}

@test "the default configuration has proc, sys, dev/pts and dev/shm" {
	try spec --bundle "$DIR"
	ok
	config '.mounts = $m' --argjson m "$(jq -c .mounts "$DIR/config.json")"
	run_payload mount /proc /sys /dev/pts /dev/shm
	same "$(cut -d ' ' -f 1 <<<"$output")" $'proc\nsysfs\ndevpts\ntmpfs'
}

@test "links in /dev lead to what is open" {
	command_is sh -c 'echo to-stdout >/dev/stdout; cat /dev/stdin; ls /dev/fd/; ls -l /dev/fd'
	status=0
	output=$(echo from-stdin | "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" 2>&1 3>&-) || status=$?
	ok
	lines to-stdout from-stdin 0 1 2
	says '/dev/fd -> /proc/self/fd'
}

# ---- namespaces, user namespace ------------------------------------------------------

@test "a mount namespace is needed, and the error says so" {
	is_ours || skip "this runtime uses the caller's"
	config '.linux.namespaces |= map(select(.type != "mount"))'
	try run --bundle "$B" "$ID"
	error_names "mount namespace"
	assert_nothing_left
}

@test "a mount namespace by path: the container is in it" {
	is_ours || skip "other runtimes' mounts differ"
	unshare --mount --propagation private sh -c 'echo $$ >"$1"; exec sleep 1000' sh "$DIR/holder" 3>&- 4>&- &
	until_true test -s "$DIR/holder"
	config '(.linux.namespaces[] | select(.type == "mount")).path = "/proc/\($p)/ns/mnt"' --arg p "$(<"$DIR/holder")"
	payload ns
	try run --bundle "$B" "$ID"
	local inside
	inside=$(readlink "/proc/$(<"$DIR/holder")/ns/mnt")
	kill -KILL "$(<"$DIR/holder")"
	wait 2>/dev/null || :
	ok
	lines "mnt $inside"
}

@test "a user namespace changes no owner in the root file system" {
	local before
	touch "$B/rootfs/opt/root" "$B/rootfs/opt/five"
	chown 5:6 "$B/rootfs/opt/five"
	mkdir "$DIR/shared"
	config '.mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["bind"]}]' --arg s "$DIR/shared"
	user_namespace
	before=$(find "$B/rootfs" "$DIR/shared" -printf '%U:%G %m %p\n' | sort)
	run_payload stat /opt/root
	matches '^f 0644 65534 65534 '
	same "$(find "$B/rootfs" "$DIR/shared" -printf '%U:%G %m %p\n' | sort)" "$before"
}

# ---- devices ---------------------------------------------------------------------------

@test "/dev/console is there with a terminal only" {
	run_payload stat /dev/console
	same "$output" ENOENT
	config '.process.terminal = true'
	payload stat /dev/console + mount /dev/console
	on_pty end -- "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	matches '^c 0620 .* 136:0$' '^devpts '
}

# ---- what is not built -------------------------------------------------------------------

@test "intelRdt without a mounted resctrl is an error, and nothing is made" {
	is_ours || skip "this runtime may have them"
	! grep -q ' - resctrl ' /proc/self/mountinfo || skip "resctrl is mounted here"
	local value
	for value in '{}' '{closID: "/"}' '{enableMonitoring: true}' '{closID: "a", schemata: ["L3:0=f"]}'; do
		config ".linux.intelRdt = $value"
		try create --bundle "$B" "$ID"
		error_names linux.intelRdt resctrl
	done
	assert_nothing_left
	try features
	same "$(jq -c '[.linux.netDevices.enabled, .linux.intelRdt.enabled]' <<<"$output")" \
		'[true,true]'
}

@test "without intelRdt no resctrl file is touched" {
	command -v strace >/dev/null || skip "there is no strace"
	payload print done
	status=0
	timeout 60 strace -f -qq -o "$DIR/calls" -e trace=%file "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" \
		>"$DIR/out" 2>"$DIR/err" </dev/null 3>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
	ok
	grep -q config.json "$DIR/calls" || fail "nothing was traced"
	! grep resctrl "$DIR/calls" || fail "resctrl was looked at"
}

@test "update --l3-cache-schema and --mem-bw-schema: of a container with intelRdt only" {
	is_ours || skip "this runtime may have them"
	start_waiting
	try update --l3-cache-schema L3:0=f "$ID"
	error_names intelRdt
	try update --mem-bw-schema MB:0=50 "$ID"
	error_names intelRdt
	try update --mem-bw-schema L3:0=f "$ID"
	error_names mem-bw-schema MB:
}

@test "checkpoint and restore without criu, or without a checkpoint, say so" {
	is_ours || skip "this runtime may say something else"
	start_waiting
	try checkpoint --criu "$DIR/no-criu" --image-path "$DIR/images" "$ID"
	error_names checkpoint "$DIR/no-criu"
	same "$(container_status)" running
	try restore --bundle "$B" --image-path "$DIR/images" "$ID-2"
	error_names restore "$DIR/images"
}

# ---- cgroups -----------------------------------------------------------------------------

@test "one cgroupsPath is one place: absolute from the mount point, relative always the same" {
	local path first
	for path in "$CG/absolute" "relative-$TAG"; do
		config '.linux.cgroupsPath = $c' --arg c "$path"
		start_waiting
		first=$(cat "/proc/$(init_pid)/cgroup")
		[[ $first == *"$path"* ]] || fail "$first"
		[[ $path != /* ]] || grep -qE "^[0-9]+:[^:]*:$path\$" <<<"$first" || fail "$first"
		try delete --force "$ID"
		ok
		# Another id, another caller's folder and cgroup: the same place.
		payload wait
		cd /
		launch run --detach --bundle "$B" "$ID-again"
		ok
		same "$(cat "/proc/$(init_pid "$ID-again")/cgroup")" "$first"
		try delete --force "$ID-again"
		ok
	done
	find /sys/fs/cgroup -depth -type d -path "*$CG*" -exec rmdir {} + 2>/dev/null || :
}

@test "nobody is given the container's cgroups" {
	local dir
	user_namespace
	config '.linux.namespaces += [{type: "cgroup"}]
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid"]}]'
	start_waiting
	for dir in /sys/fs/cgroup/ /sys/fs/cgroup/*/; do
		[ -d "$dir$CG" ] || continue
		same "$(find "$dir$CG" ! -uid 0 -o ! -gid 0)" ""
		output+=seen
	done
	[ -n "$output" ] || fail "no cgroup was looked at"
}

@test "on cgroup v1 nobody is given the groups, with a writable mount of them neither" {
	[ "$(cgroup_mode)" != v2 ] || skip "this machine has cgroup v2"
	local dir
	user_namespace
	config '.linux.namespaces += [{type: "cgroup"}]
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid"]}]'
	start_waiting
	for dir in /sys/fs/cgroup/*/; do
		[ -d "$dir$CG" ] || continue
		same "$(find "$dir$CG" ! -uid 0 -o ! -gid 0)" ""
		output+=seen
	done
	[ -n "$output" ] || fail "no cgroup was looked at"
}

@test "limits that contradict each other, or name nothing, are errors" {
	is_ours || skip "this runtime leaves it to the kernel"
	local words filter
	while read -r words filter; do
		base_config >"$B/config.json"
		config ".linux.resources += $filter"
		try run --bundle "$B" "$ID"
		error_names "$words"
	done <<-'END'
	burst {cpu: {quota: 20000, period: 100000, burst: 20001}}
	weight {blockIO: {weightDevice: [{major: 8, minor: 0}]}}
	hcaHandles {rdma: {mlx5_1: {}}}
	END
	assert_nothing_left
}

# ---- seccomp ---------------------------------------------------------------------------

@test "NOTIFY: one state per connection, descriptors with its first part, then the end" {
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}'
	config '.linux.seccomp.listenerPath = $p | .annotations = {big: ("x" * 300000)}' --arg p "$DIR/l.sock"
	cat >"$DIR/agent.py" <<-'PY'
	import array, json, socket, sys
	server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
	server.bind(sys.argv[1])
	server.listen(5)
	server.settimeout(100)
	for i in range(2):
	    connection = server.accept()[0]
	    parts = []
	    while True:
	        data, control, flags, _ = connection.recvmsg(4096, 4096)
	        if not data:
	            break
	        parts.append((data, [c for c in control if c[1] == socket.SCM_RIGHTS]))
	    state = json.loads(b"".join(p[0] for p in parts))  # one document, nothing behind
	    fds = array.array("i")
	    fds.frombytes(parts[0][1][0][2])
	    print("first", len(fds), "later", sum(len(p[1]) for p in parts[1:]), state["fds"], flush=True)
	    print("state", json.dumps({**state, "state": {**state["state"], "annotations": {}}}), flush=True)
	server.settimeout(0.2)
	try:
	    server.accept()
	    print("another connection")
	except TimeoutError:
	    print("no other")
	PY
	"$PYTHON" -ES "$DIR/agent.py" "$DIR/l.sock" >"$DIR/agent.out" 2>&1 3>&- 4>&- &
	local agent=$!
	until_true test -S "$DIR/l.sock"
	start_waiting
	try exec "$ID" payload print second
	ok
	wait $agent || fail "$(<"$DIR/agent.out")"
	output=$(<"$DIR/agent.out")
	same "$(grep -c "^first 1 later 0 \['seccompFd'\]$" <<<"$output")" 2
	lines "no other"
	# What the specification asks of the state that comes.
	sed -n 's/^state //p' <<<"$output" | jq -es --argjson pid "$(init_pid)" --arg id "$ID" '
		all(.[]; (.ociVersion | test("^1[.]")) and (.pid > 0) and .state.id == $id
			and (.state.status | IN("creating", "created", "running")) and (.state.bundle | startswith("/")))
		and .[0].pid == $pid and .[1].pid != $pid and (.[0] | has("metadata") | not)' >/dev/null || fail "$output"
}

@test "listenerPath without NOTIFY is ignored; listenerMetadata without a path is an error" {
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}'
	config '.linux.seccomp.listenerPath = "/no/such/socket" | .linux.seccomp.listenerMetadata = "x"'
	run_payload mkdir /tmp/x
	same "$output" EPERM
	is_ours || return 0
	config 'del(.linux.seccomp.listenerPath)'
	try run --bundle "$B" "$ID"
	error_names listenerMetadata
	assert_nothing_left
}

@test "an errno where the action has none, and a rule without names, are errors" {
	is_ours || skip "this runtime ignores it"
	local action
	for action in ALLOW LOG KILL KILL_PROCESS KILL_THREAD TRAP; do
		profile SCMP_ACT_ALLOW '{"names": ["mkdir"], "action": "SCMP_ACT_'$action'", "errnoRet": 1}'
		try run --bundle "$B" "$ID"
		error_names errnoRet "SCMP_ACT_$action"
		profile "SCMP_ACT_$action"
		config '.linux.seccomp.defaultErrnoRet = 1'
		try run --bundle "$B" "$ID"
		error_names defaultErrnoRet "SCMP_ACT_$action"
	done
	profile SCMP_ACT_ALLOW '{"names": [], "action": "SCMP_ACT_ERRNO"}'
	try run --bundle "$B" "$ID"
	error_names names
	assert_nothing_left
}

# ---- features ----------------------------------------------------------------------------

features()
{
	"$RUNTIME" features | jq -c "$1"
}

@test "features: ociVersionMin and Max are taken, and in their order" {
	is_ours || skip "this runtime has no features"
	local version
	for version in $(features '.ociVersionMin, .ociVersionMax' | tr -d '"'); do
		config '.ociVersion = $v' --arg v "$version"
		run_payload print "took $version"
		same "$output" "took $version"
		same "$error" ""
	done
	same "$(features '[.ociVersionMin, .ociVersionMax | split(".") | map(tonumber)] | .[0] <= .[1]')" true
}

@test "features: only members that the specification has, of its types" {
	is_ours || skip "this runtime has no features"
	features . >"$DIR/features"
	jq -e '(keys - ["ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations",
			"potentiallyUnsafeConfigAnnotations"] == [])
		and (.linux | keys - ["namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux",
			"memoryPolicy", "intelRdt", "mountExtensions", "netDevices"] == [])
		and (.linux.cgroup | keys - ["v1", "v2", "systemd", "systemdUser", "rdma"] == [])
		and (.linux.seccomp | keys - ["enabled", "actions", "operators", "archs", "knownFlags", "supportedFlags"] == [])
		and ([.linux.cgroup[], .linux.seccomp.enabled, .linux.apparmor.enabled, .linux.selinux.enabled,
			.linux.intelRdt.enabled, .linux.netDevices.enabled, .linux.mountExtensions.idmap.enabled]
			| all(type == "boolean"))
		and ([.hooks, .mountOptions, .linux.namespaces, .linux.capabilities, .linux.seccomp.actions,
			.potentiallyUnsafeConfigAnnotations] | all(type == "array"))
		and (.annotations | to_entries | all((.key | contains(".")) and (.value | type == "string")))
		and ([.. | nulls] == [])' "$DIR/features" >/dev/null || fail "$(<"$DIR/features")"
}

@test "features: the same for an ordinary user without capabilities" {
	is_ours || skip "this runtime has no features"
	mkdir "$DIR/bin"
	cp "$RUNTIME" "$DIR/bin/rustbox-runtime"
	chmod -R a+rX "$BATS_RUN_TMPDIR" "$DIR/bin"
	same "$(cd / && setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		unshare --mount --user "$DIR/bin/rustbox-runtime" features)" "$("$RUNTIME" features)"
}

@test "features: every hook, namespace and capability is taken" {
	is_ours || skip "this runtime has no features"
	config '.hooks = ($f.hooks | map({key: ., value: [{path: "/bin/true"}]}) | from_entries)
		| .linux.namespaces = ($f.linux.namespaces | map({type: .}))
		| .process.capabilities = {bounding: $f.linux.capabilities, permitted: $f.linux.capabilities,
			effective: $f.linux.capabilities}
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings' --argjson f "$(features .)"
	same "$(jq '.linux.namespaces | length' "$B/config.json")" 8
	same "$(jq '.hooks | length' "$B/config.json")" 6
	config '.linux.namespaces |= map(select(.type != "user"))'
	user_namespace
	run_payload ns + status CapBnd
	local kind
	for kind in cgroup ipc mnt net pid time user uts; do
		[ "$(sed -n "s/^$kind //p" <<<"$output")" != "$(readlink /proc/self/ns/$kind)" ] || fail "$kind is ours"
	done
	same "$error" ""
}

@test "features: every mount option is one of the runtime's own, not the file system's" {
	is_ours || skip "this runtime has no features"
	config '.mounts += ($o - ["bind", "rbind", "remount", "idmap", "ridmap", "copy-symlink", "src-nofollow", "dest-nofollow"]
		| to_entries | map({destination: "/m/\(.key)", type: "tmpfs", source: "tmpfs", options: [.value]}))' \
		--argjson o "$(features .mountOptions)"
	local tmpfs
	tmpfs=$(jq '[.mounts[] | select(.destination | startswith("/m/"))] | length' "$B/config.json")
	[ "$tmpfs" -gt 50 ] || fail "only $tmpfs options"
	run_payload mounts
	same "$(awk '$5 ~ "^/m/" { n++ } END { print n }' <<<"$output")" "$tmpfs"
	same "$(features '.mountOptions | map(select(test("=|^(size|mode|uid|gid|nr_inodes|ptmxmode|newinstance|hidepid)"))) | length')" 0
	same "$(features '.mountOptions | index("bind", "rbind", "remount", "idmap", "ridmap", "copy-symlink", "src-nofollow", "dest-nofollow") | type' | sort -u)" '"number"'
}

@test "features: every seccomp action, operator, architecture and flag is taken" {
	is_ours || skip "this runtime has no features"
	local flag
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: $f.archs,
		syscalls: ([$f.actions - ["SCMP_ACT_NOTIFY"] | to_entries[] |
				{names: ["personality"], action: .value, args: [{index: 0, value: (.key + 1000000), op: "SCMP_CMP_EQ"}]}]
			+ [$f.operators | to_entries[] | {names: ["mkdirat"], action: "SCMP_ACT_ERRNO",
				args: [{index: 3, value: (.key + 1000000), valueTwo: 5, op: .value}]}])}' \
		--argjson f "$(features .linux.seccomp)"
	run_payload print ran
	same "$output" ran
	for flag in $(features '.linux.seccomp | .knownFlags + .supportedFlags | unique | .[]' | tr -d '"'); do
		config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", flags: [$f],
			syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}' --arg f "$flag"
		[[ $flag != *WAIT_KILLABLE* ]] || config '.linux.seccomp.syscalls[0].action = "SCMP_ACT_NOTIFY"
			| .linux.seccomp.listenerPath = $p' --arg p "$DIR/l.sock"
		[[ $flag != *WAIT_KILLABLE* ]] || peer seccomp "$DIR/l.sock" 1 errno:1 >"$DIR/seccomp.out"
		run_payload mkdir /tmp/x
		same "$flag $output" "$flag EPERM"
	done
	[ -z "$PEER" ] || wait "$PEER"
}

@test "features: every memory policy, and every flag of one, is taken" {
	is_ours || skip "this runtime has no features"
	[ -e /proc/self/numa_maps ] || skip "this kernel has no NUMA"
	local mode flag taken=0
	payload print ran
	for mode in $(features '.linux.memoryPolicy.modes[]' | tr -d '"'); do
		config '.linux.memoryPolicy = {mode: $m} | if $m | IN("MPOL_DEFAULT", "MPOL_LOCAL") then .
			else .linux.memoryPolicy.nodes = "0" end' --arg m "$mode"
		try run --bundle "$B" "$ID"
		# A kernel may lack one, and says so.
		[[ $output == ran || $error == *set_mempolicy* ]] || fail "$mode"
		taken=$((taken + 1))
	done
	for flag in $(features '.linux.memoryPolicy.flags[]' | tr -d '"'); do
		config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: [$f]}' --arg f "$flag"
		try run --bundle "$B" "$ID"
		[[ $output == ran || $error == *set_mempolicy* ]] || fail "$flag"
		taken=$((taken + 1))
	done
	same "$taken" 10
}
