package pattern

// condition is what is demanded of an event that has parts.
type condition interface {
	holds(e values) bool
}

// values are the parts of one event: those that a selector means. A JSON null
// is a nil, text that is not of JSON a field.
type values interface {
	find(s selector) []any
}

// selector names a part of an event: its text, and for JSON the way there.
type selector struct {
	text  string // "$.a[0]", or the name of a field
	steps []step
}

// step is a member by name, an element by index, or any of either.
type step struct {
	name  string
	index int // of an element when name is empty
	any   bool
}

type allOf []condition

func (a allOf) holds(e values) bool {
	for _, c := range a {
		if !c.holds(e) {
			return false
		}
	}
	return true
}

type anyOf []condition

func (a anyOf) holds(e values) bool {
	for _, c := range a {
		if c.holds(e) {
			return true
		}
	}
	return false
}

// is demands something of one value; of several, any will do.
type is struct {
	of   selector
	test func(v any) bool
}

func (i is) holds(e values) bool {
	for _, v := range e.find(i.of) {
		if i.test(v) {
			return true
		}
	}
	return false
}

// missing demands that there is no such part.
type missing struct{ of selector }

func (m missing) holds(e values) bool { return len(e.find(m.of)) == 0 }

// conditions parses conditions with && and ||, the former binding closer;
// operand parses one of them.
func (p *parser) conditions(operand func() (condition, error)) (condition, error) {
	var alternatives anyOf
	for {
		var together allOf
		for {
			c, err := p.operand(operand)
			if err != nil {
				return nil, err
			}
			together = append(together, c)
			if p.accept("&&") == "" {
				break
			}
		}
		alternatives = append(alternatives, together)
		if p.accept("||") == "" {
			return alternatives, nil
		}
	}
}

// operand parses one condition, or several in parentheses.
func (p *parser) operand(one func() (condition, error)) (condition, error) {
	if p.accept("(") == "" {
		return one()
	}
	c, err := p.conditions(one)
	if err == nil && p.accept(")") == "" {
		err = wrong("Invalid filter pattern: a parenthesis is not closed.")
	}
	return c, err
}
