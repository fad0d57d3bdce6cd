package eks

import (
	"fmt"
	"strconv"
	"strings"
)

// This file knows the EC2 instance types that nodes can be of. How big a node
// is follows from its type alone: nothing of EC2 stands behind it.

// instanceType is how much a node of a type has.
type instanceType struct {
	cpu    int64 // units, 1024 = one vCPU
	memory int64 // bytes
	arm    bool
}

const gib = int64(1) << 30

// instanceFamilies are the common families without accelerators: memory in GiB
// for each vCPU and the sizes that there are. Sizes follow EC2's rule (large is
// 2 vCPUs, xlarge 4, Nxlarge 4·N); what does not is in oddInstanceTypes.
var instanceFamilies = []struct {
	names string
	ratio int64
	arm   bool
	sizes string
}{
	{"m5 m5a m5ad m5d", 4, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"},
	{"m5n m5dn", 4, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"},
	{"m5zn", 4, false, "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge"},
	{"m6i m6id m6idn m6in", 4, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"},
	{"m6a", 4, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge"},
	{"m7i", 4, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"},
	{"m8i", 4, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge"},
	{"m7a m8a", 4, false, "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge"},
	{"m7i-flex m8i-flex", 4, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"},
	{"m6g m6gd m7g m7gd", 4, true, "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"},
	{"m8g m8gd", 4, true, "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"},
	{"c5 c5d", 2, false, "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge"},
	{"c5a c5ad", 2, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"},
	{"c6i c6id c6in", 2, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"},
	{"c6a", 2, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge"},
	{"c7i", 2, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"},
	{"c8i", 2, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge"},
	{"c7a c8a", 2, false, "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge"},
	{"c7i-flex c8i-flex", 2, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"},
	{"c6g c6gd c6gn c7g c7gd c7gn", 2, true, "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"},
	{"c8g c8gd c8gn", 2, true, "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"},
	{"r5 r5a r5ad r5b r5d r5dn r5n", 8, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"},
	{"r6i r6id r6idn r6in", 8, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"},
	{"r6a", 8, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge"},
	{"r7i", 8, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"},
	{"r8i", 8, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge"},
	{"r7a r8a", 8, false, "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge"},
	{"r6g r6gd r7g r7gd", 8, true, "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"},
	{"r8g r8gd", 8, true, "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"},
	{"i3en", 8, false, "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge 24xlarge"},
	{"i4i", 8, false, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"},
	{"i4g", 8, true, "large xlarge 2xlarge 4xlarge 8xlarge 16xlarge"},
	{"im4gn", 4, true, "large xlarge 2xlarge 4xlarge 8xlarge 16xlarge"},
	{"x2idn", 16, false, "16xlarge 24xlarge 32xlarge"},
	{"z1d", 8, false, "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge"},
	{"a1", 2, true, "medium large xlarge 2xlarge 4xlarge"},
}

// oddInstanceTypes have sizes of their own: size, vCPUs and MiB of memory.
var oddInstanceTypes = []struct {
	names string
	arm   bool
	sizes string
}{
	{"t3 t3a", false, "nano/2/512 micro/2/1024 small/2/2048 medium/2/4096 large/2/8192 xlarge/4/16384 2xlarge/8/32768"},
	{"t4g", true, "nano/2/512 micro/2/1024 small/2/2048 medium/2/4096 large/2/8192 xlarge/4/16384 2xlarge/8/32768"},
	{"t2", false, "nano/1/512 micro/1/1024 small/1/2048 medium/2/4096 large/2/8192 xlarge/4/16384 2xlarge/8/32768"},
	{"m4", false, "large/2/8192 xlarge/4/16384 2xlarge/8/32768 4xlarge/16/65536 10xlarge/40/163840 16xlarge/64/262144"},
	{"c4", false, "large/2/3840 xlarge/4/7680 2xlarge/8/15360 4xlarge/16/30720 8xlarge/36/61440"},
	{"r4 i3", false, "large/2/15616 xlarge/4/31232 2xlarge/8/62464 4xlarge/16/124928 8xlarge/32/249856 16xlarge/64/499712"},
	{"c5n", false, "large/2/5376 xlarge/4/10752 2xlarge/8/21504 4xlarge/16/43008 9xlarge/36/98304 18xlarge/72/196608"},
	{"m5 m5d", false, "metal/96/393216"},
	{"c5 c5d", false, "metal/96/196608"},
	{"r5 r5d", false, "metal/96/786432"},
}

// accelerated are the beginnings of the families whose point is a device that
// no node of Neargate has.
var accelerated = []string{"g4", "g5", "g6", "g7", "gr6", "p2", "p3", "p4", "p5", "p6", "inf", "trn", "dl1", "dl2", "f1", "f2", "vt1"}

// lookInstanceType finds a type by its name, "t3.medium".
func lookInstanceType(name string) (instanceType, bool) {
	family, size, ok := strings.Cut(name, ".")
	if !ok {
		return instanceType{}, false
	}
	for _, f := range oddInstanceTypes {
		if !hasWord(f.names, family) {
			continue
		}
		for one := range strings.FieldsSeq(f.sizes) {
			if rest, is := strings.CutPrefix(one, size+"/"); is {
				return oddSize(rest, f.arm), true
			}
		}
	}
	for _, f := range instanceFamilies {
		if hasWord(f.names, family) && hasWord(f.sizes, size) {
			n := vCPUs(size)
			return instanceType{cpu: n * 1024, memory: n * f.ratio * gib, arm: f.arm}, true
		}
	}
	return instanceType{}, false
}

// oddSize reads "2/4096".
func oddSize(text string, arm bool) instanceType {
	var cpu, mib int64
	if _, err := fmt.Sscanf(text, "%d/%d", &cpu, &mib); err != nil {
		panic(fmt.Sprintf("eks: instance size %q: %v", text, err)) // a mistake in the table
	}
	return instanceType{cpu: cpu * 1024, memory: mib << 20, arm: arm}
}

func vCPUs(size string) int64 {
	switch size {
	case "medium":
		return 1
	case "large":
		return 2
	case "xlarge":
		return 4
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(size, "xlarge"), 10, 64)
	if err != nil {
		panic(fmt.Sprintf("eks: instance size %q: %v", size, err)) // a mistake in the table
	}
	return 4 * n
}

func hasWord(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

// isAccelerated tells whether a type has a GPU or another accelerator.
func isAccelerated(name string) bool {
	for _, begin := range accelerated {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}
