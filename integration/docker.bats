#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The docker engine with our runtime (dockerd --add-runtime): a daemon of the
# file's own, with a containerd (a machine's dockerd does not start its own either),
# without a network, with its state below the file's folder.
# vm: long

load container
load containerd
load clients

setup_file()
{
	local docker
	client_setup_file
	: >"$F/mounts"
	docker=$(client_path docker) && command -v dockerd >/dev/null || return 0
	client_program docker <<-SCRIPT
	#!/bin/sh
	export DOCKER_HOST=unix://$F/docker.sock DOCKER_CONFIG=$F/docker DOCKER_BUILDKIT=0
	exec $docker "\$@"
	SCRIPT
	export CD=$F/containerd CONTAINERD_NAMESPACE=moby
	mkdir "$CD"
	containerd_config >"$CD/config.toml"
	containerd_start
	echo '{}' >"$F/docker.json"
	# Limits that an engine without CAP_SYS_RESOURCE can set.
	dockerd --config-file "$F/docker.json" --containerd "$CD/containerd.sock" --data-root "$F/data" --exec-root "$F/exec" \
		--pidfile "$F/dockerd.pid" --host "unix://$F/docker.sock" \
		--iptables=false --ip6tables=false --bridge=none --storage-driver vfs \
		--exec-opt native.cgroupdriver=cgroupfs --default-ulimit nofile=1024:4096 \
		--add-runtime "tested=$RUNTIME" --default-runtime tested \
		>"$F/dockerd.log" 2>&1 </dev/null 3>&- 4>&- &
	answers() { "$F/bin/docker" version 3>&- 4>&- >/dev/null 2>&1; }
	until_true answers || {
		tail "$F/dockerd.log" >&2
		return 1
	}
	"$F/bin/docker" import "$F/image.tar" box >/dev/null
	# It mounts the host's network namespace at the first use of it.
	"$F/bin/docker" run --rm --network host box true
	client_mounts >"$F/mounts"
}

teardown_file()
{
	local pid left
	if [ -f "$F/dockerd.pid" ]; then
		pid=$(<"$F/dockerd.pid")
		kill "$pid"
		gone() { [ ! -d "/proc/$pid" ]; }
		until_true gone || kill -9 "$pid"
	fi
	containerd_teardown_file
	client_mounts | tac | while read -r path; do
		umount -l "$path"
	done
	left=$(shims)
	[ -z "$left" ] || {
		echo "left: $left" >&2
		return 1
	}
}

shims()
{
	local path
	grep -lsaF "$CD/containerd.sock" /proc/[0-9]*/cmdline | while read -r path; do
		! grep -qsaF containerd-shim "$path" || echo "shim: $(tr '\0' ' ' <"$path")"
	done
}

setup()
{
	client_setup docker
}

# The daemon's shims and its runtime's state, besides.
client_leftovers_of_docker()
{
	shims
	find "$F/exec" "$CD/state" '(' -path '*/runtime-*/moby/*' -o -path '*/io.containerd.runtime.v2.task/moby/*' ')' \
		-prune -print 2>/dev/null | sed 's/^/state: /'
}

teardown()
{
	client_teardown
}

# bats test_tags=vm
@test "docker run: output, environment, folder, entry point, host name" { test_run; }
@test "docker run: exit codes, 125, 126, 127" { test_exit_codes; }
@test "docker kill, stop, wait: signals and exit codes" { test_signals; }
@test "docker run: standard input, much output" { test_stdin; }
@test "docker run: a terminal" { test_tty; }
@test "docker create, start --attach, attach" { test_create; }
@test "docker run: its own signals reach the container" { test_signal_proxy; }
@test "docker run: several at once" { test_parallel; }
# bats test_tags=vm
@test "docker run, update: memory, pids and cpu limits" { test_limits; }
# bats test_tags=vm
@test "docker inspect tells an OOM kill" { test_oom told; }
@test "docker run: users and groups" { test_user; }
@test "docker run: capabilities, no-new-privileges" { test_capabilities; }
@test "docker run: seccomp profiles" { test_seccomp; }
@test "docker run: volumes and tmpfs" { test_volumes; }
# bats test_tags=vm
@test "docker run: devices" { test_devices; }
@test "docker run: sysctls" { test_sysctl; }
@test "docker run: rlimits, oom_score_adj, size of shm" { test_rlimits; }
@test "docker run: namespaces of another container and of the host" { test_namespaces; }
@test "docker exec in all forms" { test_exec 126; }
@test "docker exec --privileged" { test_exec_privileged; }
@test "docker top" { test_top; }
@test "docker pause, unpause, rm --force of a paused one" { test_pause; }
@test "docker stats" { test_stats; }
@test "docker restart, restart policy, rm --force" { test_restart; }
@test "docker logs" { test_logs; }
@test "docker run --read-only" { test_read_only; }
@test "docker cp" { test_copy; }

@test "docker run --init" {
	command -v docker-init >/dev/null || skip "there is no docker-init"
	test_init
}

@test "docker health checks by exec" {
	start_box --health-cmd 'test -e /healthy' --health-interval 0.2s --health-retries 1 box payload wait
	health_is() { [ "$(inspect_box '{{.State.Health.Status}}')" = "$1" ]; }
	until_true health_is unhealthy
	exec_box touch /healthy
	until_true health_is healthy
}

@test "docker build runs its steps" {
	mkdir "$DIR/context"
	echo copied >"$DIR/context/file"
	cat >"$DIR/context/Dockerfile" <<-DOCKERFILE
	FROM box
	ENV A=1
	COPY file /opt/file
	WORKDIR /home/user
	RUN echo "\$A \$PWD \$(cat /opt/file)" >/made
	USER user
	CMD ["cat", "/made"]
	DOCKERFILE
	client build --network none --force-rm --cgroup-parent "/$TAG" --tag "$TAG" "$DIR/context"
	ok
	run_box "$TAG"
	ok
	same "$output" "1 /home/user copied"
	run_box "$TAG" id -u
	same "$output" 1000
	echo 'RUN exit 5' >>"$DIR/context/Dockerfile"
	client build --network none --force-rm --cgroup-parent "/$TAG" "$DIR/context"
	fails
	[[ $error$output == *"returned a non-zero code: 5"* ]] || fail "no code 5"
	client rmi --force "$TAG"
	ok
}

@test "docker inspect agrees with the machine, and notices a kill from outside" {
	local pid
	start_box --pids-limit 50 box payload wait
	pid=$(inspect_box '{{.State.Pid}}')
	same "$(cat "/proc/$pid/comm")" payload
	same "$(inspect_box '{{.HostConfig.Runtime}}')" tested
	kill -9 "$pid"
	until_true box_is exited
	same "$(inspect_box '{{.State.ExitCode}}')" 137
}
