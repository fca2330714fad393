#!/usr/bin/env bash
# The KVM test host: an emulated machine (QEMU, TCG) with an emulated AMD processor whose SVM makes kvm-amd a real
# /dev/kvm, on any x86-64 machine, without hardware virtualization and without root.
#
#   tests/hosts/kvmhost.sh run [OPTIONS] -- COMMAND...    runs the command as root inside, streams its output (both
#                                                         standard output and error) and returns its exit status
#   tests/hosts/kvmhost.sh shell [OPTIONS]                the same with a shell on this terminal
#   tests/hosts/kvmhost.sh build                          only makes what a run needs (a run does so by itself)
#
#   --mem MiB          memory (4096)
#   --cpus N           processors (2)
#   --timeout S        seconds until the whole host is killed (600; a shell has none)
#   --drive FILE       a raw disk: /dev/vda, then /dev/vdb, ...
#   --volatile FILE    the same, but with a write cache that only a flush empties into the file: see below
#   --copy FILE        have this file (with the libraries it loads) in memory inside; may be repeated
#   --watch            ends at once with status 123 when the emulator has lost a guest (host-init says how that is seen)
#   --out FOLDER       what the command leaves in $MV_OUT is in FOLDER afterwards
#
# Exit status: the command's; 123 see --watch; 124 time limit; 125 the host ended without a result (the end of its console is shown);
# 137 the command cut the power.
#
# Inside, the outside's file system is there under the same paths: the tree, the build, every installed program.
# It is writable, but all changes are in memory and gone afterwards. The working folder is the caller's, and so are the
# environment's variables MV_*. Opening a file over 9p is slow (a program with many libraries takes a second to start), so
# a layer in memory covers what runs often: our programs, bash, the coreutils, the guest kit, and what --copy names.
# There are /dev/kvm, /dev/net/tun, /dev/vhost-net, /dev/vhost-vsock, loop devices; no network but lo. The other modules of
# Debian's kernel can be had with `modprobe -d build/hosts/pkg NAME`.
#
# A power cut: the command runs `powercut` (in PATH inside), and the tool kills QEMU with SIGKILL. What is lost then is what
# a machine without power loses: all memory of the test host, thus everything that a process or the page cache *inside* had
# not written out. QEMU's own cache mode does not matter for that: what QEMU has been handed is in the outside's page
# cache, which survives. So on a --drive disk a write that reached the virtual disk is certain even if nobody flushed
# it; that finds a missing fsync above a page cache (cache modes writeback, writethrough), but not a missing flush after
# O_DIRECT writes (none, directsync). Real disks have a volatile cache. --volatile has one too: an NBD server keeps
# writes in memory until a flush (or FUA) and is killed first. There, only what was flushed is certain.
set -u
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

boot_modules=(virtio_pci virtio_blk virtio_console 9pnet_virtio 9p overlay ccp kvm-amd tun vhost_net vhost_vsock loop)
more_modules=(bridge virtio_net virtio_rng ext4 squashfs crc32c_generic crc32c-intel veth macvtap nbd)

host_build() {
	mkdir -p "$hosts"
	exec 9>"$hosts/lock"
	flock 9
	kernel_fetch
	if ! stamp_ok host; then
		echo "test host: building the initramfs for Linux $kernel_version" >&2
		local root=$hosts/host.root
		rm -rf "$root"
		mkdir -p "$root/fast"
		initramfs_busybox "$root"
		initramfs_modules "$root" "${boot_modules[@]}"
		printf '%s\n' "${module_order[@]}" >"$root/modules.boot"
		vmrun_next >"$root/vmrun.next"
		initramfs_modules "$root" "${more_modules[@]}"
		cp "$tree/tests/hosts/host-init" "$root/init"
		chmod 755 "$root/init"
		initramfs_pack "$root" >"$hosts/host.cpio" || die "the initramfs could not be made"
		rm -rf "$root"
		stamp_write host
	fi
	if [ "$hosts/host.cpio" -nt "$hosts/fast.cpio" ] || [ /var/lib/dpkg/status -nt "$hosts/fast.cpio" ]; then
		rm -rf "$hosts/fast.root"
		fast_system "$hosts/fast.root/fast"
		initramfs_pack "$hosts/fast.root" >"$hosts/fast.cpio" || die "the initramfs could not be made"
		rm -rf "$hosts/fast.root"
	fi
	flock -u 9
	exec 9>&-
}

# Where kvm-amd goes on after a #VMEXIT: the offset behind its (first) VMRUN in the section .noinstr.text.
vmrun_next() {
	local offset
	offset=$(objdump -d -j .noinstr.text "$hosts/pkg/lib/modules/$kernel_version/kernel/arch/x86/kvm/kvm-amd.ko" |
		sed -n 's/^ *\([0-9a-f]*\):.*\tvmrun.*/\1/p' | head -1)
	[ -n "$offset" ] || die "there is no VMRUN in kvm-amd"
	echo $((0x$offset + 3))
}

# What every run has in memory: made once, and again when packages change.
fast_system() { # ROOT
	local name list=()
	for name in bash sh env cat cp mv rm ls ln mkdir sleep date dd head tail cut tr sort uniq wc grep sed awk mawk od \
		sha256sum md5sum cmp diff timeout mktemp mknod chmod stat sync truncate seq tee kill touch dirname basename \
		uname id ps ip mount umount losetup mkfs.ext4 lua5.4 true false test expr printf readlink realpath nproc; do
		name=$(command -v "$name" 2>/dev/null || ls "/sbin/$name" 2>/dev/null) || continue
		case $name in /*) list+=("$name") ;; esac
	done
	add_files "$1" "${list[@]}" /etc/terminfo/*/*
	for name in /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache /etc/hosts /etc/services; do
		[ -e "$name" ] && mkdir -p "$1/etc" && cp "$name" "$1$name"
	done
}

# What this run has in memory besides.
fast_programs() { # ROOT
	local name list=()
	for name in moonvisor-vmm mvsh moonvisord moonvisor.so tests/kvmspeed tests/kvmhold; do
		[ -e "$build/$name" ] && list+=("$build/$name")
	done
	for name in "$build"/tests/guest/*.elf "$hosts/vmlinuz" "$hosts/guest.cpio" "${copies[@]}"; do
		[ -e "$name" ] && list+=("$name")
	done
	[ ${#list[@]} = 0 ] || add_files "$1" "${list[@]}"
}

main() {
	local mode=${1:-} mem=4096 cpus=2 limit=600 out='' watch='' drives=() copies=() arguments=()
	case $mode in
	run) shift ;;
	shell)
		limit=infinity
		shift
		;;
	build)
		host_build
		exit
		;;
	*)
		sed -n '2,/^set -u/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
		exit 2
		;;
	esac
	while [ $# -gt 0 ]; do
		case $1 in
		--watch)
			watch=1
			shift
			continue
			;;
		--mem) mem=$2 ;;
		--cpus) cpus=$2 ;;
		--timeout) limit=$2 ;;
		--drive) drives+=("plain:$(realpath "$2")") ;;
		--volatile) drives+=("volatile:$(realpath "$2")") ;;
		--copy) copies+=("$(command -v "$2")") ;;
		--out) out=$(realpath "$2") ;;
		--)
			shift
			break
			;;
		*) die "unknown option '$1'" 2 ;;
		esac
		shift 2
	done
	if [ "$mode" = run ]; then
		[ $# -gt 0 ] || die "no command after --" 2
	else
		set -- /bin/bash -i
	fi
	build=${MV_BUILD:-build}
	case $build in /*) ;; *) build=$tree/$build ;; esac
	[ -x "$build/tests/kvmhold" ] || die "there is no $build/tests/kvmhold yet (make tests)"
	host_build

	run=$(mktemp -d "${TMPDIR:-/tmp}/mv-kvmhost.XXXXXX") || exit 1
	qemu=
	servers=()
	trap 'cleanup' EXIT
	trap 'exit 143' INT TERM HUP

	mkdir "$run/job" "$run/job/out" "$run/fast"
	{
		echo '#!/bin/bash'
		export -p | grep -E '^declare -x (MV_[A-Z_]*|TERM|LANG|LC_ALL|COLUMNS|LINES)='
		printf 'export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin MV_OUT=/mv-job/out MV_KVMHOST=1\n'
		# Without it the emulated host freezes now and then; kvmhold.c says why.
		printf '%q || exit 125\n' "$build/tests/kvmhold"
		printf 'cd %q && exec' "$PWD"
		printf ' %q' "$@"
		printf '\n'
	} >"$run/job/command"
	chmod 755 "$run/job/command"
	[ "$mode" = shell ] && touch "$run/job/shell"
	[ -z "$watch" ] || touch "$run/job/watch"

	fast_programs "$run/fast/fast"
	{
		cat "$hosts/host.cpio" "$hosts/fast.cpio"
		initramfs_pack "$run/fast"
	} >"$run/initramfs"
	rm -rf "$run/fast"

	mkfifo "$run/out" "$run/power"
	if [ "$mode" = shell ]; then
		arguments+=(-chardev "stdio,id=out,signal=off" -device "virtconsole,chardev=out,name=console")
	else
		arguments+=(-chardev "file,id=out,path=$run/out" -device "virtserialport,chardev=out,name=out")
	fi
	local i
	for i in "${!drives[@]}"; do
		local file=${drives[i]#*:}
		[ -r "$file" ] || die "the disk file '$file' cannot be read"
		if [ "${drives[i]%%:*}" = volatile ]; then
			nbdkit -f -U "$run/nbd$i" --filter=cache file "$file" cache=writeback >"$run/nbd.log" 2>&1 </dev/null &
			servers+=($!)
			local n=0
			until [ -S "$run/nbd$i" ]; do
				[ $((n += 1)) -lt 500 ] && kill -0 "${servers[-1]}" 2>/dev/null ||
					die "nbdkit did not start: $(cat "$run/nbd.log")"
				sleep 0.01
			done
			arguments+=(-drive "if=none,id=d$i,format=raw,file=nbd+unix:///?socket=$run/nbd$i")
		else
			arguments+=(-drive "if=none,id=d$i,format=raw,file=$file,cache=writeback,aio=threads,discard=unmap")
		fi
		arguments+=(-device "virtio-blk-pci,drive=d$i,serial=mvdrive$i,write-cache=on")
	done

	# tsc=reliable: the emulated TSC is the outside's, and without it the kernel falls back to a clock that costs an exit,
	# for itself and for every guest's kvmclock. mitigations=off: there is nothing to mitigate, but it costs time.
	exec {keep}<&0
	qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none \
		-M q35,hpet=off -accel tcg,thread=multi,tb-size=512 -cpu EPYC,+svm,-vgif,-v-vmsave-vmload -smp "$cpus" -m "$mem" \
		-kernel "$hosts/vmlinux" -initrd "$run/initramfs" \
		-append "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check mitigations=off nokaslr random.trust_cpu=on" \
		-serial "file:$run/console" -device isa-debug-exit,iobase=0x501,iosize=1 \
		-fsdev local,id=outside,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=outside,mount_tag=outside \
		-fsdev local,id=run,path="$run/job",security_model=none \
		-device virtio-9p-pci,fsdev=run,mount_tag=run \
		-device virtio-serial-pci,max_ports=8 \
		"${arguments[@]}" \
		-chardev "file,id=power,path=$run/power" -device "virtserialport,chardev=power,name=power" \
		-device virtio-rng-pci \
		<&"$keep" 2>"$run/qemu.log" &
	qemu=$!
	# The servers die first: whatever they still hold must not reach the file.
	(
		if read -r -n 1 _ <"$run/power"; then
			kill -KILL "${servers[@]}" "$qemu" 2>/dev/null
			touch "$run/cut"
		fi
	) &
	power=$!
	(
		timeout "$limit" tail --pid="$qemu" -f /dev/null || {
			touch "$run/late"
			kill -KILL "$qemu" 2>/dev/null
		}
	) &
	watch=$!
	reader=
	if [ "$mode" = run ]; then
		cat "$run/out" &
		reader=$!
	fi
	wait "$qemu" 2>/dev/null
	qemu=
	# If QEMU never opened its ends of the pipes, their readers still wait for somebody to do so.
	: 8<>"$run/power" 9<>"$run/out"
	wait $reader

	[ -z "$out" ] || cp -r "$run/job/out/." "$out/"
	if [ -e "$run/job/lost" ]; then
		echo "kvmhost: the emulator has put this host's registers into a guest's" >&2
		exit 123
	elif [ -e "$run/late" ]; then
		echo "kvmhost: killed after $limit s, its time limit" >&2
		exit 124
	elif [ -s "$run/job/status" ]; then
		exit "$(cat "$run/job/status")"
	fi
	wait "$power"
	if [ -e "$run/cut" ]; then
		echo "kvmhost: power cut" >&2
		exit 137
	fi
	echo "kvmhost: the test host ended without a result; the end of its console:" >&2
	tail -n 30 "$run/console" "$run/qemu.log" >&2 2>/dev/null
	exit 125
}

cleanup() {
	local pid
	for pid in $qemu "${servers[@]}" ${watch:-} ${power:-} ${reader:-}; do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	rm -rf "$run"
}

main "$@"
