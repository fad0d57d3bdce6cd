package logs

import "strings"

// datetimeParts are the regular expressions for the directives of strftime
// that awslogs-datetime-format knows.
var datetimeParts = map[byte]string{
	'a': "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
	'A': "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)",
	'w': "[0-6]",
	'd': "(?:0[1-9]|[12][0-9]|3[01])",
	'b': "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
	'B': "(?:January|February|March|April|May|June|July|August|September|October|November|December)",
	'm': "(?:0[1-9]|1[0-2])",
	'Y': `\d{4}`,
	'y': `\d{2}`,
	'H': "(?:[01][0-9]|2[0-3])",
	'I': "(?:0[0-9]|1[0-2])",
	'p': "[AP]M",
	'M': "[0-5][0-9]",
	'S': "[0-5][0-9]",
	'f': `\d{6}`,
	'L': `\.\d{3}`,
	'z': `[+-]\d{4}`,
	'Z': "[A-Z]{1,4}T",
	'j': "(?:0[0-9][1-9]|0[1-9]0|[12][0-9][0-9]|3[0-5][0-9]|36[0-6])",
	'%': "%",
}

// datetimePattern is the regular expression for a time format. What is no
// directive stays as it is: the driver lets formats hold expressions, such as
// `\[%b %d, %Y %H:%M:%S\]`.
func datetimePattern(format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] == '%' && i+1 < len(format) {
			if part, ok := datetimeParts[format[i+1]]; ok {
				b.WriteString(part)
				i++
				continue
			}
		}
		b.WriteByte(format[i])
	}
	return b.String()
}
