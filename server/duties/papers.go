package duties

import (
	"time"

	"samtykke/consent"
)

// Paper is a finished paper in one language.
type Paper struct {
	Name     string // which paper it is, as in All
	Title    string
	Language string
	Version  int       // of the words: what was accepted is named by it
	Date     time.Time // of the version
	HTML     string    // a complete document: prints well, has no script and loads nothing
	Text     string    // the same words
	Sections []Section // the same once more, in parts
}

// Section is a part of a paper under a heading of its own. Its ID is the same in every language.
type Section struct{ ID, Heading, Text string }

// Kind is one of the papers. Its version is raised whenever its words change, which a test watches.
type Kind struct {
	Name    string // stable, fit for an address
	Version int
	Date    time.Time
	Make    func(Data, string) (Paper, error)
}

// All lists the papers in the order in which one meets them.
func All() []Kind {
	return []Kind{
		{"agreement", 1, day(2026, 11, 22), ProcessingAgreement},
		{"measures", 1, day(2026, 11, 22), Measures},
		{"subprocessors", 1, day(2026, 11, 22), SubProcessorRegister},
		{"controller-record", 1, day(2026, 11, 22), ControllerRecord},
		{"processor-record", 1, day(2026, 11, 22), ProcessorRecord},
		{"breach", 1, day(2026, 11, 22), BreachNotice},
		{"authority", 1, day(2026, 11, 22), AuthorityProcedure},
		{"deletion", 1, day(2026, 11, 22), DeletionCertificate},
	}
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// ProcessingAgreement is the agreement between controller and processor (GDPR art. 28(3)) with its annexes (P1).
func ProcessingAgreement(d Data, language string) (Paper, error) {
	return write("agreement", d, language)
}

// Measures is what the product does for security, and what the operator must do (GDPR art. 32; P14).
func Measures(d Data, language string) (Paper, error) { return write("measures", d, language) }

// SubProcessorRegister lists the sub-processors and how changes are announced (GDPR art. 28(2); P5).
func SubProcessorRegister(d Data, language string) (Paper, error) {
	return write("subprocessors", d, language)
}

// ControllerRecord is a draft of the controller's record of this processing (GDPR art. 30(1); P10).
func ControllerRecord(d Data, language string) (Paper, error) {
	return write("controller-record", d, language)
}

// ProcessorRecord is the processor's record of what it does for this controller (GDPR art. 30(2); P10).
func ProcessorRecord(d Data, language string) (Paper, error) {
	return write("processor-record", d, language)
}

// BreachNotice is the form by which the processor tells the controller of a breach (GDPR art. 33(2); P7).
func BreachNotice(d Data, language string) (Paper, error) { return write("breach", d, language) }

// AuthorityProcedure is what to do when an authority asks for data (P8).
func AuthorityProcedure(d Data, language string) (Paper, error) {
	return write("authority", d, language)
}

// DeletionCertificate certifies what Data.Deletion tells (GDPR art. 28(3)(g); P9, T8).
func DeletionCertificate(d Data, language string) (Paper, error) {
	if d.Deletion == nil || d.Deletion.At.IsZero() || d.Deletion.By == "" || len(d.Deletion.Items) == 0 {
		return Paper{}, consent.Invalid("no_deletion", "A certificate of deletion says what was deleted, when and by whom.")
	}
	return write("deletion", d, language)
}
