package netproxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// errFragment: fragments are not put together, as RFC 1928 permits.
var errFragment = errors.New("SOCKS datagram is a fragment")

// datagram is what a client wants sent, or gets.
type datagram struct {
	host string
	port uint16
	data []byte
}

// readDatagram reads the SOCKS header in front of the data, RFC 1928 section 7. The data stays in b.
func readDatagram(b []byte) (datagram, error) {
	if len(b) < 4 || b[0] != 0 || b[1] != 0 {
		return datagram{}, errors.New("read SOCKS datagram: expected two zero bytes, a fragment number and an address")
	}
	if b[2] != 0 {
		return datagram{}, errFragment
	}
	r := bytes.NewReader(b[4:])
	host, err := readHost(r, b[3])
	if err != nil {
		return datagram{}, fmt.Errorf("read SOCKS datagram: %w", err)
	}
	var port [2]byte
	if n, _ := r.Read(port[:]); n < 2 {
		return datagram{}, errors.New("read SOCKS datagram: no port")
	}
	return datagram{host, binary.BigEndian.Uint16(port[:]), b[len(b)-r.Len():]}, nil
}

// appendHeader writes the header of a datagram that comes from an address.
func appendHeader(b []byte, from netip.AddrPort) []byte {
	ip, kind := from.Addr().Unmap().WithZone(""), byte(addressIPv4)
	if ip.Is6() {
		kind = addressIPv6
	}
	b = append(append(b, 0, 0, 0, kind), ip.AsSlice()...)
	return binary.BigEndian.AppendUint16(b, from.Port())
}
