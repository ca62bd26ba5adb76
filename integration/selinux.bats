#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# SELinux labels of processes and mounts, under a policy of the test's own. Only in
# the virtual machine, whose kernel can be started with it, and with secilc:
#
#   integration/vm/vm-run --append security=selinux -- env RUSTBOX_IN_VM=1 bats integration/selinux.bats
#
# vm: no

load container

setup()
{
	[ -n "${RUSTBOX_IN_VM-}" ] && [ -d /sys/fs/selinux ] ||
		skip "needs integration/vm/vm-run --append security=selinux"
	command -v secilc >/dev/null || skip "there is no secilc"
	container_setup
	mountpoint -q /sys/fs/selinux || load_policy
	config '.process.selinuxLabel = "u:r:box_t" | .linux.mountLabel = "u:r:box_file_t"
		| .mounts += [{destination: "/data", type: "tmpfs", source: "tmpfs"}]'
}

teardown()
{
	[ -z "${TAG-}" ] || container_teardown
}

# Everything is host_t, which may do anything. box_t may read what is the host's; of what is
# box_file_t it may make, write and read, but not remove. Its own are its files in /proc.
load_policy()
{
	cat >"$DIR/policy.cil" <<-'END'
	(handleunknown allow)
	(mls false)
	(policycap nnp_nosuid_transition)
	(policycap open_perms)
	(class process (fork transition dyntransition setexec setcurrent))
	(class file (read write open execute entrypoint getattr relabelfrom relabelto create unlink map))
	(class filesystem (associate mount relabelfrom relabelto))
	(classorder (process file filesystem))
	(sid kernel)
	(sid security)
	(sid unlabeled)
	(sid file)
	(sidorder (kernel security unlabeled file))
	(sidcontext kernel (u r host_t (low low)))
	(sidcontext security (u r host_t (low low)))
	(sidcontext unlabeled (u r host_t (low low)))
	(sidcontext file (u r host_t (low low)))
	(type host_t)
	(type box_t)
	(type box_file_t)
	(typeattribute every)
	(typeattributeset every (host_t box_t box_file_t))
	(role r)
	(roletype r every)
	(user u)
	(userrole u r)
	(userlevel u low)
	(userrange u (low low))
	(sensitivity s0)
	(sensitivityorder (s0))
	(category c0)
	(categoryorder (c0))
	(sensitivitycategory s0 (c0))
	(level low (s0))
	(fsuse trans tmpfs (u r host_t (low low)))
	(allow every every (process (all)))
	(allow every every (filesystem (all)))
	(allow host_t every (file (all)))
	(allow box_t host_t (file (read open write execute entrypoint getattr map)))
	(allow box_t box_file_t (file (read open write create getattr)))
	(allow box_t box_t (file (read open getattr)))
	END
	secilc -c 31 -o "$DIR/policy" -f /dev/null "$DIR/policy.cil"
	mount -t selinuxfs selinuxfs /sys/fs/selinux
	dd if="$DIR/policy" of=/sys/fs/selinux/load bs=1M status=none
	echo 1 >/sys/fs/selinux/enforce
}

@test "selinuxLabel: init's and exec's, whatever --process-label of exec says else; it is obeyed" {
	start_waiting create /data/file + rm /data/file + cat /proc/self/attr/current + print '' + wait ready
	wait_output ready
	container_output
	lines ok EACCES "u:r:box_t"
	same "$(tr -d '\0' <"/proc/$(init_pid)/attr/current")" u:r:box_t
	try exec "$ID" payload rm /data/file + cat /proc/self/attr/current
	ok
	same "$output" $'EACCES\nu:r:box_t'
	try exec --process-label u:r:host_t "$ID" payload cat /proc/self/attr/current + print '' + rm /data/file
	ok
	lines u:r:host_t ok
	try exec --process-label u:r:nosuch_t "$ID" payload print never
	error_names u:r:nosuch_t
	try delete --force "$ID"
	config '.process.selinuxLabel = "u:r:nosuch_t"'
	try create --bundle "$B" "$ID"
	error_names u:r:nosuch_t
	assert_nothing_left
}

@test "mountLabel: the context of file systems that have none, of the kind that is asked for" {
	run_payload mounts
	matches ' /data .*[ ,]context=u:r:box_file_t' ' /dev/shm .*[ ,]context=u:r:box_file_t'
	config '.annotations["run.oci.mount_context_type"] = "fscontext"'
	run_payload mounts
	matches ' /data .*[ ,]fscontext=u:r:box_file_t'
}

@test "--lsm-mount-context: mounts come back with the context of the restore" {
	command -v criu >/dev/null || skip "criu is not installed"
	criu check >/dev/null 2>&1 || skip "criu check fails"
	config 'del(.process.selinuxLabel)'
	start_waiting
	try checkpoint --image-path "$DIR/images" "$ID"
	ok
	launch restore --detach --lsm-mount-context u:r:host_t --image-path "$DIR/images" --bundle "$B" "$ID"
	ok
	output=$(cat "/proc/$(init_pid)/mounts")
	matches ' /data .*[ ,]context=u:r:host_t' ' /dev/shm .*[ ,]context=u:r:host_t'
	says_not context=u:r:box_file_t
	try delete --force "$ID"
	ok
	rm -r "$DIR/images"
	# Debian's CRIU restores no label of SELinux: then nothing runs without it.
	config '.process.selinuxLabel = "u:r:box_t"'
	start_waiting
	try checkpoint --image-path "$DIR/images" "$ID"
	ok
	launch restore --detach --image-path "$DIR/images" --bundle "$B" "$ID"
	if [ $status -eq 0 ]; then
		same "$(tr -d '\0' <"/proc/$(init_pid)/attr/current")" u:r:box_t
	else
		error_names u:r:box_t CRIU
	fi
}
