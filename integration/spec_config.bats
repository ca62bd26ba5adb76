#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Statements of runtime-spec 1.3.0 on config.json, but for its Linux part, that
# no other suite shows. docs/conformance.md lists all; the last test here looks
# whether the tests that it names exist.
# vm: no
# shellcheck shell=bash

load container

refused()
{
	try run --bundle "$B" "$ID"
	error_names "$@"
	assert_nothing_left
}

@test "ociVersion: every version 1 is taken, what is no semantic version is not" {
	local version
	for version in 1.0.0 1.0.2-dev 1.1.0-rc.3 1.2.1 1.3.0 1.99.0 1.3.0+build.5; do
		config '.ociVersion = $v' --arg v "$version"
		run_payload print "took $version"
		same "$output" "took $version"
		same "$error" ""
	done
	for version in "" 1 1.0 v1.0.0 1.0.0.0 01.0.0 1.0.x latest; do
		config '.ociVersion = $v' --arg v "$version"
		refused ociVersion
	done
	config 'del(.ociVersion)'
	refused ociVersion
}

@test "root.path: a relative one counts from the bundle, not from where we are" {
	mkdir -p "$DIR/elsewhere/rootfs"
	cd "$DIR/elsewhere"
	run_payload print bundle
	same "$output" bundle
	touch "$B/file"
	config '.root.path = "file"'
	refused file
	config '.root.path = "none"'
	refused none
}

# ---- mounts -----------------------------------------------------------------------

# Each option on a tmpfs of its own; what mountinfo has to show of it (a regular
# expression), and what it must not show.
option_table()
{
	cat <<-'END'
	sync,async              ^tmpfs rw,relatime     [, ]sync
	noatime,atime           ^tmpfs rw,relatime     noatime
	defaults                ^tmpfs rw,relatime     ^tmpfs[^-]*(nosuid|nodev|noexec)
	nodev,dev               ^tmpfs rw,relatime     nodev
	nodiratime,diratime     ^tmpfs rw,relatime     nodiratime
	dirsync                 -.*[,[:space:]]dirsync nothing
	noexec,exec             ^tmpfs rw,relatime     noexec
	iversion                ^tmpfs rw,relatime     nothing
	lazytime                -.*[,[:space:]]lazytime nothing
	lazytime,nolazytime     ^tmpfs rw,relatime     lazytime
	loud                    ^tmpfs rw,relatime     nothing
	noatime                 ^tmpfs rw,noatime      relatime
	nodev                   ^tmpfs rw,nodev        nothing
	nodiratime              ^tmpfs rw,nodiratime   nothing
	noexec                  ^tmpfs rw,noexec       nothing
	noiversion              ^tmpfs rw,relatime     nothing
	norelatime              ^tmpfs rw,relatime     nothing
	strictatime,nostrictatime ^tmpfs rw,relatime   nothing
	nosuid                  ^tmpfs rw,nosuid       nothing
	nosymfollow             ^tmpfs rw,relatime,nosymfollow nothing
	nosymfollow,symfollow   ^tmpfs rw,relatime     nosymfollow
	private                 ^tmpfs.*-              shared|master|unbindable
	rprivate                ^tmpfs.*-              shared|master|unbindable
	shared                  ^tmpfs.*shared:        nothing
	rshared                 ^tmpfs.*shared:        nothing
	slave                   ^tmpfs.*-              shared
	rslave                  ^tmpfs.*-              shared
	unbindable              ^tmpfs.*unbindable     shared
	runbindable             ^tmpfs.*unbindable     shared
	noatime,relatime        ^tmpfs rw,relatime     noatime
	ro                      ^tmpfs[[:space:]]ro,   nothing
	ro,rw                   ^tmpfs rw,relatime     nothing
	silent                  ^tmpfs rw,relatime     nothing
	strictatime             ^tmpfs rw[[:space:]]   atime
	nosuid,suid             ^tmpfs rw,relatime     nosuid
	sync                    -.*[,[:space:]]sync    nothing
	mand                    ^tmpfs rw,relatime     nothing
	nomand                  ^tmpfs rw,relatime     nothing
	END
}

@test "every mount option of the specification does what it says" {
	local options has lacks i=0 shown table
	mapfile -t table < <(option_table | sed 's/^\t*//; s/tmpfs r/tmpfs[[:space:]]r/; s/  */ /g')
	for i in "${!table[@]}"; do
		read -r options has lacks <<<"${table[i]}"
		config '.mounts += [{destination: "/m/\($i)", type: "tmpfs", source: "tmpfs", options: ($o | split(","))}]' \
			--arg i "$i" --arg o "$options"
	done
	# shellcheck disable=SC2046 # words
	run_payload mount $(seq -f /m/%g 0 $((${#table[@]} - 1)))
	same "$(wc -l <<<"$output")" "${#table[@]}"
	for i in "${!table[@]}"; do
		read -r options has lacks <<<"${table[i]}"
		shown=$(sed -n "$((i + 1))p" <<<"$output")
		grep -qE -- "$has" <<<"$shown" || fail "$options: '$shown' should have '$has'"
		! grep -qE -- "$lacks" <<<"$shown" || fail "$options: '$shown' should not have '$lacks'"
	done
}

@test "every recursive option reaches the mounts below" {
	local options has lacks i shown table below
	mapfile -t table <<-'END'
	rro             plain  ^tmpfs:ro,           nothing
	rrw             barred ^tmpfs:rw,           nothing
	rnosuid         plain  nosuid               nothing
	rsuid           barred ^tmpfs               nosuid
	rnodev          plain  nodev                nothing
	rdev            barred ^tmpfs               nodev
	rnoexec         plain  noexec               nothing
	rexec           barred ^tmpfs               noexec
	rnodiratime     plain  nodiratime           nothing
	rdiratime       barred ^tmpfs               nodiratime
	rnosymfollow    plain  nosymfollow          nothing
	rsymfollow      barred ^tmpfs               nosymfollow
	rnoatime        plain  noatime              relatime
	ratime          barred relatime             noatime
	rrelatime       barred relatime             noatime
	rstrictatime    plain  ^tmpfs               atime
	rnostrictatime  plain  relatime             noatime
	rnorelatime     plain  ^tmpfs               noatime
	END
	for i in "${!table[@]}"; do
		read -r options _ <<<"${table[i]}"
		config '.mounts += [{destination: "/m/\($i)", type: "bind", source: $s, options: ["rbind", $o]}]' \
			--arg i "$i" --arg o "$options" --arg s "$DIR/tree"
	done
	for i in "${!table[@]}"; do
		read -r options below _ <<<"${table[i]}"
		config '.process.args += ["/m/\($i)/\($b)"]' --arg i "$i" --arg b "$below"
	done
	config '.process.args = ["payload", "mount"] + .process.args[3:]'
	mkdir "$DIR/tree"
	output=$(unshare --mount --propagation private sh -ec '
		mount -t tmpfs top "$1"; mkdir "$1/plain" "$1/barred"
		mount -t tmpfs plain "$1/plain"
		mount -t tmpfs barred "$1/barred"
		mount -o remount,bind,ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow "$1/barred"
		exec "$2" --root "$3" run --bundle "$4" "$5"' sh \
		"$DIR/tree" "$RUNTIME" "$ROOT" "$B" "$ID" 2>"$DIR/err" 3>&- </dev/null) || fail "$(<"$DIR/err")"
	same "$(wc -l <<<"$output")" "${#table[@]}"
	for i in "${!table[@]}"; do
		read -r options below has lacks <<<"${table[i]}"
		# The mount's options only, without propagation and superblock.
		shown=$(sed -n "$((i + 1))p" <<<"$output" | cut -d ' ' -f 1,2 | tr ' ' :)
		grep -qE -- "$has" <<<"$shown" || fail "$options: '$shown' should have '$has'"
		! grep -qE -- "$lacks" <<<"$shown" || fail "$options: '$shown' should not have '$lacks'"
	done
}

@test "remount changes the mount that is there" {
	config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["size=1m"]},
		{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["remount", "ro", "nosuid", "size=2m"]}]'
	run_payload mount /mnt + statfs /mnt + create /mnt/x + mounts
	matches '^tmpfs ro,nosuid' 'size 2097152$' '^EROFS$'
	same "$(awk '$5 == "/mnt" { n++ } END { print n }' <<<"$output")" 1
}

@test "options that are not the specification's go to the file system, as they are" {
	config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs",
		options: ["noexec", "nr_inodes=77", "mode=0711", "size=3m", "uid=12", "gid=34"]}]'
	run_payload mount /mnt + stat /mnt
	matches '^tmpfs rw,noexec,.*nr_inodes=77' 'size=3072k' '^d 0711 12 34 '
	# The kernel refuses them, not we.
	config '.mounts[-1].options = ["nr_inodes=many"]'
	refused nr_inodes /mnt
}

@test "options that mount(8) knows for itself are not given to the file system" {
	config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs",
		options: ["auto", "noauto", "nofail", "_netdev"]}]'
	run_payload mount /mnt
	matches '^tmpfs rw,relatime '
}

@test "idmap: the mount's own mappings, both or neither, and no mapping at all is an error" {
	is_ours || skip "this runtime's checks differ"
	mkdir "$DIR/shared"
	config '.mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["bind", "idmap"]}]' --arg s "$DIR/shared"
	refused 'mounts[6]' mapped
	config '.mounts[-1].options[1] = "ridmap"'
	refused 'mounts[6]' mapped
	config '.mounts[-1].uidMappings = [{containerID: 0, hostID: 5, size: 1}]'
	refused gidMappings
	config '.mounts[-1] |= (.gidMappings = .uidMappings | del(.uidMappings))'
	refused uidMappings
	# Those of the mount, although the user namespace has others.
	chown 7:8 "$DIR/shared"
	user_namespace
	config '.mounts[-1] |= (.uidMappings = [{containerID: 7, hostID: 100033, size: 1}]
		| .gidMappings = [{containerID: 8, hostID: 100044, size: 1}])'
	run_payload stat /mnt
	matches '^d 0755 33 44 '
}

# ---- process ----------------------------------------------------------------------

@test "consoleSize is ignored without a terminal" {
	config '.process.consoleSize = {height: 99999, width: 99999}'
	run_payload tty
	config '.process.terminal = false'
	run_payload tty
}

@test "args: the first is the file, as execvp takes it; without any there is an error" {
	config '.process.args = []'
	refused process.args
	config 'del(.process.args)'
	refused process.args
	config 'del(.process)'
	refused process
	config '.process = {user: {uid: 0, gid: 0}, args: ["/bin/payload", "cwd"], cwd: "bin"}'
	refused process.cwd
}

@test "rlimits: getrlimit gives what the configuration says, for exec as well" {
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 123, hard: 456}, {type: "RLIMIT_CORE", soft: 0, hard: 7}]'
	start_waiting rlimits + wait ready
	wait_output ready
	container_output
	lines "NOFILE 123 456" "CORE 0 7"
	try exec "$ID" payload rlimits
	lines "NOFILE 123 456" "CORE 0 7"
	config '.process.rlimits = [{type: "RLIMIT_SOMETHING", soft: 1, hard: 1}]'
	try run --bundle "$B" "$ID-2"
	error_names RLIMIT_SOMETHING
}

@test "rlimits: each of the sixteen" {
	local name n=0 expected=''
	config '.process.rlimits = []'
	# Below what there is: raising needs a capability. The soft one is the same, since it would be felt.
	while read -r name soft hard; do
		case $hard in
		unlimited) hard=$((1 << 40)) ;;
		0) ;;
		*) hard=$((hard - 1)) ;;
		esac
		config '.process.rlimits += [{type: "RLIMIT_\($n)", soft: $h, hard: $h}]' --arg n "$name" --argjson h "$hard"
		expected+="$name $hard $hard"$'\n'
		n=$((n + 1))
	done < <("$PAYLOAD" rlimits)
	same $n 16
	run_payload rlimits
	same "$output"$'\n' "$expected"
}

@test "a capability that cannot be granted is a warning that names it" {
	is_ours || skip "this runtime's warnings differ"
	capabilities CAP_NET_RAW
	payload status CapBnd CapEff
	output=$(setpriv --bounding-set=-net_raw "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" \
		2>"$DIR/err" 3>&- </dev/null) || fail "$(<"$DIR/err")"
	grep -q 'warning.*CAP_NET_RAW' "$DIR/err" || fail "$(<"$DIR/err")"
	# KILL, NET_BIND_SERVICE and AUDIT_WRITE: the others are there.
	lines "CapBnd: 0000000020000420" "CapEff: 0000000020000420"
}

@test "scheduler: what is not set is 0" {
	is_ours || skip "this runtime has no process.scheduler"
	config '.process.scheduler = {policy: "SCHED_BATCH"}'
	payload sched
	# Not the nice value of whoever runs the runtime.
	output=$(nice -n 7 "$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID" 2>&1 3>&- </dev/null)
	lines "policy BATCH" "nice 0"
}

@test "execCPUAffinity without final: exec's processors are the kernel's choice" {
	is_ours || skip "this runtime has no process.execCPUAffinity"
	[ "$(nproc)" -ge 2 ] || skip "needs two processors"
	local expected initial
	for initial in '{initial: "1"}' '{initial: "1", final: ""}'; do
		config ".process.execCPUAffinity = $initial"
		start_waiting
		# What becomes of a process with that affinity that is moved there.
		expected=$(sh -c 'taskset -pc 1 $$ >/dev/null; echo $$ >"$1"; exec "$2" affinity' sh \
			"$(cgroup_dir cpuset)/cgroup.procs" "$PAYLOAD")
		try exec "$ID" payload affinity
		ok
		same "$output" "$expected"
		try delete --force "$ID"
	done
}

# ---- annotations, extensions, values ----------------------------------------------

@test "annotations: keys and values are text, a key is not empty; unknown keys are taken" {
	local bad
	for bad in '{"": "a"}' '{"a": 1}' '{"a": ["b"]}' '[]' '"a"'; do
		config '.annotations = $a' --argjson a "$bad"
		refused annotations
	done
	config '.annotations = {"org.opencontainers.image.os": "linux", "org.opencontainers.nosuch": "x",
		"com.example.key": "", "no-dots": "v"}'
	payload wait
	create_container
	same "$(rt state "$ID" | jq -Sc .annotations)" "$(jq -Sc .annotations "$B/config.json")"
}

@test "unknown properties are ignored wherever they are, without a warning" {
	config '.x = 1 | .root.x = [] | .process.x = {} | .process.user.x = null | .process.capabilities.x = ["CAP_NOSUCH"]
		| .mounts[0].x = 1 | .hooks = {x: [1]} | .linux.x = "y" | .linux.namespaces[0].x = 1
		| .linux.resources.x = 5 | .linux.resources.memory = {x: 1} | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", x: 1}
		| .windows = {a: 1} | .solaris = {a: 1} | .vm = {a: 1} | .zos = {a: 1} | .freebsd = {a: 1}'
	run_payload print ran
	same "$output" ran
	same "$error" ""
}

@test "values that are invalid or not supported are errors" {
	is_ours || skip "this runtime takes some"
	local filter
	while read -r filter; do
		base_config >"$B/config.json"
		config "$filter"
		try run --bundle "$B" "$ID"
		error_names nosuch
	done <<-'END'
	.mounts += [{destination: "/mnt", type: "nosuch", source: "x"}]
	.process.scheduler = {policy: "SCHED_nosuch"}
	.process.ioPriority = {class: "nosuch", priority: 0}
	.process.capabilities.bounding += ["CAP_nosuch"]
	.process.rlimits = [{type: "RLIMIT_nosuch", soft: 1, hard: 1}]
	.linux.namespaces += [{type: "nosuch"}]
	.linux.devices = [{type: "nosuch", path: "/dev/x", major: 1, minor: 1}]
	.linux.rootfsPropagation = "nosuch"
	.linux.personality = {domain: "nosuch"}
	.linux.seccomp = {defaultAction: "nosuch"}
	.linux.sysctl = {"nosuch": "1"}
	.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {nosuch: {secs: 1}}
	.linux.resources.hugepageLimits = [{pageSize: "nosuch", limit: 1}]
	.linux.resources.unified = {"nosuch.max": "1"}
	END
	assert_nothing_left
}

# A configuration with each object that has members it must have.
with_required_members()
{
	config '.process.user = {uid: 0, gid: 0} | .process.terminal = true | .process.consoleSize = {height: 1, width: 1}
		| .process.rlimits = [{type: "RLIMIT_CORE", soft: 0, hard: 0}]
		| .process.scheduler = {policy: "SCHED_OTHER"} | .process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 4}
		| .hooks = {prestart: [{path: "/bin/true"}], createRuntime: [{path: "/bin/true"}]}
		| .linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
		| .linux.devices = [{path: "/dev/x", type: "c", major: 1, minor: 3}]
		| .linux.resources.blockIO = {weightDevice: [{major: 8, minor: 0, weight: 100}],
			throttleReadBpsDevice: [{major: 8, minor: 0, rate: 1}], throttleWriteIOPSDevice: [{major: 8, minor: 0, rate: 1}]}
		| .linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 0}]
		| .linux.resources.network = {priorities: [{name: "lo", priority: 1}]}
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_ERRNO",
			args: [{index: 0, value: 1, op: "SCMP_CMP_EQ"}]}]}
		| .linux.personality = {domain: "LINUX"}'
}

@test "without process.user.gid it is 0" {
	config 'del(.process.user.gid)'
	run_payload ids
	lines "gid 0 0 0"
}

@test "each member that the specification requires: without it the error names it" {
	is_ours || skip "this runtime's checks differ"
	local path paths
	read -r -d '' -a paths <<-'END' || :
	ociVersion root root.path process process.cwd process.args process.user.uid
	process.consoleSize.height process.consoleSize.width
	process.rlimits[0].type process.rlimits[0].soft process.rlimits[0].hard
	process.scheduler.policy process.ioPriority.class process.ioPriority.priority
	hooks.prestart[0].path hooks.createRuntime[0].path mounts[1].destination
	linux.namespaces[0].type
	linux.uidMappings[0].containerID linux.uidMappings[0].hostID linux.uidMappings[0].size
	linux.gidMappings[0].containerID linux.gidMappings[0].hostID linux.gidMappings[0].size
	linux.devices[0].type linux.devices[0].path linux.devices[0].major linux.devices[0].minor
	linux.resources.devices[0].allow
	linux.resources.blockIO.weightDevice[0].major linux.resources.blockIO.weightDevice[0].minor
	linux.resources.blockIO.throttleReadBpsDevice[0].major linux.resources.blockIO.throttleReadBpsDevice[0].minor
	linux.resources.blockIO.throttleReadBpsDevice[0].rate linux.resources.blockIO.throttleWriteIOPSDevice[0].rate
	linux.resources.hugepageLimits[0].pageSize linux.resources.hugepageLimits[0].limit
	linux.resources.network.priorities[0].name linux.resources.network.priorities[0].priority
	linux.seccomp.defaultAction linux.seccomp.syscalls[0].names linux.seccomp.syscalls[0].action
	linux.seccomp.syscalls[0].args[0].index linux.seccomp.syscalls[0].args[0].value
	linux.seccomp.syscalls[0].args[0].op linux.personality.domain
	END
	with_required_members
	cp "$B/config.json" "$DIR/whole"
	for path in "${paths[@]}"; do
		jq -e "del(.$path)" "$DIR/whole" >"$B/config.json"
		! cmp -s "$DIR/whole" "$B/config.json" || fail "$path was not there"
		try create --bundle "$B" "$ID"
		error_names "$path: "
	done
	assert_nothing_left
}

# ---- the table ---------------------------------------------------------------------

# Sets `count` to how many tests the document names; fails where one does not exist.
named_tests_exist()
{
	local document=$1 suite name missing=0
	count=0
	[ -s "$document" ] || fail "there is no $document"
	while IFS=$'\t' read -r suite name; do
		count=$((count + 1))
		case $suite in
		*.bats)
			grep -qsF "@test \"$name\" {" "$HERE/$suite"
			;;
		*)
			# In main's table: a function that is defined only is not run.
			grep -qsrE --include="$suite" "([tT][eE][sS][tT][a-z_]*\\(|^[[:space:]]+)${name}[,)]" \
				"$TOP/base" "$TOP/oci" "$TOP/proto" "$TOP/runtime" "$TOP/shim" "$TOP/cmd"
			;;
		esac || {
			echo "$suite has no test '$name'"
			missing=$((missing + 1))
		}
	done < <(grep -oE '`[a-z_0-9]+(\.bats|_test\.c): [^`]*`' "$document" |
		sed 's/^`\([^:]*\): \(.*\)`$/\1\t\2/')
	same "$missing" 0
}

@test "the tests that docs/conformance.md names exist" {
	named_tests_exist "$TOP/docs/conformance.md"
	[ "$count" -gt 300 ] || fail "only $count tests are named"
}

@test "the tests that docs/features.md names exist, and each feature has one" {
	named_tests_exist "$TOP/docs/features.md"
	[ "$count" -gt 150 ] || fail "only $count tests are named"
	output=$(grep -E '\| (yes|no) \|' "$TOP/docs/features.md" |
		grep -vE '\| (yes|no) \| `.*` \| [a-z0-9]+ \|$') || :
	same "$output" ""
}
