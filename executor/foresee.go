package executor

import (
	"context"

	"proctor/executor/tool"
	"proctor/policy"
)

// Foresee is asked about a proposal that comes again when it is to run: whether it would be refused without anybody being asked. Then the
// refusal is recorded now, and refused says why. Anything else records nothing and promises nothing.
func (s *Session) Foresee(ctx context.Context, id, name string, p tool.Proposal) (refused string, err error) {
	c := &call{t: &turn{s: s}, call: tool.Call{ID: id, Name: name}}
	request := c.request()
	request.Action = p.Action()
	if s.opts.Gate.Foresee(request).Outcome != policy.Forbid {
		return "", nil
	}
	c.call.ID = s.callLabel(id)
	if _, err := c.supervise(ctx, p); err != nil {
		return "", err
	}
	return c.end.message, nil
}
