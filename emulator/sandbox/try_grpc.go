package sandbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// try_grpc.go asks grpc.health.v1.Health/Check over HTTP/2 without TLS, with
// the two tiny messages made by hand: the gRPC library would be most of this
// module.

// grpcServing is SERVING of HealthCheckResponse.ServingStatus.
const grpcServing = 1

func (e *Engine) tryGRPC(ctx context.Context, id, host string, g *GRPC) tried {
	if _, ok := e.Config.Runtime.(Dial); !ok {
		return unable("dial")
	}
	t := e.transport(id)
	t.Protocols = new(http.Protocols)
	t.Protocols.SetUnencryptedHTTP2(true)
	defer t.CloseIdleConnections()
	address := net.JoinHostPort(host, strconv.Itoa(int(g.Port)))
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/grpc.health.v1.Health/Check", bytes.NewReader(healthRequest(g.Service)))
	if err != nil {
		return failed(err)
	}
	q.Header.Set("Content-Type", "application/grpc")
	q.Header.Set("Te", "trailers")
	q.Header.Set("User-Agent", proberName)
	r, err := t.RoundTrip(q)
	if err != nil {
		return failed(fmt.Errorf("failed to connect service %q: %w", address, err))
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOutput))
	if err != nil {
		return failed(err)
	}
	return healthAnswer(r, body)
}

// healthAnswer judges a response whose body was read.
func healthAnswer(r *http.Response, body []byte) tried {
	status, message := r.Trailer.Get("Grpc-Status"), r.Trailer.Get("Grpc-Message")
	if status == "" { // an answer without a message has them among its headers
		status, message = r.Header.Get("Grpc-Status"), r.Header.Get("Grpc-Message")
	}
	if plain, err := url.PathUnescape(message); err == nil {
		message = plain
	}
	switch status {
	case "0":
	case "":
		return failed(fmt.Errorf("the answer is none of gRPC's: HTTP status %d", r.StatusCode))
	case "12":
		return failed(fmt.Errorf("this server does not implement the grpc health protocol (grpc.health.v1.Health): %s", message))
	default:
		return failed(fmt.Errorf("service health check failed with gRPC code %s: %s", status, message))
	}
	serving, err := healthStatus(body)
	if err != nil {
		return failed(err)
	}
	if serving != grpcServing {
		return failed(fmt.Errorf("service unhealthy (responded with %q)", servingName(serving)))
	}
	return tried{output: servingName(serving)}
}

func servingName(n uint64) string {
	if names := []string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}; n < uint64(len(names)) {
		return names[n]
	}
	return strconv.FormatUint(n, 10)
}

// healthRequest is HealthCheckRequest{service = 1}, framed.
func healthRequest(service string) []byte {
	var message []byte
	if service != "" {
		message = append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(service))), service...)
	}
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	return append(frame, message...)
}

// healthStatus reads HealthCheckResponse{status = 1} out of its frame. What
// else is in the message is passed over.
func healthStatus(frame []byte) (status uint64, err error) {
	bad := fmt.Errorf("the answer is no HealthCheckResponse: % x", frame)
	if len(frame) < 5 || frame[0] != 0 || int(binary.BigEndian.Uint32(frame[1:])) != len(frame)-5 {
		return 0, bad
	}
	for b := frame[5:]; len(b) > 0; {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, bad
		}
		b = b[n:]
		value, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, bad
		}
		b = b[n:]
		switch {
		case key == 1<<3:
			status = value
		case key&7 == 0:
		case key&7 == 2 && value <= uint64(len(b)):
			b = b[value:]
		default:
			return 0, bad
		}
	}
	return status, nil
}
