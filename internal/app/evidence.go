package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
)

// EvidenceOptions are the flags of proctor ledger export and prove.
type EvidenceOptions struct {
	Session string
	Last    bool
	Output  string // a file that does not exist, or "-"
	Redact  bool
	JSON    bool // say what was written as JSON on standard output, so Output is a file
}

// EvidenceWritten is what export and prove print with --json.
type EvidenceWritten struct {
	File      string `json:"file"`
	Session   string `json:"session,omitempty"`
	Event     string `json:"event,omitempty"`
	Entries   uint64 `json:"entries"`
	PublicKey string `json:"public_key"`
}

func (o EvidenceOptions) check() error {
	if o.JSON && o.Output == "-" {
		return cli.Fail(cli.Usage, errors.New("--json says what was written, so name a file for it with --output"))
	}
	return nil
}

// ExportEvidence writes the evidence file of a session.
func ExportEvidence(ctx context.Context, env cli.Env, s *Store, o EvidenceOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	id := o.Session
	if o.Last {
		var err error
		if id, err = s.LastSession(ctx); err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	bar := newProgress(env, "export")
	var entries uint64
	err := writeNew(env, o.Output, func(w io.Writer) (err error) {
		entries, err = s.Ledger.Evidence(ctx, w, id, ledger.EvidenceOptions{WithoutContent: o.Redact, Progress: bar.update})
		return err
	})
	bar.end()
	if errors.Is(err, ledger.ErrUnknownSession) {
		err = fmt.Errorf("no session %q in the ledger; 'proctor ledger ls' lists them", id)
	}
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if o.JSON {
		return encode(env.Stdout, EvidenceWritten{File: o.Output, Session: id, Entries: entries, PublicKey: s.Ledger.PublicKey()})
	}
	_, _ = fmt.Fprintf(env.Stderr, "%d entries of session %s, signed with %s\n", entries, id, s.Ledger.PublicKey())
	return nil
}

// ProveEntry writes the evidence of one entry.
func ProveEntry(ctx context.Context, env cli.Env, s *Store, name string, o EvidenceOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	e, err := s.find(ctx, name)
	if err == nil {
		err = writeNew(env, o.Output, func(w io.Writer) error {
			return s.Ledger.EntryEvidence(ctx, w, e.Seq, ledger.EvidenceOptions{WithoutContent: o.Redact})
		})
	}
	if err != nil || !o.JSON {
		return cli.Fail(cli.Failure, err)
	}
	return encode(env.Stdout, EvidenceWritten{File: o.Output, Event: string(e.ID), Entries: 1, PublicKey: s.Ledger.PublicKey()})
}

// ShowEntry prints one entry.
func ShowEntry(ctx context.Context, env cli.Env, s *Store, name string, redact bool) error {
	e, err := s.find(ctx, name)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	return cli.Fail(cli.Failure, writeJSON(env.Stdout, e, redact))
}

// writeNew makes a file that only its owner can read, or writes to standard output. A file that could not be written whole is removed.
func writeNew(env cli.Env, name string, write func(io.Writer) error) error {
	if name == "-" {
		return write(env.Stdout)
	}
	path := env.Abs(name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists; name another file, evidence is not written over", name)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// checkEvidence checks a file, or standard input for "-".
func checkEvidence(env cli.Env, file string, o ledger.EvidenceChecks) (ledger.EvidenceReport, error) {
	in := env.Stdin
	if file != "-" {
		f, err := os.Open(env.Abs(file))
		if err != nil {
			return ledger.EvidenceReport{}, cli.Fail(cli.Failure, err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	o.PublicKey, _, _ = strings.Cut(strings.TrimSpace(o.PublicKey), "\n") // of what proctor ledger key printed
	report, err := ledger.VerifyEvidence(in, o)
	if err != nil {
		return report, cli.Fail(cli.Failure, fmt.Errorf("%s: %w", file, err))
	}
	return report, nil
}

// VerifyEvidence checks an evidence file. The status is Gate unless all holds.
func VerifyEvidence(env cli.Env, o VerifyOptions) error {
	w, quorum, err := o.witnesses(config.ProctorWitness{})
	if err != nil {
		return err
	}
	roots, err := readRoots(env, o.CA)
	if err != nil {
		return err
	}
	report, err := checkEvidence(env, o.File, ledger.EvidenceChecks{PublicKey: o.Key, Witnesses: w, Quorum: quorum, TimestampRoots: roots})
	if err != nil {
		return err
	}
	if o.CA != "" && len(report.Timestamps) == 0 {
		_, _ = fmt.Fprintf(env.Stderr, "proctor: no time-stamp in %s holds, so --ca vouches for nothing; 'proctor ledger timestamp' gets one before the export\n", cli.Plain(o.File))
	}
	if o.JSON {
		if err := encode(env.Stdout, report); err != nil {
			return err
		}
	} else {
		printEvidence(env, report, o.CA)
	}
	if !report.OK {
		return cli.Fail(cli.Gate, cli.ErrSilent)
	}
	return nil
}

func printEvidence(env cli.Env, r ledger.EvidenceReport, ca string) {
	verdict, what := "OK: all holds", "entries from number "+fmt.Sprint(r.First)+" on; nothing is proven about others"
	if !r.OK {
		verdict = "FAILED: this is not what was recorded"
	}
	if r.Whole {
		what = "entries, the whole session"
	}
	key := "the one that was given"
	if !r.KeyGiven {
		key = "the file's own: compare it with the one you know this ledger by, or give that with --key"
	}
	_, _ = fmt.Fprintf(env.Stdout, "%s\n  session      %s\n  entries      %d %s\n  texts        of %d entries, as they were committed to\n  signed tree  %d entries, root %s\n  public key   %s\n               %s\n",
		verdict, cli.Plain(r.Session), r.Entries, what, r.Content, r.Tree.Size, r.Tree.Root, cli.Plain(r.PublicKey), key)
	if r.Rotations > 0 {
		_, _ = fmt.Fprintf(env.Stdout, "               after %s of the signing key, which the file proves\n", counted(r.Rotations, "rotation"))
	}
	if len(r.Cosignatures) > 0 {
		_, _ = fmt.Fprintf(env.Stdout, "  cosigned     by %s\n", cosignedBy(r.Cosignatures))
	}
	if rest := len(r.Cosigners) - len(r.Cosignatures); rest > 0 {
		_, _ = fmt.Fprintf(env.Stdout, "  cosigned     by %s, and not all checked: give their keys with --witness\n", cli.Plain(strings.Join(r.Cosigners, ", ")))
	}
	for _, t := range r.Timestamps {
		_, _ = fmt.Fprintf(env.Stdout, "  time-stamped %s\n", stampedBy(t, ca))
	}
	printFindings(env, r.Findings, r.Omitted)
}
