#!/usr/bin/env bash
# Checks what each program links, as DESIGN.md lists it.
#
#   tests/lint/linkcheck.sh PROGRAM...          exit status 1 and a line for each violation
set -u

bad=0
report() {
	echo "linkcheck: $*" >&2
	bad=1
}

needed() {
	readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

# Every library that a program loads must be in its list (patterns of `case`, separated by |).
# The C library's linker is in those of programs that have a variable of their own in each thread.
check_needed() { # FILE PATTERNS
	local library
	for library in $(needed "$1"); do
		[[ $library =~ ^($2)\.so ]] || report "$1 loads $library"
	done
}

check_hardened() {
	readelf -lW "$1" | grep -q GNU_RELRO || report "$1 has no RELRO segment"
	readelf -dW "$1" | grep -qE 'BIND_NOW|FLAGS_1.* NOW' || report "$1 binds lazily"
	readelf -lW "$1" | grep -E 'GNU_STACK' | grep -q 'RWE' && report "$1 has an executable stack"
	readelf -hW "$1" | grep -qE 'Type: +DYN' || report "$1 is not position independent"
}

for file in "$@"; do
	[ -e "$file" ] || { report "$file does not exist"; continue; }
	check_hardened "$file"
	case $file in
	*/san-*/*) ;; # sanitizers bring libraries of their own
	*/moonvisor-vmm)
		check_needed "$file" 'none-at-all'
		readelf -lW "$file" | grep -q INTERP && report "$file wants a dynamic linker"
		# Symbols of Lua, XML, TLS, JSON, SSH and libseccomp, wherever they came from.
		symbols=$(nm "$file" 2>/dev/null |
			grep -iE ' [TtDdBbRrUuVvWw] (lua_|luaL_|luaopen_|xml[A-Z]|gnutls_|SSL_|TLS_|json_|libssh2_|seccomp_)' |
			awk '{ print $NF }' | head -5)
		[ -z "$symbols" ] || report "$file contains $(echo "$symbols" | tr '\n' ' ')"
		;;
	*/moonvisor.so)
		check_needed "$file" 'libc|ld-linux-x86-64|libjansson|libzstd|liblzma|libz|libm|libxml2|libgnutls|libssh2|libnl-3|libnl-route-3|libnftables'
		exports=$(nm -D --defined-only "$file" | awk '{ print $NF }' | sort | tr '\n' ' ')
		[ "$exports" = "luaopen_moonvisor " ] || report "$file exports '$exports' instead of luaopen_moonvisor alone"
		;;
	*/mvsh)
		check_needed "$file" \
			'libc|ld-linux-x86-64|libjansson|libzstd|liblzma|libz|libm|liblua5.4|libreadline|libtinfo|libxml2|libgnutls|libssh2|libnl-3|libnl-route-3|libnftables'
		;;
	*) report "nobody has said what $file may link" ;;
	esac
done
exit $bad
