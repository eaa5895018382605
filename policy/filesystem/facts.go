package filesystem

// Facts is what the disk showed about the rules of a request.
type Facts struct {
	// Places has one element for each path that Request.Rules names, and for each base of a pattern.
	Places []PlaceFacts `json:"places"`
	// Found are protected names below the top of writable roots.
	Found []Found `json:"found,omitempty"`
	// Matches are what stands under a pattern.
	Matches []Match `json:"matches,omitempty"`
	// Shared are files below writable roots, or with a denied name, that have more than one name.
	Shared []Shared `json:"shared,omitempty"`
	// Skipped says where a search stopped at its bound.
	Skipped []string `json:"skipped,omitempty"`
}

// PlaceFacts describes one path that a rule names.
type PlaceFacts struct {
	// Asked is the path as Rules has it; Path is where it really is, or would be: then the parent may be missing too.
	Asked string `json:"asked"`
	Path  string `json:"path"`
	Kind  Kind   `json:"kind"` // of Path; Missing when it does not exist
	// Links are the symlinks on the way.
	Links []Link `json:"links,omitempty"`
	// Entries has one element for each of ProtectedNames when a rule makes the path writable and Kind is Dir.
	Entries []Found `json:"entries,omitempty"`
}

// Found is what stands under a protected name.
type Found struct {
	Path string `json:"path"`
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Guards are further canonical paths that decide what the name means: the symlinks on the way,
	// the final target (Missing when dangling), the directory a .git file points to and its common directory.
	Guards []Guard `json:"guards,omitempty"`
}

// Guard is one such path.
type Guard struct {
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
}

// Match is a path whose name a pattern denies.
type Match struct {
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Target is what a symlink leads to in the end, when that exists.
	Target *Guard `json:"target,omitempty"`
}

// Shared is one file with several names (hard links). Links is their number, Names are those that were found.
type Shared struct {
	Links int      `json:"links"`
	Names []string `json:"names"`
}
