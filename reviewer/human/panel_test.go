package human

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"proctor/event"
	"proctor/policy"
	"proctor/reviewer"
)

// votes records what a panel commits.
type votes struct {
	mu    sync.Mutex
	list  []*event.ApprovalVotedPayload
	fails error
}

func (v *votes) record(_ context.Context, _ reviewer.Request, _ event.ID, p *event.ApprovalVotedPayload) (event.Receipt, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fails != nil {
		return event.Receipt{}, v.fails
	}
	v.list = append(v.list, p)
	return event.Receipt{}, nil
}

// opened runs f beside a review with a deadline of a minute, and returns its verdict.
func opened(t *testing.T, people int, v *votes, r reviewer.Request, f func(p *Panel)) (out reviewer.Verdict) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := NewPanel(PanelOptions{People: people, Record: v.record})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan reviewer.Verdict, 1)
		go func() { done <- p.Review(ctx, r) }()
		synctest.Wait()
		f(p)
		out = <-done
	})
	return out
}

func yes(r reviewer.Request, who, scope string) Vote {
	return Vote{Voter: who, Via: ViaCommand, Approve: true, Scope: scope, Digest: r.Digest}
}

func no(r reviewer.Request, who string) Vote {
	return Vote{Voter: who, Via: ViaCommand, Digest: r.Digest, Why: "because"}
}

func TestTwoPeople(t *testing.T) {
	r := command("make", "install")
	must := func(p *Panel, v Vote, want error) {
		t.Helper()
		if _, err := p.Vote(t.Context(), r.ID, v); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", v.Voter, err, want)
		}
	}
	other := yes(r, "bob", reviewer.Once)
	other.Digest[0] ^= 1
	rec := &votes{}
	v := opened(t, 2, rec, r, func(p *Panel) {
		must(p, yes(r, "ann", reviewer.Session), nil)
		must(p, yes(r, "ann", reviewer.Session), ErrTwice)
		must(p, other, ErrDigest)
		must(p, yes(r, "bob", reviewer.Rule), ErrScope)
		must(p, yes(r, "a b", reviewer.Once), ErrName)
		if _, err := p.Vote(t.Context(), "other", yes(r, "bob", reviewer.Once)); !errors.Is(err, ErrUnknown) {
			t.Errorf("another request: %v", err)
		}
		must(p, yes(r, "bob", reviewer.Once), nil)
		must(p, no(r, "eve"), ErrAnswered)
	})
	if v.Status != reviewer.Approved || v.Scope != reviewer.Once || v.By != "user:bob" || strings.Join(v.Voters, " ") != "user:ann user:bob" {
		t.Errorf("verdict %+v", v)
	}
	if len(rec.list) != 2 || rec.list[0].Approvals != 1 || rec.list[1].Approvals != 2 || rec.list[1].Needed != 2 {
		t.Errorf("recorded %+v", rec.list)
	}
}

func TestOneRefusalRefuses(t *testing.T) {
	r, rec := command("make"), &votes{}
	v := opened(t, 2, rec, r, func(p *Panel) {
		_, _ = p.Vote(t.Context(), r.ID, yes(r, "ann", reviewer.Once))
		_, _ = p.Vote(t.Context(), r.ID, no(r, "bob"))
	})
	if v.Status != reviewer.Denied || v.Rationale != "because" || v.By != "user:bob" || len(rec.list) != 2 {
		t.Errorf("verdict %+v, %d votes", v, len(rec.list))
	}
}

// A vote without its record does not count, and a deadline ends the request for everybody.
func TestNoRecordNoVote(t *testing.T) {
	r, rec := command("make"), &votes{fails: event.ErrNotRecorded}
	var late error
	v := opened(t, 1, rec, r, func(p *Panel) {
		if _, err := p.Vote(t.Context(), r.ID, yes(r, "ann", reviewer.Once)); !errors.Is(err, event.ErrNotRecorded) {
			t.Errorf("got %v", err)
		}
		time.Sleep(2 * time.Minute)
		rec.fails = nil
		_, late = p.Vote(t.Context(), r.ID, yes(r, "ann", reviewer.Once))
	})
	if v.Status != reviewer.TimedOut || v.Reason != policy.ReasonReviewTimedOut || !errors.Is(late, ErrAnswered) || len(rec.list) != 0 {
		t.Errorf("verdict %+v, late %v", v, late)
	}
}

// Whoever votes, in whatever order and at once: approved needs the number of different people, and nobody who refused.
func TestPanelLaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		need := rapid.IntRange(1, 3).Draw(rt, "need")
		cast := rapid.SliceOfN(rapid.SampledFrom([]string{"a+", "b+", "c+", "a-", "b-"}), 0, 6).Draw(rt, "votes")
		r, rec := command("make"), &votes{}
		v := opened(t, need, rec, r, func(p *Panel) {
			var all sync.WaitGroup
			for _, c := range cast {
				vote := no(r, c[:1])
				if c[1] == '+' {
					vote = yes(r, c[:1], reviewer.Once)
				}
				all.Go(func() { _, _ = p.Vote(t.Context(), r.ID, vote) })
			}
			all.Wait()
		})
		people, refusals := map[string]bool{}, 0
		for _, p := range rec.list {
			if people[p.Voter] {
				rt.Fatalf("%s counts twice", p.Voter)
			}
			people[p.Voter] = true
			if p.Vote == event.Denied {
				refusals++
			}
		}
		approvals := len(rec.list) - refusals
		if got := v.Status == reviewer.Approved; got != (approvals >= need && refusals == 0) {
			rt.Fatalf("%v needs %d: %+v with %d approvals and %d refusals", cast, need, v, approvals, refusals)
		}
		if got := v.Status == reviewer.Denied; got != (refusals == 1) || refusals > 1 {
			rt.Fatalf("%v: %+v with %d refusals", cast, v, refusals)
		}
	})
}
