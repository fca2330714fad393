#!/usr/bin/env bash
# Installs the Debian packages that a goal of the Makefile needs.
#
#   scripts/setup.sh [--check] [GROUP...]     groups: build test host lint fuzz bench; default: all of them
#
# Costs one dpkg-query when nothing is missing. With --check it installs nothing, names what is missing
# and exits with 1. Otherwise it installs as root, or through sudo; where neither is possible it names
# what is missing and exits with 1.
set -u

packages_build="gcc libc6-dev make pkg-config lua5.4 liblua5.4-dev libreadline-dev liburing-dev libzstd-dev
	liblzma-dev zlib1g-dev
	libseccomp-dev libjansson-dev libxml2-dev"
packages_test="libxml2-utils libvirt0 libvirt-clients libvirt-dev libcmocka-dev acpica-tools binutils coreutils less tmux"
packages_host="qemu-system-x86 qemu-utils busybox-static kmod cpio xz-utils nbdkit iproute2 e2fsprogs"
packages_lint="clang-format clang-tidy cppcheck lua-check"
packages_fuzz="clang libclang-rt-14-dev"
packages_bench="fio iperf3"

check_only=
groups=()
for arg in "$@"; do
	case $arg in
	--check) check_only=1 ;;
	build | test | host | lint | fuzz | bench) groups+=("$arg") ;;
	*)
		echo "setup.sh: unknown group '$arg'; the groups are build, test, host, lint, fuzz and bench" >&2
		exit 2
		;;
	esac
done
[ ${#groups[@]} -gt 0 ] || groups=(build test host lint fuzz bench)

wanted=()
for group in "${groups[@]}"; do
	list=packages_$group
	# shellcheck disable=SC2206 # split on purpose: the list is words
	wanted+=(${!list})
done

if ! command -v dpkg-query >/dev/null; then
	echo "setup.sh: this is not a Debian system; the packages would be: ${wanted[*]}" >&2
	[ -n "$check_only" ] && exit 1
	exit 0
fi

# A package that dpkg has never heard of is printed on standard error only, hence the comparison of lists.
installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null |
	sed -n 's/^ii *//p')
missing=()
for package in "${wanted[@]}"; do
	case $'\n'$installed$'\n' in
	*$'\n'"$package"$'\n'*) ;;
	*) missing+=("$package") ;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ -n "$check_only" ]; then
	echo "missing packages: ${missing[*]} (scripts/setup.sh installs them)" >&2
	exit 1
fi

as_root=()
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null || ! sudo -v; then
		echo "setup.sh: packages are missing and can only be installed by root: ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

# The lock is waited for: another package installation may be under way.
apt() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq "$@"
}

echo "installing packages: ${missing[*]}"
apt install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1 && exit 0
# The usual reason is that the package lists are absent or old, so they are fetched only now.
apt update
apt install -y --no-install-recommends "${missing[@]}" >/dev/null && exit 0
echo "setup.sh: these packages could not be installed: ${missing[*]}" >&2
exit 1
