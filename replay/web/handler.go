package web

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"proctor/event"
	"proctor/replay"
)

// Options of Handler. The zero value works.
type Options struct {
	// Hosts are the names in the Host header that are answered, without port. Empty: localhost and loopback addresses.
	Hosts []string
	// Log gets failures to read; discarded when nil.
	Log *slog.Logger
}

const (
	maxEntries  = 20_000 // of one session page
	maxSessions = 10_000 // of the list
	batch       = 512    // entries read at a time
)

// Handler serves / (the list of sessions) and /session/{id}.
func Handler(reader event.Reader, o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &site{reader: reader, opts: o, list: list{sums: map[string]*replay.Summary{}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /session/{id}", s.session)
	return s.guard(mux)
}

type site struct {
	reader event.Reader
	opts   Options
	list   list
}

// guard refuses foreign hosts and sets the headers that every answer has.
func (s *site) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy()+"; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.serves(r.Host) {
			http.Error(w, "this host name is not served here", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *site) serves(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if len(s.opts.Hosts) > 0 {
		return slices.Contains(s.opts.Hosts, host)
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *site) index(w http.ResponseWriter, r *http.Request) {
	sessions, err := s.list.latest(r.Context(), s.reader)
	if err != nil {
		s.fail(w, "list sessions", err)
		return
	}
	p := newPage("proctor sessions")
	p.Sessions = sessions
	s.show(w, "list", p)
}

func (s *site) session(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if event.CheckSession(id) != nil {
		http.Error(w, "this is no session id", http.StatusNotFound)
		return
	}
	var entries []event.Entry
	for next := uint64(1); len(entries) <= maxEntries; {
		more, err := s.reader.Session(r.Context(), id, next, batch)
		if err != nil {
			s.fail(w, "read session", err)
			return
		}
		entries = append(entries, more...)
		if len(more) < batch {
			break
		}
		next = more[len(more)-1].SessionSeq + 1
	}
	if len(entries) == 0 {
		http.Error(w, "this session is not recorded here", http.StatusNotFound)
		return
	}
	p := newPage("proctor session")
	p.List, p.More = true, len(entries) > maxEntries
	p.Timeline = replay.Build(entries[:min(len(entries), maxEntries)])
	s.show(w, "session", p)
}

func (s *site) show(w http.ResponseWriter, name string, p page) {
	var b bytes.Buffer // so that a failing template sends no half page
	if err := templates().ExecuteTemplate(&b, name, p); err != nil {
		s.fail(w, "make page", err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // the reader went away
}

func (s *site) fail(w http.ResponseWriter, what string, err error) {
	if !errors.Is(err, context.Canceled) {
		s.opts.Log.Error(what, "error", err)
	}
	http.Error(w, what+" failed; the log of proctor has the reason", http.StatusInternalServerError)
}

// list keeps one summary for each session up to an entry of the ledger.
type list struct {
	mu    sync.Mutex
	next  event.Seq
	sums  map[string]*replay.Summary
	order []string // by first entry, oldest first
}

// latest brings the list up to date and returns it, newest session first.
func (l *list) latest(ctx context.Context, reader event.Reader) ([]replay.Summary, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		entries, err := reader.Read(ctx, l.next, batch)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			l.add(e)
		}
		if len(entries) == 0 {
			break
		}
	}
	out := make([]replay.Summary, 0, len(l.order))
	for _, id := range slices.Backward(l.order) {
		out = append(out, *l.sums[id])
	}
	return out, nil
}

func (l *list) add(e event.Entry) {
	l.next = e.Seq + 1
	sum := l.sums[e.Session]
	if sum == nil {
		if len(l.order) == maxSessions {
			delete(l.sums, l.order[0])
			l.order = l.order[1:]
		}
		sum = &replay.Summary{}
		l.sums[e.Session] = sum
		l.order = append(l.order, e.Session)
	}
	sum.Add(e)
}
