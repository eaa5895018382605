package app

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"proctor/executor"
	"proctor/internal/cli"
)

// readPrompt applies the rules of codex exec: the argument is the prompt; "-" or no
// argument reads standard input; an argument with piped input gets it appended as
// a <stdin> block.
func readPrompt(env cli.Env, arg string, given bool) (string, error) {
	fromStdin := !given || arg == "-"
	if fromStdin && env.StdinTerminal {
		return "", cli.Fail(cli.Failure, errors.New("no prompt: give one as an argument, or pipe it in and use '-'"))
	}
	if !fromStdin && (env.StdinTerminal || env.Stdin == nil) {
		return arg, nil
	}
	text, err := readAll(env.Stdin)
	if err != nil {
		return "", cli.Fail(cli.Failure, fmt.Errorf("read the prompt from standard input: %w", err))
	}
	switch {
	case fromStdin && strings.TrimSpace(text) == "":
		return "", cli.Fail(cli.Failure, errors.New("no prompt provided via stdin"))
	case fromStdin:
		return text, nil
	case strings.TrimSpace(text) == "":
		return arg, nil
	}
	return arg + executor.PipedInput + text + "\n</stdin>", nil
}

func readAll(r io.Reader) (string, error) {
	if r == nil {
		return "", nil
	}
	b, err := io.ReadAll(io.LimitReader(r, executor.MaxPrompt+1))
	switch {
	case err != nil:
		return "", err
	case len(b) > executor.MaxPrompt:
		return "", fmt.Errorf("%w: more than %d bytes; put the text into a file and name the file in the prompt", executor.ErrPromptTooLarge, executor.MaxPrompt)
	case !utf8.Valid(b):
		return "", errors.New("the text is not UTF-8; convert it first, for example with iconv")
	}
	return string(b), nil
}
