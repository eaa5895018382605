package canonical

import (
	"io/fs"
	"time"
)

// Info is what stands at a canonical path.
type Info struct {
	Name     string
	Type     fs.FileMode // type bits only; 0 is a regular file
	Size     int64       // bytes
	Modified time.Time
}
