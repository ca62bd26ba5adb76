# SPDX-License-Identifier: Apache-2.0
# A user without any rights, for the suites of rootless containers; after
# container.bash. The user is in no file of the machine: where it matters, a
# program of the user's runs in a mount namespace of its own, which shows
# passwd, group, subuid and subgid as they would be.
# shellcheck shell=bash

USER_ID=54321
SUB_IDS=3000000

# make_user: DIR/as-user runs a command as the user, with HOME and
# XDG_RUNTIME_DIR below DIR. What the environment says to it:
#
#   USER_GROUPS=A,B     supplementary groups
#   USER_CGROUP=DIR     the cgroup2 directory that it starts in
#   USER_FILES=1        the user is in the files of /etc
#   USER_HIDES=FILE     the same, and a file is empty
#   USER_SESSION=MODE   the same, /run/user/ID has this mode, and XDG_RUNTIME_DIR is not set
#
# RUNTIME and RUSTBOX are programs that the user may execute, see container.bash.
make_user()
{
	local dir=$DIR file
	mkdir "$DIR/etc" "$DIR/home" "$DIR/xdg"
	chmod 700 "$DIR/home" "$DIR/xdg"
	chown $USER_ID:$USER_ID "$DIR/home" "$DIR/xdg" "$DIR/tmp"
	for file in passwd group; do
		cp /etc/$file "$DIR/etc/$file"
	done
	echo "ordinary:x:$USER_ID:$USER_ID::$DIR/home:/bin/sh" >>"$DIR/etc/passwd"
	echo "ordinary:x:$USER_ID:" >>"$DIR/etc/group"
	echo "ordinary:$SUB_IDS:65536" >"$DIR/etc/subuid"
	cp "$DIR/etc/subuid" "$DIR/etc/subgid"
	for file in passwd group subuid subgid; do
		echo "$DIR/etc/$file /etc/$file none bind 0 0"
	done >"$DIR/etc/fstab"
	cat >"$DIR/as-user" <<-SCRIPT
	#!/bin/sh
	[ -z "\$USER_CGROUP" ] || echo \$\$ >"\$USER_CGROUP/cgroup.procs" || exit 125
	export HOME="$DIR/home" USER=ordinary LOGNAME=ordinary XDG_RUNTIME_DIR="$DIR/xdg"
	groups=\${USER_GROUPS:+--groups=\$USER_GROUPS}
	set -- setpriv --reuid $USER_ID --regid $USER_ID \${groups:---clear-groups} --inh-caps=-all "\$@"
	[ -n "\$USER_FILES\$USER_HIDES\$USER_SESSION" ] || exec "\$@"
	exec unshare --mount --propagation slave "$DIR/in-namespace" "\$@"
	SCRIPT
	cat >"$DIR/in-namespace" <<-SCRIPT
	#!/bin/sh
	set -e
	for file in subuid subgid; do
		[ -e /etc/\$file ] || : >/etc/\$file
	done
	mount --all --fstab "$DIR/etc/fstab"
	[ -z "\$USER_HIDES" ] || mount --bind /dev/null "\$USER_HIDES"
	if [ -n "\$USER_SESSION" ]; then
		unset XDG_RUNTIME_DIR
		mount -t tmpfs -o mode=755 none /run
		[ "\$USER_SESSION" = none ] || {
			mkdir /run/user
			mkdir -m "\$USER_SESSION" /run/user/$USER_ID
			chown $USER_ID:$USER_ID /run/user/$USER_ID
		}
	fi
	exec "\$@"
	SCRIPT
	chmod +x "$DIR/as-user" "$DIR/in-namespace"
	until [ "$dir" = "${BATS_RUN_TMPDIR%/*}" ] || [ "$dir" = / ]; do
		chmod a+x "$dir"
		dir=${dir%/*}
		dir=${dir:-/}
	done
	programs_for_users
	"$DIR/as-user" unshare --user true 2>/dev/null ||
		skip "this machine refuses user namespaces to ordinary users"
}

# A program as the user runs it, by its own name: user_program PATH, then
# $DIR/user/NAME.
user_program()
{
	mkdir -p "$DIR/user"
	printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$DIR/as-user" "$1" >"$DIR/user/${1##*/}"
	chmod +x "$DIR/user/${1##*/}"
}

need_helpers()
{
	[ -u /usr/bin/newuidmap ] || skip "package uidmap is not installed"
	export USER_FILES=1
}

# A subtree of cgroup2 that belongs to the user, who is in a cgroup of it.
delegate()
{
	[ "$(cgroup_mode)" = v2 ] || skip "cgroup v2 alone can be delegated"
	DELEGATED=/sys/fs/cgroup/user-$$-$RANDOM
	mkdir "$DELEGATED" "$DELEGATED/caller"
	echo "+memory +pids +cpu" >"$DELEGATED/cgroup.subtree_control"
	chown $USER_ID:$USER_ID "$DELEGATED" "$DELEGATED"/cgroup.{procs,subtree_control,threads} \
		"$DELEGATED/caller" "$DELEGATED/caller/cgroup.procs"
	export USER_CGROUP=$DELEGATED/caller
}

end_delegation()
{
	[ -z "$DELEGATED" ] || rmdir "$DELEGATED/caller" "$DELEGATED"
}
