package s3

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/hashicorp/go-getter/v2"
)

var errLeftOut = errors.New("this program was built for Bakewell without downloads from Amazon S3")

// Getter knows no URL as one of its own: none of Packer's builders here downloads a disk image.
type Getter struct {
	Timeout time.Duration
}

// Detect says that the URL is another getter's.
func (*Getter) Detect(*getter.Request) (bool, error) {
	return false, nil
}

// Mode returns an error.
func (*Getter) Mode(context.Context, *url.URL) (getter.Mode, error) {
	return 0, errLeftOut
}

// Get returns an error.
func (*Getter) Get(context.Context, *getter.Request) error {
	return errLeftOut
}

// GetFile returns an error.
func (*Getter) GetFile(context.Context, *getter.Request) error {
	return errLeftOut
}
