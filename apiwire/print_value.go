package apiwire

import (
	"reflect"
	"strconv"
	"strings"
)

// This file prints wrong values as AWS says them back.

// maxPrinted bounds how much of a wrong value is said back, in bytes.
const maxPrinted = 1024

// printValue writes a value as Java prints it: [a, b], {k=v}.
func printValue(v reflect.Value) string {
	var b strings.Builder
	printTo(&b, v)
	if b.Len() <= maxPrinted {
		return b.String()
	}
	return strings.ToValidUTF8(b.String()[:maxPrinted], "") + "…"
}

func printTo(b *strings.Builder, v reflect.Value) {
	if b.Len() > maxPrinted {
		return
	}
	switch v.Kind() {
	case reflect.String:
		b.WriteString(v.String())
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int32, reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Float32, reflect.Float64:
		b.WriteString(strconv.FormatFloat(v.Float(), 'f', -1, v.Type().Bits()))
	case reflect.Pointer:
		if !v.IsNil() {
			printTo(b, v.Elem())
		}
	case reflect.Slice:
		printList(b, v)
	case reflect.Map:
		printMap(b, v)
	default:
		b.WriteString(v.Type().Name())
	}
}

func printList(b *strings.Builder, v reflect.Value) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b.WriteString("java.nio.HeapByteBuffer[pos=0 lim=" + strconv.Itoa(v.Len()) + " cap=" + strconv.Itoa(v.Len()) + "]")
		return
	}
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		printTo(b, v.Index(i))
	}
	b.WriteByte(']')
}

func printMap(b *strings.Builder, v reflect.Value) {
	b.WriteByte('{')
	for i, k := range sortedKeys(v) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(k.String() + "=")
		printTo(b, v.MapIndex(k))
	}
	b.WriteByte('}')
}
