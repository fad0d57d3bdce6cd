package logs_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/apiwire"
)

// direct is an HTTP client that calls a handler.
type direct struct{ http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host = in.URL.Host
	w := httptest.NewRecorder()
	d.ServeHTTP(w, in)
	return w.Result(), nil
}

// client is a real SDK client of the API, over the wire but not a network.
func (w world) client() *cwl.Client {
	handler := apiwire.New(apiwire.Options{Account: account, Region: region, Log: zerolog.Nop()},
		apiwire.JSON11("logs", "Logs_20140328", w.API).WithConstraints(apiwire.ConstraintsOf("logs"), apiwire.VoiceLogs))
	return cwl.New(cwl.Options{
		Region: region, HTTPClient: direct{handler}, BaseEndpoint: aws.String("http://neargate.test"), Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

func TestSDK(t *testing.T) {
	c := newWorld(t).client()
	ctx := t.Context()
	g, s := aws.String("/ecs/web"), aws.String("web/app/1")
	must[cwl.CreateLogGroupOutput](t)(c.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: g}))
	must[cwl.CreateLogStreamOutput](t)(c.CreateLogStream(ctx, &cwl.CreateLogStreamInput{LogGroupName: g, LogStreamName: s}))
	now := time.Now().UnixMilli()
	for i := range int64(5) {
		must[cwl.PutLogEventsOutput](t)(c.PutLogEvents(ctx, &cwl.PutLogEventsInput{
			LogGroupName: g, LogStreamName: s, LogEvents: []types.InputLogEvent{{Timestamp: aws.Int64(now + i), Message: aws.String(string(rune('a' + i)))}},
		}))
	}
	var filtered, got string
	for pages := cwl.NewFilterLogEventsPaginator(c, &cwl.FilterLogEventsInput{LogGroupName: g, Limit: aws.Int32(2)}); pages.HasMorePages(); {
		for _, e := range must[cwl.FilterLogEventsOutput](t)(pages.NextPage(ctx)).Events {
			filtered += *e.Message
		}
	}
	paginator := cwl.NewGetLogEventsPaginator(c, &cwl.GetLogEventsInput{LogGroupName: g, LogStreamName: s, Limit: aws.Int32(2), StartFromHead: aws.Bool(true)},
		func(o *cwl.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
	for paginator.HasMorePages() {
		for _, e := range must[cwl.GetLogEventsOutput](t)(paginator.NextPage(ctx)).Events {
			got += *e.Message
		}
	}
	if filtered != "abcde" || got != "abcde" {
		t.Errorf("events = %q and %q", filtered, got)
	}
	_, err := c.DeleteLogStream(ctx, &cwl.DeleteLogStreamInput{LogGroupName: g, LogStreamName: aws.String("none")})
	if e, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok || e.ErrorMessage() != "The specified log stream does not exist." {
		t.Errorf("error = %v", err)
	}
	_, err = c.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: g, LogStreamName: s, LogEvents: []types.InputLogEvent{}})
	if _, ok := errors.AsType[*types.InvalidParameterException](err); !ok {
		t.Errorf("error = %v, want an InvalidParameterException", err)
	}
}
