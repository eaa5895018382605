package sandbox

import "runtime"

// Limits bound what one command may use. 0 means no limit of ours, but for Core.
type Limits struct {
	// Processes is the number of processes and threads of the command together.
	Processes int
	// Memory is what each process may have of private writable memory, in bytes. Sanitizers reserve far more than they use.
	Memory int64
	// Allocation is the smallest single request for private memory that is refused, in bytes. It takes effect from 1 GiB
	// on, and only where refused calls are watched.
	Allocation int64
	// Core is the size of a core file, in bytes: 0 means that none is written, -1 that it is not limited.
	Core int64
	// OpenFiles is the number of descriptors of each process.
	OpenFiles int
}

// DefaultLimits are those without a setting: room for a parallel build on all processors, no core files, and no single
// request of a gibibyte.
func DefaultLimits() Limits {
	return Limits{Processes: 128 + 64*runtime.NumCPU(), Allocation: 1 << 30, OpenFiles: 1 << 16}
}
