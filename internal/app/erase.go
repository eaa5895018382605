package app

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
)

// EraseOptions are the flags of proctor ledger erase.
type EraseOptions struct {
	Session   string
	OlderThan string // an age
	Retention bool   // what [ledger.retention] says
	Reason    string
	As        string
	Yes       bool
	DryRun    bool
	JSON      bool
}

// erasing is what is to be erased, and why.
type erasing struct {
	due    []ledger.Stored
	kept   []ledger.Stored // on hold, else they were due
	reason string
	by     string
	actor  event.Actor
}

// Erased is what proctor ledger erase --json prints.
type Erased struct {
	DryRun   bool            `json:"dry_run"`
	Sessions []ErasedSession `json:"sessions"`
	Kept     []KeptSession   `json:"kept"`
	Bytes    uint64          `json:"bytes"`
	Purged   bool            `json:"purged"` // the bytes are in no file of the ledger any more
}

// ErasedSession is one session whose content went, or would go.
type ErasedSession struct {
	Session string    `json:"session"`
	Ended   time.Time `json:"ended"`
	Entries uint64    `json:"entries"`
	Texts   uint64    `json:"texts"`
	Bytes   uint64    `json:"bytes"`
	Event   event.ID  `json:"event,omitempty"` // records the erasure
}

// KeptSession is one that stays although it was asked for.
type KeptSession struct {
	Session string `json:"session"`
	Reason  string `json:"reason"`
}

// Erase destroys the content of sessions after it showed which, and was told so.
func Erase(ctx context.Context, env cli.Env, s *Store, cfg *config.Config, o EraseOptions) error {
	by, err := Answer{As: o.As, Why: o.Reason}.by(env)
	if err != nil {
		return err
	}
	what := erasing{reason: o.Reason, by: by, actor: event.User}
	if err := what.choose(ctx, s, cfg.Proctor.Ledger.Retention, o); err != nil {
		return err
	}
	result := Erased{DryRun: o.DryRun, Sessions: []ErasedSession{}, Kept: []KeptSession{}}
	for _, k := range what.kept {
		result.Kept = append(result.Kept, KeptSession{k.ID, "on hold"})
	}
	if len(what.due) > 0 && !o.DryRun {
		if err := what.confirm(env, o.Yes); err != nil {
			return err
		}
		bar := newProgress(env, "erase")
		err = s.erase(ctx, what, &result, bar.update)
		bar.end()
	} else if o.DryRun {
		for _, d := range what.due {
			result.add(d, "")
		}
	}
	if showing := result.show(env, o.JSON); showing != nil {
		err = errors.Join(err, showing)
	}
	if err == nil && o.Session != "" && len(result.Kept) > 0 {
		err = fmt.Errorf("session %s was not erased: %s", o.Session, result.Kept[0].Reason)
	}
	return cli.Fail(cli.Failure, err)
}

// choose finds what is to be erased.
func (w *erasing) choose(ctx context.Context, s *Store, configured config.ProctorRetention, o EraseOptions) error {
	stored, err := s.Ledger.Contents(ctx)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	var rule ledger.Retention
	switch {
	case o.Session == SystemSession:
		return cli.Fail(cli.Failure, fmt.Errorf("session %s holds the record of holds and erasures; it is not erased", SystemSession))
	case o.Session != "":
		if _, err := s.Ledger.SessionInfo(ctx, o.Session); errors.Is(err, ledger.ErrUnknownSession) {
			return cli.Fail(cli.Failure, fmt.Errorf("no session %q in the ledger; 'proctor ledger ls' lists them", cli.Plain(shorten(o.Session, 64))))
		} else if err != nil {
			return cli.Fail(cli.Failure, err)
		}
		w.split(slices.DeleteFunc(stored, func(x ledger.Stored) bool { return x.ID != o.Session }))
	case o.Retention:
		if configured == (config.ProctorRetention{}) {
			return cli.Fail(cli.Usage, errors.New("no retention is configured: set max_age or max_bytes in [ledger.retention] of proctor.toml"))
		}
		rule = retentionRule(configured)
		w.reason = cmp.Or(w.reason, retentionReason)
	default:
		age, err := config.ParseAge(o.OlderThan)
		if err != nil || age == 0 {
			return cli.Fail(cli.Usage, fmt.Errorf("--older-than: %w", err))
		}
		rule = ledger.Retention{MaxAge: age}
		w.reason = cmp.Or(w.reason, "older than "+o.OlderThan)
	}
	if rule != (ledger.Retention{}) {
		w.due, w.kept = due(rule, stored, time.Now())
	}
	w.reason = cmp.Or(w.reason, "no reason given")
	return nil
}

const retentionReason = "retention"

func retentionRule(c config.ProctorRetention) ledger.Retention {
	return ledger.Retention{MaxAge: c.MaxAge, MaxBytes: uint64(max(0, c.MaxBytes))}
}

// due is what a rule takes, and what it would take but for a hold.
func due(rule ledger.Retention, stored []ledger.Stored, now time.Time) (due, kept []ledger.Stored) {
	due = rule.Due(stored, now)
	free := slices.Clone(stored)
	for i := range free {
		free[i].Held = false
	}
	for _, s := range rule.Due(free, now) {
		if i := slices.IndexFunc(stored, func(x ledger.Stored) bool { return x.ID == s.ID }); stored[i].Held {
			kept = append(kept, stored[i])
		}
	}
	return due, kept
}

func (w *erasing) split(stored []ledger.Stored) {
	for _, s := range stored {
		if s.Held {
			w.kept = append(w.kept, s)
		} else {
			w.due = append(w.due, s)
		}
	}
}

// maxPreview bounds the list of sessions before the question.
const maxPreview = 20

func (w *erasing) confirm(env cli.Env, yes bool) error {
	var bytes uint64
	for _, d := range w.due {
		bytes += d.Bytes
	}
	_, _ = fmt.Fprintf(env.Stderr, "this destroys the content of %s, %s, for ever; entries and proofs stay:\n", counted(len(w.due), "session"), sizeText(bytes))
	table := tabwriter.NewWriter(env.Stderr, 0, 4, 2, ' ', 0)
	for i, d := range w.due {
		if i == maxPreview {
			_, _ = fmt.Fprintf(table, "  … and %d more\n", len(w.due)-i)
			break
		}
		_, _ = fmt.Fprintf(table, "  %s\tended %s\t%s in %s\n", d.ID, d.Ended.Local().Format("2006-01-02 15:04"), counted(int(d.Texts), "text"), sizeText(d.Bytes)) //nolint:gosec // below 2^63
	}
	if err := table.Flush(); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if yes {
		return nil
	}
	if !env.StdinTerminal || !env.StderrTerminal {
		return cli.Fail(cli.Usage, errors.New("nothing was erased: say --yes where no terminal can ask, or --dry-run to see what would go"))
	}
	_, _ = fmt.Fprint(env.Stderr, "Erase? [y/n]: ")
	line, err := bufio.NewReader(io.LimitReader(env.Stdin, 64)).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); err != nil || answer != "y" && answer != "yes" {
		return cli.Fail(cli.Failure, errors.New("nothing was erased"))
	}
	return nil
}

// erase records each erasure, which erases, and waits until the bytes are gone from the files.
func (s *Store) erase(ctx context.Context, w erasing, r *Erased, progress func(done, total uint64)) error {
	total := uint64(len(w.due)) * 2
	for i, d := range w.due {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		id, kept, err := s.eraseOne(ctx, w, d)
		if err != nil {
			return fmt.Errorf("erase session %s: %w", d.ID, err)
		}
		if kept != "" {
			r.Kept = append(r.Kept, KeptSession{d.ID, kept})
		} else {
			r.add(d, id)
		}
		progress(uint64(i)+1, total)
	}
	if len(r.Sessions) == 0 {
		return nil
	}
	err := s.purge(ctx, func(done, of uint64) { progress(total/2+done*(total/2)/of, total) })
	r.Purged = err == nil
	return err
}

// eraseOne says why a session is kept that runs or is on hold by now.
func (s *Store) eraseOne(ctx context.Context, w erasing, d ledger.Stored) (id event.ID, kept string, err error) {
	release, err := ledger.Claim(s.dir, d.ID)
	if errors.Is(err, ledger.ErrClaimed) {
		return "", "a process runs it now; erase it when that has ended", nil
	}
	if err != nil {
		return "", "", err
	}
	defer release()
	id, err = s.keep(ctx, w.actor, &event.ErasurePayload{Erased: d.ID, Entries: d.Events, Reason: w.reason, By: w.by})
	if errors.Is(err, ledger.ErrHeld) {
		return "", "on hold", nil
	}
	return id, "", err
}

// keep records what the ledger acts on, among what belongs to no run.
func (s *Store) keep(ctx context.Context, actor event.Actor, p event.Payload) (event.ID, error) {
	entry, _ := event.Lookup(p.Kind())
	e := &event.Event{
		ID: event.NewID(), Kind: p.Kind(), Schema: entry.Schema, Session: SystemSession, Time: time.Now().UTC().Truncate(time.Microsecond), Actor: actor, Payload: p,
	}
	pending, err := s.Bus.Submit(ctx, e)
	if err == nil {
		_, err = pending.Wait(ctx)
	}
	return e.ID, err
}

// purgeWait is how long the owner may take to purge, beside it.
const purgeWait = time.Minute

// purge waits until what was erased is in no file of the ledger. Beside the owner, that does it by itself.
func (s *Store) purge(ctx context.Context, progress func(done, total uint64)) error {
	if l := s.owned(); l != nil {
		return l.Purge(ctx, progress)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(purgeWait); ; {
		left, err := s.unpurged()
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%w: the owner of the ledger has not purged %s within %v; its log tells why", ledger.ErrUnpurged, counted(len(left), "session"), purgeWait)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (s *Store) unpurged() ([]string, error) {
	view, err := ledger.OpenReadOnly(s.dir, ledger.Options{Logger: s.log})
	if err != nil {
		return nil, err
	}
	left, err := view.Unpurged()
	return left, errors.Join(err, view.Close())
}

func (r *Erased) add(d ledger.Stored, id event.ID) {
	r.Sessions = append(r.Sessions, ErasedSession{d.ID, d.Ended, d.Events, d.Texts, d.Bytes, id})
	r.Bytes += d.Bytes
}

func (r *Erased) show(env cli.Env, asJSON bool) error {
	if asJSON {
		return encode(env.Stdout, r)
	}
	verb := "erased"
	if r.DryRun {
		verb = "would erase"
	}
	for _, e := range r.Sessions {
		_, _ = fmt.Fprintf(env.Stdout, "%s %s: %s in %s, of %s\n", verb, e.Session, counted(int(e.Texts), "text"), sizeText(e.Bytes), counted(int(e.Entries), "entry")) //nolint:gosec // below 2^63
	}
	for _, k := range r.Kept {
		_, _ = fmt.Fprintf(env.Stdout, "kept %s: %s\n", k.Session, k.Reason)
	}
	if len(r.Sessions) == 0 && len(r.Kept) == 0 {
		_, _ = fmt.Fprintln(env.Stdout, "nothing to erase")
	}
	return nil
}
