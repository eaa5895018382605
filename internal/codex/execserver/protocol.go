package execserver

import (
	"encoding/json"

	"proctor/internal/config"
)

// The parameters of the requests that are served, as far as they are read.

type initializeParams struct {
	ClientName      string  `json:"clientName"`
	ResumeSessionID *string `json:"resumeSessionId"`
}

type startParams struct {
	ProcessID string `json:"processId"`
	Metadata  struct {
		ThreadID   string `json:"threadId"`
		ToolCallID string `json:"toolCallId"`
	} `json:"metadata"`
	Argv           []string          `json:"argv"`
	Arg0           *string           `json:"arg0"`
	Cwd            string            `json:"cwd"`
	EnvPolicy      *envPolicy        `json:"envPolicy"`
	Env            map[string]string `json:"env"`
	TTY            bool              `json:"tty"`
	PipeStdin      bool              `json:"pipeStdin"`
	Sandbox        *intent           `json:"sandbox"`
	ManagedNetwork bool              `json:"enforceManagedNetwork"`
}

type envPolicy struct {
	Inherit               string            `json:"inherit"`
	IgnoreDefaultExcludes bool              `json:"ignoreDefaultExcludes"`
	Exclude               []string          `json:"exclude"`
	Set                   map[string]string `json:"set"`
	IncludeOnly           []string          `json:"includeOnly"`
}

// policy is p as the policy of environments; a missing one inherits everything.
func (p *envPolicy) policy() config.ShellEnvironmentPolicy {
	if p == nil {
		return config.ShellEnvironmentPolicy{Inherit: "all", IgnoreDefaultExcludes: true}
	}
	return config.ShellEnvironmentPolicy{
		Inherit: p.Inherit, IgnoreDefaultExcludes: p.IgnoreDefaultExcludes, Exclude: p.Exclude, Set: p.Set, IncludeOnly: p.IncludeOnly,
	}
}

type processParams struct {
	ProcessID string `json:"processId"`
}

type readParams struct {
	ProcessID string  `json:"processId"`
	AfterSeq  *uint64 `json:"afterSeq"`
	MaxBytes  *int    `json:"maxBytes"`
	WaitMs    *int64  `json:"waitMs"`
}

type writeParams struct {
	ProcessID string `json:"processId"`
	Chunk     []byte `json:"chunk"`
	WriteID   string `json:"writeId"`
}

type signalParams struct {
	ProcessID string `json:"processId"`
	Signal    string `json:"signal"`
}

type pathParams struct {
	Path    string  `json:"path"`
	Sandbox *intent `json:"sandbox"`
	// Recursive and Force are those of createDirectory and remove.
	Recursive bool `json:"recursive"`
	Force     bool `json:"force"`
	// Data is what writeFile writes.
	Data []byte `json:"dataBase64"`
}

type copyParams struct {
	Source      string  `json:"sourcePath"`
	Destination string  `json:"destinationPath"`
	Recursive   bool    `json:"recursive"`
	Sandbox     *intent `json:"sandbox"`
}

// The answers and notices.

type shellInfo struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// Environment describes the place where commands run, as the client is told.
type Environment struct {
	Shell                shellInfo      `json:"shell"`
	ExecutorVersion      string         `json:"executorVersion"`
	Cwd                  string         `json:"cwd"`
	UserHomeDir          string         `json:"userHomeDir,omitempty"`
	PlatformOs           string         `json:"platformOs"`
	PrependPathDirs      []string       `json:"prependPathDirs"`
	TemporaryDirectories []string       `json:"temporaryDirectories"`
	TempDir              string         `json:"tempDir,omitempty"`
	Capabilities         map[string]any `json:"capabilities"`
}

type initialized struct {
	SessionID   string      `json:"sessionId"`
	Environment Environment `json:"environmentInfo"`
}

type startedAnswer struct {
	ProcessID   string `json:"processId"`
	SandboxType string `json:"sandboxType"`
}

type outputNotice struct {
	ProcessID string `json:"processId,omitempty"`
	Seq       uint64 `json:"seq"`
	Stream    string `json:"stream"`
	Chunk     []byte `json:"chunk"`
}

type exitedNotice struct {
	ProcessID     string `json:"processId"`
	Seq           uint64 `json:"seq"`
	ExitCode      int    `json:"exitCode"`
	SandboxDenied bool   `json:"sandboxDenied"`
}

type closedNotice struct {
	ProcessID string `json:"processId"`
	Seq       uint64 `json:"seq"`
}

type readAnswer struct {
	Chunks        []outputNotice `json:"chunks"`
	NextSeq       uint64         `json:"nextSeq"`
	Exited        bool           `json:"exited"`
	ExitCode      *int           `json:"exitCode"`
	Closed        bool           `json:"closed"`
	Failure       *string        `json:"failure"`
	SandboxDenied bool           `json:"sandboxDenied"`
}

type runningAnswer struct {
	Running bool `json:"running"`
}

type statusAnswer struct {
	Status string `json:"status"`
}

type metadataAnswer struct {
	IsDirectory  bool  `json:"isDirectory"`
	IsFile       bool  `json:"isFile"`
	IsSymlink    bool  `json:"isSymlink"`
	Size         int64 `json:"size"`
	CreatedAtMs  int64 `json:"createdAtMs"`
	ModifiedAtMs int64 `json:"modifiedAtMs"`
}

type contentAnswer struct {
	Data []byte `json:"dataBase64"`
}

type pathAnswer struct {
	Path string `json:"path"`
}

type entriesAnswer struct {
	Entries []entryAnswer `json:"entries"`
}

type entryAnswer struct {
	FileName    string `json:"fileName"`
	IsDirectory bool   `json:"isDirectory"`
	IsFile      bool   `json:"isFile"`
}

// done is an answer without members.
var done = json.RawMessage("{}")
