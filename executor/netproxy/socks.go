package netproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"proctor/policy"
	"proctor/policy/egress"
)

// socks serves one SOCKS5 connection.
func (c *client) socks(ctx context.Context) error {
	offered, err := readGreeting(c.in)
	if err != nil {
		return err
	}
	if !offered {
		_, err := c.conn.Write([]byte{socksVersion, methodNil})
		return errors.Join(errors.New("SOCKS client does not offer to go without authentication"), err)
	}
	if _, err := c.conn.Write([]byte{socksVersion, methodNone}); err != nil {
		return fmt.Errorf("answer SOCKS greeting: %w", err)
	}
	cmd, err := readCommand(c.in)
	if errors.Is(err, errAddressType) {
		return errors.Join(err, c.reply(replyUnsupportedAddress, nil))
	}
	if err != nil {
		return err
	}
	switch cmd.code {
	case commandConnect:
		return c.socksConnect(ctx, cmd)
	case commandUDP:
		return c.socksUDP(ctx, cmd)
	}
	return errors.Join(fmt.Errorf("SOCKS command %d is not supported", cmd.code), c.reply(replyUnsupportedCommand, nil))
}

func (c *client) socksConnect(ctx context.Context, cmd command) error {
	d, err := c.p.judge(ctx, c.origin(), egress.Request{Host: cmd.host, Port: cmd.port, Protocol: egress.SOCKS5TCP})
	if err != nil {
		return errors.Join(err, c.reply(replyFailure, nil))
	}
	if d.Outcome != policy.Allow {
		return c.reply(replyNotAllowed, nil)
	}
	c.within(0)
	x := c.p.begin(c.life, d)
	defer x.end(false)
	if err := x.dial(); err != nil {
		return errors.Join(err, c.reply(replyRefused, nil))
	}
	if _, err := c.conn.Write(encodeReply(replyDone, x.road.LocalAddr())); err != nil {
		return x.fail(fmt.Errorf("answer SOCKS request: %w", err))
	}
	x.tunnel(c.conn, c.in)
	return nil
}

// socksUDP opens the relay for the client until it closes the connection.
func (c *client) socksUDP(ctx context.Context, cmd command) error {
	reason, source, ok := c.p.policy.Load().Carries(egress.SOCKS5UDP)
	if ok && c.from.relay == nil {
		reason, source, ok = policy.ReasonSocksUDPDisabled, egress.SourceState, false
	}
	if !ok {
		_, err := c.p.report(ctx, Decision{
			Outcome: policy.Forbid, Reason: reason, Source: source, Host: cmd.host, Port: cmd.port, Protocol: egress.SOCKS5UDP,
			Call: c.from.Call, Client: c.address(),
		})
		refusal := replyNotAllowed
		if reason == policy.ReasonSocksUDPDisabled {
			refusal = replyUnsupportedCommand
		}
		return errors.Join(err, c.reply(refusal, nil))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	a := &association{ctx: ctx, port: cmd.port, refused: map[place]struct{}{}}
	c.from.relay.add(a)
	defer c.from.relay.remove(a)
	defer cancel(errOver)
	if err := c.reply(replyDone, c.relayAddress()); err != nil {
		return err
	}
	c.within(0)
	_, _ = io.Copy(io.Discard, onlyReader{c.in}) // what else comes means nothing
	return nil
}

// relayAddress is where the client finds the relay.
func (c *client) relayAddress() net.Addr {
	at, ok := c.from.Datagrams.LocalAddr().(*net.UDPAddr)
	near, tcp := c.conn.LocalAddr().(*net.TCPAddr)
	if ok && tcp && at.IP.IsUnspecified() {
		return &net.UDPAddr{IP: near.IP, Port: at.Port}
	}
	return c.from.Datagrams.LocalAddr()
}

func (c *client) reply(code reply, bound net.Addr) error {
	c.within(c.p.limits.Header)
	if _, err := c.conn.Write(encodeReply(code, bound)); err != nil {
		return fmt.Errorf("answer SOCKS request: %w", err)
	}
	return nil
}
