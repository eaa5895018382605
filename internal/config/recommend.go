package config

// Recommended is what the document recommends when work begins in a folder: Auto
// where changes can be undone, reading elsewhere. It is advice for a person; a run
// takes what is written, and without that stays read-only until the folder is trusted.
func Recommended(versionControlled bool) (SandboxMode, ApprovalMode) {
	if versionControlled {
		return WorkspaceWrite, ApprovalOnRequest
	}
	return ReadOnly, ApprovalOnRequest
}
