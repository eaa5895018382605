#!/bin/sh
# Growth is a decision: each file and its modules have a budget.
#
#   budget.sh FILE BYTES MODULES
set -eu
bytes=$(wc -c <"$1")
modules=$(go version -m "$1" | grep -c '^	dep')
echo "$1: $bytes bytes (budget $2), $modules modules (budget $3)"
[ "$bytes" -le "$2" ] && [ "$modules" -le "$3" ]
