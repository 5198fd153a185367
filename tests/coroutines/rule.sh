#!/usr/bin/env bash
# House rule for coroutines: inside the parentheses of an expression with co_await, arguments are names: no brace, no lambda.
# GCC 12 destroys temporaries made there twice (docs/architecture.md). Prints the offending expressions of the files given.
set -uo pipefail

# From co_await, without a statement's end or block between, to a parenthesis that has a brace or a capture list in it.
readonly pattern='co_await[^;{}]*\((?:[^(){};]|(?<p>\((?:[^(){};]|(?&p))*\)))*(?:\{|(?<![\w\])])\[)'

found=0
for file in "$@"; do
  if slips=$(sed 's,//.*,,' "$file" | grep -Pzo "$pattern" | tr '\0' '\n'); then
    printf '%s: a brace or a lambda inside co_await:\n%s\n' "$file" "$slips"
    found=1
  fi
done
exit "$found"
