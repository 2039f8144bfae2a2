#!/bin/sh
# Tuning Fork @VERSION@: this script, and behind it the program, packed. "--help" tells what it can do.
set -eu

version='@VERSION@'
lines=@LINES@
digest='@SHA256@'
megabytes=@MEGABYTES@
folder=
doing=install
asking=yes

usage() {
    cat <<END
Tuning Fork $version: install it, or run it without.

  sh $0                      install it; asks for the folder
  sh $0 --to FOLDER          install it into this folder, asking nothing
  sh $0 --extract FOLDER     only unpack the program into this folder
  sh $0 --run [ARGUMENT...]  run it without installing it; what was unpacked is removed afterwards
  sh $0 --check              see whether this file has arrived whole

Installed, it can be removed with the command "uninstall" in its folder. The default folder is
~/.local/opt/tuning-fork; as root, /opt/tuning-fork. It takes $megabytes MB.
END
}

fail() {
    echo "$*" >&2
    exit 1
}

payload() {
    tail -n +$((lines + 1)) "$0"
}

check() {
    command -v sha256sum >/dev/null 2>&1 || return 0
    [ "$(payload | sha256sum | cut -d ' ' -f 1)" = "$digest" ] ||
        fail "This file is not whole: download it again."
}

unpack() { # into the folder $1, which is there and empty
    payload | tar -xzf - -C "$1" --no-same-owner || fail "Unpacking into $1 failed. Is the disk full?"
}

refresh() { # the caches of the desktop in the folder $1, where their tools are
    if command -v update-mime-database >/dev/null 2>&1; then update-mime-database "$1/mime" >/dev/null 2>&1 || :; fi
    if command -v update-desktop-database >/dev/null 2>&1; then update-desktop-database -q "$1/applications" || :; fi
    if [ -f "$1/icons/hicolor/icon-theme.cache" ] && command -v gtk-update-icon-cache >/dev/null 2>&1; then
        gtk-update-icon-cache -q -t "$1/icons/hicolor" || :
    fi
}

make_folder() { # $1 with those above it, noting which are new in the list $2
    [ -d "$1" ] && return 0
    make_folder "$(dirname "$1")" "$2"
    mkdir "$1"
    echo "folder $1" >>"$2"
}

absolute() {
    case $1 in
    /*) echo "$1" ;;
    *) echo "$PWD/$1" ;;
    esac
}

case ${1:-} in
-h | --help)
    usage
    exit 0
    ;;
--check)
    check
    echo "This file is whole."
    exit 0
    ;;
--run)
    shift
    place=$(mktemp -d "${TMPDIR:-/tmp}/tuning-fork.XXXXXX")
    trap 'rm -rf "$place"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    unpack "$place"
    status=0
    "$place/program/tuningfork" "$@" || status=$?
    exit $status
    ;;
--extract)
    [ -n "${2:-}" ] || fail "Name the folder: sh $0 --extract FOLDER"
    doing=extract
    folder=$2
    ;;
--to)
    [ -n "${2:-}" ] || fail "Name the folder: sh $0 --to FOLDER"
    asking=no
    folder=$2
    ;;
"") ;;
*)
    usage >&2
    exit 2
    ;;
esac

if [ "$(id -u)" = 0 ]; then
    default=/opt/tuning-fork
    share=/usr/local/share
    bin=/usr/local/bin
else
    default=$HOME/.local/opt/tuning-fork
    share=${XDG_DATA_HOME:-$HOME/.local/share}
    bin=$HOME/.local/bin
fi
if [ -z "$folder" ]; then
    folder=$default
    if [ "$asking" = yes ] && [ -t 0 ]; then
        printf 'Install Tuning Fork %s (%s MB) into [%s]: ' "$version" "$megabytes" "$default"
        read -r answer || exit 130
        [ -z "$answer" ] || folder=$answer
        case $folder in
        "~"/*) folder=$HOME/${folder#"~"/} ;;
        esac
    fi
fi
folder=$(absolute "$folder")
if [ -e "$folder" ] && { [ ! -d "$folder" ] || [ -n "$(ls -A "$folder")" ]; }; then
    if [ -x "$folder/uninstall" ] && [ -x "$folder/program/tuningfork" ]; then
        fail "Tuning Fork is installed there already. Remove it first: $folder/uninstall"
    fi
    fail "There is something else in $folder. Choose an empty or a new folder."
fi
check
list=$(mktemp "${TMPDIR:-/tmp}/tuning-fork.XXXXXX")
trap 'rm -f "$list"' EXIT
make_folder "$folder" "$list"
unpack "$folder"
if [ "$doing" = extract ]; then
    rm -rf "$folder/uninstall" "$folder/share"
    echo "Start it with: $folder/program/tuningfork"
    exit 0
fi

for file in $(cd "$folder/share" && find . -type f | sort); do
    target=$share/${file#./}
    make_folder "$(dirname "$target")" "$list"
    case $target in
    *.desktop) # a menu may not have ~/.local/bin on its path
        program=$(printf '%s' "$folder/program/tuningfork" | sed 's/[\\"`$]/\\\\&/g')
        awk -v program="$program" '/^Exec=tuningfork/ { sub(/^Exec=tuningfork/, ""); print "Exec=\"" program "\"" $0; next }
            { print }' "$folder/share/$file" >"$target"
        ;;
    *) cp "$folder/share/$file" "$target" ;;
    esac
    echo "file $target" >>"$list"
done
make_folder "$bin" "$list"
if [ ! -e "$bin/tuningfork" ] || [ -L "$bin/tuningfork" ]; then
    ln -sf "$folder/program/tuningfork" "$bin/tuningfork"
    echo "file $bin/tuningfork" >>"$list"
fi
rm -rf "$folder/share"
refresh "$share"
{
    echo "share $share"
    cat "$list"
} >"$folder/installed-files"
echo "Tuning Fork $version is in $folder."
case ":$PATH:" in
*":$bin:"*) echo "Start it from the menu, or with: tuningfork" ;;
*) echo "Start it from the menu, or with: $bin/tuningfork" ;;
esac
echo "To remove it: $folder/uninstall"
exit 0
