package otlp

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"proctor/event"
)

const (
	// maxSessions bounds the cache; a full cache is emptied.
	maxSessions = 256
	// opening is how many entries of a session are searched for its start.
	opening = 32
)

// sessions knows what the first event of a session says, for every later record repeats it.
// It is shared by the destinations of one process.
type sessions struct {
	reader event.Reader

	mu    sync.Mutex
	known map[string]*event.ConversationStartsPayload // guarded by mu; never nil values
}

func newSessions(r event.Reader) *sessions {
	return &sessions{reader: r, known: map[string]*event.ConversationStartsPayload{}}
}

// unknown stands for a session whose start was not found: a session of the system, or
// one whose first entries cannot be read now.
var unknown = &event.ConversationStartsPayload{}

// of returns the start of the session that an event belongs to.
func (s *sessions) of(ctx context.Context, e *event.Event) *event.ConversationStartsPayload {
	if p, ok := e.Payload.(*event.ConversationStartsPayload); ok {
		s.learn(e.Session, p)
		return p
	}
	s.mu.Lock()
	p, ok := s.known[e.Session]
	s.mu.Unlock()
	if ok {
		return p
	}
	entries, err := s.reader.Session(ctx, e.Session, 1, opening)
	if err != nil {
		return unknown // not kept: the next record asks again
	}
	p = unknown
	for _, entry := range entries {
		if entry.Event == nil {
			continue
		}
		if start, ok := entry.Event.Payload.(*event.ConversationStartsPayload); ok {
			p = start
			break
		}
	}
	s.learn(e.Session, p)
	return p
}

func (s *sessions) learn(id string, p *event.ConversationStartsPayload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxSessions {
		clear(s.known)
	}
	s.known[id] = p
}

// resource identifies the producer of records; equal resources share one group.
type resource struct {
	service, version, env, host, os, osVersion, own string
	more                                            *map[string]string // of Options; the same for all
}

func (o *Options) resource(p *event.ConversationStartsPayload) resource {
	r := resource{service: p.Originator, version: p.AppVersion, env: o.Environment, own: o.Version, more: &o.ResourceAttributes}
	if r.service == "" {
		r.service = "proctor"
	}
	if r.version == "" {
		r.version = o.Version
	}
	return r
}

// withHost is the resource of logs; the CLI leaves the host out of the other signals.
func (r resource) withHost(p *event.ConversationStartsPayload, o *Options) resource {
	r.host = p.Host
	if r.host == "" {
		r.host = o.Host
	}
	return r
}

func (r resource) put(m pcommon.Map) {
	for k, v := range *r.more {
		m.PutStr(k, v)
	}
	m.PutStr("service.name", r.service)
	m.PutStr("service.version", r.version)
	m.PutStr("env", r.env)
	m.PutStr("telemetry.sdk.name", "proctor")
	m.PutStr("telemetry.sdk.language", "go")
	m.PutStr("telemetry.sdk.version", r.own)
	for k, v := range map[string]string{"host.name": r.host, "os": r.os, "os_version": r.osVersion} {
		if v != "" {
			m.PutStr(k, v)
		}
	}
}
