package receipt

import (
	"slices"
	"strconv"
	"time"

	"samtykke/consent"
)

// Schema27560 names the specification that Record27560 is shaped after. A successor is in preparation, so that every
// record says which one it follows.
const Schema27560 = "ISO/IEC TS 27560:2023"

// Record27560 is a record of consent in the four sections of ISO/IEC TS 27560:2023. Texts are in the language in which
// the visitor was asked.
type Record27560 struct {
	Header     Header27560     `json:"header"`
	Processing Processing27560 `json:"processing"`
	Parties    []Party27560    `json:"parties"`
	Events     []Event27560    `json:"events"`
}

// Header27560 names the record.
type Header27560 struct {
	SchemaVersion string `json:"schema_version"`
	RecordID      string `json:"record_id"`
	Principal     string `json:"pii_principal_id"`
}

// Processing27560 says what was asked and allowed. Its storage, retention and PII are those of the record of consent
// itself, which is kept whatever the answer was; those of what was allowed are with each purpose.
type Processing27560 struct {
	PrivacyNotice    Notice          `json:"privacy_notice"`
	Language         string          `json:"language"`
	NoticeText       Texts           `json:"notice_text"` // what was shown, also of what was refused
	Service          string          `json:"service"`
	CollectionMethod string          `json:"collection_method"`
	Purposes         []Purpose27560  `json:"purposes"` // only those that were granted
	PII              []PII27560      `json:"pii_information"`
	Controllers      []string        `json:"pii_controllers"` // of parties, as all that follow
	StorageLocations []string        `json:"storage_locations"`
	RetentionPeriod  string          `json:"retention_period"`
	Jurisdiction     string          `json:"jurisdiction"`
	Recipients       []string        `json:"recipient_third_parties"`
	Withdrawal       Withdrawal27560 `json:"withdrawal_method"`
}

// Withdrawal27560 says how to withdraw, in the words that the visitor was shown, and where else.
type Withdrawal27560 struct {
	Description string `json:"description"`
	URL         string `json:"url"`
}

// Purpose27560 is a category that was granted.
type Purpose27560 struct {
	Purpose          string           `json:"purpose"`
	Description      string           `json:"purpose_description"`
	Type             consent.Category `json:"purpose_type"`
	LawfulBasis      string           `json:"lawful_basis"`
	PII              []PII27560       `json:"pii_information"`
	StorageLocations []string         `json:"storage_locations"`
	RetentionPeriod  string           `json:"retention_period"`
	Recipients       []string         `json:"recipient_third_parties"`
}

// PII27560 is a piece of information about the visitor.
type PII27560 struct {
	Type      string `json:"pii_type"`
	Attribute string `json:"pii_attribute_id,omitempty"`
}

// Party27560 is the controller or somebody who receives what was allowed. A notice doesn't have the addresses of third
// parties; where it declares the country, that is what is said.
type Party27560 struct {
	ID      string `json:"party_id"`
	Name    string `json:"party_name"`
	Role    string `json:"party_role"`
	Type    string `json:"party_type"`
	Address string `json:"party_address"`
	Contact string `json:"party_contact"`
	Email   string `json:"party_email,omitempty"`
	Phone   string `json:"party_phone,omitempty"`
	URL     string `json:"party_url,omitempty"`
	CVR     string `json:"party_cvr,omitempty"`
}

// Event27560 is what the visitor did about some categories: where a choice granted one and refused another, it is two.
type Event27560 struct {
	Time     string             `json:"event_time"`
	Validity string             `json:"validity_duration"`
	Entity   string             `json:"entity_id"`
	Type     string             `json:"event_type"`
	State    string             `json:"event_state"`
	Purposes []consent.Category `json:"purposes"`
	Except   []string           `json:"except,omitempty"` // single providers refused within them, as category/provider
	Action   consent.Action     `json:"action"`
	Method   consent.Method     `json:"method"`
}

// The states of consent that an act can lead to.
const (
	Given     = "given"
	Refused   = "refused"
	Withdrawn = "withdrawn"
)

const (
	controllerID = "controller"
	onDevice     = "terminal equipment of the pii principal" // where cookies are
	identifier   = "online identifier"
	organisation = "organisation"
	lawfulBasis  = "consent: Danish Cookie Order § 3, GDPR art. 6(1)(a)"
)

// TS27560 writes the record in the shape of ISO/IEC TS 27560:2023.
func TS27560(s Source) Record27560 {
	grants, texts := s.grants(), s.texts()
	parties := s.parties(grants)
	p := Processing27560{
		PrivacyNotice: s.notice(), Language: s.Record.Language, NoticeText: texts, Service: s.Notice.Content.SiteName, CollectionMethod: s.collected(),
		Purposes: []Purpose27560{}, PII: []PII27560{{identifier, "pii_principal_id"}}, Controllers: []string{controllerID},
		StorageLocations: []string{s.issuer()}, RetentionPeriod: moment(s.KeptUntil), Jurisdiction: jurisdiction,
		Recipients: []string{}, Withdrawal: Withdrawal27560{texts.Hint, s.declaration(0)},
	}
	for _, party := range parties[1:] {
		p.Recipients = append(p.Recipients, party.ID)
	}
	for _, g := range grants {
		p.Purposes = append(p.Purposes, s.purpose27560(g, parties))
	}
	return Record27560{
		Header:     Header27560{Schema27560, s.Record.ID.String(), s.Record.Visitor.String()},
		Processing: p, Parties: parties, Events: s.events(),
	}
}

// parties lists the controller first, then each third party once.
func (s *Source) parties(grants []grant) []Party27560 {
	c := s.Notice.Content.Controller
	all := []Party27560{{
		ID: controllerID, Name: s.controllerName(), Role: "pii controller", Type: organisation, Address: c.Address,
		Contact: firstOf(c.DPO, c.Email, c.Phone), Email: c.Email, Phone: c.Phone, URL: s.Notice.Content.Homepage, CVR: c.CVR,
	}}
	for _, g := range grants {
		for _, i := range g.Providers {
			if partyID(all, i.Provider) == "" {
				id := "third-party-" + strconv.Itoa(len(all))
				all = append(all, Party27560{ID: id, Name: i.Provider, Role: "third party", Type: organisation, Address: i.Country})
			}
		}
	}
	return all
}

// partyID finds a third party.
func partyID(parties []Party27560, name string) string {
	for _, p := range parties[1:] {
		if p.Name == name {
			return p.ID
		}
	}
	return ""
}

func (s *Source) purpose27560(g grant, parties []Party27560) Purpose27560 {
	p := Purpose27560{
		Purpose: g.Name, Description: g.Purpose, Type: g.Category.Category,
		LawfulBasis: lawfulBasis, PII: []PII27560{}, StorageLocations: []string{onDevice}, RetentionPeriod: s.retention(g.Items), Recipients: []string{},
	}
	for _, i := range g.Items {
		p.PII = append(p.PII, PII27560{identifier, string(i.Kind) + " " + i.Name})
		if i.Country != "" && !slices.Contains(p.StorageLocations, i.Country) {
			p.StorageLocations = append(p.StorageLocations, i.Country)
		}
	}
	if len(p.PII) == 0 {
		p.PII = append(p.PII, PII27560{Type: identifier})
	}
	for _, i := range g.Providers {
		p.Recipients = append(p.Recipients, partyID(parties, i.Provider))
	}
	return p
}

// retention is the longest of the declared lifetimes. Where nothing is declared, the consent's own end is the only limit
// that is known.
func (s *Source) retention(items []consent.Item) string {
	longest := time.Duration(0)
	for _, i := range items {
		if i.Lifetime == consent.Persistent {
			return "until removed"
		}
		longest = max(longest, i.Lifetime)
	}
	switch {
	case len(items) == 0:
		return duration(s.Record.ValidUntil.Sub(s.Record.At))
	case longest == 0:
		return "session"
	}
	return duration(longest)
}

// events splits the act by what became of the categories.
func (s *Source) events() []Event27560 {
	r := &s.Record
	kind := "explicit"
	switch r.Method {
	case consent.BySignal:
		kind = "signal"
	case consent.ByImport:
		kind = "import"
	}
	refused := Refused
	if r.Action == consent.Withdraw {
		refused = Withdrawn
	}
	var out []Event27560
	add := func(state string, categories consent.Set, except []string) {
		if categories != 0 {
			out = append(out, Event27560{
				Time: moment(r.At), Validity: duration(r.ValidUntil.Sub(r.At)), Entity: r.Visitor.String(), Type: kind, State: state,
				Purposes: categories.List(), Except: except, Action: r.Action, Method: r.Method,
			})
		}
	}
	add(Given, r.Categories.Given, r.Refused)
	add(refused, r.Categories.Asked&^r.Categories.Given, nil)
	return out
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
