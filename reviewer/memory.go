package reviewer

import "sync"

// memory holds the keys of the latest requests, oldest first.
type memory struct {
	mu    sync.Mutex
	keys  map[string]bool
	order []string
}

func (m *memory) first(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys[key] {
		return false
	}
	if m.keys == nil {
		m.keys = map[string]bool{}
	}
	if len(m.order) == remembered {
		delete(m.keys, m.order[0])
		m.order = m.order[1:]
	}
	m.keys[key] = true
	m.order = append(m.order, key)
	return true
}
