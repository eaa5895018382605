package filesystem

import "slices"

// Looking is p for somebody who may only look: nothing can be written, the network is off, and what could not be read
// still cannot be.
func (p Plan) Looking() Plan {
	out := p
	out.Network, out.Unconfined = NetworkOff, false
	if out.Mode != NamedProfile {
		out.Mode = ReadOnly
	}
	if !p.ReadAll {
		out.Readable = slices.Clone(p.Readable)
		for _, r := range p.Writable {
			out.Readable = append(out.Readable, r.Path)
		}
	}
	out.Writable, out.ReadOnly, out.Linked = nil, nil, nil
	return out
}
