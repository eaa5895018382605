//go:build linux

package denial

import (
	"path"

	"proctor/policy/filesystem"
)

// freeFolders tells the folders that are writable and in which no rule of the plan names anything: every name in them is judged
// like the folder itself. p has no patterns.
func freeFolders(p filesystem.Plan) func(folder string) bool {
	special := map[string]bool{}
	for _, named := range p.Paths() {
		special[path.Dir(named)] = true
	}
	return func(folder string) bool { return !special[folder] && p.CheckWrite(folder).Allowed }
}
