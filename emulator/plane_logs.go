package emulator

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/eks/controlplane"
	"github.com/neargate/neargate/emulator/logs"
	"github.com/neargate/neargate/emulator/store"
)

// planeLogs brings what control planes log to CloudWatch Logs: each type that
// a cluster's logging enables, into the group /aws/eks/NAME/cluster, which is
// made with the first line, as EKS does.
type planeLogs struct {
	store *store.Store
	logs  *logs.API
}

// Write implements controlplane.LogSink. Lines of a cluster that is gone are
// nobody's.
func (p planeLogs) Write(ctx context.Context, clusterARN string, lines []controlplane.LogLine) error {
	arn, err := apiwire.ParseARN(clusterARN)
	if err != nil {
		return err
	}
	var enabled []types.LogType
	err = p.store.View(ctx, func(tx *store.Tx) (err error) {
		enabled, err = eks.EnabledLogs(tx, clusterARN)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range byStream(lines, enabled) {
		// Opened anew for each batch: it costs little, and a group or a stream
		// that somebody has deleted is made again.
		w, err := p.logs.OpenStream(ctx, logs.StreamOptions{
			Account: arn.Account, Region: arn.Region, Group: "/aws/eks/" + nameIn(arn) + "/cluster", Stream: s.name, Create: true, Cursor: "control plane",
		})
		if err != nil {
			return err
		}
		if err := w.Write(ctx, s.lines); err != nil {
			return err
		}
	}
	return nil
}

// planeStream is what goes to one log stream.
type planeStream struct {
	name  string
	lines []logs.Line
}

// byStream sorts out lines of the types that are enabled, and leaves them in
// order.
func byStream(lines []controlplane.LogLine, enabled []types.LogType) (all []planeStream) {
	for _, l := range lines {
		if !slices.Contains(enabled, types.LogType(l.Type)) {
			continue
		}
		i := slices.IndexFunc(all, func(s planeStream) bool { return s.name == l.Stream })
		if i < 0 {
			i = len(all)
			all = append(all, planeStream{name: l.Stream})
		}
		all[i].lines = append(all[i].lines, logs.Line{At: l.At, Text: l.Text})
	}
	return all
}

// nameIn is the name of the cluster in its ARN.
func nameIn(arn apiwire.ARN) string { return arn.Resource[len("cluster/"):] }
