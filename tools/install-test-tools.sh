#!/bin/sh
# Installs the programs that tests drive beside their own clients: etcd and etcdctl, nghttp and h2load (Debian and its relatives).
# Does nothing when all are there. Tests whose program is missing are skipped, and fail where CI is set.
set -eu

missing=
for pair in nghttp:nghttp2-client h2load:nghttp2-client etcd:etcd-server etcdctl:etcd-client; do
  program=${pair%%:*}
  package=${pair##*:}
  command -v "$program" >/dev/null 2>&1 && continue
  case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

fail() {
  echo "install-test-tools: $1; missing:$missing" >&2
  exit 1
}

command -v apt-get >/dev/null 2>&1 || fail "there is no apt-get on this system; install the packages' programs by hand"

root=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || fail "this needs root or sudo"
  sudo -n true 2>/dev/null || fail "this needs root, or sudo without a password"
  root="sudo -n"
fi

# A service that starts by itself would take etcd's ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
  $root chmod 755 "$policy"
  trap '$root rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # several packages, and no or one word for sudo
$root apt-get update -qq || fail "apt-get update failed"
# shellcheck disable=SC2086
$root apt-get install -y -qq --no-install-recommends $missing >/dev/null || fail "apt-get install failed"
echo "install-test-tools: installed$missing"
