package eks

import (
	_ "embed"

	"github.com/neargate/neargate/apiwire"
)

//go:embed routes.txt
var routes string

// Routes are the paths of all operations that AWS has, for apiwire.RESTJSON.
func Routes() []apiwire.Route {
	list, err := apiwire.ParseRoutes(routes)
	if err != nil {
		panic(err) // the text is part of the program
	}
	return list
}
