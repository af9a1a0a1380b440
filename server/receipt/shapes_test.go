package receipt

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"samtykke/consent"
)

// object is v as its JSON says.
func object(t *testing.T, v any) map[string]any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// wants complains of names that an object lacks, or that are empty and may not be.
func wants(t *testing.T, what string, object any, names ...string) {
	t.Helper()
	m, _ := object.(map[string]any)
	for _, n := range names {
		if v, ok := m[n]; !ok || v == nil || v == "" {
			t.Errorf("%s lacks %s: %v", what, n, m)
		}
	}
}

// R12: the mandatory fields of ISO/IEC TS 27560:2023 are there after every kind of answer.
func TestTS27560_HasTheMandatoryFields(t *testing.T) {
	for name, change := range acts {
		r := object(t, TS27560(source(t, change)))
		wants(t, name, r, "header", "processing", "parties", "events")
		wants(t, name+" header", r["header"], "schema_version", "record_id", "pii_principal_id")
		p := r["processing"].(map[string]any)
		wants(t, name+" processing", p, "privacy_notice", "language", "notice_text", "purposes", "pii_information", "pii_controllers",
			"storage_locations", "retention_period", "jurisdiction", "recipient_third_parties", "withdrawal_method")
		wants(t, name+" notice", p["privacy_notice"], "version", "url", "hash")
		wants(t, name+" withdrawal", p["withdrawal_method"], "description", "url")
		for _, purpose := range p["purposes"].([]any) {
			wants(t, name+" purpose", purpose, "purpose", "purpose_description", "purpose_type", "lawful_basis", "pii_information", "storage_locations", "retention_period", "recipient_third_parties")
		}
		for _, party := range r["parties"].([]any) {
			wants(t, name+" party", party, "party_id", "party_name", "party_role", "party_type", "party_address")
		}
		events := r["events"].([]any)
		if len(events) == 0 {
			t.Errorf("%s: no event", name)
		}
		for _, e := range events {
			wants(t, name+" event", e, "event_time", "validity_duration", "entity_id", "event_type", "event_state", "purposes")
		}
	}
}

// R2, R10: yes, no and withdrawal are told apart, category by category.
func TestTS27560_Events(t *testing.T) {
	type event struct {
		state      string
		categories []consent.Category
	}
	for name, want := range map[string][]event{
		"accept":     {{Given, []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing}}},
		"custom":     {{Given, []consent.Category{consent.Statistics, consent.Marketing}}, {Refused, []consent.Category{consent.Preferences}}},
		"refusal":    {{Refused, []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing}}},
		"withdrawal": {{Withdrawn, []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing}}},
	} {
		got := TS27560(source(t, acts[name])).Events
		if !slices.EqualFunc(got, want, func(g Event27560, w event) bool { return g.State == w.state && slices.Equal(g.Purposes, w.categories) }) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Nobody who was refused is named as a recipient, and nothing that was refused as a purpose.
func TestShapes_NameOnlyWhatWasGranted(t *testing.T) {
	r := TS27560(source(t))
	var names []string
	for _, p := range r.Parties {
		names = append(names, p.Name)
	}
	if want := []string{"Fjord & Fletværk ApS", "Tællelys A/S", "Filmvæg GmbH"}; !slices.Equal(names, want) {
		t.Errorf("parties %q, want %q", names, want)
	}
	if len(r.Processing.Purposes) != 2 || r.Processing.Purposes[1].Type != consent.Marketing || len(r.Processing.Purposes[1].PII) != 2 {
		t.Errorf("purposes %+v", r.Processing.Purposes)
	}
	for _, name := range []string{"refusal", "withdrawal"} {
		s := source(t, acts[name])
		if r := TS27560(s); len(r.Processing.Purposes) != 0 || len(r.Processing.Recipients) != 0 || len(r.Parties) != 1 {
			t.Errorf("%s: %+v", name, r)
		}
		if k := Kantara(s); len(k.Services) != 1 || len(k.Services[0].Purposes) != 0 {
			t.Errorf("%s: %+v", name, k)
		}
	}
}

// R12: the fields that Kantara 1.1.0 requires are there after every kind of answer.
func TestKantara_HasTheRequiredFields(t *testing.T) {
	for name, change := range acts {
		k := object(t, Kantara(source(t, change)))
		wants(t, name, k, "version", "jurisdiction", "consentTimestamp", "collectionMethod", "consentReceiptID", "language",
			"piiPrincipalId", "piiControllers", "policyUrl", "services", "sensitive", "spiCat")
		wants(t, name+" controller", k["piiControllers"].([]any)[0], "piiController", "contact", "address", "email", "phone", "onBehalf")
		service := k["services"].([]any)[0].(map[string]any)
		for _, p := range service["purposes"].([]any) {
			wants(t, name+" purpose", p, "purpose", "purposeCategory", "consentType", "piiCategory", "primaryPurpose", "termination", "thirdPartyDisclosure")
		}
		if k["consentTimestamp"] != float64(at.Unix()) {
			t.Errorf("%s: not in seconds: %v", name, k["consentTimestamp"])
		}
	}
}

// How the consent was obtained is said of every method, in both languages.
func TestShapes_KnowEveryMethod(t *testing.T) {
	for lang, words := range collectedBy {
		for _, m := range consent.Methods {
			if words[m] == "" {
				t.Errorf("%s lacks %s", lang, m)
			}
		}
	}
	s := source(t, func(r *consent.Record) { r.Language = "de" })
	if got := Kantara(s).CollectionMethod; got != collectedBy["en"][consent.ByDialog] {
		t.Errorf("in a language without words of its own: %q", got)
	}
}

func TestTS27560_Durations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		365 * 24 * time.Hour: "P365D", 90 * time.Minute: "PT5400S", 1500 * time.Millisecond: "PT1.5S",
	} {
		if got := duration(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
	s := source(t)
	item := func(d ...time.Duration) (items []consent.Item) {
		for _, l := range d {
			items = append(items, consent.Item{Lifetime: l})
		}
		return items
	}
	for want, items := range map[string][]consent.Item{
		"P365D": nil, "session": item(0, 0), "P2D": item(0, 48*time.Hour), "until removed": item(48*time.Hour, consent.Persistent),
	} {
		if got := s.retention(items); got != want {
			t.Errorf("kept %q, want %q", got, want)
		}
	}
}
