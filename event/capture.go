package event

// Capture takes secrets out of what is recorded, before it is encoded. It is safe for concurrent use.
type Capture interface {
	// Event returns e, or a copy of it with less in its payload and Masked set. It does not change e.
	Event(e *Event) *Event
	// Filter begins a text of a field that comes in pieces.
	Filter(field string) Filter
}

// open is the filter that lets everything pass.
type open struct{}

func (open) Write(piece string) (string, []Removal) { return piece, nil }
func (open) Flush() (string, []Removal)             { return "", nil }

// Filter begins a text that is recorded in pieces: what goes through it is masked across their borders, where the sink masks
// at all. The removals belong into the draft that carries the text.
func (s *Stream) Filter(field string) Filter {
	if c, ok := s.sink.(interface{ Filter(string) Filter }); ok {
		if f := c.Filter(field); f != nil {
			return f
		}
	}
	return open{}
}
