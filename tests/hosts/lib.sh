# What the tools for test hosts share: Debian's kernel, choosing its modules, making an initramfs. To be sourced.
# Everything made lies in build/hosts/; several runs at once are kept apart by a lock.
# shellcheck shell=bash

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
hosts=$tree/build/hosts

die() {
	echo "${0##*/}: $*" >&2
	exit "${2:-1}"
}

# Fetches Debian's kernel package once and unpacks it to build/hosts/pkg (all its modules, too: `modprobe -d` finds
# them there); build/hosts/vmlinuz is its bzImage, build/hosts/vmlinux the ELF file in that. Sets kernel_version.
kernel_fetch() {
	if [ ! -e "$hosts/pkg/ready" ]; then
		local package
		rm -rf "$hosts/pkg" "$hosts/download"
		mkdir -p "$hosts/download"
		package=$(kernel_package)
		if [ -z "$package" ]; then
			# No package lists, as on a fresh container image.
			if [ "$(id -u)" = 0 ]; then apt-get -qq update >&2; else sudo -n apt-get -qq update >&2; fi
			package=$(kernel_package)
		fi
		[ -n "$package" ] || die "the package linux-image-amd64 is not in the package lists (apt-get update?)"
		echo "test host: fetching $package" >&2
		(cd "$hosts/download" && apt-get -qq download "$package" 2>&1 | grep -v unsandboxed) >&2
		dpkg -x "$hosts"/download/"$package"_*.deb "$hosts/pkg" || die "the package $package could not be unpacked"
		rm -rf "$hosts/download"
		kernel_name
		/sbin/depmod -b "$hosts/pkg" "$kernel_version" || die "depmod failed for $kernel_version"
		cp "$kernel_image" "$hosts/vmlinuz"
		kernel_elf "$kernel_image" "$hosts/vmlinux"
		touch "$hosts/pkg/ready"
	fi
	kernel_name
}

# linux-image-amd64 is empty; the kernel is in the package that it depends on.
kernel_package() {
	apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -1
}

kernel_name() {
	local image
	for image in "$hosts"/pkg/boot/vmlinuz-*; do
		kernel_image=$image
		kernel_version=${image##*/vmlinuz-}
	done
}

# initramfs_modules ROOT MODULE...: copies the modules and all that they need to ROOT, with the tables of modprobe.
# The files in the order in which they can be loaded are in the array module_order (paths below ROOT).
initramfs_modules() {
	local root=$1 path name
	shift
	module_order=()
	mkdir -p "$root/lib/modules/$kernel_version"
	for name in "$@"; do
		while read -r _ path _; do
			path=${path#"$hosts/pkg"}
			if [ ! -e "$root$path" ]; then
				mkdir -p "$root${path%/*}"
				cp "$hosts/pkg$path" "$root$path"
				module_order+=("$path")
			fi
		done < <(/sbin/modprobe -d "$hosts/pkg" -S "$kernel_version" --show-depends "$name" | grep ^insmod)
	done
	cp "$hosts/pkg/lib/modules/$kernel_version"/modules.{builtin,builtin.modinfo,order} "$root/lib/modules/$kernel_version"
	/sbin/depmod -b "$root" "$kernel_version" || die "depmod failed for $root"
	# The binary tables are for kmod; busybox reads the text.
	rm -f "$root/lib/modules/$kernel_version"/*.bin "$root/lib/modules/$kernel_version"/modules.builtin.modinfo
}

# initramfs_busybox ROOT: busybox and a link for each of its commands.
initramfs_busybox() {
	local command
	mkdir -p "$1"/{usr/bin,usr/sbin,usr/lib,usr/lib64,dev,proc,sys,run,tmp,etc,root,mnt}
	for command in bin sbin lib lib64; do
		[ -e "$1/$command" ] || ln -s "usr/$command" "$1/$command"
	done
	cp /bin/busybox "$1/bin/busybox"
	file_is_static "$1/bin/busybox" || die "/bin/busybox is not static; the package busybox-static is needed"
	while read -r command; do
		[ -e "$1/bin/$command" ] || ln -s busybox "$1/bin/$command"
	done < <(/bin/busybox --list)
	# The kernel calls this one by its full path.
	ln -sf ../bin/busybox "$1/sbin/modprobe"
}

file_is_static() {
	! readelf -lW "$1" | grep -q INTERP
}

# initramfs_pack ROOT: an uncompressed cpio archive on standard output. Unpacking costs an emulated processor far more
# than copying does.
initramfs_pack() {
	(cd "$1" && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0)
}

number_at() { # FILE OFFSET SIZE
	od -An -v -j "$2" -N "$3" -t "u$3" "$1" | tr -d ' '
}

# kernel_elf IMAGE OUTPUT: the ELF kernel inside a bzImage (Documentation/x86/boot.rst, payload_offset). It boots by PVH
# without unpacking itself first.
kernel_elf() {
	local setup offset length
	setup=$(number_at "$1" 497 1)
	offset=$(((setup + 1) * 512 + $(number_at "$1" 584 4)))
	length=$(number_at "$1" 588 4)
	# The last four bytes are the unpacked size, which is no part of the xz stream.
	tail -c +$((offset + 1)) "$1" | head -c $((length - 4)) | xz -dc --single-stream >"$2.new" 2>/dev/null ||
		die "the kernel inside '$1' is not compressed by xz"
	[ "$(head -c 4 "$2.new" | tail -c 3)" = ELF ] || die "there is no ELF kernel inside '$1'"
	mv "$2.new" "$2"
}

# add_files ROOT FILE...: copies files, and the libraries that they load, to the same paths below ROOT. Folders are
# resolved, so that a link like /lib -> usr/lib of the system below is not hidden by a folder.
add_files() {
	local root=$1 file folder target
	shift
	for file in "$@" $(ldd "$@" 2>/dev/null | grep -o '/[^ ]*\.so[^ ]*' | sed 's/:$//' | sort -u); do
		[ -e "$file" ] || continue
		while :; do
			folder=$(realpath "$(dirname "$file")")
			mkdir -p "$root$folder"
			cp -P --preserve=mode,timestamps "$file" "$root$folder/${file##*/}"
			[ -L "$file" ] || break
			target=$(readlink "$file")
			case $target in
			/*) file=$target ;;
			*) file=$folder/$target ;;
			esac
		done
	done
}

# stamp_ok NAME: true if build/hosts/NAME.stamp was written by these very scripts (and kernel).
stamp_text() {
	cat "$tree"/tests/hosts/*.sh "$tree"/tests/hosts/*-init "$hosts/pkg/ready" 2>/dev/null | sha256sum
}
stamp_ok() {
	[ -e "$hosts/$1.stamp" ] && [ "$(cat "$hosts/$1.stamp")" = "$(stamp_text)" ]
}
stamp_write() {
	stamp_text >"$hosts/$1.stamp"
}
