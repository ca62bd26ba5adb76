#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# seccomp: each action, errnoRet, arguments and operators, architectures, flags,
# the notify listener, system calls that a profile does not know, bad profiles.
# vm: no

load container

# profile DEFAULT RULE...: rules are JSON objects
profile()
{
	config '.linux.seccomp = {defaultAction: $d, architectures: ["SCMP_ARCH_X86_64"], syscalls: $r}' \
		--arg d "$1" --argjson r "[$(IFS=,; echo "${*:2}")]"
	[ "$(uname -m)" = x86_64 ] || config 'del(.linux.seccomp.architectures)'
}

number_of()
{
	printf '#include <sys/syscall.h>\nSYS_%s\n' "$1" | cc -E -P - 2>/dev/null | tail -n 1
}

@test "ALLOW with one call forbidden: EPERM, others work; Seccomp is 2" {
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}'
	run_payload mkdir /tmp/x + create /tmp/y + status Seccomp
	same "$output" $'EPERM\nok\nSeccomp: 2'
}

@test "no seccomp in the configuration: no filter" {
	run_payload status Seccomp Seccomp_filters
	lines "Seccomp: 0"
}

@test "errnoRet, of a rule and of the default action" {
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}'
	run_payload mkdir /tmp/x
	same "$output" ENOSPC
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0}'
	payload mkdir /tmp/x
	try run --bundle "$B" "$ID"
	ok
}

@test "KILL_PROCESS, KILL_THREAD, KILL and TRAP end it by SIGSYS" {
	local action
	for action in SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_KILL SCMP_ACT_TRAP; do
		profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "'$action'"}'
		payload print before + mkdir /tmp/x + print survived
		try run --bundle "$B" "$ID"
		exits 159
		same "$output" before
	done
}

@test "LOG lets it happen, TRACE without a tracer is ENOSYS" {
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_LOG"}'
	run_payload mkdir /tmp/x
	same "$output" ok
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_TRACE", "errnoRet": 5}'
	run_payload mkdir /tmp/y
	same "$output" ENOSYS
}

@test "arguments: every operator" {
	# personality(value) with a value that does nothing to us.
	local nr operator value two hit miss
	nr=$(number_of personality)
	[ -n "$nr" ] || skip "needs a compiler for the number of personality"
	while read -r operator value two hit miss; do
		profile SCMP_ACT_ALLOW '{"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28,
			"args": [{"index": 0, "value": '"$value"', "valueTwo": '"$two"', "op": "SCMP_CMP_'"$operator"'"}]}'
		run_payload syscall "$nr" "$hit" + syscall "$nr" "$miss"
		same "$(head -n 1 <<<"$output")" ENOSPC
		[ "$(sed -n 2p <<<"$output")" != ENOSPC ] || fail "$operator hit $miss"
	done <<-END
	EQ 0 0 0 4294967295
	NE 4294967295 0 0 4294967295
	LT 5 0 4 4294967295
	LE 5 0 5 4294967295
	GT 5 0 4294967295 0
	GE 4294967295 0 4294967295 0
	MASKED_EQ 255 255 4294967295 0
	END
}

@test "two conditions on different arguments must both hold, rules are alternatives" {
	local nr
	nr=$(number_of fchmod)
	[ -n "$nr" ] || skip "needs a compiler for the number of fchmod"
	profile SCMP_ACT_ALLOW '{"names": ["fchmod"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28, "args": [
		{"index": 0, "value": 100, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 7, "op": "SCMP_CMP_EQ"}]}' \
		'{"names": ["fchmod"], "action": "SCMP_ACT_ERRNO", "errnoRet": 39, "args": [
		{"index": 0, "value": 200, "op": "SCMP_CMP_EQ"}]}'
	run_payload syscall "$nr" 100 7 + syscall "$nr" 100 8 + syscall "$nr" 101 7 + syscall "$nr" 200 9
	same "$output" $'ENOSPC\nEBADF\nEBADF\nENOTEMPTY'
}

# The system calls up to a number, but for mkdir, as a rule's names.
calls_up_to()
{
	printf '#include <sys/syscall.h>\n' | cc -E -dM - 2>/dev/null |
		awk -v last="$1" '$2 ~ /^__NR_/ && $3 <= last { print substr($2, 6) }' |
		grep -vxE 'mkdir|mkdirat' | jq -R . | jq -sc '{names: ., action: "SCMP_ACT_ALLOW"}'
}

@test "a default of ERRNO with a list of what is allowed" {
	command -v cc >/dev/null || skip "needs a compiler for the list of system calls"
	profile SCMP_ACT_ERRNO "$(calls_up_to 1000)"
	run_payload print lives + mkdir /tmp/x + create /tmp/y
	same "$output" $'lives\nEPERM\nok'
}

@test "system calls newer than the profile are ENOSYS, not its default action" {
	[ "$(number_of openat2)" = 437 ] || skip "needs a compiler, and the usual numbers"
	profile SCMP_ACT_ERRNO "$(calls_up_to 437)"
	run_payload syscall 461 + syscall 1000 + mkdir /tmp/x
	same "$output" $'ENOSYS\nENOSYS\nEPERM'
	is_ours || return 0
	profile SCMP_ACT_KILL_PROCESS "$(calls_up_to 437)"
	run_payload syscall 461 + syscall 1000
	same "$output" $'ENOSYS\nENOSYS'
}

@test "names that this machine does not know are left out" {
	profile SCMP_ACT_ALLOW '{"names": ["no_such_call", "mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}'
	run_payload mkdir /tmp/x
	same "$output" EPERM
}

@test "several architectures: calls of 32-bit programs are filtered, too" {
	[ "$(uname -m)" = x86_64 ] || skip "of x86 only"
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}'
	config '.linux.seccomp.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]'
	run_payload mkdir /tmp/x + status Seccomp
	same "$output" $'ENOSPC\nSeccomp: 2'
	# mkdir of x32 is the same number with bit 30
	run_payload syscall $((0x40000000 + 83)) 0 0
	matches '^(ENOSPC|ENOSYS)$'
	# A kernel without 32-bit programs ends who tries. 136 is their personality(2).
	"$PAYLOAD" syscall32 136 4294967295 >/dev/null 2>&1 || skip "this kernel runs no 32-bit programs"
	config '.linux.seccomp.syscalls[0].names = ["personality"]'
	run_payload syscall32 136 4294967295 + syscall 135 4294967295
	same "$output" $'ENOSPC\nENOSPC'
	config '.linux.seccomp.syscalls[0].names = ["mkdir"]'
	run_payload syscall32 136 4294967295
	same "$output" 0
}

@test "flags LOG and SPEC_ALLOW are taken, an unknown flag is named" {
	is_ours || skip "this runtime knows fewer"
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}'
	config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]'
	run_payload mkdir /tmp/x
	same "$output" EPERM
	config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_NOSUCH"]'
	try run --bundle "$B" "$ID"
	error_names SECCOMP_FILTER_FLAG_NOSUCH
	assert_nothing_left
}

# What the filter is loaded with: the flags of each call that a COMMAND makes for it.
flags_of()
{
	timeout -k 5 100 strace -f -qq -e trace=seccomp -e signal=none -o "$DIR/calls" \
		"$RUNTIME" --root "$ROOT" "$@" </dev/null >"$DIR/out" 2>"$DIR/err" 3>&- 4>&- || cat "$DIR/err"
	sed -n 's/.*SECCOMP_SET_MODE_FILTER, \([A-Z_|]*\),.*/\1/p' "$DIR/calls" | tr '|' '\n' | sort
}

@test "flags go to the kernel with the filter, of run and of exec" {
	command -v strace >/dev/null || skip "there is no strace"
	is_ours || skip "this runtime knows fewer"
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}'
	config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]'
	payload print ran
	same "$(flags_of run --bundle "$B" "$ID")" $'SECCOMP_FILTER_FLAG_LOG\nSECCOMP_FILTER_FLAG_SPEC_ALLOW'
	same "$(cat "$DIR/out")" ran
	start_waiting
	same "$(flags_of exec "$ID" payload print ran)" $'SECCOMP_FILTER_FLAG_LOG\nSECCOMP_FILTER_FLAG_SPEC_ALLOW'
	rt delete --force "$ID"
	# None is asked for; nothing is said of them, where runc's default counts.
	config '.linux.seccomp.flags = []'
	payload print ran
	same "$(flags_of run --bundle "$B" "$ID")" ""
	config 'del(.linux.seccomp.flags)'
	same "$(flags_of run --bundle "$B" "$ID")" SECCOMP_FILTER_FLAG_SPEC_ALLOW
	assert_nothing_left
}

@test "without noNewPrivileges, as root and as a user without capabilities" {
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}'
	config '.process.noNewPrivileges = false'
	run_payload mkdir /tmp/x + status NoNewPrivs
	same "$output" $'EPERM\nNoNewPrivs: 0'
	config '.process.user = {uid: 1000, gid: 1000} | .process.capabilities = {}'
	run_payload mkdir /tmp/x + status NoNewPrivs + status CapEff
	same "$output" $'EPERM\nNoNewPrivs: 0\nCapEff: 0000000000000000'
}

@test "a filter that forbids what the runtime does itself before execve" {
	profile SCMP_ACT_ALLOW '{"names": ["setresuid", "setresgid", "setgroups", "chdir", "mount", "umount2",
		"pivot_root", "socket", "sendmsg"], "action": "SCMP_ACT_ERRNO"}'
	run_payload print ran
	same "$output" ran
	is_ours || return 0
	config '.process.noNewPrivileges = false'
	run_payload print ran
	same "$output" ran
}

@test "NOTIFY: the listener gets state and metadata, its answers count" {
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}'
	config '.linux.seccomp.listenerPath = $p | .linux.seccomp.listenerMetadata = "some data"' --arg p "$DIR/l.sock"
	peer seccomp "$DIR/l.sock" 3 errno:28 value:0 continue >"$DIR/seccomp.out"
	run_payload mkdir /tmp/a + mkdir /tmp/b + mkdir /tmp/c + stat /tmp/b /tmp/c
	wait "$PEER"
	same "$(head -n 4 <<<"$output")" $'ENOSPC\nok\nok\nENOENT'
	matches '^d '
	local state
	state=$(sed -n 's/^state //p' "$DIR/seccomp.out")
	same "$(jq -r .state.id <<<"$state")" "$ID"
	same "$(jq -r .metadata <<<"$state")" "some data"
	same "$(jq -r '.fds | index("seccompFd") != null' <<<"$state")" true
	[[ $(jq -r .pid <<<"$state") =~ ^[0-9]+$ ]] || fail "no pid"
	[[ $(jq -r .state.status <<<"$state") == creat* || $(jq -r .state.status <<<"$state") == running ]] || fail "status"
}

@test "NOTIFY with exec: its listener comes, too" {
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}'
	config '.linux.seccomp.listenerPath = $p' --arg p "$DIR/l.sock"
	peer seccomp "$DIR/l.sock" 0 errno:1 >"$DIR/first.out"
	local first=$PEER
	start_waiting
	wait "$first"
	rm -f "$DIR/l.sock"
	peer seccomp "$DIR/l.sock" 1 errno:28 >"$DIR/second.out"
	try exec "$ID" payload mkdir /tmp/x
	ok
	same "$output" ENOSPC
	wait "$PEER"
	grep -q notification "$DIR/second.out"
}

@test "NOTIFY without a listener, or with nobody there, is an error that names it" {
	profile SCMP_ACT_ALLOW '{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}'
	payload print never
	try run --bundle "$B" "$ID"
	error_names listenerPath
	config '.linux.seccomp.listenerPath = $p' --arg p "$DIR/nobody.sock"
	launch create --bundle "$B" "$ID"
	[ "$status" -ne 0 ] || try start "$ID"
	error_names nobody.sock
}

@test "NOTIFY for write, which the runtime needs itself, is refused" {
	profile SCMP_ACT_ALLOW '{"names": ["write"], "action": "SCMP_ACT_NOTIFY"}'
	config '.linux.seccomp.listenerPath = $p' --arg p "$DIR/l.sock"
	try run --bundle "$B" "$ID"
	error_names write
	assert_nothing_left
}

@test "bad profiles: unknown action, operator, architecture; no names; errnoRet that does not fit" {
	payload print never
	profile SCMP_ACT_NOSUCH
	try run --bundle "$B" "$ID"
	error_names SCMP_ACT_NOSUCH
	profile SCMP_ACT_ALLOW '{"names": ["mkdir"], "action": "SCMP_ACT_NOSUCH"}'
	try run --bundle "$B" "$ID"
	error_names SCMP_ACT_NOSUCH
	profile SCMP_ACT_ALLOW '{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_NOSUCH"}]}'
	try run --bundle "$B" "$ID"
	error_names SCMP_CMP_NOSUCH
	profile SCMP_ACT_ALLOW
	config '.linux.seccomp.architectures = ["SCMP_ARCH_NOSUCH"]'
	try run --bundle "$B" "$ID"
	error_names SCMP_ARCH_NOSUCH
	assert_nothing_left
	is_ours || return 0
	profile SCMP_ACT_ALLOW '{"names": [], "action": "SCMP_ACT_ERRNO"}'
	try run --bundle "$B" "$ID"
	error_names names
	profile SCMP_ACT_ALLOW '{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}'
	try run --bundle "$B" "$ID"
	error_names index
	assert_nothing_left
}

@test "a profile with a thousand rules" {
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [range(1000) |
		{names: ["personality"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: (. + 1000000), op: "SCMP_CMP_EQ"}]}]}'
	run_payload print ran
	same "$output" ran
}

@test "startContainer hooks run under the filter" {
	profile SCMP_ACT_ALLOW '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}'
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "mkdir /made; echo ran >/hook"]}]'
	run_payload print ran
	same "$(cat "$B/rootfs/hook")" ran
	[ ! -e "$B/rootfs/made" ] || fail "the hook was not filtered"
}
