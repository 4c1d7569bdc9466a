// Package gcpkms refuses every URL.
package gcpkms

import (
	"context"
	"net/url"

	"gocloud.dev/secrets"
)

// Scheme is that of its URLs.
const Scheme = "gcpkms"

func init() {
	secrets.Refuse(Scheme)
}

// URLOpener opens nothing.
type URLOpener struct {
	Client any
}

// Dial connects to nothing.
func Dial(context.Context, any) (client any, done func(), err error) {
	return nil, func() {}, nil
}

// OpenKeeperURL returns an error.
func (*URLOpener) OpenKeeperURL(ctx context.Context, u *url.URL) (*secrets.Keeper, error) {
	return secrets.OpenKeeper(ctx, u.String())
}
