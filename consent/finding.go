package consent

// Severity orders findings.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

// Severities lists the severities, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

// AtLeast says whether s is as bad as limit or worse. An unknown severity is never.
func (s Severity) AtLeast(limit Severity) bool {
	a, b := s.rank(), limit.rank()
	return a >= 0 && b >= 0 && a <= b
}

func (s Severity) rank() int {
	for i, k := range Severities() {
		if k == s {
			return i
		}
	}
	return -1
}

// Finding is something that a scan saw and that the owner should look at. It is evidence, never a verdict on
// lawfulness.
type Finding struct {
	Code        string            `json:"code"` // stable, such as cookie-before-consent
	Severity    Severity          `json:"severity"`
	Requirement string            `json:"requirement"` // the rule it comes from, such as S1
	Title       map[string]string `json:"title"`       // language, one sentence: what was seen
	Advice      map[string]string `json:"advice"`      // language, what to do
	Evidence    []string          `json:"evidence"`    // where: state, page, name, host
}
