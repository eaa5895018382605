package netproxy

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"proctor/policy"
	"proctor/policy/egress"
)

// asks makes the proxy of w ask f; it returns how often it did.
func (w *world) asks(f func(Decision) (Answer, error)) func() int {
	var mu sync.Mutex
	n := 0
	w.proxy.misses = newMisses(func(_ context.Context, d Decision) (Answer, error) {
		mu.Lock()
		n++
		mu.Unlock()
		return f(d)
	}, false)
	return func() int { mu.Lock(); defer mu.Unlock(); return n }
}

func TestMissesAreAsked(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer Answer
		err    error
		want   int // status
		again  int // how often it is asked when it is tried three times in one call and once in another
	}{
		{"denied", Deny, nil, 403, 2},
		{"once", AllowOnce, nil, 200, 2},
		{"session", AllowSession, nil, 200, 1},
		{"failure", AllowSession, errors.New("reviewer is gone"), 403, 4},
		{"nonsense", Answer(9), nil, 403, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, table("site.test"), Limits{})
			w.name("new.test", publicA)
			w.site(publicA+":80", http.NotFoundHandler())
			asked := w.asks(func(d Decision) (Answer, error) {
				if d.Host != "new.test" || d.Port != 80 || d.Protocol != egress.HTTP || d.Outcome != policy.Forbid || !d.Askable || d.Call == "" {
					t.Errorf("asked about %+v", d)
				}
				return c.answer, c.err
			})
			w.serve(nil)
			want := c.want
			if want == 200 {
				want = 404 // from the site
			}
			for range 3 {
				resp, err := w.client().Get("http://New.test/")
				text(t, resp, err)
				if resp.StatusCode != want {
					t.Errorf("status %d, want %d", resp.StatusCode, want)
				}
			}
			d := w.decided[0]
			if d.Override != (c.want == 200) || d.Source != egress.SourceDecider || d.Reason != policy.ReasonNotAllowed {
				t.Errorf("decision %+v", d)
			}
			if p := Payload(d); p.Override != d.Override || p.Scope != "domain" {
				t.Errorf("payload %+v", p)
			}
			d2, err := w.proxy.judge(t.Context(), origin{"run-3", ""}, egress.Request{Host: "new.test", Port: 80, Protocol: egress.HTTP, Method: "GET"})
			if n := asked(); n != c.again || err != nil || (d2.Outcome == policy.Allow) != (c.want == 200) {
				t.Errorf("asked %d times, want %d; %+v %v", n, c.again, d2, err)
			}
		})
	}
}

// What is not a plain miss is never asked about, and an approval lifts nothing but the list.
func TestApprovalsLiftMissesOnly(t *testing.T) {
	limited := table("site.test", "bad.test=deny")
	limited.Mode = egress.Limited
	managed := table()
	managed.Managed = &egress.Managed{ManagedAllowedDomainsOnly: true}
	for _, c := range []struct {
		config       egress.Config
		method, host string
		want         policy.Reason
		asked        int
	}{
		{table("bad.test=deny"), "GET", "bad.test", policy.ReasonDenied, 0},
		{table(), "GET", "127.0.0.1", policy.ReasonNotAllowedLocal, 0},
		{table(), "GET", "169.254.169.254", policy.ReasonNotAllowedLocal, 0},
		{table(), "GET", "127.1", policy.ReasonNotAllowed, 0},
		{managed, "GET", "new.test", policy.ReasonNotAllowed, 0},
		{table(), "GET", "inner.test", policy.ReasonNotAllowedLocal, 1},
		{table(publicB + "=deny"), "GET", "alias.test", policy.ReasonDenied, 1},
		{limited, "POST", "new.test", policy.ReasonMethodNotAllowed, 1},
		{table(), "GET", "new.test", policy.ReasonNotAllowed, 1}, // allowed
	} {
		w := newWorld(t, c.config, Limits{})
		w.name("inner.test", publicA, "10.0.0.1")
		w.name("alias.test", publicB)
		w.name("new.test", publicA)
		asked := w.asks(func(Decision) (Answer, error) { return AllowSession, nil })
		d, err := w.proxy.judge(t.Context(), origin{"1", ""}, egress.Request{Host: c.host, Port: 80, Protocol: egress.HTTP, Method: c.method})
		allowed := c.want == policy.ReasonNotAllowed && c.asked > 0
		if err != nil || d.Reason != c.want || asked() != c.asked || d.Override != allowed || (d.Outcome == policy.Allow) != allowed {
			t.Errorf("%s %s: %+v, %v, asked %d", c.method, c.host, d, err, asked())
		}
	}
}

func TestManyConnectionsAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, table(), Limits{})
		w.name("new.test", publicA)
		asked := w.asks(func(Decision) (Answer, error) { time.Sleep(time.Minute); return AllowOnce, nil })
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				d, err := w.proxy.judge(t.Context(), origin{"1", ""}, egress.Request{Host: "new.test", Port: 443, Protocol: egress.HTTPSConnect})
				if err != nil || d.Outcome != policy.Allow || !d.Override {
					t.Errorf("%+v, %v", d, err)
				}
			})
		}
		wg.Wait()
		if asked() != 1 {
			t.Errorf("asked %d times", asked())
		}
	})
}

func TestAnAnswerIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, table(), Limits{})
		w.proxy.misses = newMisses(func(ctx context.Context, _ Decision) (Answer, error) { <-ctx.Done(); return AllowSession, ctx.Err() }, false)
		begun := time.Now()
		d, err := w.proxy.judge(t.Context(), origin{"1", ""}, egress.Request{Host: "new.test", Port: 443, Protocol: egress.HTTPSConnect})
		if err != nil || d.Outcome != policy.Forbid || time.Since(begun) != 15*time.Minute {
			t.Errorf("%+v, %v after %s", d, err, time.Since(begun))
		}
	})
}

// Remembered answers are bounded: the oldest go.
func TestAnswersAreBounded(t *testing.T) {
	m := newMisses(nil, false)
	for i := range 2 * maxAnswers {
		m.remember(question{port: uint16(i)}, AllowOnce)
		m.remember(question{port: uint16(i)}, AllowOnce)
	}
	if _, ok := m.answers[question{port: 2*maxAnswers - 1}]; len(m.answers) != maxAnswers || len(m.order) != maxAnswers || !ok {
		t.Errorf("%d answers, %d in order", len(m.answers), len(m.order))
	}
}

func TestPolicyChangesWhileItRuns(t *testing.T) {
	w := newWorld(t, table("site.test"), Limits{})
	w.name("site.test", publicA)
	w.name("new.test", publicA)
	w.site(publicA+":80", http.NotFoundHandler())
	w.serve(nil)
	client := w.client()
	status := func(host string) int {
		resp, err := client.Get("http://" + host + "/")
		text(t, resp, err)
		return resp.StatusCode
	}
	if err := w.proxy.SetPolicy(table("**")); err == nil || !strings.Contains(err.Error(), "**") {
		t.Errorf("a bad policy: %v", err)
	}
	if got := status("site.test"); got != 404 {
		t.Errorf("after a bad policy: %d", got)
	}
	if err := w.proxy.SetPolicy(table("new.test")); err != nil {
		t.Fatal(err)
	}
	if a, b := status("site.test"), status("new.test"); a != 403 || b != 404 {
		t.Errorf("after the change: %d and %d, want 403 (also on a kept connection) and 404", a, b)
	}
}

func TestReportModeLetsMissesThrough(t *testing.T) {
	w := newWorld(t, table("bad.test=deny"), Limits{})
	w.proxy.misses = newMisses(nil, true)
	w.name("new.test", publicA)
	w.name("inner.test", "10.0.0.1")
	for host, want := range map[string]policy.Reason{"new.test": policy.ReasonNotAllowed, "bad.test": policy.ReasonDenied, "inner.test": policy.ReasonNotAllowedLocal, "10.0.0.1": policy.ReasonNotAllowedLocal} {
		d, err := w.proxy.judge(t.Context(), origin{}, egress.Request{Host: host, Port: 80, Protocol: egress.HTTP, Method: "GET"})
		if err != nil || d.Reason != want || (d.Outcome == policy.Allow) != (host == "new.test") || d.Override || (host == "new.test") != (d.Source == egress.SourceReport) {
			t.Errorf("%s: %+v, %v", host, d, err)
		}
	}
}
