// Package gcsblob refuses every URL.
package gcsblob

import "gocloud.dev/blob"

// Scheme is that of its URLs.
const Scheme = "gs"

func init() {
	blob.Refuse(Scheme)
}
