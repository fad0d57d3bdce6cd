package runtimetest

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
)

// inside: what a process finds in its container. All of it needs Processes.
func inside() []scenario {
	real := []Capability{Processes}
	return []scenario{
		{"environment: later wins, secrets beside it", real, environment},
		{"working directory, user and host name", real, whoAndWhere},
		{"command and entrypoint", real, entrypoint},
		{"ulimits", real, ulimits},
		{"capabilities are dropped and privileges kept down", real, capabilities},
		{"a read-only root with a tmpfs", real, readOnly},
		{"files of a volume, with mode and owner", real, volumeFiles},
		{"a volume is shared between containers", real, volumeShared},
		{"a read-only mount and a sub-path", real, mounts},
		{"a memory volume is a tmpfs", real, memoryVolume},
	}
}

// does runs one container that performs things and returns a line for each.
func (b *bench) does(change func(*sandbox.Spec), things ...string) []string {
	b.Helper()
	p := Exits(0)
	p.Do = things
	s := b.spec(p)
	if change != nil {
		change(s)
	}
	b.up(s)
	b.start(s, 0)
	c := b.ended(s, "c0")
	got := texts(b.output(s, "c0", sandbox.LogsOptions{}))
	if c.ExitCode != 0 || len(got) != len(things) {
		b.Fatalf("%v gave %q, exit %d", things, got, c.ExitCode)
	}
	return got
}

func (b *bench) wants(got []string, want ...string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Errorf("got %q, want %q", got, want)
	}
}

func environment(b *bench) {
	p := Exits(0)
	p.Do = []string{"env A", "env B", "env SECRET"}
	s := b.spec(p)
	c := &s.Containers[0]
	c.Env = append(c.Env, sandbox.EnvVar{Name: "A", Value: "1"}, sandbox.EnvVar{Name: "B", Value: "x=y z"}, sandbox.EnvVar{Name: "A", Value: "2"})
	b.up(s)
	if _, err := b.rt.Pull(b.ctx, s, c); err != nil {
		b.Fatal(err)
	}
	if err := b.rt.Start(b.ctx, s, c, 0, []sandbox.EnvVar{{Name: "SECRET", Value: "hush"}}); err != nil {
		b.Fatal(err)
	}
	b.ended(s, "c0")
	b.wants(texts(b.output(s, "c0", sandbox.LogsOptions{})), "2", "x=y z", "hush")
}

func whoAndWhere(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		s.Hostname = "ip-10-213-1-9.ec2.internal"
		c := &s.Containers[0]
		c.WorkingDir, c.User = "/work", "1000:1001"
		s.Volumes = []sandbox.Volume{{Name: "w"}}
		c.Mounts = []sandbox.Mount{{Volume: "w", Path: "/work"}}
	}, "cwd", "id", "host")
	b.wants(got, "/work", "1000:1001", "ip-10-213-1-9.ec2.internal")
}

func entrypoint(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		c := &s.Containers[0]
		c.Entrypoint = []string{Path, "-do=cwd"}
		c.Command = []string{"-exit=0"}
	}, "cwd")
	b.wants(got, "/")
}

func ulimits(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		s.Containers[0].Ulimits = []sandbox.Ulimit{{Name: "nofile", Soft: 2048, Hard: 4096}, {Name: "core", Soft: 0, Hard: 1024}}
	}, "limit nofile", "limit core")
	if !strings.HasSuffix(got[0], ":4096") || got[1] != "0:1024" {
		b.Errorf("limits %q", got)
	}
}

func capabilities(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		c := &s.Containers[0]
		c.CapDrop, c.NoNewPrivileges = []string{"ALL"}, true
	}, "caps", "flags")
	b.wants(got, "0000000000000000", "1")
	got = b.does(func(s *sandbox.Spec) {
		c := &s.Containers[0]
		c.CapDrop, c.CapAdd = []string{"ALL"}, []string{"SYS_PTRACE"}
	}, "caps")
	b.wants(got, "0000000000080000")
}

func readOnly(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		c := &s.Containers[0]
		c.ReadOnlyRoot = true
		c.Tmpfs = []sandbox.Tmpfs{{Path: "/scratch", Size: 1 << 20}}
	}, "write /x text", "write /scratch/x text", "fs /scratch")
	if !strings.Contains(got[0], "read-only file system") {
		b.Errorf("writing to the root: %q", got[0])
	}
	b.wants(got[1:], "ok", "1021994")
}

func volumeFiles(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		s.Volumes = []sandbox.Volume{{Name: "conf", Files: []sandbox.File{
			{Path: "a/b.txt", Mode: 0o640, UID: 1000, GID: 1001, Data: []byte("content")},
			{Path: "top", Mode: 0o444, Data: []byte("t")},
		}}}
		s.Containers[0].Mounts = []sandbox.Mount{{Volume: "conf", Path: "/conf"}}
	}, "read /conf/a/b.txt", "mode /conf/a/b.txt", "read /conf/top", "mode /conf/top")
	b.wants(got, "content", "0640 1000:1001", "t", "0444 0:0")
}

func volumeShared(b *bench) {
	writer, reader := Program{Do: []string{"write /data/x shared"}}, Exits(0)
	reader.Do = []string{"await /data/x", "read /data/x"}
	s := b.spec(reader, writer)
	s.Volumes = []sandbox.Volume{{Name: "data"}}
	for i := range s.Containers {
		s.Containers[i].Mounts = []sandbox.Mount{{Volume: "data", Path: "/data"}}
	}
	b.up(s)
	b.start(s, 0)
	b.start(s, 1)
	b.ended(s, "c0")
	b.wants(texts(b.output(s, "c0", sandbox.LogsOptions{})), "there", "shared")
}

func mounts(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		s.Volumes = []sandbox.Volume{{Name: "v", Files: []sandbox.File{{Path: "sub/f", Mode: 0o644, Data: []byte("deep")}}}}
		s.Containers[0].Mounts = []sandbox.Mount{{Volume: "v", Path: "/ro", ReadOnly: true}, {Volume: "v", Path: "/sub", SubPath: "sub"}}
	}, "write /ro/x text", "read /sub/f", "read /ro/sub/f")
	if !strings.Contains(got[0], "read-only file system") {
		b.Errorf("writing to the read-only mount: %q", got[0])
	}
	b.wants(got[1:], "deep", "deep")
}

func memoryVolume(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		s.Volumes = []sandbox.Volume{{Name: "m", Memory: true, Size: 1 << 20}}
		s.Containers[0].Mounts = []sandbox.Mount{{Volume: "m", Path: "/m"}}
	}, "fs /m", "write /m/x text")
	b.wants(got, "1021994", "ok")
}
