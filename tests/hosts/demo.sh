#!/usr/bin/env bash
# `make demo`: scripts/first-boot.lua with Debian's kernel; directly where /dev/kvm is hardware, otherwise in the KVM test
# host. The script is given the kernel and the initramfs, and needs root for its network card.
set -u
cd "$(dirname "$0")/../.." || exit 1

build=${MV_BUILD:-build}
export MV_BUILD=$build
demo=("$build/mvsh" scripts/first-boot.lua build/hosts/vmlinuz build/hosts/guest.cpio)
for file in "${demo[@]:0:2}"; do
	[ -e "$file" ] || {
		echo "demo: there is no $file yet" >&2
		exit 1
	}
done
tests/hosts/guestkit.sh || exit 1

kvm=$("$build/tests/kvmspeed" 2>/dev/null)
if [ "$kvm" = hardware ]; then
	[ "$(id -u)" = 0 ] && exec "${demo[@]}"
	exec sudo -E "${demo[@]}"
fi
case $kvm in
emulated) why="/dev/kvm here emulates each instruction" ;;
*) why="there is no usable /dev/kvm here" ;;
esac
echo "demo: $why, so the same happens inside the KVM test host, an emulated machine that has a real one"
exec tests/hosts/kvmhost.sh run --timeout 300 -- "${demo[@]}"
