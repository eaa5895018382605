package config

import "bytes"

// tooDeep finds the first bracket nested deeper than maxDepth outside of strings
// and comments, before the recursive decoder sees the text; -1 = none. It only
// has to be right for well-formed text: a wrong guess about a malformed one ends
// in one error or the other.
func tooDeep(data []byte) int {
	depth := 0
	for i := 0; i < len(data); {
		switch c := data[i]; c {
		case '#':
			i += lineEnd(data[i:])
		case '"', '\'':
			i += stringEnd(data[i:])
		case '[', '{':
			depth++
			if depth > maxDepth {
				return i
			}
			i++
		case ']', '}':
			depth = max(0, depth-1)
			i++
		default:
			i++
		}
	}
	return -1
}

func lineEnd(data []byte) int {
	if n := bytes.IndexByte(data, '\n'); n >= 0 {
		return n
	}
	return len(data)
}

// stringEnd is the length of the string literal that data begins with. An
// unterminated one-line string ends with its line.
func stringEnd(data []byte) int {
	quote := data[0]
	if len(data) >= 3 && data[1] == quote && data[2] == quote {
		return multilineEnd(data, quote)
	}
	for i := 1; i < len(data); i++ {
		switch {
		case data[i] == '\\' && quote == '"':
			i++
		case data[i] == quote:
			return i + 1
		case data[i] == '\n':
			return i
		}
	}
	return len(data)
}

func multilineEnd(data []byte, quote byte) int {
	for i := 3; i < len(data); i++ {
		if data[i] == '\\' && quote == '"' {
			i++
			continue
		}
		if data[i] != quote || i+2 >= len(data) || data[i+1] != quote || data[i+2] != quote {
			continue
		}
		end := i + 3
		for end < len(data) && end < i+5 && data[end] == quote { // up to two quotes may belong to the text
			end++
		}
		return end
	}
	return len(data)
}
