package eks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// requestOf tells two requests of one client token apart from two that are the
// same one sent again; it is "" without a token. What was made by a request
// keeps it, and answers the same request again as the first time.
func requestOf(token *string, in any) string {
	if aws.ToString(token) == "" {
		return ""
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return "" // an input that cannot be told apart is never the same
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
