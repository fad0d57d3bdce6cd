package runtimetest

import "github.com/neargate/neargate/emulator/sandbox"

func resizedInPlace(b *bench) {
	r, ok := b.rt.(sandbox.Resizer)
	stats, too := b.rt.(sandbox.StatsReader)
	if !ok || !too {
		b.Skip("this runtime changes nothing that runs, or does not tell")
	}
	s := b.spec(Program{})
	c := &s.Containers[0]
	c.CPU, c.CPULimit, c.Memory = 256, 512, 64<<20
	s.Size = sandbox.Size{CPU: 512, Memory: 64 << 20}
	b.up(s)
	if err := r.Resize(b.ctx, s, c); err != nil {
		b.Errorf("of one that does not run: %v", err)
	}
	b.start(s, 0)
	before := b.inspect(s).Containers["c0"]
	for _, memory := range []int64{128 << 20, 96 << 20} {
		c.CPULimit, c.Memory, c.MemoryReservation = 1024, memory, 32<<20
		s.Size.CPU, s.Size.Memory = 1024, memory
		if err := r.Resize(b.ctx, s, c); err != nil {
			b.Fatal(err)
		}
		got, err := stats.Stats(b.ctx, s.ID)
		if err != nil || got.Containers["c0"].MemoryLimit != uint64(memory) {
			b.Errorf("%d bytes were wanted: %+v, %v", memory, got.Containers["c0"], err)
		}
	}
	if after := b.inspect(s).Containers["c0"]; after.RuntimeID != before.RuntimeID || !after.StartedAt.Equal(before.StartedAt) {
		b.Errorf("it was %+v and is %+v", before, after)
	}
}
