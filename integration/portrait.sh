#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a container sees of what was configured, the same each time: run in it, by busybox.
b=/bin/busybox
# Without the numbers of mounts, and of devices that the kernel gives as they come; nor in
# the order of the former, but with what lies on one another in its order.
# shellcheck disable=SC2016 # awk's
$b awk '{ $1 = $2 = $3 = ""; print }' /proc/self/mountinfo | $b sort -s -k 2,2
$b grep -vE '^(Pid|Tgid|Ngid|PPid|TracerPid|NSpid|NStgid|NSpgid|NSsid|Vm|Rss|Hugetlb|Threads|SigQ|.*ctxt|State|Name|FDSize|NSsession)' /proc/self/status
$b cat /proc/self/limits /proc/self/cgroup /proc/self/oom_score_adj /proc/self/uid_map \
	/proc/self/gid_map /proc/self/setgroups /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/domainname
$b hostname
$b env | $b sort
$b pwd
$b stat -c '%n %F %a %u:%g %t:%T' /dev/* /tmp /proc/keys
for fd in "/proc/$$"/fd/*; do
	[ ! -e "$fd" ] || echo "${fd##*/}"
done
$b cat /proc/keys | $b head -c 10
# Refused: a change of the root, of the host's name (seccomp), a device (cgroup), kernel settings.
for refused in "$b touch /x" "$b hostname y" "$b mknod /tmp/d b 7 0" "$b cat /tmp/d" \
	"$b touch /mnt/x" "$b dd if=/dev/null of=/proc/sys/kernel/printk" "$b mount -t tmpfs x /opt"; do
	$refused 2>&1
	echo "$refused: $?"
done
