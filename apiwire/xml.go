package apiwire

import (
	"bytes"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// This file is the XML that the query protocols answer with: elements and
// text, nothing else.

// xmlWriter collects a document. Element names come from Go structs and are
// written as they are; text is escaped.
type xmlWriter struct {
	buf bytes.Buffer
}

func (x *xmlWriter) len() int { return x.buf.Len() }

func (x *xmlWriter) header() { x.buf.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n") }

func (x *xmlWriter) open(name string) {
	x.buf.WriteByte('<')
	x.buf.WriteString(name)
	x.buf.WriteByte('>')
}

func (x *xmlWriter) openNamespace(name, xmlns string) {
	x.buf.WriteByte('<')
	x.buf.WriteString(name)
	x.buf.WriteString(` xmlns="`)
	x.escape(xmlns)
	x.buf.WriteString(`">`)
}

func (x *xmlWriter) close(name string) {
	x.buf.WriteString("</")
	x.buf.WriteString(name)
	x.buf.WriteByte('>')
}

func (x *xmlWriter) text(name, value string) {
	x.open(name)
	x.escape(value)
	x.close(name)
}

// escape writes text so that a parser gives back the same text. What no XML
// 1.0 document can hold, not even as a reference (most control characters,
// broken UTF-8), becomes the replacement character; line ends are written as
// references, because parsers normalise the plain ones.
func (x *xmlWriter) escape(s string) {
	from := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if e := xmlEscape(r, size); e != "" {
			x.buf.WriteString(s[from:i])
			x.buf.WriteString(e)
			from = i + size
		}
		i += size
	}
	x.buf.WriteString(s[from:])
}

// xmlEscape returns what stands for a character in text, "" for itself.
func xmlEscape(r rune, size int) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&quot;"
	case '\r', '\u0085', '\u2028':
		return "&#x" + strconv.FormatInt(int64(r), 16) + ";"
	case '\t', '\n':
		return ""
	case utf8.RuneError:
		if size == 1 {
			return "\uFFFD"
		}
		return ""
	}
	if r < 0x20 || r == 0xFFFE || r == 0xFFFF {
		return "\uFFFD"
	}
	return ""
}

// send writes the document as the answer.
func (x *xmlWriter) send(w http.ResponseWriter, status int, requestID, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("Content-Length", strconv.Itoa(x.buf.Len()))
	w.WriteHeader(status)
	// A client that has gone away cannot be told anything.
	_, _ = w.Write(x.buf.Bytes())
}
