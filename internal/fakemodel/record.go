package fakemodel

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// maxKeptBodies bounds the memory of all recorded bodies together.
const maxKeptBodies = 256 << 20

// Request is one recorded POST …/responses.
type Request struct {
	// Seq counts from 0 in order of arrival.
	Seq    int
	Path   string
	Query  string
	Header http.Header
	// Body must not be written to; it is nil when BodyDropped.
	Body        []byte
	BodyDropped bool
	// Track and Step tell which step answered; Step is -1 when the script had none.
	Track string
	Step  int
	Unmet []string
}

// Requests returns what arrived so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Unmet returns every require and forbid that failed so far.
func (s *Server) Unmet() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.unmet)
}

// Unused returns the number of steps not yet taken, by track.
func (s *Server) Unused() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	unused := map[string]int{}
	for _, t := range s.tracks {
		if n := len(t.Steps) - t.next; n > 0 && !t.Loop {
			unused[t.Name] = n
		}
	}
	return unused
}

// Finished returns nil when the script was played to its end as written: no
// requirement failed, no step is left, no request came without a step.
func (s *Server) Finished() error {
	var problems []error
	for _, missed := range s.Unmet() {
		problems = append(problems, errors.New(missed))
	}
	for name, n := range s.Unused() {
		problems = append(problems, fmt.Errorf("track %q: %d steps were not used", name, n))
	}
	for _, r := range s.Requests() {
		if r.Step < 0 {
			problems = append(problems, fmt.Errorf("request %d (track %q) came after the script had ended", r.Seq, r.Track))
		}
	}
	return errors.Join(problems...)
}
