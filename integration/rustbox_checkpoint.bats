#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rustbox checkpoint, checkpoint list and remove, restore, start --checkpoint: states,
# records, logs and files with a runtime that stands in for one with CRIU. It notes what it
# is called with, kills the container for a checkpoint, and makes it anew for a restore.
# vm: no

load rustbox

setup_file()
{
	[ -x "$RUSTBOX" ] || {
		echo "there is no program '$RUSTBOX' (make, or set RUSTBOX)" >&2
		return 1
	}
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
}

setup()
{
	rustbox_setup
	mkdir "$DIR/bin"
	REAL=${RUSTBOX%/*}/rustbox-runtime
	cp "$RUSTBOX" "$DIR/bin/rustbox"
	cp "${RUSTBOX%/*}/rustbox-init" "$DIR/bin/"
	RUSTBOX=$DIR/bin/rustbox
	cat >"$DIR/bin/rustbox-runtime" <<-SH
	#!/bin/bash
	root=() bundle=() pid=() images='' verb='' leave='' log='' more=''
	all=("\$@")
	while [ \$# -gt 0 ]; do
		case \$1 in
		--root) root=("\$1" "\$2") ;;
		--bundle) bundle=("\$1" "\$2") ;;
		--pid-file) pid=("\$1" "\$2") ;;
		--image-path) images=\$2 ;;
		--log) log=\$2 ;;
		--leave-running) leave=1 ;;
		--tcp-established | --file-locks) more+=" \$1" ;;
		checkpoint | restore) verb=\$1 ;;
		esac
		id=\$1
		shift
	done
	case \$verb in
	checkpoint)
		echo "checkpoint \$images \$leave\$more" >>"$DIR/calls"
		[ ! -e "$DIR/hold" ] || read -r _ <"$DIR/hold"
		[ ! -e "$DIR/fail" ] || {
			echo "criu has said no" >&2
			exit 1
		}
		echo image >"\$images/inventory.img"
		[ -n "\$leave" ] || exec "$REAL" "\${root[@]}" kill "\$id" KILL
		;;
	restore)
		echo "restore \$images" >>"$DIR/calls"
		[ ! -e "$DIR/fail" ] || {
			echo '{"level":"error","msg":"criu cannot restore"}' >>"\$log"
			exit 1
		}
		"$REAL" "\${root[@]}" create "\${bundle[@]}" "\${pid[@]}" "\$id" &&
			"$REAL" "\${root[@]}" start "\$id"
		;;
	*) exec "$REAL" "\${all[@]}" ;;
	esac
	SH
	chmod +x "$DIR/bin/rustbox-runtime"
}

calls()
{
	sed "s|$RUSTBOX_ROOT/||" "$DIR/calls"
}

@test "checkpoint stops for good, restore runs again; logs go on" {
	start_box --restart always
	rbok checkpoint "$NAME"
	same "$output" checkpoint
	same "$(box_status "$ID")" Stopped
	same "$(box_state .State.ExitCode)" 137
	rbok checkpoint ls "$NAME"
	[[ $output == "CHECKPOINT NAME "*$'\n'"checkpoint "* ]] || fail "list: $output"
	same "$(stat -c %a "$RUSTBOX_ROOT/checkpoints/$ID/checkpoint")" 700
	rbok restore "$NAME"
	same "$output" "$NAME"
	same "$(box_status "$ID")" Running
	until_true log_is $'up\nup'
	same "$(calls)" "checkpoint checkpoints/$ID/.checkpoint.part "$'\n'"restore checkpoints/$ID/checkpoint"
	# A restart begins anew.
	rbok restart "$NAME"
	same "$(calls | wc -l)" 2
	rbok checkpoint rm "$NAME" checkpoint
	rbok checkpoint ls -q "$NAME"
	same "$output" ''
}

log_is()
{
	rb logs "$NAME"
	[ "$output" = "$1" ]
}

@test "--leave-running: it goes on; several checkpoints; start --checkpoint" {
	start_box
	local pid
	pid=$(box_state .State.Pid)
	rbok checkpoint --leave-running "$NAME" one
	rbok checkpoint create -R "$NAME" two
	same "$(box_status "$ID")" Running
	same "$(box_state .State.Pid)" "$pid"
	rbok checkpoint list -q "$NAME"
	same "$output" $'one\ntwo'
	rbok checkpoint list --format '{{.Name}}:{{.CreatedSince}}' "$NAME"
	[[ $output == one:*ago$'\n'two:* ]] || fail "list: $output"
	rb checkpoint -R "$NAME" one
	exits 1
	error_names 'checkpoint one' 'checkpoint remove'
	rb restore "$NAME" one
	exits 1
	error_names Running stop
	rbok checkpoint -R --tcp-established --file-locks "$NAME" three
	same "$(calls | tail -n 1)" "checkpoint checkpoints/$ID/.three.part 1 --tcp-established --file-locks"
	rbok checkpoint rm "$NAME" three
	rbok stop -t 0 "$NAME"
	rb start --checkpoint three "$NAME"
	exits 1
	error_names three 'one, two'
	rbok start --checkpoint two "$NAME"
	same "$(box_status "$ID")" Running
	same "$(calls | tail -n 1)" "restore checkpoints/$ID/two"
	rbok events --since 1h --until 0s --format '{{.Action}}'
	same "$(grep -cx checkpoint <<<"$output")" 3
	same "$(grep -cx restore <<<"$output")" 1
}

@test "--checkpoint-dir: a folder of the user's, which outlives the container" {
	mkdir "$DIR/mine"
	rbok run -d --rm --name "$NAME" sleep 1000
	ID=$output
	rb checkpoint "$NAME"
	exits 1
	error_names --rm --leave-running
	rb checkpoint --checkpoint-dir "$DIR/none" "$NAME" x
	exits 1
	error_names "$DIR/none"
	rbok checkpoint --checkpoint-dir "$DIR/mine" "$NAME" x
	until_true gone
	[ -e "$DIR/mine/x/inventory.img" ] || fail "it should stay"
	rbok create --name "$NAME" sleep 1000
	ID=$output
	rbok checkpoint ls -q --checkpoint-dir "$DIR/mine" "$NAME"
	same "$output" x
	rbok restore --checkpoint-dir "$DIR/mine" "$NAME" x
	same "$(box_status "$ID")" Running
	rbok checkpoint rm --checkpoint-dir "$DIR/mine" "$NAME" x
	[ ! -e "$DIR/mine/x" ] || fail "it should be gone"
}

gone()
{
	rb inspect "$NAME"
	[ "$status" -ne 0 ]
}

@test "one that fails leaves it running and nothing behind; a failed restore leaves it stopped" {
	start_box --restart always
	touch "$DIR/fail"
	rb checkpoint "$NAME"
	exits 1
	error_names 'criu has said no'
	same "$(box_status "$ID")" Running
	same "$(ls -A "$RUSTBOX_ROOT/checkpoints/$ID")" ''
	rm "$DIR/fail"
	rbok checkpoint "$NAME"
	touch "$DIR/fail"
	rb restore "$NAME"
	exits 125
	error_names 'criu cannot restore'
	same "$(box_status "$ID")" Stopped
	rm "$DIR/fail"
	rbok restore "$NAME"
	same "$(box_status "$ID")" Running
}

@test "the end of the container while its checkpoint is written is its own" {
	start_box
	mkfifo "$DIR/hold"
	"$RUSTBOX" checkpoint "$NAME" >"$DIR/told" 2>&1 3>&- 4>&- &
	local client=$!
	until_true test -s "$DIR/calls"
	touch "$DIR/fail"
	kill -KILL "$(box_state .State.Pid)"
	echo go >"$DIR/hold"
	! wait "$client" || fail "it should fail"
	grep -q 'criu has said no' "$DIR/told"
	until_true box_is Exited
	same "$(box_state .State.ExitCode)" 137
}

@test "what is not there, or not possible, is said" {
	rbok create --name "$NAME" true
	rb checkpoint "$NAME"
	exits 1
	error_names Created
	rb restore "$NAME"
	exits 1
	error_names 'there is none'
	rb checkpoint "$NAME" ../x
	exits 1
	error_names ../x
	rb restore "$NAME" .x
	exits 1
	error_names .x
	rb start --checkpoint-dir "$DIR" "$NAME"
	exits 1
	error_names --checkpoint
	rb start --checkpoint x "$NAME" "$NAME"
	exits 1
	rb checkpoint rm "$NAME" x
	exits 1
	error_names 'checkpoint x'
	rb checkpoint ls "$NAME-none"
	exits 1
}
