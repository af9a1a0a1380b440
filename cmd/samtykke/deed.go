package main

import (
	"time"

	"samtykke/consent"
)

// deed begins the entry of the audit log about what a command does.
func deed(what, site string) consent.Deed {
	return consent.NewDeed(time.Now(), consent.ByCLI, what, site)
}
