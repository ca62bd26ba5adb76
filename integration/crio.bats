#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# CRI-O, Kubernetes' daemon that starts an OCI runtime by conmon, with ours: crictl
# makes pods and containers of them as a kubelet would. A daemon of the file's own.
# vm: long

load container
load clients
load go_programs
load cri_calls

setup_file()
{
	need_programs conmon podman jq
	go_program crictl
	CRICTL=$GO_PROGRAM
	go_program crio
	[ -z "$WHY_NOT" ] || return 0
	export CRIO=$GO_PROGRAM
	client_setup_file
	mkdir "$F/cni"
	crio_config >"$F/crio.conf"
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$F/policy.json"
	printf '%s\n' '[storage]' 'driver = "vfs"' "graphroot = \"$F/root\"" "runroot = \"$F/run\"" >"$F/storage.conf"
	cat >"$F/crictl.yaml" <<-YAML
	runtime-endpoint: unix://$F/crio.sock
	image-endpoint: unix://$F/crio.sock
	timeout: 100
	YAML
	client_program crictl <<-SCRIPT
	#!/bin/sh
	exec $CRICTL --config $F/crictl.yaml "\$@"
	SCRIPT
	crio_image test.invalid/box:1 --change 'CMD=["sh"]' --change ENV=PATH=/bin:/sbin
	crio_image test.invalid/pause:1 --change 'ENTRYPOINT=["/bin/payload","wait"]'
	crio_start
	client_mounts >"$F/mounts"
}

# crio_image NAME OPTION...: podman shares CRI-O's store.
crio_image()
{
	local name=$1
	shift
	CONTAINERS_STORAGE_CONF=$F/storage.conf TMPDIR=$F/tmp podman --tmpdir "$F/libpod" \
		import "$@" "$F/image.tar" "$name" >/dev/null
}

# Versions before 1.29 take 0 for "any number of processes" where the specification means none.
crio_config()
{
	cat <<-TOML
	[crio]
	root = "$F/root"
	runroot = "$F/run"
	storage_driver = "vfs"
	log_dir = "$F/log"
	version_file = "$F/version"
	clean_shutdown_file = "$F/clean"
	[crio.api]
	listen = "$F/crio.sock"
	stream_address = "127.0.0.1"
	stream_port = "0"
	[crio.runtime]
	conmon = "$(command -v conmon)"
	conmon_cgroup = "pod"
	cgroup_manager = "cgroupfs"
	pinns_path = "$CRIO-pinns"
	namespaces_dir = "$F/namespaces"
	container_exits_dir = "$F/exits"
	container_attach_socket_dir = "$F/attach"
	default_runtime = "tested"
	hooks_dir = []
	pids_limit = -1
	[crio.runtime.runtimes.tested]
	runtime_path = "$RUNTIME"
	runtime_type = "oci"
	runtime_root = "$F/state"
	[crio.image]
	pause_image = "test.invalid/pause:1"
	pause_command = "/bin/wait-for-ever"
	signature_policy = "$F/policy.json"
	[crio.network]
	network_dir = "$F/cni"
	TOML
}

# Returns when it answers. It is nobody's: a test's end does not wait for it.
crio_start()
{
	env -u RUSTBOX_TEST_TAG -u TMPDIR --default-signal=INT,QUIT "$CRIO" --config "$F/crio.conf" --config-dir "" \
		--registries-conf /dev/null >>"$F/crio.log" 2>&1 </dev/null 3>&- 4>&- &
	echo $! >"$F/crio.pid"
	disown
	until_true crio_answers
}

crio_answers()
{
	"$F/bin/crictl" version >/dev/null 2>&1 3>&- 4>&-
}

crio_gone()
{
	! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$(<"$F/crio.pid")/status"
}

crio_end()
{
	kill "$(<"$F/crio.pid")"
	until_true crio_gone
}

teardown_file()
{
	[ -s "$F/crio.pid" ] || return 0
	crio_gone || crio_end
	client_mounts | tac | xargs -r umount -l
}

setup()
{
	needs_are_met
	client_setup crictl
	POD='' BOX='' first='' second='' box=''
	mkdir "$DIR/log"
	pod_is .
}

teardown()
{
	[ -z "$WHY_NOT" ] || return 0
	[ -n "$BATS_TEST_COMPLETED" ] || tail -n 5 "$F/crio.log" | cut -c-300
	client_teardown
}

# Its monitors' cgroups are CRI-O's own, which forgets those from before a restart.
client_leftovers_of_crictl()
{
	local path
	for path in $(tagged_parents); do
		find "$path" -type d -name 'crio-conmon-*' -exec rmdir {} + 2>/dev/null
	done
	find "$F/state" -mindepth 1 2>/dev/null | sed 's/^/state: /'
}

# bats test_tags=vm
@test "CRI-O: a pod of two containers, shared namespaces, exit codes" {
	local name
	run_pod
	until_true pod_state_is READY
	start_named first . payload ns + wait ready
	start_named second . payload ns + wait ready
	until_true log_has ready first
	until_true log_has ready second
	for name in ipc uts net; do
		log_has "$(sed -n "s/.*F $name //p" "$DIR/log/first.log")" second
	done
	for name in pid mnt; do
		! log_has "$(sed -n "s/.*F $name //p" "$DIR/log/first.log")" second
	done
	client stop --timeout 20 "$first"
	ok
	ended_with 143 Error "$first"
	box_state_is RUNNING "$second"
	client rm "$first"
	ok
	end_pod
}

# bats test_tags=vm
@test "CRI-O: ends, and a program that is not there" {
	run_pod
	start_named box . sh -c 'echo out; echo err >&2; exit 7'
	ended_with 7 Error
	same "$(cut -d' ' -f2- "$DIR/log/box.log" | sort)" $'stderr F err\nstdout F out'
	start_named second . payload print fine
	ended_with 0 Completed "$second"
	box_config first . no-such-program
	client create "$POD" "$DIR/first.json" "$DIR/pod.json"
	fails
	[[ $error == *no-such-program* ]] || fail "not named"
	end_pod
}

# bats test_tags=vm
@test "CRI-O: exec --sync, exec with streams, with a terminal" {
	start_pod payload wait ready
	until_true log_has ready
	exec_in "$BOX" sh -c 'echo out; echo err >&2'
	ok
	lines out err
	exec_in "$BOX" sh -c 'exit 7'
	fails
	[[ $error == *"7"* ]] || fail "no exit code"
	exec_in --timeout 1 "$BOX" sleep 300
	fails
	no_sleep() { exec_in "$BOX" ps && [[ $output != *"sleep 300"* ]]; }
	until_true no_sleep
	printf 'words\n' >"$DIR/in"
	INPUT=$DIR/in client exec --interactive "$BOX" payload read-line + read-line
	ok
	same "$output" $'read [words]\nend of file'
	# (With any runtime CRI-O may lose the last output on a terminal.)
	on_pty --size 31x91 expect:ready 'send:words\n' end -- "$CLIENT" exec --interactive --tty "$BOX" \
		sh -c 'until [ "$(stty size)" = "31 91" ]; do sleep 0.05; done; echo ready; read -r x; echo "got $x" >/tmp/got'
	lines "terminal restored"
	exec_in "$BOX" cat /tmp/got
	same "$output" "got words"
	end_pod
}

# bats test_tags=vm
@test "CRI-O: limits, update" {
	need_controller memory
	need_controller cpu
	run_pod
	start_named box '.linux.resources = {memory_limit_in_bytes: 67108864, cpu_shares: 512, cpu_quota: 50000, cpu_period: 100000}' \
		payload wait ready
	until_true log_has ready
	CG=/$TAG/crio-$BOX
	same "$(cgroup_value memory memory.limit_in_bytes memory.max)" 67108864
	client update --memory 100663296 "$BOX"
	ok
	same "$(cgroup_value memory memory.limit_in_bytes memory.max)" 100663296
	exec_in "$BOX" payload open rw /dev/null
	same "$output" ok
	end_pod
}

# bats test_tags=vm
@test "CRI-O: an OOM kill is told" {
	need_controller memory
	run_pod
	start_named box '.linux.resources = {memory_limit_in_bytes: 25165824, memory_swap_limit_in_bytes: 25165824}' \
		payload oom 300
	ended_with 137 OOMKilled
	end_pod
}

# bats test_tags=vm
@test "CRI-O: users, groups, capabilities, read-only root, no new privileges, seccomp" {
	run_pod
	start_named box '.linux.security_context += {run_as_user: {value: 1000}, run_as_group: {value: 2000},
		supplemental_groups: [3000], readonly_rootfs: true, no_new_privs: true, seccomp: {profile_type: 0},
		capabilities: {drop_capabilities: ["ALL"]}}' payload ids + status CapBnd NoNewPrivs Seccomp + create /new + wait
	until_true log_has EROFS
	output=$(cut -d' ' -f4- "$DIR/log/box.log")
	lines "CapBnd: 0000000000000000" "NoNewPrivs: 1" "Seccomp: 2"
	matches 'uid.* 1000' 'gid.* 2000' '3000'
	end_pod
}

# Such a pod has a process of its own, with a score of -998.
# bats test_tags=vm
@test "CRI-O: a pod with one pid namespace" {
	need_capability 24 CAP_SYS_RESOURCE
	pod_is '.linux.security_context.namespace_options.pid = 0'
	run_pod
	start_named first '.linux.security_context.namespace_options.pid = 0' sleep 300
	start_named second '.linux.security_context.namespace_options.pid = 0' sh -c 'ps; exec payload wait'
	until_true log_has "sleep 300" second
	end_pod
}

# bats test_tags=vm
@test "CRI-O: namespaces of the host" {
	pod_is '.linux.security_context.namespace_options |= (.pid = 2 | .ipc = 2)'
	run_pod
	start_named box '.linux.security_context.namespace_options |= (.pid = 2 | .ipc = 2)' payload ns + wait ready
	until_true log_has ready
	log_has "pid $(readlink /proc/self/ns/pid)"
	log_has "ipc $(readlink /proc/self/ns/ipc)"
	end_pod
}

@test "CRI-O restarts: the pod lives, ends are seen" {
	start_pod payload wait ready
	until_true log_has ready
	start_named second . payload wait-file /go + exit 6
	local pid
	pid=$(inspect_of .info.pid "$second")
	crio_end
	touch "/proc/$pid/root/go"
	crio_start
	ended_with 6 Error "$second"
	box_state_is RUNNING "$box"
	exec_in "$box" payload print still
	same "$output" still
	end_pod
}
