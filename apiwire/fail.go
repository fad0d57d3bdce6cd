package apiwire

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/rs/zerolog"
)

// This file is the unhappy side of an exchange: bodies that cannot be read,
// requests for nobody, and how a failure reaches the client and the log.

// fail answers with an error, if nothing has been answered yet.
func (x *exchange) fail(err error) {
	f := failureOf(err)
	if f == nil {
		x.log(err)
		f = x.internal(err)
	}
	if x.w.status != 0 {
		return
	}
	if f.Status == 0 {
		f.Status = http.StatusBadRequest
	}
	x.service.protocol.fail(x.service, x.w, x.call.RequestID, f)
}

// internal is what the client is told of an internal failure.
func (x *exchange) internal(err error) *Failure {
	f := x.service.internal()
	if x.options.Explain == nil {
		return f
	}
	if text := x.options.Explain(err); text != "" {
		f.Message = text
	}
	return f
}

// log writes down an internal failure: for whoever runs this it is an error,
// unless the client has gone and so has caused it.
func (x *exchange) log(err error) {
	level := zerolog.ErrorLevel
	p, bug := errors.AsType[*panicked](err)
	if _, unsent := errors.AsType[*sendError](err); unsent || x.r.Context().Err() != nil && !bug {
		level = zerolog.DebugLevel
	}
	e := x.options.Log.WithLevel(level).Str("service", x.call.Service).Str("op", x.call.Operation).Str("request_id", x.call.RequestID)
	if bug {
		e.Str("panic", fmt.Sprint(p.value)).Bytes("stack", p.stack).Msg("operation panicked")
		return
	}
	e.Err(err).Msg("operation failed")
}

// noService is the answer to a request whose service is not here.
func (x *exchange) noService(to hint) *Failure {
	if !to.aws {
		return x.notAWS()
	}
	return unknownOperation(http.StatusBadRequest, "The service "+to.seen+" is not available in Neargate.")
}

// notAWS is the answer to a browser and the like.
func (x *exchange) notAWS() *Failure {
	return unknownOperation(http.StatusNotFound, "This is an AWS endpoint of Neargate: "+
		x.r.Method+" "+x.r.URL.EscapedPath()+" is no request of an AWS API that it serves.")
}

// noOperation is the answer to a request whose operation is not here.
func (x *exchange) noOperation(name string) *Failure {
	s := x.service
	switch {
	case name == "" && (s.router != nil || x.r.Method != http.MethodPost):
		return x.notAWS()
	case name == "":
		return unknownOperation(http.StatusBadRequest, "The request names no operation of "+s.name+".")
	}
	x.call.Operation = name
	if slices.Contains(s.known, name) {
		return unknownOperation(http.StatusBadRequest, "The operation "+s.name+":"+name+" is not available in Neargate.")
	}
	if s.version != "" { // the query protocols
		return unknownOperation(http.StatusBadRequest, "The action "+name+" is not valid for this web service.")
	}
	return unknownOperation(http.StatusBadRequest, "The operation "+s.name+":"+name+" is unknown.")
}

// readBody reads the whole body, up to the limit.
func (x *exchange) readBody() error {
	limit := x.options.MaxBody
	if x.r.ContentLength > limit {
		return tooLarge(limit)
	}
	body := http.MaxBytesReader(x.w, x.r.Body, limit)
	var err error
	if n := x.r.ContentLength; n >= 0 {
		x.r.body = make([]byte, n)
		_, err = io.ReadFull(body, x.r.body)
	} else {
		x.r.body, err = io.ReadAll(body)
	}
	if err == nil {
		return nil
	}
	x.r.body = nil
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	return serializationFailure("The request body ended early.")
}

func tooLarge(limit int64) *Failure {
	return &Failure{
		Code:    "RequestEntityTooLargeException",
		Message: "Request must be smaller than " + strconv.FormatInt(limit, 10) + " bytes.",
		Status:  http.StatusRequestEntityTooLarge,
	}
}

// statusWriter remembers the status that was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] reach the server's writer.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// newRequestID makes a random UUID (version 4), the form of AWS's request ids.
func newRequestID() string {
	var u [16]byte
	rand.Read(u[:]) // never fails: crypto/rand ends the program instead
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
