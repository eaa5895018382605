//go:build linux

package broker

import (
	"os"
	"strconv"
	"strings"
)

// status gives fields of /proc/PID/status: the process a thread belongs to, and its umask. ok is false when the
// process is gone.
func status(thread int) (process int, umask uint32, ok bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(thread) + "/status")
	if err != nil {
		return 0, 0, false
	}
	found := 0
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Umask":
			n, err := strconv.ParseUint(value, 8, 32)
			if err != nil {
				return 0, 0, false
			}
			umask, found = uint32(n)&0o777, found+1
		case "Tgid":
			n, err := strconv.Atoi(value)
			if err != nil {
				return 0, 0, false
			}
			process, found = n, found+1
		}
		if found == 2 {
			return process, umask, true
		}
	}
	return 0, 0, false
}
