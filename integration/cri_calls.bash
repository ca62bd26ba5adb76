# SPDX-License-Identifier: Apache-2.0
# What cri.bats and crio.bats share, after clients.bash: crictl's calls, as a
# kubelet would make them. POD and BOX are the last pod's and container's ids.
# shellcheck shell=bash disable=SC2034

client_list()
{
	"$CLIENT" pods --quiet 3>&- 4>&-
}

client_remove_all()
{
	[ -z "$(client_list)" ] || {
		client rmp --force --all
		ok
	}
}

# pod_is FILTER: the pod's configuration; of the host's network if not told otherwise.
pod_is()
{
	jq -n --arg tag "$TAG" --arg log "$DIR/log" '{
		metadata: {name: $tag, uid: $tag, namespace: "default", attempt: 0},
		log_directory: $log, labels: {tag: $tag},
		linux: {cgroup_parent: ("/" + $tag), security_context: {namespace_options: {network: 2, pid: 1}}}
	} | '"$1" >"$DIR/pod.json"
}

# box_config NAME FILTER COMMAND...
box_config()
{
	local name=$1 filter=$2
	shift 2
	jq -n --arg tag "$TAG" --arg name "$name" '{
		metadata: {name: $name, attempt: 0}, image: {image: "test.invalid/box:1"},
		command: $ARGS.positional, log_path: ($name + ".log"), labels: {tag: $tag},
		envs: [{key: "RUSTBOX_TEST_TAG", value: $tag}],
		linux: {security_context: {namespace_options: {network: 2, pid: 1}}}
	} | '"$filter" --args -- "$@" >"$DIR/$name.json"
}

run_pod()
{
	client runp --runtime tested "$DIR/pod.json"
	ok
	POD=$output
}

# create_box NAME FILTER COMMAND...: BOX is its id, and $NAME too.
create_named()
{
	box_config "$@"
	client create "$POD" "$DIR/$1.json" "$DIR/pod.json"
	ok
	BOX=$output
	printf -v "$1" %s "$BOX"
}

start_named()
{
	create_named "$@"
	client start "$BOX"
	ok
}

# A pod with one container.
start_pod()
{
	run_pod
	start_named box . "$@"
}

exec_in()
{
	client exec --sync "$@"
}

# inspect_of FILTER [ID]: of a container.
inspect_of()
{
	"$CLIENT" inspect "${2:-$BOX}" 3>&- 4>&- | jq -r "$1"
}

box_state_is()
{
	[ "$(inspect_of .status.state "${2:-$BOX}")" = "CONTAINER_$1" ]
}

pod_state_is()
{
	[ "$("$CLIENT" inspectp "$POD" 3>&- 4>&- | jq -r .status.state)" = "SANDBOX_$1" ]
}

pod_pid()
{
	"$CLIENT" inspectp "$POD" 3>&- 4>&- | jq -r .info.pid
}

# ended_with CODE REASON [ID]: waits for the end.
ended_with()
{
	until_true box_state_is EXITED "${3:-$BOX}"
	same "$(inspect_of '"\(.status.exitCode) \(.status.reason)"' "${3:-$BOX}")" "$1 $2"
}

log_has()
{
	grep -qsF -- "$1" "$DIR/log/${2:-box}.log"
}

end_pod()
{
	client stopp "$POD"
	ok
	client rmp "$POD"
	ok
}
