#!/usr/bin/env bash
# Makes tests/golden/conf/KIND/NAME.out.xml from NAME.in.xml: what the real virsh shows of it on its test driver (package
# libvirt-clients). Documents that it refuses are in bad/; it is an error when one of them is accepted, or one of the others
# refused. Kinds which that driver does not have, and documents that it does not keep whole (namespaces), have files written by
# hand. All results but a domain's, which its own test checks, must be valid by libvirt's schemas. All goldens are checked in;
# this is for new ones.
#
#   tests/golden/update.sh [KIND [FILE...]]        files as in conf/KIND: a.in.xml, bad/b.xml
set -uo pipefail
cd "$(dirname "$0")/conf" || exit 1
schemas=/usr/share/libvirt/schemas
report=$(mktemp)
trap 'rm -f "$report"' EXIT

# first TAG FILE: the text of the first <TAG> in the file.
first() { sed -n "s:.*<$1>\([^<]*\)</$1>.*:\1:p" "$2" | head -n 1; }
virsh_test() { virsh -q -c test:///default "$1" 2>/dev/null | sed '/^$/d'; }

# shown KIND FILE: the document as virsh shows it; status 2: virsh has no such kind.
shown() {
	local name uuid
	name=$(first name "$2")
	uuid=$(first uuid "$2")
	case $1 in
	domain) virsh_test "define $2; dumpxml --inactive '$name'" ;;
	# The test driver gives pools a size.
	storagepool) virsh_test "pool-define $2; pool-dumpxml ${uuid:-$name}" |
		sed "/<\(capacity\|available\) unit='bytes'>107374182400</s/107374182400/0/" ;;
	storagevol) virsh_test "vol-create default-pool $2; vol-dumpxml --pool default-pool --vol '$name'" ;;
	network) virsh_test "net-define $2; net-dumpxml ${uuid:-$name}" ;;
	interface) name=$(sed -n "s/<interface.* name=['\"]\([^'\"]*\)['\"].*/\1/p;q" "$2")
		virsh_test "iface-define $2; iface-dumpxml $name" ;;
	*) return 2 ;;
	esac
}

status=0
complain() {
	echo "$1" >&2
	status=1
}

one() {
	local kind=$1 file=$1/$2 text out
	case $2 in
	bad/*)
		text=$(shown "$kind" "$file") && complain "$file is accepted"
		;;
	*.in.xml)
		out=${file%.in.xml}.out.xml
		if [ "$kind" = domain ] || ! grep -q 'xmlns:' "$file"; then
			text=$(shown "$kind" "$file")
			case $? in
			0) printf '%s\n' "$text" >"$out" ;;
			2) ;;
			*) complain "$file is refused" ;;
			esac
		fi
		if [ "$kind" != domain ] && ! xmllint --noout --relaxng "$schemas/$kind.rng" "$out" 2>"$report"; then
			complain "$out is not valid: $(cat "$report")"
		fi
		;;
	esac
}

for kind in ${1:-*}; do
	shift $(($# > 0))
	if [ $# -gt 0 ]; then
		files=("$@")
	else
		mapfile -t files < <(cd "$kind" && ls -d -- *.in.xml bad/*.xml 2>/dev/null)
	fi
	for file in "${files[@]}"; do
		one "$kind" "$file"
	done
	set --
done
exit $status
