#!/usr/bin/env bash
# Runs every test and ends with "N passed, N failed, N skipped". Installs what the tests drive when it is missing.
# Arguments go to the test programs, such as: ./test.sh -namespace 'Mayfly.Tests.Http*'
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

say() { echo "test.sh: $*" >&2; }

# program or file : Debian package
wanted=(
  "/usr/lib/*/libsqlite3.so.0:libsqlite3-0"
  "/usr/bin/strace:strace"
  "/usr/lib/python3/dist-packages/hvac:python3-hvac"
  "/usr/lib/python3/dist-packages/botocore:python3-botocore"
  "/usr/bin/curl:curl"
  "/usr/sbin/ip:iproute2"
  "/usr/bin/openssl:openssl"
  "/usr/bin/git:git"
  "/usr/bin/ssh-keygen:openssh-client"
  "/usr/bin/zip:zip"
  "/usr/share/gocode/src/github.com/BurntSushi/toml/internal/toml-test/tests:golang-github-burntsushi-toml-dev"
  "/usr/lib/postgresql/*/bin/postgres:postgresql"
  "/usr/sbin/mariadbd:mariadb-server"
  "/usr/lib/*/libmariadb.so.3:libmariadb3"
  "/usr/bin/redis-server:redis-server"
  "/usr/bin/redis-cli:redis-tools"
  "/usr/lib/rabbitmq/bin/rabbitmq-server:rabbitmq-server"
)
install() {
  say "installing $*"
  local as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  # The tests start servers of their own: those of the packages stay off.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null && "${as_root[@]}" chmod +x "$policy" && made=1
  fi
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  local code=$?
  [ -z "$made" ] || "${as_root[@]}" rm -f "$policy"
  [ "$code" = 0 ] || { say "the packages could not be installed"; exit 1; }
}

missing=()
for entry in "${wanted[@]}"; do
  compgen -G "${entry%%:*}" >/dev/null || missing+=("${entry##*:}")
done
command -v node >/dev/null || missing+=(nodejs)
[ ${#missing[@]} = 0 ] || install "${missing[@]}"
# Not together: Debian's nodejs comes without npm, but those of others come with it, and exclude Debian's.
command -v npm >/dev/null || install npm
# What the compatibility tests drive from npm. The folder gets its name when it is whole.
clients=tests/Mayfly.Compat.Tests/clients/package.json
if ! cmp -s "$clients" artifacts/node/package.json; then
  say "installing from npm into artifacts/node what $clients lists"
  rm -rf artifacts/node artifacts/node.next && mkdir -p artifacts/node.next
  cp "$clients" artifacts/node.next/ &&
    npm install --silent --no-audit --no-fund --no-package-lock --prefix artifacts/node.next >/dev/null &&
    mv artifacts/node.next artifacts/node ||
    { say "they could not be installed"; exit 1; }
fi

say "building"
if ! dotnet build Mayfly.slnx -c Release -v quiet -clp:NoSummary; then
  say "the build failed"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi

passed=0 failed=0 skipped=0
for project in tests/*.Tests; do
  name=$(basename "$project")
  say "running $name"
  log=$(mktemp)
  # Started in the background or by nohup, it would have servers that ignore signals.
  env --default-signal=HUP,INT,QUIT,TERM "$project/bin/Release/net10.0/$name" -noLogo -noColor "$@" 2>&1 | tee "$log"
  code=${PIPESTATUS[0]}
  # "  Mayfly.Tests  Total: 12, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 1.2s"
  counts=$(grep -aoE 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+' "$log" | tail -1 | grep -oE '[0-9]+' | tr '\n' ' ')
  # A project without tests says "Total: 0" alone.
  read -r total errors bad left <<<"${counts:-0 0 0 0}"
  if [ "$code" != 0 ] && [ $((errors + bad + left)) = 0 ]; then
    say "$name ended with exit code $code before it could say what failed"
    errors=1 total=$((total + 1))
  fi
  passed=$((passed + total - errors - bad - left)) failed=$((failed + errors + bad)) skipped=$((skipped + left))
  rm -f "$log"
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$skipped" = 0 ] && [ "$passed" != 0 ]
