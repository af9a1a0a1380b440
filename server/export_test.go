package server

import "slices"

// What tests see of the inside.
var (
	CheckPassword = checkPassword
	LocalPath     = localPath
	Merged        = merged
	WriteCSV      = writeCSV
)

// LoginBurst is how many attempts are answered at once.
const LoginBurst = loginBurst

// Addresses lists the server's routes as "METHOD /pattern".
func (s *Server) Addresses() []string {
	var list []string
	for _, r := range s.echo.Routes() {
		list = append(list, r.Method+" "+r.Path)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// EmailBurst is the same for one e-mail from everywhere.
const EmailBurst = emailBurst
