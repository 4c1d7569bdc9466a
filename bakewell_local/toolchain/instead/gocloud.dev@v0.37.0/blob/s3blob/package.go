// Package s3blob refuses every URL.
package s3blob

import "gocloud.dev/blob"

// Scheme is that of its URLs.
const Scheme = "s3"

func init() {
	blob.Refuse(Scheme)
}
