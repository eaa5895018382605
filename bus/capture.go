package bus

import "proctor/event"

// Filter is that of [Options.Capture], nil without one. See [event.Stream.Filter].
func (b *Bus) Filter(field string) event.Filter {
	if b.opts.Capture == nil {
		return nil
	}
	return b.opts.Capture.Filter(field)
}

// captured is e as it is recorded.
func (b *Bus) captured(e *event.Event) *event.Event {
	if b.opts.Capture == nil {
		return e
	}
	return b.opts.Capture.Event(e)
}
