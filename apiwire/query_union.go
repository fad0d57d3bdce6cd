package apiwire

import (
	"reflect"
	"strings"
)

// This file carries unions in the query protocols: a structure with one
// member, which is named after the variant. The SDK's variants are structs
// named for union and variant, as in PolicyIdentifierMemberPolicyArn. Writing
// needs no more than the name; reading needs [Service.WithUnions].

// prepare makes the service's union members known. Structs are not compiled
// before they are needed.
func (p awsQuery) prepare(s *Service, _ *operation) { p.plans.register(s.variants) }
func (p ec2Query) prepare(s *Service, _ *operation) { p.plans.register(s.variants) }

func (p *queryPlans) register(members []any) {
	for _, m := range members {
		t := reflect.TypeOf(m).Elem()
		p.variants.Store(t.Name(), t)
	}
}

func (p *queryPlans) readUnion(union reflect.Type) queryReader {
	return func(n *formNode, v reflect.Value) error {
		if n.given || len(n.children) != 1 {
			return malformedInput("The parameter " + n.path() + " must have exactly one member.")
		}
		var name string
		for name = range n.children {
		}
		found, ok := p.variants.Load(union.Name() + "Member" + name)
		if !ok || !reflect.PointerTo(found.(reflect.Type)).Implements(union) {
			return malformedInput("The parameter " + n.path() + " has no member " + name + ".")
		}
		t := found.(reflect.Type)
		plan, err := p.of(t)
		if err != nil {
			return err
		}
		member := reflect.New(t)
		value := &plan.fields[0]
		if err := value.read(n.child(name), member.Elem().Field(value.index)); err != nil {
			return err
		}
		v.Set(member)
		return nil
	}
}

// writeUnion writes nothing for a variant that the SDK did not know itself.
func (p *queryPlans) writeUnion(union reflect.Type) queryWriter {
	return func(x *xmlWriter, name string, v reflect.Value) {
		if v.IsNil() || v.Elem().Kind() != reflect.Pointer {
			return
		}
		member := v.Elem().Elem()
		variant, ok := strings.CutPrefix(member.Type().Name(), union.Name()+"Member")
		plan, err := p.of(member.Type())
		if !ok || err != nil {
			return
		}
		value := &plan.fields[0]
		x.open(name)
		value.write(x, variant, member.Field(value.index))
		x.close(name)
	}
}
