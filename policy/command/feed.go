package command

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// piped judges LEFT | RIGHT where right is an interpreter that reads its script from standard input: text that is written out is
// judged as a script, text that comes from a download or a decoder is not seen by anybody before it runs.
func (i *inspector) piped(pipe *syntax.BinaryCmd, depth int) {
	right := firstCall(pipe.Y)
	if !readsScript(right) {
		return
	}
	if i.hidesText(pipe.X) {
		i.found(FindingUnseenScript)
	}
	left := pipe.X
	if b, ok := left.Cmd.(*syntax.BinaryCmd); ok && b.Op == syntax.Pipe {
		left = b.Y
	}
	if cmd := firstCall(left); len(cmd) > 1 && (cmd[0].value == "echo" || cmd[0].value == "printf") {
		i.carried(cmd[1:], depth)
	}
	for _, text := range hereTexts(left) {
		i.script(text, depth+1, false)
	}
}

// redirected judges here-documents of shells, and devices that output goes to.
func (i *inspector) redirected(s *syntax.Stmt, depth int) {
	for _, r := range s.Redirs {
		if r.Word == nil || r.Op == syntax.RdrIn || r.Hdoc != nil {
			continue
		}
		if v, _ := readWord(r.Word); rawDevice(v) {
			i.found(FindingDestroysDevice)
		}
	}
	if len(s.Redirs) > 0 && readsScript(firstCall(s)) {
		for _, text := range hereTexts(s) {
			i.script(text, depth+1, false)
		}
	}
}

// substituted judges interpreters whose script is the output of a download or a decoder: sh -c "$(curl x)", . <(curl x).
func (i *inspector) substituted(cmd []word, c *syntax.CallExpr) {
	if len(cmd) == 0 || !evaluators.has(base(cmd[0].value)) && !interpreters.has(base(cmd[0].value)) {
		return
	}
	for _, arg := range c.Args[1:] {
		syntax.Walk(arg, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.CmdSubst:
				i.unseen(n.Stmts)
			case *syntax.ProcSubst:
				i.unseen(n.Stmts)
			}
			return true
		})
	}
}

func (i *inspector) unseen(stmts []*syntax.Stmt) {
	if slices.ContainsFunc(stmts, func(s *syntax.Stmt) bool { return i.hidesText(s) }) {
		i.found(FindingUnseenScript)
	}
}

// hidesText: a download or a decoder is among the commands.
func (i *inspector) hidesText(root syntax.Node) bool {
	found := false
	syntax.Walk(root, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok {
			cmd := readCall(c)
			for n := range cmd {
				name := base(cmd[n].value)
				found = found || n < 4 && (downloads.has(name) || decodes(name, cmd[n+1:]))
			}
		}
		return !found && i.revisit()
	})
	return found
}

func decodes(name string, args []word) bool {
	switch name {
	case "base64", "base32", "basenc":
		return slices.ContainsFunc(args, func(w word) bool { return shortOption(w.value, "dD") || strings.HasPrefix(w.value, "--d") })
	case "xxd":
		return slices.ContainsFunc(args, func(w word) bool { return shortOption(w.value, "r") })
	case "openssl", "gpg", "uudecode", "rev":
		return true
	}
	return false
}

// readsScript: the command, or one it wraps, is an interpreter without a script of its own.
func readsScript(cmd []word) bool { return readsScriptBelow(cmd, maxDepth) }

func readsScriptBelow(cmd []word, depth int) bool {
	if len(cmd) == 0 || depth == 0 {
		return false
	}
	name := base(cmd[0].value)
	if interpreters.has(name) {
		return scriptless(name, cmd[1:])
	}
	w, ok := wrappers[name]
	return ok && slices.ContainsFunc(w.starts(cmd[1:]), func(n int) bool { return readsScriptBelow(cmd[1+n:], depth-1) })
}

// scriptless: no argument of an interpreter is a script, or the file of one.
func scriptless(name string, args []word) bool {
	inline := "erpE"
	switch {
	case shells.has(name):
		inline = "c"
	case strings.HasPrefix(name, "python"):
		inline = "cm"
	}
	for n := 0; n < len(args); n++ {
		v := args[n].value
		switch {
		case v == "-s":
			return true
		case shortOption(v, inline):
			return false
		case shells.has(name) && (shortOption(v, "o") || strings.HasPrefix(v, "+o")):
			n++ // the name of a shell option
		case v == "-", strings.HasPrefix(v, "/dev/"), strings.HasPrefix(v, "/proc/"):
		case v == "" || v[0] != '-' && v[0] != '+':
			return false
		}
	}
	return true
}

// firstCall is the simple command of a statement; of a pipe, its first.
func firstCall(s *syntax.Stmt) []word {
	for s != nil {
		switch c := s.Cmd.(type) {
		case *syntax.CallExpr:
			return readCall(c)
		case *syntax.BinaryCmd:
			s = c.X
		case *syntax.TimeClause:
			s = c.Stmt
		default:
			return nil
		}
	}
	return nil
}

// hereTexts are the here-documents and here-strings of a statement.
func hereTexts(s *syntax.Stmt) []word {
	var out []word
	for _, r := range s.Redirs {
		switch {
		case r.Hdoc != nil:
			out = append(out, hereDocument(r))
		case r.Op == syntax.WordHdoc && r.Word != nil:
			value, kind := readWord(r.Word)
			out = append(out, word{value: value, literal: kind == wordPlain})
		}
	}
	return out
}

// hereDocument reads the body: nothing is changed when the delimiter is quoted, else backslashes count as in double quotes.
func hereDocument(r *syntax.Redirect) word {
	_, quoted := r.Word.Parts[0].(*syntax.Lit)
	quoted = !quoted || len(r.Word.Parts) > 1 || strings.Contains(r.Word.Lit(), `\`)
	w := word{literal: true}
	var b strings.Builder
	for _, part := range r.Hdoc.Parts {
		lit, ok := part.(*syntax.Lit)
		switch {
		case !ok:
			w.literal = false
			b.WriteByte(0)
		case quoted:
			b.WriteString(lit.Value)
		default:
			text, _ := unescapeDouble(lit.Value)
			b.WriteString(text)
		}
	}
	w.value = b.String()
	return w
}

var (
	downloads    = words("curl", "wget", "wget2", "fetch", "aria2c", "axel", "http", "https", "xh", "lwp-download", "nc", "ncat", "netcat", "socat", "ftp")
	evaluators   = words("eval", "source", ".")
	interpreters = words("bash", "zsh", "sh", "dash", "ash", "ksh", "mksh", "rbash", "fish", "csh", "tcsh", "yash", "python", "python2", "python3",
		"perl", "ruby", "node", "php")
)
