// Package patch is the apply_patch tool: it reads the patch format that models are
// trained on, computes the new contents, and writes them.
//
// [Parse] reads the text, [Update.Apply] computes new from old content; both are pure.
// [Tool.Propose] does both against the files as they are, so that a patch which does
// not fit is refused before anybody is asked. The proposal's action lists every path
// it will touch, absolute and free of symbolic links. Run reads the files again,
// asks the plan of its grant about each path (filesystem.Plan.CheckWrite), stages
// all new contents beside their places, and only then replaces one file after the
// other. When a replacement fails half way, the result lists what was changed already.
//
// Where the reader is lenient: a patch wrapped in a heredoc, blanks around the first and last
// line, a missing @@ before the first change, several @@ lines in a row (each one
// narrows the search), lines that match only without their trailing blanks, without
// any outer blanks, or with typographic quotes, dashes and spaces made plain. Lines of
// context keep the file's own bytes, and added lines take the line ending of their neighbour.
// It differs from Codex in that lines below an @@ header without any old line are inserted after
// that header, not at the end of the file, and in that symbolic links are not written through to
// a place outside the plan: the path that counts is where the link leads.
//
// Bounds: a patch [tool.MaxArguments], [MaxFiles] files, [MaxFile] bytes each, a fixed number of line
// comparisons. Files must be regular and UTF-8. Extended attributes and set-user-ID bits do not survive.
//
// Proposals of one [Tool] run one after the other; other writers are not excluded, the last one wins.
package patch
