package secrets

import (
	"context"
	"fmt"
	"net/url"
)

// Refuse has every key of a scheme refused.
func Refuse(scheme string) {
	DefaultURLMux().RegisterKeeper(scheme, refused{})
}

type refused struct{}

func (refused) OpenKeeperURL(_ context.Context, u *url.URL) (*Keeper, error) {
	return nil, fmt.Errorf("this pulumi was built for Bakewell's local cloud without %s://: "+
		"put Pulumi's own release on PATH", u.Scheme)
}
