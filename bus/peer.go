//go:build linux || darwin

package bus

import (
	"fmt"
	"net"
	"os"
)

// checkPeer makes sure that the other end runs as this user, or as root.
func checkPeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("credentials of the other end: %w", err)
	}
	var uid uint32
	var asking error
	if err := raw.Control(func(fd uintptr) { uid, asking = peerUser(int(fd)) }); err != nil {
		return fmt.Errorf("credentials of the other end: %w", err)
	}
	if asking != nil {
		return fmt.Errorf("credentials of the other end: %w", asking)
	}
	return allowed(uid, os.Geteuid())
}
