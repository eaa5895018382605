package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
	"proctor/replay"
)

// SearchOptions are the flags of proctor ledger ls --where.
type SearchOptions struct {
	Where []string
	Limit int // 0 is all
	JSON  bool
}

var errEnough = errors.New("as many as were asked for")

// Search prints the entries that fit, in their order.
func Search(ctx context.Context, env cli.Env, s *Store, o SearchOptions) error {
	q, err := ledger.ParseQuery(strings.Join(o.Where, " and "), time.Now(), config.ParseAge)
	if err != nil {
		return cli.Fail(cli.Usage, fmt.Errorf("--where: %w", err))
	}
	if l := s.owned(); l != nil { // else the owner keeps the index
		bar := newProgress(env, "index")
		err := l.Index(ctx, bar.update)
		bar.end()
		if err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	found := 0
	err = s.Ledger.Search(ctx, q, func(e event.Entry) error {
		if o.Limit > 0 && found == o.Limit {
			return errEnough
		}
		found++
		if o.JSON {
			return writeJSON(env.Stdout, e, false)
		}
		text, _ := replay.Line(e)
		_, err := fmt.Fprintf(env.Stdout, "%d  %s  %s  %s  %s\n", e.Seq, e.Received.Local().Format("2006-01-02 15:04:05"), e.Session, e.Kind, cli.Plain(shorten(text, 160)))
		return err
	})
	switch {
	case errors.Is(err, errEnough):
		_, _ = fmt.Fprintf(env.Stderr, "there are more; --limit %d was reached\n", o.Limit)
	case err != nil:
		return cli.Fail(cli.Failure, err)
	case found == 0 && !o.JSON:
		_, _ = fmt.Fprintln(env.Stderr, "nothing fits; texts of erased sessions are not found")
	}
	return nil
}
