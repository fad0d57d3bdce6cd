package logs_test

import (
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/logs"
)

func TestParseAWSLogs(t *testing.T) {
	o, err := logs.ParseAWSLogs(map[string]string{
		"awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "p", "awslogs-create-group": "true",
		"awslogs-multiline-pattern": `^\d`, "awslogs-force-flush-interval-seconds": "7", "mode": "blocking", "max-buffer-size": "1m",
	}, "web", "0123")
	if err != nil {
		t.Fatal(err)
	}
	if o.Group != "/ecs/web" || o.Region != "eu-west-1" || o.Stream != "p/web/0123" || !o.Create || o.Cursor != "0123/web" ||
		o.Multiline.Begin.String() != `^\d` || o.Multiline.Flush != 7*time.Second {
		t.Errorf("options = %+v", o)
	}
	for stream, options := range map[string]map[string]string{
		"web/0123": {"awslogs-group": "g"},
		"mine":     {"awslogs-group": "g", "awslogs-stream": "mine"},
	} {
		if o, err := logs.ParseAWSLogs(options, "web", "0123"); err != nil || o.Stream != stream || o.Create || o.Multiline.Begin != nil {
			t.Errorf("options = %+v, %v, want stream %s", o, err, stream)
		}
	}
}

func TestParseAWSLogsErrors(t *testing.T) {
	for want, extra := range map[string][]string{
		"unknown log opt 'awslogs-colour' for awslogs log driver":                                                           {"awslogs-colour", "red"},
		"must specify a value for log opt 'awslogs-group'":                                                                  {"awslogs-group", ""},
		"must specify valid value for log opt 'awslogs-create-group': strconv.ParseBool: parsing \"maybe\": invalid syntax": {"awslogs-create-group", "maybe"},
		"awslogs could not parse multiline pattern key \"(\": error parsing regexp: missing closing ): `(`":                 {"awslogs-multiline-pattern", "("},
		"must specify a positive integer for log opt 'awslogs-force-flush-interval-seconds': 0":                             {"awslogs-force-flush-interval-seconds", "0"},
		"you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time":           {"awslogs-datetime-format", "%Y", "awslogs-multiline-pattern", "x"},
	} {
		options := map[string]string{"awslogs-group": "g"}
		for i := 0; i < len(extra); i += 2 {
			options[extra[i]] = extra[i+1]
		}
		if _, err := logs.ParseAWSLogs(options, "c", "t"); err == nil || err.Error() != want {
			t.Errorf("error = %v\nwant    %s", err, want)
		}
	}
}

func TestDatetimeFormat(t *testing.T) {
	for _, c := range []struct {
		format, line string
		want         bool
	}{
		{`%Y-%m-%d %H:%M:%S`, "2026-02-28 23:59:01 x", true},
		{`%Y-%m-%d %H:%M:%S`, "  at 2026-13-28", false},
		{`\[%b %d, %Y %H:%M:%S\]`, "[May 01, 2017 19:00:01] A message", true},
		{`\[%b %d, %Y %H:%M:%S\]`, "May 01, 2017 19:00:01", false},
		{`%a %B %I:%M %p`, "Mon January 09:15 AM", true},
		{`%A %w %y`, "Sunday 0 26", true},
		{`%H:%M:%S%L`, "10:00:00.123", true},
		{`%S.%f`, "00.123456", true},
		{`%z %Z`, "+0100 CET", true},
		{`%z %Z`, "0100 cet", false},
		{`%Y %j`, "2026 059", true},
		{`100%%`, "100% done", true},
		{`%Q`, "%Q", true},
	} {
		o, err := logs.ParseAWSLogs(map[string]string{"awslogs-group": "g", "awslogs-datetime-format": c.format}, "c", "t")
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Multiline.Begin.MatchString(c.line); got != c.want {
			t.Errorf("%s on %s = %v (%s)", c.format, c.line, got, o.Multiline.Begin)
		}
	}
}
