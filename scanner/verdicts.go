package scanner

import "samtykke/consent"

// verdict is one rule: what it is called, how bad it is, and its words.
type verdict struct {
	code        string
	severity    consent.Severity
	requirement string
	judge       judge
	titleDA     string
	titleEN     string
	adviceDA    string
	adviceEN    string
}

func (v *verdict) title() map[string]string {
	return map[string]string{"da": v.titleDA, "en": v.titleEN}
}

func (v *verdict) advice() map[string]string {
	return map[string]string{"da": v.adviceDA, "en": v.adviceEN}
}

// verdicts are tried in this order. A code never changes its meaning.
var verdicts = []verdict{
	{
		"cookie-before-consent", consent.Critical, "S1", beforeConsent(isCookie),
		"Der sættes cookies, som ikke er nødvendige, før den besøgende har svaret.",
		"Cookies that are not necessary are set before the visitor has answered.",
		"Mærk de scripts, der sætter dem, med deres kategori, så de først kører efter et ja. Cookies, som serveren selv sætter, må vente på samtykket i serverens kode.",
		"Mark the scripts that set them with their category, so that they only run after a yes. Cookies set by the server itself must wait for consent in the server's code.",
	},
	{
		"storage-before-consent", consent.Critical, "S2", beforeConsent(isStorage),
		"Der gemmes oplysninger i browserens lager, som ikke er nødvendige, før den besøgende har svaret.",
		"Data that is not necessary is kept in the browser's storage before the visitor has answered.",
		"Reglerne gælder al lagring, ikke kun cookies. Lad de scripts, der gemmer, vente på den kategori, de hører til.",
		"The rules cover all storage, not only cookies. Let the scripts that store wait for the category they belong to.",
	},
	{
		"thirdparty-request-before-consent", consent.Critical, "S3", requestBeforeConsent,
		"Siden henter indhold fra tredjeparter, før den besøgende har svaret.",
		"The page fetches from third parties before the visitor has answered.",
		"En forespørgsel fortæller tredjeparten, hvem der besøger hvilken side. Hold indholdet tilbage til efter et ja, eller læg det på sitets egen server.",
		"A request tells the third party who visits which page. Hold the content back until a yes, or serve it from the site's own server.",
	},
	{
		"set-after-reject", consent.Critical, "S4", afterReject,
		"Noget, som ikke er nødvendigt, var gemt eller i brug, efter at den besøgende havde afvist alt.",
		"Something that is not necessary was stored or in use after the visitor had refused everything.",
		"Find det script eller den serverkode, der er nævnt, og lad den respektere afvisningen, også på de næste sider.",
		"Find the script or the server code that is named, and make it respect the refusal, on the following pages too.",
	},
	{
		"still-active-after-withdraw", consent.Critical, "S5", afterWithdraw,
		"Noget, som ikke er nødvendigt, var stadig i brug, efter at samtykket var trukket tilbage.",
		"Something that is not necessary was still in use after consent had been withdrawn.",
		"En tilbagetrækning skal virke med det samme: Stop scripts i kategorien, og slet sitets egne cookies og lagrede oplysninger i den.",
		"A withdrawal must work at once: stop the category's scripts, and delete the site's own cookies and stored data in it.",
	},
	{
		"undeclared", consent.High, "S6", undeclared,
		"Der gemmes noget, som ikke står i cookiedeklarationen.",
		"Something is stored that the cookie declaration doesn't list.",
		"Tilføj det til deklarationen med formål, udbyder og varighed, eller fjern det, der sætter det.",
		"Add it to the declaration with purpose, provider and lifetime, or remove what sets it.",
	},
	{
		"declared-not-seen", consent.Low, "S7", declaredNotSeen,
		"Deklarationen nævner noget, som scanningen ikke så.",
		"The declaration lists something that the scan did not see.",
		"Scanningen ser kun de sider, den besøger. Fjern posten, hvis den ikke længere bruges noget sted.",
		"The scan only sees the pages it visits. Remove the entry if it is no longer used anywhere.",
	},
	{
		"unclassified", consent.High, "S8", unclassified,
		"Der gemmes noget, som ikke er klassificeret.",
		"Something is stored that is unclassified.",
		"Find ud af, hvad det bruges til, og giv det en kategori og et formål. Indtil da bør det være blokeret.",
		"Find out what it is for, and give it a category and a purpose. Until then it should be blocked.",
	},
	{
		"misclassified-necessary", consent.High, "S9", misclassified,
		"Noget er angivet som nødvendigt uden at være det, eller uden begrundelse.",
		"Something is declared necessary without being so, or without a reason.",
		"Nødvendigt er kun det, som den tjeneste, den besøgende har bedt om, ikke kan fungere uden. Skift kategori, eller skriv begrundelsen.",
		"Necessary is only what the service that the visitor asked for can't work without. Change the category, or write down the reason.",
	},
	{
		"lifetime-too-long", consent.Medium, "S10", tooLong,
		"Cookies varer længere end 13 måneder.",
		"Cookies last longer than 13 months.",
		"Sæt varigheden ned til det, formålet kræver.",
		"Shorten the lifetime to what the purpose needs.",
	},
	{
		"lifetime-mismatch", consent.Medium, "S11", lifetimeMismatch,
		"Noget gemmes længere, end deklarationen siger.",
		"Something is kept for longer than the declaration says.",
		"Ret varigheden i deklarationen, eller sæt den ned dér, hvor den bestemmes.",
		"Correct the lifetime in the declaration, or shorten it where it is set.",
	},
	{
		"no-banner", consent.Critical, "S13", noBanner,
		"Der blev ikke fundet et banner, selv om sitet bruger noget, som kræver samtykke.",
		"No banner was found, although the site uses something that needs consent.",
		"Sæt banneret på alle sider, og hold alt tilbage, som ikke er nødvendigt, indtil der er svaret ja.",
		"Put the banner on every page, and hold back everything that is not necessary until there is a yes.",
	},
	{
		"no-reject-first-layer", consent.Critical, "S14", noReject,
		"Ingen knap i bannerets første lag blev genkendt som en afvisning.",
		"No button in the banner's first layer was recognised as a refusal.",
		"Sæt en knap som “Afvis alle” ved siden af “Accepter alle”, lige så tydelig.",
		"Put a button such as “Reject all” next to “Accept all”, just as prominent.",
	},
	{
		"reprompt-after-reject", consent.Medium, "S24", reprompt,
		"Banneret spørger igen, efter at den besøgende har afvist.",
		"The banner asks again after the visitor has refused.",
		"Husk et nej lige så længe som et ja.",
		"Remember a no for as long as a yes.",
	},
	{
		"banner-missing-on-subpage", consent.High, "S26", missingOnSubpage,
		"Banneret mangler på nogle af siderne.",
		"The banner is missing on some of the pages.",
		"Besøgende kommer ind på alle sider, ikke kun forsiden. Sæt banneret i den skabelon, som alle sider bruger.",
		"Visitors arrive on any page, not only the front page. Put the banner in the template that all pages use.",
	},
	{
		"insecure-cookie", consent.Low, "S30", insecure,
		"Cookies sættes uden Secure eller SameSite.",
		"Cookies are set without Secure or SameSite.",
		"Sæt begge egenskaber, så cookien kun sendes krypteret og ikke følger med fra andre sites uden grund.",
		"Set both attributes, so that the cookie is only sent encrypted and does not come along from other sites without need.",
	},
}
