package tool

// Object is a nested object, or nil when it was not given; problems inside are noted in it, see Merge.
func (a *Arguments) Object(field string) *Arguments {
	if !a.Has(field) {
		return nil
	}
	fields, err := object(a.fields[field])
	if err != nil {
		a.Fail(field, "%s; expected an object", err)
		return nil
	}
	return &Arguments{tool: a.tool, prefix: a.prefix + field + ".", fields: fields}
}

// Only notes fields other than the ones named: for objects in which an unknown word must not pass for nothing.
func (a *Arguments) Only(names ...string) {
	for name := range a.fields {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			a.Fail(clip(name, 100), "unknown field")
		}
	}
}
