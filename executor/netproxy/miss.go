package netproxy

import (
	"context"
	"sync"

	"proctor/policy"
	"proctor/policy/egress"
)

// Answer is what becomes of a miss. The zero value refuses. To allow for good, change the policy before answering.
type Answer int

// The answers. Deny and AllowOnce count for the rest of the call, AllowSession for the life of the Proxy.
const (
	Deny Answer = iota
	AllowOnce
	AllowSession
)

// question is what an answer counts for. The call is empty for the whole session.
type question struct {
	call, host string
	port       uint16
	protocol   egress.Protocol
}

// maxAnswers bounds what is remembered; what is forgotten is asked again.
const maxAnswers = 4096

// misses asks about misses and remembers the answers.
type misses struct {
	ask    func(context.Context, Decision) (Answer, error)
	report bool

	mu      *sync.Mutex
	answers map[question]Answer
	order   []question // oldest first
	open    map[question]*asking
}

// asking is a question without answer so far.
type asking struct {
	done   chan struct{}
	answer Answer
}

func newMisses(ask func(context.Context, Decision) (Answer, error), report bool) misses {
	return misses{ask: ask, report: report, mu: new(sync.Mutex), answers: map[question]Answer{}, open: map[question]*asking{}}
}

// answer returns what is remembered, or asks. ctx is the connection's; asked is false when nobody can be asked.
func (p *Proxy) answer(ctx context.Context, d Decision) (a Answer, asked bool) {
	m := &p.misses
	if m.ask == nil {
		return Deny, false
	}
	q := question{d.Call, d.Host, d.Port, d.Protocol}
	m.mu.Lock()
	for _, known := range []question{{"", q.host, q.port, q.protocol}, q} {
		if a, ok := m.answers[known]; ok {
			m.mu.Unlock()
			return a, true
		}
	}
	pending, ok := m.open[q]
	if !ok {
		pending = &asking{done: make(chan struct{})}
		m.open[q] = pending
	}
	m.mu.Unlock()
	if ok {
		select {
		case <-pending.done:
		case <-ctx.Done():
			return Deny, true
		}
		return pending.answer, true
	}
	ctx, cancel := context.WithTimeout(ctx, p.limits.Miss)
	defer cancel()
	answer, err := m.ask(ctx, d)
	if err != nil {
		p.log.Warn("a network approval failed, the request is refused", "host", d.Host, "port", d.Port, "err", err)
		answer = Deny
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	pending.answer = answer
	delete(m.open, q)
	close(pending.done)
	if err == nil {
		m.remember(q, answer)
	}
	return answer, true
}

func (m *misses) remember(q question, a Answer) {
	if a == AllowSession {
		q.call = ""
	}
	if _, ok := m.answers[q]; !ok {
		if len(m.order) == maxAnswers {
			delete(m.answers, m.order[0])
			m.order = m.order[1:]
		}
		m.order = append(m.order, q)
	}
	m.answers[q] = a
}

// miss decides again what missed the allow list. The policy may have changed since, and holds for everything but the list.
func (p *Proxy) miss(ctx context.Context, d Decision, r egress.Request, lookup egress.Lookup) egress.Decision {
	source, allowed := egress.SourceReport, p.misses.report
	if !allowed {
		a, asked := p.answer(ctx, d)
		if !asked {
			return p.policy.Load().Decide(r, lookup)
		}
		source, allowed = egress.SourceDecider, a == AllowOnce || a == AllowSession
	}
	e := p.policy.Load().Decide(r, lookup)
	if e.Outcome == policy.Allow || !e.Askable {
		return e
	}
	if allowed {
		e = p.policy.Load().DecideApproved(r, lookup)
		if e.Outcome != policy.Allow {
			return e
		}
	}
	e.Reason, e.Source = policy.ReasonNotAllowed, source
	return e
}
