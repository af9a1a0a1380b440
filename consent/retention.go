package consent

import "time"

// Retention says how many months a site's acts are kept (T1): what granted something after it ended, refusals after they
// were made. Zero is the default: KeepConsent and KeepRefusal.
type Retention struct {
	Consent int `json:"consent,omitzero"`
	Refusal int `json:"refusal,omitzero"`
}

// The fewest and the most months that acts may be kept.
const (
	MinKeep = 1
	MaxKeep = 60
)

// Months puts the defaults in.
func (r Retention) Months() Retention {
	if r.Consent == 0 {
		r.Consent = KeepConsent
	}
	if r.Refusal == 0 {
		r.Refusal = KeepRefusal
	}
	return r
}

// AtMost is the shorter of two promises in each respect.
func (r Retention) AtMost(other Retention) Retention {
	r, other = r.Months(), other.Months()
	return Retention{min(r.Consent, other.Consent), min(r.Refusal, other.Refusal)}
}

// Until is when an act is deleted, as far as the act itself tells. A newer act of the same visitor may let it stay longer:
// one that was made after the consent had expired, or a consent that a refusal ended (docs/retention.md).
func (r Retention) Until(act *Record) time.Time {
	r = r.Months()
	if act.Categories.Given == 0 {
		return act.At.AddDate(0, r.Refusal, 0)
	}
	return act.ValidUntil.AddDate(0, r.Consent, 0)
}

func (r Retention) check(f *fields) {
	r = r.Months()
	f.add(r.Consent < MinKeep || r.Consent > MaxKeep, "retention.consent", "Choose between 1 and 60 months.")
	f.add(r.Refusal < MinKeep || r.Refusal > MaxKeep, "retention.refusal", "Choose between 1 and 60 months.")
}

// ReviewEvery is how often somebody should look at the months, the texts and the providers again.
const ReviewEvery = 12 // months

// ReviewDue says since when a review is due: a year after the last one, or after the site was made.
func (s *Site) ReviewDue() time.Time {
	last := s.Reviewed
	if last.IsZero() {
		last = s.CreatedAt
	}
	return last.AddDate(0, ReviewEvery, 0)
}
