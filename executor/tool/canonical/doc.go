// Package canonical resolves paths once and then reaches files without following
// any symbolic link.
//
// The executor is not confined, and what it writes to may be changed at any moment
// by a confined process: a directory that was checked can become a link to /etc
// before it is opened. So a path is resolved while a call is proposed ([Parent],
// [Target]); the result has no links in it, and policy judges exactly that path.
// Later [ReadFile], [Stat], [ReadDir], [Stage] and [Remove] walk it name by name with O_NOFOLLOW: when any
// name on the way is a link by then, they fail with [ErrMoved] and touch nothing.
//
// Writing goes to a temporary file in the same directory, which takes the place of
// the old one by rename: other processes see the old or the new content, and a
// hard link elsewhere keeps the old content.
//
// It does not decide what may be touched, and does not protect against a process with the rights of the
// executor that is not confined.
package canonical
