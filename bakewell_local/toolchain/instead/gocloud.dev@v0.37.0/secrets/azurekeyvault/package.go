// Package azurekeyvault refuses every URL.
package azurekeyvault

import "gocloud.dev/secrets"

// Scheme is that of its URLs.
const Scheme = "azurekeyvault"

func init() {
	secrets.Refuse(Scheme)
}
