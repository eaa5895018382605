//go:build unix

package app

import (
	"syscall"
)

// asItIs are the flags of an open that follows no last link and waits for nobody.
const asItIs = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
