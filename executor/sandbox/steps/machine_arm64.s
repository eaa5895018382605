//go:build linux

#include "textflag.h"

// The machine. R19 is the current step; the layout is that of encode in program.go. It is never called: its bytes are
// copied into an executable, so it must not depend on where it lies.
TEXT ·machine(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $0x500000, R20 // the report of the last step
	MOVD $0x500010, R19 // the first step
next:
	MOVD 0(R19), R8
	MOVD 8(R19), R0
	MOVD 16(R19), R1
	MOVD 24(R19), R2
	MOVD 32(R19), R3
	MOVD 40(R19), R4
	MOVD 48(R19), R5
	SVC
	MOVD R0, 0(R20)
	MOVD R19, 8(R20)
	MOVD 56(R19), R9
	MOVD R0, (R9)
	MOVD 64(R19), R9
	CMP  R9, R0
	BEQ  done
	MOVD 72(R19), R9
	CMP  R9, R0
	BEQ  done
	CMP  $0, R0
	BGT  positive
	MOVD 96(R19), R19
	B    next
positive:
	MOVD 88(R19), R19
	B    next
done:
	MOVD 80(R19), R19
	B    next
	WORD $0x70657473 // end, see code
	WORD $0x646e6520

TEXT ·location(SB), NOSPLIT|NOFRAME, $0-8
	MOVD $·machine(SB), R0
	MOVD R0, ret+0(FP)
	RET
