#!/usr/bin/env bash
# What a cache mode promises, when the power fails: a guest's write, or flush, that was reported as done is on the disk.
# The test host's disks have write caches that lose everything that was not flushed. The mode "unsafe" promises nothing,
# and shows here that what is lost would be seen.
# limit: 500
set -u
cd "$(dirname "$0")/../.." || exit 1

blocks=25
size=$((8 << 20))
build=${MV_BUILD:-build}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
modes=(writeback none writethrough directsync unsafe)
echo "1..${#modes[@]}"

drives=()
for mode in "${modes[@]}"; do
	truncate -s "$size" "$folder/$mode"
	drives+=(--volatile "$folder/$mode")
done
tests/hosts/kvmhost.sh run --timeout 440 "${drives[@]}" -- "$build/mvsh" tests/real/_disk_power.lua "$blocks" \
	>"$folder/out" 2>&1 </dev/null
status=$?
sed 's/^/# /' "$folder/out"
if [ "$status" != 137 ] || ! grep -q "all written" "$folder/out"; then
	echo "# the test host ended with status $status, not by a power cut"
	exit 1
fi

# How many of the blocks are there.
kept() { # FILE
	local n have=0
	for ((n = 0; n < blocks; n++)); do
		[ "$(dd if="$1" bs=4096 skip="$n" count=1 2>/dev/null | tr -d '\0' | tr -s ' ')" = "block $n " ] && have=$((have + 1))
	done
	echo "$have"
}

number=0
for mode in "${modes[@]}"; do
	number=$((number + 1))
	have=$(kept "$folder/$mode")
	echo "# $mode: $have of $blocks blocks"
	result="not ok"
	if [ "$mode" = unsafe ]; then
		name="cache mode unsafe loses what was flushed"
		[ "$have" -lt "$blocks" ] && result=ok
	else
		name="cache mode $mode keeps what it promised"
		[ "$have" = "$blocks" ] && result=ok
	fi
	echo "$result $number - $name"
done
