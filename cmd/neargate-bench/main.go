// Neargate-bench measures a server and prints one table. What runs on Docker
// is measured against plain Docker in the same run, because only ratios can be
// compared between machines. `make bench` runs it.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
)

// row is one line of the table.
type row struct{ measure, result, goal string }

// section measures a few rows.
type section struct {
	name string
	run  func(context.Context, *bench) ([]row, error)
}

var sections = []section{
	{"start", measureStart},
	{"calls", measureCalls},
	{"fake", measureFake},
	{"docker", measureDocker},
	{"kube", measureKube},
}

type bench struct {
	neargate, web, kube string
	tasks               []int // how many tasks the store holds when RunTask is measured again
}

func main() {
	b := &bench{tasks: []int{10_000, 100_000}} // as the row is named
	var only string
	flag.StringVar(&b.neargate, "neargate", "bin/neargate", "the server's binary")
	flag.StringVar(&b.web, "web", "bin/demo-web", "a workload: a static Linux binary")
	flag.StringVar(&b.kube, "kube", "bin/neargate-kube", "the control plane of clusters")
	flag.StringVar(&only, "only", "", "only these parts, with commas: start, calls, fake, docker, kube")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := b.run(ctx, only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context, only string) error {
	var rows []row
	for _, s := range sections {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s …\n", s.name)
		more, err := s.run(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		rows = append(rows, more...)
	}
	print(rows)
	return nil
}

func print(rows []row) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| measure\t| result\t| at least\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s\t| %s\t| %s\t|\n", r.measure, r.result, r.goal)
	}
	w.Flush()
}

// quantile returns the q-th of a list, 0.5 being the median. It sorts the list.
func quantile[T cmp.Ordered](list []T, q float64) T {
	slices.Sort(list)
	return list[min(len(list)-1, int(q*float64(len(list))))]
}
