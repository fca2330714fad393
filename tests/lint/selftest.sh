#!/usr/bin/env bash
# A check that cannot fail is worth nothing: each lint tool is shown a violation here, and must find it; and a clean
# file, which it must let pass. Run from the root of the tree.
set -u

root=$PWD
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0

# expect pass|fail NAME COMMAND...
expect() {
	local want=$1 name=$2 got=pass
	shift 2
	"$@" >"$dir/out" 2>&1 || got=fail
	if [ "$got" != "$want" ]; then
		echo "lint self-test: $name: expected to $want" >&2
		sed 's/^/    /' "$dir/out" >&2
		bad=1
	fi
}

mkdir -p "$dir/engine/base" "$dir/engine/kvm/virtio" "$dir/engine/kvm/dev" "$dir/build"
cp .clang-format .clang-tidy .luacheckrc "$dir"
cd "$dir" || exit 1

printf 'int mv_a(int a);\nint mv_a(int a)\n{\n\treturn a;\n}\n' >engine/base/good.c
printf 'int mv_a(int a);\nint mv_a(int a) {\n    return a;\n}\n' >engine/base/bad.c
expect pass clang-format clang-format --dry-run -Werror engine/base/good.c
expect fail clang-format clang-format --dry-run -Werror engine/base/bad.c

printf '#include <string.h>\nint mv_b(int *a);\nint mv_b(int *a)\n{\n\tmemset(a, 0, sizeof(a));\n\treturn *a / 0;\n}\n' \
	>engine/base/bad.c
expect pass clang-tidy clang-tidy --quiet engine/base/good.c -- -std=gnu11
expect fail clang-tidy clang-tidy --quiet engine/base/bad.c -- -std=gnu11

printf 'int mv_c(int i);\nint mv_c(int i)\n{\n\tint a[4] = { 0 };\n\treturn i == 4 ? a[i] : 0;\n}\n' >engine/base/bad.c
expect pass cppcheck cppcheck -q --enable=warning --error-exitcode=1 engine/base/good.c
expect fail cppcheck cppcheck -q --enable=warning --error-exitcode=1 engine/base/bad.c

printf 'local a = 1\nreturn a\n' >good.lua
printf 'b = 1\n' >bad.lua
expect pass luacheck luacheck --quiet good.lua
expect fail luacheck luacheck --quiet bad.lua

include() { # pass|fail FILE INCLUDE
	mkdir -p "$(dirname "$2")"
	printf '#include %s\n' "$3" >"$2"
	expect "$1" "$2 including $3" lua5.4 "$root/tests/lint/includes.lua" "$2"
}
include pass engine/kvm/virtio/x.c '"engine/base/error.h"'
include pass engine/kvm/virtio/x.c '"engine/kvm/dev/dev.h"'
include pass engine/kvm/virtio/x.c '"engine/kvm/common/machine_spec.h"'
include pass engine/kvm/virtio/x.c '"seccomp_filters.h"'
include fail engine/kvm/virtio/x.c '"engine/domain/domain.h"'
include fail engine/kvm/virtio/x.c '"engine/kvm/driver.h"'
include fail engine/kvm/virtio/x.c '"engine/conf/domain.h"'
include fail engine/kvm/virtio/x.c '"dev.h"'
include fail engine/kvm/virtio/x.c '"../dev/dev.h"'
include fail engine/kvm/virtio/x.c '<lua.h>'
include fail engine/base/x.c '"engine/image/image.h"'
include pass engine/kvm/driver.c '"engine/api/driver.h"'
include fail engine/kvm/driver.c '"engine/api/domain.h"'
include fail engine/kvm/driver.c '"engine/kvm/vmm/vm.h"'
include fail engine/kvm/driver.c '"engine/xen/driver.h"'
include pass engine/api/connect.c '"engine/kvm/driver.h"'
include pass bindings/domain.c '"engine/api/domain.h"'
include fail bindings/domain.c '"engine/kvm/driver.h"'
include pass bindings/conf.c '"engine/conf/schema.h"'
include pass engine/test/driver.c '"conf/domain_def.h"'
include fail engine/kvm/virtio/x.c '"conf/domain_def.h"'
include fail engine/test/driver.c '<libxml/tree.h>'
include fail bindings/domain.c '"shell/repl.h"'
include fail engine/nowhere/x.c '"engine/base/error.h"'
include pass tests/unit/test_x.c '"engine/kvm/vmm/vm.h"'

printf 'int main(void)\n{\n\treturn 0;\n}\n' >main.c
gcc -O1 -fPIE -static-pie -Wl,-z,relro,-z,now -o build/moonvisor-vmm main.c &&
	expect pass 'a static machine process' "$root/tests/lint/linkcheck.sh" build/moonvisor-vmm
gcc -O1 -fPIE -pie -Wl,-z,relro,-z,now -o build/moonvisor-vmm main.c &&
	expect fail 'a dynamic machine process' "$root/tests/lint/linkcheck.sh" build/moonvisor-vmm
printf 'int lua_close(void);\nint lua_close(void)\n{\n\treturn 1;\n}\nint main(void)\n{\n\treturn lua_close();\n}\n' >main.c
gcc -O0 -fPIE -static-pie -Wl,-z,relro,-z,now -o build/moonvisor-vmm main.c &&
	expect fail 'Lua in the machine process' "$root/tests/lint/linkcheck.sh" build/moonvisor-vmm
gcc -O1 -fPIC -shared -Wl,-z,relro,-z,now -o build/moonvisor.so main.c &&
	expect fail 'a module with other exports' "$root/tests/lint/linkcheck.sh" build/moonvisor.so

exit $bad
