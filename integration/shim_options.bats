#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the options that clients give a shim do, looked at from outside: its
# cgroup, its scheduling, the owner of the streams.
# vm: yes

load container
load shim_client.bash

RELEASE=${RUSTBOX_BUILD:-$TOP/build/release}

setup_file()
{
	export SHIM=$RELEASE/containerd-shim-rustbox-v1
	[ -x "$SHIM" ] || {
		echo "there is no shim (make)" >&2
		return 1
	}
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
}

setup()
{
	container_setup
	mkdir "$ROOT"
}

teardown()
{
	rmdir "$ROOT/ns-$TAG" 2>/dev/null || :
	container_teardown
}

# bats test_tags=vm
@test "shim_cgroup: the server is in it, in every hierarchy that has it, its containers are not" {
	python <<-'PY'
	import glob
	name = f"shim-{TAG}"
	v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
	folders = [f"/sys/fs/cgroup/{name}"] if v2 else [
	    f"{top}/{name}" for top in glob.glob("/sys/fs/cgroup/*") if not os.path.islink(top) and os.path.exists(f"{top}/cgroup.procs")]
	for folder in folders:
	    os.mkdir(folder)
	    for limit in ("cpuset.cpus", "cpuset.mems"): # v1: empty, which takes no process
	        if not v2 and os.path.exists(f"{folder}/{limit}"):
	            open(f"{folder}/{limit}", "w").write(open(f"{folder}/../{limit}").read())
	try:
	    shim = Shim().start(given=encode(runc_options(root=ROOT, shim_cgroup=f"/{name}")))
	    for line in open(f"/proc/{shim.pid}/cgroup"):
	        assert line.rstrip().endswith(f"/{name}"), line
	    pid = shim.run("wait")
	    for line in open(f"/proc/{pid}/cgroup"):
	        assert name not in line, line
	    shim.finish()
	finally:
	    eventually(lambda: not any(open(f"{folder}/cgroup.procs").read() for folder in folders), "empty cgroups")
	    for folder in folders:
	        os.rmdir(folder)
	# One that is not there is an error, and nothing stays.
	shutil.rmtree(DIR / "bundles")
	shim = Shim()
	done = shim.action(*shim.flags(), "start", given=encode(runc_options(root=ROOT, shim_cgroup=f"/{name}")))
	assert done.returncode != 0 and name.encode() in done.stderr, done
	PY
}

# Debian's kernels do not have it: vm/README.md has what this needs to see one.
@test "SCHED_CORE: a cookie of the pod's own, or an error that says what is missing" {
	python <<-'PY'
	import ctypes
	libc = ctypes.CDLL(None)
	def cookie(pid):
	    value = ctypes.c_ulong(0)
	    return value.value if libc.prctl(62, 0, pid, 0, ctypes.byref(value)) == 0 else None
	def pod_member(name, group):
	    shim = Shim(name, group=f"{TAG}-{group}")
	    shim.environment["SCHED_CORE"] = "1"
	    return shim
	first = pod_member("-a", "pod")
	if cookie(0) is None:
	    done = first.action(*first.flags(), "start")
	    assert done.returncode != 0 and b"CONFIG_SCHED_CORE" in done.stderr, done
	    assert not os.path.exists(socket_path(first.group))
	    raise SystemExit
	before = cookie(0)
	first.start().run("wait")
	second = pod_member("-b", "pod").start()
	second.run("wait")
	other = pod_member("-c", "other").start()
	other.run("wait")
	own = cookie(first.pid)
	assert own and own != before, (own, before)
	assert cookie(first.init_pid()) == cookie(second.init_pid()) == own
	assert cookie(other.init_pid()) == cookie(other.pid) not in (0, own)
	assert cookie(0) == before, "who starts a shim has got its cookie"
	first.finish(shutdown=False)
	second.finish()
	other.finish()
	PY
}

# The runtime gives them to the container's user (root here), and leaves the group.
@test "io_uid and io_gid: the streams' pipes are theirs" {
	python <<-'PY'
	shim = Shim().start()
	out, err = Fifo("out").open(), Fifo("err").open()
	pid = shim.run("wait", options=runc_options(root=ROOT, io_uid=1234, io_gid=5678), stdout=out.path, stderr=err.path)
	for fd in (1, 2):
	    found = os.stat(f"/proc/{pid}/fd/{fd}")
	    assert stat.S_ISFIFO(found.st_mode) and (found.st_uid, found.st_gid) == (0, 5678), found
	shim.finish()
	PY
}

@test "memory of an idle shim: what a large config.json needs is given back" {
	python <<-'PY'
	def private(shim):
	    with open(f"/proc/{shim.pid}/smaps_rollup", encoding="ascii") as file:
	        return sum(int(line.split()[1]) for line in file if line.startswith("Private_Dirty:"))
	small, large = Shim("-small"), Shim("-large")
	# As large as it can be and not be a mapping of its own, which is given back anyway.
	large.config(lambda config: {**config, "annotations": {f"key{i}": "x" * 100 for i in range(500)}})
	small.run("wait")
	large.run("wait")
	print(private(small), private(large))
	assert private(large) <= private(small) + 16, "KiB"
	small.finish()
	large.finish()
	PY
}

@test "memory of an idle shim: pages of its program are mapped when they are used" {
	python <<-'PY'
	import time
	def pss(shim):
	    with open(f"/proc/{shim.pid}/smaps_rollup", encoding="ascii") as file:
	        return sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
	shim = Shim("-idle")
	shim.run("wait")
	before = pss(shim)
	deadline = time.monotonic() + 100
	while pss(shim) >= 700 and time.monotonic() < deadline:
	    time.sleep(0.1)
	print(before, pss(shim))
	assert pss(shim) < 700, "KiB"
	assert before > pss(shim), "KiB"
	# All of it still works.
	shim.finish()
	PY
}
