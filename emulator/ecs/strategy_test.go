package ecs_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/ecs"
)

func item(provider string, base, weight int32) types.CapacityProviderStrategyItem {
	return types.CapacityProviderStrategyItem{CapacityProvider: aws.String(provider), Base: base, Weight: weight}
}

func strategy(items ...types.CapacityProviderStrategyItem) []types.CapacityProviderStrategyItem {
	return items
}

func TestDistribute(t *testing.T) {
	for _, row := range []struct {
		name     string
		strategy []types.CapacityProviderStrategyItem
		n        int
		want     []int
	}{
		{"no tasks", strategy(item("A", 1, 1), item("B", 0, 1)), 0, []int{0, 0}},
		{"one provider", strategy(item("A", 0, 1)), 7, []int{7}},
		{"even", strategy(item("A", 0, 1), item("B", 0, 1)), 4, []int{2, 2}},
		{"odd goes to the first", strategy(item("A", 0, 1), item("B", 0, 1)), 3, []int{2, 1}},
		{"one to four", strategy(item("A", 0, 1), item("B", 0, 4)), 10, []int{2, 8}},
		{"one task, the heavier", strategy(item("A", 0, 1), item("B", 0, 4)), 1, []int{0, 1}},
		{"base first", strategy(item("A", 2, 0), item("B", 0, 1)), 5, []int{2, 3}},
		{"base not reached", strategy(item("A", 10, 1), item("B", 0, 1)), 4, []int{4, 0}},
		{"base and weights", strategy(item("A", 1, 1), item("B", 0, 3)), 9, []int{3, 6}},
		{"no weight", strategy(item("A", 0, 0), item("B", 0, 1)), 3, []int{0, 3}},
	} {
		if d := cmp.Diff(row.want, ecs.Distribute(row.strategy, row.n)); d != "" {
			t.Errorf("%s: %s", row.name, d)
		}
	}
}

// Whatever the strategy: all tasks are placed, the base is there first, nobody
// without weight gets more than it, and everybody is within one task of the
// exact share.
func TestDistributeIsFair(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		n, based := r.IntN(60), r.IntN(3)
		var s []types.CapacityProviderStrategyItem
		total := 0
		for i := range 3 {
			one := item(string(rune('A'+i)), 0, int32(r.IntN(6)))
			if i == based {
				one.Base = int32(r.IntN(10))
			}
			total += int(one.Weight)
			s = append(s, one)
		}
		if total == 0 {
			continue
		}
		got := ecs.Distribute(s, n)
		base := min(int(s[based].Base), n)
		sum := 0
		for i, count := range got {
			sum += count
			share := float64(n-base) * float64(s[i].Weight) / float64(total)
			extra := float64(count)
			if i == based {
				extra -= float64(base)
			}
			if extra <= share-1 || extra >= share+1 || s[i].Weight == 0 && extra != 0 {
				t.Fatalf("%v of %d: %v", s, n, got)
			}
		}
		if sum != n || got[based] < base {
			t.Fatalf("%+v of %d: %v", s, n, got)
		}
	}
}

func TestRefusedStrategies(t *testing.T) {
	a := newAccount(t)
	a.createCluster(t, sdk.CreateClusterInput{CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}})
	for _, row := range []struct {
		name     string
		strategy []types.CapacityProviderStrategyItem
		want     string
	}{
		{"no weight", strategy(item("FARGATE", 1, 0)),
			"There are no capacity providers in the capacity provider strategy with a weight value greater than zero. Specify at least one capacity provider with a weight value greater than zero and try again."},
		{"heavy", strategy(item("FARGATE", 0, 1001)), "The specified capacity provider strategy weight is invalid. Specify a value between 0 and 1000 and try again."},
		{"based", strategy(item("FARGATE", 100001, 1)), "The specified capacity provider strategy base is invalid. Specify a value between 0 and 100000 and try again."},
		{"twice", strategy(item("FARGATE", 0, 1), item(arnPrefix+"capacity-provider/FARGATE", 0, 1)),
			"The specified capacity provider strategy contains the capacity provider 'FARGATE' more than once. Specify each capacity provider once and try again."},
		{"many", make([]types.CapacityProviderStrategyItem, 21),
			"The specified capacity provider strategy cannot contain more than 20 capacity providers. Specify fewer capacity providers and try again."},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := a.PutClusterCapacityProviders(a.ctx, &sdk.PutClusterCapacityProvidersInput{
				Cluster: aws.String("default"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, DefaultCapacityProviderStrategy: row.strategy,
			})
			refused(t, err, "InvalidParameterException: "+row.want)
		})
	}
}

func TestFargateSizes(t *testing.T) {
	if n := len(fargateSizes()); n != 74 {
		t.Fatalf("the reference has 74 sizes, this table %d", n)
	}
	for _, row := range []struct {
		cpu, memory string
		want        bool
	}{
		{"256", "512", true}, {"256", "1024", true}, {"256", "1536", false}, {"256", "2048", true}, {"256", "3072", false},
		{"512", "512", false}, {"512", "1024", true}, {"512", "4096", true}, {"512", "1500", false},
		{"1024", "8192", true}, {"1024", "9216", false}, {"2048", "16384", true}, {"2048", "3072", false},
		{"4096", "30720", true}, {"4096", "31744", false}, {"8192", "16384", true}, {"8192", "18432", false}, {"8192", "61440", true},
		{"16384", "32768", true}, {"16384", "36864", false}, {"16384", "122880", true}, {"32768", "122880", false}, {"x", "512", false},
	} {
		if got := ecs.FargateSize(row.cpu, row.memory); got != row.want {
			t.Errorf("%s/%s: %v", row.cpu, row.memory, got)
		}
	}
}

// fargateSizes are all sizes that there are, found by trying.
func fargateSizes() [][2]int {
	var found [][2]int
	for cpu := 256; cpu <= 32768; cpu *= 2 {
		for memory := 256; memory <= 262144; memory += 256 {
			if ecs.FargateSize(strconv.Itoa(cpu), strconv.Itoa(memory)) {
				found = append(found, [2]int{cpu, memory})
			}
		}
	}
	return found
}

func TestSizesAsPeopleWriteThem(t *testing.T) {
	for _, row := range []struct{ given, cpu, memory string }{
		{"256", "256", "256"}, {"0512", "512", "512"}, {"1 vCPU", "1024", "1 vCPU"}, {".5 vcpu", "512", ".5 vcpu"}, {"0.25vCPU", "256", "0.25vCPU"},
		{"1 GB", "1 GB", "1024"}, {"0.5GB", "0.5GB", "512"}, {"16 gb", "16 gb", "16384"}, {"two", "two", "two"}, {"-1", "-1", "-1"}, {"0", "0", "0"},
	} {
		if got := ecs.CPUUnits(row.given); got != row.cpu {
			t.Errorf("cpu %q is %q, not %q", row.given, got, row.cpu)
		}
		if got := ecs.MemoryMiB(row.given); got != row.memory {
			t.Errorf("memory %q is %q, not %q", row.given, got, row.memory)
		}
	}
}
