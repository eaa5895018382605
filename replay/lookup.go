package replay

import (
	"fmt"

	"proctor/event"
)

// executorRow tells what an executor for others was asked for beside calls. It is false for payloads that others tell.
func executorRow(p event.Payload) (row, bool) {
	switch p := p.(type) {
	case *event.ExecutorAttachedPayload:
		return row{"executor", join(", ", join(" ", p.Client, p.Version), prefixed("over ", p.Transport), prefixed("works in ", p.Workspace)), "", Plain}, true
	case *event.FileReadPayload:
		size := ""
		if p.Content != "" {
			size = fmt.Sprintf("%s, %s", count(p.Bytes, "byte"), short(p.Content))
		}
		return row{"looked", p.Operation + " " + p.Path, join(", ", p.Outcome, size), Dim}, true
	}
	return row{}, false
}

// idle reports whether an entry is of no interest to people: a look at what is at a place, which many programs take dozens of before they
// begin. Single lines and JSON have it.
func idle(p event.Payload) bool {
	read, ok := p.(*event.FileReadPayload)
	return ok && read.Content == "" && read.Outcome != "failed"
}
