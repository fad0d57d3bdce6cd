package apiwire_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/neargate/neargate/apiwire"
)

var update = flag.Bool("update", false, "rewrite golden files")

const eksGolden = "testdata/routes/eks.golden"

// eksRoutes reads the route table that TestEKSRoutes keeps true.
func eksRoutes(t testing.TB) []apiwire.Route {
	t.Helper()
	text, err := os.ReadFile(eksGolden)
	if err != nil {
		t.Fatal(err)
	}
	routes, err := apiwire.ParseRoutes(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return routes
}

// errRecorded ends a call whose operation has been seen.
var errRecorded = errors.New("recorded")

// recorder is a client protocol that only notes which operation it is to
// write.
type recorder struct {
	smithyhttp.ClientProtocol
	seen *smithy.OperationSchema
}

func (*recorder) ID() smithy.ShapeID { return smithy.ShapeID{Namespace: "neargate", Name: "recorder"} }

func (p *recorder) SerializeRequest(_ context.Context, s *smithy.OperationSchema, _ smithy.Serializable, _ *smithyhttp.Request) error {
	p.seen = s
	return errRecorded
}

// deriveEKSRoutes asks the EKS client for the HTTP binding of each operation,
// by calling it with an input that has all that the client demands.
func deriveEKSRoutes(t *testing.T) []apiwire.Route {
	p := &recorder{}
	client := eks.NewFromConfig(config(nil), func(o *eks.Options) { o.Protocol = p })
	var routes []apiwire.Route
	for _, name := range apiwire.OperationsOf(client) {
		m := reflect.ValueOf(client).MethodByName(name)
		in := reflect.New(m.Type().In(1).Elem())
		newFiller(1, full).fill(in.Elem(), 0)
		p.seen = nil
		result := m.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
		if err, _ := result[1].Interface().(error); p.seen == nil || !errors.Is(err, errRecorded) {
			t.Fatalf("%s was not recorded: %v", name, err)
		}
		http, ok := smithy.SchemaTrait[*traits.HTTP](p.seen.Schema)
		if !ok {
			t.Fatalf("%s has no HTTP binding", name)
		}
		routes = append(routes, apiwire.Route{Operation: name, Method: http.Method, Path: http.URI})
	}
	slices.SortFunc(routes, func(a, b apiwire.Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return routes
}

// TestEKSRoutes derives the route table from the SDK and compares it with the
// golden file; -update rewrites that.
func TestEKSRoutes(t *testing.T) {
	routes := deriveEKSRoutes(t)
	if *update {
		var b strings.Builder
		for _, r := range routes {
			fmt.Fprintf(&b, "%-6s %s %s\n", r.Method, r.Path, r.Operation)
		}
		if err := os.WriteFile(eksGolden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if golden := eksRoutes(t); !slices.Equal(routes, golden) {
		t.Errorf("the SDK has %v\nthe golden file has %v", routes, golden)
	}
	if len(routes) != 70 {
		t.Errorf("%d routes, want 70", len(routes))
	}
}
