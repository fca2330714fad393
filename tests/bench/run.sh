#!/usr/bin/env bash
# The speed table: each measure beside its peer, taken in the same run. Nothing here is a test; a missed bar is shown, not
# failed.
#
#   tests/bench/run.sh [PART...]     parts: shell local boot disk net save (all)
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${MV_BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
parts=("${@:-shell local boot disk net save}")
read -ra parts <<<"${parts[*]}"
rows=$work/rows

table() {
	awk -F'\t' '
	BEGIN { printf "%-48s %12s %12s %-7s %8s  %-9s %s\n", "measure", "ours", "peer", "unit", "ratio", "bar", "" }
	{
		ratio = $3 == "-" ? "" : sprintf("%.3f", $2 / $3)
		if ($5 ~ /^<=/) met = $2 + 0 <= substr($5, 3) + 0
		else if ($5 ~ /^>=/) met = $2 / $3 >= substr($5, 3) + 0
		else met = $2 / $3 <= $5 + 0
		printf "%-48s %12s %12s %-7s %8s  %-9s %s\n", $1, $2, $3, $4, ratio, $5, met ? "met" : "MISSED"
	}' "$rows"
}

host_parts=()
for part in "${parts[@]}"; do
	case $part in
	shell) "$build/mvsh" tests/bench/shell.lua "$build" "$work" | tee -a "$rows" >&2 ;;
	local)
		if [ "$("$build/tests/kvmspeed")" = missing ]; then
			echo "bench: no /dev/kvm here, so nothing is measured on it" >&2
			continue
		fi
		MOONVISOR_VMM=$PWD/$build/moonvisor-vmm "$build/tests/bench/local" "$PWD/$build" "$work" | tee -a "$rows" >&2
		;;
	boot | disk | net | save) host_parts+=("$part") ;;
	*)
		echo "usage: tests/bench/run.sh [shell] [local] [boot] [disk] [net] [save]" >&2
		exit 2
		;;
	esac
done
if [ ${#host_parts[@]} -gt 0 ]; then
	initrd=$build/tests/bench/initrd
	mkdir -p "$build/tests/bench"
	tests/hosts/guestkit.sh extend "$initrd" fio iperf3 || exit 1
	truncate -s 2G "$work/disk"
	tests/hosts/kvmhost.sh run --mem 5120 --timeout 1500 --drive "$work/disk" --copy qemu-system-x86_64 --copy iperf3 \
		--copy "$PWD/$initrd" -- \
		"$build/mvsh" tests/bench/host.lua build/hosts/vmlinuz "$initrd" /tmp "${host_parts[@]}" | tee "$work/host" >&2
	grep -P '^[^\t]+\t[0-9.]+\t' "$work/host" >>"$rows"
fi
[ -s "$rows" ] || exit 1
echo
table
