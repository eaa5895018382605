//go:build !linux

package netproxy

import (
	"context"
	"net"
)

// dialSocket connects to the socket that was judged. Here a link that is put into the path meanwhile is followed.
func dialSocket(ctx context.Context, name string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", name)
}
