package app

import (
	"fmt"
	"strings"

	"proctor/internal/cli"
)

// ShowRecovered says which sessions were found open and closed.
func ShowRecovered(env Env, s *Store) {
	for _, r := range s.Recovered {
		text := fmt.Sprintf("session %s had not been closed: its process is gone; it was closed now", r.Session)
		if len(r.Interrupted) > 0 {
			text += fmt.Sprintf(", with %d calls marked as interrupted (%s)", len(r.Interrupted), strings.Join(r.Interrupted, ", "))
		}
		cli.Warn(env, text)
	}
}
