#!/bin/sh
# Prints the path of the real codex binary, installed into folder $1 when it is not there yet.
# The binary itself and not its npm launcher: comparing with the launcher would flatter us.
set -eu
version=0.169.0
find_binary() { find "$1/node_modules/@openai" -type f -name codex -path '*/bin/*' -perm -u+x -size +1M 2>/dev/null | head -n 1; }
found=$(find_binary "$1")
if [ -z "$found" ]; then
	if ! command -v npm >/dev/null; then
		echo "bench: the comparison with the real codex is left out: npm is not installed; or name a binary with CODEX=" >&2
		exit 1
	fi
	if ! npm install --silent --no-audit --no-fund --prefix "$1" "@openai/codex@$version" >&2; then
		echo "bench: the comparison with the real codex is left out: npm could not get @openai/codex@$version" >&2
		exit 1
	fi
	found=$(find_binary "$1")
fi
if [ -z "$found" ]; then
	echo "bench: the comparison with the real codex is left out: @openai/codex@$version has no binary for this machine" >&2
	exit 1
fi
echo "$found"
