#!/usr/bin/env bash
# Builds Mayfly when its sources changed, and starts a development server in the foreground.
#
#   ./run.sh [--listen ADDR:PORT] [--data DIR] [other flags of mayflyd]
#   ./run.sh build            build only, into artifacts/bin
#   ./run.sh publish DIR      self-contained single files of mayfly and mayflyd
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$root/artifacts/bin
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

say() { echo "run.sh: $*" >&2; }

# What the server needs besides the .NET SDK: the operating system's SQLite.
ensure_system() {
  if compgen -G '/usr/lib/*/libsqlite3.so.0' >/dev/null || compgen -G '/usr/lib*/libsqlite3.so.0' >/dev/null; then
    return
  fi
  say "installing libsqlite3-0 (the embedded store)"
  local as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libsqlite3-0 >/dev/null
}

ensure_sdk() {
  command -v dotnet >/dev/null && return
  say "the .NET 10 SDK is missing: https://dotnet.microsoft.com/download/dotnet/10.0"
  exit 1
}

sources() {
  find "$root/src" "$root"/Directory.*.props "$root/global.json" "$root/BannedSymbols.txt" "$root/.editorconfig" \
    \( -name bin -o -name obj \) -prune -o -type f "$@" -print
}

is_current() {
  [ -x "$bin/mayflyd" ] && [ -x "$bin/mayfly" ] && [ -f "$bin/.sources" ] || return 1
  [ -z "$(sources -newer "$bin/.built" | head -1)" ] && [ "$(sources | sort | cksum)" = "$(cat "$bin/.sources")" ]
}

build() {
  is_current && return
  ensure_sdk
  say "building (Release)"
  # A folder of its own: two starts that build at the same time do not meet.
  local next log
  mkdir -p "$root/artifacts"
  next=$(mktemp -d "$root/artifacts/bin.XXXXXX")
  chmod 755 "$next"
  # Stamped with the time of the start: what is edited during the build counts as newer.
  touch "$next/.built"
  sources | sort | cksum >"$next/.sources"
  log=$(mktemp)
  for project in Mayfly.Server Mayfly.Cli; do
    if ! dotnet publish "$root/src/$project" -c Release -v quiet -o "$next" >"$log" 2>&1; then
      cat "$log" >&2; rm -rf "$log" "$next"; exit 1
    fi
  done
  rm -f "$log"
  # A server that still runs keeps the files that it has open.
  rm -rf "$bin"; mv -T "$next" "$bin"
  say "mayfly and mayflyd are in $bin; to have them at hand: export PATH=\"$bin:\$PATH\""
}

# It comes as a package of its own, which not every index has.
has_native_compiler() {
  local folder found=0
  folder=$(mktemp -d)
  cat >"$folder/probe.csproj" <<XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <RuntimeIdentifier>$1</RuntimeIdentifier>
    <SelfContained>false</SelfContained>
    <PublishReadyToRun>true</PublishReadyToRun>
  </PropertyGroup>
</Project>
XML
  dotnet restore "$folder/probe.csproj" -v quiet >/dev/null 2>&1 || found=1
  rm -rf "$folder"
  return "$found"
}

publish() {
  ensure_sdk
  local target=$1 rid
  case $(uname -m) in x86_64) rid=linux-x64 ;; aarch64) rid=linux-arm64 ;; *) say "unknown machine $(uname -m)"; exit 1 ;; esac
  local common=(-c Release -v quiet -r "$rid" --self-contained -p:PublishSingleFile=true -p:DebugType=none -o "$target")
  # Lock files of its own: those of the sources would change, and the next start would build again.
  common+=(-p:NuGetLockFilePath=obj/publish.lock.json)
  local native=(-p:PublishReadyToRun=true)
  if ! has_native_compiler "$rid"; then
    say "the .NET SDK's native compiler (microsoft.netcore.app.crossgen2.$rid) cannot be had: the programs will start slower"
    native=()
  fi
  say "publishing mayflyd for $rid"
  dotnet publish "$root/src/Mayfly.Server" "${common[@]}" "${native[@]}"
  say "publishing mayfly for $rid"
  # Trimming drops the native code that the framework comes with: only together with what compiles it again, and ours with it.
  [ ${#native[@]} = 0 ] || native+=(-p:PublishTrimmed=true -p:PublishReadyToRunComposite=true)
  dotnet publish "$root/src/Mayfly.Cli" "${common[@]}" "${native[@]}"
  find "$target" -maxdepth 1 -name '*.xml' -delete
  ls -lh "$target" >&2
}

case ${1:-} in
  publish) [ $# = 2 ] || { say "usage: ./run.sh publish DIR"; exit 1; }; publish "$2"; exit ;;
  build) build; exit ;;
esac

listen=() data=(-dev-data="$root/.mayfly") rest=()
while [ $# -gt 0 ]; do
  case $1 in
    --listen | --data)
      [ $# -ge 2 ] || { say "$1 needs a value"; exit 1; }
      if [ "$1" = --listen ]; then listen=(-dev-listen-address="$2"); else data=(-dev-data="$2"); fi
      shift 2 ;;
    --listen=*) listen=(-dev-listen-address="${1#*=}"); shift ;;
    --data=*) data=(-dev-data="${1#*=}"); shift ;;
    *) rest+=("$1"); shift ;;
  esac
done
ensure_system
build
exec "$bin/mayflyd" -dev "${data[@]}" "${listen[@]}" "${rest[@]}"
