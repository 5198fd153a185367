# Packages of the distribution (Debian 12 and 13, Ubuntu 24.04), and installing those that are missing. Sourced by ./dev and tools/.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the lists are read by those who source this file

# Debian 12 has Boost 1.74 by default and a newer one by number.
boost_packages() {
  if (. /etc/os-release && [ "$ID $VERSION_ID" = "debian 12" ]); then
    echo libboost1.81-dev libboost-json1.81-dev
  else
    echo libboost-dev libboost-json-dev
  fi
}

read -ra boost < <(boost_packages)
build_packages=(g++ cmake ninja-build pkg-config ccache "${boost[@]}" libspdlog-dev libfmt-dev libcli11-dev libtomlplusplus-dev
  catch2 libc-ares-dev libidn2-dev libsqlite3-dev libssl-dev libcrypt-dev zlib1g-dev)
test_packages=(python3)  # reads notices, as a parser that is not ours
lint_packages=(clang-19 clang-tidy-19 clang-format-19 shellcheck man-db git)
fuzz_packages=(clang-19 libclang-rt-19-dev)
cross_packages=(python3 python3-dkim python3-nacl openssl opendkim-tools libmail-dkim-perl libcryptx-perl)  # opendkim-tools for its library
lab_packages=(python3 iproute2 util-linux openssl sslscan)

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "this needs root or sudo: $*" >&2
    return 1
  fi
}

# Names, one a line, of those given that are not installed.
missing_packages() {
  local package status
  for package in "$@"; do
    status=$(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null || true)
    case $status in installed*) ;; *) echo "$package" ;; esac
  done
}

# apt's lists, fetched once for those who need them.
update_lists() { as_root apt-get update -q || echo "apt-get update failed for a source; going on with what there is" >&2; }

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  if ! command -v apt-get >/dev/null; then
    echo "please install: ${missing[*]} (names of Debian's packages)" >&2
    return 1
  fi
  echo "installing: ${missing[*]}"
  update_lists
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}
