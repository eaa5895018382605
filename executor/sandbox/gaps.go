package sandbox

// Gapped is a Backend that guarantees less than one with namespaces in ways that no plan speaks about. What a plan does
// speak about is enforced or refused, never weakened.
type Gapped interface {
	// Gaps are short sentences that stay the same, so that they can be looked for in a record. They must not be changed.
	Gaps() []string
}

// Gaps are those of b, none for most.
func Gaps(b Backend) []string {
	if g, ok := b.(Gapped); ok {
		return g.Gaps()
	}
	return nil
}
