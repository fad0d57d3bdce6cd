package ecs_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
)

// BenchmarkDescribeTasks describes a hundred tasks of two containers.
func BenchmarkDescribeTasks(b *testing.B) {
	w := newWorld(b)
	w.register(twoContainers())
	in := &sdk.DescribeTasksInput{}
	for range 10 {
		ten := launch("web")
		ten.Count = aws.Int32(10)
		for _, task := range w.run(ten) {
			in.Tasks = append(in.Tasks, *task.TaskArn)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if out, err := w.DescribeTasks(w.ctx, in); err != nil || len(out.Tasks) != 100 {
			b.Fatal(out, err)
		}
	}
}

// BenchmarkRunTask starts one task of two containers and writes it.
func BenchmarkRunTask(b *testing.B) {
	w := newWorld(b)
	w.register(twoContainers())
	in := launch("web")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.RunTask(w.ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRunTasks starts ten tasks at once.
func BenchmarkRunTasks(b *testing.B) {
	w := newWorld(b)
	w.register(twoContainers())
	in := launch("web")
	in.Count = aws.Int32(10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.RunTask(w.ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkListTasks lists a page of a hundred out of a thousand, of which a
// family has half.
func BenchmarkListTasks(b *testing.B) {
	w := newWorld(b)
	other := twoContainers()
	other.Family = aws.String("other")
	w.register(twoContainers())
	w.register(other)
	for i := range 100 {
		ten := launch([]string{"web", "other"}[i%2])
		ten.Count = aws.Int32(10)
		w.run(ten)
	}
	for name, in := range map[string]*sdk.ListTasksInput{"all": {}, "family": {Family: aws.String("web")}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if out, err := w.ListTasks(w.ctx, in); err != nil || len(out.TaskArns) != 100 {
					b.Fatal(out, err)
				}
			}
		})
	}
}
