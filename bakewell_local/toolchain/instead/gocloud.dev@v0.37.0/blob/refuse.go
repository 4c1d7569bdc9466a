package blob

import (
	"context"
	"fmt"
	"net/url"
)

// Refuse has every bucket of a scheme refused.
func Refuse(scheme string) {
	DefaultURLMux().RegisterBucket(scheme, refused{})
}

type refused struct{}

func (refused) OpenBucketURL(_ context.Context, u *url.URL) (*Bucket, error) {
	return nil, fmt.Errorf("this pulumi was built for Bakewell's local cloud without %s://: "+
		"put Pulumi's own release on PATH", u.Scheme)
}
