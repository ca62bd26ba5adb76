#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A Debian root file system, made by debootstrap: its package manager, its shell
# with job control on a terminal, a thousand processes under limits.
# vm: yes

load container
load debian

setup()
{
	find_debian
	container_setup
	debian_mount
	config '.process.capabilities |= map_values(. + ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID"])
		| .process.env += ["TERM=dumb", "PS1=$ "]'
}

teardown()
{
	local failed=0 state
	for state in "$ROOT"/*/; do
		[ ! -d "$state" ] || rt delete --force "$(basename "$state")" 3>&- || failed=1
	done
	debian_unmount || failed=1
	container_teardown || failed=1
	return $failed
}

@test "apt-get --version" {
	command_is apt-get --version
	try run --bundle "$B" "$ID"
	ok
	matches '^apt [0-9]+\.[0-9]+'
	same "$error" ""
}

@test "dpkg, perl and a pipeline of Debian's programs" {
	command_is bash -ec 'dpkg-query -W -f "\${Package}\n" | sort | grep -x bash; perl -e "print 6*7, qq(\n)";
		ls -l /proc/self/fd | wc -l; id -un; . /etc/os-release; echo $ID'
	try run --bundle "$B" "$ID"
	ok
	lines bash 42 root debian
}

@test "an interactive bash with job control on a terminal" {
	config '.process.terminal = true'
	command_is bash --norc --noediting -i
	on_pty --size 30x100 "${SIZE_STEPS[@]}" "${STOP_STEPS[@]}" "${READ_STEPS[@]}" "${RESIZE_STEPS[@]}" \
		"${WAIT_STEPS[@]}" 'send:exit 5\r' end -- \
		"$RUNTIME" --root "$ROOT" run --bundle "$B" "$ID"
	lines "exit 5" "terminal restored"
	# bash says so when it has no job control.
	says_not "no job control" "cannot set terminal process group"
}

@test "bash on a terminal by exec --tty" {
	command_is sleep 1000
	launch run --detach --bundle "$B" "$ID"
	ok
	on_pty 'expect:$ ' "${READ_STEPS[@]}" 'send:exit 6\r' end -- \
		"$RUNTIME" --root "$ROOT" exec --tty "$ID" bash --norc --noediting -i
	lines "exit 6" "terminal restored"
	says_not "no job control"
}

# bats test_tags=vm
@test "a thousand processes at once, under a pids and a memory limit" {
	need_controller pids
	need_controller memory
	config '.linux.resources += {pids: {limit: 1100}, memory: {limit: 1073741824}}'
	command_is bash -ec "$THOUSAND"
	launch run --detach --bundle "$B" "$ID"
	ok
	PATIENCE=200 wait_output "all gone"
	container_output
	lines "all there"
	[ "$(head -n 1 <<<"$output")" -gt 1000 ] || fail "fewer than a thousand"
	same "$(grep -c . <<<"$error")" 0
	wait_status stopped
}

# bats test_tags=vm
@test "a thousand processes do not come where three hundred may be" {
	need_controller pids
	config '.linux.resources += {pids: {limit: 300}, memory: {limit: 268435456}}
		| .mounts += [{destination: "/payload", type: "bind", source: $p, options: ["bind", "ro"]}]
		| .process.args = ["/payload", "forkbomb", "1000"]' --arg p "$PAYLOAD"
	TRY_SECONDS=200 try run --bundle "$B" "$ID"
	ok
	lines "forked 299 EAGAIN" "reaped 299"
}
