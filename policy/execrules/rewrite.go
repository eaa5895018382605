package execrules

import "go.starlark.net/syntax"

// statements replaces the expressions of statements by metered ones, in place.
func statements(list []syntax.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *syntax.AssignStmt:
			assignment(s)
		case *syntax.DefStmt:
			parameters(s.Params)
			statements(s.Body)
		case *syntax.ExprStmt:
			s.X = metered(s.X)
		case *syntax.IfStmt:
			s.Cond = metered(s.Cond)
			statements(s.True)
			statements(s.False)
		case *syntax.ForStmt:
			s.X = metered(s.X)
			statements(s.Body)
		case *syntax.WhileStmt:
			s.Cond = metered(s.Cond)
			statements(s.Body)
		case *syntax.ReturnStmt:
			if s.Result != nil {
				s.Result = metered(s.Result)
			}
		}
	}
}

// assignment turns x op= y into x = x op y, so that no operator escapes the meter; a list is then copied and not grown in
// place.
func assignment(s *syntax.AssignStmt) {
	s.RHS = metered(s.RHS)
	target(s.LHS)
	if s.Op == syntax.EQ {
		return
	}
	op := s.Op - syntax.PLUS_EQ + syntax.PLUS
	s.RHS = internal(operatorName(op), s.OpPos, s.LHS, s.RHS)
	s.Op = syntax.EQ
}

// target meters what is computed inside the left side of an assignment.
func target(e syntax.Expr) {
	switch e := e.(type) {
	case *syntax.IndexExpr:
		e.X, e.Y = metered(e.X), charged(e.Y)
	case *syntax.DotExpr:
		e.X = metered(e.X)
	case *syntax.ParenExpr:
		target(e.X)
	case *syntax.TupleExpr:
		for _, x := range e.List {
			target(x)
		}
	case *syntax.ListExpr:
		for _, x := range e.List {
			target(x)
		}
	}
}

// parameters meters default values.
func parameters(list []syntax.Expr) {
	for _, p := range list {
		if b, ok := p.(*syntax.BinaryExpr); ok {
			b.Y = metered(b.Y)
		}
	}
}

// metered returns the expression that is evaluated instead of e.
func metered(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case *syntax.BinaryExpr:
		e.X, e.Y = metered(e.X), metered(e.Y)
		if e.Op == syntax.AND || e.Op == syntax.OR {
			return e
		}
		return internal(operatorName(e.Op), e.OpPos, e.X, e.Y)
	case *syntax.CallExpr:
		return callOf(e)
	case *syntax.Comprehension:
		e.Body = metered(e.Body)
		for _, c := range e.Clauses {
			switch c := c.(type) {
			case *syntax.ForClause:
				c.X = metered(c.X)
			case *syntax.IfClause:
				c.Cond = metered(c.Cond)
			}
		}
	case *syntax.CondExpr:
		e.Cond, e.True, e.False = metered(e.Cond), metered(e.True), metered(e.False)
	case *syntax.DictEntry:
		e.Key, e.Value = charged(e.Key), metered(e.Value)
	case *syntax.DictExpr:
		for _, entry := range e.List {
			metered(entry)
		}
	case *syntax.DotExpr:
		e.X = metered(e.X)
	case *syntax.IndexExpr:
		e.X, e.Y = metered(e.X), charged(e.Y)
	case *syntax.LambdaExpr:
		parameters(e.Params)
		e.Body = metered(e.Body)
	case *syntax.ListExpr:
		each(e.List)
	case *syntax.ParenExpr:
		e.X = metered(e.X)
	case *syntax.SliceExpr:
		e.X = charged(e.X)
		for _, bound := range []*syntax.Expr{&e.Lo, &e.Hi, &e.Step} {
			if *bound != nil {
				*bound = metered(*bound)
			}
		}
	case *syntax.TupleExpr:
		each(e.List)
		start, _ := e.Span()
		return internal(nameCharge, start, &syntax.ParenExpr{Lparen: start, X: e, Rparen: start})
	case *syntax.UnaryExpr:
		if e.X != nil {
			e.X = metered(e.X)
		}
	}
	return e
}

func each(list []syntax.Expr) {
	for i := range list {
		list[i] = metered(list[i])
	}
}

func charged(e syntax.Expr) syntax.Expr {
	start, _ := e.Span()
	return internal(nameCharge, start, metered(e))
}

// callOf turns f(args) into a metered call; names of keyword arguments stay, unpacked sequences are charged first.
func callOf(e *syntax.CallExpr) syntax.Expr {
	args := []syntax.Expr{metered(e.Fn)}
	for _, a := range e.Args {
		switch x := a.(type) {
		case *syntax.BinaryExpr:
			if x.Op == syntax.EQ {
				x.Y = metered(x.Y)
				args = append(args, x)
				continue
			}
		case *syntax.UnaryExpr:
			if (x.Op == syntax.STAR || x.Op == syntax.STARSTAR) && x.X != nil {
				x.X = charged(x.X)
				args = append(args, x)
				continue
			}
		}
		args = append(args, metered(a))
	}
	return internal(nameCall, e.Lparen, args...)
}

func internal(name string, at syntax.Position, args ...syntax.Expr) *syntax.CallExpr {
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: at, Name: name}, Lparen: at, Args: args, Rparen: at}
}
