package logs

import "encoding/base64"

// listToken is the opaque token for the page of a list behind some name; nil
// at the end.
func listToken(after string) *string {
	if after == "" {
		return nil
	}
	token := base64.RawURLEncoding.EncodeToString([]byte(after))
	return &token
}

func parseListToken(token *string) (after string, err error) {
	if token == nil {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(raw) == 0 {
		return "", invalid("The specified nextToken is invalid.")
	}
	return string(raw), nil
}
