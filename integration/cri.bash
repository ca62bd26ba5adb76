# SPDX-License-Identifier: Apache-2.0
# What cri.bats and critest.bats share, after containerd.bash and daemon.bash: a
# containerd with Kubernetes' interface, and our shim as the runtime handler
# "tested" and as the default.
# shellcheck shell=bash

CNI=/usr/lib/cni
F=${BATS_FILE_TMPDIR-}

cri_setup_file()
{
	local program
	daemon_own_network
	export CD=$F/containerd CONTAINERD_NAMESPACE=k8s.io
	mkdir -p "$CD" "$F/cni"
	make_rootfs "$F/rootfs"
	mkdir "$F/rootfs/run"
	for program in chmod chown cut find httpd ip ipcmk ipcs md5sum nc nproc seq sync tr yes; do
		ln -sf busybox "$F/rootfs/bin/$program"
	done
	cri_network >"$F/cni/10-bridge.conflist"
	cri_config >"$CD/config.toml"
	containerd_start
	daemon_watch
	cat >"$F/crictl.yaml" <<-YAML
	runtime-endpoint: unix://$CD/containerd.sock
	image-endpoint: unix://$CD/containerd.sock
	timeout: 100
	YAML
}

cri_teardown_file()
{
	daemon_watch_end
	containerd_teardown_file
	daemon_own_network_end
	rm -rf "/var/lib/cni/networks/rbt$$" "$F/rootfs"
}

# A score below its own needs CAP_SYS_RESOURCE, which not every root has.
cri_config()
{
	cat <<-TOML
	version = 2
	root = "$CD/root"
	state = "$CD/state"
	disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs",
		"io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
		"io.containerd.snapshotter.v1.devmapper"]
	[grpc]
	  address = "$CD/containerd.sock"
	[ttrpc]
	  address = "$CD/containerd.sock.ttrpc"
	[debug]
	  address = "$CD/debug.sock"
	[plugins."io.containerd.grpc.v1.cri"]
	  sandbox_image = "test.invalid/pause:1"
	  restrict_oom_score_adj = true
	  netns_mounts_under_state_dir = true
	  stats_collect_period = 1
	[plugins."io.containerd.grpc.v1.cri".cni]
	  bin_dir = "$CNI"
	  conf_dir = "$F/cni"
	[plugins."io.containerd.grpc.v1.cri".containerd]
	  default_runtime_name = "tested"
	[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested]
	  runtime_type = "$SHIM_RUNTIME"
	[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.rustbox]
	  runtime_type = "$SHIM_RUNTIME"
	[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.reference]
	  runtime_type = "io.containerd.runc.v2"
	TOML
}

cri_network()
{
	cat <<-JSON
	{"cniVersion": "0.4.0", "name": "rbt$$", "plugins": [
	  {"type": "bridge", "bridge": "rbt0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
	   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.214.0.0/16"}]],
	            "routes": [{"dst": "0.0.0.0/0"}]}},
	  {"type": "portmap", "capabilities": {"portMappings": true}}]}
	JSON
}

need_network_plugins()
{
	[ -x $CNI/bridge ] || skip "there are no network plugins in $CNI"
	command -v iptables >/dev/null || skip "iptables is not installed"
}
