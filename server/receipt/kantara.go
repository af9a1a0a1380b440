package receipt

import (
	"strings"

	"samtykke/consent"
)

// VersionKantara names the specification that KantaraReceipt is shaped after.
const VersionKantara = "KI-CR-v1.1.0"

// KantaraReceipt is a receipt as Kantara's Consent Receipt Specification 1.1.0 shapes it. Fields that the specification
// requires are always there, empty where the notice doesn't hold what they ask for.
type KantaraReceipt struct {
	Version          string              `json:"version"`
	Jurisdiction     string              `json:"jurisdiction"`
	ConsentTimestamp int64               `json:"consentTimestamp"` // seconds since 1970 UTC
	CollectionMethod string              `json:"collectionMethod"`
	ReceiptID        string              `json:"consentReceiptID"`
	Language         string              `json:"language"`
	Principal        string              `json:"piiPrincipalId"`
	Controllers      []KantaraController `json:"piiControllers"`
	PolicyURL        string              `json:"policyUrl"` // the version that was in effect
	Services         []KantaraService    `json:"services"`
	Sensitive        bool                `json:"sensitive"`
	SensitiveKinds   []string            `json:"spiCat"`
}

// KantaraController is who answers for the processing.
type KantaraController struct {
	Name     string         `json:"piiController"`
	OnBehalf bool           `json:"onBehalf"`
	Contact  string         `json:"contact"`
	Address  KantaraAddress `json:"address"`
	Email    string         `json:"email"`
	Phone    string         `json:"phone"`
	URL      string         `json:"piiControllerUrl,omitempty"`
}

// KantaraAddress is a postal address. A notice has it in one piece.
type KantaraAddress struct {
	Street  string `json:"streetAddress"`
	Country string `json:"addressCountry,omitempty"`
}

// KantaraService is the website with what was granted to it: nothing, after a refusal or a withdrawal.
type KantaraService struct {
	Service  string           `json:"service"`
	Purposes []KantaraPurpose `json:"purposes"`
}

// KantaraPurpose is a category that was granted.
type KantaraPurpose struct {
	Purpose     string   `json:"purpose"`
	Categories  []string `json:"purposeCategory"`
	ConsentType string   `json:"consentType"`
	PII         []string `json:"piiCategory"`
	Primary     bool     `json:"primaryPurpose"`
	Termination string   `json:"termination"`
	Disclosure  bool     `json:"thirdPartyDisclosure"`
	ThirdParty  string   `json:"thirdPartyName,omitempty"`
}

// kantaraPurposes are the specification's words for the optional categories.
var kantaraPurposes = map[consent.Category]string{
	consent.Preferences: "Personalize Experience", consent.Statistics: "Improve Performance", consent.Marketing: "Marketing",
}

// Kantara writes the record in the shape of Kantara's Consent Receipt Specification 1.1.0.
func Kantara(s Source) KantaraReceipt {
	c := s.Notice.Content.Controller
	controller := KantaraController{
		Name: s.controllerName(), Contact: firstOf(c.DPO, c.Email, c.Phone), Address: KantaraAddress{Street: c.Address},
		Email: c.Email, Phone: c.Phone, URL: s.Notice.Content.Homepage,
	}
	if c.CVR != "" {
		controller.Address.Country = jurisdiction // the register is Danish
	}
	service := KantaraService{Service: s.Notice.Content.SiteName, Purposes: []KantaraPurpose{}}
	for _, g := range s.grants() {
		var names []string
		for _, i := range g.Providers {
			names = append(names, i.Provider)
		}
		service.Purposes = append(service.Purposes, KantaraPurpose{
			Purpose: g.Name + ": " + g.Purpose, Categories: []string{kantaraPurposes[g.Category.Category]}, ConsentType: "EXPLICIT",
			PII: []string{"Network/Service"}, Termination: moment(s.Record.ValidUntil) + ". " + s.texts().Hint,
			Disclosure: len(names) > 0, ThirdParty: strings.Join(names, ", "),
		})
	}
	return KantaraReceipt{
		Version: VersionKantara, Jurisdiction: jurisdiction, ConsentTimestamp: s.Record.At.Unix(), CollectionMethod: s.collected(),
		ReceiptID: s.Record.ID.String(), Language: s.Record.Language, Principal: s.Record.Visitor.String(),
		Controllers: []KantaraController{controller}, PolicyURL: s.notice().URL, Services: []KantaraService{service},
		SensitiveKinds: []string{},
	}
}
