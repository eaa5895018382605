package bus

import "proctor/event"

const (
	produced  = "proctor.v1."
	committed = "proctor.committed.v1."
	lent      = "proctor.lent.v1."
)

// subject is prefix, session and the two parts of the kind; kinds may hold further dots, which NATS treats as tokens.
func subject(prefix, session string, kind event.Kind) string {
	return prefix + session + "." + string(kind)
}
