#!/usr/bin/env bash
# Runs the benchmarks, or those whose name is given: ./bench.sh [name]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
missing=()
command -v wrk >/dev/null || missing+=(wrk)
compgen -G "/usr/lib/postgresql/*/bin/pgbench" >/dev/null || missing+=(postgresql)
if [ ${#missing[@]} != 0 ]; then
  echo "bench.sh: installing ${missing[*]} (what loads, and what is measured)" >&2
  as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
if ! command -v rg >/dev/null; then
  echo "bench.sh: installing ripgrep (what the scanner is measured beside)" >&2
  as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ripgrep >/dev/null
fi
./run.sh build
# The agent and the scanner's start are measured as they are shipped: compiled to native code.
case " $* " in
  "  " | *" agent "* | *" scan "*) [ artifacts/dist/mayfly -nt artifacts/bin/.built ] || ./run.sh publish artifacts/dist ;;
esac
dotnet build tests/Mayfly.Benchmarks -c Release -v quiet -clp:NoSummary
exec tests/Mayfly.Benchmarks/bin/Release/net10.0/Mayfly.Benchmarks "$@"
