package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
	"proctor/replay"
)

// List prints the newest sessions, the very newest last; 0 is no limit.
func List(ctx context.Context, env cli.Env, s *Store, limit int, asJSON bool) error {
	sessions, all, err := s.Ledger.NewestSessions(ctx, limit)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if all > len(sessions) {
		_, _ = fmt.Fprintf(env.Stderr, "proctor: the newest %d of %d sessions; --limit 0 lists all\n", len(sessions), all)
	}
	table := tabwriter.NewWriter(env.Stdout, 0, 4, 2, ' ', 0)
	if !asJSON {
		_, _ = fmt.Fprintln(table, "SESSION\tSTARTED\tSTATUS\tCOMMANDS\tREFUSED\tDENIALS\tTOKENS\tPROMPT")
	}
	enc := json.NewEncoder(env.Stdout)
	for _, info := range sessions {
		var sum replay.Summary
		if err := s.EachEntry(ctx, info.ID, 1, func(e event.Entry) error { sum.Add(e); return nil }); err != nil {
			return cli.Fail(cli.Failure, fmt.Errorf("read session %s: %w", info.ID, err))
		}
		if asJSON {
			if err := enc.Encode(sum); err != nil {
				return cli.Fail(cli.Failure, err)
			}
			continue
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", info.ID, info.Started.Local().Format("2006-01-02 15:04:05"),
			sum.Status, sum.Commands, sum.Refused, sum.Denials, sum.Tokens.Input+sum.Tokens.Output, shorten(cli.Plain(sum.Prompt), 48))
	}
	return cli.Fail(cli.Failure, table.Flush())
}

func shorten(s string, n int) string {
	runes := []rune(s)
	for i, r := range runes {
		if r == '\n' || r == '\t' {
			runes[i] = ' '
		}
	}
	if len(runes) <= n {
		return string(runes)
	}
	return string(runes[:n-1]) + "…"
}

// VerifyOptions are the flags of proctor ledger verify.
type VerifyOptions struct {
	File        string // an evidence file; empty is the ledger
	Key         string // that must have signed File
	Checkpoints string // a file that was kept elsewhere
	SinceLast   bool   // read only what came after the last verification
	Quick       bool   // only the tree and its signatures
	WitnessOptions
	CA   string // file with the roots that time-stamps must lead to; empty: those of the system are tried
	JSON bool
}

// Verify checks the ledger, also against checkpoints in a file that was kept elsewhere, if one is named. The status is
// Gate unless all holds.
func Verify(ctx context.Context, env cli.Env, s *Store, cfg *config.Config, o VerifyOptions) error {
	var known []string
	if o.Checkpoints != "" {
		var err error
		if known, err = readCheckpoints(env, o.Checkpoints); err != nil {
			return err
		}
	}
	w, quorum, err := o.witnesses(cfg.Proctor.Ledger.Witness)
	if err != nil {
		return err
	}
	roots, err := readRoots(env, o.CA)
	if err != nil {
		return err
	}
	since, last, err := lastVerified(env, s.Ledger, o.SinceLast)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	bar := newProgress(env, "verify")
	report, err := s.Ledger.Verify(ctx, ledger.VerifyOptions{Progress: bar.update, Since: since, Quick: o.Quick, Known: known, Witnesses: w, Quorum: quorum, TimestampRoots: roots,
		OpenFor: 2 * cfg.Proctor.Ledger.Heartbeat})
	bar.end()
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if err := s.Ledger.Remember(report, last); err != nil {
		_, _ = fmt.Fprintf(env.Stderr, "proctor: %v; the next 'verify --since-last' begins where this one did\n", err)
	}
	if o.JSON {
		if err := encode(env.Stdout, report); err != nil {
			return err
		}
	} else {
		printReport(env, report, last, o.CA)
	}
	if !report.OK {
		return cli.Fail(cli.Gate, cli.ErrSilent)
	}
	return nil
}

// lastVerified is from where to verify, empty for everything, and what was remembered about that.
func lastVerified(env cli.Env, l *ledger.Ledger, wanted bool) (since string, last *ledger.Verified, err error) {
	if !wanted {
		return "", nil, nil
	}
	if last, err = l.LastVerified(); err != nil {
		return "", nil, fmt.Errorf("%w; verify without --since-last writes it anew", err)
	}
	if last == nil {
		_, _ = fmt.Fprintln(env.Stderr, "proctor: no earlier verification is remembered: everything is read")
		return "", nil, nil
	}
	return last.Checkpoint, last, nil
}

func printReport(env cli.Env, r ledger.Report, last *ledger.Verified, ca string) {
	verdict, in := "OK: all holds", fmt.Sprintf(" in %d sessions", r.Sessions)
	if len(r.Unchecked) > 0 {
		verdict, in = "OK: entries, tree and signatures hold; what entries say and their contents were not checked", ""
	}
	if r.Since > 0 {
		verdict, in = fmt.Sprintf("OK: what came after the first %d entries holds", r.Since), fmt.Sprintf(", %d of them read, in %d sessions", r.Entries-r.Since, r.Sessions)
	}
	if !r.OK {
		verdict = "FAILED: the record cannot be trusted"
	}
	_, _ = fmt.Fprintf(env.Stdout, "%s\n  entries      %d%s\n  root         %s\n  checkpoints  %d signatures checked, newest covers %d entries\n  public key   %s\n  took         %s\n",
		verdict, r.Entries, in, r.Root, r.Checkpoints, r.Newest, r.PublicKey, r.Took.Round(time.Millisecond))
	if len(r.Unchecked) > 0 {
		_, _ = fmt.Fprintf(env.Stdout, "  not checked  %s; verify without --quick does\n", strings.Join(r.Unchecked, ", "))
	}
	if r.Since > 0 && last != nil {
		_, _ = fmt.Fprintf(env.Stdout, "  not read     the first %d entries, verified before; all was read last on %s, when there were %d\n",
			r.Since, last.Full.Local().Format("2006-01-02 15:04:05"), last.FullEntries)
	}
	if r.Cosigned > 0 {
		_, _ = fmt.Fprintf(env.Stdout, "  cosigned     %d entries, by %s\n", r.Cosigned, cosignedBy(r.Cosignatures))
	}
	for _, t := range r.Timestamps {
		_, _ = fmt.Fprintf(env.Stdout, "  time-stamped %s\n", stampedBy(t, ca))
	}
	if r.Known > 0 {
		_, _ = fmt.Fprintf(env.Stdout, "  kept         %s from elsewhere compared\n", counted(r.Known, "checkpoint"))
	}
	printFindings(env, r.Findings, r.Omitted)
}

func printFindings(env cli.Env, found []ledger.Finding, omitted int) {
	for _, f := range found {
		where := f.Session
		if f.Seq != nil {
			where += fmt.Sprintf(" entry %d", *f.Seq)
		}
		_, _ = fmt.Fprintf(env.Stdout, "  %-7s %s %s: %s\n", f.Severity, f.Code, where, cli.Plain(f.Message))
	}
	if omitted > 0 {
		_, _ = fmt.Fprintf(env.Stdout, "  … and %d more findings\n", omitted)
	}
}
