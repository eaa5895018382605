// Package permissions is the tool request_permissions, and the reading of the permissions that a command may ask for.
//
// The tool grants nothing: what is approved counts because its approval is recorded (executor/approval folds it), for the
// turn or for the session, as the answer says. Its output names what was granted and for how long, in the form of Codex.
//
// Paths are made absolute below the working directory and free of symbolic links; they must exist. At most [MaxPaths] of each kind.
package permissions
