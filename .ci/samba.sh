#!/usr/bin/env bash
# samba.sh COMMAND [ARGUMENT]... runs the command where the tests find a Samba
# that can be a domain controller. Where it isn't installed, Debian's is, without
# the daemons that the packages would start by themselves. The tests make and
# start their own controllers from it (connectors/ad/adtest), on loopback
# addresses of their own; they need root, because Samba listens on 389 and 636
# only. WORKSPACE_TEST_SAMBA names another samba binary, for which nothing is
# installed.
set -euo pipefail

packages=(samba samba-ad-provision samba-dsdb-modules samba-vfs-modules
	samba-common-bin python3-samba python3-gpg winbind)

# present says whether all that a domain controller needs is here.
present() {
	local p
	for p in "${packages[@]}"; do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || return 1
	done
}

install_samba() {
	local root=() policy=/usr/sbin/policy-rc.d made=
	if [[ $(id -u) != 0 ]]; then
		root=(sudo)
	fi
	if ! command -v apt-get >/dev/null; then
		echo "samba.sh: install Samba's AD DC and its Python bindings, or set WORKSPACE_TEST_SAMBA" >&2
		exit 1
	fi
	if [[ ! -e $policy ]]; then # 101: no daemon may be started by a package
		printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
		"${root[@]}" chmod 755 "$policy"
		made=1
	fi
	local failed=
	"${root[@]}" apt-get update -q &&
		"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
			-o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=120 "${packages[@]}" || failed=1
	if [[ -n $made ]]; then
		"${root[@]}" rm -f "$policy"
	fi
	if [[ -n $failed ]]; then
		echo "samba.sh: Samba couldn't be installed" >&2
		exit 1
	fi
}

if [[ -z ${WORKSPACE_TEST_SAMBA:-} ]]; then
	present || install_samba >&2
	export WORKSPACE_TEST_SAMBA=/usr/sbin/samba
fi
"$@"
