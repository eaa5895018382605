package execrules

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// The step limit of the interpreter does not bound one step: "a" * (1 << 30), list(range(1 << 40)) or a comparison of values that
// share structure cost gigabytes or hours each. So every operator and call of a rules file goes through a meter.
const (
	maxValue   = 256 << 10 // bytes of one value with everything below it, counted as often as it is reachable
	maxProduct = 16 << 20  // bytes that formatting, replacing or joining may make for a moment
	maxWork    = 64 << 20  // bytes of all operands and results of one file
	itemSize   = 16        // bytes counted for each element
)

// meter counts the work of one file.
type meter struct{ work int }

// guard rewrites the file so that operators, calls, slices, keys and tuples are metered, and adds the functions that do
// it to predeclared. Their names cannot be written in Starlark.
func guard(f *syntax.File, predeclared starlark.StringDict) error {
	m := &meter{}
	predeclared[nameCall] = starlark.NewBuiltin(nameCall, m.call)
	predeclared[nameCharge] = starlark.NewBuiltin(nameCharge, m.chargeOne)
	for op := range syntax.STARSTAR {
		token := op
		predeclared[operatorName(token)] = starlark.NewBuiltin(operatorName(token), func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return m.operate(token, args[0], args[1])
		})
	}
	for _, op := range []syntax.Token{syntax.IN, syntax.NOT_IN} {
		predeclared[operatorName(op)] = starlark.NewBuiltin(operatorName(op), func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return m.operate(op, args[0], args[1])
		})
	}
	statements(f.Stmts)
	return nil
}

const (
	nameCall   = "$call"
	nameCharge = "$charge"
)

func operatorName(op syntax.Token) string { return "$" + op.String() }

// charge adds the weight of values to the work done.
func (m *meter) charge(values ...starlark.Value) error {
	for _, v := range values {
		w := weight(v, maxValue)
		if w > maxValue {
			return fmt.Errorf("value of type %s is too large: at most %d bytes with everything in it", v.Type(), maxValue)
		}
		if m.work += w; m.work > maxWork {
			return fmt.Errorf("rules file does too much work: write the rules out instead of computing them")
		}
	}
	return nil
}

// weight counts v with everything below it, as often as it is reachable; it stops when limit is passed.
func weight(v starlark.Value, limit int) int {
	switch v := v.(type) {
	case starlark.String:
		return itemSize + len(v)
	case starlark.Bytes:
		return itemSize + len(v)
	case starlark.Int:
		return itemSize + v.BigInt().BitLen()/8
	case *starlark.List:
		return elements(v, limit)
	case starlark.Tuple:
		return elements(v, limit)
	case *starlark.Dict:
		total := itemSize
		for key, value := range v.Entries() {
			total += weight(key, limit-total)
			if total <= limit {
				total += weight(value, limit-total)
			}
			if total > limit {
				break
			}
		}
		return total
	case starlark.Sequence: // sets, ranges, views of strings: elements are small
		if v.Len() > limit/itemSize {
			return limit + 1
		}
		return itemSize * (1 + v.Len())
	}
	return itemSize
}

func elements(list starlark.Indexable, limit int) int {
	total := itemSize
	for i := 0; i < list.Len() && total <= limit; i++ {
		total += weight(list.Index(i), limit-total)
	}
	return total
}

func (m *meter) chargeOne(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return args[0], m.charge(args[0])
}

func (m *meter) operate(op syntax.Token, x, y starlark.Value) (starlark.Value, error) {
	if err := m.charge(x, y); err != nil {
		return nil, err
	}
	switch op {
	case syntax.EQL, syntax.NEQ, syntax.LT, syntax.LE, syntax.GT, syntax.GE:
		ok, err := starlark.Compare(op, x, y)
		return starlark.Bool(ok), err
	case syntax.STAR:
		if err := repeats(x, y); err != nil {
			return nil, err
		}
	case syntax.PERCENT:
		if weight(x, maxValue)*weight(y, maxValue) > maxProduct {
			return nil, errProduct
		}
	}
	v, err := starlark.Binary(op, x, y)
	if err != nil {
		return nil, err
	}
	return v, m.charge(v)
}

var errProduct = fmt.Errorf("operation could make more than %d bytes", maxProduct)

// repeats refuses sequence * number when the result would be too large.
func repeats(x, y starlark.Value) error {
	if n, ok := x.(starlark.Int); ok {
		x, y = y, n
	}
	n, ok := y.(starlark.Int)
	if _, number := x.(starlark.Int); !ok || number {
		return nil
	}
	if count, ok := n.Int64(); !ok || count > maxValue || count > 0 && weight(x, maxValue)*int(count) > maxProduct {
		return errProduct
	}
	return nil
}

// call runs args[0] with the rest. Values and receiver are metered before and after.
func (m *meter) call(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	fn, rest := args[0], args[1:]
	if err := m.charge(rest...); err != nil {
		return nil, err
	}
	given := weight(rest, maxValue)
	for _, kw := range kwargs {
		if err := m.charge(kw[1]); err != nil {
			return nil, err
		}
		given += weight(kw[1], maxValue)
	}
	var receiver starlark.Value = starlark.None
	if b, ok := fn.(*starlark.Builtin); ok && b.Receiver() != nil {
		receiver = b.Receiver()
		if _, text := receiver.(starlark.String); text && given*weight(receiver, maxValue) > maxProduct {
			return nil, errProduct
		}
	}
	if err := m.charge(receiver); err != nil {
		return nil, err
	}
	v, err := starlark.Call(t, fn, rest, kwargs)
	if err != nil {
		return nil, err
	}
	return v, m.charge(v, receiver)
}
