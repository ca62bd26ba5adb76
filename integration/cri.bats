#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Kubernetes' interface of containerd with our shim: crictl makes pods and
# containers of them as a kubelet would. A containerd of the file's own.
# vm: long

load container
load containerd
load clients
load go_programs
load images
load daemon
load cri
load cri_calls

setup_file()
{
	need_programs containerd ctr jq
	go_program crictl
	[ -z "$WHY_NOT" ] || return 0
	cri_setup_file
	daemon_program crictl "$GO_PROGRAM" --config "$F/crictl.yaml"
	image_load k8s.io "$F/rootfs" test.invalid/box:1 '{}' \
		test.invalid/pause:1 '{"Entrypoint": ["/bin/payload", "wait"], "Cmd": null}'
	until_true image_is_known
	client_mounts >"$F/mounts"
}

image_is_known()
{
	"$F/bin/crictl" inspecti test.invalid/pause:1 3>&- 4>&- >/dev/null 2>&1
}

teardown_file()
{
	[ -z "$WHY_NOT" ] || return 0
	cri_teardown_file
}

setup()
{
	needs_are_met
	client_setup crictl
	daemon_log_mark
	POD='' BOX='' box='' first='' second='' other=''
	mkdir "$DIR/log"
	pod_is '.'
}

teardown()
{
	[ -z "$WHY_NOT" ] || return 0
	[ -n "$BATS_TEST_COMPLETED" ] || daemon_complaints
	client_teardown
}

client_leftovers_of_crictl()
{
	daemon_leftovers
	find "$CD"/{root,state}/io.containerd.grpc.v1.cri/{containers,sandboxes} -mindepth 1 -maxdepth 1 \
		2>/dev/null | sed 's/^/state: /'
	find "$CD/state/netns" -mindepth 1 2>/dev/null | sed 's/^/network: /'
	find "/var/lib/cni/networks/rbt$PPID" -name '10.*' 2>/dev/null | sed 's/^/address: /'
}

# ---- shims --------------------------------------------------------------------

# The serving shims of this pod, without what one has just forked.
pod_shims()
{
	local pid parent
	for pid in $(pgrep -f -- '-id '"$POD"); do
		! grep -qszx -e start -e delete "/proc/$pid/cmdline" || continue
		parent=$(ps -o ppid= -p "$pid" | tr -d ' ')
		[ -n "$parent" ] && ! cmp -s "/proc/$pid/cmdline" "/proc/$parent/cmdline" || continue
		echo "$pid"
	done
}

no_shim()
{
	[ -z "$(pod_shims)" ]
}

one_shim()
{
	same "$(pod_shims | wc -l)" 1
}

remove_pod()
{
	end_pod
	until_true no_shim
}

# ---- pods and containers --------------------------------------------------------

@test "a pod of two containers: one shim, shared namespaces, exit codes" {
	local name first second pod
	run_pod
	until_true pod_state_is READY
	one_shim
	start_named first . payload ns + wait ready
	start_named second . payload ns + wait
	one_shim
	same "$(ps -o ppid= "$(inspect_of .info.pid "$first")" | tr -d ' ')" "$(pod_shims)"
	until_true log_has ready first
	until_true log_has mnt second
	pod=/proc/$(pod_pid)/ns
	for name in ipc uts net; do
		log_has "$(readlink "$pod/$name")" first
		log_has "$(readlink "$pod/$name")" second
	done
	for name in pid mnt; do
		! log_has "$(readlink "$pod/$name")" first
		! log_has "$(sed -n "s/.*F $name //p" "$DIR/log/first.log")" second
	done
	client stop --timeout 20 "$first"
	ok
	ended_with 143 Error "$first"
	box_state_is RUNNING "$second"
	client rm "$first"
	ok
	one_shim
	client stopp "$POD"
	ok
	pod_state_is NOTREADY
	ended_with 137 Error "$second"
	client rmp "$POD"
	ok
	until_true no_shim
}

@test "a container ends by itself; its next attempt; created and never started" {
	run_pod
	start_named box . sh -c 'exit 7'
	ended_with 7 Error
	client rm "$BOX"
	start_named box '.metadata.attempt = 1' payload print fine
	ended_with 0 Completed
	client start "$BOX"
	fails
	create_named other . payload wait
	box_state_is CREATED
	client stop "$BOX"
	client rm "$BOX"
	ok
	create_named more . payload wait
	remove_pod
}

@test "a pod that is removed while everything in it runs" {
	start_pod payload wait
	start_named other . sleep 300
	client rmp --force "$POD"
	ok
	until_true no_shim
}

@test "a program that is not there" {
	run_pod
	create_named box . no-such-program
	client start "$BOX"
	fails
	[[ $error == *no-such-program* ]] || fail "not named"
	ended_with 128 StartError
	one_shim
	start_named other . payload wait
	remove_pod
}

@test "stop: a payload that does not listen is killed" {
	start_pod sleep 300
	client stop --timeout 1 "$BOX"
	ok
	ended_with 137 Error
	remove_pod
}

@test "stop: more than one process in the container" {
	start_pod sh -c 'payload orphan; sleep 300 & exec payload wait ready'
	until_true log_has ready
	client stop --timeout 20 "$BOX"
	ok
	ended_with 143 Error
	remove_pod
}

@test "logs: both streams, in full; partial lines" {
	run_pod
	start_named box . sh -c 'echo out; echo err >&2; printf last'
	ended_with 0 Completed
	all_logged() { [ "$(cut -d' ' -f2- "$DIR/log/box.log" | sort)" = $'stderr F err\nstdout F out\nstdout P last' ]; }
	until_true all_logged
	client logs "$BOX"
	says out last
	# (After the end, containerd 1.6 may stop to read before all is there.)
	start_named big . payload flood 3000000 + print + wait
	big_is_there() { [ "$(cut -d' ' -f4 "$DIR/log/big.log" | tr -d '\n' | wc -c)" = $((3000000 - 2999999 / 64)) ]; }
	until_true big_is_there
	remove_pod
}

@test "the pod's pause ends: the pod is not ready any more, the containers live" {
	start_pod payload wait
	kill -9 "$(pod_pid)"
	until_true pod_state_is NOTREADY
	box_state_is RUNNING
	exec_in "$BOX" payload print inside
	same "$output" inside
	remove_pod
}

@test "five pods at once" {
	local i pids=()
	for i in 1 2 3 4 5; do
		jq --arg name "$TAG-$i" '.metadata.name = $name | .metadata.uid = $name' "$DIR/pod.json" >"$DIR/pod$i.json"
		box_config "box$i" . payload print "in $i"
		"$CLIENT" run --no-pull --runtime tested "$DIR/box$i.json" "$DIR/pod$i.json" >"$DIR/out.$i" 2>&1 </dev/null 3>&- 4>&- &
		pids+=($!)
	done
	for i in 1 2 3 4 5; do
		wait "${pids[i - 1]}"
		until_true log_has "in $i" "box$i"
	done
	same "$(client_list | wc -l)" 5
	client rmp --force --all
	ok
}

# ---- exec and attach ----------------------------------------------------------

@test "exec --sync: output, exit code, time-out, a program that is not there" {
	start_pod payload wait
	exec_in "$BOX" sh -c 'echo out; echo err >&2'
	ok
	lines out err
	exec_in "$BOX" sh -c 'echo out; exit 7'
	exits 1
	[[ $error == *"exited with 7"* ]] || fail "no exit code"
	exec_in "$BOX" no-such-program
	fails
	[[ $error == *no-such-program* ]] || fail "not named"
	exec_in --timeout 1 "$BOX" sleep 300
	fails
	[[ $error == *"timed out"* || $error == *"DeadlineExceeded"* ]] || fail "no time-out"
	no_sleep() { exec_in "$BOX" ps && [[ $output != *"sleep 300"* ]]; }
	until_true no_sleep
	exec_in "$BOX" payload flood 1000000
	ok
	same "$(tr -d '\n' <"$DIR/out" | wc -c)" $((1000000 - 999999 / 64))
	remove_pod
}

@test "exec: many, one after the other and at once" {
	local i pids=()
	start_pod payload wait
	for i in {1..10}; do
		exec_in "$BOX" payload print "$i"
		same "$output" "$i"
	done
	for i in {1..8}; do
		"$CLIENT" exec --sync "$BOX" payload print "$i" >"$DIR/out.$i" 2>&1 </dev/null 3>&- 4>&- &
		pids+=($!)
	done
	for i in {1..8}; do
		wait "${pids[i - 1]}"
		same "$(<"$DIR/out.$i")" "$i"
	done
	remove_pod
}

@test "exec with streams: input, both outputs, exit code" {
	start_pod payload wait
	printf 'first\nlast' >"$DIR/in"
	INPUT=$DIR/in client exec --interactive "$BOX" payload read-line + read-line + read-line
	ok
	same "$output" $'read [first]\nread [last]\nend of file'
	head -c 3000000 /dev/urandom >"$DIR/in"
	INPUT=$DIR/in client exec --interactive "$BOX" md5sum
	same "$output" "$(md5sum <"$DIR/in")"
	client exec "$BOX" sh -c 'echo out; echo err >&2; exit 7'
	fails
	[[ $output == out* && $error == *err* && $error == *"exit code 7"* ]] || fail "not all is there"
	remove_pod
}

@test "exec with a terminal: size, input, exit code" {
	start_pod payload wait
	on_pty --size 31x91 expect:ready 'send:words\n' 'expect:got words' end -- "$CLIENT" exec --interactive --tty "$BOX" \
		sh -c 'until [ "$(stty size)" = "31 91" ]; do sleep 0.05; done; echo ready; read -r x; echo "got $x"'
	lines "got words" "exit 0" "terminal restored"
	remove_pod
}

@test "attach: input and output; standard input ends with its first client" {
	run_pod
	start_named box '.stdin = true | .stdin_once = true' payload read-line + read-line + exit 3
	printf 'words\n' >"$DIR/in"
	INPUT=$DIR/in client attach --stdin "$BOX"
	ended_with 3 Error
	client logs "$BOX"
	same "$output" $'read [words]\nend of file'
	remove_pod
}

@test "attach: a terminal" {
	run_pod
	start_named box '.stdin = true | .tty = true' sh -c \
		'while read -r x; do echo "got $x"; [ "$x" != end ] || exit 5; done'
	on_pty 'send:words\n' 'expect:got words' 'send:end\n' 'expect:got end' end -- "$CLIENT" attach --stdin --tty "$BOX"
	ended_with 5 Error
	remove_pod
}

# ---- resources ----------------------------------------------------------------

# bats test_tags=vm
@test "limits: memory, cpu; update" {
	need_controller memory
	need_controller cpu
	run_pod
	start_named box '.linux.resources = {memory_limit_in_bytes: 67108864, cpu_shares: 512, cpu_quota: 50000, cpu_period: 100000}' \
		payload wait
	CG=/$TAG/$BOX
	same "$(cgroup_value memory memory.limit_in_bytes memory.max)" 67108864
	client update --memory 100663296 --cpu-quota 60000 "$BOX"
	ok
	same "$(cgroup_value memory memory.limit_in_bytes memory.max)" 100663296
	[ "$(cgroup_mode)" = v2 ] || same "$(cgroup_value cpu cpu.cfs_quota_us -)" 60000
	# An update must not take the devices away.
	exec_in "$BOX" payload open rw /dev/null
	same "$output" ok
	remove_pod
}

# bats test_tags=vm
@test "an OOM kill is told" {
	need_controller memory
	run_pod
	start_named box '.linux.resources = {memory_limit_in_bytes: 25165824, memory_swap_limit_in_bytes: 25165824}' \
		payload oom 300
	ended_with 137 OOMKilled
	remove_pod
}

@test "an OOM kill of a child only: the container lives" {
	need_controller memory
	run_pod
	start_named box '.linux.resources = {memory_limit_in_bytes: 25165824, memory_swap_limit_in_bytes: 25165824}' \
		payload oom-child 300 + wait
	until_true log_has "child killed KILL"
	box_state_is RUNNING
	remove_pod
}

# bats test_tags=vm
@test "stats of a container and of a pod" {
	need_controller memory
	start_pod payload wait
	has_memory() { [ "$("$CLIENT" stats --output json "$BOX" 3>&- 4>&- |
		jq '.stats[0].memory.workingSetBytes.value | tonumber > 0')" = true ]; }
	until_true has_memory
	client stats "$BOX"
	ok
	says "${BOX:0:13}"
	pod_has_memory() { [ "$("$CLIENT" statsp --output json "$POD" 3>&- 4>&- |
		jq '.stats[0].linux.memory.workingSetBytes.value | tonumber > 0')" = true ]; }
	until_true pod_has_memory
	remove_pod
}

# ---- namespaces and security ----------------------------------------------------

@test "a pod with one pid namespace: its processes see each other" {
	pod_is '.linux.security_context.namespace_options.pid = 0'
	run_pod
	start_named first '.linux.security_context.namespace_options.pid = 0' sleep 300
	start_named second '.linux.security_context.namespace_options.pid = 0' sh -c 'ps; exec payload wait'
	until_true log_has "sleep 300" second
	log_has "payload wait" second
	# The container's own processes end, not those of others.
	client stop --timeout 0 "$first"
	ok
	ended_with 137 Error "$first"
	box_state_is RUNNING "$second"
	client rm "$first"
	ok
	pod_state_is READY
	remove_pod
}

@test "a pod with one pid namespace: a container with children is removed" {
	pod_is '.linux.security_context.namespace_options.pid = 0'
	run_pod
	start_named box '.linux.security_context.namespace_options.pid = 0' sh -c 'sleep 300 & sleep 301 & exec payload wait ready'
	start_named other '.linux.security_context.namespace_options.pid = 0' payload wait
	until_true log_has ready
	client stop --timeout 20 "$box"
	ok
	ended_with 143 Error "$box"
	client rm "$box"
	ok
	gone() { exec_in "$other" ps && [[ $output != *"sleep 30"* ]]; }
	until_true gone
	remove_pod
}

@test "a container in another one's pid namespace" {
	start_pod payload ns + wait
	until_true log_has "pid "
	start_named second ".linux.security_context.namespace_options = {network: 2, pid: 3, target_id: \"$BOX\"}" payload ns + wait
	until_true log_has "pid " second
	same "$(sed -n 's/.*F pid //p' "$DIR/log/second.log")" "$(sed -n 's/.*F pid //p' "$DIR/log/box.log")"
	remove_pod
}

@test "namespaces of the host" {
	pod_is '.linux.security_context.namespace_options |= (.pid = 2 | .ipc = 2)'
	run_pod
	start_named box '.linux.security_context.namespace_options |= (.pid = 2 | .ipc = 2)' payload ns + wait
	until_true log_has "pid "
	log_has "pid $(readlink /proc/self/ns/pid)"
	log_has "ipc $(readlink /proc/self/ns/ipc)"
	log_has "net $(in_network readlink /proc/self/ns/net)"
	remove_pod
}

@test "users, groups, capabilities, read-only root, no new privileges, seccomp" {
	run_pod
	start_named box '.linux.security_context += {run_as_user: {value: 1000}, run_as_group: {value: 2000},
		supplemental_groups: [3000], readonly_rootfs: true, no_new_privs: true, seccomp: {profile_type: 0},
		capabilities: {drop_capabilities: ["ALL"]}}' payload ids + status CapBnd NoNewPrivs Seccomp + create /tmp/x + wait
	until_true log_has EROFS
	output=$(cut -d' ' -f4- "$DIR/log/box.log")
	lines "CapBnd: 0000000000000000" "NoNewPrivs: 1" "Seccomp: 2"
	matches 'uid.* 1000' 'gid.* 2000' '3000'
	remove_pod
}

@test "a privileged pod" {
	pod_is '.linux.security_context.privileged = true'
	run_pod
	start_named box '.linux.security_context.privileged = true' sh -c \
		'mount -t tmpfs none /mnt && echo mounted; test -c /dev/kmsg && echo device; exec payload wait'
	until_true log_has device
	log_has mounted
	exec_in "$BOX" payload status CapEff
	ok
	remove_pod
}

@test "mounts, devices, host name, sysctls" {
	mkdir "$DIR/there"
	echo from-host >"$DIR/there/file"
	pod_is '.hostname = "some-name" | .linux.sysctls = {"kernel.msgmax": "4321"} | del(.linux.security_context.namespace_options)'
	need_network_plugins
	run_pod
	start_named box "del(.linux.security_context) | .devices = [{host_path: \"/dev/kmsg\", container_path: \"/dev/log0\", permissions: \"w\"}]
		| .mounts = [{host_path: \"$DIR/there\", container_path: \"/mnt\", readonly: true}]" \
		payload hostname + cat /proc/sys/kernel/msgmax /mnt/file + open w /mnt/file /dev/log0 + open r /dev/log0 + wait
	until_true log_has EPERM
	output=$(cut -d' ' -f4- "$DIR/log/box.log")
	lines "hostname some-name" 4321 from-host EROFS
	remove_pod
}

# ---- networks -----------------------------------------------------------------

@test "a pod with a network of its own: address, ports, port-forward" {
	local address pid
	need_network_plugins
	pod_is 'del(.linux.security_context.namespace_options)
		| .port_mappings = [{protocol: 0, container_port: 80, host_port: 12080}]'
	run_pod
	start_named box 'del(.linux.security_context)' sh -c 'while :; do echo served | nc -l -p 80; done'
	address=$("$CLIENT" inspectp "$POD" 3>&- 4>&- | jq -r .status.network.ip)
	served() { [ "$(in_network busybox nc -w 5 "$1" "$2" </dev/null)" = served ]; }
	until_true served "$address" 80
	until_true served 127.0.0.1 12080
	"$CLIENT" port-forward "$POD" 12081:80 >"$DIR/forward" 2>&1 </dev/null 3>&- 4>&- &
	pid=$!
	until_true served 127.0.0.1 12081
	kill $pid
	wait $pid || :
	exec_in "$BOX" ip addr show eth0
	says "$address"
	remove_pod
}

# ---- the daemon and the shim end ------------------------------------------------

@test "containerd restarts: the pod lives, ends are seen" {
	local pid
	start_pod payload wait ready
	until_true log_has ready
	start_named other . payload wait-file /go + exit 6
	pid=$(inspect_of .info.pid "$other")
	containerd_end
	touch "/proc/$pid/root/go"
	containerd_start
	crictl_answers() { pod_state_is READY; }
	until_true crictl_answers
	ended_with 6 Error "$other"
	box_state_is RUNNING "$box"
	exec_in "$box" payload print still
	same "$output" still
	one_shim
	client stop --timeout 20 "$box"
	ended_with 143 Error "$box"
	remove_pod
}

@test "the shim is killed: nothing of the pod is left" {
	start_pod payload wait
	kill -9 "$(pod_shims)"
	until_true pod_state_is NOTREADY
	until_true box_state_is EXITED
	client rmp --force "$POD"
	ok
}

# Its pod is in this test's cgroup.
# bats test_tags=vm
@test "the commands of docs/kubernetes.md work" {
	mkdir "$DIR/walk"
	ln -s "$CLIENT" "$DIR/walk/crictl"
	awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on' "$TOP/docs/kubernetes.md" |
		sed "s|\"/web\"|\"/$TAG\"|" >"$DIR/walk/script"
	grep -q crictl "$DIR/walk/script"
	(
		cd "$DIR/walk"
		PATH=$DIR/walk:$PATH image=test.invalid/box:1 timeout -k 5 300 bash -euxo pipefail script
	) >"$DIR/out" 2>&1 </dev/null 3>&- 4>&- || fail "$(<"$DIR/out")"
	read_streams "$DIR/out" /dev/null
	lines sh
	grep -q '"memoryLimitInBytes": "134217728"' "$DIR/out" || fail "the limit was not raised"
	matches ' stdout F ready$'
	same "$(client_list)" ""
}
