//go:build linux

package seccomp

import "golang.org/x/sys/unix"

// LargeMapping is the smallest request for memory that is looked at, in bytes. Heaps grow in far smaller steps.
const LargeMapping = 1 << 30

// memoryCalls keep programs from running out of a memory file, which no file view sees, and large requests for
// private memory within a limit. Reservations (no access, or without backing) are free: that is how runtimes and
// sanitizers lay out their heaps.
func memoryCalls() []Call {
	return []Call{
		{Name: "memfd_create", Class: Sealed, When: when(noBits(1, unix.MFD_NOEXEC_SEAL))},
		watch("execveat", "execute", fd(0)).only(bits(4, unix.AT_EMPTY_PATH)),
		{Name: "mmap", Class: Limited, Access: "allocate", Rule: RuleMemoryLimit, When: when(atLeast(1, LargeMapping),
			bits(2, unix.PROT_WRITE), masked(3, unix.MAP_TYPE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS))},
		{Name: "mremap", Class: Limited, Access: "allocate", Rule: RuleMemoryLimit, When: when(atLeast(2, LargeMapping))},
	}
}

func when(c ...Condition) []Condition { return c }
