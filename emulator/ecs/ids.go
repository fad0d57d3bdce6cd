package ecs

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
)

// This file makes the identifiers of ECS.

// hexID returns n lower-case hex digits.
func hexID(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b)[:n]
}

// uuid returns a random UUID (version 4) with dashes.
func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// digits returns n decimal digits, at most 18, of which the first is not 0.
func digits(n int) string {
	low := int64(math.Pow10(n - 1))
	return strconv.FormatInt(low+mathrand.Int64N(9*low), 10)
}

// idOf returns what stands behind the last slash of an ARN, or ref itself.
func idOf(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
