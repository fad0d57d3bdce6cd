package pattern_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/neargate/neargate/emulator/logs/pattern"
)

const (
	access = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	trail  = `{"eventType":"UpdateTrail","code":400,"ratio":0.04,"ip":"123.123.4.5","deep":{"list":[{"a":1},{"a":"x"}],"no":null,"on":true,"off":false},"s":"a \"b\" c","detail-type":"d","n":"007"}`
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{"  ", "", true},
		{`""`, "anything", true},
		{"ERROR", "[ERROR 400] BAD REQUEST", true},
		{"ERROR", "[error 400]", false},
		{"ERROR REQUEST", "REQUEST ERROR", true},
		{"ERROR REQUEST", "ERROR", false},
		{`"ERROR 400"`, "[ERROR 400]", true},
		{`"ERROR 400"`, "[ERROR  400]", false},
		{`"say \"hi\" \\ now"`, `we say "hi" \ now`, true},
		{"ERROR -EXITING", "ERROR", true},
		{"ERROR -EXITING", "ERROR EXITING", false},
		{`-"not found"`, "found", true},
		{`-"not found"`, "not found", false},
		{"?ERROR ?WARN", "WARN", true},
		{`?ERROR ?"a b"`, "a b", true},
		{"?ERROR ?WARN", "INFO", false},
		{"?INFO REQUEST", "REQUEST", true}, // ? counts only among its like
		{"?INFO REQUEST", "INFO", false},
		{"?INFO -REQUEST", "x", true},
		{"grün", "alles grün", true},
		{"%4[0-9]{2}%", "code 404", true},
		{"%4[0-9]{2}%", "code 504", false},
		{`%\d+\.\d% ERROR`, "ERROR 1.5", true},
		{`-%a|b%`, "xbx", false},

		{`{ $.eventType = "UpdateTrail" }`, trail, true},
		{`{$.eventType=UpdateTrail}`, trail, true},
		{`{ $.eventType = "Update*" }`, trail, true},
		{`{ $.eventType = "*T*l" }`, trail, true},
		{`{ $.eventType = * }`, trail, true},
		{`{ $.eventType = "update*" }`, trail, false},
		{`{ $.eventType != "Other" }`, trail, true},
		{`{ $.eventType = %^Up[a-z]+Trail$% }`, trail, true},
		{`{ $.eventType != %Trail% }`, trail, false},
		{`{ $.absent != "x" }`, trail, false},
		{`{ $.absent NOT EXISTS }`, trail, true},
		{`{ $.code NOT EXISTS }`, trail, false},
		{`{ $.code EXISTS }`, trail, true},
		{`{ $.code = 400 }`, trail, true},
		{`{ $.code = 400.0 }`, trail, true},
		{`{ $.code = 4* }`, trail, true},
		{`{ $.code != 400 }`, trail, false},
		{`{ $.code >= 400 && $.code < 401 }`, trail, true},
		{`{ $.code > 400 }`, trail, false},
		{`{ $.code <= 4e2 }`, trail, true},
		{`{ $.ratio = 4e-2 }`, trail, true},
		{`{ $.eventType > 1 }`, trail, false},
		{`{ $.n > 1 }`, trail, false}, // text in JSON is no number
		{`{ $.n = 007 }`, trail, true},
		{`{ $.n = 7 }`, trail, false},
		{`{ $.ip = 123.123.* }`, trail, true},
		{`{ $.ip != 123.123.* }`, trail, false},
		{`{ $.s = "a \"b\" c" }`, trail, true},
		{`{ $.detail-type = "d" }`, trail, true},
		{`{ $.deep.no IS NULL }`, trail, true},
		{`{ $.deep.no = "null" }`, trail, false},
		{`{ $.deep.no != "x" }`, trail, true},
		{`{ $.deep.on IS TRUE }`, trail, true},
		{`{ $.deep.off IS TRUE }`, trail, false},
		{`{ $.deep.off is false }`, trail, true},
		{`{ $.code IS NULL }`, trail, false},
		{`{ $.deep.list[0].a = 1 }`, trail, true},
		{`{ $.deep.list[1].a = 1 }`, trail, false},
		{`{ $.deep.list[9].a = 1 }`, trail, false},
		{`{ $.deep.list[*].a = "x" }`, trail, true},
		{`{ $.deep.*[1].a = "x" }`, trail, true},
		{`{ $.deep = "x" }`, trail, false},
		{`{ ($.code = 1) || ($.code = 400 && $.eventType = "UpdateTrail") }`, trail, true},
		{`{ $.code = 1 || $.code = 2 && $.eventType = "UpdateTrail" }`, trail, false},
		{`{ $.code = 400 || $.code = 2 && $.eventType = "no" }`, trail, true},
		{`{ ($.code = 400 || $.code = 2) && $.eventType = "no" }`, trail, false},
		{`{ $.code = 400 }`, "no JSON", false},
		{`{ $.code = 400 }`, `{"code":400} and more`, false},
		{`{ $.code = 400 }`, ` {"code":400}` + "\n", true},
		{`{ $[0].a = 1 }`, `[{"a":1}]`, true},

		{"[ip, user, name, time, request, status, bytes]", access, true},
		{"[ip, user, name, time, request, status, bytes, more]", access, false},
		{"[..., status=404, bytes]", access, true},
		{"[..., status=4*, bytes>1000]", access, true},
		{"[..., status=4*, bytes>1534]", access, false},
		{"[ip=%127\\.0\\.0\\.[0-9]%, ...]", access, true},
		{"[ip, ..., bytes]", access, true},
		{"[ip, user, name, time, request=*.html*, status!=200, bytes]", access, true},
		{`[ip, user, name, time, request="GET *", status=400||status=404, bytes]`, access, true},
		{"[,,name=frank,...]", access, true},
		{"[..., (status=400 || status=404) && status!=40*, bytes]", access, false},
		{"[w1=ERROR, w2]", "ERROR of many words", true},
		{"[w1=ERROR, w2]", "an ERROR", false},
		{"[w1!=ERROR&&w1!=WARN, w2]", "INFO all is well", true},
		{"[w1!=ERROR&&w1!=WARN, w2]", "WARN not so", false},
		{`[timestamp=*Z, request_id="*-*", event]`, "2026-01-01T00:00:00Z\tab-cd\tmany words follow", true},
		{"[a=x, ...]", "x", true},
		{"[a]", "", false},
	} {
		p, err := pattern.Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := p.Match(c.message); got != c.want {
			t.Errorf("%s on %s = %v", c.pattern, c.message, got)
		}
	}
}

func TestExtract(t *testing.T) {
	for _, c := range []struct {
		pattern, message string
		want             map[string]string
	}{
		{"ERROR", "ERROR", map[string]string{}},
		{`{ $.eventType = "UpdateTrail" && $.deep.list[*].a = 1 && $.absent NOT EXISTS }`, trail, map[string]string{"$.eventType": "UpdateTrail", "$.deep.list[*].a": "1"}},
		{"[ip, , name, time, request, status_code, size]", access, map[string]string{
			"$ip": "127.0.0.1", "$2": "-", "$name": "frank", "$time": "10/Oct/2000:13:25:15 -0700", "$request": "GET /index.html HTTP/1.0", "$status_code": "404", "$size": "1534",
		}},
		{"[..., size]", access, map[string]string{
			"$1": "127.0.0.1", "$2": "-", "$3": "frank", "$4": "10/Oct/2000:13:25:15 -0700", "$5": "GET /index.html HTTP/1.0", "$6": "404", "$size": "1534",
		}},
		{"[a, rest]", "x  [y] z ", map[string]string{"$a": "x", "$rest": "[y] z"}},
	} {
		p, err := pattern.Parse(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		ok, got := p.Extract(c.message)
		if !ok || !maps.Equal(got, c.want) {
			t.Errorf("%s = %v, %v", c.pattern, ok, got)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for text, want := range map[string]string{
		"?Status: timeout":                  "Invalid character(s) in term ':'",
		"a[b":                               "Invalid character(s) in term '['",
		"(":                                 "Invalid character(s) in term '('",
		`"open`:                             "Invalid filter pattern: a double quotation mark is not closed.",
		"%a b%":                             "Invalid character(s) in term ' '",
		"%(a)%":                             "Invalid character(s) in term '('",
		"%[%":                               "Invalid regular expression in filter pattern: %[%",
		"%open":                             "Invalid filter pattern: a regular expression is not closed by a percent sign.",
		`{ $."sc-status" = 5* }`:            `Invalid character(s) in term '$."'`,
		`{ $.a = "x" `:                      "Invalid filter pattern: a brace is not closed.",
		`{ $.a = "x", $.b = 1 }`:            "Invalid character(s) in term ','",
		`{ $ = 1 }`:                         "Invalid character(s) in term '$ '",
		`{ $.a > "x" }`:                     "Invalid filter pattern: the operator > needs a number.",
		`{ $.a > x }`:                       "Invalid filter pattern: the operator > needs a number.",
		`{ $.a NOT }`:                       "Invalid filter pattern: EXISTS is missing behind NOT.",
		`{ $.a IS 5 }`:                      "Invalid filter pattern: IS is followed by NULL, TRUE or FALSE.",
		`{ ($.a = 5 }`:                      "Invalid filter pattern: a parenthesis is not closed.",
		`{ $.a[x] = 5 }`:                    "Invalid character(s) in term 'x'",
		`{ $.a[0 = 5 }`:                     "Invalid filter pattern: a bracket is not closed.",
		`{ $.a = 5 } x`:                     "Invalid character(s) in term 'x'",
		`{ $.a=%a% || $.b=%b% || $.c=%c% }`: "Invalid filter pattern: more than 2 regular expressions.",
		`[a, b`:                             "Invalid filter pattern: a bracket is not closed.",
		`[..., a, ...]`:                     "Invalid filter pattern: more than one ellipsis.",
		`[a=1 && b=2]`:                      "Invalid filter pattern: the conditions of field a name b.",
		`[a b]`:                             "Invalid character(s) in term 'b'",
		`[a=]`:                              "Invalid character(s) in term ']'",
		`[:]`:                               "Invalid character(s) in term ':'",
	} {
		_, err := pattern.Parse(text)
		e, ok := errors.AsType[*pattern.SyntaxError](err)
		if !ok || e.Message != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`a -b ?c "d\"" %e%`, `{ ($.a[0].* = "x*" || $.b >= 4e-2) && $.c NOT EXISTS }`, `[a, ..., b=4*||b=5*, c]`, "[", "{$.", "%", "[...]"} {
		f.Add(s, trail)
		f.Add(s, access)
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		p, err := pattern.Parse(text)
		if err != nil {
			if _, ok := errors.AsType[*pattern.SyntaxError](err); !ok {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if ok, _ := p.Extract(message); ok != p.Match(message) {
			t.Errorf("%q on %q: Extract and Match differ", text, message)
		}
	})
}
