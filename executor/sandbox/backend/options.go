package backend

// Options say what to choose from. StateDir is required.
type Options struct {
	// StateDir is a private directory of the user for placeholders' locks and probe answers. Commands cannot
	// write it even when it lies inside a writable root.
	StateDir string
	// Path is the PATH in which bwrap is looked for; Workspace lists directories from which no bwrap is taken
	// (the working directory and all workspace roots).
	Path      string
	Workspace []string
	// Executable is a program whose main begins with [Main], usually "/proc/self/exe". Empty means there is none:
	// then leftovers of a kill stay until the next start.
	Executable string
	// Only restricts the choice to one backend by name.
	Only string
	// Unconfined allows Select to succeed without any usable backend, for sessions in danger-full-access.
	// Confined plans are then refused with ErrUnavailable when they come.
	Unconfined bool
	// Unsupervised turns exact denials off.
	Unsupervised bool
}

// Report says whether a backend works here.
type Report struct {
	Name   string `json:"name"`
	Usable bool   `json:"usable"`
	// Exact says that refused calls can be watched.
	Exact bool `json:"exact_denials"`
	// Reason and Advice are set when it is not usable.
	Reason string `json:"reason,omitempty"`
	Advice string `json:"advice,omitempty"`
	// Gaps are in what it guarantees less than a backend with namespaces, see sandbox.Gapped.
	Gaps []string `json:"gaps,omitempty"`
	// Version and Path are filled in by Probe only.
	Version string `json:"version,omitempty"`
	Path    string `json:"path,omitempty"`
}

// Fact is one thing that backends need of the machine.
type Fact struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}
