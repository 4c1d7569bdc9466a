// Package azureblob refuses every URL.
package azureblob

import "gocloud.dev/blob"

// Scheme is that of its URLs.
const Scheme = "azblob"

func init() {
	blob.Refuse(Scheme)
}
