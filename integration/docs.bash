# SPDX-License-Identifier: Apache-2.0
# For suites that run what documents show, after rustbox.bash: the machine of a
# user after `make quickstart`, with a root file system and the programs on PATH.
# shellcheck shell=bash

setup_file()
{
	local applet
	[ -x "$RUSTBOX" ] || {
		echo "there is no program '$RUSTBOX' (make, or set RUSTBOX)" >&2
		return 1
	}
	make_rootfs "$BATS_FILE_TMPDIR/installed"
	for applet in $(busybox --list); do
		[ -e "$BATS_FILE_TMPDIR/installed/bin/$applet" ] ||
			ln -s busybox "$BATS_FILE_TMPDIR/installed/bin/$applet"
	done
}

setup()
{
	rustbox_setup
	mkdir -m 711 "$RUSTBOX_ROOT"
	cp -al "$BATS_FILE_TMPDIR/installed" "$RUSTBOX_ROOT/rootfs"
	PATH=$(dirname "$RUSTBOX"):$PATH
	mkdir "$DIR/work"
	cd "$DIR/work" || return 1
}

# All blocks of one document, as one script, and what they print; run by another
# program, if one is named behind the document.
run_document()
{
	local document=$1
	shift
	"$PYTHON" "$HERE/docs_blocks.py" script "$TOP/$document" >"$DIR/script"
	grep -qv '^echo' "$DIR/script" || fail "$document has no block marked sh"
	timeout -k 5 300 "$@" env BASH_XTRACEFD=9 bash -euxo pipefail "$DIR/script" \
		>"$DIR/printed" 2>&1 </dev/null 3>&- 4>&- 9>"$DIR/trace" || {
		cat "$DIR/printed"
		tail -n 3 "$DIR/trace"
		return 1
	}
	sed -i "s|$RUSTBOX_ROOT|/var/lib/rustbox|g" "$DIR/printed"
	"$PYTHON" "$HERE/docs_blocks.py" check "$TOP/$document" "$DIR/printed"
}

# A command on a terminal, whose user types "exit".
type_line()
{
	# A keyboard that has no end: script(1) stops copying when its input ends.
	[ -p "$DIR/keyboard" ] || mkfifo "$DIR/keyboard"
	exec 5<>"$DIR/keyboard"
	echo exit >&5
	timeout -k 5 200 script -qec "$1" /dev/null <&5 >"$DIR/screen" 2>&1 3>&- 4>&- 5>&- ||
		fail "$1: $(<"$DIR/screen")"
	exec 5>&-
}

# True if there is this command, and it has these options: "rustbox run --rm -it sh".
check_command()
{
	local words name help word i letter
	read -ra words <<<"$1"
	name=${words[1]}
	i=2
	case $name in
	--*) return 0 ;;
	network | volume | system | device | mount) name+=" ${words[2]}" i=3 ;;
	esac
	# shellcheck disable=SC2086 # of two words, maybe
	help=$("$RUSTBOX" help $name 2>&1 3>&-) || return 1
	for (( ; i < ${#words[@]}; i++)); do
		word=${words[i]%%=*}
		case $word in
		--) return 0 ;;
		--?*) has_option "$word" || return 1 ;;
		-?*)
			for ((letter = 1; letter < ${#word}; letter++)); do
				has_option "-${word:letter:1}" || return 1
			done
			word=-${word: -1}
			;;
		*) return 0 ;;
		esac
		# Its argument is the next word.
		! grep -qE -- "(^|[ ,])$word(, --[a-z-]+)? [A-Z[]" <<<"$help" || [[ ${words[i]} == *=* ]] ||
			((i += 1))
	done
}

has_option()
{
	grep -qE -- "^ +(-., )?$1(,| |$)" <<<"$help"
}
