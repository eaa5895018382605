package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/ledger"
	"proctor/ledger/tsa"
)

// TimestampOptions are the flags of proctor ledger timestamp.
type TimestampOptions struct {
	URL   string // empty: nobody is asked
	CA    string // file with the roots that are trusted; empty: those of the system are tried
	Token string // file to make of the newest token
	JSON  bool
}

// timestampWritten is what proctor ledger timestamp prints with --json.
type timestampWritten struct {
	URL  string     `json:"url"`
	Root event.Hash `json:"root"` // of the tree that the checkpoint is of
	ledger.Timestamp
	Roots   string `json:"roots"` // what the chain was checked against: "system" or the file
	Already bool   `json:"already"`
	Token   string `json:"token_file,omitempty"`
	Note    string `json:"note_file,omitempty"`
}

// TimestampLedger has the newest checkpoint time-stamped, or takes the newest token that is stored, and writes it where it is wanted.
func TimestampLedger(ctx context.Context, env cli.Env, s *Store, o TimestampOptions) error {
	roots, err := readRoots(env, o.CA)
	if err != nil {
		return err
	}
	var r tsa.Result
	if o.URL == "" {
		r, err = newestTimestamp(s.Ledger, roots)
	} else {
		if l := s.owned(); l != nil { // what was recorded since is signed first
			if _, err := l.Checkpoint(ctx); err != nil {
				return cli.Fail(cli.Failure, err)
			}
		}
		r, err = tsa.Ask(ctx, s.Ledger, o.URL, roots)
	}
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	out := timestampWritten{URL: r.URL, Root: r.Root, Timestamp: r.Timestamp, Roots: rootsName(o.CA), Already: r.Already}
	if o.Token != "" {
		out.Token, out.Note = o.Token, o.Token+".note"
		if err := writeToken(env, out, r); err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	if o.JSON {
		return encode(env.Stdout, out)
	}
	_, _ = fmt.Fprintf(env.Stdout, "time-stamped %s, root %s\n", stampedBy(r.Timestamp, o.CA), r.Root)
	if o.Token != "" {
		_, _ = fmt.Fprintf(env.Stderr, "token in %s, the checkpoint that it is over in %s\n", cli.Plain(out.Token), cli.Plain(out.Note))
	}
	return nil
}

// newestTimestamp is the stored token over the newest checkpoint.
func newestTimestamp(l *ledger.Ledger, roots *x509.CertPool) (r tsa.Result, err error) {
	all, err := l.Timestamped()
	if err != nil {
		return r, err
	}
	if len(all) == 0 {
		return r, errors.New("the ledger has no time-stamp yet: name the address of an authority")
	}
	newest := all[0]
	for _, t := range all[1:] {
		if t.Size >= newest.Size {
			newest = t
		}
	}
	return tsa.Stored(newest, roots)
}

// writeToken makes both files or none.
func writeToken(env cli.Env, out timestampWritten, r tsa.Result) error {
	write := func(name string, text []byte) error {
		return writeNew(env, name, func(w io.Writer) error { _, err := w.Write(text); return err })
	}
	if err := write(out.Token, r.Token); err != nil {
		return err
	}
	if err := write(out.Note, []byte(r.Note)); err != nil {
		return errors.Join(err, os.Remove(env.Abs(out.Token)))
	}
	return nil
}

// maxRoots bounds a file with certificates, in bytes.
const maxRoots = 1 << 20

// readRoots reads certificates in PEM; nil without a file.
func readRoots(env cli.Env, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(env.Abs(file))
	if err != nil {
		return nil, cli.Fail(cli.Failure, fmt.Errorf("--ca: %w", err))
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxRoots+1))
	roots := x509.NewCertPool()
	switch {
	case err != nil:
	case len(text) > maxRoots:
		err = fmt.Errorf("it has more than %d bytes", maxRoots)
	case !roots.AppendCertsFromPEM(text):
		err = errors.New("it holds no certificate; expected those of roots, in PEM")
	}
	if err != nil {
		return nil, cli.Fail(cli.Failure, fmt.Errorf("--ca %s: %w", file, err))
	}
	return roots, nil
}

func rootsName(ca string) string {
	if ca == "" {
		return "system"
	}
	return ca
}

// stampedBy says how much was time-stamped, when, by whom, and what speaks for that.
func stampedBy(t ledger.Timestamp, ca string) string {
	against := "the system's roots"
	if ca != "" {
		against = cli.Plain(ca)
	}
	chain := fmt.Sprintf("its chain leads to %s, one of %s", cli.Plain(t.Chain), against)
	if t.Chain == "" {
		chain = fmt.Sprintf("NOT known to be an authority: by %s, %s; give its root with --ca", against, cli.Plain(t.Unchained))
	}
	return fmt.Sprintf("%s at %s by %s (%s)", counted(int(t.Size), "entry"), t.Time.Local().Format(time.DateTime+" MST"), cli.Plain(t.Authority), chain) //nolint:gosec // below 2^63
}
