package netproxy

import (
	"context"
	"errors"
	"fmt"
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
	x := c.p.begin(ctx, d)
	x.attach(c.conn)
	defer x.end()
	if err := x.dial(); err != nil {
		return errors.Join(err, c.reply(replyRefused, nil))
	}
	if err := c.reply(replyDone, x.upstream.LocalAddr()); err != nil {
		return x.fail(err)
	}
	c.within(0)
	x.tunnel(c.conn, c.in)
	return nil
}

// socksUDP reports the attempt and refuses it: there is no UDP relay yet.
func (c *client) socksUDP(ctx context.Context, cmd command) error {
	_, err := c.p.report(ctx, Decision{
		Outcome: policy.Forbid, Reason: policy.ReasonSocksUDPDisabled, Source: egress.SourceState, Host: cmd.host,
		Port: cmd.port, Protocol: egress.SOCKS5UDP, Call: c.from.Call, Client: c.address(),
	})
	return errors.Join(err, c.reply(replyUnsupportedCommand, nil))
}

func (c *client) reply(code reply, bound net.Addr) error {
	c.within(c.p.limits.Header)
	if _, err := c.conn.Write(encodeReply(code, bound)); err != nil {
		return fmt.Errorf("answer SOCKS request: %w", err)
	}
	return nil
}
