package ecs

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// This file makes the identifiers of ECS.

// hexID returns n lower-case hex digits, at most 32.
func hexID(n int) string {
	var b [16]byte
	var text [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	hex.Encode(text[:], b[:])
	return string(text[:n])
}

// uuid returns a random UUID (version 4) with dashes.
func uuid() string {
	var b [16]byte
	var text [36]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	at := 0
	for _, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if at > 0 {
			text[at] = '-'
			at++
		}
		at += hex.Encode(text[at:], part)
	}
	return string(text[:])
}

// interfaceID returns the id of an elastic network interface.
func interfaceID() string { return "eni-0" + hexID(16) }

// digits returns n decimal digits, at most 16, of which the first is not 0.
func digits(n int) string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	for i := range b[:n] {
		b[i] = '0' + b[i]%10
	}
	if b[0] == '0' {
		b[0] = '1'
	}
	return string(b[:n])
}

// idOf returns what stands behind the last slash of an ARN, or ref itself.
func idOf(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
