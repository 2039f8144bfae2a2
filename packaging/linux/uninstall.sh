#!/bin/sh
# Remove Tuning Fork as it was installed by the archive beside which this script came. Projects and preferences stay.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
list=$folder/installed-files
[ -f "$list" ] && [ -x "$folder/program/tuningfork" ] || {
    echo "There is no installed Tuning Fork in $folder." >&2
    exit 1
}
share=$(sed -n 's/^share //p' "$list")
folders=$(mktemp "${TMPDIR:-/tmp}/tuning-fork.XXXXXX")
trap 'rm -f "$folders"' EXIT
sed -n 's/^folder //p' "$list" | sort -r >"$folders"
sed -n 's/^file //p' "$list" | while IFS= read -r file; do rm -f "$file"; done
rm -rf "$folder/program" "$folder/uninstall" "$list"

# Caches that the installation began are removed with it; older ones are brought up to date.
began() {
    grep -qxF "$1" "$folders"
}
if began "$share/mime/packages" && began "$share/mime" && [ -z "$(ls -A "$share/mime/packages" 2>/dev/null)" ]; then
    rm -rf "$share/mime"
elif command -v update-mime-database >/dev/null 2>&1; then
    update-mime-database "$share/mime" >/dev/null 2>&1 || :
fi
if began "$share/applications" && [ "$(ls -A "$share/applications" 2>/dev/null)" = mimeinfo.cache ]; then
    rm -f "$share/applications/mimeinfo.cache"
elif command -v update-desktop-database >/dev/null 2>&1; then
    update-desktop-database -q "$share/applications" 2>/dev/null || :
fi
if [ -f "$share/icons/hicolor/icon-theme.cache" ] && command -v gtk-update-icon-cache >/dev/null 2>&1; then
    gtk-update-icon-cache -q -t "$share/icons/hicolor" || :
fi
while IFS= read -r each; do rmdir "$each" 2>/dev/null || :; done <"$folders"
rmdir "$folder" 2>/dev/null || :
echo "Tuning Fork is removed."
