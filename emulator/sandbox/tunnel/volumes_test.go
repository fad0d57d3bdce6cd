package tunnel_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// keeper gathers what is written.
type keeper struct {
	parts []tunnel.VolumePart
	there bool
}

func (k *keeper) server() *tunnel.Server {
	return &tunnel.Server{Commands: map[string]tunnel.Command{
		tunnel.CommandVolumeWrite: tunnel.Handle(func(_ context.Context, p tunnel.VolumePart) (tunnel.VolumeState, error) {
			k.parts = append(k.parts, p)
			return tunnel.VolumeState{There: k.there}, nil
		}),
		tunnel.CommandVolumeSubPath: tunnel.Handle(func(_ context.Context, p tunnel.SubPath) (tunnel.SubPathState, error) {
			return tunnel.SubPathState{Path: p.Volume + ":" + p.Path}, nil
		}),
		tunnel.CommandMessageMake: tunnel.Handle(func(_ context.Context, m tunnel.MessageFile) (struct{}, error) {
			return struct{}{}, &tunnel.Error{Kind: tunnel.Denied, Text: m.Name}
		}),
		tunnel.CommandMessageRead: tunnel.Handle(func(_ context.Context, m tunnel.MessageFile) (tunnel.Message, error) {
			return tunnel.Message{Text: []byte(m.Name + "\xff")}, nil
		}),
	}}
}

// joined puts files together again. The order is that in which they came, with
// what was said of them.
func (k *keeper) joined(t *testing.T) (order []string, data map[string][]byte) {
	t.Helper()
	data = map[string][]byte{}
	for i, p := range k.parts {
		if p.First != (i == 0) || p.Last != (i == len(k.parts)-1) || p.Folder != k.parts[0].Folder || !strings.HasPrefix(p.Folder, "..20") {
			t.Errorf("part %d of %d: first %v, last %v, folder %q", i, len(k.parts), p.First, p.Last, p.Folder)
		}
		for _, f := range p.Files {
			if int64(len(data[f.Path])) != f.Offset {
				t.Errorf("%s: offset %d after %d bytes", f.Path, f.Offset, len(data[f.Path]))
			}
			if f.Offset == 0 {
				order = append(order, fmt.Sprintf("%s %o %d:%d %v", f.Path, f.Mode, f.UID, f.GID, f.Folder))
			}
			data[f.Path] = append(data[f.Path], f.Data...)
		}
	}
	return order, data
}

func TestVolumesTravelInParts(t *testing.T) {
	overEach(t, func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session) {
		var k keeper
		s := connect(t, k.server())
		large := bytes.Repeat([]byte("0123456789abcde"), 250_000) // 3.75 MB
		files := []tunnel.VolumeFile{
			{Path: "small", Mode: 0o644, Data: []byte("s")}, {Path: "large", Mode: 0o640, UID: 1, GID: 2, Data: large},
			{Path: "b/c", Folder: true, Mode: 0o700}, {Path: "b", Folder: true, Mode: 0o755}, {Path: "nothing", Mode: 0o600}, {Path: "last", Mode: 0o444, Data: large},
		}
		v := tunnel.Volume{Mode: 0o2777, GID: 5, Atomic: true}
		if err := s.MakeVolume(within(t), "conf", v, files); err != nil {
			t.Fatal(err)
		}
		order, data := k.joined(t)
		want := []string{"b 755 0:0 true", "b/c 700 0:0 true", "small 644 0:0 false", "large 640 1:2 false", "nothing 600 0:0 false", "last 444 0:0 false"}
		if d := cmp.Diff(want, order); d != "" {
			t.Error(d)
		}
		if !bytes.Equal(data["large"], large) || !bytes.Equal(data["last"], large) || string(data["small"]) != "s" {
			t.Error("the files are others")
		}
		if n := len(k.parts); n != 8 || *k.parts[n-1].New != v || k.parts[0].Volume != "conf" {
			t.Errorf("%d parts, the last %+v", n, k.parts[n-1].New)
		}
		k.parts = nil
		if err := s.WriteVolume(within(t), "conf", nil); err != nil || len(k.parts) != 1 || k.parts[0].New != nil || !k.parts[0].First || !k.parts[0].Last {
			t.Errorf("no files: %+v, %v", k.parts, err)
		}
		k.parts, k.there = nil, true
		if err := s.MakeVolume(within(t), "conf", v, files); err != nil || len(k.parts) != 1 {
			t.Errorf("a volume that is there gets %d parts, %v", len(k.parts), err)
		}
	})
}

func TestSubPathsAndMessages(t *testing.T) {
	overEach(t, func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session) {
		s := connect(t, new(keeper).server())
		if path, err := s.SubPath(within(t), "v", "a/b"); path != "v:a/b" || err != nil {
			t.Errorf("%q, %v", path, err)
		}
		wantKind(t, s.MakeMessage(within(t), "app.0"), tunnel.Denied)
		if text, err := s.ReadMessage(within(t), "app.0"); text != "app.0\xff" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	})
}
