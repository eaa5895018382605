package execserver

import (
	"encoding/json"
	"sync"

	"proctor/policy/filesystem"
)

// narrowing remembers what a session made of the sandboxes that its client states: it states the same one for every command.
type narrowing struct {
	mu   sync.Mutex
	made map[string]func(filesystem.Plan) filesystem.Plan
}

// maxIntents bounds the different sandboxes that are remembered.
const maxIntents = 64

// narrow is what of a plan a stated sandbox leaves; nil for no sandbox, which narrows nothing: it is an escalation, and judged.
func (s *Session) narrow(i *intent) (func(filesystem.Plan) filesystem.Plan, error) {
	if i.unconfined() {
		return nil, nil
	}
	request, err := i.request(s.Workspace, s.TmpDir)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	s.narrowing.mu.Lock()
	defer s.narrowing.mu.Unlock()
	if f, ok := s.narrowing.made[string(text)]; ok {
		return f, nil
	}
	f, err := s.Narrow(request)
	if err != nil {
		return nil, err
	}
	if s.narrowing.made == nil || len(s.narrowing.made) >= maxIntents {
		s.narrowing.made = map[string]func(filesystem.Plan) filesystem.Plan{}
	}
	s.narrowing.made[string(text)] = f
	return f, nil
}
