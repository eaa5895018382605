package app

import (
	"os"
	"strings"
)

// osRelease is the name and version of the system, as /etc/os-release has them (os-release(5)).
func osRelease() (name, version string) {
	b, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "Linux", ""
	}
	for l := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(l), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			name = strings.ToUpper(value[:min(1, len(value))]) + value[min(1, len(value)):]
		case "VERSION_ID":
			version = value
		}
	}
	return name, version
}
