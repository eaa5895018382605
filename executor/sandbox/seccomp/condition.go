//go:build linux

package seccomp

import (
	"golang.org/x/net/bpf"
)

// Op is how a Condition compares. Filters see registers, 64 bits wide, while the kernel takes 32 for int arguments: a row
// that refuses must use a comparison that bits above those cannot slip past.
type Op int

// The comparisons.
const (
	// Equal and NotEqual compare all 64 bits.
	Equal Op = iota + 1
	NotEqual
	// AnyBit and NoBit look at the low 32 bits.
	AnyBit
	NoBit
	// Masked: the low 32 bits under Mask are Value.
	Masked
	// AtLeast compares all 64 bits, unsigned.
	AtLeast
)

// Condition is a test of one argument.
type Condition struct {
	Arg   int
	Op    Op
	Value uint64
	Mask  uint32
}

// Holds evaluates c as the assembled filter does.
func (c Condition) Holds(args [6]uint64) bool {
	a := args[c.Arg]
	switch c.Op {
	case Equal:
		return a == c.Value
	case NotEqual:
		return a != c.Value
	case AnyBit:
		return uint32(a)&uint32(c.Value) != 0
	case NoBit:
		return uint32(a)&uint32(c.Value) == 0
	case Masked:
		return uint32(a)&c.Mask == uint32(c.Value)
	case AtLeast:
		return a >= c.Value
	default:
		return true // as in the filter: a comparison that nobody wrote must not let a call through
	}
}

// Match reports whether the row is for a call with these arguments.
func (c Call) Match(args [6]uint64) bool {
	for _, w := range c.When {
		if !w.Holds(args) {
			return false
		}
	}
	return true
}

// instructions fall through when c holds, else they skip that many instructions after themselves.
func (c Condition) instructions(skip uint8) []bpf.Instruction {
	low, high := uint32(argsOffset+8*c.Arg), uint32(argsOffset+8*c.Arg+4)
	if bigEndian() {
		low, high = high, low
	}
	lo, hi := uint32(c.Value), uint32(c.Value>>32)
	load := func(off uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: off, Size: 4} }
	switch c.Op {
	case Equal:
		return []bpf.Instruction{load(high), bpf.JumpIf{Cond: bpf.JumpEqual, Val: hi, SkipFalse: skip + 2},
			load(low), bpf.JumpIf{Cond: bpf.JumpEqual, Val: lo, SkipFalse: skip}}
	case NotEqual:
		return []bpf.Instruction{load(high), bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: hi, SkipTrue: 2},
			load(low), bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: lo, SkipFalse: skip}}
	case AnyBit:
		return []bpf.Instruction{load(low), bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: lo, SkipFalse: skip}}
	case NoBit:
		return []bpf.Instruction{load(low), bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: lo, SkipFalse: skip}}
	case Masked:
		return []bpf.Instruction{load(low), bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: c.Mask},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: lo, SkipFalse: skip}}
	case AtLeast:
		return []bpf.Instruction{load(high), bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: hi, SkipTrue: 3},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: hi, SkipFalse: skip + 2},
			load(low), bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: lo, SkipFalse: skip}}
	default:
		return nil
	}
}
