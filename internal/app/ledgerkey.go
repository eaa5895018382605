package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/ledger"
)

// LedgerKeys is what proctor ledger key --json prints.
type LedgerKeys struct {
	Current string            `json:"current"`
	Past    []ledger.Rotation `json:"past"` // the oldest first; old_key is the key that went
}

// Keys prints the public key in force and, behind it, those that were.
func Keys(ctx context.Context, env cli.Env, s *Store, asJSON bool) error {
	past, err := s.Ledger.Rotations(ctx)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if asJSON {
		return encode(env.Stdout, LedgerKeys{s.Ledger.PublicKey(), past})
	}
	_, err = fmt.Fprintln(env.Stdout, s.Ledger.PublicKey())
	for _, r := range past {
		_, _ = fmt.Fprintf(env.Stdout, "%s  until entry %d, %s%s\n", r.Old, r.Seq, r.Time.Local().Format("2006-01-02 15:04:05"), cli.Plain(because(r)))
	}
	return cli.Fail(cli.Failure, err)
}

func because(r ledger.Rotation) string {
	text := ""
	if r.By != "" {
		text = " by " + r.By
	}
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text
}

// RotateOptions are the flags of proctor ledger key rotate.
type RotateOptions struct {
	Reason string
	As     string
	JSON   bool
}

// rotateWait is how long the owner may take to sign with both keys, beside it.
const rotateWait = time.Minute

// RotateKey makes a new signing key and waits until the old one has signed for it and is gone.
func RotateKey(ctx context.Context, env cli.Env, s *Store, o RotateOptions) error {
	by, err := Answer{As: o.As, Why: o.Reason}.by(env)
	if err != nil {
		return err
	}
	old, next, err := s.Ledger.PrepareKey()
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	id, err := s.keep(ctx, event.User, &event.KeyRotatedPayload{Old: old, New: next, Reason: strings.TrimSpace(o.Reason), By: by})
	if err == nil {
		err = s.rotated(ctx, next)
	}
	if err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("rotate the signing key: %w", err))
	}
	return said(env, o.JSON, struct {
		Old   string   `json:"old_key"`
		New   string   `json:"new_key"`
		Event event.ID `json:"event"`
	}{old, next, id}, "checkpoints are signed with\n%s\nThe old key signed for it and is destroyed; it was\n%s\nGive the new one to whoever checks evidence, and to witnesses.", next, old)
}

// rotated waits for the checkpoint that completes the rotation.
func (s *Store) rotated(ctx context.Context, next string) error {
	if l := s.owned(); l != nil {
		_, err := l.Checkpoint(ctx)
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(rotateWait); ; {
		view, err := ledger.OpenReadOnly(s.dir, ledger.Options{Logger: s.log})
		if err != nil {
			return err
		}
		now := view.PublicKey()
		if err := view.Close(); err != nil || now == next {
			return err
		}
		if time.Now().After(end) {
			return errors.New("it is recorded, but the owner of the ledger has not signed within " + rotateWait.String() + "; its log tells why")
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
