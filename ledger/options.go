package ledger

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options of a ledger. The zero value works.
type Options struct {
	// FS is where the ledger lies; nil is the file system of the machine. For tests.
	FS vfs.FS
	// Logger gets what operators should know; nil discards it.
	Logger *slog.Logger
	// Now is the clock for receive times; nil is time.Now. Order never depends on it.
	Now func() time.Time
	// CheckpointEvery is how many entries may stand above the newest checkpoint before
	// the next one is signed; 0 is 4096.
	CheckpointEvery uint64
	// CheckpointInterval is how long an entry may stand above the newest checkpoint; 0 is 30 s,
	// negative turns the timer off.
	CheckpointInterval time.Duration
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.CheckpointEvery == 0 {
		o.CheckpointEvery = 4096
	}
	if o.CheckpointInterval == 0 {
		o.CheckpointInterval = 30 * time.Second
	}
	return o
}

// Bounds of the queue and of a commit.
const (
	// MaxBatchEvents and MaxBatchBytes bound one submission.
	MaxBatchEvents = 4096
	MaxBatchBytes  = 32 << 20
	// maxQueueBytes bounds what waits for the committer; one larger submission may wait alone.
	maxQueueBytes = 8 << 20
	// maxGroupBytes ends a group: below half a memtable, so that Pebble does not treat it as a large batch.
	maxGroupBytes = 1 << 20
	maxGroupOps   = 1024
	// maxInFlight is how many groups may wait for their sync while the next one is built.
	maxInFlight = 2
)
