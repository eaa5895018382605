package netproxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
)

// SOCKS5 on the wire, RFC 1928.
const (
	socksVersion = 5

	methodNone = 0x00 // no authentication
	methodNil  = 0xff // none of those offered

	commandConnect = 1
	commandUDP     = 3

	addressIPv4 = 1
	addressName = 3
	addressIPv6 = 4
)

// reply is the answer to a command.
type reply byte

const (
	replyDone               reply = 0
	replyFailure            reply = 1
	replyNotAllowed         reply = 2
	replyRefused            reply = 5 // what Codex answers to every failed dial
	replyUnsupportedCommand reply = 7
	replyUnsupportedAddress reply = 8
)

// errAddressType asks for replyUnsupportedAddress.
var errAddressType = errors.New("unknown SOCKS address type")

// command is what a client wants after its greeting.
type command struct {
	code byte
	host string
	port uint16
}

// readGreeting reports whether the client offers to go without authentication.
func readGreeting(r io.Reader) (offered bool, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return false, fmt.Errorf("read SOCKS greeting: %w", err)
	}
	if head[0] != socksVersion {
		return false, fmt.Errorf("read SOCKS greeting: version is %d, expected %d", head[0], socksVersion)
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(r, methods); err != nil {
		return false, fmt.Errorf("read SOCKS methods: %w", err)
	}
	for _, m := range methods {
		offered = offered || m == methodNone
	}
	return offered, nil
}

func readCommand(r io.Reader) (command, error) {
	var head [4]byte // version, command, reserved, address type
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return command{}, fmt.Errorf("read SOCKS request: %w", err)
	}
	if head[0] != socksVersion || head[2] != 0 {
		return command{}, fmt.Errorf("read SOCKS request: begins with % x; expected version %d and a zero third byte", head[:3], socksVersion)
	}
	c := command{code: head[1]}
	var err error
	if c.host, err = readHost(r, head[3]); err != nil {
		return c, fmt.Errorf("read SOCKS address: %w", err)
	}
	var port [2]byte
	if _, err := io.ReadFull(r, port[:]); err != nil {
		return c, fmt.Errorf("read SOCKS port: %w", err)
	}
	c.port = uint16(port[0])<<8 | uint16(port[1])
	return c, nil
}

func readHost(r io.Reader, kind byte) (string, error) {
	size := 0
	switch kind {
	case addressIPv4:
		size = 4
	case addressIPv6:
		size = 16
	case addressName:
		var n [1]byte
		if _, err := io.ReadFull(r, n[:]); err != nil {
			return "", err
		}
		size = int(n[0])
	default:
		return "", fmt.Errorf("%w %d", errAddressType, kind)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", err
	}
	if kind == addressName {
		return string(b), nil
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return "", fmt.Errorf("address of %d bytes", size) // unreachable: 4 or 16
	}
	return a.String(), nil
}

// encodeReply names the bound address; 0.0.0.0:0 where there is none.
func encodeReply(code reply, bound net.Addr) []byte {
	a := netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	switch at := bound.(type) {
	case *net.TCPAddr:
		a = at.AddrPort()
	case *net.UDPAddr:
		a = at.AddrPort()
	}
	ip := a.Addr().Unmap()
	out := []byte{socksVersion, byte(code), 0, addressIPv4}
	if ip.Is6() {
		out[3] = addressIPv6
	}
	out = append(out, ip.AsSlice()...)
	return binary.BigEndian.AppendUint16(out, a.Port())
}
