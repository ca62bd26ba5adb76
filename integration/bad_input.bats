#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Bad input: configurations that are no JSON, or of wrong shapes; programs that
# cannot be run; what is missing, in use, full or forbidden. Each gives one
# clear line that names the thing, a status that is not 0, and leaves nothing.
# vm: no

load container

# refused WORD...: run fails, names the words, leaves nothing.
refused()
{
	try run --bundle "$B" "$ID"
	error_names "$@"
	same "$output" ""
	# Waiting would only hide it: what fails leaves nothing, at once.
	local left
	left=$(leftovers)
	! is_ours || same "$left" ""
	assert_nothing_left
}

@test "config.json: missing, a folder, empty, blank" {
	mv "$B/config.json" "$B/saved"
	refused config.json
	mkdir "$B/config.json"
	refused config.json
	rmdir "$B/config.json"
	touch "$B/config.json"
	refused config.json
	printf ' \n\n ' >"$B/config.json"
	refused config.json
}

@test "the bundle: missing, a file" {
	try run --bundle "$DIR/none" "$ID"
	error_names "$DIR/none"
	try run --bundle "$B/config.json" "$ID"
	error_names config.json
	assert_nothing_left
}

@test "no JSON: text, a number, an array, two documents, something after the end" {
	local text
	for text in hello 42 '[]' '"x"' null "{'a': 1}" '{"a": 1,}' '{"ociVersion": "1.0.2"} {}' '{} x' '{"a": nul}'; do
		printf '%s' "$text" >"$B/config.json"
		refused config.json
	done
}

@test "truncated at many places" {
	local size i
	cp "$B/config.json" "$B/whole"
	size=$(stat -c %s "$B/whole")
	for ((i = 1; i < size - 4; i += size / 12)); do
		head -c "$i" "$B/whole" >"$B/config.json"
		refused config.json
	done
}

@test "100 MB: of nothing, of one string, of many small values" {
	rm "$B/config.json"
	truncate -s 100M "$B/config.json"
	refused config.json
	is_ours || return 0
	base_config >"$B/config.json"
	"$PYTHON" -ES -c 'import sys; text = open(sys.argv[1]).read().rstrip()
open(sys.argv[1], "w").write(text[:-1] + ", \"annotations\": {\"a\": \"" + "x" * 100_000_000 + "\"}}")' "$B/config.json"
	refused config.json
	base_config >"$B/config.json"
	"$PYTHON" -ES -c 'import sys; text = open(sys.argv[1]).read().rstrip()
open(sys.argv[1], "w").write(text[:-1] + ", \"x\": [" + "0," * 50_000_000 + "0]}")' "$B/config.json"
	refused config.json
}

@test "deep nesting: arrays and objects, in known and unknown places" {
	is_ours || skip "this runtime's reader takes it"
	local depth
	for depth in 100 1000000; do
		"$PYTHON" -ES -c 'import sys; n = int(sys.argv[2])
open(sys.argv[1], "w").write("{\"x\": " + "[" * n + "]" * n + "}")' "$B/config.json" $depth
		refused config.json
		"$PYTHON" -ES -c 'import sys; n = int(sys.argv[2])
open(sys.argv[1], "w").write("{\"x\":" * n + "1" + "}" * n)' "$B/config.json" $depth
		refused config.json
	done
	printf '[%.0s' {1..100000} >"$B/config.json"
	refused config.json
}

@test "duplicate keys are named" {
	is_ours || skip "this runtime takes the last"
	sed -i '0,/"hostname"/s//"hostname": "one", "hostname"/' "$B/config.json"
	refused hostname
	base_config >"$B/config.json"
	sed -i 's/"cwd": "\/"/"cwd": "\/", "cwd": "\/tmp"/' "$B/config.json"
	refused process cwd
}

@test "invalid UTF-8, and NUL in a string" {
	is_ours || skip "this runtime takes it"
	sed -i 's/"hostname": "container"/"hostname": "a\xff\xfeb"/' "$B/config.json"
	refused config.json
	base_config >"$B/config.json"
	sed -i 's/"hostname": "container"/"hostname": "a\\u0000b"/' "$B/config.json"
	refused hostname
	base_config >"$B/config.json"
	printf '{"ociVersion": "1.0.2", \0 "a": 1}' >"$B/config.json"
	refused config.json
}

@test "wrong types: the JSON path is named" {
	is_ours || skip "this runtime's messages differ"
	local path value row table
	mapfile -t table <<-'END'
	ociVersion 1
	root "rootfs"
	root.path 5
	root.readonly "yes"
	hostname {}
	process []
	process.args "sh"
	process.args[0] 1
	process.env {"A":"b"}
	process.env[1] null
	process.cwd []
	process.terminal "true"
	process.user "root"
	process.user.uid "0"
	process.user.gid -1
	process.user.uid 1.5
	process.user.umask "022"
	process.user.additionalGids [1,"2"]
	process.capabilities []
	process.capabilities.bounding "CAP_KILL"
	process.rlimits {}
	process.oomScoreAdj "5"
	process.noNewPrivileges 1
	mounts {}
	mounts[0] "proc"
	mounts[0].options "ro"
	mounts[0].destination 1
	linux []
	linux.namespaces {}
	linux.namespaces[0].type 1
	linux.resources []
	linux.resources.devices {}
	linux.resources.memory.limit "5"
	linux.resources.pids.limit 1e400
	linux.maskedPaths "x"
	linux.sysctl []
	linux.sysctl ["x"]
	linux.cgroupsPath 5
	linux.devices {}
	linux.seccomp "x"
	hooks []
	hooks.prestart {}
	annotations []
	annotations {"a":1}
	END
	for row in "${table[@]}"; do
		read -r path value <<<"$row"
		base_config >"$B/config.json"
		config "(.$path) = \$v" --argjson v "$value"
		refused "$path"
	done
}

@test "numbers out of range: the JSON path is named" {
	is_ours || skip "this runtime's messages differ"
	local path value row table
	mapfile -t table <<-'END'
	process.user.uid 4294967296
	process.user.gid 99999999999999999999
	process.user.umask -1
	process.oomScoreAdj 1001
	process.oomScoreAdj -1001
	linux.resources.memory.limit 9223372036854775808
	linux.resources.memory.limit -9223372036854775809
	linux.resources.cpu.shares -1
	linux.resources.cpu.period -5
	linux.resources.memory.limit 1.5
	linux.resources.memory.limit 1e3
	END
	for row in "${table[@]}"; do
		read -r path value <<<"$row"
		base_config >"$B/config.json"
		# not through jq, which has no 64-bit integers
		config "(.$path) = 987654321"
		sed -i "s/987654321/$value/" "$B/config.json"
		refused "$path"
	done
}

@test "what is required: the JSON path is named" {
	is_ours || skip "this runtime's messages differ"
	local path name row table
	mapfile -t table <<-'END'
	root
	root.path
	process
	process.args
	process.cwd
	mounts[0].destination destination
	linux.namespaces[0].type type
	END
	for row in "${table[@]}"; do
		read -r path name <<<"$row"
		base_config >"$B/config.json"
		config "del(.$path)"
		# shellcheck disable=SC2086 # words
		refused ${name:-$path}
	done
	base_config >"$B/config.json"
	config '.process.args = []'
	refused process.args
	config '.process.args = [""]'
	refused args
}

@test "unknown properties are ignored" {
	config '.somethingNew = {a: [1, {b: null}]} | .process.somethingNew = true | .linux.x = 1 | .linux.resources.x = {}'
	run_payload print ran
	same "$output" ran
}

@test "what the specification knows and this machine or build cannot is refused by name" {
	is_ours || skip "this runtime ignores some"
	config '.linux.intelRdt = {closID: "guaranteed", l3CacheSchema: "L3:0=7f0;1=1f"}'
	[ -d /sys/fs/resctrl/info ] || refused intelRdt
	base_config >"$B/config.json"
	config '.linux.netDevices = {"nosuchdev0": {name: "eth0"}}'
	refused netDevices
	base_config >"$B/config.json"
	config '.linux.memoryPolicy = {mode: "MPOL_NOSUCH", nodes: "0"}'
	refused memoryPolicy
	base_config >"$B/config.json"
	config '.linux.resources.memory.kernel = 1048576'
	payload print ran
	try run --bundle "$B" "$ID"
	[ "$status" -eq 0 ] || error_names kernel
}

@test "the root file system: missing, a file, empty" {
	config '.root.path = "none"'
	refused none
	config '.root.path = "config.json"'
	refused config.json
	mkdir "$B/empty"
	config '.root.path = "empty"'
	refused payload
	config '.root.path = ""'
	refused root
}

# Programs that cannot be run: create or start says which, and why.
program()
{
	config '.process.args = [$p]' --arg p "$1"
	chmod +x "$B/rootfs$1" 2>/dev/null || :
}

@test "args[0]: no such file, in PATH and by name" {
	program /no/such/program
	refused /no/such/program
	program no-such-program
	refused no-such-program
	mkdir "$B/rootfs/folder"
	program /folder
	refused /folder
	program /bin/payload/x
	refused /bin/payload/x
}

@test "args[0]: a script whose interpreter is missing" {
	printf '#!/no/such/interpreter -x\necho\n' >"$B/rootfs/script"
	program /script
	refused /script /no/such/interpreter
}

@test "args[0]: a script with CRLF line ends" {
	printf '#!/bin/sh\r\necho\r\n' >"$B/rootfs/script"
	program /script
	refused /script CR
}

@test "args[0]: a program whose loader is missing" {
	local loader
	cp "$(readlink -f "$(command -v env)")" "$B/rootfs/dynamic"
	loader=$(strings -n 5 "$B/rootfs/dynamic" 2>/dev/null | grep -m 1 '^/lib.*/ld-')
	[ -n "$loader" ] || skip "there is no dynamic program"
	program /dynamic
	refused /dynamic "$loader"
}

@test "args[0]: of another architecture" {
	cp "$PAYLOAD" "$B/rootfs/foreign"
	# e_machine: s390
	printf '\x16\x00' | dd of="$B/rootfs/foreign" bs=1 seek=18 conv=notrunc 2>/dev/null
	program /foreign
	refused /foreign s390
}

@test "args[0]: without the exec bit, for root and others" {
	cp "$PAYLOAD" "$B/rootfs/plain"
	program /plain
	chmod 644 "$B/rootfs/plain"
	refused /plain permission
	chmod 700 "$B/rootfs/plain"
	config '.process.user = {uid: 1000, gid: 1000}'
	refused /plain permission
}

@test "args[0]: on a mount with noexec" {
	mkdir "$DIR/programs"
	cp "$PAYLOAD" "$DIR/programs/payload"
	config '.mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["bind", "noexec"]}]' \
		--arg s "$DIR/programs"
	program /mnt/payload
	refused /mnt/payload noexec
}

@test "args[0]: an empty file, text without #!, a broken program" {
	touch "$B/rootfs/empty"
	program /empty
	refused /empty
	echo 'echo hello' >"$B/rootfs/text"
	program /text
	refused /text
	head -c 100 "$PAYLOAD" >"$B/rootfs/broken"
	program /broken
	refused /broken
}

@test "an unknown capability" {
	is_ours || skip "this runtime warns only"
	config '.process.capabilities.effective += ["CAP_MADE_UP"]'
	refused CAP_MADE_UP
}

@test "a namespace path of the wrong kind" {
	config '(.linux.namespaces[] | select(.type == "ipc")).path = "/proc/self/ns/uts"'
	refused ipc /proc/self/ns/uts
}

@test "a mount source that is missing" {
	config '.mounts += [{destination: "/mnt", type: "bind", source: "/no/such/source", options: ["rbind"]}]'
	refused /no/such/source
}

@test "an id in use, with a slash, with .." {
	start_waiting
	try run --bundle "$B" "$ID"
	error_names "$ID"
	try run --bundle "$B" "../$ID"
	error_names "../$ID"
	try run --bundle "$B" "a/$ID"
	error_names "a/$ID"
	same "$(container_status)" running
}

@test "cgroups that may not be written to" {
	status=0
	unshare --mount --propagation private sh -c '
		for dir in /sys/fs/cgroup /sys/fs/cgroup/*; do
			mountpoint -q "$dir" && mount -o remount,bind,ro "$dir"
		done
		exec timeout 100 "$1" --root "$2" --rootless false run --bundle "$3" "$4"' sh \
		"$RUNTIME" "$ROOT" "$B" "$ID" >"$DIR/out" 2>"$DIR/err" 3>&- </dev/null || status=$?
	output=$(<"$DIR/out") error=$(<"$DIR/err")
	error_names cgroup
	assert_nothing_left
}

@test "no privilege: an ordinary user and a configuration for root" {
	mkdir "$DIR/user-state"
	chown 1000:1000 "$DIR/user-state"
	chmod a+x "$BATS_RUN_TMPDIR" "$DIR" "$B"
	programs_for_users
	status=0
	setpriv --reuid 1000 --regid 1000 --clear-groups timeout 100 "$RUNTIME" --root "$DIR/user-state" \
		run --bundle "$B" "$ID" >"$DIR/out" 2>"$DIR/err" 3>&- </dev/null || status=$?
	output=$(<"$DIR/out") error=$(<"$DIR/err")
	error_names root.path "permi"
	same "$(ls -A "$DIR/user-state")" ""
	assert_nothing_left
}

@test "a state root that may not be written to, or is a file" {
	chmod a+x "$BATS_RUN_TMPDIR" "$DIR" "$B"
	programs_for_users
	status=0
	setpriv --reuid 1000 --regid 1000 --clear-groups timeout 100 "$RUNTIME" --root /proc/nowhere \
		run --bundle "$B" "$ID" >"$DIR/out" 2>"$DIR/err" 3>&- </dev/null || status=$?
	output=$(<"$DIR/out") error=$(<"$DIR/err")
	error_names /proc/nowhere
	touch "$DIR/file"
	ROOT=$DIR/file try run --bundle "$B" "$ID"
	error_names "$DIR/file"
	assert_nothing_left
}

@test "a full disk below the state root" {
	mkdir "$ROOT"
	status=0
	unshare --mount --propagation private sh -c '
		mount -t tmpfs -o size=64k tmpfs "$2"
		dd if=/dev/zero of="$2/filler" bs=4k 2>/dev/null
		timeout 100 "$1" --root "$2" run --bundle "$3" "$4"
		status=$?
		rm "$2/filler"
		ls -A "$2"
		exit $status' sh \
		"$RUNTIME" "$ROOT" "$B" "$ID" >"$DIR/out" 2>"$DIR/err" 3>&- </dev/null || status=$?
	output=$(<"$DIR/out") error=$(<"$DIR/err")
	error_names "no space"
	assert_nothing_left
}

@test "a pid file that cannot be written" {
	payload wait
	try create --bundle "$B" --pid-file /no/such/folder/pid "$ID"
	error_names /no/such/folder
	assert_nothing_left
}

@test "error lines: text on standard error, JSON in the log for callers" {
	config '.process.args = ["/no/such/program"]'
	try --log "$DIR/log" --log-format json run --bundle "$B" "$ID"
	fails
	same "$(jq -rs 'last.level' "$DIR/log")" error
	[[ $(jq -rs 'last.msg' "$DIR/log") == */no/such/program* ]] || fail "the log does not name it"
	jq -es 'last.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$")' "$DIR/log" >/dev/null || fail "time"
	try --log-format json run --bundle "$B" "$ID"
	fails
	same "$(tail -n 1 <<<"$error" | jq -r .level)" error
	try --log-format nosuch run --bundle "$B" "$ID"
	fails
	[[ $error == *nosuch* ]] || fail "not named"
}

@test "values of options that make no sense are named" {
	is_ours || skip "this runtime's messages differ"
	try --log-level nosuch list
	error_names nosuch
	try --cgroup-manager nosuch list
	error_names nosuch
	try --rootless nosuch list
	error_names nosuch
	try run --preserve-fds many --bundle "$B" "$ID"
	error_names many
	try list --format nosuch
	error_names nosuch
	try kill --nosuch "$ID"
	error_names nosuch
	try nosuchcommand
	error_names nosuchcommand
}
