package canonical

import "golang.org/x/sys/unix"

// dirFlags: O_PATH needs search permission only.
const dirFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
