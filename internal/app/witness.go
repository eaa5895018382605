package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
	"proctor/ledger/witness"
)

// witnesses are those of [ledger.witness].
type witnesses struct {
	urls    []string
	keys    []*ledger.Witness
	timeout time.Duration
}

func newWitnesses(c config.ProctorWitness) (w witnesses, err error) {
	w = witnesses{urls: c.URLs, timeout: c.Timeout}
	if w.keys, err = ledger.ParseWitnesses(c.Keys); err != nil {
		return w, cli.Fail(cli.Failure, fmt.Errorf("[ledger.witness] keys of proctor.toml: %w", err))
	}
	if len(w.urls) > 0 && len(w.keys) == 0 {
		return w, cli.Fail(cli.Failure, errors.New("[ledger.witness] of proctor.toml has urls and no keys: what the witnesses answer could not be checked"))
	}
	return w, nil
}

// WitnessOptions are flags about witnesses.
type WitnessOptions struct {
	Keys   []string // of witnesses, besides those of the configuration
	Demand bool     // as many as the configuration says must have cosigned, or all of Keys where it names none
}

// witnesses are those to check, and how many are demanded; 0 is none.
func (o WitnessOptions) witnesses(c config.ProctorWitness) (w []*ledger.Witness, quorum int, err error) {
	keys := append([]string{}, c.Keys...)
	for _, k := range o.Keys {
		if !slices.Contains(keys, strings.TrimSpace(k)) {
			keys = append(keys, strings.TrimSpace(k))
		}
	}
	if w, err = ledger.ParseWitnesses(keys); err != nil {
		return nil, 0, cli.Fail(cli.Usage, err)
	}
	if !o.Demand {
		return w, 0, nil
	}
	if len(w) == 0 {
		return nil, 0, cli.Fail(cli.Usage, errors.New("--witnesses: no key of a witness is known; give --witness VKEY, or keys in [ledger.witness] of proctor.toml"))
	}
	if quorum = c.Quorum; len(c.Keys) == 0 {
		quorum = len(w)
	}
	return w, quorum, nil
}

// AskOptions are the flags of proctor ledger witness.
type AskOptions struct {
	URLs []string // those of the configuration when empty
	Keys []string
	JSON bool
}

// AskWitnesses gets the newest checkpoint cosigned.
func AskWitnesses(ctx context.Context, env cli.Env, s *Store, o AskOptions) error {
	w := s.witness
	if len(o.URLs) > 0 {
		w.urls = o.URLs
	}
	if len(w.urls) == 0 {
		return cli.Fail(cli.Usage, errors.New("no witness is named: give its address, or urls in [ledger.witness] of proctor.toml"))
	}
	for _, text := range o.Keys {
		key, err := ledger.ParseWitness(text)
		if err != nil {
			return cli.Fail(cli.Usage, err)
		}
		if !slices.ContainsFunc(w.keys, func(k *ledger.Witness) bool { return k.String() == key.String() }) {
			w.keys = append(w.keys[:len(w.keys):len(w.keys)], key)
		}
	}
	if len(w.keys) == 0 {
		return cli.Fail(cli.Usage, errors.New("no key of a witness is known: give --key VKEY, or keys in [ledger.witness] of proctor.toml"))
	}
	if l := s.owned(); l != nil { // what was recorded since is signed first
		if _, err := l.Checkpoint(ctx); err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	results, failed := w.ask(ctx, s.Ledger)
	if o.JSON {
		if err := encode(env.Stdout, struct {
			Results []witness.Result `json:"results"`
		}{results}); err != nil {
			return err
		}
	} else {
		for _, r := range results {
			_, _ = fmt.Fprintf(env.Stdout, "%s cosigned %s, root %s: %s\n", cli.Plain(r.URL), counted(int(r.Size), "entry"), r.Root, cosignedBy(r.Cosignatures)) //nolint:gosec // below 2^63
		}
	}
	return cli.Fail(cli.Failure, failed)
}

// ask asks all, side by side. What went wrong is in the error, what worked in the results.
func (w witnesses) ask(ctx context.Context, l *ledger.Ledger) ([]witness.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	results, errs := make([]witness.Result, len(w.urls)), make([]error, len(w.urls))
	var all sync.WaitGroup
	for i, url := range w.urls {
		all.Go(func() { results[i], errs[i] = witness.Ask(ctx, l, url, w.keys) })
	}
	all.Wait()
	good := []witness.Result{}
	for i, err := range errs {
		if err == nil {
			good = append(good, results[i])
		}
	}
	return good, errors.Join(errs...)
}

func cosignedBy(all []ledger.Cosignature) string {
	var names []string
	for _, c := range all {
		names = append(names, cli.Plain(c.Witness)+" at "+c.Time.Local().Format("2006-01-02 15:04:05"))
	}
	return strings.Join(names, ", ")
}

// witnessing asks the witnesses after each checkpoint, while this process owns the ledger. Commits do not wait for it.
func (s *share) witnessing(l *ledger.Ledger) {
	if len(s.witness.urls) == 0 {
		return
	}
	s.work.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		s.work.Go(func() {
			select {
			case <-s.closing:
				cancel()
			case <-ctx.Done():
			}
		})
		var warned string
		for size := uint64(0); ; {
			c, err := l.NextCheckpoint(ctx, size)
			if err != nil {
				return
			}
			size = c.Size
			_, err = s.witness.ask(ctx, l)
			warned = s.warnWitness(ctx, err, warned)
		}
	})
}

// warnWitness says what is wrong with witnesses, and once more when something else is.
func (s *share) warnWitness(ctx context.Context, err error, before string) string {
	if err == nil || ctx.Err() != nil {
		return ""
	}
	if text := err.Error(); text != before {
		s.log.Warn("a checkpoint was not cosigned", "error", text)
		return text
	}
	return before
}

// lastWitnessWait is how long the end of a process may wait for witnesses.
const lastWitnessWait = 3 * time.Second

// lastWitness gets the last checkpoint of this process cosigned.
func (s *share) lastWitness() {
	l := s.owned()
	if l == nil || len(s.witness.urls) == 0 || l.Err() != nil {
		return
	}
	if _, err := l.Checkpoint(context.Background()); err != nil {
		return // Close says so
	}
	w := s.witness
	w.timeout = min(w.timeout, lastWitnessWait)
	_, err := w.ask(context.Background(), l)
	s.warnWitness(context.Background(), err, "")
}
