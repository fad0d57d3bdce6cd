package logs_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/logs"
	"github.com/neargate/neargate/emulator/reconcile"
)

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.group(t, "g")
		w.stream(t, "g", "s")
		w.stream(t, "g", "quiet")
		const day = 24 * time.Hour
		now := time.Now()
		w.put(t, "g", "s", now.Add(-9*day), "old", "older")
		w.put(t, "g", "s", now.Add(-4*day), "aging")
		w.put(t, "g", "s", now, "new")

		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		r := logs.NewRetention(w.store)
		go func() {
			done <- reconcile.Run(ctx, w.store, r, reconcile.Options{
				Name: "logs-retention", Kinds: r.Kinds(), Keys: r.Dirty, List: r.List, Resync: time.Hour, Log: zerolog.Nop(),
			})
		}()
		synctest.Wait()
		wantMessages(t, w.all(t, "g", "s"), "old", "older", "aging", "new")
		must[cwl.PutRetentionPolicyOutput](t)(w.PutRetentionPolicy(w.ctx, &cwl.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(5)}))
		time.Sleep(time.Second)
		synctest.Wait()
		wantMessages(t, w.all(t, "g", "s"), "aging", "new")
		g := must[cwl.DescribeLogGroupsOutput](t)(w.DescribeLogGroups(w.ctx, &cwl.DescribeLogGroupsInput{})).LogGroups[0]
		if want := int64(len("aging") + len("new") + 2*26); *g.StoredBytes != want {
			t.Errorf("stored bytes = %d, want %d", *g.StoredBytes, want)
		}
		time.Sleep(day + 10*time.Minute)
		synctest.Wait()
		wantMessages(t, w.all(t, "g", "s"), "new")
		must[cwl.DeleteRetentionPolicyOutput](t)(w.DeleteRetentionPolicy(w.ctx, &cwl.DeleteRetentionPolicyInput{LogGroupName: aws.String("g")}))
		time.Sleep(6 * day)
		synctest.Wait()
		wantMessages(t, w.all(t, "g", "s"), "new")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
