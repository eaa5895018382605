//go:build !unix

package app

import "io/fs"

// asItIs is nothing here: a link is followed by whoever may make one.
const asItIs = 0

// owned is not known on this system, so it is no.
func owned(fs.FileInfo) bool { return false }
