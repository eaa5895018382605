#!/bin/sh
# Growth is a decision: the binary and its modules have a budget.
set -eu
max_bytes=47185920 # 45 MB
max_modules=115
bytes=$(wc -c <"$1")
modules=$(go version -m "$1" | grep -c '^	dep')
echo "binary $bytes bytes (budget $max_bytes), $modules modules (budget $max_modules)"
[ "$bytes" -le "$max_bytes" ] && [ "$modules" -le "$max_modules" ]
