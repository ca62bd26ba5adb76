#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --systemd-cgroup where systemd is process 1, and cgroup v2 all there is.
# vm: systemd
# LONG=1 for all of it: programs are slow there.

load container
load shim_client.bash

setup()
{
	container_setup
	is_ours || skip "the names and properties are ours"
	UNIT=box-$TAG.scope CG=/system.slice/$UNIT
	config '.linux.cgroupsPath = "system.slice:box:\($t)"' --arg t "$TAG"
}

teardown()
{
	container_teardown
	# Also a unit without processes would be a leftover.
	[ -z "$(units)" ] || {
		echo "units left: $(units)"
		return 1
	}
}

units()
{
	systemctl list-units --all --plain --no-legend "*$TAG*"
}

property()
{
	systemctl show --property "$1" --value "${2:-$UNIT}"
}

# One call of systemctl for several: they are slow here.
properties_are()
{
	local wanted=("$@") names
	names=$(printf '%s,' "${@%%=*}")
	same "$(systemctl show --property "${names%,}" "$UNIT" | sort)" "$(printf '%s\n' "${wanted[@]}" | sort)"
}

resources()
{
	config '.linux.resources *= $r' --argjson r "$1"
}

start_scope()
{
	payload "${@:-wait}"
	launch -s run --detach --bundle "$B" "$ID"
	ok
}

# bats test_tags=vm
@test "a scope with its names, properties and limits; exec, update, delete" {
	local slice=rbt${TAG//[^0-9]/}
	CG=/$slice.slice/$slice-b.slice/$UNIT
	config '.linux.cgroupsPath = "\($s)-b.slice:box:\($t)" | .linux.namespaces += [{"type": "cgroup"}]
		| .annotations["org.systemd.property.TimeoutStopSec"] = "7"
		| .annotations["org.systemd.property.Description"] = "\u0027of \($t)\u0027"' \
		--arg s "$slice" --arg t "$TAG"
	resources '{"memory": {"limit": 50003968, "reservation": 20000768}, "pids": {"limit": 77},
		"cpu": {"quota": 50000, "period": 100000, "shares": 512, "cpus": "0"},
		"unified": {"memory.high": "40005632", "memory.oom.group": "1"}}'
	payload cat /proc/self/cgroup + wait
	launch --cgroup-manager systemd run --detach --bundle "$B" "$ID"
	ok
	properties_are "ControlGroup=$CG" "Slice=$slice-b.slice" ActiveState=active Delegate=yes \
		CollectMode=inactive-or-failed MemoryMax=50003968 MemoryLow=20000768 MemoryHigh=40005632 \
		TasksMax=77 CPUQuotaPerSecUSec=500ms CPUQuotaPeriodUSec=100ms CPUWeight=59 AllowedCPUs=0 \
		DevicePolicy=strict TimeoutStopUSec=7s "Description=of $TAG"
	local dir=/sys/fs/cgroup$CG/container
	limits()
	{
		echo "$(<"$dir/memory.max") $(<"$dir/memory.high") $(<"$dir/pids.max") $(<"$dir/cpu.max")" \
			"$(<"$dir/cpu.weight") $(<"$dir/cpuset.cpus") $(<"$dir/memory.oom.group")"
	}
	same "$(limits)" "50003968 40005632 77 50000 100000 59 0 1"
	same "$(<"$dir/cgroup.procs")" "$(init_pid)"
	# That is its root, and an exec is there, too.
	wait_output 0::/
	try exec "$ID" payload cat /proc/self/cgroup + open rw /dev/null
	ok
	lines 0::/ ok
	try update --memory 60006400 --cpu-quota 20000 --pids-limit 88 "$ID"
	ok
	properties_are MemoryMax=60006400 CPUQuotaPerSecUSec=200ms TasksMax=88 MemoryHigh=40005632
	same "$(limits)" "60006400 40005632 88 20000 100000 59 0 1"
	# systemd writes what it knows again, and what it does not know as it likes it, into its own.
	systemctl daemon-reload
	same "$(limits)" "60006400 40005632 88 20000 100000 59 0 1"
	try pause "$ID"
	ok
	same "$(container_status)" paused
	try resume "$ID"
	ok
	try delete --force "$ID"
	ok
	[ ! -e "/sys/fs/cgroup$CG" ] || fail "the directory is left"
	same "$(units)" ""
	systemctl stop "$slice.slice"
}

# bats test_tags=vm
@test "the limit on tasks counts from the first process on; the default path" {
	config 'del(.linux.cgroupsPath)'
	resources '{"pids": {"limit": 1}}'
	payload cat /proc/self/cgroup
	try -s run --bundle "$B" "$ID"
	ok
	lines "0::/system.slice/rustbox-$ID.scope/container"
}

@test "what is wrong is said, and leaves nothing" {
	local how
	config '.annotations["org.systemd.property.Valid"] = "no-value"'
	try -s run --bundle "$B" "$ID"
	error_names org.systemd.property.Valid "a value is wanted"
	config '.annotations = {"org.systemd.property.NoSuchThing": "true"}'
	try -s run --bundle "$B" "$ID"
	error_names NoSuchThing "$UNIT"
	config 'del(.annotations)'
	for how in "/a/path:SLICE:PREFIX:NAME" "a:b:c|.slice" "a--b.slice:x:y|empty part"; do
		[[ $how == *"|"* ]] || how=${how/:/|}
		config '.linux.cgroupsPath = $p' --arg p "${how%|*}"
		try -s run --bundle "$B" "$ID"
		error_names "${how#*|}"
	done
	# The helper is part of the program.
	mkdir "$DIR/alone"
	cp "$RUNTIME" "$DIR/alone/rustbox-runtime"
	config '.linux.cgroupsPath = "system.slice:box:\($t)"' --arg t "$TAG"
	RUNTIME=$DIR/alone/rustbox-runtime try -s run --bundle "$B" "$ID"
	error_names rustbox-systemd "$DIR/alone" cgroupfs
	same "$(ls "$ROOT")" ""
}

# bats test_tags=vm
@test "somebody else's unit of the same name is left alone" {
	systemd-run --quiet --scope --unit "$UNIT" sleep 1000 3>&- 4>&- &
	until_true systemctl --quiet is-active "$UNIT"
	payload wait
	try -s create --bundle "$B" "$ID"
	error_names "$UNIT" "deleted first"
	try delete --force "$ID"
	ok
	same "$(property ActiveState)" active
	systemctl kill --signal=KILL "$UNIT"
	wait || :
}

# bats test_tags=vm
@test "a scope that systemctl stops: the container is stopped, and can be deleted" {
	config '.annotations["org.systemd.property.TimeoutStopUSec"] = "uint64 100000"'
	start_scope
	systemctl stop "$UNIT"
	wait_status stopped
	same "$(units)" ""
	try delete "$ID"
	ok
}

# bats test_tags=vm
@test "after an out-of-memory kill no failed unit is left" {
	resources '{"memory": {"limit": 20000768, "swap": 20000768}}'
	start_scope oom 200
	wait_status stopped
	until_true test ! -e "/sys/fs/cgroup$CG"
	try delete "$ID"
	ok
	# At once: the name is free.
	payload wait
	config 'del(.linux.resources.memory)'
	launch -s run --detach --bundle "$B" "$ID"
	ok
}

@test "another subgroup, and none" {
	config '.annotations["run.oci.systemd.subgroup"] = "inner"'
	resources '{"memory": {"limit": 50003968}}'
	payload cat /proc/self/cgroup
	try -s run --bundle "$B" "$ID"
	ok
	lines "0::$CG/inner"
	config '.annotations["run.oci.systemd.subgroup"] = ""'
	start_scope cat /proc/self/cgroup + wait
	wait_output "0::$CG"
	same "$(<"/sys/fs/cgroup$CG/cgroup.procs")" "$(init_pid)"
	try update --memory 60006400 "$ID"
	ok
	same "$(property MemoryMax) $(<"/sys/fs/cgroup$CG/memory.max")" "60006400 60006400"
}

@test "run.oci.systemd.force_cgroup_v1: a group beside the scope, which goes with it" {
	local v1=$DIR/v1
	mkdir "$v1"
	mount -t cgroup -o none,name=systemd cgroup "$v1"
	config '.linux.namespaces += [{type: "cgroup"}] | .annotations["run.oci.systemd.force_cgroup_v1"] = "/sys/fs/cgroup"
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"]}]'
	resources '{"memory": {"limit": 50003968}}'
	start_scope cat /proc/self/cgroup + stat /sys/fs/cgroup/systemd/cgroup.procs + print ready + wait
	wait_output ready
	container_output
	lines 1:name=systemd:/
	same "$(find "$v1" -mindepth 2 -name cgroup.procs -exec cat {} +)" "$(init_pid)"
	same "$(<"/sys/fs/cgroup$CG/memory.max")" 50003968
	try delete --force "$ID"
	ok
	same "$(find "$v1" -mindepth 1 -type d)" ""
	umount "$v1"
}

@test "delegated: the container's root stays, its process is below" {
	config '.annotations["run.oci.delegate-cgroup"] = "payload" | .linux.namespaces += [{"type": "cgroup"}]'
	start_scope cat /proc/self/cgroup + wait
	wait_output 0::/payload
	same "$(<"/sys/fs/cgroup$CG/container/payload/cgroup.procs")" "$(init_pid)"
}

@test "create, killed at random moments, leaves nothing that delete does not remove" {
	local i time rounds=2
	[ "$LONG" != 1 ] || rounds=60
	payload create /ran
	time=${EPOCHREALTIME/./}
	launch -s create --bundle "$B" "$ID"
	ok
	time=$((${EPOCHREALTIME/./} - time))
	try delete --force "$ID"
	ok
	for ((i = 0; i < rounds; i++)); do
		"$PYTHON" -ES "$HERE/peer.py" killed-after $((RANDOM * time / 32768)) "$RUNTIME" --root "$ROOT" \
			-s create --bundle "$B" "$ID" 3>&- 4>&-
		try delete --force "$ID"
		ok
		# A scope that came too late goes with its process, which has lost the runtime.
		until_true no_unit
		assert_nothing_left
		[ ! -e "$B/rootfs/ran" ] || fail "the payload has run"
	done
}

no_unit()
{
	[ -z "$(units)" ]
}

@test "checkpoint and restore: a scope of the same name, with its limits and properties" {
	local why container
	command -v criu >/dev/null || skip "criu is not installed"
	why=$(criu check 2>&1) || skip "criu check: $(tail -n 1 <<<"$why")"
	resources '{"memory": {"limit": 50003968}, "pids": {"limit": 1}, "cpu": {"shares": 512}}'
	config '.annotations["org.systemd.property.TimeoutStopSec"] = "7"
		| .annotations["org.systemd.property.CPUWeight"] = "uint64 77" | .linux.namespaces += [{"type": "cgroup"}]'
	start_scope print ready + wait
	wait_output ready
	try checkpoint --image-path "$DIR/images" "$ID"
	ok
	same "$(units)" ""
	launch -s restore --detach --image-path "$DIR/images" --bundle "$B" "$ID"
	ok
	properties_are "ControlGroup=$CG" ActiveState=active Delegate=yes MemoryMax=50003968 TasksMax=1 \
		CPUWeight=77 DevicePolicy=strict TimeoutStopUSec=7s
	container=/sys/fs/cgroup$CG/container
	same "$(<"$container/memory.max") $(<"$container/pids.max") $(<"$container/cpu.weight")" "50003968 1 59"
	# No process of ours keeps it.
	same "$(cat "$container/cgroup.procs" "/sys/fs/cgroup$CG/cgroup.procs")" "$(init_pid)"
	systemctl daemon-reload
	same "$(<"$container/memory.max")" 50003968
	try update --pids-limit 20 "$ID"
	ok
	try exec "$ID" payload cat /proc/self/cgroup + open rw /dev/null
	ok
	lines 0::/ ok
	try delete --force "$ID"
	ok
	same "$(units)" ""
	# Its name is somebody else's now.
	systemd-run --quiet --scope --unit "$UNIT" sleep 1000 3>&- 4>&- &
	until_true systemctl --quiet is-active "$UNIT"
	try -s restore --detach --image-path "$DIR/images" --bundle "$B" "$ID"
	error_names "$UNIT" "deleted first"
	same "$(ls "$ROOT")" ""
	same "$(property ActiveState)" active
	systemctl kill --signal=KILL "$UNIT"
	wait || :
}

# bats test_tags=vm
@test "the shim: SystemdCgroup, and without it a path that only systemd can mean" {
	SHIM=${RUSTBOX_BUILD:-$TOP/build/release}/containerd-shim-rustbox-v1
	export SHIM SHIM_RUNTIME=io.containerd.rustbox.v1
	mkdir "$ROOT"
	python <<-'PY'
	def state(unit):
	    return subprocess.run(["systemctl", "show", "--property", "ActiveState", "--value", unit],
	                          capture_output=True, text=True).stdout.strip()
	for name, given in ("a", True), ("b", False):
	    shim = Shim("-" + name)
	    unit = f"box-{shim.id}.scope"
	    shim.config(lambda config: {**config, "linux": {**config["linux"], "cgroupsPath": f":box:{shim.id}"}})
	    shim.start()
	    shim.command("wait").create(options=runc_options(root=ROOT, systemd_cgroup=given))
	    pid = shim.go()
	    assert state(unit) == "active"
	    assert open(f"/proc/{pid}/cgroup").read() == f"0::/system.slice/{unit}/container\n"
	    assert shim.stats().stats.data(2)
	    shim.finish()
	    assert state(unit) == "inactive"
	PY
	rmdir "$ROOT/ns-$TAG" /run/containerd/rustbox/"ns-$TAG" 2>/dev/null || :
}

# as_user COMMAND...: with a session's environment, from a cgroup outside of the user's.
as_user()
{
	status=0
	env -i PATH="$PATH" HOME="$DIR" USER=ordinary RUSTBOX_TEST_TAG="$TAG" XDG_RUNTIME_DIR=/run/user/54321 \
		setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all \
		timeout -k 5 60 "$@" >"$DIR/user.out" 2>"$DIR/user.err" </dev/null 3>&- 4>&- || status=$?
	read_streams "$DIR/user.out" "$DIR/user.err"
}

@test "a user's containers are the user's manager's, with limits; exec from outside, update" {
	local dir=$B cg
	grep -q ^ordinary: /etc/passwd || {
		echo 'ordinary:x:54321:54321::/:/bin/sh' >>/etc/passwd
		echo 'ordinary:x:54321:' >>/etc/group
		echo 'ordinary:*:19000:0:99999:7:::' >>/etc/shadow
	}
	systemctl start user@54321.service
	until [ "$dir" = "${BATS_RUN_TMPDIR%/*}" ] || [ "$dir" = / ]; do
		chmod a+x "$dir"
		dir=${dir%/*}
	done
	programs_for_users
	payload wait
	config '.linux.cgroupsPath = ":box:\($t)" | del(.linux.resources.devices)
		| .linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 54321, "size": 1}] | .linux.gidMappings = .linux.uidMappings
		| (.mounts[] | select(.destination == "/dev/pts").options) -= ["gid=5"]' --arg t "$TAG"
	resources '{"memory": {"limit": 50003968}, "pids": {"limit": 50}}'
	mkdir "$ROOT"
	chown -R 54321:54321 "$B" "$ROOT"
	as_user "$RUNTIME" --root "$ROOT" -s run --detach --bundle "$B" "$ID"
	ok
	as_user systemctl --user show --property ControlGroup --value "$UNIT"
	cg=/sys/fs/cgroup$output/container
	[[ $cg == */user@54321.service/user.slice/$UNIT/container ]] || fail "$cg"
	same "$(<"$cg/memory.max") $(<"$cg/pids.max") $(<"$cg/cgroup.procs")" "50003968 50 $(init_pid)"
	as_user "$RUNTIME" --root "$ROOT" exec --detach "$ID" payload wait
	ok
	same "$(wc -l <"$cg/cgroup.procs")" 2
	as_user "$RUNTIME" --root "$ROOT" update --memory 60006400 "$ID"
	ok
	same "$(<"$cg/memory.max")" 60006400
	as_user "$RUNTIME" --root "$ROOT" delete --force "$ID"
	ok
	[ ! -e "${cg%/container}" ] || fail "the scope is left"
	systemctl stop user@54321.service
}

@test "podman --cgroup-manager systemd: run with limits, exec, rm" {
	type -P podman >/dev/null || skip "podman is not installed"
	mkdir "$DIR/p"
	tar -C "$B/rootfs" -cf "$DIR/p/image.tar" .
	cat >"$DIR/p/containers.conf" <<-CONF
	[containers]
	default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
	netns = "none"
	log_driver = "k8s-file"
	[engine]
	events_logger = "file"
	lock_type = "file"
	CONF
	printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' "$DIR/p/graph" "$DIR/p/run" >"$DIR/p/storage.conf"
	export CONTAINERS_CONF=$DIR/p/containers.conf CONTAINERS_STORAGE_CONF=$DIR/p/storage.conf
	pod()
	{
		status=0
		timeout -k 5 100 podman --tmpdir "$DIR/p/tmp" --runtime "$RUNTIME" --cgroup-manager systemd "$@" \
			>"$DIR/pod.out" 2>"$DIR/pod.err" </dev/null 3>&- 4>&- || status=$?
		read_streams "$DIR/pod.out" "$DIR/pod.err"
	}
	pod import "$DIR/p/image.tar" box
	ok
	pod run --detach --env RUSTBOX_TEST_TAG="$TAG" --memory 64m --pids-limit 60 --name one box payload wait
	ok
	local unit=libpod-$output.scope
	same "$(property MemoryMax "$unit") $(property TasksMax "$unit") $(property Slice "$unit")" "67108864 60 machine.slice"
	pod exec one payload print hello
	lines hello
	pod rm --force --time 0 one
	ok
	same "$(property LoadState "$unit")" not-found
	rm -rf "$DIR/p"
}
