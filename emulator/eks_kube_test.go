package emulator_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math/big"
	"net"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/fixtures"
)

// This file is a neargate-kube that is this test binary, started again: with
// it all that the emulator does around a control plane is real.

// Variables by which the binary learns that it plays, and what its keys are.
const (
	playName = "NEARGATE_TEST_PLAY"
	keysName = "NEARGATE_TEST_KEYS"
)

func TestMain(m *testing.M) {
	if os.Getenv(playName) == "kube" {
		os.Exit(playKube())
	}
	os.Exit(m.Run())
}

// kubernetes starts an emulator whose clusters have played control planes, and
// gives their issuers a key.
func kubernetes(t testing.TB) (*site, *rsa.PrivateKey) {
	t.Helper()
	option, key := playing(t)
	return open(t, option), key
}

// playing has the control planes of emulators that are started from now on
// played.
func playing(t testing.TB) (fixtures.Option, *rsa.PrivateKey) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	jwks, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "k", "alg": "RS256", "n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes())},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(playName, "kube")
	t.Setenv(keysName, string(jwks))
	return func(c *emulator.Config) { c.EKS, c.Kube = emulator.EKSKubernetes, self }, key
}

// podID is the sandbox of the pod default/web, which every played cluster has.
const podID = "0123456789abcdef0123456789abcdef"

type kube struct {
	config   link.Config
	settings chan link.Settings
	address  string
}

func playKube() int {
	in := json.NewDecoder(os.Stdin)
	k := &kube{settings: make(chan link.Settings, 10)}
	if err := in.Decode(&k.config); err != nil {
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, io.MultiReader(in.Buffered(), os.Stdin))
		cancel()
	}()
	if err := k.play(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (k *kube) play(ctx context.Context) error {
	api, err := net.Listen("tcp", k.config.Listen)
	if err != nil {
		return err
	}
	defer api.Close() // not before: a listener that nobody holds is closed by the collector
	k.address = api.Addr().String()
	for _, l := range []struct{ level, component, message string }{
		{"error", "kube-apiserver", "not ready yet"}, {"info", "kube-apiserver", "serving"}, {"info", "audit", `{"kind":"Event"}`},
		{"info", "fargate-scheduler", "looking for pods"}, {"info", "kine", "compacting"},
	} {
		fmt.Fprintf(os.Stderr, "{\"level\":%q,\"component\":%q,\"message\":%q,\"time\":%q}\n", l.level, l.component, l.message, time.Now().Format(time.RFC3339Nano))
	}
	if k.config.Name == "shop" {
		if err := k.pod(ctx); err != nil {
			return err
		}
	}
	l, err := link.Listen(k.config.ChildSocket)
	if err != nil {
		return err
	}
	return link.Serve(ctx, l, link.ServeChild(k))
}

func (k *kube) pod(ctx context.Context) error {
	env := []sandbox.EnvVar{{Name: "FAKE_STDOUT", Value: `one\ntwo`}}
	return link.DialParent(k.config.ParentSocket).CreateSandbox(ctx, sandbox.Spec{
		ID: podID, Owner: k.config.ARN + "/default/web", Group: k.config.ARN, Steps: 2, Patient: true, Keep: true,
		Network: sandbox.Network{VPC: "vpc-1", VPCCIDR: "10.0.0.0/16", Subnet: "subnet-1", SubnetCIDR: "10.0.1.0/24"},
		Containers: []sandbox.Container{
			{Name: "app", Image: "nginx", Env: env, Log: sandbox.Log{Driver: "awslogs", Options: map[string]string{"awslogs-group": "/pods", "awslogs-stream": "web"}}},
			{Name: "side", Image: "envoy", Env: env},
		},
	})
}

func (k *kube) Configure(_ context.Context, s link.Settings) error {
	k.settings <- s
	return nil
}

func (k *kube) Watch(ctx context.Context) iter.Seq2[link.Status, error] {
	return func(yield func(link.Status, error) bool) {
		s := link.Status{
			Phase: link.Ready, ReadyAt: time.Now(), Address: k.address, CA: []byte("ca"), Version: "v" + k.config.Version + ".0", Settings: k.config.Settings.Revision,
			Nodegroups: map[string]int{"workers": 2}, Draining: map[string]int{"fargateprofile/going": 3},
		}
		for yield(s, nil) {
			select {
			case n := <-k.settings:
				s.Settings = n.Revision
			case <-ctx.Done():
				return
			}
		}
	}
}

func (k *kube) Why(_ context.Context, pod string) ([]string, error) {
	if pod == "" {
		return []string{"Its API server is well."}, nil
	}
	return []string{"Kubernetes knows " + pod + "."}, nil
}

func (k *kube) Keys(context.Context) ([]byte, error) { return []byte(os.Getenv(keysName)), nil }

func (k *kube) Log(context.Context, io.Writer) error { return nil }
