package shell

import "time"

// How long a call waits for a command before it answers (Codex 0.169.0).
const (
	defaultYield = 10 * time.Second       // exec_command
	minYield     = 250 * time.Millisecond // both tools
	maxYield     = 30 * time.Second       // exec_command, and write_stdin that sends something
	minPoll      = 5 * time.Second        // write_stdin that sends nothing; also its default
	maxPoll      = 5 * time.Minute
)

// commandWait is how long exec_command waits; asked is in milliseconds, negative when not given.
func commandWait(asked int) time.Duration {
	if asked < 0 {
		return defaultYield
	}
	return clamp(asked, minYield, maxYield)
}

// inputWait is how long write_stdin waits.
func inputWait(asked int, empty bool, longest time.Duration) time.Duration {
	if empty {
		return clamp(max(asked, 0), min(minPoll, longest), longest)
	}
	return clamp(max(asked, 0), minYield, maxYield)
}

func clamp(millis int, low, high time.Duration) time.Duration {
	return min(max(time.Duration(millis)*time.Millisecond, low), high)
}
