package apiwire

import (
	"math/big"
	"reflect"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
)

// This file asks SDK types about themselves. They can only be asked by letting
// them write to a ShapeSerializer or read from a ShapeDeserializer, so here are
// two that do neither: one notes the schema, the other plays a document with
// one member.

// schemaOf returns the schema of a struct type, nil when the SDK module ships
// none or the type is an empty Input or Output.
func schemaOf(t reflect.Type) *smithy.Schema {
	v, ok := reflect.New(t).Interface().(smithy.Serializable)
	if !ok {
		return nil
	}
	var n noter
	v.Serialize(&n)
	return n.schema
}

// noter remembers the schema of the first struct that is written to it.
type noter struct {
	schema *smithy.Schema
	done   bool
}

func (n *noter) WriteStruct(s *smithy.Schema) {
	if !n.done {
		n.schema, n.done = s, true
	}
}

func (*noter) Bytes() []byte                                { return nil }
func (*noter) WriteInt8(*smithy.Schema, int8)               {}
func (*noter) WriteInt16(*smithy.Schema, int16)             {}
func (*noter) WriteInt32(*smithy.Schema, int32)             {}
func (*noter) WriteInt64(*smithy.Schema, int64)             {}
func (*noter) WriteFloat32(*smithy.Schema, float32)         {}
func (*noter) WriteFloat64(*smithy.Schema, float64)         {}
func (*noter) WriteBool(*smithy.Schema, bool)               {}
func (*noter) WriteString(*smithy.Schema, string)           {}
func (*noter) WriteBigInt(*smithy.Schema, *big.Int)         {}
func (*noter) WriteBigFloat(*smithy.Schema, *big.Float)     {}
func (*noter) WriteBlob(*smithy.Schema, []byte)             {}
func (*noter) WriteTime(*smithy.Schema, time.Time)          {}
func (*noter) WriteUnion(_, _ *smithy.Schema)               {}
func (*noter) CloseUnion()                                  {}
func (*noter) WriteDocument(*smithy.Schema, document.Value) {}
func (*noter) WriteNil(*smithy.Schema)                      {}
func (*noter) CloseStruct()                                 {}
func (*noter) WriteList(*smithy.Schema)                     {}
func (*noter) CloseList()                                   {}
func (*noter) WriteMap(*smithy.Schema)                      {}
func (*noter) WriteKey(*smithy.Schema, string)              {}
func (*noter) CloseMap()                                    {}

// probe plays the smallest input that makes a struct fill one member: the
// member, holding (inside one list or map element, if it is one) one variant
// of a union or one document, and nothing else. What a variant holds is empty.
type probe struct {
	member  *smithy.Schema
	variant *smithy.Schema
	doc     document.Value

	inMember, inElement, inUnion bool
}

// fill lets a new value of an SDK struct type read p and returns its pointer. It
// returns false when the type cannot read, as Inputs cannot.
func (p *probe) fill(t reflect.Type) (reflect.Value, bool) {
	v := reflect.New(t)
	d, ok := v.Interface().(smithy.Deserializable)
	return v, ok && d.Deserialize(p) == nil
}

func (p *probe) ReadStruct(*smithy.Schema) error { return nil }

func (p *probe) ReadStructMember() (*smithy.Schema, error) {
	if p.inMember {
		return nil, nil
	}
	p.inMember = true
	return p.member, nil
}

func (p *probe) ReadUnion(*smithy.Schema) (*smithy.Schema, error) {
	if p.inUnion {
		return nil, nil
	}
	p.inUnion = true
	return p.variant, nil
}

func (p *probe) ReadDocument(_ *smithy.Schema, v *document.Value) error {
	*v = p.doc
	return nil
}

func (p *probe) ReadList(*smithy.Schema) error             { return nil }
func (p *probe) ReadListItem(*smithy.Schema) (bool, error) { return p.element(), nil }
func (p *probe) ReadMap(*smithy.Schema) error              { return nil }
func (p *probe) ReadMapKey(*smithy.Schema) (string, bool, error) {
	return "", p.element(), nil
}

// element plays one element, outside of the union only.
func (p *probe) element() bool {
	first := !p.inElement && !p.inUnion
	p.inElement = true
	return first
}

func (*probe) ReadInt8(*smithy.Schema, *int8) error          { return nil }
func (*probe) ReadInt16(*smithy.Schema, *int16) error        { return nil }
func (*probe) ReadInt32(*smithy.Schema, *int32) error        { return nil }
func (*probe) ReadInt64(*smithy.Schema, *int64) error        { return nil }
func (*probe) ReadFloat32(*smithy.Schema, *float32) error    { return nil }
func (*probe) ReadFloat64(*smithy.Schema, *float64) error    { return nil }
func (*probe) ReadBool(*smithy.Schema, *bool) error          { return nil }
func (*probe) ReadString(*smithy.Schema, *string) error      { return nil }
func (*probe) ReadBlob(*smithy.Schema, *[]byte) error        { return nil }
func (*probe) ReadTime(*smithy.Schema, *time.Time) error     { return nil }
func (*probe) ReadBigInt(*smithy.Schema, *big.Int) error     { return nil }
func (*probe) ReadBigFloat(*smithy.Schema, *big.Float) error { return nil }
func (*probe) ReadNil(*smithy.Schema) (bool, error)          { return false, nil }
