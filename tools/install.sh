#!/bin/bash
# Installs what a target needs and is not there yet, on Debian and its relatives.
#
#   tools/install.sh build   what building needs besides Go: the roots by which Go's modules are fetched over TLS
#   tools/install.sh run     that, and what the program needs: PostgreSQL's programs, the font for registered kanji
#   tools/install.sh test    that, and what the tests compare with: a browser, fonts, PDF tools, OpenSSL, Node, a C compiler,
#                           a token of software (SoftHSM)
#
# Node must be 18 or newer: Debian 12 has 18 and Debian 13 has 20. Some packages of test/interop ask for 20 in their "engines",
# of which npm warns; they do their work on Debian 12's 18.20, too.
#
# As root it installs the missing packages; as anybody else it prints the command and stops with 1. No database cluster
# is made and no service started: the program keeps a PostgreSQL of its own.
set -euo pipefail

build_packages=(ca-certificates)
run_packages=("${build_packages[@]}" postgresql fonts-ipamj-mincho)
test_packages=("${run_packages[@]}" chromium-headless-shell fonts-noto-cjk poppler-utils qpdf openssl gcc libc6-dev softhsm2 nodejs npm)

case "${1:-}" in
build) wanted=("${build_packages[@]}") ;;
run) wanted=("${run_packages[@]}") ;;
test) wanted=("${test_packages[@]}") ;;
*) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# have tells whether the package, or what it would bring from another source, is there.
have() {
	case "$1" in
	ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] ;;
	postgresql) compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v initdb >/dev/null ;;
	gcc) command -v gcc >/dev/null ;;
	nodejs) command -v node >/dev/null ;;
	npm) command -v npm >/dev/null ;;
	openssl | qpdf) command -v "$1" >/dev/null ;;
	chromium-headless-shell) command -v "$1" >/dev/null || command -v chromium >/dev/null || command -v google-chrome >/dev/null ;;
	poppler-utils) command -v pdftotext >/dev/null ;;
	*) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
	esac
}

missing=()
for package in "${wanted[@]}"; do
	have "$package" || missing+=("$package")
done

# new_enough stops with 1 where the tests would fail for an old Node without saying so.
new_enough() {
	[[ " ${wanted[*]} " == *" nodejs "* ]] || return 0
	local version
	version=$(node --version)
	if [ "$(cut -d. -f1 <<<"${version#v}")" -lt 18 ]; then
		echo "The tests need Node 18 or newer, and the one on PATH ($(command -v node)) is $version." >&2
		exit 1
	fi
}

if [ ${#missing[@]} -eq 0 ]; then
	new_enough
	exit 0
fi

if ! command -v apt-get >/dev/null; then
	echo "Needed and not found: ${missing[*]} (Debian's names). Install them with this system's package manager." >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	command="sudo $0 $1"
	command -v sudo >/dev/null || command="su -c '$0 $1'"
	echo "Needed and not found: ${missing[*]}. Install them with:" >&2
	echo "  $command" >&2
	exit 1
fi

# Debian's PostgreSQL makes and starts a cluster of its own unless it is told otherwise while it is installed.
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
	no_cluster=/etc/postgresql-common/createcluster.d/akashi-install.conf
	mkdir -p "${no_cluster%/*}"
	trap 'rm -f "$no_cluster"' EXIT
	echo 'create_main_cluster = false' >"$no_cluster"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update
# Some of Debian's relatives have the browser as a whole only.
if ! apt-cache show chromium-headless-shell >/dev/null 2>&1; then
	missing=("${missing[@]/#chromium-headless-shell/chromium}")
fi
apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}"
new_enough
