package logs

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// Event ids, page tokens and sequence tokens are all decimal numbers of 56
// digits: a time in milliseconds, shifted left by idBits, plus a row's id. So
// are AWS's.
const idBits = 144

func number(ms, id int64) string {
	n := new(big.Int).Lsh(big.NewInt(ms), idBits)
	return fmt.Sprintf("%056d", n.Add(n, big.NewInt(id)))
}

func parseNumber(s string) (ms, id int64, ok bool) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || n.Sign() < 0 {
		return 0, 0, false
	}
	high := new(big.Int).Rsh(n, idBits)
	low := n.Sub(n, new(big.Int).Lsh(high, idBits))
	return high.Int64(), low.Int64(), high.IsInt64() && low.IsInt64()
}

// eventID names an event of all streams.
func eventID(p store.Position) string { return number(p.At.UnixMilli(), p.ID) }

// token is the sequence token of a stream. Nobody needs it; it is there, and
// another one after each batch.
func (t *tally) token(created int64) string { return number(max(t.Ingested, created), t.Bytes) }

// page is a place between two events of a stream and where to go from it.
type page struct {
	after   store.Position // exclusive; zero: at the very end to start from
	forward bool
}

// String is the page's token: f/ or b/ and a number, as GetLogEvents has them.
func (p page) String() string {
	if p.forward {
		return "f/" + eventID(p.after) + "/s"
	}
	return "b/" + eventID(p.after) + "/s"
}

func parsePage(token string) (page, error) {
	direction, rest, _ := strings.Cut(token, "/")
	digits, end, _ := strings.Cut(rest, "/")
	ms, id, ok := parseNumber(digits)
	if !ok || end != "s" || direction != "f" && direction != "b" {
		return page{}, invalid("The specified nextToken is invalid.")
	}
	return page{store.Position{At: time.UnixMilli(ms).UTC(), ID: id}, direction == "f"}, nil
}
