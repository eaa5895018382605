//go:build unix && !linux

package canonical

import "golang.org/x/sys/unix"

// dirFlags: without O_PATH the directories on the way have to be readable.
const dirFlags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
