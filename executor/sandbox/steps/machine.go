//go:build linux && (amd64 || arm64)

package steps

import "bytes"

// codeLimit is more than the machine has.
const codeLimit = 256

// location is where the machine lies in this program.
func location() *[codeLimit]byte

// code is the machine: what comes before the words "step" and " end" in its source.
func code() []byte {
	all := location()[:]
	return all[:max(bytes.Index(all, []byte("step"+" end")), 0)]
}
