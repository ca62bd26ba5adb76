#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The conformance tests of Kubernetes' container runtime interface (critest):
# what passes with containerd's own shim passes with ours. Their images are made
# here, under the names that they have in the registry. A long form: LONG=1.
# vm: no

load container
load containerd
load clients
load go_programs
load images
load daemon
load cri

setup_file()
{
	[ "$LONG" != 0 ] || cannot "a long form: LONG=1"
	need_programs containerd containerd-shim-runc-v2 ctr iptables ipcmk $CNI/bridge
	go_program critest
	[ -z "$WHY_NOT" ] || return 0
	cri_setup_file
	daemon_program critest "$GO_PROGRAM" --runtime-endpoint "unix://$CD/containerd.sock" \
		--image-endpoint "unix://$CD/containerd.sock" --config "$F/crictl.yaml"
	images
	client_mounts >"$F/mounts"
}

# script NAME: for the images, from standard input.
script()
{
	{
		echo '#!/bin/sh'
		cat
	} >"$F/rootfs/bin/$1.new"
	chmod +x "$F/rootfs/bin/$1.new"
	mv "$F/rootfs/bin/$1.new" "$F/rootfs/bin/$1"
}

# What the images are to have: programs that this busybox may not have, web
# servers that look like those, a program that is always root.
images()
{
	local program root=$F/rootfs registry=registry.k8s.io/e2e-test-images staging=gcr.io/k8s-staging-cri-tools
	rm "$root/bin/ls"
	cp "$root/bin/busybox" "$root/bin/ls" # to be masked
	for program in $(busybox --list); do
		[ -e "$root/bin/$program" ] || ln -s busybox "$root/bin/$program"
	done
	echo '<p>main page' >"$root/mnt/index.html"
	mkdir -p "$root/var/run"
	cp "$PAYLOAD" "$root/bin/nginx"
	cp "$PAYLOAD" "$root/bin/as-root"
	chmod u+s "$root/bin/as-root"
	script serve <<-'SH'
	echo "httpd -D FOREGROUND"
	httpd -p "$1" -h /mnt
	echo $$ >/var/run/nginx.pid
	exec nginx wait "master process"
	SH
	script tell-user <<-'SH'
	set -- $(as-root ids)
	echo "Effective uid: $3"
	SH
	script ipcs <<<'cat /proc/sysvipc/shm'
	script pgrep <<<'grep -lx "$1" /proc/[0-9]*/comm'
	printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534::/:/bin/sh \
		default-user:x:1000:1000::/home/user:/bin/sh >"$root/etc/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: group-defined-in-image:x:50000:default-user >"$root/etc/group"
	image_load k8s.io "$root" test.invalid/pause:1 '{"Entrypoint": ["/bin/payload", "wait"], "Cmd": null}' \
		$registry/busybox:1.29-2 '{}' $registry/httpd:2.4.39-4 '{"Cmd": ["serve", "80"]}' \
		$registry/nginx:1.14-2 '{"Cmd": ["serve", "80"]}' $registry/nonewprivs:1.3 '{"Cmd": ["tell-user"]}' \
		$staging/hostnet-nginx-amd64:latest '{"Cmd": ["serve", "12003"]}' \
		$staging/test-image-predefined-group:latest '{"User": "1000"}'
}

teardown_file()
{
	[ -z "$WHY_NOT" ] || return 0
	cri_teardown_file
}

setup()
{
	needs_are_met
	client_setup critest
	daemon_log_mark
}

teardown()
{
	[ -z "$WHY_NOT" ] || return 0
	[ -n "$BATS_TEST_COMPLETED" ] || daemon_complaints
	client_teardown
}

client_list()
{
	ctr task ls -q
}

client_remove_all()
{
	local id
	for id in $(client_list); do
		ctr task kill -s KILL "$id"
		ctr task rm --force "$id"
		ctr container rm "$id"
	done
}

client_leftovers_of_critest()
{
	local name
	daemon_leftovers
	for name in $(daemon_created); do
		find /sys/fs/cgroup -type d -name "${name#*/}" | sed 's/^/cgroup: /'
	done
}

# run_suite HANDLER: the results, a line each, in $DIR/HANDLER.
run_suite()
{
	TMPDIR=$DIR/tmp timeout 1500 critest --runtime-handler "$1" --ginkgo.junit-report "$DIR/report-$1" \
		--ginkgo.skip "Image Manager" --ginkgo.seed 1 >"$DIR/critest-$1.log" 2>&1 </dev/null 3>&- 4>&- || :
	"$PYTHON" -ES - "$DIR/report-$1" <<-'PY' | sort >"$DIR/$1"
import sys, xml.etree.ElementTree as tree
for case in tree.parse(sys.argv[1]).iter("testcase"):
    if case.get("name").startswith("[It]"):
        print(case.get("status"), case.get("name"))
PY
}

@test "critest: what passes with the reference passes with our shim" {
	run_suite tested
	run_suite reference
	echo "# reference: $(grep -c ^passed "$DIR/reference") passed; ours: $(grep -c ^passed "$DIR/tested")" >&3
	[ "$(grep -c ^passed "$DIR/reference")" -gt 60 ] || {
		tail -n 50 "$DIR/critest-reference.log"
		return 1
	}
	comm -23 <(grep ^passed "$DIR/reference") "$DIR/tested" >"$DIR/worse"
	[ ! -s "$DIR/worse" ] || {
		cat "$DIR/worse"
		sed -e 's/\x1b\[[0-9;]*m//g' "$DIR/critest-tested.log" | grep -A 12 '^  \[FAILED\] [^i]' | cut -c-300
		return 1
	}
	rm -rf "$DIR"/tmp/*
}
