#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What rustbox says about itself: help, man page and completions have every
# command and option; and what `make install` puts where.
# vm: no

load rustbox

# What Docker's users look for. Other names of a command count.
COMMANDS='run create start stop restart kill pause unpause exec attach wait list ps inspect top
stats logs events rename remove rm update cp diff port commit export import load save images rmi
tag history prune info version restore sandbox doctor health completion
daemon help'
GROUPS_OF_COMMANDS='network/create network/list network/ls network/inspect network/remove
network/rm network/prune volume/create volume/list volume/ls volume/inspect volume/remove volume/rm
volume/prune checkpoint/create checkpoint/list checkpoint/ls checkpoint/remove checkpoint/rm system/df system/prune image/ls image/rm image/inspect image/prune mount/add mount/remove device/add device/remove'
REFUSED='pull push login logout search build compose swarm'
RUN_OPTIONS='name memory cpu cpus workdir rootfs image tty interactive isolate-user uidmap gidmap
isolate-network network publish env env-file volume mount tmpfs user hostname entrypoint read-only
rm init device ulimit shm-size sysctl label pids-limit memory-swap cpu-shares cpuset-cpus cap-add
cap-drop privileged security-opt stop-signal stop-timeout stopped-timeout restart pid ipc uts
cgroup-parent annotation oom-score-adj cidfile pidfile log-max-size log-max-file health-cmd
health-interval health-retries health-timeout health-start-period timeout cpu-time output-limit
report detach detach-keys sig-proxy dns dns-search add-host'

# The commands that help shows, a line each.
shown_commands()
{
	"$RUSTBOX" help 3>&- | sed -n '/^COMMANDS:/,/^[A-Z ]*OPTIONS:/s/^   \([a-z]\+\( [a-z]\+\)\?\)\( .*\)\?$/\1/p'
}

# "--name" and "-n" of a command's help, a line each.
shown_options()
{
	# shellcheck disable=SC2086 # of two words, maybe
	"$RUSTBOX" help $1 3>&- | sed -n '/OPTIONS:$/,$s/^ *\(-[a-zA-Z], \)\?\(--[a-z0-9-]\+\).*/\1\2/p' |
		sed 's/, /\n/'
}

@test "every command that Docker's users look for is there, and help explains it" {
	local name
	for name in $COMMANDS $GROUPS_OF_COMMANDS; do
		# shellcheck disable=SC2086
		rb help ${name/\// }
		ok
		[[ $output == *"USAGE:"* ]] || fail "help $name"
		# shellcheck disable=SC2086
		rb ${name/\// } --help
		ok
	done
}

@test "a command of images has its name behind the word image, too" {
	local name
	for name in ls list rm remove load save import history tag; do
		rbok image "$name" --help
	done
	rbok container run --help
	same "$output" "$("$RUSTBOX" run --help 3>&-)"
}

@test "what is not here is refused by name, with what to use instead" {
	local name
	for name in $REFUSED; do
		rb "$name" x
		fails
		error_names "$name" "does not have this ("
	done
	rb pull alpine
	error_names skopeo
	rb container images
	fails
	error_names 'unknown command container' 'container list'
	rb image
	fails
	error_names "image needs one of these words" prune ls
}

@test "run has every option that Docker's users look for" {
	local options option
	options=$(shown_options run)
	for option in $RUN_OPTIONS; do
		grep -qx -- "--$option" <<<"$options" || fail "no --$option"
	done
}

@test "help shows the commands of the table, and nothing else" {
	local name words
	words=$(shown_commands)
	for name in $COMMANDS $GROUPS_OF_COMMANDS; do
		# Other names of commands, which their own help tells.
		case $name in ps | rm | */ls | */rm) continue ;; esac
		grep -qx "${name/\// }" <<<"$words" || fail "help does not show $name"
	done
	for name in $REFUSED supervise generate one-shot; do
		! grep -qx "$name" <<<"$words" || fail "help shows $name"
	done
}

@test "the man page has every command with its options, and hides the hidden ones" {
	local name option page section
	page=$("$RUSTBOX" generate man 3>&- | sed 's/\\-/-/g')
	while IFS= read -r name; do
		section=$(awk -v name="$name" '/^\.SS / { on = $0 == ".SS " name } on' <<<"$page")
		[ -n "$section" ] || fail "the man page has no section $name"
		for option in $(shown_options "$name"); do
			[ "$option" = --help ] || [ "$option" = -h ] ||
				grep -qF -- "\\fB$option\\fR" <<<"$section" || fail "$name $option"
		done
	done < <(shown_commands)
	for name in supervise generate pull; do
		! grep -qx "\.SS $name" <<<"$page" || fail "the man page shows $name"
	done
}

# named_by_test COMMAND LONG SHORT: does a suite call the command with the option?
named_by_test()
{
	grep -qE -- "(^|[^a-z-])$2([^a-z-]|\$)" "$DIR/calls" ||
		{ [ -n "$3" ] && grep -qE -- "\b${1##* }\b.* -[a-zA-Z]*${3#-}" "$DIR/calls"; }
}

@test "every option is used by a test" {
	local name long short
	cat "$TOP"/integration/{rustbox*,docs}.bats "$TOP"/integration/rustbox*.py >"$DIR/calls"
	while IFS= read -r name; do
		# create's are run's
		[ "$name" != create ] || continue
		while read -r short long; do
			[ -n "$long" ] || { long=$short short=''; }
			[ "$long" = --help ] || named_by_test "$name" "$long" "${short%,}" ||
				fail "$name $long"
		done < <("$RUSTBOX" help $name 3>&- |
			grep -oE '^ +(-[a-zA-Z], )?--[a-z0-9-]+' | sed '/OPTIONS/d')
	done < <(shown_commands)
}

@test "man pages have no mistakes that groff sees" {
	type -P groff >/dev/null || skip "groff is not installed"
	local program page
	for program in "$RUSTBOX" "$RUNTIME"; do
		"$program" generate man >"$DIR/${program##*/}.8" 3>&-
	done
	for page in "$DIR"/*.8 "$TOP"/man/*.8; do
		same "$(groff -man -ww -z "$page" 2>&1)" ""
	done
}

# What bash offers: the last word is what is being typed.
offered()
{
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_rustbox
	printf '%s\n' "${COMPREPLY[@]}"
}

@test "bash offers commands, options and containers" {
	local name option
	"$RUSTBOX" completion bash >"$DIR/completion" 3>&-
	compopt()
	{
		:
	}
	. "$DIR/completion"
	while IFS= read -r name; do
		offered rustbox "${name%% *}" | grep -qx "${name%% *}" || fail "$name"
		[[ $name != *" "* ]] || offered rustbox "${name% *}" "${name#* }" |
			grep -qx "${name#* }" || fail "$name"
		for option in $(shown_options "$name"); do
			# shellcheck disable=SC2086
			[ "$option" = -h ] || offered rustbox $name "$option" | grep -qx -- "$option" ||
				fail "$name $option"
		done
	done < <(shown_commands)
	same "$(offered rustbox pul)" ""
	same "$(offered rustbox superv)" ""
	rbok create --name "$NAME" true
	PATH=$(dirname "$RUSTBOX"):$PATH
	offered rustbox exec '' | grep -qx "$output" || fail "exec offers no container"
}

@test "zsh takes the completion" {
	type -P zsh >/dev/null || skip "zsh is not installed"
	"$RUSTBOX" completion zsh >"$DIR/completion" 3>&-
	same "$(zsh -fn "$DIR/completion" 2>&1)" ""
	[ "$(head -n 1 "$DIR/completion")" = "#compdef rustbox" ]
}

@test "fish offers commands and options" {
	type -P fish >/dev/null || skip "fish is not installed"
	local name words
	"$RUSTBOX" completion fish >"$DIR/completion" 3>&-
	# Its own files go below the test's folder.
	export HOME=$DIR XDG_DATA_HOME=$DIR XDG_CONFIG_HOME=$DIR XDG_CACHE_HOME=$DIR
	words=$(fish -Nc "source $DIR/completion; complete -C 'rustbox '" 3>&- | cut -f 1)
	while IFS= read -r name; do
		grep -qx "${name%% *}" <<<"$words" || fail "$name"
	done < <(shown_commands)
	words=$(fish -Nc "source $DIR/completion; complete -C 'rustbox run --'" 3>&- | cut -f 1)
	while IFS= read -r name; do
		[[ $name != --* ]] || [ "$name" = --help ] || grep -qx -- "$name" <<<"$words" ||
			fail "run $name"
	done < <(shown_options run)
}

@test "make install puts everything where it belongs, and uninstall takes it away" {
	local file program name
	make -s -C "$TOP" install DESTDIR="$DIR/dest" PREFIX=/opt/box >"$DIR/output" 2>&1 3>&- ||
		fail "$(<"$DIR/output")"
	cd "$DIR/dest/opt/box"
	for name in rustbox rustbox-runtime rustbox-init containerd-shim-rustbox-v1 rustboxd; do
		[ -x "bin/$name" ] || fail "no $name"
	done
	for name in rustbox-systemd rustbox-seccomp; do
		[ -x "libexec/rustbox/$name" ] || fail "no $name"
	done
	same "$(readlink bin/rustboxd)" rustbox
	for name in rustbox rustbox-runtime rustbox-init containerd-shim-rustbox-v1 rustboxd; do
		[ -s "share/man/man8/$name.8" ] || fail "no man page of $name"
	done
	for name in rustbox rustbox-runtime; do
		[ -s "share/bash-completion/completions/$name" ]
		[ -s "share/zsh/site-functions/_$name" ]
		[ -s "share/fish/vendor_completions.d/$name.fish" ]
	done
	# The units start what was installed.
	for file in rustbox.service rustboxd.service rustboxd.socket; do
		[ -s "lib/systemd/system/$file" ] || fail "no $file"
		for program in $(sed -n 's/^ExecStart=[-@:+!]*\([^ ]*\).*/\1/p' "lib/systemd/system/$file"); do
			[ -x "$DIR/dest$program" ] || fail "$file starts $program"
		done
	done
	make -s -C "$TOP" uninstall DESTDIR="$DIR/dest" PREFIX=/opt/box >"$DIR/output" 2>&1 3>&-
	same "$(find "$DIR/dest" ! -type d)" ""
}
