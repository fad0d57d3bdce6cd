package apiwire_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/neargate/neargate/apiwire"
	"github.com/rs/zerolog"
)

// This file lets botocore judge the names of EC2, in requests and in answers.

// ec2Operations are the operations of ec2_structs_test.go.
var ec2Operations = []ec2Operation{
	ec2Op[CreateVpcInput, CreateVpcOutput](), ec2Op[DescribeVpcsInput, DescribeVpcsOutput](),
	ec2Op[DescribeVpcAttributeInput, DescribeVpcAttributeOutput](), ec2Op[ModifyVpcAttributeInput, ModifyVpcAttributeOutput](),
	ec2Op[CreateSubnetInput, CreateSubnetOutput](), ec2Op[DescribeSubnetsInput, DescribeSubnetsOutput](),
	ec2Op[ModifySubnetAttributeInput, ModifySubnetAttributeOutput](),
	ec2Op[CreateSecurityGroupInput, CreateSecurityGroupOutput](), ec2Op[DescribeSecurityGroupsInput, DescribeSecurityGroupsOutput](),
	ec2Op[AuthorizeSecurityGroupIngressInput, AuthorizeSecurityGroupIngressOutput](),
	ec2Op[RevokeSecurityGroupEgressInput, RevokeSecurityGroupEgressOutput](),
	ec2Op[DescribeSecurityGroupRulesInput, DescribeSecurityGroupRulesOutput](),
	ec2Op[CreateInternetGatewayInput, CreateInternetGatewayOutput](), ec2Op[AttachInternetGatewayInput, AttachInternetGatewayOutput](),
	ec2Op[DescribeInternetGatewaysInput, DescribeInternetGatewaysOutput](),
	ec2Op[AllocateAddressInput, AllocateAddressOutput](), ec2Op[DescribeAddressesInput, DescribeAddressesOutput](),
	ec2Op[CreateNatGatewayInput, CreateNatGatewayOutput](), ec2Op[DescribeNatGatewaysInput, DescribeNatGatewaysOutput](),
	ec2Op[CreateRouteTableInput, CreateRouteTableOutput](), ec2Op[CreateRouteInput, CreateRouteOutput](),
	ec2Op[AssociateRouteTableInput, AssociateRouteTableOutput](), ec2Op[DescribeRouteTablesInput, DescribeRouteTablesOutput](),
	ec2Op[CreateTagsInput, CreateTagsOutput](), ec2Op[DeleteTagsInput, DeleteTagsOutput](), ec2Op[DescribeTagsInput, DescribeTagsOutput](),
	ec2Op[DescribeAvailabilityZonesInput, DescribeAvailabilityZonesOutput](), ec2Op[DescribeRegionsInput, DescribeRegionsOutput](),
	ec2Op[DescribeAccountAttributesInput, DescribeAccountAttributesOutput](),
	ec2Op[DescribeNetworkInterfacesInput, DescribeNetworkInterfacesOutput](), ec2Op[DescribeInstancesInput, DescribeInstancesOutput](),
	ec2Op[CreateVpcEndpointInput, CreateVpcEndpointOutput](), ec2Op[DescribeVpcEndpointsInput, DescribeVpcEndpointsOutput](),
	ec2Op[DescribeNetworkAclsInput, DescribeNetworkAclsOutput](), ec2Op[RunInstancesInput, RunInstancesOutput](),
	ec2Op[DescribeLaunchTemplateVersionsInput, DescribeLaunchTemplateVersionsOutput](),
}

type ec2Operation struct{ in, out reflect.Type }

func ec2Op[I, O any]() ec2Operation {
	return ec2Operation{reflect.TypeFor[I](), reflect.TypeFor[O]()}
}

func (o ec2Operation) name() string { return strings.TrimSuffix(o.in.Name(), "Input") }

// botocore is a Python process that speaks ec2_botocore.py's lines.
type botocore struct {
	in  io.Writer
	out *bufio.Reader
}

// startBotocore skips the test where there is no Python with botocore.
func startBotocore(t *testing.T) *botocore {
	if out, err := exec.CommandContext(t.Context(), "python3", "-c", "import botocore").CombinedOutput(); err != nil {
		t.Skipf("EC2 NAMES ARE NOT CHECKED: no python3 with botocore: %v %s", err, out)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "python3", "testdata/ec2_botocore.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("botocore: %v\n%s", err, complaints.String())
		}
	})
	return &botocore{in, bufio.NewReader(out)}
}

func (b *botocore) ask(t *testing.T, question, answer any) {
	t.Helper()
	if err := json.NewEncoder(b.in).Encode(question); err != nil {
		t.Fatal(err)
	}
	line, err := b.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, answer); err != nil {
		t.Fatal(err)
	}
}

// serveEC2Operations serves them all; got is the input that arrived, out what
// is answered.
func serveEC2Operations(t *testing.T) (h http.Handler, e *echo) {
	e = &echo{service: apiwire.EC2Query("ec2", "2016-11-15", "http://ec2.amazonaws.com/doc/2016-11-15/", struct{}{})}
	for _, o := range ec2Operations {
		out := reflect.PointerTo(o.out)
		shape := reflect.FuncOf([]reflect.Type{reflect.TypeFor[context.Context](), reflect.PointerTo(o.in)},
			[]reflect.Type{out, reflect.TypeFor[error]()}, false)
		apiwire.AddOperation(e.service, o.name(), reflect.MakeFunc(shape, e.answer(out)))
	}
	return apiwire.New(apiwire.Options{Log: zerolog.New(zerolog.NewTestWriter(t))}, e.service), e
}

func TestEC2RequestsOfBotocore(t *testing.T) {
	b := startBotocore(t)
	h, e := serveEC2Operations(t)
	for _, o := range ec2Operations {
		t.Run(o.name(), func(t *testing.T) {
			var made struct {
				Body   string
				Params any
			}
			b.ask(t, map[string]any{"op": o.name(), "tree": tree(o.in, 0)}, &made)
			e.got = reflect.Value{}
			if w := postForm(h, made.Body); w.Code != http.StatusOK {
				t.Fatalf("%s\n%s", made.Body, w.Body)
			}
			if diff := cmp.Diff(made.Params, asBotocore(t, e.got.Elem())); diff != "" {
				t.Errorf("(-sent +served)\n%s", diff)
			}
		})
	}
}

func TestEC2AnswersToBotocore(t *testing.T) {
	b := startBotocore(t)
	h, e := serveEC2Operations(t)
	newer, seen := map[string]bool{}, 0
	for _, o := range ec2Operations {
		t.Run(o.name(), func(t *testing.T) {
			out := reflect.New(o.out)
			newFiller(1, full).fill(out.Elem(), 0)
			mapStrings(out, func(s string) string { return strings.ReplaceAll(s, "\x01", "\uFFFD") })
			e.out = out
			w := postForm(h, "Action="+o.name()+"&Version=2016-11-15")
			var verdict struct {
				Wrong, Newer []string
				Seen         int
			}
			b.ask(t, map[string]any{"op": o.name(), "xml": w.Body.String(), "want": asBotocore(t, out.Elem())}, &verdict)
			for _, wrong := range verdict.Wrong {
				t.Error(wrong)
			}
			seen += verdict.Seen
			for _, n := range verdict.Newer {
				newer[n] = true
			}
		})
	}
	t.Logf("%d values compared; %d members are newer than botocore: %v", seen, len(newer), slices.Sorted(func(yield func(string) bool) {
		for n := range newer {
			if !yield(n) {
				return
			}
		}
	}))
	if seen < 1200 {
		t.Errorf("only %d values were compared", seen)
	}
}

// tree tells the members that a type has.
func tree(t reflect.Type, depth int) any {
	switch {
	case depth > maxFill:
		return nil
	case t == reflect.TypeFor[time.Time]():
		return true
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return tree(t.Elem(), depth)
	case t.Kind() != reflect.Struct:
		return true
	}
	members := map[string]any{}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			members[f.Name] = tree(f.Type, depth+1)
		}
	}
	return members
}

// asBotocore writes a value as ec2_botocore.py does, and reads it again as
// plain JSON.
func asBotocore(t *testing.T, v reflect.Value) any {
	b, err := json.Marshal(plain(v))
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func plain(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format("2006-01-02T15:04:05.000Z")
	case []byte:
		return base64.StdEncoding.EncodeToString(x)
	case float32:
		return json.Number(strconv.FormatFloat(float64(x), 'g', -1, 32))
	}
	switch v.Kind() {
	case reflect.Pointer:
		return plain(v.Elem())
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.Struct:
		members := map[string]any{}
		for i := range v.NumField() {
			f := v.Field(i)
			if v.Type().Field(i).IsExported() && !(f.IsZero() && (f.Kind() == reflect.Pointer || f.Kind() == reflect.Slice || f.Kind() == reflect.String)) {
				members[v.Type().Field(i).Name] = plain(f)
			}
		}
		return members
	}
	return v.Interface()
}
