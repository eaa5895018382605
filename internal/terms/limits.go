package terms

import (
	"proctor/executor/sandbox"
	"proctor/internal/config"
)

// Limits are those of the settings for one command.
func Limits(cfg *config.Config) sandbox.Limits {
	l := sandbox.Limits(cfg.Proctor.Sandbox.Limits)
	if l.Processes < 0 {
		l.Processes = sandbox.DefaultLimits().Processes
	}
	return l
}
