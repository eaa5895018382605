package sandbox

// The kinds of a Change.
const (
	ChangeAdd    = "add"
	ChangeUpdate = "update"
	ChangeDelete = "delete"
)

// Change is what a command finally did to one file, seen by the calls that were allowed.
type Change struct {
	Path, MoveTo, Kind string
	Before             string // hex SHA-256 of what was there, empty for a new file and for one of many, or a large one
	After              string // hex SHA-256, empty for a deleted file or when Unhashed
	Bytes              int64
	// Unhashed: the file is too large, there are too many, or it is no regular file.
	Unhashed bool
}
