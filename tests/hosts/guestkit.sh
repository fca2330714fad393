#!/usr/bin/env bash
# Makes what guests boot, below build/hosts/:
#
#   vmlinuz      Debian's kernel, unmodified (bzImage)
#   vmlinux      the ELF kernel inside it (boots by PVH, without unpacking itself)
#   guest.cpio   an initramfs: busybox, Debian's modules for what Moonvisor's machines have, and guest-init
#
#   tests/hosts/guestkit.sh                           makes them (quick when nothing changed)
#   tests/hosts/guestkit.sh extend OUTPUT FILE...     writes an initramfs with these programs (with the libraries they
#                                                     load) added to guest.cpio, under their own paths
#
# The guest: guest-init says what it understands on the kernel's command line. It ends in a root shell on the console with
# the prompt "mv# ".
set -u
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Loaded at boot for a device that is there: the kernel's number of the virtio device, and its module.
declare -A virtio_modules=(
	[0x0001]=virtio_net [0x0002]=virtio_blk [0x0003]=virtio_console [0x0004]=virtio_rng [0x0005]=virtio_balloon
	[0x0013]=vmw_vsock_virtio_transport
)
# Loaded by `modprobe`, or by the kernel itself when it needs them.
more_modules=(ext4 crc32c_generic crc32c-intel squashfs loop vsock pvpanic-mmio pvpanic-pci)

guest_build() {
	local root=$hosts/guest.root id
	rm -rf "$root"
	mkdir -p "$root/modules"
	initramfs_busybox "$root"
	initramfs_modules "$root" virtio_pci
	printf '%s\n' "${module_order[@]}" >"$root/modules/virtio"
	initramfs_modules "$root" button evdev
	printf '%s\n' "${module_order[@]}" >"$root/modules/power"
	for id in "${!virtio_modules[@]}"; do
		initramfs_modules "$root" "${virtio_modules[$id]}"
		printf '%s\n' "${module_order[@]}" >"$root/modules/virtio-$id"
	done
	initramfs_modules "$root" "${more_modules[@]}"
	add_files "$root" /bin/dash
	mkdir -p "$root/etc/acpi/PWRF"
	printf '#!/bin/sh\nexec poweroff -f\n' >"$root/etc/acpi/PWRF/00000080"
	chmod 755 "$root/etc/acpi/PWRF/00000080"
	echo 'root::0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
	cp "$tree/tests/hosts/guest-init" "$root/init"
	chmod 755 "$root/init"
	initramfs_pack "$root" >"$hosts/guest.cpio.new" || die "the guest's initramfs could not be made"
	mv "$hosts/guest.cpio.new" "$hosts/guest.cpio"
	rm -rf "$root"
}

mkdir -p "$hosts"
(
	flock 9
	kernel_fetch
	if ! stamp_ok guest || [ ! -e "$hosts/guest.cpio" ]; then
		echo "guest kit: building the initramfs for Linux $kernel_version" >&2
		guest_build
		stamp_write guest
	fi
) 9>"$hosts/lock" || exit 1

case ${1:-} in
'') ;;
extend)
	[ $# -ge 3 ] || die "usage: guestkit.sh extend OUTPUT FILE..." 2
	output=$2
	shift 2
	files=()
	for file in "$@"; do
		path=$(command -v "$file") || die "there is no file or program '$file'"
		files+=("$(realpath -s "$path")")
	done
	extra=$(mktemp -d) || exit 1
	add_files "$extra" "${files[@]}"
	{
		cat "$hosts/guest.cpio"
		initramfs_pack "$extra"
	} >"$output"
	rm -rf "$extra"
	;;
*) die "unknown command '$1'" 2 ;;
esac
