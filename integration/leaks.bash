# SPDX-License-Identifier: Apache-2.0
# Proves that a test has left nothing: processes, mounts, cgroups, state,
# temporary files, descriptors. The machine may be busy with other containers,
# so each look is for what bears this test's $TAG or lies below its $DIR.
# shellcheck shell=bash

remember_before()
{
	descriptors
	FDS_BEFORE=$FDS
}

# Not in a subshell: its pipe would be one more.
descriptors()
{
	local fd
	FDS=
	for fd in /proc/$$/fd/*; do
		FDS+="${fd##*/} "
	done
}

# The pids of the test's processes: with the tag in environment or arguments, or
# with a root that is a bundle of the test.
tagged_processes()
{
	local list pid seen=
	# Without a tag it would be everybody's: of a test that was left out before its setup.
	[ -n "${TAG:-}" ] && [ -n "${DIR:-}" ] || return 0
	# The patterns are not in grep's own arguments or environment. What a mount shows is
	# named by the path in its file system, of which our / may be a part.
	list=$(
		unset RUSTBOX_TEST_TAG TMPDIR
		grep -lsaFf /dev/stdin /proc/[0-9]*/environ /proc/[0-9]*/cmdline <<<"$TAG"
		grep -lsf /dev/stdin /proc/[0-9]*/mountinfo <<<" [^ ]*${DIR}[^ ]* / "
	)
	for pid in $list; do
		pid=${pid#/proc/} pid=${pid%%/*}
		[ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ] || [[ " $seen " == *" $pid "* ]] || {
			echo "$pid"
			seen+=" $pid"
		}
	done
}

# Mounts that this mount namespace has below the test's folder, or by its tag.
tagged_mounts()
{
	[ -z "${TAG:-}" ] || [ -z "${DIR:-}" ] || grep -F -e " $DIR/" -e "$TAG" /proc/self/mountinfo
}

tagged_cgroups()
{
	[ -z "${TAG:-}" ] || find /sys/fs/cgroup -depth -type d -name "*$TAG*" 2>/dev/null
}

# Prints all that is left, a line each.
leftovers()
{
	local line files
	for line in $(tagged_processes); do
		echo "process $line: $(tr '\0' ' ' 2>/dev/null <"/proc/$line/cmdline")"
	done 2>/dev/null
	while read -r line; do
		echo "mount: $line"
	done < <(tagged_mounts)
	while read -r line; do
		echo "cgroup: $line"
	done < <(tagged_cgroups)
	files=(${ROOT:+"$ROOT"/* "$ROOT"/.[!.]*} "$DIR"/tmp/* "$DIR"/tmp/.[!.]*)
	for line in "${files[@]}"; do
		[ ! -e "$line" ] && [ ! -L "$line" ] || echo "file: $line"
	done
}

# What is about to end, or the kernel still has to tidy up, may take a moment, on
# a busy machine a long one; what is left after 30 s is a leak.
assert_nothing_left()
{
	local left i up end
	read -r end _ </proc/uptime
	end=$((${end%.*} + 30))
	while :; do
		left=$(leftovers)
		read -r up _ </proc/uptime
		[ -n "$left" ] && [ "${up%.*}" -le $end ] || break
		sleep 0.05
	done
	descriptors
	for i in $FDS; do
		[[ " $FDS_BEFORE" == *" $i "* ]] ||
			left+="${left:+$'\n'}descriptor $i: $(readlink "/proc/$$/fd/$i")"
	done
	[ -z "$left" ] || {
		echo "left behind:"
		echo "$left"
		return 1
	}
}

# After a failure: takes away by force what the runtime did not.
force_clean()
{
	local path pid i
	[ -n "${TAG:-}" ] && [ -n "${DIR:-}" ] || return 0
	for path in "$ROOT"/*/; do
		path=${path%/}
		[ ! -d "$path" ] || timeout -k 1 10 "$RUNTIME" --root "$ROOT" delete --force \
			"${path##*/}" >/dev/null 2>&1 3>&- </dev/null || :
	done
	for path in /sys/fs/cgroup/freezer/*"$TAG"*/freezer.state; do
		[ ! -f "$path" ] || echo THAWED >"$path"
	done
	for ((i = 0; i < 20; i++)); do
		path=$(tagged_processes)
		tagged_cgroups | while read -r cgroup; do
			cat "$cgroup/cgroup.procs" 2>/dev/null
		done >"$DIR/cgroup.pids"
		for pid in $path $(sort -u "$DIR/cgroup.pids"); do
			kill -9 "$pid" 2>/dev/null || :
		done
		tagged_cgroups | while read -r cgroup; do
			rmdir "$cgroup" 2>/dev/null || :
		done
		[ -n "$(tagged_cgroups)$(tagged_processes)" ] || break
		sleep 0.1
	done
	# Last first: mounts lie on one another.
	tagged_mounts | awk '{ print $5 }' | tac | while read -r path; do
		umount -l "$path" 2>/dev/null || :
	done
	return 0
}
