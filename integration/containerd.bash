# SPDX-License-Identifier: Apache-2.0
# What the suites with a containerd share, after container.bash: a containerd of
# the file's own, with everything in CD (but for the sockets and FIFOs, which
# have fixed places below /run/containerd), an image, calls of ctr, and the
# proof that a test has left nothing that containerd or a shim made for it.
#
# NEW holds the options of each new container. Its id is ID, or begins with it.
# SHIM_RUNTIME is the runtime's name; io.containerd.runc.v2 makes the same tests
# run with the reference.
# shellcheck shell=bash

SHIM_RUNTIME=${SHIM_RUNTIME:-io.containerd.rustbox.v1}
# Where ours and its runtime are.
RELEASE=${RUSTBOX_BUILD:-$TOP/build/release}
IMAGE=test.invalid/box:1
CD=${CD:-${BATS_FILE_TMPDIR-}/containerd}
SOCKETS=/run/containerd/s

# True for the project's own shim: some checks go beyond what others do.
is_our_shim()
{
	[[ $SHIM_RUNTIME == *rustbox* ]]
}

# ---- the daemon ---------------------------------------------------------------

# containerd_setup_file [PROGRAM...]: and these are needed, too.
containerd_setup_file()
{
	local program
	for program in containerd ctr "$@"; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
	export CD=$BATS_FILE_TMPDIR/containerd
	mkdir "$CD"
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
	for program in cut md5sum nc seq sync tr yes; do
		ln -sf busybox "$BATS_FILE_TMPDIR/rootfs/bin/$program"
	done
	containerd_config >"$CD/config.toml"
	export CONTAINERD_NAMESPACE=rbt$$
	containerd_start
	containerd_image >"$CD/image.tar"
	ctr image import "$CD/image.tar" >/dev/null
	rm "$CD/image.tar" "$CD/layer.tar"
}

# One of the file's own, in CD.
containerd_config()
{
	cat <<-TOML
	version = 2
	root = "$CD/root"
	state = "$CD/state"
	disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt",
		"io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
		"io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
	[grpc]
	  address = "$CD/containerd.sock"
	[ttrpc]
	  address = "$CD/containerd.sock.ttrpc"
	[debug]
	  address = "$CD/debug.sock"
	TOML
}

# Returns when it answers. It is nobody's: a test's end does not wait for it.
containerd_start()
{
	# What a shell ignores in the background would be ignored down to the containers.
	env -u RUSTBOX_TEST_TAG -u TMPDIR --default-signal=INT,QUIT PATH="$RELEASE:$PATH" \
		containerd --config "$CD/config.toml" >>"$CD/log" 2>&1 </dev/null 3>&- 4>&- &
	echo $! >"$CD/pid"
	disown
	until_true ctr version >/dev/null 2>&1
}

containerd_gone()
{
	# A dead one may wait for bats to reap it.
	! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$(<"$CD/pid")/status"
}

# containerd_end [SIGNAL=TERM]: and waits until it is gone.
containerd_end()
{
	kill -s "${1:-TERM}" "$(<"$CD/pid")"
	until_true containerd_gone
}

# containerd_is VERSION: or a later one.
containerd_is()
{
	local version
	read -r _ _ version _ < <(containerd --version)
	printf '%s\n%s\n' "$1" "${version#v}" | sort -VC
}

# A test may have ended between the two.
containerd_runs()
{
	! containerd_gone || containerd_start
}

containerd_teardown_file()
{
	[ -s "$CD/pid" ] || return 0
	containerd_gone || containerd_end || containerd_end KILL
	awk -v dir="$CD/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | tac | xargs -r umount -l
	# Empty folders: shims and runtimes leave their namespaces' there.
	rmdir /sys/fs/cgroup/*/"$CONTAINERD_NAMESPACE" "/sys/fs/cgroup/$CONTAINERD_NAMESPACE" \
		"/run/containerd/rustbox/$CONTAINERD_NAMESPACE" "/run/containerd/runc/$CONTAINERD_NAMESPACE" \
		2>/dev/null || :
}

# A docker archive of the root file system, made by hand.
containerd_image()
{
	tar -C "$BATS_FILE_TMPDIR/rootfs" --numeric-owner -cf "$CD/layer.tar" .
	"$PYTHON" -ES - "$CD" <<-'PY'
import hashlib, io, json, sys, tarfile
layer = open(sys.argv[1] + "/layer.tar", "rb").read()
config = json.dumps({"architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(
    __import__("platform").machine(), "amd64"), "os": "linux",
    "config": {"Env": ["PATH=/bin:/sbin"], "Cmd": ["sh"]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
manifest = json.dumps([{"Config": "config.json", "RepoTags": ["test.invalid/box:1"], "Layers": ["layer.tar"]}]).encode()
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
    for name, data in (("config.json", config), ("layer.tar", layer), ("manifest.json", manifest)):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
PY
}

# ---- calls --------------------------------------------------------------------

ctr()
{
	command timeout -k 5 "${TRY_SECONDS:-100}" ctr --address "$CD/containerd.sock" \
		--namespace "$CONTAINERD_NAMESPACE" "$@" 3>&- 4>&-
}

# ctr, with status, output and error.
ctl()
{
	status=0
	ctr "$@" >"$DIR/out" 2>"$DIR/err" </dev/null || status=$?
	read_streams "$DIR/out" "$DIR/err"
}

# ctr on a terminal: ctr_on_pty STEP... -- ARGUMENTS...
ctr_on_pty()
{
	local steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	on_pty "${steps[@]}" -- ctr --address "$CD/containerd.sock" --namespace "$CONTAINERD_NAMESPACE" "$@"
}

# A container of the image in the foreground that is removed at its end.
ctr_run()
{
	ctl run --rm "${NEW[@]}" "$IMAGE" "$ID" "$@"
}

# The container of ID, detached, with a command.
ctr_detached()
{
	ctl run --detach "${NEW[@]}" "$IMAGE" "$ID" "$@"
	ok
}

# ctr_exec N COMMAND...: its exec id ends with N.
ctr_exec()
{
	local number=$1
	shift
	ctl task exec --exec-id "$ID-exec$number" "$ID" "$@"
}

task_status()
{
	ctr task ls | awk -v id="${1:-$ID}" '$1 == id { print $3 }'
}

task_status_is()
{
	[ "$(task_status "${2:-$ID}")" = "$1" ]
}

task_pid()
{
	ctr task ls | awk -v id="${1:-$ID}" '$1 == id { print $2 }'
}

# The serving process of a container's shim, not what it has just forked.
shim_pid()
{
	local file line parent
	for file in $(grep -lsxzF -- "${1:-$ID}" /proc/[0-9]*/cmdline); do
		line=$(tr '\0' ' ' 2>/dev/null <"$file") || continue
		[[ $line == *-namespace*-id* && $line != *" delete "* && $line != *" start "* ]] || continue
		file=${file#/proc/}
		parent=$(ps -o ppid= -p "${file%%/*}" | tr -d ' ')
		[ -n "$parent" ] && ! cmp -s "/proc/$file" "/proc/$parent/cmdline" || continue
		echo "${file%%/*}"
	done
}

# PID 1 ignores a SIGTERM until it has a handler for it.
handles_term()
{
	local caught
	caught=$(awk '$1 == "SigCgt:" { print $2 }' "/proc/$(task_pid "${1:-$ID}")/status") 2>/dev/null
	[ $((0x${caught:-0} >> 14 & 1)) = 1 ]
}

# SIGTERM to a payload that waits.
terminate()
{
	until_true handles_term "${1:-$ID}"
	ctl task kill -s TERM "${1:-$ID}"
}

no_process()
{
	! [ -d "/proc/$1" ]
}

bundle_of()
{
	echo "$CD/state/io.containerd.runtime.v2.task/$CONTAINERD_NAMESPACE/${1:-$ID}"
}

# socket_of ID...: each one's socket, as a shim names it.
socket_of()
{
	local id sum
	for id; do
		sum=$(printf %s "$CD/containerd.sock/$CONTAINERD_NAMESPACE/$id" | sha256sum)
		echo "$SOCKETS/${sum%% *}"
	done
}

# Ends a container, if it still runs, and removes it.
remove()
{
	local id=${1:-$ID}
	ctl task kill -s KILL "$id"
	until_true task_status_is STOPPED "$id"
	ctl task rm "$id"
	ctl container rm "$id"
	ok
}

no_bundle()
{
	! [ -e "$(bundle_of "${1:-$ID}")" ]
}

# FIFOs that ctr leaves: those of a detached exec, and of a task that it has not
# deleted itself.
forget_streams()
{
	# Not all that is empty: others may be about to make theirs.
	find /run/containerd/fifo -name "*$TAG*" -printf '%h\n' -delete | sort -u |
		xargs -r rmdir --ignore-fail-on-non-empty
}

# A killed shim's socket: the reference leaves it for the next start.
forget_sockets()
{
	is_our_shim || socket_of "${NAMES[@]}" | xargs rm -f
}

# ---- nothing is left ----------------------------------------------------------

# All but what leaks.bash looks for: what bears the test's tag.
containerd_leftovers()
{
	local path
	find /run/containerd/fifo "$CD/state" "/run/containerd/rustbox/$CONTAINERD_NAMESPACE" \
		"/run/containerd/runc/$CONTAINERD_NAMESPACE" -name "*$TAG*" 2>/dev/null | sed 's/^/file: /'
	for path in $(socket_of "${NAMES[@]}"); do
		[ ! -e "$path" ] || echo "socket: $path"
	done
	grep -F " $CD/state/" /proc/self/mountinfo | grep -F "$TAG" | sed 's/^/mount: /'
	ctr task ls -q | grep -F "$TAG" | sed 's/^/task: /'
	ctr container ls -q | grep -F "$TAG" | sed 's/^/container: /'
}

containerd_setup()
{
	container_setup
	NEW=(--runtime "$SHIM_RUNTIME" --env "RUSTBOX_TEST_TAG=$TAG" --cgroup "$CG")
	# Ids and groups that had a shim of their own.
	NAMES=("$ID")
	# ctr's for events, a second one's: a test's own children.
	HELPERS=()
}

no_containerd_leftovers()
{
	[ -z "$(containerd_leftovers)" ]
}

# Takes away whatever containers a failed test has left.
containerd_remove_all()
{
	local id
	TRY_SECONDS=10
	for id in $(ctr container ls -q | grep -F "$TAG"); do
		ctr task kill -s KILL "$id"
		ctr task rm --force "$id"
		ctr container rm "$id"
	done
	forget_streams
	grep level=error "$CD/log" | grep -v 'msg="copy shim log"' | tail -n 5
} >&2 2>&1

containerd_teardown()
{
	local pid failed=0
	[ -n "${DIR-}" ] || return 0
	for pid in "${HELPERS[@]}"; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	containerd_runs
	if [ -z "$BATS_TEST_COMPLETED" ] || [ -n "$BATS_TEST_SKIPPED" ]; then
		containerd_remove_all
	elif ! PATIENCE=30 until_true no_containerd_leftovers >/dev/null; then
		echo "left behind:"
		containerd_leftovers
		containerd_remove_all
		failed=1
	fi
	container_teardown || failed=1
	# What a killed shim has left is gone for the next test.
	socket_of "${NAMES[@]}" | xargs rm -f
	return $failed
}

# ---- events -------------------------------------------------------------------

# ctr events into $DIR/events, in the background; returns when it listens.
events_start()
{
	# Not `timeout`: its child is to be killed by its own pid.
	command ctr --address "$CD/containerd.sock" --namespace "$CONTAINERD_NAMESPACE" events \
		>"$DIR/events" 2>&1 </dev/null 3>&- 4>&- &
	EVENTS=$!
	HELPERS+=("$EVENTS")
	until_true events_listen
}

events_listen()
{
	ctr namespace label "$CONTAINERD_NAMESPACE" "rbt=$RANDOM$RANDOM" >/dev/null
	[ -s "$DIR/events" ]
}

events_stop()
{
	kill "$EVENTS"
	wait "$EVENTS" 2>/dev/null || :
	HELPERS=()
}

# events [ID]: the topics of a container's tasks in their order, each with its exec's number.
events()
{
	"$PYTHON" -ES - "${1:-$ID}" "$DIR/events" <<-'PY'
import json, re, sys
for line in open(sys.argv[2], encoding="utf-8"):
    match = re.search(r" (/tasks/\S+) (\{.*\})$", line)
    if not match:
        continue
    event = json.loads(match[2])
    if event.get("container_id") != sys.argv[1]:
        continue
    text = match[1].removeprefix("/tasks/")
    name = event.get("exec_id") or event.get("id") or ""
    if name not in ("", sys.argv[1]):
        text += "(" + name.rpartition("-")[2] + ")"
    if "exit_status" in event or match[1] == "/tasks/exit":
        text += "=%d" % event.get("exit_status", 0)
    print(text)
PY
}

event_is_there()
{
	events "${2:-$ID}" | grep -qxF -- "$1"
}

# events_are EVENT... [-- ID]: exactly these, in this order; waits for the last one.
events_are()
{
	local wanted=("$@")
	until_true event_is_there "${wanted[-1]}" || {
		events
		return 1
	}
	same "$(events | paste -sd' ')" "$*"
}
