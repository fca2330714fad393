#!/usr/bin/env bash
# Makes tests/golden/conf/domain/NAME.out.xml from NAME.in.xml: what the real virsh shows of the definition on its test
# driver (package libvirt-clients). Definitions that it refuses are in bad/; it is an error when one of them is
# accepted, or one of the others refused. With names as arguments only these. All goldens are checked in; this is for new ones.
set -euo pipefail
cd "$(dirname "$0")/conf/domain"

define() { # FILE NAME: the definition as virsh shows it, without the empty line that virsh adds
	virsh -q -c test:///default "define $1; dumpxml --inactive $2" 2>/dev/null | sed '/^$/d'
}

if [ $# -eq 0 ]; then
	set -- *.in.xml bad/*.xml
fi
status=0
for file in "$@"; do
	name=$(sed -n 's:.*<name>\(.*\)</name>.*:\1:p' "$file" | head -1)
	case $file in
	bad/*)
		if define "$file" "$name" >/dev/null; then
			echo "$file is accepted" >&2
			status=1
		fi
		;;
	*.in.xml)
		out=${file%.in.xml}.out.xml
		if define "$file" "$name" >"$out.new"; then
			mv "$out.new" "$out"
		else
			rm -f "$out.new"
			echo "$file is refused" >&2
			status=1
		fi
		;;
	esac
done
exit $status
