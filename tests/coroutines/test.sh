#!/usr/bin/env bash
# The coroutine rule must find every sample in bad/ and none in good/.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

status=0
for sample in bad/*.cc; do
  if ./rule.sh "$sample" >/dev/null; then
    echo "not found: $sample"
    status=1
  fi
done
for sample in good/*.cc; do
  if ! ./rule.sh "$sample"; then
    echo "found by mistake: $sample"
    status=1
  fi
done
exit "$status"
