# SPDX-License-Identifier: Apache-2.0
# What the bats suites share: a bundle for each test, edits of its config.json,
# calls of the runtime, assertions. `load container` gives a suite its
# setup_file, setup and teardown, and with leaks.bash the proof, at the end of
# each test, that nothing of it is left on the machine.
#
# RUNTIME selects the program under test (default: the one that is built here).
# Tests may run on a busy machine: everything bears the test's own $TAG.
# shellcheck shell=bash

TOP=${RUSTBOX_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
RUNTIME=${RUNTIME:-${RUSTBOX_RUNTIME:-$TOP/build/release/rustbox-runtime}}
# A name without a folder is looked for in PATH.
RUNTIME=$(command -v "$RUNTIME" || echo "$RUNTIME")
PAYLOAD=${RUSTBOX_PAYLOAD:-$TOP/build/release/payload}
HERE=$TOP/integration
LONG=${LONG:-0}
# The distribution's own interpreter: wrappers of others are slow.
PYTHON=/usr/bin/python3
[ -x $PYTHON ] || PYTHON=python3

. "$HERE/leaks.bash"

# jq 1.6 compiles its own library at each start, and a test calls it three times:
# gojq takes a seventh of the time, in the virtual machine too.
if command -v gojq >/dev/null; then
	jq()
	{
		gojq "$@"
	}
fi

# ---- set-up -------------------------------------------------------------------

# The root file system that each test gets a copy (hard links) of.
make_rootfs()
{
	local root=$1 applet
	mkdir -p "$root"/{bin,sbin,etc,dev,proc,sys,tmp,root,home/user,mnt,opt,usr/bin,var}
	chmod 1777 "$root/tmp"
	cp "$PAYLOAD" "$root/bin/payload"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for applet in sh cat ls echo true false sleep stty ps kill id env mount umount mkdir \
		touch head tail test stat printf seq ln rm cp hostname wc grep sort dd tty; do
		ln -s busybox "$root/bin/$applet"
	done
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'user:x:1000:1000:user:/home/user:/bin/sh' \
		'nohome:x:1001:1001:no home::/bin/sh' >"$root/etc/passwd"
	printf '%s\n' 'root:x:0:' 'user:x:1000:' 'extra:x:2000:user' 'more:x:2001:user' \
		>"$root/etc/group"
	chown 1000:1000 "$root/home/user"
}

# Nobody but root can execute what is built in root's home folder. For tests with an
# ordinary user: RUNTIME, RUSTBOX and what PATH finds are copies then.
programs_for_users()
{
	local folder=$BATS_FILE_TMPDIR/programs
	! setpriv --reuid 1000 --regid 1000 --clear-groups test -x "$RUNTIME" || return 0
	chmod a+x "$BATS_RUN_TMPDIR" "${BATS_FILE_TMPDIR%/*}" "$BATS_FILE_TMPDIR"
	[ -d "$folder" ] || {
		mkdir "$folder"
		find "${RUNTIME%/*}" -maxdepth 1 ! -type d -perm /111 -exec cp -d -t "$folder" {} +
	}
	RUNTIME=$folder/${RUNTIME##*/}
	[ ! -x "$folder/${RUSTBOX##*/}" ] || RUSTBOX=$folder/${RUSTBOX##*/}
	PATH=$folder:$PATH
}

setup_file()
{
	[ -x "$RUNTIME" ] || {
		echo "there is no runtime '$RUNTIME' (make, or set RUNTIME)" >&2
		return 1
	}
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
}

setup()
{
	container_setup
}

# DIR is the test's folder, ROOT the runtime's --root, B the bundle, ID the
# container's name (and a part of every other name), CG its cgroupsPath.
container_setup()
{
	DIR=$BATS_TEST_TMPDIR
	TAG=rbt-$$-$BATS_TEST_NUMBER-$RANDOM
	ID=$TAG ROOT=$DIR/state B=$DIR/bundle CG=/$TAG
	mkdir "$DIR/tmp" "$B"
	cp -al "$BATS_FILE_TMPDIR/rootfs" "$B/rootfs"
	export RUSTBOX_TEST_TAG=$TAG TMPDIR=$DIR/tmp
	unset NOTIFY_SOCKET LISTEN_FDS LISTEN_PID XDG_RUNTIME_DIR
	base_config >"$B/config.json"
	status='' output='' error=''
	remember_before
}

base_config()
{
	cat <<-JSON
	{
	  "ociVersion": "1.0.2",
	  "root": {"path": "rootfs"},
	  "hostname": "container",
	  "process": {
	    "user": {"uid": 0, "gid": 0},
	    "args": ["payload", "print", "hello"],
	    "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "RUSTBOX_TEST_TAG=$TAG"],
	    "cwd": "/",
	    "capabilities": {
	      "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
	      "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
	      "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
	    },
	    "noNewPrivileges": true
	  },
	  "mounts": [
	    {"destination": "/proc", "type": "proc", "source": "proc"},
	    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
	     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
	    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
	     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
	    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
	     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
	    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
	     "options": ["nosuid", "noexec", "nodev"]},
	    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
	     "options": ["nosuid", "noexec", "nodev", "ro"]}
	  ],
	  "linux": {
	    "cgroupsPath": "$CG",
	    "resources": {"devices": [{"allow": false, "access": "rwm"}]},
	    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"},
	                   {"type": "uts"}, {"type": "mount"}],
	    "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
	    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
	  }
	}
	JSON
}

# Edits config.json: config FILTER [jq's options]. B selects the bundle.
config()
{
	local filter=$1 new
	shift
	new=$(jq "$filter" "$@" <"$B/config.json") && echo "$new" >"$B/config.json"
}

# The payload's commands as process.args.
payload()
{
	config '.process.args = ["payload"] + $ARGS.positional' --args -- "$@"
}

# Another command as process.args.
command_is()
{
	config '.process.args = $ARGS.positional' --args -- "$@"
}

capabilities()
{
	config '.process.capabilities |= (.bounding += $c | .effective += $c | .permitted += $c)' \
		--argjson c "$(printf '%s\n' "$@" | jq -R . | jq -sc .)"
}

# A new user namespace: ids from 0 are the host's from $1=100000. Its root has
# to get at the bundle.
user_namespace()
{
	local first=${1:-100000} dir=$B
	config '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": $first, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings' --argjson first "$first"
	chown "$first:$first" "$B/rootfs"
	until [ "$dir" = "${BATS_RUN_TMPDIR%/*}" ] || [ "$dir" = / ]; do
		chmod a+x "$dir"
		dir=${dir%/*}
		dir=${dir:-/}
	done
}

# A second bundle for tests with two containers: use it as B.
another_bundle()
{
	mkdir "$DIR/$1"
	cp -al "$BATS_FILE_TMPDIR/rootfs" "$DIR/$1/rootfs"
	jq --arg c "$CG-$1" '.linux.cgroupsPath = $c' "$B/config.json" >"$DIR/$1/config.json"
}

teardown()
{
	container_teardown
}

# Whatever state the containers are in, `delete --force` must leave nothing.
container_teardown()
{
	local state failed=0
	if [ -n "$BATS_TEST_SKIPPED" ] || [ -z "$BATS_TEST_COMPLETED" ]; then
		force_clean
		return 0
	fi
	for state in "$ROOT"/*/; do
		[ -d "$state" ] || continue
		state=${state%/}
		try delete --force "${state##*/}"
		[ "$status" -eq 0 ] || {
			echo "delete --force ${state##*/}: status $status: $error"
			failed=1
		}
	done
	assert_nothing_left || failed=1
	[ $failed -eq 0 ] || force_clean
	return $failed
}

# ---- calls --------------------------------------------------------------------

# The runtime, as it is.
rt()
{
	"$RUNTIME" --root "$ROOT" "$@"
}

# Calls the runtime: status, output (its standard output), error. It is killed
# after TRY_SECONDS, so that a hang is a failure and not the end of the suite.
try()
{
	status=0
	timeout -k 5 "${TRY_SECONDS:-100}" "$RUNTIME" --root "$ROOT" "$@" \
		>"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- || status=$?
	read_streams "$DIR/out" "$DIR/err"
}

# Into output and error. Programs are slow to start in a virtual machine: what
# every test does is done without them where that is no trouble.
read_streams()
{
	# bash leaves out NULs, and complains
	{
		output=$(<"$1")
		error=$(<"$2")
	} 2>/dev/null
}

# The same for a call after which the container has the streams: create, and
# run and exec with --detach. They go to files that later calls leave alone.
# Read them with container_output.
launch()
{
	status=0 output=''
	timeout -k 5 "${TRY_SECONDS:-100}" "$RUNTIME" --root "$ROOT" "$@" \
		>"$DIR/container.out" 2>"$DIR/container.err" </dev/null 3>&- 4>&- || status=$?
	error=$(<"$DIR/container.err")
}

container_output()
{
	read_streams "$DIR/container.out" "$DIR/container.err"
}

# Runs the payload's commands in a container in the foreground; it must succeed.
run_payload()
{
	payload "$@"
	try run --bundle "$B" "$ID"
	ok
}

# A container that waits: create and start it.
start_waiting()
{
	payload "${@:-wait}"
	launch run --detach --bundle "$B" "$ID"
	ok
}

create_container()
{
	launch create --bundle "$B" "${1:-$ID}"
	ok
}

state_of()
{
	rt state "${2:-$ID}" | jq -r ".$1"
}

container_status()
{
	state_of status "${1:-$ID}"
}

init_pid()
{
	state_of pid "${1:-$ID}"
}

# until_true COMMAND...: asks every 10 ms, for PATIENCE seconds at most: a bound
# against a hang, not a measure of the machine. The clock is one that nobody sets.
until_true()
{
	local up end
	read -r end _ </proc/uptime
	end=$((${end%.*} + ${PATIENCE:-100}))
	until "$@"; do
		read -r up _ </proc/uptime
		[ "${up%.*}" -le $end ] || {
			echo "waited in vain for: $*"
			return 1
		}
		sleep 0.01
	done
}

status_is()
{
	[ "$(container_status "${2:-$ID}")" = "$1" ]
}

wait_status()
{
	until_true status_is "$@"
}

output_has()
{
	grep -qsaF -- "$1" "${2:-$DIR/container.out}"
}

wait_output()
{
	until_true output_has "$@"
}

# peer NAME ARGUMENTS...: the far end of one of the runtime's sockets (peer.py),
# in the background: PEER is its pid. Returns when its socket is there.
peer()
{
	"$PYTHON" -ES "$HERE/peer.py" "$@" 3>&- 4>&- &
	PEER=$!
	until_true test -S "$2"
}

on_pty()
{
	status=0
	output=$("$PYTHON" -ES "$HERE/peer.py" pty "$@" 3>&- 4>&-) || status=$?
	output=${output//$'\r'/}
}

# ---- assertions ---------------------------------------------------------------

told()
{
	echo "status: $status"
	echo "output: $output"
	echo "error:  $error"
}

fail()
{
	echo "$*"
	told
	return 1
}

ok()
{
	[ "$status" -eq 0 ] || fail "should have succeeded"
}

exits()
{
	[ "$status" -eq "$1" ] || fail "should have ended with $1"
}

fails()
{
	[ "$status" -ne 0 ] || fail "should have failed"
	case $status in
	124 | 13[1-9] | 143) fail "was killed, or hung" ;;
	esac
}

# Each argument is a whole line of the output.
lines()
{
	local line
	for line; do
		grep -qxF -- "$line" <<<"$output" || fail "should have a line '$line'"
	done
}

no_lines()
{
	local line
	for line; do
		! grep -qxF -- "$line" <<<"$output" || fail "should have no line '$line'"
	done
}

# Each argument is somewhere in the output.
says()
{
	local text
	for text; do
		[[ $output == *"$text"* ]] || fail "should say '$text'"
	done
}

says_not()
{
	local text
	for text; do
		[[ $output != *"$text"* ]] || fail "should not say '$text'"
	done
}

# A line of the output matches the extended regular expression.
matches()
{
	local expression
	for expression; do
		grep -qE -- "$expression" <<<"$output" || fail "should match '$expression'"
	done
}

same()
{
	[ "$1" = "$2" ] || fail "'$1' should be '$2'"
}

# The call failed with one clear line on standard error that names each
# argument (any case), and nothing on standard output. Of other runtimes than
# ours only some message is expected.
error_names()
{
	local word
	fails
	[ -n "$error" ] || fail "should say why"
	is_ours || return 0
	[ "$(wc -l <<<"$error")" -eq 1 ] || fail "should be one line"
	[ -z "$output" ] || fail "an error is not output"
	for word; do
		grep -qiF -- "$word" <<<"$error" || fail "the error should name '$word'"
	done
}

# ---- the machine --------------------------------------------------------------

# v2, or hybrid (v1 controllers, cgroup2 beside them), or v1
cgroup_mode()
{
	if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
		echo v2
	elif [ -f /sys/fs/cgroup/unified/cgroup.controllers ]; then
		echo hybrid
	else
		echo v1
	fi
}

# The container's directory for a controller ("" is cgroup2), for CG or $2.
cgroup_dir()
{
	local base=/sys/fs/cgroup
	if [ "$(cgroup_mode)" = v2 ]; then
		echo "$base${2:-$CG}"
	elif [ -z "$1" ]; then
		echo "$base/unified${2:-$CG}"
	else
		echo "$base/$1${2:-$CG}"
	fi
}

# Does the machine have this controller where a container can get it?
has_controller()
{
	if [ "$(cgroup_mode)" = v2 ]; then
		grep -qw "$1" /sys/fs/cgroup/cgroup.controllers
	else
		[ -e "/sys/fs/cgroup/$1/cgroup.procs" ] ||
			grep -qsw "$1" /sys/fs/cgroup/unified/cgroup.controllers
	fi
}

need_controller()
{
	has_controller "$1" || skip "this machine has no $1 controller"
}

# The value of a cgroup file: cgroup_value CONTROLLER V1-FILE V2-FILE
cgroup_value()
{
	if [ "$(cgroup_mode)" = v2 ]; then
		cat "$(cgroup_dir "$1")/$3"
	else
		cat "$(cgroup_dir "$1")/$2"
	fi
}

# For tests that a second run, on cgroup v2 in a slow virtual machine, would
# tell nothing new.
not_in_vm()
{
	[ -z "$RUSTBOX_IN_VM" ] || skip "does not depend on the cgroup version"
}

# need_capability BIT NAME
need_capability()
{
	local set
	set=$(sed -n 's/^CapEff:\t//p' /proc/self/status)
	[ $(((0x$set >> $1) & 1)) = 1 ] || skip "the tests have no $2"
}

# True for the project's own program: some checks go beyond what others do.
is_ours()
{
	[[ ${RUNTIME##*/} == rustbox-runtime* ]]
}
