package runtimetest

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// pods: what Kubernetes asks for and ECS does not.
func pods() []scenario {
	real := []Capability{Processes}
	return []scenario{
		{"an open sandbox is told whole later", nil, openFirst},
		{"an image name that is none, and one that must be there", nil, imageTroubles},
		{"a command that is not there is told in both words", nil, commandTrouble},
		{"root is refused where it was forbidden", nil, rootRefused},
		{"supplementary groups, no seccomp filter", real, groupsAndSeccomp},
		{"volumes with mode and group", real, volumeModes},
		{"an empty volume takes nothing from the image", real, emptyVolume},
		{"an atomic volume changes all at once", real, atomicVolume},
		{"files are replaced in a volume", real, plainVolume},
		{"a sub-path is a file, and is not updated", real, subPathOfFile},
		{"one sees the processes of another", real, sharedProcesses},
		{"an executed process has a terminal of the size that was told", real, execTerminal},
		{"an executed process sees the end of its input", real, execInput},
		{"an executed process ends with its context", real, execKilled},
		{"an executed process that has closed its streams is waited for", real, execWaited},
		{"resources of what runs are changed in place", real, resizedInPlace},
		{"input that is attached ends with the first who had it", real, stdinOnce},
	}
}

func openFirst(b *bench) {
	whole := b.spec(Exits(0))
	whole.Volumes = []sandbox.Volume{{Name: "conf", Atomic: true, Files: []sandbox.File{{Path: "f", Mode: 0o644, Data: []byte("x")}}}}
	whole.Containers[0].Mounts = []sandbox.Mount{{Volume: "conf", Path: "/conf"}}
	open := *whole
	open.Open, open.Containers, open.Volumes = true, nil, nil
	a := b.up(&open)
	for range 2 {
		again, err := b.rt.Up(b.ctx, whole)
		if err != nil || again.IP != a.IP {
			b.Fatalf("Up of the whole: %+v, %v; it was %s", again, err, a.IP)
		}
	}
	b.start(whole, 0)
	if c := b.ended(whole, "c0"); c.ExitCode != 0 {
		b.Errorf("%+v", c)
	}
	if w, ok := b.rt.(sandbox.FileWriter); ok {
		if err := w.WriteFiles(b.ctx, whole.ID, "conf", []sandbox.File{{Path: "g", Mode: 0o644, Data: []byte("y")}}); err != nil {
			b.Error(err)
		}
		if w.WriteFiles(b.ctx, whole.ID, "nobody", nil) == nil {
			b.Error("a volume that is not there: no error")
		}
	}
}

func imageTroubles(b *bench) {
	for what, c := range map[string]struct {
		program Program
		change  func(*sandbox.Container)
		trouble string
	}{
		"absent":  {Program{NoImage: true}, func(*sandbox.Container) {}, sandbox.TroublePull},
		"no name": {Program{}, func(c *sandbox.Container) { c.Image = "No Name" }, sandbox.TroubleName},
		"never":   {Program{NoImage: true}, func(c *sandbox.Container) { c.Pull = sandbox.PullNever }, sandbox.TroubleNever},
	} {
		s := b.spec(c.program)
		s.Patient = true
		c.change(&s.Containers[0])
		b.up(s)
		_, err := b.rt.Pull(b.ctx, s, &s.Containers[0])
		if stop := b.stopError(err); stop.Trouble != c.trouble || stop.Container != "c0" || !strings.HasPrefix(stop.Reason, "CannotPullContainerError: ") {
			b.Errorf("%s: %+v", what, stop)
		}
	}
}

func commandTrouble(b *bench) {
	s := b.spec(Program{NoCommand: true})
	s.Patient, s.Containers[0].Restart.Fresh = true, true
	b.up(s)
	stop := b.stopError(b.tryStart(s, 0))
	if stop.Trouble != sandbox.TroubleRun || !strings.Contains(stop.Text, "/no-such-command") || strings.HasPrefix(stop.Text, "CannotStart") {
		b.Errorf("%+v", stop)
	}
	if again := b.stopError(b.rt.Start(b.ctx, s, &s.Containers[0], 1, nil)); again.Trouble != sandbox.TroubleRun {
		b.Errorf("the next attempt: %+v", again)
	}
}

func rootRefused(b *bench) {
	s := b.spec(Program{}, Exits(0))
	s.Containers[0].NonRoot, s.Containers[0].User = true, "0:5"
	s.Containers[1].NonRoot, s.Containers[1].User = true, "1000"
	b.up(s)
	stop := b.stopError(b.tryStart(s, 0))
	if stop.Trouble != sandbox.TroubleConfig || stop.Text != "container's runAsUser breaks non-root policy" {
		b.Errorf("%+v", stop)
	}
	b.start(s, 1)
	b.ended(s, "c1")
	if b.o.can(Processes) { // only they have images with a user
		s.Containers[0].User = ""
		stop = b.stopError(b.rt.Start(b.ctx, s, &s.Containers[0], 0, nil))
		if stop.Text != "container has runAsNonRoot and image will run as root" {
			b.Errorf("%+v", stop)
		}
	}
}

func groupsAndSeccomp(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		c := &s.Containers[0]
		c.User, c.Groups, c.Seccomp = "1000:1000", []int{2000, 3000}, "unconfined"
	}, "groups", "seccomp")
	for _, g := range []string{"2000", "3000"} {
		if !strings.Contains(got[0], g) {
			b.Errorf("groups %q", got[0])
		}
	}
	b.wants(got[1:], "0")
}

func volumeModes(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		s.Volumes = []sandbox.Volume{
			{Name: "open", Mode: 0o777, Empty: true},
			{Name: "mine", Mode: 0o770, GID: 2000, Empty: true},
			{Name: "memory", Memory: true, Mode: 0o777, GID: 2000, Empty: true},
			{Name: "files", GID: 2000, Files: []sandbox.File{{Path: "d/f", Mode: 0o640}}},
		}
		c := &s.Containers[0]
		c.User, c.Groups = "1000:1000", []int{2000}
		for _, v := range s.Volumes {
			c.Mounts = append(c.Mounts, sandbox.Mount{Volume: v.Name, Path: "/" + v.Name})
		}
	}, "mode /open", "mode /mine", "mode /memory", "mode /files", "mode /files/d", "mode /files/d/f", "write /open/x t", "write /mine/x t", "mode /mine/x", "write /memory/x t", "read /files/d/f")
	b.wants(got, "0777 0:0", "02770 0:2000", "02777 0:2000", "02755 0:2000", "02755 0:2000", "0640 0:2000", "ok", "ok", "0644 1000:2000", "ok", "")
}

func emptyVolume(b *bench) {
	got := b.does(func(s *sandbox.Spec) {
		s.Volumes = []sandbox.Volume{{Name: "e", Empty: true}}
		s.Containers[0].Mounts = []sandbox.Mount{{Volume: "e", Path: "/seed"}}
	}, "read /seed/file")
	if !strings.Contains(got[0], "no such file") {
		b.Errorf("in the empty volume: %q", got[0])
	}
}

// performs runs the program in a container and returns a line for each thing.
func (b *bench) performs(s *sandbox.Spec, things ...string) []string {
	b.Helper()
	exec, ok := b.rt.(sandbox.Exec)
	if !ok {
		b.Skip("this runtime has no Exec")
	}
	argv := []string{Path, "-exit=0"}
	for _, t := range things {
		argv = append(argv, "-do="+t)
	}
	var out bytes.Buffer
	if code, err := exec.Exec(b.ctx, s.ID, "c0", argv, nil, sandbox.Streams{Out: &out}); code != 0 || err != nil {
		b.Fatalf("%v: code %d, %v", things, code, err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func (b *bench) writes(s *sandbox.Spec, files ...sandbox.File) {
	b.Helper()
	w, ok := b.rt.(sandbox.FileWriter)
	if !ok {
		b.Skip("this runtime has no WriteFiles")
	}
	if err := w.WriteFiles(b.ctx, s.ID, "v", files); err != nil {
		b.Fatalf("WriteFiles: %v", err)
	}
}

func text(path, data string) sandbox.File {
	return sandbox.File{Path: path, Mode: 0o644, Data: []byte(data)}
}

func atomicVolume(b *bench) {
	s := b.spec(Program{})
	s.Volumes = []sandbox.Volume{{Name: "v", Atomic: true, GID: 2000, Files: []sandbox.File{text("a", "1"), text("b", "1"), text("dir/c", "1")}}}
	s.Containers[0].Mounts = []sandbox.Mount{{Volume: "v", Path: "/v", ReadOnly: true}}
	b.up(s)
	b.start(s, 0)
	first := b.performs(s, "read /v/a", "read /v/dir/c", "link /v/a", "link /v/..data", "mode /v/dir/c")
	b.wants(append(first[:3:3], first[4]), "1", "1", "..data/a", "0644 0:2000")
	b.writes(s, text("a", "2"), text("new", "2"))
	second := b.performs(s, "read /v/a", "read /v/new", "link /v/..data", "mode /v/new", "read /v/b", "read /v/"+first[3]+"/a")
	b.wants([]string{second[0], second[1], second[3]}, "2", "2", "0644 0:2000")
	if second[2] == first[3] || !strings.HasPrefix(second[2], "..2") {
		b.Errorf("..data leads to %q, and did to %q", second[2], first[3])
	}
	for _, gone := range second[4:] {
		if !strings.Contains(gone, "no such file") {
			b.Errorf("what was there before is still there: %q", gone)
		}
	}
}

func plainVolume(b *bench) {
	s := b.spec(Program{})
	s.Volumes = []sandbox.Volume{{Name: "v", Files: []sandbox.File{text("a", "1"), text("b", "1")}}}
	s.Containers[0].Mounts = []sandbox.Mount{{Volume: "v", Path: "/v"}}
	b.up(s)
	b.start(s, 0)
	b.writes(s, text("a", "2"), text("d/new", "2"))
	b.wants(b.performs(s, "read /v/a", "read /v/b", "read /v/d/new"), "2", "1", "2")
}

func subPathOfFile(b *bench) {
	s := b.spec(Program{})
	s.Volumes = []sandbox.Volume{{Name: "v", Atomic: true, Files: []sandbox.File{text("a", "1"), text("dir/c", "1")}}}
	s.Containers[0].Mounts = []sandbox.Mount{
		{Volume: "v", Path: "/etc/one.conf", SubPath: "a", ReadOnly: true}, {Volume: "v", Path: "/dir", SubPath: "dir"}, {Volume: "v", Path: "/v"},
	}
	b.up(s)
	b.start(s, 0)
	b.writes(s, text("a", "2"), text("dir/c", "2"))
	b.wants(b.performs(s, "read /etc/one.conf", "read /v/a"), "1", "2")
}

func sharedProcesses(b *bench) {
	alone, sees := Exits(0), Exits(0)
	alone.Do, sees.Do = []string{"processes"}, []string{"processes"}
	s := b.spec(Program{}, alone, sees)
	s.Containers[2].Ephemeral, s.Containers[2].Target = true, "c0"
	b.up(s)
	for i := range s.Containers {
		b.start(s, i)
	}
	b.ended(s, "c1")
	b.ended(s, "c2")
	b.wants(append(texts(b.output(s, "c1", sandbox.LogsOptions{})), texts(b.output(s, "c2", sandbox.LogsOptions{}))...), "1", "2")
	pod := b.spec(Program{}, sees)
	for i := range pod.Containers {
		pod.Containers[i].ShareProcesses = true
	}
	b.up(pod)
	b.start(pod, 0)
	b.start(pod, 1)
	b.ended(pod, "c1")
	b.wants(texts(b.output(pod, "c1", sandbox.LogsOptions{})), "3") // and the sandbox's own
}

func execTerminal(b *bench) {
	s := b.launch(Program{})
	sizes := make(chan sandbox.TerminalSize, 1)
	sizes <- sandbox.TerminalSize{Width: 132, Height: 43}
	var out bytes.Buffer
	code, err := b.rt.(sandbox.Exec).Exec(b.ctx, s.ID, "c0", []string{Path, "-do=terminal 132x43", "-exit=0"}, nil, sandbox.Streams{Out: &out, TTY: true, Resize: sizes})
	if code != 0 || err != nil || out.String() != "132x43\r\n" {
		b.Errorf("code %d, %v: %q", code, err, out.String())
	}
}

func execInput(b *bench) {
	s := b.launch(Program{})
	var out bytes.Buffer
	code, err := b.rt.(sandbox.Exec).Exec(b.ctx, s.ID, "c0", []string{Path, "-do=stdin", "-exit=4"}, nil, sandbox.Streams{In: strings.NewReader("typed"), Out: &out})
	if code != 4 || err != nil || out.String() != "typed\n" {
		b.Errorf("code %d, %v: %q", code, err, out.String())
	}
}

func execKilled(b *bench) {
	s := b.launch(Program{})
	exec := b.rt.(sandbox.Exec)
	ctx, cancel := context.WithTimeout(b.ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := exec.Exec(ctx, s.ID, "c0", []string{Path, "-ignore-term"}, nil, sandbox.Streams{}); err == nil {
		b.Error("no error")
	}
	b.await("the executed process ends", func() bool { return b.performs(s, "processes")[0] == "2" })
}

func execWaited(b *bench) {
	s := b.launch(Program{})
	exec := b.rt.(sandbox.Exec)
	code, err := exec.Exec(b.ctx, s.ID, "c0", []string{Path, "-quiet", "-run=500ms", "-exit=3"}, nil, sandbox.Streams{Out: new(bytes.Buffer)})
	if code != 3 || err != nil {
		b.Errorf("code %d, %v", code, err)
	}
}

func stdinOnce(b *bench) {
	attach, ok := b.rt.(sandbox.Attach)
	if !ok {
		b.Skip("this runtime has no Attach")
	}
	p := Exits(0)
	p.Do = []string{"stdin"}
	s := b.spec(p)
	s.Containers[0].Stdin, s.Containers[0].StdinOnce = true, true
	b.up(s)
	b.start(s, 0)
	var out bytes.Buffer
	if err := attach.Attach(b.ctx, s.ID, "c0", sandbox.Streams{In: strings.NewReader("typed"), Out: &out}); err != nil {
		b.Fatal(err)
	}
	b.ended(s, "c0")
	if out.String() != "typed\n" {
		b.Errorf("attached: %q", out.String())
	}
	b.wants(texts(b.output(s, "c0", sandbox.LogsOptions{})), "typed")
}
